"""Which observations and products belong to the exposures that a mission search found.

Mission search knows exposures (``fileSetName``: a product's ``obs_id`` without detector and segment); CAOM knows
observations. An observation matches when

- it is an exposure that was found: its ``obs_id`` begins with that ``fileSetName``;
- it combines a numbered observation (``jw02733-o002_...``) of which an exposure with its instrument and its filters
  was found;
- it combines several observations (``c1001``), whose members no name tells, and an exposure of the program with its
  instrument and its filters was found.

Planned observations have no exposures and never match. Of the products of such observations those of other exposures
are left out; what was combined stays, though other exposures may have gone into it too.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives.listing import Listing
from jwstmq_widgets.archives.mast.missions import DATASET
from jwstmq_widgets.archives.mast.portal import Columns

__all__ = ["DATASETS", "Exposures", "files_of"]

DATASETS = "datasets"
"""The key in the ``meta`` of a table of observations under which the exposures that were found are kept."""

_EXPOSURE = re.compile(r"(jw\d{11}_[0-9a-z]{5}_\d{5})(?:_|-seg\d|$)")
_COMBINED = re.compile(r"jw(\d{5})-(?:o(\d{3})|[a-z]\d)")
_PROGRAMS = 50  # in one request
_BANDS = frozenset({"SHORT", "MEDIUM", "LONG"})
_Setup = tuple[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposures:
    """Exposures that were found."""

    datasets: tuple[str, ...]
    """Their ``fileSetName``, in order."""
    setups: Mapping[tuple[int, int | None], frozenset[_Setup]]
    """Instrument and optical elements by program and observation, and by program alone (None)."""

    COLUMNS = (DATASET, "program", "observtn", "instrume", "opticalElements")

    @classmethod
    def of(cls, columns: Columns) -> "Exposures":
        """Take exposures from rows of the mission search.

        Parameters
        ----------
        columns
            Rows by column, with at least `COLUMNS`.

        Raises
        ------
        ValueError, TypeError
            If a value is not what it should be.
        """
        setups: dict[tuple[int, int | None], set[_Setup]] = {}
        names = set()
        for name, program, number, instrument, optics in zip(*(columns[key] for key in cls.COLUMNS), strict=True):
            names.add(str(name).strip().lower())
            found = {(str(instrument).strip().upper(), _elements(group)) for group in str(optics or "").split(",")}
            if program is not None:
                for key in {(int(program), None if number is None else int(number)), (int(program), None)}:
                    setups.setdefault(key, set()).update(found)
        return cls(
            datasets=tuple(sorted(names)),
            setups={key: frozenset(found) for key, found in setups.items()},
        )

    def requests(self, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Ask for observations of their programs only; nothing at all when there are no exposures."""
        programs = sorted({program for program, _ in self.setups})
        chunks = [programs[start : start + _PROGRAMS] for start in range(0, len(programs), _PROGRAMS)]
        return [
            # CAOM writes programs without leading zeros; clients are also seen to ask with five digits.
            {**request, "proposal_id": list(dict.fromkeys(form for one in chunk for form in (str(one), f"{one:05d}")))}
            for request in requests
            for chunk in chunks
        ]

    def observations(self, table: Table) -> Table:
        """Keep the observations that they belong to, and note in ``meta`` which exposures were found.

        Parameters
        ----------
        table
            Observations, with our derived columns.

        Returns
        -------
        astropy.table.Table
            The rows that match, in the same order.
        """
        names = set(self.datasets)
        rows = zip(table["obs_id"].tolist(), table["instrument"].tolist(), table["filters"].tolist(), strict=True)
        keep = np.array([self._matches(*row, names) for row in rows], dtype=bool)
        kept = table[keep]
        kept.meta[DATASETS] = list(self.datasets)
        return kept

    def _matches(self, obs_id: str, instrument: str, filters: str, names: Collection[str]) -> bool:
        exposure = _EXPOSURE.match(obs_id)
        if exposure:
            return exposure[1] in names
        combined = _COMBINED.match(obs_id)
        if not combined:
            return False
        key = (int(combined[1]), int(combined[2]) if combined[2] else None)
        found = [own for name, own in self.setups.get(key, frozenset()) if name == instrument.upper()]
        elements = _elements(filters)
        bands = _bands(elements)
        if bands:
            # MIRI's spectrometer is CH1-LONG here and may be named otherwise there: only its bands are compared.
            known = frozenset(band for own in found for band in _bands(own))
            return bool(found) and (not known or bool(bands & known))
        # The two services need not name all elements.
        return any(elements <= own or own <= elements for own in found)


def files_of(listing: Listing, datasets: Collection[str]) -> Listing:
    """Leave out the products of other exposures.

    Parameters
    ----------
    listing
        Products, one row for each file and the observation it is listed under.
    datasets
        The exposures that were found.

    Returns
    -------
    dict
        The rows whose ``obs_id`` is one of these exposures, or is no exposure.
    """
    if "obs_id" not in listing:
        return listing
    names = set(datasets)
    column = listing["obs_id"]
    exposures = [_EXPOSURE.match(str(value)) for value in column.values]
    kept = np.array([match is None or match[1] in names for match in exposures], dtype=bool)
    rows = kept[column.codes]
    return listing if rows.all() else {name: values.take(np.flatnonzero(rows)) for name, values in listing.items()}


def _elements(optics: str) -> frozenset[str]:
    """Give the elements of ``F444W;F405N``; CLEAR is none."""
    return frozenset(part for part in re.split(r"[;/,\s]+", optics.upper()) if part) - {"CLEAR"}


def _bands(elements: frozenset[str]) -> frozenset[str]:
    return _BANDS & {word for element in elements for word in element.split("-")}
