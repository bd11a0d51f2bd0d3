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
    with lab.notebook(browser, "paused", loaded=True) as notebook:
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


BESIDE = """
import jwstmq_widgets as jw
explorer = jw.Explorer(jw.Query(program=2733, instrument="miri"), archive={url!r}, destination={name!r})
assert explorer.wait(60)
explorer.exploration.tick(explorer.products["dataURI"][explorer.products["filetype"] == "_cal.fits"].tolist()[:6])
explorer.exploration.tick(explorer.products["dataURI"][explorer.products["filetype"] == "_i2d.fits"].tolist()[:3])
assert explorer.wait(60)
jw.DownloadPanel(explorer.exploration)
"""


def test_a_notebook_that_is_opened_again_shows_the_download_that_still_runs(
    lab: Lab, browser: Browser, faulty_archive: LocalArchive, screenshot: Screenshot
) -> None:
    faulty_archive.faults = [Slow(path="*_cal.fits", rate=5_000)]
    with lab.notebook(browser, "opened-again", loaded=True) as notebook:
        notebook.run_cell(BESIDE.format(url=faulty_archive.url, name="again"))
        notebook.page.locator(".jwstmq-download").get_by_role("button", name="Download 9").click()
        bar = notebook.page.get_by_role("progressbar", name="Download")
        expect(bar).to_be_visible()
        notebook.reload()
        notebook.run_cell("explorer")
        expect(bar).to_be_visible()
        expect(notebook.page.locator(".jwstmq-download")).to_contain_text("of 9 files")
        assert notebook.value("explorer.exploration.jobs['download'].state") == "running"
        screenshot(notebook.page, "download-opened-again")
        notebook.page.get_by_role("button", name="Cancel").click()
        notebook.wait_for("explorer.exploration.manifest is not None")
        assert not notebook.errors


def test_before_it_counts_and_after_it_loads_and_leaves_script_and_manifest(
    lab: Lab, browser: Browser, local_archive: LocalArchive, screenshot: Screenshot
) -> None:
    with lab.notebook(browser, "beside", width=900, height=700, loaded=True) as notebook:
        notebook.run_cell(BESIDE.format(url=local_archive.url, name="beside"))
        panel = notebook.page.locator(".jwstmq-download")
        panel.get_by_text("By file type and observation").click()
        expect(panel.get_by_role("row").nth(1)).to_contain_text("to fetch")
        for theme in ("light", "dark"):
            notebook.theme(theme)
            screenshot(notebook.page, f"download-before-{theme}")
        panel.get_by_role("button", name="Download 9").click()
        expect(panel).to_contain_text("9 files downloaded")
        expect(panel.get_by_role("row").nth(1)).to_contain_text("here")
        panel.get_by_text("Open in Python, save a script").click()
        panel.get_by_role("button", name="Copy").click()
        expect(panel.get_by_role("button", name="Copied")).to_be_visible()
        panel.get_by_role("button", name="Save as shell script").click()
        expect(panel).to_contain_text("jwst-download.sh")
        screenshot(notebook.page, "download-after-dark")
        notebook.theme("light")
        panel.get_by_role("button", name="Save MANIFEST.html").click()
        expect(panel).to_contain_text("beside/MANIFEST.html")
        screenshot(notebook.page, "download-after-light")
        assert (lab.folder / "beside" / "jwst-download.sh").is_file()
        assert not notebook.errors
