"""What an archive is known to hold, to suggest while a question is typed."""

import ipaddress
import re
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlsplit

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives import Archive
from jwstmq_widgets.query import MODES, Query

__all__ = ["Known", "Suggestions", "on_this_machine"]

_MOST = 2000
_LARGEST = 20000  # observations: of more even an archive on this machine is not asked
_EVERYTHING = Query(dates=(59000.0, None))  # from a year and a half before the launch: all that was observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What was seen in an archive; never claimed to be all of it."""

    programs: Mapping[int, str] = field(default_factory=lambda: MappingProxyType({}))
    """Number to title and principal investigator."""
    investigators: tuple[str, ...] = ()
    """Names of principal investigators, as the archive writes them."""
    targets: tuple[str, ...] = ()
    """Targets, as the programs call them."""
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """Instrument to its filters and gratings."""
    modes: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MODES)
    """Instrument to its observing modes: those of `MODES`, with what else was seen."""


class Suggestions:
    """Remembers, for each archive, what its answers have shown. Everything is kept in memory.

    An archive on this machine is asked for its observations once; one elsewhere is asked for nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Known] = {}
        self._asked: set[str] = set()

    def of(self, url: str) -> Known:
        """Give what is known of an archive.

        Parameters
        ----------
        url
            Its address.

        Returns
        -------
        Known
        """
        with self._lock:
            return self._known.get(url, Known())

    def learn(self, observations: Table) -> None:
        """Remember what an answer shows.

        Parameters
        ----------
        observations
            A table of observations; its ``meta["archive"]`` tells whose.
        """
        url = str(observations.meta.get("archive") or "")
        if not url or not len(observations):
            return
        with self._lock:
            self._known[url] = _merged(self._known.get(url, Known()), observations)

    def ask(self, archive: Archive, *, cancel: threading.Event | None = None) -> None:
        """Ask an archive on this machine what it holds, the first time; ask no other.

        Parameters
        ----------
        archive
            Which.
        cancel
            Set to stop.

        Raises
        ------
        ArchiveError
            If asking failed; it can be asked again.
        Cancelled
            Soon after ``cancel`` is set.
        """
        with self._lock:
            if archive.url in self._asked or not on_this_machine(archive.url):
                return
        if archive.count(_EVERYTHING, cancel=cancel) <= _LARGEST:
            self.learn(archive.observations(_EVERYTHING, cancel=cancel))
        with self._lock:
            self._asked.add(archive.url)


def _merged(known: Known, observations: Table) -> Known:
    def texts(name: str) -> list[str]:
        return [str(value) for value in np.asarray(observations[name]).tolist()]

    programs = dict(known.programs)
    investigators = texts("proposal_pi")
    for number, title, investigator in zip(
        np.asarray(observations["program"]).tolist(), texts("obs_title"), investigators, strict=True
    ):
        if number > 0 and number not in programs:
            programs[number] = " · ".join(part for part in (title, investigator) if part)
    instruments = texts("instrument")
    return Known(
        programs=MappingProxyType(dict(sorted(programs.items())[:_MOST])),
        investigators=_names(known.investigators, investigators),
        targets=_names(known.targets, texts("target_name")),
        filters=_by_instrument(
            known.filters,
            ((name, part) for name, text in set(zip(instruments, texts("filters"), strict=True))
             for part in re.split(r"[;/,\s]+", text)),
        ),
        modes=_by_instrument(known.modes, set(zip(instruments, texts("mode"), strict=True)), order=False),
    )  # fmt: skip


def _names(before: Iterable[str], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*before, *more} - {""}, key=str.casefold)[:_MOST])


def _by_instrument(
    before: Mapping[str, tuple[str, ...]], more: Iterable[tuple[str, str]], *, order: bool = True
) -> Mapping[str, tuple[str, ...]]:
    """Add names to those of their instrument: in order, or after the ones that were there."""
    whole = {name: list(values) for name, values in before.items()}
    for instrument, value in sorted(more):
        values = whole.setdefault(instrument, []) if instrument in MODES else []
        if value and value not in values:
            values.append(value)
    return MappingProxyType({name: tuple(sorted(values) if order else values) for name, values in whole.items()})


def on_this_machine(url: str) -> bool:
    """Tell whether an archive is nobody else's, so that it may be asked for much.

    Parameters
    ----------
    url
        Its address.

    Returns
    -------
    bool
    """
    name = urlsplit(url).hostname or ""
    try:
        return name == "localhost" or ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
