"""Large files, behind a server that is faster than any client."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from astropy.table import Table

from tests.benchmarks.fileserver import file_server, make_fits


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one, so that the disk's speed does not hide the clients'."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK) or shutil.disk_usage(memory).free < 4e9:
        yield tmp_path
    else:
        with tempfile.TemporaryDirectory(dir=memory) as folder:
            yield Path(folder)


@pytest.fixture
def big(disk: Path) -> Iterator[tuple[str, Table]]:
    """Four files of 250 MB: the server's address, and the products."""
    folder = disk / "served"
    folder.mkdir()
    names = [f"jw02733001001_0210{number}_00001_nrcb1_uncal.fits" for number in range(4)]
    for name in names:
        make_fits(folder / name, 250_000_000 // 2880 * 2880)
    products = Table()
    products["obsID"], products["obs_collection"] = ["1"] * 4, ["JWST"] * 4
    products["obs_id"] = [name.rpartition("_")[0] for name in names]
    products["dataURI"] = [f"mast:JWST/product/{name}" for name in names]
    products["productFilename"], products["size"] = names, [(folder / name).stat().st_size for name in names]
    with file_server(folder) as url:
        yield url, products
