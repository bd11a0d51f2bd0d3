"""The program tree as a browser sees it: messages in, views out."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.panel import Panel
from jwstmq_widgets.widgets.tree import ProgramTree
from tests.survey import SurveyArchive
from tests.widgets.conftest import SECONDS, Place

Display = Callable[[Panel], Place]


@pytest.fixture
def tree(asked: Exploration, place: Display) -> Place:
    shown = place(ProgramTree(asked))
    shown.do("look", page="one", first=0, last=60)
    shown.until(lambda view: view["count"])
    return shown


def line(view: dict[str, Any], label: str) -> dict[str, Any]:
    return next(line for line in view["lines"] if line["label"] == label)


def opened(tree: Place, *ids: list[Any]) -> dict[str, Any]:
    for number in ids:
        tree.do("toggle", id=number, open=True)
    return tree.until(
        lambda view: all(any(one.get("id") == number and one["open"] for one in view["lines"]) for number in ids)
    )


def test_one_program_is_open_from_the_start(tree: Place, asked: Exploration) -> None:
    view = tree.until(lambda view: view["count"])
    assert view["lines"][0]["label"] == "02733"
    assert view["lines"][0]["about"] == str(asked.observations["obs_title"][0])
    assert view["lines"][0]["files"] == len(asked.shown)
    assert {one["level"] for one in view["lines"][1:]} == {2}
    assert view["note"] == f"{len(asked.shown):,} files of 1 program"


def test_a_tree_that_nobody_looks_at_works_out_nothing(asked: Exploration, place: Display) -> None:
    view = place(ProgramTree(asked)).until(lambda _: True)
    assert (view["count"], view["lines"], view["empty"]) == (0, [], "Counting the files …")


def test_the_counts_of_the_lines_below_make_the_count_of_a_line(tree: Place) -> None:
    view = tree.until(lambda view: view["count"])
    program, *observations = view["lines"]
    assert sum(one["files"] for one in observations) == program["files"]


def test_ticking_a_line_ticks_all_files_below_it_and_its_parents_partly(tree: Place, asked: Exploration) -> None:
    tree.do("tick", id=[2733, 2], on=True)
    view = tree.until(lambda view: line(view, "Observation 2")["ticked"])
    chosen = np.asarray(asked.shown["observation"]) == 2
    assert asked.ticked == frozenset(asked.shown["dataURI"][chosen].tolist())
    assert line(view, "Observation 2")["ticked"] == line(view, "Observation 2")["files"] == chosen.sum()
    assert 0 < line(view, "02733")["ticked"] < line(view, "02733")["files"]
    assert view["note"].startswith(f"{chosen.sum():,} of ")
    tree.do("tick", id=[2733], on=False)
    tree.until(lambda view: not line(view, "02733")["ticked"])
    assert not asked.ticked


def test_a_tick_elsewhere_shows_in_the_tree(tree: Place, asked: Exploration) -> None:
    asked.tick([str(asked.shown["dataURI"][0])])
    tree.until(lambda view: line(view, "02733")["ticked"] == 1)


def test_only_what_is_shown_and_passes_the_facets_is_ticked(tree: Place, asked: Exploration) -> None:
    asked.choose_facet("type", ["_cal.fits"])
    tree.until(lambda view: view["count"] and line(view, "02733")["files"] < len(asked.shown))
    tree.do("tick", id=[2733], on=True)
    assert {uri[-9:] for uri in asked.ticked} == {"_cal.fits"}


def test_combined_products_stand_below_their_observation_and_not_below_an_exposure(tree: Place) -> None:
    view = opened(tree, [2733, 2])
    combined = next(one for one in view["lines"] if one["label"] == "Combined products")
    assert combined["id"][:2] == [2733, 2]
    view = opened(tree, combined["id"])
    files = [one for one in view["lines"] if one["level"] == 4 and "uri" in one]
    assert any(one["label"].endswith("_i2d.fits") for one in files)
    assert all(one["label"].startswith("jw02733-o002_") for one in files)


def test_files_tell_their_state_and_lines_above_count_it(tree: Place, asked: Exploration) -> None:
    asked.choose_filetypes({("2b", "_cal.fits")})
    uris = asked.shown["dataURI"][:2].tolist()
    asked.tick(uris)
    asked.download()
    assert asked.wait(SECONDS)
    view = tree.until(lambda view: view["count"] and line(view, "02733")["shares"].get("here") == 2)
    assert line(view, "02733")["files"] == len(asked.shown)
    for _ in range(9):
        tree.do("deeper")
    view = tree.until(lambda view: any(one.get("uri") == uris[0] for one in view["lines"]))
    assert next(one for one in view["lines"] if one.get("uri") == uris[0])["words"] == "here"


def test_another_grouping_shows_file_types_and_keeps_what_was_open(tree: Place) -> None:
    before = opened(tree, [2733, 2])
    tree.do("group", by="type")
    view = tree.until(lambda view: view["by"] == "type" and view["count"])
    assert any(one["label"] == "2b cal.fits" for one in view["lines"])
    tree.do("group", by="exposure")
    after = tree.until(lambda view: view["by"] == "exposure" and view["count"])
    assert [one["label"] for one in after["lines"]] == [one["label"] for one in before["lines"]]


def test_what_is_open_outlives_a_reload_and_another_choice_of_file_types(tree: Place, asked: Exploration) -> None:
    opened(tree, [2733, 2], [2733, 2, 1])
    tree.do("gone", page="one")
    tree.do("ready")
    tree.do("look", page="two", first=0, last=60)
    view = tree.until(lambda view: view["lines"])
    assert line(view, "Visit 1")["open"]
    asked.choose_filetypes({("2b", "_cal.fits")})
    view = tree.until(lambda view: view["count"] and line(view, "02733")["files"] == len(asked.shown))
    assert line(view, "Visit 1")["open"]


def test_levels_open_one_by_one_and_close_at_once(tree: Place) -> None:
    counts = [tree.until(lambda view: view["count"])["count"]]
    for _ in range(4):
        tree.do("deeper")
        counts.append(tree.until(lambda view: view["count"] > counts[-1])["count"])
    assert tree.until(lambda view: view["deepest"])
    tree.do("shut")
    assert tree.until(lambda view: view["count"] == 1)["lines"][0]["open"] is False


def test_what_is_typed_finds_the_next_line_that_begins_so(tree: Place) -> None:
    def found(text: str, place: int) -> int:
        number = len(tree.messages())
        tree.do("find", page="one", text=text, place=place)
        answers = [message["found"] for message, _ in tree.messages()[number:] if "found" in message]
        assert answers[-1]["page"] == "one"
        return int(answers[-1]["place"])

    assert found("obs", 0) == 1
    assert found("obs", 2) == 1
    assert found("sev", 1) == 2
    assert found("027", 1) == 0


def test_two_trees_of_one_exploration_agree_on_ticks(tree: Place, asked: Exploration, place: Display) -> None:
    other = place(ProgramTree(asked))
    other.do("look", page="other", first=0, last=9)
    tree.do("tick", id=[2733, 2], on=True)
    view = other.until(lambda view: view["count"] and line(view, "Observation 2")["ticked"])
    assert line(view, "Observation 2")["ticked"] == line(view, "Observation 2")["files"]


@pytest.mark.parametrize("number", [[9999], [2733, 2, 1, "no exposure"], ["<b>"], []])
def test_a_line_that_is_gone_ticks_nothing(tree: Place, asked: Exploration, number: list[Any]) -> None:
    tree.do("tick", id=number, on=True)
    tree.do("toggle", id=number, open=True)
    assert not asked.ticked
    assert not [message for message, _ in tree.messages() if "trouble" in message]


def test_an_unknown_grouping_is_trouble_and_no_more(tree: Place) -> None:
    tree.do("group", by="colour")
    assert any("colour" in message.get("trouble", "") for message, _ in tree.messages())
    assert tree.until(lambda view: view["count"])["by"] == "exposure"


def test_before_the_first_search_the_tree_says_what_to_do(unasked: Exploration, place: Display) -> None:
    tree = place(ProgramTree(unasked))
    tree.do("look", page="one", first=0, last=9)
    assert tree.until(lambda view: view["empty"])["empty"] == "Search for a program to see its tree."


def test_a_view_of_many_files_holds_few_lines(place: Display) -> None:
    exploration = Exploration(SurveyArchive(100_000), Query(program=2733))
    assert exploration.wait(SECONDS)
    tree = place(ProgramTree(exploration))
    tree.do("look", page="one", first=0, last=10**9)
    for _ in range(9):
        tree.do("deeper")
    view = tree.until(lambda view: view["count"] > 100_000)
    assert len(view["lines"]) <= 201
    exploration.close()


def test_nothing_of_the_tree_is_in_a_saved_notebook(tree: Place) -> None:
    tree.until(lambda view: view["count"])
    kept = tree.panel.get_state()
    assert "2733" not in str({name: value for name, value in kept.items() if name not in {"_esm", "_css"}})


def test_who_looks_does_not_wait_while_the_files_are_counted(tree: Place) -> None:
    counting, looked = threading.Event(), threading.Event()
    waited: list[bool] = []

    def count() -> None:
        with tree.panel._lock:
            counting.set()
            waited.append(not looked.wait(5))

    counter = threading.Thread(target=count)
    counter.start()
    assert counting.wait(SECONDS)
    tree.do("look", page="two", first=0, last=5)
    tree.do("gone", page="two")
    looked.set()
    counter.join(SECONDS)
    assert waited == [False]
