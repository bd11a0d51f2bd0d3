"""The local archive's HTTP on loopback: requests in, answers out, never a pause of its loop."""

import argparse
import asyncio
import gzip
import logging
import re
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import orjson
from tornado.httpserver import HTTPServer
from tornado.iostream import StreamClosedError
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler, stream_request_body

from jwstmq_widgets.localarchive import control
from jwstmq_widgets.localarchive.accounts import account_of, credential
from jwstmq_widgets.localarchive.facts import Scale
from jwstmq_widgets.localarchive.faults import Fault, FaultBook
from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.protocols import mast, routes
from jwstmq_widgets.localarchive.protocols.esa import CONTEXT, EsaFace
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, json_answer
from jwstmq_widgets.localarchive.protocols.files import file_name
from jwstmq_widgets.localarchive.requestlog import Entry, RequestLog
from jwstmq_widgets.localarchive.tls import Authority

__all__ = ["Service", "main", "serve"]

_log = logging.getLogger(__name__)

_MOST_BODY = 16 << 20
_QUERIES = 4
_COMPRESS_FROM = 1400
_COMPRESSED = ("application/json", "application/x-votable+xml", "application/xhtml+xml", "text/")
# Under these names clients ask through a proxy (the resolver's address is fixed in astroquery).
_OWN_HOSTS = frozenset({"mast.stsci.edu", "mastresolver.stsci.edu", "127.0.0.1", "localhost"})
_SAFE_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")


class Service:
    """What all requests share: holdings, faults to come, log, threads.

    Parameters
    ----------
    holdings
        The archive's catalogue.
    latency
        Seconds that every answer waits.
    """

    def __init__(self, holdings: Holdings, *, latency: float = 0.0) -> None:
        self.holdings = holdings
        self.latency = latency
        self.faults = FaultBook()
        self.log = RequestLog()
        self.esa = EsaFace(holdings)
        self.secure_url = ""
        self.ca_file: Path | None = None
        # Queries and pixels wait in two queues: a page of thumbnails does not hold up a search.
        self.catalogue = ThreadPoolExecutor(_QUERIES, thread_name_prefix="catalogue")
        self.pixels = ThreadPoolExecutor(8, thread_name_prefix="pixels")
        # Every thread opens the catalogue now: another version of the package may remove this one's file later.
        together = threading.Barrier(_QUERIES)
        list(self.catalogue.map(lambda _: together.wait() >= 0 and holdings.count(), range(_QUERIES)))

    def answer(self, asked: Asked, faults: Sequence[Fault]) -> Answer:
        """Answer a request, with what goes wrong on the way; runs in a thread."""
        for fault in faults:
            asked = fault.reread(asked)
        answer = next((made for fault in faults if (made := fault.instead(asked))), None)
        if answer is None:
            try:
                esa = asked.path.startswith(CONTEXT)
                answer = self.esa.answer(asked) if esa else routes.answer(asked, self.holdings)
            except Exception:  # noqa: BLE001  # whatever is wrong inside, the client gets a status and no traceback
                _log.exception("answering %s failed", asked.path)
                answer = json_answer({"message": "the local archive has a fault of its own"}, status=500)
        if answer.waiting is not None:
            return answer
        for fault in faults:
            answer = fault.spoil(answer)
        if self.latency:
            answer = replace(answer, latency=answer.latency + self.latency)
        return _compressed(asked, answer)

    def close(self) -> None:
        """Let go of threads and catalogue."""
        self.esa.close()
        for pool in (self.catalogue, self.pixels):
            pool.shutdown(wait=False, cancel_futures=True)
        self.holdings.close()


