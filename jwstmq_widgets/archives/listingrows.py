"""The rows of a list of products, read from JSON so that what repeats is read once."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import orjson

from jwstmq_widgets.tables.encoded import Coder, Encoded

__all__ = ["read_rows"]

_CHUNK = 1 << 17  # bytes that are parsed at a time: what is made of them stays in the processor's cache
_MOST_TRIES = 100
# A file is listed once for each observation that it belongs to. Between these marks its rows are the same; before and
# after them they tell the observation, of which there are few.
_MARKS = (b',"description":', b',"parent_obsid":')
_SAMPLE = 1 << 22
_Columns = dict[str, Encoded]


def read_rows(body: bytes, start: int, end: int, between: bytes, names: Sequence[str]) -> _Columns:
    """Read rows, some at a time.

    Parameters
    ----------
    body
        An answer.
    start, end
        Where in it the rows are, from the first one's opening brace to the last one's closing brace.
    between
        How one row follows the other: ``},{``.
    names
        The columns.

    Returns
    -------
    dict
        By column.

    Raises
    ------
    orjson.JSONDecodeError, AttributeError
        If these are no rows.
    """
    if _repeats(body[start : min(end, start + _SAMPLE)], between):
        columns = _in_parts(body, start, end, between, names)
        if columns is not None:
            return columns
    coders = {name: Coder() for name in names}
    codes = {name: [np.zeros(0, dtype=np.int32)] for name in names}
    for piece in _pieces(body, start, end, between):
        for name in names:
            try:
                values = [row[name] for row in piece]
            except KeyError:  # rows that leave out what they have no value for
                values = [row.get(name) for row in piece]
            codes[name].append(coders[name].encode(values))
    return {name: Encoded(np.concatenate(codes[name]), list(coders[name])) for name in names}


def _repeats(sample: bytes, between: bytes) -> bool:
    """Tell whether most rows repeat another one between the marks."""
    files = [row.partition(_MARKS[0])[2].partition(_MARKS[1])[0] for row in sample.split(between)]
    return len(set(files)) < len(files) / 2


def _in_parts(body: bytes, start: int, end: int, between: bytes, names: Sequence[str]) -> _Columns | None:
    """Read each different part of the rows once; None where a row is not what it should be."""
    first, second = _MARKS
    parts = Coder(), Coder(), Coder()
    codes: tuple[list[Any], ...] = ([], [], [])
    try:
        while start < end:
            cut = body.find(between, min(start + _CHUNK, end), end)
            rows = body[start + 1 : (end if cut < 0 else cut + 1) - 1].split(between)
            cells: list[tuple[bytes, bytes, bytes]] = []
            for row in rows:
                before, rest = row.split(first)  # a ValueError where a mark is not there once
                file, after = rest.split(second)
                cells.append((before, file, after))
            for coder, code, values in zip(parts, codes, zip(*cells, strict=True), strict=True):
                code.append(coder.encode(values))
            start = end if cut < 0 else cut + len(between) - 1
        columns: _Columns = {}
        for mark, coder, code in zip((b"", *_MARKS), parts, codes, strict=True):
            columns |= _columns(mark, coder, np.concatenate(code))
    except (ValueError, AttributeError):  # orjson's errors are such too
        return None
    return {name: columns[name] for name in names} if columns.keys() == set(names) else None


def _columns(mark: bytes, parts: Sequence[bytes] | Coder, codes: Any) -> _Columns:
    """Read the columns of one part of the rows."""
    opening = b"{" + mark.removeprefix(b",")
    texts = list(parts)
    coders: dict[str, Coder] = {}
    read: dict[str, list[Any]] = {}
    for begin in range(0, len(texts), 200):
        some = [orjson.loads(b"%b%b}" % (opening, text)) for text in texts[begin : begin + 200]]
        if not coders:
            coders = {name: Coder() for name in some[0]}
            read = {name: [] for name in coders}
        if any(row.keys() != coders.keys() for row in some):
            raise ValueError("the rows have different columns")
        for name, coder in coders.items():
            read[name].append(coder.encode([row[name] for row in some]))
    return {name: Encoded(np.concatenate(read[name])[codes], list(coder)) for name, coder in coders.items()}


def _pieces(body: bytes, start: int, end: int, between: bytes) -> Iterator[list[Any]]:
    tries = 0
    while start < end:
        cut = body.find(between, min(start + _CHUNK, end), end)
        while True:
            # A text may hold what looks like the end of a row. What stands before it is no JSON then: try the next.
            try:
                piece = orjson.loads(b"[%b]" % body[start : end if cut < 0 else cut + 1])
                break
            except orjson.JSONDecodeError:
                tries += 1
                if cut < 0 or tries > _MOST_TRIES:
                    raise
                cut = body.find(between, cut + 1, end)
        yield piece
        start = end if cut < 0 else cut + len(between) - 1
