"""HTTP as a download needs it: kept connections, redirects by hand, reading into a given buffer."""

import base64
import http.client
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from jwstmq_widgets import __version__
from jwstmq_widgets.downloads.wire import (
    Fields,
    RawAnswer,
    Reader,
    field_lines,
    host_field,
    media_type,
    request_bytes,
    split_address,
)
from jwstmq_widgets.errors import Cancelled, DownloadError, Unreachable

__all__ = ["Answer", "Lane", "public_address"]

_PORTS = {"http": 80, "https": 443}
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_MOST_KEPT = 3
_MOST_DRAINED = 65536
_INFLATE = 47  # zlib's wbits for "gzip or zlib, as the header says"
_SENT = field_lines({"User-Agent": f"jwstmq_widgets/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"})


def public_address(url: str) -> str:
    """Cut everything from an address that could hold a secret: user, query, fragment."""
    if "@" not in url and "#" not in url:
        return url.partition("?")[0]
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


@dataclass(slots=True, kw_only=True)
class _Open:
    """One open connection."""

    connection: http.client.HTTPConnection
    """Made the connection, with its proxy and TLS."""
    absolute: bool
    """True where a proxy wants the whole address in the request."""
    extra: Mapping[str, str]
    reader: Reader | None = None
    """Reads its answers; None before it is connected."""
    used: bool = False
    asked: str = ""
    """Address whose answer is on its way, because somebody else asked for it here."""

    @property
    def unclear(self) -> bool:
        """Whether it sent, or will send, more than it was asked for: the next answer could be anything."""
        return bool(self.asked) or (self.reader is not None and self.reader.left_over)


