"""What the local archive holds, and how its catalogue answers."""

import logging
import re
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from jwstmq_widgets.filenames import parse_name
from jwstmq_widgets.localarchive.holdings import Condition, Cone, Criterion, Holdings, Term, regions
from jwstmq_widgets.localarchive.holdings.store import catalogue_path
from jwstmq_widgets.localarchive.pixels import content
from jwstmq_widgets.localarchive.programs import Planned, Recorded, load_programs

RING = "87602450"
"""obsid of jw02733-o002_t001_miri_f1130w."""

# Mast.Caom.Filtered of 2026, as saved in Snoww3d/jwst-data-analysis (post_mast_search_target.json).
IDENTITIES = {
    "jw02733-o002_t001_miri_f1130w": ("87602450", "1059207132", "F1130W"),
    "jw02733-o002_t001_miri_f770w": ("87602452", "1059207133", "F770W"),
    "jw02733-o001_t001_nircam_clear-f090w": ("87602454", "1059218575", "F090W"),
    "jw02733-o002_t001_miri_f1800w": ("87602456", "1059207135", "F1800W"),
    "jw02733-o001_t001_nircam_clear-f356w": ("87602457", "1059218576", "F356W"),
    "jw02733-o001_t001_nircam_f405n-f444w": ("87602459", "1059218578", "F444W;F405N"),
    "jw02733-o002_t001_miri_f1280w": ("87602461", "1059207136", "F1280W"),
    "jw02733-o001_t001_nircam_f444w-f470n": ("87602464", "1059218579", "F444W;F470N"),
    "jw02733-o001_t001_nircam_clear-f187n": ("87602522", "1059218574", "F187N"),
    "jw02733-o001_t001_nircam_clear-f212n": ("87602523", "1059218577", "F212N"),
}
"""obs_id: obsid, objID, filters."""
NUMBERS = {
    "87602450": (59742.52554607639, 59742.65142148148, 2708.4320000000002, 10950.0, 11650.0, 151.75511466501507),
    "87602452": (59742.50030179398, 59742.626143726855, 2708.4320000000002, 6600.0, 8800.0, 151.7551146652091),
    "87602454": (
        59733.741325717594,
        59733.76518565972,
        1460.2000000000003,
        795.0,
        1004.9999999999999,
        151.75511473253715,
    ),
    "87602456": (59742.57449640046, 59742.70066068287, 2708.4320000000002, 16500.0, 19500.0, 151.7551146646388),
    "87602457": (59733.74132645833, 59733.765186400466, 1460.2000000000003, 3140.0, 3980.0, 151.75511473253715),
    "87602459": (59733.66788310185, 59733.70168424769, 2319.144, 3880.0, 4986.0, 151.75511473309692),
    "87602461": (59742.54989271991, 59742.675960706016, 2708.4320000000002, 11600.0, 14000.0, 151.75511466482791),
    "87602464": (59733.704666770835, 59733.738344212965, 2319.144, 3880.0, 4986.0, 151.75511473281418),
    "87602522": (59733.704666770835, 59733.73834347222, 2319.144, 1863.0, 1884.0, 151.75511473281418),
    "87602523": (59733.66788310185, 59733.70168424769, 2319.144, 2109.0, 2134.0, 151.75511473309692),
}
"""obsid: t_min, t_max, t_exptime, em_min, em_max, s_ra."""

# Unique values of instrument_name in a full table of JWST, without the names of instruments alone.
MODES = {
    "NIRCAM/IMAGE", "NIRCAM/GRISM", "NIRCAM/CORON", "NIRCAM/TARGACQ", "NIRSPEC/MSA", "NIRSPEC/IFU", "NIRSPEC/SLIT",
    "NIRSPEC/IMAGE", "NIRISS/IMAGE", "NIRISS/WFSS", "NIRISS/SOSS", "NIRISS/AMI", "MIRI/IMAGE", "MIRI/IFU", "MIRI/SLIT",
    "MIRI/SLITLESS", "MIRI/CORON", "MIRI/TARGACQ", "FGS/FGS1", "FGS/FGS2",
}  # fmt: skip
PROGRAMS = {2733, 2736, 2732, 2609, 1345, 1324, 1366, 1386, 1410, 1138, 2107, 1039, 1200, 1541}


