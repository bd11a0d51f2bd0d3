"""The product grid: the files of an exploration, one row a file."""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.exploration.counts import counted
from jwstmq_widgets.tables import format_size
from jwstmq_widgets.tables.facets import Facets
from jwstmq_widgets.widgets.emptytext import empty_text
from jwstmq_widgets.widgets.grids.columnmemory import ColumnMemory
from jwstmq_widgets.widgets.grids.columns import PRODUCTS, ColumnSet
from jwstmq_widgets.widgets.grids.rows import Mask, Summary
from jwstmq_widgets.widgets.grids.window import WindowGrid

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["ProductGrid"]


class ProductGrid(WindowGrid):
    """The products of an exploration, one row a file; the browser holds only the rows that it shows.

    Parameters
    ----------
    exploration
        Whose ``shown`` (``arriving`` while a search runs), ``facets``, ``ticked`` and ``states`` are drawn.
    height
        Height of the rows with their header, in px.
    memory
        Where the user's choice of columns is kept; the user's folder for configuration by default.
    """

    def __init__(self, exploration: "Exploration", *, height: int = 420, memory: ColumnMemory | None = None) -> None:
        super().__init__(exploration, _Products(exploration), height=height, memory=memory)


class _Products:
    """The products that an exploration shows."""

    columns: ColumnSet = PRODUCTS
    tables: tuple[str, ...] = ("shown", "arriving")
    choices: tuple[str, ...] = ("facets", "chosen_observations")
    drawn: tuple[str, ...] = ("ticked", "states", "products", "jobs")

    def __init__(self, exploration: "Exploration") -> None:
        self._exploration = exploration

    def table(self) -> Table:
        arriving = self._exploration.arriving
        return self._exploration.shown if arriving is None else arriving

    def ticked(self) -> Set[str]:
        ticked: Set[str] = self._exploration.ticked
        return ticked

    def selected(self) -> Table:
        return self._exploration.selected

    def states(self) -> Mapping[str, Any]:
        states: Mapping[str, Any] = self._exploration.states
        return states

    def tick(self, keys: Iterable[str], *, on: bool) -> None:
        (self._exploration.tick if on else self._exploration.untick)(keys)

    def invert(self, keys: Iterable[str]) -> None:
        self._exploration.invert(keys)

    def clear(self) -> None:
        self._exploration.clear_ticks()

    def facets(self, table: Table) -> Facets | None:
        return self._exploration.faceted(table)

    def chosen(self) -> Mapping[str, frozenset[str]]:
        # what arrives is another answer: the choice was made among the one before
        return {} if self._exploration.arriving is not None else self._exploration.facets

    def listed(self, table: Table) -> Mask | None:
        if self._exploration.arriving is not None or not self._exploration.chosen_observations:
            return None
        return self._exploration.faceted(table).listed(self._exploration.chosen_observations)

    def choose(self, name: str, values: Iterable[str]) -> None:
        self._exploration.choose_facet(name, values)

    def clear_choices(self) -> None:
        self._exploration.clear_facets()

    def chips(self) -> list[dict[str, str]]:
        chosen = self._exploration.chosen_observations
        if not chosen:
            return []
        if len(chosen) > 1:
            return [{"kind": "observations", "text": f"{len(chosen):,} observations"}]
        observations = self._exploration.observations
        names = np.asarray(observations["obs_id"])[np.asarray(observations["obsid"]) == next(iter(chosen))].tolist()
        return [{"kind": "observations", "text": names[0] if names else "1 observation"}]

    def lift(self, kind: str) -> None:
        if kind == "observations":
            self._exploration.choose_observations(())

    def summary(self, summary: Summary, *, elsewhere: int) -> str:
        if not summary.files:
            return f"{elsewhere:,} ticked files are of other types" if elsewhere else ""
        files = counted(summary.files, "file")
        parts = [f"{summary.ticked:,} of {files}" if summary.ticked else files, format_size(summary.size)]
        counts = {
            "of unknown size": summary.unknown,
            "here": summary.here,
            "exclusive": summary.exclusive,
            "more ticked of other types": elsewhere,
        }
        return " · ".join(parts + [f"{count:,} {words}" for words, count in counts.items() if count])

    def empty(self) -> str:
        return empty_text(self._exploration, what="files")

    def picture(self, key: str, done: Callable[[str, bytes | None, str], None]) -> None:
        self._exploration.thumbnail(key, done, large=True)
