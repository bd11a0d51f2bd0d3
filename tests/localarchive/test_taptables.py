"""The TAP service's tables: what ESA's have, from the same facts as MAST's side."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest
from astropy.coordinates import SkyCoord
from astropy.io.votable.ucd import check_ucd
from astropy.units import Unit

from jwstmq_widgets.localarchive.adql import AdqlError
from jwstmq_widgets.localarchive.holdings import Condition, Holdings
from jwstmq_widgets.localarchive.holdings.tapcatalogue import TapCatalogue
from jwstmq_widgets.localarchive.holdings.taptables import TapArtifact

_BOX = "BOX('ICRS', 151.757, -40.436, 0.1, 0.1)"
_EXPOSURE = "jw01076110001_02101_00001_nrcalong"
_COMBINED = "jw01076-o110_s01130_nircam_f444w-grismr"


@pytest.fixture(scope="module")
def holdings(catalogue_folder: Path) -> Iterator[Holdings]:
    holdings = Holdings.open(catalogue_folder)
    yield holdings
    holdings.close()


@pytest.fixture(scope="module")
def catalogue(holdings: Holdings) -> TapCatalogue:
    return TapCatalogue(holdings)


def _values(catalogue: TapCatalogue, adql: str) -> list[object]:
    return [row[0] for row in catalogue.run(adql).rows]


def _artifact(catalogue: TapCatalogue, filename: str) -> TapArtifact:
    (number,) = _values(catalogue, f"SELECT artifactid FROM jwst.artifact WHERE filename = '{filename}'")
    artifact = catalogue.artifact(str(number))
    assert artifact is not None
    return artifact


def test_the_tables_are_those_of_esas_service(catalogue: TapCatalogue) -> None:
    assert [table.name for table in catalogue.tables()] == [
        "ivoa.obscore", "jwst.archive", "jwst.artifact", "jwst.chunk", "jwst.harvestskipuri", "jwst.main", "jwst.moc",
        "jwst.observation", "jwst.observationmember", "jwst.part", "jwst.plane", "jwst.plane_inputs", "public.dual",
        "tap_schema.columns", "tap_schema.key_columns", "tap_schema.keys", "tap_schema.schemas", "tap_schema.tables",
    ]  # fmt: skip


def test_the_main_table_has_the_109_columns_that_the_documentation_counts(catalogue: TapCatalogue) -> None:
    main = next(table for table in catalogue.tables() if table.name == "jwst.main")
    assert len(main.columns) == 109
    assert [column.name for column in main.columns][:3] == ["public", "algorithm_name", "calibrationlevel"]
    result = catalogue.run("SELECT TOP 1 * FROM jwst.main")
    assert result.columns == main.columns


def test_every_column_can_be_asked_for_and_every_row_counted(catalogue: TapCatalogue) -> None:
    for table in catalogue.tables():
        result = catalogue.run(f"SELECT * FROM {table.name}", maxrec=3)
        assert result.columns == table.columns
        assert len(result.rows) == min(3, table.rows)
        assert _values(catalogue, f"SELECT COUNT(*) FROM {table.name}") == [table.rows]


def test_units_and_descriptors_are_ones_that_astropy_knows(catalogue: TapCatalogue) -> None:
    for table in catalogue.tables():
        for column in table.columns:
            assert column.description, f"{table.name}.{column.name}"
            assert not column.unit or Unit(column.unit, format="vounit")
            assert not column.ucd or check_ucd(column.ucd), f"{table.name}.{column.name}: {column.ucd}"


def test_the_schema_tables_tell_what_there_is(catalogue: TapCatalogue) -> None:
    told = catalogue.run(
        "SELECT table_name, column_name, datatype FROM tap_schema.columns ORDER BY table_name, column_index"
    )
    expected = [
        (table.name, f'"{column.name}"' if column.name in {"public", "size"} else column.name, column.datatype)
        for table in catalogue.tables()
        for column in table.columns
    ]
    assert told.rows == expected
    keys = catalogue.run(
        "SELECT k.from_table, c.from_column, k.target_table, c.target_column FROM tap_schema.keys k "
        "JOIN tap_schema.key_columns c ON c.key_id = k.key_id"
    )
    for table, column, target, target_column in keys.rows:
        found = f"SELECT 1 FROM {target} b WHERE b.{target_column} = a.{column}"
        lost = f"SELECT COUNT(*) FROM {table} a WHERE a.{column} IS NOT NULL AND NOT EXISTS ({found})"
        assert _values(catalogue, lost) == [0], (table, column)


def test_every_observation_of_mast_is_one_here_and_says_the_same(catalogue: TapCatalogue, holdings: Holdings) -> None:
    names = [column.name for column in holdings.observation_columns]
    _, rows = holdings.observations([Condition(column="proposal_id", values=("2733", "2609"))])
    observations = [dict(zip(names, row, strict=True)) for row in rows]
    found = catalogue.run(
        "SELECT observationid, proposal_id, instrument_name, target_name, target_ra, energy_bandpassname, "
        "time_exposure, "
        "calibrationlevel, energy_bounds_lower FROM jwst.main WHERE proposal_id IN ('02733', '02609') "
        "AND calibrationlevel = max_cal_level"
    )
    here = {row[0]: row[1:] for row in found.rows}
    for observation in observations:
        low = observation["em_min"]
        assert here[observation["obs_id"]][:7] == (
            f"{int(observation['proposal_id']):05d}", observation["instrument_name"], observation["target_name"],
            observation["s_ra"], observation["filters"], observation["t_exptime"], observation["calib_level"],
        )  # fmt: skip
        assert here[observation["obs_id"]][7] == (None if low is None else pytest.approx(low * 1e-9))


def test_every_file_of_mast_is_an_artifact_but_the_previews_that_esa_lacks(
    catalogue: TapCatalogue, holdings: Holdings
) -> None:
    _, rows = holdings.observations([Condition(column="proposal_id", values=("2733",))])
    obsid = [column.name for column in holdings.observation_columns].index("obsid")
    _, products = holdings.products([str(row[obsid]) for row in rows])
    names = [column.name for column in holdings.product_columns]
    uris = {row[names.index("dataURI")]: row[names.index("size")] for row in products}
    found = catalogue.run(
        "SELECT DISTINCT a.uri, a.contentlength FROM jwst.artifact a JOIN jwst.observation o ON o.obsid = a.obsid "
        "WHERE o.proposal_id = '02733' AND a.producttype <> 'thumbnail'"
    )
    # ESA's list of an exposure has no preview of its i2d (astroquery.esa.jwst documentation).
    lacking = {uri for uri in uris if re.search(r"/jw\d{11}_.*_i2d\.jpg$", uri)}
    assert lacking
    assert dict(found.rows) == {uri: size for uri, size in uris.items() if uri not in lacking}
    thumbnails = _values(
        catalogue,
        "SELECT DISTINCT a.uri FROM jwst.artifact a JOIN jwst.observation o ON o.obsid = a.obsid "
        "WHERE o.proposal_id = '02733' AND a.producttype = 'thumbnail'",
    )
    pictures = {uri for uri, _ in found.rows if uri.endswith(".jpg")}
    assert set(thumbnails) == {f"{uri.removesuffix('.jpg')}_thumb.jpg" for uri in pictures}


def test_planned_exposures_are_of_level_minus_one_and_not_public(catalogue: TapCatalogue) -> None:
    rows = catalogue.run("SELECT observationid, public, max_cal_level FROM jwst.main WHERE calibrationlevel = -1").rows
    assert rows
    assert all("_xx" in name and not public and top == -1 for name, public, top in rows)


def test_an_exposure_has_a_plane_for_each_level_with_its_files(catalogue: TapCatalogue) -> None:
    rows = catalogue.run(
        "SELECT p.calibrationlevel, a.filename FROM jwst.plane p JOIN jwst.artifact a ON a.planeid = p.planeid "
        f"JOIN jwst.observation o ON o.obsid = p.obsid WHERE o.observationid = '{_EXPOSURE}'"
    ).rows
    assert (1, f"{_EXPOSURE}_uncal.fits") in rows
    assert (2, f"{_EXPOSURE}_rate.fits") in rows
    assert {level for level, _ in rows} == {1, 2}


def test_related_observations_are_found_both_ways_as_astroquery_asks(catalogue: TapCatalogue) -> None:
    upper = catalogue.run(f"select * from jwst.main m where m.members like '%{_EXPOSURE}%'")
    place = [column.name for column in upper.columns].index("observationid")
    assert _COMBINED in {row[place] for row in upper.rows}
    (members,) = _values(catalogue, f"select m.members from jwst.main m where m.observationid='{_COMBINED}'")
    names = str(members).replace("caom:JWST/", "").split(" ")
    assert names[:3] == [
        "jw01076110001_02101_00001_nrcalong", "jw01076110001_02101_00001_nrcblong",
        "jw01076110001_02101_00002_nrcalong",
    ]  # fmt: skip


def test_planes_of_members_are_linked_as_astroquery_asks(catalogue: TapCatalogue) -> None:
    (plane,) = _values(catalogue, f"SELECT planeid FROM jwst.main WHERE observationid = '{_COMBINED}'")
    asked = (
        "SELECT o.observationuri, p.planeid, p.calibrationlevel, mp.planeid as product_planeid, mp.calibrationlevel as "
        "product_level FROM jwst.observation o JOIN jwst.plane p on o.obsid=p.obsid JOIN jwst.observationmember m on "
        "o.obsid=m.parentid JOIN jwst.observation mo on m.memberid=mo.observationuri JOIN jwst.plane mp on "
        f"mo.obsid=mp.obsid WHERE p.planeid ='{plane}'"
    )
    rows = catalogue.run(asked).rows
    assert {row[4] for row in rows} == {1, 2}
    made_from = "SELECT p.planeid FROM jwst.plane_inputs i JOIN jwst.plane p ON p.planeuri = i.inputid"
    inputs = _values(catalogue, f"{made_from} WHERE i.outputid = '{plane}'")
    assert set(inputs) == {row[3] for row in rows if row[4] == 2}


def test_numbers_are_uuids_and_each_is_one_thing(catalogue: TapCatalogue) -> None:
    for table, column in (("observation", "obsid"), ("plane", "planeid"), ("artifact", "artifactid")):
        [(rows, different)] = catalogue.run(f"SELECT COUNT(*), COUNT(DISTINCT {column}) FROM jwst.{table}").rows
        assert rows == different
        (sample,) = _values(catalogue, f"SELECT TOP 1 {column} FROM jwst.{table}")
        assert str(UUID(str(sample))) == sample


def test_footprints_are_searched_where_they_lie(catalogue: TapCatalogue) -> None:
    asked = "SELECT observationid FROM jwst.archive WHERE {} ORDER BY observationid"
    at = "CIRCLE('ICRS', 151.757, -40.436, 0.001)"
    for moved, outline in ((at, at), ("POINT('ICRS', 151.757, -40.436)",) * 2):
        near = _values(catalogue, asked.format(f"INTERSECTS(position_bounds_spoly, {outline}) = 1"))
        assert near
        # The same without the help of the small circles around footprints.
        slow = f"NOT (INTERSECTS({moved}, position_bounds_spoly) = 0) AND position_bounds_spoly IS NOT NULL"
        assert _values(catalogue, asked.format(slow)) == near
    boxed = _values(catalogue, asked.format(f"INTERSECTS(position_bounds_spoly, {_BOX}) = 1"))
    assert set(boxed) >= set(near)


def test_a_cone_finds_what_astropy_finds(catalogue: TapCatalogue) -> None:
    everything = catalogue.run("SELECT planeid, target_ra, target_dec FROM jwst.main WHERE target_ra IS NOT NULL")
    middle = SkyCoord(214.9, 52.9, unit="deg")
    places = SkyCoord([row[1] for row in everything.rows], [row[2] for row in everything.rows], unit="deg")
    near = middle.separation(places).deg < 2.0
    expected = {row[0] for row, inside in zip(everything.rows, near, strict=True) if inside}
    assert expected
    asked = "CONTAINS(POINT('ICRS',target_ra,target_dec),CIRCLE('ICRS',214.9,52.9, 2.0))=1"
    assert set(_values(catalogue, f"SELECT planeid FROM jwst.main WHERE {asked}")) == expected


def test_the_question_of_astroquerys_cone_search_is_answered_in_order(catalogue: TapCatalogue) -> None:
    columns = (
        "observationid, calibrationlevel, public, dataproducttype, instrument_name, energy_bandpassname, target_name, "
        "target_ra, target_dec, position_bounds_center, position_bounds_spoly"
    )
    asked = (
        f"SELECT DISTANCE(POINT('ICRS',target_ra,target_dec), POINT('ICRS',151.757,-40.436)) AS dist, {columns} FROM "
        "jwst.main WHERE CONTAINS(POINT('ICRS',target_ra,target_dec),CIRCLE('ICRS',151.757,-40.436, 0.1))=1 AND "
        "max_cal_level=calibrationlevel  AND public='true'  AND dataproducttype ILIKE '%image%'  AND instrument_name "
        "ILIKE '%MIRI%'  AND energy_bandpassname ILIKE '%F770W%'  AND proposal_id ILIKE '%02733%' {}ORDER BY dist ASC"
    )
    result = catalogue.run(asked.format(" "))
    assert [column.name for column in result.columns] == ["dist", *columns.split(", ")]
    assert [row[1] for row in result.rows][:1] == ["jw02733-o002_t001_miri_f770w"]
    assert [row[0] for row in result.rows] == sorted(row[0] for row in result.rows)
    assert all(row[11].startswith("Polygon ") and row[10].startswith("Point ") for row in result.rows)
    with pytest.raises(AdqlError, match='encountered "1ORDER'):
        catalogue.run("SELECT planeid FROM jwst.main WHERE CONTAINS(POINT(1,1),CIRCLE(1,1,1))=1ORDER BY planeid")


def test_the_data_server_finds_files_by_id_and_plane(catalogue: TapCatalogue) -> None:
    filename = f"{_EXPOSURE}_rate.fits"
    named = _artifact(catalogue, filename)
    assert (named.filename, named.product_type, named.calibration_level) == (filename, "science", 2)
    assert named.observation_id == _EXPOSURE
    of_plane = catalogue.artifacts_of([named.plane_id, named.plane_id, "no such plane"])
    assert named in of_plane
    assert len({artifact.artifact_id for artifact in of_plane}) == len(of_plane)
    assert {artifact.calibration_level for artifact in of_plane} == {2}
    previews = catalogue.artifacts_of([named.plane_id], product_types=["PREVIEW"])
    assert {artifact.product_type for artifact in previews} == {"preview"}
    raw = catalogue.artifacts_of([named.plane_id], levels="LEVEL1ONLY", product_types=["science"])
    assert [artifact.filename for artifact in raw] == [f"{_EXPOSURE}_uncal.fits"]
    assert catalogue.artifact("nothing") is None
    assert catalogue.artifacts_of([]) == []


def test_the_data_server_knows_what_is_not_public(catalogue: TapCatalogue, holdings: Holdings) -> None:
    (name,) = _values(
        catalogue,
        "SELECT TOP 1 a.filename FROM jwst.artifact a JOIN jwst.plane p ON p.planeid = a.planeid WHERE "
        "p.public = 'false' AND a.producttype = 'science'",
    )
    artifact, facts = _artifact(catalogue, str(name)), holdings.file(str(name))
    assert facts is not None
    assert (artifact.public, facts.rights) == (False, "EXCLUSIVE_ACCESS")
