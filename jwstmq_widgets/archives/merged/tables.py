"""The answers of several archives as one table: one row a file, and what the archives say differently of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import Column, Table

from jwstmq_widgets.tables import OBSERVATION_COLUMNS, PRODUCT_COLUMNS
from jwstmq_widgets.tables.encoded import Encoded, texts_of

__all__ = ["Ids", "merged_observations", "merged_products", "own_ids"]

Rows = Mapping[int, npt.NDArray[np.int64]]

_BETWEEN = "|"
_SAME_TIME = 2.0 / 86400  # day: archives round to the second
_COMPARED = (("size", "size"), ("dataRights", "access"), ("release", "release date"))
_ARCHIVES = "archives that have it, in the order in which they are asked for its bytes"
_DIFFERS = "what the archives say differently: size, access or release date; empty where they agree"
_ID_COLUMNS = ("obsID", "parent_obsid", "parents")


def own_ids(ids: Sequence[str], number: int) -> list[str]:
    """Give what one archive calls observations.

    Parameters
    ----------
    ids
        ``obsid`` of a merged table: what each archive calls the observation, with ``|`` between.
    number
        Which archive.

    Returns
    -------
    list of str
        "" where that archive has none.
    """
    return [(text.split(_BETWEEN) + [""] * (number + 1))[number] for text in ids]


class Ids:
    """What archives call observations, back to the merged name.

    Parameters
    ----------
    ids
        ``obsid`` of a merged table.
    archives
        How many archives there are.
    """

    def __init__(self, ids: Sequence[str], archives: int) -> None:
        self._archives = archives
        self._merged = [
            {own: text for own, text in zip(own_ids(ids, number), ids, strict=True) if own}
            for number in range(archives)
        ]

    def merged(self, own: str, number: int) -> str:
        """Give the merged name; of an observation that was not asked for, one with this archive's part only."""
        if not own:
            return ""
        parts = [""] * self._archives
        parts[number] = own
        return self._merged[number].get(own) or _BETWEEN.join(parts)

    def column(self, values: npt.ArrayLike, number: int) -> npt.NDArray[Any]:
        """Give the merged names for a column; several in one value have commas between."""
        own = Encoded.of(np.asarray(values))
        texts = [",".join(self.merged(part, number) for part in text.split(",")) for text in own.values]
        return texts_of(Encoded(own.codes, texts))


def merged_observations(tables: Mapping[int, Table], names: Sequence[str], *, archive: str) -> Table:
    """Make one table of the observations that archives found.

    Parameters
    ----------
    tables
        Number of the archive to its answer; those that did not answer are not there.
    names
        The archives' names.
    archive
        Address of the merged archive, for ``meta["archive"]``.

    Returns
    -------
    astropy.table.Table
        One row for each ``obs_id``, in the order of the first archive, then what only others have. A value is that of
        the first archive that has one. ``obsid`` holds what each archive calls it; ``archives`` says which do.
    """
    rows, count = _aligned(tables, "obs_id")
    table = _union(tables, rows, count, {name: facts.missing for name, facts in OBSERVATION_COLUMNS.items()})
    parts = []
    for number in range(len(names)):
        own = np.full(count, "", dtype=object)
        if number in tables:
            there = rows[number] >= 0
            own[there] = np.asarray(tables[number]["obsid"]).astype(object)[rows[number][there]]
        parts.append(own.tolist())
    ids = [_BETWEEN.join(texts) for texts in zip(*parts, strict=True)]
    table["obsid"] = Column(np.array(ids, dtype=str), description="what each archive calls it, with | between")
    return _finished(table, tables, rows, names, archive)


def merged_products(tables: Mapping[int, Table], names: Sequence[str], ids: Ids, *, archive: str) -> Table:
    """Make one table of the products that archives found.

    Parameters
    ----------
    tables, names, archive
        See `merged_observations`.
    ids
        The observations that were asked for.

    Returns
    -------
    astropy.table.Table
        One row for each ``dataURI``. A value is that of the first archive that has one, but a file is PUBLIC where
        any archive says so. ``archives`` says which archives have it, ``differs`` what they say differently.
    """
    renamed = {}
    for number, table in tables.items():
        renamed[number] = table.copy(copy_data=False)
        for name in _ID_COLUMNS:
            renamed[number].replace_column(
                name, Column(ids.column(table[name], number), description=table[name].description)
            )
    rows, count = _aligned(renamed, "dataURI")
    table = _union(renamed, rows, count, {name: facts.missing for name, facts in PRODUCT_COLUMNS.items()})
    _join_parents(table, renamed, rows)
    rights = np.asarray(table["dataRights"]).copy()
    for number, its in renamed.items():
        there = rows[number] >= 0
        public = np.zeros(count, dtype=bool)
        public[there] = np.asarray(its["dataRights"])[rows[number][there]] == "PUBLIC"
        rights[public] = "PUBLIC"
    table["dataRights"][:] = rights
    differs = np.full(count, "", dtype=object)
    for name, label in _COMPARED:
        _note_differences(differs, name, label, renamed, rows, names)
    finished = _finished(table, renamed, rows, names, archive)
    finished["differs"] = Column(np.array(differs.tolist(), dtype=str), description=_DIFFERS)
    return finished


def _aligned(tables: Mapping[int, Table], key: str) -> tuple[dict[int, npt.NDArray[np.int64]], int]:
    """Give, for each table, which of its rows each row of the whole is; -1 for none; and how many rows there are."""
    keys = {number: _single(np.asarray(table[key]).tolist()) for number, table in tables.items()}
    places: dict[str, int] = {}
    for texts in keys.values():
        for text in texts:
            places.setdefault(text, len(places))
    rows = {}
    for number, texts in keys.items():
        found = np.full(len(places), -1, dtype=np.int64)
        found[[places[text] for text in texts]] = np.arange(len(texts))
        rows[number] = found
    return rows, len(places)


