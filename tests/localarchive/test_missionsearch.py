"""Mission search on the local archive."""

from typing import Any

import pytest
import requests

from jwstmq_widgets.localarchive.protocols.missionterms import read_terms


def search(url: str, **body: Any) -> requests.Response:
    return requests.post(f"{url}/search/jwst/api/v0.1/search", json=body, timeout=60)


@pytest.mark.parametrize(
    ("text", "numeric", "inside", "outside"),
    [
        ("MIRI,NIRCAM", False, ["miri", "NIRCam"], ["NIRSPEC", None]),
        ("2733", True, [2733], [2734, None]),
        ("1..3", True, [1, 2, 3], [0.5, 4]),
        (">=2,<1", True, [0.5, 2, 7], [1, 1.5]),
        ("<=2", True, [2, -1], [2.1]),
        (">2", True, [3], [2]),
        ("!FGS", False, ["MIRI"], ["fgs", None]),
        ("!FGS,!M*", False, ["NIRCAM"], ["FGS", "MIRI"]),
        ("jw02733*_00001", False, ["jw02733001001_02101_00001"], ["jw02733001001_02101_00002"]),
        ("*image", False, ["MIR_IMAGE"], ["MIR_MRS"]),
        ("2022-06-03..2022-06-04", False, ["2022-06-03T10:00:00.0"], ["2022-06-04T00:00:00.0"]),
        ("-5.5", True, [-5.5], [5.5]),
    ],
)
def test_a_condition_means_what_the_service_says(
    text: str, numeric: bool, inside: list[object], outside: list[object]
) -> None:
    terms = read_terms(text, numeric=numeric)
    assert all(terms.accept(value) for value in inside)
    assert not any(terms.accept(value) for value in outside)


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
