"""Products as a tree: by program, observation, visit, exposure and detector, or by file type."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from jwstmq_widgets.tables.encoded import Encoded

__all__ = ["Branches", "Grouping", "Key", "Path", "ProductTree"]

Grouping = Literal["exposure", "type"]
"""By what files are grouped below a program and an observation, or below a program and a file type."""

Key = int | str
"""What tells a node from its siblings, in every table: a number, or a text such as a target."""

Path = tuple[Key, ...]
"""A node: the keys from its program downwards."""

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

GUIDE_STARS = "guide stars"
"""Key of the node below a visit that holds its guide-star files."""

_STAGES = {"1b": 0, "2a": 1, "2b": 2, "2c": 3, "3": 4, "": 5, "gs": 6}
_FILE = 7  # in the sorted numbers a file comes after every node that begins with it
_BITS = 3
_MOST = 2**62
_ACTIVITY = slice(14, 19)  # jw<ppppp><ooo><vvv>_<gg><s><aa>_<eeeee>: visit group, parallel sequence, activity
_BASE = 36


@dataclass(frozen=True, slots=True)
class _Level:
    """One level of the tree."""

    name: str
    """What its nodes are."""
    codes: Numbers
    """Node of each row among its siblings, shape (n,), in their order; -1 where a file stands above this level."""
    key: Callable[[int], Key]
    """Code to key."""
    code: Callable[[Key], int | None]
    """Key to code; None for one that no row has."""


class ProductTree:
    """The order of a table's files in a tree, worked out once; `branches` gives the nodes of some of them.

    Files that belong to no single exposure (level-3 products, associations) stand below their observation, in a node
    of their target; those of several observations likewise below their program. Guide-star files stand below their
    visit.

    Parameters
    ----------
    products
        A table of products.
    by
        ``"exposure"``: program, observation, visit, exposure, detector, file; ``"type"``: program, file type,
        observation, file.
    """

    def __init__(self, products: Table, *, by: Grouping = "exposure") -> None:
        self._levels = _by_exposure(products) if by == "exposure" else _by_type(products)
        key = np.zeros(len(products), dtype=np.int64)
        self._prefixes: list[Numbers] = []
        for level in self._levels:
            key = _joined(key, level.codes)
            self._prefixes.append(key)
        self._order = np.argsort(_joined(key, _kinds(products)), kind="stable")

    @property
    def names(self) -> tuple[str, ...]:
        """What the nodes of each level are: program, observation, visit, exposure, detector, or type."""
        return tuple(level.name for level in self._levels)

    def branches(self, within: Mask | None = None) -> "Branches":
        """Give the nodes of some of the files.

        Parameters
        ----------
        within
            True for each file wanted, shape (n,); None for all.

        Returns
        -------
        Branches
        """
        order = self._order if within is None else self._order[within[self._order]]
        return Branches(self._levels, [prefix[order] for prefix in self._prefixes], order)


class Branches:
    """The nodes of a tree, by level. A node is a level and a number; its files stand together in ``order``.

    Parameters
    ----------
    levels
        The levels.
    prefixes
        For each level numbers that are equal for files of the same node, in order.
    order
        Rows of the table in the order of the tree, shape (m,).
    """

    def __init__(self, levels: Sequence[_Level], prefixes: Sequence[Numbers], order: npt.NDArray[np.intp]) -> None:
        self.order = order
        self._levels = levels
        self._starts: list[npt.NDArray[np.intp]] = []
        self._stops: list[npt.NDArray[np.intp]] = []
        self._codes: list[Numbers] = []
        for level, prefix in zip(levels, prefixes, strict=True):
            begins = np.flatnonzero(np.diff(prefix, prepend=prefix[:1] - 1))
            ends = np.append(begins[1:], len(order))
            codes = level.codes[order[begins]]
            there = codes >= 0
            self._starts.append(begins[there])
            self._stops.append(ends[there])
            self._codes.append(codes[there])
        self._parents = [np.zeros(0, dtype=np.intp)] + [
            np.searchsorted(above, starts, side="right") - 1
            for above, starts in zip(self._starts, self._starts[1:], strict=False)
        ]

    def __len__(self) -> int:
        return len(self.order)

    def number(self, level: int) -> int:
        """Count the nodes of a level."""
        return len(self._starts[level])

    def span(self, level: int, node: int) -> tuple[int, int]:
        """Give where a node's files begin and end in ``order``."""
        return int(self._starts[level][node]), int(self._stops[level][node])

    def rows(self, level: int, node: int) -> npt.NDArray[np.intp]:
        """Give the rows of all files below a node."""
        start, stop = self.span(level, node)
        return self.order[start:stop]

    def children(self, level: int, node: int) -> tuple[int, int]:
        """Give the first of a node's children on the next level, and the one after the last."""
        if level + 1 == len(self._levels):
            return 0, 0
        below = self._starts[level + 1]
        first, last = np.searchsorted(below, self.span(level, node))
        return int(first), int(last)

    def files(self, level: int, node: int) -> tuple[int, int]:
        """Give where the files that stand right below a node begin and end in ``order``."""
        start, stop = self.span(level, node)
        first, last = self.children(level, node)
        return start, int(self._starts[level + 1][first]) if first < last else stop

    def path(self, level: int, node: int) -> Path:
        """Give the keys from the program down to a node."""
        keys: list[Key] = []
        for depth in range(level, -1, -1):
            keys.append(self._levels[depth].key(int(self._codes[depth][node])))
            node = int(self._parents[depth][node]) if depth else 0
        return tuple(reversed(keys))

    def find(self, path: Path) -> tuple[int, int] | None:
        """Give the level and number of a node; None where there is none such."""
        first, last, node = 0, self.number(0), -1
        for level, key in enumerate(path):
            code = self._levels[level].code(key) if level < len(self._levels) else None
            if code is None:
                return None
            node = first + int(np.searchsorted(self._codes[level][first:last], code))
            if node >= last or self._codes[level][node] != code:
                return None
            first, last = self.children(level, node)
        return (len(path) - 1, node) if path else None

    def sums(self, values: npt.NDArray[Any]) -> Numbers:
        """Sum values of files from the first one on, so that two places give what is between them.

        Parameters
        ----------
        values
            A value for each row of the table, shape (n,).

        Returns
        -------
        numpy.ndarray
            Shape (m + 1,): the sum of all files before each place in ``order``.
        """
        sums = np.zeros(len(self.order) + 1, dtype=np.int64)
        np.cumsum(values[self.order], out=sums[1:])
        return sums

    # -- what is open --------------------------------------------------------------------------------------------------

    def flat(self, *, depth: int = 0, opened: Iterable[Path] = (), closed: Iterable[Path] = ()) -> Numbers:
        """Give the nodes and files that are seen, from top to bottom, as numbers for `seen` and `place`.

        Parameters
        ----------
        depth
            Nodes of so many levels are open.
        opened
            Nodes that are open besides.
        closed
            Nodes that are not.

        Returns
        -------
        numpy.ndarray
            Sorted; one number for each line.
        """
        is_open = [np.full(self.number(level), level < depth) for level in range(len(self._levels))]
        for paths, state in ((opened, True), (closed, False)):
            for found in filter(None, map(self.find, paths)):
                is_open[found[0]][found[1]] = state
        lines: list[Numbers] = []
        seen = np.ones(self.number(0), dtype=np.bool_)
        for level, starts in enumerate(self._starts):
            if level:
                seen = (seen & is_open[level - 1])[self._parents[level]]
            lines.append((starts[seen].astype(np.int64) << _BITS) | level)
            lines.append((self._own_files(level, seen & is_open[level]) << _BITS) | _FILE)
        return np.sort(np.concatenate(lines))

    def _own_files(self, level: int, nodes: Mask) -> Numbers:
        """Give the places of the files right below some nodes."""
        starts, stops = self._starts[level][nodes], self._stops[level][nodes]
        if level + 1 < len(self._levels):
            below = self._starts[level + 1]
            first = np.searchsorted(below, starts)
            bounded = np.append(below, len(self.order))[first] if len(starts) else starts
            stops = np.minimum(stops, bounded)
        lengths = stops - starts
        shift = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) if len(starts) else starts
        return (np.arange(int(lengths.sum())) + shift).astype(np.int64)

    def seen(self, line: int) -> tuple[int, int]:
        """Tell what a line of `flat` is.

        Returns
        -------
        tuple of int
            Level and number of a node; -1 and the place in ``order`` of a file.
        """
        start, level = line >> _BITS, line & _FILE
        if level == _FILE:
            return -1, start
        return level, int(np.searchsorted(self._starts[level], start))

    def above(self, level: int, number: int) -> tuple[int, int] | None:
        """Give the node above a node, or (level -1) above a file; None for a program."""
        if level >= 0:
            return (level - 1, int(self._parents[level][number])) if level else None
        for depth in range(len(self._levels) - 1, -1, -1):
            node = int(np.searchsorted(self._starts[depth], number, side="right")) - 1
            if node >= 0 and number < self._stops[depth][node]:
                return depth, node
        return None

    def place(self, flat: Numbers, level: int, node: int) -> int:
        """Give the line of a node in what is seen; -1 where it is not."""
        line = (int(self._starts[level][node]) << _BITS) | level
        where = int(np.searchsorted(flat, line))
        return where if where < len(flat) and flat[where] == line else -1


