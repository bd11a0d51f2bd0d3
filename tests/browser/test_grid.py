"""The product grid in JupyterLab, in a real Chromium."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.lab import Lab, Notebook

ROOT = Path(__file__).parents[2]
START = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from jwstmq_widgets.exploration import Exploration, FileState
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.grid import ProductGrid
from tests.survey import SurveyArchive, survey
exploration = Exploration(SurveyArchive(3470), Query(program=2733), destination="data")
assert exploration.wait(60)
uris = exploration.products["dataURI"].tolist()
"""
SHOW = """
exploration.clear_ticks()
exploration._put(shown=exploration.products, states={})
grid = ProductGrid(exploration)
grid
"""

Screenshot = Callable[[Page | Locator, str], Path]


@pytest.fixture(scope="module")
def explored(lab: Lab, browser: Browser) -> Iterator[Notebook]:
    with lab.notebook(browser, "product-grid", loaded=True) as notebook:
        notebook.run_cell(START)
        yield notebook


@pytest.fixture
def shown(explored: Notebook) -> Iterator[Notebook]:
    """A notebook in which a new grid shows 3,470 files."""
    explored.clear()
    explored.run_cell(SHOW)
    expect(row(explored, 0).locator(".jwstmq-grid-tail")).to_be_visible()
    yield explored
    assert not explored.errors
    assert not explored.strangers


def grid(notebook: Notebook, number: int = -1) -> Locator:
    grids = notebook.page.locator(".jwstmq-grid")
    return grids.last if number < 0 else grids.nth(number)


def row(notebook: Notebook, number: int) -> Locator:
    return grid(notebook).locator(f'.ag-row[row-index="{number}"]')


def box(notebook: Notebook, number: int) -> Locator:
    return row(notebook, number).get_by_role("checkbox")


def column(notebook: Notebook, name: str, count: int) -> list[str]:
    return [row(notebook, number).locator(f'[col-id="{name}"]').inner_text() for number in range(count)]


def all_box(notebook: Notebook) -> Locator:
    return grid(notebook).locator(".ag-header").get_by_role("checkbox")


def summary(notebook: Notebook) -> Locator:
    return grid(notebook).locator(".jwstmq-grid-summary")


def header(notebook: Notebook, name: str) -> Locator:
    return grid(notebook).get_by_role("columnheader", name=name, exact=True)


def test_the_first_rows_and_the_sums_are_shown(shown: Notebook) -> None:
    assert row(shown, 0).locator('[col-id="file"]').text_content() == "jw02730000000001_02101_00001_mirimage_cal.fits"
    assert column(shown, "size", 4) == ["0 B", "1.0 kB", "2.0 kB", "–"]
    assert column(shown, "state", 1) == ["not here"]
    expect(summary(shown)).to_contain_text("3,470 files · ")


def test_a_header_sorts_all_rows_and_shift_adds_a_column(shown: Notebook) -> None:
    header(shown, "Size").click()
    header(shown, "Size").click()
    expect(row(shown, 0).locator('[col-id="size"]')).to_have_text("3.5 MB")
    header(shown, "Detector").click()
    expect(row(shown, 0).locator('[col-id="detector"]')).to_have_text("mirimage")
    header(shown, "Size").click(modifiers=["Shift"])
    expect(row(shown, 1).locator('[col-id="size"]')).to_have_text("4.0 kB")


def test_search_and_filters_narrow_and_one_button_clears_them(shown: Notebook) -> None:
    grid(shown).get_by_label("Search files").fill("nrs1 uncal")
    matched = grid(shown).locator(".jwstmq-grid-matched")
    expect(matched).to_have_text("174 match")
    grid(shown).get_by_label("Filter Size").fill("> 3 MB")
    expect(matched).to_have_text("23 match")
    grid(shown).get_by_label("Filter File").fill("nothing like this")
    expect(grid(shown).locator(".jwstmq-grid-empty")).to_have_text("No file matches the filters.")
    grid(shown).get_by_role("button", name="Clear filters").click()
    expect(matched).to_have_text("")
    expect(grid(shown).get_by_label("Filter Size")).to_have_value("")
    expect(row(shown, 3).locator('[col-id="size"]')).to_have_text("–")


def test_a_filter_that_cannot_be_read_is_marked_and_explained(shown: Notebook) -> None:
    field = grid(shown).get_by_label("Filter Size")
    field.fill("big")
    expect(grid(shown).get_by_role("alert")).to_contain_text("'big' is no filter for Size; write for example > 10 MB")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.press("Escape")
    expect(grid(shown).get_by_role("alert")).to_be_hidden()
    expect(field).to_have_attribute("aria-invalid", "false")


def test_clicks_tick_a_row_and_with_shift_a_range(shown: Notebook) -> None:
    box(shown, 1).click()
    expect(box(shown, 1)).to_be_checked()
    box(shown, 5).click(modifiers=["Shift"])
    expect(box(shown, 5)).to_be_checked()
    expect(summary(shown)).to_contain_text("5 of 3,470 files · ")
    box(shown, 3).click()
    expect(summary(shown)).to_contain_text("4 of 3,470 files · ")
    shown.wait_for("sorted(uris.index(uri) for uri in exploration.ticked) == [1, 2, 4, 5]")


