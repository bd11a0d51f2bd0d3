"""A session at ESA's archive: a cookie, which user name and password begin.

The cookie is bound to its host, as a `Credential` is: no other host is sent it, along no redirect. The password is sent
once and not kept, save in the keyring where that was asked for. The MAST token is kept by ESA's server, for the user.
"""

import re
import sys
from collections.abc import Mapping
from getpass import getpass
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from jwstmq_widgets.archives.connections import Connections, Reply
from jwstmq_widgets.archives.host import Host, retry_after
from jwstmq_widgets.archives.keyrings import kept
from jwstmq_widgets.archives.tokens import find_token

__all__ = ["Cookie", "end_session", "find_password", "link_token", "start_session"]

_COOKIES = ("JSESSIONID", "SESSION")
_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]{1,4096}", re.ASCII)  # RFC 6265, section 4.1.1: cookie-octet
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/plain"}


class Cookie:
    """The cookie of a session, bound to one host, that never shows itself.

    Parameters
    ----------
    host
        The only host that it is sent to.
    name, value
        The cookie; "" for none.
    """

    __slots__ = ("_host", "_pair")

    def __init__(self, host: Host, name: str = "", value: str = "") -> None:
        self._host = host
        self._pair = f"{name}={value}" if value else ""

    def __bool__(self) -> bool:
        return bool(self._pair)

    def headers(self, url: str) -> dict[str, str]:
        """Give the header fields for a request: the cookie for its own host, nothing for any other."""
        return {"Cookie": self._pair} if self._pair and self._host.owns(url) else {}

    def replaced_by(self, headers: Mapping[str, str]) -> bool:
        """Tell whether an answer begins another session, because the server does not know this one any more."""
        name, _, value = self._pair.partition("=")
        another = _cookie_of(headers)
        return bool(value) and another is not None and another[0] == name and another[1] != value

    def forget(self) -> None:
        """Drop the cookie, for everyone who holds this object."""
        self._pair = ""

    def __repr__(self) -> str:
        return f"<Cookie for {self._host.name}, {'present' if self._pair else 'none'}>"

    def __reduce__(self) -> str:
        raise TypeError("a cookie is not pickled, so that it reaches no file")


def find_password(
    user: str | None,
    password: str | None,
    credentials_file: str | Path | None,
    *,
    host: Host,
    interactive: bool | None = None,
) -> tuple[str, str]:
    """Find the user name and the password to log in with.

    They are looked for in the arguments, in the file, in the keyring, and are asked for at a terminal.

    Parameters
    ----------
    user, password
        The arguments of ``login``.
    credentials_file
        A file of two lines: user name, password.
    host
        The archive.
    interactive
        Whether somebody sits at a terminal; found out by default.

    Returns
    -------
    tuple
        User name and password.

    Raises
    ------
    LoginError
        If one is missing, the file cannot be read, or they would travel unencrypted.
    """
    if not host.private:
        raise host.no_login(
            f"a password is not sent to {host.url}, because others could read it on the way; use the https address"
        )
    if credentials_file is not None:
        if user is not None or password is not None:
            raise host.no_login("give user and password, or a credentials file, not both")
        return _from_file(Path(credentials_file).expanduser(), host)
    asked = (sys.stdin is not None and sys.stdin.isatty()) if interactive is None else interactive
    if user is None and password is None:
        stored = kept(host).split("\n")
        if len(stored) == 2:
            return stored[0], stored[1]
    if user is None and asked:
        user = input(f"User name for the archive {host.name}: ")
    if user and password is None and asked:
        password = getpass(f"Password of {user} for the archive {host.name}: ")
    if not (user or "").strip() or not password:
        raise host.no_login(
            "ESA's archive wants a user name and a password; use login(user=..., password=...) or "
            "login(credentials_file=...), a file of two lines (accounts are made at "
            "https://www.cosmos.esa.int/web/jwst)"
        )
    return (user or "").strip(), password


def start_session(connections: Connections, host: Host, user: str, password: str, *, timeout: float) -> Cookie:
    """Log in.

    Parameters
    ----------
    connections
        Connections to the archive.
    host
        The archive.
    user, password
        Who.
    timeout
        Seconds to wait.

    Returns
    -------
    Cookie

    Raises
    ------
    LoginError
        If they are not accepted.
    ArchiveError
        If asking failed.
    """
    reply = _post(connections, f"{host.url}/login", {"username": user, "password": password}, {}, timeout)
    if reply.status in (401, 403) or (reply.status == 500 and not _cookie_of(reply.headers)):
        raise host.no_login(f"the archive {host.name} does not accept this user name and password; check both")
    _expect(reply, host)
    pair = _cookie_of(reply.headers)
    if pair is None:
        raise host.unreadable("it took the password but began no session")
    return Cookie(host, *pair)


def link_token(connections: Connections, host: Host, cookie: Cookie, token: str, *, timeout: float) -> None:
    """Link a MAST token to the user, so that ESA's archive gives what MAST lets this person have.

    Parameters
    ----------
    connections, host, timeout
        See `start_session`.
    cookie
        The user's session.
    token
        The token.

    Raises
    ------
    LoginError
        If it cannot be a token, nobody is logged in, or it is not accepted.
    ArchiveError
        If asking failed.
    """
    secret = find_token(token, host=host, interactive=False)
    url = f"{host.url}/jwstToken"
    reply = _post(connections, url, {"token": secret}, cookie.headers(url), timeout)
    if reply.status in (401, 403):
        raise host.no_login("a MAST token is linked to a user of ESA's archive; log in with user name and password too")
    if reply.status == 500:
        raise host.no_login("the archive did not take the MAST token; check it, make a new one, or try again later")
    _expect(reply, host)


def end_session(connections: Connections, host: Host, headers: Mapping[str, str], *, timeout: float) -> None:
    """Tell the archive that the session is over.

    Parameters
    ----------
    connections, host, timeout
        See `start_session`.
    headers
        Header fields that name the session.

    Raises
    ------
    ArchiveError
        If that failed.
    """
    _expect(_post(connections, f"{host.url}/logout", {}, headers, timeout), host)


def _post(
    connections: Connections, url: str, fields: Mapping[str, str], headers: Mapping[str, str], timeout: float
) -> Reply:
    body = urlencode(fields).encode()
    return connections.exchange("POST", url, body=body, headers={**_FORM, **headers}, timeout=timeout)


def _expect(reply: Reply, host: Host) -> None:
    if 300 <= reply.status < 400:
        raise host.elsewhere(reply.status, reply.headers.get("Location", ""))
    if reply.status != 200:
        raise host.refused(reply.status, wait=retry_after(reply.headers))


def _cookie_of(headers: Mapping[str, str]) -> tuple[str, str] | None:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("Set-Cookie", ""))
    except CookieError:
        return None
    for name in _COOKIES:
        if name in jar and _VALUE.fullmatch(jar[name].value):
            return name, jar[name].value
    return None


def _from_file(path: Path, host: Host) -> tuple[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise host.no_login(
            f"the credentials file {path} cannot be read ({type(error).__name__}); check its name and rights"
        ) from error
    if len(lines) < 2 or not lines[0].strip() or not lines[1].strip():
        raise host.no_login(
            f"the credentials file {path} has not two lines; write user name and password on a line each"
        )
    return lines[0].strip(), lines[1].strip()
