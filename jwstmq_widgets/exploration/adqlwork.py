"""Asking in ADQL: the query's progress and answer, the archive's tables, and the jobs it keeps."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives.merged import archives_in
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.exploration.jobs import Job, Jobs, Problem, Run
from jwstmq_widgets.exploration.state import State, value
from jwstmq_widgets.query import Query

__all__ = ["AdqlWork", "Mode", "observation_names", "position_of"]

Mode = Literal["auto", "sync", "async"]

_RUN_ASYNC: Mapping[str, bool | None] = {"auto": None, "sync": False, "async": True}
_NONE: Mapping[str, Any] = MappingProxyType({})
_NAMES = ("observationid", "obs_id")
_MOST_OBSERVATIONS = 500
# As ESA's library says it, "[l.2 c.21 - l.2 c.25]", and as most others do.
_POSITION = re.compile(r"\[?\bl(?:ine)?[.\s]\s*(\d{1,6})\s*,?\s*c(?:ol(?:umn)?)?[.\s]\s*(\d{1,6})", re.IGNORECASE)


def position_of(text: str) -> tuple[int, int] | None:
    """Find in an archive's words where in a query the error is.

    Parameters
    ----------
    text
        What the archive says.

    Returns
    -------
    tuple of int or None
        Line and column, both from 1; None where it does not say.
    """
    found = _POSITION.search(text)
    return (int(found[1]), int(found[2])) if found and int(found[1]) and int(found[2]) else None


def observation_names(table: Table) -> list[str]:
    """Give the observations that a table names, each once.

    Parameters
    ----------
    table
        A table with a column ``observationid`` or ``obs_id``; the observations of any other are none.

    Returns
    -------
    list of str
    """
    for name in _NAMES:
        if name in table.colnames and table[name].dtype.kind in "UO":
            texts = np.ma.filled(np.ma.asarray(table[name]), "").astype(str).tolist()
            return [text for text in dict.fromkeys(texts) if text]
    return []


def adql_archive(opened: Any) -> Any:
    """Give the archive that takes ADQL, of one or of several that are open together; None where none does.

    Parameters
    ----------
    opened
        An archive, or None.
    """
    return next((one for one in archives_in(opened) if hasattr(one, "adql")), None)


class AdqlWork(State):
    """What was asked in ADQL, and what became of it.

    Verbs return at once; the work runs on threads and shows in ``work``, failures in ``problems``.

    Parameters
    ----------
    exploration
        Whose archive is asked: of several the first that takes ADQL.
    """

    tables = value(None, "Table of the archive's columns: table, name, type, unit, description; None while unknown.")
    result = value(None, "Table that the last query gave; None before.")
    text = value("", "The query that gave it; empty where it is not known.")
    source = value(None, "The archive that gave it.")
    jobs = value(
        None, "Table of the jobs that the archive keeps: job, name, phase, created, query; None while unknown."
    )
    work = value(_NONE, "Name (run, tables, jobs, save) to Job.")
    problems = value(_NONE, "Name (run, tables, jobs, save) to Problem.")
    saved = value("", "Where the last job's answer was written to.")

    def __init__(self, exploration: Exploration) -> None:
        super().__init__()
        self._exploration = exploration
        self._jobs = Jobs(changed=self._changed, failed=self._fail)
        self._wanted: set[str] = set()
        self._closed = False
        exploration.observe(self._opened, names=["archive", "account"])

    @property
    def archive(self) -> Any:
        """The archive that is asked; None where the one that is open takes no ADQL."""
        return adql_archive(self._exploration.archive)

    def run(self, text: str, *, mode: Mode = "auto", name: str = "", uploads: Mapping[str, Table] = _NONE) -> None:
        """Ask; a query that runs is replaced, and its job removed.

        Parameters
        ----------
        text
            The query.
        mode
            ``"sync"``: at once, 2,000 rows at the most; ``"async"``: as a job, which the archive keeps; ``"auto"``:
            as is needed, and no job stays.
        name
            What the job is called.
        uploads
            Tables by name; the query calls them ``tap_upload.<name>``.
        """
        if mode not in _RUN_ASYNC:
            raise QueryError(f"mode {mode!r} is unknown; use auto, sync or async", field="mode")

        def work(run: Run) -> None:
            archive = self._ready()
            table = archive.adql(
                text,
                uploads=uploads or None,
                run_async=_RUN_ASYNC[mode],
                name=name,
                progress=lambda phase: run.tell(text=_in_words(phase)),
                cancel=run.cancel,
            )
            self._keep(run, result=table, text=text, source=archive)

        self._begin("run", work, "asking", jobs=mode == "async")

    def open_job(self, job: str) -> None:
        """Take the answer of a job, when it has one.

        Parameters
        ----------
        job
            Its key.
        """

        def work(run: Run) -> None:
            archive = self._ready()
            table = archive.open_job(job, progress=lambda phase: run.tell(text=_in_words(phase)), cancel=run.cancel)
            self._keep(run, result=table, text=self.query_of(job), source=archive)

        self._begin("run", work, "opening the job", jobs=True)

    def query_of(self, job: str) -> str:
        """Give the query of a job; "" for one that is not listed.

        Parameters
        ----------
        job
            Its key.
        """
        jobs = self.jobs
        pairs = () if jobs is None else zip(jobs["job"].tolist(), jobs["query"].tolist(), strict=True)
        return next((str(query) for key, query in pairs if key == job), "")

    def save_job(self, job: str, path: str | Path) -> None:
        """Write the answer of a job to a file.

        Parameters
        ----------
        job
            Its key.
        path
            A file that is not there yet.
        """

        def work(run: Run) -> None:
            if not str(path).strip():
                raise QueryError("give the name of a file, such as job.vot", field="path")
            place = self._ready().save_job(job, path, cancel=run.cancel)
            self._keep(run, saved=str(place))

        self._put(saved="")
        self._begin("save", work, "saving")

    def remove_job(self, job: str) -> None:
        """Remove a job with its answer from the archive.

        Parameters
        ----------
        job
            Its key.
        """

        def work(run: Run) -> None:
            archive = self._ready()
            archive.remove_jobs(job, cancel=run.cancel)
            self._keep(run, jobs=archive.jobs(cancel=run.cancel))

        self._wanted.add("jobs")
        self._begin("jobs", work, "removing")

    def list_jobs(self) -> None:
        """Ask which jobs the archive keeps."""

        def work(run: Run) -> None:
            self._keep(run, jobs=self._ready().jobs(cancel=run.cancel))

        self._wanted.add("jobs")
        self._begin("jobs", work, "asking for jobs")

    def list_tables(self) -> None:
        """Ask for the archive's tables and columns, unless it has told already."""

        def work(run: Run) -> None:
            self._keep(run, tables=self._ready().tables(cancel=run.cancel))

        self._wanted.add("tables")
        if self.tables is None and self._exploration.archive is not None:
            self._begin("tables", work, "asking for tables")

    def show_products(self) -> None:
        """Search for the observations that the result names, so that grid and gallery show their products."""
        names = [] if self.result is None else observation_names(self.result)
        self._clear("run")
        if not names:
            text = "the result names no observations; ask for the column observationid"
            self._fail("run", Problem.of(QueryError(text)))
        elif len(names) > _MOST_OBSERVATIONS:
            text = f"the result names {len(names):,} observations; narrow it to {_MOST_OBSERVATIONS} at the most"
            self._fail("run", Problem.of(QueryError(text)))
        else:
            self._exploration.search(Query(obs_ids=names))

    def cancel(self, name: str = "run") -> None:
        """Stop work; a job that was made for it is removed.

        Parameters
        ----------
        name
            Which: run, tables, jobs or save.
        """
        self._jobs.cancel(name)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing runs; True if so."""
        return self._jobs.wait(timeout)

    def close(self) -> None:
        """Stop, and follow the exploration no more."""
        if not self._closed:
            self._closed = True
            self._exploration.unobserve(self._opened, names=["archive", "account"])
        self._jobs.close()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _ready(self) -> Any:
        archive, opened = self.archive, self._exploration.archive
        if archive is None:
            name = opened.name if opened is not None else self._exploration.address
            raise QueryError(f"the archive {name} takes no ADQL; choose ESA, or 'local-esa' on this machine")
        return archive

    def _begin(self, name: str, work: Callable[[Run], None], text: str, *, jobs: bool = False) -> None:
        self._clear(name)

        def whole(run: Run) -> None:
            try:
                work(run)
            finally:
                if jobs and run.current and not self._closed:
                    self.list_jobs()

        self._jobs.start(name, whole, text=text)

    def _opened(self, change: Any) -> None:
        """Another archive, or another user of it: what was listed is no more."""
        if change["name"] == "archive":
            self._put(tables=None, problems=_NONE)
        self._put(jobs=None)
        if self.archive is not None:
            for wanted, ask in (("tables", self.list_tables), ("jobs", self.list_jobs)):
                if wanted in self._wanted:
                    ask()

    def _keep(self, run: Run, **values: Any) -> None:
        with self._lock:
            run.check()
            self._set(**values)
        self._tell()

    def _changed(self, jobs: Mapping[str, Job]) -> None:
        self._put(work=jobs)


def _in_words(phase: str) -> str:
    words = {"QUEUED": "waiting in the archive's queue", "EXECUTING": "the archive is working on it"}
    return words.get(phase.upper(), phase.lower())
