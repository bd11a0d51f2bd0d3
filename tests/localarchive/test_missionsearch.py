"""Mission search on the local archive."""

import sqlite3
from typing import Any

import pytest
import requests

from jwstmq_widgets.localarchive.holdings import MissionColumn
from jwstmq_widgets.localarchive.holdings.missionterms import criteria_clause
from jwstmq_widgets.localarchive.protocols.missionterms import read_criterion


def search(url: str, **body: Any) -> requests.Response:
    return requests.post(f"{url}/search/jwst/api/v0.1/search", json=body, timeout=60)


@pytest.mark.parametrize(
    ("text", "kind", "inside", "outside"),
    [
        ("MIRI,NIRCAM", "text", ["miri", "NIRCam"], ["NIRSPEC", None]),
        ("2733", "real", [2733], [2734, None]),
        ("1..3", "real", [1, 2, 3], [0.5, 4]),
        (">=2,<1", "real", [0.5, 2, 7], [1, 1.5]),
        ("<=2", "real", [2, -1], [2.1]),
        (">2", "real", [3], [2]),
        ("!FGS", "text", ["MIRI"], ["fgs", None]),
        ("!FGS,!M*", "text", ["NIRCAM"], ["FGS", "MIRI"]),
        ("!1..3", "real", [0, 4], [1, 2, 3]),
        ("jw02733*_00001", "text", ["jw02733001001_02101_00001"], ["jw02733001001_02101_00002"]),
        ("*image", "text", ["MIR_IMAGE"], ["MIR_MRS", "MIR_IMAGES"]),
        ("A%", "text", ["A%"], ["AB", "A_"]),
        ("A_*", "text", ["A_1"], ["AB1"]),
        ("2022-06-03..2022-06-04", "moment", ["2022-06-03T10:00:00.0"], ["2022-06-04T00:00:00.0"]),
        ("-5.5", "real", [-5.5], [5.5]),
        ("F444W", "list", ["F444W", "F200W, F444W", "f444w, F200W"], ["F444W2", "F200W", None]),
        ("F200W, F444W", "list", ["F200W, F444W", "F200W"], ["F2, F4"]),
        ("!F444W", "list", ["F200W"], ["F200W, F444W", None]),
        ("null", "text", [None], ["x"]),
        ("!null", "text", ["x"], [None]),
        ("F*,null", "text", ["F1", None], ["G1"]),
        (" , ,", "text", ["x", None], []),
    ],
)
def test_a_condition_means_what_the_service_says(
    text: str, kind: str, inside: list[object], outside: list[object]
) -> None:
    assert [value for value in (*inside, *outside) if meets(value, text, kind)] == inside


def meets(value: object, text: str, kind: str) -> bool:
    column = MissionColumn(name="asked", kind=kind, description="", shown=True)  # type: ignore[arg-type]
    clause, parameters = criteria_clause([read_criterion(text, column)])
    with sqlite3.connect(":memory:") as connection:
        connection.execute(f"CREATE TABLE one (asked {'REAL' if kind == 'real' else 'TEXT'})")
        connection.execute("INSERT INTO one VALUES (?)", [value])
        found = connection.execute(f"SELECT * FROM one WHERE {clause}", parameters).fetchall()
    connection.close()
    return bool(found)


