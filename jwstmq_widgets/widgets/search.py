"""A form for a query: what was typed, the question that it makes, what is known of it, what became of it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jwstmq_widgets.archives.merged import AtLeast
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.exploration.counts import counted
from jwstmq_widgets.exploration.inquiry import Inquiry
from jwstmq_widgets.exploration.jobs import Problem
from jwstmq_widgets.query import CATEGORIES, EXPOSURE_TYPES, MODES, Query
from jwstmq_widgets.widgets.archivemenu import archive_choices, tells_exposures
from jwstmq_widgets.widgets.panel import Panel, static
from jwstmq_widgets.widgets.searchform import SHOWN, place_of_field, read_query, write_fields

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["SearchPanel"]

_INSTRUMENTS = {"NIRCAM": "NIRCam", "NIRSPEC": "NIRSpec"}


class SearchPanel(Panel):
    """A form that asks the archive.

    While it is filled in it says the question in words, how many observations answer it, where its target is, and what
    is wrong, each beside its field; none of this loads anything.

    Parameters
    ----------
    exploration
        What to ask, and what to show.
    query
        What the fields show at first; the exploration's query when None.
    inquiry
        What finds out about the question while it is written; one of the panel's own when None.
    """

    _esm = static("dom.js", "searchfields.js", "search.js")
    styles = ("search.css",)
    watches = ("query", "jobs", "problems", "archive", "address", "as_of")

    def __init__(
        self,
        exploration: "Exploration",
        *,
        query: Query | None = None,
        inquiry: Inquiry | None = None,
        **traits: Any,
    ) -> None:
        shown = exploration.query if query is None else query
        self._fields = write_fields(shown)
        self._rest = shown.replace(**SHOWN)
        self._stamp = ""
        self._asked = shown
        self._question: Query | None = shown
        self._past: Problem | None = None
        self._wrong: QueryError | None = None
        self._own = inquiry is None
        self._inquiry = Inquiry(exploration) if inquiry is None else inquiry
        super().__init__(exploration, **traits)
        self.watch(self._follow, "query")
        self._inquiry.observe(self._changed)
        self._inquiry.observe(self._suggest, names="known")
        self._inquiry.observe(self._list_keywords, names="keywords")

    def close(self) -> None:
        """Stop watching, and free the widget."""
        if self.comm is not None:  # ipywidgets closes again when it collects
            self._inquiry.unobserve(self._changed)
            self._inquiry.unobserve(self._suggest, names="known")
            self._inquiry.unobserve(self._list_keywords, names="keywords")
        if self._own:
            self._inquiry.close()
        super().close()

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show, as JSON values."""
        state, inquiry = self.exploration, self._inquiry
        running = state.running("search") or state.running("open")
        closed = state.problems.get("open")
        wrong, elsewhere = self._trouble(), self._elsewhere()
        field = place_of_field(wrong.field) if isinstance(wrong, QueryError) else ""
        rest = self._rest
        return {
            "fields": self._fields,
            "stamp": self._stamp,
            "rest": "" if rest == Query() else str(rest),
            "sentence": "" if self._question in {None, Query()} else str(self._question),
            "instruments": [[name, _INSTRUMENTS.get(name, name)] for name in MODES],
            "categories": list(CATEGORIES),
            "exposures": {name: list(kinds) for name, kinds in EXPOSURE_TYPES.items()} if self._tells() else {},
            "archives": archive_choices(self.exploration.address),
            "address": self.exploration.address,
            "running": running is not None,
            "fraction": running.fraction if running is not None else None,
            "text": running.text if running is not None else self._ended(wrong),
            # what was counted before another archive was chosen, which did not open, is no answer of that one
            "count": "" if running or closed or wrong is not None else self._count(),
            "counting": inquiry.counting and closed is None,
            "place": self._place(),
            "closed": closed.text if closed is not None else "",
            "field": field,
            "problem": Problem.of(wrong).text if wrong is not None else elsewhere,
            "saved": [[search.name, str(search.query)] for search in inquiry.saved],
            "troubles": {name: problem.text for name, problem in inquiry.problems.items()},
        }

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for."""
        return {
            "ready": self._begin,
            "keywords": self._inquiry.list_keywords,
            "consider": self._consider,
            "search": self._search,
            "cancel": self._cancel,
            "forget": self._forget,
            "archive": self._open,
            "save": self._save,
            "saved": self._inquiry.read_saved,
            "choose": self._choose,
            "remove": self._remove,
        }

    # -- what the view says --------------------------------------------------------------------------------------

    def _trouble(self) -> BaseException | None:
        """Give what is wrong: with the fields, with what they make, or with the search of just that."""
        problem = self._failure()
        if self._wrong is not None:
            return self._wrong
        if problem is not None and self.exploration.asked == self._question:
            return problem.error
        wrong: BaseException | None = self._inquiry.wrong
        return wrong

    def _elsewhere(self) -> str:
        """Tell of a search that failed and was another form's, or a cell's: nothing in the fields is wrong for that."""
        problem, asked = self._failure(), self.exploration.asked
        if problem is None or asked.empty or asked == self._question:
            return ""
        return f"The search for {asked} failed: {problem.text}"

    def _failure(self) -> Problem | None:
        """Give the problem of the last search, until another question is written here."""
        problem, closed = self.exploration.problems.get("search"), self.exploration.problems.get("open")
        if problem is None or problem is self._past:
            return None
        # an archive that did not open is told once, where it is chosen
        return None if closed is not None and problem.error is closed.error else problem

    def _ended(self, wrong: BaseException | None) -> str:
        search = self.exploration.jobs.get("search")
        if search is None or wrong is not None or search.state not in {"done", "cancelled"}:
            return ""
        return str(search.text) if self._question in {self._asked, self.exploration.query} else ""

    def _count(self) -> str:
        count = self._inquiry.count
        if count is None:
            return ""
        if isinstance(count, AtLeast):
            return f"at least {counted(count, 'observation')}"
        return counted(count, "observation") if count else "no observations"

    def _tells(self) -> bool:
        archive = self.exploration.archive
        return tells_exposures(self.exploration.address if archive is None else archive.url)

    def _place(self) -> str:
        place = self._inquiry.place
        if place is None:
            return ""
        where = f"{place.ra:.5f}\N{NO-BREAK SPACE}{place.dec:+.5f}".replace("-", "−")
        return f"→ {where} ({place.source or 'ICRS'})"  # the name stands above it

    def _begin(self) -> None:
        self._suggest()
        self._list_keywords()
        if not self.exploration.running("search"):
            self._inquiry.ask(self._question)

    def _list_keywords(self, _change: Any = None) -> None:
        """Tell the browser which keywords there are: hundreds, and always the same."""
        table = self._inquiry.keywords
        if table is not None:
            columns = (map(str, table[name]) for name in ("name", "type", "description"))
            self.send({"keywords": list(map(list, zip(*columns, strict=True)))})

    def _suggest(self, _change: Any = None) -> None:
        """Tell the browser what to suggest; apart from the view, which changes more often."""
        known = self._inquiry.known
        self.send(
            {
                "known": {
                    "programs": [[str(number), title] for number, title in known.programs.items()],
                    "investigators": list(known.investigators),
                    "targets": list(known.targets),
                    "filters": {name: list(values) for name, values in known.filters.items()},
                    "modes": {name: list(values) for name, values in known.modes.items()},
                }
            }
        )

    # -- what the browser asks for -------------------------------------------------------------------------------

    def _consider(self, fields: Mapping[str, Any], stamp: str = "") -> None:
        self._take(fields, stamp)
        self._inquiry.ask(self._question)

    def _search(self, fields: Mapping[str, Any], stamp: str = "") -> None:
        query = self._take(fields, stamp)
        if query is not self._inquiry.query:
            self._inquiry.ask(None)  # the search itself tells how many
        if query is not None:
            self._asked = query
            self.exploration.search(query)

    def _take(self, fields: Mapping[str, Any], stamp: str) -> Query | None:
        """Take what stands in the form; give the query that it makes, if it makes one."""
        self._fields = {**self._fields, **{name: fields[name] for name in self._fields if name in fields}}
        self._stamp, before = stamp, self._question
        try:
            self._question, self._wrong = read_query(self._fields, self._rest), None
        except QueryError as error:
            self._question, self._wrong = None, error
        if self._question != before:
            self._past = self.exploration.problems.get("search")  # of another question
        return self._question

    def _cancel(self) -> None:
        self.exploration.cancel("search" if self.exploration.running("search") else "open")

    def _forget(self) -> None:
        self._rest = Query()
        self._consider(self._fields, self._stamp)

    def _open(self, address: str) -> None:
        self.exploration.use_archive(address)

    def _save(self, name: str, fields: Mapping[str, Any], stamp: str = "") -> None:
        query = self._take(fields, stamp)
        if query is not None:
            self._inquiry.save(name, query)

    def _choose(self, name: str) -> None:
        for search in self._inquiry.saved:
            if search.name == name:
                self._show(search.query)

    def _remove(self, name: str) -> None:
        self._inquiry.remove(name)

    # -- what happens elsewhere ----------------------------------------------------------------------------------

    def _follow(self, change: Mapping[str, Any]) -> None:
        """Show a query that was asked elsewhere; our own left its texts in the fields."""
        query: Query = change["new"]
        if query is not self._asked:
            self._asked = query
            self._show(query)
        elif query == self._question:
            self._inquiry.ask(query)  # known from the answer

    def _show(self, query: Query) -> None:
        self._fields, self._rest, self._wrong = write_fields(query), query.replace(**SHOWN), None
        self._question, self._stamp = query, ""
        self._past = self.exploration.problems.get("search")
        self._inquiry.ask(query)
        self._redraw()
