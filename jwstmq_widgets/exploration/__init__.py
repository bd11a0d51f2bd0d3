"""The state of one exploration, with its verbs."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives import Archive, nothing_found, open_archive
from jwstmq_widgets.downloads import Control, DownloadProgress, Manifest, Plan, download, plan
from jwstmq_widgets.errors import JwstmqError, QueryError
from jwstmq_widgets.exploration.jobs import Jobs, Problem, Run
from jwstmq_widgets.exploration.state import State, value
from jwstmq_widgets.previews import Thumbnails
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import observations_table, products_table, select
from jwstmq_widgets.tables.facets import Facets, facet_name

__all__ = ["Exploration", "FileState"]

_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """How one file stands at the destination. A file that is simply not there has no state."""

    kind: Literal["here", "partial", "different", "exclusive", "planned", "waiting", "running", "failed"]
    """Which."""
    fraction: float = 0.0
    """Part here, 0 to 1, of a running or partial file."""
    message: str = ""
    """Why it failed, or until when it is exclusive."""


class Exploration(State):
    """The state of one exploration: what was asked, what was found, what is chosen, what is moving.

    Verbs return at once; the work runs on threads, shows in ``jobs``, and failures show in ``problems``.

    Parameters
    ----------
    archive
        An archive, or a word or address for `open_archive`.
    query
        Asked at once when given.
    destination
        Folder for downloads.
    layout
        Folders below it: ``"program"``, ``"mast"`` or ``"flat"``.
    """

    address = value("", "Word or address of the archive that was asked for last, open or not.")
    archive = value(None, "The archive; None until it is open.")
    account = value(None, "Who is logged in; None until the archive is open.")
    query = value(Query(), "What was asked; its answer is in observations and products.")
    observations = value(None, "Table of observations found.")
    products = value(None, "Table of all products of these observations, one row a file.")
    filetypes = value(frozenset(), "Chosen pairs of (stage, filetype); empty for all.")
    guidestars = value(False, "Whether guide-star files are shown.")
    arriving = value(None, "While a search runs: what has come of its ``shown`` so far. None at all other times.")
    shown = value(None, "Products of the chosen file types: what grid and gallery show.")
    facets = value(_NONE, "Facet (a key of `tables.facets.FACETS`) to the values that narrow what is shown.")
    chosen_observations = value(frozenset(), "obsids of observations that narrow what is shown; empty for all.")
    ticked = value(frozenset(), "URIs of the ticked products.")
    states = value(_NONE, "URI to FileState, for files of which there is something to say.")
    destination = value("", "Folder for downloads.")
    layout = value("program", "Folders below the destination: program, mast or flat.")
    plan = value(None, "Plan for the ticked files; None while it is made.")
    jobs = value(_NONE, "Name to Job.")
    problems = value(_NONE, "Where (open, login, search, look, destination, download) to Problem.")
    manifest = value(None, "What the last download did.")
    unfinished = value(None, "Plan of what earlier downloads to the destination left to do; None for nothing.")
    as_of = value(None, "When the answer came (UTC); a kept answer may be a day old.")

    def __init__(
        self,
        archive: str | Archive = "mast",
        query: Query | None = None,
        *,
        destination: str | Path = "data",
        layout: str = "program",
    ) -> None:
        super().__init__()
        self._jobs = Jobs(changed=lambda jobs: self._put(jobs=jobs), failed=self._fail)
        self._thumbnails = Thumbnails()
        self._whole: Plan | None = None
        self._control = Control()
        self._uris: frozenset[str] = frozenset()
        self._answered: Archive | None = None
        self._opened = threading.Event()
        self._faceted: tuple[Table | None, Facets | None] = (None, None)
        self._put(
            destination=str(destination),
            layout=layout,
            observations=observations_table({}, archive=""),
            products=products_table({}, archive=""),
            shown=products_table({}, archive=""),
        )
        self.use_archive(archive)
        if query is not None and not query.empty:
            self.search(query)

    # -- what is here ------------------------------------------------------------------------------------------------

    @property
    def selected(self) -> Table:
        """The ticked products, in the order of ``products`` (astropy Table, a row a file)."""
        products, ticked = self.products, self.ticked
        return products[np.isin(np.asarray(products["dataURI"]), list(ticked))] if ticked else products[:0]

    @property
    def narrowed(self) -> Table:
        """The products shown that pass the chosen facets and observations (astropy Table, a row a file)."""
        mask = self.narrowing()
        return self.shown if mask is None else self.shown[mask]

    def narrowing(self) -> Any:
        """Tell which rows of ``shown`` pass the chosen facets and observations.

        Returns
        -------
        numpy.ndarray or None
            True where a row passes, as long as ``shown``; None where nothing is chosen.
        """
        shown = self.shown
        return self.faceted(shown).narrowing(self.facets, self.chosen_observations, self.states)

    def faceted(self, products: Table) -> Facets:
        """Give the facets of a table of products; those of the last one are kept.

        Parameters
        ----------
        products
            Such as ``shown``.

        Returns
        -------
        Facets
        """
        kept, facets = self._faceted
        if kept is not products or facets is None:
            facets = Facets(products, observations=self.observations)
            self._faceted = (products, facets)
        return facets

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until all jobs have ended.

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
        """Cancel everything that runs."""
        self._jobs.close()
        self._thumbnails.close()

    # -- asking ------------------------------------------------------------------------------------------------------

    def use_archive(self, archive: str | Archive) -> None:
        """Open another archive; the present answer stays until the next search.

        Parameters
        ----------
        archive
            An archive, or a word or address for `open_archive`.
        """
        self._opened.clear()
        self._put(address=archive if isinstance(archive, str) else archive.url)
        self._clear_problem("open")

        def work(run: Run) -> None:
            try:
                opened = open_archive(archive) if isinstance(archive, str) else archive
                run.check()
                self._put(archive=opened, account=opened.account)
                self._recall()
            finally:
                if run.current:
                    self._opened.set()

        self._jobs.start("open", work, text=f"opening the {archive} archive" if isinstance(archive, str) else "opening")

    def login(self, token: str | None = None) -> None:
        """Log in to the archive.

        Parameters
        ----------
        token
            The token; from the environment or the keyring when None. It is handed to the archive and not kept here.
        """
        self._clear_problem("login")

        def work(run: Run) -> None:
            account = self._ready(run).login(token)
            run.check()
            self._put(account=account)
            self._look()

        self._jobs.start("login", work, text="logging in")

    def logout(self) -> None:
        """Forget the token."""
        self._jobs.cancel("login")
        self._clear_problem("login")
        if self.archive is not None:
            self.archive.logout()
            self._put(account=self.archive.account)
            self._look()

    def search(self, query: Query) -> None:
        """Ask for observations, then for their products; a running search is replaced.

        The state changes only when the whole answer is there: after a failure or a cancel it is as it was.

        Parameters
        ----------
        query
            What to ask.
        """
        self._search(query)

    def _search(self, query: Query, **how: Any) -> None:
        self._clear_problem("search")
        if query.empty:
            self._fail("search", Problem.of(QueryError("nothing to search for; give a program, such as 2733")))
            return

        def work(run: Run) -> None:
            archive = self._ready(run)
            run.tell(text="asking for observations")
            observations = archive.observations(query, cancel=run.cancel, **how)
            run.check()
            if not len(observations):
                raise nothing_found(archive, query)
            run.tell(text=f"{len(observations):,} observations; asking for their products", fraction=0.0)

            show = self._arrivals(run, query)

            def progress(done: Any) -> None:
                asked, total = done.observations_done, done.observations_total
                text = f"{asked} of {total} observations · {done.products:,} files"
                run.tell(text=text, fraction=asked / max(total, 1))
                if asked < total:
                    show(done.partial)

            products = archive.products(observations, progress=progress, cancel=run.cancel, **how)
            run.check()
            self._answer(archive, query, observations, products)
            run.tell(text=f"{len(observations):,} observations · {len(products):,} files")
            self._look()

        def whole(run: Run) -> None:
            try:
                work(run)
            finally:
                if run.current:
                    self._put(arriving=None)

        self._jobs.start("search", whole, text="waiting for the archive")
        self._put(arriving=None)

    def refresh(self) -> None:
        """Ask the archive the same question again, even if its answer is kept on this machine."""
        self._search(self.query, cache=False)

    def cancel(self, name: str) -> None:
        """Stop a job.

        Parameters
        ----------
        name
            Such as "search" or "download".
        """
        self._jobs.cancel(name)

    # -- choosing ----------------------------------------------------------------------------------------------------

    def choose_filetypes(self, filetypes: Iterable[tuple[str, str]]) -> None:
        """Show only products of some file types.

        Parameters
        ----------
        filetypes
            Pairs of stage and file type, such as ``("2b", "_cal.fits")``; none for all.
        """
        chosen = frozenset(filetypes)
        self._put(filetypes=chosen, shown=_shown(self.products, self.query, chosen, self.guidestars))

    def choose_guidestars(self, guidestars: bool) -> None:
        """Show guide-star files, or not.

        Parameters
        ----------
        guidestars
            Whether they are shown.
        """
        self._put(guidestars=guidestars, shown=_shown(self.products, self.query, self.filetypes, guidestars))

    def choose_facet(self, name: str, values: Iterable[str]) -> None:
        """Narrow what is shown to some values of one facet; ticks stay as they are.

        Parameters
        ----------
        name
            A facet: program, instrument, mode, detector, filter, type, stage, observation, access or state.
        values
            Values wanted, as texts; none lifts this facet's choice.

        Raises
        ------
        QueryError
            If there is no such facet.
        """
        chosen = frozenset(map(str, values))
        with self._lock:
            rest = {key: kept for key, kept in self.facets.items() if key != facet_name(name)}
            self._set(facets=MappingProxyType({**rest, name: chosen} if chosen else rest))
        self._tell()

    def clear_facets(self) -> None:
        """Lift the choices of all facets, and that of observations."""
        self._put(facets=_NONE, chosen_observations=frozenset())

    def choose_observations(self, obsids: Iterable[str]) -> None:
        """Narrow what is shown to the products listed for some observations; ticks stay as they are.

        Parameters
        ----------
        obsids
            The archive's numbers of observations (``obsid``, not ``obs_id``); those not found are passed over, and
            none shows the products of all.
        """
        known = set(np.asarray(self.observations["obsid"]).tolist())
        self._put(chosen_observations=frozenset(map(str, obsids)) & known)

    def tick(self, uris: Iterable[str]) -> None:
        """Tick products.

        Parameters
        ----------
        uris
            ``dataURI`` values; those that are not among the products are passed over.
        """
        self._tick(lambda ticked: ticked | self._uris.intersection(uris))

    def untick(self, uris: Iterable[str]) -> None:
        """Untick products.

        Parameters
        ----------
        uris
            ``dataURI`` values.
        """
        self._tick(lambda ticked: ticked.difference(uris))

    def clear_ticks(self) -> None:
        """Untick everything."""
        self._tick(lambda _: frozenset())

    # -- moving ------------------------------------------------------------------------------------------------------

    def set_destination(self, destination: str) -> None:
        """Choose where downloads go; a folder that cannot be used is a problem and changes nothing.

        Parameters
        ----------
        destination
            A folder; made when the download begins.
        """
        self._place(destination=destination.strip())

    def set_layout(self, layout: str) -> None:
        """Choose the folders below the destination.

        Parameters
        ----------
        layout
            ``"program"``, ``"mast"`` or ``"flat"``.
        """
        self._place(layout=layout)

    def download(self) -> None:
        """Download the ticked products."""
        self._move(lambda: plan(self.selected, to=self.destination, layout=self.layout, archive=self._source))

    def retry(self) -> None:
        """Download again what failed, or was cancelled, in the last download."""
        manifest = self.manifest
        if manifest is not None:
            self._move(lambda: manifest.failed)

    def finish(self) -> None:
        """Download what earlier downloads to the destination left unfinished."""
        unfinished = self.unfinished
        if unfinished is not None:
            self._move(lambda: unfinished)

    def pause(self) -> None:
        """Have the running download rest; its connections stay open."""
        self._control.pause()

    def resume(self) -> None:
        """Have a paused download go on."""
        self._control.resume()

    def thumbnail(self, uri: str, done: Callable[[str, bytes | None, str], None]) -> None:
        """Get a small picture of a product, on another thread.

        Parameters
        ----------
        uri
            The product's ``dataURI``.
        done
            Called with the URI, the bytes of a JPEG (None where there is none) and, then, a sentence why.
        """
        self._thumbnails.ask(self._source, self.products, uri, done)

    def forget_thumbnails(self) -> None:
        """Drop the thumbnails that were asked for and have not begun."""
        self._thumbnails.forget()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _ready(self, run: Run) -> Archive:
        while not self._opened.wait(0.05):
            run.check()
        run.check()
        if self.archive is None:
            raise self.problems["open"].error if "open" in self.problems else JwstmqError("no archive is open")
        archive: Archive = self.archive
        return archive

    @property
    def _source(self) -> Archive | None:
        """Where the present products are: another archive may have been opened since."""
        return self._answered or self.archive

    def _arrivals(self, run: Run, query: Query) -> Callable[[Callable[[], Table] | None], None]:
        """Give what shows rows as they come: twice a second at most, and never most of the time."""
        after = 0.0

        def show(partial: Callable[[], Table] | None) -> None:
            nonlocal after
            began = time.monotonic()
            if partial is None or began < after:
                return
            rows = _shown(partial(), query, frozenset(), bool(query.guidestars))
            with self._lock:
                if run.current and not run.cancel.is_set():
                    self._set(arriving=rows)
            self._tell()
            ended = time.monotonic()
            after = ended + max(0.5, 5 * (ended - began))

        return show

    def _answer(self, archive: Archive, query: Query, observations: Table, products: Table) -> None:
        guidestars = bool(query.guidestars)
        with self._lock:
            self._answered = archive
            self._uris = frozenset(np.asarray(products["dataURI"]).tolist())
            self._whole = None
            self._set(
                query=query,
                observations=observations,
                products=products,
                filetypes=frozenset(),
                facets=self.facets if query == self.query else _NONE,
                chosen_observations=_still_there(self.chosen_observations, observations),
                guidestars=guidestars,
                shown=_shown(products, query, frozenset(), guidestars),
                ticked=self.ticked & self._uris,
                states=_NONE,
                plan=None,
                arriving=None,
                as_of=min(_as_of(observations), _as_of(products)),
            )
        self._tell()

    def _tick(self, change: Callable[[frozenset[str]], frozenset[str]]) -> None:
        with self._lock:
            ticked = change(self.ticked)
            if ticked != self.ticked:
                self._set(ticked=ticked, plan=None if self._whole is None else self._whole.subset(ticked))
        self._tell()

    def _place(self, **place: str) -> None:
        """Look at another destination; keep it only when it can be used."""
        wanted = {"destination": self.destination, "layout": self.layout} | place
        self._clear_problem("destination")
        try:
            plan(self.products[:0], to=wanted["destination"], layout=wanted["layout"], archive=self._source)
        except JwstmqError as error:
            self._fail("destination", Problem.of(error))
            return
        self._put(**place)
        self._jobs.start("recall", lambda _: self._recall(), text="reading what was downloaded before")
        self._look()

    def _look(self) -> None:
        """Look at the disk, on a thread: what of the products is here."""
        if not len(self.products) or self._jobs.running("download"):
            return

        def work(run: Run) -> None:
            whole = plan(self.products, to=self.destination, layout=self.layout, archive=self._source)
            run.check()
            with self._lock:
                self._whole = whole
                self._set(states=_states(whole), plan=whole.subset(self.ticked))
            self._tell()

        self._jobs.start("look", work, text="looking at the disk")

    def _recall(self) -> None:
        """Read in the destination's ledger what earlier downloads left to do."""
        try:
            left: Plan | None = Manifest.read(self.destination).failed
        except JwstmqError:
            left = None
        self._put(unfinished=left if left is not None and left.fetch else None)

    def _move(self, make_plan: Callable[[], Plan]) -> None:
        self._clear_problem("download")
        if self._jobs.running("download"):
            self._fail("download", Problem.of(JwstmqError("a download is running; wait for it, or cancel it first")))
            return

        def work(run: Run) -> None:
            decided = make_plan()
            if not len(decided):
                raise QueryError("nothing is ticked; tick products in the grid or the gallery first")
            before = dict(self.states)
            waiting = {item.uri: FileState(kind="waiting") for item in decided.items if item.state != "here"}

            def progress(now: DownloadProgress) -> None:
                run.tell(fraction=now.fraction, detail=now)
                running = {
                    file.uri: FileState(kind="running", fraction=file.bytes_done / file.size if file.size > 0 else 0.0)
                    for file in now.running
                }
                failed = {uri: FileState(kind="failed", message=message) for uri, message in now.failed}
                here = dict.fromkeys(now.finished, FileState(kind="here", fraction=1.0))
                self._put(states=MappingProxyType({**before, **waiting, **here, **running, **failed}))

            self._control = control = Control()
            self._put(manifest=None, unfinished=None)
            manifest = download(decided, progress=progress, cancel=run.cancel, control=control)
            failed = {
                uri: FileState(kind="failed", message=message)
                for uri, status, message in zip(
                    manifest["dataURI"].tolist(), manifest["Status"].tolist(), manifest["Message"].tolist(), strict=True
                )
                if status == "ERROR"
            }
            whole = plan(self.products, to=self.destination, layout=self.layout, archive=self._source)
            with self._lock:
                self._whole = whole
                self._set(
                    manifest=manifest,
                    states=MappingProxyType({**_states(whole), **failed}),
                    plan=whole.subset(self.ticked),
                )
            self._tell()
            self._recall()

        self._jobs.start("download", work, text="downloading")

    def _clear_problem(self, where: str) -> None:
        with self._lock:
            if where in self.problems:
                rest = {key: value for key, value in self.problems.items() if key != where}
                self._set(problems=MappingProxyType(rest))
        self._tell()

    def _fail(self, where: str, problem: Problem) -> None:
        with self._lock:
            self._set(problems=MappingProxyType({**self.problems, where: problem}))
        self._tell()


