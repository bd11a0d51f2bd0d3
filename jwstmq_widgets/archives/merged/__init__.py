"""Several archives asked as one: one list, and each file from whichever archive gives it."""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives.account import Account
from jwstmq_widgets.archives.archive import Archive
from jwstmq_widgets.archives.listing import ProductsProgress
from jwstmq_widgets.archives.merged.tables import Ids, merged_observations, merged_products, own_ids
from jwstmq_widgets.archives.merged.whereabouts import Whereabouts
from jwstmq_widgets.archives.namedfiles import files_wanted, rows_of
from jwstmq_widgets.archives.tap.archive import TapArchive
from jwstmq_widgets.errors import ArchiveError, Cancelled, JwstmqError, LoginError, QueryError
from jwstmq_widgets.query import Query

__all__ = [
    "WARNINGS",
    "AtLeast",
    "MergedArchive",
    "archives_in",
    "holders_of",
    "knows_users",
    "sources_of",
    "tells_messages",
]

WARNINGS = "warnings"
"""Key in a table's ``meta``: a list of sentences, one for each archive that did not answer."""

_T = TypeVar("_T")
_FEW = 2000  # observations whose lists are loaded to be counted together: what ESA gives at once


class AtLeast(int):
    """A number of which there are so many at the least."""


