"""What the local archive was asked, without secrets."""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs

from jwstmq_widgets.localarchive.protocols.exchange import Asked

__all__ = ["Entry", "Request", "RequestLog", "request_from_json"]

_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
_TOKEN_LIKE = re.compile(r"(?<![0-9A-Za-z-])[0-9a-f]{32}(?![0-9A-Za-z-])")
_BODY_KEPT = 4096
_MOST = 20_000
_SECRET_PARAMETERS = ("password", "token")
_SECRET_VALUE = re.compile(r"(?i)([a-z_]*(?:password|token)[a-z_]*=)[^&\s]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that the local archive has seen."""

    number: int
    """Counts all requests since the archive began, from 1."""
    method: str
    """HTTP method."""
    path: str
    """Path of the target."""
    query: Mapping[str, list[str]]
    """Parameters, without those that are called a token or a password."""
    headers: Mapping[str, str]
    """Header fields, without Authorization, Cookie and Proxy-Authorization."""
    body: str
    """The body's first 4,096 characters, as sent; of a login only the names of its parameters."""
    subject: str
    """What was asked for: the file's name, the portal's service, or else the path."""
    credential: bool
    """True when a token came with it."""
    account: str
    """Who asked: the account's ezid, or "anonymous"."""
    connection: int
    """The client's port: the same for requests over one connection."""
    together: int
    """How many requests were being answered when this one came, itself counted."""
    status: int
    """HTTP status; 0 while there is no answer yet, or when the connection was dropped instead."""
    bytes: int
    """Bytes of the body, as sent, handed over so far."""


@dataclass(slots=True)
class Entry:
    """A request as it goes on; the server writes its status and bytes here."""

    number: int
    asked: Asked
    credential: bool
    connection: int
    together: int
    status: int = 0
    bytes: int = 0
    open: bool = field(default=True)


class RequestLog:
    """The newest 20,000 requests, in the order in which they came."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_MOST)
        self._count = 0
        self._open = 0

    def begin(self, asked: Asked, *, credential: bool, connection: int) -> Entry:
        """Note a request; its status and bytes are set on what this returns."""
        self._count += 1
        self._open += 1
        asked = replace(asked, body=asked.body[:_BODY_KEPT])
        entry = Entry(
            number=self._count, asked=asked, credential=credential, connection=connection, together=self._open
        )
        self._entries.append(entry)
        return entry

    def end(self, entry: Entry) -> None:
        """Note that a request is over."""
        if entry.open:
            entry.open = False
            self._open -= 1

    def clear(self) -> None:
        """Forget all requests; counting goes on."""
        self._entries.clear()

    def to_json(self) -> list[dict[str, Any]]:
        """Write the requests as JSON objects."""
        # a copy, because this may run beside the thread that answers
        return [_to_json(entry) for entry in list(self._entries)]


def request_from_json(value: Mapping[str, Any]) -> Request:
    """Read one of what `RequestLog.to_json` wrote."""
    return Request(**value)


def _to_json(entry: Entry) -> dict[str, Any]:
    asked = entry.asked
    query = {
        name: [_hide(text) for text in texts]
        for name, texts in asked.query.items()
        if not any(secret in name.lower() for secret in _SECRET_PARAMETERS)
    }
    headers = {name: _hide(text) for name, text in asked.headers.items() if name.lower() not in _SECRET_HEADERS}
    return {
        "number": entry.number,
        "method": asked.method,
        "path": _hide(asked.path),
        "query": query,
        "headers": headers,
        "body": _body(asked),
        "subject": _hide(asked.subjects[-1] if asked.subjects else asked.path),
        "credential": entry.credential,
        "account": asked.account.ezid,
        "connection": entry.connection,
        "together": entry.together,
        "status": entry.status,
        "bytes": entry.bytes,
    }


def _body(asked: Asked) -> str:
    text = asked.body.decode("utf-8", "replace")
    if asked.path.rstrip("/").lower().endswith(("/login", "/jwsttoken")):
        # Whatever form it has: no value of it is kept.
        return "&".join(f"{name}=..." for name in parse_qs(text, keep_blank_values=True) if name.isalpha())
    return _hide(_SECRET_VALUE.sub(r"\1...", text))


def _hide(text: str) -> str:
    """Take out whatever looks like a MAST token (32 hexadecimal digits)."""
    return _TOKEN_LIKE.sub("...", text)
