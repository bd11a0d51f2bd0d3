"""Mission search's requests and answers, without an archive."""

import orjson
import pytest

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast.exposures import Exposures, files_of
from jwstmq_widgets.archives.mast.missions import (
    conditions_for,
    known_keywords,
    read_columns,
    read_missions,
    search_body,
    where_null,
)
from jwstmq_widgets.errors import QueryError, Unreadable
from jwstmq_widgets.query import Query
from jwstmq_widgets.query.keywords import read_keywords
from jwstmq_widgets.tables import observations_table
from jwstmq_widgets.tables.encoded import Encoded

HOST = Host.at("http://127.0.0.1:8765")
COLUMNS = read_columns(
    orjson.dumps(
        [
            {"column_name": name, "qual_type": kind, "description": f" {name}  ", "default_output": "no", **more}
            for name, kind, more in (
                ("fileSetName", "string", {}),
                ("exp_type", "string", {}),
                ("effexptm", "float", {}),
                ("nints", "integer", {}),
                ("targ_ra", "ra", {}),
                ("date_obs", "datetime", {}),
                ("nirspec_grating", "string", {}),
                ("ang_sep", "float", {"queryable": "no"}),
            )
        ]
    ),
    host=HOST,
)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("exptype", "did you mean 'exp_type'"),
        ("GRATING", "did you mean 'nirspec_grating'"),
        ("effexptime", "did you mean 'effexptm'"),
        ("ang_sep", "there is no keyword 'ang_sep'"),
        ("zzzzzz", "keyword_columns"),
    ],
)
def test_an_unknown_keyword_is_told_with_the_nearest(name, hint):
    with pytest.raises(QueryError, match=hint) as caught:
        known_keywords(read_keywords({name: "1"}), COLUMNS)
    assert caught.value.field == "keywords"


@pytest.mark.parametrize("value", ["long", ">=long", "1..long", "!long", "nan", "<inf"])
@pytest.mark.parametrize("name", ["effexptm", "nints", "targ_ra"])
def test_a_number_is_wanted_where_the_column_has_numbers(name, value):
    with pytest.raises(QueryError, match=f"'{name}' is a number"):
        known_keywords(read_keywords({name: value}), COLUMNS)


def test_names_get_the_spelling_of_the_archive():
    known = known_keywords(read_keywords({"EXP_TYPE": "MIR*", "filesetname": "jw02733*", "NINTS": "!2"}), COLUMNS)
    assert list(known) == ["exp_type", "fileSetName", "nints"]


def test_a_question_becomes_conditions_of_what_an_exposure_must_meet():
    query = Query(
        program=2733, observations=[1, 2], instrument="miri", dates=("2022-06-03", "2022-06-05"), filters="F770W",
        keywords={"exp_type": "MIR_IMAGE,MIR_MRS", "nints": "!null"},
    )  # fmt: skip
    assert conditions_for(query, query.keywords) == [
        {"program": "2733"},
        {"observtn": "1,2"},
        {"instrume": "MIRI"},
        {"date_obs": ">=2022-06-02T23:59:00"},
        {"exp_type": "MIR_IMAGE,MIR_MRS"},
    ]


def test_a_keyword_takes_the_place_of_the_same_limit():
    query = Query(program=2733, instrument="miri", keywords={"instrume": "!FGS"})
    assert conditions_for(query, query.keywords) == [{"program": "2733"}, {"instrume": "!FGS"}]


def test_a_request_names_place_and_page():
    body = orjson.loads(search_body([], select=["fileSetName"], place=(10.5, -3.25), radius=0.5, offset=20, limit=10))
    assert (body["target"], body["radius"], body["radius_units"]) == (["10.5 -3.25"], 1800.0, "arcseconds")
    assert (body["offset"], body["limit"], body["sort_by"]) == (20, 10, ["fileSetName"])


@pytest.mark.parametrize(
    "answer",
    [
        {"info": [], "totalResults": 2, "results": [{"a": 1, "b": None, "c": 5}, {"a": 2, "b": "x"}]},
        {
            "info": [{"name": "c"}, {"name": "b"}, {"name": "a"}],
            "totalResults": "2",
            "results": [[9, None, 1], [9, "x", 2]],
        },
    ],
    ids=["objects", "arrays"],
)
def test_rows_are_objects_or_arrays(answer):
    page = read_missions(orjson.dumps(answer), host=HOST, select=("a", "b"))
    assert page.columns == {"a": [1, 2], "b": [None, "x"]}
    assert (page.rows, page.total) == (2, 2)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html></html>", b"{", b"{}", b"[]", b"null", b'{"results": {}}', b'{"results": [1]}',
        b'{"results": [{"b": 1}]}', b'{"results": [[1]], "info": []}', b'{"results": [], "totalResults": "many"}',
        b'{"results": [{"a": 1}, {}]}', b'{"results": 5}',
    ],
)  # fmt: skip
def test_what_is_no_answer_is_unreadable(body):
    with pytest.raises(Unreadable):
        read_missions(body, host=HOST, select=("a",))


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b"[1]", b'[{"name": "x"}]', b"5", b"null"])
def test_what_is_no_list_of_columns_is_unreadable(body):
    with pytest.raises(Unreadable):
        read_columns(body, host=HOST)


