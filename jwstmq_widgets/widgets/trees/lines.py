"""The lines of the program tree, as the browser draws them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from jwstmq_widgets.tables import format_size
from jwstmq_widgets.tables.tree import Branches, Path
from jwstmq_widgets.widgets.grids.rowmarks import state_words
from jwstmq_widgets.widgets.trees.grown import GrownTree, Share
from jwstmq_widgets.widgets.trees.words import node_words
from jwstmq_widgets.widgets.typemeaning import type_meaning

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["TreeLines"]

Flat = npt.NDArray[np.int64]

_SHARES: tuple[Share, ...] = ("here", "exclusive", "failed", "moving")


class TreeLines:
    """Writes lines of a tree.

    Parameters
    ----------
    exploration
        Whose ticks and states they tell, and of whose observations the programs' titles are.
    """

    def __init__(self, exploration: "Exploration") -> None:
        self._exploration = exploration
        self._titled: tuple[Table | None, Mapping[Any, str]] = (None, {})

    def line(self, grown: GrownTree, flat: Flat, place: int) -> dict[str, Any]:
        """Write the line at a place.

        Parameters
        ----------
        grown
            The tree.
        flat
            Its lines as they are open and shut, as `Branches.flat` gives them.
        place
            Which.

        Returns
        -------
        dict
            JSON values.
        """
        branches = grown.branches
        level, number = branches.seen(int(flat[place]))
        start, stop = branches.span(level, number) if level >= 0 else (number, number + 1)
        above = branches.above(level, number)
        line: dict[str, Any] = {
            "place": place,
            "level": level + 1 if level >= 0 else (above[0] + 2 if above else 1),
            "parent": branches.place(flat, *above) if above else -1,
            "size": format_size(grown.size(start, stop)),
            **_siblings(branches, level, number, above),
        }
        if level < 0:
            return line | self._file(grown.table, grown.row(number))
        path = branches.path(level, number)
        shares = {share: grown.number(share, start, stop) for share in _SHARES}
        return line | {
            "id": list(path),
            "open": _is_open(branches, flat, place),
            "files": stop - start,
            "ticked": grown.number("ticked", start, stop),
            "shares": {share: count for share, count in shares.items() if count},
            **self._words(grown, path, level, start, stop),
        }

    def label(self, grown: GrownTree, line: int) -> str:
        """Give the name that a line begins with.

        Parameters
        ----------
        grown
            The tree.
        line
            A value of what `Branches.flat` gives.

        Returns
        -------
        str
        """
        level, number = grown.branches.seen(line)
        if level < 0:
            return str(grown.table["productFilename"][grown.row(number)])
        return node_words(grown.tree.names[level], grown.branches.path(level, number))[0]

    def _file(self, table: Table, row: int) -> dict[str, Any]:
        uri = str(table["dataURI"][row])
        state = self._exploration.states.get(uri)
        if state is None:
            kind = words = why = ""
        else:
            kind, why = state.kind, state.message
            words = state_words(state)
        return {
            "uri": uri,
            "files": 1,
            "ticked": int(uri in self._exploration.ticked),
            "label": str(table["productFilename"][row]),
            "about": type_meaning(str(table["filetype"][row])),
            "state": kind,
            "words": words,
            "why": why,
        }

    def _words(self, grown: GrownTree, path: Path, level: int, start: int, stop: int) -> dict[str, str]:
        row = grown.table[grown.row(start)]
        kind = grown.tree.names[level]
        label, about = node_words(
            kind,
            path,
            target=str(row["target_name"]) if grown.one_target(start, stop) else "several targets",
            instrument=str(row["instrument"]),
            title="" if level else self._titles.get(path[0], ""),
        )
        return {"kind": kind, "label": label, "about": about}

    @property
    def _titles(self) -> Mapping[Any, str]:
        """Program to title, of the observations found."""
        observations = self._exploration.observations
        if self._titled[0] is not observations:
            programs, titles = (np.asarray(observations[name]).tolist() for name in ("program", "obs_title"))
            self._titled = (observations, dict(zip(programs, map(str, titles), strict=True)))
        return self._titled[1]


def _is_open(branches: Branches, flat: Flat, place: int) -> bool:
    """Tell whether what is below a node is seen: then the next line is deeper."""
    if place + 1 >= len(flat):
        return False
    level, number = branches.seen(int(flat[place]))
    below, first = branches.seen(int(flat[place + 1]))
    start, stop = branches.span(level, number)
    begins = first if below < 0 else branches.span(below, first)[0]
    return (below < 0 or below > level) and start <= begins < stop


def _siblings(branches: Branches, level: int, number: int, above: tuple[int, int] | None) -> dict[str, int]:
    """Tell which of its siblings a line is, counted from 1, and how many there are."""
    if above is None:
        return {"which": number + 1, "of": branches.number(0)}
    (first, last), (begin, end) = branches.children(*above), branches.files(*above)
    own = end - begin
    return {"which": (number - begin if level < 0 else own + number - first) + 1, "of": own + last - first}
