"""The token that lets somebody in to an archive."""

import os
import re
import sys
from collections.abc import Mapping
from getpass import getpass

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.keyrings import kept
from jwstmq_widgets.archives.logins import NEW_TOKEN

__all__ = ["Credential", "find_token"]

_VARIABLE = "MAST_API_TOKEN"
_TOKEN = re.compile(r"[!-~]{4,512}")  # printable ASCII without blanks: nothing that could end a header field


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
