"""A column of texts as bytes of one width: searched, ranked and looked up without a Python loop."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["TextColumn"]

Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.intp]

_WORD = 8
_LETTERS = np.uint8(26)


class TextColumn:
    """Texts of one column, folded to lower case.

    Only ASCII letters are folded: names in the archives' tables are ASCII, and what is not is compared as it is.

    Parameters
    ----------
    values
        Texts, shape (n,): a numpy array of kind ``U``, ``S`` or ``O``, an astropy Column, or a list.
    fold
        False keeps upper and lower case apart.
    """

    def __init__(self, values: Any, *, fold: bool = True) -> None:
        self._fold = fold
        self._texts = _encoded(values)
        if fold:
            _fold(self._texts)

    def __len__(self) -> int:
        return len(self._texts)

    def contains(self, text: str) -> Mask:
        """Tell which texts hold `text` somewhere, shape (n,)."""
        return self._where(np.strings.find, text, least=0)

    def starts(self, text: str) -> Mask:
        """Tell which texts begin with `text`, shape (n,)."""
        return self._where(np.strings.startswith, text)

    def ends(self, text: str) -> Mask:
        """Tell which texts end with `text`, shape (n,)."""
        return self._where(np.strings.endswith, text)

    def equals(self, text: str) -> Mask:
        """Tell which texts are `text`, shape (n,)."""
        return self._where(np.equal, text)

    @cached_property
    def ranks(self) -> npt.NDArray[np.int32]:
        """The place of each text among the distinct ones in alphabetical order, shape (n,)."""
        order = self._order
        words = self._words
        steps = np.zeros(len(order), dtype=np.int32)
        for word in words:
            ordered = word[order]
            steps[1:] |= ordered[1:] != ordered[:-1]
        ranks = np.empty(len(order), dtype=np.int32)
        ranks[order] = np.cumsum(steps, dtype=np.int32)
        return ranks

    def find(self, texts: Iterable[str]) -> Index:
        """Find the rows that hold these texts.

        Parameters
        ----------
        texts
            Texts to look up, m of them; where several rows hold the same one, the first is found.

        Returns
        -------
        numpy.ndarray
            Row numbers, shape (m,); -1 for a text that is not there.
        """
        wanted = _encoded(list(texts))
        if self._fold:
            _fold(wanted)
        if not len(self) or not len(wanted):
            return np.full(len(wanted), -1, dtype=np.intp)
        places = np.searchsorted(self._texts, wanted, sorter=self._order)
        rows = self._order[np.minimum(places, len(self) - 1)]
        return np.where(self._texts[rows] == wanted, rows, -1)

    @cached_property
    def _words(self) -> list[npt.NDArray[np.uint64]]:
        """The texts cut into big-endian words of eight letters, without those that are the same in all rows."""
        width = -(-self._texts.dtype.itemsize // _WORD) * _WORD
        padded = self._texts.astype(f"S{width}") if width != self._texts.dtype.itemsize else self._texts
        matrix = padded.view(">u8").reshape(len(self), width // _WORD)
        columns = [np.ascontiguousarray(matrix[:, number]).astype(np.uint64) for number in range(matrix.shape[1])]
        return [column for column in columns if len(column) and (column != column[0]).any()]

    @cached_property
    def _order(self) -> Index:
        words = self._words
        if not words:
            return np.arange(len(self), dtype=np.intp)
        return np.lexsort(words[::-1])

    def _where(self, test: Any, text: str, least: int | None = None) -> Mask:
        found = test(self._texts, _folded(text) if self._fold else text.encode())
        return np.asarray(found >= least if least is not None else found, dtype=np.bool_)


def _fold(texts: npt.NDArray[np.bytes_]) -> None:
    """Make ASCII capitals small, in place."""
    letters = texts.view(np.uint8)
    # unsigned letters below "A" wrap round to large numbers, so one comparison finds the capitals
    letters |= ((letters - np.uint8(ord("A"))) < _LETTERS).view(np.uint8) << 5


def _folded(text: str) -> bytes:
    return text.encode().lower()  # bytes.lower knows ASCII only


def _encoded(values: Any) -> npt.NDArray[np.bytes_]:
    array = np.asarray(values)
    if array.dtype.kind not in "US":
        array = array.astype(str)
    if array.dtype.itemsize == 0 or not array.size:
        return np.zeros(array.shape, dtype="S1")
    if array.dtype.kind == "S":
        return np.array(array)
    try:
        return array.astype("S")
    except UnicodeEncodeError:
        return np.strings.encode(array, "utf-8")
