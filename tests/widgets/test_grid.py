"""The product grid without a browser: what one would send goes in, what one would get is read."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import comm
import numpy as np
import pytest
from astropy.table import Table
from comm.base_comm import BaseComm

from jwstmq_widgets.exploration import Exploration, FileState
from jwstmq_widgets.exploration.files import FileStates
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.grid import ProductGrid
from jwstmq_widgets.widgets.grids.columnmemory import ColumnMemory
from jwstmq_widgets.widgets.grids.columns import PRODUCTS
from jwstmq_widgets.widgets.observationgrid import ObservationGrid
from tests.survey import SurveyArchive

SECONDS = 20
EMPTY = {"sort": [], "filters": {}, "search": ""}


class Line(BaseComm):
    """The line to a browser, with everything that was sent on it."""

    def __init__(self, **options: Any) -> None:
        self.sent: list[tuple[dict[str, Any], list[Any]]] = []
        self.changed = threading.Condition()
        super().__init__(**options)

    def publish_msg(self, msg_type: str, data: Any = None, buffers: Any = None, **_: Any) -> None:
        with self.changed:
            self.sent.append((data or {}, buffers or []))
            self.changed.notify_all()

    def customs(self) -> list[tuple[dict[str, Any], list[Any]]]:
        return [(data["content"], buffers) for data, buffers in list(self.sent) if data.get("method") == "custom"]


class Page:
    """One view of a grid."""

    def __init__(self, grid: ProductGrid, name: str = "view") -> None:
        self.grid, self.name, self.requests = grid, name, 0
        self.table = 0

    def send(self, **content: Any) -> None:
        message = {"view": self.name, "table": self.table} | content
        data = {"method": "custom", "content": message}
        self.grid._handle_msg({"content": {"data": data}, "buffers": []})

    def rows(self, start: int = 0, stop: int = 100, **wanted: Any) -> tuple[dict[str, Any], dict[str, list[Any]]]:
        self.requests += 1
        self.send(type="rows", request=self.requests, start=start, stop=stop, **EMPTY | wanted)
        answers = [answer for answer in self.grid.comm.customs() if answer[0].get("request") == self.requests]
        message, buffers = next(answer for answer in answers if answer[0]["view"] == self.name)
        self.table = message["table"]
        return message, json.loads(buffers[0])

    def reply(self, kind: str, test: Callable[[Mapping[str, Any]], Any] = bool) -> tuple[dict[str, Any], list[Any]]:
        """Wait for the last message of a kind that passes."""
        line = self.grid.comm

        def found() -> Any:
            return next((m for m in reversed(line.customs()) if m[0]["type"] == kind and test(m[0])), None)

        with line.changed:
            assert line.changed.wait_for(found, SECONDS), [message for message, _ in line.customs()][-3:]
        answer: tuple[dict[str, Any], list[Any]] = found()
        return answer

    def facet(self, name: str, test: Callable[[dict[str, int]], Any]) -> dict[str, int]:
        """Wait until the counts of a facet pass, and give them."""

        def counts(message: Mapping[str, Any]) -> dict[str, int]:
            facets = {facet["name"]: facet for facet in message["facets"]}
            return {value[0]: value[2] for value in facets.get(name, {"values": []})["values"]}

        return counts(self.reply("facets", lambda message: test(counts(message)))[0])

    def state(self, test: Callable[[Mapping[str, Any]], bool]) -> dict[str, Any]:
        """Wait for a state message that passes."""
        line = self.grid.comm

        def found() -> dict[str, Any] | None:
            messages = [message for message, _ in line.customs() if message["type"] == "state"]
            return next((message for message in reversed(messages) if test(message)), None)

        with line.changed:
            assert line.changed.wait_for(found, SECONDS)
        state = found()
        assert state
        return state


@pytest.fixture(autouse=True)
def _line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(comm, "create_comm", Line)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def exploration(tmp_path: Any) -> Iterator[Exploration]:
    exploration = Exploration(SurveyArchive(400), Query(program=2733), destination=tmp_path)
    assert exploration.wait(SECONDS)
    assert not exploration.problems
    yield exploration
    exploration.close()


@pytest.fixture
def grid(exploration: Exploration) -> Iterator[ProductGrid]:
    grid = ProductGrid(exploration)
    yield grid
    grid.close()


@pytest.fixture
def page(grid: ProductGrid) -> Page:
    return Page(grid)


def uris(exploration: Exploration, *rows: int) -> list[str]:
    return exploration.shown["dataURI"][list(rows)].tolist()


def test_a_request_is_answered_with_its_rows_alone(page: Page, exploration: Exploration) -> None:
    message, block = page.rows(100, 130)
    assert block["uri"] == uris(exploration, *range(100, 130))
    assert (message["matched"], message["files"]) == (400, 400)


def test_a_greedy_request_gets_no_whole_table(page: Page) -> None:
    _, block = page.rows(0, 10**9)
    assert len(block["uri"]) <= 1000


def test_sort_filter_and_search_go_over_all_rows(page: Page) -> None:
    message, block = page.rows(sort=[["size", True]], filters={"detector": "nrs1"}, search="uncal")
    assert message["matched"] == 20
    assert block["size"][:2] == ["382 kB", "362 kB"]


def test_columns_that_do_not_exist_are_passed_over(page: Page) -> None:
    message, _ = page.rows(sort=[["__class__", False]], filters={"nothing": "x"})
    assert message["matched"] == 400


def test_a_filter_that_cannot_be_read_is_told(page: Page) -> None:
    message, _ = page.rows(filters={"size": "big"})
    assert message["problems"]["size"].startswith("'big' is no filter for Size")


def test_a_tick_goes_to_the_exploration(page: Page, exploration: Exploration) -> None:
    page.rows()
    wanted = uris(exploration, 5)
    page.send(type="tick", uri=wanted[0], on=True)
    assert exploration.ticked == frozenset(wanted)
    page.send(type="tick", uri=wanted[0], on=False)
    assert exploration.ticked == frozenset()


def test_a_range_is_ticked_in_the_order_that_is_shown(page: Page, exploration: Exploration) -> None:
    _, block = page.rows(sort=[["file", True]], filters={"detector": "nrs1"})
    page.send(type="range", first=7, last=2, on=True)
    assert exploration.ticked == frozenset(block["uri"][2:8])


def test_all_that_match_are_ticked_and_unticked(page: Page, exploration: Exploration) -> None:
    page.rows(0, 10, search="uncal")
    page.send(type="all", on=True)
    assert len(exploration.ticked) == 80
    page.rows(0, 10, search="uncal nrs1")
    page.send(type="all", on=False)
    assert len(exploration.ticked) == 60
    page.send(type="clear")
    assert not exploration.ticked


def test_a_range_of_rows_that_are_no_longer_shown_ticks_nothing(page: Page, exploration: Exploration) -> None:
    page.rows()
    exploration.choose_filetypes([("2b", "_cal.fits")])
    page.send(type="range", first=0, last=9, on=True)
    page.send(type="all", on=True)
    assert not exploration.ticked


def test_ticks_survive_sort_and_filter(page: Page, exploration: Exploration) -> None:
    wanted = uris(exploration, 17, 203)
    exploration.tick(wanted)
    page.rows(search="nothing like this")
    _, block = page.rows(sort=[["tick", False]])
    assert block["uri"][:2] == wanted
    assert block["ticked"][:3] == [1, 1, 0]


def test_ticks_made_elsewhere_reach_the_rows_in_sight(page: Page, exploration: Exploration) -> None:
    page.rows()
    page.send(type="visible", first=0, last=9)
    exploration.tick(uris(exploration, 4, 300))
    state = page.state(lambda message: sum(message["marks"]["ticked"]) == 1)
    assert state["marks"]["uri"] == uris(exploration, *range(10))
    assert state["views"] == {"view": 2}
    assert state["summary"].startswith("2 of 400 files · 304 kB")


def test_states_reach_the_rows_in_sight(page: Page, exploration: Exploration) -> None:
    page.rows()
    page.send(type="visible", first=0, last=3)
    running = FileState(kind="running", fraction=0.5)
    failed = FileState(kind="failed", message="the server said no")
    first, second = uris(exploration, 0, 1)
    exploration._put(states={first: running, second: failed})
    marks = page.state(lambda message: message["marks"]["state"][:1] == ["running"])["marks"]
    assert marks["percent"][:2] == [50, 0]
    assert marks["note"][:2] == ["", "the server said no"]


def test_another_table_is_told_and_answered(page: Page, exploration: Exploration) -> None:
    page.rows()
    exploration.choose_filetypes([("2b", "_cal.fits")])
    state = page.state(lambda message: message["table"] == 1)
    assert state["files"] == 80
    message, block = page.rows()
    assert (message["table"], message["matched"]) == (1, 80)
    assert set(block["type"]) == {"_cal.fits"}


def test_ticks_of_hidden_types_are_not_forgotten_in_the_sums(page: Page, exploration: Exploration) -> None:
    exploration.tick(uris(exploration, 0, 1))
    exploration.choose_filetypes([("2b", "_cal.fits")])
    message, _ = page.rows()
    assert message["summary"].startswith("1 of 80 files")
    assert message["summary"].endswith("1 more ticked of other types")


def test_two_views_have_their_own_order_and_the_same_ticks(grid: ProductGrid, exploration: Exploration) -> None:
    one, two = Page(grid, "one"), Page(grid, "two")
    one.rows(sort=[["file", False]])
    _, last = two.rows(sort=[["file", True]])
    two.send(type="range", first=0, last=1, on=True)
    assert exploration.ticked == frozenset(last["uri"][:2])
    assert one.rows(398, 400, sort=[["file", False]])[1]["ticked"] == [1, 1]


def test_a_new_view_begins_as_the_last_one_was(grid: ProductGrid, page: Page) -> None:
    page.rows(sort=[["size", True], ["file", False]], filters={"type": "cal"}, search="nrs1")
    assert grid.get_state()["_arrangement"] == {
        "sort": [["size", True], ["file", False]],
        "filters": {"type": "cal"},
        "search": "nrs1",
    }


def test_enter_names_the_product_each_time(grid: ProductGrid, page: Page, exploration: Exploration) -> None:
    seen: list[str] = []
    grid.observe(lambda change: seen.append(change["new"]), names="active_uri")
    uri = uris(exploration, 3)[0]
    page.send(type="open", uri=uri)
    page.send(type="open", uri=uri)
    assert [value for value in seen if value] == [uri, uri]


def test_no_row_is_in_the_widgets_state(grid: ProductGrid, page: Page) -> None:
    page.rows()
    saved = json.dumps(grid.get_state(), default=str)
    assert "mast:JWST" not in saved
    assert "jw0273" not in saved.replace("^jw02733", "")
    assert len(saved) < 90_000  # the code of the browser's side


def test_without_a_search_the_grid_says_what_to_do_first() -> None:
    exploration = Exploration(SurveyArchive(0))
    grid = ProductGrid(exploration)
    message, block = Page(grid).rows()
    assert message["empty"] == "Search for a program to see its files."
    assert block["uri"] == []
    grid.close()
    exploration.close()


def test_a_message_of_no_known_type_is_answered_with_a_sentence(grid: ProductGrid, page: Page) -> None:
    page.send(type="explode")
    message, _ = grid.comm.customs()[-1]
    assert message["type"] == "trouble"
    assert "'explode'" in message["text"]


def test_a_table_that_cannot_be_drawn_is_told_and_spares_the_other_observers(
    grid: ProductGrid, page: Page, exploration: Exploration
) -> None:
    seen: list[int] = []
    exploration.observe(lambda change: seen.append(len(change["new"])), names="shown")
    broken = exploration.shown.copy()
    broken.remove_column("size")
    exploration._put(shown=broken)
    line = grid.comm
    with line.changed:
        assert line.changed.wait_for(lambda: any(m["type"] == "trouble" for m, _ in line.customs()), SECONDS)
    assert seen == [400]


def test_a_closed_grid_watches_nothing(exploration: Exploration) -> None:
    grid = ProductGrid(exploration)
    line = grid.comm
    grid.close()
    sent = len(line.sent)
    exploration.tick(uris(exploration, 0))
    assert len(line.sent) == sent


# -- facets ----------------------------------------------------------------------------------------------------------


def test_a_facet_narrows_rows_and_the_counts_of_the_others(page: Page, exploration: Exploration) -> None:
    page.rows()
    page.send(type="rail", wants={})
    assert page.facet("detector", len)["nrs1"] == 100
    page.send(type="facet", name="detector", value="nrs1", on=True)
    page.state(lambda message: message["table"] == 1)
    message, block = page.rows()
    assert message["matched"] == 100
    assert set(block["detector"]) == {"nrs1"}
    assert exploration.facets == {"detector": {"nrs1"}}
    assert page.facet("type", lambda counts: sum(counts.values()) == 100)["_cal.fits"] == 20
    assert sum(page.facet("detector", len).values()) == 400
    page.send(type="facet", name="detector", value="nrcb4", on=True)
    page.send(type="facet", name="type", value="_cal.fits", on=True)
    assert page.rows()[0]["matched"] == 40
    assert [chip["text"] for chip in page.rows()[0]["chips"]] == [
        "Detector: nrcb4", "Detector: nrs1", "File type: cal.fits",
    ]  # fmt: skip
    page.send(type="facet", name="detector", value="nrs1", on=False)
    assert page.rows()[0]["matched"] == 20
    page.send(type="clear_choices")
    assert page.rows()[0]["matched"] == 400


def test_the_counts_of_states_follow_every_change(page: Page, exploration: Exploration, grid: ProductGrid) -> None:
    page.rows()
    page.send(type="rail", wants={})
    uris = exploration.shown["dataURI"].tolist()
    here = FileState(kind="here", fraction=1.0)
    for turn in range(1, 9):
        for number in (turn, 10 * turn, 20 * turn):  # arrays of states that go make room for others at their address
            states = FileStates(exploration.states.index).changed(dict.fromkeys(uris[:number], here))
            exploration._put(states=states)
            grid._draw()
        assert page.facet("state", lambda counts, turn=turn: counts.get("here") == 20 * turn)


def test_facets_count_what_filters_and_search_leave(page: Page) -> None:
    page.send(type="rail", wants={})
    page.rows(search="uncal", filters={"observation": "1"})
    assert page.facet("detector", lambda counts: sum(counts.values()) == 20)["nrs1"] == 5


def test_narrowing_leaves_the_ticks(page: Page, exploration: Exploration) -> None:
    page.rows()
    page.send(type="all", on=True)
    exploration.choose_facet("stage", ["2b"])
    page.rows()
    page.send(type="all", on=False)
    assert len(exploration.ticked) == 240


def test_a_long_facet_is_cut_and_searched(page: Page, exploration: Exploration) -> None:
    table = exploration.products.copy()
    table["observation"] = np.arange(400)
    exploration._put(shown=table)
    page.rows()
    page.send(type="rail", wants={})
    message, _ = page.reply("facets", lambda m: any(facet["name"] == "observation" for facet in m["facets"]))
    cut = next(facet for facet in message["facets"] if facet["name"] == "observation")
    assert (len(cut["values"]), cut["more"], cut["total"]) == (6, 394, 400)
    page.send(type="rail", wants={"observation": {"all": True, "find": "39"}})
    found = page.facet("observation", lambda counts: "399" in counts)
    assert list(found) == ["39", "139", "239", "339", *map(str, range(390, 400))]


def test_facets_of_two_views_are_counted_under_their_own_filters(grid: ProductGrid) -> None:
    one, two = Page(grid, "one"), Page(grid, "two")
    for page, search in ((one, "uncal"), (two, "")):
        page.rows(search=search)
        page.send(type="rail", wants={})
    for name, number in (("one", 80), ("two", 400)):
        message, _ = one.reply("facets", lambda m, name=name: m["view"] == name)
        detectors = next(facet for facet in message["facets"] if facet["name"] == "detector")
        assert sum(value[2] for value in detectors["values"]) == number


def test_a_facet_of_no_such_name_is_answered_with_a_sentence(page: Page) -> None:
    page.send(type="facet", name="colour", value="red", on=True)
    assert page.reply("trouble")[0]["text"].startswith("There is no facet 'colour'; choose one of program, instrument")


def test_chosen_observations_narrow_and_are_lifted(page: Page, exploration: Exploration) -> None:
    table = exploration.products.copy()
    table["parents"] = np.where(np.arange(400) < 30, "1", "2")
    exploration._put(shown=table)
    exploration.choose_observations(["1"])
    message, _ = page.rows()
    assert message["matched"] == 30
    assert message["chips"] == [{"kind": "observations", "text": "jw02733-o001_t001_miri_f770w"}]
    page.send(type="lift", kind="observations")
    assert page.rows()[0]["matched"] == 400


# -- ticks, order ----------------------------------------------------------------------------------------------------


def test_ticks_are_inverted_among_what_matches(page: Page, exploration: Exploration) -> None:
    exploration.tick(uris(exploration, 0, 2, 6))
    page.rows(filters={"detector": "nrs1"})
    page.send(type="invert")
    assert len(exploration.ticked) == 99
    assert set(uris(exploration, 0)) == exploration.ticked & set(uris(exploration, 0, 2, 6))


def test_rows_sorted_by_state_are_told_when_states_become_others(page: Page, exploration: Exploration) -> None:
    first, second = uris(exploration, 0, 1)
    page.rows(sort=[["state", True]])
    page.send(type="visible", first=0, last=9)
    exploration._put(states={second: FileState(kind="here", fraction=1.0)})
    page.state(lambda message: message["stale"] == ["view"])
    _, block = page.rows(sort=[["state", True]], fresh=True)
    assert block["uri"][0] == second
    exploration._put(states={second: FileState(kind="here", fraction=1.0), first: FileState(kind="running")})
    page.rows(sort=[["size", True]])
    exploration.tick([first])
    assert page.state(lambda message: message["ticks"] == 1)["stale"] == []


# -- columns ---------------------------------------------------------------------------------------------------------


def test_a_block_holds_the_columns_that_are_asked_for(page: Page) -> None:
    _, block = page.rows(columns=["visit", "size", "__class__"])
    assert set(block) == {"uri", "file", "visit", "size", "ticked", "state", "percent", "note"}


def test_a_search_looks_at_the_columns_that_are_shown(page: Page) -> None:
    assert page.rows(search="smacs")[0]["matched"] == 100
    assert page.rows(search="smacs", columns=["detector"])[0]["matched"] == 0


def test_chosen_columns_are_there_in_the_next_grid(page: Page, exploration: Exploration) -> None:
    chosen = {"order": ["size", "file", "nothing"], "hidden": ["type", "file"], "added": ["visit", "type"],
              "widths": {"size": 91.6, "file": 9_000_000, "x": 3, "type": "wide"}, "rail": True}  # fmt: skip
    page.send(type="columns", chosen=chosen)
    other = ProductGrid(exploration)
    assert other.get_state()["_chosen_columns"] == {
        "order": ("size", "file"), "hidden": ("type",), "added": ("visit",), "widths": {"size": 91, "file": 2000},
        "rail": True,
    }  # fmt: skip
    other.close()


def test_each_of_two_quick_choices_of_columns_is_answered_and_the_last_one_is_kept(
    page: Page, exploration: Exploration, grid: ProductGrid
) -> None:
    other = Page(grid, "other")
    stamps = ["view 1", "view 2", "other 1"]
    for sender, stamp, hidden in ((page, stamps[0], "size"), (page, stamps[1], "access"), (other, stamps[2], "type")):
        sender.send(type="columns", chosen={"hidden": [hidden]}, stamp=stamp)
    answers = [
        data["state"]["_chosen_columns"] for data, _ in grid.comm.sent if "_chosen_columns" in data.get("state", ())
    ]
    assert [(answer["stamp"], answer["hidden"]) for answer in answers[-3:]] == [
        ("view 1", ("size",)), ("view 2", ("access",)), ("other 1", ("type",)),
    ]  # fmt: skip
    page.send(type="columns", chosen={"hidden": ["type"]}, stamp="view 3")
    assert grid.comm.sent[-1][0]["state"]["_chosen_columns"]["stamp"] == "view 3", "the same choice is answered too"
    assert ColumnMemory().read(PRODUCTS).hidden == ("type",)


def test_of_choices_of_columns_that_come_on_many_threads_the_kept_one_is_the_drawn_one(
    page: Page, grid: ProductGrid
) -> None:
    names = ["size", "access", "type", "detector", "filter"] * 4
    threads = [
        threading.Thread(target=page.send, kwargs={"type": "columns", "chosen": {"hidden": [name]}, "stamp": str(turn)})
        for turn, name in enumerate(names)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ColumnMemory().read(PRODUCTS).hidden == grid.get_state()["_chosen_columns"]["hidden"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"grids": 3}', '{"grids": {"products": ["order"]}}', "\0"])
def test_a_broken_file_of_columns_gives_the_usual_ones_and_is_replaced(tmp_path: Path, text: str) -> None:
    memory = ColumnMemory(tmp_path / "columns.json")
    memory.path.write_text(text)
    usual = memory.read(PRODUCTS)
    assert (usual.order, usual.hidden, usual.added, usual.rail) == ((), (), (), None)
    assert memory.keep(PRODUCTS, usual)
    assert json.loads(memory.path.read_text())["grids"]["products"]["order"] == []
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".json")] == ["columns.json"]


def test_a_folder_that_cannot_be_written_costs_no_grid(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    memory = ColumnMemory(tmp_path / "file" / "columns.json")
    assert not memory.keep(PRODUCTS, memory.read(PRODUCTS))


def test_a_name_is_taken_apart(page: Page) -> None:
    page.send(type="explain", name="jw02733002001_02103_00001-seg002_mirimage_cal.fits")
    assert dict(page.reply("explained")[0]["fields"]) == {
        "Program": "2733", "Observation": "2", "Visit": "1", "Visit group": "02", "Parallel sequence": "1, prime",
        "Activity": "03", "Exposure": "1", "Segment": "2", "Detector": "mirimage", "Instrument": "MIRI",
        "Suffix": "cal: 2-D calibrated exposure averaged over integrations", "Stage": "2b, calibrated", "File": "fits",
    }  # fmt: skip
    page.send(type="explain", name="<b>no name</b>")
    assert page.reply("explained", lambda m: m["name"] == "<b>no name</b>")[0]["fields"] == ()


# -- looking and taking away -----------------------------------------------------------------------------------------


def test_a_look_names_the_fields_and_says_why_there_is_no_picture(page: Page, exploration: Exploration) -> None:
    uri = uris(exploration, 1)[0]
    page.send(type="open", uri=uri, name="jw02733002001_02103_00001_nrca5_rate.fits", look=True)
    assert dict(page.reply("explained")[0]["fields"])["Detector"] == "nrcalong"
    message, buffers = page.reply("picture")
    assert (message["uri"], message["why"], buffers) == (uri, "no preview", [])


def test_rows_that_match_are_copied_in_their_order(page: Page) -> None:
    page.rows(sort=[["size", True]], search="uncal nrs1")
    page.send(type="copy", what="shown", columns=["file", "size"])
    message, buffers = page.reply("copied")
    lines = buffers[0].decode().splitlines()
    assert message["text"] == "Copied 20 files."
    assert lines[:2] == ["File\tSize", "jw02730000382001_02101_00001_nrs1_uncal.fits\t382 kB"]
    assert len(lines) == 21


def test_ticked_rows_are_saved_beside_the_notebook_and_nothing_is_overwritten(
    page: Page, exploration: Exploration, tmp_path: Path
) -> None:
    table = exploration.products.copy()
    table["target_name"] = np.where(np.arange(400) == 7, "=1+1", "x")
    exploration._put(products=table, shown=table)
    exploration.tick(uris(exploration, 7, 8))
    page.rows()
    for form, name in (("csv", "jwst-files.csv"), ("csv", "jwst-files-2.csv"), ("ecsv", "jwst-files.ecsv")):
        page.send(type="save", what="ticked", form=form)
        page.reply("done", lambda m, name=name: m["text"] == f"Saved 2 files as {name}, in {tmp_path}.")
    assert "'=1+1" in (tmp_path / "jwst-files.csv").read_text()
    exact = Table.read(tmp_path / "jwst-files.ecsv")
    assert exact["target_name"].tolist() == ["=1+1", "x"]
    assert exact["dataURI"].tolist() == uris(exploration, 7, 8)


def test_nothing_to_take_is_told(page: Page) -> None:
    page.rows()
    page.send(type="save", what="ticked", form="csv")
    assert page.reply("trouble")[0]["text"] == "There is no file to take; tick some, or lift a filter."


def test_without_a_notebook_there_is_no_cell(page: Page) -> None:
    page.rows()
    page.send(type="cell", what="shown")
    assert page.reply("trouble")[0]["text"] == "There is no notebook here whose variable this could become."


def test_a_cell_of_ten_thousand_letters_travels_cut(page: Page, exploration: Exploration) -> None:
    table = exploration.products[:3]
    table["target_name"] = ["x" * 10_000, "\u202egnp.exe", "two\nlines"]
    exploration._put(shown=table)
    _, block = page.rows()
    assert block["target"] == ["x" * 300 + "…", "\u202egnp.exe", "two\nlines"]


# -- observations ----------------------------------------------------------------------------------------------------


@pytest.fixture
def observations(exploration: Exploration) -> Iterator[Page]:
    table = exploration.observations
    columns = {name: [table[name][0]] * 3 for name in table.colnames}
    columns |= {
        "obsid": ["1", "2", "3"], "obs_id": ["jw02733-o001_t001_miri_f770w", "jw02733-o002_t001_miri_f1130w", "x"],
        "t_exptime": [12.34, np.nan, 3000.0], "t_min": [59733.5, 59800.25, np.nan], "calib_level": [3, 2, -1],
        "t_obs_release": [59800.0, 2_000_000.5, 0.0],
    }  # fmt: skip
    products = exploration.products.copy()
    products["parents"] = np.where(np.arange(400) < 10, "1,2", "2")
    exploration._put(observations=Table(columns), products=products)
    grid = ObservationGrid(exploration)
    yield Page(grid)
    grid.close()


def test_an_observation_is_a_row_with_its_files_and_bytes(observations: Page) -> None:
    message, block = observations.rows()
    assert message["files"] == 3
    assert block["files"] == [10, 400, 0]
    assert block["size"][0] == "42.0 kB"
    assert block["exptime"] == [12.3, None, 3000.0]
    assert block["start"] == ["2022-06-03 12:00", "2022-08-09 06:00", ""]
    assert block["access"] == ["public", "exclusive", "planned"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"start": "2022-06"}, ["1"]),
        ({"start": "> 2022-06-03"}, ["2"]),
        ({"start": "2022-06-03 .. 2022-08-09, unknown"}, ["1", "2", "3"]),
        ({"exptime": "> 12"}, ["1", "3"]),
        ({"files": "0-10"}, ["1", "3"]),
    ],
)
def test_observations_are_filtered_by_number_and_date(
    observations: Page, filters: dict[str, str], expected: list[str]
) -> None:
    message, block = observations.rows(filters=filters)
    assert not message["problems"]
    assert block["uri"] == expected


def test_a_date_that_is_none_is_told(observations: Page) -> None:
    message, _ = observations.rows(filters={"start": "2022-13"})
    assert message["problems"]["start"].startswith("'2022-13' is no filter for Start; write for example 2022-07")


def test_unknown_dates_come_last_both_ways(observations: Page) -> None:
    assert observations.rows(sort=[["start", False]])[1]["uri"] == ["1", "2", "3"]
    assert observations.rows(sort=[["start", True]])[1]["uri"] == ["2", "1", "3"]


def test_ticked_observations_narrow_the_products(observations: Page, exploration: Exploration) -> None:
    observations.rows()
    observations.send(type="tick", uri="1", on=True)
    assert exploration.chosen_observations == {"1"}
    state = observations.state(lambda message: message["ticks"] == 1)
    assert state["summary"] == "products narrowed to 1 of 3 observations · 42.0 kB"
    observations.send(type="invert")
    assert exploration.chosen_observations == {"2", "3"}
    observations.send(type="clear")
    assert not exploration.chosen_observations
