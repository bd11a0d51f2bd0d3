import dataclasses
from datetime import UTC, date, datetime
from typing import Any

import pytest
from astropy.coordinates import Angle, SkyCoord

import jwstmq_widgets as jw
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.footprints import separation

FULL: dict[str, Any] = {
    "program": 2733,
    "instrument": "miri",
    "modes": ["image"],
    "observations": [1, 2],
    "dates": ("2022-06-01", None),
    "detectors": ["mirimage"],
    "filetypes": ["cal", "i2d"],
    "calib_levels": [2, 3],
    "filters": ["F770W"],
    "guidestars": False,
}
FULLER: dict[str, Any] = {
    **FULL,
    "target": "NGC 3132",
    "resolver": "ned",
    "radius": "30 arcsec",
    "footprint": "contains",
    "categories": "ERS, GO",
    "pi": "Pontoppidan, Klaus M.; Law",
    "target_name": ["NGC-3132", "NGC 3324*"],
    "obs_ids": "jw02733*",
    "exposure_types": "mir_image, MIR_LRS*",
    "keywords": {"effexptm": ">=100", "filter": ["F770W", "F1130W"], "readpatt": "!FAST*"},
    "executed": True,
    "access": "public",
    "obsids": "87602008, 87602009",
    "obsid_range": "385539+",
    "product_types": "science",
    "recommended": True,
    "guidestars": "only",
}


def test_a_program_has_one_value_however_it_is_written() -> None:
    assert jw.Query(program=2733) == jw.Query(program="2733") == jw.Query(program="02733")


@pytest.mark.parametrize(
    "fields", [FULL, FULLER, {}, {"coordinates": "10h07m01.8s -40d26m11s", "dates": "2022-06-03-"}]
)
def test_a_query_reads_back_from_its_code(fields: dict[str, Any]) -> None:
    query = jw.Query(**fields)
    assert eval(query.to_code(), {"jw": jw}) == query


def test_no_field_is_left_out_of_the_code_of_a_query_that_has_all() -> None:
    query = jw.Query(**FULLER)
    left_out = {field.name for field in dataclasses.fields(query) if f"{field.name}=" not in query.to_code()}
    assert left_out == {"lookback", "coordinates"}


def test_a_query_says_itself_in_one_line() -> None:
    text = str(jw.Query(**FULL))
    assert "\n" not in text
    for part in ("program 2733", "MIRI", "image", "2022-06-01", "cal, i2d"):
        assert part in text


def test_every_field_is_said() -> None:
    text = str(jw.Query(**FULLER))
    for part in (
        "ERS, GO", "PI Pontoppidan, Klaus M. or Law", "target named NGC-3132 or NGC 3324*", "jw02733*",
        "MIR_IMAGE, MIR_LRS*",
        "NGC 3132 (NED) within the field", "executed", "public data", "science files", "recommended files",
        "obsid 87602008, 87602009", "obsid 385539 – …", "guide stars only",
    ):  # fmt: skip
        assert part in text


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"target": "M 57"}, "M 57"),
        ({"target": "M 57", "radius": "30 arcsec"}, "0.5' around M 57"),
        ({"coordinates": (1, 2), "footprint": "overlaps"}, "field overlaps 2' around 1.00000 +2.00000"),
        ({"executed": False}, "planned"),
        ({"access": "exclusive"}, "exclusive data"),
        ({"dates": "2022-06-03"}, "2022-06-03"),
        ({"dates": ("2022-06-01", "2022-06-30")}, "2022-06-01 – 2022-06-30"),
        ({"dates": "59733.5+"}, "2022-06-03 12:00 – …"),
        ({"obsid_range": (None, 7)}, "obsid … – 7"),
        ({}, "everything"),
    ],
)
def test_a_query_is_a_line_that_people_read(fields: dict[str, Any], says: str) -> None:
    assert str(jw.Query(**fields)) == says


def test_types_of_exposures_are_conditions_on_exposures() -> None:
    query = jw.Query(instrument="nircam", exposure_types=["nrc_tsgrism", "NRC_TS%"], keywords={"visit": 1})
    assert query.exposure_types == ("NRC_TSGRISM", "NRC_TS*")
    assert dict(query.exposure_limits) == {"visit": ("1",), "exp_type": ("NRC_TSGRISM", "NRC_TS*")}
    assert not query.replace(exposure_types=(), keywords=None).exposure_limits
    assert jw.Query(exposure_types="FGS_IMAGE").limited


def test_replacing_a_field_leaves_the_first_query_as_it_was() -> None:
    query = jw.Query(**FULL)
    other = query.replace(instrument="nircam", modes=())
    assert query.instrument == ("MIRI",)
    assert other.instrument == ("NIRCAM",)
    assert other.program == 2733


