"""The connections of one worker: kept between requests, with redirects followed by hand."""

import http.client
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from jwstmq_widgets.downloads.http.answer import Answer
from jwstmq_widgets.downloads.http.opened import PORTS, Opened, open_connection, unreachable
from jwstmq_widgets.downloads.http.urls import public_address, split_address
from jwstmq_widgets.downloads.http.wire import RawAnswer
from jwstmq_widgets.errors import Cancelled, DownloadError, Unreachable

__all__ = ["Lane"]

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_MOST_KEPT = 3


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
        self._kept: dict[tuple[str, str], Opened] = {}
        self._sockets: dict[int, socket.socket] = {}
        self._lock = threading.Lock()
        self._closed = False

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
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
            asked, url = url, _joined(url, target)
            scheme = urlsplit(url).scheme
            if scheme not in PORTS or (urlsplit(asked).scheme == "https" and scheme == "http"):
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
        return None if opened is None else opened.request(url, parts, self._authorization(url))

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

    def _ask(self, url: str, headers: Mapping[str, str]) -> Answer:
        url = url.partition("#")[0]
        try:
            parts, split = split_address(url), urlsplit(url)
            int(split.port or 0)  # it is read when it is asked for, and may be no number
        except ValueError as error:
            raise DownloadError(f"{public_address(url)} is no address ({error}); tell the archive") from error
        key = parts[:2]
        while True:
            self.check()
            opened = self._kept.get(key)
            asked_already = opened is not None and opened.asked == url and not headers
            if opened is not None and not asked_already and opened.unclear:
                self._drop(key)
                opened = None
            opened = opened or self._open(split, key)
            reused, opened.used, opened.asked = opened.used, True, ""
            try:
                if not asked_already:
                    opened.connection.sock.sendall(opened.request(url, parts, {**headers, **self._authorization(url)}))
                assert opened.reader is not None  # noqa: S101  (for type checkers: it is connected)
                raw = RawAnswer(opened.reader)
            except (OSError, ValueError, http.client.HTTPException) as error:
                self._drop(key)
                self.check()
                # A kept connection may be closed by the server while it rests (RFC 9112, section 9.5).
                if reused and isinstance(error, (ConnectionError, http.client.BadStatusLine)):
                    continue
                raise unreachable(split, error, self._stall_timeout) from error
            return Answer(raw, url, self, lambda: self._drop(key))

    def _open(self, parts: SplitResult, key: tuple[str, str]) -> Opened:
        while len(self._kept) >= _MOST_KEPT:
            self._drop(next(iter(self._kept)))
        if not parts.hostname:
            raise DownloadError(f"{public_address(urlunsplit(parts))} is no address of a file; tell the archive")
        try:
            opened = open_connection(parts, connect_timeout=self._connect_timeout, stall_timeout=self._stall_timeout)
        except Unreachable:
            self.check()
            raise
        with self._lock:
            self._sockets[id(opened)] = opened.connection.sock
        self._kept[key] = opened
        self.check()
        return opened

    def _drop(self, key: tuple[str, str]) -> None:
        opened = self._kept.pop(key, None)
        if opened is not None:
            with self._lock:
                self._sockets.pop(id(opened), None)
            opened.connection.close()


def _joined(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise DownloadError(f"{public_address(url)} leads to no address ({error}); tell the archive") from error
