"""A place for ADQL: the query, the archive's tables, its jobs, and the rows that came."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives.esa.examples import EXAMPLES
from jwstmq_widgets.errors import JwstmqError
from jwstmq_widgets.exploration.adqlwork import AdqlWork, observation_names, position_of
from jwstmq_widgets.exploration.counts import counted
from jwstmq_widgets.exploration.jobs import Problem
from jwstmq_widgets.widgets.grids.exports import in_notebook
from jwstmq_widgets.widgets.panel import Panel, static

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["AdqlPanel"]

_MOST_ROWS = 200
_LONGEST = 200
_MOST_TEXT = 100_000


class AdqlPanel(Panel):
    """Ask an archive that takes ADQL, such as ESA's.

    Parameters
    ----------
    exploration
        Whose archive is asked, and where products are shown.
    uploads
        Tables that may go along, by name: the query calls them ``tap_upload.<name>``.

    Examples
    --------
    >>> panel = jw.AdqlPanel(explorer.exploration, uploads={"targets": targets})
    >>> panel.result
    """

    _esm = static("dom.js", "clipboard.js", "newcell.js", "adql.js")
    styles = ("adql.css",)
    watches = ("archive", "address", "jobs", "problems")

    def __init__(
        self, exploration: "Exploration", *, uploads: Mapping[str, Table] | None = None, **traits: Any
    ) -> None:
        self._uploads = dict(uploads or {})
        self._text = next(iter(EXAMPLES.values()))
        self._stamp = 0
        self._work = AdqlWork(exploration)
        super().__init__(exploration, **traits)
        self._work.observe(self._changed)
        self._work.observe(self._send_tables, names="tables")
        self._work.observe(self._send_rows, names="result")

    @property
    def uploads(self) -> Mapping[str, Table]:
        """Tables that may go along, by name; set it to give others."""
        return self._uploads

    @uploads.setter
    def uploads(self, uploads: Mapping[str, Table]) -> None:
        self._uploads = dict(uploads)
        self._redraw()

    @property
    def result(self) -> Table | None:
        """The last answer as an astropy Table with units and descriptions; None before the first."""
        return self._work.result

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing runs here; True if so.

        Parameters
        ----------
        timeout
            Seconds to wait at most; None for ever.
        """
        return self._work.wait(timeout)

    def close(self) -> None:
        """Stop, and free the widget."""
        if self.comm is not None:
            self._work.unobserve(self._changed)
            self._work.unobserve(self._send_tables, names="tables")
            self._work.unobserve(self._send_rows, names="result")
        self._work.close()
        super().close()

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show, as JSON values."""
        work, opened = self._work, self.exploration.archive
        archive, running = work.archive, work.work.get("run")
        busy = running is not None and running.state == "running"
        problems: Mapping[str, Problem] = work.problems
        wrong = problems.get("run")
        saving = problems.get("save")
        return {
            "text": self._text,
            "stamp": self._stamp,
            "archive": archive.name if archive is not None else "",
            "closed": ""
            if archive is not None or opened is None
            else (f"The archive {opened.name} takes no ADQL. Choose ESA in the menu of archives."),
            "examples": list(map(list, EXAMPLES.items())),
            "uploads": [[name, len(table), list(map(str, table.colnames))] for name, table in self._uploads.items()],
            "running": busy,
            "doing": running.text if busy else "",
            "cancelled": running is not None and running.state == "cancelled",
            "problem": "" if wrong is None else wrong.text,
            "position": None if wrong is None else position_of(wrong.text),
            "tables": problems["tables"].text if "tables" in problems else "",
            "jobs": self._jobs(),
            "jobs_problem": problems["jobs"].text if "jobs" in problems else "",
            "saved": f"saved to {work.saved}" if work.saved else "",
            "save_problem": "" if saving is None else saving.text,
            "summary": self._summary(),
            "observations": 0 if work.result is None else len(observation_names(work.result)),
            "searching": self._searching(),
            "code": self._code(),
        }

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for."""
        return {
            "ready": self._begin,
            "text": self._take,
            "run": self._run,
            "cancel": self._work.cancel,
            "tables": self._work.list_tables,
            "jobs": self._work.list_jobs,
            "open": self._open,
            "save": self._save,
            "remove": self._remove,
            "products": self._work.show_products,
            "cell": self._name,
        }

    # -- what the browser asks for -------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._send_tables()
        self._send_rows()

    def _take(self, text: str) -> None:
        self._text = str(text)[:_MOST_TEXT]

    def _run(self, text: str, mode: str = "auto", name: str = "") -> None:
        self._take(text)
        used = {key: table for key, table in self._uploads.items() if f"tap_upload.{key}".lower() in text.lower()}
        how: Any = mode
        self._work.run(self._text, mode=how, name=str(name).strip(), uploads=used)

    def _open(self, job: str) -> None:
        text = self._work.query_of(job)
        if text and text != self._text:
            self._text, self._stamp = text, self._stamp + 1
        self._work.open_job(job)

    def _save(self, job: str, path: str) -> None:
        self._work.save_job(job, path)

    def _remove(self, job: str) -> None:
        self._work.remove_job(job)

    def _name(self) -> None:
        """Give the result a name in the notebook, for a new cell."""
        table = self._work.result
        if table is None:
            return
        try:
            name = in_notebook(table, name="adql_table")
        except JwstmqError as error:
            self.send({"cell": {"code": "", "text": str(error)}})
            return
        query = "".join(f"# {line}\n" for line in self._work.text.splitlines())
        self.send({"cell": {"code": f"{query}{name}", "text": f"It is {name}."}})

    # -- what the view says --------------------------------------------------------------------------------------

    def _jobs(self) -> list[list[str]] | None:
        jobs = self._work.jobs
        if jobs is None:
            return None
        columns = (map(str, jobs[name].tolist()) for name in ("job", "name", "phase", "created", "query"))
        return [list(row) for row in zip(*columns, strict=True)]

    def _summary(self) -> str:
        table = self._work.result
        if table is None:
            return ""
        rows = counted(len(table), "row")
        if table.meta.get("overflow"):
            rows += ", and there are more: the archive cut them off"
        first = f"; the first {_MOST_ROWS} are shown" if len(table) > _MOST_ROWS else ""
        return f"{rows} · {counted(len(table.colnames), 'column')}{first}"

    def _searching(self) -> str:
        search = self.exploration.running("search")
        return "" if search is None else search.text

    def _code(self) -> str:
        """Give code for a new cell that asks the same."""
        text, archive = self._work.text, self._work.source
        if not text:
            return ""
        return f"import jwstmq_widgets as jw\n\ntable = jw.open_archive({archive.url!r}).adql({text!r})\ntable"

    def _send_tables(self, _change: Any = None) -> None:
        """Send the archive's columns; none while they are not known."""
        table = self._work.tables
        columns: list[list[str]] = []
        if table is not None:
            names = ("table", "name", "type", "unit", "description")
            columns = [list(map(str, row)) for row in zip(*(table[name].tolist() for name in names), strict=True)]
        self.send({"columns": columns})

    def _send_rows(self, _change: Any = None) -> None:
        """Send the first rows as texts: they are data of an archive, and no part of the saved notebook."""
        table = self._work.result
        if table is None:
            return
        rows = table[:_MOST_ROWS]
        head = [
            [
                name,
                "" if column.unit is None else str(column.unit),
                str(column.description or ""),
                column.dtype.kind in "iuf",
            ]
            for name, column in rows.columns.items()
        ]
        texts = [_texts(column) for column in rows.columns.values()]
        self.send({"rows": {"head": head, "rows": [list(row) for row in zip(*texts, strict=True)]}})


def _texts(column: Any) -> list[str]:
    values = np.ma.asarray(column)
    blank: Any = np.ma.getmaskarray(values)
    if blank.ndim > 1:
        blank = blank.all(axis=tuple(range(1, blank.ndim)))
    texts = ("" if none else str(value) for value, none in zip(values.data.tolist(), blank.tolist(), strict=True))
    return [text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…" for text in texts]
