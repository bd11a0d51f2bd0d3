"""``jwstmq query``, ``products``, ``download``, ``serve``: what they print, and how they end."""

import csv
import errno
import fcntl
import io
import json
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest
import urllib3
from astropy.table import Table

from jwstmq_widgets.cli import main
from jwstmq_widgets.localarchive import TOKEN, TOKEN_EXPIRED, LocalArchive
from jwstmq_widgets.localarchive.faults import Refuse, Slow

JWSTMQ = [sys.executable, "-m", "jwstmq_widgets"]


@pytest.fixture
def archive(faulty_archive: LocalArchive, monkeypatch: pytest.MonkeyPatch) -> LocalArchive:
    monkeypatch.delenv("MAST_API_TOKEN", raising=False)
    return faulty_archive


@pytest.fixture
def miri(archive: LocalArchive) -> list[str]:
    """A question with a handful of files: those of level 3 of one program."""
    return [f"--archive={archive.url}", "--propID", "2733", "-i", "miri", "--filetypes", "i2d"]


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def _closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_query_lists_observations_on_stdout_and_sentences_on_stderr(archive, capsys):
    assert main(["query", f"--archive={archive.url}", "--propID", "2733"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].split()[:3] == ["program", "observation", "obs_id"]
    assert "jw02733-o002_t001_miri_f1130w" in said.out
    assert said.err.endswith("observations: program 2733\n")


def test_every_format_has_the_same_rows(archive, capsys, tmp_path):
    question = [f"--archive={archive.url}", "--propID", "2733", "--format"]
    found = {}
    for form in ("csv", "json", "ecsv"):
        assert main(["query", *question, form]) == 0
        found[form] = capsys.readouterr().out
    names = [row["obs_id"] for row in _rows(found["csv"])]
    assert names
    assert [row["obs_id"] for row in json.loads(found["json"])["observations"]] == names
    assert Table.read(found["ecsv"], format="ascii.ecsv")["obs_id"].tolist() == names


def test_numbers_after_the_program_are_observation_numbers(archive, capsys):
    assert main(["query", f"--archive={archive.url}", "--format=csv", "--propID", "2733", "2"]) == 0
    assert {row["observation"] for row in _rows(capsys.readouterr().out)} == {"2"}


@pytest.mark.parametrize(
    ("options", "question"),
    [
        (["-i", "miri", "nircam"], "MIRI/NIRCAM"),
        (["--obsmode", "image"], "image"),
        (["--obsnums", "1", "2"], "observation 1, 2"),
        (["--filters", "f770w"], "F770W"),
        (["--sca", "a5", "mirimage"], "nrcalong, mirimage"),
        (["--calib_levels", "2", "3"], "level 2, 3"),
        (["--guidestars"], "with guide stars"),
        (["--guidestar_data_only"], "guide stars only"),
        (["--lookbacktime", "3"], "last 3 days"),
        (["-d", "2022-06-01+"], "2022-06-01 – …"),
        (["-d", "2022-06-01-"], "… – 2022-06-01"),
        (["-d", "2022-06-01", "2022-06-30"], "2022-06-01 – 2022-06-30"),
        (["-d", "59731+"], "2022-06-01 – …"),
    ],
)
def test_options_have_the_meaning_they_have_in_jwst_mast_query(archive, capsys, options, question):
    assert main(["query", f"--archive={archive.url}", "--propID", "2733", *options]) == 0
    assert question in capsys.readouterr().err


def test_there_is_no_silent_look_back(archive, capsys):
    assert main(["query", f"--archive={archive.url}", "--propID", "2733"]) == 0
    assert "days" not in capsys.readouterr().err


def test_a_target_is_resolved_by_the_archive(archive, capsys):
    assert main(["query", f"--archive={archive.url}", "--target", "NGC 3132", "--format=csv"]) == 0
    assert "2733" in {row["program"] for row in _rows(capsys.readouterr().out)}


def test_a_place_south_of_the_equator_is_no_option(archive, capsys):
    place = ["--coordinates", "151.757", "-40.436", "--radius", "2 arcmin"]
    assert main(["query", f"--archive={archive.url}", *place, "--format=csv"]) == 0
    assert "2733" in {row["program"] for row in _rows(capsys.readouterr().out)}


def test_products_are_narrowed_by_file_type(miri, capsys):
    assert main(["products", *miri, "--format=csv"]) == 0
    rows = _rows(capsys.readouterr().out)
    assert rows
    assert {row["filetype"] for row in rows} == {"_i2d.fits"}


def test_products_is_query_show_products(miri, capsys):
    assert main(["products", *miri]) == 0
    listed = capsys.readouterr().out
    assert main(["query", "--show=products", *miri]) == 0
    assert capsys.readouterr().out == listed


def test_the_summary_counts_the_products(miri, capsys):
    main(["products", *miri, "--format=csv"])
    products = _rows(capsys.readouterr().out)
    main(["query", "--show=summary", *miri, "--format=csv"])
    sums = _rows(capsys.readouterr().out)
    assert sum(int(row["files"]) for row in sums) == len(products)
    assert sum(int(row["size"]) for row in sums) == sum(int(row["size"]) for row in products)


def test_a_program_that_does_not_exist_is_a_wrong_question(archive, capsys):
    assert main(["query", f"--archive={archive.url}", "--propID", "99999", "--format=csv"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "program 99999 has no observations" in said.err
    assert "check the number" in said.err


def test_limits_that_nothing_meets_are_an_empty_answer(archive, capsys):
    command = ["query", f"--archive={archive.url}", "--propID", "2733", "-i", "miri", "--obsmode", "ifu"]
    assert main([*command, "--format=csv"]) == 0
    said = capsys.readouterr()
    assert _rows(said.out) == []
    assert said.err == "nothing found for program 2733 · MIRI · ifu\n"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["query", "--propID", "abc"], "program 'abc' is not a number"),
        (["query", "--propID", "2733", "x"], "observation 'x' is not a number"),
        (["query", "--propID", "2733", "-d", "2022-07-01", "2022-06-01"], "the dates are reversed"),
        (["query", "--propID", "2733", "-d", "soon"], "date 'soon' is neither"),
        (["query", "--propID", "2733", "-i", "miri", "--obsmode", "imaging"], "did you mean 'image'?"),
        (["query", "--propID", "2733", "-i", "mirri"], "did you mean 'MIRI'?"),
        (["query", "--propID", "2733", "--sca", "a9"], "detector 'a9' is unknown"),
        (["query", "--propID", "2733", "--calib_levels", "9"], "calibration level '9' is unknown"),
        (["query", "--propID", "2733", "-l", "-3"], "look-back"),
        (["query"], "nothing limits the question"),
        (["query", "--propID", "2733", "--archive", "nowhere"], "nowhere"),
        (["download", "--propID", "2733", "--workers", "0", "--yes"], "--workers 0"),
        (["download", "--propID", "2733"], "add --yes"),
    ],
)
def test_a_wrong_question_is_one_sentence_and_status_2(archive, capsys, options, sentence, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    named = any(option == "--archive" for option in options)
    assert main(options if named else [*options, f"--archive={archive.url}"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert sentence in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    "options",
    [[], ["querry"], ["query", "--proposal", "1"], ["query", "--format", "xml"], ["serve", "--port", "70000"]],
)
def test_a_wrong_option_is_one_sentence_and_status_2(capsys, options):
    with pytest.raises(SystemExit) as end:
        main(options)
    assert end.value.code == 2
    said = capsys.readouterr()
    assert said.err.startswith("jwstmq")
    assert said.err.count("\n") == 1


def test_an_archive_that_is_down_is_one_sentence_and_status_3(archive, capsys):
    url = f"http://127.0.0.1:{_closed_port()}"
    assert main(["query", "--propID", "2733", f"--archive={url}"]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert url in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("token", ["0123456789abcdef0123456789abcdef", TOKEN_EXPIRED])
def test_a_wrong_token_is_one_sentence_and_status_3_and_is_not_shown(archive, capsys, monkeypatch, token):
    monkeypatch.setenv("MAST_API_TOKEN", token)
    assert main(["query", "--propID", "2733", f"--archive={archive.url}", "--login"]) == 3
    said = capsys.readouterr()
    assert said.err.count("\n") == 1
    assert "token" in said.err
    assert token not in said.out + said.err


@pytest.mark.parametrize("where", ["environment", "configuration"])
def test_an_expired_token_at_hand_is_one_warning_and_the_query_goes_on(archive, capsys, monkeypatch, tmp_path, where):
    monkeypatch.setattr("jwstmq_widgets.archives.MAST_URL", archive.url)  # whom "mast" is
    command = ["query", "--propID", "2733"]
    if where == "environment":
        monkeypatch.setenv("MAST_API_TOKEN", TOKEN_EXPIRED)
    else:
        (tmp_path / "mine.cfg").write_text(f"token: {TOKEN_EXPIRED}\n")
        command += ["-c", str(tmp_path / "mine.cfg")]
    assert main(command) == 0
    said = capsys.readouterr()
    assert "jw02733" in said.out
    assert said.err.count("going on without") == 1
    assert "expired" in said.err
    assert TOKEN_EXPIRED not in said.out + said.err
    if where == "environment":
        assert main([*command, "--token", TOKEN_EXPIRED]) == 3
        assert main([*command, "--login"]) == 3


def test_a_token_can_come_on_standard_input(archive, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))
    assert main(["query", "--propID", "2733", f"--archive={archive.url}", "--login"]) == 0
    said = capsys.readouterr()
    assert TOKEN not in said.out + said.err


def test_login_without_a_token_says_where_it_may_be(archive, capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert main(["query", "--propID", "2733", f"--archive={archive.url}", "--login"]) == 3
    assert "MAST_API_TOKEN" in capsys.readouterr().err


def test_the_token_for_mast_is_not_given_to_another_archive_unasked(archive, monkeypatch):
    monkeypatch.setenv("MAST_API_TOKEN", "0123456789abcdef0123456789abcdef")
    assert main(["query", "--propID", "2733", f"--archive={archive.url}"]) == 0


def test_download_fetches_the_files_and_a_second_one_has_nothing_to_do(miri, capsys, tmp_path):
    command = ["download", *miri, "--outrootdir", str(tmp_path), "--yes", "--format=csv"]
    assert main(command) == 0
    said = capsys.readouterr()
    rows = _rows(said.out)
    assert {row["Status"] for row in rows} == {"COMPLETE"}
    assert all(Path(row["Local Path"]).stat().st_size == int(row["size"]) for row in rows)
    assert f"{len(rows)} downloaded" in said.err

    assert main(command) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert f"{len(rows)} already here" in said.err


def test_skipdownload_lists_the_plan_and_moves_nothing(miri, capsys, tmp_path):
    assert main(["download", *miri, "--outrootdir", str(tmp_path), "-n", "--format=csv"]) == 0
    rows = _rows(capsys.readouterr().out)
    assert {row["state"] for row in rows} == {"fetch"}
    assert all(Path(row["path"]).is_relative_to(tmp_path) for row in rows)
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_a_script_is_written_instead_of_a_download(archive, miri, capsys, tmp_path):
    archive.clear_requests()
    assert main(["download", *miri, "--outrootdir", str(tmp_path), "--script", str(tmp_path / "get.sh")]) == 0
    assert not [request for request in archive.requests if "/Download/" in request.path]
    assert re.search(r"files · run it like this: sh .*get\.sh", capsys.readouterr().err)
    assert (tmp_path / "get.sh").read_text().startswith("#!/bin/sh\n")
    assert main(["download", *miri, "--outrootdir", str(tmp_path), "--script=-", "--script-kind=aria2"]) == 0
    assert "\n  out=02733/" in capsys.readouterr().out
    assert main(["download", *miri, "--outrootdir", str(tmp_path), "--script=-", "--script-kind=wget"]) == 2


def test_a_destination_that_cannot_be_written_is_one_sentence_and_status_2(miri, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    assert main(["download", *miri, "--outrootdir", str(tmp_path / "file" / "below"), "--yes"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert str(tmp_path / "file") in said.err
    assert "Traceback" not in said.err


def test_files_that_fail_are_named_and_give_status_1(archive, miri, capsys, tmp_path):
    archive.faults = (Refuse(path="*_i2d.fits", status=404),)
    assert main(["download", *miri, "--outrootdir", str(tmp_path), "--yes", "--format=csv"]) == 1
    said = capsys.readouterr()
    rows = _rows(said.out)
    assert {row["Status"] for row in rows} == {"ERROR"}
    assert all(row["Message"] for row in rows)
    assert "retry" in said.err


def test_on_a_terminal_the_download_is_asked_for_and_no_means_no(miri, tmp_path):
    person, terminal = pty.openpty()
    command = [*JWSTMQ, "download", *miri, "--outrootdir", str(tmp_path)]
    with subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        seen = _read_until(person, r"\[y/n\] ")
        os.write(person, b"n\n")
        seen += _read_until(person, None)
    os.close(person)
    assert process.returncode == 0
    assert "nothing downloaded" in seen
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_ctrl_c_keeps_what_came_and_the_next_run_resumes(archive, miri, tmp_path):
    archive.faults = (Slow(path="*_i2d.fits", rate=20_000),)
    person, terminal = pty.openpty()
    command = [*JWSTMQ, "download", *miri, "--outrootdir", str(tmp_path), "--yes", "--workers=2"]
    with subprocess.Popen(command, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal) as process:
        os.close(terminal)
        _read_until(person, r"[2-9]\d\.\d kB of ")  # more than a resumed transfer checks again
        process.send_signal(signal.SIGINT)
        seen = _read_until(person, None)
    os.close(person)
    assert process.returncode == 1
    assert "cancelled; run the same command again to resume" in seen
    assert "Traceback" not in seen
    assert list(tmp_path.rglob("*.part"))

    archive.faults = ()
    archive.clear_requests()
    assert main(command[len(JWSTMQ) :]) == 0
    assert not list(tmp_path.rglob("*.part"))
    assert 206 in {request.status for request in archive.requests}


def test_a_terminal_shows_a_bar_the_running_files_and_failures_as_they_come(archive, miri, tmp_path):
    archive.faults = (Refuse(path="*_f1130w_i2d.fits", status=404, times=1), Slow(path="*_i2d.fits", rate=1_000_000))
    person, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 72, 0, 0))
    only = ["--obsnums", "2", "--filters", "f1130w"]
    command = [*JWSTMQ, "download", *miri, *only, "--outrootdir", str(tmp_path), "--yes", "--workers=2"]
    with subprocess.Popen(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal, env={**os.environ, "TERM": "xterm-256color"}
    ) as process:
        os.close(terminal)
        seen = _read_until(person, None)
    os.close(person)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    assert re.search(r"━.* \d+%  .* of .* · .*/s", shown), shown
    assert re.search(r"━.* [kM]B +jw02733\S+", shown), shown
    assert re.search(r"failed: jw02733\S+_i2d.fits: ", shown), shown
    assert all(len(line) <= 72 for line in re.split(r"[\r\n]", shown) if "━" in line)
    assert "1 failed · " in shown
    assert process.returncode == 1


def test_a_reader_that_has_seen_enough_is_no_error(archive):
    command = [*JWSTMQ, "products", f"--archive={archive.url}", "--propID=2733", "--format=csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith("obsID,")
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0
    assert "Error" not in said


def test_serve_prints_one_line_when_it_is_ready_and_ends_at_ctrl_c():
    command = [*JWSTMQ, "serve", "--port=0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout
        try:
            url = process.stdout.readline().strip()
            assert urllib3.request("GET", f"{url}/whoami", retries=False).status == 200
            os.killpg(process.pid, signal.SIGINT)  # what a terminal does at Ctrl-C
            out, said = process.communicate(timeout=30)
        finally:
            process.kill()
    assert process.returncode == 0
    assert out + said == ""
    with pytest.raises(urllib3.exceptions.HTTPError):
        urllib3.request("GET", url, retries=False)


def test_serve_says_when_its_port_is_taken(archive, capsys):
    port = archive.url.rpartition(":")[2]
    assert main(["serve", "--port", port]) == 2
    said = capsys.readouterr()
    assert port in said.err
    assert said.err.count("\n") == 1


def test_python_m_is_the_same_command(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    done = subprocess.run([*JWSTMQ, "--version"], check=True, capture_output=True, text=True)
    assert done.stdout == capsys.readouterr().out


def _read_until(terminal: int, pattern: str | None) -> str:
    """Read what a terminal shows until a pattern comes; None reads to the end."""
    seen = ""
    while pattern is None or not re.search(pattern, seen):
        try:
            chunk = os.read(terminal, 4096)
        except OSError as error:  # Linux's way to say that the other side has closed
            if error.errno != errno.EIO:
                raise
            chunk = b""
        if not chunk:
            assert pattern is None, seen
            break
        seen += chunk.decode()
    return seen
