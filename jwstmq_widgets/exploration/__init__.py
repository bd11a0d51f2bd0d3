"""The state of one exploration, with its verbs."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives import Archive, open_archive
from jwstmq_widgets.archives.merged import knows_users, tells_messages
from jwstmq_widgets.downloads import Control, DownloadProgress, Manifest, Plan, download, plan
from jwstmq_widgets.errors import JwstmqError, QueryError
from jwstmq_widgets.exploration.asking import Answer, ask
from jwstmq_widgets.exploration.choosing import shown_products
from jwstmq_widgets.exploration.files import FileIndex, FileState, FileStates, Ticks
from jwstmq_widgets.exploration.jobs import Jobs, Problem, Run
from jwstmq_widgets.exploration.moving import Moving, failures, planned_states, unfinished
from jwstmq_widgets.exploration.notices import messages_of, warnings_of
from jwstmq_widgets.exploration.state import State, value
from jwstmq_widgets.previews import LOOK_SIZE, THUMBNAIL_SIZE, Thumbnails
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import observations_table, products_table
from jwstmq_widgets.tables.facets import Facets, facet_name

__all__ = ["Exploration", "FileState", "FileStates", "Ticks"]

_NONE: Mapping[str, Any] = MappingProxyType({})


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
    ticked = value(frozenset(), "Ticks: the URIs of the ticked products, as a set.")
    states = value(_NONE, "FileStates: URI to FileState, for files of which there is something to say.")
    destination = value("", "Folder for downloads.")
    layout = value("program", "Folders below the destination: program, mast or flat.")
    plan = value(None, "Plan for the ticked files; None while it is made.")
    jobs = value(_NONE, "Name to Job.")
    problems = value(_NONE, "Where (open, login, search, look, destination, download) to Problem.")
    manifest = value(None, "What the last download did.")
    unfinished = value(None, "Plan of what earlier downloads to the destination left to do; None for nothing.")
    warnings = value((), "Tuple of sentences: which archives did not answer, while others did.")
    messages = value((), "Tuple of lines: what the archive tells its users.")
    as_of = value(None, "When the answer came (UTC); a kept answer may be a day old.")

    def __init__(
        self,
        archive: str | Sequence[str] | Archive = "mast",
        query: Query | None = None,
        *,
        destination: str | Path = "data",
        layout: str = "program",
    ) -> None:
        super().__init__()
        self._jobs = Jobs(changed=lambda _: self._follow_jobs(), failed=self._fail)
        self._thumbnails = Thumbnails()
        self._whole: Plan | None = None
        self._control = Control()
        self._answered: Archive | None = None
        self._moving = False  # a download runs that is going to look at the disk
        self._faceted: tuple[Table | None, Facets | None] = (None, None)
        self._put(
            destination=str(destination),
            layout=layout,
            observations=observations_table({}, archive=""),
            products=products_table({}, archive=""),
            shown=products_table({}, archive=""),
            ticked=Ticks(FileIndex(())),
            states=FileStates(FileIndex(())),
        )
        self.use_archive(archive)
        if query is not None and not query.empty:
            self.search(query)

    # -- what is here ------------------------------------------------------------------------------------------------

    @property
    def selected(self) -> Table:
        """The ticked products, in the order of ``products`` (astropy Table, a row a file)."""
        with self._lock:
            products, ticked = self.products, self.ticked
        return products[ticked.mask] if ticked else products[:0]

    @property
    def narrowed(self) -> Table:
        """The products shown that pass the chosen facets and observations (astropy Table, a row a file)."""
        shown = self.shown
        mask = self.narrowing(shown)
        return shown if mask is None else shown[mask]

    def narrowing(self, products: Table) -> Any:
        """Tell which of some products pass the chosen facets and observations.

        Parameters
        ----------
        products
            Such as ``shown``, taken once: a search may bring another table at any moment.

        Returns
        -------
        numpy.ndarray or None
            True where a row passes, as long as the table; None where nothing is chosen.
        """
        return self.faceted(products).narrowing(self.facets, self.chosen_observations, self.states)

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

    def use_archive(self, archive: str | Sequence[str] | Archive) -> None:
        """Open another archive; the present answer stays until the next search, and a search that runs is cancelled.

        Parameters
        ----------
        archive
            An archive, or a word, an address or several of them for `open_archive`.
        """
        for moot in ("search", "login"):
            self._jobs.cancel(moot)
        words = archive if isinstance(archive, str) else ",".join(archive) if isinstance(archive, Sequence) else ""
        given = None if isinstance(archive, (str, Sequence)) else archive
        self._put(address=words if given is None else given.url, messages=())
        self._clear_problem("open")

        def work(run: Run) -> None:
            opened = open_archive(words) if given is None else given
            with self._lock:
                run.check()
                self._set(archive=opened, account=opened.account)
            self._tell()
            self._recall()
            self._hear(opened)

        self._jobs.start("open", work, text=f"opening the archive {words}" if given is None else "opening")

    def _hear(self, archive: Archive) -> None:
        """Ask for the archive's messages, beside everything else: nobody waits for them."""

        def work() -> None:
            heard = messages_of(archive)
            with self._lock:
                if self.archive is archive and heard:
                    self._set(messages=heard)
            self._tell()

        if tells_messages(archive):
            threading.Thread(target=work, name="jwstmq-messages", daemon=True).start()

    def login(
        self,
        token: str | None = None,
        *,
        user: str | None = None,
        password: str | None = None,
        credentials_file: str | Path | None = None,
    ) -> None:
        """Log in to the archive.

        Parameters
        ----------
        token
            The MAST token; from the environment or the keyring when None and no user is given. It is handed to the
            archive and not kept here.
        user, password
            For an archive that knows users, such as ESA's.
        credentials_file
            A file that holds both, a line each.
        """
        self._clear_problem("login")
        how: dict[str, Any] = {"user": user, "password": password, "credentials_file": credentials_file}

        def work(run: Run) -> None:
            archive = self._ready(run)
            account = archive.login(token, **how, cancel=run.cancel)
            how.clear()
            with self._lock:
                wanted = run.current and not run.cancel.is_set()
                if wanted:
                    self._set(account=account)
            self._tell()
            if not wanted:  # whoever has cancelled is not to be logged in behind his back
                archive.logout()
                run.check()
            self._look()

        self._jobs.start("login", work, text="logging in")

    def logout(self) -> None:
        """Forget the token, or end the session; an archive that must be told is told on a thread."""
        self._jobs.cancel("login")
        self._clear_problem("login")
        archive = self.archive
        if archive is None:
            return

        def work(_: Any = None) -> None:
            archive.logout()
            if self.archive is archive:
                self._put(account=archive.account)
                self._look()

        if knows_users(archive):
            self._jobs.start("logout", work, text="logging out")
        else:
            work()

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

        def arrived(run: Run, products: Table) -> None:
            rows = shown_products(products, query, frozenset(), guidestars=bool(query.guidestars))
            with self._lock:
                if run.current and not run.cancel.is_set():
                    self._set(arriving=rows)
            self._tell()

        def work(run: Run) -> None:
            try:
                answer = ask(self._ready(run), query, run, arrived=lambda products: arrived(run, products), **how)
                self._take(answer, run)
                run.tell(text=f"{len(answer.observations):,} observations · {len(self.shown):,} files")
                self._look()
            finally:
                with self._lock:
                    if run.current:
                        self._set(arriving=None)
                self._tell()

        self._jobs.cancel("search")
        self._put(arriving=None)
        self._jobs.start("search", work, text="waiting for the archive")

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
        with self._lock:  # an answer that comes meanwhile waits, so that its own products are shown in the end
            self._set(filetypes=chosen, shown=self._shown(chosen, self.guidestars))
        self._tell()

    def choose_guidestars(self, guidestars: bool) -> None:
        """Show guide-star files, or not.

        Parameters
        ----------
        guidestars
            Whether they are shown.
        """
        with self._lock:
            self._set(guidestars=guidestars, shown=self._shown(self.filetypes, guidestars))
        self._tell()

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
        facet, chosen = facet_name(name), frozenset(map(str, values))
        with self._lock:
            rest = {key: kept for key, kept in self.facets.items() if key != facet}
            self._set(facets=MappingProxyType({**rest, facet: chosen} if chosen else rest))
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
        wanted = frozenset(map(str, obsids))
        with self._lock:
            self._set(chosen_observations=_still_there(wanted, self.observations))
        self._tell()

    def tick(self, uris: Iterable[str]) -> None:
        """Tick products.

        Parameters
        ----------
        uris
            ``dataURI`` values; those that are not among the products are passed over.
        """
        self._tick(lambda ticked: ticked.with_rows(ticked.index.rows(uris), on=True))

    def untick(self, uris: Iterable[str]) -> None:
        """Untick products.

        Parameters
        ----------
        uris
            ``dataURI`` values.
        """
        self._tick(lambda ticked: ticked.with_rows(ticked.index.rows(uris), on=False))

    def invert(self, uris: Iterable[str] | None = None) -> None:
        """Tick the products that are not ticked, and untick those that are.

        Parameters
        ----------
        uris
            ``dataURI`` values of those concerned; all that are shown, as facets and observations narrow them, when
            None.
        """
        shown = self.shown
        within = self.narrowing(shown) if uris is None else None

        def inverted(ticked: Ticks) -> Ticks:
            if uris is None and shown is self.products:  # the rows of the one are those of the other
                return ticked.inverted(slice(None) if within is None else within)
            narrowed = shown if within is None else shown[within]
            concerned = narrowed["dataURI"].tolist() if uris is None else uris
            return ticked.inverted(np.unique(ticked.index.rows(concerned)))

        self._tick(inverted)

    def clear_ticks(self) -> None:
        """Untick everything."""
        self._tick(lambda ticked: ticked.with_rows(slice(None), on=False))

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

    def thumbnail(self, uri: str, done: Callable[[str, bytes | None, str], None], *, large: bool = False) -> None:
        """Get a small picture of a product, on another thread.

        Parameters
        ----------
        uri
            The product's ``dataURI``.
        done
            Called with the URI, the bytes of a JPEG (None where there is none) and, then, a sentence why.
        large
            True for a larger look at one product.
        """
        size = LOOK_SIZE if large else THUMBNAIL_SIZE
        self._thumbnails.ask(self._source, self.products, uri, done, size=size)

    def forget_thumbnails(self, done: Callable[[str, bytes | None, str], None]) -> None:
        """Drop the thumbnails that were asked for and have not begun.

        Parameters
        ----------
        done
            Whose: what `thumbnail` was given with them. Those of other views stay.
        """
        self._thumbnails.forget(done)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _ready(self, run: Run) -> Archive:
        while not self._jobs.wait(0.05, name="open"):
            run.check()
        run.check()
        if self._jobs.present["open"].state != "done":  # the archive before it is not the one that is wanted
            problem = self.problems.get("open")
            raise problem.error if problem else JwstmqError(f"{self.address} was not opened; choose the archive again")
        archive: Archive = self.archive
        return archive

    @property
    def _source(self) -> Archive | None:
        """Where the present products are: another archive may have been opened since."""
        return self._answered or self.archive

    def _follow_jobs(self) -> None:
        with self._lock:  # threads may come here in another order than their jobs changed
            self._set(jobs=self._jobs.present)
        self._tell()

    def _shown(self, filetypes: frozenset[tuple[str, str]], guidestars: bool) -> Table:
        return shown_products(self.products, self.query, filetypes, guidestars=guidestars)

    def _take(self, answer: Answer, run: Run) -> None:
        """Put an answer in the place of the one before."""
        query, guidestars = answer.query, bool(answer.query.guidestars)
        shown = shown_products(answer.products, query, frozenset(), guidestars=guidestars)
        with self._lock:
            run.check()
            self._answered = answer.archive
            self._whole = None
            self._set(
                query=query,
                observations=answer.observations,
                products=answer.products,
                filetypes=frozenset(),
                facets=self.facets if query == self.query else _NONE,
                chosen_observations=_still_there(self.chosen_observations, answer.observations),
                guidestars=guidestars,
                shown=shown,
                ticked=self.ticked.moved(answer.files),
                states=FileStates(answer.files),
                plan=None,
                arriving=None,
                as_of=answer.as_of,
                warnings=warnings_of(answer.observations, answer.products),
            )
        self._jobs.cancel("look")
        self._tell()

    def _tick(self, change: Callable[[Ticks], Ticks]) -> None:
        with self._lock:
            ticked = change(self.ticked)
            if ticked is not self.ticked:
                self._set(ticked=ticked, plan=self._plan_of(ticked))
        self._tell()

    def _plan_of(self, ticked: Ticks) -> Plan | None:
        return None if self._whole is None else self._whole.take(np.flatnonzero(ticked.mask))

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
        """Look at the disk, on a thread: what of the products is here. A download that runs does so when it ends."""
        with self._lock:
            if self._moving or not len(self.products):
                return
        self._jobs.start("look", self._look_once, text="looking at the disk")

    def _look_once(self, run: Run, moved: Manifest | None = None) -> None:
        """Look at the disk; where an answer or another destination comes in between, for that one."""
        while True:
            with self._lock:
                products, files, source = self.products, self.ticked.index, self._source
                place = {"to": self.destination, "layout": self.layout}
            whole = plan(products, **place, archive=source)
            states = planned_states(whole, files).changed({} if moved is None else failures(moved))
            with self._lock:
                if moved is None:
                    run.check()
                if products is self.products and place == {"to": self.destination, "layout": self.layout}:
                    self._whole = whole
                    self._set(states=states, plan=self._plan_of(self.ticked))
                    if moved is not None:
                        self._moving = False  # what changes from now on is looked at by others
                    break
        self._clear_problem("look")

    def _recall(self) -> None:
        """Read what earlier downloads to the destination left to do."""
        destination = self.destination
        left = unfinished(destination)
        with self._lock:
            if destination == self.destination:
                self._set(unfinished=left)
        self._tell()

    def _move(self, make_plan: Callable[[], Plan]) -> None:
        self._clear_problem("download")
        if self._jobs.running("download"):
            self._fail("download", Problem.of(JwstmqError("a download is running; wait for it, or cancel it first")))
            return

        def move(run: Run) -> Manifest:
            decided = make_plan()
            if not len(decided):
                raise QueryError("nothing is ticked; tick products in the grid or the gallery first")
            moving = Moving(decided)

            def progress(now: DownloadProgress) -> None:
                run.tell(fraction=now.fraction, detail=now)
                moving.step(now)
                with self._lock:
                    self._set(states=moving.onto(self.states))
                self._tell()

            self._control = control = Control()
            return download(decided, progress=progress, cancel=run.cancel, control=control)

        def work(run: Run) -> None:
            with self._lock:
                self._moving = True
            self._jobs.cancel("look")  # what it has seen is past before it is told
            try:
                manifest = move(run)
                self._put(manifest=manifest)
                archive = self.archive
                if archive is not None and archive.account != self.account:  # a session has ended meanwhile
                    self._put(account=archive.account)
                self._look_once(run, manifest)
            finally:
                with self._lock:
                    unseen, self._moving = self._moving, False
                if unseen:
                    self._look()
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
    """Give those of the observations that are among others: the same value where that is all of them."""
    left = obsids.intersection(np.asarray(observations["obsid"]).tolist()) if obsids else obsids
    return obsids if left == obsids else left
