"""The search form in JupyterLab, in a real Chromium."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, expect

import jwstmq_widgets as jw
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Slow
from tests.browser.lab import Lab, Notebook

OPEN = """
import jwstmq_widgets as jw
exploration = jw.Exploration({url!r}, destination="data")
assert exploration.wait(60)
form = jw.SearchPanel(exploration)
form
"""


@pytest.fixture(scope="module")
def opened(lab: Lab, browser: Browser, local_archive: LocalArchive) -> Iterator[Notebook]:
    """A notebook with a search form."""
    with lab.notebook(browser, "search", loaded=True) as notebook:
        notebook.run_cell(OPEN.format(url=local_archive.url))
        yield notebook
        assert not notebook.errors
        assert not notebook.strangers


@pytest.fixture
def form(opened: Notebook, faulty_archive: LocalArchive) -> Iterator[Locator]:
    """The form, with nothing typed in it."""
    form = opened.page.locator(".jwstmq-search")
    expect(form.get_by_label("MIRI", exact=True)).to_be_attached()
    yield form
    faulty_archive.faults = ()
    tab(form, "Program").click()
    form.get_by_role("button", name="Clear", exact=True).click()
    expect(said(form)).not_to_contain_text("observations")


def tab(form: Locator, name: str) -> Locator:
    return form.get_by_role("tab", name=name)


def said(form: Locator) -> Locator:
    return form.locator(".jwstmq-search-go")


def test_a_moment_after_typing_the_number_and_the_sentence_are_there(form: Locator, opened: Notebook) -> None:
    form.get_by_label("Program", exact=True).press_sequentially("2733")
    expect(said(form)).to_contain_text("10 observations")
    expect(form.locator(".jwstmq-search-sentence")).to_have_text("program 2733")
    assert opened.value("len(exploration.observations)") == 0


def test_fields_that_do_not_apply_disappear(form: Locator) -> None:
    observations, modes = form.get_by_label("Observations", exact=True), form.get_by_label("slitless", exact=True)
    expect(observations).to_be_hidden()
    form.get_by_label("Program", exact=True).fill("2733")
    expect(observations).to_be_visible()
    expect(modes).to_have_count(0)
    form.get_by_label("MIRI", exact=True).check()
    expect(modes).to_be_visible()
    earliest = form.get_by_label("Earliest date, ISO or MJD")
    expect(earliest).to_be_hidden()
    form.get_by_label("Observed", exact=True).select_option("between")
    expect(earliest).to_be_visible()
    tab(form, "Target").click()
    expect(form.get_by_label("Radius", exact=True)).to_be_hidden()
    form.get_by_label("Target", exact=True).fill("151.757 -40.436")
    expect(form.get_by_label("Radius", exact=True)).to_be_visible()
    expect(form.get_by_label("Resolver", exact=True)).to_be_hidden()


def test_the_place_of_a_target_is_told(form: Locator) -> None:
    tab(form, "Target").click()
    form.get_by_label("Target", exact=True).fill("NGC 3132")
    expect(form.locator(".jwstmq-search-place")).to_contain_text("151.75511")
    expect(said(form)).to_contain_text("10 observations")


def test_what_is_typed_on_is_never_overwritten(form: Locator, faulty_archive: LocalArchive) -> None:
    program = form.get_by_label("Program", exact=True)
    faulty_archive.faults = [Slow(latency=0.6)]
    program.fill("27")
    expect(said(form)).to_contain_text("counting")
    program.press_sequentially("33", delay=350)
    expect(said(form)).to_contain_text("10 observations")
    expect(program).to_have_value("2733")


def test_programs_are_suggested_with_their_titles(form: Locator) -> None:
    program = form.get_by_label("Program", exact=True)
    program.press_sequentially("27")
    option = form.page.locator(f"#{program.get_attribute('list')} option[value='2733']")
    expect(option).to_have_attribute("label", "JWST Early Release Observation 7 · Pontoppidan, Klaus M.")
    filters = form.get_by_label("Filters", exact=True)
    filters.press_sequentially("F770W, F11")
    expect(form.page.locator(f"#{filters.get_attribute('list')} option[value='F770W, F1130W']")).to_be_attached()


def test_types_of_exposures_are_suggested_and_go_with_what_was_planned(form: Locator) -> None:
    form.get_by_text("More", exact=True).click()
    form.get_by_label("MIRI", exact=True).check()
    kinds = form.get_by_label("Exposures", exact=True)
    kinds.press_sequentially("MIR_MRS, MIR_L")
    offered = form.page.locator(f"#{kinds.get_attribute('list')} option")
    expect(offered).to_have_count(3)
    expect(form.page.locator(f"#{kinds.get_attribute('list')} option[value='MIR_MRS, MIR_LYOT']")).to_be_attached()
    kinds.fill("MIR_MSR")
    expect(form.get_by_text("did you mean 'MIR_MRS'?")).to_be_visible()
    kinds.fill("MIR_MRS")
    expect(form.locator(".jwstmq-search-sentence")).to_have_text("MIRI · MIR_MRS")
    form.get_by_label("Status", exact=True).select_option("planned")
    expect(kinds).to_be_hidden()
    form.get_by_label("Status", exact=True).select_option("")
    form.get_by_text("More", exact=True).click()


def test_escape_cancels_a_search(form: Locator, faulty_archive: LocalArchive) -> None:
    program = form.get_by_label("Program", exact=True)
    program.fill("1324")
    expect(said(form)).to_contain_text("observations")
    faulty_archive.faults = [Slow(latency=30)]
    program.press("Enter")
    expect(form.get_by_role("button", name="Cancel")).to_be_visible()
    program.press("Escape")
    expect(said(form)).to_contain_text("cancelled")
    expect(program).to_be_focused()


def test_something_wrong_under_another_tab_is_told_below(form: Locator) -> None:
    form.get_by_label("Program", exact=True).fill("ring")
    sentence = form.get_by_text("'ring' is not a number")
    expect(sentence).to_have_count(1)
    tab(form, "Target").click()
    expect(form.locator("form > .jwstmq-problem")).to_contain_text("'ring' is not a number")


def test_a_search_is_saved_under_a_name_and_comes_back(form: Locator) -> None:
    form.get_by_label("Program", exact=True).fill("2733")
    form.get_by_text("Saved searches").click()
    name = form.get_by_label("Name for this search")
    name.fill("southern ring")
    name.press("Enter")
    entry = form.get_by_role("button", name="southern ring", exact=True)
    expect(entry).to_be_visible()
    form.get_by_role("button", name="Clear", exact=True).click()
    expect(form.get_by_label("Program", exact=True)).to_have_value("")
    entry.click()
    expect(form.get_by_label("Program", exact=True)).to_have_value("2733")
    form.get_by_role("button", name="Forget southern ring").click()
    expect(entry).to_have_count(0)
    form.get_by_text("Saved searches").click()


def test_keywords_are_explained_and_counted(form: Locator, archive_url: str) -> None:
    tab(form, "Keywords").click()
    keyword = form.get_by_label("Keyword", exact=True).first
    keyword.fill("exp_type")
    form.get_by_label("Value", exact=True).first.fill("MIR_IMAGE")
    expect(form.locator(".jwstmq-keyword").first).to_contain_text("Type of data in the exposure")
    count = jw.open_archive(archive_url).count(jw.Query(keywords={"exp_type": "MIR_IMAGE"}))
    expect(said(form)).to_contain_text(f"{count} observations")
    expect(form.get_by_label("Keyword", exact=True)).to_have_count(2)