@pytest.fixture(scope="module")
def holdings(catalogue_folder: Path) -> Iterator[Holdings]:
    held = Holdings.open(catalogue_folder)
    yield held
    held.close()


@pytest.fixture(scope="module")
def real(catalogue_folder: Path) -> Iterator[Holdings]:
    held = Holdings.open(catalogue_folder, scale="real")
    yield held
    held.close()


def program(number: int) -> list[Condition]:
    return [Condition(column="proposal_id", values=(str(number),))]


def observations(holdings: Holdings, *where: Condition, cone: Cone | None = None) -> list[dict[str, Any]]:
    names = [column.name for column in holdings.observation_columns] + (["distance"] if cone else [])
    return [dict(zip(names, row, strict=True)) for row in holdings.observations(where, cone)[1]]


def products(holdings: Holdings, *obsids: str) -> list[dict[str, Any]]:
    names = [column.name for column in holdings.product_columns]
    return [dict(zip(names, row, strict=True)) for row in holdings.products(obsids)[1]]


@pytest.fixture(scope="module")
def everything(holdings: Holdings) -> list[dict[str, Any]]:
    return products(holdings, *[row["obsid"] for row in observations(holdings)])


def test_program_2733_has_exactly_the_ten_recorded_observations(holdings: Holdings) -> None:
    rows = {row["obs_id"]: row for row in observations(holdings, *program(2733))}
    keys = ("obsid", "objID", "filters")
    assert {name: tuple(row[key] for key in keys) for name, row in rows.items()} == IDENTITIES
    numbers = ("t_min", "t_max", "t_exptime", "em_min", "em_max", "s_ra")
    assert {row["obsid"]: tuple(row[key] for key in numbers) for row in rows.values()} == NUMBERS
    same = {
        "intentType": "science", "obs_collection": "JWST", "provenance_name": "CALJWST", "project": "JWST",
        "wavelength_region": "INFRARED", "target_name": "NGC-3132", "dataproduct_type": "image", "calib_level": 3,
        "target_classification": "ISM; Planetary nebulae", "proposal_pi": "Pontoppidan, Klaus M.", "mtFlag": False,
        "obs_title": "JWST Early Release Observation 7", "t_obs_release": 59773.625, "proposal_id": "2733",
        "proposal_type": "COM", "sequence_number": None, "dataRights": "PUBLIC", "srcDen": None,
    }  # fmt: skip
    for name, row in rows.items():
        assert {key: row[key] for key in same} == same
        assert row["dataURL"] == f"mast:JWST/product/{name}_i2d.fits"
        assert row["jpegURL"] == f"mast:JWST/product/{name}_i2d.jpg"
    assert rows["jw02733-o002_t001_miri_f1130w"]["s_region"] == (
        "POLYGON 151.753816584 -40.408577487 151.792454739 -40.429033015"
        " 151.752352095 -40.472916799 151.713700926 -40.452447915"
    )


def test_every_recorded_row_is_served_as_it_was_seen(holdings: Holdings, everything: list[dict[str, Any]]) -> None:
    rows = {row["obs_id"]: row for row in observations(holdings)}
    members = {row["obs_id"]: row["obsID"] for row in everything}
    for facts in load_programs():
        seen: list[Recorded | Planned] = [*facts.recorded, *facts.planned]
        for recorded in seen:
            row = rows.get(recorded.obs_id, {"obsid": members.get(recorded.obs_id)})
            assert row["obsid"] == str(recorded.obsid) or not recorded.obsid
            wanted = {key: str(value) if key == "objID" else value for key, value in recorded.values.items()}
            wanted = {key: None if value == "" else value for key, value in wanted.items()}
            assert {key: row[key] for key in wanted} == wanted


def test_the_ring_lists_as_many_rows_as_the_tutorial_saw(holdings: Holdings) -> None:
    rows = products(holdings, RING)
    assert len(rows) == 3470
    assert sum("_gs-" in row["productFilename"] for row in rows) > 3000


