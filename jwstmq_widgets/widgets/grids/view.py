"""One place in the browser that shows a grid: what it wants, which rows these are, which of them are in sight."""

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from jwstmq_widgets.widgets.grids.rows import Arrangement, Index, Mask, Rows
from jwstmq_widgets.widgets.grids.subject import Subject

__all__ = ["Drawn", "GridView", "wanted"]

_LONGEST_TEXT = 1000  # letters of a search or a filter


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the facets of a view were drawn from."""

    table: int
    """Number of the grid's table."""
    arrangement: Arrangement
    """Which rows were wanted."""
    chosen: Mapping[str, frozenset[str]]
    """What was chosen of each facet."""
    wants: str
    """What was wanted of each facet's list."""
    codes: npt.NDArray[np.int8] | None
    """The states; kept, for the address of an array that has gone is soon another one's."""

    def same(self, other: "Drawn | None") -> bool:
        """Tell whether the same would be drawn again."""
        return (
            other is not None
            and self.codes is other.codes
            and (self.table, self.wants) == (other.table, other.wants)
            and (self.arrangement, self.chosen) == (other.arrangement, other.chosen)
        )


@dataclass(slots=True)
class GridView:
    """What one place in the browser shows of a grid."""

    arrangement: Arrangement = field(default_factory=Arrangement)
    """What it wants."""
    table: int = -1
    """Number of the grid's table that the rows belong to."""
    index: Index = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    """The rows, in order, shape (m,)."""
    passes: Mask | None = None
    """Which rows pass filters and search, facets apart, shape (n,); None for all."""
    problems: dict[str, str] = field(default_factory=dict)
    """Columns whose filter cannot be read, each with a sentence."""
    codes: npt.NDArray[np.int8] | None = None
    """The states with which it was arranged."""
    first: int = 0
    """First row in sight."""
    last: int = -1
    """Last row in sight."""
    rail: dict[str, Mapping[str, Any]] | None = None
    """What it wants of each facet's list; None where the facets are not shown."""
    drawn: Drawn | None = None
    """What the facets were drawn from."""

    def arrange(
        self,
        arrangement: Arrangement,
        rows: Rows,
        subject: Subject,
        *,
        source: Table,
        ticked: Set[str],
        states: Mapping[str, Any],
    ) -> None:
        """Work out which rows are shown, in which order.

        Parameters
        ----------
        arrangement
            What is wanted.
        rows
            The rows of the table.
        subject
            What is chosen among them.
        source
            The table.
        ticked
            Keys of the ticked rows.
        states
            Key to state.
        """
        chosen = subject.chosen()
        rows.look_at(ticked, states)
        self.passes, self.problems = rows.passing(arrangement)
        facets = subject.facets(source) if chosen else None
        passes = self.passes
        for mask in (subject.listed(source), facets.passing(chosen, states=rows.state_codes) if facets else None):
            if mask is not None:
                passes = mask if passes is None else passes & mask
        self.index = rows.ordered(passes, arrangement.sort)
        self.arrangement, self.codes = arrangement, rows.state_codes


def wanted(content: Mapping[str, Any], names: Collection[str]) -> Arrangement:
    """Read what the browser wants; what it cannot want is left out.

    Parameters
    ----------
    content
        The browser's message.
    names
        The grid's columns.

    Returns
    -------
    Arrangement
    """
    return Arrangement(
        sort=tuple(
            (str(name), bool(descending))
            for name, descending in content.get("sort", ())
            if name in names or name == "tick"
        ),
        filters=tuple(
            sorted(
                (str(name), str(typed)[:_LONGEST_TEXT])
                for name, typed in content.get("filters", {}).items()
                if name in names and str(typed).strip()
            )
        ),
        search=str(content.get("search", ""))[:_LONGEST_TEXT].strip(),
        visible=tuple(name for name in content.get("columns", ()) if name in names),
    )
