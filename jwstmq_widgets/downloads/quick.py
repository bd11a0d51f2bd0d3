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
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Any, Protocol

from jwstmq_widgets.downloads.checks import check_structure
from jwstmq_widgets.downloads.connection import Lane
from jwstmq_widgets.downloads.freshpart import FreshPart
from jwstmq_widgets.downloads.pace import Manners
from jwstmq_widgets.downloads.part import Busy
from jwstmq_widgets.downloads.smallfiles import Errand
from jwstmq_widgets.downloads.wire import Fields, plain_answer
from jwstmq_widgets.errors import Mismatch

__all__ = ["Quick", "Taker"]

_SCRATCH = 256 * 1024
_MOST_HEAD = 65536
_LONGEST = 1.0  # seconds after which a file is not quick any more
_LOOK_EVERY = 0.1
_TOGETHER = 8  # files that one thread syncs, and that the ledger gets in one write
_TOGETHER_WITHIN = 0.02
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


class _Ride:
    """A connection, while it is lent."""

    __slots__ = ("asked", "begin", "came", "errand", "fields", "lane", "over", "sock")

    def __init__(self, lane: Lane, sock: Any, errand: Errand) -> None:
        self.lane, self.sock = lane, sock
        self.errand: Errand | None = errand
        self.asked = False
        """Whether the file was asked for."""
        self.came = bytearray()
        """What has come of an answer that is not whole."""
        self.fields: Fields | None = None
        """Its header fields, once they are known to be plain."""
        self.begin = 0
        """Where its body begins."""
        self.over = threading.Event()


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
        self._coming: list[_Ride] = []
        self._rides: dict[int, _Ride] = {}
        self._bell: socket.socket | None = None
        self._scratch = bytearray(_SCRATCH)
        self._view = memoryview(self._scratch)
        self._brought: list[Errand] = []
        self._to_sync: SimpleQueue[list[Errand] | None] = SimpleQueue()
        self._room = threading.Semaphore(_MOST_UNSYNCED)
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
        ride = _Ride(lane, sock, errand)
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
        lane.take_back(errand.url, left.url if left is not None and ride.asked else "", bytes(ride.came))
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
        except Exception:  # noqa: BLE001  (workers wait for us: they go on alone, and the log shows it)
            _log.exception("small files come one by one from now on")
            self._keep()
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
            for key, _ in ready:
                if key.data is not None:
                    self._serve(selector, key.data)
                elif not hears.recv(64):
                    return
                else:
                    self._welcome(selector)
            if len(self._brought) >= _TOGETHER or (self._brought and not (ready and self._rides)):
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
        for ride in coming:
            self._rides[id(ride)] = ride
            selector.register(ride.sock, selectors.EVENT_READ, ride)
            self._ask(selector, ride)

    def _give_back(self, selector: selectors.BaseSelector, ride: _Ride) -> None:
        del self._rides[id(ride)]
        selector.unregister(ride.sock)
        self._let_go(ride)

    def _let_go(self, ride: _Ride) -> None:
        """Leave a ride's file to its worker, and nothing of it locked."""
        if ride.errand is not None and ride.errand.part is not None:
            ride.errand.part.discard()
            ride.errand.part = None
        ride.over.set()

    def _ask(self, selector: selectors.BaseSelector, ride: _Ride) -> None:
        errand, ride.asked = ride.errand, False
        if errand is not None:
            try:
                errand.part = FreshPart(errand.target)
                asked = ride.lane.request(errand.url)
                if asked is not None:
                    ride.asked = True
                    if ride.sock.send(asked) == len(asked):
                        return
            except (OSError, Busy, ValueError) as error:  # who tries it in the plain way says why
                _log.debug("%s: %s", errand.name, error)
        if ride.asked:  # and nothing went out, or a part: whoever waits for the answer finds the end of the connection
            with suppress(OSError):
                ride.sock.shutdown(socket.SHUT_RDWR)
        self._give_back(selector, ride)

    def _serve(self, selector: selectors.BaseSelector, ride: _Ride) -> None:
        """Read what has come over a connection, and once it is a whole file, keep that and ask for the next."""
        errand, sock, came = ride.errand, ride.sock, ride.came
        assert errand is not None  # noqa: S101  (for type checkers: a connection without one was given back)
        while True:
            try:
                count = sock.recv_into(self._scratch)
            except (BlockingIOError, ssl.SSLWantReadError):
                return
            except OSError:
                count = 0
            if came or not count:
                came += self._view[:count]
                data, length = came, len(came)
            else:
                data, length = self._scratch, count
            size, fields = errand.size, ride.fields
            if fields is None and (end := data.find(b"\r\n\r\n", 0, length)) >= 0:
                fields = ride.fields = plain_answer(data, end, size)
                ride.begin = end + 4
                plain = fields is not None
            else:
                plain = True
            over = length - ride.begin - size if fields is not None else -1
            if plain and count and over < 0 and length < _MOST_HEAD + size:
                if data is not came:
                    came += self._view[:count]
                errand.bytes_done = max(0, len(came) - ride.begin) if fields is not None else 0
                if isinstance(sock, ssl.SSLSocket) and sock.pending():
                    continue  # no selector sees what was decrypted already
                return
            if plain and count and fields is not None and not over:
                body = bytes(memoryview(data)[ride.begin : length])
                try:
                    errand.check = check_structure(None, errand.name, checksums=self._checksums, held=body)
                    if self._manners.sha256:
                        errand.sha256 = hashlib.sha256(body).hexdigest()
                except Mismatch as error:
                    _log.debug("%s", error)
            if not errand.check or fields is None:
                if data is not came:
                    came += self._view[:count]
                self._give_back(selector, ride)
                return
            came.clear()
            errand.fields, errand.seconds = fields, time.monotonic() - errand.began
            ride.fields, ride.begin = None, 0
            ride.errand = None
            try:
                ride.errand = self._taker.next_small(errand)
                self._ask(selector, ride)
            except Exception as error:
                self._not_kept(errand, error)  # else the download would wait for it for ever
                raise
            self._write(errand, body)
            return

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
