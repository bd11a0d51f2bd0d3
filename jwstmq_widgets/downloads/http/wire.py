"""HTTP/1.1 on the wire: a request as bytes, and the head of an answer (RFC 9112).

`http.client` does both, at a price: its header fields go through the parser of e-mail, and each answer gets a reader
of its own. For files of a few hundred bytes that was a third of all time. Bodies are still read as it reads them.
"""

import http.client
import io
import re
import socket
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

__all__ = [
    "Fields",
    "RawAnswer",
    "Reader",
    "field_lines",
    "media_type",
    "plain_answer",
    "request_bytes",
]

_UNSAFE = re.compile(r"[^!-~]")
_MOST_HEAD = 65536
_MOST_LINES = 256
_OTHER_FORMS = frozenset({"text/html", "application/x-tar", "application/tar"})


class Fields:
    """Header fields; their names are the same in capitals and small letters, and the first of two counts."""

    __slots__ = ("_values",)

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        self._values = {name.lower(): value for name, value in fields.items()} if fields else {}

    @classmethod
    def read(cls, block: str) -> "Fields":
        """Read the lines of an answer's head.

        Parameters
        ----------
        block
            All lines behind the first.

        Returns
        -------
        Fields

        Raises
        ------
        http.client.HTTPException
            If they give two different lengths of the body: one of them would cut it short.
        """
        made = cls()
        values, last = made._values, ""
        for line in block.splitlines():
            if line[:1] in {" ", "\t"}:  # a folded line (RFC 9112, section 5.2)
                if last:
                    values[last] = f"{values[last]} {line.strip()}"
                continue
            name, value = _field(line)
            if not name:
                continue
            last = name
            if values.setdefault(last, value) != value and last == "content-length":
                raise http.client.HTTPException(f"two lengths, {values[last][:40]} and {value[:40]}")
        return made

    @classmethod
    def plain(cls, block: str) -> "Fields | None":
        """Read them where each is on a line of its own, and none comes twice; else None, and `read` is to judge."""
        lines = block.split("\r\n")
        made = cls()
        made._values = values = dict(map(_field, lines))
        return made if len(values) == len(lines) and "" not in values else None

    def get(self, name: str, default: str = "") -> str:
        """Give a field's value; the default where it is missing."""
        return self._values.get(name.lower(), default)


class _Lines(dict[str, tuple[str, str]]):
    """Lines of heads, taken apart: most of them come again with each answer."""

    def __missing__(self, line: str) -> tuple[str, str]:
        name, colon, value = line.partition(":")
        folded = line[:1] in {" ", "\t"} or "\n" in line or "\r" in line
        if len(self) >= _MOST_LINES:
            self.clear()
        self[line] = parts = (name.lower(), value.strip()) if colon and not folded else ("", "")
        return parts


_field = _Lines().__getitem__
"""Splits a line into a field's name, in small letters, and its value."""


class _Incoming(io.RawIOBase):
    """The bytes of a socket."""

    def __init__(self, sock: socket.socket) -> None:
        self._receive = sock.recv_into
        self.resting = False
        self.came = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self.came:
            count = min(len(buffer), len(self.came))
            buffer[:count] = self.came[:count]
            self.came = self.came[count:]
            return count
        return None if self.resting else self._receive(buffer)