def _single(texts: list[str]) -> list[str]:
    """Tell equal keys of one table apart: two rows of one archive are never one."""
    if len(set(texts)) == len(texts):
        return texts
    seen: dict[str, int] = {}
    single = []
    for text in texts:
        number = seen[text] = seen.get(text, -1) + 1
        single.append(f"{text}\0{number}" if number else text)
    return single


def _union(tables: Mapping[int, Table], rows: Rows, count: int, missing: Mapping[str, Any]) -> Table:
    whole = Table()
    for name in dict.fromkeys(name for table in tables.values() for name in table.colnames):
        having = {number: table[name] for number, table in tables.items() if name in table.colnames}
        first = next(iter(having.values()))
        whole[name] = Column(
            _values(having, rows, count, missing.get(name)), unit=first.unit, description=first.description
        )
    return whole


def _values(columns: Mapping[int, Column], rows: Rows, count: int, missing: Any) -> npt.NDArray[Any]:
    arrays = {number: np.asarray(column) for number, column in columns.items()}
    kinds = {array.dtype.kind for array in arrays.values()}
    if len(kinds) > 1:
        as_texts = object if "O" in kinds else str
        arrays = {number: array.astype(as_texts) for number, array in arrays.items()}
    dtype = np.result_type(*arrays.values())
    nothing = {"U": "", "O": "", "i": -1, "f": np.nan, "b": False}[dtype.kind]
    if missing is not None and dtype.kind == "i":
        nothing = missing
    values = np.full(count, nothing, dtype=dtype)
    open_still = np.ones(count, dtype=bool)
    for number, array in arrays.items():
        take = open_still & (rows[number] >= 0)
        values[take] = array[rows[number][take]]
        open_still &= (
            ~take if dtype.kind == "b" else ~take | (np.isnan(values) if dtype.kind == "f" else values == nothing)
        )
    return values


def _join_parents(table: Table, tables: Mapping[int, Table], rows: Rows) -> None:
    # Few lists differ, and files share them: each pair of lists is joined once.
    joined: dict[tuple[str, str], str] = {}
    whole = Encoded.of(np.asarray(table["parents"])).tolist()
    for number, its in tables.items():
        others = Encoded.of(np.asarray(its["parents"])).tolist()
        for at, row in enumerate(rows[number].tolist()):
            if row >= 0 and others[row] != whole[at]:
                pair = whole[at], others[row]
                if pair not in joined:
                    joined[pair] = ",".join(dict.fromkeys(part for text in pair for part in text.split(",") if part))
                whole[at] = joined[pair]
    table["parents"] = Column(texts_of(Encoded.of(whole)), description=table["parents"].description)


def _note_differences(
    differs: npt.NDArray[Any],
    name: str,
    label: str,
    tables: Mapping[int, Table],
    rows: Rows,
    names: Sequence[str],
) -> None:
    first: npt.NDArray[Any] | None = None
    unequal = np.zeros(len(differs), dtype=bool)
    told = {}
    for number, table in tables.items():
        values = np.asarray(table[name])
        here = np.full(len(differs), {"U": "", "O": "", "i": -1, "f": np.nan}[values.dtype.kind], dtype=values.dtype)
        there = rows[number] >= 0
        here[there] = values[rows[number][there]]
        told[number] = here
        known = _known(here)
        if first is None:
            first = here.copy()
            continue
        both = known & _known(first)
        if here.dtype.kind == "f":
            unequal[both] |= np.abs(here[both] - first[both]) > _SAME_TIME
        else:
            unequal[both] |= here[both] != first[both]
        fresh = known & ~_known(first)
        first = first.astype(np.result_type(first, here))
        first[fresh] = here[fresh]
    for at in np.flatnonzero(unequal).tolist():
        said = ", ".join(
            f"{names[number]} {_said(values[at], name)}"
            for number, values in told.items()
            if _known(values[at : at + 1])[0]
        )
        differs[at] += f"{'; ' * bool(differs[at])}{label}: {said}"


def _known(values: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    if values.dtype.kind in "UO":
        return np.asarray(values != "", dtype=bool)
    return np.asarray(~np.isnan(values) if values.dtype.kind == "f" else values >= 0, dtype=bool)


def _said(value: Any, name: str) -> str:
    if name == "size":
        return f"{int(value):,} B"
    if name == "release":
        day = np.datetime64("1858-11-17") + np.timedelta64(int(value * 86400), "s")
        return str(day).replace("T", " ")
    return str(value).lower().replace("_", " ")


def _finished(
    table: Table,
    tables: Mapping[int, Table],
    rows: Rows,
    names: Sequence[str],
    archive: str,
) -> Table:
    masks = np.zeros(len(table), dtype=np.int64)
    for number in tables:
        masks |= (rows[number] >= 0).astype(np.int64) << number
    texts = {
        mask: ", ".join(names[number] for number in tables if mask >> number & 1) for mask in np.unique(masks).tolist()
    }
    table["archives"] = Column(np.array([texts[mask] for mask in masks.tolist()], dtype=str), description=_ARCHIVES)
    first = next(iter(tables.values()))
    table.meta = {**first.meta, "archive": archive}
    answers = [str(its.meta["as_of"]) for its in tables.values() if its.meta.get("as_of")]
    if answers:
        table.meta["as_of"] = min(answers)
    return table
