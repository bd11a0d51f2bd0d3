"""The user of an archive that speaks MAST's protocols: whoever a token stands for."""

import logging
import threading
from dataclasses import replace
from typing import Any

from jwstmq_widgets.archives.account import ANONYMOUS, Account, read_account
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.keyrings import drop, keep
from jwstmq_widgets.archives.logins import Logins, Use
from jwstmq_widgets.archives.parallel import Manners, ask_one
from jwstmq_widgets.archives.tokens import Credential, find_token

__all__ = ["MastUser"]

_log = logging.getLogger(__name__)


class MastUser:
    """The user of one archive, anonymous until a login. Making one contacts nobody.

    Parameters
    ----------
    host
        The archive.
    manners
        How hard it is asked.
    logins
        Where the dates of logins are noted.
    """

    def __init__(self, host: Host, *, manners: Manners, logins: Logins) -> None:
        self._host = host
        self._manners = manners
        self._logins = logins
        self._use: Use | None = None
        self._lock = threading.Lock()
        self._account = ANONYMOUS
        self._credential = Credential("", host)
        self._client: Any = None

    @property
    def account(self) -> Account:
        """Who is logged in, and whether the token's end is near."""
        account, use = self._account, self._use
        if account.anonymous or use is None:
            return account
        return replace(account, expires=use.expires, warning=use.warning(self._logins.clock()) or account.warning)

    @property
    def credential(self) -> Credential:
        """The token of requests."""
        return self._credential

    def login(self, token: str | None, *, store: bool, cancel: threading.Event | None) -> Account:
        """Log in, see `MastArchive.login`."""
        secret = find_token(token, host=self._host)
        credential = Credential(secret, self._host)
        client = self._new_client(credential)
        account = ask_one(
            lambda stop: read_account(client.session_info(stop), host=self._host), manners=self._manners, cancel=cancel
        )
        if account.anonymous:
            self._logins.refused(self._host)
            raise self._host.no_login(
                f"the archive {self._host.name} does not accept this token; it may have expired (10 days without use, "
                "60 at the most); make a new one and log in again"
            )
        if store:
            account = replace(account, warning=keep(secret, self._host))
            if not account.warning:
                self._logins.put_away(self._host)
        use = self._logins.used(self._host, account.identity)
        with self._lock:
            former, self._credential = self._credential, credential
            self._client, self._account, self._use = client, account, use
        former.forget()
        _log.info("logged in to %s", self._host.name)
        return self.account

    def logout(self) -> None:
        """Forget the token: here, in requests still under way, and in the keyring if it was stored by `login`."""
        with self._lock:
            self._credential.forget()
            self._credential, self._client = Credential("", self._host), None
            self._account, self._use = ANONYMOUS, None
        if self._logins.forget(self._host):
            drop(self._host)

    def authorization(self, url: str) -> dict[str, str]:
        """Give the header fields that authorise a request.

        Parameters
        ----------
        url
            The address that will be asked.

        Returns
        -------
        dict
            With the token for this archive's own scheme, host and port; empty for any other, and when nobody is
            logged in.
        """
        headers, use = self._credential.headers(url), self._use
        if headers and use is not None:
            self._use = replace(use, last=self._logins.clock())
        return headers

    def client(self) -> Any:
        """Give the client that asks with the present token."""
        with self._lock:
            if self._client is None:
                self._client = self._new_client(self._credential)
            return self._client

    def _new_client(self, credential: Credential) -> Any:
        from jwstmq_widgets.archives.mast.client import Client  # imports requests, and astroquery when made

        return Client(self._host, credential, self._manners)
