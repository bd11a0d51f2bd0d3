"""What the tests of the downloads share."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.downloads import Manners, Plan, plan
from jwstmq_widgets.localarchive import LocalArchive
from tests.downloads.origin import Origin, origin_server

HASTY = Manners(backoff=0.01, stall_timeout=20.0)
"""Manners of a test that does not wait between tries; a busy machine is no stall."""
IMPATIENT = replace(HASTY, stall_timeout=0.5)
"""The same where something stalls for good."""

MakePlan = Callable[..., Plan]


def fits_bytes(size: int = 5 * 2880, *, seed: int = 0) -> bytes:
    """Make a FITS file of a primary header and one image of bytes; ``size`` is a multiple of 2880, two at least."""
    count = size - 2880
    cards = ["SIMPLE  =                    T", "BITPIX  =                    8", "NAXIS   =                    1",
             f"NAXIS1  = {count:>20}", "END"]  # fmt: skip
    header = "".join(card.ljust(80) for card in cards).ljust(2880).encode()
    return header + np.random.default_rng(seed).integers(0, 256, count, dtype=np.uint8).tobytes()


def products_of(files: dict[str, tuple[str, int]], archive: str) -> Table:
    """Make a table of products: dataURI to name and size."""
    table = Table(meta={"archive": archive})
    table["dataURI"] = np.array(list(files), dtype=str)
    table["productFilename"] = np.array([name for name, _ in files.values()], dtype=str)
    table["size"] = np.array([size for _, size in files.values()], dtype=np.int64)
    table["obs_id"] = np.array([name.rpartition("_")[0] for name, _ in files.values()], dtype=str)
    table["dataRights"] = np.array(["PUBLIC"] * len(files), dtype=str)
    return table


@pytest.fixture(scope="session")
def local_archive(catalogue_folder: Path) -> Iterator[LocalArchive]:
    """A running local archive for downloads alone: elsewhere, clients that were left may still hold connections."""
    with LocalArchive(folder=catalogue_folder) as archive:
        yield archive


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A server that says what the test tells it to."""
    with origin_server() as server:
        yield server


@pytest.fixture
def other() -> Iterator[Origin]:
    """Another such server: a host that is not the archive's."""
    with origin_server() as server:
        yield server


@pytest.fixture
def plan_of(origin: Origin, tmp_path: Path) -> MakePlan:
    """Makes a flat plan for all files of the origin; ``sizes`` replaces what the catalogue says."""

    def make(*, sizes: dict[str, int] | None = None, to: Path | None = None, clobber: bool = False) -> Plan:
        files = {
            f"mast:JWST/product/{name}": (name, (sizes or {}).get(name, len(content)))
            for name, content in origin.files.items()
        }
        archive = open_archive(origin.url)
        return plan(
            products_of(files, origin.url), to=to or tmp_path / "data", layout="flat", clobber=clobber, archive=archive
        )

    return make
