"""The local archive, for every test that asks one."""

from collections.abc import Iterator

import pytest

from jwstmq_widgets.localarchive import LocalArchive


@pytest.fixture(scope="session")
def local_archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalArchive]:
    """A running local archive, shared by all tests; nothing goes wrong in it."""
    with LocalArchive(folder=tmp_path_factory.mktemp("catalogue")) as archive:
        yield archive


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
