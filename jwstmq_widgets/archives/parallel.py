"""Many requests at once: bounded, in batches that adapt, polite, cancellable."""

import heapq
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from jwstmq_widgets.archives.host import Host, Late, Unfinished
from jwstmq_widgets.errors import ArchiveError, Cancelled, Refused, Unreachable, Unreadable

__all__ = ["Manners", "Stop", "Waiting", "ask_one", "gather"]

T = TypeVar("T")
Item = TypeVar("Item")

_BUSY = (429, 503)
_LONGEST_POLL = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How hard an archive is asked. Its real limits are unknown, so the defaults are modest."""

    connections: int = 4
    """Requests at once."""
    first: int = 16
    """Items in the first batches."""
    largest: int = 128
    """Items in a batch at the most."""
    quick: float = 3.0
    """A full batch answered within so many seconds lets the next ones be twice as large; in a quarter, four times."""
    timeout: float = 120.0
    """Seconds without a byte after which a request is given up."""
    patience: float = 600.0
    """Seconds for which an archive may say that it is still working on one request."""
    tries: int = 4
    """How often a batch that cannot be made smaller is asked."""
    pause: float = 0.5
    """Seconds before the second try, doubled before each further one."""
    longest_pause: float = 60.0
    """Seconds of waiting at the most; an archive that asks for more is not asked again."""
    poll: float = 0.25
    """Seconds before an archive that is still working is asked again, see `Waiting`."""


class Stop:
    """Whether work goes on, for those who do it.

    Parameters
    ----------
    cancel
        The user's event; None when there is none.
    """

    def __init__(self, cancel: threading.Event | None = None) -> None:
        self._cancel = cancel
        self._ended = threading.Event()

    @property
    def wanted(self) -> bool:
        """True when the work is to end."""
        return self._ended.is_set() or (self._cancel is not None and self._cancel.is_set())

    def end(self) -> None:
        """Let all work end."""
        self._ended.set()

    def pause(self, seconds: float) -> None:
        """Wait.

        Raises
        ------
        Cancelled
            As soon as the work is to end.
        """
        until = time.monotonic() + seconds
        while not self.wanted:
            left = until - time.monotonic()
            if left <= 0:
                return
            self._ended.wait(min(left, 0.1))
        raise Cancelled("cancelled")


class Waiting:
    """The pauses between two looks at what an archive is still working on; they grow to 5 s.

    Parameters
    ----------
    host
        The archive.
    manners
        Its patience, and the first pause.
    stop
        Ends the waiting.
    """

    def __init__(self, host: Host, manners: Manners, stop: Stop) -> None:
        self._host = host
        self._stop = stop
        self._patience = manners.patience
        self._until = time.monotonic() + manners.patience
        self._pause = manners.poll

    def pause(self) -> None:
        """Wait for the next look.

        Raises
        ------
        Unfinished
            If the archive's time would be over then.
        Cancelled
            As soon as the work is to end.
        """
        if time.monotonic() + self._pause > self._until:
            raise self._host.unfinished(self._patience)
        self._stop.pause(self._pause)
        self._pause = min(_LONGEST_POLL, self._pause * 1.6)


def ask_one(
    ask: Callable[[Stop], T],
    *,
    manners: Manners,
    cancel: threading.Event | None = None,
    abort: Callable[[], None] | None = None,
) -> T:
    """Ask one thing, as `gather` asks many: with its retries, and a cancel that does not wait for the answer."""
    return gather(lambda _, stop: ask(stop), (None,), manners=manners, cancel=cancel, abort=abort)[0]


def gather(
    ask: Callable[[Sequence[Item], Stop], T],
    items: Sequence[Item],
    *,
    manners: Manners | None = None,
    cancel: threading.Event | None = None,
    done: Callable[[int, T], None] | None = None,
    abort: Callable[[], None] | None = None,
) -> list[T]:
    """Ask for all items, several batches at a time.

    A batch that is too much for the archive (a time-out, an HTTP error of the 500s, an answer cut short) is halved,
    and so are the batches after it; they grow again while answers are quick. When the archive says that it is busy
    (429, 503), nobody asks until the time it names has passed.

    Parameters
    ----------
    ask
        Asks for a batch; runs on other threads. It raises `ArchiveError`.
    items
        What to ask for.
    manners
        How hard to ask.
    cancel
        Set by the user to stop.
    done
        Told on this thread of every answer: items in the batch, the answer.
    abort
        Breaks off the requests under way, when the work ends early.

    Returns
    -------
    list
        The answers, in the order of the items, whichever came first.

    Raises
    ------
    Cancelled
        Within a fraction of a second after ``cancel`` is set, even while requests hang.
    ArchiveError
        The first that could not be overcome.
    """
    work = _Work(ask, items, manners or Manners(), Stop(cancel))
    finished = False
    try:
        work.start()
        answers: dict[int, T] = {}
        asked = 0
        while asked < len(items):
            try:
                start, count, answer = work.answers.get(timeout=0.05)
            except queue.Empty:
                if cancel is not None and cancel.is_set():
                    raise Cancelled("cancelled") from None
                continue
            if isinstance(answer, BaseException):
                raise answer
            answers[start] = answer
            asked += count
            if done is not None:
                done(count, answer)
            if cancel is not None and cancel.is_set():
                raise Cancelled("cancelled")
        finished = True
        return [answers[start] for start in sorted(answers)]
    finally:
        work.stop.end()
        work.wake()
        if not finished and abort is not None:
            abort()


class _Work(Generic[Item, T]):
    """The ranges of items still to be asked for, and the threads that take them."""

    def __init__(
        self, ask: Callable[[Sequence[Item], Stop], T], items: Sequence[Item], manners: Manners, stop: Stop
    ) -> None:
        self.stop = stop
        self.answers: queue.SimpleQueue[tuple[int, int, Any]] = queue.SimpleQueue()
        self._ask, self._items, self._manners = ask, items, manners
        # Even a short list is spread over all connections.
        self._size = max(1, min(manners.first, -(-len(items) // manners.connections)))
        self._waiting: list[tuple[int, int, int]] = [(0, len(items), 0)] if items else []  # start, end, tries
        self._running = 0
        self._quiet_until = 0.0
        self._change = threading.Condition()

    def start(self) -> None:
        """Start the threads. They are daemons: one that hangs in a foreign call holds nobody up."""
        for number in range(min(self._manners.connections, len(self._items))):
            threading.Thread(target=self._serve, name=f"archive-{number}", daemon=True).start()

    def wake(self) -> None:
        """Let waiting threads look again."""
        with self._change:
            self._change.notify_all()

    def _serve(self) -> None:
        while (taken := self._take()) is not None:
            start, end, tries = taken
            began = time.monotonic()
            try:
                self.stop.pause(self._quiet_until - began)
                began = time.monotonic()
                answer = self._ask(self._items[start:end], self.stop)
            except Cancelled as error:
                self._give(start, 0, error)
                return
            except ArchiveError as error:
                if not self._again(start, end, tries, error):
                    self._give(start, 0, error)
            except BaseException as error:  # noqa: BLE001  (raised again by gather, on the caller's thread)
                self._give(start, 0, error)
            else:
                self._grow(end - start, time.monotonic() - began)
                self._give(start, end - start, answer)

    def _take(self) -> tuple[int, int, int] | None:
        with self._change:
            while not self._waiting and self._running and not self.stop.wanted:
                self._change.wait()
            if self.stop.wanted or not self._waiting:
                return None
            left = sum(end - start for start, end, _ in self._waiting)
            start, end, tries = heapq.heappop(self._waiting)
            # The last ones are shared: one large batch at the end would leave the other connections idle.
            share = max(self._manners.first, -(-left // self._manners.connections))
            cut = min(end, start + min(self._size, share))
            if cut < end:
                heapq.heappush(self._waiting, (cut, end, tries))
            self._running += 1
            return start, cut, tries

    def _give(self, start: int, count: int, answer: Any) -> None:
        with self._change:
            self._running -= 1
            self._change.notify_all()
        self.answers.put((start, count, answer))

    def _grow(self, count: int, seconds: float) -> None:
        with self._change:
            if count >= self._size and seconds < self._manners.quick:
                factor = 2 if seconds * 4 > self._manners.quick else 4
                self._size = min(self._manners.largest, self._size * factor)

    def _tries(self, error: ArchiveError, *, busy: bool, too_much: bool) -> int:
        if isinstance(error, Unfinished):
            return 1
        if isinstance(error, Unreadable) or (isinstance(error, Unreachable) and not isinstance(error, Late)):
            return min(2, self._manners.tries)  # a second look; a longer one would only hide it from the user
        return self._manners.tries if busy or too_much else 1

    def _again(self, start: int, end: int, tries: int, error: ArchiveError) -> bool:
        """Put a batch that failed back, in a form that may succeed; False when there is none."""
        manners = self._manners
        pause = min(manners.longest_pause, manners.pause * 2**tries)
        busy = isinstance(error, Refused) and error.status in _BUSY
        too_much = not busy and (
            isinstance(error, (Late, Unreadable))
            or (isinstance(error, Refused) and (error.status >= 500 or error.status < 300))
        )
        if busy and isinstance(error, Refused) and error.retry_after is not None:
            pause = max(pause if tries else 0.0, error.retry_after)
        with self._change:
            if too_much and end - start > 1:
                middle = (start + end) // 2
                self._size = max(1, min(self._size, middle - start))
                parts = [(start, middle, tries), (middle, end, tries)]
            elif tries + 1 < self._tries(error, busy=busy, too_much=too_much) and pause <= manners.longest_pause:
                self._quiet_until = max(self._quiet_until, time.monotonic() + pause)
                parts = [(start, end, tries + 1)]
            else:
                return False
            for part in parts:
                heapq.heappush(self._waiting, part)
            self._running -= 1
            self._change.notify_all()
        return True
