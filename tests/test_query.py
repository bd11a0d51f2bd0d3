from datetime import UTC, datetime
from typing import Any

import pytest

import jwstmq_widgets as jw
from jwstmq_widgets.errors import QueryError

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


def test_a_program_has_one_value_however_it_is_written() -> None:
    assert jw.Query(program=2733) == jw.Query(program="2733") == jw.Query(program="02733")


def test_a_query_reads_back_from_its_code() -> None:
    query = jw.Query(**FULL)
    assert eval(query.to_code(), {"jw": jw}) == query


def test_a_query_says_itself_in_one_line() -> None:
    text = str(jw.Query(**FULL))
    assert "\n" not in text
    for part in ("program 2733", "MIRI", "image", "2022-06-01", "cal, i2d"):
        assert part in text


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
    assert jw.Query(filetypes=["cal"], detectors=["nis"]).empty
    assert not jw.Query(program=1).empty
    assert not jw.Query(lookback=1).empty