HOSTILE = [
    "'; DROP TABLE mission; --",
    '"',
    "%",
    "_",
    "\\",
    "x\x00y",
    "F770W' OR '1'='1",
    "*" * 60,
    "!" * 9,
    "\u202e",
    "🔭",
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", ["{}", "!{}", "{}*", ">={}", "{}..{}"])
def test_a_hostile_value_is_only_a_value(archive_url: str, form: str, text: str) -> None:
    reply = search(archive_url, conditions=[{"filter": form.format(text, text)}], count_only=True)
    assert reply.status_code == 200
    assert search(archive_url, conditions=[{"program": "2733"}], count_only=True).json()["totalResults"] == 88


def test_too_many_patterns_are_told_with_400(archive_url: str) -> None:
    reply = search(archive_url, conditions=[{"filter": ",".join(["F*"] * 5000)}])
    assert reply.status_code == 400
    assert search(archive_url, conditions=[{"filter": ",".join(["F770W"] * 5000)}], limit=1).status_code == 200


def test_all_columns_are_listed_and_some_are_shown_unasked(archive_url: str) -> None:
    path = f"{archive_url}/search/util/api/v0.1/column_list"
    columns = {entry["column_name"]: entry for entry in requests.get(path, timeout=30).json()}
    assert len(columns) == 251
    assert (columns["effexptm"]["qual_type"], columns["effexptm"]["default_output"]) == ("float", "no")
    assert columns["date_end"]["qual_type"] == "datetime"
    shown = [name for name, entry in columns.items() if entry["default_output"] == "yes"]
    row = search(archive_url, conditions=[{"program": "2733"}], limit=1).json()["results"][0]
    assert set(row) == {*shown, "search_key"}


def test_any_column_can_be_asked_for_chosen_and_sorted_by(archive_url: str) -> None:
    reply = search(
        archive_url,
        conditions=[{"exp_type": "MIR_IMAGE"}, {"effexptm": ">=100"}, {"filter": "F770W,F1130W"}, {"program": "2733"}],
        select_cols=["fileSetName", "filter", "effexptm", "patt_num"],
        sort_by=["patt_num", "filter"],
        sort_desc=[True, False],
    ).json()
    keys = [(-row["patt_num"], row["filter"]) for row in reply["results"]]
    assert len(keys) == 32
    assert keys == sorted(keys)
    assert set(reply["results"][0]) == {"fileSetName", "filter", "effexptm", "patt_num", "ang_sep", "search_key"}


def test_every_column_can_be_put_a_condition_on(archive_url: str) -> None:
    path = f"{archive_url}/search/util/api/v0.1/column_list"
    for entry in requests.get(path, timeout=30).json():
        if entry["queryable"] == "yes":
            reply = search(archive_url, conditions=[{entry["column_name"]: "null"}], count_only=True)
            assert reply.status_code == 200, entry["column_name"]


def test_all_rows_with_all_columns_come_in_one_answer(archive_url: str) -> None:
    reply = search(archive_url, conditions=[], select_cols=["*"]).json()
    assert len(reply["results"]) == reply["totalResults"] > 900
    assert len(reply["results"][0]) == 252


def test_an_offset_goes_on_where_the_limit_ended(archive_url: str) -> None:
    asked: dict[str, Any] = {"conditions": [{"program": "2733"}], "sort_by": ["date_obs", "fileSetName"]}
    whole = search(archive_url, **asked).json()
    parts = [search(archive_url, **asked, limit=10, offset=offset).json()["results"] for offset in (0, 10)]
    assert parts[0] + parts[1] == whole["results"][:20]
    assert whole["totalResults"] == len(whole["results"]) > 20


def test_counting_gives_no_rows(archive_url: str) -> None:
    reply = search(archive_url, conditions=[{"program": "2733"}], count_only=True).json()
    assert reply["totalResults"] > 0
    assert reply["results"] == []
    assert reply["search_params"]["count_only"] is True


def test_every_column_of_a_row_has_its_type_in_info(archive_url: str) -> None:
    reply = search(archive_url, conditions=[{"program": "2733"}], limit=1).json()
    types = {entry["name"]: entry["type"] for entry in reply["info"]}
    assert set(reply["results"][0]) == set(types)
    assert (types["program"], types["date_obs"], types["targ_ra"]) == ("INTEGER", "DATETIME", "FLOAT")


def test_a_position_limits_and_measures(archive_url: str) -> None:
    reply = search(archive_url, target=["151.757 -40.436"], radius=120, radius_units="arcseconds").json()
    assert reply["totalResults"] > 0
    assert all(row["ang_sep"] is not None for row in reply["results"])
    assert search(archive_url, target=["1 89"], radius=1, radius_units="arcminutes").json()["totalResults"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {"conditions": [{"nothing": "1"}]},
        {"conditions": [{"program": "many"}]},
        {"conditions": "program=2733"},
        {"conditions": ["program"]},
        {"select_cols": ["nothing"]},
        {"sort_by": ["nothing"]},
        {"target": ["here"]},
        {"target": ["1 100"]},
        {"target": ["1 1"], "radius_units": "parsec"},
        {"limit": -1},
        {"offset": "x"},
        {"offset": 1 << 63},
        {"conditions": [{"ang_sep": "1"}]},
        {"conditions": [{"filter": "*" * 60_000}]},
        {"conditions": [{"effexptm": "nan"}]},
        {"conditions": [{"effexptm": ">=1e999"}]},
        {"select_cols": [["filter"]]},
        {"sort_by": [1]},
        {"target": ["nan 1"]},
    ],
)
def test_a_wrong_question_is_told_with_400(archive_url: str, body: dict[str, Any]) -> None:
    reply = search(archive_url, **body)
    assert reply.status_code == 400
    assert reply.json()["detail"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff"])
def test_a_body_that_is_no_object_is_told_with_400(archive_url: str, body: bytes) -> None:
    for path in ("search", "post_list_products"):
        assert requests.post(f"{archive_url}/search/jwst/api/v0.1/{path}", data=body, timeout=30).status_code == 400


def test_products_can_be_listed_both_ways(archive_url: str) -> None:
    rows = search(archive_url, conditions=[{"program": "2733"}], limit=2).json()["results"]
    names = [row["fileSetName"] for row in rows]
    base = f"{archive_url}/search/jwst/api/v0.1"
    posted = requests.post(f"{base}/post_list_products", json={"dataset_ids": names}, timeout=30).json()
    got = requests.get(f"{base}/list_products", params={"dataset_ids": ",".join(names)}, timeout=30).json()
    assert posted == got
    assert {product["dataset"] for product in got["products"]} == set(names)


def test_a_listed_product_can_be_retrieved(archive_url: str) -> None:
    rows = search(archive_url, conditions=[{"program": "2733"}], limit=1).json()["results"]
    base = f"{archive_url}/search/jwst/api/v0.1"
    params = {"dataset_ids": rows[0]["fileSetName"]}
    product = requests.get(f"{base}/list_products", params=params, timeout=30).json()["products"][0]
    reply = requests.head(f"{base}/retrieve_product", params={"product_name": product["uri"]}, timeout=30)
    assert reply.status_code == 200
    assert int(reply.headers["Content-Length"]) == product["size"]


@pytest.mark.parametrize("names", [[], ["x"] * 1001, [1], "x"])
def test_a_list_of_products_needs_up_to_a_thousand_names(archive_url: str, names: Any) -> None:
    path = f"{archive_url}/search/jwst/api/v0.1/post_list_products"
    assert requests.post(path, json={"dataset_ids": names}, timeout=30).status_code == 400


def test_only_jwst_is_here(archive_url: str) -> None:
    path = f"{archive_url}/search/util/api/v0.1/column_list"
    assert requests.get(path, params={"mission": "jwst"}, timeout=30).json()
    assert requests.get(path, params={"mission": "hst"}, timeout=30).status_code == 404
