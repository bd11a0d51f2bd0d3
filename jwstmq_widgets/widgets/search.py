"""A form for a query: the texts that were typed, the question that they make, what became of it."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.jobs import Problem
from jwstmq_widgets.query import MODES, Query
from jwstmq_widgets.widgets.panel import Panel, static

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["SearchPanel", "expand_ranges", "read_query", "write_fields"]

_INSTRUMENTS = {"NIRCAM": "NIRCam", "NIRSPEC": "NIRSpec"}
_ARCHIVES = (("mast", "MAST"), ("local", "local"))
_UNSEEN: Mapping[str, Any] = {
    "program": None, "observations": (), "instrument": (), "modes": (), "dates": (None, None), "lookback": None,
}  # fmt: skip
_RANGE = re.compile(r"(\d{1,3})\s*-\s*(\d{1,3})")
_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
_DAY = timedelta(days=1)


def expand_ranges(text: str) -> str:
    """Write out ranges of whole numbers.

    Parameters
    ----------
    text
        Such as ``"1-3, 7"``.

    Returns
    -------
    str
        Such as ``"1,2,3, 7"``; what is no range stays as it is.

    Raises
    ------
    QueryError
        If a range runs backwards.
    """

    def numbers(match: re.Match[str]) -> str:
        first, last = int(match[1]), int(match[2])
        if last < first:
            raise QueryError(f"range '{match[0]}' runs backwards; write {last}-{first}", field="observations")
        return ",".join(map(str, range(first, last + 1)))

    return _RANGE.sub(numbers, text)


def read_query(fields: Mapping[str, Any], rest: Query) -> Query:
    """Make a query of what stands in the form.

    Parameters
    ----------
    fields
        Texts ``program``, ``observations``, ``earliest``, ``latest``, ``lookback``; lists ``instrument``, ``modes``.
    rest
        Where the fields come from that the form does not show.

    Returns
    -------
    Query

    Raises
    ------
    QueryError
        If a field is wrong; ``.field`` names it.
    """

    def text(name: str) -> str:
        return str(fields.get(name, "")).strip()

    return rest.replace(
        program=text("program"),
        observations=expand_ranges(text("observations")),
        instrument=tuple(map(str, fields.get("instrument", ()))),
        modes=tuple(map(str, fields.get("modes", ()))),
        dates=(text("earliest"), text("latest")),
        lookback=text("lookback"),
    )


def write_fields(query: Query) -> dict[str, Any]:
    """Give the texts of the form that make a query; the inverse of `read_query`.

    Parameters
    ----------
    query
        The query.

    Returns
    -------
    dict
        Texts and lists, by the name of the field.
    """
    return {
        "program": "" if query.program is None else str(query.program),
        "observations": ", ".join(map(str, query.observations)),
        "instrument": list(query.instrument),
        "modes": list(query.modes),
        "earliest": _date(query.dates[0], latest=False),
        "latest": _date(query.dates[1], latest=True),
        "lookback": "" if query.lookback is None else f"{query.lookback:g}",
    }


class SearchPanel(Panel):
    """A form that asks the archive.

    Parameters
    ----------
    exploration
        What to ask, and what to show.
    query
        What the fields show at first; the exploration's query when None.
    """

    _esm = static("dom.js", "search.js")
    _css = static("panel.css", "search.css")
    watches = ("query", "jobs", "problems", "archive", "address", "as_of")

    def __init__(self, exploration: "Exploration", *, query: Query | None = None, **traits: Any) -> None:
        shown = exploration.query if query is None else query
        self._fields = write_fields(shown)
        self._rest = shown.replace(**_UNSEEN)
        self._asked = query
        self._wrong: QueryError | None = None
        super().__init__(exploration, **traits)
        self.watch(self._follow, "query")

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show, as JSON values."""
        jobs, problems = self.exploration.jobs, self.exploration.problems
        opening, search = jobs.get("open"), jobs.get("search")
        running = next((job for job in (search, opening) if job is not None and job.state == "running"), None)
        problem, closed = problems.get("search"), problems.get("open")
        wrong: BaseException | None = self._wrong if self._wrong is not None else problem and problem.error
        if closed is not None and wrong is closed.error:
            wrong = None  # said once, at the archive
        field = wrong.field if isinstance(wrong, QueryError) else ""
        text = Problem.of(wrong).text if wrong is not None else ""
        field = field if field in _UNSEEN else ""
        rest = self._rest
        return {
            "fields": self._fields,
            "rest": "" if rest == Query() else str(rest),
            "instruments": [[name, _INSTRUMENTS.get(name, name)] for name in MODES],
            "modes": {name: list(modes) for name, modes in MODES.items()},
            "archives": self._archives(),
            "address": self.exploration.address,
            "running": running is not None,
            "fraction": running.fraction if running is not None else None,
            "text": running.text if running is not None else _ended(search, wrong),
            "closed": closed.text if closed is not None else "",
            "field": field,
            "problem": text,
        }

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for."""
        return {
            "search": self._search,
            "cancel": self._cancel,
            "forget": self._forget,
            "archive": self._open,
        }

    def _archives(self) -> list[Sequence[str]]:
        address, known = self.exploration.address, dict(_ARCHIVES)
        others = [(address, address)] if address and address not in known else []
        return [*_ARCHIVES, *others]

    def _search(self, fields: Mapping[str, Any]) -> None:
        self._fields = {**self._fields, **{name: fields[name] for name in self._fields if name in fields}}
        try:
            query = read_query(self._fields, self._rest)
            self._wrong = None
        except QueryError as error:
            self._wrong = error
        else:
            self._asked = query
            self.exploration.search(query)

    def _cancel(self) -> None:
        search = self.exploration.jobs.get("search")
        self.exploration.cancel("search" if search is not None and search.state == "running" else "open")

    def _forget(self) -> None:
        self._rest = Query()

    def _open(self, address: str) -> None:
        self.exploration.use_archive(address)

    def _follow(self, change: Mapping[str, Any]) -> None:
        """Show a query that was asked elsewhere; our own left its texts in the fields."""
        query: Query = change["new"]
        if query is not self._asked:
            self._fields, self._rest, self._wrong = write_fields(query), query.replace(**_UNSEEN), None
            self._redraw()


def _ended(search: Any, wrong: BaseException | None) -> str:
    if search is None or wrong is not None or search.state not in {"done", "cancelled"}:
        return ""
    return str(search.text)


def _date(mjd: float | None, *, latest: bool) -> str:
    """Write a date; one at midnight as a day, of which the latest one is the day that ends then."""
    if mjd is None:
        return ""
    if mjd == int(mjd):
        return f"{_MJD_ZERO + _DAY * (mjd - latest):%Y-%m-%d}"
    return f"{mjd:.10g}"