def test_the_header_ticks_all_that_match_and_unticks_them(shown: Notebook) -> None:
    grid(shown).get_by_label("Search files").fill("nrs1 uncal")
    expect(grid(shown).locator(".jwstmq-grid-matched")).to_have_text("174 match")
    all_box(shown).click()
    expect(summary(shown)).to_contain_text("174 of 3,470 files")
    shown.wait_for("len(exploration.ticked) == 174")
    grid(shown).get_by_role("button", name="Clear filters").click()
    expect(all_box(shown)).to_have_attribute("aria-checked", "mixed")
    expect(box(shown, 2)).to_be_checked()
    expect(box(shown, 1)).not_to_be_checked()
    grid(shown).get_by_role("button", name="Clear ticks").click()
    expect(all_box(shown)).to_have_attribute("aria-checked", "false")
    shown.wait_for("not exploration.ticked")


def test_the_keyboard_ticks_opens_and_searches_and_spares_the_notebook(shown: Notebook) -> None:
    cells = shown.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.cells.length")
    row(shown, 2).locator('[col-id="file"]').click()
    for key in ("ArrowDown", "Space", "d", "d", "x", "b"):
        shown.page.keyboard.press(key)
    expect(box(shown, 3)).to_be_checked()
    shown.page.keyboard.press("Enter")
    expect(summary(shown)).to_contain_text("1 of 3,470 files")
    shown.wait_for("grid.active_uri == uris[3]")
    shown.page.keyboard.press("/")
    expect(grid(shown).get_by_label("Search files")).to_be_focused()
    shown.page.keyboard.type("nrs1/")
    expect(grid(shown).get_by_label("Search files")).to_have_value("nrs1/")
    assert shown.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.cells.length") == cells


def test_a_double_click_opens_the_product(shown: Notebook) -> None:
    row(shown, 4).locator('[col-id="file"]').dblclick()
    shown.wait_for("grid.active_uri == uris[4]")
    shown.wait_for("not exploration.ticked")


def test_changes_elsewhere_repaint_the_rows_and_leave_the_place(shown: Notebook) -> None:
    place = "() => [...document.querySelectorAll('.jwstmq-grid .ag-body-viewport')].at(-1)"
    shown.page.evaluate(f"({place})().scrollTop = 2000 * 28")
    expect(row(shown, 2003).locator(".jwstmq-grid-tail")).to_be_visible()
    shown.value(
        "[exploration.tick([uris[2003]]), exploration._put(states={"
        "uris[2003]: FileState(kind='running', fraction=0.42),"
        "uris[2004]: FileState(kind='failed', message='the server said no'),"
        "uris[2005]: FileState(kind='here', fraction=1.0)})]"
    )
    expect(row(shown, 2003).locator('[col-id="state"]')).to_have_text("42 %")
    expect(box(shown, 2003)).to_be_checked()
    expect(row(shown, 2004).get_by_title("the server said no")).to_have_text("✕failed")
    expect(row(shown, 2005).locator('[col-id="state"]')).to_have_text("✓here")
    assert shown.page.evaluate(f"({place})().scrollTop") == 2000 * 28


def test_other_file_types_replace_the_rows(shown: Notebook) -> None:
    shown.value("[exploration.choose_filetypes([('2b', '_cal.fits')])]")
    expect(summary(shown)).to_contain_text("694 files")
    expect(row(shown, 1).locator('[col-id="file"]')).to_contain_text("_cal.fits")
    shown.value("[exploration._put(shown=survey(0), products=survey(0), as_of=None)]")
    expect(grid(shown).locator(".jwstmq-grid-empty")).to_have_text("Search for a program to see its files.")
    shown.value("[exploration._put(products=survey(3470))]")


def test_texts_of_the_archive_stay_texts(shown: Notebook) -> None:
    expect(row(shown, 2).locator('[col-id="target"]')).to_have_text("<img src=x onerror=alert(1)>")
    assert grid(shown).locator("img").count() == 0


def test_two_views_of_one_grid_agree(shown: Notebook) -> None:
    header(shown, "Size").click()
    shown.run_cell("grid")
    expect(grid(shown).locator(".jwstmq-grid-tail").first).to_be_visible()
    first, second = (grid(shown, number) for number in (0, 1))
    first.locator('.ag-row[row-index="2"]').get_by_role("checkbox").click()
    expect(second.locator('.ag-row[row-index="2"]').get_by_role("checkbox")).to_be_checked()
    for view in (first, second):
        expect(view.locator(".jwstmq-grid-summary")).to_contain_text("1 of 3,470 files")


