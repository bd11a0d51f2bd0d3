"""What many file names tell, by column."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from jwstmq_widgets.filenames import NAME_COLUMNS, name_row

__all__ = ["name_arrays"]

# An exposure's name has a part of fixed length, jw<ppppp><ooo><vvv>_<gg><s><aa>_<eeeee>, and a rest: detector, suffix,
# extension. Both are valid or not without regard to the other, and both are few where names are many.
_LENGTH = 25
_HEAD, _TAIL = "jw00001001001_02101_00001", "_nrca1_cal.fits"
_OF_HEAD = 4  # program, observation, visit, exposure; the other columns come from the rest
_EXPOSURE = 3


def name_arrays(names: Sequence[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Derive columns from many file names: `filenames.name_columns`, for very many.

    Parameters
    ----------
    names
        File names.

    Returns
    -------
    dict
        For each of `filenames.NAME_COLUMNS` an array as long as ``names``.
    """
    rows: list[tuple[Any, ...]] = []
    heads: dict[str, int] = {}
    tails: dict[str, int] = {}

    def code(part: str, known: dict[str, int], name: str) -> int:
        row = name_row(name)
        known[part] = place = len(rows) if row[_EXPOSURE] >= 0 else -1
        if place >= 0:
            rows.append(row)
        return place

    def places(name: str) -> tuple[int, int]:
        head, tail = name[:_LENGTH], name[_LENGTH:]
        first = heads.get(head)
        if first is None:
            first = code(head, heads, head + _TAIL)
        rest = tails.get(tail) if first >= 0 else -1
        if rest is None:
            rest = code(tail, tails, _HEAD + tail)
        if rest < 0:
            rows.append(name_row(name))
            return len(rows) - 1, len(rows) - 1
        return first, rest

    where = np.array([places(name) for name in names], dtype=np.int64).reshape(-1, 2)
    columns: dict[str, np.ndarray[Any, Any]] = {}
    for number, column in enumerate(NAME_COLUMNS):
        values = [row[number] for row in rows]
        kind = np.int64 if number < _OF_HEAD else bool if column == "guidestar" else str
        columns[column] = np.array(values, dtype=kind)[where[:, 0 if number < _OF_HEAD else 1]]
    return columns
