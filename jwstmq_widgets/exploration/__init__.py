"""The state of one exploration, with its verbs."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives import Archive
from jwstmq_widgets.downloads import plan
from jwstmq_widgets.exploration.choosing import shown_products
from jwstmq_widgets.exploration.connection import Connection
from jwstmq_widgets.exploration.destination import Destination
from jwstmq_widgets.exploration.files import FileIndex, FileState, FileStates, Ticks
from jwstmq_widgets.exploration.jobs import Job, Jobs
from jwstmq_widgets.exploration.search import Search, still_there
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
    asked = value(Query(), "What was asked last, whether or not an answer came; problems of the search are about it.")
    query = value(Query(), "What was answered last; the answer is in observations and products.")
    observations = value(None, "Table of observations found.")
    source = value(None, "The archive that gave them: another one may be open since. None before the first answer.")
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
        self._destination = Destination(self, self._writer, self._jobs)
        self._connection = Connection(self, self._writer, self._jobs, self._destination)
        self._search = Search(
            self, self._writer, self._jobs, connection=self._connection, destination=self._destination
        )
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

    def running(self, name: str) -> Job | None:
        """Give a job while it runs; None at all other times.

        Parameters
        ----------
        name
            Such as "search" or "download".

        Returns
        -------
        Job or None
        """
        job = self.jobs.get(name)
        return job if job is not None and job.state == "running" else None

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
        self._connection.open(archive)

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
        self._connection.login(token, user=user, password=password, credentials_file=credentials_file)

    def logout(self) -> None:
        """Forget the token, or end the session; an archive that must be told is told on a thread."""
        self._connection.logout()

    def search(self, query: Query) -> None:
        """Ask for observations, then for their products; a running search is replaced.

        The state changes only when the whole answer is there: after a failure or a cancel it is as it was.

        Parameters
        ----------
        query
            What to ask.
        """
        self._search.start(query)

    def refresh(self) -> None:
        """Ask the archive the same question again, even if its answer is kept on this machine."""
        self._search.start(self.query, cache=False)

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
            self._set(chosen_observations=still_there(wanted, self.observations))
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
        self._destination.place(destination=destination.strip())

    def check_destination(self, destination: str) -> None:
        """Find out whether downloads could go to a folder, and change nothing.

        Parameters
        ----------
        destination
            A folder; it need not be there.

        Raises
        ------
        JwstmqError
            If it cannot be used.
        """
        self._destination.check(destination=destination.strip())

    def set_layout(self, layout: str) -> None:
        """Choose the folders below the destination.

        Parameters
        ----------
        layout
            ``"program"``, ``"mast"`` or ``"flat"``.
        """
        self._destination.place(layout=layout)

    def download(self) -> None:
        """Download the ticked products."""
        where = {"to": self.destination, "layout": self.layout}
        self._destination.bring(lambda: plan(self.selected, **where, archive=self._destination.source))

    def retry(self) -> None:
        """Download again what failed, or was cancelled, in the last download."""
        manifest = self.manifest
        if manifest is not None:
            self._destination.bring(lambda: manifest.failed)

    def finish(self) -> None:
        """Download what earlier downloads to the destination left unfinished."""
        unfinished = self.unfinished
        if unfinished is not None:
            self._destination.bring(lambda: unfinished)

    def pause(self) -> None:
        """Have the running download rest; its connections stay open."""
        self._destination.pause()

    def resume(self) -> None:
        """Have a paused download go on."""
        self._destination.resume()

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
        self._thumbnails.ask(self._destination.source, self.products, uri, done, size=size)

    def forget_thumbnails(self, done: Callable[[str, bytes | None, str], None]) -> None:
        """Drop the thumbnails that were asked for and have not begun.

        Parameters
        ----------
        done
            Whose: what `thumbnail` was given with them. Those of other views stay.
        """
        self._thumbnails.forget(done)

    # -- inside ------------------------------------------------------------------------------------------------------

    def _follow_jobs(self) -> None:
        with self._lock:  # threads may come here in another order than their jobs changed
            self._set(jobs=self._jobs.present)
        self._tell()

    def _shown(self, filetypes: frozenset[tuple[str, str]], guidestars: bool) -> Table:
        return shown_products(self.products, self.query, filetypes, guidestars=guidestars)

    def _tick(self, change: Callable[[Ticks], Ticks]) -> None:
        with self._lock:
            ticked = change(self.ticked)
            if ticked is not self.ticked:
                self._set(ticked=ticked, plan=self._destination.plan_of(ticked))
        self._tell()
