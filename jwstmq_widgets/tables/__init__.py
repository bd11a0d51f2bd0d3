"""The tables of observations, of products, and of their sums."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from astropy.table import Column, Table

from jwstmq_widgets.filenames import name_columns
from jwstmq_widgets.tables.columns import (
    OBSERVATION_COLUMNS,
    OBSERVATION_DERIVED,
    PRODUCT_COLUMNS,
    PRODUCT_DERIVED,
    ColumnFacts,
)
from jwstmq_widgets.tables.encoded import Coder, Encoded, texts_of, uncollected
from jwstmq_widgets.tables.namecolumns import name_arrays
from jwstmq_widgets.tables.selection import expand_filetype, select, selection

__all__ = [
    "OBSERVATION_COLUMNS",
    "PRODUCT_COLUMNS",
    "expand_filetype",
    "filetype_summary",
    "format_size",
    "observations_table",
    "products_table",
    "select",
    "selection",
    "summarize",
]


_READ: Mapping[str, Callable[[Any], Any]] = {"text": str, "integer": int, "real": float, "flag": bool}
_UNKNOWN: Mapping[str, ColumnFacts] = {
    "text": ColumnFacts(kind="text", description="", missing=""),
    "integer": ColumnFacts(kind="integer", description="", missing=-1),
    "real": ColumnFacts(kind="real", description="", missing=float("nan")),
}
_DTYPE = {"text": str, "integer": np.int64, "real": np.float64, "flag": bool}


def observations_table(columns: Mapping[str, Sequence[Any]], *, archive: str) -> Table:
    """Make the table of observations from an archive's answer.

    Parameters
    ----------
    columns
        The answer by column, under MAST's CAOM names; None where a value is missing.
    archive
        The archive's address, kept as ``meta["archive"]``.

    Returns
    -------
    astropy.table.Table
        One row an observation, unique by ``obsid``, with MAST's columns and ours: program, observation, instrument,
        mode. Nothing is masked: missing texts are "", missing reals NaN.
    """
    table = _table(columns, OBSERVATION_COLUMNS, archive=archive)
    if len(table):
        table = table[np.sort(np.unique(np.asarray(table["obsid"]), return_index=True)[1])]
    # An observation's obs_id is a file name without suffix, save for planned ones (jw02609001001_xx101_...).
    derived = name_columns(f"{obs_id}_cal.fits" for obs_id in table["obs_id"])
    planned = {obs_id: int(obs_id[7:10]) for obs_id in table["obs_id"] if "_xx" in obs_id and obs_id[7:10].isdigit()}
    instruments = [name.partition("/")[0] for name in table["instrument_name"]]
    values = {
        "program": [int(text) if text.isdigit() else -1 for text in table["proposal_id"]],
        "observation": [
            planned.get(obs_id, number) for obs_id, number in zip(table["obs_id"], derived["observation"], strict=True)
        ],
        "instrument": instruments,
        "mode": [name.partition("/")[2].lower() for name in table["instrument_name"]],
    }
    _add(table, values, OBSERVATION_DERIVED)
    return table


@uncollected
def products_table(
    columns: Mapping[str, Sequence[Any] | Encoded], *, archive: str, observations: Table | None = None
) -> Table:
    """Make the table of products from an archive's answer.

    Parameters
    ----------
    columns
        The answer by column, under MAST's CAOM names, one row for each file and parent observation; None where a
        value is missing.
    archive
        The archive's address, kept as ``meta["archive"]``.
    observations
        The observations asked for; gives the targets and the release dates.

    Returns
    -------
    astropy.table.Table
        One row a file, unique by ``dataURI``, in the order of first appearance, with MAST's columns and ours. All
        parents of a file stand in ``parents``. Nothing is masked: missing texts are "", a missing size is -1.
    """
    columns, parents = _distinct(columns)
    rows = len(parents)
    names, first = (_texts(columns.get(name, [None] * rows)) for name in ("productFilename", "parent_obsid"))
    columns |= {"productFilename": names, "parent_obsid": first}
    table = _table(columns, PRODUCT_COLUMNS, archive=archive)
    targets, releases = {}, {}
    if observations is not None:
        obsids = np.asarray(observations["obsid"]).tolist()
        targets = dict(zip(obsids, np.asarray(observations["target_name"]).tolist(), strict=True))
        releases = dict(zip(obsids, np.asarray(observations["t_obs_release"]).tolist(), strict=True))
    values = {
        name: Encoded(column.codes[names.codes], column.values) for name, column in name_arrays(names.values).items()
    }
    values["target_name"] = Encoded(first.codes, [targets.get(parent, "") for parent in first.values])
    values["release"] = Encoded(first.codes, [releases.get(parent, float("nan")) for parent in first.values])
    values["parents"] = parents
    _add(table, values, PRODUCT_DERIVED)
    return table


def summarize(products: Table) -> Table:
    """Sum products by program, observation and file type.

    Parameters
    ----------
    products
        A table of products.

    Returns
    -------
    astropy.table.Table
        Columns program, observation, stage, filetype, files (how many) and size (byte, of those known), sorted.
    """
    return _sums(products, ("program", "observation", "stage", "filetype"))


def filetype_summary(products: Table) -> Table:
    """Sum products by file type.

    Parameters
    ----------
    products
        A table of products.

    Returns
    -------
    astropy.table.Table
        Columns stage, filetype, files (how many) and size (byte, of those known), sorted.
    """
    return _sums(products, ("stage", "filetype"))


def format_size(size: float) -> str:
    """Write a number of bytes for people.

    Parameters
    ----------
    size
        Bytes; below 0 is unknown.

    Returns
    -------
    str
        In powers of 1000 with three digits at the most (``"29.7 MB"``); ``"–"`` where unknown.
    """
    if size < 0:
        return "–"
    value = float(size)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 999.5:
            digits = 0 if unit == "B" or value >= 99.95 else 1
            return f"{value:.{digits}f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def _values(values: Sequence[Any] | Encoded, facts: ColumnFacts) -> np.ndarray[Any, Any]:
    read, missing = _READ[facts.kind], facts.missing
    if isinstance(values, Encoded):
        if facts.kind == "text":
            return texts_of(_texts(values))
        distinct = _values(values.values, facts)
        return distinct if values.plain else distinct[values.codes]
    if isinstance(values, np.ma.MaskedArray):
        values = values.filled(missing).tolist() if facts.kind == "text" else values.astype(object).filled(None)
    if isinstance(values, np.ndarray) and values.dtype.type == np.dtype(_DTYPE[facts.kind]).type:
        return values
    several = [missing if value is None else read(value) for value in values]
    return texts_of(Encoded.of(several)) if facts.kind == "text" else np.array(several, dtype=_DTYPE[facts.kind])


def _texts(values: Sequence[Any] | Encoded) -> Encoded:
    """Give a column of texts as the table has them."""
    encoded = Encoded.of(values)
    return Encoded(encoded.codes, ["" if value is None else str(value) for value in encoded.values])


def _guessed(values: Sequence[Any] | Encoded) -> ColumnFacts:
    """Tell by its values what a column holds that we do not know: numbers stay numbers."""
    several = values.values if isinstance(values, Encoded) else values
    kinds = {type(value) for value in several}
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in several):
        return _UNKNOWN["integer"]
    return _UNKNOWN["real" if {int, float} & kinds and kinds <= {int, float, type(None)} else "text"]


def _distinct(columns: Mapping[str, Sequence[Any] | Encoded]) -> tuple[dict[str, Any], Encoded]:
    """Keep the first row of each file, with the parents of all its rows."""
    encoded = {name: Encoded.of(values) for name, values in columns.items()}
    files, parents = encoded.get("dataURI"), encoded.get("parent_obsid")
    rows = max(map(len, encoded.values()), default=0)
    if files is None or not rows:
        return encoded, Encoded(np.zeros(rows, dtype=np.int32), [""] if rows else [])
    names = ["" if value is None else str(value) for value in parents.values] if parents is not None else [""]
    owners = parents.codes if parents is not None else np.zeros(rows, dtype=np.int32)
    if len(files.values) == rows:  # no file is listed twice
        return encoded, Encoded(owners, names)
    # A file's and a parent's codes make one number; each pair counts once, where it stands first.
    pairs, where = np.unique(files.codes.astype(np.int64) * len(names) + owners, return_index=True)
    order = np.lexsort((where, pairs // len(names)))
    file, owner, where = (pairs // len(names))[order], (pairs % len(names))[order].astype(np.int32), where[order]
    starts = np.flatnonzero(np.diff(file, prepend=-1))
    ends = np.append(starts[1:], len(file))
    place = np.argsort(where[starts])
    # Files share their parents, as those of an exposure do: their numbers, as bytes, tell whether a text is there.
    coder, size, numbers = Coder(), owner.itemsize, owner.tobytes()
    codes = coder.encode(
        [
            numbers[start * size : end * size]
            for start, end in zip(starts[place].tolist(), ends[place].tolist(), strict=True)
        ]
    )
    texts = [",".join([names[number] for number in np.frombuffer(part, dtype=np.int32).tolist()]) for part in coder]
    first = where[starts][place]
    kept = {name: values.take(first) for name, values in encoded.items()} if len(first) < rows else encoded
    return kept, Encoded(codes, texts)


def _table(columns: Mapping[str, Sequence[Any] | Encoded], known: Mapping[str, ColumnFacts], *, archive: str) -> Table:
    rows = max((len(values) for values in columns.values()), default=0)
    table = Table(meta={"archive": archive})
    for name, facts in known.items():
        table.add_column(_column(columns.get(name, [None] * rows), facts), name=name, copy=False)
    for name in columns:
        if name not in known and name not in PRODUCT_DERIVED and name not in OBSERVATION_DERIVED:
            values = columns[name]
            table[name] = _values(values, _guessed(values))
    return table


def _column(values: Sequence[Any] | Encoded, facts: ColumnFacts) -> Column:
    return Column(_values(values, facts), unit=facts.unit, description=facts.description, copy=False)


def _add(table: Table, values: Mapping[str, Sequence[Any] | Encoded], known: Mapping[str, ColumnFacts]) -> None:
    for name, facts in known.items():
        table.add_column(_column(values[name], facts), name=name, copy=False)


def _sums(products: Table, keys: tuple[str, ...]) -> Table:
    sizes = np.maximum(np.asarray(products["size"]), 0)
    columns = [np.asarray(products[key]) for key in keys]
    codes = [_sorted_codes(column) for column in columns]
    shape = tuple(max(len(names), 1) for names, _ in codes)
    flat = np.ravel_multi_index(tuple(index for _, index in codes), shape) if len(products) else np.zeros(0, dtype=int)
    groups, index = np.unique(flat, return_inverse=True)
    table = Table(meta=dict(products.meta))
    for key, (names, _), code in zip(keys, codes, np.unravel_index(groups, shape), strict=True):
        table[key] = names[code] if len(names) else np.zeros(0, dtype=products[key].dtype)
    table["files"] = np.bincount(index, minlength=len(groups)).astype(np.int64)
    table["size"] = np.bincount(index, weights=sizes, minlength=len(groups)).astype(np.int64)
    table["size"].unit = "byte"
    return table


def _sorted_codes(column: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Give a column's values, sorted, and each row's place among them: as numpy's unique, and sooner for texts."""
    if column.dtype.kind not in "UO":
        values, places = np.unique(column, return_inverse=True)
        return values, places
    encoded = Encoded.of(column)
    names = np.array(encoded.values, dtype=str)
    order = np.argsort(names)
    places = np.empty(len(order), dtype=np.intp)
    places[order] = np.arange(len(order))
    return names[order], places[encoded.codes]
