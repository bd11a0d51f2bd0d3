"""Long work of an exploration: one thread each, with progress, cancel, and an end that is always told."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Literal

from jwstmq_widgets.errors import Cancelled, JwstmqError
from jwstmq_widgets.exploration.memory import give_back_large_blocks

__all__ = ["Job", "Jobs", "Problem"]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """How far one piece of long work is."""

    name: str
    """Which work: open, login, search, look, download."""
    state: Literal["running", "done", "failed", "cancelled"] = "running"
    """How it stands."""
    text: str = ""
    """What is happening, in a few words."""
    fraction: float | None = None
    """Part done, 0 to 1; None where it cannot be told."""
    detail: Any = None
    """The work's own account of its progress, such as a DownloadProgress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why something failed, for the user."""

    text: str
    """One sentence: what was wrong, with which value, what to do next."""
    error: BaseException
    """The error itself."""

    @classmethod
    def of(cls, error: BaseException) -> "Problem":
        """Put an error in words.

        Parameters
        ----------
        error
            Ours says what to do next; of any other the type is told too.

        Returns
        -------
        Problem
        """
        text = str(error) if isinstance(error, JwstmqError) else f"unexpected {type(error).__name__}: {error}"
        return cls(text=text, error=error)


class Jobs:
    """Runs work beside the caller, at most one piece of each name.

    Parameters
    ----------
    changed
        Called with the mapping of all jobs, by name, whenever one changes; from any thread, so that of two calls the
        later one may have the older mapping: `present` is always the newest. It must not raise.
    failed
        Called with the name and the problem when work fails.
    """

    def __init__(self, *, changed: Callable[[Mapping[str, Job]], None], failed: Callable[[str, Problem], None]) -> None:
        give_back_large_blocks()
        self._changed = changed
        self._failed = failed
        self._state = threading.Condition(threading.RLock())
        self._jobs: dict[str, Job] = {}
        self._running: dict[str, Run] = {}
        self._ending: set[Run] = set()

    @property
    def present(self) -> Mapping[str, Job]:
        """All jobs, by name, as they are now."""
        with self._state:
            return MappingProxyType(self._jobs)

    def start(self, name: str, work: Callable[["Run"], None], *, text: str = "") -> "Run":
        """Start work on a thread; work of the same name that still runs is cancelled.

        Parameters
        ----------
        name
            Which work.
        work
            Called with its `Run`.
        text
            What is happening, in a few words.

        Returns
        -------
        Run
        """
        run = Run(self, name)
        with self._state:
            previous = self._running.pop(name, None)
            self._running[name] = run
            self._jobs = {**self._jobs, name: Job(name=name, text=text)}
            jobs = MappingProxyType(self._jobs)
        if previous:
            previous.cancel.set()
        self._changed(jobs)
        try:
            threading.Thread(target=self._work, args=(run, work), name=f"jwstmq-{name}", daemon=True).start()
        except RuntimeError as error:  # the machine gives no more threads: a job like any other that fails
            self._fail(run, error)
        return run

    def cancel(self, name: str) -> None:
        """Ask running work to end; it ends as "cancelled".

        Parameters
        ----------
        name
            Which work; nothing happens when it does not run.
        """
        with self._state:
            run = self._running.get(name)
        if run:
            run.cancel.set()

    def running(self, name: str) -> bool:
        """Tell whether work of a name runs."""
        with self._state:
            return name in self._running

    def wait(self, timeout: float | None = None, *, name: str = "") -> bool:
        """Wait until nothing runs, and its end is told.

        Parameters
        ----------
        timeout
            Seconds to wait at most; None for ever.
        name
            Which work; "" for all.

        Returns
        -------
        bool
            True if nothing runs any more.
        """

        def ended() -> bool:
            return all(name not in {"", run.name} for run in (*self._running.values(), *self._ending))

        with self._state:
            return self._state.wait_for(ended, timeout)

    def close(self) -> None:
        """Cancel everything."""
        with self._state:
            runs = list(self._running.values())
        for run in runs:
            run.cancel.set()

    def _work(self, run: "Run", work: Callable[["Run"], None]) -> None:
        try:
            work(run)
        except Cancelled:
            self._end(run, state="cancelled", text="cancelled")
        except BaseException as error:  # noqa: BLE001  (a thread's failure would be lost: it is told as a problem)
            self._fail(run, error)
        else:
            cancelled = run.cancel.is_set()
            self._end(
                run,
                **({"state": "cancelled", "text": "cancelled"} if cancelled else {"state": "done", "fraction": 1.0}),
            )

    def _fail(self, run: "Run", error: BaseException) -> None:
        if run.current:
            if not isinstance(error, JwstmqError):
                _logger.error("%s failed", run.name, exc_info=error)
            self._failed(run.name, Problem.of(error))
        self._end(run, state="failed", text="")

    def _end(self, run: "Run", **end: Any) -> None:
        """Tell how a run ended; whoever hears of it may start the next one of that name at once."""
        with self._state:
            if self._running.get(run.name) is not run:
                return
            del self._running[run.name]
            self._ending.add(run)
            self._jobs = {**self._jobs, run.name: replace(self._jobs[run.name], **end)}
            jobs = MappingProxyType(self._jobs)
        try:
            self._changed(jobs)
        finally:
            with self._state:
                self._ending.discard(run)
                self._state.notify_all()

    def tell(self, run: "Run", **changes: Any) -> None:
        """Change a running job's account; nothing happens when the run was replaced."""
        with self._state:
            if not run.current:
                return
            self._jobs = {**self._jobs, run.name: replace(self._jobs[run.name], **changes)}
            jobs = MappingProxyType(self._jobs)
        self._changed(jobs)

    def is_current(self, run: "Run") -> bool:
        """Tell whether a run is still the one of its name."""
        with self._state:
            return self._running.get(run.name) is run


class Run:
    """One run of work, as the work sees it.

    Parameters
    ----------
    jobs
        Where it runs.
    name
        Which work.
    """

    def __init__(self, jobs: Jobs, name: str) -> None:
        self._jobs = jobs
        self.name = name
        self.cancel = threading.Event()

    @property
    def current(self) -> bool:
        """False once newer work of the same name has replaced this."""
        return self._jobs.is_current(self)

    def tell(self, **changes: Any) -> None:
        """Change ``text``, ``fraction`` or ``detail`` of the job's account."""
        self._jobs.tell(self, **changes)

    def check(self) -> None:
        """End here if the user cancelled, or newer work has begun.

        Raises
        ------
        Cancelled
        """
        if self.cancel.is_set() or not self.current:
            raise Cancelled("cancelled")