def test_the_ring_has_the_80_products_of_the_tutorial_with_their_recorded_sizes(real: Holdings) -> None:
    rows = [row for row in products(real, RING) if row["productType"] == "SCIENCE" and row["calib_level"] == 2]
    wanted = {
        f"jw02733002{visit:03d}_02103_{exposure:05d}_mirimage_{suffix}.fits"
        for visit in (1, 2)
        for exposure in range(1, 9)
        for suffix in ("rate", "rateints", "cal", "i2d", "o002_crf")
    }
    assert len(rows) == 80
    assert {row["productFilename"] for row in rows} == wanted
    assert sum(row["size"] for row in rows) == 2_843_274_240


def test_every_mode_is_held(holdings: Holdings) -> None:
    names = {row["instrument_name"] for row in observations(holdings)}
    assert names >= MODES | {"NIRCAM", "NIRSPEC", "NIRISS", "MIRI", "FGS"}


def test_the_programs_that_examples_ask_for_are_held(holdings: Holdings) -> None:
    numbers = {int(row["proposal_id"]) for row in observations(holdings)}
    assert len(numbers) >= 15
    assert numbers >= PROGRAMS


def test_every_file_name_follows_the_grammar(everything: list[dict[str, Any]]) -> None:
    assert [row["productFilename"] for row in everything if parse_name(row["productFilename"]) is None] == []


def test_the_catalogue_is_neither_too_large_nor_too_small(everything: list[dict[str, Any]]) -> None:
    assert 20_000 < len({row["productFilename"] for row in everything}) < 150_000
    assert 100_000 < len(everything) < 400_000


def test_every_listed_file_is_known_with_the_size_that_is_listed(
    holdings: Holdings, everything: list[dict[str, Any]]
) -> None:
    sizes = {row["productFilename"]: row["size"] for row in everything}
    for name in sorted(sizes)[::97]:
        facts = holdings.file(name)
        assert facts is not None
        assert sizes[name] == (facts.size if facts.size_listed else None)


def test_real_fits_files_are_whole_blocks(real: Holdings) -> None:
    for row in products(real, RING):
        if row["productFilename"].endswith(".fits"):
            assert row["size"] % 2880 == 0


def test_access_is_a_fact_of_the_catalogue(holdings: Holdings) -> None:
    rows = observations(holdings, Condition(column="dataRights", values=("EXCLUSIVE_ACCESS",)))
    assert {row["proposal_id"] for row in rows} == {"1714", "2516", "2609"}
    listed = products(holdings, next(row["obsid"] for row in rows if row["proposal_id"] == "2609"))
    # The pool is one for the whole program, of which other observations are public.
    own = [row for row in listed if row["type"] == "D" and row["productSubGroupDescription"] != "POOL"]
    assert {row["dataRights"] for row in own} == {"EXCLUSIVE_ACCESS"}
    facts = holdings.file(f"{rows[0]['obs_id']}_i2d.fits") or holdings.file(f"{rows[0]['obs_id']}_x1d.fits")
    assert facts is not None
    assert facts.rights == "EXCLUSIVE_ACCESS"


def test_planned_observations_have_neither_times_nor_products(holdings: Holdings) -> None:
    rows = observations(holdings, Condition(column="calib_level", values=(-1,)))
    assert len(rows) == 29
    assert {(row["t_min"], row["dataURL"]) for row in rows} == {(None, None)}
    assert holdings.products([row["obsid"] for row in rows]) == (0, [])


def test_what_is_not_known_of_an_observation_has_no_value_and_is_found_by_no_cone(holdings: Holdings) -> None:
    program = Condition(column="proposal_id", values=("1166",))
    (row,) = observations(holdings, program)
    assert row["obs_id"] == "jw01166091001_02102_00002_nrca3"
    unknown = ("obs_title", "proposal_pi", "filters", "s_ra", "s_dec", "s_region", "em_min")
    assert {row[name] for name in unknown} == {None}
    assert holdings.count([program], Cone(ra=0.0, dec=0.0, radius=180.0)) == 0
    found, ((_, mission),) = holdings.missions(
        [Criterion(column=Holdings.mission_columns["program"], wanted=(Term(sign="=", value=1166),))],
        columns=("fileSetName", "targ_ra", "s_region", "opticalElements", "pi_name"),
    )
    assert found == 1
    assert mission == {
        "fileSetName": "jw01166091001_02102_00002", "targ_ra": None, "s_region": None, "opticalElements": None,
        "pi_name": None,
    }  # fmt: skip


