"""The limit of a copy from sockets to files: the kernel moves the bytes (``splice``), Python only asks for them.

``python -m tests.benchmarks.splicer FOLDER ADDRESS...``: each address has a connection of its own; prints the seconds.
"""

import fcntl
import json
import os
import socket
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

_PIECE = 1 << 20


def fetch(address: str, target: Path) -> None:
    """Copy the body of an answer with a Content-Length to a file."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port)) as connection, target.open("wb") as file:
        request = f"GET {parts.path}?{parts.query} HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n"
        connection.sendall(request.encode())
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += connection.recv(1)
        lines = head.decode().lower().split("\r\n")
        left = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length:"))
        outlet, inlet = os.pipe()
        fcntl.fcntl(inlet, fcntl.F_SETPIPE_SZ, _PIECE)
        while left:
            taken = os.splice(connection.fileno(), inlet, min(left, _PIECE))
            if not taken:
                raise ConnectionError(f"{address} ended {left} bytes early")
            left -= taken
            while taken:
                taken -= os.splice(outlet, file.fileno(), taken)
        os.close(outlet)
        os.close(inlet)


def main() -> None:
    folder, addresses = Path(sys.argv[1]), sys.argv[2:]
    folder.mkdir()
    targets = [folder / str(number) for number in range(len(addresses))]
    began = time.perf_counter()
    threads = [threading.Thread(target=fetch, args=pair) for pair in zip(addresses, targets, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "bytes": sum(target.stat().st_size for target in targets)}))


if __name__ == "__main__":
    main()
