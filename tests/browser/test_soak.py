"""Random use of the Explorer in a real Chromium: nothing grows, nothing fails, nothing is left over.

The suite runs it for seconds. For longer: ``JWSTMQ_SOAK_MINUTES=30 python -m pytest -s tests/browser/test_soak.py``;
``JWSTMQ_SOAK_SEED`` chooses another course. What was measured is in ``tests/output/soak.json``.
"""

import contextlib
import json
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect
from playwright.sync_api import TimeoutError as TooLate

from jwstmq_widgets.localarchive import LocalArchive
from tests.browser.conftest import OUTPUT
from tests.browser.lab import Lab, Notebook

MINUTES = float(os.environ.get("JWSTMQ_SOAK_MINUTES", "0.4"))
SEED = int(os.environ.get("JWSTMQ_SOAK_SEED", "2733"))
LONG_RUN = MINUTES >= 5
SURVEY = 100_000 if LONG_RUN else 0
PROGRAMS = [2733, 1324, 2736, 1345, 2731, 1366] + ([99001] if SURVEY else [])
ACTS_A_ROUND = 25 if LONG_RUN else 10
WARM_UP = 5 if LONG_RUN else 2
"""Rounds after which nothing may grow any more: modules, caches of numpy and astropy and IPython are filled then."""
LONG, SHORT = 60_000, 1_500  # ms
WORDS = ["mirimage", "cal", "nrcb", "uncal", "<b>", "o001", "nothing like this", "i2d.fits", "(", "00001"]
FILTERS = ["> 10 MB", "mirimage", "!nrs", "big", "^jw", "public", "*cal*", "= 0"]
START = """
import ctypes, gc, logging, shutil, sys, threading
import ipywidgets
from IPython.display import display
import jwstmq_widgets as jw

class Heard(logging.Handler):
    def __init__(self):
        super().__init__(logging.ERROR)
        self.lines = []
    def emit(self, record):
        self.lines.append(record.getMessage() + (str(record.exc_info[1]) if record.exc_info else ""))

heard = Heard()
logging.getLogger().addHandler(heard)
threading.excepthook = lambda args: heard.lines.append(f"{{args.thread}}: {{args.exc_value!r}}")
sys.unraisablehook = lambda args: heard.lines.append(f"{{args.object}}: {{args.exc_value!r}}")

def show():
    global explorer, exploration
    explorer = jw.Explorer(jw.Query(program=2733), archive={url!r}, destination="soak-files")
    exploration = explorer.exploration
    display(explorer)

def size():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def measured():
    for _ in range(3):
        gc.collect()
    resident = size()
    ctypes.CDLL(None).malloc_trim(0)
    return {{
        "resident": resident,
        "resident without what is free": size(),
        "blocks": sys.getallocatedblocks(),
        "objects": len(gc.get_objects()),
        "widgets": len(ipywidgets.widgets.widget._instances),
        "threads": threading.active_count(),
    }}

show()
"""
REST = """
exploration.cancel("search"); exploration.cancel("download"); exploration.resume()
assert exploration.wait(120)
exploration.clear_ticks(); exploration.clear_facets(); exploration.choose_filetypes(())
exploration.set_destination("soak-files"); exploration.set_layout("program")
exploration.search(jw.Query(program=2733))
assert exploration.wait(120)
shutil.rmtree("soak-files", ignore_errors=True)
"""


