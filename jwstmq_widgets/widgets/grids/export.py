"""Rows of a grid that the user takes away: copied, saved, or as a table in a new cell."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.errors import JwstmqError
from jwstmq_widgets.widgets.grids.exports import copied, in_notebook, saved
from jwstmq_widgets.widgets.grids.line import GridLine
from jwstmq_widgets.widgets.grids.rows import Index, Rows
from jwstmq_widgets.widgets.grids.subject import Subject
from jwstmq_widgets.widgets.grids.views import GridViews

__all__ = ["GridExport"]


class GridExport:
    """Gives rows away as the browser's messages say: those that match, in their order, or those that are ticked.

    Parameters
    ----------
    subject
        Whose rows.
    views
        Which rows each view shows.
    line
        Where answers go.
    """

    def __init__(self, subject: Subject, views: GridViews, line: GridLine) -> None:
        self._subject = subject
        self._views = views
        self._line = line

    def acts(self) -> Mapping[str, Callable[[Mapping[str, Any]], None]]:
        """Give what the browser may ask for: the type of its message to what takes it."""
        return {"copy": self._copy, "cell": self._open_in_cell, "save": self._save}

    def _copy(self, content: Mapping[str, Any]) -> None:
        rows, index = self._wanted(content)
        columns = self._subject.columns
        known = [name for name in content.get("columns", ()) if name in columns.by_name]
        text = copied(rows, index, known or list(columns.usual))
        message = {"type": "copied", "text": f"Copied {self._count(index)}."}
        self._line.reply(content, message, buffers=[text.encode()])

    def _open_in_cell(self, content: Mapping[str, Any]) -> None:
        rows, index = self._wanted(content)
        count = self._count(index)
        name = in_notebook(rows.table(index), name=f"jwst_{self._subject.columns.many}")
        text = f"{count} {'is' if len(index) == 1 else 'are'} in {name}."
        message = {"type": "cell", "code": f"{name}  # {count}", "text": text}
        self._line.reply(content, message)

    def _save(self, content: Mapping[str, Any]) -> None:
        """Write the rows into a file, on a thread: many take long."""
        rows, index = self._wanted(content)
        count = self._count(index)

        def work() -> None:
            try:
                self._line.reply(content, {"type": "done", "text": self._saved(content, rows.table(index), count)})
            except Exception as error:  # noqa: BLE001  (a thread's failure would be lost: it is told in the grid)
                self._line.say(error, answers=content)

        self._line.reply(content, {"type": "done", "text": f"Saving {count} …"})
        threading.Thread(target=work, name="jwstmq-save", daemon=True).start()

    def _saved(self, content: Mapping[str, Any], table: Table, count: str) -> str:
        form = "csv" if content.get("form") == "csv" else "ecsv"
        path = saved(table, name=f"jwst-{self._subject.columns.many}", form=form)
        return f"Saved {count} as {path.name}, in {path.parent}."

    def _wanted(self, content: Mapping[str, Any]) -> tuple[Rows, Index]:
        columns = self._subject.columns
        if content.get("what") == "ticked":
            rows = Rows(self._subject.selected(), columns=columns)
            rows.look_at(self._subject.ticked(), self._subject.states())
            shown = rows, np.arange(len(rows), dtype=np.intp)
        else:
            found = self._views.shown(str(content["view"]), content["table"])
            if found is None:
                raise JwstmqError("the rows have just changed; look at them and try again")
            shown = found
        if not len(shown[1]):
            raise JwstmqError(f"there is no {columns.one} to take; tick some, or lift a filter")
        return shown

    def _count(self, index: Index) -> str:
        columns = self._subject.columns
        return f"{len(index):,} {columns.one if len(index) == 1 else columns.many}"
