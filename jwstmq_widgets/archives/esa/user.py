"""The user of an archive that speaks as ESA's does: whoever a session was begun for."""

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from jwstmq_widgets.archives.account import ANONYMOUS, EXCLUSIVE_ACCESS, Account
from jwstmq_widgets.archives.connections import Connections
from jwstmq_widgets.archives.esa.session import Cookie, end_session, find_password, link_token, start_session
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.keyrings import drop, keep
from jwstmq_widgets.archives.logins import Logins
from jwstmq_widgets.archives.parallel import Manners, Stop, ask_one
from jwstmq_widgets.errors import ArchiveError, Cancelled

__all__ = ["EsaUser"]

_log = logging.getLogger(__name__)

_SHORT = 10.0  # seconds for a request that somebody waits for at a button


class EsaUser:
    """The user of one archive, anonymous until a login. Making one contacts nobody.

    Parameters
    ----------
    host
        The archive.
    manners
        How hard it is asked.
    logins
        Where it is noted that a password was put into the keyring.
    """

    def __init__(self, host: Host, *, manners: Manners, logins: Logins) -> None:
        self._host = host
        self._manners = manners
        self._logins = logins
        self._lock = threading.Lock()
        self._account = ANONYMOUS
        self._cookie = Cookie(host)

    @property
    def account(self) -> Account:
        """Who is logged in."""
        return self._account

    @property
    def cookie(self) -> Cookie:
        """The session of requests."""
        return self._cookie

    def login(
        self,
        token: str | None,
        *,
        user: str | None,
        password: str | None,
        credentials_file: str | Path | None,
        store: bool,
        cancel: threading.Event | None,
    ) -> Account:
        """Log in, see `TapArchive.login`.

        A session that begins after ``cancel`` was set is ended at once: nobody else knows of it.
        """
        who = find_password(user, password, credentials_file, host=self._host)
        begun: list[Cookie] = []

        def ask(stop: Stop) -> Cookie:
            # Connections of its own, which nobody breaks off: of a session whose answer is lost nobody has the cookie.
            with Connections(self._host, most=1) as connections:
                cookie = start_session(connections, self._host, *who, timeout=self._manners.timeout)
                begun.append(cookie)
                try:
                    stop.pause(0.0)
                    if token is not None:
                        link_token(connections, self._host, cookie, token, timeout=self._manners.timeout)
                        stop.pause(0.0)
                except (ArchiveError, Cancelled):
                    self._end(cookie)
                    raise
                return cookie

        try:
            cookie = ask_one(ask, manners=self._manners, cancel=cancel)
        except (Cancelled, KeyboardInterrupt):  # between the last look at `stop` and here
            for late in begun:
                threading.Thread(target=self._end, args=(late,), name="logout", daemon=True).start()
            raise
        scopes = () if token is None else (EXCLUSIVE_ACCESS,)
        account = Account(name=who[0], anonymous=False, scopes=scopes, identity=who[0])
        if store:
            account = replace(account, warning=keep("\n".join(who), self._host))
            if not account.warning:
                self._logins.put_away(self._host)
        with self._lock:
            former, self._cookie = self._cookie, cookie
            self._account = account
        self._end(former)
        _log.info("logged in to %s", self._host.name)
        return account

    def set_token(self, token: str, *, cancel: threading.Event | None) -> Account:
        """Link a MAST token to the user, see `TapArchive.set_token`."""
        cookie = self._cookie
        if not cookie:
            raise self._host.no_login(
                "a MAST token is linked to a user of ESA's archive; log in with user name and password first"
            )
        with Connections(self._host, most=1) as connections:
            ask_one(
                lambda _: link_token(connections, self._host, cookie, token, timeout=self._manners.timeout),
                manners=self._manners,
                cancel=cancel,
                abort=connections.abort,
            )
        with self._lock:
            if self._cookie is cookie:  # nobody has logged out, or in as another, meanwhile
                self._account = replace(self._account, scopes=(EXCLUSIVE_ACCESS,))
            return self._account

    def logout(self) -> None:
        """End the session, see `TapArchive.logout`."""
        with self._lock:
            cookie, self._cookie = self._cookie, Cookie(self._host)
            self._account = ANONYMOUS
        if self._logins.forget(self._host):
            drop(self._host)
        if self._end(cookie):
            return
        warning = "logged out; the archive could not be told, so the session there ends by itself"
        with self._lock:
            if not self._cookie:  # nobody has logged in meanwhile
                self._account = replace(ANONYMOUS, warning=warning)

    def session_ended(self, headers: Mapping[str, str]) -> bool:
        """Tell from a refusal whether the session is over, see `TapArchive.session_ended`."""
        with self._lock:
            over = self._cookie.replaced_by(headers)
            if over:
                self._cookie.forget()
                warning = f"the session of {self._account.name} has ended; log in again"
                self._account = replace(ANONYMOUS, warning=warning)
        return over

    def _end(self, cookie: Cookie) -> bool:
        """End a session; False where the archive could not be told."""
        if not cookie:
            return True
        headers = cookie.headers(self._host.url)
        cookie.forget()
        try:
            with Connections(self._host, most=1) as connections:
                end_session(connections, self._host, headers, timeout=_SHORT)
        except ArchiveError as error:
            _log.info("the session was not ended: %s", type(error).__name__)
            return False
        return True
