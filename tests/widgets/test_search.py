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
from jwstmq_widgets.widgets.search import SearchPanel, expand_ranges, read_query, write_fields
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
    ],
)
def test_a_query_shown_in_the_form_is_read_back_the_same(query: Query) -> None:
    rest = query.replace(program=None, observations=(), instrument=(), modes=(), dates=(None, None), lookback=None)
    assert read_query(write_fields(query), rest) == query


def test_what_was_typed_is_asked_and_its_progress_and_answer_are_told(unasked: Exploration, place: Display) -> None:
    form = place(SearchPanel(unasked))
    form.do("search", fields=fields(program="02733", instrument=["MIRI"], observations="2"))
    view = form.until(lambda view: not view["running"] and view["text"])
    assert unasked.query == Query(program=2733, instrument="miri", observations=2)
    assert view["text"] == f"{len(unasked.observations)} observations · {len(unasked.products):,} files"
    assert any(message["view"]["running"] for message, _ in form.messages())


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"program": "ring"}, "program", "ring"),
        ({"program": "2733", "observations": "0"}, "observations", "0"),
        ({"program": "2733", "instrument": ["MIRI"], "modes": ["imaging"]}, "modes", "did you mean 'image'"),
        ({"earliest": "2022-07-01", "latest": "2022-06-01"}, "dates", "reversed"),
        ({"earliest": "yesterday"}, "dates", "yesterday"),
        ({"lookback": "-1"}, "lookback", "-1"),
        ({"lookback": "3", "earliest": "2022-06-01"}, "lookback", "exclude"),
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
    form.do("archive", address="esa")
    view = form.until(lambda view: view["closed"])
    assert "'local'" in view["closed"]
    assert view["address"] == "esa"


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
