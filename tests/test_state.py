import logging
import threading

import pytest
import traitlets

from jwstmq_widgets.exploration.state import State, value


class Counter(State):
    count = value(0, "A number.")
    half = value(0.0, "Half of it.")

    def put(self, count: int) -> None:
        self._put(count=count, half=count / 2)


def test_an_observer_sees_all_values_of_one_change_at_once() -> None:
    counter = Counter()
    seen: list[tuple[int, float]] = []
    counter.observe(lambda _: seen.append((counter.count, counter.half)), names=["count"])
    counter.put(4)
    assert seen == [(4, 2.0)]


def test_only_the_state_sets_its_values() -> None:
    with pytest.raises(traitlets.TraitError):
        Counter().count = 3


def test_a_failing_observer_ends_nothing_and_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    counter = Counter()
    seen: list[int] = []

    def fail(_: object) -> None:
        raise RuntimeError("a view broke")

    counter.observe(fail, names=["count"])
    counter.observe(lambda change: seen.append(change["new"]), names=["half"])
    with caplog.at_level(logging.ERROR):
        counter.put(2)
    assert seen == [1.0]
    assert "a view broke" in caplog.text


def test_observers_hear_changes_of_many_threads_one_after_the_other() -> None:
    counter = Counter()
    inside = threading.Lock()
    together: list[bool] = []
    heard: list[int] = []

    def observer(change: traitlets.Bunch) -> None:
        together.append(not inside.acquire(blocking=False))
        heard.append(change["new"])
        inside.release()

    counter.observe(observer, names=["count"])
    threads = [threading.Thread(target=counter.put, args=(number,)) for number in range(1, 40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(together)
    assert sorted(heard) == list(range(1, 40))


def test_an_observer_may_change_the_state_itself() -> None:
    counter = Counter()
    heard: list[int] = []
    counter.observe(lambda change: heard.append(change["new"]), names=["count"])
    counter.observe(lambda change: counter.put(10) if change["new"] == 1 else None, names=["count"])
    counter.put(1)
    assert heard == [1, 10]
