"""What can be told of a question before it is asked: how many observations, where its target is, what to suggest."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from astropy.table import Table

from jwstmq_widgets.archives import Archive
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.exploration.jobs import Jobs, Problem, Run
from jwstmq_widgets.exploration.savedsearches import SavedSearches
from jwstmq_widgets.exploration.state import State, value
from jwstmq_widgets.exploration.suggestions import Known, Suggestions, on_this_machine
from jwstmq_widgets.query import Query
from jwstmq_widgets.query.wildcards import is_pattern

__all__ = ["Inquiry", "Place"]

_REMEMBERED = 200
_NONE: Mapping[str, Any] = MappingProxyType({})
_shared = Suggestions()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a question looks."""

    name: str
    """The target; "" where coordinates were given."""
    ra: float
    """Right ascension (deg, ICRS)."""
    dec: float
    """Declination (deg, ICRS)."""
    source: str = ""
    """Which resolver says so; "" for coordinates."""


class Inquiry(State):
    """What is found out about a question while it is still being written.

    Verbs return at once; the work runs on threads, the newest question wins, and whatever was begun for an older one is
    cancelled. That an archive does not answer is no problem here: the search itself tells it.

    Parameters
    ----------
    exploration
        Whose archive is asked, and from whose answers is learned.
    saved
        Where searches are saved; the user's file by default.
    """

    query = value(None, "The question; None where there is none that could be asked.")
    count = value(None, "How many observations answer the query; None while unknown.")
    counting = value(False, "Whether the archive is being asked how many.")
    place = value(None, "Place of the query; None where it has none, or while unknown.")
    wrong = value(None, "QueryError that only the archive could tell, such as an unknown target; or None.")
    known = value(Known(), "Known: what to suggest.")
    keywords = value(None, "Table of the keywords that the archive can be asked for; None while unknown.")
    saved = value((), "Tuple of SavedSearch, by name.")
    problems = value(_NONE, "Where (saved, keywords) to Problem.")

    def __init__(
        self, exploration: Exploration, *, saved: SavedSearches | None = None, suggestions: Suggestions | None = None
    ) -> None:
        super().__init__()
        self._exploration = exploration
        self._saved = saved or SavedSearches()
        self._suggestions = suggestions or _shared
        self._jobs = Jobs(changed=lambda _: None, failed=self._fail)
        self._counts: dict[tuple[str, str], int] = {}
        self._places: dict[tuple[str, str, str], tuple[float, float]] = {}
        self._memory = threading.Lock()
        self._disk = threading.Lock()
        self._closed = False
        self._wants_keywords = False
        exploration.observe(self._opened, names="archive")
        exploration.observe(self._answered, names="observations")
        self._opened()
        self._answered()
        self.read_saved()

    def ask(self, query: Query | None) -> None:
        """Find out about a question.

        Parameters
        ----------
        query
            The question; None where what was written makes none.
        """
        with self._lock:
            same = query is not None and query == self.query and (self.counting or self.count is not None)
            if not same:
                self._jobs.cancel("count")  # first: its answer is none to the new question
                self._set(query=query, count=None, counting=False, place=_given(query), wrong=None)
        self._tell()
        if not same:
            self._begin()

    def list_keywords(self) -> None:
        """Ask the archive which keywords there are, unless it has told already."""
        archive = self._exploration.archive
        self._wants_keywords = True
        if archive is None or self.keywords is not None:
            return

        def work(run: Run) -> None:
            self._keep(
                run, keywords=archive.keyword_columns(cancel=run.cancel), problems=self._problems_but("keywords")
            )

        self._jobs.start("keywords", work, text="asking for keywords")

    def save(self, name: str, query: Query) -> None:
        """Keep a question under a name.

        Parameters
        ----------
        name
            What to call it.
        query
            The question.
        """
        self._store(lambda: self._saved.save(name, query))

    def remove(self, name: str) -> None:
        """Forget a saved search.

        Parameters
        ----------
        name
            Its name.
        """
        self._store(lambda: self._saved.remove(name))

    def read_saved(self) -> None:
        """Read the saved searches again: another notebook may have changed them."""
        self._store(lambda: None)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing runs.

        Parameters
        ----------
        timeout
            Seconds to wait at most; None for ever.

        Returns
        -------
        bool
            True if nothing runs any more.
        """
        return self._jobs.wait(timeout)

    def close(self) -> None:
        """Stop, and follow the exploration no more."""
        self._jobs.close()
        if not self._closed:
            self._closed = True
            self._exploration.unobserve(self._opened, names="archive")
            self._exploration.unobserve(self._answered, names="observations")

    # -- inside ------------------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Count for the present question, where there is one to count for."""
        query, archive = self.query, self._exploration.archive
        if query is None or query.empty or archive is None:
            return
        self._put(counting=True)

        def work(run: Run) -> None:
            located = self._located(archive, query, run)
            count = self._counted(archive, query, located, run)
            self._keep(run, count=count, counting=False)

        self._jobs.start("count", work, text="counting")

    def _located(self, archive: Archive, query: Query, run: Run) -> Query:
        """Put coordinates in the place of a target, so that it is resolved once for all that follows."""
        if not query.target:
            return query
        key = (archive.url, query.target, query.resolver)
        with self._memory:
            found = self._places.get(key)
        if found is None:
            options = {"resolver": query.resolver} if query.resolver else {}
            found = archive.resolve(query.target, cancel=run.cancel, **options)
            with self._memory:
                _remember(self._places, key, found)
        place = Place(name=query.target, ra=found[0], dec=found[1], source=query.resolver or "resolver")
        self._keep(run, place=place)
        return query.replace(target="", resolver="", coordinates=found)

    def _counted(self, archive: Archive, query: Query, located: Query, run: Run) -> int | None:
        answered = self._exploration
        if answered.as_of is not None and query == answered.query and _asked_of(answered.observations) == archive.url:
            return len(answered.observations)
        key = (archive.url, located.to_code())
        with self._memory:
            count = self._counts.get(key)
        if count is None and _wide(located) and not on_this_machine(archive.url):
            return None
        if count is None:
            count = archive.count(located, cancel=run.cancel)
            with self._memory:
                _remember(self._counts, key, count)
        return count

    def _keep(self, run: Run, **values: Any) -> None:
        with self._lock:
            run.check()
            self._set(**values)
        self._tell()

    def _fail(self, name: str, problem: Problem) -> None:
        if name == "count":
            wrong = problem.error if isinstance(problem.error, QueryError) and problem.error.field else None
            self._put(counting=False, wrong=wrong)
        elif name in {"saved", "keywords"}:
            super()._fail(name, problem)

    def _opened(self, _change: Any = None) -> None:
        archive = self._exploration.archive
        if archive is None:
            return
        known = self._suggestions.of(archive.url)
        self._put(count=None, wrong=None, known=known, keywords=None, problems=self._problems_but("keywords"))
        self._begin()
        if self._wants_keywords:
            self.list_keywords()

        def work(run: Run) -> None:
            self._suggestions.ask(archive, cancel=run.cancel)
            self._keep(run, known=self._suggestions.of(archive.url))

        self._jobs.start("known", work, text="looking at what there is")

    def _answered(self, _change: Any = None) -> None:
        self._suggestions.learn(self._exploration.observations)
        with self._memory:
            self._counts.clear()  # an answer that differs from what was counted is the newer truth
        archive = self._exploration.archive
        if archive is not None:
            self._put(known=self._suggestions.of(archive.url))

    def _store(self, act: Callable[[], None]) -> None:
        def work(_: Run) -> None:
            with self._disk:
                act()
                self._put(saved=self._saved.read(), problems=self._problems_but("saved"))

        self._jobs.start("saved", work, text="saved searches")


def _given(query: Query | None) -> Place | None:
    if query is None or query.coordinates is None:
        return None
    return Place(name="", ra=query.coordinates[0], dec=query.coordinates[1])


def _wide(query: Query) -> bool:
    """Tell whether a count would load much of the archive: these limits are not all tested there."""
    narrow = query.program is not None or query.coordinates is not None or bool(query.obs_ids)
    return bool(query.exposure_limits or any(map(is_pattern, query.filters))) and not narrow


def _asked_of(observations: Table) -> str:
    return str(observations.meta.get("archive") or "")


def _remember(memory: dict[Any, Any], key: Any, what: Any) -> None:
    memory[key] = what
    while len(memory) > _REMEMBERED:
        del memory[next(iter(memory))]
