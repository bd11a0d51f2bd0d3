"""VOTables that an archive sends: read by astropy, once they are seen to hold nothing but a table.

astropy's reader opens whatever address a STREAM names, files of this machine too; it makes room for as many rows and
values as the header promises; and a document may define attributes that no look at its text would find.
"""

import io
import math
import re
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.tap.answers import refuse_error, unpacked
from jwstmq_widgets.tables.encoded import Encoded, texts_of

__all__ = ["read_votable"]

_LARGEST = 1 << 31  # bytes that the columns of fixed width may fill
_WIDEST = 16  # bytes of a value
_QUOTED = rb"""(?:"[^"]*"|'[^']*')"""
_ELSEWHERE = re.compile(rb"<(?:[\w.-]+:)?STREAM\b(?:[^>\"']|" + _QUOTED + rb")*?\bhref\b")
_DEFINITION = re.compile(rb"<!(?:DOCTYPE|ENTITY|ATTLIST)\b")
_ROW_END = re.compile(rb"</(?:[\w.-]+:)?TR\s*>")
_ROWS = re.compile(rb"\bnrows\s*=\s*(" + _QUOTED + rb")")
_WIDTH = re.compile(rb"\barraysize\s*=\s*(" + _QUOTED + rb")")
_DATA = re.compile(rb"<(?:[\w.-]+:)?DATA\b")
# A type that no VOTable has, such as a database's own; its values are written as texts.
_TYPE = re.compile(
    rb"""\bdatatype\s*=\s*["'](?!(?:boolean|bit|unsignedByte|short|int|long|char|unicodeChar|float|double|floatComplex|"""
    rb"""doubleComplex)["'])[A-Za-z_]{1,40}["'](?:\s+arraysize\s*=\s*["'][^"']*["'])?"""
)


def read_votable(body: bytes, *, host: Host) -> Table:
    """Read a table of any columns.

    Parameters
    ----------
    body
        The answer.
    host
        The archive, for the errors.

    Returns
    -------
    astropy.table.Table
        With units and descriptions; texts as texts. ``meta["overflow"]`` is True where the service gave fewer rows than
        there are.

    Raises
    ------
    Unreadable
        If it is not a whole VOTable, or more than that.
    Refused
        If it is an error of the service, before the rows or after some of them.
    """
    from astropy.io.votable import parse

    body = unpacked(body, host=host)
    refuse_error(body, host=host)
    if b"VOTABLE" not in body[:4000].upper():
        raise host.unreadable("it is not a VOTable")
    wrong = _harm(body)
    if wrong:
        raise host.unreadable(f"it is a VOTable that {wrong}")
    data = _DATA.search(body)
    cut = data.start() if data else len(body)
    try:
        plain_types = _TYPE.sub(rb'datatype="char" arraysize="*"', body[:cut]) + body[cut:]
        # what services write beside the standard hinders nobody; filters of warnings are the process's, not a thread's
        whole = parse(io.BytesIO(plain_types), verify="ignore")
        table = whole.get_first_table().to_table(use_names_over_ids=True)
    except Exception as error:  # expat, astropy and numpy raise whatever they meet in a broken file
        raise host.unreadable("it is a VOTable that is cut short or broken") from error
    statuses = [info for resource in whole.resources for info in resource.infos if info.name == "QUERY_STATUS"]
    for status in statuses:  # the last one stands behind the rows (DALI 1.1, section 4.4.1)
        if str(status.value).upper() == "ERROR":
            why = status.content or "it does not say why"
            raise host.refused(500, says=f"it stopped after {len(table):,} rows: {why}")
    return _plain(table, overflow=any(str(status.value).upper() == "OVERFLOW" for status in statuses))


def _harm(body: bytes) -> str:
    """Say what a document does that a table need not; "" for one that does nothing of the kind."""
    if b"\0" in body[:1000]:
        return "is not in UTF-8"
    if _DEFINITION.search(body):
        return "has definitions of its own"
    if _ELSEWHERE.search(body):
        return "wants its values to be read from elsewhere"
    if any(not _within(text, len(body)) for text in _ROWS.findall(body)):
        return "promises more rows than it has"
    widths = [_width(text) for text in _WIDTH.findall(body)]
    if widths and (max(widths) > len(body) + 1000 or _filled(body, widths) > _LARGEST):
        return "has columns that are too wide"
    return ""


def _within(quoted: bytes, most: int) -> bool:
    text = quoted[1:-1].strip()
    return text.isdigit() and len(text) < 19 and int(text) <= most


def _width(quoted: bytes) -> int:
    """Give how many values a cell of fixed size has; 1 where it grows with what is in it."""
    parts = quoted[1:-1].split(b"x")
    if quoted[1:-1].strip().endswith(b"*"):
        parts = parts[:-1]
    if not all(part.strip().isdigit() and len(part) < 10 for part in parts):
        return _LARGEST
    return math.prod(int(part) for part in parts)


def _filled(body: bytes, widths: list[int]) -> int:
    most = sum(widths) * _WIDEST
    rows = len(body) // 8  # no row is shorter
    return most * rows if most * rows <= _LARGEST else most * sum(1 for _ in _ROW_END.finditer(body))


def _plain(table: Table, *, overflow: bool) -> Table:
    plain = Table(meta={"overflow": overflow})
    for name in table.colnames:
        column = table[name]
        if column.dtype.kind in "OS":
            plain[name] = texts_of(Encoded.of([_string(value) for value in column.tolist()]))
        else:
            plain[name] = column
        plain[name].unit, plain[name].description = column.unit, column.description
        plain[name].meta.clear()
    return plain


def _string(value: Any) -> str:
    if value is None or value is np.ma.masked:
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