class Reader(io.BufferedReader):
    """Reads all answers of one connection, one after the other.

    Parameters
    ----------
    sock
        The connection.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._incoming = _Incoming(sock)
        super().__init__(self._incoming)

    @property
    def left_over(self) -> bool:
        """Whether bytes lie here that no answer promised; what comes next cannot be trusted then."""
        self._incoming.resting = True
        try:
            return bool(self.peek(1))
        finally:
            self._incoming.resting = False

    def put_back(self, data: bytes) -> None:
        """Have bytes that somebody else took from the connection be read next."""
        self._incoming.came = memoryview(data)


class RawAnswer(http.client.HTTPResponse):
    """An answer to a GET, its head read; its body is read as `http.client` reads it.

    Parameters
    ----------
    reader
        What its connection brings; stays open.

    Raises
    ------
    http.client.HTTPException
        If it is no answer.
    OSError
        If the connection breaks.
    """

    headers: Any
    length: int | None

    def __init__(self, reader: Reader) -> None:
        self.fp: Any = reader
        self.debuglevel = 0
        self._method = "GET"
        self.chunk_left = None
        while True:
            version, status, _ = self._read_status()  # type: ignore[attr-defined]
            if not version.startswith("HTTP/1."):
                raise http.client.UnknownProtocol(version)
            self.version = 10 if version == "HTTP/1.0" else 11
            self.headers = fields = Fields.read(_head(reader))
            if not 100 <= status < 200 or status == 101:
                break
        self.code = self.status = status
        self.chunked = fields.get("Transfer-Encoding").lower() == "chunked"
        self.will_close = self._check_close()  # type: ignore[attr-defined]
        length = fields.get("Content-Length")
        self.length = int(length) if length.isascii() and length.isdigit() and not self.chunked else None
        if status in {204, 304}:
            self.length = 0
        if self.length is None and not self.chunked:
            self.will_close = True

    def flush(self) -> None:
        """Do nothing: nobody writes."""

    def _close_conn(self) -> None:
        self.fp = None


def plain_answer(data: bytearray, end: int, size: int) -> Fields | None:
    """Read the head of an answer that could not be plainer: status 200, and a file of so many bytes, as they are.

    Parameters
    ----------
    data
        What has come, from the beginning of the answer.
    end
        Where its head ends, before the empty line.
    size
        Bytes of the body that is expected.

    Returns
    -------
    Fields or None
        The header fields; None where there is anything else to the answer: `RawAnswer` reads it then.
    """
    if not data.startswith(b"HTTP/1.1 200 "):
        return None
    fields = Fields.plain(data[data.find(b"\r\n") + 2 : end].decode("iso-8859-1"))
    if fields is None:
        return None
    value = fields._values.get  # noqa: SLF001  (names are in small letters here)
    plain = (
        value("content-length") == str(size)
        and value("content-encoding", "identity") == "identity"
        and value("connection", "keep-alive").lower() == "keep-alive"
        and not value("transfer-encoding")
        and media_type(value("content-type", "")) not in _OTHER_FORMS
    )
    return fields if plain else None


@lru_cache(maxsize=64)
def media_type(value: str) -> str:
    """Give the media type that a Content-Type tells, in small letters and without its parameters."""
    return value.partition(";")[0].strip().lower()


def _head(reader: Reader) -> str:
    """Read the lines up to the empty one."""
    data = reader.peek(1)
    end = data.find(b"\r\n\r\n")
    whole = data[: end + 4]
    if end > 0 and whole.count(b"\n") == whole.count(b"\r\n") and not whole.startswith(b"\r\n"):
        return reader.read(end + 4).decode("iso-8859-1")
    lines, size = [], 0
    while (line := reader.readline(_MOST_HEAD)) not in {b"\r\n", b"\n", b""}:
        lines.append(line)
        size += len(line)
        if size > _MOST_HEAD:
            raise http.client.LineTooLong("header fields")
    return b"".join(lines).decode("iso-8859-1")


def field_lines(fields: Mapping[str, str]) -> str:
    """Write header fields down, a line each.

    Raises
    ------
    ValueError
        If a field holds a line break.
    """
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields.items()])
    if lines.count("\n") != len(fields) or lines.count("\r") != len(fields) or "\0" in lines:
        raise ValueError("a header field holds a line break")
    return lines


def request_bytes(target: str, host: str, fields: Mapping[str, str], more: str = "") -> bytes:
    """Write a GET request.

    Parameters
    ----------
    target
        What is asked for: path and query, or the whole address for a proxy.
    host
        Value of Host.
    fields
        Other header fields.
    more
        Yet others, as `field_lines` writes them.

    Returns
    -------
    bytes

    Raises
    ------
    http.client.InvalidURL
        If the target holds what is no part of an address: a space, a line break, a letter that is not ASCII.
    ValueError
        If a header field holds a line break.
    """
    if _UNSAFE.search(target):
        raise http.client.InvalidURL(f"{target[:80]!r} is no address")
    lines = field_lines(fields) if fields else ""
    return f"GET {target} HTTP/1.1\r\nHost: {host}\r\n{more}{lines}\r\n".encode("iso-8859-1")
