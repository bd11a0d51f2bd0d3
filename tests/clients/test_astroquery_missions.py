"""Unmodified astroquery's MastMissions against the local archive."""

from pathlib import Path
from typing import Any

import pytest

from tests.clients.conftest import Run, given

pytestmark = pytest.mark.clients

_SCRIPT = """
from astroquery.mast import MastMissions
missions = MastMissions(mission="jwst")
rows = lambda table: [dict(zip(table.colnames, map(str, row))) for row in table]

@step("columns")
def _():
    return list(map(str, missions.get_column_list()["name"]))

@step("criteria")
def _():
    global found
    found = missions.query_criteria(program="2733", instrume=["MIRI"])
    return {"columns": found.colnames, "rows": rows(found)}

@step("range")
def _():
    return rows(missions.query_criteria(program="2733", date_obs="2022-06-03..2022-06-04"))

@step("wildcard and sort")
def _():
    table = missions.query_criteria(fileSetName="jw02733*", sort_by=["date_obs"], sort_desc=[True], limit=7)
    return [str(value) for value in table["date_obs"]]

@step("negation")
def _():
    return sorted(set(row["instrume"] for row in rows(missions.query_criteria(program="2733", instrume="!MIRI"))))

@step("chosen columns")
def _():
    return missions.query_criteria(program="2733", select_cols=["program", "exp_type"]).colnames

@step("keywords")
def _():
    table = missions.query_criteria(
        exp_type="NRC_IMAGE", readpatt=["SHALLOW2", "BRIGHT*"], effexptm=">=200", nircam_module="!A", program="2733",
        select_cols=["fileSetName", "readpatt", "effexptm", "filter", "miri_band"], sort_by=["effexptm", "fileSetName"],
    )
    return rows(table)

@step("all columns")
def _():
    names = list(map(str, missions.get_column_list()["name"]))
    return missions.query_criteria(program="2733", select_cols=names, limit=1).colnames

@step("pages")
def _():
    asked = dict(tsovisit="f", program="2733", limit=30, sort_by=["fileSetName"])
    pages = [missions.query_criteria(**asked, offset=offset) for offset in (0, 30, 60)]
    return [str(name) for page in pages for name in page["fileSetName"]]

@step("region")
def _():
    table = missions.query_region("151.757 -40.436", radius=2)
    return [[str(row["program"]), float(row["ang_sep"])] for row in table]

@step("object")
def _():
    return sorted(set(str(row["program"]) for row in missions.query_object("NGC 3132", radius=2)))

@step("unknown column")
def _():
    return len(missions.query_criteria(programm="2733"))

@step("no number")
def _():
    return len(missions.query_criteria(program="many"))

@step("products")
def _():
    global products
    products = missions.get_product_list(found["fileSetName"][:2])
    return {"columns": products.colnames, "rows": rows(products)}

@step("download")
def _():
    chosen = missions.filter_products(products, extension="_cal.jpg")[:2]
    return rows(missions.download_products(chosen, download_dir=".", verbose=False))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("missions")


@pytest.fixture(scope="module")
def answers(run_client: Run, folder: Path) -> dict[str, Any]:
    return run_client(_SCRIPT, folder=folder)


def test_the_columns_are_listed(answers: dict[str, Any]) -> None:
    columns = set(given(answers, "columns"))
    assert {"fileSetName", "program", "instrume", "date_obs", "s_region", "readpatt", "nirspec_gwa_xtil"} <= columns
    assert len(columns) == 251


def test_criteria_hold(answers: dict[str, Any]) -> None:
    rows = given(answers, "criteria")["rows"]
    assert rows
    assert {(row["program"], row["instrume"]) for row in rows} == {("2733", "MIRI")}


def test_a_range_of_dates_holds(answers: dict[str, Any]) -> None:
    rows = given(answers, "range")
    assert rows
    assert all("2022-06-03" <= row["date_obs"] <= "2022-06-04" for row in rows)


def test_a_wildcard_is_matched_and_rows_are_sorted_and_limited(answers: dict[str, Any]) -> None:
    dates = given(answers, "wildcard and sort")
    assert len(dates) == 7
    assert dates == sorted(dates, reverse=True)


def test_a_negation_excludes(answers: dict[str, Any]) -> None:
    instruments = given(answers, "negation")
    assert instruments
    assert "MIRI" not in instruments


def test_only_chosen_columns_come(answers: dict[str, Any]) -> None:
    columns = given(answers, "chosen columns")
    assert {"program", "exp_type", "fileSetName"} <= set(columns)
    assert "s_region" not in columns


def test_conditions_on_any_keyword_hold(answers: dict[str, Any]) -> None:
    rows = given(answers, "keywords")
    assert len(rows) == 16
    assert {row["readpatt"] for row in rows} == {"SHALLOW2"}
    assert {row["filter"] for row in rows} == {"F187N, F444W", "F212N, F444W"}


def test_all_columns_can_be_had(answers: dict[str, Any]) -> None:
    assert set(given(answers, "columns")) <= set(given(answers, "all columns"))


def test_pages_follow_each_other_without_gap_or_repeat(answers: dict[str, Any]) -> None:
    names = given(answers, "pages")
    assert len(names) == len(set(names)) == 88
    assert names == sorted(names)


def test_a_region_gives_distances(answers: dict[str, Any]) -> None:
    found = given(answers, "region")
    assert found
    assert "2733" in {program for program, _ in found}


def test_an_object_is_found(answers: dict[str, Any]) -> None:
    assert "2733" in given(answers, "object")


def test_wrong_questions_are_refused(answers: dict[str, Any]) -> None:
    assert answers["unknown column"]["failed"] == "InvalidQueryError"
    assert answers["no number"]["failed"] == "InvalidQueryError"


def test_products_are_listed_by_exposure(answers: dict[str, Any]) -> None:
    products = given(answers, "products")
    assert {"product_key", "access", "dataset", "filename", "uri", "size", "type", "category"} <= set(
        products["columns"]
    )
    assert all(row["uri"] == f"{row['dataset']}/{row['filename']}" for row in products["rows"])


def test_products_are_downloaded(answers: dict[str, Any], folder: Path) -> None:
    manifest = given(answers, "download")
    assert [row["Status"] for row in manifest] == ["COMPLETE", "COMPLETE"]
    assert all((folder / row["Local Path"]).read_bytes()[:2] == b"\xff\xd8" for row in manifest)
