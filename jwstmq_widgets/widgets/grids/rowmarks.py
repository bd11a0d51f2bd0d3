"""What changes of a grid's rows while they stay: ticks, and states at the destination."""

from collections.abc import Mapping, Set
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from jwstmq_widgets.exploration.files import FileIndex, FileStates, Ticks
from jwstmq_widgets.widgets.grids.textcolumn import TextColumn

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import FileState

__all__ = ["STATES", "STATE_CODES", "RowMarks", "marks", "state_words"]

Mask = npt.NDArray[np.bool_]

STATES: Mapping[str, str] = {
    "": "not here",
    "exclusive": "no access",
    "planned": "not yet taken",
    "waiting": "waiting",
    "partial": "partly here",
    "running": "downloading",
    "failed": "failed",
    "different": "differs",
    "here": "here",
}
"""Kind of a file's state (`tables.facets.STATE_KINDS`) to its words, in the order in which they sort."""

STATE_CODES: Mapping[str, int] = {kind: code for code, kind in enumerate(STATES)}
"""Kind of a state to its place in `STATES`."""

_FILE_CODES = np.array([0, *(STATE_CODES[kind] for kind in FileStates.kinds)], dtype=np.int8)
_MANY = 50


def state_words(state: "FileState") -> str:
    """Write a file's state in a word or two: how much of it has come while it is moved."""
    return f"{state.fraction:.0%}" if state.kind == "running" else STATES[state.kind]


class RowMarks:
    """Which rows of a table are ticked, and in which state each is; kept by what differs from the last look.

    Parameters
    ----------
    keys
        What tells the rows apart: URIs of products, obsids of observations; shape (n,).
    """

    def __init__(self, keys: npt.NDArray[Any]) -> None:
        self._keys = keys
        self._places: tuple[FileIndex | None, npt.NDArray[np.intp] | None] = (None, None)
        self._known: Set[str] = frozenset()
        self._seen: Mapping[str, FileState] = {}
        self.ticked: Mask = np.zeros(len(keys), dtype=bool)
        self.states: npt.NDArray[np.int8] = np.zeros(len(keys), dtype=np.int8)

    @property
    def stateless(self) -> bool:
        """Whether nothing is known of any state."""
        return not self._seen

    def places(self, index: FileIndex, rows: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
        """Give the places of rows in an index of files; rows that are not there are left out.

        Parameters
        ----------
        index
            Such as that of the ticks.
        rows
            Row numbers, shape (m,).

        Returns
        -------
        numpy.ndarray
            As many places as there are rows that were found.
        """
        places = self._places_in(index)
        found = rows if places is None else places[rows]
        return found[found >= 0]

    def look_at_ticks(self, ticked: Set[str]) -> None:
        """Bring the ticked rows up to date.

        Parameters
        ----------
        ticked
            Keys of the ticked rows, wherever they are.
        """
        if ticked is not self._known:
            self.ticked = self._tick_mask(ticked)
            self._known = ticked

    def look_at(self, ticked: Set[str], states: Mapping[str, "FileState"]) -> None:
        """Bring ticks and states up to date.

        ``states`` of this object becomes another array only where a state has become another kind.

        Parameters
        ----------
        ticked
            Keys of the ticked rows, wherever they are.
        states
            Key to state.
        """
        self.look_at_ticks(ticked)
        if states is not self._seen:
            now = self._state_codes(states)
            self._seen = states
            if not np.array_equal(now, self.states):
                self.states = now

    def _tick_mask(self, ticked: Set[str]) -> Mask:
        if isinstance(ticked, Ticks):
            return self._of_rows(ticked.index, ticked.mask)
        changed = self._known ^ ticked
        if len(changed) > len(self._keys) // _MANY:
            # asking the set for every row is sooner than looking up most rows one by one
            return np.fromiter(map(ticked.__contains__, self._keys.tolist()), dtype=bool, count=len(self._keys))
        rows = self._column.find(changed) if changed else np.empty(0, dtype=np.intp)
        mask = self.ticked.copy()
        mask[rows[rows >= 0]] ^= True
        return mask

    def _state_codes(self, states: Mapping[str, "FileState"]) -> npt.NDArray[np.int8]:
        if isinstance(states, FileStates):
            return _FILE_CODES[self._of_rows(states.index, states.codes)]
        seen = self._seen
        moved = {key: STATE_CODES[state.kind] for key, state in states.items() if seen.get(key) is not state}
        moved |= dict.fromkeys(seen.keys() - states.keys(), 0)
        rows = self._column.find(moved) if moved else np.empty(0, dtype=np.intp)
        codes = self.states.copy()
        codes[rows[rows >= 0]] = np.array(list(moved.values()), dtype=np.int8)[rows >= 0]
        return codes

    def _of_rows(self, index: FileIndex, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Give what is kept for the rows of another table, such as all products, to the rows of this one."""
        keys = self._keys
        if not values.any():
            return np.zeros(len(keys), dtype=values.dtype)  # where each row stands in the other table is not needed
        places = self._places_in(index)
        if places is None:
            return values
        return np.where(places >= 0, values[places], np.zeros(1, dtype=values.dtype))

    def _places_in(self, index: FileIndex) -> npt.NDArray[np.intp] | None:
        """Give the place of each row in an index, -1 for none; None where each has its own place there."""
        keys = self._keys
        if self._places[0] is not index:
            same = len(keys) == len(index) and (np.shares_memory(keys, index.uris) or not len(keys))
            self._places = (index, None if same else index.places(keys.tolist()))
        return self._places[1]

    @cached_property
    def _column(self) -> TextColumn:
        return TextColumn(self._keys, fold=False)


def marks(uris: list[str], *, ticked: Set[str], states: Mapping[str, "FileState"]) -> dict[str, list[Any]]:
    """Give what changes of rows that stay: tick and state, by column, ready for JSON.

    Parameters
    ----------
    uris
        Product URIs, m of them.
    ticked
        URIs of the ticked products.
    states
        URI to state.

    Returns
    -------
    dict
        ``ticked`` (0 or 1), ``state`` (a key of `STATES`), ``percent`` (0 to 100) and ``note``, m values each.
    """
    found = [states.get(uri) for uri in uris]
    return {
        "ticked": [int(uri in ticked) for uri in uris],
        "state": [state.kind if state else "" for state in found],
        "percent": [int(state.fraction * 100) if state else 0 for state in found],
        "note": [state.message if state else "" for state in found],
    }
