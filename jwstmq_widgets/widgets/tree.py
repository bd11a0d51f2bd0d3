"""The program tree: products grouped as they were observed, of which the browser holds only the lines in sight."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from jwstmq_widgets.exploration import Ticks
from jwstmq_widgets.exploration.counts import counted
from jwstmq_widgets.tables.tree import Grouping, Path, ProductTree
from jwstmq_widgets.widgets.emptytext import empty_text
from jwstmq_widgets.widgets.grids.rowmarks import RowMarks
from jwstmq_widgets.widgets.panel import Panel, static
from jwstmq_widgets.widgets.trees.grown import GrownTree
from jwstmq_widgets.widgets.trees.lines import TreeLines

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["ProgramTree"]

_MOST_PLACES = 16
_MOST_IN_SIGHT = 200
_MOST_TRIED = 20_000  # lines that are looked at for what is typed
_FEW_PROGRAMS = 3  # of so few programs the observations are seen at once


@dataclass(slots=True, kw_only=True)
class _Openness:
    """Which nodes are open."""

    depth: int | None = None
    """Nodes of so many levels; None until the user has said."""
    opened: set[Path] = field(default_factory=set)
    """Nodes that are open besides."""
    closed: set[Path] = field(default_factory=set)
    """Nodes that are not."""


class ProgramTree(Panel):
    """The shown products as a tree: program, observation, visit, exposure, detector, file; or by file type.

    Each line counts the files below it, their bytes, and how many are here, exclusive, failed or under way; its box
    ticks all of them. Ticks are the exploration's, so that grid and gallery have the same.

    Parameters
    ----------
    exploration
        Whose ``shown`` products, as facets and observations narrow them, ``ticked`` and ``states`` are drawn.
    height
        Height of the lines' window, in px.
    """

    _esm = static("dom.js", "tree.js")
    styles = ("tree.css",)
    watches = ("shown", "ticked", "states", "jobs", "facets", "chosen_observations")

    def __init__(self, exploration: "Exploration", *, height: int = 420, **traits: Any) -> None:
        self._height = int(height)
        self._lock = threading.RLock()  # of the tree, which for a million files is held for seconds
        self._sight = threading.Lock()  # of what is in sight, so that whoever looks need not wait for it
        self._by: Grouping = "exposure"
        self._open: dict[Grouping, _Openness] = {"exposure": _Openness(), "type": _Openness()}
        self._trees: dict[Grouping, ProductTree] = {}
        self._table: Table | None = None
        self._marks = RowMarks(np.zeros(0, dtype="U1"))
        self._grown: GrownTree | None = None
        self._flat: npt.NDArray[np.int64] | None = None
        self._edition = 0
        self._lines = TreeLines(exploration)
        self._in_sight: OrderedDict[str, tuple[int, int]] = OrderedDict()
        super().__init__(exploration, **traits)

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show: how many lines there are, and those in sight somewhere."""
        with self._lock:
            if not self._in_sight:
                # what is seen first when the tree comes in sight: a million files take seconds to count
                return self._frame(0, [], empty="Counting the files …" if len(self.exploration.shown) else "")
            grown = self._grow()
            grown.look_at(self.exploration.ticked, self.exploration.states)
            flat = self._open_lines(grown)
            with self._sight:
                places = {place for first, last in self._in_sight.values() for place in range(first, last + 1)}
            lines = [self._lines.line(grown, flat, place) for place in sorted(places) if place < len(flat)]
            return self._frame(len(flat), lines, empty="" if len(flat) else self._empty_text())

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for."""
        return {
            "look": self._look,
            "gone": self._gone,
            "toggle": self._toggle,
            "deeper": self._deeper,
            "shut": self._shut,
            "group": self._group,
            "tick": self._tick,
            "find": self._find,
        }

    # -- what is drawn -------------------------------------------------------------------------------------------------

    def _frame(self, count: int, lines: list[dict[str, Any]], *, empty: str) -> dict[str, Any]:
        return {
            "edition": self._edition,
            "height": self._height,
            "by": self._by,
            "count": count,
            "lines": lines,
            "note": self._note() if count else "",
            "deepest": count > 0 and self._depth() >= len(self._trees[self._by].names),
            "empty": empty,
        }

    def _grow(self) -> GrownTree:
        """Give the tree of what is shown now; it is worked out when that is something else, and somebody looks."""
        shown = self.exploration.shown
        within = self.exploration.narrowing(shown)
        if shown is not self._table:
            self._table, self._grown = shown, None
            self._trees.clear()
            self._marks = RowMarks(np.asarray(shown["dataURI"]))
        grown = self._grown
        tree = self._trees.get(self._by)
        if tree is None:
            tree = self._trees[self._by] = ProductTree(shown, by=self._by)
        if grown is None or not grown.same(tree, within):
            grown = self._grown = GrownTree(shown, tree, within, self._marks)
            self._flat = None
            self._edition += 1
        return grown

    def _open_lines(self, grown: GrownTree) -> npt.NDArray[np.int64]:
        if self._flat is None:
            state = self._open[self._by]
            self._flat = grown.branches.flat(depth=self._depth(), opened=state.opened, closed=state.closed)
        return self._flat

    def _depth(self) -> int:
        depth = self._open[self._by].depth
        if depth is not None:
            return depth
        return int(self._grown is not None and self._grown.branches.number(0) <= _FEW_PROGRAMS)

    # -- from the browser ----------------------------------------------------------------------------------------------

    def _look(self, page: str, first: int, last: int) -> None:
        first = max(int(first), 0)
        with self._sight:
            self._in_sight[str(page)] = (first, min(int(last), first + _MOST_IN_SIGHT))
            self._in_sight.move_to_end(str(page))
            while len(self._in_sight) > _MOST_PLACES:
                self._in_sight.popitem(last=False)

    def _gone(self, page: str) -> None:
        with self._sight:
            self._in_sight.pop(str(page), None)

    def _toggle(self, id: list[Any], open: bool) -> None:  # noqa: A002  (the names of the message's fields)
        path = _path(id)
        with self._lock:
            state = self._open[self._by]
            (state.opened if open else state.closed).add(path)
            (state.closed if open else state.opened).discard(path)
            self._flat = None

    def _deeper(self) -> None:
        """Open the nodes of one level more, and with them all that the user closed."""
        with self._lock:
            levels = len(self._grow().tree.names)
            self._open[self._by] = _Openness(depth=min(self._depth() + 1, levels))
            self._flat = None

    def _shut(self) -> None:
        with self._lock:
            self._open[self._by] = _Openness(depth=0)
            self._flat = None

    def _group(self, by: str) -> None:
        if by not in self._open:
            raise ValueError(f"the browser asked for groups by {by!r}; there are {', '.join(self._open)}")
        with self._lock:
            self._by, self._grown, self._flat = by, None, None

    def _tick(self, on: bool, id: list[Any] | None = None, uri: str = "") -> None:  # noqa: A002
        verb = self.exploration.tick if on else self.exploration.untick
        if id is None:
            verb([str(uri)])
            return
        with self._lock:
            grown = self._grow()
            found = grown.branches.find(_path(id))
            if found is None:
                return
            index = self.exploration.ticked.index
            rows = self._marks.places(index, grown.branches.rows(*found))
        verb(Ticks(index).with_rows(rows, on=True))

    def _find(self, page: str, text: str, place: int) -> None:
        """Send the next line, from a place on and then from the top, that begins with what was typed."""
        typed = str(text).casefold()
        with self._lock:
            grown = self._grow()
            flat = self._open_lines(grown)
            start = max(int(place), 0)
            order: Iterator[int] = chain(range(start, len(flat)), range(min(start, len(flat))))
            for _, line in zip(range(_MOST_TRIED), order, strict=False):
                if self._lines.label(grown, int(flat[line])).casefold().startswith(typed):
                    self.send({"found": {"page": str(page), "place": line}})
                    return

    # -- words ---------------------------------------------------------------------------------------------------------

    def _note(self) -> str:
        grown = self._grown
        if grown is None:
            return ""
        files, programs = len(grown.branches), grown.branches.number(0)
        ticked = grown.number("ticked", 0, files)
        counts = f"{counted(files, 'file')} of {counted(programs, 'program')}"
        return f"{ticked:,} of {counts} ticked" if ticked else counts

    def _empty_text(self) -> str:
        return empty_text(
            self.exploration, what="tree", shown="No file passes the chosen facets. Clear them to see all."
        )


def _path(keys: list[Any]) -> Path:
    return tuple(key if isinstance(key, int) and not isinstance(key, bool) else str(key) for key in keys)