class Lane:
    """The connections of one worker: one request at a time, kept alive between requests.

    Another thread may `close` it; whatever waits then fails at once with Cancelled.

    Parameters
    ----------
    authorization
        Gives the headers that tell the archive who asks, for an address; asked anew after each redirect, so that
        a token goes to the archive's own host only.
    connect_timeout
        Seconds for making a connection.
    stall_timeout
        Seconds without a byte after which a transfer has stalled.
    """

    def __init__(
        self, authorization: Callable[[str], Mapping[str, str]], *, connect_timeout: float, stall_timeout: float
    ) -> None:
        self._authorization = authorization
        self._connect_timeout = connect_timeout
        self._stall_timeout = stall_timeout
        self._kept: dict[tuple[str, str], _Open] = {}
        self._sockets: dict[int, socket.socket] = {}
        self._lock = threading.Lock()
        self._closed = False

    def get(self, url: str, headers: Mapping[str, str]) -> "Answer":
        """Ask for an address, following redirects.

        Parameters
        ----------
        url
            The address.
        headers
            Headers to send with it.

        Returns
        -------
        Answer
            The answer, of any status but a redirect; its body is still to be read.

        Raises
        ------
        Unreachable
            If there is no connection, or no answer in time.
        DownloadError
            If the redirects lead nowhere.
        Cancelled
            If the lane was closed.
        """
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._ask(url, headers)
            target = answer.headers.get("Location") if answer.status in _REDIRECTS else ""
            if not target:
                return answer
            answer.drain()
            asked, url = url, urljoin(url, target)
            scheme = urlsplit(url).scheme
            if scheme not in _PORTS or (urlsplit(asked).scheme == "https" and scheme == "http"):
                raise DownloadError(
                    f"{public_address(asked)} leads to {public_address(url)}, which is not safe; tell the archive"
                )
        raise DownloadError(f"{public_address(url)}: more than {_MOST_REDIRECTS} redirects; try later")

    def close(self) -> None:
        """Close every connection; a thread that waits for one fails at once."""
        with self._lock:
            self._closed = True
        self.interrupt()

    def interrupt(self) -> None:
        """Break what is under way, from another thread; the lane itself can be used on."""
        with self._lock:
            sockets = list(self._sockets.values())
        for each in sockets:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def finish(self) -> None:
        """Close the connections, from the worker's own thread."""
        self._closed = True
        for opened in self._kept.values():
            opened.connection.close()
        self._kept.clear()

    def check(self) -> None:
        """Raise Cancelled once the lane was closed."""
        if self._closed:
            raise Cancelled("cancelled")

    def lend(self, url: str) -> socket.socket | None:
        """Give an open connection over which an address can be asked, for somebody else to use for a while.

        Parameters
        ----------
        url
            The address.

        Returns
        -------
        socket.socket or None
            The connection, which waits for nothing; None where there is none.
        """
        opened = self._kept.get(split_address(url)[:2])
        return None if opened is None or opened.reader is None or opened.unclear else opened.connection.sock

    def request(self, url: str) -> bytes | None:
        """Write down the request for an address, as it goes over the connection that is lent; None where none is."""
        parts = split_address(url)
        opened = self._kept.get(parts[:2])
        return None if opened is None else self._request(opened, url, parts, {})

    def take_back(self, url: str, asked: str = "", came: bytes = b"") -> None:
        """Use a lent connection again.

        Parameters
        ----------
        url
            An address that it was lent for.
        asked
            Address that was asked over it, and whose answer is still to be read; "" for none.
        came
            What of that answer was read.
        """
        opened = self._kept.get(split_address(url)[:2])
        if opened is not None and opened.reader is not None:
            opened.connection.sock.settimeout(self._stall_timeout)
            opened.asked = asked
            opened.reader.put_back(came)

    def _request(self, opened: _Open, url: str, parts: tuple[str, str, str], headers: Mapping[str, str]) -> bytes:
        scheme, netloc, target = parts
        own = {**headers, **self._authorization(url), **opened.extra}
        return request_bytes(url if opened.absolute else target, host_field(scheme, netloc), own, _SENT)

    def _ask(self, url: str, headers: Mapping[str, str]) -> "Answer":
        url = url.partition("#")[0]
        parts = split_address(url)
        key = parts[:2]
        while True:
            self.check()
            opened = self._kept.get(key)
            asked_already = opened is not None and opened.asked == url and not headers
            if opened is not None and not asked_already and opened.unclear:
                self._drop(key)
                opened = None
            opened = opened or self._open(urlsplit(url), key)
            reused, opened.used, opened.asked = opened.used, True, ""
            try:
                if not asked_already:
                    opened.connection.sock.sendall(self._request(opened, url, parts, headers))
                assert opened.reader is not None  # noqa: S101  (for type checkers: it is connected)
                raw = RawAnswer(opened.reader)
            except (OSError, ValueError, http.client.HTTPException) as error:
                self._drop(key)
                self.check()
                # A kept connection may be closed by the server while it rests (RFC 9112, section 9.5).
                if reused and isinstance(error, (ConnectionError, http.client.BadStatusLine)):
                    continue
                raise _unreachable(urlsplit(url), error, self._stall_timeout) from error
            return Answer(raw, url, self, lambda: self._drop(key))

    def _open(self, parts: SplitResult, key: tuple[str, str]) -> _Open:
        while len(self._kept) >= _MOST_KEPT:
            self._drop(next(iter(self._kept)))
        if not parts.hostname:
            raise DownloadError(f"{public_address(urlunsplit(parts))} is no address of a file; tell the archive")
        opened = _connection(parts, self._connect_timeout)
        try:
            opened.connection.connect()
            sock = opened.connection.sock
            sock.settimeout(self._stall_timeout)
            opened.reader = Reader(sock)
        except (OSError, http.client.HTTPException) as error:
            opened.connection.close()
            self.check()
            raise _unreachable(parts, error, self._connect_timeout) from error
        with self._lock:
            self._sockets[id(opened)] = sock
        self._kept[key] = opened
        self.check()
        return opened

    def _drop(self, key: tuple[str, str]) -> None:
        opened = self._kept.pop(key, None)
        if opened is not None:
            with self._lock:
                self._sockets.pop(id(opened), None)
            opened.connection.close()


