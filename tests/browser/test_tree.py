"""The program tree in the Explorer, in a real Chromium."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from jwstmq_widgets.localarchive import LocalArchive
from tests.browser.lab import Lab, Notebook

OPEN = """
import jwstmq_widgets as jw
explorer = jw.Explorer(jw.Query(program=2733), archive={url!r}, destination="data")
assert explorer.wait(60)
explorer
"""
Screenshot = Callable[[Page | Locator, str], Path]


@pytest.fixture(scope="module")
def opened(lab: Lab, browser: Browser, local_archive: LocalArchive) -> Iterator[Notebook]:
    with lab.notebook(browser, "tree", loaded=True) as notebook:
        notebook.run_cell(OPEN.format(url=local_archive.url))
        notebook.page.get_by_role("tab", name="Program tree").click()
        expect(line(notebook.page, "02733")).to_be_visible()
        yield notebook
        assert not notebook.errors
        assert not notebook.strangers


@pytest.fixture
def page(opened: Notebook) -> Iterator[Page]:
    opened.page.get_by_role("tab", name="Program tree").click()
    opened.page.get_by_role("button", name="Close all").click()
    expect(line(opened.page, "02733")).to_have_attribute("aria-expanded", "false")
    yield opened.page
    opened.page.set_viewport_size({"width": 1400, "height": 1000})
    opened.theme("light")
    opened.value("explorer.exploration.clear_ticks()")


def line(page: Page, name: str) -> Locator:
    return page.get_by_role("treegrid").get_by_role("row").filter(has=page.get_by_text(name, exact=True))


def active(page: Page) -> Locator:
    return page.locator(".jwstmq-tree-window .jwstmq-active")


def test_ticking_a_subtree_shows_in_grid_and_download(page: Page, opened: Notebook) -> None:
    line(page, "02733").click()
    expect(line(page, "02733")).to_have_attribute("aria-expanded", "true")
    observation = line(page, "Observation 2")
    observation.get_by_role("checkbox").click()
    expect(observation.get_by_role("checkbox")).to_be_checked()
    count = opened.value("int((explorer.exploration.shown['observation'] == 2).sum())")
    assert opened.value("len(explorer.selected)") == count
    assert line(page, "02733").get_by_role("checkbox").evaluate("(box) => box.indeterminate")
    expect(page.locator(".jwstmq-download")).to_contain_text(f"{count:,} files")
    page.get_by_role("tab", name="Products").click()
    expect(page.locator(".jwstmq-tab-products")).to_contain_text(f"{count:,} of ")


def test_the_keyboard_alone_opens_ticks_and_finds(page: Page, opened: Notebook) -> None:
    tree = page.get_by_role("treegrid")
    tree.focus()
    tree.press("Home")
    tree.press("ArrowRight")
    expect(line(page, "02733")).to_have_attribute("aria-expanded", "true")
    tree.press("ArrowRight")
    expect(active(page)).to_contain_text("Observation 1")
    tree.press("ArrowRight")
    expect(line(page, "Visit 1")).to_be_visible()
    tree.press("ArrowDown")
    tree.press("Space")
    opened.wait_for("len(explorer.selected)")
    assert set(opened.value("explorer.selected['visit'].tolist()")) == {1}
    tree.press("Space")
    opened.wait_for("not len(explorer.selected)")
    tree.press("ArrowLeft")
    expect(active(page)).to_contain_text("Observation 1")
    tree.press("ArrowLeft")
    expect(line(page, "Visit 1")).to_have_count(0)
    tree.press("o")
    expect(active(page)).to_contain_text("Observation 2")
    tree.press("End")
    last = tree.get_attribute("aria-rowcount")
    assert last is not None
    expect(active(page)).to_have_attribute("aria-rowindex", last)
    spoken = active(page).get_attribute("id")
    assert spoken is not None
    expect(tree).to_have_attribute("aria-activedescendant", spoken)
    assert page.evaluate("() => document.activeElement.getAttribute('role')") == "treegrid"


def test_a_reload_keeps_what_is_open(page: Page, opened: Notebook) -> None:
    line(page, "02733").click()
    line(page, "Observation 2").click()
    expect(line(page, "Visit 1")).to_be_visible()
    opened.save()
    opened.reload()
    page.get_by_role("tab", name="Program tree").click()
    expect(line(page, "Visit 1")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1400, 900, 640])
def test_nothing_of_a_line_is_cut_off(
    page: Page, opened: Notebook, theme: str, width: int, screenshot: Screenshot
) -> None:
    opened.theme(theme)
    page.set_viewport_size({"width": width, "height": 1000})
    page.get_by_role("button", name="Open one level more").click()
    page.get_by_role("button", name="Open one level more").click()
    expect(line(page, "Observation 2")).to_be_visible()
    screenshot(page, f"tree-{theme}-{width}")
    cut = page.locator(".jwstmq-tree").evaluate(
        """(tree) => [tree, ...tree.querySelectorAll(".jwstmq-tree-head, .jwstmq-tree-files, .jwstmq-tree-size")]
            .filter((cell) => cell.scrollWidth > cell.clientWidth + 1).map((cell) => cell.textContent)"""
    )
    assert cut == []
