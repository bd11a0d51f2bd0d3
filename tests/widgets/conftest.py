"""What stands in for a browser: a line to it that remembers, and a place where a panel is displayed."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import comm
import pytest
from comm.base_comm import BaseComm

from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.panel import Panel

SECONDS = 20


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
        """Give the custom messages with their buffers."""
        return [(data["content"], buffers) for data, buffers in list(self.sent) if data.get("method") == "custom"]


class Place:
    """A place in the browser where a panel is displayed."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.line: Line = panel.comm
        self.do("ready")

    def do(self, verb: str, **fields: Any) -> None:
        """Send what the browser sends for an act of the user."""
        data = {"method": "custom", "content": {"do": verb, **fields}}
        self.panel._handle_msg({"content": {"data": data}, "buffers": []})

    def messages(self) -> list[tuple[dict[str, Any], list[Any]]]:
        return self.line.customs()

    def until(self, test: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        """Wait until the last view passes, and give it."""

        def last() -> dict[str, Any] | None:
            views = [message["view"] for message, _ in self.messages() if "view" in message]
            return views[-1] if views and test(views[-1]) else None

        with self.line.changed:
            assert self.line.changed.wait_for(last, SECONDS), [m for m, _ in self.messages()][-3:]
        view = last()
        assert view
        return view

    def picture(self, uri: str) -> tuple[dict[str, Any], list[Any]]:
        """Wait for a picture."""

        def found() -> Any:
            answers = [(m["picture"], b) for m, b in self.messages() if m.get("picture", {}).get("uri") == uri]
            return answers[-1] if answers else None

        with self.line.changed:
            assert self.line.changed.wait_for(found, SECONDS)
        answer: tuple[dict[str, Any], list[Any]] = found()
        return answer


@pytest.fixture(autouse=True)
def _browser(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setattr(comm, "create_comm", Line)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    monkeypatch.delenv("MAST_API_TOKEN", raising=False)


@pytest.fixture
def unasked(faulty_archive: LocalArchive, tmp_path: Path) -> Iterator[Exploration]:
    """An exploration of the local archive of which nothing was asked yet."""
    exploration = Exploration(faulty_archive.url, destination=tmp_path / "data")
    assert exploration.wait(SECONDS)
    yield exploration
    exploration.close()
    assert exploration.wait(SECONDS)


@pytest.fixture
def asked(unasked: Exploration) -> Exploration:
    """An exploration that has found the MIRI observations of program 2733."""
    unasked.search(Query(program=2733, instrument="miri"))
    assert unasked.wait(SECONDS)
    assert not unasked.problems
    return unasked


@pytest.fixture
def place() -> Iterator[Callable[[Panel], Place]]:
    """Display panels; they are closed at the end."""
    panels: list[Panel] = []

    def display(panel: Panel) -> Place:
        panels.append(panel)
        return Place(panel)

    yield display
    for panel in panels:
        panel.close()