class Answer:
    """An answer whose body is read piece by piece.

    Made by `Lane.get`; has to be read to its end, or dropped, before the lane's next request.
    """

    def __init__(self, raw: RawAnswer, url: str, lane: Lane, drop: Callable[[], None]) -> None:
        self.status: int = raw.status
        """HTTP status."""
        self.headers: Fields = raw.headers
        """Headers."""
        self.url: str = url
        """The address that gave it, after redirects."""
        self.length: int | None = raw.length
        """Bytes of the body as sent; None where the server does not say."""
        self.media_type: str = media_type(raw.headers.get("Content-Type"))
        """Content-Type without its parameters; "" where the server does not say."""
        self.encoding: str = raw.headers.get("Content-Encoding", "identity").strip().lower()
        """Content-Encoding; "identity" for the file's own bytes."""
        self._raw, self._lane, self._drop = raw, lane, drop
        self._left = raw.length
        self._ended = raw.length == 0
        self._closes = raw.will_close
        self._inflater = zlib.decompressobj(_INFLATE) if self.encoding in {"gzip", "x-gzip", "deflate"} else None
        self._packed = b""

    @property
    def readable(self) -> bool:
        """Whether the body's encoding is one that we know."""
        return self.encoding == "identity" or self._inflater is not None

    def readinto(self, buffer: memoryview) -> int:
        """Read what has come, at most a buffer full.

        Parameters
        ----------
        buffer
            Where the bytes go.

        Returns
        -------
        int
            How many came; 0 at the end of the body.

        Raises
        ------
        Unreachable
            If the connection breaks, or no byte comes in time.
        Cancelled
            If the lane was closed.
        """
        if self._inflater is None:
            return self._read(buffer)
        while True:
            data = self._inflater.decompress(self._packed, len(buffer))
            self._packed = self._inflater.unconsumed_tail
            if data:
                buffer[: len(data)] = data
                return len(data)
            if not self._packed:
                packed = bytearray(65536)
                count = self._read(memoryview(packed))
                if not count:
                    return 0
                self._packed = bytes(packed[:count])

    def read(self, size: int) -> bytes:
        """Give at most so many bytes; none at the end. Raises as `readinto` does."""
        buffer = bytearray(size)
        count = self.readinto(memoryview(buffer))
        return bytes(buffer[:count])

    @property
    def complete(self) -> bool:
        """Whether the body came to the end that the server promised."""
        return self._ended and (self._inflater is None or self._inflater.eof)

    def drain(self) -> None:
        """Throw the body away: read it when it is short, so that the connection lives, else close."""
        if self.length is None or self.length > _MOST_DRAINED:
            self._drop()
            return
        scratch = memoryview(bytearray(8192))
        try:
            while self._read(scratch):
                pass
        except Unreachable:
            self._drop()
        else:
            self.release()

    def release(self) -> None:
        """Give the connection back: for the next request when the body was read to its end, else closed."""
        if self._ended and not self._closes:
            self._raw.close()
        else:
            self._drop()
            self._raw.close()

    def _read(self, buffer: memoryview) -> int:
        if self._ended:
            return 0
        try:
            if self._left is None:
                data = self._raw.read1(len(buffer))
                count = len(data)
                buffer[:count] = data
            else:
                # One read from the socket straight into the buffer: HTTPResponse.readinto would wait for a full
                # one, and lose what has come when the connection then breaks.
                count = self._raw.fp.readinto1(buffer[: self._left])
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._drop()  # what is left of this answer must not be taken for the next one
            self._lane.check()
            raise _broken(self.url, error) from error
        if count:
            if self._left is not None:
                self._left -= count
                self._ended = self._left == 0
            return count
        self._lane.check()
        # The end of a chunked body, or of one that lasts until the connection closes; else it was cut.
        self._ended = self._left is None
        return 0


def _connection(parts: SplitResult, timeout: float) -> _Open:
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    proxy = None if proxy_bypass(host) else urlsplit(getproxies().get(parts.scheme, ""))
    if proxy and proxy.hostname:
        extra = {}
        if proxy.username:
            secret = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
            extra = {"Proxy-Authorization": f"Basic {base64.b64encode(secret).decode()}"}
        proxy_port = proxy.port or _PORTS.get(proxy.scheme, 80)
        if parts.scheme == "http":
            plain = http.client.HTTPConnection(proxy.hostname, proxy_port, timeout=timeout)
            return _Open(connection=plain, absolute=True, extra=extra)
        secure = http.client.HTTPSConnection(proxy.hostname, proxy_port, timeout=timeout, context=_tls())
        secure.set_tunnel(host, port, headers=extra)
        return _Open(connection=secure, absolute=False, extra={})
    if parts.scheme == "http":
        return _Open(connection=http.client.HTTPConnection(host, port, timeout=timeout), absolute=False, extra={})
    direct = http.client.HTTPSConnection(host, port, timeout=timeout, context=_tls())
    return _Open(connection=direct, absolute=False, extra={})


@cache
def _tls() -> ssl.SSLContext:
    import certifi

    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())  # Python from python.org on macOS trusts nothing by itself
    return context


def _unreachable(parts: SplitResult, error: Exception, seconds: float) -> Unreachable:
    host = parts.netloc.rpartition("@")[2]
    url = public_address(urlunsplit(parts))
    if isinstance(error, TimeoutError):
        return Unreachable(f"{host} did not answer within {seconds:.0f} s; try later", url=url)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable(f"{host} has no valid certificate ({error.verify_message}); check the network", url=url)
    if isinstance(error, ConnectionRefusedError):
        return Unreachable(f"{host} refuses connections; it may be down, try later", url=url)
    if isinstance(error, socket.gaierror):
        return Unreachable(f"{host} is not known; check the network", url=url)
    return Unreachable(f"{host} broke the connection ({str(error) or type(error).__name__}); try again", url=url)


def _broken(url: str, error: Exception) -> Unreachable:
    host = urlsplit(url).netloc.rpartition("@")[2]
    why = "no byte came for too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
    return Unreachable(f"the connection to {host} broke ({why}); try again, it goes on where it stopped", url=url)
