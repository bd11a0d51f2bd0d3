"""The rows of a list of products, read from JSON so that what repeats is read once."""

import operator
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import orjson

from jwstmq_widgets.tables.encoded import Coder, Encoded, uncollected

__all__ = ["read_rows"]

_CHUNK = 1 << 17  # bytes that are parsed at a time: what is made of them stays in the processor's cache
_MOST_TRIES = 100
# A file is listed once for each observation that it belongs to. Between these marks its rows are the same; before and
# after them they tell the observation, of which there are few.
_MARKS = (b',"description":', b',"parent_obsid":')
_SAMPLE = 1 << 22
_Columns = dict[str, Encoded]


@uncollected
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
    take = operator.itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)
    for piece in _pieces(body, start, end, between):
        try:
            cells = zip(*map(take, piece), strict=True)
        except KeyError:  # rows that leave out what they have no value for
            cells = zip(*([row.get(name) for name in names] for row in piece), strict=True)
        for name, values in zip(names, cells, strict=True):
            codes[name].append(coders[name].encode(values))
    # What is done with goes at once: of very many rows it is much.
    return {name: Encoded(np.concatenate(codes.pop(name)), list(coders.pop(name))) for name in names}


def _repeats(sample: bytes, between: bytes) -> bool:
    """Tell whether most rows repeat another one between the marks."""
    files = [row.partition(_MARKS[0])[2].partition(_MARKS[1])[0] for row in sample.split(between)]
    return len(set(files)) < len(files) / 2


class _Part:
    """One part of the rows, of which each different one is read once, when it comes: it is in the processor's cache."""

    def __init__(self, mark: bytes) -> None:
        self._opening = b"{" + mark.removeprefix(b",")
        self._texts = Coder()
        self._codes: list[Any] = []
        self._coders: dict[str, Coder] = {}
        self._read: dict[str, list[Any]] = {}

    def add(self, texts: Sequence[bytes]) -> None:
        """Read the part of some rows; raises a ValueError where it is not as that of the others."""
        known = len(self._texts)
        self._codes.append(self._texts.encode(texts))
        several = [*islice(reversed(self._texts), len(self._texts) - known)][::-1]
        if not several:
            return
        rows = orjson.loads(b"[%b]" % b",".join([b"%b%b}" % (self._opening, text) for text in several]))
        if not self._coders:
            self._coders = {name: Coder() for name in rows[0]}
            self._read = {name: [] for name in self._coders}
        if len(rows) != len(several) or any(row.keys() != self._coders.keys() for row in rows):
            raise ValueError("the rows have different columns")
        for name, coder in self._coders.items():
            self._read[name].append(coder.encode([row[name] for row in rows]))

    def columns(self) -> _Columns:
        """Give the columns of all rows."""
        codes = np.concatenate(self._codes)
        self._texts.clear()  # of very many rows it is much
        return {
            name: Encoded(np.concatenate(self._read.pop(name))[codes], list(coder))
            for name, coder in self._coders.items()
        }


def _in_parts(body: bytes, start: int, end: int, between: bytes, names: Sequence[str]) -> _Columns | None:
    """Read each different part of the rows once; None where a row is not what it should be."""
    first, second = _MARKS
    parts = _Part(b""), _Part(first), _Part(second)
    try:
        while start < end:
            cut = body.find(between, min(start + _CHUNK, end), end)
            rows = body[start + 1 : (end if cut < 0 else cut + 1) - 1].split(between)
            cells: list[tuple[bytes, bytes, bytes]] = []
            for row in rows:
                before, rest = row.split(first)  # a ValueError where a mark is not there once
                file, after = rest.split(second)
                cells.append((before, file, after))
            for part, texts in zip(parts, zip(*cells, strict=True), strict=True):
                part.add(texts)
            start = end if cut < 0 else cut + len(between) - 1
        columns: _Columns = {}
        for part in parts:
            columns |= part.columns()
    except (ValueError, AttributeError):  # orjson's errors are such too
        return None
    return {name: columns[name] for name in names} if columns.keys() == set(names) else None


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
