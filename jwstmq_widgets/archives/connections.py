"""Connections to one archive that can be broken off at any moment."""

import contextlib
import os
import socket
import threading
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Self
from urllib.parse import urlsplit

import urllib3
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

import jwstmq_widgets
from jwstmq_widgets.archives.host import Host, retry_after
from jwstmq_widgets.errors import Cancelled

__all__ = ["USER_AGENT", "Connections", "Reply"]

USER_AGENT = f"jwstmq_widgets/{jwstmq_widgets.__version__}"
"""How we name ourselves to archives."""

_CONNECT_TIMEOUT = 10.0
_LONGEST = 1 << 31  # bytes of an answer, unpacked
_PIECE = 64 * 1024  # bytes of the connection: packed as well as can be, they are 64 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as it came."""

    status: int
    """HTTP status."""
    headers: Mapping[str, str]
    """Header fields, looked up without regard to case."""
    body: bytes
    """Its bytes."""


class Connections:
    """Keep-alive connections to an archive, through the proxy that the environment names.

    Parameters
    ----------
    host
        The archive.
    most
        Connections at once.
    """

    def __init__(self, host: Host, *, most: int) -> None:
        self._host = host
        self._open: list[Any] = []
        self._lock = threading.Lock()
        self._aborted = False
        self._manager = _manager(host, most)
        self._manager.pool_classes_by_scheme = {
            "http": _kept(HTTPConnectionPool, self),
            "https": _kept(HTTPSConnectionPool, self),
        }

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float,
    ) -> bytes:
        """Send a request and read the answer.

        Parameters
        ----------
        method, url, body, headers
            The request.
        timeout
            Seconds without a byte after which it is given up.

        Returns
        -------
        bytes
            The body of the answer.

        Raises
        ------
        Unreachable
            If there is no connection, or no answer in time (`Late`), or it ends in the middle (`Late`).
        Refused
            If the status is not 200; a redirect is not followed.
        Cancelled
            If `abort` was called.
        """
        reply = self.exchange(method, url, body=body, headers=headers, timeout=timeout)
        if 300 <= reply.status < 400:
            raise self._host.elsewhere(reply.status, reply.headers.get("Location", ""))
        if reply.status != 200:
            raise self._host.refused(reply.status, wait=retry_after(reply.headers))
        return reply.body

    def exchange(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float,
    ) -> Reply:
        """Send a request and read the answer, whatever its status; a redirect is not followed.

        Parameters
        ----------
        method, url, body, headers, timeout
            See `request`.

        Returns
        -------
        Reply

        Raises
        ------
        Unreachable
            If there is no connection, or no answer in time (`Late`), or it ends in the middle (`Late`).
        Unreadable
            If it is longer than 2 GB.
        Cancelled
            If `abort` was called.
        """
        if self._aborted:  # whoever was between two requests sends no other one
            raise Cancelled("cancelled")
        pieces, size = [], 0
        try:
            response = self._manager.request(
                method,
                url,
                body=body,
                headers={"User-Agent": USER_AGENT, "Accept": "application/json", **(headers or {})},
                timeout=urllib3.Timeout(connect=_CONNECT_TIMEOUT, read=timeout),
                retries=False,
                redirect=False,
                preload_content=False,
            )
            try:
                for piece in response.stream(_PIECE):
                    pieces.append(piece)
                    size += len(piece)
                    if size > _LONGEST:
                        raise self._host.unreadable("it does not end")
            finally:
                if size > _LONGEST:
                    response.close()
                else:
                    response.release_conn()
        except (urllib3.exceptions.HTTPError, OSError) as error:
            self._raise(error, timeout)
        return Reply(status=response.status, headers=response.headers, body=b"".join(pieces))

    def abort(self) -> None:
        """Break all connections off: a thread that waits for an answer gets `Cancelled` at once."""
        with self._lock:
            self._aborted = True
            open_now = list(self._open)
        for connection in open_now:
            sock = connection.sock
            if sock is not None:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
        self._manager.clear()

    def close(self) -> None:
        """Give the idle connections back."""
        self._manager.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def keep(self, connection: Any) -> None:
        """Remember a connection, so that it can be broken off."""
        with self._lock:
            self._open.append(connection)

    def _raise(self, error: Exception, timeout: float) -> NoReturn:
        if self._aborted:
            raise Cancelled("cancelled") from error
        # the connection broke after the question was taken, or nothing came any more
        if isinstance(error, (urllib3.exceptions.ProtocolError, urllib3.exceptions.ReadTimeoutError)):
            raise self._host.late(timeout) from error
        if isinstance(error, urllib3.exceptions.SSLError):
            raise self._host.unreachable("its certificate was not accepted") from error
        raise self._host.unreachable() from error


def _manager(host: Host, most: int) -> urllib3.PoolManager:
    options: dict[str, Any] = {"maxsize": most, "block": True}
    parts = urlsplit(host.url)
    if parts.scheme == "https":
        from requests.utils import DEFAULT_CA_BUNDLE_PATH  # so that both of our clients trust the same

        bundle = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("SSL_CERT_FILE") or DEFAULT_CA_BUNDLE_PATH
        options["ca_certs"] = bundle
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not host.loopback and not urllib.request.proxy_bypass(parts.hostname or ""):
        address = proxy if "://" in proxy else f"http://{proxy}"
        user = urlsplit(address)
        proxy_headers = (
            urllib3.make_headers(proxy_basic_auth=f"{user.username}:{user.password or ''}") if user.username else None
        )
        return urllib3.ProxyManager(address, proxy_headers=proxy_headers, **options)
    return urllib3.PoolManager(**options)


def _kept(pool: type[HTTPConnectionPool], connections: Connections) -> type[HTTPConnectionPool]:
    class Pool(pool):  # type: ignore[misc, valid-type]
        """Tells of each connection that it opens."""

        def _new_conn(self) -> Any:
            connection = super()._new_conn()
            connections.keep(connection)
            return connection

    return Pool
