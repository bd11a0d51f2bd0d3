"""Tables as CSV, ECSV and JSON, and back."""

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TextIO

import numpy as np
from astropy.table import Column, Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.tables.columns import (
    LISTED_COLUMNS,
    OBSERVATION_COLUMNS,
    OBSERVATION_DERIVED,
    PRODUCT_COLUMNS,
    PRODUCT_DERIVED,
    ColumnFacts,
)

__all__ = ["FileFormat", "read_table", "read_tables", "write_csv", "write_ecsv", "write_json", "write_json_tables"]

FileFormat = Literal["csv", "ecsv", "json"]

_FACTS: Mapping[str, Mapping[str, ColumnFacts]] = {
    "observations": {**OBSERVATION_COLUMNS, **OBSERVATION_DERIVED, **LISTED_COLUMNS},
    "products": {**PRODUCT_COLUMNS, **PRODUCT_DERIVED, **LISTED_COLUMNS},
}
_PART = 20_000  # rows
_HEAD = re.compile(r"(?:#.*\n)*.*\n")  # of an ECSV file: its comments, and the names of the columns
_DTYPES: Mapping[str, Any] = {"text": str, "integer": np.int64, "real": np.float64, "flag": np.bool_}


def write_csv(table: Table, stream: TextIO) -> None:
    """Write a table as CSV, with plain values; missing reals are empty.

    Parameters
    ----------
    table
        The table.
    stream
        Where it goes.
    """
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.colnames)
    writer.writerows(zip(*(_plain(table[name].tolist(), "") for name in table.colnames), strict=True))


def write_ecsv(table: Table, stream: TextIO) -> None:
    """Write a table as ECSV: with types, units and descriptions.

    Parameters
    ----------
    table
        The table.
    stream
        Where it goes.

    Notes
    -----
    Long texts, which are objects in a table, are written as texts too. They are made so in parts: whole they would
    take the room that they were to save.
    """
    texts = [name for name in table.colnames if table[name].dtype.kind == "O"]
    for start in range(0, max(len(table), 1), _PART if texts else max(len(table), 1)):
        part = table[start : start + _PART] if texts else table
        for name in texts:
            part[name] = part[name].astype(str)
        written = io.StringIO(newline="")
        part.write(written, format="ascii.ecsv")
        text = written.getvalue()
        head = _HEAD.match(text)
        stream.write(text[head.end() :] if start and head else text)


def write_json(table: Table, stream: TextIO, *, end: str = "\n") -> None:
    """Write a table as a JSON list of objects, one a row; missing reals are null.

    Parameters
    ----------
    table
        The table.
    stream
        Where it goes.
    end
        What comes after it.
    """
    rows = zip(*(_plain(table[name].tolist(), None) for name in table.colnames), strict=True)
    stream.write("[")
    for index, row in enumerate(rows):
        stream.write(",\n " if index else "\n ")
        json.dump(dict(zip(table.colnames, row, strict=True)), stream, ensure_ascii=False, allow_nan=False)
    stream.write(f"\n]{end}")


def write_json_tables(tables: Mapping[str, Table], stream: TextIO) -> None:
    """Write several tables as one JSON object.

    Parameters
    ----------
    tables
        The tables by name.
    stream
        Where they go.
    """
    stream.write("{")
    for index, (name, table) in enumerate(tables.items()):
        stream.write(f"{',' if index else ''}\n{json.dumps(name)}: ")
        write_json(table, stream, end="")
    stream.write("\n}\n")


def read_table(source: str | Path | TextIO, *, format: FileFormat, name: str = "products") -> Table:  # noqa: A002
    """Read a table that was written here.

    Parameters
    ----------
    source
        A file, or an open one.
    format
        How it was written.
    name
        What it holds: ``"products"``, ``"observations"`` or ``"summary"``; gives CSV and JSON, which keep no types,
        the types, units and descriptions of the columns.

    Returns
    -------
    astropy.table.Table
        The same columns, types, units, descriptions and values. ``meta`` comes back from ECSV only.

    Raises
    ------
    QueryError
        If it is no such table.
    """
    text = source.read() if hasattr(source, "read") else Path(source).read_text(encoding="utf-8")
    try:
        if format == "ecsv":
            # Without the argument empty texts come back as masked.
            return Table.read(text, format="ascii.ecsv", fill_values=[])
        if format == "csv":
            header, *rows = csv.reader(io.StringIO(text))
            columns = dict(zip(header, zip(*rows, strict=True) if rows else [()] * len(header), strict=True))
            return _table(columns, name)
        found = json.loads(text)
        return _table(_by_column(found[name] if isinstance(found, dict) else found), name)
    except (ValueError, KeyError, TypeError) as error:
        raise QueryError(f"this is no table of {name} in the form {format}: {error}", field="format") from error


def read_tables(source: str | Path | TextIO) -> dict[str, Table]:
    """Read the tables of one JSON object.

    Parameters
    ----------
    source
        A file, or an open one.

    Returns
    -------
    dict
        The tables by name.

    Raises
    ------
    QueryError
        If it holds no such tables.
    """
    text = source.read() if hasattr(source, "read") else Path(source).read_text(encoding="utf-8")
    try:
        return {name: _table(_by_column(rows), name) for name, rows in json.loads(text).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise QueryError(f"this is no JSON object of tables: {error}", field="format") from error


def _by_column(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}


def _table(columns: Mapping[str, Sequence[Any]], name: str) -> Table:
    known = _FACTS.get(name, {})
    table = Table()
    for column, values in (columns or dict.fromkeys(known, ())).items():
        facts = known.get(column)
        data = _typed(values, facts.kind) if facts else _guessed(values)
        table[column] = Column(data, unit=facts.unit, description=facts.description) if facts else Column(data)
        if column == "size":
            table[column].unit = "byte"
    return table


def _typed(values: Sequence[Any], kind: str) -> Any:
    if kind == "flag":
        return np.array([value in (True, "True") for value in values], dtype=bool)
    if kind == "real":
        return np.array([math.nan if value in ("", None) else float(value) for value in values], dtype=np.float64)
    return np.array(values, dtype=_DTYPES[kind]) if len(values) else np.zeros(0, dtype=_DTYPES[kind])


def _guessed(values: Sequence[Any]) -> Any:
    """Give numbers where all values are numbers, whatever the form spelled them as."""
    for kind in ("integer", "real"):
        try:
            return _typed([_strict(value) for value in values] if kind == "integer" else values, kind)
        except (ValueError, TypeError):
            continue
    return np.array(list(map(str, values)), dtype=str)


def _strict(value: Any) -> int:
    if isinstance(value, float) or (isinstance(value, str) and str(int(value)) != value):
        raise ValueError(value)
    return int(value)


def _plain(values: list[Any], missing: Any) -> list[Any]:
    return [missing if isinstance(value, float) and math.isnan(value) else value for value in values]
