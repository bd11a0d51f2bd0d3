"""How many connections, how often and how long to wait: the manners of a download."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Manners", "Pace", "Verify"]

Verify = Literal["structure", "checksum"]

_GOOD_ANSWERS_PER_STEP = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """Settings of a download that few need to change."""

    connect_timeout: float = 10.0
    """Seconds for making a connection."""
    stall_timeout: float = 30.0
    """Seconds without a byte after which a transfer has stalled."""
    tries: int = 5
    """Tries in a row that bring no new byte, after which a file is given up."""
    backoff: float = 0.5
    """Seconds before the second try; doubles with each."""
    longest_backoff: float = 60.0
    """The most seconds between two tries."""
    longest_retry_after: float = 600.0
    """The most seconds that a server's Retry-After is obeyed."""
    fsync: bool = True
    """Whether each file's bytes must be on the disk before it gets its name."""
    verify: Verify = "structure"
    """What is checked beyond the length: a file's structure, or CHECKSUM and DATASUM of FITS files as well."""
    sha256: bool = False
    """Whether each file's SHA-256 goes to the ledger."""
    split_from: int = 256_000_000
    """Bytes from which on idle connections help with a file, where the archive's strong ETag proves its parts."""
    split_seconds: float = 2.0
    """Seconds that a file must still need, at the rate at which it comes, for help to pay."""

    def delay(self, failures: int, *, chance: Callable[[], float] = random.random) -> float:
        """Give the seconds to wait after some failures: exponential, and up to a half of it by chance.

        Parameters
        ----------
        failures
            Failures in a row, from 1.
        chance
            Gives a number from 0 to 1.

        Returns
        -------
        float
            Seconds.
        """
        longest = min(self.longest_backoff, self.backoff * 2.0 ** min(failures - 1, 30))
        return float(longest * (0.5 + 0.5 * chance()))


class Pace:
    """How many connections are polite just now.

    Halves when the archive pushes back, grows by one after some good answers. Not safe for several threads by
    itself: its user holds a lock.

    Parameters
    ----------
    most
        Connections at the most.
    clock
        Seconds that only grow.
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit: int = most
        """Connections allowed now."""
        self.quiet_until: float = 0.0
        """No request before this moment."""
        self._most = most
        self._clock = clock
        self._good = 0
        self._pushed = -1.0e9

    def good(self, count: int = 1) -> None:
        """Count good answers."""
        self._good += count
        while self._good >= _GOOD_ANSWERS_PER_STEP and self.limit < self._most:
            self.limit += 1
            self._good -= _GOOD_ANSWERS_PER_STEP

    def pushed_back(self, wait: float | None) -> None:
        """Count a 429 or 503.

        Parameters
        ----------
        wait
            Seconds for which the archive wants no request; None where it does not say.
        """
        now = self._clock()
        if now - self._pushed >= 1.0:  # answers to requests that went out together are one push
            self.limit = max(1, self.limit // 2)
            self._pushed = now
        self._good = 0
        if wait is not None:
            self.quiet_until = max(self.quiet_until, now + wait)
