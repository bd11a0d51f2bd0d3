"""The product grid without a browser: what one would send goes in, what one would get is read."""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import comm
import pytest
from comm.base_comm import BaseComm

from jwstmq_widgets.exploration import Exploration, FileState
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.grid import ProductGrid
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
