"""Lines to the archive that start from workers of a cluster, as home holds them."""

import errno
import logging
import threading
import time
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jwstmq_widgets import __version__
from jwstmq_widgets.downloads.cluster.remote import Errand, Pass, Place, Report
from jwstmq_widgets.downloads.files.part import Busy
from jwstmq_widgets.downloads.files.transfer import Outcome
from jwstmq_widgets.downloads.manifest import relative_path
from jwstmq_widgets.downloads.plans.decision import PlanItem
from jwstmq_widgets.downloads.progress import Running
from jwstmq_widgets.downloads.sources import TURNS, Sources
from jwstmq_widgets.errors import Cancelled, DownloadError, QueryError

if TYPE_CHECKING:
    from jwstmq_widgets.downloads.cluster import Crew

__all__ = ["FarLine", "FarTransfer"]

_LOOK_EVERY = 0.2
_TICK = 0.02
_HIRED_WITHIN, _HIRED_AGAIN_WITHIN = 2.0, 0.3
_CLOSED_WITHIN = 0.6
_FINISHED_WITHIN = 2.0
_MOST_LOSSES = 5
_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_GONE = (OSError, RuntimeError, KeyError, CancelledError)
_log = logging.getLogger(__name__)


class _Lost(Exception):
    """The worker does not answer any more."""


class FarTransfer:
    """Moves one file through whichever line it is given."""

    def __init__(self, crew: "Crew", item: PlanItem) -> None:
        kept = item.have if item.state == "resume" and crew.at_home else 0
        self.item = item
        self.sources = Sources(crew.archive, item)
        """The archives to ask for it."""
        self.running = Running(uri=item.uri, name=item.name, size=item.size, kept=kept, bytes_done=kept)
        self.moved = 0
        self._crew = crew
        self._losses = 0

    @property
    def url(self) -> str:
        """Address at the archive that is asked now; "" before the first try."""
        return self.sources.url

    def attempt(self, lane: "FarLine", _: memoryview) -> Outcome:
        """Try once to bring the file; raises as `Transfer.attempt` does."""
        self.sources.begin()
        while True:
            moved = self.moved
            try:
                self.sources.address()
            except TURNS as error:
                self.sources.turn(error, some_came=False)
                continue
            report = self._carried(lane)
            if report.outcome is not None:
                told = self.sources.told(report.outcome.message, report.outcome.size)
                return replace(report.outcome, message=told)
            failure = self._error(report, lane)
            if not isinstance(failure, TURNS):
                raise failure
            self.sources.turn(failure, some_came=self.moved > moved)

    def _carried(self, lane: "FarLine") -> Report:
        """Have one archive asked once."""
        place = relative_path(self.item, self._crew.plan.folder)
        try:
            report = lane.carry(self, place)
        except _Lost as error:
            self._losses += 1
            if self._losses >= _MOST_LOSSES:
                raise DownloadError(
                    f"{self.item.name}: {self._losses} workers were lost while they brought it; look at their logs"
                ) from error
            _log.warning("a worker was lost; %s goes to another", self.item.name)
            raise Busy from error
        self.running.bytes_done, self.running.size = report.beat.bytes_done, report.beat.size
        self.moved += report.moved
        if report.outcome is not None and lane.place is not None:
            self._crew.went(self.item.uri, lane.place, place)
        return report

    def _error(self, report: Report, lane: "FarLine") -> BaseException:
        error = report.failure.error() if report.failure else RuntimeError("the worker said nothing")
        if isinstance(error, Cancelled) and not lane.closed:  # it had not heard from us for too long
            lane.dismiss()
            return Busy()
        if isinstance(error, OSError) and error.errno in _FULL and lane.place and not lane.place.shared:
            self._crew.full(lane.address)
            lane.dismiss()
            return Busy()
        return error


