"""An archive with a TAP+ service, as ESA's archives have."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives.account import Account
from jwstmq_widgets.archives.answers import Answers
from jwstmq_widgets.archives.connections import Connections
from jwstmq_widgets.archives.esa.lists import ask_rows
from jwstmq_widgets.archives.esa.tables import Rows
from jwstmq_widgets.archives.esa.user import EsaUser
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.logins import Logins
from jwstmq_widgets.archives.parallel import Manners, Stop, ask_one
from jwstmq_widgets.archives.tap.answers import Column, read_messages, read_tables
from jwstmq_widgets.archives.tap.service import SYNC_ROWS, TapService, Uploads
from jwstmq_widgets.archives.tap.votables import read_votable
from jwstmq_widgets.errors import QueryError, Refused

__all__ = ["TapArchive"]

_T = TypeVar("_T")


class TapArchive:
    """An archive with a TAP+ service and ESA's login. Making one contacts nobody.

    Parameters
    ----------
    host
        Where it is; its address ends in ``/server``.
    manners
        How hard it is asked.
    answers
        Where its answers are kept; the user's cache folder by default.
    logins
        Where it is noted that a password was put into the keyring; the user's state folder by default.
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
        self._manners = manners or Manners()
        self._answers = answers or Answers()
        self._user = EsaUser(host, manners=self._manners, logins=logins or Logins.of(host))
        self._lock = threading.Lock()
        self._columns: tuple[Column, ...] = ()

    @property
    def name(self) -> str:
        """What people call it: ``esa``, ``local-esa``, or host and port."""
        return self._host.name

    @property
    def url(self) -> str:
        """Its address."""
        return self._host.url

    @property
    def account(self) -> Account:
        """Who is logged in."""
        return self._user.account

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.url}, {self._user.account}>"

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
        """Log in with user name and password, and link a MAST token to the user if one is given.

        Parameters
        ----------
        token
            A MAST token, for files in their exclusive-access period. None leaves the one that was linked before.
        user, password
            Who. Without them they are looked for in ``credentials_file`` or the keyring, or asked for at a terminal.
        credentials_file
            A file of two lines: user name, password.
        store
            Put user name and password into the keyring, where the next login finds them.
        cancel
            Set to stop: nobody is logged in then, and a session that begins all the same is ended.

        Returns
        -------
        Account

        Raises
        ------
        LoginError
            If something is missing or not accepted. Who was logged in before stays so.
        ArchiveError
            If asking failed.
        """
        return self._user.login(
            token, user=user, password=password, credentials_file=credentials_file, store=store, cancel=cancel
        )

    def set_token(self, token: str, *, cancel: threading.Event | None = None) -> Account:
        """Link a MAST token to the user who is logged in.

        Parameters
        ----------
        token
            The token.
        cancel
            Set to stop.

        Returns
        -------
        Account

        Raises
        ------
        LoginError
            If nobody is logged in, or the token is not accepted.
        ArchiveError
            If asking failed.
        """
        return self._user.set_token(token, cancel=cancel)

    def logout(self) -> None:
        """End the session: the archive is told, the cookie dropped, and the password too if `login` stored it.

        Where the archive cannot be told, we are logged out all the same, and ``account.warning`` says so.
        """
        self._user.logout()

    def session_ended(self, headers: Mapping[str, str]) -> bool:
        """Tell from the header fields of a refusal whether our session is over; nobody is logged in any more then.

        A server that does not know the session of a request begins another one. That alone would prove little, and so
        it is only asked where something was refused.
        """
        return self._user.session_ended(headers)

    def authorization(self, url: str) -> dict[str, str]:
        """Give the header fields that authorise a request; empty for other hosts, and when nobody is logged in."""
        return self._user.cookie.headers(url)

    def adql(
        self,
        text: str,
        *,
        uploads: Uploads | None = None,
        run_async: bool | None = None,
        name: str = "",
        progress: Callable[[str], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Table:
        """Ask in ADQL.

        Parameters
        ----------
        text
            The query, sent as it is; `tables` lists what it may name.
        uploads
            Tables by name; the query calls them ``tap_upload.<name>``.
        run_async
            True: as a job, which stays in the list of `jobs` when it is done. False: at once, and then there are at
            most 2,000 rows. None: at once, and by a job, removed afterwards, if there are more.
        name
            What the job is called.
        progress
            Told the phase of the job (QUEUED, EXECUTING, COMPLETED, ...); runs on a thread of its own.
        cancel
            Set to stop; a job that runs is removed.

        Returns
        -------
        astropy.table.Table
            With the archive's names, units and descriptions. ``meta["overflow"]`` is True where rows are missing,
            ``meta["job"]`` is the job's key if it stays.

        Raises
        ------
        QueryError
            If the archive does not take the query, in its words.
        ArchiveError
            If asking failed.
        Cancelled
            Within a second after ``cancel`` is set.
        """
        query = _checked(text)
        service = self._service()

        def ask(connections: Connections, stop: Stop) -> Table:
            if not run_async:
                table = read_votable(
                    service.at_once(query, connections, form="votable", uploads=uploads), host=self._host
                )
                more = table.meta["overflow"] or len(table) >= SYNC_ROWS
                if run_async is False or not more:
                    table.meta["overflow"] = more
                    return table
            body, job = service.as_job(
                query,
                connections,
                stop,
                form="votable",
                uploads=uploads,
                name=name,
                keep=bool(run_async),
                phase=progress,
            )
            table = read_votable(body, host=self._host)
            if run_async:
                table.meta["job"] = job
            return table

        return self._stamped(self._adql(ask, cancel))

    def submit(
        self, text: str, *, uploads: Uploads | None = None, name: str = "", cancel: threading.Event | None = None
    ) -> str:
        """Start a job and do not wait for it.

        Parameters
        ----------
        text, uploads, name
            See `adql`.
        cancel
            Set to stop waiting for the archive; a job that it made then stays.

        Returns
        -------
        str
            The job's key, for `open_job`.

        Raises
        ------
        QueryError
            If the archive does not take the query.
        ArchiveError
            If asking failed.
        """
        query, service = _checked(text), self._service()
        return self._adql(lambda _, __: service.submit(query, uploads=uploads, name=name), cancel)

    def jobs(self, *, cancel: threading.Event | None = None) -> Table:
        """List the jobs that the archive keeps for us.

        Returns
        -------
        astropy.table.Table
            job (its key), name, phase, created (ISO, UTC), query; "" where the archive does not tell.

        Raises
        ------
        ArchiveError
            If asking failed.
        """
        service = self._service()
        told = service.described(self._ask(lambda connections, _: service.jobs(connections), cancel), cancel=cancel)
        names = {"job": "id", "name": "name", "phase": "phase", "created": "created", "query": "query"}
        return self._stamped(
            Table({name: _texts(getattr(job, field) for job in told) for name, field in names.items()})
        )

    def open_job(
        self,
        job: str,
        *,
        progress: Callable[[str], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Table:
        """Give the answer of a job, and wait for it where it still works.

        Parameters
        ----------
        job
            Its key.
        progress, cancel
            See `adql`; the job stays.

        Returns
        -------
        astropy.table.Table

        Raises
        ------
        QueryError
            If the job ended in an error, in the archive's words.
        ArchiveError
            If asking failed.
        """
        service = self._service()

        def ask(connections: Connections, stop: Stop) -> Table:
            return read_votable(service.result(job, connections, stop, phase=progress), host=self._host)

        table = self._stamped(self._adql(ask, cancel))
        table.meta["job"] = job
        return table

    def save_job(self, job: str, path: str | Path, *, cancel: threading.Event | None = None) -> Path:
        """Write the answer of a job to a file, as the archive made it.

        Parameters
        ----------
        job
            Its key.
        path
            Where; what is there already stays, and is an error.
        cancel
            Set to stop.

        Returns
        -------
        pathlib.Path

        Raises
        ------
        QueryError
            If there is such a file, or the job ended in an error.
        ArchiveError
            If asking failed.
        """
        service, place = self._service(), Path(path).expanduser()
        if place.exists():
            raise QueryError(f"{place} is there already; give another name", field="path")
        body = self._adql(lambda connections, stop: service.result(job, connections, stop), cancel)
        try:
            with place.open("xb") as file:
                try:
                    file.write(body)
                    file.flush()
                except OSError:
                    place.unlink()  # half an answer is none
                    raise
        except OSError as error:
            raise QueryError(
                f"{place} cannot be written ({error.strerror}); choose another place", field="path"
            ) from error
        return place

    def remove_jobs(self, jobs: str | Iterable[str], *, cancel: threading.Event | None = None) -> None:
        """Remove jobs, with their answers, from the archive.

        Parameters
        ----------
        jobs
            Their keys.
        cancel
            Set to stop.

        Raises
        ------
        ArchiveError
            If asking failed.
        """
        several = [jobs] if isinstance(jobs, str) else list(jobs)
        service = self._service()
        if several:
            self._ask(lambda connections, _: service.remove(several, connections), cancel)

    def tables(self, *, cancel: threading.Event | None = None) -> Table:
        """List the tables of the archive with their columns. The archive is asked once.

        Returns
        -------
        astropy.table.Table
            table, name, type, unit, description: one row a column.

        Raises
        ------
        ArchiveError
            If asking failed.
        """
        columns = self._known_columns(cancel)
        names = ("table", "name", "type", "unit", "description")
        return Table(
            {name: _texts(getattr(column, name) for column in columns) for name in names},
            meta={"archive": self.url},
        )

    def status_messages(self, *, cancel: threading.Event | None = None) -> tuple[str, ...]:
        """Ask what the archive has to tell its users, such as that it will be down.

        Returns
        -------
        tuple of str
            One text each; nothing when there is nothing to tell.

        Raises
        ------
        ArchiveError
            If asking failed.
        """
        service = self._service()
        return self._ask(lambda connections, _: read_messages(service.messages(connections)), cancel)

    def _known_columns(self, cancel: threading.Event | None) -> tuple[Column, ...]:
        with self._lock:
            columns = self._columns
        if not columns:
            service = self._service()
            columns = self._ask(
                lambda connections, _: read_tables(service.tables(connections), host=self._host), cancel
            )
            with self._lock:
                self._columns = columns
        return columns

    def _service(self) -> TapService:
        return TapService(host=self._host, headers=self._user.cookie.headers, manners=self._manners)

    def _rows(self, adql: str, columns: Sequence[str], cancel: threading.Event | None) -> Rows:
        service = self._service()
        return self._ask(lambda connections, stop: ask_rows(service, adql, columns, connections, stop), cancel)

    def _ask(self, ask: Callable[[Connections, Stop], _T], cancel: threading.Event | None) -> _T:
        """Ask one thing over a connection of its own."""
        with Connections(self._host, most=1) as connections:
            return ask_one(
                lambda stop: ask(connections, stop), manners=self._manners, cancel=cancel, abort=connections.abort
            )

    def _adql(self, ask: Callable[[Connections, Stop], _T], cancel: threading.Event | None) -> _T:
        try:
            return self._ask(ask, cancel)
        except Refused as error:
            if error.status != 400:
                raise
            raise QueryError(f"{error}; correct the query", field="adql") from error

    def _stamped(self, table: Table) -> Table:
        table.meta["archive"] = self.url
        return table


def _checked(text: str) -> str:
    query = str(text).strip().rstrip(";").rstrip()
    if not query:
        raise QueryError("there is no query; write one such as SELECT TOP 10 * FROM jwst.main", field="adql")
    return query


def _texts(values: Iterable[str]) -> Any:
    several = list(values)
    return np.array(several, dtype=str) if several else np.zeros(0, dtype="U1")
