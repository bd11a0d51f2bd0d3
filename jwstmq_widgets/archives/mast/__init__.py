"""An archive that speaks MAST's protocols."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from astropy.table import Table

from jwstmq_widgets.archives.account import Account
from jwstmq_widgets.archives.answers import Answers, remembered
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.limits import narrowed
from jwstmq_widgets.archives.listing import Listing, ProductsProgress, targets_of
from jwstmq_widgets.archives.logins import Logins
from jwstmq_widgets.archives.mast.criteria import criteria_for, placed
from jwstmq_widgets.archives.mast.exposures import DATASETS, Exposures, files_of
from jwstmq_widgets.archives.mast.missions import columns_table, missions_table
from jwstmq_widgets.archives.mast.missionsearch import MissionSearch
from jwstmq_widgets.archives.mast.portal import Columns, joined, read_page
from jwstmq_widgets.archives.mast.productlists import list_products, obsids_of
from jwstmq_widgets.archives.mast.resolver import place_of, resolve_target
from jwstmq_widgets.archives.mast.user import MastUser
from jwstmq_widgets.archives.namedfiles import files_wanted, listed_files, rows_of
from jwstmq_widgets.archives.parallel import Manners, Stop, gather
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import observations_table, products_table

__all__ = ["MastArchive"]


class MastArchive:
    """MAST, or whatever answers as MAST does. Making one contacts nobody.

    Parameters
    ----------
    host
        Where it is.
    manners
        How hard it is asked.
    answers
        Where its answers are kept; the user's cache folder by default.
    logins
        Where the dates of logins are noted; the user's state folder by default.
    """

    def __init__(
        self,
        host: Host,
        *,
        manners: Manners | None = None,
        answers: Answers | None = None,
        logins: Logins | None = None,
    ) -> None:
        self._host = host
        self._answers = answers or Answers()
        self._manners = manners or Manners()
        self._user = MastUser(host, manners=self._manners, logins=logins or Logins.of(host))
        self._missions = MissionSearch(host, manners=self._manners)

    @property
    def name(self) -> str:
        """What people call it: ``mast``, ``local``, or host and port."""
        return self._host.name

    @property
    def url(self) -> str:
        """Its address."""
        return self._host.url

    @property
    def account(self) -> Account:
        """Who is logged in, and whether the token's end is near."""
        return self._user.account

    def __repr__(self) -> str:
        return f"<MastArchive {self.name} {self.url}, {self._user.account}>"

    def login(
        self,
        token: str | None = None,
        *,
        user: str | None = None,
        password: str | None = None,
        credentials_file: str | Path | None = None,
        store: bool = False,
        cancel: threading.Event | None = None,
    ) -> Account:
        """Log in with a token.

        Parameters
        ----------
        token
            The token. None takes the one in ``MAST_API_TOKEN`` (for MAST and archives on this machine) or in the
            keyring, or asks for it at a terminal.
        user, password, credentials_file
            For archives that know users; this one does not, and refuses them.
        store
            Put the token into the keyring, where the next login finds it. Where that fails the login stands, and
            ``account.warning`` says so.
        cancel
            Set to stop; an answer that comes later changes nothing.

        Returns
        -------
        Account

        Raises
        ------
        LoginError
            If there is no token, or it is not accepted. Who was logged in before stays so.
        ArchiveError
            If asking failed.
        Cancelled
            Within a fraction of a second after ``cancel`` is set.
        """
        if (user, password, credentials_file) != (None, None, None):
            raise self._host.no_login(f"the archive {self.name} knows no users and passwords; log in with a token")
        return self._user.login(token, store=store, cancel=cancel)

    def logout(self) -> None:
        """Forget the token: here, in requests still under way, and in the keyring if it was stored by `login`."""
        self._user.logout()

    def count(self, query: Query, *, cancel: threading.Event | None = None) -> int:
        """Ask how many observations answer a question, without loading them.

        Parameters
        ----------
        query
            The question.
        cancel
            Set to stop.

        Returns
        -------
        int

        Raises
        ------
        QueryError
            If the target is unknown.
        ArchiveError
            If asking failed.
        """
        criteria = criteria_for(query)
        if query.exposure_limits or not criteria.exact:
            return len(self.observations(query, cancel=cancel))
        requests = placed(criteria.requests, query, place_of(self, query, cancel=cancel))
        return sum(self._ask_each(lambda client, request, stop: client.count(request, stop), requests, cancel))

    @remembered
    def observations(
        self,
        query: Query,
        *,
        cache: bool | None = None,  # noqa: ARG002  (read by remembered)
        progress: Callable[[int], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Table:
        """Ask for the observations that answer a question.

        Without dates there is no date limit; planned observations (``calib_level`` -1) are among the answers.

        Parameters
        ----------
        query
            The question. What narrows products only (file types, detectors, levels, guide stars) plays no part.
            Where the archive cannot choose as finely as was asked, the rest is chosen here. With keywords or
            exposure types, mission search is asked first, for exposures; which observations belong to them tells
            `jwstmq_widgets.archives.mast.exposures`.
        cache
            Whether an answer of the last 24 hours may be taken from this machine, see `remembered`. False asks anew.
            ``meta["as_of"]`` says when the answer came (UTC).
        progress
            Told how many observations there are so far; runs on this thread.
        cancel
            Set to stop.

        Returns
        -------
        astropy.table.Table
            One row an observation; empty when there are none. ``obsid`` is the archive's number of the observation,
            and asks for its products; ``obs_id`` is its name. With keywords ``meta["datasets"]`` names the exposures
            that were found, and `products` leaves out those of other exposures.

        Raises
        ------
        QueryError
            If the question has no limit at all, or the target or a keyword is unknown.
        ArchiveError
            If asking failed.
        Cancelled
            Within a second after ``cancel`` is set.
        """
        if query.empty:
            raise QueryError("this asks for the whole archive; give a program, such as 2733", field="program")
        found = 0

        def tell(_: int, columns: Columns) -> None:
            nonlocal found
            found += len(columns.get("obsid", ()))
            if progress is not None:
                progress(found)

        def ask(client: Any, request: Mapping[str, Any], stop: Stop) -> Columns:
            return joined(read_page(body, host=self._host).columns for body in client.observations(request, stop))

        place = place_of(self, query, cancel=cancel)
        requests: Sequence[Mapping[str, Any]] = criteria_for(query).requests
        exposures = self._exposures(query, place, cancel) if query.exposure_limits else None
        if exposures is not None:
            requests = exposures.requests(requests)
        columns = joined(self._ask_each(ask, placed(requests, query, place), cancel, tell))
        with self._host.reading():
            table = observations_table(columns, archive=self.url)
        table = narrowed(table, query, place)
        return table if exposures is None else exposures.observations(table)

    @remembered
    def products(
        self,
        observations: Table | Iterable[str],
        *,
        cache: bool | None = None,  # noqa: ARG002  (read by remembered)
        progress: Callable[[ProductsProgress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Table:
        """Ask for the products of observations.

        Parameters
        ----------
        observations
            A table of observations, or their ``obsid`` (not ``obs_id``).
        cache
            Whether an answer of the last 24 hours may be taken from this machine, see `remembered`. False asks anew.
            ``meta["as_of"]`` says when the answer came (UTC).
        progress
            Told after every answer; runs on this thread.
        cancel
            Set to stop.

        Returns
        -------
        astropy.table.Table
            One row a file, in the order of the observations, with all its parents in ``parents``.

        Raises
        ------
        QueryError
            If a value is not an ``obsid``.
        ArchiveError
            If asking failed.
        Cancelled
            Within a second after ``cancel`` is set.
        """
        obsids = obsids_of(observations)
        asked = targets_of(observations)

        def table(listing: Listing) -> Table:
            if isinstance(observations, Table) and DATASETS in observations.meta:
                listing = files_of(listing, observations.meta[DATASETS])
            with self._host.reading():
                return products_table(listing, archive=self.url, observations=asked)

        listing = list_products(
            self._host,
            self._user.credential,
            obsids,
            manners=self._manners,
            table=table,
            progress=progress,
            cancel=cancel,
        )
        return table(listing)

    def artifacts(
        self, files: str | Iterable[str], *, strict: bool = True, cancel: threading.Event | None = None
    ) -> Table:
        """Ask for files by their names.

        MAST has no search for them: the products of the observation that a name tells are listed.

        Parameters
        ----------
        files
            Names, or ``dataURI``; one, or several.
        strict
            Whether a file that the archive does not have is an error; it is left out otherwise.
        cancel
            Set to stop.

        Returns
        -------
        astropy.table.Table
            One row a file, as `products` gives them, in the order of the names.

        Raises
        ------
        QueryError
            If the archive does not have one of them.
        ArchiveError
            If asking failed.
        """
        wanted = files_wanted(files)
        return rows_of(listed_files(self, wanted, cancel=cancel), wanted, archive=self.name, strict=strict)

    def keyword_columns(self, *, cancel: threading.Event | None = None) -> Table:
        """Give the keywords that a question may have: name, type (text, integer, real), description.

        The archive is asked once.
        """
        return columns_table(self._missions.columns(cancel=cancel), archive=self.url)

    def keyword_rows(self, query: Query, *, cancel: threading.Event | None = None) -> Table:
        """Ask mission search for the executed exposures that answer a question.

        Of the question keywords, program, observations, instruments, place and earliest date play a part.

        Parameters
        ----------
        query
            The question.
        cancel
            Set to stop.

        Returns
        -------
        astropy.table.Table
            One row an exposure (``fileSetName``), with the archive's usual columns and the keywords asked about.

        Raises
        ------
        QueryError
            If the question has no limit at all, or the target or a keyword is unknown.
        ArchiveError
            If asking failed.
        Cancelled
            Within a second after ``cancel`` is set.
        """
        if query.empty:
            raise QueryError("this asks for the whole archive; give a program, such as 2733", field="program")
        known = self._missions.columns(cancel=cancel)
        shown = [name for name, column in known.items() if column.shown]
        rows = self._mission_rows(query, place_of(self, query, cancel=cancel), shown, cancel)
        with self._host.reading():
            return missions_table(rows, known, archive=self.url)

    def resolve(self, target: str, *, resolver: str = "", cancel: threading.Event | None = None) -> tuple[float, float]:
        """Ask where a target is.

        Parameters
        ----------
        target
            Its name.
        resolver
            ``"NED"`` or ``"SIMBAD"``; "" for the archive's choice.
        cancel
            Set to stop.

        Returns
        -------
        tuple
            Right ascension and declination (deg, ICRS).

        Raises
        ------
        QueryError
            If the name is unknown.
        ArchiveError
            If asking failed.
        """
        return resolve_target(self._host, target, resolver=resolver, manners=self._manners, cancel=cancel)

    def download_url(self, uri: str) -> str:
        """Give the address of a product's bytes.

        Parameters
        ----------
        uri
            The product's ``dataURI``.

        Returns
        -------
        str
        """
        return f"{self.url}/api/v0.1/Download/file?uri={quote(uri, safe=':/')}"

    def authorization(self, url: str) -> dict[str, str]:
        """Give the header fields that authorise a request; empty for other hosts, and when nobody is logged in."""
        return self._user.authorization(url)

    def _ask_each(
        self,
        ask: Callable[[Any, Mapping[str, Any], Stop], Any],
        requests: Sequence[Mapping[str, Any]],
        cancel: threading.Event | None,
        done: Callable[[int, Any], None] | None = None,
    ) -> list[Any]:
        manners = replace(self._manners, first=1, largest=1)
        return gather(
            lambda batch, stop: ask(self._user.client(), batch[0], stop),
            requests,
            manners=manners,
            cancel=cancel,
            done=done,
        )

    def _mission_rows(
        self, query: Query, place: tuple[float, float] | None, select: Sequence[str], cancel: threading.Event | None
    ) -> Columns:
        return self._missions.rows(query, place, select=select, credential=self._user.credential, cancel=cancel)

    def _exposures(self, query: Query, place: tuple[float, float] | None, cancel: threading.Event | None) -> Exposures:
        rows = self._mission_rows(query, place, Exposures.COLUMNS, cancel)
        with self._host.reading():
            return Exposures.of(rows)