class FarLine:
    """One line to the archive, that starts from a worker of the cluster."""

    def __init__(self, crew: "Crew", number: int) -> None:
        self.closed = False
        self.place: Place | None = None
        self.address = ""
        self._crew, self._number = crew, number
        self._future: Any = None
        self._server: Any = None
        self._waited = False

    def carry(self, transfer: FarTransfer, place: str) -> Report:
        """Have the worker try once to bring a file.

        Parameters
        ----------
        transfer
            The file; its counters are kept up to date.
        place
            Where it goes, from the destination downwards.

        Returns
        -------
        Report
            What came of it.

        Raises
        ------
        _Lost
            If the worker does not answer any more.
        Busy
            If no worker is free just now.
        DownloadError
            If the cluster is of no use.
        Cancelled
            If the line was closed.
        """
        self._check()
        if self._server is None:
            self._hire()
        sources = transfer.sources
        right = self._crew.archive.authorization(transfer.url)
        if right:
            try:
                self._crew.check_privacy(self.address)
            except QueryError as error:  # who logged in, or joined the cluster, since it began
                raise DownloadError(str(error)) from error
        errand = Errand(
            item=replace(transfer.item, size=sources.size),
            place=place,
            url=transfer.url,
            archive=sources.now.url,
            identity=sources.identity,
            account=sources.now.account,
            right=Pass(right, transfer.url),
        )
        try:
            return self._follow(errand, transfer.running)
        except Cancelled:
            raise
        except _GONE as error:
            self.dismiss()
            raise _Lost from error

    def close(self) -> None:
        """Have whatever waits for it fail soon with Cancelled."""
        self.closed = True

    def finish(self) -> None:
        """End it, from its user's own thread."""
        if self._server is not None:
            with suppress(*_GONE):
                self._server.finish().result(timeout=_FINISHED_WITHIN)
        self.dismiss()

    def dismiss(self) -> None:
        """Let its worker go."""
        future, self._future, self._server = self._future, None, None
        self._crew.lost(self._number)
        if future is not None:
            with suppress(*_GONE):
                future.cancel()  # releasing is not enough: the actor holds a future of its own

    def _check(self) -> None:
        if self.closed:
            raise Cancelled("cancelled")
        self._crew.check()

    def _await(self, future: Any, until: float) -> None:
        pause = threading.Event()
        self._check()
        while not future.done():
            if time.monotonic() > until:
                raise Busy
            pause.wait(_TICK)
            self._check()

    def _hire(self) -> None:
        # Who waits for a worker holds a file that another line could move: wait long once only.
        until = time.monotonic() + (_HIRED_AGAIN_WITHIN if self._waited else _HIRED_WITHIN)
        self._waited = True
        try:
            self._future = self._future or self._crew.engage()
            while True:
                self._await(self._future, until)
                try:
                    # A client gathers what several lines wait for in one request; a line that gave up waiting would
                    # cancel it for all (the others get an UnboundLocalError): only what is done is gathered.
                    with self._crew.client.as_current():  # else the actor would belong to the newest client
                        server = self._future.result(timeout=self._crew.silence)
                    place = server.place().result(timeout=self._crew.silence)
                    break
                except TimeoutError as error:
                    if time.monotonic() > until:
                        raise Busy from error
        except (Busy, Cancelled, DownloadError):
            raise
        except Exception as error:  # whatever a worker that cannot make the server says
            if isinstance(error, OSError) and error.errno in _FULL:
                raise
            self.dismiss()
            if not isinstance(error, _GONE) and type(error).__name__ != "KilledWorker":
                self._crew.refuse(_refusal(error))
                self._check()
            raise Busy from error
        if place.version != __version__:
            self._crew.refuse(
                f"worker {place.worker} has jwstmq_widgets {place.version} and here is {__version__}; install the same"
            )
            self._check()
        self._server, self.place, self.address, self._waited = server, place, str(server._address), False  # noqa: SLF001
        self._crew.hired(self._number)

    def _follow(self, errand: Errand, running: Running) -> Report:
        """Wait for a worker's report; show meanwhile how far it is, and that we are still here."""
        server, future = self._server, self._future
        pending, beat = server.attempt(errand), None
        heard, deadline = time.monotonic(), float("inf")
        while True:
            try:
                report: Report = pending.result(timeout=_LOOK_EVERY)
            except TimeoutError:
                now = time.monotonic()
            else:
                return report
            if self.closed and deadline == float("inf"):
                server.close()
                deadline = now + _CLOSED_WITHIN
            if now > deadline:
                raise Cancelled("cancelled")
            if now - heard > self._crew.silence:
                self._crew.silent(self.address)
                raise ConnectionError("the worker does not answer")
            if future.status != "finished":
                raise ConnectionError("the worker is gone")
            if beat is None:
                beat = server.beat(paused=self._crew.paused)
            elif beat.done():
                came = beat.result(timeout=_LOOK_EVERY)
                running.bytes_done, running.size = came.bytes_done, came.size
                heard, beat = now, server.beat(paused=self._crew.paused)


def _refusal(error: Exception) -> str:
    if isinstance(error, QueryError):
        return str(error)
    return (
        f"the workers cannot take part ({type(error).__name__}: {error}); install jwstmq_widgets {__version__} on them"
    )
