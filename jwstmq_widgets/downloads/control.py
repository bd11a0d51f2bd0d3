"""What steers a running download: pause, go on, cancel, a limit on its rate."""

import threading
import time
from collections.abc import Callable

__all__ = ["Control", "Valve"]

_LOOK_EVERY = 0.1
_SMALLEST_READ = 1024
_READS_A_SECOND = 20


class Control:
    """Pauses, continues and cancels the download that it is given to; from any thread.

    A paused download begins no file and reads no byte; its connections stay open. What the archive closes meanwhile
    is resumed like any transfer that was cut.
    """

    def __init__(self) -> None:
        self._going = threading.Event()
        self._going.set()
        self._cancelled = threading.Event()

    def __repr__(self) -> str:
        return f"<Control {'cancelled' if self.cancelled else 'paused' if self.paused else 'running'}>"

    @property
    def paused(self) -> bool:
        """Whether the download rests."""
        return not self._going.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether the download is to end."""
        return self._cancelled.is_set()

    def pause(self) -> None:
        """Have the download rest."""
        self._going.clear()

    def resume(self) -> None:
        """Have it go on."""
        self._going.set()

    def cancel(self) -> None:
        """Have it end within a second; what is here of unfinished files stays for the next time."""
        self._cancelled.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it is not paused, at most some seconds; tells whether it is not."""
        return self._going.wait(seconds)


class Valve:
    """Lets the bytes of all connections through: so many a second at most, and none while paused.

    Parameters
    ----------
    rate
        Bytes a second over all connections; None for no limit.
    control
        Says when to rest.
    clock, sleep
        Seconds that only grow, and how to wait.
    """

    def __init__(
        self,
        rate: float | None = None,
        control: Control | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate, self._control = rate, control
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._free_at = clock()

    @property
    def limited(self) -> bool:
        """Whether so many bytes a second may come, and no more."""
        return self._rate is not None

    def share(self, most: int) -> int:
        """Give how many bytes to read at once, so that a limited rate is even."""
        if self._rate is None:
            return most
        return min(most, max(_SMALLEST_READ, int(self._rate / _READS_A_SECOND)))

    def passed(self, count: int, check: Callable[[], None]) -> None:
        """Count bytes that came, and wait until the next may.

        Parameters
        ----------
        count
            How many came.
        check
            Called while waiting, ten times a second; what it raises ends the wait.
        """
        if self._rate is not None:
            with self._lock:
                self._free_at = max(self._free_at, self._clock()) + count / self._rate
                until = self._free_at
            while (left := until - self._clock()) > 0:
                check()
                self._sleep(min(left, _LOOK_EVERY))
        control = self._control
        if control is not None and control.paused:
            while not control.wait(_LOOK_EVERY):
                check()
