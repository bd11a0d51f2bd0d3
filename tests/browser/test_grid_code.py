"""The browser's code of the grids, which a page holds once."""

from playwright.sync_api import Browser, expect

from tests.browser.lab import Lab, Notebook

START = """
import jwstmq_widgets as jw
exploration = jw.Exploration({url!r}, jw.Query(program=2733))
assert exploration.wait(60)
jw.ObservationGrid(exploration)
"""


def test_a_grid_without_code_of_its_own_gets_it_from_the_kernel_or_from_the_page(
    lab: Lab, browser: Browser, archive_url: str
) -> None:
    with lab.notebook(browser, "code") as notebook:  # in a page that has no grid's code yet
        alone = notebook.run_cell(START.format(url=archive_url)).locator(".jwstmq-grid")
        expect(alone.locator('.ag-row[row-index="0"]').filter(has_text="jw02733").first).to_be_visible()
        assert notebook.page.evaluate("window.jwstmqGridCode.size") == 1
        second = notebook.run_cell("jw.ObservationGrid(exploration)").locator(".jwstmq-grid")
        expect(second.locator('.ag-row[row-index="0"]').filter(has_text="jw02733").first).to_be_visible()
        products = notebook.run_cell("jw.ProductGrid(exploration)").locator(".jwstmq-grid")
        expect(products.locator('.ag-row[row-index="0"]').filter(has_text="jw02733").first).to_be_visible()
        assert notebook.page.evaluate("window.jwstmqGridCode.size") == 1
        alone.locator('.ag-row[row-index="0"]').get_by_role("checkbox").first.click()
        expect(products.locator(".jwstmq-grid-matched")).to_contain_text("match")
        assert not notebook.errors
        assert not notebook.strangers


def test_a_grid_that_goes_asks_for_no_more_rows(notebook: Notebook, archive_url: str) -> None:
    notebook.run_cell(START.format(url=archive_url))
    grid = notebook.run_cell("jw.ProductGrid(exploration)").locator(".jwstmq-grid")
    expect(grid.locator('.ag-row[row-index="0"]').filter(has_text="jw02733").first).to_be_visible()
    left = notebook.page.evaluate(
        """async () => {
            const soon = window.setTimeout; // a busy page comes late to what AG Grid wants done at once
            window.setTimeout = (act, delay, ...rest) => soon(act, delay || 500, ...rest);
            const viewport = [...document.querySelectorAll(".jwstmq-grid .ag-body-viewport")].at(-1);
            viewport.scrollTop = viewport.scrollHeight;
            await new Promise((settled) => soon(settled, 200));
            const { sharedModel } = window.jupyterapp.shell.currentWidget.content.model;
            sharedModel.deleteCellRange(0, sharedModel.cells.length);
            await new Promise((settled) => soon(settled, 1000));
            window.setTimeout = soon;
            return document.querySelectorAll(".jwstmq-grid").length;
        }"""
    )
    assert left == 0
