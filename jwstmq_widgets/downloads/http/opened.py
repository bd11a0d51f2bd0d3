"""One open connection to a host: direct or by a proxy, plain or TLS."""

import base64
import http.client
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from jwstmq_widgets import __version__
from jwstmq_widgets.downloads.http.urls import host_field, public_address
from jwstmq_widgets.downloads.http.wire import Reader, field_lines, request_bytes
from jwstmq_widgets.errors import Unreachable

__all__ = ["PORTS", "Opened", "open_connection", "unreachable"]

PORTS = {"http": 80, "https": 443}
"""Schemes that we speak, and their ports."""

_SENT = field_lines({"User-Agent": f"jwstmq_widgets/{__version__}", "Accept": "*/*", "Accept-Encoding": "identity"})


@dataclass(slots=True, kw_only=True)
class Opened:
    """One open connection, used by one thread at a time."""

    connection: http.client.HTTPConnection
    """Made the connection, with its proxy and TLS."""
    absolute: bool
    """True where a proxy wants the whole address in the request."""
    extra: Mapping[str, str]
    """Header fields for the proxy."""
    reader: Reader | None = None
    """Reads its answers; None before it is connected."""
    used: bool = False
    """Whether anything was asked over it."""
    asked: str = ""
    """Address whose answer is on its way, because somebody else asked for it here."""

    @property
    def unclear(self) -> bool:
        """Whether it sent, or will send, more than it was asked for: the next answer could be anything."""
        return bool(self.asked) or (self.reader is not None and self.reader.left_over)

    def request(self, url: str, parts: tuple[str, str, str], headers: Mapping[str, str]) -> bytes:
        """Write down the request for an address, which is here in parts as well; raises as `request_bytes` does."""
        scheme, netloc, target = parts
        fields = {**headers, **self.extra} if self.extra else headers
        return request_bytes(url if self.absolute else target, host_field(scheme, netloc), fields, _SENT)


def open_connection(parts: SplitResult, *, connect_timeout: float, stall_timeout: float) -> Opened:
    """Connect to a host.

    Parameters
    ----------
    parts
        An address on it.
    connect_timeout, stall_timeout
        Seconds for connecting, and without a byte afterwards.

    Returns
    -------
    Opened

    Raises
    ------
    Unreachable
        If that fails.
    """
    opened = _connection(parts, connect_timeout)
    try:
        opened.connection.connect()
        sock = opened.connection.sock
        sock.settimeout(stall_timeout)
        opened.reader = Reader(sock)
    except (OSError, http.client.HTTPException) as error:
        opened.connection.close()
        raise unreachable(parts, error, connect_timeout) from error
    return opened


def _connection(parts: SplitResult, timeout: float) -> Opened:
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    proxy = None if proxy_bypass(host) else urlsplit(getproxies().get(parts.scheme, ""))
    if proxy and proxy.hostname:
        extra = {}
        if proxy.username:
            secret = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
            extra = {"Proxy-Authorization": f"Basic {base64.b64encode(secret).decode()}"}
        proxy_port = proxy.port or PORTS.get(proxy.scheme, 80)
        if parts.scheme == "http":
            plain = http.client.HTTPConnection(proxy.hostname, proxy_port, timeout=timeout)
            return Opened(connection=plain, absolute=True, extra=extra)
        secure = http.client.HTTPSConnection(proxy.hostname, proxy_port, timeout=timeout, context=_tls())
        secure.set_tunnel(host, port, headers=extra)
        return Opened(connection=secure, absolute=False, extra={})
    if parts.scheme == "http":
        return Opened(connection=http.client.HTTPConnection(host, port, timeout=timeout), absolute=False, extra={})
    direct = http.client.HTTPSConnection(host, port, timeout=timeout, context=_tls())
    return Opened(connection=direct, absolute=False, extra={})


def _tls() -> ssl.SSLContext:
    """Trust whom the archive's questions trust, which requests asks; also where that was set after a first try."""
    return _trusting(*(os.environ.get(name, "") for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")))


@lru_cache(maxsize=4)
def _trusting(bundle: str, *_: str) -> ssl.SSLContext:
    import certifi

    if bundle:
        try:
            folder = Path(bundle).is_dir()
            return ssl.create_default_context(cafile=None if folder else bundle, capath=bundle if folder else None)
        except OSError as error:
            raise Unreachable(f"REQUESTS_CA_BUNDLE={bundle} holds no certificates; correct it, or unset it") from error
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())  # Python from python.org on macOS trusts nothing by itself
    return context


def unreachable(parts: SplitResult, error: Exception, seconds: float) -> Unreachable:
    """Say why there was no connection, or no answer within so many seconds."""
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
