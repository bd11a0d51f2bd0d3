"""Cells for spreadsheets: nothing that would run there."""

import csv
import io

import numpy as np
import pytest
from astropy.table import Table

from jwstmq_widgets.tables.spreadsheets import harmless, tsv, write_spreadsheet


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", '=cmd|" /C calc"!A0'])
def test_what_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "NGC 3132", "a=b", "1e3", "'=1", "jw02733_cal.fits"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def test_csv_is_safe_and_the_table_stays_as_it_is() -> None:
    table = Table({"target_name": ['=cmd|"x"', 'a,"b"\nc'], "s_dec": [-40.4, np.nan], "size": [-1, 12]})
    stream = io.StringIO(newline="")
    write_spreadsheet(table, stream)
    rows = list(csv.reader(io.StringIO(stream.getvalue(), newline="")))
    assert rows == [
        ["target_name", "s_dec", "size"],
        ['\'=cmd|"x"', "-40.4", "-1"],
        ['a,"b"\nc', "", "12"],
    ]
    assert table["target_name"][0] == '=cmd|"x"'


def test_a_pasted_cell_stays_one_cell_and_no_formula_hides_behind_a_space() -> None:
    text = tsv(["File", "Size"], [["a\tb\nc", "\t=1", "=1"], [1, None, "2 B"]])
    assert text.split("\n") == ["File\tSize", "a b c\t1", "' =1\t", "'=1\t2 B", ""]
