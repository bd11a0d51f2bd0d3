"""How far a download is: frozen snapshots, made from counters by one meter."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from jwstmq_widgets.tables import format_size

__all__ = ["Counters", "DownloadProgress", "FileProgress", "Meter", "Running", "tell"]

_WINDOW = 5.0
_SHORTEST = 0.2
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProgress:
    """How far one running file is."""

    uri: str
    """The product's ``dataURI``."""
    name: str
    """File name."""
    bytes_done: int
    """Bytes on disk."""
    size: int
    """Bytes in all; -1 unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadProgress:
    """How far a download is.

    Counts the files that the plan wants moved; those that were here before are in no count.
    """

    files_done: int
    """Files complete."""
    files_total: int
    """Files to move."""
    files_failed: int
    """Files given up."""
    bytes_done: int
    """Bytes on disk, with what earlier tries left; never falls."""
    bytes_total: int
    """Bytes of all files to move; grows when a size that the catalogue left out becomes known."""
    rate: float
    """Bytes a second, over the last five seconds."""
    seconds_left: float | None
    """Seconds to the end at this rate; None where unknown."""
    running: tuple[FileProgress, ...] = ()
    """Files under way."""
    failed: tuple[tuple[str, str], ...] = ()
    """dataURI and message of each file given up."""
    finished: tuple[str, ...] = ()
    """dataURI of each file that is complete, in the order in which they ended."""
    paused: bool = False
    """Whether it rests; its rate is 0 then."""

    @property
    def fraction(self) -> float:
        """How much is done, 0 to 1; by bytes, or by files where no size is known."""
        if self.files_total and self.files_done == self.files_total:
            return 1.0
        if self.bytes_total > 0:
            return min(1.0, self.bytes_done / self.bytes_total)
        return (self.files_done + self.files_failed) / self.files_total if self.files_total else 1.0

    def __str__(self) -> str:
        parts = [
            f"{self.files_done:,} of {self.files_total:,} files",
            f"{format_size(self.bytes_done)} of {format_size(self.bytes_total)}",
            f"{format_size(self.rate)}/s",
            f"{self.seconds_left:.0f} s left" if self.seconds_left is not None else "",
            f"{self.files_failed:,} failed" if self.files_failed else "",
        ]
        return f"{self.fraction:4.0%}  " + " · ".join(part for part in parts if part)


class Counters(Protocol):
    """What a file under way tells the meter."""

    uri: str
    """The product's ``dataURI``."""
    name: str
    """File name."""
    size: int
    """Bytes in all; -1 unknown."""
    bytes_done: int
    """Bytes on disk."""


@dataclass(slots=True, kw_only=True)
class Running:
    """Counters of one file under way; its thread writes, the meter reads."""

    uri: str
    """The product's ``dataURI``."""
    name: str
    """File name."""
    size: int
    """Bytes in all; -1 unknown."""
    kept: int = 0
    """Bytes that were on disk when it began."""
    bytes_done: int = 0
    """Bytes on disk."""


class Meter:
    """Counts files and bytes, and says how fast they come.

    Not safe for several threads by itself: its user holds a lock.

    Parameters
    ----------
    files_total, bytes_total
        What is to be moved.
    clock
        Seconds that only grow.
    """

    def __init__(self, *, files_total: int, bytes_total: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._files_total = files_total
        self._bytes_total = bytes_total
        self._clock = clock
        self._settled = 0
        self._given_up = 0
        self._most = 0
        self._finished: list[str] = []
        self._failed: list[tuple[str, str]] = []
        self._frozen: tuple[tuple[str, ...], tuple[tuple[str, str], ...]] = ((), ())
        self._samples: deque[tuple[float, int]] = deque([(clock(), 0)])
        self._kept = 0

    def start(self, running: Running) -> None:
        """Count a file as begun.

        Parameters
        ----------
        running
            Its counters.
        """
        self._kept += running.kept

    def finish(self, running: Counters, size: int, promised: int) -> None:
        """Count a file as complete.

        Parameters
        ----------
        running
            Its counters.
        size
            Its bytes on disk.
        promised
            The bytes that the total holds for it; -1 when none.
        """
        self._settled += size
        self._bytes_total += size - max(0, promised)
        self._finished.append(running.uri)

    def fail(self, running: Running, message: str, promised: int) -> None:
        """Count a file as given up.

        Parameters
        ----------
        running
            Its counters.
        message
            Why.
        promised
            The bytes that the total holds for it; -1 when none.
        """
        self._settled += running.bytes_done
        self._given_up += max(0, promised - running.bytes_done)
        self._failed.append((running.uri, message))

    def snapshot(self, running: Iterable[Counters]) -> DownloadProgress:
        """Take a picture of now.

        Parameters
        ----------
        running
            Counters of the files under way.

        Returns
        -------
        DownloadProgress
            The picture.
        """
        files = tuple(
            FileProgress(uri=file.uri, name=file.name, bytes_done=file.bytes_done, size=file.size) for file in running
        )
        now = self._clock()
        self._most = max(self._most, self._settled + sum(file.bytes_done for file in files))
        rate = self._rate(now, self._most - self._kept)
        left = max(0, self._bytes_total - self._given_up - self._most)
        if len(self._frozen[0]) != len(self._finished) or len(self._frozen[1]) != len(self._failed):
            self._frozen = (tuple(self._finished), tuple(self._failed))
        finished, failed = self._frozen
        return DownloadProgress(
            files_done=len(finished),
            files_total=self._files_total,
            files_failed=len(failed),
            bytes_done=self._most,
            bytes_total=max(self._bytes_total, self._most),
            rate=rate,
            seconds_left=left / rate if rate > 0 else 0.0 if len(finished) + len(failed) == self._files_total else None,
            running=files,
            failed=failed,
            finished=finished,
        )

    def _rate(self, now: float, moved: int) -> float:
        moved = max(moved, self._samples[-1][1])
        self._samples.append((now, moved))
        while len(self._samples) > 2 and now - self._samples[1][0] >= _WINDOW:
            self._samples.popleft()
        then, before = self._samples[0]
        return (moved - before) / (now - then) if now - then >= _SHORTEST else 0.0


def tell(progress: Callable[[DownloadProgress], None], snapshot: DownloadProgress) -> bool:
    """Show a snapshot.

    Parameters
    ----------
    progress
        Who asked for it.
    snapshot
        It.

    Returns
    -------
    bool
        False when it cannot be shown; that is logged.
    """
    try:
        progress(snapshot)
    except Exception:  # noqa: BLE001  (who draws is not who moves: a mistake there must not end the download)
        _log.exception("progress cannot be shown; the download goes on")
        return False
    return True