class MergedArchive:
    """Archives that hold the same files, asked together.

    An archive that does not answer is no failure as long as another one does: the table's ``meta["warnings"]`` says
    so. Errors are raised when none answers, and then it is the first archive's.

    Parameters
    ----------
    archives
        Two or more; the first is asked first for a file's bytes, and wins where the archives disagree.
    """

    def __init__(self, archives: Sequence[Archive]) -> None:
        if len(archives) < 2 or len({archive.url for archive in archives}) < len(archives):
            names = ", ".join(archive.name for archive in archives)
            raise QueryError(
                f"a merged archive needs two or more different archives, not '{names}'; give such as ['mast', 'esa']",
                field="archive",
            )
        self._archives = tuple(archives)
        self._files = Whereabouts(self._archives)
        self._lock = threading.Lock()

    @property
    def archives(self) -> tuple[Archive, ...]:
        """The archives, the first one first."""
        return self._archives

    @property
    def name(self) -> str:
        """What people call it, such as ``mast + esa``."""
        return " + ".join(archive.name for archive in self._archives)

    @property
    def url(self) -> str:
        """The addresses, with commas between; `open_archive` takes it."""
        return ",".join(archive.url for archive in self._archives)

    @property
    def account(self) -> Account:
        """Who is logged in where."""
        accounts = [(archive.name, archive.account) for archive in self._archives]
        known = [(name, account) for name, account in accounts if not account.anonymous]
        if not known:
            return Account()
        return Account(
            name=", ".join(f"{account.name} ({name})" for name, account in known),
            anonymous=False,
            scopes=tuple(dict.fromkeys(scope for _, account in known for scope in account.scopes)),
            identity=" ".join(account.identity for _, account in known),
            warning=" ".join(account.warning for _, account in known if account.warning),
        )

    def __repr__(self) -> str:
        return f"<MergedArchive of {', '.join(map(repr, self._archives))}>"

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
        """Log in: with a user name or credentials file to the archives that know users, else with a token to all.

        Parameters
        ----------
        token
            The MAST token.
        user, password, credentials_file
            For the archives that know users.
        store
            Put them into the keyring.
        cancel
            Set to stop; who let us in before is logged out of again.

        Returns
        -------
        Account
            Its ``warning`` says which archives did not let us in.

        Raises
        ------
        LoginError, ArchiveError
            If no archive lets us in; the first one's.
        Cancelled
            Within a fraction of a second after ``cancel`` is set.
        """
        who: dict[str, Any] = {"user": user, "password": password, "credentials_file": credentials_file}
        by_user = any(given is not None for given in who.values())
        errors: dict[str, ArchiveError] = {}
        done: list[Archive] = []
        for archive in self._archives:
            knows = knows_users(archive)
            if knows is not by_user and (knows or token is None):
                continue
            try:
                archive.login(token, **(who if knows else {}), store=store, cancel=cancel)
                done.append(archive)
            except ArchiveError as error:
                errors[archive.name] = error
            except Cancelled:
                for entered in done:
                    entered.logout()
                raise
        if not done:
            none = LoginError("these archives know no users and passwords; log in with a token", archive=self.name)
            raise next(iter(errors.values()), none)
        account = self.account
        warnings = [account.warning] * bool(account.warning)
        warnings += [f"not logged in to {name}: {error}" for name, error in errors.items()]
        return replace(account, warning="; ".join(warnings))

    def logout(self) -> None:
        """Log out everywhere."""
        for archive in self._archives:
            archive.logout()

    def count(self, query: Query, *, cancel: threading.Event | None = None) -> int:
        """Ask how many observations answer a question.

        Returns
        -------
        int
            Exact where the archives have few, whose lists are loaded; otherwise, and where one does not answer,
            `AtLeast` what the archive with the most has.
        """
        answers, warnings = self._each(
            self._asked(query, lambda archive, own: archive.count(own, cancel=cancel)), cancel
        )
        if warnings:
            return AtLeast(max(answers.values()))
        if min(answers.values()) == 0:  # nothing can be in both
            return sum(answers.values())
        if sum(answers.values()) > _FEW or query.empty:
            return AtLeast(max(answers.values()))
        table = self.observations(query, cancel=cancel)
        return AtLeast(len(table)) if table.meta[WARNINGS] else len(table)

    def observations(
        self,
        query: Query,
        *,
        cache: bool | None = None,
        progress: Callable[[int], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Table:
        """Ask for the observations that answer a question; see `merged_observations` for the table."""
        ask = self._asked(query, lambda archive, own: archive.observations(own, cache=cache, cancel=cancel))
        answers, warnings = self._each(ask, cancel)
        table = merged_observations(answers, self._names, archive=self.url)
        table.meta[WARNINGS] = warnings
        if progress is not None:
            progress(len(table))
        return table

    def products(
        self,
        observations: Table | Iterable[str],
        *,
        cache: bool | None = None,
        progress: Callable[[ProductsProgress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Table:
        """Ask for the products of observations; see `merged_products` for the table.

        Parameters
        ----------
        observations
            A table of `observations`, or values of its ``obsid``.
        cache, cancel
            See `Archive.products`.
        progress
            Told after every answer of either archive, on a thread of that archive's.
        """
        asked = observations if isinstance(observations, Table) else None
        ids = [str(text) for text in (observations if asked is None else np.asarray(asked["obsid"]).tolist())]
        progresses: dict[str, ProductsProgress] = {}
        names, back = self._names, Ids(ids, len(self._archives))

        def ask(archive: Archive) -> Table | None:
            number = self._archives.index(archive)
            own = np.array(own_ids(ids, number), dtype=str)
            there = np.flatnonzero(own != "") if len(own) else np.zeros(0, dtype=int)
            if len(ids) and not len(there):
                return None

            def tell(at: ProductsProgress) -> None:
                with self._lock:
                    progresses[archive.name] = at
                    now = dict(progresses)
                if progress is not None:
                    progress(_together(now, partial))

            part: Table | list[str] = own[there].tolist()
            if asked is not None:
                part = asked[there]
                part["obsid"] = own[there]
                part.meta = {**asked.meta, "archive": archive.url}
            return archive.products(part, cache=cache, progress=tell, cancel=cancel)

        def partial() -> Table:
            with self._lock:
                tables = {
                    number: at.partial()
                    for number, archive in enumerate(self._archives)
                    if (at := progresses.get(archive.name)) is not None and at.partial is not None
                }
            return merged_products(tables, names, back, archive=self.url)

        answers, warnings = self._each(ask, cancel)
        found = {number: table for number, table in answers.items() if table is not None}
        table = merged_products(found, names, back, archive=self.url)
        before = [] if asked is None else list(asked.meta.get(WARNINGS, ()))
        table.meta[WARNINGS] = list(dict.fromkeys((*before, *warnings)))
        self._files.learn_from(table)
        return table

    def artifacts(
        self, files: str | Iterable[str], *, strict: bool = True, cancel: threading.Event | None = None
    ) -> Table:
        """Ask for files by name, or by ESA's ``artifact_id``; see `merged_products` for the table.

        Raises
        ------
        QueryError
            If no archive has one of them, and ``strict``.
        ArchiveError
            If asking failed.
        """
        wanted = files_wanted(files)
        answers, warnings = self._each(lambda archive: archive.artifacts(wanted, strict=False, cancel=cancel), cancel)
        table = merged_products(answers, self._names, Ids([], len(self._archives)), archive=self.url)
        table.meta[WARNINGS] = warnings
        self._files.learn_from(table)
        return rows_of(table, wanted, archive=self.name, strict=strict)

    def keyword_columns(self, *, cancel: threading.Event | None = None) -> Table:
        """Give the keywords that a question may have: those of the first archive that has some."""
        return self._first(lambda archive: archive.keyword_columns(cancel=cancel))

    def keyword_rows(self, query: Query, *, cancel: threading.Event | None = None) -> Table:
        """Ask for exposures with their keywords, of the first archive that has them."""
        return self._first(lambda archive: archive.keyword_rows(query, cancel=cancel))

    def resolve(self, target: str, *, resolver: str = "", cancel: threading.Event | None = None) -> tuple[float, float]:
        """Ask where a target is: the first archive that knows."""
        return self._first(lambda archive: archive.resolve(target, resolver=resolver, cancel=cancel))

    def download_url(self, uri: str) -> str:
        """Give the address of a product's bytes at the archive that is asked for it first."""
        return self.sources(uri)[0].download_url(uri)

    def locate(self, uris: Iterable[str], *, cancel: threading.Event | None = None) -> Mapping[str, str]:
        """Tell which products have an address at the archive that is asked for them first; asks for many at once.

        Parameters
        ----------
        uris
            ``dataURI`` of products.
        cancel
            Set to stop.

        Returns
        -------
        dict
            By ``dataURI`` what that archive calls the file, where it has names of its own.
        """
        found: dict[str, str] = {}
        wanted: dict[str, list[str]] = {archive.url: [] for archive in self._archives}
        for uri in uris:
            wanted[self.sources(uri)[0].url].append(uri)
        for archive in self._archives:
            locate: Any = getattr(archive, "locate", None)
            if locate is None:
                found |= dict.fromkeys(wanted[archive.url], "")
            elif wanted[archive.url]:
                found |= locate(wanted[archive.url], cancel=cancel)
        return found

    def authorization(self, url: str) -> dict[str, str]:
        """Give the header fields that authorise a request: those of the archive whose address it is."""
        # Two faces of one host, as the local archive has, differ in their paths.
        nearest = sorted(self._archives, key=lambda one: -len(one.url) * url.startswith(f"{one.url}/"))
        return next((fields for archive in nearest if (fields := archive.authorization(url))), {})

    def sources(self, uri: str) -> tuple[Archive, ...]:
        """Give the archives to ask for a product's bytes, one after the other.

        Those that are known to have it come first; those that could not be reached a moment ago come last.

        Parameters
        ----------
        uri
            The product's ``dataURI``.

        Returns
        -------
        tuple of Archive
        """
        return self._files.sources(uri)

    def holders(self, uri: str) -> tuple[Archive, ...]:
        """Give the archives that are known to have a product, in their own order; all, where nothing is known."""
        return self._files.holders(uri)

    def note_unreachable(self, archive: Archive) -> None:
        """Ask an archive last for a minute."""
        self._files.note_unreachable(archive)

    def _asked(self, query: Query, ask: Callable[[Archive, Query], _T]) -> Callable[[Archive], _T]:
        """Leave MAST's numbers of observations, which only choose among files then, out of the question to others."""
        numbered = bool(query.obsids) or query.obsid_range != (None, None)
        unnumbered = query.replace(obsids=(), obsid_range=(None, None)) if numbered else query
        if unnumbered.empty:
            unnumbered = query  # those archives say that they do not know the numbers
        return lambda archive: ask(archive, unnumbered if knows_users(archive) else query)

    @property
    def _names(self) -> list[str]:
        return [archive.name for archive in self._archives]

    def _each(self, ask: Callable[[Archive], _T], cancel: threading.Event | None) -> tuple[dict[int, _T], list[str]]:
        """Ask all archives at once; give the answers by number, and a sentence for each that failed."""
        with ThreadPoolExecutor(len(self._archives), thread_name_prefix="archives") as pool:
            asked = [pool.submit(ask, archive) for archive in self._archives]
            wait(asked)
        answers: dict[int, _T] = {}
        errors: list[JwstmqError] = []
        warnings: list[str] = []
        for number, future in enumerate(asked):
            error = future.exception()
            if error is None:
                answers[number] = future.result()
            elif isinstance(error, Cancelled) or not isinstance(error, JwstmqError):
                raise error
            else:
                errors.append(error)
                warnings.append(f"without {self._archives[number].name}: {error}")
        if cancel is not None and cancel.is_set():
            raise Cancelled("cancelled")
        if not answers:
            raise errors[0]
        return answers, warnings

    def _first(self, ask: Callable[[Archive], _T]) -> _T:
        errors: list[JwstmqError] = []
        for archive in self._archives:
            try:
                return ask(archive)
            except Cancelled:
                raise
            except JwstmqError as error:
                errors.append(error)
        raise errors[0]


def knows_users(archive: Archive) -> bool:
    """Tell whether an archive, or one of several, logs people in by user name and password.

    Parameters
    ----------
    archive
        Which.

    Returns
    -------
    bool
    """
    return any(isinstance(one, TapArchive) for one in archives_in(archive))


def tells_messages(archive: Archive) -> bool:
    """Tell whether an archive, or one of several, has messages to its users."""
    return any(hasattr(one, "status_messages") for one in archives_in(archive))


def sources_of(archive: Archive, uri: str) -> tuple[Archive, ...]:
    """Give the archives to ask for a product's bytes, one after the other; an archive alone is its own only one.

    Parameters
    ----------
    archive
        An archive, merged or not.
    uri
        The product's ``dataURI``.

    Returns
    -------
    tuple of Archive
    """
    return archive.sources(uri) if isinstance(archive, MergedArchive) else (archive,)


def holders_of(archive: Archive, uri: str) -> tuple[Archive, ...]:
    """Give the archives that are known to have a product, whoever can be reached; see `sources_of`."""
    return archive.holders(uri) if isinstance(archive, MergedArchive) else (archive,)


def archives_in(archive: Archive) -> tuple[Archive, ...]:
    """Give the archives that are asked together; an archive alone is its own only one."""
    return archive.archives if isinstance(archive, MergedArchive) else (archive,)


def _together(progresses: Mapping[str, ProductsProgress], partial: Callable[[], Any]) -> ProductsProgress:
    return ProductsProgress(
        observations_done=sum(at.observations_done for at in progresses.values()),
        observations_total=sum(at.observations_total for at in progresses.values()),
        products=max(at.products for at in progresses.values()),
        partial=partial,
    )
