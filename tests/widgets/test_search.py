"""The search form: what was typed becomes a question, and what is wrong is said where it was typed."""

from collections.abc import Callable
from typing import Any

import pytest

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Slow
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.panel import Panel
from jwstmq_widgets.widgets.search import SearchPanel
from jwstmq_widgets.widgets.searchform import SHOWN, expand_ranges, is_position, read_query, write_fields
from tests.widgets.conftest import SECONDS, Place

Display = Callable[[Panel], Place]


def fields(**typed: Any) -> dict[str, Any]:
    return write_fields(Query()) | typed


@pytest.mark.parametrize(
    ("typed", "written"),
    [("1, 2", "1, 2"), ("1-3", "1,2,3"), ("7, 2 - 4", "7, 2,3,4"), ("", ""), ("o1", "o1"), ("5-5", "5")],
)
def test_ranges_of_observations_are_written_out(typed: str, written: str) -> None:
    assert expand_ranges(typed) == written


def test_a_range_that_runs_backwards_is_told_with_its_field() -> None:
    with pytest.raises(QueryError, match="write 1-3") as caught:
        expand_ranges("3-1")
    assert caught.value.field == "observations"


@pytest.mark.parametrize(
    "query",
    [
        Query(program=2733, observations=[1, 2], instrument="miri", modes="image"),
        Query(dates=("2022-06-01", "2022-06-30")),
        Query(dates=(59733.5, None)),
        Query(instrument=["nircam", "miri"], lookback=2.5),
        Query(program=1324, filetypes=["cal"], target="Abell 2744"),
        Query(program=1324, filters=["F115W", "F2*"], categories=["GTO", "ERS"], pi=["Treu, Tommaso", "Pontoppidan"]),
        Query(target="M 57", resolver="NED", radius="90 arcsec", footprint="overlaps", target_name=["NGC-*", "HD 1"]),
        Query(coordinates=(151.757, -40.436), radius=0.0123456789012, footprint="contains", executed=True),
        Query(instrument="miri", executed=False, access="exclusive"),
        Query(instrument="nircam", exposure_types=["NRC_TSGRISM", "NRC_*IMAGE"]),
        Query(program=2733, keywords={"exp_type": ["MIR_IMAGE", "!NRC_IMAGE"], "effexptm": ">=100", "pi_name": "Pon*"}),
    ],
)
def test_a_query_shown_in_the_form_is_read_back_the_same(query: Query) -> None:
    assert read_query(write_fields(query), query.replace(**SHOWN)) == query


@pytest.mark.parametrize(
    "typed",
    [
        "151.757 -40.436",
        "151.757, −40.436",
        "10:07:01.8 -40:26:11",
        "10h07m01.8s -40d26m11s",
        "galactic 272.1 12.4",
        "400 20",
    ],
)
def test_two_numbers_are_a_position(typed: str) -> None:
    assert is_position(typed)


@pytest.mark.parametrize(
    "typed", ["NGC 3132", "M57", "47 Tuc", "3C 273", "HD 12", "2MASS J10070+40", "51 Peg b", "7", ""]
)
def test_the_name_of_a_target_is_no_position(typed: str) -> None:
    assert not is_position(typed)


@pytest.mark.parametrize(
    ("archive", "told"), [("mast", True), ("esa", False), ("mast,esa", True), ("http://127.0.0.1:9/server", False)]
)
def test_types_of_exposures_are_offered_where_the_archive_can_be_asked(
    place: Display, archive: str, told: bool
) -> None:
    exploration = Exploration(archive)
    try:
        assert exploration.wait(SECONDS)
        offered = SearchPanel(exploration).view()["exposures"]
        assert bool(offered) is told
        assert not told or "MIR_MRS" in offered["MIRI"]
    finally:
        exploration.close()


