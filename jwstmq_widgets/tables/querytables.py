"""The tables of jwst_mast_query: its names of columns, its order of rows, its text.

Source: README and ``jwst_query.cfg`` of github.com/spacetelescope/jwst_mast_query. Where it counts a file for its
first parent only, all parents count here; what it does not know is ``<NA>``.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from astropy.table import Column, Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.tables.columns import LISTED_COLUMNS

__all__ = [
    "OBSERVATION_COLUMNS",
    "OBSERVATION_ORDER",
    "PRODUCT_COLUMNS",
    "PRODUCT_ORDER",
    "SUMMARY_ORDER",
    "Place",
    "columns_of",
    "observation_table",
    "ordered",
    "product_table",
    "summary_table",
    "text_lines",
]

OBSERVATION_COLUMNS = (
    "proposal_id", "obsnum", "obsid", "obs_id", "t_min", "t_exptime", "date_min", "instrument_name",
)  # fmt: skip
"""Columns of observations, before those with the numbers of files."""
PRODUCT_COLUMNS = (
    "proposal_id", "obsnum", "obsID", "parent_obsid", "obs_id", "sca", "visit", "dataproduct_type", "productFilename",
    "filetype", "calib_level", "size", "description",
)  # fmt: skip
"""Columns of products."""
OBSERVATION_ORDER = ("date_min", "proposal_id", "obsnum")
"""Observations in the order in which they were taken."""
PRODUCT_ORDER = ("calib_level", "filetype", "obsID")
"""Products by level and type."""
SUMMARY_ORDER = ("date_start", "proposal_id", "obsnum")
"""Sums in the order in which the observations were taken."""

_NUMBERS = frozenset({"proposal_id", "obsid", "obsID", "parent_obsid"})
_UNKNOWN_BELOW_ZERO = frozenset({"obsnum", "visit", "dl_code", "size", "program", "observation", "exposure"})
_MJD_0 = datetime(1858, 11, 17, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a file is, or would be, on this disk."""

    path: str
    """The whole path."""
    code: int
    """0 not here, 2 here, 4 here with another size, -1 not looked at."""
    text: str
    """The same in a word: ``""``, ``exists``, ``ERRfilesize``."""


def product_table(products: Table, places: Mapping[str, Place] | None = None) -> Table:
    """Give products with jwst_mast_query's columns beside the others.

    Parameters
    ----------
    products
        Products.
    places
        Where the files are, by ``dataURI``; adds outfilename, dl_code, dl_str.

    Returns
    -------
    astropy.table.Table
        The same rows, with obsnum (-1 unknown) and sca.
    """
    table = products.copy(copy_data=False)
    _add(table, "obsnum", products["observation"].tolist())
    _add(table, "sca", [detector.removeprefix("nrc") for detector in products["detector"].tolist()])
    if places is not None:
        found = [places.get(uri) for uri in products["dataURI"].tolist()]
        _add(table, "outfilename", [place.path if place else "" for place in found])
        _add(table, "dl_code", [place.code if place else -1 for place in found])
        _add(table, "dl_str", [place.text if place else "" for place in found])
    return table


def observation_table(observations: Table, products: Table | None = None) -> Table:
    """Give observations with jwst_mast_query's columns beside the others.

    Parameters
    ----------
    observations
        Observations.
    products
        Products chosen from theirs; adds a column for each file type, with the number of files.

    Returns
    -------
    astropy.table.Table
        The same rows, with obsnum (-1 unknown) and date_min (ISO, UTC).
    """
    table = observations.copy(copy_data=False)
    _add(table, "obsnum", observations["observation"].tolist())
    _add(table, "date_min", [_date(mjd) for mjd in observations["t_min"].tolist()])
    if products is None:
        return table
    kinds, index = np.unique(np.asarray(products["filetype"], dtype=str), return_inverse=True)
    rows = {obsid: row for row, obsid in enumerate(observations["obsid"].tolist())}
    counts = np.zeros((len(observations), len(kinds)), dtype=np.int64)
    for parents, kind in zip(products["parents"].tolist(), index.tolist(), strict=True):
        for parent in parents.split(","):
            if parent in rows:
                counts[rows[parent], kind] += 1
    for number, kind in enumerate(kinds.tolist()):
        table[kind or "no type"] = counts[:, number]
    return table


