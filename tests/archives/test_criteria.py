from datetime import UTC, datetime

import pytest

from jwstmq_widgets.archives.limits import narrowed
from jwstmq_widgets.archives.mast.criteria import criteria_for
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import observations_table


def observations(**columns):
    return observations_table(columns, archive="http://127.0.0.1:9")


def test_a_program_asks_for_jwst_and_for_nothing_else():
    assert criteria_for(Query(program=2733)).requests == (
        {"obs_collection": ["JWST"], "proposal_id": ["2733", "02733"]},
    )


def test_no_date_means_no_date_limit():
    assert all("t_min" not in request for request in criteria_for(Query(program=1)).requests)


def test_an_open_date_is_sent_with_both_ends():
    (request,) = criteria_for(Query(dates=(59733.0, None))).requests
    assert request["t_min"] == [59733.0, 200000.0]
    (request,) = criteria_for(Query(dates=(None, 59733.0))).requests
    assert request["t_min"] == [0.0, 59733.0]


def test_a_look_back_counts_from_the_clock_it_is_given():
    (request,) = criteria_for(Query(lookback=3), now=datetime(2022, 6, 4, tzinfo=UTC)).requests
    assert request["t_min"] == [59731.0, 200000.0]


def test_several_instruments_are_several_requests_because_a_column_takes_one_pattern():
    requests = criteria_for(Query(program=2733, instrument=["miri", "nircam"])).requests
    assert [request["instrument_name"] for request in requests] == [["MIRI*"], ["NIRCAM*"]]


def test_modes_are_exact_names_of_instrument_and_mode():
    (request,) = criteria_for(Query(program=1, instrument=["miri", "nirspec"], modes="ifu")).requests
    assert request["instrument_name"] == ["MIRI/IFU", "NIRSPEC/IFU"]


def test_a_mode_alone_asks_every_instrument_that_has_it():
    (request,) = criteria_for(Query(program=1, modes="wfss")).requests
    assert request["instrument_name"] == ["NIRCAM/WFSS", "NIRISS/WFSS"]


def test_several_filter_patterns_are_never_dropped():
    criteria = criteria_for(Query(program=1, filters=["F1*", "F2*", "F444W"]))
    assert [request["filters"] for request in criteria.requests] == [["F444W"], ["*F1*"], ["*F2*"]]
    assert not criteria.exact


def test_observation_numbers_are_asked_by_both_forms_of_name_and_with_combinations():
    criteria = criteria_for(Query(program=2733, observations=[2]))
    names = [request["obs_id"] for request in criteria.requests]
    assert names == [["jw02733-o002*"], ["jw02733002*"], ["jw02733-c*"]]
    assert criteria.exact


def test_many_observation_numbers_are_one_question_and_chosen_here():
    criteria = criteria_for(Query(program=2733, observations=range(1, 50)))
    assert len(criteria.requests) == 1
    assert not criteria.exact


def test_no_request_has_two_patterns_in_a_column():
    query = Query(program=1, instrument=["miri", "fgs"], filters=["F1*", "F2*"], observations=[1])
    for request in criteria_for(query).requests:
        for values in request.values():
            assert sum("*" in str(value) for value in values) <= 1


def test_narrowing_keeps_the_observation_numbers_asked_for_and_combinations_that_may_hold_their_files():
    table = observations(
        obsid=["1", "2", "3"],
        obs_id=["jw02733-o002_t001_miri_f1130w", "jw02733001001_02101_00001_nrca1", "jw02733-c1001_t001_miri_f770w"],
    )
    assert narrowed(table, Query(program=2733, observations=[1]))["obsid"].tolist() == ["2", "3"]


def test_narrowing_compares_filters_element_by_element():
    table = observations(obsid=["1", "2", "3"], filters=["F150W2;F322W2", "F150W", "F100LP/G140H"])
    assert narrowed(table, Query(filters=["F150W"]))["obsid"].tolist() == ["2"]
    assert narrowed(table, Query(filters=["G140H", "F32*"]))["obsid"].tolist() == ["1", "3"]