@dataclass
class User:
    """Somebody who does things at random."""

    notebook: Notebook
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    views: int = 1

    @property
    def explorer(self) -> Locator:
        return self.notebook.page.locator(".jwstmq-explorer").first

    @property
    def grid(self) -> Locator:
        return self.explorer.locator(".jwstmq-tab-products")

    def kernel(self, source: str) -> Any:
        return self.notebook.value(f"[{source}, 0][1]")

    def act(self) -> None:
        """Do one thing; what is not there, or is covered, just now, is left."""
        name = self.chance.choices(list(ACTS), [weight for _, weight in ACTS.values()])[0]
        try:
            ACTS[name][0](self)
        except TooLate:
            self.missed[name] += 1
        else:
            self.done[name] += 1

    # -- things to do ------------------------------------------------------------------------------------------------

    def search(self) -> None:
        program = self.explorer.get_by_label("Program", exact=True)
        program.fill(str(self.chance.choice(PROGRAMS)), timeout=SHORT)
        program.press("Enter", timeout=SHORT)

    def search_and_cancel(self) -> None:
        self.search()
        self.kernel("exploration.cancel('search')")

    def type_words(self) -> None:
        box = self.grid.get_by_label("Search files")
        box.fill(self.chance.choice(WORDS), timeout=SHORT)
        if self.chance.random() < 0.5:
            box.press("Escape", timeout=SHORT)

    def filter_column(self) -> None:
        boxes = self.grid.locator(".jwstmq-grid-filter")
        number = boxes.count()
        if number:
            boxes.nth(self.chance.randrange(number)).fill(self.chance.choice(FILTERS), timeout=SHORT)

    def sort(self) -> None:
        keys = ["Shift"] if self.chance.random() < 0.3 else []
        name = self.chance.choice(["File", "Size"])
        self.grid.get_by_role("columnheader", name=name, exact=True).click(timeout=SHORT, modifiers=keys)  # type: ignore[arg-type]

    def scroll(self) -> None:
        part = self.chance.random()
        self.grid.locator(".ag-body-viewport").evaluate(
            "(element, part) => { element.scrollTop = part * element.scrollHeight; }", part, timeout=SHORT
        )

    def tick_rows(self) -> None:
        boxes = self.grid.locator(".ag-center-cols-container .ag-row").get_by_role("checkbox")
        for _ in range(self.chance.randint(1, 4)):
            number = boxes.count()
            if number:
                keys = ["Shift"] if self.chance.random() < 0.3 else []
                boxes.nth(self.chance.randrange(number)).click(timeout=SHORT, modifiers=keys)  # type: ignore[arg-type]

    def tick_all(self) -> None:
        self.grid.locator(".ag-header").get_by_role("checkbox").first.click(timeout=SHORT)

    def clear_ticks(self) -> None:
        self.kernel("exploration.clear_ticks()")

    def narrow(self) -> None:
        name, values = self.chance.choice([("detector", ["mirimage"]), ("access", ["public"]), ("filter", ["F770W"])])
        self.kernel(f"exploration.choose_facet({name!r}, {values!r})")

    def widen(self) -> None:
        self.kernel("exploration.clear_facets()")

    def choose_types(self) -> None:
        types = self.chance.choice([[("2b", "_cal.fits")], [("1b", "_uncal.fits"), ("3", "_i2d.fits")], []])
        self.kernel(f"exploration.choose_filetypes({types!r})")

    def download(self) -> None:
        button = self.explorer.locator(".jwstmq-download").get_by_role("button", name="Download").first
        if self.notebook.value("len(exploration.selected)") > 60:
            self.kernel("exploration.clear_ticks()")
        else:
            button.click(timeout=SHORT)

    def pause(self) -> None:
        self.kernel("exploration.pause()")

    def resume(self) -> None:
        self.kernel("exploration.resume()")

    def cancel(self) -> None:
        self.kernel("exploration.cancel('download')")

    def retry(self) -> None:
        self.kernel("exploration.retry()")

    def layout(self) -> None:
        self.kernel(f"exploration.set_layout({self.chance.choice(['flat', 'program', 'mast'])!r})")

    def gallery(self) -> None:
        self.explorer.get_by_role("tab", name="Gallery").click(timeout=SHORT)
        self.explorer.locator(".jwstmq-gallery").first.wait_for(timeout=SHORT)
        self.explorer.get_by_role("tab", name="Products").click(timeout=SHORT)

    def second_view(self) -> None:
        if self.views < 2:
            self.notebook.run_cell("display(explorer)")
            self.views += 1

    def reopen(self) -> None:
        self.notebook.clear()
        self.views = 1
        self.notebook.run_cell("explorer.close()\nshow()")

    # -- between rounds ----------------------------------------------------------------------------------------------

    def rest(self) -> dict[str, Any]:
        """Put everything back, wait until nothing runs, and measure."""
        self.notebook.clear()
        self.views = 1
        self.notebook.run_cell(REST)
        self.notebook.run_cell("explorer.close()\nshow()\nassert exploration.wait(120)")
        expect(self.grid.locator('.ag-row[row-index="0"] .jwstmq-grid-tail').first).to_be_visible(timeout=LONG)
        measured: dict[str, Any] = self.notebook.value("measured()")
        return measured


