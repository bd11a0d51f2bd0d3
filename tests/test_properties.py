"""Promises that hold for whatever is written, tried on generated values."""

import contextlib
import dataclasses
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import jwstmq_widgets as jw
from jwstmq_widgets.errors import FootprintError, QueryError
from jwstmq_widgets.filenames import DETECTORS, SUFFIXES, name_columns, parse_name
from jwstmq_widgets.footprints import Footprints, read_region
from jwstmq_widgets.query import CALIB_LEVELS, MODES
from jwstmq_widgets.query.fields import CATEGORIES, PRODUCT_TYPES

FIELDS = [field.name for field in dataclasses.fields(jw.Query)]
DAY_ZERO = date(1858, 11, 17)

# Always the same examples, and nothing kept on the disk: a failure is found by everybody, or by nobody.
common = settings(
    derandomize=True, database=None, deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow]
)


def number(digits: int) -> st.SearchStrategy[str]:
    return st.integers(0, 10**digits - 1).map(lambda value: f"{value:0{digits}}")


def base36(length: int) -> st.SearchStrategy[str]:
    return st.text("0123456789abcdefghijklmnopqrstuvwxyz", min_size=length, max_size=length)


def written(form: str, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    return st.fixed_dictionaries(dict(parts)).map(lambda values: (form.format(**values), values))


PROGRAM = st.integers(1, 99999)
ASSOCIATION = st.one_of(number(3).map("o{}".format), st.tuples(st.sampled_from("acr"), number(4)).map("".join))
EXPOSURES = written(
    "jw{program:05}{observation:03}{visit:03}_{visit_group}{parallel}{activity}_{exposure:05}_{detector}_{suffix}.{extension}",
    program=PROGRAM,
    observation=st.integers(1, 999),
    visit=st.integers(1, 999),
    visit_group=base36(2),
    parallel=st.sampled_from("12345"),
    activity=base36(2),
    exposure=st.integers(1, 99999),
    detector=st.sampled_from(sorted(DETECTORS)),
    suffix=st.sampled_from(sorted(set(SUFFIXES) - {"asn", "pool", "msa"})),
    extension=st.sampled_from(["fits", "jpg", "ecsv"]),
)
NAMES = st.one_of(
    EXPOSURES,
    written(
        "jw{program:05}-{association}_{target}_{instrument}_{optical_elements}_{suffix}.{extension}",
        program=PROGRAM,
        association=ASSOCIATION,
        target=st.one_of(number(3).map("t{}".format), number(5).map("s{}".format), number(9).map("b{}".format)),
        instrument=st.sampled_from(["nircam", "nirspec", "niriss", "miri"]),
        optical_elements=st.sampled_from(["clear-f090w", "f1130w", "f290lp-g395m", "f1550c-4qpm_1550", "ch1-long"]),
        suffix=st.sampled_from(["i2d", "s3d", "x1d", "cat", "ami-oi"]),
        extension=st.sampled_from(["fits", "jpg", "ecsv"]),
    ),
    written(
        "jw{program:05}{observation:03}{visit:03}_gs-{guide}_{stamp}_{suffix}.fits",
        program=PROGRAM,
        observation=st.integers(1, 999),
        visit=st.integers(1, 999),
        guide=st.sampled_from(["id", "acq1", "acq2", "track", "fg"]),
        stamp=number(13),
        suffix=st.sampled_from(["uncal", "cal", "stream"]),
    ),
    written(
        "jw{program:05}-{association}_{stamp}_image2_{number}_asn.json",
        program=PROGRAM,
        association=ASSOCIATION,
        stamp=st.tuples(number(8), number(6)).map("t".join),
        number=number(5),
    ),
)


@common
@given(NAMES)
def test_a_file_name_gives_back_the_parts_it_was_made_of(made: tuple[str, dict[str, Any]]) -> None:
    name, parts = made
    parsed = parse_name(name)
    assert parsed is not None
    parts.pop("number", None)
    parts["instrument"] = parts.get("instrument", parsed.instrument).upper()
    assert {part: getattr(parsed, part) for part in parts} == parts
    assert parsed.name == name


@common
@given(NAMES)
def test_columns_of_a_name_are_its_parts(made: tuple[str, dict[str, Any]]) -> None:
    name, parts = made
    columns = name_columns([name])
    parsed = parse_name(name)
    assert parsed is not None
    assert columns["program"] == [parts["program"]]
    assert columns["filetype"] == [parsed.filetype]
    assert columns["guidestar"] == ["guide" in parts]
    assert columns["observation"] == [-1 if parsed.observation is None else parsed.observation]


@common
@given(EXPOSURES, st.integers(0, 24), st.sampled_from(["", "x", "-", " ", "é", "\n"]))
def test_a_name_with_a_wrong_character_in_its_numbers_is_rejected(
    made: tuple[str, dict[str, Any]], place: int, wrong: str
) -> None:
    name = made[0]
    changed = name[:place] + wrong + name[place + 1 :]
    base36_part = 14 <= place <= 18 and place != 16
    assert parse_name(changed) is None or changed == name or (wrong == "x" and base36_part)


@common
@given(st.one_of(st.text(), NAMES.map(lambda made: made[0].upper()), NAMES.map(lambda made: f"{made[0]}\n")))
def test_any_text_is_a_name_or_none(text: str) -> None:
    parsed = parse_name(text)
    assert parsed is None or parsed.name == text
    assert len(name_columns([text])["program"]) == 1


DATES = st.dates(date(1990, 1, 1), date(2200, 1, 1))


def mjd(day: date) -> float:
    return float((day - DAY_ZERO).days)


@common
@given(DATES, st.integers(0, 5000), st.sampled_from(["{} {}", "{}..{}", "{},{}", "{} .. {}"]))
def test_dates_mean_the_same_in_every_form(first: date, days: int, form: str) -> None:
    last = first + timedelta(days=days)
    low, high = mjd(first), mjd(last) + 1
    assert jw.Query(dates=form.format(first, last)).dates == (low, high)
    assert jw.Query(dates=(str(first), last)).dates == (low, high)
    assert jw.Query(dates=f"{first}+").dates == jw.Query(dates=f"{low:.0f}+").dates == (low, None)
    assert jw.Query(dates=f"{last}-").dates == (None, high)
    assert jw.Query(dates=f"{first}").dates == jw.Query(dates=low).dates == (low, low + 1)
    assert jw.Query(dates=f"{first:%Y%m%d}").dates == (low, low + 1)


@common
@given(DATES, st.integers(1, 5000))
def test_reversed_dates_are_refused(first: date, days: int) -> None:
    with pytest.raises(QueryError, match="reversed"):
        jw.Query(dates=(first + timedelta(days=days), first))


@common
@given(st.integers(1, 10**11), st.integers(0, 10**11), st.sampled_from(["{} {}", "{}..{}", "{},{}"]))
def test_ranges_of_numbers_mean_the_same_in_every_form(low: int, more: int, form: str) -> None:
    assert jw.Query(obsid_range=form.format(low, low + more)).obsid_range == (low, low + more)
    assert jw.Query(obsid_range=f"{low}+").obsid_range == (low, None)
    assert jw.Query(obsid_range=f"{low}-").obsid_range == (None, low)


WORDS = st.text("ABCxyz0123456789-+.* ", min_size=1, max_size=12).map(str.strip).filter(bool)
QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "program": st.one_of(PROGRAM, number(5).filter(lambda text: int(text) > 0)),
        "observations": st.lists(st.integers(1, 999), max_size=4),
        "instrument": st.lists(st.sampled_from(sorted(MODES)), max_size=3),
        "dates": st.one_of(
            st.tuples(st.floats(1, 6e4), st.none()),
            st.tuples(st.floats(1, 6e4), st.floats(6e4, 1e5)),
            DATES.map("{}-".format),
        ),
        "coordinates": st.tuples(st.floats(0, 360, exclude_max=True), st.floats(-90, 90)),
        "radius": st.floats(1e-6, 30),
        "filters": st.lists(st.text("FGW0123456789*", min_size=1, max_size=8), max_size=3),
        "exposure_types": st.lists(st.sampled_from(["*IMAGE", "*DARK*", "*A*"]), max_size=3),
        "categories": st.lists(st.sampled_from(CATEGORIES), max_size=3),
        "pi": st.lists(WORDS, max_size=3),
        "target_name": st.lists(WORDS, max_size=3),
        "obs_ids": st.lists(st.text("jwo0123456789-_*", min_size=1, max_size=9).map("jw{}".format), max_size=3),
        "executed": st.sampled_from([None, True, False]),
        "access": st.sampled_from([None, "public", "exclusive"]),
        "obsids": st.lists(st.integers(1, 10**9), max_size=3),
        "obsid_range": st.one_of(st.tuples(st.integers(1, 99), st.integers(99, 999)), st.just("5+"), st.just("7-")),
        "detectors": st.lists(st.sampled_from([*sorted(DETECTORS), "a5", "along"]), max_size=3),
        "calib_levels": st.lists(st.sampled_from(CALIB_LEVELS), max_size=3),
        "filetypes": st.lists(st.sampled_from(["cal", "_cal.jpg", "fits", "i2d"]), max_size=3),
        "guidestars": st.sampled_from([False, True, "only"]),
        "product_types": st.lists(st.sampled_from(PRODUCT_TYPES), max_size=3),
        "recommended": st.booleans(),
        "resolver": st.sampled_from(["", "NED", "simbad"]),
    },
)


