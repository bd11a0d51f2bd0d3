"""The observation grid: one row an observation; those ticked there narrow the products."""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.exploration.counts import counted
from jwstmq_widgets.tables import format_size
from jwstmq_widgets.tables.listing import with_files
from jwstmq_widgets.widgets.grids.columnmemory import ColumnMemory
from jwstmq_widgets.widgets.grids.columns import OBSERVATIONS, ColumnSet
from jwstmq_widgets.widgets.grids.rows import Mask, Summary
from jwstmq_widgets.widgets.grids.window import WindowGrid

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration
    from jwstmq_widgets.tables.facets import Facets

__all__ = ["ObservationGrid"]


class ObservationGrid(WindowGrid):
    """The observations of an exploration; ticking some narrows the products to theirs.

    Parameters
    ----------
    exploration
        Whose ``observations`` and ``chosen_observations`` are drawn.
    height
        Height of the rows with their header, in px.
    memory
        Where the user's choice of columns is kept; the user's folder for configuration by default.
    """

    carries_code = False

    def __init__(self, exploration: "Exploration", *, height: int = 420, memory: ColumnMemory | None = None) -> None:
        super().__init__(exploration, _Observations(exploration), height=height, memory=memory)


class _Observations:
    """The observations that an exploration has found."""

    columns: ColumnSet = OBSERVATIONS
    tables: tuple[str, ...] = ("observations", "products")
    choices: tuple[str, ...] = ()
    drawn: tuple[str, ...] = ("chosen_observations", "jobs")

    def __init__(self, exploration: "Exploration") -> None:
        self._exploration = exploration
        self._of: tuple[Table, Table] | None = None
        self._table = Table()

    def table(self) -> Table:
        observations, products = self._exploration.observations, self._exploration.products
        if self._of is None or self._of[0] is not observations or self._of[1] is not products:
            self._table = with_files(observations, products)
            self._of = (observations, products)
        return self._table

    def ticked(self) -> Set[str]:
        chosen: frozenset[str] = self._exploration.chosen_observations
        return chosen

    def selected(self) -> Table:
        table = self.table()
        return table[np.isin(np.asarray(table["obsid"]), sorted(self.ticked()))]

    def states(self) -> Mapping[str, Any]:
        return {}

    def tick(self, keys: Iterable[str], *, on: bool) -> None:
        chosen, wanted = self.ticked(), frozenset(keys)
        self._exploration.choose_observations(chosen | wanted if on else chosen - wanted)

    def invert(self, keys: Iterable[str]) -> None:
        self._exploration.choose_observations(self.ticked() ^ frozenset(keys))

    def clear(self) -> None:
        self._exploration.choose_observations(())

    def facets(self, table: Table) -> "Facets | None":  # noqa: ARG002  (as all subjects have it)
        return None

    def chosen(self) -> Mapping[str, frozenset[str]]:
        return {}

    def listed(self, table: Table) -> Mask | None:  # noqa: ARG002
        return None

    def choose(self, name: str, values: Iterable[str]) -> None:
        """Nothing to choose: there are no facets."""

    def clear_choices(self) -> None:
        """Nothing is chosen."""

    def chips(self) -> list[dict[str, str]]:
        return []

    def lift(self, kind: str) -> None:
        """Nothing is chosen."""

    def summary(self, summary: Summary, *, elsewhere: int) -> str:  # noqa: ARG002
        if not summary.files:
            return ""
        all_of_them = counted(summary.files, "observation")
        if not summary.ticked:
            return f"{all_of_them} · tick some to narrow the products to theirs"
        return f"products narrowed to {summary.ticked:,} of {all_of_them} · {format_size(summary.size)}"

    def empty(self) -> str:
        if self._exploration.running("search"):
            return "Searching …"
        if self._exploration.as_of is not None:
            return "This search found no observations. Change it and search again."
        return "Search for a program to see its observations."

    def picture(self, key: str, done: Callable[[str, bytes | None, str], None]) -> None:
        observations = self._exploration.observations
        previews = np.asarray(observations["jpegURL"])[np.asarray(observations["obsid"]) == key].tolist()
        self._exploration.thumbnail(previews[0] if previews else "", done, large=True)
