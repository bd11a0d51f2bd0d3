"""The formats in which TAP answers come."""

import csv
import gzip
import io
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import orjson

from jwstmq_widgets.localarchive.holdings.taptables import TapColumn, TapResult
from jwstmq_widgets.localarchive.protocols.votable import votable

__all__ = ["FORMATS", "TableFormat", "table_format"]

_ROWS = 2000
_NUMPY: Mapping[str, tuple[str, Any]] = MappingProxyType(
    {
        "boolean": ("?", False),
        "short": ("i2", -32768),
        "int": ("i4", -(2**31)),
        "long": ("i8", -(2**63)),
        "float": ("f4", math.nan),
        "double": ("f8", math.nan),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFormat:
    """A way to write a table."""

    name: str
    """What TAP+ calls it."""
    media_type: str
    """Media type that it is sent under."""
    extension: str
    """End of the file's name, without a dot."""
    write: Callable[[TapResult], Iterator[bytes]]
    """Writes a table, piece by piece."""
    zipped: bool = False
    """Whether it is sent compressed with gzip, whatever the client accepts, as ESA's archives do."""
    aliases: tuple[str, ...] = ()
    """Media types, and other names, by which it is asked for."""

    def encode(self, result: TapResult) -> Iterator[bytes]:
        """Write a table as it is sent."""
        return _gzipped(self.write(result)) if self.zipped else self.write(result)


def table_format(name: str) -> TableFormat:
    """Find a format by its name or its media type.

    Raises
    ------
    ValueError
        If there is no such format.
    """
    known = _NAMES.get(" ".join(name.lower().split()).replace("; ", ";"))
    if known is None:
        raise ValueError(f"the format {name[:100]!r} is unknown; there are {', '.join(FORMATS)}")
    return known


def _gzipped(pieces: Iterator[bytes]) -> Iterator[bytes]:
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1, mtime=0) as file:
        for piece in pieces:
            file.write(piece)
            if written := buffer.getvalue():
                yield written
                buffer.seek(0)
                buffer.truncate()
    yield buffer.getvalue()


def _separated(separator: str) -> Callable[[TapResult], Iterator[bytes]]:
    def write(result: TapResult) -> Iterator[bytes]:
        text = io.StringIO()
        writer = csv.writer(text, delimiter=separator, lineterminator="\n")
        writer.writerow([column.name for column in result.columns])
        for start in range(0, len(result.rows), _ROWS):
            writer.writerows([map(_plain, row) for row in result.rows[start : start + _ROWS]])
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
        yield text.getvalue().encode()

    return write


def _plain(value: Any) -> Any:
    return ("true" if value else "false") if isinstance(value, bool) else value


def _json(result: TapResult) -> Iterator[bytes]:
    """Write the form that astroquery's TAP+ client reads: ``metadata`` of the columns and ``data`` by rows."""
    metadata = [
        {
            "name": column.name,
            "datatype": column.datatype,
            "arraysize": column.arraysize or None,
            "xtype": column.xtype or None,
            "unit": column.unit or None,
            "ucd": column.ucd or None,
            "utype": column.utype or None,
            "description": column.description or None,
        }
        for column in result.columns
    ]
    yield b'{"metadata":' + orjson.dumps(metadata) + b',"data":['
    for start in range(0, len(result.rows), _ROWS):
        rows = orjson.dumps(result.rows[start : start + _ROWS])
        yield (b"," if start else b"") + rows[1:-1]
    yield b"]}"


def _fits(result: TapResult) -> Iterator[bytes]:
    from astropy.io import fits

    columns = []
    for number, column in enumerate(result.columns):
        values = [row[number] for row in result.rows]
        columns.append(_fits_column(column, values))
    table = fits.BinTableHDU.from_columns(fits.ColDefs(columns), nrows=len(result.rows))
    for number, column in enumerate(result.columns, start=1):
        if column.description:
            table.header[f"TCOMM{number}"] = _card(column.description)
    if result.overflow:
        table.header["OVERFLOW"] = (True, "there are more rows")
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(buffer)
    yield buffer.getvalue()


def _card(text: str) -> str:
    """Give a text as a FITS header can hold it: printable ASCII (FITS 4.0, section 4.2.1)."""
    return "".join(character if " " <= character <= "~" else "?" for character in text)


def _fits_column(column: TapColumn, values: list[Any]) -> Any:
    import numpy as np
    from astropy.io import fits

    name, unit = _card(column.name), _card(column.unit) or None
    if column.datatype not in _NUMPY:
        texts = np.array(
            ["" if value is None else str(value).encode("ascii", "replace") for value in values], dtype="S"
        )
        width = max(1, texts.dtype.itemsize)
        return fits.Column(name=name, format=f"{width}A", unit=unit, array=texts)
    dtype, null = _NUMPY[column.datatype]
    array = np.array([null if value is None else value for value in values], dtype=dtype)
    letter = {"?": "L", "i2": "I", "i4": "J", "i8": "K", "f4": "E", "f8": "D"}[dtype]
    missing = null if dtype.startswith("i") and any(value is None for value in values) else None
    return fits.Column(name=name, format=letter, unit=unit, null=missing, array=array)


_LIST = (
    TableFormat(
        name="votable",
        media_type="application/x-votable+xml",
        extension="vot",
        write=votable,
        zipped=True,
        aliases=("votable_gzip",),
    ),
    TableFormat(
        name="votable_plain",
        media_type="application/x-votable+xml",
        extension="vot",
        write=votable,
        aliases=(
            "application/x-votable+xml",
            "application/x-votable+xml;serialization=tabledata",
            "votable/td",
            "text/xml",
        ),
    ),
    TableFormat(
        name="csv",
        media_type="text/csv; charset=utf-8; header=present",
        extension="csv",
        write=_separated(","),
        aliases=("text/csv", "text/csv;header=present"),
    ),
    TableFormat(
        name="tsv",
        media_type="text/tab-separated-values; charset=utf-8",
        extension="tsv",
        write=_separated("\t"),
        aliases=("text/tab-separated-values",),
    ),
    TableFormat(
        name="json", media_type="application/json", extension="json", write=_json, aliases=("application/json",)
    ),
    TableFormat(
        name="fits",
        media_type="application/fits",
        extension="fits",
        write=_fits,
        zipped=True,
        aliases=("application/fits", "application/x-fits", "image/fits"),
    ),
)
FORMATS: Mapping[str, TableFormat] = MappingProxyType({known.name: known for known in _LIST})
"""The formats by their names."""
_NAMES: Mapping[str, TableFormat] = MappingProxyType(
    {alias: known for known in _LIST for alias in (known.name, *known.aliases)}
)
