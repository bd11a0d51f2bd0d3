"""A table's tree under one narrowing, with what is summed below each of its lines."""

from collections.abc import Mapping, Set
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from jwstmq_widgets.tables.encoded import Encoded
from jwstmq_widgets.tables.facets import ACCESS, access_codes
from jwstmq_widgets.tables.tree import ProductTree
from jwstmq_widgets.widgets.grids.rowmarks import STATE_CODES, RowMarks

__all__ = ["GrownTree", "Share"]

Sums = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Share = Literal["ticked", "here", "exclusive", "failed", "moving"]

_KINDS: Mapping[str, tuple[str, ...]] = {"here": ("here",), "failed": ("failed",), "moving": ("waiting", "running")}


class GrownTree:
    """One table's tree under one narrowing.

    Parameters
    ----------
    table
        The table.
    tree
        Its tree.
    within
        Which rows are in it, shape (n,); None for all.
    marks
        The table's ticks and states.
    """

    def __init__(self, table: Table, tree: ProductTree, within: Mask | None, marks: RowMarks) -> None:
        self.table = table
        self.tree = tree
        self.within = within
        self.branches = tree.branches(within)
        self._marks = marks
        self._summed: dict[str, tuple[Any, Sums]] = {}

    def same(self, tree: ProductTree, within: Mask | None) -> bool:
        """Tell whether this is a tree under a narrowing."""
        if tree is not self.tree:
            return False
        if within is None or self.within is None:
            return within is self.within
        return within is self.within or bool(np.array_equal(within, self.within))

    def look_at(self, ticked: Set[str], states: Mapping[str, Any]) -> None:
        """Bring ticks and states up to date."""
        self._marks.look_at(ticked, states)

    def row(self, place: int) -> int:
        """Give the row of the table at a place in the tree's order of files."""
        return int(self.branches.order[place])

    def number(self, share: Share, start: int, stop: int) -> int:
        """Count the files of a kind from one place in the tree's order to another."""
        return _between(self._exclusive if share == "exclusive" else self._sums(share), start, stop)

    def size(self, start: int, stop: int) -> int:
        """Sum the bytes known of files; those of one file are below 0 where they are not known."""
        if stop == start + 1:
            return int(self.table["size"][self.row(start)])
        return _between(self._sizes, start, stop)

    def one_target(self, start: int, stop: int) -> bool:
        """Tell whether files all have the same target."""
        return not _between(self._other_targets, start + 1, stop)

    def _sums(self, share: Share) -> Sums:
        marks = self._marks.ticked if share == "ticked" else self._marks.states
        known = self._summed.get(share)
        if known is None or known[0] is not marks:
            flags = marks if share == "ticked" else np.isin(marks, [STATE_CODES[kind] for kind in _KINDS[share]])
            known = self._summed[share] = (marks, self.branches.sums(flags))
        return known[1]

    @cached_property
    def _sizes(self) -> Sums:
        return self.branches.sums(np.maximum(np.asarray(self.table["size"], dtype=np.int64), 0))

    @cached_property
    def _exclusive(self) -> Sums:
        return self.branches.sums(access_codes(self.table) == ACCESS.index("exclusive"))

    @cached_property
    def _other_targets(self) -> Sums:
        """Sums of the files whose target is not that of the file before."""
        targets = Encoded.of(np.asarray(self.table["target_name"])).codes[self.branches.order]
        sums = np.zeros(len(targets) + 1, dtype=np.int64)
        np.cumsum(np.diff(targets, prepend=targets[:1]) != 0, out=sums[1:])
        return sums


def _between(sums: Sums, start: int, stop: int) -> int:
    return int(sums[max(stop, start)] - sums[start])
