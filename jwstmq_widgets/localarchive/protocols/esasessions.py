"""Who is logged in on ESA's side: sessions by cookie, and the MAST token that a user has linked to one.

As astroquery.esa.jwst asks: ``POST login`` gives the cookie ``JSESSIONID``, ``POST jwstToken`` links a token.
"""

import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hmac import compare_digest
from http.cookies import CookieError, SimpleCookie

from jwstmq_widgets.localarchive.accounts import (
    ANONYMOUS,
    ESA_OTHER_PASSWORD,
    ESA_OTHER_USER,
    ESA_PASSWORD,
    ESA_USER,
    Account,
    account_of,
)
from jwstmq_widgets.localarchive.protocols.esaerrors import HttpProblem
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, text_answer
from jwstmq_widgets.localarchive.protocols.tapparameters import read_parameters

__all__ = ["COOKIE", "Sessions"]

COOKIE = "JSESSIONID"
"""The cookie that holds a session."""
_IDLE = 8 * 3600.0
_MOST = 1000
_NAMES = {ESA_USER: "C. Payne", ESA_OTHER_USER: "J. Oort"}
_PASSWORDS = {ESA_USER: ESA_PASSWORD, ESA_OTHER_USER: ESA_OTHER_PASSWORD}


@dataclass(slots=True)
class _Session:
    account: Account
    used: float


class Sessions:
    """The sessions of all who are logged in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[str, _Session] = {}

    def account(self, headers: Mapping[str, str]) -> Account:
        """Tell who asks; a session that has ended, or never was, is nobody's."""
        key = _cookie(headers)
        if not key:
            return ANONYMOUS
        with self._lock:
            session = self._sessions.get(key)
            if session is None or time.monotonic() - session.used > _IDLE:
                self._sessions.pop(key, None)
                return ANONYMOUS
            session.used = time.monotonic()
            return session.account

    def login(self, asked: Asked) -> Answer:
        """Begin a session: the form's ``username`` and ``password`` against a cookie."""
        parameters = read_parameters(replace(asked, query={}))  # a password in an address would be in every log
        user, password = parameters.first("username"), parameters.first("password")
        if not user or not password:
            raise HttpProblem(400, "username and password are needed, in the body of a POST")
        expected = _PASSWORDS.get(user, "")
        if not compare_digest(password.encode(), expected.encode()) or not expected:
            raise HttpProblem(401, "Wrong user name or password")
        key = secrets.token_hex(16)
        account = Account(ezid=user, display_name=_NAMES[user], scopes=(), token=key)
        with self._lock:
            while len(self._sessions) >= _MOST:
                del self._sessions[min(self._sessions, key=lambda known: self._sessions[known].used)]
            self._sessions[key] = _Session(account, time.monotonic())
        cookie = f"{COOKIE}={key}; Path=/server; HttpOnly{'; Secure' if asked.url.startswith('https:') else ''}"
        return text_answer("", headers={"Set-Cookie": cookie, "Cache-Control": "no-store"})

    def renewed(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Begin another session, of nobody, where a request names one that has ended.

        As the servlet containers do behind which ESA's services stand (Jakarta Servlet 6.0, section 7.1).
        """
        if not _cookie(headers) or not self.account(headers).anonymous:
            return {}
        return {"Set-Cookie": f"{COOKIE}={secrets.token_hex(16)}; Path=/server; HttpOnly"}

    def logout(self, asked: Asked) -> Answer:
        """End the session, with its token."""
        with self._lock:
            self._sessions.pop(_cookie(asked.headers), None)
        return text_answer("", headers={"Set-Cookie": f"{COOKIE}=; Path=/server; Max-Age=0; HttpOnly"})

    def link_token(self, asked: Asked) -> Answer:
        """Link a MAST token to the session: 403 for nobody's, 500 for a token that MAST does not know."""
        if asked.account.anonymous:
            raise HttpProblem(403, "MAST tokens cannot be assigned or requested by anonymous users")
        token = read_parameters(replace(asked, query={})).first("token")
        owner = account_of(token)
        if owner.anonymous:
            raise HttpProblem(500, "The MAST token was not accepted")
        with self._lock:
            session = self._sessions.get(_cookie(asked.headers))
            if session is None:
                raise HttpProblem(403, "the session has ended")
            session.account = replace(session.account, scopes=owner.scopes)
        return text_answer("")


def _cookie(headers: Mapping[str, str]) -> str:
    try:
        morsel = SimpleCookie(headers.get("Cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel else ""
