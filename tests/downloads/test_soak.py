"""Many files and a very large one with faults by chance: no wrong byte, and memory that does not grow.

The full soak (10,000 files and one of 4 GB) takes minutes:
``JWSTMQ_SOAK=1 python -m pytest -s tests/downloads/test_soak.py``.
"""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

FULL = bool(os.environ.get("JWSTMQ_SOAK"))
FILES, LARGE = (10_000, 4_000_000_000) if FULL else (400, 200_000_000)

# A server in a process of its own: files are made from their names, and every fiftieth answer goes wrong.
SERVER = textwrap.dedent(
    """
    import random, socket, sys, threading

    BLOCK = 2880
    chance, lock = random.Random(4), threading.Lock()

    def header(count):
        cards = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    1",
                 f"NAXIS1  = {count:>20}", "END"]
        return "".join(card.ljust(80) for card in cards).ljust(BLOCK).encode()

    def body(name, size, start):
        head = header(size - BLOCK)
        if start < BLOCK:
            yield head[start:]
            start = BLOCK
        seed = sum(name.encode()) % 251
        wheel = bytes((seed + i) % 251 for i in range(251)) * 1100  # 276,100 bytes
        at = (start - BLOCK) % 251
        left = size - start
        while left > 0:
            piece = wheel[at : at + min(left, 251 * 1000)]
            yield piece
            left -= len(piece)

    def serve(connection):
        stream = connection.makefile("rb")
        with connection:
            while True:
                request = stream.readline().decode()
                if not request:
                    return
                headers = {}
                while (line := stream.readline().decode().strip()):
                    key, _, value = line.partition(": ")
                    headers[key.lower()] = value
                name = request.split()[1].rpartition("/")[2].rpartition("%2F")[2]
                size = int(name.split("_")[1]) if "_" in name else 0
                with lock:
                    fault = chance.choice(["cut", "503", "drop", "ignore"]) if chance.random() < 0.02 else ""
                    where = chance.random()
                if fault == "drop":
                    return
                if fault == "503":
                    connection.sendall(b"HTTP/1.1 503 Busy\\r\\nContent-Length: 0\\r\\n\\r\\n")
                    continue
                wanted = headers.get("range", "")
                start, stop = 0, size
                if wanted and fault != "ignore":
                    first, _, last = wanted.removeprefix("bytes=").partition("-")
                    start, stop = int(first), min(int(last) + 1, size) if last else size
                    line = f"HTTP/1.1 206 Part\\r\\nContent-Range: bytes {start}-{stop - 1}/{size}\\r\\n"
                else:
                    line = "HTTP/1.1 200 OK\\r\\n"
                tag = f'"{name}"'
                connection.sendall((line + f"ETag: {tag}\\r\\nContent-Length: {stop - start}\\r\\n\\r\\n").encode())
                left = int((stop - start) * where) if fault == "cut" else stop - start
                for piece in body(name, size, start):
                    connection.sendall(piece[:left])
                    left -= len(piece)
                    if left <= 0:
                        break
                if fault == "cut":
                    return

    def guarded(connection):
        try:
            serve(connection)
        except OSError:
            pass

    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
        while True:
            threading.Thread(target=guarded, args=(listener.accept()[0],), daemon=True).start()
    """
)
CLIENT = textwrap.dedent(
    """
    import json, sys, time
    import numpy as np
    from astropy.table import Table
    from jwstmq_widgets.archives import open_archive
    from jwstmq_widgets.downloads import Manners, download, plan

    def memory(which):
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(which))

    url, folder, files, large = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]) // 2880 * 2880
    sizes = [2880 * (2 + number % 5) for number in range(files)] + [large]
    names = [f"jw{number:05d}_{size}_cal.fits" for number, size in enumerate(sizes)]
    products = Table({"dataURI": [f"mast:JWST/product/{name}" for name in names], "productFilename": names,
                      "size": sizes, "obs_id": names})
    decided = plan(products, to=folder, layout="flat", archive=open_archive(url))
    rests, manners = [], Manners(backoff=0.01, fsync=False, split_seconds=0.5)
    before, began = memory("VmRSS"), time.perf_counter()

    def watch(now):
        rests.append((now.bytes_done + 1_000 * now.files_done, memory("VmRSS")))

    manifest = download(decided, workers=8, manners=manners, progress=watch)
    seconds = time.perf_counter() - began
    wrong = 0
    for item in decided.items:
        seed = sum(item.name.encode()) % 251
        wheel = np.frombuffer(bytes((seed + i) % 251 for i in range(251)) * 10_000, dtype=np.uint8)
        with item.path.open("rb") as file:
            file.seek(2880)
            while piece := file.read(len(wheel)):
                wrong += not np.array_equal(np.frombuffer(piece, dtype=np.uint8), wheel[: len(piece)])
    half = len(rests) // 2
    print(json.dumps({
        "status": sorted(set(manifest["Status"].tolist())), "wrong": wrong, "seconds": seconds,
        "growth": memory("VmHWM") - before, "late growth": rests[-1][1] - rests[half][1],
        "leftovers": len([path for path in decided.folder.iterdir() if ".part" in path.name]),
    }))
    """
)


def test_faults_by_chance_give_no_wrong_byte_and_no_growth(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    with server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        command = [sys.executable, "-c", CLIENT, url, str(tmp_path / "data"), str(FILES), str(LARGE)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=3000)
        server.kill()
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    with capsys.disabled():
        print(f"\n{FILES:,} files and one of {LARGE / 1e9:.1f} GB, 2 % faults: {found}")
    assert (found["status"], found["wrong"], found["leftovers"]) == (["COMPLETE"], 0, 0)
    assert found["growth"] < 60e6
