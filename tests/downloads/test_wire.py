"""Heads of answers as servers send them, good and bad, and requests as they leave."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from jwstmq_widgets.downloads.http.connection import Lane
from jwstmq_widgets.downloads.http.urls import host_field, split_address
from jwstmq_widgets.downloads.http.wire import Fields, RawAnswer, Reader, request_bytes


@contextmanager
def sent(data: bytes) -> Iterator[Reader]:
    """A reader of what a server sent before it closed."""
    here, there = socket.socketpair()
    with here, there:
        there.sendall(data)
        there.shutdown(socket.SHUT_WR)
        yield Reader(here)


@pytest.mark.parametrize("end", [b"\r\n", b"\n"], ids=["CRLF", "LF"])
def test_a_head_is_read_and_the_body_left(end: bytes) -> None:
    head = end.join(
        [b"HTTP/1.1 200 OK", b'ETag: "a"', b"CONTENT-length:  4 ", b"etag: second", b"X: 1", b" 2", b"", b""]
    )
    with sent(head + b"body" + b"\r\n\r\n") as reader:
        answer = RawAnswer(reader)
        assert (answer.status, answer.length, answer.will_close) == (200, 4, False)
        assert [answer.headers.get(name) for name in ("ETag", "x", "missing")] == ['"a"', "1 2", ""]
        assert reader.read(4) == b"body"
        assert reader.left_over


def test_an_answer_without_fields_lasts_until_the_connection_closes() -> None:
    with sent(b"HTTP/1.1 200 OK\r\n\r\nno: field\r\n\r\n") as reader:
        answer = RawAnswer(reader)
        assert (answer.length, answer.will_close, answer.headers.get("no")) == (None, True, "")


def test_hints_before_the_answer_are_passed_over() -> None:
    with sent(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 None\r\nA: b\r\n\r\n") as reader:
        answer = RawAnswer(reader)
        assert (answer.status, answer.length, answer.headers.get("Link")) == (204, 0, "")


def test_a_chunked_body_is_read() -> None:
    with sent(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n") as reader:
        answer = RawAnswer(reader)
        assert (answer.read1(100), answer.read1(100), answer.will_close) == (b"abc", b"", False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 40\r\n\r\nbody",
        b"HTTP/1.1 200 OK\r\n" + b"A: " + b"b" * 70_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "not HTTP", "another HTTP", "two lengths", "endless head"],
)
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with sent(data) as reader, pytest.raises(http.client.HTTPException):
        RawAnswer(reader)


def test_what_a_server_sends_unasked_is_never_taken_for_the_next_answer() -> None:
    asked: list[bytes] = []
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"

    def serve(listener: socket.socket) -> None:
        for body in (b"first" + forged, b"second"):
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(65536))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (5 + (body == b"second")) + body)
                connection.recv(65536)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        lane = Lane(lambda url: {}, connect_timeout=5, stall_timeout=5)
        bodies = []
        for name in ("a", "b"):
            answer = lane.get(f"{url}/{name}", {})
            bodies.append(answer.read(100))
            answer.release()
        lane.finish()
        thread.join(10)
    assert bodies == [b"first", b"second"]
    assert len(asked) == 2


def test_a_request_holds_one_line_a_field() -> None:
    made = request_bytes("/a?b=c", host_field("http", "me@host:80"), {"Range": "bytes=1-"})
    assert made == b"GET /a?b=c HTTP/1.1\r\nHost: host\r\nRange: bytes=1-\r\n\r\n"
    assert host_field("https", "[::1]:8443") == "[::1]:8443"


@pytest.mark.parametrize("target", ["/a b", "/a\r\nX: y", "/ä", "/a\0"])
def test_an_address_cannot_become_a_second_line(target: str) -> None:
    with pytest.raises(http.client.InvalidURL):
        request_bytes(target, "host", {})


def test_a_field_cannot_become_a_second_line() -> None:
    with pytest.raises(ValueError, match="line break"):
        request_bytes("/a", "host", {"If-Range": '"a"\r\nX: y'})


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://h:1/a?b=/c", ("http", "h:1", "/a?b=/c")),
        ("https://u:p@h/a", ("https", "u:p@h", "/a")),
        ("http://h?b=c", ("http", "h", "/?b=c")),
        ("http://h/ä", ("http", "h", "/ä")),
    ],
)
def test_addresses_are_split(url: str, parts: tuple[str, str, str]) -> None:
    assert split_address(url) == parts


def test_fields_have_names_without_case() -> None:
    assert Fields({"ETag": "x"}).get("etag") == "x"
