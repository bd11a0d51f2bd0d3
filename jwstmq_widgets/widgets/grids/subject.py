"""What a grid shows, and what the user's acts there mean."""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any, Protocol

from astropy.table import Table

from jwstmq_widgets.tables.facets import Facets
from jwstmq_widgets.widgets.grids.columns import ColumnSet
from jwstmq_widgets.widgets.grids.rows import Mask, Summary

__all__ = ["Subject"]


class Subject(Protocol):
    """What a grid shows, and what the user's acts there mean."""

    columns: ColumnSet
    """The grid's columns."""
    tables: tuple[str, ...]
    """Traits of the exploration after whose change the rows are others."""
    choices: tuple[str, ...]
    """Traits of the exploration after whose change other rows pass."""
    drawn: tuple[str, ...]
    """Traits of the exploration that change what is drawn of the rows."""

    def table(self) -> Table:
        """Give the rows."""

    def ticked(self) -> Set[str]:
        """Give the keys of the ticked rows."""

    def selected(self) -> Table:
        """Give the ticked rows, also those that are not in the grid now."""

    def states(self) -> Mapping[str, Any]:
        """Give key to state."""

    def tick(self, keys: Iterable[str], *, on: bool) -> None:
        """Tick rows, or untick them."""

    def invert(self, keys: Iterable[str]) -> None:
        """Tick those of some rows that are not ticked, and untick the others."""

    def clear(self) -> None:
        """Untick everything."""

    def facets(self, table: Table) -> Facets | None:
        """Give the facets of the rows; None where there are none."""

    def chosen(self) -> Mapping[str, frozenset[str]]:
        """Give what is chosen of the facets."""

    def listed(self, table: Table) -> Mask | None:
        """Tell which rows pass what else is chosen; None for all."""

    def choose(self, name: str, values: Iterable[str]) -> None:
        """Choose values of a facet."""

    def clear_choices(self) -> None:
        """Lift all choices."""

    def chips(self) -> list[dict[str, str]]:
        """Give what is chosen besides facets, each with kind and text."""

    def lift(self, kind: str) -> None:
        """Lift a choice that `chips` gave."""

    def summary(self, summary: Summary, *, elsewhere: int) -> str:
        """Write the line under the rows."""

    def empty(self) -> str:
        """Say what to do where there are no rows."""

    def picture(self, key: str, done: Callable[[str, bytes | None, str], None]) -> None:
        """Get a larger look at a row, on another thread."""
