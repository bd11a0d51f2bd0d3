"""The local archive, for every test that asks one."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jwstmq_widgets.localarchive import LocalArchive


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep the user's cache, settings and token out of the tests, and the tests out of them."""
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.delenv("MAST_API_TOKEN", raising=False)
        yield cache


@pytest.fixture(scope="session")
def catalogue_folder(_own_cache: Path) -> Path:
    """Where the tests' catalogue is kept, also by processes that they start: it is built once."""
    return _own_cache / "jwstmq_widgets" / "localarchive"


@pytest.fixture(scope="session")
def local_archive(catalogue_folder: Path) -> Iterator[LocalArchive]:
    """A running local archive, shared by all tests; nothing goes wrong in it."""
    with LocalArchive(folder=catalogue_folder) as archive:
        yield archive


@pytest.fixture(scope="session")
def content_of(local_archive: LocalArchive, catalogue_folder: Path) -> Iterator[Callable[[str], bytes]]:
    """Give a file's bytes as the archive makes them, without asking its server."""
    from jwstmq_widgets.localarchive import pixels
    from jwstmq_widgets.localarchive.holdings import Holdings

    holdings = Holdings.open(catalogue_folder)

    def content(name: str) -> bytes:
        facts = holdings.file(name)
        assert facts is not None, f"{name} is not held"
        return b"".join(pixels.content(facts))

    yield content
    holdings.close()


@pytest.fixture
def archive_url(local_archive: LocalArchive) -> str:
    """Where the shared local archive is."""
    return local_archive.url


@pytest.fixture
def faulty_archive(local_archive: LocalArchive) -> Iterator[LocalArchive]:
    """The shared local archive, with an empty log, for a test that sets its faults; they are gone afterwards."""
    local_archive.faults = ()
    local_archive.clear_requests()
    yield local_archive
    local_archive.faults = ()
