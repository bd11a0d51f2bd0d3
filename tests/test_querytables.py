"""Tests of jwst_mast_query's tables."""

import pytest
from astropy.table import Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.tables import observations_table, products_table
from jwstmq_widgets.tables.querytables import (
    PRODUCT_COLUMNS,
    PRODUCT_ORDER,
    Place,
    columns_of,
    observation_table,
    ordered,
    product_table,
    summary_table,
    text_lines,
)

ARCHIVE = "http://127.0.0.1"
NAMES = [
    "jw02733-o002_t001_miri_f770w_i2d.fits",
    "jw02733002001_02103_00001_mirimage_cal.fits",
    "jw02733003001_0a101_00001_nrcb2_cal.fits",
    "jw02733-c1001_t001_miri_f770w_i2d.fits",
    "jw02733_20220612t120000_pool.csv",
]


@pytest.fixture
def observations():
    return observations_table(
        {
            "obsid": ["10", "9", "8"],
            "obs_id": [
                "jw02733-o002_t001_miri_f770w",
                "jw02733003001_0a101_00001_nrcb2",
                "jw02733-o004_t001_miri_f770w",
            ],
            "proposal_id": ["2733"] * 3,
            "instrument_name": ["MIRI/IMAGE", "NIRCAM/IMAGE", "MIRI/IMAGE"],
            "t_min": [59742.5, 59740.25, None],
        },
        archive=ARCHIVE,
    )


@pytest.fixture
def products():
    rows = [(name, parent) for name, parent in zip(NAMES, ["10", "10", "9", "10", "9"], strict=True)]
    rows.append((NAMES[4], "10"))  # a file of two observations
    return products_table(
        {
            "obsID": ["10", "101", "99", "10", "9", "10"],
            "obs_id": [name.rpartition("_")[0] for name, _ in rows],
            "dataURI": [f"mast:JWST/product/{name}" for name, _ in rows],
            "productFilename": [name for name, _ in rows],
            "proposal_id": ["2733"] * 6,
            "size": [100, 50, None, 10, 1, 1],
            "parent_obsid": [parent for _, parent in rows],
            "calib_level": [3, 2, 2, 3, 1, 1],
        },
        archive=ARCHIVE,
    )


def test_products_have_the_columns_of_jwst_mast_query(products):
    table = product_table(products)
    assert columns_of(table, PRODUCT_COLUMNS) == PRODUCT_COLUMNS
    assert table["obsnum"].tolist() == [2, 2, 3, -1, -1]


def test_letters_in_a_name_do_not_hide_visit_and_detector(products):
    table = product_table(products)
    assert (table["visit"][2], table["sca"][2]) == (1, "b2")


def test_products_tell_where_their_files_are(products):
    place = Place(path="/data/x", code=2, text="exists")
    table = product_table(products, {products["dataURI"][0]: place})
    assert table["outfilename"].tolist()[:2] == ["/data/x", ""]
    assert table["dl_code"].tolist()[:2] == [2, -1]


def test_products_are_in_the_order_of_level_type_and_number(products):
    table = ordered(product_table(products), PRODUCT_ORDER)
    assert table["productFilename"].tolist() == [NAMES[4], NAMES[2], NAMES[1], NAMES[0], NAMES[3]]


def test_observations_count_all_their_files_also_shared_ones(observations, products):
    table = observation_table(observations, products)
    assert table["_pool.csv"].tolist() == [1, 1, 0]
    assert table["_i2d.fits"].tolist() == [2, 0, 0]
    assert table["_cal.fits"].tolist() == [1, 1, 0]


def test_observations_are_in_the_order_they_were_taken_and_planned_ones_last(observations):
    table = ordered(observation_table(observations), ("date_min", "proposal_id", "obsnum"))
    assert table["obsnum"].tolist() == [3, 2, 4]
    assert table["date_min"].tolist() == ["2022-06-10T06:00:00.000", "2022-06-12T12:00:00.000", ""]


def test_the_summary_counts_each_file_once(observations, products):
    table = summary_table(observations, products)
    assert table["obsnum"].tolist() == [2, 3, -1]
    assert table["files"].tolist() == [2, 1, 2]
    assert table["size"].tolist() == [150, 0, 11]
    assert table["date_start"].tolist()[1:] == ["2022-06-10T06:00:00.000"] * 2


def test_the_text_has_columns_of_one_width(observations, products):
    lines = list(text_lines(summary_table(observations, products), ("proposal_id", "obsnum", "_cal.fits")))
    assert lines == [
        "proposal_id obsnum _cal.fits\n",
        "       2733      2         1\n",
        "       2733      3         1\n",
        "       2733   <NA>         0\n",
    ]


def test_the_text_of_an_archive_has_no_power_over_a_terminal():
    table = Table({"target_name": ["\x1b[2J"], "t_min": [float("nan")]})
    assert "\x1b" not in "".join(text_lines(table, ("target_name", "t_min")))


def test_an_unknown_column_is_said_with_the_nearest_one(products):
    with pytest.raises(QueryError, match="no column 'filetipe'; did you mean 'filetype'"):
        ordered(products, ["filetipe"])


def test_empty_tables_have_the_same_columns(observations, products):
    assert product_table(products[:0]).colnames == product_table(products).colnames
    assert summary_table(observations[:0], products[:0]).colnames == [
        "proposal_id", "obsnum", "files", "size", "date_start",
    ]  # fmt: skip
    assert not list(text_lines(ordered(products[:0], PRODUCT_ORDER), ("obs_id",)))[1:]
