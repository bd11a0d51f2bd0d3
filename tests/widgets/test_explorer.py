"""The Explorer: all panels on one exploration, opened and closed together."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest

from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.explorer import Explorer
from jwstmq_widgets.widgets.panel import Panel
from tests.widgets.conftest import SECONDS, Place


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


def test_closing_it_leaves_a_shared_exploration_alone(asked: Exploration) -> None:
    one, two = Explorer(exploration=asked), Explorer(exploration=asked)
    one.close()
    asked.search(Query(program=2733, instrument="nircam"))
    assert asked.wait(SECONDS)
    assert panel(two, "_Header").until(lambda view: "NIRCAM" in view["query"])
    two.close()


def test_the_saved_state_holds_no_rows_and_no_query(explorer: Explorer) -> None:
    for part in inside(explorer):
        state = part.get_state()
        assert "jw02733002" not in str(state)
        # the browser's own code is the same for every session; nothing else of any size is kept
        rest = {name: value for name, value in state.items() if name not in {"_esm", "_css", "js_pre_grid"}}
        assert len(str(rest)) < 60_000 if not isinstance(part, Panel) else len(str(rest)) < 2_000
    assert isinstance(explorer, ipywidgets.Box)
