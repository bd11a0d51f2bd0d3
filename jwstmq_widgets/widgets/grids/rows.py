"""The rows of a table as a grid shows them: arranged over the whole table, handed out in blocks."""

from collections.abc import Callable, Collection, Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.tables import format_size
from jwstmq_widgets.tables.facets import ACCESS, access_codes
from jwstmq_widgets.widgets.grids.columns import PRODUCTS, Column, ColumnSet
from jwstmq_widgets.widgets.grids.conditions import NumberCondition, date_condition, number_condition, text_condition
from jwstmq_widgets.widgets.grids.rowmarks import STATE_CODES, STATES, RowMarks, marks
from jwstmq_widgets.widgets.grids.textcolumn import TextColumn

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import FileState

__all__ = ["Arrangement", "Rows", "Summary"]

Index = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

_MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
_DAYS = 10_000_000  # more than there are days
_LAST_DAY = 2_973_483  # 9999-12-31, the last day that Python's dates know
_LONGEST_CELL = 300  # letters that travel to the browser; the table keeps all
_NUMBERS = frozenset({"size", "number", "real", "date"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Which rows are wanted, in which order."""

    sort: tuple[tuple[str, bool], ...] = ()
    """Columns to sort by, the first one first, each with True for descending; () keeps the table's order."""
    filters: tuple[tuple[str, str], ...] = ()
    """Columns with what was typed into their filters; all must pass."""
    search: str = ""
    """Words which must all stand somewhere in a row's texts."""
    visible: tuple[str, ...] = ()
    """Columns that are looked at in a search; () for those that are usually shown."""


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
    """The rows of one table.

    Columns are prepared when first needed, and worked on whole.

    Parameters
    ----------
    table
        A table as `jwstmq_widgets.tables.products_table` makes it, or another one with the columns of ``columns`` and
        dataRights, calib_level and release.
    columns
        Which columns a row has.
    now
        What counts as now for exclusive access (MJD, UTC); the present when None.
    """

    def __init__(self, table: Table, *, columns: ColumnSet = PRODUCTS, now: float | None = None) -> None:
        self._table = table
        self._columns = columns
        self._now = now
        self._texts: dict[str, TextColumn] = {}
        self._marks = RowMarks(np.asarray(table[columns.key]))

    def __len__(self) -> int:
        return len(self._table)

    @property
    def columns(self) -> ColumnSet:
        """Which columns a row has."""
        return self._columns

    def table(self, index: Index) -> Table:
        """Give some rows as a table of their own, with all its columns."""
        return self._table[index]

    # -- arranging ---------------------------------------------------------------------------------------------------

    def ordered(self, passes: Mask | None, sort: tuple[tuple[str, bool], ...]) -> Index:
        """Give the numbers of the rows that pass (None for all) in the order asked for; ticks and states as known."""
        index = np.arange(len(self), dtype=np.intp) if passes is None else np.flatnonzero(passes)
        if not sort or len(index) < 2:
            return index
        keys = [self._key(name, descending)[index] for name, descending in reversed(sort)]
        return index[np.lexsort(keys) if len(keys) > 1 else np.argsort(keys[0], kind="stable")]

    def passing(self, arrangement: Arrangement) -> tuple[Mask | None, dict[str, str]]:
        """Tell which rows pass filters and search, shape (n,), None for all; and which filters cannot be read."""
        passes: Mask | None = None
        problems: dict[str, str] = {}
        for test in self._tests(arrangement, problems):
            passes = test if passes is None else passes & test
        return passes, problems

    def _tests(self, arrangement: Arrangement, problems: dict[str, str]) -> Iterable[Mask]:
        visible = (self._columns.columns[0].name, *(arrangement.visible or self._columns.usual))
        searched = [name for name in dict.fromkeys(visible) if self._columns.by_name[name].kind in {"name", "text"}]
        for word in arrangement.search.split():
            yield np.logical_or.reduce([self._text(name).contains(word) for name in searched])
        for name, typed in arrangement.filters:
            column = self._columns.by_name[name]
            try:
                yield from self._filter(column, typed)
            except QueryError as error:
                problems[name] = str(error)

    def _filter(self, column: Column, typed: str) -> Iterable[Mask]:
        if column.kind in _NUMBERS:
            if column.kind == "date":
                condition = date_condition(typed, column=column.title)
            else:
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
            words, codes = TextColumn(list(STATES.values())), self._marks.states
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
            key: npt.NDArray[Any] = (~self._marks.ticked).astype(np.int8)
            return -key if descending else key
        column = self._columns.by_name[name]
        if column.kind == "state":
            key = self._marks.states
        elif column.kind == "access":
            key = self._access_texts[1]
        elif column.kind in _NUMBERS:
            numbers = self._numbers(column)
            key = -numbers if descending else numbers
            last = np.inf if numbers.dtype.kind == "f" else np.iinfo(np.int64).max
            return np.where(numbers < 0, last, key)
        else:
            key = self._text(name).ranks
        return -key if descending else key

    # -- columns -----------------------------------------------------------------------------------------------------

    @cached_property
    def lacking(self) -> tuple[str, ...]:
        """Names of the columns that the table does not have, such as the archives' where only one was asked."""
        sources = {"", *self._table.colnames}
        return tuple(column.name for column in self._columns.columns if column.source not in sources)

    def _words(self, source: str) -> Any:
        if source not in self._table.colnames:
            return np.full(len(self), "", dtype="U1")
        return self._archives if source == "archives" else self._table[source]

    @cached_property
    def _archives(self) -> Any:
        """Which archives have each file, and what they say differently."""
        if "differs" not in self._table.colnames:
            return self._table["archives"]
        differs = np.asarray(self._table["differs"])
        rows = np.flatnonzero(differs != "")
        texts = np.asarray(self._table["archives"]).astype(object)
        texts[rows] = [f"≠ differs: {texts[row]}; {differs[row]}" for row in rows.tolist()]
        return np.array(texts.tolist(), dtype=str)

    def _text(self, name: str) -> TextColumn:
        known = self._texts.get(name)
        if known is None:
            known = self._texts[name] = TextColumn(self._words(self._columns.by_name[name].source))
        return known

    def _numbers(self, column: Column) -> npt.NDArray[Any]:
        """Give a column of numbers, in which those below 0 are unknown."""
        if column.kind in {"real", "date"}:
            return np.nan_to_num(np.asarray(self._table[column.source], dtype=np.float64), nan=-1.0)
        return np.asarray(self._table[column.source], dtype=np.int64)

    @cached_property
    def access(self) -> npt.NDArray[np.int8]:
        """Access of each row as a place in `ACCESS`, shape (n,): public, exclusive, planned."""
        return access_codes(self._table, now=self._now)

    @cached_property
    def _access_texts(self) -> tuple[list[str], npt.NDArray[np.int64]]:
        """Words for each kind of access with its day, and which row has which; later days have higher numbers."""
        release = np.asarray(self._table["release"], dtype=float)
        days = np.where(self.access == 1, np.nan_to_num(np.floor(release), nan=0.0), 0).astype(np.int64)
        days = np.clip(days, 0, _LAST_DAY)
        kinds, codes = np.unique(self.access.astype(np.int64) * _DAYS + days, return_inverse=True)
        texts = [_access_text(ACCESS[kind // _DAYS], _day(kind % _DAYS)) for kind in kinds.tolist()]
        return texts, codes

    # -- ticks and states --------------------------------------------------------------------------------------------

    def uris(self, index: Index | slice) -> list[str]:
        """Give what tells rows apart: the URIs of products, the obsids of observations."""
        uris: list[str] = np.asarray(self._table[self._columns.key])[index].tolist()
        return uris

    @property
    def state_codes(self) -> npt.NDArray[np.int8] | None:
        """The state of each row as a place in `STATES`, shape (n,); None where there is none.

        Another array only where a state has become another kind.
        """
        return None if self._marks.stateless else self._marks.states

    def look_at(self, ticked: Set[str], states: Mapping[str, "FileState"]) -> None:
        """Bring what is known of ticks and states up to date."""
        self._marks.look_at(ticked, states)

    def ticked(self, index: Index, *, ticked: Set[str]) -> int:
        """Count the ticked ones of these rows."""
        self._marks.look_at_ticks(ticked)
        return int(np.count_nonzero(self._marks.ticked[index]))

    def summary(self, *, ticked: Set[str], states: Mapping[str, "FileState"]) -> Summary:
        """Count and sum the ticked rows, or all where none of them is ticked."""
        self.look_at(ticked, states)
        mask = self._marks.ticked
        number = int(np.count_nonzero(mask))
        if not len(self):
            return Summary(files=0, ticked=0, size=0, unknown=0, here=0, exclusive=0)
        counted: Any = mask if number else slice(None)
        sizes = self._numbers(self._columns.by_name["size"])[counted]
        return Summary(
            files=len(self),
            ticked=number,
            size=int(sizes[sizes >= 0].sum()),
            unknown=int(np.count_nonzero(sizes < 0)),
            here=int(np.count_nonzero(self._marks.states[counted] == STATE_CODES["here"])),
            exclusive=int(np.count_nonzero(self.access[counted] == ACCESS.index("exclusive"))),
        )

    # -- blocks ------------------------------------------------------------------------------------------------------

    def block(
        self,
        index: Index,
        *,
        ticked: Set[str],
        states: Mapping[str, "FileState"],
        names: Collection[str] | None = None,
    ) -> dict[str, list[Any]]:
        """Give some rows by column, ready for JSON.

        Parameters
        ----------
        index
            Row numbers, shape (m,).
        ticked
            URIs of the ticked products.
        states
            URI to state.
        names
            Columns wanted; the first one always comes. None for those that are usually shown.

        Returns
        -------
        dict
            Column names of the grid to m values each, with ``uri``, ``until`` (ISO day or "") and `marks`' columns.
        """
        uris = self.uris(index)
        block: dict[str, list[Any]] = {"uri": uris}
        wanted = self._columns.usual if names is None else names
        for place, column in enumerate(self._columns.columns):
            if place and (column.name not in wanted or column.name in self.lacking):
                continue
            if column.kind == "access":
                block[column.name] = [ACCESS[code] for code in self.access[index].tolist()]
                block["until"] = self._until(index)
            elif column.kind != "state":
                block[column.name] = self.cells(column, index)
        return block | marks(uris, ticked=ticked, states=states)

    def cells(self, column: Column, index: Index, *, longest: int = _LONGEST_CELL) -> list[Any]:
        """Give the cells of one column as they are drawn: texts, and numbers where nothing is worked out.

        Parameters
        ----------
        column
            Which.
        index
            Row numbers, shape (m,).
        longest
            Letters of a text; the rest gives way to an ellipsis.

        Returns
        -------
        list
            m values; unknown numbers are None.
        """
        if column.kind in {"name", "text"}:
            texts = np.asarray(self._words(column.source))[index].tolist()
            return [text if len(text) <= longest else f"{text[:longest]}…" for text in texts]
        if column.kind == "state":
            codes = self._marks.states[index].tolist()
            words = list(STATES.values())
            return [words[code] for code in codes]
        if column.kind == "access":
            texts, codes = self._access_texts
            return [texts[code] for code in codes[index].tolist()]
        numbers = self._numbers(column)[index].tolist()
        if column.kind == "size":
            return [format_size(size) for size in numbers]
        if column.kind == "date":
            return [_minute(number) if number >= 0 else "" for number in numbers]
        if column.kind == "real":
            return [round(number, 1) if number >= 0 else None for number in numbers]
        return [number if number >= 0 else None for number in numbers]

    def _until(self, index: Index) -> list[str]:
        access = self.access[index].tolist()
        releases = np.asarray(self._table["release"], dtype=float)[index].tolist()
        return [
            _day(int(release)) if code == 1 and release == release else ""
            for code, release in zip(access, releases, strict=True)
        ]


def _within(numbers: npt.NDArray[Any], condition: NumberCondition) -> Mask:
    passes = [(numbers >= low) & (numbers <= high) & (numbers >= 0) for low, high in condition.ranges]
    if condition.unknown:
        passes.append(numbers < 0)
    return np.logical_or.reduce(passes)


def _day(mjd: int) -> str:
    return (_MJD_EPOCH + timedelta(days=min(mjd, _LAST_DAY))).date().isoformat() if mjd else ""


def _minute(mjd: float) -> str:
    moment = _MJD_EPOCH + timedelta(days=min(mjd, float(_LAST_DAY)))
    return f"{moment:%Y-%m-%d %H:%M}"


def _access_text(kind: str, day: str) -> str:
    return f"{kind} until {day}" if kind == "exclusive" and day else kind
