"""Facets, columns, previews and exports of the grid in JupyterLab, in a real Chromium."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.lab import Lab, Notebook

ROOT = Path(__file__).parents[2]
START = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import numpy as np
from jwstmq_widgets.exploration import Exploration, FileState
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.grid import ProductGrid
from jwstmq_widgets.widgets.observationgrid import ObservationGrid
from tests.survey import SurveyArchive, survey
exploration = Exploration(SurveyArchive(3470), Query(program=2733), destination="data")
assert exploration.wait(60)
uris = exploration.products["dataURI"].tolist()
whole = exploration.products
"""
SHOW = """
exploration.clear_ticks()
exploration.clear_facets()
exploration._put(shown=whole, states={})
grid = ProductGrid(exploration)
grid
"""
HOSTILE = """
hostile = whole[:6].copy()
hostile["target_name"] = [
    "<img src=x onerror=alert(1)>", "\\u202egnp.exe", "x" * 10_000, "two\\nlines\\there", "=cmd|' /C calc'!A0",
    "\\u05d0\\u05d1",
]
hostile["productFilename"] = ["<svg onload=alert(2)>_cal.fits", *hostile["productFilename"][1:].tolist()]
hostile["filters"] = ["<b onclick=alert(3)>F1</b>", "\\u202eF2", "F3", "F4", "F5", "x" * 10_000]
exploration._put(shown=hostile)
"""

Screenshot = Callable[[Page | Locator, str], Path]


@pytest.fixture(scope="module")
def explored(lab: Lab, browser: Browser) -> Iterator[Notebook]:
    with lab.notebook(browser, "grid-choices", loaded=True) as notebook:
        notebook.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
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


def grid(notebook: Notebook) -> Locator:
    return notebook.page.locator(".jwstmq-grid").last


def row(notebook: Notebook, number: int) -> Locator:
    return grid(notebook).locator(f'.ag-row[row-index="{number}"]')


def value(notebook: Notebook, facet: str, name: str) -> Locator:
    return grid(notebook).get_by_role("group", name=facet).get_by_role("checkbox", name=name)


def open_facets(notebook: Notebook) -> Locator:
    rail = grid(notebook).get_by_role("group", name="Facets")
    if not rail.is_visible():
        grid(notebook).get_by_role("button", name="Facets").click()
    expect(rail).to_be_visible()
    return rail


def choose(notebook: Notebook, menu: str, item: str) -> None:
    grid(notebook).get_by_role("button", name=menu).click()
    grid(notebook).get_by_role("dialog").get_by_text(item, exact=True).first.click()


def test_facets_narrow_and_chips_lift(shown: Notebook) -> None:
    open_facets(shown)
    matched = grid(shown).locator(".jwstmq-grid-matched")
    expect(value(shown, "Detector", "nrs1")).to_contain_text("867")
    value(shown, "Detector", "nrs1").click()
    expect(matched).to_have_text("867 match")
    value(shown, "File type", "uncal.fits").click()
    expect(matched).to_have_text("174 match")
    expect(row(shown, 0).locator('[col-id="file"]')).to_contain_text("nrs1_uncal.fits")
    expect(value(shown, "Detector", "nrcb4")).to_contain_text("174")
    grid(shown).get_by_label("Filter Size").fill("> 3 MB")
    expect(matched).to_have_text("23 match")
    expect(value(shown, "Detector", "nrs1")).to_contain_text("23")
    chips = grid(shown).get_by_role("group", name="What narrows the rows")
    expect(chips.locator(".jwstmq-grid-chip")).to_have_text(
        ["Detector: nrs1×", "File type: uncal.fits×", "Size: > 3 MB×"]
    )
    chips.get_by_role("button", name="Lift Size: > 3 MB").click()
    expect(matched).to_have_text("174 match")
    chips.get_by_role("button", name="Lift Detector: nrs1").click()
    expect(matched).to_have_text("694 match")
    shown.wait_for("exploration.facets == {'type': {'_uncal.fits'}}")
    chips.get_by_role("button", name="Clear filters").click()
    expect(matched).to_have_text("")
    expect(chips).to_be_hidden()


def test_two_views_narrow_together(shown: Notebook) -> None:
    shown.run_cell("grid")
    views = shown.page.locator(".jwstmq-grid")
    expect(views.last.locator(".jwstmq-grid-tail").first).to_be_visible()
    shown.value("[exploration.choose_facet('detector', ['nrs1'])]")
    for number in (0, 1):
        expect(views.nth(number).locator(".jwstmq-grid-matched")).to_have_text("867 match")