def test_a_thumbnail_is_there_where_its_preview_is(holdings: Holdings) -> None:
    name = "jw01166091001_02102_00002_nrca3_cal"
    preview, thumbnail = holdings.file(f"{name}.jpg"), holdings.file(f"{name}_thumb.jpg")
    assert preview is not None
    assert thumbnail is not None
    assert thumbnail.size < preview.size
    assert not thumbnail.size_listed
    with (
        Image.open(BytesIO(b"".join(content(thumbnail)))) as small,
        Image.open(BytesIO(b"".join(content(preview)))) as b,
    ):
        assert small.width < b.width
    assert holdings.file(f"{name}_thumb_thumb.jpg") is None
    assert holdings.file("jw01166091001_02102_00002_nrca3_i2d_thumb.jpg") is None


def test_the_irregularities_of_real_archives_are_there(holdings: Holdings, everything: list[dict[str, Any]]) -> None:
    rows = observations(holdings)
    names = {row["productFilename"] for row in everything}
    assert any((row["s_region"] or "").count("POLYGON") > 1 for row in rows)
    assert any(row["target_name"] == "UNKNOWN" for row in rows)
    assert any(row["size"] is None for row in everything)
    assert any(re.search(r"_\d{3}[0-9]*[a-z]\d*_\d{5}_", name) for name in names)
    assert any("-seg010_" in name for name in names)
    assert any(row["mtFlag"] for row in rows)
    shared = Counter((row["productFilename"], row["parent_obsid"]) for row in everything)
    assert max(count for (name, _), count in shared.items() if name.endswith("_msa.fits")) > 1


def test_exposures_lie_in_the_mosaic_they_went_into_and_differ(holdings: Holdings) -> None:
    rows = products(holdings, RING)
    mosaic = regions.parse_region(observations(holdings, Condition(column="obsid", values=(RING,)))[0]["s_region"])
    middles = set()
    for row in rows:
        if row["productFilename"].endswith("_mirimage_cal.fits"):
            facts = holdings.file(row["productFilename"])
            assert facts is not None
            assert regions.distance(mosaic, facts.ra, facts.dec) == 0.0
            for corner in regions.parse_region(facts.s_region)[0]:
                assert regions.distance(mosaic, *corner) * 3600 < 8.0
            middles.add((facts.ra, facts.dec))
    assert len(middles) == 16


@pytest.mark.parametrize(
    "name", ["jw02733-o002_t001_miri_f1130w_i2d.fits", "jw02733-o002_20260726t151748_image3_00002_asn.json"]
)
def test_a_product_knows_what_it_was_made_from(holdings: Holdings, name: str) -> None:
    facts = holdings.file(name)
    assert facts is not None
    suffix = "o002_crf" if name.endswith(".fits") else "cal"
    assert len(facts.members) == 16
    assert facts.members[0] == f"jw02733002001_02103_00001_mirimage_{suffix}.fits"
    assert all(holdings.file(member) for member in facts.members)


def test_a_name_in_another_case_is_no_file(holdings: Holdings) -> None:
    assert holdings.file("JW02733-o002_t001_miri_f1130w_i2d.fits") is None


def test_guide_star_files_tell_their_own_exposure(holdings: Holdings) -> None:
    name = next(row["productFilename"] for row in products(holdings, RING) if "_gs-acq1" in row["productFilename"])
    facts = holdings.file(name)
    assert facts is not None
    assert (facts.instrument, facts.exp_type, facts.nx, facts.ny) == ("FGS", "FGS_ACQ1", 128, 128)


