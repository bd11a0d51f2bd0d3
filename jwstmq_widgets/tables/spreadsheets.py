"""Tables for spreadsheets: texts that a spreadsheet would take for formulas are made harmless."""

import csv
import math
from collections.abc import Iterable, Sequence
from typing import Any, TextIO

import numpy as np
from astropy.table import Table

__all__ = ["harmless", "tsv", "write_spreadsheet"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_CHUNK = 10_000


def harmless(text: str) -> str:
    """Give a cell that no spreadsheet takes for a formula.

    Parameters
    ----------
    text
        The cell.

    Returns
    -------
    str
        With an apostrophe before it where it begins with ``=``, ``+``, ``-``, ``@``, a tab, a carriage return or a
        line feed, or with a full-width form of these signs; else as it is.

    Notes
    -----
    OWASP, "CSV Injection", https://owasp.org/www-community/attacks/CSV_Injection: programs such as Excel and
    LibreOffice run such cells as formulas when a file is opened.
    """
    return f"'{text}" if text.startswith(_FORMULA) else text


def write_spreadsheet(table: Table, stream: TextIO) -> None:
    """Write a table as CSV (RFC 4180) that is safe to open in a spreadsheet; the table itself stays as it is.

    Parameters
    ----------
    table
        The table. Missing reals become empty cells.
    stream
        Where it goes.
    """
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(map(harmless, table.colnames))
    for start in range(0, len(table), _CHUNK):
        part = table[start : start + _CHUNK]
        writer.writerows(zip(*(_cells(np.asarray(part[name])) for name in table.colnames), strict=True))


def tsv(titles: Sequence[str], columns: Sequence[Iterable[Any]]) -> str:
    """Write cells for the clipboard: tabs between cells, a line a row, as spreadsheets paste them.

    Parameters
    ----------
    titles
        The first line.
    columns
        Cells by column; None is an empty one.

    Returns
    -------
    str
        Tabs and line ends within cells are spaces, and no cell is a formula.
    """
    rows = zip(*columns, strict=True)
    lines = ["\t".join(titles), *("\t".join(_pasted(cell) for cell in row) for row in rows)]
    return "\n".join(lines) + "\n"


def _pasted(cell: Any) -> str:
    if not isinstance(cell, str):
        return "" if cell is None else str(cell)
    return harmless(" ".join(harmless(cell).split()) if any(sign in cell for sign in "\t\r\n\v\f\x85") else cell)


def _cells(values: np.ndarray[Any, Any]) -> list[Any]:
    if values.dtype.kind in "OUS":
        return [harmless(str(value)) for value in values.tolist()]
    if values.dtype.kind == "f":
        return ["" if math.isnan(value) else value for value in values.tolist()]
    return list(values.tolist())
