"""README's picture, made from the real thing: ``python -m tests.browser.picture notebooks/explorer.png``."""

import io
import re
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import expect, sync_playwright

from tests.browser.lab import Notebook, running_lab

LONG = 60_000
START = """
import jwstmq_widgets as jw

explorer = jw.Explorer(jw.Query(program=2733), archive="local")
explorer
"""


def stages(notebook: Notebook) -> list[bytes]:
    """Use the Explorer as a user would; give a picture of the grid with its facets and one of the gallery."""
    explorer = notebook.page.locator(".jwstmq-explorer")
    rows = explorer.locator(".jwstmq-grid .ag-center-cols-container .ag-row")
    expect(rows.first.get_by_role("checkbox")).to_be_visible(timeout=LONG)
    for name in ("cal.fits", "i2d.fits"):
        types = explorer.locator(".jwstmq-filetypes label", has_text=re.compile(rf"^(2b)?{re.escape(name)}"))
        types.first.get_by_role("checkbox").check()
    for number in range(8):
        explorer.locator(f'.jwstmq-grid .ag-row[row-index="{number}"]').get_by_role("checkbox").click()
    explorer.get_by_role("button", name="Download 8").click()
    expect(explorer.locator(".jwstmq-download-ended")).to_be_visible(timeout=LONG)
    for number in range(8, 12):
        explorer.locator(f'.jwstmq-grid .ag-row[row-index="{number}"]').get_by_role("checkbox").click()
    expect(explorer.get_by_role("button", name="Download 4")).to_be_visible(timeout=LONG)
    explorer.get_by_role("button", name="Hide this line").click()
    explorer.get_by_role("button", name="Facets").click()
    facets = explorer.get_by_role("group", name="Facets").first
    facets.get_by_role("checkbox", name=re.compile("^mirimage")).click()
    expect(explorer.locator(".jwstmq-tab-products .jwstmq-grid-matched")).to_contain_text("match")
    notebook.page.mouse.move(0, 0)
    grid = explorer.screenshot()
    explorer.get_by_role("tab", name="Gallery").click()
    expect(explorer.locator(".jwstmq-gallery img")).not_to_have_count(0, timeout=LONG)
    notebook.page.wait_for_function(
        """() => [...document.querySelectorAll(".jwstmq-card")].slice(0, 10).every(
            (card) => card.querySelector("img")?.complete)""",
        timeout=LONG,
    )
    explorer.locator(".jwstmq-side").evaluate("(side) => side.scrollTo(0, 0)")
    notebook.page.mouse.move(0, 0)
    return [grid, explorer.screenshot()]


def main(target: Path) -> None:
    """Write the picture: the grid above the gallery."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    with (
        tempfile.TemporaryDirectory() as folder,
        running_lab(Path(folder)) as lab,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        with lab.notebook(browser, "explore", width=1400, height=1000) as notebook:
            notebook.run_cell(START)
            pictures = [Image.open(io.BytesIO(data)).convert("RGB") for data in stages(notebook)]
        browser.close()
    gap = 16
    height = sum(picture.height for picture in pictures) + gap * (len(pictures) - 1)
    whole = Image.new("RGB", (max(picture.width for picture in pictures), height), "white")
    top = 0
    for picture in pictures:
        whole.paste(picture, (0, top))
        top += picture.height + gap
    whole.quantize(256, dither=Image.Dither.FLOYDSTEINBERG).save(target, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
