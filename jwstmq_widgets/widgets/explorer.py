"""Everything in one box: the question on top, choosing at the left, files at the right, downloads below."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ipywidgets

from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.exploration.adqlwork import adql_archive
from jwstmq_widgets.exploration.counts import counted
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.adql import AdqlPanel
from jwstmq_widgets.widgets.archivemenu import archive_choices
from jwstmq_widgets.widgets.download import DownloadPanel
from jwstmq_widgets.widgets.filetypes import FiletypePanel
from jwstmq_widgets.widgets.gallery import Gallery
from jwstmq_widgets.widgets.grid import ProductGrid
from jwstmq_widgets.widgets.login import LoginPanel
from jwstmq_widgets.widgets.observationgrid import ObservationGrid
from jwstmq_widgets.widgets.panel import Panel, static
from jwstmq_widgets.widgets.related import RelatedPanel
from jwstmq_widgets.widgets.search import SearchPanel
from jwstmq_widgets.widgets.tree import ProgramTree

if TYPE_CHECKING:
    from astropy.table import Table

    from jwstmq_widgets.archives import Archive
    from jwstmq_widgets.downloads import Manifest

__all__ = ["Explorer"]


class _Header(Panel):
    """What was asked, of whom and when."""

    _esm = static("dom.js", "header.js")
    styles = (
        "explorer.css",
        "header.css",
    )
    watches = ("archive", "address", "query", "observations", "as_of", "jobs", "problems", "warnings", "messages")

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show, as JSON values."""
        state = self.exploration
        closed = state.problems.get("open")
        count = len(state.observations)
        return {
            "address": state.address,
            "archives": archive_choices(state.address),
            "opening": state.running("open") is not None,
            "other": self._other_archive(),
            "warnings": list(state.warnings),
            "messages": list(state.messages),
            "query": "" if state.query.empty else str(state.query),
            "count": counted(count, "observation") if state.as_of is not None else "",
            "as_of": state.as_of.isoformat() if state.as_of is not None else "",
            "searching": state.running("search") is not None,
            "problem": closed.text if closed is not None else "",
        }

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for."""
        return {"refresh": self.exploration.refresh, "open": self._open, "archive": self._choose}

    def _other_archive(self) -> str:
        """Name the archive that answered where another one has replaced it since; else ""."""
        archive, source = self.exploration.archive, self.exploration.source
        return "" if source is None or (archive is not None and archive.url == source.url) else str(source.name)

    def _choose(self, address: str) -> None:
        self.exploration.use_archive(address)

    def _open(self) -> None:
        self.exploration.use_archive(self.exploration.address)


class _Tabs(Panel):
    """The tabs above files and pictures; which one is in front is known to the browser alone.

    ADQL has one only where the archive takes it: elsewhere it could but say that it does not.
    """

    _esm = static("dom.js", "tabs.js")
    watches = ("shown", "observations", "archive")

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show, as JSON values."""
        files, observations = (len(table) for table in (self.exploration.shown, self.exploration.observations))
        tabs = [
            ["products", "Products", f"{files:,}" if files else ""],
            ["observations", "Observations", f"{observations:,}" if observations else ""],
            ["tree", "Program tree", ""],
            ["gallery", "Gallery", ""],
        ]
        if adql_archive(self.exploration.archive) is not None:
            tabs.append(["adql", "ADQL", ""])
        return {"tabs": tabs}


class Explorer(ipywidgets.VBox):
    """Search, choose, look and download, in one box.

    Parameters
    ----------
    query
        Asked at once when given.
    archive
        An archive, or a word, an address or several of them for `open_archive`: ``["mast", "esa"]`` is one list.
    destination
        Folder for downloads.
    layout
        Folders below it: ``"program"``, ``"mast"`` or ``"flat"``.
    exploration
        An exploration to show; then ``archive``, ``destination`` and ``layout`` are its own.

    Examples
    --------
    >>> explorer = jw.Explorer(jw.Query(program=2733), archive="local")
    """

    def __init__(
        self,
        query: Query | None = None,
        archive: "str | Sequence[str] | Archive" = "mast",
        *,
        destination: str | Path = "data",
        layout: str = "program",
        exploration: Exploration | None = None,
    ) -> None:
        self._own = exploration is None
        state = Exploration(archive, destination=destination, layout=layout) if exploration is None else exploration
        self.exploration = state
        header, login = _Header(state), LoginPanel(state, joined=True)
        side = _box("jwstmq-side", SearchPanel(state, query=query, joined=True), FiletypePanel(state, joined=True))
        parts: dict[str, Any] = {
            "products": ProductGrid(state),
            "observations": ObservationGrid(state),
            "tree": ProgramTree(state, joined=True),
            "gallery": Gallery(state, joined=True),
            "adql": AdqlPanel(state, joined=True),
        }
        self.adql: AdqlPanel = parts["adql"]
        for name, part in parts.items():
            part.add_class("jwstmq-tab")
            part.add_class(f"jwstmq-tab-{name}")
        related = RelatedPanel(state, joined=True)
        parts["products"].observe(lambda change: related.look_at_file(change["new"]), names="active_uri")
        main = _box("jwstmq-main", _Tabs(state, joined=True), *parts.values(), related)
        frame = _box(
            "jwstmq-frame",
            _box("jwstmq-top", header, login),
            _box("jwstmq-body", side, main),
            DownloadPanel(state, joined=True),
        )
        super().__init__([frame])
        self.add_class("jwstmq-explorer")
        if query is not None and not query.empty:
            state.search(query)

    @property
    def query(self) -> Query:
        """What was asked; its answer is in observations and products."""
        query: Query = self.exploration.query
        return query

    @property
    def observations(self) -> "Table":
        """The observations found (astropy Table, a row an observation)."""
        return self.exploration.observations

    @property
    def products(self) -> "Table":
        """All products of these observations (astropy Table, a row a file)."""
        return self.exploration.products

    @property
    def selected(self) -> "Table":
        """The ticked products (astropy Table, a row a file)."""
        return self.exploration.selected

    @property
    def manifest(self) -> "Manifest | None":
        """What the last download did; None before the first has ended."""
        return self.exploration.manifest

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing runs: no search, no download.

        Parameters
        ----------
        timeout
            Seconds to wait at most; None for ever.

        Returns
        -------
        bool
            True if nothing runs any more.
        """
        return self.exploration.wait(timeout)

    def close(self) -> None:
        """Stop what runs, if the exploration was made here, and free all panels."""
        if self._own:
            self.exploration.close()
        _close(self.children)
        super().close()
        self.layout.close()  # ipywidgets keeps a closed widget's layout for ever


def _box(name: str, *children: ipywidgets.Widget) -> ipywidgets.Box:
    box = ipywidgets.Box(children)
    box.add_class(name)
    return box


def _close(widgets: tuple[ipywidgets.Widget, ...]) -> None:
    for widget in widgets:
        _close(getattr(widget, "children", ()))
        widget.close()
        widget.layout.close()
