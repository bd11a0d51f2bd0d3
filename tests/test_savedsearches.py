"""Searches with names: what was saved comes back, whatever else is in the file or going on beside it."""

import json
import threading
from pathlib import Path

import pytest

from jwstmq_widgets.errors import JwstmqError, QueryError
from jwstmq_widgets.exploration.savedsearches import SavedSearch, SavedSearches
from jwstmq_widgets.query import Query

MANY = Query(
    program=2733, observations=[1, 2], instrument="miri", modes="image", dates=("2022-06-01", None), filters="F770W",
    target="M 57", radius="90 arcsec", footprint="overlaps", pi="Pontoppidan", filetypes="cal", guidestars="only",
)  # fmt: skip


@pytest.fixture
def searches(tmp_path: Path) -> SavedSearches:
    return SavedSearches(tmp_path / "new" / "searches.json")


def names(searches: SavedSearches) -> list[str]:
    return [search.name for search in searches.read()]


def test_a_file_that_is_missing_holds_nothing_and_is_not_made_by_reading(searches: SavedSearches) -> None:
    assert searches.read() == ()
    assert not searches.path.parent.exists()


def test_a_saved_query_comes_back_the_same(searches: SavedSearches) -> None:
    searches.save("  the   ring ", MANY)
    assert searches.read() == (SavedSearch(name="the ring", query=MANY),)


def test_coordinates_come_back_to_the_last_digit(searches: SavedSearches) -> None:
    query = Query(coordinates=(151.75511466501507, -40.437426984776096), radius=0.012345678901234567)
    searches.save("there", query)
    assert searches.read()[0].query == query


def test_searches_are_in_the_order_of_their_names(searches: SavedSearches) -> None:
    for name in ("b", "C", "a"):
        searches.save(name, MANY)
    assert names(searches) == ["a", "b", "C"]


def test_a_name_that_is_taken_gets_the_new_query(searches: SavedSearches) -> None:
    searches.save("mine", Query(program=1))
    searches.save("mine", Query(program=2))
    assert [search.query.program for search in searches.read()] == [2]


def test_a_removed_search_is_gone(searches: SavedSearches) -> None:
    searches.save("mine", MANY)
    searches.save("other", MANY)
    searches.remove("mine")
    searches.remove("never there")
    assert names(searches) == ["other"]


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "bell\a"])
def test_a_name_that_is_none_is_told(searches: SavedSearches, name: str) -> None:
    with pytest.raises(QueryError, match="no name"):
        searches.save(name, MANY)


def test_a_search_for_nothing_is_not_saved(searches: SavedSearches) -> None:
    with pytest.raises(QueryError, match="asks for nothing"):
        searches.save("mine", Query())


@pytest.mark.parametrize(
    "junk", ["", "{", "[]", "null", '{"searches": 3}', '{"searches": ["a"]}', "\0\0", "[" * 100_000]
)
def test_a_file_of_junk_reads_as_nothing_and_is_set_aside_when_saving(searches: SavedSearches, junk: str) -> None:
    searches.path.parent.mkdir()
    searches.path.write_text(junk)
    assert searches.read() == ()
    searches.save("mine", MANY)
    assert names(searches) == ["mine"]
    assert searches.path.with_name("searches.json.broken").read_text() == junk


def test_an_entry_that_cannot_be_read_is_passed_over_and_kept(searches: SavedSearches) -> None:
    searches.path.parent.mkdir()
    entries = {"later": {"wavelength": 7.7}, "wrong": {"program": "ring"}, "odd": 3, "good": {"program": 2733}}
    searches.path.write_text(json.dumps({"form": 2, "searches": entries}))
    assert names(searches) == ["good"]
    searches.save("mine", MANY)
    assert names(searches) == ["good", "mine"]
    assert entries.items() <= json.loads(searches.path.read_text())["searches"].items()


def test_what_many_save_at_once_is_all_kept(searches: SavedSearches) -> None:
    def save(number: int) -> None:
        SavedSearches(searches.path).save(f"{number:02}", Query(program=number + 1))

    threads = [threading.Thread(target=save, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(searches) == [f"{number:02}" for number in range(12)]


def test_a_place_that_cannot_be_written_is_told_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JwstmqError, match="cannot be written"):
        SavedSearches(tmp_path / "file" / "searches.json").save("mine", MANY)


def test_nothing_is_left_beside_the_file_but_its_lock(searches: SavedSearches) -> None:
    searches.save("mine", MANY)
    assert {path.name for path in searches.path.parent.iterdir()} <= {"searches.json", "searches.json.lock"}


def test_the_users_own_file_is_in_the_folder_for_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / name)
    assert SavedSearches().path == tmp_path / "jwstmq_widgets" / "searches.json"
