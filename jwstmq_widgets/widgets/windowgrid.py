"""A grid of any table: windows of rows for the browser, and what the user does there as calls on its subject."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import traitlets
from astropy.table import Table
from ipyaggrid.community import Grid

from jwstmq_widgets.errors import JwstmqError
from jwstmq_widgets.tables.facets import FacetValue
from jwstmq_widgets.widgets import facetrail as rail
from jwstmq_widgets.widgets.columnmemory import ChosenColumns, ColumnMemory
from jwstmq_widgets.widgets.exports import copied, in_notebook, saved
from jwstmq_widgets.widgets.gridcode import calls, code
from jwstmq_widgets.widgets.gridsubject import Subject
from jwstmq_widgets.widgets.gridviews import Drawn, GridView, wanted
from jwstmq_widgets.widgets.namefields import name_fields
from jwstmq_widgets.widgets.redraw import Redraw
from jwstmq_widgets.widgets.rowmarks import STATES, marks
from jwstmq_widgets.widgets.rows import Index, Rows

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["WindowGrid"]

_logger = logging.getLogger(__name__)

_SCRIPTS = (
    "gridparts.js", "gridcells.js", "gridfilters.js", "gridticks.js", "gridcolumns.js", "gridfacets.js",
    "gridpreview.js", "newcell.js", "gridexport.js", "grid.js",
)  # fmt: skip
_LONGEST_BLOCK = 1000
_LONGEST_TEXT = 1000
_MOST_VIEWS = 16
_MOST_VISIBLE = 200
_FIRST_VISIBLE = 30
_RAIL_SECONDS = 0.2


class WindowGrid(Grid):
    """A table of which the browser holds only the rows that it shows.

    Parameters
    ----------
    exploration
        Whose state is drawn.
    subject
        What of it.
    height
        Height of the rows with their header, in px.
    memory
        Where the user's choice of columns is kept; the user's folder for configuration by default.

    Notes
    -----
    Rows travel as custom messages and are in no trait, so that a saved notebook holds none of them.
    """

    active_uri = traitlets.Unicode("", help="Key of the row whose preview was asked for last (enter, double click).")
    _arrangement = traitlets.Dict(help="Sort, filters and search of the last request, for a new view.").tag(sync=True)
    _chosen_columns = traitlets.Dict(help="The user's choice of columns.").tag(sync=True)

    carries_code = True
    """Whether the browser's code goes with the grid; else another grid of the page gives it, or the kernel."""

    _watching = False

    def __init__(
        self, exploration: "Exploration", subject: Subject, *, height: int = 420, memory: ColumnMemory | None = None
    ) -> None:
        columns = subject.columns
        self._memory = memory or ColumnMemory()
        self._chosen_columns = self._memory.read(columns).plain()
        super().__init__(
            grid_data=[],
            grid_options={"rowModelType": "infinite"},
            theme="ag-theme-balham",
            height=height,
            columns_fit="",
            sync_grid=False,
            **calls(_code(), carried=self.carries_code),
            user_params={
                "columns": columns.definitions(),
                "lacking": list(Rows(subject.table(), columns=columns).lacking),
                "states": dict(STATES),
                "one": columns.one,
                "many": columns.many,
                "facets": subject.facets(subject.table()) is not None,
            },
        )
        self.exploration = exploration
        self._subject = subject
        self._names = frozenset(columns.by_name)
        self._guard = threading.RLock()
        self._views: OrderedDict[str, GridView] = OrderedDict()
        self._table = 0
        self._source = subject.table()
        self._rows = Rows(self._source, columns=columns)
        self._redraw = Redraw(self._draw)
        self._redraw_rail = Redraw(self._draw_rails, interval=_RAIL_SECONDS)
        observers = (
            (self._take_table, subject.tables),
            (self._narrowed, subject.choices),
            (self._changed, subject.drawn),
        )
        self._observers = [(call, list(names)) for call, names in observers if names]  # no names at all mean every one
        self.on_msg(self._receive)
        for call, names in self._observers:
            exploration.observe(call, names=names)
        self._watching = True

    def close(self) -> None:
        """Stop watching the exploration, and close the widget."""
        if self._watching:  # ipywidgets closes once more when the object goes
            self._watching = False
            for call, names in self._observers:
                self.exploration.unobserve(call, names=names)
            self._redraw.close()
            self._redraw_rail.close()
            self.layout.close()  # ipywidgets leaves it in its register
        super().close()

    def __repr__(self) -> str:
        # ipywidgets would compare and write out all traits, the browser's code among them, whenever a cell shows it
        return f"{type(self).__name__}({len(self._rows):,} rows)"

    # -- from the exploration ----------------------------------------------------------------------------------------

    def _take_table(self, _: Any) -> None:
        source = self._subject.table()
        if source is self._source:
            return
        rows = Rows(source, columns=self._subject.columns)
        with self._guard:
            self._source, self._rows = source, rows
            self._table += 1
        self._redraw()
        self._redraw_rail()

    def _narrowed(self, _: Any) -> None:
        with self._guard:
            self._table += 1
        self._redraw()
        self._redraw_rail()

    def _changed(self, _: Any) -> None:
        self._redraw()
        self._redraw_rail()

    def _draw(self) -> None:
        try:
            self._send_state()
        except Exception as error:
            # the log alone would leave the user with rows that no longer follow
            self._say(error)
            raise

    def _send_state(self) -> None:
        """Send every view what changes without a request: ticks and states of visible rows, the sums."""
        ticked, states = self._subject.ticked(), self._subject.states()
        with self._guard:
            current = {name: view for name, view in self._views.items() if view.table == self._table}
            visible = [view.index[view.first : view.last + 1] for view in current.values()]
            uris = self._rows.uris(np.unique(np.concatenate(visible))) if visible else []
            self._rows.look_at(ticked, states)
            message = {
                "type": "state",
                "table": self._table,
                "views": {name: self._rows.ticked(view.index, ticked=ticked) for name, view in current.items()},
                "stale": [name for name, view in current.items() if self._stale(view)],
                "marks": {"uri": uris} | marks(uris, ticked=ticked, states=states),
            } | self._sums(ticked, states)
        self.send(message)

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

    def _draw_rails(self) -> None:
        """Send the facets to views whose rail is open, where their counts may have changed."""
        try:
            with self._guard:
                names = [name for name, view in self._views.items() if view.rail is not None]
            for name in names:
                self._draw_rail(name)
        except Exception as error:
            self._say(error)
            raise

    def _draw_rail(self, name: str) -> None:
        with self._guard:
            view = self._views.get(name)
            if view is None or view.rail is None or view.table != self._table:
                return
            table, wants, chosen, passes = self._table, dict(view.rail), self._subject.chosen(), view.passes
            facets, listed = self._subject.facets(self._source), self._subject.listed(self._source)
            self._rows.look_at(self._subject.ticked(), self._subject.states())
            codes = self._rows.state_codes
            drawn = Drawn(table, view.arrangement, chosen, str(wants), codes)
            if facets is None or drawn.same(view.drawn):
                return
        within = listed if passes is None else passes if listed is None else passes & listed
        counted: Mapping[str, list[FacetValue]] = facets.counts(chosen, within=within, states=codes)
        self.send({"type": "facets", "view": name, "table": table, "facets": rail.drawn(counted, wants)})
        view.drawn = drawn

    # -- from the browser --------------------------------------------------------------------------------------------

    def _receive(self, _: Any, content: Mapping[str, Any], __: Any) -> None:
        try:
            self._act(content)
        except Exception as error:
            # an error in a callback is shown nowhere by Jupyter: it goes to the log and into the grid
            if not isinstance(error, JwstmqError):
                _logger.exception("a message of the grid failed")
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
            case "invert":
                self._invert(content)
            case "clear":
                self._subject.clear()
            case "facet":
                self._choose(content)
            case "lift":
                self._subject.lift(str(content["kind"]))
            case "clear_choices":
                self._subject.clear_choices()
            case "rail":
                self._open_rail(content)
            case "columns":
                chosen = ChosenColumns.of(content["chosen"], self._subject.columns)
                self._chosen_columns = chosen.plain()
                self._memory.keep(self._subject.columns, chosen)
            case "code":
                self._reply(content, {"type": "code", "text": _code()})
            case "explain":
                name = str(content["name"])[:_LONGEST_TEXT]
                self._reply(content, {"type": "explained", "name": name, "fields": name_fields(name)})
            case "open":
                self._open(content)
            case "copy" | "save" | "cell" as verb:
                self._export(str(verb), content)
            case "gone":
                with self._guard:
                    self._views.pop(str(content.get("view")), None)
            case unknown:
                raise ValueError(f"the browser sent a message of type {unknown!r}, which the grid does not know")

    def _answer(self, content: Mapping[str, Any]) -> None:
        """Send a block of rows of what a view asks for."""
        name, arrangement = str(content["view"]), wanted(content, self._names)
        start = max(int(content["start"]), 0)
        stop = min(int(content["stop"]), start + _LONGEST_BLOCK)
        ticked, states = self._subject.ticked(), self._subject.states()
        with self._guard:
            view = self._view(name)
            if content.get("fresh") or view.table != self._table or view.arrangement != arrangement:
                view.arrange(arrangement, self._rows, self._subject, source=self._source, ticked=ticked, states=states)
                view.table = self._table
            if view.last < view.first:
                view.first, view.last = start, start + _FIRST_VISIBLE  # until the browser says what it shows
            message = {
                "type": "rows",
                "view": name,
                "request": content["request"],
                "table": view.table,
                "matched": len(view.index),
                "matched_ticked": self._rows.ticked(view.index, ticked=ticked),
                "problems": view.problems,
            } | self._sums(ticked, states)
            names = arrangement.visible or None
            block = self._rows.block(view.index[start:stop], ticked=ticked, states=states, names=names)
        self.send(message, buffers=[orjson.dumps(block)])
        self._arrangement = {
            "sort": [list(pair) for pair in arrangement.sort],
            "filters": dict(arrangement.filters),
            "search": arrangement.search,
        }
        if view.rail is not None:
            self._redraw_rail()

    def _view(self, name: str) -> GridView:
        """Give a view, a new one where it is not known; the one that was longest silent goes for it."""
        view = self._views.pop(name, None) or GridView()
        self._views[name] = view
        while len(self._views) > _MOST_VIEWS:
            self._views.popitem(last=False)
        return view

    def _see(self, content: Mapping[str, Any]) -> None:
        with self._guard:
            view = self._views.get(str(content["view"]))
            if view is None:
                return
            view.first = max(int(content["first"]), 0)
            view.last = min(int(content["last"]), view.first + _MOST_VISIBLE)
        self._redraw()

    def _open_rail(self, content: Mapping[str, Any]) -> None:
        wants = content.get("wants")
        with self._guard:
            view = self._view(str(content["view"]))
            view.rail = None if wants is None else {str(name): dict(want) for name, want in wants.items()}
            view.drawn = None
        self._redraw_rail()

    def _choose(self, content: Mapping[str, Any]) -> None:
        """Add a value to what is chosen of a facet, or take it away; without a value, lift the facet's choice."""
        name = str(content["name"])
        chosen = self._subject.chosen().get(name, frozenset())
        if "value" not in content:
            self._subject.choose(name, ())
        else:
            value = {str(content["value"])}
            self._subject.choose(name, chosen | value if content["on"] else chosen - value)

    def _view_uris(self, content: Mapping[str, Any], part: slice) -> list[str]:
        """Give the keys of a part of a view; none where the table has changed since the browser drew it."""
        index = self._view_index(content)
        return [] if index is None else self._rows.uris(index[part])

    def _view_index(self, content: Mapping[str, Any]) -> Index | None:
        with self._guard:
            view = self._views.get(str(content["view"]))
            if view is None or view.table != self._table or content["table"] != self._table:
                return None
            return view.index

    def _tick(self, uris: list[str], *, on: bool) -> None:
        self._subject.tick(uris, on=on)
        self._redraw()  # the browser has drawn its wish already: also tell it where nothing has changed

    def _invert(self, content: Mapping[str, Any]) -> None:
        self._subject.invert(self._view_uris(content, slice(None)))
        self._redraw()

    # -- looking and taking away -------------------------------------------------------------------------------------

    def _open(self, content: Mapping[str, Any]) -> None:
        """Show a larger look at one row."""
        uri = str(content["uri"])
        if uri == self.active_uri:
            self.active_uri = ""  # asked for again: observers hear of it again
        self.active_uri = uri
        if not content.get("look"):
            return
        name = str(content["name"])[:_LONGEST_TEXT]
        self._reply(content, {"type": "explained", "name": name, "fields": name_fields(name)})

        def show(_: str, picture: bytes | None, why: str) -> None:
            answer = {"type": "picture", "uri": uri, "why": why}
            self._reply(content, answer, buffers=[picture] if picture else [])

        self._subject.picture(uri, show)

    def _export(self, verb: str, content: Mapping[str, Any]) -> None:
        """Give rows away: those that match, in their order, or those that are ticked."""
        columns = self._subject.columns
        names = [name for name in content.get("columns", ()) if name in self._names] or list(columns.usual)
        with self._guard:
            index, rows = self._view_index(content), self._rows
        if content.get("what") == "ticked":
            rows = Rows(self._subject.selected(), columns=columns)
            rows.look_at(self._subject.ticked(), self._subject.states())
            index = np.arange(len(rows), dtype=np.intp)
        if index is None:
            raise JwstmqError("the rows have just changed; look at them and try again")
        if not len(index):
            raise JwstmqError(f"there is no {columns.one} to take; tick some, or lift a filter")
        count = f"{len(index):,} {columns.one if len(index) == 1 else columns.many}"
        if verb == "copy":
            text = copied(rows, index, names)
            self._reply(content, {"type": "copied", "text": f"Copied {count}."}, buffers=[text.encode()])
        elif verb == "cell":
            name = in_notebook(rows.table(index), name=f"jwst_{columns.many}")
            self._reply(content, {"type": "cell", "code": f"{name}  # {count}", "text": f"{count} are in {name}."})
        else:
            form = "csv" if content.get("form") == "csv" else "ecsv"
            self._reply(content, {"type": "done", "text": f"Saving {count} …"})
            self._later(lambda: self._save(content, rows.table(index), f"jwst-{columns.many}", form, count))

    def _save(self, content: Mapping[str, Any], table: Table, name: str, form: str, count: str) -> None:
        try:
            path = saved(table, name=name, form=form)
        except JwstmqError as error:
            self._say(error, answers=content)
            return
        self._reply(content, {"type": "done", "text": f"Saved {count} as {path.name}, in {path.parent}."})

    def _later(self, work: Callable[[], None]) -> None:
        """Do what takes long for many rows on a thread of its own."""

        def guarded() -> None:
            try:
                work()
            except Exception as error:
                _logger.exception("saving rows failed")
                self._say(error)

        threading.Thread(target=guarded, name="jwstmq-save", daemon=True).start()

    def _reply(self, content: Mapping[str, Any], message: Mapping[str, Any], *, buffers: Sequence[bytes] = ()) -> None:
        self.send({**message, "view": content.get("view")}, buffers=list(buffers))

    def _say(self, error: Exception, *, answers: Mapping[str, Any] | None = None) -> None:
        told = str(error)
        if isinstance(error, JwstmqError):
            text = f"{told[:1].upper()}{told[1:]}{'' if told.endswith('.') else '.'}"
        else:
            text = f"The grid could not be drawn ({type(error).__name__}: {told}). The log has more."
        self.send(
            {
                "type": "trouble",
                "view": None if answers is None else answers.get("view"),
                "request": None if answers is None else answers.get("request"),
                "text": text,
            }
        )


def _code() -> str:
    return code(_SCRIPTS, ("grid.css", "gridparts.css"))
