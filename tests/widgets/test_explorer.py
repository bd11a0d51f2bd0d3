"""The Explorer: all panels on one exploration, opened and closed together."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
from ipywidgets.widgets.widget import _instances

import jwstmq_widgets as jw
from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Slow
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.explorer import Explorer
from jwstmq_widgets.widgets.grid import ProductGrid
from jwstmq_widgets.widgets.panel import Panel
from jwstmq_widgets.widgets.searchform import write_fields
from tests.widgets.conftest import SECONDS, Place
from tests.widgets.test_grid import Page

PANELS = [
    "LoginPanel", "SearchPanel", "FiletypePanel", "ProductGrid", "ObservationGrid", "ProgramTree", "Gallery",
    "AdqlPanel", "RelatedPanel", "DownloadPanel",
]  # fmt: skip


@pytest.fixture
def explorer(local_archive: LocalArchive, tmp_path: Path) -> Iterator[Explorer]:
    explorer = Explorer(Query(program=2733, instrument="miri"), archive=local_archive.url, destination=tmp_path)
    assert explorer.wait(SECONDS)
    yield explorer
    explorer.close()
    assert explorer.wait(SECONDS)


def inside(widget: Any) -> list[Any]:
    return [part for child in getattr(widget, "children", ()) for part in (child, *inside(child))]


def panel(explorer: Explorer, name: str) -> Place:
    return Place(next(part for part in inside(explorer) if type(part).__name__ == name))


def test_it_opens_with_the_answer(explorer: Explorer) -> None:
    assert explorer.query == Query(program=2733, instrument="miri")
    assert len(explorer.observations) == 4
    assert len(explorer.products) > 1000
    assert len(explorer.selected) == 0
    assert explorer.manifest is None


def test_its_header_says_what_was_asked_and_when(explorer: Explorer) -> None:
    view = panel(explorer, "_Header").until(lambda view: view["count"])
    assert view["query"] == "program 2733 · MIRI"
    assert view["count"] == "4 observations"
    assert view["as_of"] == explorer.exploration.as_of.isoformat()


def test_refresh_asks_again(explorer: Explorer) -> None:
    before = explorer.exploration.as_of
    panel(explorer, "_Header").do("refresh")
    assert explorer.wait(SECONDS)
    assert explorer.exploration.as_of > before
    assert explorer.query == Query(program=2733, instrument="miri")


def test_what_is_ticked_in_a_panel_is_the_explorers_selection(explorer: Explorer) -> None:
    uris = explorer.products["dataURI"][:2].tolist()
    for uri in uris:
        panel(explorer, "Gallery").do("tick", uri=uri, on=True)
    assert explorer.selected["dataURI"].tolist() == uris


def test_a_download_ends_in_the_explorers_manifest(explorer: Explorer) -> None:
    explorer.exploration.tick(explorer.products["dataURI"][:2].tolist())
    panel(explorer, "DownloadPanel").do("download")
    assert explorer.wait(SECONDS)
    assert explorer.manifest["Status"].tolist() == ["COMPLETE", "COMPLETE"]


def test_an_archive_that_does_not_open_is_told_in_the_header_and_can_be_tried_again(tmp_path: Path) -> None:
    explorer = Explorer(archive="hubble", destination=tmp_path)
    header = panel(explorer, "_Header")
    assert "'local'" in header.until(lambda view: view["problem"])["problem"]
    header.do("open")
    assert explorer.wait(SECONDS)
    header.until(lambda view: view["problem"])
    explorer.close()


def test_closing_it_closes_every_panel(explorer: Explorer) -> None:
    parts = inside(explorer)
    explorer.close()
    assert not [part for part in parts if part.comm is not None]
    assert not [part for part in parts if isinstance(part, Panel) and part._watching]


@pytest.fixture
def two(asked: Exploration) -> Iterator[tuple[Explorer, Explorer]]:
    """Two Explorers on one exploration, as in two notebook tabs of one kernel."""
    explorers = Explorer(exploration=asked), Explorer(exploration=asked)
    yield explorers
    for one in explorers:
        one.close()


def observers(exploration: Exploration) -> int:
    return sum(len(calls) for types in exploration._trait_notifiers.values() for calls in types.values())


def test_what_is_ticked_and_chosen_in_one_explorer_shows_in_the_other(
    asked: Exploration, two: tuple[Explorer, Explorer]
) -> None:
    pages = [Page(next(part for part in inside(one) if isinstance(part, ProductGrid))) for one in two]
    (_, rows), _ = [page.rows() for page in pages]
    uris = rows["uri"][:2]
    pages[0].send(type="tick", uri=uris[0], on=True)
    pages[1].send(type="tick", uri=uris[1], on=True)

    def ticked(message: Mapping[str, Any]) -> bool:
        marks = message["marks"]
        return {uri for uri, on in zip(marks["uri"], marks["ticked"], strict=True) if on} == set(uris)

    for page in pages:
        assert page.state(lambda message: ticked(message) and message["ticks"] == 2)
    for one in two:
        assert panel(one, "DownloadPanel").until(lambda view: view["fetch"] == 2)["reason"] == ""
    panel(two[0], "FiletypePanel").do("choose", stage="2b", filetype="_cal.fits", on=True)
    assert panel(two[1], "FiletypePanel").until(lambda view: view["chosen"] == 1)
    pages[1].state(lambda message: message["files"] == len(asked.shown))
    pages[1].send(type="clear")
    pages[0].state(lambda message: message["ticks"] == 0)


def test_a_search_of_one_explorer_shows_in_the_other_and_can_be_cancelled_there(
    asked: Exploration, two: tuple[Explorer, Explorer], faulty_archive: LocalArchive
) -> None:
    one, other = [panel(explorer, "SearchPanel") for explorer in two]
    other.do("consider", fields=write_fields(Query(program=1386)), stamp="other 1")
    one.do("search", fields=write_fields(Query(program=2733, instrument="nircam")), stamp="one 1")
    assert asked.wait(SECONDS)
    view = other.until(lambda view: view["text"] and not view["running"])
    assert view["fields"]["instrument"] == ["NIRCAM"]
    assert panel(two[1], "_Header").until(lambda view: "NIRCAM" in view["query"])
    before = asked.products
    faulty_archive.faults = [Slow(path="Mast.Caom.*", latency=60)]
    one.do("search", fields=write_fields(Query(program=1386)), stamp="one 2")
    other.until(lambda view: view["running"])
    other.do("cancel")
    assert asked.wait(SECONDS)
    assert one.until(lambda view: not view["running"])["text"] == "cancelled"
    assert asked.products is before


def test_a_search_that_fails_marks_the_form_it_was_written_in_and_is_named_in_the_other(
    asked: Exploration, two: tuple[Explorer, Explorer]
) -> None:
    one, other = [panel(explorer, "SearchPanel") for explorer in two]
    other.do("consider", fields=write_fields(Query(program=1386)), stamp="other 1")
    one.do("search", fields=write_fields(Query(program=99998)), stamp="one 1")
    view = one.until(lambda view: view["problem"])
    assert view["field"] == "program"
    view = other.until(lambda view: view["problem"])
    assert view["field"] == ""
    assert view["problem"].startswith("The search for program 99998 failed: ")
    assert view["fields"]["program"] == "1386"
    other.do("consider", fields=write_fields(Query(program=2733)), stamp="other 2")
    assert other.until(lambda view: view["stamp"] == "other 2")["problem"] == ""
    assert one.until(lambda view: view["problem"])["field"] == "program"


def test_a_destination_refused_in_one_explorer_is_nothing_to_the_other(
    asked: Exploration, two: tuple[Explorer, Explorer], tmp_path: Path
) -> None:
    one, other = [panel(explorer, "DownloadPanel") for explorer in two]
    asked.tick(asked.products["dataURI"][:1].tolist())
    for line in (one, other):
        line.until(lambda view: view["fetch"] == 1 and not view["reason"])
    before = asked.destination
    (tmp_path / "file").write_text("")
    refused = str(tmp_path / "file")
    one.do("destination", destination=refused)
    view = one.until(lambda view: view["wrong"])
    assert (view["destination"], bool(view["reason"])) == (refused, True)
    one.do("layout", layout="flat")
    view = one.until(lambda view: view["layout"] == "flat")
    assert view["wrong"], "another layout makes no folder of a file"
    view = other.until(lambda view: view["layout"] == "flat" and not view["reason"])
    assert (view["destination"], view["wrong"], view["problem"]) == (before, "", "")
    other.do("destination", destination=str(tmp_path / "better"))
    view = one.until(lambda view: view["destination"] == str(tmp_path / "better"))
    assert view["wrong"] == ""


def test_closing_one_explorer_leaves_the_other_working_and_nothing_behind(
    asked: Exploration, two: tuple[Explorer, Explorer], faulty_archive: LocalArchive
) -> None:
    alone = observers(asked) // 2
    parts = inside(two[0])
    faulty_archive.faults = [Slow(path="Mast.Caom.Products", latency=0.2)]
    panel(two[0], "SearchPanel").do("search", fields=write_fields(Query(program=1386)), stamp="one 1")
    two[0].close()
    assert observers(asked) == alone
    assert not {id(part) for part in (two[0], *parts)} & {id(widget) for widget in _instances.values()}
    assert asked.wait(SECONDS)
    assert panel(two[1], "_Header").until(lambda view: "1386" in view["query"])
    page = Page(next(part for part in inside(two[1]) if isinstance(part, ProductGrid)))
    page.send(type="tick", uri=page.rows()[1]["uri"][0], on=True)
    assert panel(two[1], "DownloadPanel").until(lambda view: view["fetch"] == 1)
    two[1].close()
    assert observers(asked) == 0


def test_a_closed_panel_leaves_nothing_behind(asked: Exploration) -> None:
    before = observers(asked), set(_instances)
    for kind in PANELS:
        getattr(jw, kind)(asked).close()
        assert (observers(asked), set(_instances)) == before, kind


def test_the_saved_state_holds_no_rows_and_no_query(explorer: Explorer) -> None:
    for part in inside(explorer):
        state = part.get_state()
        assert "jw02733002" not in str(state)
        # the browser's own code is the same for every session; nothing else of any size is kept
        rest = {name: value for name, value in state.items() if name not in {"_esm", "_css", "js_pre_grid"}}
        assert len(str(rest)) < 60_000 if not isinstance(part, Panel) else len(str(rest)) < 2_000
    assert isinstance(explorer, ipywidgets.Box)
