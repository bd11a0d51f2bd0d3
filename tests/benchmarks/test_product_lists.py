"""Product lists, against astroquery's own way, in the same run."""

import gc
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pytest
import requests
from astropy.table import Table, unique

from jwstmq_widgets.archives.account import Credential
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast import MastArchive
from jwstmq_widgets.archives.parallel import Manners
from jwstmq_widgets.archives.portal import joined, read_page
from jwstmq_widgets.archives.productlists import files_table, list_products
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Slow
from jwstmq_widgets.query import Query

pytestmark = pytest.mark.benchmark

ROWS = 100_000


@pytest.fixture(scope="module")
def program(local_archive: LocalArchive) -> tuple[MastArchive, Table]:
    archive = MastArchive(Host.at(local_archive.url))
    return archive, archive.observations(Query(program=2733))


@pytest.fixture(scope="module")
def large_answer(local_archive: LocalArchive, program: tuple[MastArchive, Table]) -> bytes:
    """The portal's answer for one program, repeated under other names until it has 100,000 rows."""
    request = {"service": "Mast.Caom.Products", "format": "json", "pagesize": 50000, "page": 1}
    request["params"] = {"obsid": ",".join(program[1]["obsid"])}
    body = {"request": orjson.dumps(request).decode()}
    answer = requests.post(f"{local_archive.url}/api/v0/invoke", data=body, timeout=60).json()
    rows, number = [], 0
    while len(rows) < ROWS:
        number += 1
        for row in answer["data"][: ROWS - len(rows)]:
            names = {key: row[key].replace("jw02733", f"jw{number:05d}") for key in ("dataURI", "productFilename")}
            rows.append({**row, **names})
    paging = {"page": 1, "pageSize": ROWS, "pagesFiltered": 1, "rows": ROWS}
    return orjson.dumps({**answer, "data": rows, "paging": paging})


def theirs(body: bytes) -> Table:
    """What get_unique_product_list does with an answer."""
    from astroquery.mast import ObservationsClass

    response = requests.Response()
    response.status_code, response._content, response.encoding = 200, body, "utf-8"
    assert response.json()["status"] == "COMPLETE"  # the request loop reads every answer once itself
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return unique(ObservationsClass()._parse_result([response]), keys="dataURI")


def ours(body: bytes) -> Table:
    host = Host.at("http://127.0.0.1:9")
    return files_table(joined([read_page(body, host=host).columns]), archive=host.url)


def seconds(work: Callable[[], Any], *, runs: int, clock: Callable[[], float]) -> float:
    taken = []
    for _ in range(runs):
        gc.collect()
        began = clock()
        work()
        taken.append(clock() - began)
    return statistics.median(taken)


def test_a_large_list_is_read_faster_than_by_astroquery(large_answer: bytes, record_property: Any) -> None:
    assert np.array_equal(np.sort(theirs(large_answer)["dataURI"]), np.sort(ours(large_answer)["dataURI"]))
    # The processor's time, which other work on the machine does not change.
    us = seconds(lambda: ours(large_answer), runs=3, clock=time.process_time)
    them = seconds(lambda: theirs(large_answer), runs=3, clock=time.process_time)
    files = len(ours(large_answer))
    print(f"\n{ROWS:,} rows, {files:,} files: ours {us:.2f} s, astroquery {them:.2f} s, ratio {them / us:.2f}")
    record_property("ratio", them / us)
    assert them / us >= 1.5


def test_four_connections_beat_one_question_after_the_other(faulty_archive: LocalArchive, record_property: Any) -> None:
    observations = MastArchive(Host.at(faulty_archive.url)).observations(Query(program=1138))
    faulty_archive.faults = (Slow(path="Mast.Caom.Products", latency=0.1),)
    host = Host.at(faulty_archive.url)
    obsids = tuple(observations["obsid"].tolist())
    in_twos = Manners(connections=1, first=2, largest=2)  # as jwst_mast_query asks

    def ask(manners: Manners) -> Callable[[], Any]:
        return lambda: list_products(host, Credential("", host), obsids, manners=manners)

    us = seconds(ask(Manners()), runs=1, clock=time.perf_counter)
    them = seconds(ask(in_twos), runs=1, clock=time.perf_counter)
    print(f"\n{len(obsids)} observations at 100 ms: ours {us:.2f} s, in twos {them:.2f} s, ratio {them / us:.1f}")
    record_property("ratio", them / us)
    assert them / us >= 3
