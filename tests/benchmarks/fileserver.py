"""The fastest web server that Python can be: sparse FITS files, sent by the kernel (``sendfile``).

``python -m tests.benchmarks.fileserver FOLDER [BYTES_A_SECOND [SECONDS]]``: the second caps each connection, and every
request waits for the third before its first byte, as on a line of that latency; so does a new connection, whose
handshake is one way there and back.
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit


def make_fits(path: Path, size: int) -> None:
    """Make a FITS file of ``size`` bytes, a multiple of 2880, that takes no room on the disk."""
    count = size - 2880
    cards = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    1",
             f"NAXIS1  = {count:>20}", "END"]  # fmt: skip
    with path.open("wb") as file:
        file.write("".join(card.ljust(80) for card in cards).ljust(2880).encode())
        file.truncate(size)


@contextlib.contextmanager
def file_server(folder: Path, cap: float = 0.0, latency: float = 0.0) -> Iterator[str]:
    """Serve a folder from a process of its own; gives its address."""
    command = [sys.executable, "-m", "tests.benchmarks.fileserver", str(folder), str(cap), str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip()
        finally:
            server.kill()


def answer(connection: socket.socket, folder: Path, cap: float, latency: float) -> None:
    """Answer a connection's requests until the client leaves it, perhaps in the middle of an answer."""
    with contextlib.suppress(ConnectionError):
        converse(connection, folder, cap, latency)


def converse(connection: socket.socket, folder: Path, cap: float, latency: float) -> None:
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if cap:  # else a whole file may lie in the socket's buffer before the cap is felt
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 262_144)
    waiting = b""
    time.sleep(latency)
    with connection:
        while True:
            while b"\r\n\r\n" not in waiting:
                more = connection.recv(65536)
                if not more:
                    return
                waiting += more
            head, _, waiting = waiting.partition(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
            name = parse_qs(urlsplit(target).query).get("uri", [""])[0].rpartition("/")[2]
            path = folder / name
            if not name or not path.is_file():
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
                continue
            time.sleep(latency)
            size = path.stat().st_size
            start, stop, status = 0, size, "200 OK"
            for line in head.decode().split("\r\n"):
                if line.lower().startswith("range: bytes="):
                    first, _, last = line.partition("=")[2].partition("-")
                    start, stop = int(first), min(int(last) + 1, size) if last else size
                    status = f"206 Part\r\nContent-Range: bytes {start}-{stop - 1}/{size}"
            fields = [
                f"HTTP/1.1 {status}",
                f"Content-Length: {stop - start}",
                f"Content-Type: {'image/fits' if name.endswith('fits') else 'application/json'}",
                f'ETag: "{size}"',
                "",
                "",
            ]
            connection.sendall("\r\n".join(fields).encode())
            if method == "GET":
                with path.open("rb") as file:
                    send(connection, file.fileno(), start, stop, cap)


def send(connection: socket.socket, file: int, start: int, stop: int, cap: float) -> None:
    """Send a part of a file, at most so many bytes a second; 0 for no limit."""
    began, at = time.monotonic(), start
    while at < stop:
        most = stop - at if not cap else min(stop - at, 262_144)
        at += os.sendfile(connection.fileno(), file, at, most)
        if cap:
            time.sleep(max(0.0, began + (at - start) / cap - time.monotonic()))


def main() -> None:
    folder = Path(sys.argv[1])
    cap, latency = (float(text) for text in (*sys.argv[2:], "0", "0")[:2])
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=answer, args=(connection, folder, cap, latency), daemon=True).start()


if __name__ == "__main__":
    main()
