"""Facets: what the values of a few columns are, how many files and bytes each has, and which files pass a choice."""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.tables.encoded import Encoded

__all__ = ["ACCESS", "FACETS", "STATE_KINDS", "FacetValue", "Facets", "access_codes", "facet_name"]

Mask = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.int64]
Sums = npt.NDArray[np.float64]

FACETS: Mapping[str, str] = {
    "program": "Program",
    "instrument": "Instrument",
    "mode": "Mode",
    "detector": "Detector",
    "filter": "Filter",
    "type": "File type",
    "stage": "Stage",
    "observation": "Observation",
    "access": "Access",
    "state": "State",
}
"""Name of a facet to its title, in the order in which they are shown."""

ACCESS = ("public", "exclusive", "planned")
"""Kinds of access."""

STATE_KINDS = ("", "exclusive", "planned", "waiting", "partial", "running", "failed", "different", "here")
"""Kinds of a file's state at the destination, "" for a file that is not there, in the order in which they sort."""

_SOURCES: Mapping[str, str] = {
    "program": "program",
    "instrument": "instrument",
    "detector": "detector",
    "filter": "filters",
    "type": "filetype",
    "stage": "stage",
    "observation": "observation",
}
_STATE_CODES = {kind: code for code, kind in enumerate(STATE_KINDS)}
_UNIX_EPOCH_MJD = 40587.0
_FEW_CODES = 4_000_000  # up to here a mask of all codes is sooner than sorting those that occur


class HasKind(Protocol):
    """A file's state."""

    @property
    def kind(self) -> str:
        """One of `STATE_KINDS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """One value of a facet, as a choice."""

    value: str
    """The value; "" where the archive or the file's name tells none."""
    count: int
    """Files with it that pass everything but this facet's own choice."""
    size: int
    """Their bytes, as far as sizes are known."""
    chosen: bool
    """Whether it is chosen."""
    whole: int
    """Files with it in the whole table."""


def facet_name(name: str) -> str:
    """Check the name of a facet.

    Parameters
    ----------
    name
        One of `FACETS`.

    Returns
    -------
    str
        The same.

    Raises
    ------
    QueryError
        If there is no such facet.
    """
    if name not in FACETS:
        raise QueryError(f"there is no facet '{name}'; choose one of {', '.join(FACETS)}", field="facet")
    return name


def access_codes(table: Table, *, now: float | None = None) -> npt.NDArray[np.int8]:
    """Tell the access of each row.

    Parameters
    ----------
    table
        With the columns dataRights, calib_level and release (MJD, UTC), n rows.
    now
        What counts as now (MJD, UTC); the present when None.

    Returns
    -------
    numpy.ndarray
        Places in `ACCESS`, shape (n,).
    """
    today = time.time() / 86400 + _UNIX_EPOCH_MJD if now is None else now
    release = np.asarray(table["release"], dtype=float)
    named = np.asarray(table["dataRights"]) == "EXCLUSIVE_ACCESS"
    codes: npt.NDArray[np.int8] = ((release > today) | (named & np.isnan(release))).astype(np.int8)
    codes[np.asarray(table["calib_level"]) == -1] = ACCESS.index("planned")
    return codes


