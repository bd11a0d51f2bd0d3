"""What is found out about a question before it is asked."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.exploration.inquiry import Inquiry, Place
from jwstmq_widgets.exploration.savedsearches import SavedSearches
from jwstmq_widgets.exploration.suggestions import Suggestions
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Refuse, Slow
from jwstmq_widgets.query import Query

SECONDS = 30


@pytest.fixture
def exploration(faulty_archive: LocalArchive, tmp_path: Path) -> Iterator[Exploration]:
    exploration = Exploration(faulty_archive.url, destination=tmp_path / "data")
    assert exploration.wait(SECONDS)
    yield exploration
    exploration.close()


@pytest.fixture
def inquiry(exploration: Exploration, tmp_path: Path) -> Iterator[Inquiry]:
    inquiry = Inquiry(exploration, saved=SavedSearches(tmp_path / "searches.json"), suggestions=Suggestions())
    assert inquiry.wait(SECONDS)
    yield inquiry
    inquiry.close()
    assert inquiry.wait(SECONDS)


def count(inquiry: Inquiry, query: Query | None) -> int | None:
    inquiry.ask(query)
    assert inquiry.wait(SECONDS)
    assert not inquiry.counting
    counted: int | None = inquiry.count
    return counted


def test_a_question_is_counted_and_nothing_of_the_exploration_changes(
    inquiry: Inquiry, exploration: Exploration
) -> None:
    before = exploration.query, exploration.observations, exploration.jobs, exploration.problems
    assert count(inquiry, Query(program=2733)) == 10
    assert (exploration.query, exploration.observations, exploration.jobs, exploration.problems) == before


def test_a_question_counted_before_is_not_asked_again(inquiry: Inquiry, faulty_archive: LocalArchive) -> None:
    count(inquiry, Query(program=2733))
    count(inquiry, Query(program=1324))
    faulty_archive.clear_requests()
    assert count(inquiry, Query(program=2733)) == 10
    assert not faulty_archive.requests


def test_a_question_that_was_answered_is_not_counted(
    inquiry: Inquiry, exploration: Exploration, faulty_archive: LocalArchive
) -> None:
    exploration.search(Query(program=2733))
    assert exploration.wait(SECONDS)
    faulty_archive.clear_requests()
    assert count(inquiry, Query(program=2733)) == 10
    assert not faulty_archive.requests


def test_a_count_that_comes_too_late_is_not_that_of_another_question(
    inquiry: Inquiry, faulty_archive: LocalArchive
) -> None:
    def late(_: object) -> None:
        assert inquiry.wait(SECONDS)
        faulty_archive.faults = [Refuse(path="*", status=400)]

    faulty_archive.faults = [Slow(path="*", latency=0.3)]
    inquiry.ask(Query(program=2733))
    inquiry.observe(late, names=["query"])
    assert count(inquiry, Query(program=1324)) is None


@pytest.mark.parametrize("query", [None, Query()])
def test_no_question_has_no_count(inquiry: Inquiry, faulty_archive: LocalArchive, query: Query | None) -> None:
    count(inquiry, Query(program=2733))
    faulty_archive.clear_requests()
    assert count(inquiry, query) is None
    assert not faulty_archive.requests


def test_a_target_is_resolved_once_for_its_place_and_all_its_counts(
    inquiry: Inquiry, faulty_archive: LocalArchive
) -> None:
    count(inquiry, Query(target="NGC 3132"))
    assert inquiry.place == Place(name="NGC 3132", ra=151.75511466501507, dec=-40.437426984776096, source="resolver")
    count(inquiry, Query(target="NGC 3132", radius="1 arcmin"))
    assert sum("Santa-war" in request.path for request in faulty_archive.requests) == 1


def test_coordinates_are_their_own_place(inquiry: Inquiry) -> None:
    inquiry.ask(Query(coordinates=(151.755, -40.437)))
    assert inquiry.place == Place(name="", ra=151.755, dec=-40.437)


def test_an_unknown_target_is_wrong_until_another_question(inquiry: Inquiry) -> None:
    assert count(inquiry, Query(target="Utopia Planitia 12x")) is None
    assert inquiry.wrong.field == "target"
    count(inquiry, Query(program=2733))
    assert inquiry.wrong is None


def test_an_archive_that_does_not_answer_or_open_is_no_problem_here(inquiry: Inquiry, exploration: Exploration) -> None:
    exploration.use_archive("http://127.0.0.1:9")
    assert exploration.wait(SECONDS)
    assert count(inquiry, Query(program=2733)) is None
    exploration.use_archive("not an archive")
    assert exploration.wait(SECONDS)
    assert (inquiry.wrong, dict(inquiry.problems)) == (None, {})


def test_an_archive_that_opens_later_is_asked_then(
    inquiry: Inquiry, exploration: Exploration, faulty_archive: LocalArchive
) -> None:
    exploration.use_archive("http://127.0.0.1:9")
    assert exploration.wait(SECONDS)
    count(inquiry, Query(program=2733))
    exploration.use_archive(faulty_archive.url)
    assert exploration.wait(SECONDS)
    assert inquiry.wait(SECONDS)
    assert inquiry.count == 10


def test_answers_are_learned_from(inquiry: Inquiry, exploration: Exploration) -> None:
    assert "Pontoppidan" in inquiry.known.programs[2733]
    assert "F770W" in inquiry.known.filters["MIRI"]


def test_after_closing_nothing_is_followed(
    exploration: Exploration, faulty_archive: LocalArchive, tmp_path: Path
) -> None:
    inquiry = Inquiry(exploration, saved=SavedSearches(tmp_path / "searches.json"), suggestions=Suggestions())
    inquiry.close()
    inquiry.close()
    assert inquiry.wait(SECONDS)
    faulty_archive.clear_requests()
    exploration.use_archive(faulty_archive.url)
    assert exploration.wait(SECONDS)
    assert inquiry.wait(SECONDS)
    assert not faulty_archive.requests
