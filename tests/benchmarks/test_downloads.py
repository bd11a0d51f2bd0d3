"""Downloads against astroquery's, in one run, on one local archive: ratios, since milliseconds belong to a machine.

Each side runs in a process of its own that imports and asks first, and times only its download loop. Peak memory is
the growth of the process's high-water mark (``VmHWM``) over that loop. Verification and progress are on, on our side.
"""

import json
import statistics
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from astropy.table import Table

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.localarchive import LocalArchive, faults
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import select

pytestmark = pytest.mark.benchmark

COMMON = textwrap.dedent(
    """
    import json, sys, time
    from astropy.table import Table

    def peak():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

    url, table, folder = sys.argv[1:]
    products = Table.read(table)
    """
)
OURS = COMMON + textwrap.dedent(
    """
    from jwstmq_widgets.archives import open_archive
    from jwstmq_widgets.downloads import download, plan
    archive = open_archive(url)
    before, began = peak(), time.perf_counter()
    manifest = download(plan(products, to=folder, archive=archive), progress=lambda now: None)
    seconds = time.perf_counter() - began
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    print(json.dumps({"seconds": seconds, "memory": peak() - before}))
    """
)
THEIRS = COMMON + textwrap.dedent(
    """
    from astroquery.mast import Observations as observations
    portal = observations._portal_api_connection  # conf.server is read once, at import
    portal.MAST_DOWNLOAD_URL = url + "/api/v0.1/Download/file"
    before, began = peak(), time.perf_counter()
    manifest = observations.download_products(products, download_dir=folder, verbose=VERBOSE)
    seconds = time.perf_counter() - began
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}, set(manifest["Message"].tolist())
    print(json.dumps({"seconds": seconds, "memory": peak() - before}))
    """
)


def run(program: str, url: str, products: Table, folder: Path) -> dict[str, float]:
    table = folder.parent / "products.ecsv"
    if not table.exists():
        products.write(table)
    command = [sys.executable, "-c", program, url, str(table), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def compare(url: str, products: Table, tmp_path: Path, *, rounds: int, verbose: bool) -> tuple[float, float, float]:
    """Run both in turns; gives median seconds of ours and theirs, and our greatest growth in memory (bytes)."""
    theirs_program = THEIRS.replace("VERBOSE", str(verbose))
    ours, theirs, memory = [], [], []
    for number in range(rounds):
        mine = run(OURS, url, products, tmp_path / f"ours{number}")
        ours.append(mine["seconds"])
        memory.append(mine["memory"])
        theirs.append(run(theirs_program, url, products, tmp_path / f"theirs{number}")["seconds"])
    return statistics.median(ours), statistics.median(theirs), max(memory)


def products_of(url: str, **wanted: object) -> Table:
    archive = open_archive(url)
    products = select(archive.products(archive.observations(Query(program=2733, instrument="miri"))), **wanted)
    return products[
        "obsID",
        "obs_collection",
        "obs_id",
        "dataURI",
        "productFilename",
        "size",
        "dataRights",
        "program",
        "observation",
    ]


def test_small_files_at_100_ms_are_many_times_faster_than_astroquery(
    faulty_archive: LocalArchive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    products = products_of(faulty_archive.url, filetypes="jpg")[:40]
    faulty_archive.faults = [faults.Slow(path="*.jpg", latency=0.1)]
    ours, theirs, _ = compare(faulty_archive.url, products, tmp_path, rounds=1, verbose=True)
    with capsys.disabled():
        print(
            f"\n{len(products)} small files at 100 ms: {ours:.2f} s at 4 connections, astroquery {theirs:.2f} s: "
            f"{theirs / ours:.1f} times; the limit of 4 connections is {len(products) / 4 * 0.1:.2f} s"
        )
    assert theirs / ours >= 3


@pytest.mark.parametrize("verbose", [True, False])
def test_large_files_are_faster_than_astroquery_and_take_no_memory(
    big: tuple[str, Table], disk: Path, capsys: pytest.CaptureFixture[str], verbose: bool
) -> None:
    url, products = big
    size = int(products["size"].sum())
    ours, theirs, memory = compare(url, products, disk, rounds=1, verbose=verbose)
    with capsys.disabled():
        print(
            f"\n{len(products)} files, {size / 1e6:.0f} MB in all: {size / ours / 1e6:.0f} MB/s, "
            f"astroquery (verbose={verbose}) {size / theirs / 1e6:.0f} MB/s: {theirs / ours:.2f} times; "
            f"our memory grew by {memory / 1e6:.1f} MB"
        )
    assert memory < 40e6
    if not verbose:  # astroquery's quiet way holds each file in memory
        assert theirs / ours >= 1.5