def test_the_facets_lie_over_the_rows_where_there_is_no_room(shown: Notebook, screenshot: Screenshot) -> None:
    shown.page.set_viewport_size({"width": 900, "height": 900})
    rail = grid(shown).get_by_role("group", name="Facets")
    expect(rail).to_be_hidden()
    width = grid(shown).locator(".jwstmq-grid-rows").bounding_box()
    open_facets(shown)
    assert grid(shown).locator(".jwstmq-grid-rows").bounding_box() == width
    screenshot(grid(shown), "grid-facets-narrow")
    shown.page.keyboard.press("Escape")
    expect(rail).to_be_hidden()
    expect(grid(shown).get_by_role("button", name="Facets")).to_be_focused()
    shown.page.set_viewport_size({"width": 1400, "height": 1000})


def test_columns_are_chosen_and_remembered(shown: Notebook) -> None:
    header = grid(shown).get_by_role("columnheader", name="Visit", exact=True)
    expect(header).to_have_count(0)
    choose(shown, "Columns ▾", "Visit")
    expect(header).to_be_visible()
    grid(shown).get_by_role("dialog").get_by_text("Access", exact=True).click()
    expect(grid(shown).get_by_role("columnheader", name="Access", exact=True)).to_have_count(0)
    shown.wait_for("'access' in grid._chosen_columns['hidden']")
    shown.page.keyboard.press("Escape")
    shown.clear()
    shown.run_cell(SHOW)
    expect(header).to_be_visible()
    expect(grid(shown).get_by_role("columnheader", name="Access", exact=True)).to_have_count(0)
    choose(shown, "Columns ▾", "Reset columns")
    expect(header).to_have_count(0)
    expect(grid(shown).get_by_role("columnheader", name="Access", exact=True)).to_be_visible()
    shown.wait_for("not grid._chosen_columns['hidden']")


def test_columns_chosen_quickly_in_two_views_are_the_same_in_both_and_in_the_file(shown: Notebook) -> None:
    shown.run_cell("grid")
    views = shown.page.locator(".jwstmq-grid")
    expect(views.last.locator(".jwstmq-grid-tail").first).to_be_visible()
    headers = """(root) => [...root.querySelectorAll(".ag-header-row-column .ag-header-cell")]
        .map((cell) => cell.getAttribute("col-id")).sort().join(" ")"""
    usual = views.first.evaluate(headers)
    for number in (0, 1):
        views.nth(number).get_by_role("button", name="Columns ▾").click()
    # three clicks on two views within one turn of the browser; it tells the kernel of each view's last after 300 ms
    shown.page.evaluate(
        """() => {
            const [one, two] = document.querySelectorAll(".jwstmq-grid");
            for (const [view, name] of [[one, "Size"], [two, "Access"], [one, "Filter"]]) {
                const lines = [...view.querySelectorAll(".jwstmq-grid-option")];
                lines.find((line) => line.textContent === name).querySelector("input").click();
            }
        }"""
    )
    shown.wait_for("len(grid._chosen_columns['hidden']) in {1, 2} and grid._chosen_columns['stamp']")
    shown.page.wait_for_function(
        f"""(usual) => {{
            const [one, two] = [...document.querySelectorAll(".jwstmq-grid")].map({headers});
            return one === two && one !== usual;
        }}""",
        arg=usual,
    )
    kept = "tuple(ColumnMemory().read(PRODUCTS).hidden)"
    shown.run_cell("from jwstmq_widgets.widgets.grids.columnmemory import ColumnMemory\n"
                   "from jwstmq_widgets.widgets.grids.columns import PRODUCTS")  # fmt: skip
    shown.wait_for(f"{kept} == tuple(grid._chosen_columns['hidden'])")
    hidden = set(usual.split()) - set(views.first.evaluate(headers).split())
    assert hidden == set(shown.value(f"list({kept})"))
    views.last.get_by_role("button", name="Reset columns").click()
    shown.wait_for("not grid._chosen_columns['hidden']")


