"""A gallery of thumbnails: one card a picture, drawn and fetched only while in sight."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from jwstmq_widgets.exploration import FileState
from jwstmq_widgets.exploration.counts import counted
from jwstmq_widgets.previews import preview_index
from jwstmq_widgets.tables import format_size
from jwstmq_widgets.widgets.emptytext import empty_text
from jwstmq_widgets.widgets.grids.rowmarks import state_words
from jwstmq_widgets.widgets.panel import Panel, static

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["Gallery", "gallery_cards"]

_STAGES = {"3": 0, "2c": 1, "2b": 2, "2a": 3, "1b": 4}
_PICTURES = (".jpg", ".png", ".gif")
_MOST_PLACES = 16
_MOST_IN_SIGHT = 300


def gallery_cards(shown: Table, products: Table) -> tuple[list[int], int]:
    """Choose which products get a card.

    Parameters
    ----------
    shown
        The products to choose from.
    products
        All products, previews among them.

    Returns
    -------
    list of int
        Rows of ``shown``, one for each picture: the file itself rather than its preview, and that rather than its
        thumbnail. The most processed come first, then by name.
    int
        How many of ``shown`` have no preview.
    """
    index = preview_index(products)
    names = np.asarray(shown["productFilename"]).tolist()
    best: dict[str, tuple[int, int]] = {}
    without = 0
    for row, (uri, name) in enumerate(zip(np.asarray(shown["dataURI"]).tolist(), names, strict=True)):
        if uri not in index:
            without += 1
            continue
        picture = name.rpartition(".")[0].removesuffix("_thumb")
        rank = name.endswith(_PICTURES) + ("_thumb." in name)
        if picture not in best or rank < best[picture][0]:
            best[picture] = (rank, row)
    stages = np.asarray(shown["stage"]).tolist()
    rows = sorted((row for _, row in best.values()), key=lambda row: (_STAGES.get(stages[row], 5), names[row]))
    return rows, without


class Gallery(Panel):
    """Thumbnails of the shown products; ticks are the exploration's, so that the grid has the same.

    Parameters
    ----------
    exploration
        Whose ``shown``, as ``facets`` and ``chosen_observations`` narrow it, ``ticked`` and ``states`` are drawn.
    height
        Height of the cards' window, in px.
    """

    _esm = static("dom.js", "gallery.js")
    styles = ("gallery.css",)
    watches = ("shown", "facets", "chosen_observations", "ticked", "states", "jobs")

    def __init__(self, exploration: "Exploration", *, height: int = 420, **traits: Any) -> None:
        self._height = int(height)
        self._lock = threading.Lock()
        self._table: Table | None = None
        self._of: tuple[Any, ...] = (None, None, None, None)
        self._within: npt.NDArray[np.bool_] | None = None
        self._number = 0
        self._choice = 0
        self._cards: list[int] = []
        self._without = 0
        self._in_sight: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._wanted: OrderedDict[str, list[str]] = OrderedDict()
        super().__init__(exploration, **traits)

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show: how many cards, and those that are in sight somewhere."""
        with self._lock:
            seen = bool(self._in_sight)
        shown, cards = self._arranged() if seen else (self.exploration.shown, [])
        with self._lock:
            places = {place for first, last in self._in_sight.values() for place in range(first, last + 1)}
        names = ("dataURI", "productFilename", "size", "target_name")
        columns = {name: shown[name] for name in names}
        ticked, states = self.exploration.ticked, self.exploration.states
        drawn = []
        for place in sorted(place for place in places if place < len(cards)):
            row = {name: column[cards[place]] for name, column in columns.items()}
            uri = str(row["dataURI"])
            drawn.append(
                {
                    "place": place,
                    "uri": uri,
                    "name": str(row["productFilename"]),
                    "target": str(row["target_name"]),
                    "size": format_size(row["size"]),
                    "ticked": uri in ticked,
                    **_state(states.get(uri)),
                }
            )
        return {
            "table": self._number,
            "choice": self._choice,
            "height": self._height,
            "count": len(cards),
            "cards": drawn,
            "note": self._note(len(cards)),
            "empty": self._empty_text(len(cards)) if seen else "",
        }

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for."""
        return {"look": self._look, "tick": self._tick, "gone": self._gone}

    def close(self) -> None:
        """Stop watching and fetching, and free the widget."""
        self.exploration.forget_thumbnails(self._show_picture)
        super().close()

    def _arranged(self) -> tuple[Table, list[int]]:
        """Give the table and its cards; they are worked out when the table is another one and somebody looks."""
        state = self.exploration
        by_state = state.states if "state" in state.facets else None
        of = (state.shown, state.facets, state.chosen_observations, by_state)
        changed = [new is not old for new, old in zip(of, self._of, strict=True)]
        if self._table is None or any(changed):
            shown, within = of[0], state.narrowing(of[0])
            chosen = self._table is None or any(changed[:3])
            if chosen or self._within is None or not np.array_equal(within, self._within):
                table = shown if within is None else shown[within]
                cards, without = gallery_cards(table, state.products)
                with self._lock:
                    self._table, self._within, self._number = table, within, self._number + 1
                    self._choice += chosen  # the browser goes to the top; not where a file's state has changed
                    self._cards, self._without = cards, without
                    self._wanted.clear()
            self._of = of
        return self._table, self._cards

    def _look(self, page: str, first: int, last: int, pictures: Iterable[str] = ()) -> None:
        """Note which cards are in sight at one place in the browser, and fetch the pictures that it has not."""
        wanted = [str(uri) for uri in pictures][:_MOST_IN_SIGHT]
        first = max(int(first), 0)
        with self._lock:
            self._in_sight[page] = (first, min(int(last), first + _MOST_IN_SIGHT))
            self._in_sight.move_to_end(page)
            self._wanted[page] = wanted
            while len(self._in_sight) > _MOST_PLACES:
                self._wanted.pop(self._in_sight.popitem(last=False)[0], None)
        self._fetch(wanted)

    def _fetch(self, first: Iterable[str] = ()) -> None:
        """Have the pictures fetched that some place wants, some of them first; what was scrolled past is not."""
        with self._lock:
            wanted = dict.fromkeys([*first, *(uri for uris in self._wanted.values() for uri in uris)])
        self.exploration.forget_thumbnails(self._show_picture)
        for uri in reversed(wanted):  # the last one asked for comes first
            self.exploration.thumbnail(uri, self._show_picture)

    def _show_picture(self, uri: str, picture: bytes | None, why: str) -> None:
        with self._lock:
            for uris in self._wanted.values():
                if uri in uris:
                    uris.remove(uri)
        self.send({"picture": {"uri": uri, "why": why}}, buffers=[picture] if picture else [])

    def _tick(self, uri: str, on: bool) -> None:
        (self.exploration.tick if on else self.exploration.untick)([uri])

    def _gone(self, page: str) -> None:
        with self._lock:
            self._in_sight.pop(page, None)
            self._wanted.pop(page, None)
        self._fetch()

    def _note(self, cards: int) -> str:
        files = 0 if self._table is None else len(self._table)
        if not files or not cards:
            return ""
        pictures = counted(cards, "picture")
        return f"{pictures} · {counted(self._without, 'file')} without one" if self._without else pictures

    def _empty_text(self, cards: int) -> str:
        if cards:
            return ""
        if self._table is not None and not len(self._table):
            none = "No file passes the chosen facets. Lift some in the product grid."
        else:
            none = "None of the files of the chosen types has a preview. Choose other types, such as cal or i2d."
        return empty_text(self.exploration, what="pictures", shown=none)


def _state(state: FileState | None) -> dict[str, str]:
    if state is None:
        return {"state": "", "words": "", "note": ""}
    return {"state": state.kind, "words": state_words(state), "note": state.message}