def test_no_value_is_none_or_empty():
    columns = {"a": [1, 2, 3], "b": [None, "", "x"]}
    assert where_null(columns, read_keywords({"b": "null"}))["a"] == [1, 2]
    assert where_null(columns, read_keywords({"b": "!null"}))["a"] == [3]
    assert where_null(columns, read_keywords({"b": "x"})) is columns


def found(*rows):
    return Exposures.of(dict(zip(Exposures.COLUMNS, map(list, zip(*rows, strict=True)), strict=True)))


EXPOSURES = found(
    ("jw02733002001_02101_00001", 2733, 2, "MIRI", "F770W;CLEAR"),
    ("jw02733001001_02101_00001", 2733, 1, "NIRCAM", "F212N;CLEAR, F444W;F405N"),
    ("jw01250003001_02101_00001", 1250, 3, "MIRI", "LONG;12-LONG, LONG;34-LONG"),
    ("jw01366003001_04101_00001", 1366, 3, "NIRSPEC", "F290LP;G395H"),
)


@pytest.mark.parametrize(
    ("obs_id", "instrument", "filters", "belongs"),
    [
        ("jw02733-o002_t001_miri_f770w", "MIRI/IMAGE", "F770W", True),
        ("jw02733-o002_t001_miri_f1130w", "MIRI/IMAGE", "F1130W", False),
        ("jw02733-o001_t001_nircam_clear-f212n", "NIRCAM/IMAGE", "F212N", True),
        ("jw02733-o001_t001_nircam_f405n-f444w", "NIRCAM/IMAGE", "F444W;F405N", True),
        ("jw02733-o001_t001_nircam_f444w-f470n", "NIRCAM/IMAGE", "F444W;F470N", False),
        ("jw02733-o001_t001_miri_f770w", "MIRI/IMAGE", "F770W", False),
        ("jw02733-o003_t001_miri_f770w", "MIRI/IMAGE", "F770W", False),
        ("jw02733-c1001_t001_miri_f770w", "MIRI/IMAGE", "F770W", True),
        ("jw02733-c1001_t001_miri_f1130w", "MIRI/IMAGE", "F1130W", False),
        ("jw01250-o003_t001_miri_ch3-long", "MIRI/IFU", "CH3-LONG", True),
        ("jw01250-o003_t001_miri_ch3-short", "MIRI/IFU", "CH3-SHORT", False),
        ("jw01366003001_04101_00001-seg001_nrs1", "NIRSPEC/SLIT", "F290LP;G395H", True),
        ("jw01366003001_04101_00001_nrs1", "NIRSPEC/SLIT", "F290LP;G395H", True),
        ("jw01366003001_04101_00002_nrs1", "NIRSPEC/SLIT", "F290LP;G395H", False),
        ("jw01366-o003_t001_nirspec_g395h-f290lp", "NIRSPEC/SLIT", "", True),
        ("jw02733002001_xx101_00001_miri", "MIRI/IMAGE", "F770W", False),
        ("hst_1234", "MIRI/IMAGE", "F770W", False),
    ],
)
def test_an_observation_belongs_to_the_exposures_that_were_found(obs_id, instrument, filters, belongs):
    table = observations_table(
        {"obs_id": [obs_id], "instrument_name": [instrument], "filters": [filters], "obsid": ["1"]}, archive=HOST.url
    )
    kept = EXPOSURES.observations(table)
    assert len(kept) == belongs
    assert kept.meta["datasets"] == sorted(EXPOSURES.datasets)


def test_an_exposure_without_a_number_still_counts_for_its_program():
    exposures = found(("jw02733002001_02101_00001", "02733", None, "MIRI", None), ("x", None, None, None, None))
    assert list(exposures.setups) == [(2733, None)]
    assert len(exposures.requests([{}])) == 1


def test_programs_are_asked_for_some_at_a_time():
    many = found(
        *((f"jw{program:05d}001001_02101_00001", program, 1, "MIRI", "F770W") for program in range(1001, 1121))
    )
    requests = many.requests([{"obs_collection": ["JWST"]}])
    assert len(requests) == 3
    assert {form for request in requests for form in request["proposal_id"]} >= {"1001", "01001", "1120"}


def test_products_of_other_exposures_are_left_out():
    names = [
        "jw02733002001_02101_00001_mirimage",
        "jw02733002001_02101_00002_mirimage",
        "jw01366003001_04101_00001-seg002_nrs1",
        "jw02733-o002_t001_miri_f770w",
    ]
    listing = {"obs_id": Encoded.of(names), "dataURI": Encoded.of(["a", "b", "c", "d"])}
    assert files_of(listing, EXPOSURES.datasets)["dataURI"].tolist() == ["a", "c", "d"]
    assert files_of({}, EXPOSURES.datasets) == {}