def test_plain_values_of_a_column_share_a_request_and_patterns_do_not():
    criteria = criteria_for(Query(program=1, target_name=["NGC-1", "NGC-2", "M*", "HD*"]))
    asked = [request["target_name"] for request in criteria.requests]
    assert asked == [["NGC-1", "NGC-2"], ["M*"], ["HD*"]]
    assert not criteria.exact


@pytest.mark.parametrize(
    ("query", "column", "values"),
    [
        (Query(categories=["GO", "ERS"]), "proposal_type", ["GO", "ERS"]),
        (Query(pi="Pontoppidan"), "proposal_pi", ["*Pontoppidan*"]),
        (Query(pi="Pont*Klaus*"), "proposal_pi", ["Pont*Klaus*"]),
        (Query(target_name="NGC-3132"), "target_name", ["NGC-3132"]),
        (Query(obs_ids="jw02733*"), "obs_id", ["jw02733*"]),
        (Query(executed=False), "calib_level", ["-1"]),
        (Query(executed=True), "calib_level", ["0", "1", "2", "3", "4"]),
        (Query(obsids=[87602008]), "obsid", ["87602008"]),
    ],
    ids=str,
)
def test_a_limit_on_one_column_is_one_exact_request(query, column, values):
    criteria = criteria_for(query)
    assert criteria.requests == ({"obs_collection": ["JWST"], column: values},)
    assert criteria.exact


@pytest.mark.parametrize(("access", "rights"), [("public", "PUBLIC"), ("exclusive", "EXCLUSIVE_ACCESS")])
def test_access_is_asked_of_executed_observations(access, rights):
    criteria = criteria_for(Query(access=access))
    levels = ["0", "1", "2", "3", "4"]
    assert criteria.requests == ({"obs_collection": ["JWST"], "dataRights": [rights], "calib_level": levels},)
    assert criteria.exact


def test_numbers_narrow_products_only_where_the_observations_are_limited_otherwise():
    assert criteria_for(Query(program=1, obsids=[5])).requests == criteria_for(Query(program=1)).requests


def test_with_a_program_many_patterns_are_one_question_and_chosen_here():
    patterns = [f"T{number}*" for number in range(20)]
    criteria = criteria_for(Query(program=1, target_name=patterns))
    assert len(criteria.requests) == 1
    assert not criteria.exact


def test_patterns_that_alone_limit_the_question_are_all_sent():
    patterns = [f"T{number}*" for number in range(20)]
    criteria = criteria_for(Query(instrument=["miri", "nircam"], target_name=patterns))
    assert [request["target_name"] for request in criteria.requests] == [[pattern] for pattern in patterns]


def test_a_footprint_is_chosen_here_and_an_observation_without_one_by_its_middle():
    table = observations(
        obsid=["1", "2", "3", "4"],
        s_region=["CIRCLE 10 0 0.1", "CIRCLE 10.5 0 0.1", "", "BOX"],
        s_ra=[10.0, 10.5, 10.1, 11.0],
        s_dec=[0.0, 0.0, 0.0, 0.0],
    )
    query = Query(target="anything", radius=0.45, footprint="overlaps")
    assert not criteria_for(query).exact
    assert narrowed(table, query, (10.0, 0.0))["obsid"].tolist() == ["1", "2", "3"]
    assert narrowed(table, query.replace(footprint="contains"), (10.0, 0.0))["obsid"].tolist() == ["1"]
    assert narrowed(table, query.replace(footprint=None), (10.0, 0.0)) is table


def test_only_the_star_is_special_in_a_pattern():
    table = observations(obsid=["1", "2", "3"], target_name=["A[1]", "A1", "A?"])
    assert narrowed(table, Query(target_name="a[1]"))["obsid"].tolist() == ["1"]
    assert narrowed(table, Query(target_name="A?"))["obsid"].tolist() == ["3"]
    assert narrowed(table, Query(target_name="a%"))["obsid"].tolist() == ["1", "2", "3"]
