"""How soon the product grid shows its first row, against ipyaggrid used plainly on the same table."""

import json
import statistics
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import OUTPUT
from tests.browser.lab import Lab, Notebook

ROOT = Path(__file__).parents[2]
OURS = "ProductGrid(exploration)"
THEIRS = """
community.Grid(grid_data=frame, grid_options={"columnDefs": [{"field": name} for name in names]})
"""
RUNS = 3
PLAIN = 20_000
LENGTHS = {1_000: (OURS, THEIRS), PLAIN: (OURS, THEIRS), 100_000: (OURS,)}
START = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import pandas as pd
from ipyaggrid import community
from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.widgets.columns import COLUMNS
from jwstmq_widgets.widgets.grid import ProductGrid
from tests.survey import SurveyArchive, survey
exploration = Exploration(SurveyArchive(1))
assert exploration.wait(60)
"""
TABLE = """
table = survey({length})
exploration._put(products=table, shown=table)
names = [column.source for column in COLUMNS if column.source]
frame = pd.DataFrame({{name: table[name].tolist() for name in names}})
"""


def first_row(notebook: Notebook, source: str) -> float:
    """Give the time from running a cell until its first row is painted, in ms."""
    notebook.clear()
    took: float = notebook.page.evaluate(
        """async (source) => {
            const { content } = window.jupyterapp.shell.currentWidget;
            const number = content.model.cells.length;
            content.model.sharedModel.insertCell(number, { cell_type: "code", source });
            content.activeCellIndex = number;
            const shown = () => [...document.querySelectorAll('.ag-row[row-index="0"]')].some(
                (row) => row.textContent.includes("jw0273"));
            const begin = performance.now();
            window.jupyterapp.commands.execute("notebook:run-cell");
            while (!shown()) await new Promise(requestAnimationFrame);
            await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
            return performance.now() - begin;
        }""",
        source,
    )
    return took


@pytest.mark.benchmark
def test_the_first_row_comes_sooner_than_with_plain_ipyaggrid_and_hardly_later_for_more_rows(
    lab: Lab, browser: Browser
) -> None:
    times: dict[str, float] = {}
    received: dict[str, int] = {}
    with lab.notebook(browser, "benchmark") as notebook:
        notebook.run_cell(START)
        for length, sources in LENGTHS.items():
            notebook.run_cell(TABLE.format(length=length))
            for name, source in zip(("ours", "ipyaggrid"), sources, strict=False):
                first_row(notebook, source)
                before = notebook.received
                runs = [first_row(notebook, source) for _ in range(RUNS)]
                times[f"{name} {length}"] = round(statistics.median(runs), 1)
                received[f"{name} {length}"] = (notebook.received - before) // RUNS
    report = {"milliseconds": times, "bytes": received}
    OUTPUT.mkdir(exist_ok=True)
    (OUTPUT / "benchmark-grid.json").write_text(json.dumps(report, indent=1))
    assert times[f"ours {PLAIN}"] < times[f"ipyaggrid {PLAIN}"] / 2, report
    assert times["ours 100000"] < 3 * times["ours 1000"], report
    assert received["ours 100000"] < 300_000, report
