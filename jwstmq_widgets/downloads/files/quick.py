"""Small files, one after the other over connections that are open already, all by one thread.

A thread for each connection is right for large files, where the kernel does the work. Of a tiny one the interpreter
does most, and threads only wait for it in turns. Here one thread asks for the next file as soon as the answer before is
read, then writes it. Whatever is not as plain as can be (another status, another length, a redirect, a broken
connection, a file that is there) is left to `Transfer`: the connection goes back with all that came of its answer.
"""

import hashlib
import logging
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Protocol

from jwstmq_widgets.downloads.files.checks import check_structure
from jwstmq_widgets.downloads.files.freshpart import FreshPart
from jwstmq_widgets.downloads.files.ride import Ride
from jwstmq_widgets.downloads.files.smallfiles import Errand
from jwstmq_widgets.downloads.http.connection import Lane
from jwstmq_widgets.downloads.pace import Manners
from jwstmq_widgets.errors import Mismatch

__all__ = ["Quick", "Taker"]

_SCRATCH = 256 * 1024
_LONGEST = 1.0  # seconds after which a file is not quick any more
_LOOK_EVERY = 0.1
_TOGETHER = 32  # files that the ledger gets in one write
_SYNCED_TOGETHER = 8  # files that one thread syncs
_TOGETHER_WITHIN = 0.02
_AT_ONCE = 0.001  # seconds that a request waits for others to go out with it
_SYNCING = 4  # a disk writes what several threads wait for in one go
_MOST_UNSYNCED = 16  # groups
_log = logging.getLogger(__name__)


class Taker(Protocol):
    """Who shares the files out, and hears what became of them; from any thread."""

    def next_small(self, came: Errand | None) -> Errand | None:
        """Note that a file has come, and give the next, where it is small and may be asked for now."""

    def brought(self, files: Sequence[Errand]) -> None:
        """Note that files have their names."""

    def not_kept(self, errand: Errand) -> None:
        """Note that a file that had come could not be written."""

    def resting(self) -> bool:
        """Whether nothing is to be read now."""

    def over(self) -> bool:
        """Whether no file is to get its name any more: nobody would hear of it."""


