"""The panels and the Explorer in JupyterLab, in a real Chromium."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from jwstmq_widgets.localarchive import TOKEN, LocalArchive
from tests.browser.lab import Lab, Notebook

PANELS = ("LoginPanel", "SearchPanel", "FiletypePanel", "Gallery", "DownloadPanel")
OPEN = """
import jwstmq_widgets as jw
explorer = jw.Explorer(jw.Query(program=2733, instrument="miri"), archive={url!r}, destination="data")
assert explorer.wait(60)
explorer
"""
# What sticks out of its box at the right, where nobody can see it; what gives up its middle does so on purpose.
CLIPPED = """(root) => [...root.querySelectorAll("*")].filter((element) => {
    const style = getComputedStyle(element);
    if (!element.clientWidth || style.overflowX === "visible" || style.textOverflow === "ellipsis") return false;
    if (element.closest(".ag-root-wrapper, input, select")) return false;
    return element.scrollWidth > element.clientWidth + 1;
}).map((element) => element.className)"""

Screenshot = Callable[[Page | Locator, str], Path]


@pytest.fixture(scope="module")
def opened(lab: Lab, browser: Browser, local_archive: LocalArchive) -> Iterator[Notebook]:
    """A notebook with an Explorer that shows program 2733."""
    with lab.notebook(browser, "explorer", loaded=True) as notebook:
        notebook.run_cell(OPEN.format(url=local_archive.url))
        expect(notebook.page.get_by_role("tab", name="Products")).to_contain_text("8")
        yield notebook
        assert not notebook.errors
        assert not notebook.strangers


@pytest.fixture
def page(opened: Notebook) -> Iterator[Page]:
    """The page of the Explorer; afterwards it is as it was."""
    yield opened.page
    opened.page.set_viewport_size({"width": 1400, "height": 1000})
    opened.theme("light")
    opened.value("explorer.exploration.clear_ticks()")
    opened.value("explorer.exploration.choose_filetypes(())")
    opened.page.get_by_role("tab", name="Products").click()


def field(page: Page, name: str) -> Locator:
    return page.locator(".jwstmq-search").get_by_label(name, exact=True)


def cards(page: Page) -> Locator:
    return page.locator(".jwstmq-card")


def test_enter_searches_and_a_wrong_program_is_told_beside_it(page: Page) -> None:
    field(page, "Program").fill("ring nebula")
    field(page, "Program").press("Enter")
    sentence = page.locator(f"#{field(page, 'Program').get_attribute('aria-describedby')}")
    expect(sentence).to_contain_text("'ring nebula' is not a number")
    expect(field(page, "Program")).to_have_attribute("aria-invalid", "true")
    expect(field(page, "Program")).to_have_value("ring nebula")
    field(page, "Program").fill("2733")
    field(page, "Program").press("Enter")
    expect(sentence).to_be_hidden()
    expect(page.locator(".jwstmq-search-text")).to_contain_text("4 observations")


def test_modes_follow_the_instruments(page: Page) -> None:
    form = page.locator(".jwstmq-search")
    expect(form.get_by_label("slitless", exact=True)).to_be_visible()
    form.get_by_label("MIRI", exact=True).uncheck()
    form.get_by_label("NIRISS", exact=True).check()
    expect(form.get_by_label("soss", exact=True)).to_be_visible()
    expect(form.get_by_label("slitless", exact=True)).to_have_count(0)
    form.get_by_label("NIRISS", exact=True).uncheck()
    form.get_by_label("MIRI", exact=True).check()


def test_a_file_type_narrows_grid_and_gallery(page: Page) -> None:
    rows = page.locator(".jwstmq-filetypes-list > label")
    rows.filter(has_text="crf.fits").get_by_role("checkbox").check()
    expect(page.get_by_role("tab", name="Products")).to_contain_text("64")
    page.get_by_role("tab", name="Gallery").click()
    expect(page.locator(".jwstmq-gallery-note")).to_have_text("64 pictures")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".jwstmq-gallery-note")).to_contain_text("without")


def test_of_hundreds_of_pictures_only_those_in_sight_are_elements(page: Page) -> None:
    page.get_by_role("tab", name="Gallery").click()
    expect(cards(page).first.locator("img")).to_be_visible()
    assert cards(page).count() < 60
    # the sheet may still grow while the first pictures come: scroll until its end is shown
    page.wait_for_function(
        """() => {
            const frame = document.querySelector(".jwstmq-gallery-window");
            frame.scrollTo(0, frame.scrollHeight);
            const names = [...document.querySelectorAll(".jwstmq-card .jwstmq-gallery-name")];
            return names.length && names.at(-1).textContent.includes("uncal");
        }"""
    )
    last = cards(page).last
    expect(last.locator("img")).to_be_visible()
    assert cards(page).count() < 60


def test_a_tick_in_the_gallery_is_one_in_the_grid(page: Page, opened: Notebook) -> None:
    page.get_by_role("tab", name="Gallery").click()
    expect(cards(page).first.get_by_role("checkbox")).to_be_enabled()
    name = cards(page).first.locator(".jwstmq-gallery-name").get_attribute("title")
    cards(page).first.click()
    expect(page.get_by_role("button", name="Download 1")).to_be_enabled()
    assert opened.value("explorer.selected['productFilename'].tolist()") == [name]
    page.get_by_role("tab", name="Products").click()
    expect(page.locator(".jwstmq-tab-products .jwstmq-grid-summary")).to_contain_text("1 of ")


def test_keys_on_a_checkbox_do_not_reach_the_notebook(page: Page, opened: Notebook) -> None:
    box = page.locator(".jwstmq-filetypes-list input").first
    box.focus()
    cells = page.locator(".jp-Notebook .jp-Cell").count()
    for key in ("x", "a", "d", "d"):
        page.keyboard.press(key)
    expect(page.locator(".jp-Notebook .jp-Cell")).to_have_count(cells)


def test_a_token_leaves_the_page_at_once(page: Page, opened: Notebook) -> None:
    page.get_by_role("button", name="anonymous").click()
    token = page.get_by_label("Token", exact=True)
    token.fill(TOKEN)
    token.press("Enter")
    expect(page.locator(".jwstmq-login-who")).to_have_text("V. Authorised")
    assert token.input_value() == ""
    assert TOKEN not in page.content()
    opened.save()
    assert TOKEN not in opened.path.read_text()
    page.locator(".jwstmq-login-who").click()
    page.get_by_role("button", name="Log out").click()
    expect(page.locator(".jwstmq-login-who")).to_have_text("anonymous")
    page.keyboard.press("Escape")
    expect(token).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 900, 700])
def test_nothing_is_clipped(page: Page, opened: Notebook, screenshot: Screenshot, theme: str, width: int) -> None:
    opened.theme(theme)
    page.set_viewport_size({"width": width, "height": 1000})
    explorer = page.locator(".jwstmq-explorer")
    for tab in ("Gallery", "Products"):
        page.get_by_role("tab", name=tab).click()
        expect(explorer).to_have_attribute("data-tab", tab.lower())
        rows = page.locator(".ag-center-cols-container .ag-row")
        expect(rows.first if tab == "Products" else cards(page).first.locator("img")).to_be_visible()
        screenshot(page, f"explorer-{tab.lower()}-{width}-{theme}")
        assert explorer.evaluate(CLIPPED) == []
    if width < 1400:
        expect(page.locator(".jwstmq-search")).to_be_hidden()
        page.get_by_role("button", name="☰ Search").click()
        expect(page.locator(".jwstmq-search")).to_be_visible()
        screenshot(page, f"explorer-drawer-{width}-{theme}")
        assert explorer.evaluate(CLIPPED) == []
        page.get_by_role("button", name="☰ Search").click()


@pytest.fixture(scope="module")
def apart(lab: Lab, browser: Browser, local_archive: LocalArchive) -> Iterator[Notebook]:
    """A notebook with an exploration of program 2733, and no panel yet."""
    with lab.notebook(browser, "panels", loaded=True) as notebook:
        notebook.run_cell(
            f"import jwstmq_widgets as jw\n"
            f"exploration = jw.Exploration({local_archive.url!r}, jw.Query(program=2733))\n"
            "assert exploration.wait(60)"
        )
        yield notebook
        assert not notebook.errors
        assert not notebook.strangers


@pytest.mark.parametrize("panel", PANELS)
def test_each_panel_works_alone(apart: Notebook, screenshot: Screenshot, panel: str) -> None:
    apart.clear()
    apart.run_cell(f"jw.{panel}(exploration)")
    drawn = {
        "LoginPanel": "anonymous",
        "SearchPanel": "10 observations",
        "FiletypePanel": "all shown",
        "Gallery": "NGC-3132",
        "DownloadPanel": "Nothing is ticked",
    }
    shown = apart.page.locator(".jp-OutputArea-output .jwstmq")
    expect(shown).to_contain_text(drawn[panel])
    if panel == "Gallery":
        expect(shown.locator("img").first).to_be_visible()
    screenshot(shown, panel)
    assert shown.evaluate(CLIPPED) == []


def test_an_explorer_whose_kernel_has_gone_says_so_once_and_stays_in_shape(
    lab: Lab, browser: Browser, local_archive: LocalArchive, screenshot: Screenshot
) -> None:
    with lab.notebook(browser, "explorer-gone", loaded=True) as notebook:
        notebook.run_cell(OPEN.format(url=local_archive.url))
        explorer = notebook.page.locator(".jwstmq-explorer")
        expect(explorer.locator(".jwstmq-grid-tail").first).to_be_visible()
        parts = [explorer.locator(name) for name in (".jwstmq-side", ".jwstmq-main", ".jwstmq-download")]
        before = [part.evaluate("(part) => [part.offsetLeft, part.offsetWidth]") for part in parts]
        notebook.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        said = explorer.get_by_role("alert").filter(visible=True)
        expect(said).to_have_text("The kernel that made this has gone. Run the cell again.")
        assert [part.evaluate("(part) => [part.offsetLeft, part.offsetWidth]") for part in parts] == before
        field(notebook.page, "Program").fill("1386")
        field(notebook.page, "Program").press("Enter")
        explorer.get_by_role("tab", name="Gallery").click()
        expect(said).to_have_count(1)
        screenshot(explorer, "explorer-gone")
        assert not notebook.errors