ACTS: dict[str, tuple[Callable[[User], None], int]] = {
    "search": (User.search, 5),
    "search and cancel": (User.search_and_cancel, 2),
    "words": (User.type_words, 6),
    "filter": (User.filter_column, 6),
    "sort": (User.sort, 6),
    "scroll": (User.scroll, 6),
    "tick rows": (User.tick_rows, 8),
    "tick all": (User.tick_all, 3),
    "clear ticks": (User.clear_ticks, 2),
    "facet": (User.narrow, 4),
    "clear facets": (User.widen, 2),
    "file types": (User.choose_types, 4),
    "download": (User.download, 6),
    "pause": (User.pause, 3),
    "resume": (User.resume, 3),
    "cancel": (User.cancel, 3),
    "retry": (User.retry, 1),
    "layout": (User.layout, 2),
    "gallery": (User.gallery, 2),
    "second view": (User.second_view, 2),
    "reopen": (User.reopen, 1),
}


@pytest.fixture
def source(request: pytest.FixtureRequest, catalogue_folder: Path) -> Iterator[str]:
    """Address of an archive; with a survey in it for a long run."""
    if not SURVEY:
        yield request.getfixturevalue("archive_url")
        return
    with LocalArchive(folder=catalogue_folder, survey=SURVEY) as archive:
        yield archive.url


def test_random_use_leaves_nothing_behind(lab: Lab, browser: Browser, source: str) -> None:
    rounds: list[dict[str, Any]] = []
    with lab.notebook(browser, "soak") as notebook:
        notebook.run_cell(START.format(url=source))
        user = User(notebook, random.Random(SEED))
        begin = time.monotonic()
        try:
            while len(rounds) < WARM_UP + 2 or time.monotonic() - begin < MINUTES * 60:
                for _ in range(ACTS_A_ROUND):
                    user.act()
                rounds.append({"seconds": round(time.monotonic() - begin, 1)} | user.rest())
        finally:
            heard = []
            with contextlib.suppress(AssertionError):
                heard = notebook.value("heard.lines")
            report = {
                "seed": SEED,
                "done": dict(user.done),
                "missed": dict(user.missed),
                "log": heard[:20],
                "console": notebook.errors[:20],
                "rounds": rounds,
            }
            OUTPUT.mkdir(exist_ok=True)
            (OUTPUT / "soak.json").write_text(json.dumps(report, indent=1))
        assert not heard
        assert not notebook.errors
        assert not notebook.strangers
    first, last = rounds[WARM_UP], rounds[-1]
    assert last["widgets"] == first["widgets"], report
    # a thread may still be ending while it is counted, in one round or another
    assert min(each["threads"] for each in rounds[-3:]) <= max(each["threads"] for each in rounds[WARM_UP:][:3]), report
    # A reopened Explorer that stayed would be some 3,000 objects, a kept table of products tens of megabytes.
    later = len(rounds) - 1 - WARM_UP
    assert last["objects"] - first["objects"] < 300 * later + 3_000, report
    assert last["resident"] - first["resident"] < 60e6, report
    assert sum(user.missed.values()) < sum(user.done.values()) / 4, report
