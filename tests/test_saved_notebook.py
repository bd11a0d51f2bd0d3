"""What a notebook that showed a million products holds after it was executed without a browser."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[1]
SESSION = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
import jwstmq_widgets as jw
from tests.survey import SurveyArchive

explorer = jw.Explorer(jw.Query(program=2733), archive=SurveyArchive(1_000_000))
exploration = explorer.exploration
assert exploration.wait(120)
exploration.tick(explorer.products["dataURI"].tolist())
assert len(explorer.selected) == 1_000_000
"""


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A notebook that was executed, as text; nbclient stores the state of all widgets, as nbconvert does."""
    notebook = new_notebook(cells=[new_code_cell(SESSION), new_code_cell("explorer")])
    where = {"metadata": {"path": str(tmp_path_factory.mktemp("executed"))}}
    NotebookClient(notebook, timeout=240, kernel_name="python3", resources=where).execute()
    return str(nbformat.writes(notebook))


def test_an_executed_notebook_holds_no_row_of_a_million(executed: str) -> None:
    assert "AgGridModel" in executed
    assert "mast:JWST/product/" not in executed
    assert "jw027300000" not in executed


def test_an_executed_notebook_stays_below_300_kb(executed: str) -> None:
    assert len(executed.encode()) < 300_000
