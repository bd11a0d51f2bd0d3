"""Jobs of a Universal Worker Service (UWS 1.1): their phases, their owner, their results on disk."""

import contextlib
import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jwstmq_widgets.localarchive.adql import AdqlError
from jwstmq_widgets.localarchive.holdings.taptables import Upload

__all__ = [
    "ACTIVE",
    "DURATION",
    "KEPT",
    "LONGEST_DURATION",
    "Job",
    "Jobs",
    "NotYours",
    "Unknown",
    "Written",
    "WrongPhase",
    "instant",
]

_log = logging.getLogger(__name__)

ACTIVE = frozenset({"PENDING", "QUEUED", "EXECUTING"})
"""Phases that a job will leave."""
KEPT = timedelta(days=3)
"""How long the jobs of anonymous users are kept, as astroquery's documentation says."""
DURATION = 600.0
"""Seconds that a job may run if nothing else is said."""
LONGEST_DURATION = 86_400.0
"""Seconds that a job may be allowed to run."""
_KEPT_FOR_USERS = timedelta(days=365)
_MOST = 500
_AT_ONCE = 2


class Unknown(LookupError):
    """There is no such job."""


class NotYours(PermissionError):
    """The job is another user's."""


class WrongPhase(ValueError):
    """The job's phase does not allow it."""


