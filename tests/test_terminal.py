"""What a terminal, a log and a program see."""

import csv
import io
import json
import os
import pty
import termios

import pytest
from astropy.table import Table

from jwstmq_widgets.cli.terminal import ProgressLine, write_table


class _Screen(io.StringIO):
    """A stream that says that it is a terminal."""

    def isatty(self) -> bool:
        return True


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def products() -> Table:
    return Table(
        {
            "productFilename": ["jw02733001001_02103_00001_mirimage_cal.fits", "x.fits"],
            "size": [29_700_000, -1],
            "t_min": [59733.5, float("nan")],
            "program": [2733, -1],
            "detector": ["mirimage", ""],
        }
    )


def _written(table: Table, form: str, columns: tuple[str, ...] = ()) -> str:
    stream = io.StringIO()
    write_table(table, format=form, columns=columns or tuple(table.colnames), stream=stream)
    return stream.getvalue()


def test_a_table_for_eyes_shows_sizes_and_dates_as_people_write_them(products):
    assert _written(products, "table", ("program", "t_min", "size")) == (
        "program  t_min                size\n"
        "-------  ----------------  -------\n"
        "   2733  2022-06-03 12:00  29.7 MB\n"
        "      –  –                       –\n"
    )


def test_a_table_for_eyes_shows_only_its_columns(products):
    assert "mirimage_cal" not in _written(products, "table", ("program", "detector"))


def test_csv_holds_every_column_with_plain_values_and_nothing_for_missing_reals(products):
    rows = list(csv.DictReader(io.StringIO(_written(products, "csv", ("size",)))))
    assert list(rows[0]) == products.colnames
    assert [row["size"] for row in rows] == ["29700000", "-1"]
    assert rows[1]["t_min"] == ""


def test_json_is_a_list_of_objects_with_null_for_missing_reals(products):
    rows = json.loads(_written(products, "json"))
    assert rows[0]["size"] == 29_700_000
    assert rows[1]["t_min"] is None


def test_ecsv_gives_the_table_back(products):
    again = Table.read(_written(products, "ecsv"), format="ascii.ecsv")
    assert again["size"].tolist() == products["size"].tolist()


@pytest.mark.parametrize("form", ["csv", "json", "table", "ecsv"])
def test_an_empty_table_is_written_too(products, form):
    assert _written(products[:0], form)


def test_text_of_an_archive_has_no_power_over_the_terminal():
    table = Table({"target_name": ["\x1b]0;owned\x07\x1b[2J"]})
    assert "\x1b" not in _written(table, "table")


def test_on_a_terminal_progress_is_one_line_that_is_wiped_at_its_end():
    screen, clock = _Screen(), _Clock()
    with ProgressLine(screen, clock=clock) as line:
        line.show("1 of 2")
        clock.now = 1.0
        line.show("2 of 2")
    assert screen.getvalue() == "\r\x1b[K1 of 2\r\x1b[K2 of 2\r\x1b[K"


def test_progress_is_drawn_ten_times_a_second_at_the_most():
    screen, clock = _Screen(), _Clock()
    line = ProgressLine(screen, clock=clock)
    for step in range(100):
        clock.now = step / 99
        line.show(f"step {step}")
    assert screen.getvalue().count("step") <= 11


def test_a_progress_line_is_never_wider_than_the_terminal():
    person, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 20))
    with os.fdopen(terminal, "w") as screen:
        ProgressLine(screen, clock=_Clock()).show("x" * 100)
        assert os.read(person, 1000).count(b"x") == 19
    os.close(person)


def test_in_a_log_progress_is_a_plain_line_every_ten_seconds_at_the_most():
    log, clock = io.StringIO(), _Clock()
    with ProgressLine(log, clock=clock) as line:
        for second in range(26):
            clock.now = float(second)
            line.show(f"second {second}")
    assert log.getvalue() == "second 10\nsecond 20\n"