def test_a_hundred_thousand_rows_are_scrolled_to_their_end(shown: Notebook) -> None:
    shown.value("[exploration._put(shown=survey(100_000))]")
    expect(summary(shown)).to_contain_text("100,000 files")
    before = shown.received
    viewport = grid(shown).locator(".ag-body-viewport")
    expect(viewport).to_have_js_property("scrollHeight", 100_000 * 28)
    viewport.evaluate("element => { element.scrollTop = element.scrollHeight; }")
    expect(row(shown, 99_999).locator(".jwstmq-grid-tail")).to_be_visible()
    header(shown, "File").click()
    header(shown, "File").click()
    viewport.evaluate("element => { element.scrollTop = 0; }")
    expect(row(shown, 0).locator('[col-id="file"]')).to_contain_text("jw02730099999001")
    assert shown.received - before < 300_000


@pytest.mark.parametrize(("name", "width"), [("wide", 1700), ("medium", 1020), ("narrow", 740)])
def test_nothing_is_cut_off(shown: Notebook, screenshot: Screenshot, name: str, width: int) -> None:
    kinds = ["here", "running", "failed", "waiting", "different", "partial"]
    shown.value(
        f"[exploration.tick(uris[1:4]), exploration._put(states={{uri: FileState(kind=kind, fraction=0.42)"
        f" for uri, kind in zip(uris, {kinds})}})]"
    )
    shown.page.set_viewport_size({"width": width, "height": 900})
    expect(row(shown, 3).locator('[col-id="state"]')).to_have_text("…waiting")
    shown.page.wait_for_function(
        """() => [...document.querySelectorAll(".jwstmq-grid .ag-center-cols-viewport")].every(
            (element) => element.clientWidth && element.scrollWidth <= element.clientWidth)"""
    )
    for cell in grid(shown).locator(".ag-row .jwstmq-grid-right, .ag-row .jwstmq-grid-state, .jwstmq-grid-badge").all():
        assert cell.evaluate("element => element.scrollWidth - element.clientWidth") <= 0
    for theme in ("dark", "light"):
        shown.theme(theme)
        screenshot(grid(shown), f"grid-{name}-{theme}")
    shown.page.set_viewport_size({"width": 1400, "height": 1000})


def test_a_page_that_is_loaded_again_fetches_its_rows_again(lab: Lab, browser: Browser) -> None:
    with lab.notebook(browser, "reload", loaded=True) as notebook:
        notebook.run_cell(START)
        notebook.run_cell(SHOW)
        header(notebook, "Size").click()
        header(notebook, "Size").click()
        expect(row(notebook, 0).locator('[col-id="size"]')).to_have_text("3.5 MB")
        grid(notebook).get_by_label("Filter Detector").fill("nrs1")
        expect(grid(notebook).locator(".jwstmq-grid-matched")).to_have_text("867 match")
        box(notebook, 1).click()
        expect(summary(notebook)).to_contain_text("1 of 3,470 files")
        notebook.save()
        notebook.reload()
        expect(row(notebook, 0).locator('[col-id="detector"]')).to_have_text("nrs1")
        expect(grid(notebook).get_by_label("Filter Detector")).to_have_value("nrs1")
        expect(box(notebook, 1)).to_be_checked()
        assert not notebook.errors


def test_a_kernel_that_restarts_leaves_a_sentence(lab: Lab, browser: Browser) -> None:
    with lab.notebook(browser, "restart", loaded=True) as notebook:
        notebook.run_cell(START)
        notebook.run_cell(SHOW)
        expect(row(notebook, 0).locator(".jwstmq-grid-tail")).to_be_visible()
        notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        trouble = grid(notebook).get_by_role("alert")
        expect(trouble).to_have_text("The kernel that made this grid has gone. Run the cell again.")
        box(notebook, 1).click()
        header(notebook, "Size").click()
        expect(trouble).to_be_visible()
        assert not notebook.errors


def test_while_a_cell_runs_the_states_go_on_and_requests_are_answered_in_the_end(shown: Notebook) -> None:
    shown.start_cell(
        """
import threading, time
running = threading.Event()
def work():
    running.set()
    for step in range(100):
        exploration._put(states={uris[0]: FileState(kind="running", fraction=step / 100)})
        time.sleep(0.02)
    exploration._put(states={uris[0]: FileState(kind="here", fraction=1.0)})
threading.Thread(target=work).start()
running.wait()
time.sleep(6)
"""
    )
    state = row(shown, 0).locator('[col-id="state"]')
    expect(state).to_contain_text("%")
    expect(state).to_have_text("✓here")
    header(shown, "Size").click()
    expect(grid(shown).get_by_role("alert")).to_be_hidden()
    expect(row(shown, 1).locator('[col-id="size"]')).to_have_text("1.0 kB")


def test_a_saved_notebook_holds_no_rows_even_with_the_widgets_state(lab: Lab, browser: Browser) -> None:
    with lab.notebook(browser, "saved", loaded=True) as notebook:
        notebook.run_cell(START)
        notebook.run_cell(SHOW)
        expect(row(notebook, 0).locator(".jwstmq-grid-tail")).to_be_visible()
        all_box(notebook).click()
        expect(summary(notebook)).to_contain_text("3,470 of 3,470 files")
        text = notebook.save_with_widgets()
        assert "AgGridModel" in text
        assert "mast:JWST" not in text
        assert len(text) < 100_000
