"""Questions in ADQL: each field of a query is asked, looked at here, left to the products, or refused by name."""

import dataclasses
import re

import numpy as np
import pytest
from astropy.coordinates import SkyCoord

from jwstmq_widgets.archives.esa.questions import count_adql, observations_adql, question_for, rectangle
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query import Query
from tests.archives.test_adqltext import ATTEMPTS

NEEDED = {"m.observationid", "m.obsid", "m.calibrationlevel", "m.max_cal_level"}
TOP = "max_cal_level = calibrationlevel"
NEBULA = (151.757, -40.436)
CIRCLE = "CIRCLE('ICRS', 151.757, -40.436, 0.03333333333333333)"

ASKED = {
    "program": ({"program": 27}, "proposal_id = '00027'"),
    "observations": (
        {"program": 2733, "observations": [2]},
        (
            "proposal_id = '02733' AND (observationid ILIKE 'jw02733-o002%' OR observationid ILIKE 'jw02733002%' OR "
            "observationid ILIKE 'jw02733-c%')"
        ),
    ),
    "instrument": (
        {"instrument": ["miri", "fgs"]},
        "(instrument_name ILIKE 'MIRI%' OR instrument_name ILIKE 'FGS%')",
    ),
    "modes": ({"instrument": "miri", "modes": ["image", "ifu"]}, "instrument_name IN ('MIRI/IMAGE', 'MIRI/IFU')"),
    "dates": ({"dates": (59700.0, 59800.5)}, "time_bounds_lower >= 59700.0 AND time_bounds_lower <= 59800.5"),
    "coordinates": (
        {"coordinates": NEBULA},
        (
            f"(INTERSECTS(position_bounds_spoly, {CIRCLE}) = 1 OR (position_bounds_spoly IS NULL AND "
            f"CONTAINS(POINT('ICRS', target_ra, target_dec), {CIRCLE}) = 1))"
        ),
    ),
    "radius": ({"coordinates": NEBULA, "radius": "1 deg"}, "CIRCLE('ICRS', 151.757, -40.436, 1.0)"),
    "footprint": (
        {"coordinates": NEBULA, "footprint": "contains"},
        "CONTAINS(POINT('ICRS', 151.757, -40.436), position_bounds_spoly) = 1",
    ),
    "filters": (
        {"filters": ["F770W", "F1*"]},
        "(energy_bandpassname ILIKE '%F770W%' OR energy_bandpassname ILIKE '%F1%')",
    ),
    "categories": ({"categories": "ERS"}, "proposal_type = 'ERS'"),
    "pi": ({"pi": "O'Neill; Pont*"}, "(proposal_pi ILIKE '%O''Neill%' OR proposal_pi ILIKE 'Pont%')"),
    "target_name": ({"target_name": ["NGC-3132"]}, "target_name ILIKE 'NGC-3132'"),
    "obs_ids": (
        {"obs_ids": ["jw02733-o002_t001_miri_f1130w", "jw01410*"]},
        "(observationid = 'jw02733-o002_t001_miri_f1130w' OR observationid ILIKE 'jw01410%')",
    ),
    "executed": ({"executed": False}, "calibrationlevel = -1"),
    "access": ({"access": "public"}, "calibrationlevel >= 0 AND \"public\" = 'true'"),
}
"""What is asked of the archive."""

MEANT_OTHERWISE = {
    "lookback": "gives dates, see test_a_look_back_is_a_date",
    "target": "gives coordinates, by the resolver",
    "resolver": "says which resolver",
}
REFUSED = {
    "keywords": {"keywords": {"exp_type": "MIR_IMAGE"}},
    "exposure_types": {"exposure_types": "MIR_IMAGE"},
    "obsids": {"obsids": [87602008]},
    "obsid_range": {"program": 2733, "obsid_range": (1, 2)},
    "recommended": {"program": 2733, "recommended": True},
}
OF_PRODUCTS = {"detectors", "calib_levels", "filetypes", "guidestars", "product_types"}


def where(columns=frozenset({"m.proposal_type"}), now=None, **fields):
    query = Query(**fields)
    return question_for(query, columns=NEEDED | set(columns), now=now).where


def test_every_field_of_a_query_is_in_one_of_these_lists():
    names = {field.name for field in dataclasses.fields(Query)}
    lists = [set(ASKED), set(MEANT_OTHERWISE), set(REFUSED), OF_PRODUCTS]
    assert set.union(*lists) == names
    assert sum(map(len, lists)) == len(names)


@pytest.mark.parametrize("field", ASKED)
def test_a_field_is_asked_of_the_archive(field):
    fields, wanted = ASKED[field]
    asked = where(**fields)
    assert asked.startswith(f"{TOP} AND ")
    assert asked.endswith(wanted) if field != "radius" else wanted in asked


