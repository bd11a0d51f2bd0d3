"""Fixtures for tests in a real browser: one JupyterLab and one Chromium for all, a new notebook for each."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.browser.lab import Lab, Notebook, running_lab

expect.set_options(timeout=20_000)  # ms; a busy machine is no failure
OUTPUT = Path(__file__).parents[1] / "output"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of an installed Chromium or Chrome."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        sentence = "no Chromium here; install one (Debian, Ubuntu: apt-get install chromium), or Google Chrome"
        if os.environ.get("CI"):
            pytest.fail(sentence)
        pytest.skip(sentence)
    return path


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def lab(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@pytest.fixture
def notebook(lab: Lab, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Notebook]:
    """A new notebook; at the end no error must be in its console, and no request may have left the machine."""
    with lab.notebook(browser, re.sub(r"\W+", "-", request.node.name), loaded=True) as notebook:
        yield notebook
        assert not notebook.errors
        assert not notebook.strangers


@pytest.fixture
def screenshot() -> Callable[[Page | Locator, str], Path]:
    """Keep a picture of a page, or of a part of it, as test output."""

    def take(shown: Page | Locator, name: str) -> Path:
        OUTPUT.mkdir(exist_ok=True)
        path = OUTPUT / f"{name}.png"
        shown.screenshot(path=path)
        return path

    return take
