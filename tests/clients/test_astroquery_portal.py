"""Unmodified astroquery's Observations against the local archive: questions."""

from typing import Any

import pytest

from tests.clients.conftest import Run, given

pytestmark = pytest.mark.clients

_SCRIPT = """
import astroquery
from astroquery.mast import Mast, Observations, utils
answers["version"] = astroquery.__version__
answers["server"] = Observations._portal_api_connection.MAST_REQUEST_URL

rows = lambda table: [dict(zip(table.colnames, map(str, row))) for row in table]

@step("criteria")
def _():
    global observations
    observations = Observations.query_criteria(obs_collection="JWST", proposal_id=["2733"])
    return {"columns": observations.colnames, "types": {n: observations[n].dtype.kind for n in observations.colnames},
            "rows": rows(observations)}

@step("count")
def _():
    return int(Observations.query_criteria_count(obs_collection="JWST", proposal_id="2733"))

@step("wildcard")
def _():
    return rows(Observations.query_criteria(proposal_id="2733", instrument_name="MIRI*"))

@step("filter element")
def _():
    return rows(Observations.query_criteria(proposal_id="2733", filters=["F770W"]))

@step("date range")
def _():
    table = Observations.query_criteria(obs_collection="JWST", t_min=[59733, 59734])
    return [float(value) for value in table["t_min"]]

@step("nothing found")
def _():
    return len(Observations.query_criteria(proposal_id="99999"))

@step("unknown column")
def _():
    return len(Observations.query_criteria(proposal_idd="2733"))

@step("region")
def _():
    table = Observations.query_region("151.757 -40.436", radius="1 arcmin")
    return {"ids": sorted(set(map(str, table["proposal_id"]))), "columns": table.colnames,
            "distances": [float(value) for value in table["distance"]]}

@step("region count")
def _():
    return int(Observations.query_region_count("151.757 -40.436", radius="1 arcmin"))

@step("object")
def _():
    return sorted(set(map(str, Observations.query_object("NGC 3132", radius="1 arcmin")["proposal_id"])))

@step("criteria with position")
def _():
    table = Observations.query_criteria(
        coordinates="151.757 -40.436", radius="1 arcmin", instrument_name=["MIRI/IMAGE"])
    return sorted(set(map(str, table["instrument_name"])))

@step("resolve")
def _():
    place = utils.resolve_object("NGC 3132")
    return [place.ra.deg, place.dec.deg]

@step("resolve all")
def _():
    return sorted(utils.resolve_object("NGC 3132", resolve_all=True))

@step("resolve unknown")
def _():
    return str(utils.resolve_object("no such object"))

@step("missions")
def _():
    return Observations.list_missions()

@step("metadata")
def _():
    return {kind: list(map(str, Observations.get_metadata(kind)["Column Name"]))
            for kind in ("observations", "products")}

@step("pages")
def _():
    table = Observations.query_criteria(proposal_id="2733", pagesize=3)
    return [str(value) for value in table["obsid"]]

@step("one page")
def _():
    return len(Observations.query_criteria(proposal_id="2733", pagesize=3, page=2))

@step("chosen columns")
def _():
    table = Mast.service_request("Mast.Caom.Filtered", {"columns": "obs_id,t_min", "filters": [
        {"paramName": "proposal_id", "values": ["02733"]}]})
    return {"columns": table.colnames, "rows": len(table)}

@step("jwst_mast_query")
def _():
    # Its constructor points a Mast object at these paths, and these are the questions that it asks.
    from astroquery.mast import MastClass
    mast = MastClass()
    api = mast._portal_api_connection
    base = api.MAST_REQUEST_URL.removesuffix("/api/v0/invoke")
    api.MAST_REQUEST_URL = base + "/portal_jwst/Mashup/Mashup.asmx/invoke"
    api.COLUMNS_CONFIG_URL = base + "/portal_jwst/Mashup/Mashup.asmx/columnsconfig"
    api.MAST_DOWNLOAD_URL = base + "/jwst/api/v0.1/download/file"
    found = mast.service_request("Mast.Caom.Filtered", {
        "columns": "proposal_id,dataURL,obsid,obs_id,t_min,t_exptime,instrument_name",
        "filters": [
            {"paramName": "obs_collection", "values": ["JWST"]},
            {"paramName": "instrument_name", "values": ["MIRI/IMAGE"]},
            {"paramName": "t_min", "values": [{"min": 59700.0, "max": 59800.0}]},
            {"paramName": "proposal_id", "values": ["02733"]},
        ],
    })
    files = mast.service_request("Mast.Caom.Products", {
        "obsid": ",".join(found["obsid"][:2]), "columns": ["type", "productType"], "format": "json"})
    name = "jw02733-o002_t001_miri_f1130w_i2d.jpg"
    mast._download_file(api.MAST_DOWNLOAD_URL + "?uri=mast:JWST/product/" + name, name, verbose=False)
    return {"columns": found.colnames, "rows": len(found), "files": len(files), "bytes": os.path.getsize(name)}

@step("products")
def _():
    global products
    chosen = observations[observations["obs_id"] == "jw02733-o002_t001_miri_f1130w"]
    products = Observations.get_product_list(chosen)
    return {"columns": products.colnames, "rows": len(products), "size": products["size"].dtype.kind}

@step("unique products")
def _():
    chosen = observations[observations["obs_id"] == "jw02733-o002_t001_miri_f1130w"]
    unique = Observations.get_unique_product_list(chosen)
    return {"rows": len(unique), "names": len(set(unique["productFilename"]))}

@step("filter products")
def _():
    chosen = Observations.filter_products(products, productType="SCIENCE", extension="fits", calib_level=[3])
    return sorted(set(map(str, chosen["productFilename"])))
"""


