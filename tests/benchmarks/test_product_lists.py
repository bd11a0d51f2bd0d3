"""Product lists, against astroquery's reader and against jwst_mast_query itself, unmodified, in one run."""

import gc
import json
import math
import shutil
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import pytest
import requests
from astropy.table import Table, unique

from jwstmq_widgets.archives.answers import Answers
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast import MastArchive
from jwstmq_widgets.archives.mast.productlists import read_listing
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Slow
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import products_table, select
from tests.benchmarks.largeprogram import NUMBER, large_catalogue
from tests.clients import test_jwst_mast_query as comparison
from tests.clients.conftest import client_environment

pytestmark = pytest.mark.benchmark

peer = comparison.peer  # its environment, or a sentence about how to make one

ROWS = 100_000
LONGER = 11  # times, for ten times the rows
HOST = Host.at("http://127.0.0.1:9")


@pytest.fixture(scope="module")
def rows(local_archive: LocalArchive) -> list[dict[str, Any]]:
    """The portal's rows for one program: 7 for each file, because files have several parents."""
    observations = MastArchive(Host.at(local_archive.url)).observations(Query(program=2733))
    request = {"service": "Mast.Caom.Products", "format": "json", "pagesize": 50000, "page": 1}
    request["params"] = {"obsid": ",".join(observations["obsid"])}
    body = {"request": orjson.dumps(request).decode()}
    answer: list[dict[str, Any]] = requests.post(f"{local_archive.url}/api/v0/invoke", data=body, timeout=60).json()[
        "data"
    ]
    return answer


class Lists:
    """Answers with lists of products, each made once and kept in a file.

    ``shared`` has rows as they come: files with several parents. ``distinct`` has as many files as rows: the hardest
    case, where nothing but the repeated texts is shared.
    """

    def __init__(self, folder: Path, rows: list[dict[str, Any]]) -> None:
        self._folder = folder
        self._rows = {"shared": rows, "distinct": list({row["dataURI"]: row for row in rows}.values())}
        self._reads: dict[tuple[str, str, int], list[Read]] = {}

    def path(self, which: str, rows: int) -> Path:
        """Give the file with an answer of so many rows."""
        path = self._folder / f"{which}-{rows}.json"
        if not path.exists():
            path.write_bytes(answer_of(self._rows[which], rows))
        return path

    def reads(self, reader: str, which: str, rows: int, *, runs: int = 1) -> list["Read"]:
        """Let a process of its own read an answer, so many times in all."""
        known = self._reads.setdefault((reader, which, rows), [])
        while len(known) < runs:
            known.append(read_apart(reader, self.path(which, rows)))
        return known


class Read(NamedTuple):
    """What a process of its own tells of reading an answer."""

    seconds: float
    """Of the processor, which other work on the machine changes least."""
    memory: int
    """Bytes at the most beyond what the process had with the answer itself."""
    files: int
    """Distinct ones."""
    chosen: int
    """Those selected."""


READ = """
import re, sys, time
from pathlib import Path
from tests.benchmarks import test_product_lists

def most():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

import astroquery.mast
read, body = getattr(test_product_lists, sys.argv[1]), Path(sys.argv[2]).read_bytes()
before, began = most(), time.process_time()
files, chosen = read(body)
print("READ", time.process_time() - began, most() - before, len(files), len(chosen))
"""


def read_apart(reader: str, path: Path) -> Read:
    """Read an answer by a function of this module, in a process that has read nothing before."""
    done = subprocess.run([sys.executable, "-c", READ, reader, path], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    [told] = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("READ ")]
    return Read(float(told[0]), int(told[1]), int(told[2]), int(told[3]))


