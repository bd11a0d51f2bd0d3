"""Unmodified jwst_mast_query against the local archive: it selects the files that ``jwstmq`` selects.

Where the two differ, it is by a bug or a limit of jwst_mast_query 0.0.6; the tests say by which one.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jwstmq_widgets.cli import main
from jwstmq_widgets.localarchive import LocalArchive
from tests.clients.conftest import client_environment

pytestmark = pytest.mark.clients

VARIABLE = "JWSTMQ_PEER_VENV"
_HOW = (
    f"{VARIABLE} names no environment with jwst_mast_query; make one: python3 -m venv peer && "
    "peer/bin/pip install -r tests/clients/jwst_mast_query.txt && peer/bin/pip install --no-deps jwst_mast_query && "
    f"export {VARIABLE}=$PWD/peer"
)
_ALWAYS = ["-l", "9000"]  # its look-back of one day holds also for a program; ours is only what was asked for
_TEMPLATE = "TEMPLATE"  # its own jwst_query.cfg, as installed
_CONFIG = "mine.cfg"
_CONFIG_TEXT = """
instrument: nircam
propID: [1386, 2]
filetypes: [uncal]
lookbacktime: 9000
"""

# The examples of its README, with programs that the local archive holds and all of the past.
_README = {
    "two detectors": ["-v", "--propID", "2732", "--config", _TEMPLATE, "--lookbacktime", "9000", "--sca", "a1", "a2"],
    "previews too": ["-v", "-c", _TEMPLATE, *_ALWAYS, "--propID", "01138", "--filetypes", "jpg", "fits"],
    "two observations": ["-v", "--config", _TEMPLATE, *_ALWAYS, "--propID", "1345", "--obsnums", "3", "103"],
    "one observation": [
        "-v", "-c", _TEMPLATE, *_ALWAYS, "--propID", "01138", "--obsnums", "4", "--filetypes", "jpg", "fits",
    ],
    "between two times": [
        "-v", "-c", _TEMPLATE, "--propID", "2733", "--date_select", "2022-06-03T16:49:49", "2022-06-12T16:49:49",
    ],
    "from a time": ["-v", "-c", _TEMPLATE, "--propID", "2733", "--date_select", "2022-06-03T16:49:49+"],
    "until a time": ["-v", "-c", _TEMPLATE, "--propID", "2733", "--date_select", "2022-06-03T16:49:49-"],
    "from an MJD": ["-v", "-c", _TEMPLATE, "--propID", "2733", "--date_select", "59430.0+"],
}  # fmt: skip
_SAME = _README | {
    "an instrument": ["-i", "miri", "--propID", "2733", *_ALWAYS, "-f", "fits"],
    "observation after program": ["-i", "miri", "--propID", "2733", "2", *_ALWAYS, "-f", "fits"],
    "a mode": ["-i", "miri", "--propID", "2732", *_ALWAYS, "-f", "fits", "--obsmode", "ifu"],
    "another mode": ["-i", "niriss", "--propID", "1541", *_ALWAYS, "-f", "fits", "--obsmode", "soss"],
    "file types": ["-i", "nircam", "--propID", "2733", *_ALWAYS, "-f", "cal", "_i2d.jpg", "i2d"],
    "associations": ["-i", "nircam", "--propID", "2733", *_ALWAYS, "-f", "_asn.json", "_pool.csv"],
    "guide stars only": ["-i", "niriss", "--propID", "1093", *_ALWAYS, "-f", "fits", "--guidestar_data_only"],
    "guide stars too": ["-i", "miri", "--propID", "2733", *_ALWAYS, "-f", "fits", "--guidestars"],
    "a level": ["-i", "nirspec", "--propID", "1345", *_ALWAYS, "-f", "fits", "--calib_levels", "3"],
    "long-wave detectors": ["-i", "nircam", "--propID", "2733", *_ALWAYS, "-f", "fits", "--sca", "a5", "blong"],
    "short-wave detectors": ["-i", "nircam", "--propID", "2733", *_ALWAYS, "-f", "fits", "--sca", "b1", "b2"],
    "guiders": ["-i", "fgs", "--propID", "1410", *_ALWAYS, "-f", "fits"],
    "an obsid": ["-i", "miri", "--propID", "2733", *_ALWAYS, "-f", "fits", "--obsid_list", "87602450"],
    "obsids from one on": ["-i", "miri", "--propID", "2733", *_ALWAYS, "-f", "fits", "-e", "87602451+"],
    "a range of obsids": ["-i", "miri", "--propID", "2733", *_ALWAYS, "-f", "fits", "-e", "87602450", "87602451"],
    "names with letters": ["-i", "nircam", "--propID", "1386", *_ALWAYS, "-f", "uncal"],
    "no such program": ["-i", "miri", "--propID", "1409", *_ALWAYS, "-f", "fits"],
}
_DIFFERENT = {
    "the last day": ["-i", "miri", "--propID", "2733", "-f", "fits"],
    "guiders by mode": ["-i", "fgs", "--propID", "1410", *_ALWAYS, "-f", "fits", "--obsmode", "fgs1"],
    "interferometry": ["-i", "niriss", "--propID", "1093", *_ALWAYS, "-f", "fits"],
    "short association": ["-i", "nircam", "--propID", "2733", *_ALWAYS, "-f", "asn"],
    "shutters": ["-i", "nirspec", "--propID", "1345", *_ALWAYS, "-f", "fits", "--sca", "nrs1"],
    "folders of some programs": [
        "-i", "miri", "--propID", "2733", *_ALWAYS, "-f", "cal", "--propIDs_obsnum2outsubdir", "2733",
    ],
    "no folders of observations": [
        "-i", "miri", "--propID", "2733", *_ALWAYS, "-f", "cal", "--obsnum2outsubdir", "False",
    ],
    "a list as program": ["-c", _CONFIG],
    "an option like the default": ["-c", _CONFIG, "-f", "fits"],
}  # fmt: skip
_ONE_OBJECT = {
    "a second question": [
        ["-i", "miri", "--propID", "2733", *_ALWAYS, "-f", "i2d"],
        ["-i", "miri", "--propID", "2733", *_ALWAYS, "-f", "fits"],
    ],
}

Rows = dict[str, dict[str, str]]


@pytest.fixture(scope="session")
def peer() -> Path:
    folder = Path(os.environ.get(VARIABLE, ""))
    if not os.environ.get(VARIABLE) or not (folder / "bin/python").exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(_HOW)
    return folder


@pytest.fixture(scope="session")
def template(peer: Path) -> Path:
    return next(peer.glob("lib/python3*/site-packages/jwst_mast_query/jwst_query.cfg"))


@pytest.fixture(scope="session")
def theirs(
    peer: Path, template: Path, local_archive: LocalArchive, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What jwst_mast_query selects for all questions, in one process."""
    home = tmp_path_factory.mktemp("peer")
    questions = {name: [line] for name, line in (_SAME | _DIFFERENT).items()} | _ONE_OBJECT
    written = {name: [_with(line, template) for line in lines] for name, lines in questions.items()}
    (home / _CONFIG).write_text(_CONFIG_TEXT)
    (home / "questions.json").write_text(json.dumps(written))
    driver = Path(__file__).with_name("jwst_mast_query_driver.py")
    ended = subprocess.run(
        [peer / "bin/python", driver, local_archive.url, home / "questions.json", home / "answers.json"],
        cwd=home,
        env=client_environment(local_archive.url, home),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-4000:]
    answers: dict[str, Any] = json.loads((home / "answers.json").read_text())
    return answers | {"folder": str(home)}


