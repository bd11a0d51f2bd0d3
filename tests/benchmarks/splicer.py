"""The limit of a copy from sockets to files: the kernel moves the bytes (``splice``), Python only asks for them.

``python -m tests.benchmarks.splicer FOLDER CONNECTIONS ADDRESSES``: so many connections, each kept for one file after
the other; ADDRESSES is a file with one on each line. Prints the seconds.
"""

import fcntl
import json
import os
import socket
import sys
import threading
import time
from collections import deque
from pathlib import Path
from urllib.parse import urlsplit

_PIECE = 1 << 20


def work(waiting: deque[tuple[int, str]], folder: Path) -> None:
    """Bring one file after the other."""
    parts = urlsplit(waiting[0][1])
    outlet, inlet = os.pipe()
    fcntl.fcntl(inlet, fcntl.F_SETPIPE_SZ, _PIECE)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        while True:
            try:
                number, address = waiting.popleft()
            except IndexError:
                break
            fetch(connection, address, folder / str(number), outlet, inlet)
    os.close(outlet)
    os.close(inlet)


def fetch(connection: socket.socket, address: str, target: Path, outlet: int, inlet: int) -> None:
    """Copy the body of an answer with a Content-Length to a file."""
    parts = urlsplit(address)
    with target.open("wb") as file:
        request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n"
        connection.sendall(request.encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        lines = head.decode().lower().split("\r\n")
        left = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length:"))
        while left:
            taken = os.splice(connection.fileno(), inlet, min(left, _PIECE))
            if not taken:
                raise ConnectionError(f"{address} ended {left} bytes early")
            left -= taken
            while taken:
                taken -= os.splice(outlet, file.fileno(), taken)


def main() -> None:
    folder, connections = Path(sys.argv[1]), int(sys.argv[2])
    waiting = deque(enumerate(Path(sys.argv[3]).read_text().split()))
    folder.mkdir()
    began = time.perf_counter()
    threads = [threading.Thread(target=work, args=(waiting, folder)) for _ in range(min(connections, len(waiting)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "bytes": sum(target.stat().st_size for target in folder.iterdir())}))


if __name__ == "__main__":
    main()
