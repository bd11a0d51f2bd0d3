"""The rows of a product table as the grid shows them: arranged over the whole table, handed out in blocks."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.tables import format_size
from jwstmq_widgets.widgets.columns import COLUMNS, Column
from jwstmq_widgets.widgets.conditions import NumberCondition, number_condition, text_condition
from jwstmq_widgets.widgets.textcolumn import TextColumn

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import FileState

__all__ = ["ACCESS", "STATES", "Arrangement", "Rows", "Summary", "marks"]

Index = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

STATES: Mapping[str, str] = {
    "": "not here",
    "exclusive": "no access",
    "planned": "not yet taken",
    "waiting": "waiting",
    "partial": "partly here",
    "running": "downloading",
    "failed": "failed",
    "different": "differs",
    "here": "here",
}
"""Kind of a file's state to its words, in the order in which they sort."""

ACCESS = ("public", "exclusive", "planned")
"""Kinds of access."""
_CODES = {kind: code for code, kind in enumerate(STATES)}
_MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
_UNIX_EPOCH_MJD = 40587.0
_MANY = 50
_DAYS = 10_000_000  # more than there are days
_LAST_DAY = 2_973_483  # 9999-12-31, the last day that Python's dates know
_SEARCHED = ("file", "type", "detector", "filter", "stage", "target")
_BY_NAME = {column.name: column for column in COLUMNS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Which rows are wanted, in which order."""

    sort: tuple[tuple[str, bool], ...] = ()
    """Columns to sort by, the first one first, each with True for descending; () keeps the table's order."""
    filters: tuple[tuple[str, str], ...] = ()
    """Columns with what was typed into their filters; all must pass."""
    search: str = ""
    """Words which must all stand somewhere in a row's texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Counts and bytes of the ticked rows, or of all where none is ticked."""

    files: int
    """Rows in the table."""
    ticked: int
    """Rows ticked."""
    size: int
    """Bytes of those counted, as far as sizes are known."""
    unknown: int
    """How many of those counted have no size."""
    here: int
    """How many of those counted are in the destination folder."""
    exclusive: int
    """How many of those counted are still exclusive."""


class Rows:
    """The rows of one product table.

    Columns are prepared when first needed, and worked on whole.

    Parameters
    ----------
    products
        A table as `jwstmq_widgets.tables.products_table` makes it.
    now
        What counts as now for exclusive access (MJD, UTC); the present when None.
    """

    def __init__(self, products: Table, *, now: float | None = None) -> None:
        self._products = products
        self._now = time.time() / 86400 + _UNIX_EPOCH_MJD if now is None else now
        self._texts: dict[str, TextColumn] = {}
        self._ticked: tuple[frozenset[str], Mask] = (frozenset(), np.zeros(len(products), dtype=bool))
        self._states: tuple[Mapping[str, FileState], npt.NDArray[np.int8]] = (
            {},
            np.zeros(len(products), dtype=np.int8),
        )

    def __len__(self) -> int:
        return len(self._products)

    # -- arranging ---------------------------------------------------------------------------------------------------

    def arrange(
        self,
        arrangement: Arrangement,
        *,
        ticked: frozenset[str] = frozenset(),
        states: Mapping[str, "FileState"] | None = None,
    ) -> tuple[Index, dict[str, str]]:
        """Filter and sort.

        Parameters
        ----------
        arrangement
            What is wanted.
        ticked
            URIs of the ticked products.
        states
            URI to state.

        Returns
        -------
        tuple of numpy.ndarray and dict
            The row numbers that pass, in order, shape (m,); and for each filter that cannot be read, its column with
            a sentence. Such a filter passes everything.
        """
        self._look_at(ticked, states or {})
        passes: Mask | None = None
        problems: dict[str, str] = {}
        for test in self._tests(arrangement, problems):
            passes = test if passes is None else passes & test
        index = np.arange(len(self), dtype=np.intp) if passes is None else np.flatnonzero(passes)
        if not arrangement.sort or len(index) < 2:
            return index, problems
        keys = [self._key(name, descending)[index] for name, descending in reversed(arrangement.sort)]
        return index[np.lexsort(keys) if len(keys) > 1 else np.argsort(keys[0], kind="stable")], problems

    def _tests(self, arrangement: Arrangement, problems: dict[str, str]) -> Iterable[Mask]:
        for word in arrangement.search.split():
            yield np.logical_or.reduce([self._text(name).contains(word) for name in _SEARCHED])
        for name, typed in arrangement.filters:
            column = _BY_NAME[name]
            try:
                yield from self._filter(column, typed)
            except QueryError as error:
                problems[name] = str(error)

    def _filter(self, column: Column, typed: str) -> Iterable[Mask]:
        if column.kind in {"size", "number"}:
            condition = number_condition(typed, column=column.title, size=column.kind == "size")
            if condition.ranges or condition.unknown:
                yield _within(self._numbers(column), condition)
            return
        parts = text_condition(typed).parts
        wanted = [self._part(column, part.text, part.place) for part in parts if not part.negated]
        if wanted:
            yield np.logical_or.reduce(wanted)
        for part in parts:
            if part.negated:
                yield ~self._part(column, part.text, part.place)

    def _part(self, column: Column, text: str, place: str) -> Mask:
        words: TextColumn
        codes: npt.NDArray[Any] | None = None
        if column.kind == "state":
            words, codes = TextColumn(list(STATES.values())), self._states[1]
            place = "start" if place == "anywhere" else place  # "here" is not to find "not here"
        elif column.kind == "access":
            texts, codes = self._access_texts
            words = TextColumn(texts)
        else:
            words = self._text(column.name)
        test: Callable[[str], Mask] = {
            "anywhere": words.contains,
            "start": words.starts,
            "end": words.ends,
            "whole": words.equals,
        }[place]
        return test(text) if codes is None else test(text)[codes]

    def _key(self, name: str, descending: bool) -> npt.NDArray[Any]:
        """Give numbers that sort as the column does; unknown ones come last both ways."""
        if name == "tick":
            key: npt.NDArray[Any] = (~self._ticked[1]).astype(np.int8)
            return -key if descending else key
        column = _BY_NAME[name]
        if column.kind == "state":
            key = self._states[1]
        elif column.kind == "access":
            key = self._access_texts[1]
        elif column.kind in {"size", "number"}:
            numbers = self._numbers(column)
            key = -numbers if descending else numbers
            return np.where(numbers < 0, np.iinfo(np.int64).max, key)
        else:
            key = self._text(name).ranks
        return -key if descending else key

    # -- columns -----------------------------------------------------------------------------------------------------

    def _text(self, name: str) -> TextColumn:
        known = self._texts.get(name)
        if known is None:
            known = self._texts[name] = TextColumn(self._products[_BY_NAME[name].source])
        return known

    def _numbers(self, column: Column) -> npt.NDArray[np.int64]:
        return np.asarray(self._products[column.source], dtype=np.int64)

    @cached_property
    def _uris(self) -> TextColumn:
        return TextColumn(self._products["dataURI"], fold=False)

    @cached_property
    def access(self) -> npt.NDArray[np.int8]:
        """Access of each row as a place in `ACCESS`, shape (n,): public, exclusive, planned."""
        release = np.asarray(self._products["release"], dtype=float)
        named = np.asarray(self._products["dataRights"]) == "EXCLUSIVE_ACCESS"
        exclusive = (release > self._now) | (named & np.isnan(release))
        codes = exclusive.astype(np.int8)
        codes[np.asarray(self._products["calib_level"]) == -1] = ACCESS.index("planned")
        return codes

    @cached_property
    def _access_texts(self) -> tuple[list[str], npt.NDArray[np.int64]]:
        """Words for each kind of access with its day, and which row has which; later days have higher numbers."""
        release = np.asarray(self._products["release"], dtype=float)
        days = np.where(self.access == 1, np.nan_to_num(np.floor(release), nan=0.0), 0).astype(np.int64)
        days = np.clip(days, 0, _LAST_DAY)
        kinds, codes = np.unique(self.access.astype(np.int64) * _DAYS + days, return_inverse=True)
        texts = [_access_text(ACCESS[kind // _DAYS], _day(kind % _DAYS)) for kind in kinds.tolist()]
        return texts, codes

    # -- ticks and states --------------------------------------------------------------------------------------------

    def _look_at(self, ticked: frozenset[str], states: Mapping[str, "FileState"]) -> None:
        """Bring the masks of ticked rows and of states up to date, by what differs from the last time."""
        known, mask = self._ticked
        if ticked is not known:
            changed = known ^ ticked
            if len(changed) > len(self) // _MANY:
                # asking the set for every row is sooner than looking up most rows one by one
                mask = np.fromiter(map(ticked.__contains__, self.uris(slice(None))), dtype=bool, count=len(self))
            else:
                rows = self._uris.find(changed) if changed else np.empty(0, dtype=np.intp)
                mask = mask.copy()
                mask[rows[rows >= 0]] ^= True
            self._ticked = (ticked, mask)
        seen, codes = self._states
        if states is not seen:
            moved = {uri: _CODES[state.kind] for uri, state in states.items() if seen.get(uri) is not state}
            moved |= dict.fromkeys(seen.keys() - states.keys(), 0)
            rows = self._uris.find(moved) if moved else np.empty(0, dtype=np.intp)
            codes = codes.copy()
            codes[rows[rows >= 0]] = np.array(list(moved.values()), dtype=np.int8)[rows >= 0]
            self._states = (states, codes)

    def uris(self, index: Index | slice) -> list[str]:
        """Give the product URIs of rows."""
        uris: list[str] = np.asarray(self._products["dataURI"])[index].tolist()
        return uris

    def ticked(self, index: Index, *, ticked: frozenset[str]) -> int:
        """Count the ticked ones of these rows."""
        self._look_at(ticked, self._states[0])
        return int(np.count_nonzero(self._ticked[1][index]))

    def summary(self, *, ticked: frozenset[str], states: Mapping[str, "FileState"]) -> Summary:
        """Count and sum the ticked rows, or all where none of them is ticked."""
        self._look_at(ticked, states)
        mask = self._ticked[1]
        number = int(np.count_nonzero(mask))
        if not len(self):
            return Summary(files=0, ticked=0, size=0, unknown=0, here=0, exclusive=0)
        counted: Any = mask if number else slice(None)
        sizes = self._numbers(_BY_NAME["size"])[counted]
        return Summary(
            files=len(self),
            ticked=number,
            size=int(sizes[sizes >= 0].sum()),
            unknown=int(np.count_nonzero(sizes < 0)),
            here=int(np.count_nonzero(self._states[1][counted] == _CODES["here"])),
            exclusive=int(np.count_nonzero(self.access[counted] == ACCESS.index("exclusive"))),
        )

    # -- blocks ------------------------------------------------------------------------------------------------------

    def block(self, index: Index, *, ticked: frozenset[str], states: Mapping[str, "FileState"]) -> dict[str, list[Any]]:
        """Give some rows by column, ready for JSON.

        Parameters
        ----------
        index
            Row numbers, shape (m,).
        ticked
            URIs of the ticked products.
        states
            URI to state.

        Returns
        -------
        dict
            Column names of the grid to m values each, with ``uri``, ``until`` (ISO day or "") and `marks`' columns.
        """
        uris = self.uris(index)
        block: dict[str, list[Any]] = {"uri": uris}
        for column in COLUMNS:
            if column.kind in {"name", "text"}:
                block[column.name] = np.asarray(self._products[column.source])[index].tolist()
            elif column.kind == "number":
                block[column.name] = [
                    number if number >= 0 else None for number in self._numbers(column)[index].tolist()
                ]
            elif column.kind == "size":
                block[column.name] = [format_size(size) for size in self._numbers(column)[index].tolist()]
        access = self.access[index].tolist()
        releases = np.asarray(self._products["release"], dtype=float)[index].tolist()
        block["access"] = [ACCESS[code] for code in access]
        block["until"] = [
            _day(int(release)) if code == 1 and release == release else ""
            for code, release in zip(access, releases, strict=True)
        ]
        return block | marks(uris, ticked=ticked, states=states)


def marks(uris: list[str], *, ticked: frozenset[str], states: Mapping[str, "FileState"]) -> dict[str, list[Any]]:
    """Give what changes of rows that stay: tick and state, by column, ready for JSON.

    Parameters
    ----------
    uris
        Product URIs, m of them.
    ticked
        URIs of the ticked products.
    states
        URI to state.

    Returns
    -------
    dict
        ``ticked`` (0 or 1), ``state`` (a key of `STATES`), ``percent`` (0 to 100) and ``note``, m values each.
    """
    found = [states.get(uri) for uri in uris]
    return {
        "ticked": [int(uri in ticked) for uri in uris],
        "state": [state.kind if state else "" for state in found],
        "percent": [int(state.fraction * 100) if state else 0 for state in found],
        "note": [state.message if state else "" for state in found],
    }


def _within(numbers: npt.NDArray[np.int64], condition: NumberCondition) -> Mask:
    passes = [(numbers >= low) & (numbers <= high) & (numbers >= 0) for low, high in condition.ranges]
    if condition.unknown:
        passes.append(numbers < 0)
    return np.logical_or.reduce(passes)


def _day(mjd: int) -> str:
    return (_MJD_EPOCH + timedelta(days=min(mjd, _LAST_DAY))).date().isoformat() if mjd else ""


def _access_text(kind: str, day: str) -> str:
    return f"{kind} until {day}" if kind == "exclusive" and day else kind
