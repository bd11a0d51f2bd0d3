"""The command line on ESA's protocols, on several archives, and in ADQL."""

import csv
import io
import json
from pathlib import Path

import pytest
from astropy.table import Table

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.cli import main
from jwstmq_widgets.localarchive import ESA_PASSWORD, ESA_USER, LocalArchive

ADQL = "SELECT TOP 3 observationid, target_ra FROM jwst.main WHERE proposal_id = '02733' ORDER BY observationid"


@pytest.fixture
def esa(faulty_archive: LocalArchive, monkeypatch: pytest.MonkeyPatch) -> str:
    """The local archive as ESA speaks."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return f"{faulty_archive.url}/server"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_query_of_esa_lists_observations(esa: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["query", f"--archive={esa}", "--propID", "2733", "-i", "miri", "--format=csv"]) == 0
    printed = capsys.readouterr()
    assert {row["program"] for row in rows(printed.out)} == {"2733"}
    assert "observations" in printed.err


def test_a_download_from_esa_is_verified_and_comes_once(
    esa: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["download", f"--archive={esa}", "--propID", "2733", "2", "-i", "miri", "--filetypes", "i2d", "--yes"]
    words += ["--calib_levels", "3", "--outrootdir", str(tmp_path)]
    assert main([*words, "--format=csv"]) == 0
    done = rows(capsys.readouterr().out)
    assert done
    assert {row["Status"] for row in done} == {"COMPLETE"}
    assert all("/server/data?" in row["URL"] for row in done)
    assert main(["verify", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(words) == 0
    assert f"{len(done)} already here" in capsys.readouterr().err


def test_two_archives_are_one_list_and_one_that_is_down_is_said(esa: str, capsys: pytest.CaptureFixture[str]) -> None:
    mast = esa.removesuffix("/server")
    question = ["--propID", "2733", "-i", "miri", "--filetypes", "i2d", "--format=csv"]
    assert main(["products", f"--archive={mast},{esa}", *question]) == 0
    both = rows(capsys.readouterr().out)
    assert {len(row["archives"].split(", ")) for row in both} == {2}
    assert main(["products", f"--archive=http://127.0.0.1:9,{esa}", *question]) == 0
    printed = capsys.readouterr()
    assert len(rows(printed.out)) == len(both)
    assert printed.err.count("without 127.0.0.1:9") == 1


def test_adql_gives_the_table_on_stdout_in_every_format(esa: str, capsys: pytest.CaptureFixture[str]) -> None:
    given = {}
    for form in ("table", "csv", "json", "ecsv"):
        assert main(["adql", ADQL, f"--archive={esa}", f"--format={form}"]) == 0
        printed = capsys.readouterr()
        assert "3 rows" in printed.err
        given[form] = printed.out
    names = [row["observationid"] for row in rows(given["csv"])]
    assert [row["observationid"] for row in json.loads(given["json"])] == names
    table = Table.read(given["ecsv"], format="ascii.ecsv")
    assert table["observationid"].tolist() == names
    assert str(table["target_ra"].unit) == "deg"
    assert all(name in given["table"] for name in names)


def test_adql_comes_from_standard_input_with_an_upload(
    esa: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.ecsv"
    Table({"name": ["jw02733-o002_t001_miri_f1130w"]}).write(file, format="ascii.ecsv")
    joined = "SELECT m.observationid FROM jwst.main AS m JOIN tap_upload.mine AS u ON u.name = m.observationid"
    monkeypatch.setattr("sys.stdin", io.StringIO(joined))
    assert main(["adql", "-", f"--archive={esa}", "--upload", f"mine={file}", "--format=csv"]) == 0
    assert {row["observationid"] for row in rows(capsys.readouterr().out)} == {"jw02733-o002_t001_miri_f1130w"}


def test_a_job_of_the_command_line_stays_until_it_is_removed(esa: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adql", ADQL, f"--archive={esa}", "--async", "from the shell", "--format=csv"]) == 0
    first = capsys.readouterr()
    assert main(["adql", "--jobs", f"--archive={esa}", "--format=json"]) == 0
    job = next(row for row in json.loads(capsys.readouterr().out) if row["name"] == "from the shell")
    assert f"job {job['job']}" in first.err
    assert main(["adql", "--open", job["job"], f"--archive={esa}", "--format=csv"]) == 0
    assert capsys.readouterr().out == first.out
    assert main(["adql", "--remove", job["job"], f"--archive={esa}"]) == 0
    capsys.readouterr()
    assert main(["adql", "--jobs", f"--archive={esa}", "--format=json"]) == 0
    assert job["job"] not in capsys.readouterr().out


def test_tables_are_looked_up_by_words(esa: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["adql", "jwst.main target_ra", "--tables", f"--archive={esa}", "--format=csv"]) == 0
    assert [row["name"] for row in rows(capsys.readouterr().out)] == ["target_ra"]


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["SELEC 1"], 2, "Cannot parse query"),
        ([], 2, "give a query"),
        (["SELECT 1", "--upload", "x"], 2, "is not NAME=FILE"),
        (["SELECT 1", "--upload", "x=/none.vot"], 2, "cannot be read"),
        (["SELECT 1", "--archive", "http://127.0.0.1:9"], 2, "takes no ADQL"),
        (["SELECT 1", "--archive", "http://127.0.0.1:9/server"], 3, "cannot reach"),
        (["SELECT 1", "--user", "a", "--credentials", "b"], 2, "both given"),
        (["SELECT 1", "--credentials", "/none"], 3, "/none"),
    ],
)
def test_what_goes_wrong_is_one_sentence_and_a_status(
    esa: str, capsys: pytest.CaptureFixture[str], words: list[str], status: int, sentence: str
) -> None:
    assert main(["adql", *([] if "--archive" in words else [f"--archive={esa}"]), *words]) == status
    printed = capsys.readouterr()
    assert printed.out == ""
    assert sentence in printed.err
    assert len(printed.err.strip().splitlines()) == 1


def test_a_password_comes_on_standard_input_and_is_not_shown(
    esa: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{ESA_PASSWORD}\n"))
    assert main(["adql", ADQL, f"--archive={esa}", "--user", ESA_USER]) == 0
    printed = capsys.readouterr()
    assert ESA_PASSWORD not in printed.out + printed.err
    monkeypatch.setattr("sys.stdin", io.StringIO("wrong-4711\n"))
    assert main(["query", "--propID", "2733", f"--archive={esa}", "--user", ESA_USER]) == 3
    assert "wrong-4711" not in capsys.readouterr().err


def test_there_is_no_option_for_a_password(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("query", "download", "adql"):
        with pytest.raises(SystemExit):
            main([command, "--password", "secret"])
        assert "unknown" in capsys.readouterr().err


def test_a_credentials_file_logs_in(esa: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "esa.txt"
    file.write_text(f"{ESA_USER}\n{ESA_PASSWORD}\n")
    file.chmod(0o600)
    assert main(["adql", ADQL, f"--archive={esa}", "--credentials", str(file)]) == 0
    assert ESA_PASSWORD not in "".join(capsys.readouterr())


def test_single_files_are_downloaded_by_name_or_artifact_id(
    esa: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first, second = "jw02733-o002_t001_miri_f1130w_i2d.jpg", "jw02733-o002_t001_miri_f770w_i2d.jpg"
    key = str(open_archive(esa).artifacts(second)["artifact_id"][0])
    words = ["download", f"--archive={esa}", "--yes", "--format=csv", "--outrootdir", str(tmp_path), "--layout", "flat"]
    assert main([*words, "--artifact", first, "--artifact", key]) == 0
    done = rows(capsys.readouterr().out)
    assert [(Path(row["Local Path"]).name, row["Status"]) for row in done] == [
        (first, "COMPLETE"),
        (second, "COMPLETE"),
    ]
    mast = f"--archive={esa.removesuffix('/server')}"
    assert main([*words, mast, "--artifact", first]) == 0
    assert "1 already here" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--propID", "2733"], "--propID plays no part"),
        (["2733"], "program 2733 plays no part"),
        (["--filetypes", "cal"], "--filetypes plays no part"),
        (["--savetables", "mine"], "--savetables lists a question's answer"),
        ([], "has no file 'none.fits'"),
    ],
)
def test_what_does_not_go_with_single_files_is_said(
    esa: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str], sentence: str
) -> None:
    asked = ["download", *words, "--artifact", "none.fits", f"--archive={esa}", "--yes"]
    assert main([*asked, "--outrootdir", str(tmp_path)]) == 2
    assert sentence in capsys.readouterr().err
