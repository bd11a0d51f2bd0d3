"""The program tree: products grouped as they were observed, of which the browser holds only the lines in sight."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from jwstmq_widgets.exploration import FileStates, Ticks
from jwstmq_widgets.exploration.counts import counted
from jwstmq_widgets.tables import format_size
from jwstmq_widgets.tables.encoded import Encoded
from jwstmq_widgets.tables.facets import ACCESS, access_codes
from jwstmq_widgets.tables.tree import Branches, Grouping, Path, ProductTree
from jwstmq_widgets.widgets.panel import Panel, static
from jwstmq_widgets.widgets.rowmarks import STATES
from jwstmq_widgets.widgets.treewords import node_words, type_meaning

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration
    from jwstmq_widgets.exploration.files import FileIndex

__all__ = ["ProgramTree"]

_MOST_PLACES = 16
_MOST_IN_SIGHT = 200
_MOST_TRIED = 20_000  # lines that are looked at for what is typed
_FEW_PROGRAMS = 3  # of so few programs the observations are seen at once
_SHARES = ("here", "exclusive", "failed", "moving")


@dataclass(slots=True, kw_only=True)
class _Openness:
    """Which nodes are open."""

    depth: int | None = None
    """Nodes of so many levels; None until the user has said."""
    opened: set[Path] = field(default_factory=set)
    """Nodes that are open besides."""
    closed: set[Path] = field(default_factory=set)
    """Nodes that are not."""


class _Grown:
    """One table's tree under one narrowing, with what is worked out for it once."""

    def __init__(self, table: Table, tree: ProductTree, within: npt.NDArray[np.bool_] | None) -> None:
        self.table = table
        self.tree = tree
        self.within = within
        self.branches = tree.branches(within)

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Sums of the bytes known."""
        return self.branches.sums(np.maximum(np.asarray(self.table["size"], dtype=np.int64), 0))

    @cached_property
    def exclusive(self) -> npt.NDArray[np.int64]:
        """Sums of the files that are still exclusive."""
        return self.branches.sums(access_codes(self.table) == ACCESS.index("exclusive"))

    @cached_property
    def other_targets(self) -> npt.NDArray[np.int64]:
        """Sums of the files whose target is not that of the file before."""
        targets = Encoded.of(np.asarray(self.table["target_name"])).codes[self.branches.order]
        sums = np.zeros(len(targets) + 1, dtype=np.int64)
        np.cumsum(np.diff(targets, prepend=targets[:1]) != 0, out=sums[1:])
        return sums


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
    _css = static("panel.css", "tree.css")
    watches = ("shown", "ticked", "states", "jobs", "facets", "chosen_observations")

    def __init__(self, exploration: "Exploration", *, height: int = 420, **traits: Any) -> None:
        self._height = int(height)
        self._lock = threading.RLock()  # of the tree, which for a million files is held for seconds
        self._sight = threading.Lock()  # of what is in sight, so that whoever looks need not wait for it
        self._by: Grouping = "exposure"
        self._open: dict[Grouping, _Openness] = {"exposure": _Openness(), "type": _Openness()}
        self._trees: dict[Grouping, ProductTree] = {}
        self._table: Table | None = None
        self._grown: _Grown | None = None
        self._flat: npt.NDArray[np.int64] | None = None
        self._edition = 0
        self._places: tuple[FileIndex | None, npt.NDArray[np.intp]] = (None, np.zeros(0, dtype=np.intp))
        self._summed: dict[str, tuple[Any, npt.NDArray[np.int64]]] = {}
        self._titled: tuple[Table | None, Mapping[Any, str]] = (None, {})
        self._in_sight: OrderedDict[str, tuple[int, int]] = OrderedDict()
        super().__init__(exploration, **traits)

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show: how many lines there are, and those in sight somewhere."""
        with self._lock:
            if not self._in_sight:
                # what is seen first when the tree comes in sight: a million files take seconds to count
                return self._frame(0, [], empty="Counting the files …" if len(self.exploration.shown) else "")
            grown = self._grow()
            flat = self._lines(grown)
            with self._sight:
                places = {place for first, last in self._in_sight.values() for place in range(first, last + 1)}
            lines = [self._line(grown, flat, place) for place in sorted(places) if place < len(flat)]
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

    def _grow(self) -> _Grown:
        """Give the tree of what is shown now; it is worked out when that is something else, and somebody looks."""
        shown = self.exploration.shown
        within = self.exploration.narrowing(shown)
        if shown is not self._table:
            self._table, self._grown = shown, None
            self._trees.clear()
            self._places = (None, self._places[1])
        grown = self._grown
        tree = self._trees.get(self._by)
        if tree is None:
            tree = self._trees[self._by] = ProductTree(shown, by=self._by)
        if grown is None or grown.tree is not tree or not _same(grown.within, within):
            grown = self._grown = _Grown(shown, tree, within)
            self._flat = None
            self._summed.clear()
            self._edition += 1
        return grown

    def _lines(self, grown: _Grown) -> npt.NDArray[np.int64]:
        if self._flat is None:
            state = self._open[self._by]
            self._flat = grown.branches.flat(depth=self._depth(), opened=state.opened, closed=state.closed)
        return self._flat

    def _depth(self) -> int:
        depth = self._open[self._by].depth
        if depth is not None:
            return depth
        return int(self._grown is not None and self._grown.branches.number(0) <= _FEW_PROGRAMS)

    def _line(self, grown: _Grown, flat: npt.NDArray[np.int64], place: int) -> dict[str, Any]:
        branches = grown.branches
        level, number = branches.seen(int(flat[place]))
        start, stop = branches.span(level, number) if level >= 0 else (number, number + 1)
        above = branches.above(level, number)
        line: dict[str, Any] = {
            "place": place,
            "level": level + 1 if level >= 0 else (above[0] + 2 if above else 1),
            "parent": branches.place(flat, *above) if above else -1,
            "size": self._size(grown, start, stop),
            **_siblings(branches, level, number, above),
        }
        if level >= 0:
            path = branches.path(level, number)
            shares = {name: self._between(grown, name, start, stop) for name in _SHARES}
            return line | {
                "id": list(path),
                "open": self._is_open(flat, place, start, stop, level),
                "files": stop - start,
                "ticked": self._between(grown, "ticked", start, stop),
                "shares": {name: count for name, count in shares.items() if count},
                **self._words(grown, path, level, start, stop),
            }
        row = int(branches.order[number])
        uri = str(grown.table["dataURI"][row])
        state = self.exploration.states.get(uri)
        name = str(grown.table["productFilename"][row])
        filetype = str(grown.table["filetype"][row])
        return line | {
            "uri": uri,
            "files": 1,
            "ticked": int(uri in self.exploration.ticked),
            "label": name,
            "about": type_meaning(filetype),
            "state": state.kind if state is not None else "",
            "words": ""
            if state is None
            else f"{state.fraction:.0%}"
            if state.kind == "running"
            else STATES[state.kind],
            "why": state.message if state is not None else "",
        }

    def _words(self, grown: _Grown, path: Path, level: int, start: int, stop: int) -> dict[str, str]:
        row = grown.table[int(grown.branches.order[start])]
        one = not self._sum_between(grown.other_targets, start + 1, stop)
        target = str(row["target_name"]) if one else "several targets"
        kind = grown.tree.names[level]
        label, about = node_words(
            kind,
            path,
            target=target,
            instrument=str(row["instrument"]),
            title=self._titles.get(path[0], "") if not level else "",
        )
        return {"kind": kind, "label": label, "about": about}

    @property
    def _titles(self) -> Mapping[Any, str]:
        """Program to title, of the observations found."""
        observations = self.exploration.observations
        if self._titled[0] is not observations:
            programs, titles = (np.asarray(observations[name]).tolist() for name in ("program", "obs_title"))
            self._titled = (observations, dict(zip(programs, map(str, titles), strict=True)))
        return self._titled[1]

    def _size(self, grown: _Grown, start: int, stop: int) -> str:
        if stop == start + 1:
            return format_size(int(grown.table["size"][int(grown.branches.order[start])]))
        return format_size(self._sum_between(grown.sizes, start, stop))

    def _is_open(self, flat: npt.NDArray[np.int64], place: int, start: int, stop: int, level: int) -> bool:
        """Tell whether what is below a node is seen: then the next line is of its files, and deeper."""
        if place + 1 >= len(flat):
            return False
        below, number = self._grown.branches.seen(int(flat[place + 1])) if self._grown is not None else (0, 0)
        begins = number if below < 0 or self._grown is None else self._grown.branches.span(below, number)[0]
        return (below < 0 or below > level) and start <= begins < stop

    # -- sums ----------------------------------------------------------------------------------------------------------

    def _between(self, grown: _Grown, name: str, start: int, stop: int) -> int:
        return self._sum_between(grown.exclusive if name == "exclusive" else self._sums(grown, name), start, stop)

    def _sum_between(self, sums: npt.NDArray[np.int64], start: int, stop: int) -> int:
        return int(sums[max(stop, start)] - sums[start])

    def _sums(self, grown: _Grown, name: str) -> npt.NDArray[np.int64]:
        source = self.exploration.ticked if name == "ticked" else self.exploration.states
        known = self._summed.get(name)
        if known is None or known[0] is not source:
            known = self._summed[name] = (source, grown.branches.sums(self._flags(source, name)))
        return known[1]

    def _flags(self, source: Ticks | FileStates, name: str) -> npt.NDArray[np.bool_]:
        """Tell of each row of the table whether it is ticked, or its state is of a kind."""
        places = self._placed(source.index)
        if isinstance(source, Ticks):
            flags = source.mask
        else:
            kinds = ("waiting", "running") if name == "moving" else (name,)
            flags = np.isin(source.codes, [FileStates.code(cast("Any", kind)) for kind in kinds])
        if not flags.any():
            return np.zeros(len(places), dtype=np.bool_)
        return np.append(flags, False)[places]  # the last one is for files that the index does not have

    def _placed(self, index: "FileIndex") -> npt.NDArray[np.intp]:
        """Give the place of each row of the table in an index, -1 for none."""
        if self._places[0] is not index:
            table = self.exploration.shown if self._table is None else self._table
            self._places = (index, index.places(np.asarray(table["dataURI"])))
        return self._places[1]

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
            rows = self._placed(index)[grown.branches.rows(*found)]
        verb(Ticks(index).with_rows(rows[rows >= 0], on=True))

    def _find(self, page: str, text: str, place: int) -> None:
        """Send the next line, from a place on and then from the top, that begins with what was typed."""
        typed = str(text).casefold()
        with self._lock:
            grown = self._grow()
            flat = self._lines(grown)
            start = max(int(place), 0)
            order: Iterator[int] = chain(range(start, len(flat)), range(min(start, len(flat))))
            for _, line in zip(range(_MOST_TRIED), order, strict=False):
                if self._label(grown, int(flat[line])).casefold().startswith(typed):
                    self.send({"found": {"page": str(page), "place": line}})
                    return

    def _label(self, grown: _Grown, line: int) -> str:
        level, number = grown.branches.seen(line)
        if level < 0:
            return str(grown.table["productFilename"][int(grown.branches.order[number])])
        return node_words(grown.tree.names[level], grown.branches.path(level, number))[0]

    # -- words ---------------------------------------------------------------------------------------------------------

    def _note(self) -> str:
        grown = self._grown
        if grown is None:
            return ""
        files, programs = len(grown.branches), grown.branches.number(0)
        ticked = self._sum_between(self._sums(grown, "ticked"), 0, files)
        counts = f"{counted(files, 'file')} of {counted(programs, 'program')}"
        return f"{ticked:,} of {counts} ticked" if ticked else counts

    def _empty_text(self) -> str:
        search = self.exploration.jobs.get("search")
        if search is not None and search.state == "running":
            return "Searching …"
        if len(self.exploration.shown):
            return "No file passes the chosen facets. Clear them to see all."
        if len(self.exploration.products):
            return "None of the chosen file types is here. Choose others, or all."
        if self.exploration.as_of is not None:
            return "This search found no files. Change it and search again."
        return "Search for a program to see its tree."


def _siblings(branches: Branches, level: int, number: int, above: tuple[int, int] | None) -> dict[str, int]:
    """Tell which of its siblings a line is, counted from 1, and how many there are."""
    if above is None:
        return {"which": number + 1, "of": branches.number(0)}
    (first, last), (begin, end) = branches.children(*above), branches.files(*above)
    own = end - begin
    return {"which": (number - begin if level < 0 else own + number - first) + 1, "of": own + last - first}


def _path(keys: list[Any]) -> Path:
    return tuple(key if isinstance(key, int) and not isinstance(key, bool) else str(key) for key in keys)


def _same(one: npt.NDArray[np.bool_] | None, other: npt.NDArray[np.bool_] | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or bool(np.array_equal(one, other))
