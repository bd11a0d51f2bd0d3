"""Manners and progress, with a clock that the test winds."""

import pytest

from jwstmq_widgets.downloads import Manners
from jwstmq_widgets.downloads.pace import Pace
from jwstmq_widgets.downloads.progress import Meter, Running


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def running(name: str = "a", size: int = 100, done: int = 0) -> Running:
    return Running(uri=name, name=name, size=size, bytes_done=done)


def test_waits_double_up_to_the_longest() -> None:
    manners = Manners(backoff=1.0, longest_backoff=10.0)
    assert [manners.delay(failures, chance=lambda: 1.0) for failures in range(1, 7)] == [1, 2, 4, 8, 10, 10]


def test_waits_differ_by_chance_up_to_a_half() -> None:
    assert Manners(backoff=1.0).delay(1, chance=lambda: 0.0) == 0.5


def test_a_push_back_halves_the_connections_and_good_answers_bring_them_back() -> None:
    pace = Pace(8, clock=Clock())
    pace.pushed_back(None)
    assert pace.limit == 4
    for _ in range(200):
        pace.good()
    assert pace.limit == 8


def test_push_backs_of_one_moment_count_once() -> None:
    clock = Clock()
    pace = Pace(8, clock=clock)
    for _ in range(8):
        pace.pushed_back(None)
    assert pace.limit == 4
    clock.now += 5
    for _ in range(8):
        pace.pushed_back(None)
        clock.now += 5
    assert pace.limit == 1


def test_retry_after_keeps_everyone_quiet() -> None:
    clock = Clock()
    pace = Pace(4, clock=clock)
    pace.pushed_back(30.0)
    pace.pushed_back(10.0)
    assert pace.quiet_until == clock.now + 30


def test_rate_and_time_left_follow_the_last_seconds() -> None:
    clock = Clock()
    meter, file = Meter(files_total=1, bytes_total=1000, clock=clock), running(size=1000)
    meter.start(file)
    for _ in range(100):
        clock.now += 0.1
        file.bytes_done += 5
        now = meter.snapshot([file])
    assert now.rate == pytest.approx(50, rel=0.02)
    assert now.seconds_left == pytest.approx(10, rel=0.03)
    assert str(now) == " 50%  0 of 1 files · 500 B of 1.0 kB · 50 B/s · 10 s left"


def test_bytes_that_were_here_before_do_not_make_it_fast() -> None:
    clock = Clock()
    meter = Meter(files_total=1, bytes_total=1000, clock=clock)
    file = Running(uri="a", name="a", size=1000, kept=900, bytes_done=900)
    meter.start(file)
    clock.now += 1
    now = meter.snapshot([file])
    assert (now.bytes_done, now.rate) == (900, 0)


def test_time_left_is_unknown_before_the_first_byte() -> None:
    clock = Clock()
    meter = Meter(files_total=1, bytes_total=1000, clock=clock)
    clock.now += 1
    assert meter.snapshot([running()]).seconds_left is None


def test_progress_does_not_fall_when_a_file_starts_over() -> None:
    meter, file = Meter(files_total=1, bytes_total=100, clock=Clock()), running(done=80)
    meter.start(file)
    assert meter.snapshot([file]).bytes_done == 80
    file.bytes_done = 0
    assert meter.snapshot([file]).bytes_done == 80


def test_a_size_that_the_catalogue_left_out_counts_once_known() -> None:
    meter, file = Meter(files_total=2, bytes_total=100, clock=Clock()), running(size=-1, done=50)
    meter.start(file)
    meter.finish(file, 50, -1)
    now = meter.snapshot([])
    assert (now.bytes_done, now.bytes_total, now.finished) == (50, 150, ("a",))


def test_all_failed_is_no_time_left() -> None:
    clock = Clock()
    meter, file = Meter(files_total=1, bytes_total=100, clock=clock), running()
    meter.start(file)
    meter.fail(file, "gone", 100)
    clock.now += 1
    now = meter.snapshot([])
    assert (now.seconds_left, now.files_failed, now.failed) == (0.0, 1, (("a", "gone"),))