def summary_table(observations: Table, products: Table) -> Table:
    """Sum products by program and observation.

    Parameters
    ----------
    observations
        The observations that they belong to.
    products
        Products.

    Returns
    -------
    astropy.table.Table
        Columns proposal_id, obsnum (-1 for files of no one observation), one for each file type with the number of
        files, files, size (byte, of those known) and date_start (ISO, UTC).
    """
    starts = dict(zip(observations["obsid"].tolist(), observations["t_min"].tolist(), strict=True))
    kinds, kind = np.unique(np.asarray(products["filetype"], dtype=str), return_inverse=True)
    keys = list(zip(products["program"].tolist(), products["observation"].tolist(), strict=True))
    rows = {key: row for row, key in enumerate(dict.fromkeys(keys))}
    counts = np.zeros((len(rows), len(kinds)), dtype=np.int64)
    sizes = [0] * len(rows)
    first = [float("inf")] * len(rows)
    for key, column, size, parents in zip(
        keys, kind.tolist(), products["size"].tolist(), products["parents"].tolist(), strict=True
    ):
        row = rows[key]
        counts[row, column] += 1
        sizes[row] += max(0, size)
        for parent in parents.split(","):
            start = starts.get(parent)
            if start is not None and start < first[row]:
                first[row] = start
    table = Table(meta=dict(products.meta))
    table["proposal_id"] = np.array([program for program, _ in rows], dtype=np.int64)
    table["obsnum"] = np.array([observation for _, observation in rows], dtype=np.int64)
    for number, name in enumerate(kinds.tolist()):
        table[name or "no type"] = counts[:, number]
    table["files"] = counts.sum(axis=1)
    table["size"] = np.array(sizes, dtype=np.int64)
    table["size"].unit = "byte"
    table["date_start"] = np.array([_date(mjd) for mjd in first], dtype=str)
    return table


def ordered(table: Table, columns: Sequence[str]) -> Table:
    """Sort a table; equal rows keep their order, unknown values come last.

    Parameters
    ----------
    table
        The table.
    columns
        Columns, the most important one first.

    Returns
    -------
    astropy.table.Table
        The same rows.

    Raises
    ------
    QueryError
        If there is no such column.
    """
    if not len(table):
        return table
    keys = [_key(name, np.asarray(table[name])) for name in columns_of(table, columns)]
    return table[np.lexsort([part for key in reversed(keys) for part in reversed(key)])] if keys else table


def columns_of(table: Table, columns: Iterable[str]) -> tuple[str, ...]:
    """Check names of columns.

    Parameters
    ----------
    table
        The table.
    columns
        Names.

    Returns
    -------
    tuple of str
        The names.

    Raises
    ------
    QueryError
        If the table has no such column.
    """
    names = tuple(columns)
    for name in names:
        if name not in table.colnames:
            close = difflib.get_close_matches(name, table.colnames, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"there are {', '.join(table.colnames)}"
            raise QueryError(f"there is no column '{name}'; {hint}", field="columns")
    return names


def text_lines(table: Table, columns: Sequence[str]) -> Iterator[str]:
    """Write a table as jwst_mast_query does: columns of one width, to the right.

    Parameters
    ----------
    table
        The table.
    columns
        The columns to show.

    Yields
    ------
    str
        Lines with their ends. Unknown numbers are ``<NA>``, empty texts ``-``.
    """
    names = columns_of(table, columns)
    cells = [_texts(name, table[name].tolist()) for name in names]
    widths = [max([len(name), *map(len, column)]) for name, column in zip(names, cells, strict=True)]
    for row in (names, *zip(*cells, strict=True)):
        yield " ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) + "\n"


def _add(table: Table, name: str, values: list[Any]) -> None:
    facts = LISTED_COLUMNS[name]
    data = np.array(values, dtype=np.int64 if facts.kind == "integer" else str)
    table[name] = Column(data, description=facts.description)


def _key(name: str, values: Any) -> tuple[Any, ...]:
    """Give the keys to sort a column by: whether it is unknown, then its value."""
    if name in _NUMBERS and values.dtype.kind in "OUS":
        numbers = np.array([int(text) if text.isdigit() else -1 for text in values.tolist()], dtype=np.int64)
        return numbers < 0, numbers
    if name in _UNKNOWN_BELOW_ZERO and values.dtype.kind == "i":
        return values < 0, values
    if values.dtype.kind in "OUS":
        return values == "", values
    return (np.isnan(values), values) if values.dtype.kind == "f" else (values,)


def _texts(name: str, values: list[Any]) -> list[str]:
    if name in _UNKNOWN_BELOW_ZERO:
        form = "{:03d}" if name == "visit" else "{}"
        return ["<NA>" if value < 0 else form.format(value) for value in values]
    return [
        ("<NA>" if value != value else f"{value:.6f}") if isinstance(value, float) else _printable(str(value)) or "-"
        for value in values
    ]


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "�" for letter in text)


def _date(mjd: float) -> str:
    if not 0 < mjd < 2_900_000:
        return ""
    return (_MJD_0 + timedelta(milliseconds=round(mjd * 86_400_000))).isoformat(timespec="milliseconds")[:23]
