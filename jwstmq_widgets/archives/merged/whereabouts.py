"""Where files are: which of several archives to ask for one, and in which order."""

import threading
import time
from collections.abc import Sequence

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives.archive import Archive

__all__ = ["Whereabouts"]

_DOWN_SECONDS = 60.0
_MOST = 2_000_000  # files that are remembered


class Whereabouts:
    """Which of several archives have which files, as far as their lists told, and which of them do not answer.

    Parameters
    ----------
    archives
        The archives, the preferred one first.
    """

    def __init__(self, archives: Sequence[Archive]) -> None:
        self._archives = tuple(archives)
        self._holders: dict[str, tuple[int, ...]] = {}
        self._down: dict[str, float] = {}
        self._lock = threading.Lock()

    def learn_from(self, products: Table) -> None:
        """Keep which files of a merged table not all archives have."""
        archives = np.asarray(products["archives"])
        numbers = {archive.name: number for number, archive in enumerate(self._archives)}
        some = archives != ", ".join(numbers)
        found = {
            uri: tuple(numbers[name] for name in text.split(", "))
            for uri, text in zip(np.asarray(products["dataURI"])[some].tolist(), archives[some].tolist(), strict=True)
        }
        with self._lock:
            self._holders = {**self._holders, **found} if len(self._holders) < _MOST else found

    def sources(self, uri: str) -> tuple[Archive, ...]:
        """Give the archives to ask for a file, see `MergedArchive.sources`."""
        known = self._holders.get(uri, ())
        now = time.monotonic()
        order = sorted(
            range(len(self._archives)),
            key=lambda number: (
                self._down.get(self._archives[number].url, 0.0) > now,
                bool(known) and number not in known,
                number,
            ),
        )
        return tuple(self._archives[number] for number in order)

    def holders(self, uri: str) -> tuple[Archive, ...]:
        """Give the archives that are known to have a file, in their own order; all, where nothing is known."""
        return tuple(self._archives[number] for number in self._holders.get(uri) or range(len(self._archives)))

    def note_unreachable(self, archive: Archive) -> None:
        """Ask an archive last for a minute."""
        self._down = {**self._down, archive.url: time.monotonic() + _DOWN_SECONDS}
