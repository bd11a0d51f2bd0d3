"""Every question, put to the local archive: what comes back is what a filter on the whole table keeps."""

import fnmatch
import re

import numpy as np
import pytest

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast import MastArchive
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.footprints import Footprints, separation
from jwstmq_widgets.query import MODES, Query
from jwstmq_widgets.tables import select

RING = (151.757, -40.436)
MOST = [f"TARGET-{number}*" for number in range(20)]


@pytest.fixture(scope="module")
def archive(local_archive):
    return MastArchive(Host.at(local_archive.url))


@pytest.fixture(scope="module")
def everything(archive):
    """All observations of the archive."""
    table = archive.observations(Query(instrument=list(MODES)))
    assert len(table) > 500
    return table


@pytest.fixture(scope="module")
def products(archive):
    """All products of one program."""
    return archive.products(archive.observations(Query(program=2733)))


def like(*patterns):
    return lambda text: any(fnmatch.fnmatchcase(text.lower(), pattern.lower()) for pattern in patterns)


def with_filter(*patterns):
    return lambda row: any(map(like(*patterns), re.split("[;/]", row["filters"])))


def level(row):
    return row["calib_level"]


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        (Query(program="02609"), lambda row: row["proposal_id"] == "2609"),
        (Query(program=2609, executed=False), lambda row: row["program"] == 2609 and level(row) == -1),
        (Query(program=2609, executed=True), lambda row: row["program"] == 2609 and level(row) >= 0),
        (Query(executed=False), lambda row: level(row) == -1),
        (Query(categories="ers"), lambda row: row["proposal_type"] == "ERS"),
        (Query(categories=["GTO", "cal"]), lambda row: row["proposal_type"] in {"GTO", "CAL"}),
        (Query(access="exclusive"), lambda row: row["dataRights"] == "EXCLUSIVE_ACCESS" and level(row) >= 0),
        (
            Query(access="public", categories="GO"),
            lambda row: (row["dataRights"], row["proposal_type"]) == ("PUBLIC", "GO") and level(row) >= 0,
        ),
        (Query(pi="pontoppidan"), lambda row: row["proposal_pi"] == "Pontoppidan, Klaus M."),
        (Query(pi="Law, David R.; lee"), lambda row: like("*law, david r.*", "*lee*")(row["proposal_pi"])),
        (Query(pi=["L*d", "*Klaus M."]), lambda row: like("l*d", "*klaus m.")(row["proposal_pi"])),
        (Query(target_name="ngc-3132"), lambda row: row["target_name"] == "NGC-3132"),
        (Query(target_name="SMACS J0723.3-7327"), lambda row: row["target_name"] == "SMACS J0723.3-7327"),
        (
            Query(target_name="NGC*, HD*, *BKG, EUROPA, AB-DOR"),
            lambda row: like("ngc*", "hd*", "*bkg", "europa", "ab-dor")(row["target_name"]),
        ),
        (Query(target_name=[*MOST, "NGC-3132"]), lambda row: row["target_name"] == "NGC-3132"),
        (Query(target_name=[*MOST, "NGC-3132", "HD*"], program=2733), lambda row: row["program"] == 2733),
        (
            Query(target_name=["N*", "H*", "S*", "A*"], instrument=["miri", "nircam"], filters=["F1*", "F4*"]),
            lambda row: (
                like("n*", "h*", "s*", "a*")(row["target_name"])
                and row["instrument"] in {"MIRI", "NIRCAM"}
                and with_filter("f1*", "f4*")(row)
            ),
        ),
        (Query(obs_ids="jw02733-o002_t001_miri_f1130w"), lambda row: row["obs_id"] == "jw02733-o002_t001_miri_f1130w"),
        (
            Query(obs_ids=["JW02733*", "jw01345-o0*_miri_*", "jw02733-o002_t001_miri_f1130w"]),
            lambda row: like("jw02733*", "jw01345-o0*_miri_*")(row["obs_id"]),
        ),
        (
            Query(obs_ids="*_miri_*", program=2733, observations=2),
            lambda row: row["program"] == 2733 and "_miri_" in row["obs_id"] and row["observation"] == 2,
        ),
        (Query(filters=["f7*", "F4*M", "G*H"]), with_filter("f7*", "f4*m", "g*h")),
        (Query(filters=["CH3*", "F200W"]), with_filter("ch3*", "f200w")),
        (Query(dates="2022-06-03"), lambda row: 59733 <= row["t_min"] <= 59734),
        (Query(dates="2022-07-01+"), lambda row: row["t_min"] >= 59761),
        (Query(dates="2022-05-01-"), lambda row: row["t_min"] <= 59701),
        (Query(dates="2022-06-01 2022-06-30"), lambda row: 59731 <= row["t_min"] <= 59761),
        (Query(dates=("59731", None), filters="F7*"), lambda row: row["t_min"] >= 59731 and with_filter("f7*")(row)),
        (Query(lookback=10000, categories="CAL"), lambda row: row["proposal_type"] == "CAL" and row["t_min"] > 50000),
    ],
    ids=lambda value: str(value) if isinstance(value, Query) else "rows",
)
def test_a_question_gives_what_a_filter_on_everything_keeps(archive, everything, query, holds):
    wanted = {row["obsid"] for row in everything if holds(row)}
    found = archive.observations(query)["obsid"].tolist()
    assert len(found) == len(set(found))
    assert set(found) == wanted
    assert wanted
    assert archive.count(query) == len(wanted)


def test_every_spelling_of_a_program_is_one_question(archive):
    tables = [archive.observations(Query(program=program))["obsid"].tolist() for program in (2733, "2733", "02733")]
    assert tables[0] == tables[1] == tables[2]


