"""What many file names tell, by column."""

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from jwstmq_widgets.filenames import NAME_COLUMNS, name_row
from jwstmq_widgets.tables.encoded import Coder, Encoded

__all__ = ["name_arrays"]

# An exposure's name has a part of fixed length, jw<ppppp><ooo><vvv>_<gg><s><aa>_<eeeee>, and a rest: detector, suffix,
# extension. Both are valid or not without regard to the other, and both are few where names are many.
_LENGTH = 25
_HEAD, _TAIL = "jw00001001001_02101_00001", "_nrca1_cal.fits"
_HEAD_OF, _TAIL_OF = operator.itemgetter(slice(_LENGTH)), operator.itemgetter(slice(_LENGTH, None))
_OF_HEAD = 4  # program, observation, visit, exposure; the other columns come from the rest
_EXPOSURE = 3
_TIME = "0000000000000"


def name_arrays(names: Sequence[str]) -> dict[str, Encoded]:
    """Derive columns from many file names: `filenames.name_columns`, for very many.

    Parameters
    ----------
    names
        File names.

    Returns
    -------
    dict
        For each of `filenames.NAME_COLUMNS` a column as long as ``names``.
    """
    heads, tails = Coder(), Coder()
    head = np.fromiter(map(heads.__getitem__, map(_HEAD_OF, names)), np.int32, len(names))
    rows = [name_row(part + _TAIL) for part in heads]
    split = _exposures(rows)[head]
    having = names if split.all() else [names[place] for place in np.flatnonzero(split).tolist()]
    tail = np.zeros(len(names), dtype=np.int32)
    tail[split] = len(rows) + np.fromiter(map(tails.__getitem__, map(_TAIL_OF, having)), np.int32, len(having))
    rows += [name_row(_HEAD + part) for part in tails]
    others = np.flatnonzero(~(split & _exposures(rows)[tail]))
    known = Coder()
    places = np.fromiter((known[_timeless(names[place])] for place in others.tolist()), np.int32, len(others))
    head[others] = tail[others] = len(rows) + places
    rows += [name_row(name) for name in known]
    columns = {}
    for number, column in enumerate(NAME_COLUMNS):
        values = Encoded.of([row[number] for row in rows])
        columns[column] = Encoded(values.codes[head if number < _OF_HEAD else tail], values.values)
    return columns


def _timeless(name: str) -> str:
    """Give a guide star's name with zeros for its time, of which its columns tell nothing; other names as they are."""
    parts = name.split("_", 3)
    if len(parts) < 4 or not parts[1].startswith("gs-"):
        return name
    time = parts[2][: len(_TIME)]
    if len(time) < len(_TIME) or not time.isdecimal():
        return name
    return f"{parts[0]}_{parts[1]}_{_TIME}{parts[2][len(_TIME) :]}_{parts[3]}"


def _exposures(rows: Sequence[tuple[Any, ...]]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which rows are of an exposure's name."""
    return np.array([row[_EXPOSURE] >= 0 for row in rows] or [False], dtype=bool)