def test_a_header_is_dragged_to_another_place_and_wider(shown: Notebook) -> None:
    def header(name: str) -> Locator:
        return grid(shown).locator(f'.ag-header-cell[col-id="{name}"]').first

    size = header("size").bounding_box()
    detector = header("detector").bounding_box()
    assert size
    assert detector
    shown.page.mouse.move(size["x"] + 40, size["y"] + 10)
    shown.page.mouse.down()
    shown.page.mouse.move(detector["x"] + 30, detector["y"] + 10, steps=12)
    shown.page.mouse.move(detector["x"] + 10, detector["y"] + 10, steps=4)
    shown.page.mouse.up()
    shown.wait_for("grid._chosen_columns['order'] and grid._chosen_columns['order'].index('size') < 3")
    edge = header("filter").bounding_box()
    assert edge
    shown.page.mouse.move(edge["x"] + edge["width"] - 1, edge["y"] + 10)
    shown.page.mouse.down()
    shown.page.mouse.move(edge["x"] + edge["width"] + 39, edge["y"] + 10, steps=8)
    shown.page.mouse.up()
    shown.wait_for("grid._chosen_columns['widths'].get('filter', 0) > 140")
    choose(shown, "Columns ▾", "Reset columns")
    shown.wait_for("not grid._chosen_columns['widths']")


def test_pointing_at_a_name_takes_it_apart(shown: Notebook) -> None:
    shown.value(
        "[(named := whole[:3].copy()).replace_column('productFilename',"
        " ['jw02733002001_02103_00001_mirimage_cal.fits', 'b.fits', 'c.fits']), exploration._put(shown=named)] and 1"
    )
    expect(grid(shown).locator(".jwstmq-grid-summary")).to_contain_text("3 files")
    row(shown, 0).locator('[col-id="file"]').hover()
    tip = grid(shown).get_by_role("tooltip")
    expect(tip).to_contain_text("Visit group")
    expect(tip).to_contain_text("cal: 2-D calibrated exposure averaged over integrations")


def test_enter_looks_closer_arrows_go_on_and_escape_comes_back(shown: Notebook) -> None:
    row(shown, 2).locator('[col-id="file"]').click()
    shown.page.keyboard.press("Enter")
    preview = grid(shown).get_by_role("dialog", name="Preview")
    expect(preview).to_contain_text("jw02730000002001_02101_00001_nrs1_uncal.fits")
    expect(preview).to_contain_text("No preview.")
    shown.page.keyboard.press("ArrowDown")
    expect(preview).to_contain_text("jw02730000003001")
    shown.page.keyboard.press("Space")
    expect(preview.get_by_role("checkbox")).to_be_checked()
    shown.wait_for("set(exploration.ticked) == {uris[3]}")
    shown.page.keyboard.press("Escape")
    expect(preview).to_be_hidden()
    shown.page.keyboard.press("ArrowDown")
    shown.page.keyboard.press("Space")
    shown.wait_for("set(exploration.ticked) == {uris[3], uris[4]}")


def test_the_notebook_is_saved_while_the_keyboard_is_in_the_grid(shown: Notebook) -> None:
    row(shown, 2).locator('[col-id="file"]').click()
    dirty = "() => window.jupyterapp.shell.currentWidget.context.model.dirty"
    assert shown.page.evaluate(dirty)
    shown.page.keyboard.press("Control+s")
    shown.page.wait_for_function(f"() => !({dirty})()")


def test_ticks_are_inverted(shown: Notebook) -> None:
    grid(shown).get_by_label("Search files").fill("nrs1 uncal")
    expect(grid(shown).locator(".jwstmq-grid-matched")).to_have_text("174 match")
    row(shown, 0).get_by_role("checkbox").click()
    grid(shown).get_by_role("button", name="Invert ticks").click()
    expect(grid(shown).locator(".jwstmq-grid-summary")).to_contain_text("173 of 3,470 files")
    expect(row(shown, 0).get_by_role("checkbox")).not_to_be_checked()