def test_values_match_without_regard_to_case_and_any_of_them_will_do(holdings: Holdings) -> None:
    where = [*program(2733), Condition(column="FILTERS", values=("f770w", "F090W"))]
    assert {row["filters"] for row in observations(holdings, *where)} == {"F770W", "F090W"}


def test_a_separator_lets_a_part_match(holdings: Holdings) -> None:
    where = [*program(2733), Condition(column="filters", values=("F444W",), separator=";")]
    assert {row["filters"] for row in observations(holdings, *where)} == {"F444W;F405N", "F444W;F470N"}


def test_a_pattern_knows_only_the_per_cent_sign(holdings: Holdings) -> None:
    assert holdings.count([*program(2733), Condition(column="instrument_name", pattern="miri%")]) == 4
    assert holdings.count([Condition(column="obs_id", pattern="jw02733-o002_t001%")]) == 4
    assert holdings.count([Condition(column="obs_id", pattern="jw02733_o002%")]) == 0


def test_ranges_hold_their_ends_and_leave_out_what_has_no_value(holdings: Holdings) -> None:
    start = 59742.52554607639
    assert [row["obsid"] for row in observations(holdings, Condition(column="t_min", low=start, high=start))] == [RING]
    everywhere = Condition(column="t_min", low=float("-inf"), high=float("inf"))
    assert holdings.count([everywhere]) == holdings.count() - 29


@pytest.mark.parametrize("value", ["2733' OR '1'='1", '2733" OR 1=1 --', "2733'; DROP TABLE observation; --"])
def test_sql_in_a_value_is_only_a_value(holdings: Holdings, value: str) -> None:
    before = holdings.count()
    assert holdings.count([Condition(column="proposal_id", values=(value,))]) == 0
    assert holdings.count([Condition(column="proposal_id", pattern=value)]) == 0
    assert holdings.products([value]) == (0, [])
    assert holdings.mission_products([value]) == []
    assert holdings.file(value) is None
    assert holdings.resolve(value) == []
    assert holdings.count() == before


def test_an_unknown_column_is_named(holdings: Holdings) -> None:
    with pytest.raises(ValueError, match="no column 'proposal'"):
        holdings.observations([Condition(column="proposal", values=("2733",))])
    with pytest.raises(ValueError, match="no column '1; DROP"):
        holdings.missions(sort_by=["1; DROP TABLE mission"])


def test_a_number_column_refuses_text(holdings: Holdings) -> None:
    with pytest.raises(ValueError, match="t_min is a number, not 'yesterday'"):
        holdings.count([Condition(column="t_min", low="yesterday")])


def test_a_cone_finds_what_it_touches_and_tells_how_far_it_is(holdings: Holdings) -> None:
    inside = observations(holdings, *program(2733), cone=Cone(ra=151.7551, dec=-40.4374, radius=0.0))
    assert {row["distance"] for row in inside} == {0.0}
    assert len(inside) == 10
    # 60 arcsec north of the northernmost corner of the MIRI mosaic.
    north = Cone(ra=151.753816584, dec=-40.408577487 + 60 / 3600, radius=61 / 3600)
    near = {row["obsid"]: row["distance"] for row in observations(holdings, cone=north)}
    assert near[RING] == pytest.approx(60.0, abs=0.01)
    assert holdings.count((), Cone(ra=north.ra, dec=north.dec, radius=59 / 3600)) == 0


def test_a_cone_of_the_whole_sky_finds_everything_that_has_a_place(holdings: Holdings) -> None:
    placed = [row for row in observations(holdings) if row["s_ra"] is not None]
    assert 0 < holdings.count() - len(placed) < 10
    assert holdings.count((), Cone(ra=10.0, dec=20.0, radius=180.0)) == len(placed)


def test_distance_is_right_across_zero_hours() -> None:
    box = regions.parse_region("POLYGON 359.9 -0.1 0.1 -0.1 0.1 0.1 359.9 0.1")
    assert regions.distance(box, 0.0, 0.0) == 0.0
    assert regions.distance(box, 359.95, 0.05) == 0.0
    assert regions.distance(box, 359.8, 0.0) == pytest.approx(0.1, abs=1e-6)
    assert regions.distance(box, 0.2, 0.0) == pytest.approx(0.1, abs=1e-6)