def test_what_was_typed_is_asked_and_its_progress_and_answer_are_told(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("search", fields=fields(program="02733", instrument=["MIRI"], observations="2"))
    view = form.until(lambda view: not view["running"] and view["text"])
    assert unasked.query == Query(program=2733, instrument="miri", observations=2)
    assert view["text"] == f"{len(unasked.observations)} observations · {len(unasked.shown):,} files"
    assert any(message.get("view", {}).get("running") for message, _ in form.messages())


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"program": "ring"}, "program", "ring"),
        ({"program": "2733", "observations": "0"}, "observations", "0"),
        ({"program": "2733", "instrument": ["MIRI"], "modes": ["imaging"]}, "modes", "did you mean 'image'"),
        ({"exposure_types": "MIR_MSR"}, "exposure_types", "did you mean 'MIR_MRS'"),
        ({"earliest": "2022-07-01", "latest": "2022-06-01"}, "dates", "reversed"),
        ({"earliest": "yesterday"}, "dates", "yesterday"),
        ({"lookback": "-1"}, "lookback", "-1"),
        ({"lookback": "3", "earliest": "2022-06-01"}, "lookback", "exclude"),
        ({"target": "400 20"}, "target", "not on the sky"),
        ({"target": "M 57", "radius": "wide"}, "radius", "wide"),
        ({"program": "2733", "filters": "F770W, ü"}, "filters", "name such as"),
    ],
)
def test_a_wrong_field_gets_its_sentence_and_nothing_else_changes(
    asked: Exploration, place: Display, typed: dict[str, Any], field: str, said: str
) -> None:
    before = asked.query, asked.products, asked.jobs
    form = place(SearchPanel(asked))
    form.do("search", fields=fields(**typed))
    view = form.until(lambda view: view["problem"])
    assert view["field"] == field
    assert said in view["problem"]
    assert view["fields"] == fields(**typed)
    assert (asked.query, asked.products, asked.jobs) == before


def test_a_program_that_does_not_exist_is_told_beside_the_program(asked: Exploration, place: Display) -> None:
    products = asked.products
    form = place(SearchPanel(asked))
    form.do("search", fields=fields(program="99999"))
    view = form.until(lambda view: view["problem"])
    assert view["field"] == "program"
    assert "99999" in view["problem"]
    assert view["fields"]["program"] == "99999"
    assert asked.products is products