# -- levels ------------------------------------------------------------------------------------------------------------


def _by_exposure(products: Table) -> tuple[_Level, ...]:
    program, observation, visit, exposure = (
        np.asarray(products[name], dtype=np.int64) for name in ("program", "observation", "visit", "exposure")
    )
    known = program >= 0
    return (
        _numbers("program", program + 1, shift=-1),
        _numbers("observation", np.where(known, np.where(observation >= 0, observation, _NO_NUMBER), -1)),
        _named(
            "visit", np.where(known & (visit >= 0), visit, -1), _texts(products, "target_name", known & (visit < 0))
        ),
        _exposures(products, visit, exposure),
        _named("detector", np.full(len(products), -1), _texts(products, "detector", (visit >= 0) & (exposure >= 0))),
    )


def _by_type(products: Table) -> tuple[_Level, ...]:
    program, observation = (np.asarray(products[name], dtype=np.int64) for name in ("program", "observation"))
    stages, types = _coded(products, "stage"), _coded(products, "filetype")
    pairs = stages.codes.astype(np.int64) * max(len(types.values), 1) + types.codes
    kinds, places = np.unique(pairs, return_inverse=True)
    names = [
        (str(stages.values[kind // len(types.values)]), str(types.values[kind % len(types.values)]))
        for kind in kinds.tolist()
    ]
    order = sorted(range(len(names)), key=lambda place: (_STAGES.get(names[place][0], 5), names[place][1]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return (
        _numbers("program", program + 1, shift=-1),
        _table("type", rank[places], [" ".join(names[place]) for place in order]),
        _numbers("observation", np.where(program >= 0, np.where(observation >= 0, observation, _NO_NUMBER), -1)),
    )


_NO_NUMBER = 1_000_000  # files of several observations come after those of one


def _numbers(name: str, codes: Numbers, *, shift: int = 0) -> _Level:
    """Make a level whose keys are numbers; -1 is the key of what has none."""

    def key(code: int) -> Key:
        return -1 if code == _NO_NUMBER else code + shift

    def code(key: Key) -> int | None:
        if not isinstance(key, int):
            return None
        return _NO_NUMBER if key < 0 and not shift else key - shift

    return _Level(name, codes, key, code)


def _table(name: str, codes: Numbers, keys: Sequence[Key], *, after: int = 0) -> _Level:
    """Make a level whose codes from ``after`` on are places in a list of keys, and those before are keys."""
    known: Mapping[Key, int] = {key: code + after for code, key in enumerate(keys)}

    def key(code: int) -> Key:
        return code if code < after else keys[code - after]

    def code(key: Key) -> int | None:
        return known.get(key, key if isinstance(key, int) and key < after else None)

    return _Level(name, codes, key, code)


def _named(name: str, numbers: Numbers, texts: tuple[Numbers, list[str]]) -> _Level:
    """Make a level of numbered nodes, and after them nodes with a text."""
    codes, values = texts
    after = int(numbers.max(initial=-1)) + 1
    return _table(name, np.where(codes >= 0, codes + after, numbers), values, after=after)


def _texts(products: Table, name: str, where: Mask) -> tuple[Numbers, list[str]]:
    """Give the place of each text among the distinct ones in order, -1 where it is not wanted; and these."""
    encoded = _coded(products, name)
    values = [str(value) for value in encoded.values]
    order = sorted(range(len(values)), key=lambda place: (values[place] == "", values[place]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return np.where(where, rank[encoded.codes], -1), [values[place] for place in order]


def _exposures(products: Table, visit: Numbers, exposure: Numbers) -> _Level:
    """Make the level of exposures: their activity and number, such as "02103 1"; guide stars come after them."""
    names = np.asarray(products["productFilename"], dtype=str)
    codes = np.full(len(names), -1, dtype=np.int64)
    keys: list[Key] = []
    rows = np.flatnonzero((visit >= 0) & (exposure >= 0))
    if len(rows):
        width = names.dtype.itemsize // 4
        letters = np.ascontiguousarray(names).view(np.uint32).reshape(len(names), width)[:, _ACTIVITY][rows]
        digits = np.where(letters >= ord("a"), letters - ord("a") + 10, letters - ord("0")).astype(np.int64)
        activity = np.zeros(len(rows), dtype=np.int64)
        for column in range(digits.shape[1]):
            activity = activity * _BASE + np.clip(digits[:, column], 0, _BASE - 1)
        kinds, first, places = np.unique(activity * 100_000 + exposure[rows], return_index=True, return_inverse=True)
        codes[rows] = places
        keys = [
            f"{names[row][_ACTIVITY]} {number}"
            for row, number in zip(rows[first].tolist(), (kinds % 100_000).tolist(), strict=True)
        ]
    guides = (visit >= 0) & (exposure < 0) & np.asarray(products["guidestar"], dtype=bool)
    codes[guides] = len(keys)
    return _table("exposure", codes, [*keys, GUIDE_STARS])


def _kinds(products: Table) -> Numbers:
    """Give numbers that sort files by pipeline stage and type, for their order below a node."""
    stages, types = _coded(products, "stage"), _texts(products, "filetype", np.ones(len(products), dtype=np.bool_))
    rank = np.array([_STAGES.get(str(stage), 5) for stage in stages.values], dtype=np.int64)
    return (rank[stages.codes] if len(rank) else rank) * max(len(types[1]), 1) + types[0]


def _coded(products: Table, name: str) -> Encoded:
    return Encoded.of(np.asarray(products[name]))


def _joined(key: Numbers, codes: Numbers) -> Numbers:
    """Make one number of two, so that it sorts by the first and then the second."""
    wide = int(codes.max(initial=-1)) + 2
    if (int(key.max(initial=0)) + 1) * wide > _MOST:
        key = np.unique(key, return_inverse=True)[1].astype(np.int64)
    return key * wide + codes + 1