class Quick:
    """Brings small files over connections that are lent to it.

    Parameters
    ----------
    taker
        Shares the files out.
    manners
        Whether bytes must be on the disk before a file gets its name; what is checked; time limits.
    """

    def __init__(self, taker: Taker, manners: Manners) -> None:
        self._taker, self._manners = taker, manners
        self._checksums = manners.verify == "checksum"
        self._longest = min(_LONGEST, manners.stall_timeout / 2)
        self._lock = threading.Lock()
        self._coming: list[Ride] = []
        self._rides: dict[int, Ride] = {}
        self._bell: socket.socket | None = None
        self._scratch = bytearray(_SCRATCH)
        self._whole: list[tuple[Errand, bytes]] = []
        self._brought: list[Errand] = []
        self._to_sync: SimpleQueue[list[Errand] | None] = SimpleQueue()
        self._room = threading.Semaphore(_MOST_UNSYNCED)
        self._together = _SYNCED_TOGETHER if manners.fsync else _TOGETHER
        self._syncing, self._most_syncing = 0, _SYNCING
        self._ended = False

    def ride(self, lane: Lane, errand: Errand) -> Errand | None:
        """Bring a file, and others after it, over a worker's connection; the worker waits.

        Parameters
        ----------
        lane
            The worker's connections.
        errand
            The first file.

        Returns
        -------
        Errand or None
            A file that the worker has to bring itself: its answer may be on its way already.
        """
        sock = lane.lend(errand.url)
        if sock is None:
            return errand
        ride = Ride(lane, sock, errand)
        sock.settimeout(0)
        with self._lock:
            if not self._ended and self._bell is None:
                self._begin()
            if self._ended or self._bell is None:
                lane.take_back(errand.url)
                return errand
            self._coming.append(ride)
            with suppress(OSError):  # it ends just now, and lets go of whatever is coming
                self._bell.send(b"!")
        ride.over.wait()
        left = ride.errand
        if left is not None and ride.asked:
            lane.take_back(errand.url, left.url, bytes(ride.came))
        else:
            lane.take_back(errand.url)
        return left

    def end(self) -> None:
        """Stop; no connection is lent any more."""
        with self._lock:
            self._ended = True
            if self._bell is not None:
                self._bell.close()
        for _ in range(self._syncing):
            self._to_sync.put(None)

    def _begin(self) -> None:
        hears, bell = socket.socketpair()
        hears.setblocking(False)
        selector = selectors.DefaultSelector()
        selector.register(hears, selectors.EVENT_READ)
        if _started("download-quick", self._run, selector, hears):
            self._bell = bell
        else:
            self._ended = True
            for each in (selector, hears, bell):
                each.close()

    def _run(self, selector: selectors.BaseSelector, hears: socket.socket) -> None:
        try:
            with selector, hears:
                self._go_round(selector, hears)
        except Exception as error:  # noqa: BLE001  (workers wait for us: they go on alone, and the log shows it)
            _log.exception("small files come one by one from now on")
            self._keep()
            for errand, _ in self._whole:
                self._not_kept(errand, error)
        finally:
            with self._lock:
                self._ended = True
            for ride in [*self._rides.values(), *self._coming]:
                self._let_go(ride)

    def _go_round(self, selector: selectors.BaseSelector, hears: socket.socket) -> None:
        looked = time.monotonic()
        while True:
            ready = selector.select(_TOGETHER_WITHIN if self._brought else _LOOK_EVERY)
            if self._taker.resting():
                time.sleep(_LOOK_EVERY)
                continue
            came: list[tuple[Ride, bytes]] = []
            woke = time.monotonic()
            for key, _ in ready:
                ride: Ride | None = key.data
                if ride is not None:
                    body = ride.receive(self._scratch)
                    if body is not None and self._right(ride, body):
                        came.append((ride, body))
                        if time.monotonic() - woke > _AT_ONCE:
                            self._turn(selector, came)
                            came = []
                    elif ride.strange:
                        self._give_back(selector, ride)
                elif not hears.recv(64):
                    return
                else:
                    self._welcome(selector)
            if came:
                self._turn(selector, came)
            if len(self._brought) >= self._together or (self._brought and not (ready and self._rides)):
                self._keep()
            now = time.monotonic()
            if now - looked > _LOOK_EVERY:
                looked = now
                for ride in [*self._rides.values()]:
                    if ride.errand is not None and now - ride.errand.began > self._longest:
                        self._give_back(selector, ride)

    def _welcome(self, selector: selectors.BaseSelector) -> None:
        with self._lock:
            coming, self._coming = self._coming, []
        self._rides.update((id(ride), ride) for ride in coming)
        for ride in coming:
            selector.register(ride.sock, selectors.EVENT_READ, ride)
            request = self._request(ride)
            if request is None:
                self._give_back(selector, ride)
            else:
                self._send(selector, ride, request)

    def _give_back(self, selector: selectors.BaseSelector, ride: Ride) -> None:
        del self._rides[id(ride)]
        selector.unregister(ride.sock)
        self._let_go(ride)

    def _let_go(self, ride: Ride) -> None:
        """Leave a ride's file to its worker, and nothing of it locked."""
        if ride.errand is not None and ride.errand.part is not None:
            ride.errand.part.discard()
            ride.errand.part = None
        ride.over.set()

    def _right(self, ride: Ride, body: bytes) -> bool:
        """Check a file that has come; where it is not right, its answer waits for another judge."""
        errand = ride.errand
        assert errand is not None  # noqa: S101  (for type checkers: it has come)
        try:
            errand.check = check_structure(None, errand.name, checksums=self._checksums, held=body)
            if self._manners.sha256:
                errand.sha256 = hashlib.sha256(body).hexdigest()
        except Mismatch as error:
            _log.debug("%s", error)
            ride.put_back(self._scratch)
            return False
        errand.seconds = time.monotonic() - errand.began
        return True

    def _turn(self, selector: selectors.BaseSelector, came: list[tuple[Ride, bytes]]) -> None:
        """Ask for the next files over connections whose files have come, then write those.

        Requests go out one right after the other: a server that is awake needs not be woken for each, which would be a
        fifth of all time. It works on them while we write.
        """
        began = time.monotonic()
        for ride, body in came:
            if ride.errand is not None:
                self._whole.append((ride.errand, body))
                ride.begin(None)
        asked: list[tuple[Ride, bytes]] = []
        for (ride, _), (errand, _) in zip(came, self._whole, strict=True):
            ride.begin(self._taker.next_small(errand))
            request = self._request(ride)
            if request is None:
                self._give_back(selector, ride)
            else:
                asked.append((ride, request))
            if time.monotonic() - began > _AT_ONCE:  # a slow disk
                self._send_all(selector, asked)
        self._send_all(selector, asked)
        while self._whole:
            self._write(*self._whole[-1])
            self._whole.pop()

    def _request(self, ride: Ride) -> bytes | None:
        """Make the ``.part`` of a ride's next file, and the request for that; None where somebody else must try."""
        errand = ride.errand
        if errand is None:
            return None
        try:
            errand.part = FreshPart(errand.target)
            return ride.lane.request(errand.url)
        except Exception as error:  # noqa: BLE001  (a mistake of the archive's, even: the plain way says what is wrong)
            _log.debug("%s: %s", errand.name, error)
            return None

    def _send_all(self, selector: selectors.BaseSelector, asked: list[tuple[Ride, bytes]]) -> None:
        for ride, request in asked:
            self._send(selector, ride, request)
        asked.clear()

    def _send(self, selector: selectors.BaseSelector, ride: Ride, request: bytes) -> None:
        ride.asked = True
        try:
            if ride.sock.send(request) == len(request):
                return
        except OSError as error:
            _log.debug("a request did not go out: %s", error)
        with suppress(OSError):  # nothing went out, or a part: who waits for the answer finds the connection's end
            ride.sock.shutdown(socket.SHUT_RDWR)
        self._give_back(selector, ride)

    def _write(self, errand: Errand, body: bytes) -> None:
        assert errand.part is not None  # noqa: S101  (for type checkers: without one nobody was asked for it)
        try:
            errand.part.write(body)
        except OSError as error:
            self._not_kept(errand, error)
        else:
            self._brought.append(errand)

    def _not_kept(self, errand: Errand, error: Exception) -> None:
        _log.info("%s: %s", errand.name, error)
        if errand.part is not None:
            errand.part.discard()
        self._taker.not_kept(errand)

    def _keep(self) -> None:
        """Give what has come its names, once it is on the disk."""
        files, self._brought = self._brought, []
        if not self._manners.fsync:
            self._publish(files)
            return
        if self._syncing < self._most_syncing:
            if _started(f"download-sync-{self._syncing + 1}", self._sync):
                self._syncing += 1
            else:
                self._most_syncing = self._syncing
        if not self._syncing:
            self._publish(files)
            return
        self._room.acquire()
        self._to_sync.put(files)

    def _sync(self) -> None:
        while (files := self._to_sync.get()) is not None:
            self._publish(files)
            self._room.release()

    def _publish(self, files: list[Errand]) -> None:
        kept = []
        for errand in files:
            assert errand.part is not None  # noqa: S101  (for type checkers)
            if self._taker.over():
                errand.part.discard()
                self._taker.not_kept(errand)
                continue
            try:
                if self._manners.fsync:
                    errand.part.sync()
                errand.part.publish()
            except OSError as error:
                self._not_kept(errand, error)
            else:
                kept.append(errand)
        try:
            self._taker.brought(kept)
        except Exception:  # noqa: BLE001  (a download that waits for these would never end)
            _log.exception("files that are here could not be noted")
            for errand in kept:
                self._taker.not_kept(errand)


def _started(name: str, work: Callable[..., None], *given: Any) -> bool:
    """Start a thread; False where the system has no more of them."""
    try:
        threading.Thread(target=work, args=given, name=name, daemon=True).start()
    except RuntimeError as error:
        _log.warning("%s: %s; the download goes on without it", name, error)
        return False
    return True
