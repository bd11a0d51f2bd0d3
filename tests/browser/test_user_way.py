"""The whole way of a user: ``jwstmq lab``, the notebook, a search, three ticks, a download."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from jwstmq_widgets.archives import LOCAL_ARCHIVE_VARIABLE
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Slow
from tests.browser.lab import Notebook

LONG = 60_000
SOON = 60
ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d+/lab/tree/explore\.ipynb\?token=\w+")
# JupyterLab for tests: no question, no news, the app in reach; the rest is as `jwstmq lab` sets it.
CONFIG = {"LabApp": {"expose_app_in_browser": True, "check_for_updates_class": "jupyterlab.NeverCheckForUpdate"}}
NEWS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
WATCH_PROGRESS = """() => {
    window.seen = new Set();
    const look = () => {
        for (const bar of document.querySelectorAll(".jwstmq-download [role=progressbar]"))
            if (bar.hasAttribute("aria-valuenow")) window.seen.add(Number(bar.getAttribute("aria-valuenow")));
    };
    new MutationObserver(look).observe(document.querySelector(".jwstmq-download"), {subtree: true, attributes: true});
}"""

Screenshot = Callable[[Page | Locator, str], Path]


@pytest.fixture
def user(browser: Browser, faulty_archive: LocalArchive, tmp_path: Path) -> Iterator[Notebook]:
    """The notebook that `jwstmq lab` opens, in a page of its own."""
    folder = tmp_path / "work"
    settings = tmp_path / "settings" / NEWS
    settings.parent.mkdir(parents=True)
    settings.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    config = tmp_path / "config"
    config.mkdir()
    (config / "jupyter_lab_config.json").write_text(json.dumps(CONFIG))
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "workspaces"),
        "IPYTHONDIR": str(tmp_path / "ipython"),
        LOCAL_ARCHIVE_VARIABLE: faulty_archive.url,
    }
    command = [sys.executable, "-m", "jwstmq_widgets", "lab", "--no-browser", "--port=0", f"--dir={folder}"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as lab:
        address, lines = _address(lab)
        try:
            assert address, "".join(lines)
            context = browser.new_context(viewport={"width": 1400, "height": 1100}, reduced_motion="reduce")
            notebook = Notebook(page=context.new_page(), path=folder / "explore.ipynb")
            notebook.listen()
            notebook.page.goto(address)
            notebook.ready()
            yield notebook
            context.close()
        finally:
            lab.terminate()
            lab.wait(SOON)
    assert not notebook.errors
    assert not notebook.strangers


def _address(lab: "subprocess.Popen[str]") -> tuple[str, list[str]]:
    lines: list[str] = []
    found: list[str] = []
    said = threading.Event()

    def read() -> None:
        for line in lab.stderr or ():
            lines.append(line)
            match = ADDRESS.search(line)
            if match and not found:
                found.append(match[0])
                said.set()
        said.set()

    threading.Thread(target=read, daemon=True).start()
    said.wait(SOON)
    return (found or [""])[0], lines


def test_a_user_finds_ticks_and_downloads_three_files(
    user: Notebook, faulty_archive: LocalArchive, content_of: Callable[[str], bytes], screenshot: Screenshot
) -> None:
    page = user.page
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    explorer = page.locator(".jwstmq-explorer")
    rows = explorer.locator(".jwstmq-grid .ag-center-cols-container .ag-row")
    expect(rows.first.get_by_role("checkbox")).to_be_visible(timeout=LONG)
    screenshot(page, "user-1-opened")

    # a search by hand replaces the first answer
    explorer.get_by_label("MIRI", exact=True).check()
    explorer.get_by_role("button", name="Search", exact=True).click()
    expect(explorer.get_by_text("4 observations ·").first).to_be_visible(timeout=LONG)

    # file types, then three rows
    cal = explorer.locator(".jwstmq-filetypes").get_by_role("checkbox", name=re.compile(r"^cal\.fits, 64 files, "))
    cal.check()
    expect(explorer.get_by_role("tab", name=re.compile("Products"))).to_contain_text("64", timeout=LONG)
    for number in range(3):
        box = explorer.locator(f'.jwstmq-grid .ag-row[row-index="{number}"]').get_by_role("checkbox")
        box.click()
        expect(box).to_be_checked()
    expect(explorer.locator(".jwstmq-download-summary")).to_contain_text("3 files", timeout=LONG)
    screenshot(page, "user-2-ticked")

    # the same three in the gallery
    explorer.get_by_role("tab", name="Gallery").click()
    expect(explorer.locator(".jwstmq-gallery img").first).to_be_visible(timeout=LONG)
    expect(explorer.locator(".jwstmq-gallery").get_by_role("checkbox", checked=True)).to_have_count(3)
    screenshot(page, "user-3-gallery")
    explorer.get_by_role("tab", name=re.compile("Products")).click()

    # the download, slow enough to be seen
    faulty_archive.faults = [Slow(path="*_cal.fits", rate=400_000)]
    page.evaluate(WATCH_PROGRESS)
    explorer.get_by_role("button", name="Download 3").click()
    expect(explorer.locator(".jwstmq-download-running")).to_be_visible(timeout=LONG)
    screenshot(page, "user-4-downloading")
    expect(explorer.locator(".jwstmq-download-ended")).to_contain_text("3 files downloaded", timeout=LONG)
    screenshot(page, "user-5-downloaded")
    seen = page.evaluate("() => [...window.seen]")
    assert len([value for value in seen if 0 < value < 100]) >= 3, f"the bar jumped: {sorted(seen)}"

    # the files
    files = sorted((user.path.parent / "data").rglob("*.fits"))
    assert len(files) == 3
    for file in files:
        assert file.read_bytes() == content_of(file.name)
    expect(rows.first.locator('[col-id="state"]')).to_have_text(re.compile(r"^\W*here"))
    assert user.value("sorted(explorer.selected['productFilename'].tolist())") == [file.name for file in files]
    assert user.value("explorer.manifest['Status'].tolist()") == ["COMPLETE"] * 3

    # the saved notebook holds no product, no picture
    user.save()
    text = user.path.read_text(encoding="utf-8")
    assert len(text) < 300_000
    assert "_cal.fits" not in text
    assert "image/png" not in text
    assert "/9j/" not in text  # base64 of a JPEG's beginning
