"""A small web server that says what a test tells it to, byte for byte, and remembers what it was asked."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

URI = "mast:JWST/product/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer. With status 0 the file itself is served, as RFC 9110 wants it."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    length: int | None = None
    """Content-Length where it lies; -1 leaves it out and closes the connection at the end."""
    cut: int | None = None
    """Bytes of the body after which the connection is closed."""
    stall: int | None = None
    """Bytes of the body after which nothing comes any more, until the server ends."""
    chunked: bool = False
    ignore_range: bool = False
    hang_up: bool = False
    """Closes the connection after the answer, without saying so before."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request."""

    name: str
    path: str
    headers: Mapping[str, str]
    connection: int

    @property
    def range(self) -> str:
        return self.headers.get("Range", "")


class Origin:
    """Files by name, the replies that come first for a name, and the log of requests."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.files: dict[str, bytes] = {}
        self.etags: dict[str, str] = {}
        self.replies: dict[str, list[Reply]] = {}
        self.always: dict[str, Reply] = {}
        self.asked: list[Asked] = []
        self.over = threading.Event()
        self.lock = threading.Lock()

    def next_reply(self, asked: Asked) -> Reply:
        with self.lock:
            self.asked.append(asked)
            waiting = self.replies.get(asked.name)
            return waiting.pop(0) if waiting else self.always.get(asked.name, Reply())

    def asked_for(self, name: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.name == name]

    def add(self, name: str, content: bytes, *replies: Reply, etag: str | None = None) -> str:
        """Give a file to serve; returns its URI."""
        self.files[name] = content
        self.etags[name] = f'"{len(content)}-{hash(content) & 0xFFFF}"' if etag is None else etag
        self.replies[name] = list(replies)
        return URI + name


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Any

    def do_GET(self) -> None:
        origin: Origin = self.server.origin
        parts = urlsplit(self.path)
        name = parse_qs(parts.query).get("uri", [parts.path])[0].rpartition("/")[2]
        reply = origin.next_reply(Asked(name, self.path, dict(self.headers.items()), self.client_address[1]))
        headers, status, body = dict(reply.headers), reply.status, reply.body
        if not status:
            body, etag = origin.files.get(name), origin.etags.get(name, "")
            status = 200 if body is not None else 404
            body = b"" if body is None else body
            if etag:
                headers.setdefault("ETag", etag)
            wanted = self.headers.get("Range", "")
            if wanted and status == 200 and not reply.ignore_range and self.headers.get("If-Range") in {None, etag}:
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                start, whole = int(first), len(body)
                if start >= whole:
                    status, body = 416, b""
                    headers["Content-Range"] = f"bytes */{whole}"
                else:
                    stop = min(int(last) + 1, whole) if last else whole
                    status, body = 206, body[start:stop]
                    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{whole}"
        self.send_response(status)
        for key, value in headers.items():
            self.send_header(key, value)
        if reply.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif reply.length != -1:
            self.send_header("Content-Length", str(len(body) if reply.length is None else reply.length))
        self.end_headers()
        ends = [end for end in (reply.cut, reply.stall) if end is not None]
        sent = body[: min(ends)] if ends else body
        if reply.chunked:
            for at in range(0, len(sent), 1000):
                piece = sent[at : at + 1000]
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            if not ends:
                self.wfile.write(b"0\r\n\r\n")
        else:
            self.wfile.write(sent)
        if reply.stall is not None:
            self.wfile.flush()
            origin.over.wait(60)
        if ends or reply.length is not None or reply.hang_up:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        pass  # clients that break off are what this server is for


@contextmanager
def origin_server() -> Iterator[Origin]:
    """Serve until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.origin = Origin(server.server_port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.origin
    finally:
        server.origin.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
