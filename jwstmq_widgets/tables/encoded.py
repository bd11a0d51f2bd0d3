"""A column that stores each of its values once."""

import gc
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ContextDecorator
from typing import Any

import numpy as np
import orjson

__all__ = ["Coder", "Encoded", "concatenated", "texts_of", "uncollected"]

Codes = np.ndarray[Any, np.dtype[np.int32]]
Rows = np.ndarray[Any, Any]

_LONG = 256  # characters: of columns but lists, few have longer texts
_MUCH, _VERY_MUCH = 16_000_000, 64_000_000  # bytes
_BYTES = 4  # of a character in numpy's arrays


class Encoded:
    """Values as codes: most columns of an archive's answer repeat a few texts many times.

    Parameters
    ----------
    codes
        For each row the place of its value in ``values``.
    values
        The values, each once.
    """

    __slots__ = ("codes", "values")

    def __init__(self, codes: Codes, values: Sequence[Any]) -> None:
        self.codes = codes
        self.values = values

    @classmethod
    def of(cls, values: "Iterable[Any] | Encoded") -> "Encoded":
        """Encode values; what is encoded already is given back.

        Parameters
        ----------
        values
            The value of each row.

        Returns
        -------
        Encoded
        """
        if isinstance(values, Encoded):
            return values
        coder = Coder()
        codes = coder.encode(values.tolist() if isinstance(values, np.ndarray) else list(values))
        return cls(codes, list(coder))

    def __len__(self) -> int:
        return len(self.codes)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    @property
    def plain(self) -> bool:
        """True where no value repeats: row and code are the same number."""
        return len(self.codes) == len(self.values) and bool(np.all(self.codes == np.arange(len(self.codes))))

    def tolist(self) -> list[Any]:
        """Give the value of each row."""
        values = self.values
        return [values[code] for code in self.codes.tolist()]

    def take(self, rows: Rows) -> "Encoded":
        """Give some rows; values that none of them has are dropped.

        Parameters
        ----------
        rows
            Which rows, in the order wanted.

        Returns
        -------
        Encoded
        """
        codes = self.codes[rows]
        used = np.zeros(len(self.values), dtype=bool)
        used[codes] = True
        if used.all():
            return Encoded(codes, self.values)
        new = np.cumsum(used, dtype=np.int32) - 1
        return Encoded(new[codes], [self.values[place] for place in np.flatnonzero(used).tolist()])


class _Uncollected(ContextDecorator):
    """Keeps the garbage collector from looking through very many values again and again while they are made.

    For work in which nothing refers to itself: for a million rows the looking is a sixth of the time. The collector
    belongs to the whole process: it goes on when the last of several threads is done.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._at_it = 0
        self._was_on = False

    def __enter__(self) -> None:
        with self._lock:
            if not self._at_it:
                self._was_on = gc.isenabled()
                gc.disable()
            self._at_it += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._at_it -= 1
            if not self._at_it and self._was_on:
                gc.enable()


uncollected = _Uncollected()
"""The one of this process."""


class Coder(dict[Any, int]):
    """Gives each new value the next code. JSON's ``1`` and ``1.0`` are one value, as JSON has it."""

    def __missing__(self, value: Any) -> int:
        self[value] = code = len(self)
        return code

    def encode(self, values: Sequence[Any]) -> Codes:
        """Give the codes of values.

        Parameters
        ----------
        values
            Values; lists and dicts, which an archive's columns do not hold, are encoded as their JSON text.

        Returns
        -------
        numpy.ndarray
        """
        try:
            return np.fromiter(map(self.__getitem__, values), np.int32, len(values))
        except TypeError:
            texts = [orjson.dumps(value).decode() if isinstance(value, (list, dict)) else value for value in values]
            return np.fromiter(map(self.__getitem__, texts), np.int32, len(texts))


def concatenated(parts: Sequence[Encoded]) -> Encoded:
    """Put columns one below the other.

    Parameters
    ----------
    parts
        The columns.

    Returns
    -------
    Encoded
    """
    if len(parts) == 1:
        return parts[0]
    coder = Coder()
    codes = [np.zeros(0, dtype=np.int32)]
    codes += [coder.encode(part.values)[part.codes] for part in parts if len(part)]
    return Encoded(np.concatenate(codes), list(coder))


def texts_of(column: Encoded) -> Rows:
    """Give texts as an array.

    In numpy's arrays of texts each is as wide as the longest, at four bytes a character: the parents of 17,689 files,
    of which some have 264, took 214 MB, and the descriptions of 1,000,000 files 256 MB, though there are 17 of them.
    Where that is much, the array is one of Python's own texts, each of them there once; astropy takes both, and ECSV
    and CSV hold both.

    Parameters
    ----------
    column
        Texts.

    Returns
    -------
    numpy.ndarray
        Of texts (kind ``U``), or of objects if all would take more than 64 MB, or more than 16 MB where one has more
        than 256 characters.
    """
    width = _BYTES * max(map(len, column.values), default=0)
    size = width * len(column)
    if size > (_MUCH if width > _LONG * _BYTES else _VERY_MUCH):
        values = np.empty(len(column.values), dtype=object)
        values[:] = column.values
    else:
        values = np.array(column.values, dtype=str)
    return values if column.plain else values[column.codes]
