"""Downloads on a cluster against the same downloads at home, with equal connections: what the way over it costs.

A cluster is no faster by itself, since manners allow it no more connections; what it brings is other machines' disks.
"""

import logging
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from astropy.table import Table
from distributed import Client, LocalCluster

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.downloads import download, plan
from jwstmq_widgets.localarchive import LocalArchive, faults
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import select

pytestmark = pytest.mark.benchmark


@pytest.fixture(scope="module")
def client() -> Iterator[Client]:
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with (
        LocalCluster(n_workers=2, threads_per_worker=2, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,
        Client(cluster) as made,
    ):
        yield made


def compare(url: str, products: Table, client: Client, tmp_path: Path, *, rounds: int) -> tuple[float, float]:
    """Download in turns, after one round that is not timed; gives median seconds at home and on the cluster."""
    archive = open_archive(url)
    seconds: dict[str, list[float]] = {"home": [], "cluster": []}
    for number in range(rounds + 1):
        for where, spent in seconds.items():
            decided = plan(products, to=tmp_path / f"{where}{number}", layout="flat", archive=archive)
            began = time.perf_counter()
            manifest = download(decided, cluster=client if where == "cluster" else None, progress=lambda _: None)
            if number:
                spent.append(time.perf_counter() - began)
            assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    return statistics.median(seconds["home"]), statistics.median(seconds["cluster"])


def test_small_files_at_100_ms_take_hardly_longer_on_a_cluster(
    faulty_archive: LocalArchive, client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = open_archive(faulty_archive.url)
    products = select(archive.products(archive.observations(Query(program=2733))), filetypes="jpg")[:60]
    bare = compare(faulty_archive.url, products, client, tmp_path / "bare", rounds=2)
    faulty_archive.faults = [faults.Slow(path="*.jpg", latency=0.1)]
    late = compare(faulty_archive.url, products, client, tmp_path / "late", rounds=2)
    each = (bare[1] - bare[0]) / len(products) * 1000
    with capsys.disabled():
        print(
            f"\n{len(products)} small files at 4 connections, cluster / home: {late[1] / late[0]:.2f} at 100 ms "
            f"({late[1]:.2f} s, {late[0]:.2f} s), {bare[1] / bare[0]:.2f} without latency ({each:+.1f} ms a file)"
        )
    assert late[1] / late[0] < 1.5
