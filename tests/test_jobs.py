import sys
import threading
from collections.abc import Mapping

import pytest

from jwstmq_widgets.errors import Cancelled, QueryError
from jwstmq_widgets.exploration.jobs import Job, Jobs, Problem, Run

SOON = 10


class Watch:
    def __init__(self) -> None:
        self.jobs: Mapping[str, Job] = {}
        self.texts: list[str] = []
        self.problems: dict[str, Problem] = {}

    def changed(self, jobs: Mapping[str, Job]) -> None:
        self.jobs = jobs
        self.texts.extend(job.text for job in jobs.values())

    def failed(self, name: str, problem: Problem) -> None:
        self.problems[name] = problem


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def jobs(watch: Watch) -> Jobs:
    return Jobs(changed=watch.changed, failed=watch.failed)


def test_work_runs_beside_its_caller_and_tells_how_far_it_is(jobs: Jobs, watch: Watch) -> None:
    go = threading.Event()

    def work(run: Run) -> None:
        assert go.wait(SOON)
        run.tell(text="half", fraction=0.5)

    jobs.start("search", work, text="begins")
    assert watch.jobs["search"].state == "running"
    assert jobs.running("search")
    go.set()
    assert jobs.wait(SOON)
    assert watch.jobs["search"].state == "done"
    assert "half" in watch.texts


def test_cancelled_work_ends_as_cancelled(jobs: Jobs, watch: Watch) -> None:
    def work(run: Run) -> None:
        assert run.cancel.wait(SOON)
        run.check()

    jobs.start("search", work)
    jobs.cancel("search")
    assert jobs.wait(SOON)
    assert watch.jobs["search"].state == "cancelled"
    assert not watch.problems


def test_newer_work_replaces_older_and_the_older_is_not_heard_any_more(jobs: Jobs, watch: Watch) -> None:
    begun, ended = threading.Event(), threading.Event()

    def old(run: Run) -> None:
        begun.set()
        assert run.cancel.wait(SOON)
        run.tell(text="from the old")
        ended.set()
        raise QueryError("from the old")

    jobs.start("search", old)
    assert begun.wait(SOON)
    jobs.start("search", lambda run: run.tell(text="from the new") if ended.wait(SOON) else None)
    assert jobs.wait(SOON)
    assert watch.jobs["search"].text == "from the new"
    assert watch.jobs["search"].state == "done"
    assert "from the old" not in watch.texts
    assert not watch.problems


def test_a_failure_ends_as_a_problem_and_never_as_a_lost_thread(jobs: Jobs, watch: Watch) -> None:
    def work(run: Run) -> None:
        raise QueryError("program 'x' is not a number")

    jobs.start("search", work)
    assert jobs.wait(SOON)
    assert watch.jobs["search"].state == "failed"
    assert watch.problems["search"].text == "program 'x' is not a number"


def test_an_error_that_is_not_ours_says_its_type(jobs: Jobs, watch: Watch) -> None:
    def work(run: Run) -> None:
        raise ZeroDivisionError("division by zero")

    jobs.start("look", work)
    assert jobs.wait(SOON)
    assert watch.problems["look"].text == "unexpected ZeroDivisionError: division by zero"


def test_cancelling_what_does_not_run_does_nothing(jobs: Jobs) -> None:
    jobs.cancel("nothing")
    assert jobs.wait(0)


def test_a_run_that_was_replaced_ends_at_its_next_check(jobs: Jobs) -> None:
    seen: list[BaseException] = []
    go = threading.Event()

    def old(run: Run) -> None:
        assert go.wait(SOON)
        try:
            run.check()
        except Cancelled as error:
            seen.append(error)

    jobs.start("search", old)
    jobs.start("search", lambda _: go.set())
    assert jobs.wait(SOON)
    go.wait(SOON)
    for thread in threading.enumerate():
        if thread.name == "jwstmq-search":
            thread.join(SOON)
    assert len(seen) == 1


def test_what_would_end_a_thread_unseen_ends_as_a_problem(jobs: Jobs, watch: Watch) -> None:
    def work(run: Run) -> None:
        raise SystemExit(3)

    jobs.start("look", work)
    assert jobs.wait(SOON)
    assert watch.jobs["look"].state == "failed"
    assert "SystemExit" in watch.problems["look"].text


def test_a_thread_that_cannot_be_had_is_a_problem_and_nothing_waits(
    jobs: Jobs, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        jobs.start("look", lambda run: None)
    assert jobs.wait(SOON)
    assert watch.jobs["look"].state == "failed"
    assert "thread" in watch.problems["look"].text


def test_the_same_work_may_begin_again_as_soon_as_its_end_is_told() -> None:
    heard: list[tuple[str, bool]] = []

    def changed(now: Mapping[str, Job]) -> None:
        if now["look"].state == "done":
            heard.append((now["look"].state, jobs.running("look")))

    jobs = Jobs(changed=changed, failed=lambda name, problem: None)
    jobs.start("look", lambda run: None)
    assert jobs.wait(SOON)
    assert heard == [("done", False)]


def test_the_jobs_at_present_are_never_older_than_what_was_told(jobs: Jobs, watch: Watch) -> None:
    names = [f"work {number}" for number in range(20)]
    for name in names:
        jobs.start(name, lambda run: run.tell(text="half"))
    assert jobs.wait(SOON)
    assert {name: jobs.present[name].state for name in names} == dict.fromkeys(names, "done")


def test_what_a_replaced_run_tells_last_does_not_take_the_place_of_the_new_ones_end(jobs: Jobs) -> None:
    def old(run: Run) -> None:
        while not run.cancel.is_set():
            run.tell(text="old")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads change places between any two steps
    try:
        for _ in range(100):
            jobs.start("count", old)
            jobs.start("count", lambda run: None)
            assert jobs.wait(SOON)
            for thread in threading.enumerate():
                if thread.name == "jwstmq-count":
                    thread.join(SOON)
            assert jobs.present["count"].state == "done"
    finally:
        sys.setswitchinterval(interval)
