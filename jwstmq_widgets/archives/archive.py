"""What every archive can do, whatever it speaks."""

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, runtime_checkable

from astropy.table import Table

from jwstmq_widgets.archives.account import Account
from jwstmq_widgets.archives.listing import ProductsProgress
from jwstmq_widgets.query import Query

__all__ = ["Archive"]


@runtime_checkable
class Archive(Protocol):
    """What every archive can do. Asking raises `ArchiveError`, or `Cancelled` soon after ``cancel`` is set."""

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def url(self) -> str:
        """Its address."""

    @property
    def account(self) -> Account:
        """Who is logged in."""

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
        """Log in with a token, or, where the archive knows users, with user name and password.

        `LoginError` when they are missing or not accepted; whoever was logged in before stays so then, and when
        ``cancel`` is set. ``store`` puts them into the keyring.
        """

    def logout(self) -> None:
        """Forget who is logged in, in the keyring too if `login` stored it."""

    def count(self, query: Query, *, cancel: threading.Event | None = None) -> int:
        """Ask how many observations answer a question."""

    def observations(
        self,
        query: Query,
        *,
        cache: bool | None = None,
        progress: Callable[[int], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Table:
        """Ask for the observations that answer a question; ``progress`` is told how many there are so far.

        ``cache`` says whether an answer that is kept on this machine will do; ``meta["as_of"]`` says when it came.
        """

    def products(
        self,
        observations: Table | Iterable[str],
        *,
        cache: bool | None = None,
        progress: Callable[[ProductsProgress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Table:
        """Ask for the products of observations, one row a file; ``cache`` as for `observations`."""

    def artifacts(
        self, files: str | Iterable[str], *, strict: bool = True, cancel: threading.Event | None = None
    ) -> Table:
        """Ask for files by name or ESA's ``artifact_id``, one row a file; not ``strict`` leaves unknown ones out."""

    def keyword_columns(self, *, cancel: threading.Event | None = None) -> Table:
        """Give the keywords that ``Query(keywords=...)`` may have here: name, type, description."""

    def keyword_rows(self, query: Query, *, cancel: threading.Event | None = None) -> Table:
        """Ask for the executed exposures that answer a question, with their keywords, one row each."""

    def resolve(self, target: str, *, resolver: str = "", cancel: threading.Event | None = None) -> tuple[float, float]:
        """Ask where a target is: right ascension and declination (deg, ICRS)."""

    def download_url(self, uri: str) -> str:
        """Give the address of a product's bytes."""

    def authorization(self, url: str) -> dict[str, str]:
        """Give the header fields that authorise a request; empty for other hosts."""
