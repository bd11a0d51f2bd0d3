"""Tables that come with a TAP query: the parameter UPLOAD and the VOTables that it names (TAP 1.1, section 2.5)."""

import io
import math
import re
import xml.parsers.expat
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from jwstmq_widgets.localarchive.holdings.taptables import TapColumn, Upload

__all__ = ["MOST_BYTES", "MOST_ROWS", "UploadProblem", "read_upload", "upload_names"]

MOST_BYTES = 8 << 20
"""Bytes of a table at most, when it is unpacked."""
MOST_ROWS = 100_000
"""Rows of a table at most."""
_MOST_COLUMNS = 500
_LONGEST = 100_000
_NAME = re.compile(r"(?:tap_upload\.)?([A-Za-z][A-Za-z0-9_]{0,62})", re.IGNORECASE | re.ASCII)
_TYPES = {
    "boolean": "boolean",
    "bit": "boolean",
    "unsignedByte": "short",
    "short": "short",
    "int": "int",
    "long": "long",
    "float": "float",
    "double": "double",
    "char": "char",
    "unicodeChar": "char",
}


class UploadProblem(ValueError):
    """A table that is not taken; the message is for whoever sent it."""


def upload_names(texts: Sequence[str]) -> dict[str, str]:
    """Read the parameter UPLOAD: ``name,param:part;name,param:part``.

    Parameters
    ----------
    texts
        The parameter's values.

    Returns
    -------
    dict of str
        For each table, by its lower-case name without ``tap_upload``, the name of the part that holds it.

    Raises
    ------
    UploadProblem
        If it says anything else; tables are never fetched from elsewhere.
    """
    found: dict[str, str] = {}
    for entry in ";".join(texts).split(";"):
        if not entry.strip():
            continue
        name, _, where = (part.strip() for part in entry.partition(","))
        known = _NAME.fullmatch(name)
        if known is None:
            raise UploadProblem(f"UPLOAD: {name[:100]!r} is no name of a table; letters, digits and _ make one")
        if not where.lower().startswith("param:"):
            raise UploadProblem(
                f"UPLOAD: the table {name!r} must come with the request, as {name},param:{name}; "
                f"nothing is fetched from {where[:100]!r}"
            )
        key = known[1].lower()
        if key in found:
            raise UploadProblem(f"UPLOAD: two tables are called {name!r}")
        found[key] = where[6:].strip()
    return found


def read_upload(name: str, document: bytes) -> Upload:
    """Read a VOTable, plain or compressed with gzip.

    Parameters
    ----------
    name
        What the query calls the table.
    document
        The file as sent.

    Raises
    ------
    UploadProblem
        If it is no VOTable, holds what could do harm (entities), or is too large.
    """
    from astropy.io import votable

    document = _unzipped(name, document)
    _check(name, document)
    try:
        # what a client's table does not follow of the standard is no matter here; with "ignore" nothing is warned of
        file = votable.parse(io.BytesIO(document), verify="ignore", table_number=0)
        table = file.get_first_table()
    except Exception as err:  # any of a parser's many errors: the document is not ours
        raise UploadProblem(f"the table {name!r} cannot be read as a VOTable: {str(err)[:300]}") from err
    if len(table.array) > MOST_ROWS:
        raise UploadProblem(f"the table {name!r} has {len(table.array)} rows; at most {MOST_ROWS}")
    columns, values = [], []
    taken: set[str] = set()
    for field, key in zip(table.fields, table.array.dtype.names or (), strict=True):
        label = field.name or field.ID
        if label.lower() in taken:
            raise UploadProblem(f"the table {name!r} has two columns {label[:100]!r}; ADQL does not tell case apart")
        taken.add(label.lower())
        columns.append(_column(name, label, field))
        values.append(_values(name, label, table.array[key]))
    rows = list(zip(*values, strict=True)) if values else []
    return Upload(name=name, columns=tuple(columns), rows=rows)