@pytest.fixture(scope="module")
def answers(run_client: Run) -> dict[str, Any]:
    return run_client(_SCRIPT)


def test_the_configuration_file_alone_points_the_client_here(answers: dict[str, Any]) -> None:
    assert answers["server"].startswith("http://127.0.0.1:")


def test_criteria_give_the_ten_observations_of_a_program(answers: dict[str, Any]) -> None:
    rows = given(answers, "criteria")["rows"]
    assert len(rows) == 10
    assert {row["proposal_id"] for row in rows} == {"2733"}


def test_criteria_give_columns_of_the_types_that_the_client_expects(answers: dict[str, Any]) -> None:
    types = given(answers, "criteria")["types"]
    assert types["obsid"] == types["obs_id"] == "U"
    assert types["t_min"] == types["s_ra"] == "f"
    assert types["calib_level"] == "i"
    assert types["mtFlag"] == "b"


def test_a_count_agrees_with_the_rows(answers: dict[str, Any]) -> None:
    assert given(answers, "count") == len(given(answers, "criteria")["rows"])


def test_a_wildcard_finds_all_modes_of_an_instrument(answers: dict[str, Any]) -> None:
    found = {row["instrument_name"] for row in given(answers, "wildcard")}
    assert found
    assert all(name.startswith("MIRI/") for name in found)


def test_a_filter_is_found_among_others(answers: dict[str, Any]) -> None:
    found = given(answers, "filter element")
    assert found
    assert all("F770W" in row["filters"].split(";") for row in found)


def test_a_range_of_dates_holds(answers: dict[str, Any]) -> None:
    found = given(answers, "date range")
    assert found
    assert all(59733 <= value <= 59734 for value in found)


def test_nothing_found_is_an_empty_table(answers: dict[str, Any]) -> None:
    assert given(answers, "nothing found") == 0


def test_the_client_names_the_nearest_column(answers: dict[str, Any]) -> None:
    assert answers["unknown column"]["failed"] == "InvalidQueryError"
    assert "proposal_id" in answers["unknown column"]["message"]


def test_a_region_gives_distances(answers: dict[str, Any]) -> None:
    region = given(answers, "region")
    assert "2733" in region["ids"]
    assert region["distances"]
    assert all(0 <= value <= 60 for value in region["distances"])


def test_a_region_can_be_counted(answers: dict[str, Any]) -> None:
    assert given(answers, "region count") == len(given(answers, "region")["distances"])


def test_an_object_is_resolved_and_found(answers: dict[str, Any]) -> None:
    assert "2733" in given(answers, "object")


def test_criteria_and_position_both_hold(answers: dict[str, Any]) -> None:
    assert given(answers, "criteria with position") == ["MIRI/IMAGE"]


def test_the_resolver_answers_through_the_proxy(answers: dict[str, Any]) -> None:
    ra, dec = given(answers, "resolve")
    assert ra == pytest.approx(151.757, abs=0.02)
    assert dec == pytest.approx(-40.437, abs=0.02)
    assert given(answers, "resolve all") == ["NED", "SIMBAD"]


def test_an_unknown_object_is_not_resolved(answers: dict[str, Any]) -> None:
    assert answers["resolve unknown"]["failed"] == "ResolverError"


def test_the_missions_are_listed(answers: dict[str, Any]) -> None:
    assert given(answers, "missions") == ["JWST"]


def test_the_columns_are_described(answers: dict[str, Any]) -> None:
    metadata = given(answers, "metadata")
    assert set(given(answers, "criteria")["columns"]) <= set(metadata["observations"])
    assert set(given(answers, "products")["columns"]) <= set(metadata["products"])


def test_pages_are_put_together(answers: dict[str, Any]) -> None:
    pages = given(answers, "pages")
    assert len(pages) == len(set(pages)) == 10
    assert given(answers, "one page") == 3


def test_chosen_columns_and_a_padded_program_number_do(answers: dict[str, Any]) -> None:
    assert given(answers, "chosen columns") == {"columns": ["obs_id", "t_min"], "rows": 10}


def test_the_way_of_jwst_mast_query_works(answers: dict[str, Any]) -> None:
    found = given(answers, "jwst_mast_query")
    assert found["columns"][:3] == ["proposal_id", "dataURL", "obsid"]
    assert found["rows"] > 0
    assert found["files"] > 0
    assert found["bytes"] > 0


def test_an_observation_lists_more_than_three_thousand_products(answers: dict[str, Any]) -> None:
    products = given(answers, "products")
    assert products["rows"] > 3000
    assert products["size"] == "i"


def test_unique_products_are_unique(answers: dict[str, Any]) -> None:
    unique = given(answers, "unique products")
    assert 0 < unique["rows"] == unique["names"] < given(answers, "products")["rows"]


def test_products_can_be_filtered(answers: dict[str, Any]) -> None:
    assert "jw02733-o002_t001_miri_f1130w_i2d.fits" in given(answers, "filter products")
