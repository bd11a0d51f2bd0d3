"""The Explorer with 100,000 and with 1,000,000 files of the local archive's survey, in a real Chromium.

The tests of one length use one notebook, in which each puts back what it changed.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from jwstmq_widgets.localarchive import LocalArchive
from tests.browser.lab import Lab, Notebook

LONG = 300_000  # ms; a million files come in 20 s on two idle cores
ROW = 28  # px
NAME = re.compile(r"^jw99001")
START = """
import jwstmq_widgets as jw
explorer = jw.Explorer(jw.Query(program=99001), archive={url!r}, destination="survey-files")
exploration = explorer.exploration
explorer
"""

Screenshot = Callable[[Page | Locator, str], Path]


@dataclass(frozen=True)
class Survey:
    """A survey that is open in a notebook."""

    notebook: Notebook
    files: int

    @property
    def explorer(self) -> Locator:
        return self.notebook.page.locator(".jwstmq-explorer")

    @property
    def grid(self) -> Locator:
        return self.explorer.locator(".jwstmq-tab-products")

    @property
    def viewport(self) -> Locator:
        return self.grid.locator(".ag-body-viewport")

    @property
    def matched(self) -> Locator:
        return self.grid.locator(".jwstmq-grid-matched")

    @property
    def summary(self) -> Locator:
        return self.grid.locator(".jwstmq-grid-summary")

    def row(self, number: int) -> Locator:
        return self.grid.locator(f'.ag-row[row-index="{number}"]')

    def name(self, number: int) -> Locator:
        return self.row(number).locator('[col-id="file"]')

    def header(self, name: str) -> Locator:
        return self.grid.get_by_role("columnheader", name=name, exact=True)


@pytest.fixture(scope="module", params=[100_000, 1_000_000])
def survey(request: pytest.FixtureRequest, lab: Lab, browser: Browser, catalogue_folder: Path) -> Iterator[Survey]:
    files = request.param
    with (
        LocalArchive(folder=catalogue_folder, survey=files) as archive,
        lab.notebook(browser, f"survey-{files}", width=1900) as notebook,
    ):
        survey = Survey(notebook, files)
        notebook.run_cell(START.format(url=archive.url))
        expect(survey.name(0)).to_have_text(NAME, timeout=LONG)  # while the rest still comes
        expect(survey.viewport).to_have_js_property("scrollHeight", files * ROW, timeout=LONG)
        yield survey
        assert not notebook.errors
        assert not notebook.strangers


def test_the_last_row_is_reached_with_few_bytes(survey: Survey, screenshot: Screenshot) -> None:
    expect(survey.summary).to_contain_text(f"{survey.files:,} files · ")
    before = survey.notebook.received
    survey.viewport.evaluate("element => { element.scrollTop = element.scrollHeight; }")
    expect(survey.name(survey.files - 1)).to_have_text(NAME)
    screenshot(survey.explorer, f"survey-{survey.files}-end")
    survey.viewport.evaluate("element => { element.scrollTop = 0; }")
    expect(survey.name(0)).to_have_text(NAME)
    assert survey.notebook.received - before < 300_000


def test_a_header_sorts_all_rows(survey: Survey) -> None:
    last = f"jw99001{survey.files // 10_000 * 9:03d}001"
    survey.header("File").click()
    expect(survey.name(0)).to_have_text(re.compile("^jw99001-o001_"))
    survey.header("File").click()
    expect(survey.name(0)).to_have_text(re.compile(f"^{last}"))
    survey.header("File").click()
    expect(survey.name(0)).to_have_text("jw99001-o001_t001_nircam_clear-f444w_i2d.fits")


def test_a_filter_narrows_all_rows(survey: Survey) -> None:
    survey.grid.get_by_label("Filter Detector").fill("nrcalong")
    expect(survey.matched).to_have_text(f"{survey.files // 10_000 * 224:,} match")
    survey.grid.get_by_label("Search files").fill("o001 crf.fits")
    expect(survey.matched).to_have_text("8 match")
    survey.grid.get_by_role("button", name="Clear filters").click()
    expect(survey.matched).to_have_text("")


def test_a_click_on_a_facet_narrows_all_rows(survey: Survey) -> None:
    if not survey.grid.get_by_role("group", name="Facets").is_visible():
        survey.grid.get_by_role("button", name="Facets").click()
    number = survey.notebook.value("int((exploration.shown['instrument'] == 'NIRISS').sum())")
    assert 0 < number < survey.files
    survey.grid.get_by_role("group", name="Instrument").get_by_role("checkbox", name="NIRISS").click(timeout=60_000)
    expect(survey.matched).to_have_text(f"{number:,} match")
    survey.grid.get_by_role("button", name="Clear filters").click()
    expect(survey.matched).to_have_text("")


def test_all_that_match_are_ticked_and_one_is_unticked(survey: Survey) -> None:
    number = survey.files // 10_000 * 224
    survey.grid.get_by_label("Filter Detector").fill("nrcalong")
    expect(survey.matched).to_have_text(f"{number:,} match")
    box = survey.row(2).get_by_role("checkbox")
    survey.grid.locator(".ag-header").get_by_role("checkbox").click()
    expect(box).to_be_checked()
    expect(survey.summary).to_contain_text(f"{number:,} of {survey.files:,} files")
    box.click()
    expect(box).not_to_be_checked()
    expect(survey.summary).to_contain_text(f"{number - 1:,} of {survey.files:,} files")
    survey.grid.get_by_role("button", name="Clear filters").click()
    survey.grid.get_by_role("button", name="Clear ticks").click()
    expect(survey.summary).to_contain_text(re.compile(f"^{survey.files:,} files · "))


def test_all_files_are_ticked_at_once(survey: Survey) -> None:
    box = survey.grid.locator(".ag-header").get_by_role("checkbox")
    expect(box).to_have_attribute("aria-checked", "false")
    box.click()
    expect(survey.summary).to_contain_text(f"{survey.files:,} of {survey.files:,} files")
    survey.grid.get_by_role("button", name="Clear ticks").click()
    expect(box).to_have_attribute("aria-checked", "false")


def test_all_of_the_tree_is_opened_scrolled_and_ticked_with_few_bytes(survey: Survey) -> None:
    before = survey.notebook.received
    survey.explorer.get_by_role("tab", name="Program tree").click()
    tree = survey.explorer.get_by_role("treegrid")
    active = survey.explorer.locator(".jwstmq-tree-window .jwstmq-active")
    more = survey.explorer.get_by_role("button", name="Open one level more")
    expect(more).to_be_enabled()
    while more.is_enabled():
        lines = tree.get_attribute("aria-rowcount") or ""
        more.click()
        expect(tree).not_to_have_attribute("aria-rowcount", lines)
    lines = tree.get_attribute("aria-rowcount") or ""
    assert int(lines) > survey.files  # each file has a line, and so has whatever it belongs to
    tree.focus()
    tree.press("End")
    expect(active).to_have_attribute("aria-rowindex", lines)
    expect(active).to_contain_text(re.compile(r"jw99001\S+\.\w+"))
    assert survey.explorer.locator(".jwstmq-tree-line").count() < 80
    tree.press("Home")
    expect(active).to_have_attribute("aria-rowindex", "2")  # below the head
    tree.press("Space")
    expect(survey.summary).to_contain_text(f"{survey.files:,} of {survey.files:,} files")
    expect(active.get_by_role("checkbox")).to_be_checked()
    assert survey.notebook.received - before < 300_000
    tree.press("Space")
    expect(active.get_by_role("checkbox")).not_to_be_checked()
    survey.notebook.wait_for("not len(exploration.selected)")
    survey.explorer.get_by_role("button", name="Close all").click()
    survey.explorer.get_by_role("tab", name="Products").click()
    expect(survey.name(0)).to_have_text(NAME)


def test_the_saved_notebook_holds_no_rows_even_with_the_widgets_state(survey: Survey) -> None:
    text = survey.notebook.save_with_widgets()
    assert "AgGridModel" in text
    assert "mast:JWST/product/jw99001" not in text
    assert "jw99001" not in text.replace("program=99001", "")
    assert len(text.encode()) < 300_000
