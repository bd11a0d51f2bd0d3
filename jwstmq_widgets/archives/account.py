"""Who is logged in to an archive, with the places where a token may be found."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from getpass import getpass
from typing import Any

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.tokens import NEW_TOKEN, kept

__all__ = ["ANONYMOUS", "EXCLUSIVE_ACCESS", "Account", "Credential", "find_token", "read_account"]

EXCLUSIVE_ACCESS = "mast:exclusive_access"
"""The scope of a token that may ask for products in their exclusive-access period."""

_VARIABLE = "MAST_API_TOKEN"
_TOKEN = re.compile(r"[!-~]{4,512}")  # printable ASCII without blanks: nothing that could end a header field


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who an archive takes us for. It holds no token."""

    name: str = "anonymous"
    """Name for people."""
    anonymous: bool = True
    """True when nobody is logged in; public products need no login."""
    scopes: tuple[str, ...] = ()
    """What the token may be used for, in MAST's words."""
    identity: str = field(default="", compare=False, repr=False)
    """What the archive calls the account for itself; two people may share a name, never this."""
    expires: datetime | None = field(default=None, compare=False)
    """When its token ends if it is not used again, as far as this machine knows; None for nobody."""
    warning: str = field(default="", compare=False)
    """One sentence for the user when the token's end is near, or when it could not be stored; "" otherwise."""

    @property
    def may_exclusive(self) -> bool:
        """True when the token may ask for products in their exclusive-access period."""
        return EXCLUSIVE_ACCESS in self.scopes

    def __str__(self) -> str:
        return self.name


ANONYMOUS = Account()
"""Nobody."""


class Credential:
    """A token, bound to one host, that never shows itself.

    Parameters
    ----------
    token
        The token; "" for none.
    host
        The only host that it is sent to.
    """

    __slots__ = ("_host", "_token")

    def __init__(self, token: str, host: Host) -> None:
        self._token = token
        self._host = host

    def headers(self, url: str) -> dict[str, str]:
        """Give the header fields for a request: the token for its own host, nothing for any other.

        ``Authorization: token`` is what MAST's own bundle scripts send; unlike the cookie that astroquery sets, it is
        made anew for each address, so it cannot travel along a redirect.
        """
        if self._token and self._host.owns(url):
            return {"Authorization": f"token {self._token}"}
        return {}

    def forget(self) -> None:
        """Drop the token, for everyone who holds this object."""
        self._token = ""

    def __repr__(self) -> str:
        return f"<Credential for {self._host.name}, {'present' if self._token else 'none'}>"

    def __reduce__(self) -> str:
        raise TypeError("a credential is not pickled, so that its token reaches no file")


def find_token(
    given: str | None, *, host: Host, environ: Mapping[str, str] = os.environ, interactive: bool | None = None
) -> str:
    """Find the token to log in with.

    It is looked for in the argument, in ``MAST_API_TOKEN``, in the keyring (where astroquery keeps it), and is asked
    for at a terminal. The environment's token is used for MAST's own domain and for this machine only, and the keyring
    has an entry for each host: neither is handed to any other host that happens to be opened.

    Parameters
    ----------
    given
        The argument of ``login``.
    host
        The archive.
    environ
        The environment.
    interactive
        Whether somebody sits at a terminal; found out by default.

    Returns
    -------
    str

    Raises
    ------
    LoginError
        If there is none, if it cannot be a token, or if it would travel unencrypted.
    """
    if not host.private:
        raise host.no_login(
            f"a token is not sent to {host.url}, because others could read it on the way; use the https address"
        )
    token = (given or "").strip()
    if given is None and (host.of_mast or host.loopback):
        token = environ.get(_VARIABLE, "").strip()
    if given is None and not token:
        token = kept(host)
    if (
        given is None
        and not token
        and (sys.stdin is not None and sys.stdin.isatty() if interactive is None else interactive)
    ):
        token = getpass(f"Token for the archive {host.name}: ").strip()
    if not token:
        raise host.no_login(f"no token was given; use login(token) or set {_VARIABLE} (tokens are made at {NEW_TOKEN})")
    if not _TOKEN.fullmatch(token):
        raise host.no_login("this cannot be a token: it has blanks or unusual characters; copy it again")
    return token


def read_account(info: Any, *, host: Host) -> Account:
    """Read the reply of ``/whoami``.

    Parameters
    ----------
    info
        The reply, as parsed JSON.
    host
        The archive.

    Returns
    -------
    Account

    Raises
    ------
    Unreadable
        If it is not such a reply.
    """
    if not isinstance(info, Mapping) or not isinstance(info.get("anon"), bool):
        raise host.unreadable("it does not say who is logged in")
    if info["anon"]:
        return ANONYMOUS
    attributes = info.get("attrib")
    attributes = attributes if isinstance(attributes, Mapping) else {}
    name = str(attributes.get("display_name") or info.get("ezid") or info.get("eppn") or "logged in")
    scopes = info.get("scopes")
    return Account(
        name=name,
        anonymous=False,
        scopes=tuple(map(str, scopes)) if isinstance(scopes, (list, tuple)) else (),
        identity=str(info.get("eppn") or info.get("ezid") or ""),
    )