@common
@given(QUERIES)
def test_a_query_is_the_one_that_its_code_makes(fields: dict[str, Any]) -> None:
    query = jw.Query(**fields)
    assert eval(query.to_code(), {"jw": jw}) == query
    assert query.replace() == query
    assert hash(query) == hash(query.replace())
    assert "\n" not in str(query)


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.binary(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=2)),
    max_leaves=4,
)


@pytest.mark.parametrize("field", FIELDS)
@settings(common, max_examples=60)
@given(ANYTHING)
def test_whatever_a_field_is_given_it_is_taken_or_refused_by_name(field: str, value: Any) -> None:
    place = {"coordinates": (1, 2)} if field == "footprint" else {}
    query, wrong = None, ""
    try:
        query = jw.Query(**{field: value}, **place)
    except QueryError as error:
        wrong = error.field
    assert wrong == field if query is None else eval(query.to_code(), {"jw": jw}) == query


REGION_WORDS = st.sampled_from(
    ["POLYGON", "CIRCLE", "ICRS", "UNION", "BOX", "(", ")", "1", "-2.5", "1e3", "1e999", "nan", "90", "359.9", "0", "x"]
)


@common
@given(st.one_of(st.text(), st.lists(REGION_WORDS, max_size=14).map(" ".join)))
def test_any_text_is_a_footprint_or_its_own_error(text: str) -> None:
    with contextlib.suppress(FootprintError):
        read_region(text)
    footprints = Footprints([text])
    distance = footprints.distance(10, 20)
    assert np.isnan(distance).tolist() == np.isnan(footprints.area).tolist() == (~footprints.known).tolist()
    assert not (distance < 0).any()


@common
@given(st.floats(0, 360), st.floats(-89, 89), st.floats(0.01, 5), st.floats(-400, 400))
def test_a_footprint_does_not_depend_on_where_right_ascension_begins(
    ra: float, dec: float, size: float, turn: float
) -> None:
    def field(turned: float) -> Footprints:
        width = size / np.cos(np.radians(min(abs(dec) + 0.5, 89.5)))
        corners = [(ra, max(dec - 0.4, -90)), (ra + min(width, 60), dec), (ra, min(dec + 0.4, 90)), (ra + 0.1, dec)]
        return Footprints(["POLYGON " + " ".join(f"{(x + turned) % 360!r} {y!r}" for x, y in corners)])

    here, there = field(0), field(turn)
    if not here.known[0]:
        return
    assert here.area[0] == pytest.approx(there.area[0], rel=1e-6, abs=1e-12)
    for x, y in ((ra + 0.2, dec), (ra + size, dec), (ra - 1, dec)):
        one, other = here.distance(x, y)[0], there.distance(x + turn, y)[0]
        assert one == pytest.approx(other, abs=1e-9)