@pytest.mark.parametrize("field", sorted(OF_PRODUCTS))
def test_what_narrows_products_is_not_asked_of_observations(field):
    value = {"detectors": "a5", "calib_levels": 2, "filetypes": "cal", "guidestars": True, "product_types": "INFO"}
    assert where(program=2733, **{field: value[field]}) == where(program=2733)


@pytest.mark.parametrize("field", REFUSED)
def test_what_the_archive_cannot_tell_is_refused_by_name(field):
    with pytest.raises(QueryError) as caught:
        where(**REFUSED[field])
    assert caught.value.field == field


def test_categories_are_refused_where_the_archive_has_none():
    with pytest.raises(QueryError, match=r"category.*GO.*ask MAST") as caught:
        where(columns=(), categories="GO")
    assert caught.value.field == "categories"


def test_a_look_back_is_a_date():
    from datetime import UTC, datetime

    assert "time_bounds_lower >= 59732.0" in where(lookback=1, now=datetime(2022, 6, 3, tzinfo=UTC))


def test_observations_of_any_program_are_found_by_the_place_of_their_number():
    assert "observationid ILIKE 'jw_____-o007%' OR observationid ILIKE 'jw_____007%'" in where(
        instrument="miri", observations=7
    )


@pytest.mark.parametrize(
    ("fields", "exact"),
    [
        ({"program": 2733}, True),
        ({"program": 2733, "observations": 2}, True),
        ({"obs_ids": "jw02733*"}, True),
        ({"obs_ids": "jw02733_x*"}, False),  # _ stands for any character there
        ({"filters": "F770W"}, False),  # F770W is found in F770WX
        ({"coordinates": NEBULA, "footprint": "overlaps"}, False),
    ],
)
def test_it_is_known_whether_the_archive_can_count(fields, exact):
    assert question_for(Query(**fields), columns=NEEDED).exact is exact


def test_the_columns_asked_for_are_those_that_the_archive_has():
    question = question_for(Query(program=2733), columns=NEEDED)
    asked = observations_adql(question, NEEDED | {"m.public"})
    assert asked == (
        'SELECT observationid, calibrationlevel, "public", obsid FROM jwst.main '
        f"WHERE {TOP} AND proposal_id = '02733' ORDER BY observationid"
    )
    assert count_adql(question).startswith("SELECT COUNT(DISTINCT obsid) AS rows_found FROM jwst.main WHERE ")


TYPED = (
    "program", "observations", "instrument", "modes", "target", "coordinates", "radius", "footprint", "filters",
    "categories", "pi", "target_name", "obs_ids", "access", "dates", "lookback", "resolver", "executed",
)  # fmt: skip


@pytest.mark.parametrize("attempt", ATTEMPTS)
@pytest.mark.parametrize("field", TYPED)
def test_no_field_takes_more_than_a_value(field, attempt):
    harmless = {"pi": "x", "target_name": "x", "target": "x"}
    try:
        query = Query(**{field: attempt})
    except QueryError:
        return  # refused before there is any ADQL
    asked = question_for(query, NEBULA if query.target else None, columns=NEEDED).where
    expected = question_for(Query(**{field: harmless[field]}), NEBULA if query.target else None, columns=NEEDED).where
    # with several values there are several conditions of the same form
    assert _form(asked) == _form(expected)


def _form(adql):
    """Give the conditions of a query with their texts replaced, by the rule that a quote in a text is doubled."""
    return set(re.split(r" OR | AND |[()]", re.sub(r"'(?:[^']|'')*'", "?", adql))) - {""}


@pytest.mark.parametrize("middle", [(10.0, 0.0), (0.01, 45.0), (151.757, -40.436), (200.0, 89.99)])
def test_a_box_has_its_sides(middle):
    corners = SkyCoord(rectangle(middle, 0.2, 0.1), unit="deg")
    sides = [float(corners[k].separation(corners[(k + 1) % 4]).deg) for k in range(4)]
    np.testing.assert_allclose(sides, [0.1, 0.2, 0.1, 0.2], rtol=1e-4)
    distances = corners.separation(SkyCoord(*middle, unit="deg")).deg
    np.testing.assert_allclose(distances, np.hypot(0.1, 0.05), rtol=1e-4)


@pytest.mark.parametrize(("width", "height"), [(0, 1), (1, -1), (61, 1), (float("nan"), 1)])
def test_a_box_without_size_is_refused(width, height):
    with pytest.raises(QueryError, match="not an angle"):
        rectangle((0.0, 0.0), width, height)
