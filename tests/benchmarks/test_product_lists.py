"""Product lists, against astroquery's reader, and a loop written as jwst_mast_query documents its own, in one run."""

import gc
import statistics
import time
import tracemalloc
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import requests
from astropy.table import Table, unique

from jwstmq_widgets.archives.account import Credential
from jwstmq_widgets.archives.answers import Answers
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast import MastArchive
from jwstmq_widgets.archives.parallel import Manners
from jwstmq_widgets.archives.productlists import list_products, read_listing
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Slow
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import products_table, select

pytestmark = pytest.mark.benchmark

ROWS = 100_000
PROGRAMS = (1345, 1138, 2733, 1386, 2609, 1324)  # together as many observations and files as a large program
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


@pytest.fixture(scope="module")
def shared(rows: list[dict[str, Any]]) -> bytes:
    """100,000 rows as they come: files with several parents."""
    return answer_of(rows, ROWS)


@pytest.fixture(scope="module")
def distinct(rows: list[dict[str, Any]]) -> bytes:
    """100,000 rows of as many files: the hardest case, where nothing but the repeated texts is shared."""
    return answer_of(list({row["dataURI"]: row for row in rows}.values()), ROWS)


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


def peak(work: Callable[[], Any]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("which", "least"), [("shared", 3.0), ("distinct", 2.5)])
def test_a_large_list_is_read_faster_than_by_astroquery(
    which: str, least: float, request: pytest.FixtureRequest, record_property: Any, tmp_path: Path
) -> None:
    body = request.getfixturevalue(which)
    for our_table, their_table in zip(ours(body), theirs(body), strict=True):
        assert np.array_equal(np.sort(their_table["dataURI"]), np.sort(our_table["dataURI"]))
    # The processor's time, which other work on the machine does not change.
    us = seconds(lambda: ours(body), runs=3, clock=time.process_time)
    them = seconds(lambda: theirs(body), runs=1, clock=time.process_time)
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


@pytest.mark.parametrize(("shared", "most"), [(True, 0.5), (False, 0.8)], ids=["shared", "distinct"])
def test_a_large_list_takes_less_memory_than_with_astroquery(
    shared: bool, most: float, rows: list[dict[str, Any]], record_property: Any
) -> None:
    body = answer_of(rows if shared else list({row["dataURI"]: row for row in rows}.values()), ROWS // 5)
    us, them = peak(lambda: ours(body)), peak(lambda: theirs(body))
    print(f"\n{ROWS // 5:,} rows: ours {us / 1e6:.0f} MB, astroquery {them / 1e6:.0f} MB: {us / them:.2f}")
    record_property("ratio", us / them)
    assert us / them <= most


def test_ten_times_the_rows_take_ten_times_as_long(rows: list[dict[str, Any]], record_property: Any) -> None:
    one = seconds(partial(ours, answer_of(rows, ROWS)), runs=5, clock=time.process_time)
    ten = seconds(partial(ours, answer_of(rows, 10 * ROWS)), runs=1, clock=time.process_time)
    print(f"\n{ROWS:,} rows {one:.2f} s, {10 * ROWS:,} rows {ten:.2f} s, ratio {ten / one:.1f}")
    record_property("ratio", ten / one)
    assert ten / one <= 14


def test_four_connections_beat_one_question_after_the_other(faulty_archive: LocalArchive, record_property: Any) -> None:
    host = Host.at(faulty_archive.url)
    found = [MastArchive(host).observations(Query(program=program))["obsid"].tolist() for program in PROGRAMS]
    obsids = tuple(obsid for some in found for obsid in some)[:264]
    faulty_archive.faults = (Slow(path="Mast.Caom.Products", latency=0.1),)
    tables: dict[str, Table] = {}

    def us() -> None:
        listing = list_products(host, Credential("", host), obsids, manners=Manners())
        tables["ours"] = products_table(listing, archive=host.url)

    def them() -> None:
        tables["theirs"] = in_twos(host.url, obsids)

    ours_took = seconds(us, runs=1, clock=time.perf_counter)
    theirs_took = seconds(them, runs=1, clock=time.perf_counter)
    assert np.array_equal(np.sort(tables["ours"]["dataURI"]), np.sort(tables["theirs"]["dataURI"]))
    ratio = theirs_took / ours_took
    print(
        f"\n{len(obsids)} observations, {len(tables['ours']):,} files, 100 ms a request: "
        f"ours {ours_took:.2f} s, in twos {theirs_took:.2f} s, ratio {ratio:.1f}"
    )
    record_property("ratio", ratio)
    assert ratio >= 4


def in_twos(url: str, obsids: tuple[str, ...]) -> Table:
    """A loop as jwst_mast_query's, not the tool itself: two observations a request, one after the other."""
    from astropy.table import vstack
    from astroquery.mast import Observations

    tables = []
    with requests.Session() as session, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for start in range(0, len(obsids), 2):
            request = {"service": "Mast.Caom.Products", "format": "json", "pagesize": 50000, "page": 1}
            request["params"] = {"obsid": ",".join(obsids[start : start + 2])}
            response = session.post(
                f"{url}/api/v0/invoke", data={"request": orjson.dumps(request).decode()}, timeout=60
            )
            assert response.json()["status"] == "COMPLETE"
            tables.append(Observations._parse_result([response]))
        return unique(vstack(tables, metadata_conflicts="silent"), keys="dataURI")