def test_numbers_alone_ask_for_these_observations(archive, everything):
    obsids = everything["obsid"][[3, 70, 200]].tolist()
    assert set(archive.observations(Query(obsids=obsids))["obsid"].tolist()) == set(obsids)
    assert archive.count(Query(obsids=",".join(obsids))) == 3


@pytest.mark.parametrize("radius", ["2 arcmin", "20 arcsec", "0.6 arcmin", 0.5])
@pytest.mark.parametrize("footprint", ["overlaps", "contains"])
@pytest.mark.parametrize("place", [RING, (161.25, -59.7), (110.83, -73.45)])
def test_a_footprint_is_tested_on_the_sphere(archive, everything, place, footprint, radius):
    query = Query(coordinates=place, radius=radius, footprint=footprint)
    distances = Footprints(everything["s_region"].tolist()).distance(*place)
    unknown = np.isnan(distances)
    assert (
        not unknown.any()
        or footprint == "contains"
        or not (separation(everything["s_ra"], everything["s_dec"], *place)[unknown] < query.radius).any()
    )
    wanted = set(everything["obsid"][distances <= (query.radius if footprint == "overlaps" else 0)].tolist())
    assert set(archive.observations(query)["obsid"].tolist()) == wanted
    assert archive.count(query) == len(wanted)


def test_a_target_is_within_fewer_fields_than_overlap_its_circle(archive):
    within, overlapping = (
        len(archive.observations(Query(target="NGC 7319", radius="2 arcmin", footprint=footprint)))
        for footprint in ("contains", "overlaps")
    )
    assert 0 < within < overlapping


def test_coordinates_in_any_form_ask_the_same(archive):
    forms = [RING, "151.757 -40.436", "10h07m01.68s -40d26m09.6s", "10:07:01.68 -40:26:09.6"]
    answers = {str(archive.observations(Query(coordinates=form))["obsid"].tolist()) for form in forms}
    assert len(answers) == 1
    assert answers != {"[]"}


@pytest.mark.parametrize("resolver", ["NED", "simbad", ""])
def test_the_resolver_that_was_chosen_is_asked(faulty_archive, resolver):
    archive = MastArchive(Host.at(faulty_archive.url))
    assert len(archive.observations(Query(target="NGC 3132", resolver=resolver)))
    asked = [request for request in faulty_archive.requests if request.path.endswith("/query")]
    assert [request.query.get("resolver") for request in asked] == [[resolver.upper()] if resolver else None]
    assert ("resolver=" in str(asked[0].query)) == bool(resolver) or (
        asked[0].query.get("resolver") is not None
    ) == bool(resolver)
    assert resolver.upper() in str(asked[0].query)


def test_a_target_that_one_resolver_does_not_know_names_it(archive):
    with pytest.raises(QueryError, match="resolver NED") as caught:
        archive.observations(Query(target="no such nebula", resolver="NED"))
    assert caught.value.field == "target"


# Products


def kept(products, **limits):
    return select(products, **Query(program=2733, guidestars=True, **limits).product_limits)["dataURI"].tolist()


def filtered(products, holds):
    return [row["dataURI"] for row in products if holds(row)]


def test_products_are_chosen_by_obsid_or_by_parent(products):
    one, other = products["obsID"][0], products["parents"][-1].split(",")[0]
    holds = lambda row: bool({row["obsID"], *row["parents"].split(",")} & {one, other})  # noqa: E731
    assert kept(products, obsids=[one, other]) == filtered(products, holds)


@pytest.mark.parametrize("form", ["{middle}+", "{middle}-", "{low} {middle}", "{middle}..{middle}"])
def test_products_are_chosen_by_a_range_of_obsids(products, form):
    numbers = sorted({int(number) for number in products["obsID"]})
    low, middle = numbers[1], numbers[len(numbers) // 2]
    limits = Query(obsid_range=form.format(low=low, middle=middle)).obsid_range
    lowest, highest = limits[0] or 0, limits[1] or 10**12
    of_row = lambda row: [int(number) for number in (row["obsID"], *row["parents"].split(","))]  # noqa: E731
    wanted = filtered(products, lambda row: any(lowest <= number <= highest for number in of_row(row)))
    assert kept(products, obsid_range=form.format(low=low, middle=middle)) == wanted
    assert 0 < len(wanted) <= len(products)


@pytest.mark.parametrize(("access", "rights"), [("public", "PUBLIC"), ("exclusive", "EXCLUSIVE_ACCESS")])
def test_products_are_chosen_by_access(archive, access, rights):
    observations = archive.observations(Query(program=2609, access=access))
    if not len(observations):
        observations = archive.observations(Query(access=access))[:3]
    products = archive.products(observations)
    assert kept(products, access=access) == filtered(products, lambda row: row["dataRights"] == rights)
    assert len(kept(products, access=access)) > 0


def test_products_are_chosen_by_type_and_recommendation(products):
    assert kept(products, product_types="preview, info") == filtered(
        products, lambda row: row["productType"] in {"PREVIEW", "INFO"}
    )
    recommended = kept(products, recommended=True)
    assert 0 < len(recommended) < len(products)
    assert recommended == filtered(
        products, lambda row: row["productGroupDescription"] == "Minimum Recommended Products"
    )


def test_products_are_chosen_by_filters_with_wildcards(products):
    wanted = filtered(products, with_filter("f1*", "f444w"))
    assert select(products, filters=["F1*", "f444w"], guidestars=True)["dataURI"].tolist() == wanted
    assert wanted
