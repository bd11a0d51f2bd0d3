"""The notebooks without widgets, run from top to bottom on the local archive."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from jwstmq_widgets.archives import LOCAL_ARCHIVE_VARIABLE
from jwstmq_widgets.localarchive import LocalArchive

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def shown(name: str) -> tuple[list[Any], dict[str, Any]]:
    """Run a notebook's code as cells; gives what those that end with an expression show, and what all of them made."""
    cells = [cell for cell in json.loads((NOTEBOOKS / name).read_bytes())["cells"] if cell["cell_type"] == "code"]
    space: dict[str, Any] = {}
    values = []
    for cell in cells:
        *before, last = ast.parse("".join(cell["source"])).body
        exec(compile(ast.Module(before, []), cell["id"], "exec"), space)
        if isinstance(last, ast.Expr):
            values.append(eval(compile(ast.Expression(last.value), cell["id"], "eval"), space))
        else:
            exec(compile(ast.Module([last], []), cell["id"], "exec"), space)
    return [value for value in values if value is not None], space


def test_the_bulk_download_goes_from_a_question_to_verified_files(
    local_archive: LocalArchive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(LOCAL_ARCHIVE_VARIABLE, local_archive.url)
    monkeypatch.chdir(tmp_path)
    (question, every, chosen, plan, manifest, failed, verdicts), space = shown("bulk_download.ipynb")
    assert question.endswith(": 10 observations")
    assert chosen["files"].sum() == plan.fetch == len(space["manifest"]) < every["files"].sum()
    assert set(space["manifest"]["Status"].tolist()) == {"COMPLETE"}
    assert len(manifest) == 5
    assert failed == 0
    assert verdicts == {"good"}
    assert len(type(plan).load(tmp_path / "southern-ring.plan")) == len(plan)
    progress, _, script = capsys.readouterr().out.rpartition("\r")
    assert "100%  176 of 176 files" in progress
    assert script.startswith("#!/bin/sh\n")


def test_the_lesson_shows_requests_faults_and_other_clients(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (_, requests, _, rows, related, parts, manifest, theirs), _ = shown("archive_access.ipynb")
    assert requests[-1].startswith("POST /api/v0/invoke: 200, ")
    assert [len(table) for table in (rows, related, theirs)] == [5, 16, 3]
    assert [part.split(", ")[0] for part in parts] == ["all bytes: 200", "bytes=95904-: 503", "bytes=95904-: 206"]
    assert manifest["Status"].tolist() == ["COMPLETE"]
    assert "did you mean 'MIRI'?" in capsys.readouterr().out
