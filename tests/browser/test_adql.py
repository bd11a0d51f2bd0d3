"""Archives, login and ADQL in JupyterLab, in a real Chromium."""

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