def test_an_empty_form_is_told_what_to_give(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("search", fields=fields())
    view = form.until(lambda view: view["problem"])
    assert "give a program" in view["problem"]
    assert view["field"] == ""


def test_the_next_right_search_takes_the_sentence_away(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("search", fields=fields(program="ring"))
    form.until(lambda view: view["problem"])
    form.do("search", fields=fields(program="2733"))
    assert form.until(lambda view: view["text"] and not view["running"])["problem"] == ""


def test_cancel_ends_a_search_within_a_second_and_leaves_the_answer_as_it_was(
    asked: Exploration, faulty_archive: LocalArchive, place: Display
) -> None:
    products = asked.products
    form = place(SearchPanel(asked))
    faulty_archive.faults = [Slow(latency=30)]
    form.do("search", fields=fields(program="1324"))
    form.until(lambda view: view["running"])
    form.do("cancel")
    assert asked.wait(1)
    assert form.until(lambda view: not view["running"])["text"] == "cancelled"
    assert asked.products is products


def test_a_second_search_replaces_the_first(unasked: Exploration, faulty_archive: LocalArchive, place: Display) -> None:
    form = place(SearchPanel(unasked))
    faulty_archive.faults = [Slow(latency=30, times=1)]
    form.do("search", fields=fields(program="1324"))
    form.until(lambda view: view["running"])
    form.do("search", fields=fields(program="2733", instrument=["MIRI"]))
    assert unasked.wait(SECONDS)
    assert unasked.query.program == 2733
    assert set(unasked.observations["program"]) == {2733}


def test_a_query_from_python_shows_in_the_fields(asked: Exploration, place: Display) -> None:
    form = place(SearchPanel(asked))
    assert form.until(lambda view: view["fields"]["program"])["fields"]["instrument"] == ["MIRI"]
    asked.search(Query(program=2733, instrument="nircam", filetypes="cal"))
    view = form.until(lambda view: view["fields"]["instrument"] == ["NIRCAM"])
    assert view["rest"] == "cal"


def test_limits_that_the_form_does_not_show_stay_until_they_are_dropped(asked: Exploration, place: Display) -> None:
    asked.search(Query(program=2733, instrument="miri", filetypes="cal"))
    assert asked.wait(SECONDS)
    form = place(SearchPanel(asked))
    form.until(lambda view: view["rest"] == "cal")
    form.do("search", fields=fields(program="2733"))
    assert asked.wait(SECONDS)
    assert asked.query == Query(program=2733, filetypes="cal")
    form.do("forget")
    form.until(lambda view: not view["rest"])
    form.do("search", fields=fields(program="2733"))
    assert asked.wait(SECONDS)
    assert asked.query == Query(program=2733)


def test_an_archive_that_does_not_exist_is_told_once_at_the_archive(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("consider", fields=fields(program="2733"))
    form.until(lambda view: view["count"])
    form.do("archive", address="hubble")
    view = form.until(lambda view: view["closed"] and not view["running"])
    assert "'local'" in view["closed"]
    assert view["address"] == "hubble"
    assert view["count"] == "", "what the archive before has is not told of this one"


def test_an_archive_that_is_down_is_told_under_the_button(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("archive", address="http://127.0.0.1:9")
    form.do("search", fields=fields(program="2733"))
    view = form.until(lambda view: view["problem"] and not view["running"])
    assert "127.0.0.1:9" in view["problem"]
    assert view["field"] == ""
    assert len(unasked.products) == 0


def test_a_message_that_nobody_understands_is_told_in_the_panel(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("archive", nonsense=1)
    assert any("TypeError" in message.get("trouble", "") for message, _ in form.messages())


def test_a_moment_after_typing_the_count_is_told_and_nothing_is_loaded(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("consider", fields=fields(program="2733"), stamp="here 1")
    view = form.until(lambda view: view["count"])
    assert view["count"] == "10 observations"
    assert view["sentence"] == "program 2733"
    assert view["stamp"] == "here 1"
    assert len(unasked.observations) == 0
    assert "search" not in unasked.jobs


def test_the_count_follows_the_newest_question(
    unasked: Exploration, faulty_archive: LocalArchive, place: Display
) -> None:
    form = place(SearchPanel(unasked))
    faulty_archive.faults = [Slow(latency=30)]
    form.do("consider", fields=fields(program="1324"))
    form.until(lambda view: view["counting"])
    faulty_archive.faults = ()
    form.do("consider", fields=fields(program="2733", instrument=["MIRI"]))
    assert form.until(lambda view: view["count"])["count"] == "4 observations"


def test_what_is_typed_wrong_is_told_beside_its_field_before_a_search(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("consider", fields=fields(program="ring"))
    view = form.until(lambda view: view["problem"])
    assert (view["field"], view["count"]) == ("program", "")
    form.do("consider", fields=fields(program="2733"))
    assert form.until(lambda view: view["count"])["problem"] == ""


def test_a_problem_of_a_search_goes_when_the_question_changes(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("search", fields=fields(program="99999"))
    form.until(lambda view: view["problem"])
    form.do("consider", fields=fields(program="2733"))
    assert form.until(lambda view: view["count"])["problem"] == ""


def test_the_place_of_a_target_is_told_before_the_search(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("consider", fields=fields(target="NGC 3132"))
    view = form.until(lambda view: view["place"] and view["count"])
    assert view["place"] == "→ 151.75511\N{NO-BREAK SPACE}−40.43743 (resolver)"
    assert view["count"] != "no observations"


def test_an_unknown_target_is_told_beside_the_target(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("consider", fields=fields(target="Utopia Planitia 12x"))
    view = form.until(lambda view: view["problem"])
    assert view["field"] == "target"
    assert "Utopia" in view["problem"]


def test_an_archive_that_does_not_count_is_no_problem_before_the_search(
    unasked: Exploration, faulty_archive: LocalArchive, place: Display
) -> None:
    form = place(SearchPanel(unasked))
    unasked.use_archive("http://127.0.0.1:9")
    assert unasked.wait(SECONDS)
    form.do("consider", fields=fields(program="2733"))
    form.until(lambda view: view["counting"])
    view = form.until(lambda view: not view["counting"])
    assert (view["problem"], view["count"]) == ("", "")


def test_what_the_local_archive_holds_is_suggested(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))

    def told() -> Any:
        return next((m["known"] for m, _ in reversed(form.messages()) if m.get("known", {}).get("programs")), None)

    with form.line.changed:
        assert form.line.changed.wait_for(told, SECONDS)
    known = told()
    assert "Pontoppidan" in dict(known["programs"])["2733"]
    assert "F770W" in known["filters"]["MIRI"]
    assert "NGC-3132" in known["targets"]


def test_a_saved_search_comes_back_into_the_fields(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("save", name="ring", fields=fields(program="2733", instrument=["MIRI"], filters="F770W"))
    view = form.until(lambda view: view["saved"])
    assert view["saved"] == [["ring", "program 2733 · MIRI · F770W"]]
    form.do("consider", fields=fields(program="1324"), stamp="here 2")
    form.do("choose", name="ring")
    view = form.until(lambda view: view["fields"]["program"] == "2733")
    assert (view["fields"]["filters"], view["stamp"]) == ("F770W", "")
    form.do("remove", name="ring")
    form.until(lambda view: not view["saved"])


def test_a_search_without_a_name_is_not_saved(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("save", name=" ", fields=fields(program="2733"))
    assert "name" in form.until(lambda view: view["troubles"])["troubles"]["saved"]


def test_keywords_of_the_archive_are_listed_when_they_are_wanted(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    assert not any("keywords" in message for message, _ in form.messages())
    form.do("keywords")

    def listed() -> Any:
        return next((message["keywords"] for message, _ in form.messages() if "keywords" in message), None)

    with form.line.changed:
        assert form.line.changed.wait_for(listed, SECONDS)
    assert "exp_type" in [name for name, _, _ in listed()]


def test_an_archive_that_cannot_list_its_keywords_says_so_at_the_keywords(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    unasked.use_archive("http://127.0.0.1:9")
    assert unasked.wait(SECONDS)
    form.do("keywords")
    view = form.until(lambda view: view["troubles"])
    assert "127.0.0.1:9" in view["troubles"]["keywords"]
    assert view["problem"] == ""


def test_keywords_narrow_the_count(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("consider", fields=fields(program="2733", keywords=[["exp_type", "MIR_IMAGE"], ["", ""]]))
    assert form.until(lambda view: view["count"])["count"] == "4 observations"


def test_an_unknown_keyword_is_told_beside_the_keywords(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("consider", fields=fields(program="2733", keywords=[["exptype", "MIR_IMAGE"]]))
    view = form.until(lambda view: view["problem"])
    assert view["field"] == "keywords"
    assert "exp_type" in view["problem"]


def test_a_search_asks_for_no_count_besides(unasked: Exploration, faulty_archive: LocalArchive, place: Display) -> None:
    form = place(SearchPanel(unasked))
    unasked.search(Query(program=2733, instrument="miri"))  # the first one also asks which columns there are
    assert unasked.wait(SECONDS)
    assert form.panel._inquiry.wait(SECONDS)
    faulty_archive.clear_requests()
    unasked.search(Query(program=2733, instrument="miri"))
    assert unasked.wait(SECONDS)
    assert form.panel._inquiry.wait(SECONDS)
    alone = len(faulty_archive.requests)
    form.do("consider", fields=fields())
    faulty_archive.clear_requests()
    form.do("search", fields=fields(program="2733", instrument=["MIRI"]))
    assert unasked.wait(SECONDS)
    assert form.panel._inquiry.wait(SECONDS)
    assert len(faulty_archive.requests) == alone
