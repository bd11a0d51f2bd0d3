"""What the user ticks and chooses in a grid, as calls on its subject."""

from collections.abc import Callable, Mapping
from typing import Any

from jwstmq_widgets.widgets.grids.subject import Subject
from jwstmq_widgets.widgets.grids.views import GridViews

__all__ = ["GridChoices"]


class GridChoices:
    """Ticks rows and chooses facets, as the browser's messages say.

    Ticks of rows that have changed since the browser drew them are passed over.

    Parameters
    ----------
    subject
        Whose rows and facets.
    views
        Which rows each view shows.
    ticked
        Called after ticks: the browser has drawn its wish already, and is to be told also where nothing has changed.
    """

    def __init__(self, subject: Subject, views: GridViews, *, ticked: Callable[[], None]) -> None:
        self._subject = subject
        self._views = views
        self._ticked = ticked

    def acts(self) -> Mapping[str, Callable[[Mapping[str, Any]], None]]:
        """Give what the browser may ask for: the type of its message to what takes it."""
        return {
            "tick": self._tick_one,
            "range": self._tick_range,
            "all": self._tick_all,
            "invert": self._invert,
            "clear": self._clear,
            "facet": self._choose,
            "lift": self._lift,
            "clear_choices": self._clear_choices,
        }

    def _tick_one(self, content: Mapping[str, Any]) -> None:
        self._tick([str(content["uri"])], on=bool(content["on"]))

    def _tick_range(self, content: Mapping[str, Any]) -> None:
        first, last = sorted((int(content["first"]), int(content["last"])))
        self._tick(self._keys(content, slice(max(first, 0), last + 1)), on=bool(content["on"]))

    def _tick_all(self, content: Mapping[str, Any]) -> None:
        self._tick(self._keys(content), on=bool(content["on"]))

    def _tick(self, keys: list[str], *, on: bool) -> None:
        self._subject.tick(keys, on=on)
        self._ticked()

    def _invert(self, content: Mapping[str, Any]) -> None:
        self._subject.invert(self._keys(content))
        self._ticked()

    def _clear(self, _: Mapping[str, Any]) -> None:
        self._subject.clear()

    def _keys(self, content: Mapping[str, Any], part: slice = slice(None)) -> list[str]:
        """Give the keys of a part of a view; none where its rows have changed since the browser drew them."""
        shown = self._views.shown(str(content["view"]), content["table"])
        if shown is None:
            return []
        rows, index = shown
        return rows.uris(index[part])

    def _choose(self, content: Mapping[str, Any]) -> None:
        """Add a value to what is chosen of a facet, or take it away; without a value, lift the facet's choice."""
        name = str(content["name"])
        chosen = self._subject.chosen().get(name, frozenset())
        if "value" not in content:
            self._subject.choose(name, ())
        else:
            value = {str(content["value"])}
            self._subject.choose(name, chosen | value if content["on"] else chosen - value)

    def _lift(self, content: Mapping[str, Any]) -> None:
        self._subject.lift(str(content["kind"]))

    def _clear_choices(self, _: Mapping[str, Any]) -> None:
        self._subject.clear_choices()