def test_rows_go_to_the_clipboard_a_file_and_a_new_cell(shown: Notebook) -> None:
    row(shown, 1).get_by_role("checkbox").click()
    row(shown, 3).get_by_role("checkbox").click(modifiers=["Shift"])
    grid(shown).get_by_label("Search files").fill("nrs1 uncal")
    expect(grid(shown).locator(".jwstmq-grid-matched")).to_have_text("174 match")
    done = grid(shown).locator(".jwstmq-grid-done")
    choose(shown, "Export ▾", "Copy for a spreadsheet")
    expect(done).to_have_text("Copied 174 files.")
    copied = shown.page.evaluate("() => navigator.clipboard.readText()").splitlines()
    assert copied[0].startswith("File\t")
    assert copied[1].startswith("jw02730000002001_02101_00001_nrs1_uncal.fits\t")
    assert len(copied) == 175
    choose(shown, "Export ▾", "Save as CSV")
    expect(done).to_contain_text("Saved 174 files as jwst-files.csv")
    assert len((shown.path.parent / "jwst-files.csv").read_text().splitlines()) == 175
    cells = shown.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.cells.length")
    choose(shown, "Export ▾", "Open in a new cell")
    expect(done).to_contain_text("174 files are in jwst_files")
    sources = shown.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells.map((cell) => cell.source)"
    )
    assert len(sources) == cells + 1
    assert sources[-1] == "jwst_files  # 174 files"
    assert shown.value("[len(jwst_files), jwst_files['suffix' if 0 else 'detector'][0]]") == [174, "nrs1"]


def test_hostile_texts_do_no_harm(shown: Notebook, screenshot: Screenshot) -> None:
    dialogs: list[str] = []
    shown.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    shown.page.set_viewport_size({"width": 1800, "height": 1000})
    shown.value(f"exec({HOSTILE!r})")
    expect(grid(shown).locator(".jwstmq-grid-summary")).to_contain_text("6 files")
    target = [row(shown, number).locator('[col-id="target"]') for number in range(6)]
    expect(target[0]).to_have_text("<img src=x onerror=alert(1)>")
    expect(target[1]).to_have_text("RLOgnp.exe")
    expect(target[3]).to_have_text("two↵lines⇥here")
    assert target[2].evaluate("element => element.textContent.length") == 301
    for cell in (target[5], target[1].locator(".jwstmq-grid-cell")):
        assert cell.evaluate("element => getComputedStyle(element).unicodeBidi") == "isolate"
    assert target[2].evaluate("element => element.offsetHeight") <= 28
    open_facets(shown)
    value(shown, "Filter", "F1").click()
    expect(grid(shown).locator(".jwstmq-grid-matched")).to_have_text("1 match")
    row(shown, 0).locator('[col-id="file"]').hover()
    expect(grid(shown).get_by_role("tooltip")).to_contain_text("<svg onload=alert(2)>_cal.fits")
    row(shown, 0).locator('[col-id="file"]').click()
    shown.page.keyboard.press("Enter")
    expect(grid(shown).get_by_role("dialog", name="Preview")).to_contain_text("<svg onload=alert(2)>_cal.fits")
    screenshot(grid(shown), "grid-hostile")
    shown.page.keyboard.press("Escape")
    assert grid(shown).locator("img, b, svg:not(.ag-icon svg)").count() == 0
    assert dialogs == []
    shown.page.set_viewport_size({"width": 1400, "height": 1000})


def test_rows_sorted_by_state_follow_the_states(shown: Notebook) -> None:
    header = grid(shown).get_by_role("columnheader", name="State", exact=True)
    header.click()
    header.click()
    shown.value("[exploration._put(states={uris[70]: FileState(kind='here', fraction=1.0)})]")
    expect(row(shown, 0).locator('[col-id="file"]')).to_contain_text("jw02730000070001")
    expect(row(shown, 0).locator('[col-id="state"]')).to_have_text("✓here")


def test_observations_narrow_the_products(shown: Notebook, screenshot: Screenshot) -> None:
    shown.value(
        "[(table := whole.copy()).replace_column('parents', np.where(np.arange(3470) < 30, '1', '2')),"
        " exploration._put(products=table, shown=table)] and 1"
    )
    shown.run_cell("ObservationGrid(exploration)")
    products, observations = (shown.page.locator(".jwstmq-grid").nth(number) for number in (0, 1))
    first = observations.locator('.ag-row[row-index="0"]')
    expect(first.locator('[col-id="files"]')).to_have_text("30")
    screenshot(observations, "grid-observations")
    first.get_by_role("checkbox").click()
    expect(products.locator(".jwstmq-grid-matched")).to_have_text("30 match")
    products.get_by_role("button", name="Lift jw02733-o001_t001_miri_f770w").click()
    expect(products.locator(".jwstmq-grid-matched")).to_have_text("")
    expect(first.get_by_role("checkbox")).not_to_be_checked()
