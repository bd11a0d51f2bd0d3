"""All places in the browser that show a grid: the rows behind them, and the messages that keep them up to date."""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Set
from typing import Any

import numpy as np

from jwstmq_widgets.tables.facets import FacetValue
from jwstmq_widgets.widgets.grids import facetrail as rail
from jwstmq_widgets.widgets.grids.rowmarks import marks
from jwstmq_widgets.widgets.grids.rows import Arrangement, Index, Rows
from jwstmq_widgets.widgets.grids.subject import Subject
from jwstmq_widgets.widgets.grids.view import Drawn, GridView

__all__ = ["GridViews"]

_LONGEST_BLOCK = 1000
_MOST_VIEWS = 16
_MOST_VISIBLE = 200
_FIRST_VISIBLE = 30


class GridViews:
    """The rows of a subject, and what each view in the browser shows of them; any thread may call.

    Rows have the number of their table. It grows with every other table and every other choice among its rows, so
    that a view's rows are known to be of a former one.

    Parameters
    ----------
    subject
        What is shown.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._guard = threading.RLock()
        self._views: OrderedDict[str, GridView] = OrderedDict()
        self._table = 0
        self._source = subject.table()
        self._rows = Rows(self._source, columns=subject.columns)

    @property
    def rows(self) -> Rows:
        """All rows, whatever the views show of them."""
        return self._rows

    @property
    def railed(self) -> list[str]:
        """Names of the views whose facets are shown."""
        with self._guard:
            return [name for name, view in self._views.items() if view.rail is not None]

    # -- what changes under the views --------------------------------------------------------------------------------

    def take_table(self) -> bool:
        """Take the subject's table; False where it is the one that is here."""
        source = self._subject.table()
        if source is self._source:
            return False
        rows = Rows(source, columns=self._subject.columns)
        with self._guard:
            self._source, self._rows = source, rows
            self._table += 1
        return True

    def narrow(self) -> None:
        """Take note that other rows pass the subject's choices."""
        with self._guard:
            self._table += 1

    # -- what a view does --------------------------------------------------------------------------------------------

    def answer(
        self, name: str, arrangement: Arrangement, *, start: int, stop: int, fresh: bool = False
    ) -> tuple[dict[str, Any], dict[str, list[Any]]]:
        """Give a view a block of the rows that it wants.

        Parameters
        ----------
        name
            The view; a new one where it is not known.
        arrangement
            Which rows it wants, in which order.
        start, stop
            Places of the block in that order; 1,000 rows at the most.
        fresh
            Whether the order is to be worked out anew, also where the arrangement is that of the last time.

        Returns
        -------
        tuple of dict
            The message ``rows`` without the number of the request, and the block by column.
        """
        start = max(start, 0)
        stop = min(stop, start + _LONGEST_BLOCK)
        ticked, states = self._subject.ticked(), self._subject.states()
        with self._guard:
            view = self._view(name)
            if fresh or view.table != self._table or view.arrangement != arrangement:
                view.arrange(arrangement, self._rows, self._subject, source=self._source, ticked=ticked, states=states)
                view.table = self._table
            if view.last < view.first:
                view.first, view.last = start, start + _FIRST_VISIBLE  # until the browser says what it shows
            message = {
                "type": "rows",
                "view": name,
                "table": view.table,
                "matched": len(view.index),
                "matched_ticked": self._rows.ticked(view.index, ticked=ticked),
                "problems": view.problems,
            } | self._sums(ticked, states)
            names = arrangement.visible or None
            return message, self._rows.block(view.index[start:stop], ticked=ticked, states=states, names=names)

    def look(self, name: str, *, first: int, last: int) -> None:
        """Take note of which rows are in sight in a view."""
        with self._guard:
            view = self._views.get(name)
            if view is not None:
                view.first = max(first, 0)
                view.last = min(last, view.first + _MOST_VISIBLE)

    def open_rail(self, name: str, wants: Mapping[str, Mapping[str, Any]] | None) -> None:
        """Show the facets in a view, or hide them.

        Parameters
        ----------
        name
            The view; a new one where it is not known.
        wants
            What it wants of each facet's list, as `facetrail.drawn` takes it; None to hide them.
        """
        with self._guard:
            view = self._view(name)
            view.rail = None if wants is None else {str(facet): dict(want) for facet, want in wants.items()}
            view.drawn = None

    def leave(self, name: str) -> None:
        """Forget a view."""
        with self._guard:
            self._views.pop(name, None)

    def shown(self, name: str, table: Any) -> tuple[Rows, Index] | None:
        """Give what a view shows.

        Parameters
        ----------
        name
            The view.
        table
            Number of the table that its rows in the browser belong to.

        Returns
        -------
        tuple or None
            The rows, and which of them in their order, shape (m,); None where other rows have come since the browser
            drew its own.
        """
        with self._guard:
            view = self._views.get(name)
            if view is None or view.table != self._table or table != self._table:
                return None
            return self._rows, view.index

    # -- messages ----------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Give the message ``state``, which tells all views what changes without a request.

        These are the ticks and states of the rows in sight, and the sums.
        """
        ticked, states = self._subject.ticked(), self._subject.states()
        with self._guard:
            current = {name: view for name, view in self._views.items() if view.table == self._table}
            visible = [view.index[view.first : view.last + 1] for view in current.values()]
            uris = self._rows.uris(np.unique(np.concatenate(visible))) if visible else []
            self._rows.look_at(ticked, states)
            return {
                "type": "state",
                "table": self._table,
                "views": {name: self._rows.ticked(view.index, ticked=ticked) for name, view in current.items()},
                "stale": [name for name, view in current.items() if self._stale(view)],
                "marks": {"uri": uris} | marks(uris, ticked=ticked, states=states),
            } | self._sums(ticked, states)

    def facets(self) -> Iterator[dict[str, Any]]:
        """Give the message ``facets`` to each view whose facets may be others than when the last one was taken."""
        for name in self.railed:
            with self._guard:
                view = self._views.get(name)
                if view is None or view.rail is None or view.table != self._table:
                    continue
                table, wants, chosen, passes = self._table, dict(view.rail), self._subject.chosen(), view.passes
                facets, listed = self._subject.facets(self._source), self._subject.listed(self._source)
                self._rows.look_at(self._subject.ticked(), self._subject.states())
                codes = self._rows.state_codes
                drawn = Drawn(table, view.arrangement, chosen, str(wants), codes)
                if facets is None or drawn.same(view.drawn):
                    continue
            within = listed if passes is None else passes if listed is None else passes & listed
            counted: Mapping[str, list[FacetValue]] = facets.counts(chosen, within=within, states=codes)
            yield {"type": "facets", "view": name, "table": table, "facets": rail.drawn(counted, wants)}
            view.drawn = drawn  # after it was sent: one that failed is drawn again

    # -- inside ------------------------------------------------------------------------------------------------------

    def _view(self, name: str) -> GridView:
        """Give a view, a new one where it is not known; the one that was longest silent goes for it."""
        view = self._views.pop(name, None) or GridView()
        self._views[name] = view
        while len(self._views) > _MOST_VIEWS:
            self._views.popitem(last=False)
        return view

    def _stale(self, view: GridView) -> bool:
        """Tell whether states have changed by which the view's rows are sorted or filtered."""
        if self._rows.state_codes is view.codes:
            return False
        by = {name for name, _ in (*view.arrangement.sort, *view.arrangement.filters)}
        return "state" in by or "state" in self._subject.chosen()

    def _sums(self, ticked: Set[str], states: Mapping[str, Any]) -> dict[str, Any]:
        summary = self._rows.summary(ticked=ticked, states=states)
        return {
            "summary": self._subject.summary(summary, elsewhere=len(ticked) - summary.ticked),
            "files": summary.files,
            "ticks": len(ticked),
            "empty": self._subject.empty(),
            "lacking": list(self._rows.lacking),
            "chips": [*rail.chips(self._subject.chosen()), *self._subject.chips()],
        }