def test_distance_is_right_around_a_pole() -> None:
    cap = regions.parse_region("POLYGON ICRS 0 89 90 89 180 89 270 89")
    assert regions.distance(cap, 123.0, 90.0) == 0.0
    assert regions.distance(cap, 45.0, 89.9) == 0.0
    assert regions.distance(cap, 180.0, 88.0) == pytest.approx(1.0, abs=1e-6)


def test_distance_to_several_polygons_is_that_to_the_nearest() -> None:
    two = regions.parse_region("POLYGON 10 0 11 0 11 1 10 1 POLYGON 20 0 21 0 21 1 20 1")
    assert len(two) == 2
    assert regions.distance(two, 19.0, 0.0) == pytest.approx(1.0, abs=1e-4)


def test_pages_put_together_are_the_whole_in_the_order_of_obsid(holdings: Holdings) -> None:
    total, rows = holdings.observations()
    pages = [row for start in range(0, total, 100) for row in holdings.observations(offset=start, limit=100)[1]]
    assert pages == rows
    assert [int(row[31]) for row in rows] == sorted(int(row[31]) for row in rows)
    total, listed = holdings.products([RING])
    parts = [row for start in range(0, total, 1000) for row in holdings.products([RING], offset=start, limit=1000)[1]]
    assert parts == listed


def test_products_of_an_unknown_observation_are_none(holdings: Holdings) -> None:
    assert holdings.products(["1", "not a number", ""]) == (0, [])


def test_products_know_what_belongs_to_the_observation_and_what_to_its_exposures(holdings: Holdings) -> None:
    rows = products(holdings, RING)
    for row in rows:
        own = row["obsID"] == row["parent_obsid"]
        assert row["type"] == ("D" if own else "S")
        recommended = own and row["productType"] != "PREVIEW"
        assert (row["productGroupDescription"] == "Minimum Recommended Products") == recommended
        assert row["dataURI"] == f"mast:JWST/product/{row['productFilename']}"


def test_mission_search_has_executed_exposures_without_detector(holdings: Holdings) -> None:
    columns = holdings.mission_columns
    wanted = [Criterion(column=columns["program"], wanted=(Term(sign="=", value=2733.0),))]
    total, rows = holdings.missions(wanted, columns=tuple(columns))
    assert total == len(rows) == 88
    names = {row["fileSetName"] for _, row in rows}
    assert "jw02733002001_02103_00001" in names
    row = next(row for _, row in rows if row["fileSetName"] == "jw02733001001_02103_00001")
    assert row["opticalElements"] == "F187N;CLEAR, F444W;F470N"
    assert row["productLevel"] == "1b, 2a, 2b, 2c"
    assert list(row) == list(columns)


def test_an_exposure_has_the_keywords_of_its_headers(holdings: Holdings) -> None:
    # 289.893 s in 6 groups are 27 frames of 10.73677 s: 5 times 5, and 2.
    row = keywords_of(holdings, "jw02733001001_02103_00001")
    assert (row["readpatt"], row["nframes"], row["groupgap"]) == ("SHALLOW2", 2, 3)
    assert (row["filter"], row["nircam_pupil"]) == ("F187N, F444W", "CLEAR, F470N")
    assert row["obs_id"] == "V02733001001P0000000002103"
    assert row["expstart"] < row["expmid"] < row["expend"]
    cut = keywords_of(holdings, "jw01366003001_04101_00001")
    assert (cut["exsegtot"], cut["nints"], cut["tsovisit"]) == (3, 465, "t")
    assert cut["effexptm"] == pytest.approx(29500.0)
    cube = keywords_of(holdings, "jw01039004001_02101_00006")
    assert (cube["miri_channel"], cube["nircam_pupil"]) == ("12, 34", None)


def keywords_of(holdings: Holdings, dataset: str) -> dict[str, Any]:
    columns = holdings.mission_columns
    wanted = [Criterion(column=columns["fileSetName"], wanted=(Term(sign="=", value=dataset),))]
    [(_, row)] = holdings.missions(wanted, columns=tuple(columns))[1]
    return row


