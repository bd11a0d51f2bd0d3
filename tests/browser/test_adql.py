"""Archives, login and ADQL in JupyterLab, in a real Chromium."""

import re
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from jwstmq_widgets.localarchive import ESA_PASSWORD, ESA_USER, LocalArchive
from tests.browser.lab import Notebook
from tests.browser.test_panels import CLIPPED

OPEN = """
import jwstmq_widgets as jw
explorer = jw.Explorer(jw.Query(program=2733, instrument="miri"), archive=[{url!r}, "http://127.0.0.1:9"])
assert explorer.wait(60)
explorer
"""


def test_archives_login_and_adql_as_a_user_meets_them(
    notebook: Notebook, local_archive: LocalArchive, screenshot: Callable[[Page | Locator, str], Path]
) -> None:
    page = notebook.page
    notebook.run_cell(OPEN.format(url=local_archive.url))
    explorer = page.locator(".jwstmq-explorer")

    # one of two archives is down: its line can be closed
    warning = explorer.locator(".jwstmq-notice-warning")
    expect(warning).to_contain_text("without 127.0.0.1:9")
    warning.get_by_role("button").click()
    expect(warning).to_have_count(0)

    # the ESA face: an error with its place, then a query that flows into the grid
    notebook.value(f"explorer.exploration.use_archive({local_archive.url + '/server'!r})")
    page.get_by_role("tab", name="ADQL", exact=True).click()
    text = explorer.locator(".jwstmq-adql-text")
    text.fill("SELECT observationid\nFROM jwst.main WHRE x = 1")
    text.press("Control+Enter")
    expect(explorer.get_by_role("button", name="line 2, column")).to_be_visible()
    assert text.evaluate("(area) => area.value.slice(area.selectionStart, area.selectionEnd)") == "x"
    screenshot(explorer, "adql-error")
    text.fill("SELECT TOP 2 observationid, target_ra, '<img src=x onerror=alert(1)>' AS x FROM jwst.main")
    explorer.get_by_role("button", name="Run", exact=True).click()
    expect(explorer.locator(".jwstmq-adql-summary")).to_have_text("2 rows · 3 columns")
    expect(explorer.locator(".jwstmq-adql-rows img")).to_have_count(0)
    expect(explorer.locator(".jwstmq-adql-rows th").nth(1)).to_contain_text("deg")
    explorer.get_by_role("button", name="Open in a new cell").click()
    expect(explorer.get_by_text("It is adql_table.")).to_be_visible()
    cells = "() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells.map((cell) => cell.source)"
    lasts = [source.splitlines()[-1] for source in page.evaluate(cells) if source]
    assert lasts[lasts.index("explorer") + 1] == "adql_table"
    notebook.wait_for("len(adql_table) == 2")
    explorer.locator(".jwstmq-adql-tables > summary").click()
    explorer.get_by_label("Filter tables and columns").fill("jwst.main target_ra")
    expect(explorer.locator(".jwstmq-adql-column")).to_have_count(1)
    assert explorer.evaluate(CLIPPED) == []
    for width, theme in ((1400, "dark"), (900, "light"), (700, "dark")):
        notebook.theme(theme)
        page.set_viewport_size({"width": width, "height": 1000})
        screenshot(page, f"adql-{width}-{theme}")
    page.set_viewport_size({"width": 1400, "height": 1000})
    explorer.get_by_role("button", name="Show as products").click()
    notebook.wait_for("len(explorer.exploration.query.obs_ids)")

    # user and password: gone from the page, and in no file
    page.get_by_role("button", name="anonymous").click()
    explorer.get_by_label("User", exact=True).fill(ESA_USER)
    password = explorer.get_by_label("Password", exact=True)
    password.fill(ESA_PASSWORD)
    password.press("Enter")
    expect(page.locator(".jwstmq-login-who")).to_contain_text(ESA_USER)
    assert password.input_value() == ""
    assert ESA_PASSWORD not in page.content()
    notebook.save()
    assert ESA_PASSWORD not in notebook.path.read_text()


def test_a_merged_list_shows_which_archives_have_a_file_and_what_differs(
    notebook: Notebook, local_archive: LocalArchive, screenshot: Callable[[Page | Locator, str], Path]
) -> None:
    page = notebook.page
    page.set_viewport_size({"width": 1500, "height": 1000})
    notebook.run_cell(
        OPEN.format(url=local_archive.url).replace('"http://127.0.0.1:9"', repr(f"{local_archive.url}/server"))
    )
    explorer = page.locator(".jwstmq-explorer")
    cells = explorer.locator('.ag-center-cols-container [col-id="archives"]')
    place = local_archive.url.removeprefix("http://")
    expect(cells.first).to_have_text(f"{place}, {place}/server")
    notebook.value(
        "[table := explorer.exploration.products.copy(), table.replace_column('differs', "
        "['size: mast 20 B, esa 21 B'] + [''] * (len(table) - 1)), "
        "explorer.exploration._put(products=table, shown=table)] and None"
    )
    expect(cells.first).to_contain_text("≠ differs")
    expect(cells.first).to_have_attribute("title", re.compile("differs: .*; size: mast 20 B, esa 21 B$"))
    screenshot(explorer, "grid-archives")
    notebook.value(f"explorer.exploration.use_archive({local_archive.url!r})")
    notebook.value("explorer.exploration.search(explorer.exploration.query)")
    expect(cells).to_have_count(0)