@pytest.fixture(scope="module")
def lists(rows: list[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lists]:
    folder = tmp_path_factory.mktemp("lists")
    yield Lists(folder, rows)
    shutil.rmtree(folder)  # 1.3 GB


def answer_of(rows: list[dict[str, Any]], wanted: int) -> bytes:
    """The rows again and again under the names of other programs, as the portal would answer."""
    fields = [{"name": name, "type": "int" if name in ("size", "calib_level") else "string"} for name in rows[0]]
    head = {
        "status": "COMPLETE",
        "msg": "",
        "fields": fields,
        "paging": {"page": 1, "pagesFiltered": 1, "rows": wanted},
    }
    pieces = []
    for again in range(-(-wanted // len(rows))):
        some = orjson.dumps(rows[: wanted - again * len(rows)])[1:-1]
        pieces.append(some.replace(b"jw02733", f"jw{again + 10:05d}".encode()))
    return b"".join([orjson.dumps(head)[:-1], b',"data":[', b",".join(pieces), b"]}"])


def theirs(body: bytes) -> tuple[Table, Table]:
    """What get_unique_product_list and filter_products do with an answer."""
    from astroquery.mast import Observations

    response = requests.Response()
    response.status_code, response._content, response.encoding = 200, body, "utf-8"
    assert response.json()["status"] == "COMPLETE"  # the request loop reads every answer once itself
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        files = unique(Observations._parse_result([response]), keys="dataURI")
        chosen = Observations.filter_products(files, productSubGroupDescription=["CAL"], extension="fits")
    chosen.sort("productFilename")
    return files, chosen


def ours(body: bytes) -> tuple[Table, Table]:
    files = products_table(read_listing(body, host=HOST)[1], archive=HOST.url)
    chosen = select(files, filetypes=["_cal.fits"])
    chosen.sort("productFilename")
    return files, chosen


def seconds(work: Callable[[], Any], *, runs: int, clock: Callable[[], float]) -> float:
    taken = []
    for _ in range(runs):
        gc.collect()
        began = clock()
        work()
        taken.append(clock() - began)
    return statistics.median(taken)


@pytest.mark.parametrize(("which", "least"), [("shared", 3.0), ("distinct", 2.5)])
def test_a_large_list_is_read_faster_than_by_astroquery(
    which: str, least: float, lists: Lists, record_property: Any, tmp_path: Path
) -> None:
    body = lists.path(which, ROWS).read_bytes()
    import astroquery.mast  # noqa: F401  (so that it is not timed)

    # The processor's time, which other work on the machine does not change.
    began = time.process_time()
    their_tables = theirs(body)
    them = time.process_time() - began
    for our_table, their_table in zip(ours(body), their_tables, strict=True):
        assert np.array_equal(np.sort(their_table["dataURI"]), np.sort(our_table["dataURI"]))
    del our_table, their_table, their_tables
    us = seconds(lambda: ours(body), runs=3, clock=time.process_time)
    answers = Answers(tmp_path)
    answers.answer("kept", lambda: ours(body)[0])
    kept = seconds(lambda: answers.get("kept"), runs=3, clock=time.process_time)
    print(
        f"\n{ROWS:,} rows, {which} files: ours {us:.2f} s, astroquery {them:.2f} s, ratio {them / us:.2f}; "
        f"a kept answer {kept:.2f} s, ratio {them / kept:.1f}"
    )
    record_property("ratio", them / us)
    assert them / us >= least
    assert them / kept >= least


@pytest.mark.long
@pytest.mark.parametrize("which", ["shared", "distinct"])
def test_ten_times_the_rows_take_ten_times_as_long(which: str, lists: Lists, record_property: Any) -> None:
    ratio = math.inf
    for runs in (1, 2, 3):  # a busy machine takes the processor's cache from the longer list: look again
        one = statistics.median(read.seconds for read in lists.reads("ours", which, ROWS, runs=2 * runs))
        ten = statistics.median(read.seconds for read in lists.reads("ours", which, 10 * ROWS, runs=runs))
        ratio = ten / one
        print(f"\n{ROWS:,} rows, {which} files: {one:.2f} s; {10 * ROWS:,} rows {ten:.2f} s, ratio {ratio:.1f}")
        if ratio <= LONGER:
            break
    record_property("ratio", ratio)
    assert ratio <= LONGER


@pytest.mark.long
def test_a_million_rows_take_half_of_astroquerys_memory_and_a_third_of_its_time(
    lists: Lists, record_property: Any
) -> None:
    us = lists.reads("ours", "distinct", 10 * ROWS)
    [them] = lists.reads("theirs", "distinct", 10 * ROWS)
    assert {(read.files, read.chosen) for read in us} == {(them.files, them.chosen)}
    memory, seconds = max(read.memory for read in us), statistics.median(read.seconds for read in us)
    print(
        f"\n{10 * ROWS:,} rows of as many files: ours {memory / 1e6:,.0f} MB, {seconds:.1f} s; astroquery "
        f"{them.memory / 1e6:,.0f} MB, {them.seconds:.1f} s: {memory / them.memory:.2f} of its memory, "
        f"{them.seconds / seconds:.1f} times as fast"
    )
    record_property("memory", memory / them.memory)
    record_property("ratio", them.seconds / seconds)
    assert memory / them.memory <= 0.5
    assert them.seconds / seconds >= 3


@pytest.mark.parametrize("which", ["shared", "distinct"])
def test_a_large_list_is_read_faster_than_by_jwst_mast_querys_own_functions(
    which: str, peer: Path, lists: Lists, record_property: Any, tmp_path: Path
) -> None:
    body = lists.path(which, ROWS).read_bytes()
    told = theirs_told(peer, tmp_path, "read", str(lists.path(which, ROWS)))
    files, chosen = ours(body)
    # It drops all but the first file of a name; ours are one a dataURI, which here is the same.
    assert told["files"] == len(files)
    assert told["selected"] == sorted(chosen["productFilename"].tolist())
    us = seconds(lambda: ours(body), runs=3, clock=time.process_time)
    them = sum(told["seconds"].values())
    print(f"\n{ROWS:,} rows, {which} files: ours {us:.2f} s, jwst_mast_query {them:.2f} s, ratio {them / us:.1f}")
    record_property("ratio", them / us)
    assert them / us >= 6  # 11.8 and 13.9 seen on a busy machine


def test_a_large_programs_products_come_sooner_than_to_jwst_mast_query(
    peer: Path, tmp_path: Path, record_property: Any
) -> None:
    with LocalArchive(folder=large_catalogue(tmp_path)) as archive:
        archive.faults = (Slow(path="*", latency=0.1, row_cost=20e-6),)
        ours_took, first = [], []
        chosen = Table()
        for _ in range(2):
            opened = MastArchive(Host.at(archive.url))
            began = time.perf_counter()
            observations = opened.observations(Query(program=NUMBER))
            listed = time.perf_counter()
            seen: list[float] = []
            files = opened.products(observations, progress=lambda _, seen=seen: seen.append(time.perf_counter()))
            chosen = select(files, filetypes=["_cal.fits"])
            chosen.sort("productFilename")
            ours_took.append(time.perf_counter() - began)
            first.append(seen[0] - listed)
        told = theirs_told(peer, tmp_path, "ask", archive.url, str(NUMBER))
    assert len(observations) == 264
    assert told["files"] == len(files)
    assert told["selected"] == sorted(chosen["productFilename"].tolist())
    theirs_took = sum(told["seconds"].values())
    ratio = theirs_took / min(ours_took)
    print(
        f"\n{len(observations)} observations, {len(files):,} files, 100 ms a request and 20 µs a row: ours "
        f"{min(ours_took):.2f} s, the first files {min(first):.2f} s after the observations, jwst_mast_query "
        f"{theirs_took:.2f} s ({told['seconds']['products']:.2f} s of it for products): ratio {ratio:.1f}"
    )
    record_property("ratio", ratio)
    assert ratio >= 7  # aimed at: 10; 9.3 to 11.5 seen on a busy machine, which the server shares too


def theirs_told(peer: Path, folder: Path, *words: str) -> dict[str, Any]:
    """What unmodified jwst_mast_query found in its own environment, and the seconds of its own functions."""
    program = Path(__file__).with_name("jwst_mast_query_lists.py")
    done = subprocess.run(
        [peer / "bin/python", program, *words],
        cwd=folder,
        env=client_environment(words[1] if words[0] == "ask" else "http://127.0.0.1:9", folder / "home"),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
