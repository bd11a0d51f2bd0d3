"""The files of one download, as its workers share them."""

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from jwstmq_widgets.downloads.addresses import Addresses
from jwstmq_widgets.downloads.control import Control, Valve
from jwstmq_widgets.downloads.files.part import Busy
from jwstmq_widgets.downloads.files.quick import Quick
from jwstmq_widgets.downloads.files.smallfiles import Errand, SmallFiles
from jwstmq_widgets.downloads.files.transfer import BUFFER, Outcome, Transfer
from jwstmq_widgets.downloads.files.trial import Trial
from jwstmq_widgets.downloads.hands import Hands, Line, OwnHands, make_folder
from jwstmq_widgets.downloads.http.connection import Lane
from jwstmq_widgets.downloads.ledger import Entry, Ledger, Status
from jwstmq_widgets.downloads.outcomes import CANCELLED, Outcomes
from jwstmq_widgets.downloads.pace import Manners, Pace
from jwstmq_widgets.downloads.plans.decision import Plan, PlanItem
from jwstmq_widgets.downloads.progress import DownloadProgress, tell
from jwstmq_widgets.downloads.waiting import Waiting
from jwstmq_widgets.errors import Cancelled, DownloadError, Incomplete, Mismatch, Refused, Unreachable

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["Batch"]

_REDRAW_EVERY = 0.1
_CANCEL_WITHIN = 0.7
_BUSY_AGAIN = 0.2
_HELP_EVERY = 0.25
_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_PUSH_BACK = frozenset({429, 503})
_log = logging.getLogger(__name__)


