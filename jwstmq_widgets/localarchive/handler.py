"""One request over HTTP: read, answered in a thread, sent as fast as the client takes it."""

import asyncio
import logging
import re
import threading
from contextlib import suppress
from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

import orjson
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, stream_request_body

from jwstmq_widgets.localarchive.accounts import account_of, credential
from jwstmq_widgets.localarchive.protocols import mast
from jwstmq_widgets.localarchive.protocols.esa import CONTEXT
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked
from jwstmq_widgets.localarchive.protocols.files import file_name
from jwstmq_widgets.localarchive.requestlog import Entry
from jwstmq_widgets.localarchive.service import Service

__all__ = ["Handler"]

_log = logging.getLogger(__name__)

# Under these names clients ask through a proxy (the resolver's address is fixed in astroquery).
_OWN_HOSTS = frozenset({"mast.stsci.edu", "mastresolver.stsci.edu", "127.0.0.1", "localhost"})
_SAFE_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]+")


@stream_request_body
class Handler(RequestHandler):
    """Reads one request, has it answered in a thread, and sends the answer with back pressure."""

    def initialize(self, service: Service) -> None:
        """Take what all requests share."""
        self.service = service
        self._body: list[bytes] = []
        self._gone = threading.Event()
        self._entry: Entry | None = None

    def on_connection_close(self) -> None:
        """Note that the client has left."""
        self._gone.set()
        if self._entry is not None:  # now, not at the next byte for who is gone: else the one after it is one too many
            self.service.log.end(self._entry)

    def set_default_headers(self) -> None:
        """Say who answers; each answer tells its own type."""
        self.clear_header("Content-Type")
        self.set_header("Server", "jwstmq-localarchive")

    def compute_etag(self) -> None:
        """Let answers have the validators that the archive gives them, and no other."""

    def data_received(self, chunk: bytes) -> None:
        """Keep a part of the body."""
        self._body.append(chunk)

    def log_exception(self, *args: object) -> None:
        """Log what is a fault of this server's, and nothing of the request."""
        # tornado would write the whole address, and with it a token that came in the query
        if not isinstance(args[1], HTTPError | StreamClosedError):
            _log.error("sending the answer failed", exc_info=args[1] if isinstance(args[1], BaseException) else None)

    def write_error(self, status_code: int, **kwargs: object) -> None:  # noqa: ARG002
        """Answer with a status, and JSON that says it."""
        self.set_header("Content-Type", "application/json")
        self.finish(orjson.dumps({"message": f"{status_code}: {self._reason}"}))

    async def get(self) -> None:
        """Answer GET."""
        await self._serve()

    async def head(self) -> None:
        """Answer HEAD."""
        await self._serve()

    async def post(self) -> None:
        """Answer POST."""
        await self._serve()

    async def delete(self) -> None:
        """Answer DELETE."""
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