def _unzipped(name: str, document: bytes) -> bytes:
    if document[:2] == b"\x1f\x8b":
        unpack = zlib.decompressobj(31)
        try:
            document = unpack.decompress(document, MOST_BYTES + 1)
        except zlib.error as err:
            raise UploadProblem(f"the table {name!r} is a broken gzip file") from err
    if len(document) > MOST_BYTES:
        raise UploadProblem(f"the table {name!r} has more than {MOST_BYTES:,} bytes, the most that is taken")
    return document


def _check(name: str, document: bytes) -> None:
    """Refuse what a VOTable does not need and a parser may choke on, before anything is made of it."""
    problem = ""
    parser = xml.parsers.expat.ParserCreate()
    columns = rows = 0

    def stop(text: str) -> None:
        nonlocal problem
        problem = problem or text
        raise UploadProblem(text)

    def doctype(*_: object) -> None:
        stop(f"the table {name!r} has a document type declaration, which no VOTable needs")

    def start(tag: str, attributes: Mapping[str, str]) -> None:
        nonlocal columns, rows
        kind = tag.rpartition(":")[2]
        if kind == "FIELD":
            columns += 1
            sizes = re.findall(r"\d+", attributes.get("arraysize", ""))
            if columns > _MOST_COLUMNS:
                stop(f"the table {name!r} has more than {_MOST_COLUMNS} columns")
            if any(len(size) > 6 or int(size) > _LONGEST for size in sizes):
                stop(f"the table {name!r} has a column with arraysize {attributes['arraysize'][:50]!r}")
        elif kind == "TABLE":
            promised = attributes.get("nrows", "0")
            if not promised.isdecimal() or len(promised) > 9 or int(promised) > MOST_ROWS:
                stop(f"the table {name!r} says that it has {promised[:50]} rows; at most {MOST_ROWS}")
        elif kind == "STREAM" and (attributes.get("href") or attributes.get("encoding", "base64") != "base64"):
            stop(
                f"the table {name!r} has its rows elsewhere, or packed; they must come with it, as TABLEDATA or base64"
            )
        elif kind == "TR":
            rows += 1
            if rows > MOST_ROWS:
                stop(f"the table {name!r} has more than {MOST_ROWS} rows")

    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = start
    try:
        parser.Parse(document, True)
    except xml.parsers.expat.ExpatError as err:
        raise UploadProblem(f"the table {name!r} cannot be read as a VOTable: {err}") from err
    if not columns:
        raise UploadProblem(f"the table {name!r} cannot be read as a VOTable: it has no columns")


def _column(table: str, label: str, field: Any) -> TapColumn:
    datatype = _TYPES.get(field.datatype)
    text = datatype == "char"
    if (
        datatype is None
        or (not text and field.arraysize not in {None, "1"})
        or (text and "x" in (field.arraysize or ""))
    ):
        raise UploadProblem(
            f"the column {label[:100]!r} of the table {table!r} holds {field.datatype} arrays; "
            "only single numbers, booleans and texts are taken"
        )
    return TapColumn(
        name=label,
        datatype=datatype,
        arraysize="*" if text else "",
        xtype=field.xtype or "",
        unit=str(field.unit or ""),
        ucd=field.ucd or "",
        utype=field.utype or "",
        description=" ".join((field.description or "").split()),
    )


def _values(table: str, label: str, column: Any) -> list[Any]:
    import numpy as np

    data, mask = np.ma.getdata(column), np.ma.getmaskarray(column)
    if data.ndim != 1:
        raise UploadProblem(
            f"the column {label[:100]!r} of the table {table!r} holds arrays; only single values are taken"
        )
    values = data.tolist()
    if data.dtype.kind in "OSU":
        values = [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value) for value in values]
    elif data.dtype.kind == "f":
        values = [None if math.isnan(value) else value for value in values]
    return [None if missing else value for value, missing in zip(values, mask.tolist(), strict=True)]
