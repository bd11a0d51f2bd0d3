"""A grid of any table, of which the browser holds only the rows that it shows."""

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import orjson
import traitlets
from ipyaggrid.community import Grid

from jwstmq_widgets.widgets.grids.choices import GridChoices
from jwstmq_widgets.widgets.grids.code import calls, code
from jwstmq_widgets.widgets.grids.columnmemory import ChosenColumns, ColumnMemory
from jwstmq_widgets.widgets.grids.export import GridExport
from jwstmq_widgets.widgets.grids.line import GridLine
from jwstmq_widgets.widgets.grids.rowmarks import STATES
from jwstmq_widgets.widgets.grids.subject import Subject
from jwstmq_widgets.widgets.grids.view import wanted
from jwstmq_widgets.widgets.grids.views import GridViews
from jwstmq_widgets.widgets.namefields import name_fields
from jwstmq_widgets.widgets.redraw import Redraw

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["WindowGrid"]

_SCRIPTS = (
    "gridparts.js", "gridcells.js", "gridfilters.js", "gridticks.js", "gridcolumns.js", "gridfacets.js",
    "gridpreview.js", "newcell.js", "clipboard.js", "gridexport.js", "grid.js",
)  # fmt: skip
_LONGEST_NAME = 1000
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
    _chosen_columns = traitlets.Dict(help="The user's choice of columns, with the stamp of who made it.").tag(sync=True)

    carries_code = True
    """Whether the browser's code goes with the grid; else another grid of the page gives it, or the kernel."""

    _watching = False

    def __init__(
        self, exploration: "Exploration", subject: Subject, *, height: int = 420, memory: ColumnMemory | None = None
    ) -> None:
        columns = subject.columns
        self.exploration = exploration
        self._subject = subject
        self._views = GridViews(subject)
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
                "lacking": list(self._views.rows.lacking),
                "states": dict(STATES),
                "one": columns.one,
                "many": columns.many,
                "facets": subject.facets(subject.table()) is not None,
            },
        )
        self._line = GridLine(self.send)
        self._choosing = threading.Lock()
        self._redraw = Redraw(self._draw)
        self._redraw_rail = Redraw(self._draw_rails, interval=_RAIL_SECONDS)
        self._acts: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "rows": self._answer,
            "visible": self._look,
            "gone": self._leave,
            "rail": self._open_rail,
            "columns": self._choose_columns,
            "code": self._give_code,
            "explain": self._explain,
            "open": self._open,
            **GridChoices(subject, self._views, ticked=self._redraw).acts(),
            **GridExport(subject, self._views, self._line).acts(),
        }
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
        return f"{type(self).__name__}({len(self._views.rows):,} rows)"

    # -- from the exploration ----------------------------------------------------------------------------------------

    def _take_table(self, change: Any) -> None:
        if self._views.take_table():
            self._changed(change)

    def _narrowed(self, change: Any) -> None:
        self._views.narrow()
        self._changed(change)

    def _changed(self, _: Any) -> None:
        self._redraw()
        self._redraw_rail()

    def _draw(self) -> None:
        try:
            self.send(self._views.state())
        except Exception as error:  # noqa: BLE001  (a thread's failure would be lost: it is told in the grid)
            self._line.say(error)

    def _draw_rails(self) -> None:
        try:
            for message in self._views.facets():
                self.send(message)
        except Exception as error:  # noqa: BLE001
            self._line.say(error)

    # -- from the browser --------------------------------------------------------------------------------------------

    def _receive(self, _: Any, content: Mapping[str, Any], __: Any) -> None:
        try:
            self._acts.get(str(content.get("type")), self._refuse)(content)
        except Exception as error:  # noqa: BLE001  (Jupyter shows errors in callbacks nowhere: it is told in the grid)
            self._line.say(error, answers=content)

    def _refuse(self, content: Mapping[str, Any]) -> None:
        raise ValueError(f"the browser sent a message of type {content.get('type')!r}, which the grid does not know")

    def _answer(self, content: Mapping[str, Any]) -> None:
        """Send a view the block of rows that it asks for."""
        name, arrangement = str(content["view"]), wanted(content, self._subject.columns.by_name)
        start, stop = int(content["start"]), int(content["stop"])
        message, block = self._views.answer(name, arrangement, start=start, stop=stop, fresh=bool(content.get("fresh")))
        self.send({**message, "request": content["request"]}, buffers=[orjson.dumps(block)])
        self._arrangement = {
            "sort": [list(pair) for pair in arrangement.sort],
            "filters": dict(arrangement.filters),
            "search": arrangement.search,
        }
        if name in self._views.railed:
            self._redraw_rail()

    def _look(self, content: Mapping[str, Any]) -> None:
        self._views.look(str(content["view"]), first=int(content["first"]), last=int(content["last"]))
        self._redraw()

    def _leave(self, content: Mapping[str, Any]) -> None:
        self._views.leave(str(content.get("view")))

    def _open_rail(self, content: Mapping[str, Any]) -> None:
        self._views.open_rail(str(content["view"]), content.get("wants"))
        self._redraw_rail()

    def _choose_columns(self, content: Mapping[str, Any]) -> None:
        chosen = ChosenColumns.of(content["chosen"], self._subject.columns)
        stamp = str(content.get("stamp", ""))[:_LONGEST_NAME]
        with self._choosing:  # what is drawn and what is kept are the same choice, whichever threads two come on
            self._chosen_columns = {**chosen.plain(), "stamp": stamp}
            self._memory.keep(self._subject.columns, chosen)

    def _give_code(self, content: Mapping[str, Any]) -> None:
        self._line.reply(content, {"type": "code", "text": _code()})

    def _explain(self, content: Mapping[str, Any]) -> None:
        name = str(content["name"])[:_LONGEST_NAME]
        self._line.reply(content, {"type": "explained", "name": name, "fields": name_fields(name)})

    def _open(self, content: Mapping[str, Any]) -> None:
        """Show a larger look at one row."""
        uri = str(content["uri"])
        if uri == self.active_uri:
            self.active_uri = ""  # asked for again: observers hear of it again
        self.active_uri = uri
        if not content.get("look"):
            return
        self._explain(content)

        def show(_: str, picture: bytes | None, why: str) -> None:
            answer = {"type": "picture", "uri": uri, "why": why}
            self._line.reply(content, answer, buffers=[picture] if picture else [])

        self._subject.picture(uri, show)


def _code() -> str:
    return code(_SCRIPTS, ("grid.css", "gridparts.css"))