@dataclass(slots=True, kw_only=True)
class Job:
    """A query that runs by itself. What changes it holds the lock of its `Jobs`."""

    job_id: str
    """Name in addresses."""
    owner: str
    """User; "" for nobody in particular."""
    parameters: dict[str, str]
    """What was asked, by lower-case name."""
    uploads: dict[str, Upload] = field(default_factory=dict)
    """Tables that came with it."""
    name: str = ""
    """What its owner calls it."""
    run_id: str = ""
    """What a client calls it (UWS 1.1, 2.1.3)."""
    phase: str = "PENDING"
    """PENDING, QUEUED, EXECUTING, COMPLETED, ERROR or ABORTED."""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When it was made."""
    started: datetime | None = None
    """When it began to run."""
    ended: datetime | None = None
    """When it ended, however."""
    duration: float = DURATION
    """Seconds that it may run."""
    destruction: datetime | None = None
    """When it is forgotten, with its results."""
    error: str = ""
    """What went wrong."""
    result: Path | None = None
    """File with the result as it is sent."""
    media_type: str = ""
    """Of the result."""
    zipped: bool = False
    """Whether the result is compressed with gzip."""
    file_name: str = ""
    """Name under which the result is sent."""
    extra: float = 0.0
    """Seconds that it takes besides, as a fault says."""
    cancel: threading.Event = field(default_factory=threading.Event)
    """Set to end it."""
    moved: Future[None] = field(default_factory=Future)
    """Done when the phase changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A result that was written."""

    media_type: str
    """Its media type."""
    zipped: bool
    """Whether it is compressed with gzip."""
    file_name: str
    """What to call the file."""


Work = Callable[[Job, Path], Written]


class Jobs:
    """All jobs, and the threads that run them.

    Parameters
    ----------
    work
        Runs a job's query and writes its result to a file; called in a thread.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self._lock = threading.RLock()
        self._jobs: dict[str, Job] = {}
        self._last = 0
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="jobs")
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def close(self) -> None:
        """End all jobs and remove their results."""
        with self._lock:
            for job in self._jobs.values():
                job.cancel.set()
            self._threads.shutdown(wait=False, cancel_futures=True)
            if self._folder is not None:
                self._folder.cleanup()

    def create(self, owner: str, parameters: Mapping[str, str], *, uploads: Mapping[str, Upload]) -> Job:
        """Make a job, PENDING."""
        with self._lock:
            self._forget_old()
            # As ESA's ids: milliseconds and a letter; one more where two come in the same one.
            self._last = max(self._last + 1, time.time_ns() // 1_000_000)
            job = Job(job_id=f"{self._last}I", owner=owner, parameters=dict(parameters), uploads=dict(uploads))
            job.destruction = job.created + (_KEPT_FOR_USERS if owner else KEPT)
            job.name, job.run_id = parameters.get("jobname", ""), parameters.get("runid", "")
            self._jobs[job.job_id] = job
            return job

    def get(self, job_id: str, owner: str) -> Job:
        """Give a job to whoever may see it: its owner; anybody where it has none.

        Raises
        ------
        Unknown
            If there is none of that id.
        NotYours
            If it belongs to somebody else.
        """
        with self._lock:
            self._forget_old()
            job = self._jobs.get(job_id)
            if job is None:
                raise Unknown(f"there is no job {job_id[:100]!r}")
            if job.owner and job.owner != owner:
                raise NotYours(f"the job {job_id} belongs to another user")
            return job

    def of(self, owner: str) -> list[Job]:
        """List the jobs of a user, or those of nobody; the newest last."""
        with self._lock:
            self._forget_old()
            return [job for job in self._jobs.values() if job.owner == owner]

    def run(self, job: Job) -> None:
        """Queue a job.

        Raises
        ------
        WrongPhase
            If it was run, or aborted, before.
        """
        with self.changing(job, "PENDING"):
            self._move(job, "QUEUED")
        self._threads.submit(self._run, job)

    def abort(self, job: Job) -> None:
        """End a job; nothing happens to one that has ended."""
        with self._lock:
            if job.phase in ACTIVE:
                job.cancel.set()
                self._move(job, "ABORTED")

    def remove(self, job: Job) -> None:
        """End a job, and forget it with its result."""
        with self._lock:
            self.abort(job)
            self._jobs.pop(job.job_id, None)
            if job.result is not None:
                job.result.unlink(missing_ok=True)

    @contextlib.contextmanager
    def changing(self, job: Job, *phases: str) -> Iterator[Job]:
        """Hold the lock while a job is changed.

        Raises
        ------
        WrongPhase
            If it is in none of these phases.
        """
        with self._lock:
            if phases and job.phase not in phases:
                raise WrongPhase(f"the job {job.job_id} is {job.phase}, not {' or '.join(phases)}")
            yield job

    def _run(self, job: Job) -> None:
        with self._lock:
            if job.phase != "QUEUED":
                return
            self._move(job, "EXECUTING")
            if self._folder is None:
                self._folder = tempfile.TemporaryDirectory(prefix="jwstmq-jobs-", ignore_cleanup_errors=True)
            path = Path(self._folder.name) / job.job_id
        # UWS 1.1, 2.1.5: beyond its duration a job is aborted; 0 is without limit.
        limit = threading.Timer(job.duration, self.abort, [job]) if job.duration > 0 else None
        if limit is not None:
            limit.daemon = True
            limit.start()
        try:
            if job.extra and job.cancel.wait(job.extra):
                return
            written = self._work(job, path)
        except Exception as err:  # noqa: BLE001  # whatever is wrong inside, the job ends with ERROR
            if not isinstance(err, AdqlError):
                _log.exception("a job failed")
            with self._lock:
                if job.phase == "EXECUTING":
                    job.error = str(err) if isinstance(err, AdqlError) else "the local archive has a fault of its own"
                    self._move(job, "ERROR")
            path.unlink(missing_ok=True)
            return
        finally:
            if limit is not None:
                limit.cancel()
        with self._lock:
            if job.phase != "EXECUTING" or job.job_id not in self._jobs:
                path.unlink(missing_ok=True)
                return
            job.result, job.media_type = path, written.media_type
            job.zipped, job.file_name = written.zipped, written.file_name
            self._move(job, "COMPLETED")

    def _move(self, job: Job, phase: str) -> None:
        now = datetime.now(UTC)
        job.phase = phase
        if phase == "EXECUTING":
            job.started = now
        elif phase not in ACTIVE:
            job.ended = now
            job.uploads = {}
        moved, job.moved = job.moved, Future()
        moved.set_result(None)

    def _forget_old(self) -> None:
        now = datetime.now(UTC)
        for job in [job for job in self._jobs.values() if job.destruction and job.destruction <= now]:
            self.remove(job)
        ended = [job for job in self._jobs.values() if job.phase not in ACTIVE]
        for job in ended[: max(0, len(self._jobs) - _MOST)]:
            self.remove(job)


def instant(when: datetime) -> str:
    """Write a time as UWS does: ISO 8601 in UTC, to the millisecond, with a Z."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"
