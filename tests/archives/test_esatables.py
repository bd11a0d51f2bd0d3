"""ESA's columns as ours: units, dates, rights, and files that observations share."""

import math

import pytest

from jwstmq_widgets.archives.esa.tables import (
    esa_observations,
    esa_products,
    known_sources,
    read_columns,
    uri_of,
)

MAIN = {
    "observationid": "jw02733-o002_t001_miri_f1130w",
    "obsid": "6ab73824-6587-4bca-84a8-eb48ac7251be",
    "planeid": "c999249f-c554-4a5f-bd6a-099f1fe48864",
    "calibrationlevel": "3",
    "max_cal_level": "3",
    "public": "true",
    "instrument_name": "MIRI/IMAGE",
    "proposal_id": "02733",
    "energy_bounds_lower": "1.08e-05",
    "energy_bounds_upper": "",
    "time_bounds_lower": "59733.25",
    "plane_datarelease": "2022-07-12T14:30:00.000",
    "position_bounds_spoly": "Polygon 10.0 -1.0 11.0 -1.0 11.0 0.0",
    "target_moving": "t",
}
COLUMNS = {f"m.{name}" for name in MAIN}


def observations(**changes):
    sources = known_sources("observations", COLUMNS)
    texts = MAIN | changes
    rows = read_columns({source.column: [texts[source.column]] for source in sources})
    return esa_observations(rows, sources, archive="a")[0]


def test_an_observation_has_mast_s_values_and_units():
    row = observations()
    assert row["proposal_id"] == "2733"
    assert (row["program"], row["observation"], row["instrument"], row["mode"]) == (2733, 2, "MIRI", "image")
    assert row["em_min"] == pytest.approx(10800.0)
    assert math.isnan(row["em_max"])
    assert row["t_obs_release"] == pytest.approx(59772 + 14.5 / 24)
    assert row["s_region"] == "POLYGON 10.0 -1.0 11.0 -1.0 11.0 0.0"
    assert row["dataRights"] == "PUBLIC"
    assert bool(row["mtFlag"]) is True


@pytest.mark.parametrize(
    ("text", "mjd"),
    [
        ("2022-07-12", 59772.0),
        ("2022-07-12 12:00:00", 59772.5),
        ("2022-07-12T12:00:00Z", 59772.5),
        ("2022-07-12T14:00:00+02:00", 59772.5),
    ],
)
def test_a_release_is_read_however_it_is_written(text, mjd):
    assert observations(plane_datarelease=text)["t_obs_release"] == mjd


@pytest.mark.parametrize("public", ["false", "f", "0", "no"])
def test_what_is_not_public_is_exclusive(public):
    assert observations(public=public)["dataRights"] == "EXCLUSIVE_ACCESS"


@pytest.mark.parametrize(
    "changes", [{"calibrationlevel": "three"}, {"time_bounds_lower": "now"}, {"plane_datarelease": "soon"}]
)
def test_a_value_that_does_not_fit_is_an_error(changes):
    with pytest.raises(ValueError, match=r"three|now|soon"):
        observations(**changes)


@pytest.mark.parametrize("what", ["observations", "products"])
def test_without_its_names_there_is_no_table(what):
    with pytest.raises(LookupError, match="observationid"):
        known_sources(what, COLUMNS - {"m.observationid"})


FILES = ("observationid", "obsid", "planeid", "public", "filename", "artifactid", "producttype")
PRODUCT_COLUMNS = {"m.observationid", "m.obsid", "m.planeid", "m.public", "a.planeid", "a.filename", "a.artifactid",
                   "a.producttype"}  # fmt: skip


def products(rows, parents):
    sources = known_sources("products", PRODUCT_COLUMNS)
    texts = [dict(zip(FILES, row, strict=True)) for row in rows]
    columns = read_columns({source.column: [row[source.column] for row in texts] for source in sources})
    return esa_products(columns, parents, sources, archive="a", observations=None)


def test_a_file_has_the_key_that_it_has_with_mast():
    [row] = products(
        [("jw1_x", "A", "p", "true", "jw02733002001_02103_00001_mirimage_cal.jpg", "1", "thumbnail")], [["A"]]
    )
    assert (
        row["dataURI"]
        == "mast:JWST/product/jw02733002001_02103_00001_mirimage_cal.jpg"
        == uri_of(row["productFilename"])
    )
    assert (row["productType"], row["productSubGroupDescription"], row["filetype"]) == ("PREVIEW", "CAL", "_cal.jpg")
    assert (row["artifact_id"], row["type"], row["size"]) == ("1", "D", -1)


def test_a_file_that_several_share_is_taken_where_it_is_public():
    name = "jw02733_20240101t000000_pool.csv"
    [row] = products(
        [
            ("jw1_x", "A", "p", "false", name, "1", "info"),
            ("jw1_y", "B", "q", "true", name, "2", "info"),
            ("jw1_z", "C", "r", "true", name, "3", "info"),
        ],
        [["A"], ["B"], ["C"]],
    )
    assert (row["dataRights"], row["artifact_id"], row["obsID"], row["parents"]) == ("PUBLIC", "2", "A", "A,B,C")


def test_a_file_of_very_many_observations_names_them_all():
    keys = [f"{number:036d}" for number in range(300)]
    rows = [(f"jw{key}", key, "p", "true", "jw02733_20240101t000000_pool.csv", key, "info") for key in keys]
    [row] = products(rows, [[key] for key in keys])
    assert row["parents"].split(",") == keys


def test_a_file_that_nobody_asked_for_is_left_out():
    assert len(products([("jw1_x", "A", "p", "true", "jw1_cal.fits", "1", "science")], [[]])) == 0
