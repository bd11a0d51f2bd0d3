"""Tests of tables as files."""

import io
import json
import math

import numpy as np
import pytest
from astropy.table import Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.tables import observations_table, products_table
from jwstmq_widgets.tables.querytables import observation_table, product_table, summary_table
from jwstmq_widgets.tables.tablefiles import (
    read_table,
    read_tables,
    write_csv,
    write_ecsv,
    write_json,
    write_json_tables,
)

ARCHIVE = "http://127.0.0.1"
WRITERS = {"csv": write_csv, "ecsv": write_ecsv, "json": write_json}


@pytest.fixture
def tables():
    """A planned and an executed observation, with a file of unknown size and odd texts among their files."""
    observations = observations_table(
        {
            "obsid": ["1", "2"],
            "obs_id": ["jw02733-o002_t001_miri_f770w", "jw02609001001_xx101_00001_mirimage"],
            "proposal_id": ["2733", "2609"],
            "instrument_name": ["MIRI/IMAGE", "MIRI/IMAGE"],
            "t_min": [59742.5, None],
            "target_name": ['NGC-3132, "the ring"', ""],
            "calib_level": [3, -1],
            "mtFlag": [True, None],
        },
        archive=ARCHIVE,
    )
    names = ["jw02733002001_02103_00001_mirimage_cal.fits", "jw02733-o002_t001_miri_f770w_i2d.jpg", "note, é.txt"]
    products = products_table(
        {
            "obsID": ["11", "1", "1"],
            "obs_id": ["jw02733002001_02103_00001_mirimage", "jw02733-o002_t001_miri_f770w", "x"],
            "dataURI": [f"mast:JWST/product/{name}" for name in names],
            "productFilename": names,
            "proposal_id": ["2733"] * 3,
            "size": [2_000_000_000_000, None, 0],
            "parent_obsid": ["1"] * 3,
            "calib_level": [2, 3, None],
        },
        archive=ARCHIVE,
        observations=observations,
    )
    return {
        "observations": observation_table(observations, products),
        "products": product_table(products),
        "summary": summary_table(observations, products),
    }


def _same(first: Table, second: Table) -> None:
    assert first.colnames == second.colnames
    for name in first.colnames:
        one, two = first[name], second[name]
        assert one.dtype.kind == two.dtype.kind, name
        assert (one.unit, one.description) == (two.unit, two.description), name
        assert all(
            a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b))
            for a, b in zip(one.tolist(), two.tolist(), strict=True)
        ), name


@pytest.mark.parametrize("name", ["observations", "products", "summary"])
@pytest.mark.parametrize("form", WRITERS)
def test_a_table_comes_back_the_same(tables, form, name):
    stream = io.StringIO()
    WRITERS[form](tables[name], stream)
    _same(read_table(io.StringIO(stream.getvalue()), format=form, name=name), tables[name])


@pytest.mark.parametrize("form", WRITERS)
def test_texts_that_are_objects_are_written_as_any_texts(tables, form):
    several = tables["products"][np.arange(20_001) % 3]  # ECSV is written in parts
    long = several.copy()
    for name in ("dataURI", "productFilename", "parents"):
        long[name] = long[name].astype(object)
    one, two = io.StringIO(), io.StringIO()
    WRITERS[form](several, one)
    WRITERS[form](long, two)
    assert one.getvalue() == two.getvalue()


@pytest.mark.parametrize("name", ["observations", "products"])
@pytest.mark.parametrize("form", ["csv", "ecsv"])
def test_an_empty_table_comes_back_the_same(tables, form, name):
    stream = io.StringIO()
    WRITERS[form](tables[name][:0], stream)
    back = read_table(io.StringIO(stream.getvalue()), format=form, name=name)
    assert back.colnames == tables[name].colnames
    assert len(back) == 0


def test_three_tables_are_one_object_and_come_back(tables):
    stream = io.StringIO()
    write_json_tables(tables, stream)
    assert list(json.loads(stream.getvalue())) == ["observations", "products", "summary"]
    for name, table in read_tables(io.StringIO(stream.getvalue())).items():
        _same(table, tables[name])


def test_missing_numbers_are_null_in_json(tables):
    stream = io.StringIO()
    write_json(tables["observations"], stream)
    assert json.loads(stream.getvalue())[1]["t_min"] is None


def test_a_file_is_read_by_its_path(tables, tmp_path):
    path = tmp_path / "products.csv"
    with path.open("w", newline="") as file:
        write_csv(tables["products"], file)
    _same(read_table(path, format="csv"), tables["products"])


@pytest.mark.parametrize(("form", "text"), [("json", "{}"), ("json", "no"), ("json", "[1]"), ("csv", "a,b\n1\n")])
def test_what_is_no_table_is_said(form, text):
    with pytest.raises(QueryError, match="no table of products"):
        read_table(io.StringIO(text), format=form)


def test_texts_that_look_like_numbers_stay_texts_in_known_columns(tables):
    stream = io.StringIO()
    write_csv(tables["products"], stream)
    assert read_table(io.StringIO(stream.getvalue()), format="csv")["proposal_id"].dtype.kind == "U"
    assert isinstance(tables["products"]["size"].dtype, np.dtype)