@pytest.fixture
def ours(
    local_archive: LocalArchive, template: Path, theirs: dict[str, Any], capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[[list[str]], Rows]:  # fmt: skip
    """Gives what ``jwstmq`` selects for a command line."""
    monkeypatch.delenv("JWST_QUERY_CFGFILE", raising=False)
    monkeypatch.delenv("JWSTDOWNLOAD_OUTDIR", raising=False)
    monkeypatch.chdir(theirs["folder"])

    def ask(line: list[str]) -> Rows:
        columns = ["--outcolumns_productTable", "outfilename"]
        command = ["products", *_with(line, template), "--archive", local_archive.url, "--format=json", *columns]
        status = main(command)
        said = capsys.readouterr()
        if status == 2 and "has no observations in the archive" in said.err:
            return {}
        assert status == 0, said.err
        return {row["productFilename"]: row for row in json.loads(said.out)["products"]}

    return ask


def _with(line: list[str], template: Path) -> list[str]:
    return [str(template) if word == _TEMPLATE else word for word in line]


def _rows(theirs: dict[str, Any], name: str) -> Rows:
    answer = theirs[name]
    assert "failed" not in answer, answer.get("trace")
    return {row["productFilename"]: row for row in answer["rows"]}


@pytest.mark.parametrize("name", _SAME)
def test_both_select_the_same_files(theirs: dict[str, Any], ours: Callable[[list[str]], Rows], name: str) -> None:
    assert set(ours(_SAME[name])) == set(_rows(theirs, name))


def test_the_questions_have_answers(theirs: dict[str, Any]) -> None:
    assert [name for name in _SAME if not _rows(theirs, name)] == ["no such program"]


@pytest.mark.parametrize("name", ["previews too", "two observations", "between two times"])
def test_both_give_them_the_same_places_and_numbers(
    theirs: dict[str, Any], ours: Callable[[list[str]], Rows], name: str
) -> None:
    mine = ours(_SAME[name])
    for file, row in _rows(theirs, name).items():
        assert mine[file]["outfilename"] == row["outfilename"]
        assert (mine[file]["obsnum"] if mine[file]["obsnum"] >= 0 else "<NA>") in {row["obsnum"], int(row["obsnum"])}


# The differences. The numbers are those of the parts of jwst_mast_query: 1.2 options, 1.3 configuration, 1.4 asking,
# 1.5 dates, 1.6 filters, 1.7 derived columns.


def test_1_5_its_look_back_of_a_day_that_nobody_asked_for_hides_a_program(
    theirs: dict[str, Any], ours: Callable[[list[str]], Rows]
) -> None:
    assert not _rows(theirs, "the last day")
    assert set(ours(_DIFFERENT["the last day"])) == set(_rows(theirs, "an instrument"))


def test_1_4_it_knows_no_mode_of_the_guiders(theirs: dict[str, Any], ours: Callable[[list[str]], Rows]) -> None:
    assert theirs["guiders by mode"]["failed"] == "KeyError: 'fgs'"
    assert {row["detector"] for row in ours(_DIFFERENT["guiders by mode"]).values()} == {"guider1"}


def test_1_6_it_knows_no_file_type_with_a_hyphen(theirs: dict[str, Any], ours: Callable[[list[str]], Rows]) -> None:
    mine, yours = ours(_DIFFERENT["interferometry"]), _rows(theirs, "interferometry")
    assert yours.keys() < mine.keys()
    assert {mine[file]["filetype"] for file in mine.keys() - yours.keys()} == {
        "_ami-oi.fits", "_amimulti-oi.fits", "_aminorm-oi.fits",
    }  # fmt: skip


def test_1_6_it_takes_every_short_file_type_for_fits(theirs: dict[str, Any], ours: Callable[[list[str]], Rows]) -> None:
    assert not _rows(theirs, "short association")
    assert {row["filetype"] for row in ours(_DIFFERENT["short association"]).values()} == {"_asn.json"}


def test_1_7_its_detector_is_that_of_the_observation_not_of_the_file(
    theirs: dict[str, Any], ours: Callable[[list[str]], Rows]
) -> None:
    mine, yours = ours(_DIFFERENT["shutters"]), _rows(theirs, "shutters")
    assert mine.keys() < yours.keys()
    assert all(file.endswith("_msa.fits") for file in yours.keys() - mine.keys())


def test_1_7_it_gives_no_visit_to_names_with_letters(theirs: dict[str, Any], ours: Callable[[list[str]], Rows]) -> None:
    mine, yours = ours(_SAME["names with letters"]), _rows(theirs, "names with letters")
    without = {
        file for file, row in yours.items() if row["visit"] in {"nan", "None", "<NA>"} and mine[file]["visit"] > 0
    }
    assert without == {file for file in yours if re.match(r"jw01386\d{6}_0310[a-z]_", file)}
    assert {mine[file]["visit"] for file in without} == {1}


def test_1_2_it_breaks_on_programs_with_folders_of_observations(
    theirs: dict[str, Any], ours: Callable[[list[str]], Rows]
) -> None:
    assert theirs["folders of some programs"]["failed"].startswith("TypeError: 'in <string>' requires string")
    places = {Path(row["outfilename"]).parent.name for row in ours(_DIFFERENT["folders of some programs"]).values()}
    assert places == {"obsnum02"}


def test_1_2_it_takes_false_for_true(theirs: dict[str, Any], ours: Callable[[list[str]], Rows]) -> None:
    yours = _rows(theirs, "no folders of observations").values()
    assert {Path(row["outfilename"]).parent.name for row in yours} == {"obsnum02"}
    mine = ours(_DIFFERENT["no folders of observations"]).values()
    assert {Path(row["outfilename"]).parent.name for row in mine} == {"02733"}


def test_1_3_it_drops_the_observation_after_a_program_in_its_configuration(
    theirs: dict[str, Any], ours: Callable[[list[str]], Rows]
) -> None:
    mine, yours = ours(_DIFFERENT["a list as program"]), _rows(theirs, "a list as program")
    assert mine.keys() == {file for file, row in yours.items() if row["obsnum"] == "2"}
    assert mine.keys() < yours.keys()


def test_1_3_its_option_cannot_undo_its_configuration_when_it_equals_the_default(
    theirs: dict[str, Any], ours: Callable[[list[str]], Rows]
) -> None:
    assert all(file.endswith("_uncal.fits") for file in _rows(theirs, "an option like the default"))
    kinds = {row["filetype"] for row in ours(_DIFFERENT["an option like the default"]).values()}
    assert kinds >= {"_cal.fits", "_uncal.fits"}


def test_1_6_its_object_keeps_the_file_types_of_its_first_question(
    theirs: dict[str, Any], ours: Callable[[list[str]], Rows]
) -> None:
    yours = _rows(theirs, "a second question")
    assert yours
    assert all(file.endswith("_i2d.fits") for file in yours)
    assert yours.keys() < ours(_ONE_OBJECT["a second question"][1]).keys()