def test_mission_rows_are_sorted_as_asked(holdings: Holdings) -> None:
    columns = holdings.mission_columns
    wanted = [Criterion(column=columns["program"], wanted=(Term(sign="=", value=2733.0),))]
    order = ["instrume", "date_obs"]
    _, rows = holdings.missions(wanted, columns=order, sort_by=order, sort_desc=[False, True])
    keys = [(row["instrume"], row["date_obs"]) for _, row in rows]
    assert [key[0] for key in keys] == sorted(key[0] for key in keys)
    miri = [date for instrument, date in keys if instrument == "MIRI"]
    assert miri == sorted(miri, reverse=True)


def test_mission_products_are_the_files_of_all_detectors_and_their_guide_stars(holdings: Holdings) -> None:
    rows = holdings.mission_products(["JW02733001001_02103_00001", "jw99999001001_02101_00001"])
    names = [row["filename"] for row in rows]
    assert "jw02733001001_02103_00001_nrcblong_cal.fits" in names
    assert "jw02733001001_02103_00001_nrcb4_uncal.fits" in names
    assert sum("_gs-" in name for name in names) == 60
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("ngc-3132", "NGC 3132"),
        ("southern ring nebula", "NGC 3132"),
        ("SMACS 0723", "SMACS J0723.3-7327"),
        ("Stephan's Quintet", "Stephan's Quintet"),
        ("wasp-39 b", "WASP-39"),
        ("M31", "M 31"),
    ],
)
def test_targets_are_found_by_their_names(holdings: Holdings, name: str, canonical: str) -> None:
    assert holdings.resolve(name)[0][0] == canonical


def test_many_threads_may_ask_at_once(holdings: Holdings) -> None:
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(holdings.products([RING])[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [3470] * 8


def dump(folder: Path) -> list[str]:
    connection = sqlite3.connect(catalogue_path(folder))
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def test_two_processes_may_build_at_once_and_build_the_same_as_before(tmp_path: Path, catalogue_folder: Path) -> None:
    Holdings.open(catalogue_folder).close()
    code = (
        "import sys, pathlib; from jwstmq_widgets.localarchive.holdings import Holdings\n"
        "print(Holdings.open(pathlib.Path(sys.argv[1])).products(['87602450'])[0])"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [run.communicate()[0].strip() for run in runs] == ["3470", "3470"]
    assert [run.returncode for run in runs] == [0, 0]
    assert len(list(tmp_path.glob("*.sqlite"))) == 1
    assert list(tmp_path.glob("*.new")) == []
    assert dump(tmp_path) == dump(catalogue_folder)


@pytest.fixture(scope="module")
def littered(tmp_path_factory: pytest.TempPathFactory, catalogue_folder: Path) -> Path:
    """A folder with another version's catalogue and a broken one, which was opened since."""
    folder = tmp_path_factory.mktemp("littered")
    (folder / "holdings-reduced-0123456789ab.sqlite").write_bytes(b"")
    (folder / catalogue_path(catalogue_folder).name).write_bytes(b"SQLite format 3\0" + bytes(500))
    Holdings.open(folder).close()
    return folder


def test_catalogues_of_other_versions_are_removed(littered: Path) -> None:
    assert [path.name for path in littered.glob("*.sqlite")] == [catalogue_path(littered).name]


def test_a_broken_catalogue_is_built_again(littered: Path) -> None:
    held = Holdings.open(littered)
    assert held.products([RING])[0] == 3470
    held.close()


def test_a_folder_that_cannot_be_written_gives_a_warning_and_a_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    spare = tmp_path / "spare"
    spare.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(spare))
    blocked = tmp_path / "file"
    blocked.write_text("not a folder", encoding="utf-8")
    with caplog.at_level(logging.WARNING):
        held = Holdings.open(blocked / "cache")
    assert held.count(program(2733)) == 10
    assert "cannot write" in caplog.text
    assert list(spare.rglob("*.sqlite"))
    held.close()
