"""One request and one answer of the local archive, as values."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import orjson

from jwstmq_widgets.localarchive.accounts import ANONYMOUS, Account

__all__ = ["Answer", "Asked", "json_answer", "text_answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request, read but not yet answered."""

    method: str
    """GET, HEAD, POST or DELETE."""
    path: str
    """Path of the target, decoded, without scheme or host."""
    query: Mapping[str, list[str]] = field(default_factory=dict)
    """Parameters of the target's query, decoded."""
    target: str = ""
    """Path with query as sent, for redirects."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header fields; looked up without regard to case by the server's own mapping."""
    body: bytes = b""
    """Body as sent."""
    url: str = ""
    """The archive's own address as the client sees it, without a slash at the end."""
    account: Account = ANONYMOUS
    """Who asks."""
    revision: int = 0
    """Which revision of a file exists: more than 0 after it was reprocessed."""
    subjects: tuple[str, ...] = ()
    """What faults may name: the path, the file, the portal's service."""
    gone: threading.Event | None = None
    """Set when the client has hung up."""
    waited: bool = False
    """Whether what an earlier answer waited for has come, or was waited for in vain."""
    job_seconds: float = 0.0
    """Seconds that a TAP query takes besides."""
    notice: str | None = None
    """What the ESA archive tells its users today; None for what it always says."""

    def first(self, name: str, default: str = "") -> str:
        """Give the first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def form(self) -> dict[str, list[str]]:
        """Read the body as ``application/x-www-form-urlencoded``.

        Raises
        ------
        ValueError
            If it is not UTF-8.
        """
        return parse_qs(self.body.decode("utf-8"), keep_blank_values=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, with the ways in which its delivery may go wrong."""

    status: int = 200
    """HTTP status."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header fields, without Content-Length."""
    body: bytes = b""
    """The body, where it is small enough to hold."""
    stream: Callable[[], Iterator[bytes]] | None = None
    """Makes the body piece by piece; used instead of `body`."""
    length: int | None = None
    """Bytes of the body; None leaves Content-Length out."""
    rows: int = 0
    """Rows of a catalogue that it holds, for faults that make each of them dear."""
    latency: float = 0.0
    """Seconds to wait before the first byte."""
    rate: float = 0.0
    """Bytes per second at most; 0 for as fast as it goes."""
    cut: int | None = None
    """Close the connection after this many bytes of the body."""
    dropped: bool = False
    """Close the connection instead of answering."""
    waiting: Future[None] | None = None
    """Ask again when this is done, or after `patience`; there is no answer before."""
    patience: float = 0.0
    """Seconds to wait at most for `waiting`."""


def json_answer(value: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with a JSON text."""
    body = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)
    return Answer(
        status=status,
        headers={"Content-Type": "application/json", **(headers or {})},
        body=body,
        length=len(body),
    )


def text_answer(
    text: str,
    *,
    status: int = 200,
    media_type: str = "text/plain; charset=utf-8",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Answer with a text."""
    body = text.encode()
    return Answer(status=status, headers={"Content-Type": media_type, **(headers or {})}, body=body, length=len(body))
