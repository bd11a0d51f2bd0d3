"""The local archive, for every test that asks one."""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jwstmq_widgets.localarchive import LocalArchive


def pytest_configure() -> None:
    # A shell that starts the tests in the background has them ignore interrupts, and so would the programs that the
    # tests start and interrupt. Only the main thread may change that.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGINT, signal.default_int_handler)


_LONGEST = ("browser", "archives/test_esa.py", "downloads/test_cluster.py", "clients")
"""Where the longest files of tests are. pytest-xdist gives out whole files: a long one at the end is waited for."""


_DRIVING = ("browser", "test_kernels.py", "test_lab.py", "test_saved_notebook.py")
"""Tests that drive Chromium, JupyterLab or a kernel, which a busy machine may keep from answering in any time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    if os.environ.get("CI"):  # where a second try is counted in the closing line, and the first one's trace is shown
        for item in items:
            if item.path.relative_to(here).as_posix().startswith(_DRIVING):
                item.add_marker(pytest.mark.flaky(reruns=1))

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(here).as_posix()
        return next((number for number, name in enumerate(_LONGEST) if path.startswith(name)), len(_LONGEST))

    items.sort(key=place)


@pytest.fixture(scope="session")
def catalogue_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests' catalogue is kept, also by processes that they start: it is built once, for all workers."""
    session = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # whose own folder lies in that of the session
        session = session.parent
    folder = session / "catalogues"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, catalogue_folder: Path) -> Iterator[Path]:
    """Keep the user's cache, settings and token out of the tests, and the tests out of them."""
    cache = tmp_path_factory.mktemp("cache")
    (cache / "jwstmq_widgets").mkdir()
    (cache / "jwstmq_widgets" / "localarchive").symlink_to(catalogue_folder, target_is_directory=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        patch.delenv("MAST_API_TOKEN", raising=False)
        yield cache


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