class Facets:
    """The facets of one table of products.

    Rows of equal values in all facets are one cell; after the first use a choice is worked out over cells, of which
    there are far fewer than rows.

    Parameters
    ----------
    products
        A table as `jwstmq_widgets.tables.products_table` makes it, n rows.
    observations
        The observations that the products were listed for; they tell the mode.
    now
        What counts as now for exclusive access (MJD, UTC); the present when None.
    """

    def __init__(self, products: Table, *, observations: Table | None = None, now: float | None = None) -> None:
        self._products = products
        self._observations = observations
        self._now = now

    # -- rows --------------------------------------------------------------------------------------------------------

    @cached_property
    def _columns(self) -> dict[str, tuple[list[str], Codes]]:
        """For each facet but state: its values, sorted, and the value's place for each cell."""
        values: dict[str, list[str]] = {}
        coded: list[Codes] = []
        for name in FACETS:
            if name != "state":
                values[name], codes = self._coded(name)
                coded.append(codes)
        cells, number = np.zeros(len(self._products), dtype=np.int64), 1
        for texts, codes in zip(values.values(), coded, strict=True):
            cells, number = _dense(cells * max(len(texts), 1) + codes, number * max(len(texts), 1))
        first = np.zeros(number if len(cells) else 0, dtype=np.int64)
        first[cells[::-1]] = np.arange(len(cells) - 1, -1, -1)
        self._cells = cells.astype(np.int32)
        return {name: (texts, codes[first]) for (name, texts), codes in zip(values.items(), coded, strict=True)}

    def _coded(self, name: str) -> tuple[list[str], Codes]:
        if name == "access":
            return list(ACCESS), access_codes(self._products, now=self._now).astype(np.int64)
        if name == "mode":
            return _ranked(_modes(self._products, self._observations))
        values = np.asarray(self._products[_SOURCES[name]])
        if values.dtype.kind in "iu":
            numbers, codes = np.unique(values, return_inverse=True)
            return [str(number) if number >= 0 else "" for number in numbers.tolist()], codes.astype(np.int64)
        return _ranked(Encoded.of(values))

    @cached_property
    def _sizes(self) -> npt.NDArray[np.float64]:
        return np.maximum(np.asarray(self._products["size"], dtype=np.float64), 0.0)

    # -- choices -----------------------------------------------------------------------------------------------------

    def passing(
        self, chosen: Mapping[str, Collection[str]], *, states: npt.NDArray[np.int8] | None = None
    ) -> Mask | None:
        """Tell which rows pass a choice.

        Parameters
        ----------
        chosen
            Facet to the values wanted; a facet without values passes everything.
        states
            Places in `STATE_KINDS`, shape (n,); None where no file is at the destination.

        Returns
        -------
        numpy.ndarray or None
            Shape (n,); None where nothing is chosen.
        """
        passes: Mask | None = None
        cells = {name: values for name, values in chosen.items() if values and name != "state"}
        if cells:
            columns = self._columns
            allowed = np.logical_and.reduce([_among(*columns[name], wanted) for name, wanted in cells.items()])
            passes = allowed[self._cells]
        wanted_states = chosen.get("state")
        if wanted_states:
            codes = np.zeros(len(self._products), dtype=np.int8) if states is None else states
            mask = _among(STATE_KINDS, codes, wanted_states)
            passes = mask if passes is None else passes & mask
        return passes

    def counts(
        self,
        chosen: Mapping[str, Collection[str]],
        *,
        within: Mask | None = None,
        states: npt.NDArray[np.int8] | None = None,
    ) -> dict[str, list[FacetValue]]:
        """Count files and bytes of each value; what a facet has chosen does not narrow its own counts.

        Parameters
        ----------
        chosen
            Facet to the values wanted.
        within
            Which rows pass everything else, shape (n,); None for all.
        states
            Places in `STATE_KINDS`, shape (n,); None where no file is at the destination.

        Returns
        -------
        dict
            Facet to its values, in the order of the values.
        """
        columns = self._columns
        present = np.zeros(1, dtype=np.int64) if states is None else np.flatnonzero(np.bincount(states))
        whole = self._totals(states, present, None)
        files, sizes = whole if within is None else self._totals(states, present, within)
        tests: dict[str, Mask] = {}
        for name, wanted in chosen.items():
            if wanted and name == "state":
                tests[name] = _among(STATE_KINDS, present, wanted)[np.newaxis, :]
            elif wanted:
                tests[name] = _among(*columns[name], wanted)[:, np.newaxis]
        found = {}
        for name in FACETS:
            keep: Mask = np.ones((1, 1), dtype=bool)
            for other, test in tests.items():
                if other != name:
                    keep = keep & test
            tables = (files * keep, sizes * keep, whole[0])
            if name == "state":
                texts, sums = [STATE_KINDS[code] for code in present.tolist()], [table.sum(axis=0) for table in tables]
            else:
                texts, codes = columns[name]
                sums = [np.bincount(codes, weights=table.sum(axis=1), minlength=len(texts)) for table in tables]
            wanted = chosen.get(name, ())
            found[name] = [
                FacetValue(value=text, count=int(count), size=int(size), chosen=text in wanted, whole=int(every))
                for text, count, size, every in zip(texts, *sums, strict=True)
                if every or text in wanted
            ]
            gone = sorted(set(wanted).difference(texts))
            found[name] += [FacetValue(value=text, count=0, size=0, chosen=True, whole=0) for text in gone]
        return found

    def narrowing(
        self, chosen: Mapping[str, Collection[str]], obsids: Collection[str], states: Mapping[str, "HasKind"]
    ) -> Mask | None:
        """Tell which rows pass a choice of facets and of observations.

        Parameters
        ----------
        chosen
            Facet to the values wanted.
        obsids
            obsids of observations; none for all.
        states
            Product URI to state.

        Returns
        -------
        numpy.ndarray or None
            Shape (n,); None where nothing is chosen.
        """
        codes = None
        if chosen.get("state") and states:
            kinds = {uri: _STATE_CODES[state.kind] for uri, state in states.items()}
            uris = np.asarray(self._products["dataURI"]).tolist()
            codes = np.array([kinds.get(uri, 0) for uri in uris], dtype=np.int8)
        passes, listed = self.passing(chosen, states=codes), self.listed(obsids)
        return passes if listed is None else listed if passes is None else passes & listed

    def listed(self, obsids: Collection[str]) -> Mask | None:
        """Tell which rows belong to one of these observations, or are listed for it.

        Parameters
        ----------
        obsids
            The archive's numbers of observations (``obsid``, not ``obs_id``).

        Returns
        -------
        numpy.ndarray or None
            Shape (n,); None where no observation is given.
        """
        if not obsids:
            return None
        wanted = frozenset(map(str, obsids))
        parents, owners = self._belonging
        if not len(self._products):
            return np.zeros(0, dtype=bool)
        listed = np.array([not wanted.isdisjoint(text.split(",")) for text in parents.values], dtype=bool)
        owned = np.array([text in wanted for text in owners.values], dtype=bool)
        return np.asarray(listed[parents.codes] | owned[owners.codes])

    @cached_property
    def _belonging(self) -> tuple[Encoded, Encoded]:
        return Encoded.of(np.asarray(self._products["parents"])), Encoded.of(np.asarray(self._products["obsID"]))

    def _totals(self, states: npt.NDArray[np.int8] | None, present: Codes, within: Mask | None) -> tuple[Sums, Sums]:
        """Sum files and bytes by cell and by the states present, each of shape (cells, states)."""
        if states is None and within is None:
            return self._untouched
        rows: Mask | slice = slice(None) if within is None else within
        places: npt.NDArray[np.integer] = self._cells[rows]
        if len(present) > 1 and states is not None:
            columns = np.zeros(len(STATE_KINDS), dtype=np.int64)
            columns[present] = np.arange(len(present))
            places = places.astype(np.int64) * len(present) + columns[states[rows]]
        return self._summed(places, self._sizes[rows], max(len(present), 1))

    @cached_property
    def _untouched(self) -> tuple[Sums, Sums]:
        return self._summed(self._cells, self._sizes, 1)

    def _summed(
        self, places: npt.NDArray[np.integer], sizes: npt.NDArray[np.float64], states: int
    ) -> tuple[Sums, Sums]:
        cells = len(self._columns["access"][1])
        shape = (cells, states)
        files = np.bincount(places, minlength=cells * states).astype(np.float64)
        summed = np.bincount(places, weights=sizes, minlength=cells * states).astype(np.float64)
        return files.reshape(shape), summed.reshape(shape)