def _compressed(asked: Asked, answer: Answer) -> Answer:
    kind = answer.headers.get("Content-Type", "")
    if (
        answer.stream is not None
        or len(answer.body) < _COMPRESS_FROM
        or not kind.startswith(_COMPRESSED)
        or "Content-Encoding" in answer.headers
        or "gzip" not in asked.headers.get("Accept-Encoding", "")
    ):
        return answer
    body = gzip.compress(answer.body, compresslevel=1, mtime=0)
    return replace(
        answer,
        headers={**answer.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"},
        body=body,
        length=None if answer.length is None else len(body),
    )


@stream_request_body
class _Handler(RequestHandler):
    """Reads one request, has it answered in a thread, and sends the answer as fast as the client takes it."""

    def initialize(self, service: Service) -> None:
        self.service = service
        self._body: list[bytes] = []
        self._gone = threading.Event()
        self._entry: Entry | None = None

    def on_connection_close(self) -> None:
        self._gone.set()
        if self._entry is not None:  # now, not at the next byte for who is gone: else the one after it is one too many
            self.service.log.end(self._entry)

    def set_default_headers(self) -> None:
        self.clear_header("Content-Type")
        self.set_header("Server", "jwstmq-localarchive")

    def compute_etag(self) -> None:
        return None

    def data_received(self, chunk: bytes) -> None:
        self._body.append(chunk)

    def log_exception(self, *args: object) -> None:
        # tornado would write the whole address, and with it a token that came in the query
        if not isinstance(args[1], HTTPError | StreamClosedError):
            _log.error("sending the answer failed", exc_info=args[1] if isinstance(args[1], BaseException) else None)

    def write_error(self, status_code: int, **kwargs: object) -> None:  # noqa: ARG002
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps({"message": f"{status_code}: {self._reason}"}))

    async def get(self) -> None:
        await self._serve()

    async def head(self) -> None:
        await self._serve()

    async def post(self) -> None:
        await self._serve()

    async def delete(self) -> None:
        await self._serve()

    async def _serve(self) -> None:
        asked, known = self._read()
        service = self.service
        loop = asyncio.get_running_loop()
        if asked.path.startswith(CONTEXT):
            subject = await loop.run_in_executor(service.catalogue, service.esa.subject, asked)
            asked = replace(asked, subjects=(*asked.subjects, subject) if subject else asked.subjects)
        port = self.request.connection.context.address[1]  # type: ignore[union-attr]
        entry = self._entry = service.log.begin(asked, credential=known, connection=port)
        try:
            faults = service.faults.take(asked)
            answer = await loop.run_in_executor(service.catalogue, service.answer, asked, faults)
            if answer.waiting is not None:
                await asyncio.wait({asyncio.wrap_future(answer.waiting)}, timeout=answer.patience)
                asked = replace(asked, waited=True)
                answer = await loop.run_in_executor(service.catalogue, service.answer, asked, faults)
            if answer.latency:
                await asyncio.sleep(answer.latency)
            if answer.dropped:
                self._hang_up()
                return
            entry.status = answer.status
            self.set_status(answer.status)
            for name, value in answer.headers.items():
                self.set_header(name, value)
            if answer.length is not None:
                self.set_header("Content-Length", str(answer.length))
            if self.request.method == "HEAD" or answer.status in {204, 304}:
                self.flush()
                return
            await self._send(answer, entry)
        except StreamClosedError:
            _log.debug("the client left")
        finally:
            service.log.end(entry)

    def _read(self) -> tuple[Asked, bool]:
        """Tell what is asked, and whether a good session, or any token, came with it.

        An absolute target (a proxy's, RFC 9112, 3.2.2) loses scheme and host.
        """
        target = self.request.uri or "/"
        host = self.request.host
        if not target.startswith("/"):
            parts = urlsplit(target)
            if parts.scheme != "http" or parts.hostname not in _OWN_HOSTS:
                raise HTTPError(403, reason="This is no proxy")
            host = parts.netloc
            target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        path, _, query = target.partition("?")
        try:
            values = parse_qs(query, keep_blank_values=True, errors="strict")
            path = unquote(path, errors="strict")
        except ValueError as err:
            raise HTTPError(400, reason="Bad encoding of the address") from err
        if not _SAFE_HOST.fullmatch(host):
            raise HTTPError(400, reason="Bad Host")
        body = b"".join(self._body)
        esa = path.startswith(CONTEXT)
        token = "" if esa else credential(self.request.headers)
        account = self.service.esa.sessions.account(self.request.headers) if esa else account_of(token)
        asked = Asked(
            method=self.request.method or "GET",
            path=path,
            query=values,
            target=target,
            headers=self.request.headers,
            body=body,
            url=f"{self.request.protocol}://{host}",
            account=account,
            subjects=(path, *_named(path, values, body)),
            gone=self._gone,
        )
        return asked, bool(token) or (esa and not account.anonymous)

    async def _send(self, answer: Answer, entry: Entry) -> None:
        """Send the body with back pressure: never more than two pieces are held."""
        if answer.stream is None:
            await self._write(answer, entry, answer.body)
            return
        loop = asyncio.get_running_loop()
        source = answer.stream()
        left = answer.length
        ahead = loop.run_in_executor(self.service.pixels, next, source, None)
        try:
            while (piece := await ahead) is not None:
                left = None if left is None else left - len(piece)
                if left is None or left > 0:
                    ahead = loop.run_in_executor(self.service.pixels, next, source, None)
                if not await self._write(answer, entry, piece) or left == 0:
                    break
        finally:
            with suppress(Exception):  # whatever the piece after the last one was to be, nobody waits for it
                await ahead
            close = getattr(source, "close", None)
            if close is not None:
                close()

    async def _write(self, answer: Answer, entry: Entry, piece: bytes) -> bool:
        """Write a piece, as slowly as asked; False when the connection was cut."""
        if answer.cut is not None:
            piece = piece[: max(0, answer.cut - entry.bytes)]
        step = max(1, int(answer.rate / 20)) if answer.rate else len(piece)
        for start in range(0, len(piece), step or 1):
            part = piece[start : start + step]
            # Counted before it is written: whoever has read it finds it in the log.
            entry.bytes += len(part)
            self.write(part)
            await self.flush()
            if answer.rate:
                await asyncio.sleep(len(part) / answer.rate)
        if answer.cut is not None and entry.bytes >= answer.cut:
            await self.flush()
            self._hang_up()
            return False
        return True

    def _hang_up(self) -> None:
        self.request.connection.stream.close()  # type: ignore[union-attr]