def _still_there(obsids: frozenset[str], observations: Table) -> frozenset[str]:
    return obsids.intersection(np.asarray(observations["obsid"]).tolist()) if obsids else obsids


def _as_of(table: Table) -> datetime:
    text = table.meta.get("as_of")
    return datetime.fromisoformat(text) if text else datetime.now(UTC)


def _shown(
    products: Table, query: Query, filetypes: frozenset[tuple[str, str]], guidestars: bool | Literal["only"]
) -> Table:
    limits = query.product_limits
    if filetypes:
        limits["filetypes"] = ()
    if limits["guidestars"] != "only":
        limits["guidestars"] = guidestars
    rows = select(products, **limits)
    if not filetypes:
        return rows
    kinds = np.char.add(np.char.add(np.asarray(rows["stage"]), " "), np.asarray(rows["filetype"]))
    return rows[np.isin(kinds, [f"{stage} {filetype}" for stage, filetype in filetypes])]


def _states(whole: Plan) -> Mapping[str, FileState]:
    kinds: dict[str, Any] = {"resume": "partial"}
    return MappingProxyType(
        {
            item.uri: FileState(kind=kinds.get(item.state, item.state), fraction=1.0 if item.state == "here" else 0.0)
            for item in whole.items
            if item.state != "fetch"
        }
    )