def _modes(products: Table, observations: Table | None) -> Encoded:
    """Give the mode of the observation that each product was first listed for."""
    modes: dict[str, str] = {}
    if observations is not None and len(observations):
        obsids, names = np.asarray(observations["obsid"]).tolist(), np.asarray(observations["mode"]).tolist()
        modes = dict(zip(obsids, names, strict=True))
    first = Encoded.of(np.asarray(products["parent_obsid"]))
    return Encoded(first.codes, [modes.get(text, "") for text in first.values])


def _ranked(encoded: Encoded) -> tuple[list[str], Codes]:
    """Give the distinct values, sorted, and for each row its value's place."""
    texts = sorted(set(encoded.values))
    places = {text: place for place, text in enumerate(texts)}
    ranks = np.array([places[text] for text in encoded.values], dtype=np.int64)
    return texts, ranks[encoded.codes] if len(encoded.codes) else np.zeros(0, dtype=np.int64)


def _dense(codes: Codes, number: int) -> tuple[Codes, int]:
    """Rank those codes below `number` that occur, without gaps, in their order; give also how many there are."""
    if number > max(_FEW_CODES, 4 * len(codes)):
        occurring, ranks = np.unique(codes, return_inverse=True)
        return ranks.astype(np.int64), len(occurring)
    used = np.zeros(number, dtype=bool)
    used[codes] = True
    ranks = np.cumsum(used) - 1
    return ranks[codes], max(int(ranks[-1]) + 1, 1)


def _among(texts: Iterable[str], codes: npt.NDArray[np.integer], wanted: Collection[str]) -> Mask:
    known = np.array([text in wanted for text in texts], dtype=bool)
    return known[codes] if len(codes) else np.zeros(0, dtype=bool)