class Batch:
    """The files of one download, shared by its workers under one lock.

    Parameters
    ----------
    plan
        What to do.
    archive
        Where the products are.
    moving
        Which of the plan's items are to be moved, in the order in which they begin.
    ledger
        Where it is written down.
    manners
        Time limits and retries.
    workers
        Connections at the most.
    hands
        Who moves the files; this process when left out.
    control
        Pauses, continues and cancels it.
    limit_rate
        Bytes a second at the most; for this process's own hands.
    addresses
        Addresses of the products, for the manifest.
    """

    def __init__(
        self,
        plan: Plan,
        archive: "Archive",
        moving: list[int],
        ledger: Ledger,
        manners: Manners,
        workers: int,
        hands: Hands | None = None,
        control: Control | None = None,
        limit_rate: float | None = None,
        addresses: Addresses | None = None,
    ) -> None:
        addresses = addresses or Addresses(archive, ())
        self._plan, self._manners = plan, manners
        self._outcomes = Outcomes(plan, moving, addresses, ledger)
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._waiting = Waiting(moving)
        self._trials: dict[int, Trial] = {}
        self._active: dict[int, Trial] = {}
        self._folders: set[Path] = set()
        self._quickly: dict[int, Errand] = {}
        self._ending: set[int] = set()  # small files that have come, and get their names now
        self._pace = Pace(workers)
        self._answered = 0.0
        self._stopping = False
        self._closed = False
        self._over = threading.Event()
        self._control = control or Control()
        self._helping = 0
        self._hands: Hands = hands or OwnHands(
            archive, planned_at=plan.made, manners=manners, valve=Valve(limit_rate, self._control)
        )
        self._quick = Quick(self, manners) if self._hands.plain else None
        self._small = SmallFiles(plan, addresses, self._make_folder)
        self._lanes = [self._hands.lane() for _ in range(self._most_lanes(workers))]
        self._alive = len(self._lanes)

    @property
    def moved(self) -> int:
        """Bytes that came, in all tries of the files that are done."""
        return self._outcomes.moved

    def _most_lanes(self, workers: int) -> int:
        """Give how many lines are of use: one a file, more where a file is large enough for several."""
        sizes = self._outcomes.sizes
        large = any(size >= self._manners.split_from or size < 0 for size in sizes)
        return workers if large else min(workers, len(sizes))

    def run(
        self, progress: Callable[[DownloadProgress], None] | None, cancel: threading.Event | None
    ) -> Mapping[int, Entry]:
        """Move the files.

        Parameters
        ----------
        progress
            Called from this thread, at most ten times a second, and once at the end.
        cancel
            Set it to stop within a second.

        Returns
        -------
        Mapping
            Index in the plan to what happened, for each file to be moved.
        """
        for number, lane in enumerate(self._lanes):
            # Daemons: one that hangs in a name look-up must not keep Python from ending.
            threading.Thread(target=self._work, args=(lane,), name=f"download-{number}", daemon=True).start()
        deadline = float("inf")
        try:
            while True:
                wanted = self._control.cancelled or (cancel is not None and cancel.is_set())
                if wanted and not self._stopping:
                    self._stop()
                    deadline = time.monotonic() + _CANCEL_WITHIN
                if self._over.wait(_REDRAW_EVERY) or time.monotonic() > deadline:
                    break
                if progress is not None and not tell(progress, self._snapshot()):
                    progress = None
        except BaseException:
            self._stop()
            self._over.wait(_CANCEL_WITHIN)
            raise
        finally:
            with self._changed:
                self._closed = True
        if progress is not None:
            tell(progress, self._snapshot())
        return self._outcomes.all()

    def _snapshot(self) -> DownloadProgress:
        with self._changed:
            active = (trial.transfer.running for trial in self._active.values())
            now = self._outcomes.snapshot([*active, *self._quickly.values()])
        return replace(now, paused=True, rate=0.0, seconds_left=None) if self._control.paused else now

    def _stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._waiting.clear()
            self._changed.notify_all()
        for lane in self._lanes:
            lane.close()

    def _work(self, lane: Line) -> None:
        buffer = memoryview(bytearray(BUFFER))
        try:
            while (task := self._take()) is not None:
                if isinstance(task, Transfer):
                    self._help(task, lane, buffer)
                    continue
                try:
                    left = self._carry_quickly(task, lane)
                except Exception:  # noqa: BLE001  (the log shows it; a file that nobody carries is waited for for ever)
                    _log.exception("small file %s goes the plain way", self._plan.items[task].name)
                    left = self._carry_plainly(task)
                if left is not None:
                    self._carry(left, lane, buffer)
        finally:
            lane.finish()
            with self._changed:
                self._alive -= 1
                if not self._alive:
                    self._over.set()
                    if self._quick is not None:
                        self._quick.end()

    def _take(self) -> int | Transfer | None:
        """Wait for the next file that may be tried, or be helped with; None when there will be none."""
        with self._changed:
            while True:
                left = self._waiting or self._active or self._quickly or self._ending
                if (self._stopping and not self._ending) or not left:
                    self._changed.notify_all()
                    return None
                if self._stopping:
                    self._changed.wait()
                    continue
                if self._control.paused:
                    self._changed.wait(_REDRAW_EVERY)
                    continue
                wait: float | None = None
                if self._busy >= self._pace.limit:
                    pass
                elif not self._waiting:
                    wait = _HELP_EVERY if len(self._lanes) > len(self._active) else None
                    helped = next((one for one in self._split_now() if one.wants_help), None)
                    if helped is not None and self._pace.quiet_until <= time.monotonic():
                        self._helping += 1
                        return helped
                else:
                    now = time.monotonic()
                    wait = max(self._pace.quiet_until - now, self._waiting.seconds(now))
                    if wait <= 0:
                        index = self._waiting.take(now)
                        self._active[index] = self._trial(index)
                        return index
                self._changed.wait(wait)

    @property
    def _busy(self) -> int:
        """How many connections are in use."""
        return len(self._active) + len(self._quickly) + self._helping

    def _carry_quickly(self, index: int, lane: Line) -> int | None:
        """Bring a small file and those that follow it over a connection that is open; gives one that is left."""
        with self._changed:
            errand, fresh = None, self._waiting.fresh
            first_try = not self._active[index].tries and index in self._small
            if first_try and self._quick is not None and fresh and fresh[0] in self._small:
                errand = self._small.errand(index)
            if errand is None:
                return index
            self._trials[index] = self._active.pop(index)
            self._quickly[index] = errand
        assert self._quick is not None  # noqa: S101  (for type checkers)
        left = self._quick.ride(cast(Lane, lane), errand)
        return None if left is None else self._carry_plainly(left.index)

    def _carry_plainly(self, index: int) -> int:
        """Have a worker bring a small file itself; gives it."""
        with self._changed:
            self._quickly.pop(index, None)
            if index not in self._active:
                self._active[index] = self._trial(index)
        return index

    def next_small(self, came: Errand | None) -> Errand | None:
        """See `Taker`."""
        with self._lock:  # entering it by the condition takes four times as long, a thousandth of a tiny file's time
            if came is not None:
                del self._quickly[came.index]
                self._trials.pop(came.index, None)
                self._ending.add(came.index)
            if self._stopping or self._control.paused or self._busy >= self._pace.limit:
                return None
            waiting = self._waiting
            if not waiting.fresh:
                return None
            if self._pace.quiet_until or waiting.some_again:
                now = time.monotonic()
                if self._pace.quiet_until > now or waiting.due(now):
                    return None
            errand = self._small.errand(waiting.fresh[0])
            if errand is not None:
                waiting.fresh.popleft()
                self._quickly[errand.index] = errand
            return errand

    def brought(self, files: Sequence[Errand]) -> None:
        """See `Taker`."""
        entries = [self._small.entry(errand) for errand in files]
        self._outcomes.write_down(*entries)
        with self._changed:
            self._ending.difference_update(errand.index for errand in files)
            self._changed.notify_all()
            if self._closed:
                return
            for errand, entry in zip(files, entries, strict=True):
                self._outcomes.brought(errand.index, entry, errand, moved=entry.size, promised=entry.size)
            self._pace.good(len(files))
            self._answered = time.monotonic()

    def not_kept(self, errand: Errand) -> None:
        """See `Taker`."""
        with self._changed:
            self._quickly.pop(errand.index, None)
            self._ending.discard(errand.index)
            self._small.leave_out(errand.index)
            if not self._stopping:
                self._waiting.again(errand.index, time.monotonic())
            self._changed.notify_all()

    def resting(self) -> bool:
        """See `Taker`."""
        return self._control.paused and not self._stopping

    def over(self) -> bool:
        """See `Taker`."""
        return self._closed

    def _split_now(self) -> Iterator[Transfer]:
        carriers = (trial.transfer for trial in self._active.values())
        return (carrier for carrier in carriers if isinstance(carrier, Transfer))

    def _help(self, transfer: Transfer, lane: Line, buffer: memoryview) -> None:
        """Bring some of a large file that another worker is at; its own worker brings what this one leaves."""
        try:
            transfer.help(cast(Lane, lane), buffer)
        except (Unreachable, Refused, Incomplete, Mismatch, DownloadError, Cancelled, OSError) as error:
            _log.info("%s: no help with it: %s", transfer.item.name, error)
            if isinstance(error, Refused) and error.status in _PUSH_BACK:
                with self._changed:
                    self._pace.pushed_back(error.retry_after)
        finally:
            with self._changed:
                self._helping -= 1
                self._changed.notify_all()

    def _trial(self, index: int) -> Trial:
        trial = self._trials.pop(index, None)
        if trial is None:
            trial = Trial(self._hands.transfer(self._plan.items[index]))
            self._outcomes.begin(trial.transfer.running)
        return trial

    def _carry(self, index: int, lane: Line, buffer: memoryview) -> None:
        trial = self._active[index]
        began = time.monotonic()
        item = trial.transfer.item
        try:
            if self._hands.at_home:
                self._make_folder(item.folder)
            outcome = trial.transfer.attempt(lane, buffer)
        except Busy:
            self._again(index, _BUSY_AGAIN)
        except Cancelled:
            self._settle(index, "CANCELLED", CANCELLED)
        except (Unreachable, Refused, Incomplete, Mismatch) as error:
            trial.seconds += time.monotonic() - began
            self._failed(index, trial, error)
        except DownloadError as error:
            self._answer_came()
            self._settle(index, "ERROR", str(error))
        except OSError as error:
            self._disk_failed(index, item, error)
        except Exception as error:  # noqa: BLE001  (a batch never ends for one file; the row and the log show it)
            _log.exception("%s failed unexpectedly", item.name)
            self._settle(index, "ERROR", f"{item.name}: {type(error).__name__}: {error}; please report it")
        else:
            trial.seconds += time.monotonic() - began
            self._succeeded(index, trial, outcome)

    def _make_folder(self, folder: Path) -> None:
        if folder in self._folders:
            return
        make_folder(folder, self._plan.folder)
        self._folders.add(folder)

    def _succeeded(self, index: int, trial: Trial, outcome: Outcome) -> None:
        entry, transfer = self._outcomes.of_success(trial, outcome), trial.transfer
        self._outcomes.write_down(entry)
        with self._changed:
            if self._closed:
                return
            self._active.pop(index)
            promised = transfer.item.size
            self._outcomes.brought(index, entry, transfer.running, moved=transfer.moved, promised=promised)
            self._pace.good()
            self._answered = time.monotonic()
            self._changed.notify_all()

    def _failed(self, index: int, trial: Trial, error: Unreachable | Refused | Incomplete | Mismatch) -> None:
        now = time.monotonic()
        trial.failed(error, now)
        wait = None
        with self._changed:
            if trial.answered(error):
                self._answered = now
            if isinstance(error, Refused) and error.status in _PUSH_BACK:
                if error.retry_after is not None:
                    wait = min(error.retry_after, self._manners.longest_retry_after)
                self._pace.pushed_back(wait)
            silent = isinstance(error, Unreachable) and self._answered < trial.first_failure
        if self._stopping:
            self._settle(index, "CANCELLED", CANCELLED)
        elif trial.hopeless(self._manners):
            self._settle(index, "ERROR", str(error))
            if silent:
                self._halt(f"not tried: {error}")
        else:
            _log.info("%s: %s", trial.transfer.item.name, error)
            self._again(index, max(wait or 0.0, self._manners.delay(trial.failures)))

    def _disk_failed(self, index: int, item: PlanItem, error: OSError) -> None:
        if error.errno in _FULL:
            self._settle(index, "ERROR", f"the disk is full; free some space in {self._plan.folder}, then try again")
            self._halt("not tried: the disk is full; free some space, then try again")
        elif isinstance(error, FileNotFoundError) and self._active[index].tries == 0:
            self._active[index].tries = 1  # somebody removed the folder: make it again, once
            self._folders.discard(item.folder)
            self._again(index, 0.0)
        else:
            why = error.strerror or type(error).__name__
            self._settle(index, "ERROR", f"{item.path} cannot be written ({why}); check the destination")

    def _again(self, index: int, delay: float) -> None:
        with self._changed:
            trial = self._active.pop(index, None)
            if trial is not None and not self._stopping:
                self._trials[index] = trial
                self._waiting.again(index, time.monotonic() + delay)
            self._changed.notify_all()

    def _answer_came(self) -> None:
        with self._changed:
            self._answered = time.monotonic()

    def _settle(self, index: int, status: Status, message: str) -> None:
        """Have a file end without success."""
        entry = self._outcomes.of_failure(index, status, message)
        with self._changed:
            if self._closed:
                return
            self._outcomes.given_up(index, entry, self._active.pop(index).transfer.running)
            self._changed.notify_all()
        if status == "ERROR":
            self._outcomes.write_down(entry)

    def _halt(self, message: str) -> None:
        """Have every file that has not begun end without success."""
        entries = []
        with self._changed:
            for index in self._waiting.clear():
                trial = self._trials.pop(index, None) or self._trial(index)
                entries.append(self._outcomes.of_failure(index, "ERROR", message))
                self._outcomes.given_up(index, entries[-1], trial.transfer.running)
            self._changed.notify_all()
        for entry in entries:  # of which there may be a million
            self._outcomes.write_down(entry)
