"""Tests of jwst_mast_query's options and configuration file on the command line, and of what is listed."""

import csv
import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from astropy.table import Table

from jwstmq_widgets.cli import main
from jwstmq_widgets.localarchive import TOKEN, LocalArchive
from jwstmq_widgets.tables.tablefiles import read_tables


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    for name in ("JWST_QUERY_CFGFILE", "JWSTDOWNLOAD_OUTDIR", "MAST_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def archive(local_archive: LocalArchive) -> str:
    return f"--archive={local_archive.url}"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "jwst_query.cfg"
    path.write_text(
        "instrument: miri\npropID: 02733\nfiletypes: ['cal']\nsca: mirimage\n"
        f"outrootdir: {tmp_path}/data\nobsnum2outsubdir: True\njpg_separate_subdir: True\n"
    )
    return path


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _said(capsys, command) -> str:
    assert main(command) == 0
    return capsys.readouterr().err


def test_the_configuration_file_asks(archive, config, capsys):
    assert main(["products", "-c", str(config), archive, "--format=csv"]) == 0
    rows = _rows(capsys.readouterr().out)
    assert {(row["program"], row["filetype"], row["detector"]) for row in rows} == {("2733", "_cal.fits", "mirimage")}


def test_the_environment_names_the_configuration_file(archive, config, capsys, monkeypatch):
    monkeypatch.setenv("JWST_QUERY_CFGFILE", str(config))
    assert "program 2733 · MIRI · mirimage · cal\n" in _said(capsys, ["query", archive])
    assert "2733 · MIRI" not in _said(capsys, ["query", archive, "-c", "", "2733"])


@pytest.mark.parametrize(
    ("options", "there", "gone"),
    [
        (["-f", "fits"], "fits", "cal"),
        (["-i"], "program 2733", "MIRI"),
        (["--sca"], "MIRI", "mirimage"),
        (["--propID", "2732"], "program 2732", "2733"),
        (["--guidestars"], "with guide stars", "only"),
        (["--no-guidestars"], "MIRI", "guide stars"),
        (["--lookbacktime", "9000"], "last 9000 days", "–"),
        (["--lookbacktime", "0"], "MIRI", "days"),
    ],
)
def test_an_option_is_stronger_than_the_configuration_file(archive, config, capsys, options, there, gone):
    said = _said(capsys, ["query", "-c", str(config), archive, *options])
    assert there in said
    assert gone not in said


def test_the_short_form_takes_program_and_observations_wherever_they_stand(archive, capsys):
    first = _said(capsys, ["query", "2733", "2", "-i", "miri", archive])
    assert "program 2733 · observation 2 · MIRI" in first
    assert main(["query", archive, "--instrument=miri", "2733", "2"]) == 0
    assert capsys.readouterr().err == first


def test_count_is_one_number_on_stdout(archive, capsys):
    assert main(["query", "2733", "--count", archive]) == 0
    assert capsys.readouterr().out == "10\n"


def test_json_is_one_object_that_comes_back_as_tables(archive, capsys):
    assert main(["query", "2733", "-i", "miri", "-f", "i2d", archive, "--format=json"]) == 0
    text = capsys.readouterr().out
    found = json.loads(text)
    assert list(found) == ["observations", "products", "summary"]
    assert {"productFilename", "size", "obs_id", "dataURI", "program", "detector", "obsnum"} <= found["products"][
        0
    ].keys()
    assert found["summary"][0]["_i2d.fits"] == len(found["products"])
    tables = read_tables(io.StringIO(text))
    assert tables["products"]["size"].unit == "byte"
    assert tables["products"]["size"].tolist() == [row["size"] for row in found["products"]]


def test_nothing_found_is_an_object_with_empty_lists(archive, capsys):
    assert main(["query", "2733", "-i", "miri", "--obsmode", "ifu", archive, "--format=json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"observations": [], "products": [], "summary": []}


def test_savetables_writes_three_files_below_the_destination(archive, tmp_path, capsys):
    command = ["query", "2733", "-i", "miri", "-f", "cal", "i2d", archive, "-s", "mine", "--outrootdir", str(tmp_path)]
    assert main([*command, "--outsubdir", "sub"]) == 0
    texts = {path.name: path.read_text().splitlines() for path in (tmp_path / "sub").iterdir()}
    assert texts.keys() == {"mine.selprod.txt", "mine.obs.txt", "mine.summary.txt"}
    assert texts["mine.selprod.txt"][0].split()[:6] == [
        "proposal_id",
        "obsnum",
        "obsID",
        "parent_obsid",
        "obs_id",
        "sca",
    ]
    assert texts["mine.obs.txt"][0].split()[-3:] == ["instrument_name", "_cal.fits", "_i2d.fits"]
    assert texts["mine.summary.txt"][0].split() == ["proposal_id", "obsnum", "_cal.fits", "_i2d.fits", "date_start"]
    summary = Table.read(texts["mine.summary.txt"], format="ascii")
    assert summary["_cal.fits"].sum() + summary["_i2d.fits"].sum() == len(texts["mine.selprod.txt"]) - 1


def test_tables_that_cannot_be_written_are_a_wrong_question(archive, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    command = [
        "query",
        "2733",
        "-i",
        "miri",
        "-f",
        "i2d",
        archive,
        "-s",
        "mine",
        "--outrootdir",
        str(tmp_path / "file"),
    ]
    assert main(command) == 2
    assert "mine.selprod.txt cannot be written" in capsys.readouterr().err


def test_columns_and_order_are_those_asked_for(archive, capsys):
    options = ["--outcolumns_productTable", "size", "productFilename", "dl_str", "--sortcols_productTable", "size"]
    assert main(["products", "2733", "-i", "miri", "-f", "i2d", archive, *options]) == 0
    header, *lines = capsys.readouterr().out.splitlines()
    assert header.split() == ["size", "productFilename", "dl_str"]
    sizes = [int(line.split()[0]) for line in lines]
    assert sizes == sorted(sizes)


def test_an_unknown_column_is_one_sentence(archive, capsys):
    assert main(["query", "2733", archive, "--sortcols_obsTable", "dat_min"]) == 2
    assert "no column 'dat_min'; did you mean 'date_min'?" in capsys.readouterr().err


def test_only_the_columns_of_mast_that_are_asked_for_are_kept(archive, capsys):
    assert main(["query", "2733", archive, "--mastcolumns_obsTable", "obsid", "t_min", "--format=csv"]) == 0
    row = _rows(capsys.readouterr().out)[0]
    assert set(row) == {"obsid", "t_min", "program", "observation", "instrument", "mode", "obsnum", "date_min"}


@pytest.mark.parametrize(
    ("options", "folder"),
    [
        ([], "02733/obsnum02"),
        (["--obsnum2outsubdir", "False"], "02733"),
        (["--obsnum2outsubdir=false", "--propIDs_obsnum2outsubdir", "2733"], "02733/obsnum02"),
        (["--propIDs_obsnum2outsubdir", "1409"], "02733"),
        (["--skip_propID2outsubdir"], "obsnum02"),
        (["--outsubdir", "a/b"], "a/b/02733/obsnum02"),
        (["--jpg_separate_subdir", "True"], "02733/obsnum02/jpg"),
        (["--jpg_separate_subdir"], "02733/obsnum02/jpg"),
    ],
)
def test_files_go_where_jwst_mast_query_puts_them(archive, tmp_path, capsys, options, folder):
    command = ["download", "2733", "-i", "miri", "-f", "_i2d.jpg", archive, "--outrootdir", str(tmp_path)]
    assert main([*command, "--dry-run", "--format=csv", *options]) == 0
    folders = {Path(row["path"]).parent for row in _rows(capsys.readouterr().out)}
    assert folders == {tmp_path / folder}


def test_the_environment_names_the_destination(archive, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("JWSTDOWNLOAD_OUTDIR", str(tmp_path))
    assert str(tmp_path) in _said(capsys, ["download", "2733", "-i", "miri", "-f", "_i2d.jpg", archive, "-n"])


def test_a_file_of_another_size_stays_only_when_sizes_are_not_compared(archive, tmp_path, capsys):
    command = ["download", "2733", "-i", "miri", "-f", "_i2d.jpg", archive, "--outrootdir", str(tmp_path), "-n"]
    assert main([*command, "--format=csv"]) == 0
    rows = _rows(capsys.readouterr().out)
    path = Path(rows[0]["path"])
    path.parent.mkdir(parents=True)
    path.write_text("not it")
    assert main([*command, "--format=csv"]) == 0
    assert {row["state"] for row in _rows(capsys.readouterr().out)} == {"fetch", "different"}
    assert main([*command, "--format=csv", "--skip_check_filesize"]) == 0
    left = _rows(capsys.readouterr().out)
    assert {row["state"] for row in left} == {"fetch"}
    assert len(left) == len(rows) - 1
    columns = ["--outcolumns_productTable", "dl_code", "dl_str", "outfilename", "--outrootdir", str(tmp_path)]
    assert main(["products", "2733", "-i", "miri", "-f", "_i2d.jpg", archive, *columns]) == 0
    assert " 4 ERRfilesize " in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["-w"], "jwstmq does not make web pages"),
        (["--webpage_cols4table", "size"], "jwstmq does not make web pages"),
        (["--propID", "1"], "are both given"),
        (["--obsnum2outsubdir", "maybe"], "neither True nor False"),
        (["--Nobs_per_batch", "0"], "Nobs_per_batch '0' is not a number above 0"),
        (["-c", "nowhere.cfg"], "nowhere.cfg cannot be read"),
        (["-e", "385540", "385539"], "reversed"),
        (["--obsid_list", "jw02733"], "'jw02733' is an obs_id"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_status_2(archive, capsys, options, sentence):
    assert main(["query", "2733", archive, *options]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.err.count("\n") == 1


def test_an_unknown_option_is_said_with_the_nearest_one(archive, capsys):
    with pytest.raises(SystemExit) as end:
        main(["query", "2733", archive, "--outcolumns_obstable", "size"])
    assert end.value.code == 2
    said = capsys.readouterr().err
    assert "did you mean --outcolumns_obsTable?" in said
    assert said.count("\n") == 1


def test_a_look_back_that_finds_nothing_says_how_to_undo_it(archive, config, capsys):
    config.write_text(config.read_text() + "lookbacktime: 1.0\n")
    said = _said(capsys, ["query", archive, "-c", str(config)])
    assert said.endswith("last 1 days · mirimage · cal; --lookbacktime 0 asks for all times\n")


def test_dates_win_over_a_look_back_and_that_is_said(archive, capsys):
    said = _said(capsys, ["query", "2733", archive, "-l", "3", "-d", "2022-06-01+"])
    assert "--lookbacktime is not used" in said
    assert "2022-06-01 – …" in said


def test_a_token_on_the_command_line_logs_in_with_a_warning_and_is_not_shown(archive, capsys):
    said = _said(capsys, ["query", "2733", archive, "--token", TOKEN, "-v"])
    assert "others on this machine can read a token" in said
    assert TOKEN not in said


def test_verbose_says_which_settings_hold(archive, config, capsys):
    said = _said(capsys, ["query", archive, "-v", "-c", str(config)])
    assert f"configuration file: {config}" in said
    assert "filetypes: cal\n" in said


def test_the_first_batch_has_the_size_asked_for(faulty_archive, capsys):
    command = ["products", "2733", "-f", "i2d", f"--archive={faulty_archive.url}", "--Nobs_per_batch"]
    sizes = {}
    for size in ("1", "10"):
        faulty_archive.clear_requests()
        assert main([*command, size]) == 0
        sizes[size] = len(faulty_archive.requests)
    assert sizes["1"] > sizes["10"]


def test_files_that_are_written_are_readable_as_others_are(archive, tmp_path, capsys):
    umask = os.umask(0o022)
    try:
        command = ["query", "2733", "-f", "i2d", "-i", "miri", archive, "-s", "mine", "--outrootdir", str(tmp_path)]
        assert main(command) == 0
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "mine.obs.txt").stat().st_mode) == 0o644


def test_astropy_is_imported_only_for_an_answer():
    code = "import sys, jwstmq_widgets.cli; assert not {'astropy', 'yaml', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
