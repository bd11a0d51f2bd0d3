"""Lists of products from ESA's face, against astroquery.esa.jwst's get_product_list, unmodified, in one run."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from jwstmq_widgets.archives.esa import EsaArchive
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.query import Query
from tests.benchmarks.largeprogram import NUMBER, large_catalogue

pytestmark = pytest.mark.benchmark

PEER = """
import json, sys, time
from astroquery.esa.jwst import Jwst
names, begun = json.loads(sys.stdin.read()), time.perf_counter()
files = set()
for name in names:
    files.update(str(file) for file in Jwst.get_product_list(observation_id=name)["filename"])
print("FILES", json.dumps([time.perf_counter() - begun, sorted(files)]))
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with one program of 17,000 files; gives its address."""
    with LocalArchive(folder=large_catalogue(tmp_path_factory.mktemp("large"))) as archive:
        yield f"{archive.url}/server"


def test_a_programs_files_are_listed_faster_than_one_observation_after_another(large: str, tmp_path: Path) -> None:
    archive = EsaArchive(Host.at(large))
    everything = archive.observations(Query(program=NUMBER))
    combined = everything[np.asarray(everything["calib_level"]) == 3]
    begun = time.perf_counter()
    products = archive.products(combined)
    ours = time.perf_counter() - begun
    assert len(combined) == 264
    seconds, files = peer(large, combined["obs_id"].tolist(), tmp_path)
    print(
        f"\n{len(combined)} observations, {len(products)} files: {ours:.1f} s; "
        f"get_product_list: {len(files)} files, {seconds:.1f} s; {seconds / ours:.1f} times as long"
    )
    assert set(files) == set(products["productFilename"].tolist())
    assert seconds > 5 * ours  # 11.4 and 13.4 seen on a busy machine


def test_a_whole_program_comes_in_one_go(large: str) -> None:
    archive = EsaArchive(Host.at(large))
    begun = time.perf_counter()
    everything = archive.observations(Query(program=NUMBER))
    listed = time.perf_counter() - begun
    products = archive.products(everything)
    print(
        f"\n{len(everything)} observations: {listed:.1f} s; "
        f"{len(products)} files: {time.perf_counter() - begun - listed:.1f} s"
    )
    assert len(products) > 15_000


def peer(url: str, names: list[str], home: Path) -> tuple[float, list[str]]:
    """Ask as astroquery's documentation does, in a process of its own: importing it changes the process."""
    (home / "config" / "astropy").mkdir(parents=True)
    text = f"[esa.jwst]\nJWST_TAP_SERVER = {url}/tap\nJWST_DATA_SERVER = {url}/data?\n"
    (home / "config" / "astropy" / "astroquery.cfg").write_text(text)
    environment = {**os.environ, "XDG_CONFIG_HOME": str(home / "config"), "XDG_CACHE_HOME": str(home)}
    environment["ASTROPY_CONFIG_DIR"] = str(home / "config" / "astropy")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PEER],
        input=json.dumps(names),
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
        env=environment,
        cwd=home,
    )
    [line] = [line for line in done.stdout.splitlines() if line.startswith("FILES ")]
    seconds, files = json.loads(line.removeprefix("FILES "))
    return seconds, files
