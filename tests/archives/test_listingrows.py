"""Rows of product lists: however they are read, they are what JSON says."""

import json
from typing import Any

import orjson
import pytest

from jwstmq_widgets.archives.mast import listingrows
from jwstmq_widgets.archives.mast.listingrows import read_rows

NAMES = ["obsID", "obs_id", "description", "dataURI", "size", "parent_obsid", "calib_level"]


def row(file: int, parent: int, **changes: Any) -> dict[str, Any]:
    uri = f"mast:JWST/product/jw02733001001_02101_{file:05d}_nrca1_cal.fits"
    values = (str(parent), f"jw02733-o{parent:03d}", "exposure: 2D", uri, 1000 + file, str(parent), 2)
    return dict(zip(NAMES, values, strict=True)) | changes


def shared(**changes: Any) -> list[dict[str, Any]]:
    """Twenty files of six observations each; the 50th row is another one."""
    rows = [row(file, parent) for parent in range(6) for file in range(20)]
    rows[50] |= changes
    return rows


def read(rows: list[dict[str, Any]], *, blanks: bool = False) -> dict[str, list[Any]]:
    body = json.dumps(rows).encode() if blanks else orjson.dumps(rows)
    columns = read_rows(body, 1, len(body) - 1, b"}, {" if blanks else b"},{", NAMES)
    return {name: values.tolist() for name, values in columns.items()}


def by_column(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [values.get(name) for values in rows] for name in NAMES}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"description": None, "size": None},
        {"description": 'a "quoted" },{ text'},
        {"description": '},{"obsID":"7","description":"x'},
        {"description": ',"parent_obsid":"7"'},
        {"description": "Gro\N{LATIN SMALL LETTER SHARP S}, \\ and \n"},
        {"description": {"parent_obsid": 1, "description": "nested"}},
        {"description": [{"a": 1}, {"b": 2}]},
        {"parent_obsid": None},
        {"parent_obsid": "1,2"},
        {"calib_level": {"level": 2}},
        {"obsID": {"description": "before its place"}},
    ],
    ids=str,
)
@pytest.mark.parametrize("blanks", [False, True])
def test_rows_that_repeat_are_read_as_json_reads_them(changes: dict[str, Any], blanks: bool) -> None:
    rows = shared(**changes)
    told = by_column(rows)
    for name, values in told.items():  # lists and dicts, which a column does not hold, are their JSON text
        told[name] = [orjson.dumps(value).decode() if isinstance(value, (list, dict)) else value for value in values]
    assert read(rows, blanks=blanks) == told


@pytest.mark.parametrize("name", ["description", "size", "parent_obsid", "calib_level"])
def test_a_row_may_leave_out_what_it_has_no_value_for(name: str) -> None:
    rows = shared()
    del rows[50][name]
    assert read(rows) == by_column(rows)


def test_columns_in_another_order_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{name: values[name] for name in reversed(NAMES)} for values in shared()]
    monkeypatch.setattr(listingrows, "_CHUNK", 300)
    assert read(rows) == by_column(rows)


def test_what_repeats_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listingrows, "_CHUNK", 300)
    rows = shared()
    told = by_column(rows)
    monkeypatch.setattr(listingrows, "_pieces", None)  # reads all rows
    assert read(rows) == told
