"""A download that is paused, continued and finished later, in a real Chromium."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Slow
from tests.browser.lab import Lab

pytestmark = pytest.mark.browser

Screenshot = Callable[[Page | Locator, str], Path]
OPEN = """
import jwstmq_widgets as jw
explorer = jw.Explorer(jw.Query(program=2733, instrument="miri"), archive={url!r}, destination="paused")
assert explorer.wait(60)
explorer.exploration.tick(explorer.products["dataURI"][explorer.products["filetype"] == "_cal.fits"].tolist()[:6])
assert explorer.wait(60)
explorer
"""


def test_a_download_is_paused_continued_and_finished_later(
    lab: Lab, browser: Browser, faulty_archive: LocalArchive, screenshot: Screenshot
) -> None:
    faulty_archive.faults = [Slow(path="*_cal.fits", rate=15_000)]
    with lab.notebook(browser, "paused") as notebook:
        notebook.run_cell(OPEN.format(url=faulty_archive.url))
        panel = notebook.page.locator(".jwstmq-download")
        panel.get_by_role("button", name="Download 6").click()
        panel.get_by_role("button", name="Pause").click()
        expect(panel.get_by_role("button", name="Continue", exact=True)).to_be_visible()
        expect(panel).to_contain_text("paused")
        screenshot(notebook.page, "download-paused")
        panel.get_by_role("button", name="Continue", exact=True).click()
        expect(panel.get_by_role("button", name="Pause")).to_be_visible()
        panel.get_by_role("button", name="Cancel").click()
        panel.get_by_role("button", name="Hide this line").click()
        expect(panel).to_contain_text("An earlier download left 6 files to do")
        screenshot(notebook.page, "download-unfinished")
        faulty_archive.faults = ()
        panel.get_by_role("button", name="Continue it").click()
        expect(panel).to_contain_text("6 files downloaded")
        assert not notebook.errors
