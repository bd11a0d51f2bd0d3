"""The product grid: windows of rows for the browser, and what the user does there as calls on the exploration."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import traitlets
from ipyaggrid.community import Grid

from jwstmq_widgets.tables import format_size
from jwstmq_widgets.widgets.columns import COLUMNS, column_definitions
from jwstmq_widgets.widgets.panel import static
from jwstmq_widgets.widgets.redraw import Redraw
from jwstmq_widgets.widgets.rows import STATES, Arrangement, Index, Rows, Summary, marks

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["ProductGrid"]

_logger = logging.getLogger(__name__)

_COLUMN_NAMES = frozenset(column.name for column in COLUMNS)
_DRAWN = ("ticked", "states", "products", "jobs")
_LONGEST_BLOCK = 1000
_LONGEST_TEXT = 1000
_MOST_VIEWS = 16
_MOST_VISIBLE = 200
_FIRST_VISIBLE = 30


@dataclass(slots=True)
class _View:
    """What one place in the browser shows of the grid."""

    arrangement: Arrangement = field(default_factory=Arrangement)
    table: int = -1
    index: Index = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    problems: dict[str, str] = field(default_factory=dict)
    first: int = 0
    last: int = -1


class ProductGrid(Grid):
    """The products of an exploration, one row a file; the browser holds only the rows that it shows.

    Parameters
    ----------
    exploration
        Whose ``shown`` (``arriving`` while a search runs), ``ticked`` and ``states`` are drawn.
    height
        Height of the rows with their header, in px.

    Notes
    -----
    Rows travel as custom messages and are in no trait, so that a saved notebook holds none of them.
    """

    active_uri = traitlets.Unicode(
        "", help="URI of the product whose preview was asked for last (enter, double click)."
    )
    _arrangement = traitlets.Dict(help="Sort, filters and search of the last request, for a new view.").tag(sync=True)

    _watching = False

    def __init__(self, exploration: "Exploration", *, height: int = 420) -> None:
        super().__init__(
            grid_data=[],
            grid_options={"rowModelType": "infinite"},
            theme="ag-theme-balham",
            height=height,
            columns_fit="",
            sync_grid=False,
            js_pre_grid=[static("grid.js")],
            user_params={"columns": column_definitions(), "states": dict(STATES), "css": static("grid.css")},
        )
        self.exploration = exploration
        self._guard = threading.RLock()
        self._views: OrderedDict[str, _View] = OrderedDict()
        self._table = 0
        self._source = exploration.shown
        self._rows = Rows(self._source)
        self._redraw = Redraw(self._draw)
        self.on_msg(self._receive)
        exploration.observe(self._take_table, names=["shown", "arriving"])
        exploration.observe(self._changed, names=list(_DRAWN))
        self._watching = True

    def close(self) -> None:
        """Stop watching the exploration, and close the widget."""
        if self._watching:  # ipywidgets closes once more when the object goes
            self._watching = False
            self.exploration.unobserve(self._take_table, names=["shown", "arriving"])
            self.exploration.unobserve(self._changed, names=list(_DRAWN))
            self._redraw.close()
        super().close()

    # -- from the exploration ----------------------------------------------------------------------------------------

    def _take_table(self, _: Any) -> None:
        arriving = self.exploration.arriving
        source = self.exploration.shown if arriving is None else arriving
        if source is self._source:
            return
        self._source = source
        rows = Rows(source)
        with self._guard:
            self._rows = rows
            self._table += 1
        self._redraw()

    def _changed(self, _: Any) -> None:
        self._redraw()

    def _draw(self) -> None:
        try:
            self._send_state()
        except Exception as error:
            # the log alone would leave the user with rows that no longer follow
            self._say(error)
            raise

    def _send_state(self) -> None:
        """Send every view what changes without a request: ticks and states of visible rows, the sums."""
        ticked, states = self.exploration.ticked, self.exploration.states
        with self._guard:
            current = {name: view for name, view in self._views.items() if view.table == self._table}
            visible = [view.index[view.first : view.last + 1] for view in current.values()]
            uris = self._rows.uris(np.unique(np.concatenate(visible))) if visible else []
            message = {
                "type": "state",
                "table": self._table,
                "views": {name: self._rows.ticked(view.index, ticked=ticked) for name, view in current.items()},
                "marks": {"uri": uris} | marks(uris, ticked=ticked, states=states),
            } | self._sums()
        self.send(message)

    def _sums(self) -> dict[str, Any]:
        ticked = self.exploration.ticked
        summary = self._rows.summary(ticked=ticked, states=self.exploration.states)
        return {
            "summary": _summary_text(summary, elsewhere=len(ticked) - summary.ticked),
            "files": summary.files,
            "ticks": len(ticked),
            "empty": self._empty_text(),
        }

    def _empty_text(self) -> str:
        """Say what to do where the table has no rows."""
        search = self.exploration.jobs.get("search")
        if search is not None and search.state == "running":
            return "Searching …"
        if len(self.exploration.products):
            return "None of the chosen file types is here. Choose others, or all."
        if self.exploration.as_of is not None:
            return "This search found no files. Change it and search again."
        return "Search for a program to see its files."

    # -- from the browser --------------------------------------------------------------------------------------------

    def _receive(self, _: Any, content: Mapping[str, Any], __: Any) -> None:
        try:
            self._act(content)
        except Exception as error:
            # an error in a callback is shown nowhere by Jupyter: it goes to the log and into the grid
            _logger.exception("a message of the product grid failed")
            self._say(error, answers=content)

    def _act(self, content: Mapping[str, Any]) -> None:
        match content.get("type"):
            case "rows":
                self._answer(content)
            case "visible":
                self._see(content)
            case "tick":
                self._tick([str(content["uri"])], on=bool(content["on"]))
            case "range":
                first, last = sorted((int(content["first"]), int(content["last"])))
                self._tick(self._view_uris(content, slice(max(first, 0), last + 1)), on=bool(content["on"]))
            case "all":
                self._tick(self._view_uris(content, slice(None)), on=bool(content["on"]))
            case "clear":
                self.exploration.clear_ticks()
            case "open":
                uri = str(content["uri"])
                if uri == self.active_uri:
                    self.active_uri = ""  # asked for again: observers hear of it again
                self.active_uri = uri
            case "gone":
                with self._guard:
                    self._views.pop(str(content.get("view")), None)
            case unknown:
                raise ValueError(
                    f"the browser sent a message of type {unknown!r}, which the product grid does not know"
                )

    def _answer(self, content: Mapping[str, Any]) -> None:
        """Send a block of rows of what a view asks for."""
        name, arrangement = str(content["view"]), _arrangement(content)
        start = max(int(content["start"]), 0)
        stop = min(int(content["stop"]), start + _LONGEST_BLOCK)
        ticked, states = self.exploration.ticked, self.exploration.states
        with self._guard:
            view = self._views.pop(name, None) or _View()
            if content.get("fresh") or view.table != self._table or view.arrangement != arrangement:
                view.index, view.problems = self._rows.arrange(arrangement, ticked=ticked, states=states)
                view.arrangement, view.table = arrangement, self._table
            if view.last < view.first:
                view.first, view.last = start, start + _FIRST_VISIBLE  # until the browser says what it shows
            self._views[name] = view
            while len(self._views) > _MOST_VIEWS:
                self._views.popitem(last=False)
            message = {
                "type": "rows",
                "view": name,
                "request": content["request"],
                "table": view.table,
                "matched": len(view.index),
                "matched_ticked": self._rows.ticked(view.index, ticked=ticked),
                "problems": view.problems,
            } | self._sums()
            block = self._rows.block(view.index[start:stop], ticked=ticked, states=states)
        self.send(message, buffers=[orjson.dumps(block)])
        self._arrangement = {
            "sort": [list(pair) for pair in arrangement.sort],
            "filters": dict(arrangement.filters),
            "search": arrangement.search,
        }

    def _see(self, content: Mapping[str, Any]) -> None:
        with self._guard:
            view = self._views.get(str(content["view"]))
            if view is None:
                return
            view.first = max(int(content["first"]), 0)
            view.last = min(int(content["last"]), view.first + _MOST_VISIBLE)
        self._redraw()

    def _view_uris(self, content: Mapping[str, Any], part: slice) -> list[str]:
        """Give the URIs of a part of a view; none where the table has changed since the browser drew it."""
        with self._guard:
            view = self._views.get(str(content["view"]))
            if view is None or view.table != self._table or content["table"] != self._table:
                return []
            return self._rows.uris(view.index[part])

    def _tick(self, uris: list[str], *, on: bool) -> None:
        (self.exploration.tick if on else self.exploration.untick)(uris)
        self._redraw()  # the browser has drawn its wish already: also tell it where nothing has changed

    def _say(self, error: Exception, *, answers: Mapping[str, Any] | None = None) -> None:
        self.send(
            {
                "type": "trouble",
                "view": None if answers is None else answers.get("view"),
                "request": None if answers is None else answers.get("request"),
                "text": f"The grid could not be drawn ({type(error).__name__}: {error}). The log has more.",
            }
        )


def _arrangement(content: Mapping[str, Any]) -> Arrangement:
    """Read what the browser wants; what it cannot want is left out."""
    return Arrangement(
        sort=tuple(
            (str(name), bool(descending))
            for name, descending in content.get("sort", ())
            if name in _COLUMN_NAMES or name == "tick"
        ),
        filters=tuple(
            sorted(
                (str(name), str(typed)[:_LONGEST_TEXT])
                for name, typed in content.get("filters", {}).items()
                if name in _COLUMN_NAMES and str(typed).strip()
            )
        ),
        search=str(content.get("search", ""))[:_LONGEST_TEXT].strip(),
    )


def _summary_text(summary: Summary, *, elsewhere: int) -> str:
    """Write the line under the rows.

    Parameters
    ----------
    summary
        Counts and bytes.
    elsewhere
        Ticked products that are not in the table.
    """
    if not summary.files:
        return f"{elsewhere:,} ticked files are of other types" if elsewhere else ""
    files = f"{summary.files:,} file{'' if summary.files == 1 else 's'}"
    parts = [f"{summary.ticked:,} of {files}" if summary.ticked else files, format_size(summary.size)]
    counts = {
        "of unknown size": summary.unknown,
        "here": summary.here,
        "exclusive": summary.exclusive,
        "more ticked of other types": elsewhere,
    }
    return " · ".join(parts + [f"{count:,} {words}" for words, count in counts.items() if count])