def test_a_query_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        jw.Query(program=1).program = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ({"program": "abc"}, "program", "'abc'"),
        ({"program": 0}, "program", "2733"),
        ({"program": True}, "program", "True"),
        ({"program": "²"}, "program", "²"),
        ({"observations": "x"}, "observations", "'x'"),
        ({"instrument": "mirri"}, "instrument", "did you mean 'MIRI'?"),
        ({"instrument": "nircam", "modes": "imaging"}, "modes", "did you mean 'image'?"),
        ({"instrument": "niriss", "modes": "ifu"}, "modes", "NIRISS"),
        ({"dates": ("2023-01-02", "2023-01-01")}, "dates", "reversed"),
        ({"dates": ("yesterday", None)}, "dates", "2022-06-03"),
        ({"dates": (1, 2, 3)}, "dates", "two values"),
        ({"lookback": -1}, "lookback", "-1"),
        ({"lookback": 3, "dates": (59000, None)}, "lookback", "exclude each other"),
        ({"coordinates": (400, 0)}, "coordinates", "0 to 360"),
        ({"coordinates": "here"}, "coordinates", "degrees"),
        ({"coordinates": (1, 2, 3)}, "coordinates", "151.757 -40.436"),
        ({"coordinates": object()}, "coordinates", "degrees"),
        ({"coordinates": "10h 95d"}, "coordinates", "degrees"),
        ({"coordinates": ("nan", 1)}, "coordinates", "on the sky"),
        ({"dates": "59733.5"}, "dates", "59733.5+"),
        ({"dates": "2022-06-03T12:00"}, "dates", "single moment"),
        ({"dates": "+"}, "dates", "2022-06-03"),
        ({"dates": "2022-13-01+"}, "dates", "2022-13-01"),
        ({"dates": b"59733"}, "dates", "neither a date"),
        ({"dates": (float("inf"), None)}, "dates", "200000"),
        ({"dates": "2022-06-30 2022-06-01"}, "dates", "exchange them"),
        ({"lookback": True}, "lookback", "days"),
        ({"radius": 0}, "radius", "2 arcmin"),
        ({"radius": None}, "radius", "2 arcmin"),
        ({"radius": float("nan")}, "radius", "2 arcmin"),
        ({"program": "9" * 5000}, "program", "2733"),
        ({"program": [2733]}, "program", "2733"),
        ({"observations": 1000}, "observations", "999"),
        ({"instrument": 5}, "instrument", "known are"),
        ({"exposure_types": "mir_imag"}, "exposure_types", "did you mean 'MIR_IMAGE'?"),
        ({"exposure_types": "NIR_*"}, "exposure_types", "none fits"),
        ({"exposure_types": 5}, "exposure_types", "known are NRC_IMAGE"),
        ({"exposure_types": "NRC_IMAGE", "instrument": "miri"}, "exposure_types", "for MIRI; did you mean 'MIR_"),
        ({"exposure_types": "NRS_IFU", "keywords": "EXP_TYPE=NRS_IFU"}, "exposure_types", "exclude each other"),
        ({"categories": "gtoo"}, "categories", "did you mean 'GTO'?"),
        ({"categories": 5}, "categories", "known are GO"),
        ({"pi": 5}, "pi", "Pontoppidan"),
        ({"target": 5}, "target", "NGC 3132"),
        ({"target_name": [5]}, "target_name", "NGC-3132"),
        ({"obs_ids": "jw02733/x"}, "obs_ids", "jw02733*"),
        ({"obs_ids": "87602008"}, "obs_ids", "give it as obsids"),
        ({"obs_ids": 87602008}, "obs_ids", "give it as obsids"),
        ({"obsids": "jw02733-o002_t001"}, "obsids", "give it as obs_ids"),
        ({"obsids": -5}, "obsids", "87602008"),
        ({"obsid_range": "1 2 3"}, "obsid_range", "385539+"),
        ({"obsid_range": "x+"}, "obsid_range", "'x'"),
        ({"obsid_range": "5 1"}, "obsid_range", "exchange them"),
        ({"executed": "yes"}, "executed", "True, False nor None"),
        ({"access": "mine"}, "access", "'public' nor 'exclusive'"),
        ({"access": ["public"]}, "access", "'public' nor 'exclusive'"),
        ({"footprint": "touches", "target": "M 1"}, "footprint", "contains"),
        ({"footprint": "contains"}, "footprint", "give a target or coordinates"),
        ({"resolver": "google"}, "resolver", "NED, SIMBAD, VIZIER"),
        ({"filters": "F7'"}, "filters", "F770W"),
        ({"filters": [770]}, "filters", "F770W"),
        ({"filetypes": [5]}, "filetypes", "cal"),
        ({"filetypes": "_cal.fits?"}, "filetypes", "_cal.jpg"),
        ({"product_types": "scince"}, "product_types", "did you mean 'SCIENCE'?"),
        ({"recommended": "yes"}, "recommended", "yes"),
        ({"radius": "2 parsec"}, "radius", "2 arcmin"),
        ({"detectors": "nrca9"}, "detectors", "nrca"),
        ({"calib_levels": 7}, "calib_levels", "7"),
        ({"guidestars": "maybe"}, "guidestars", "maybe"),
        ({"target": "M 1", "coordinates": (1, 1)}, "target", "exclude each other"),
    ],
)
def test_a_wrong_value_names_its_field_and_what_would_do(given: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(QueryError) as caught:
        jw.Query(**given)
    assert caught.value.field == field
    assert says in str(caught.value)


def test_an_unknown_field_is_refused_by_name() -> None:
    with pytest.raises(QueryError, match="propid"):
        jw.Query().replace(propid=1)


def test_a_bare_day_means_the_whole_day() -> None:
    assert jw.Query(dates="2022-06-03").dates == (59733.0, 59734.0)
    assert jw.Query(dates=("2022-06-03", "2022-06-03")).dates == (59733.0, 59734.0)
    assert jw.Query(dates=("2022-06-03T12:00", None)).dates == (59733.5, None)


@pytest.mark.parametrize(
    ("given", "dates"),
    [
        ("2022-06-03+", (59733.0, None)),
        ("2022-06-03-", (None, 59734.0)),
        ("59733.5+", (59733.5, None)),
        ("59733.5-", (None, 59733.5)),
        ("59733", (59733.0, 59734.0)),
        (59733, (59733.0, 59734.0)),
        ("20220603", (59733.0, 59734.0)),
        ("59733.50+", (59733.5, None)),
        (["2022-06-03+"], (59733.0, None)),
        ("2022-06-01 2022-06-03", (59731.0, 59734.0)),
        ("2022-06-01..2022-06-03", (59731.0, 59734.0)),
        ("2022-06-03T14:00+02:00..", (59733.5, None)),
        ("2022-06-03 12:00-", (None, 59733.5)),
        (date(2022, 6, 3), (59733.0, 59734.0)),
        ((datetime(2022, 6, 3, tzinfo=UTC), None), (59733.0, None)),
        ("", (None, None)),
        (None, (None, None)),
    ],
)
def test_dates_are_taken_in_every_form(given: Any, dates: tuple[float | None, float | None]) -> None:
    assert jw.Query(dates=given).dates == dates


@pytest.mark.parametrize(
    "form",
    [
        "10h07m01.8s -40d26m11s", "10:07:01.8 -40:26:11", "10 07 01.8 -40 26 11", "J100701.8-402611",
        "151.7575d -40.4363889d", "151.7575 -40.4363889", "151.7575, -40.4363889", ("10h07m01.8s", "-40d26m11s"),
        SkyCoord(151.7575, -40.4363889, unit="deg"), SkyCoord(151.7575, -40.4363889, unit="deg").galactic,
        "galactic 272.1104 12.3950",
    ],
    ids=str,
)  # fmt: skip
def test_coordinates_are_taken_in_every_form(form: Any) -> None:
    place = jw.Query(coordinates=form).coordinates
    assert place is not None
    assert separation(*place, 151.7575, -40.4363889) < 2e-2


def test_a_radius_takes_marks_and_angles() -> None:
    assert jw.Query(radius="30''").radius == jw.Query(radius='30"').radius == pytest.approx(30 / 3600)
    assert jw.Query(radius="2'").radius == jw.Query(radius=Angle("2m")).radius == pytest.approx(2 / 60)


@pytest.mark.parametrize(
    ("given", "limits"),
    [
        ("385539+", (385539, None)),
        ("385539-", (None, 385539)),
        ("385539", (385539, 385539)),
        (385539, (385539, 385539)),
        ("385539 385600", (385539, 385600)),
        ("385539..385600", (385539, 385600)),
        ("385539..", (385539, None)),
        (["385539", "385600"], (385539, 385600)),
        ((None, 5), (None, 5)),
        (None, (None, None)),
    ],
)
def test_ranges_of_numbers_are_taken_in_every_form(given: Any, limits: tuple[int | None, int | None]) -> None:
    assert jw.Query(obsid_range=given).obsid_range == limits


def test_several_names_with_blanks_and_commas_stay_whole() -> None:
    assert jw.Query(pi="Law, David R.; Lee").pi == ("Law, David R.", "Lee")
    assert jw.Query(target_name="SMACS  J0723.3-7327, HD 1").target_name == ("SMACS J0723.3-7327", "HD 1")


def test_there_is_no_silent_lookback() -> None:
    assert jw.Query(program=2733).date_limits() == (None, None)


def test_a_lookback_counts_from_now() -> None:
    now = datetime(2022, 6, 3, 12, tzinfo=UTC)
    assert jw.Query(lookback=3).date_limits(now) == (59730.5, None)


def test_a_radius_takes_its_unit() -> None:
    assert jw.Query(radius="60 arcsec").radius == pytest.approx(1 / 60)
    assert jw.Query(radius="2 arcmin").radius == pytest.approx(2 / 60)
    assert jw.Query(radius=0.5).radius == 0.5


def test_only_a_limit_on_observations_makes_a_query_worth_asking() -> None:
    assert jw.Query(filetypes=["cal"], detectors=["nis"], obsid_range="5+", recommended=True).empty
    assert not jw.Query(executed=False).empty
    assert not jw.Query(obsids=5).empty
    assert not jw.Query(program=1).empty
    assert not jw.Query(lookback=1).empty