def _named(path: str, query: dict[str, list[str]], body: bytes) -> list[str]:
    """Give the file or the portal's service that a request names."""
    if path.endswith("/invoke"):
        with suppress(ValueError):
            service = mast.portal_request(Asked(method="POST", path=path, query=query, body=body)).get("service")
            return [service] if isinstance(service, str) else []
        return []
    if "product_name" in query:
        return [query["product_name"][0].rpartition("/")[2]]
    name = file_name(query["uri"][0]) if "uri" in query else ""
    return [name] if name else []


async def _run(
    sockets: Sequence[socket.socket],
    service: Service,
    *,
    secure: tuple[Sequence[socket.socket], ssl.SSLContext] | None,
    ready: Callable[[], None],
    controlled_by: int | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    application = Application([(r".*", _Handler, {"service": service})], log_function=lambda _: None)
    server = HTTPServer(application, max_body_size=_MOST_BODY, idle_connection_timeout=600)
    server.add_sockets(sockets)
    servers = [server]
    if secure is not None:
        servers.append(
            HTTPServer(application, max_body_size=_MOST_BODY, idle_connection_timeout=600, ssl_options=secure[1])
        )
        servers[1].add_sockets(secure[0])
    if controlled_by is None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError, ValueError):  # not here, or not on this system
                loop.add_signal_handler(number, stop.set)
        ready()
    else:
        control.listen(service, stop, parent=controlled_by)
        ready()
    try:
        await stop.wait()
    finally:
        for server in servers:
            server.stop()
            await server.close_all_connections()


def serve(
    *,
    port: int = 0,
    secure_port: int = 0,
    scale: Scale = "reduced",
    folder: Path | None = None,
    latency: float = 0.0,
    survey: int = 0,
    ready: Callable[[str], None] | None = None,
    controlled_by: int | None = None,
) -> None:
    """Serve the local archive until Ctrl-C.

    Parameters
    ----------
    port
        Port on 127.0.0.1; 0 for any free one.
    secure_port
        Port for TLS, where trustme (the extra ``tls``) is installed; 0 for any free one.
    scale
        ``"reduced"`` files download in seconds, ``"real"`` ones have the sizes of the real archive.
    folder
        Where the catalogue is kept; None for the user's cache directory. It is built when it is not there yet.
    latency
        Seconds that every answer waits.
    survey
        How many files of a synthetic survey (program 99001) are there beside those of real programs.
    ready
        Called with the archive's address once it answers; by default the address is printed, on one line.
    controlled_by
        Process whose commands come on standard input (see `control`), and with whom this one ends; None for nobody.

    Raises
    ------
    OSError
        If the port is taken, or the folder cannot be written.
    ValueError
        If no survey has that many files.
    """
    sockets = bind_sockets(port, "127.0.0.1", family=socket.AF_INET)
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    tell = ready or _say
    service = Service(Holdings.open(folder, scale=scale, survey=survey), latency=latency)
    authority = None
    try:
        secure = None
        try:
            authority = Authority()
        except ImportError:
            _log.info("no TLS: trustme is not installed")
        else:
            encrypted = bind_sockets(secure_port, "127.0.0.1", family=socket.AF_INET)
            secure = encrypted, authority.context
            service.secure_url = f"https://127.0.0.1:{encrypted[0].getsockname()[1]}"
            service.ca_file = authority.ca_file
        asyncio.run(_run(sockets, service, secure=secure, ready=lambda: tell(url), controlled_by=controlled_by))
    except KeyboardInterrupt:
        _log.debug("stopped from the keyboard")
    finally:
        service.close()
        if authority is not None:
            authority.close()


def _say(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve as the command line says: ``python -m jwstmq_widgets.localarchive.server --port 8765``.

    Returns
    -------
    int
        Exit status: 0, or 1 when it could not begin.
    """
    parser = argparse.ArgumentParser(prog="jwstmq_widgets.localarchive.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 for any free one")
    parser.add_argument("--secure-port", type=int, default=0, help="port for TLS; 0 for any free one")
    parser.add_argument("--scale", choices=("reduced", "real"), default="reduced", help="sizes of the files")
    parser.add_argument("--folder", type=Path, help="where the catalogue is kept")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer waits")
    parser.add_argument("--survey", type=int, default=0, help="files of a synthetic survey, program 99001")
    parser.add_argument("--controlled-by", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    logging.getLogger("tornado.general").setLevel(logging.ERROR)  # what it says of bad requests quotes them
    if asked.controlled_by is not None:
        # Ctrl-C in the terminal is meant for the process that holds this one.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        serve(
            port=asked.port,
            secure_port=asked.secure_port,
            scale=asked.scale,
            folder=asked.folder,
            latency=asked.latency,
            survey=asked.survey,
            controlled_by=asked.controlled_by,
        )
    except OSError as err:
        sys.stderr.write(f"the local archive cannot be served: {err}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
