"""What every panel does: watch an exploration, draw it in the browser, pass on what the user does."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import anywidget

from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.widgets.redraw import Redraw

__all__ = ["Panel", "static"]

_logger = logging.getLogger(__name__)
_STATIC = Path(__file__).parent / "static"


def static(*names: str) -> str:
    """Read files of the browser's side, one after the other, without indents and without comments on their own lines.

    The text travels with each widget, and lies in saved notebooks.

    Parameters
    ----------
    *names
        File names in ``widgets/static``.

    Returns
    -------
    str
    """
    return "\n".join(_lean((_STATIC / name).read_text(encoding="utf-8")) for name in names)


def _lean(text: str) -> str:
    kept, comment = [], False
    for line in map(str.strip, text.splitlines()):
        comment = comment or line.startswith("/*")
        if line and not comment and not line.startswith("//"):
            kept.append(line)
        comment = comment and not line.endswith("*/")
    return "\n".join(kept)


class Panel(anywidget.AnyWidget):
    """A view of an exploration.

    A panel holds no data. What it shows travels as custom messages, so that a saved notebook holds nothing of it:
    ``{"view": …}`` to the browser after a change, ``{"do": verb, …}`` from the browser for an act of the user.
    The browser says ``{"do": "ready"}`` when it has drawn itself, and gets the present view. ``{"trouble": sentence}``
    tells what nobody foresaw.

    Parameters
    ----------
    exploration
        What to show.
    joined
        Whether it stands in one box with a panel that brings the style sheet which all of them share. A saved notebook
        holds what each panel brings.
    """

    styles: ClassVar[tuple[str, ...]] = ()
    """Names of its own style sheets in ``widgets/static``."""
    watches: ClassVar[tuple[str, ...]] = ()
    """Names of the exploration's traits that the panel draws."""

    def __init__(self, exploration: Exploration, *, joined: bool = False, **traits: Any) -> None:
        self.exploration = exploration
        self._css = static(*(() if joined else ("panel.css",)), *self.styles)
        self._watching: list[tuple[Callable[[Any], None], list[str]]] = []
        super().__init__(**traits)
        self._shown: dict[str, Any] | None = None
        self._redraw = Redraw(self._draw)
        self._acts: Mapping[str, Callable[..., None]] = {"ready": self._ready, **self.acts()}
        self.on_msg(self._received)
        self.watch(self._changed, *self.watches)

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show, as JSON values."""
        return {}

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for: a verb to what it calls, with the message's other fields by name."""
        return {}

    def close(self) -> None:
        """Stop watching, and free the widget; ipywidgets does it again when the panel is collected."""
        self._redraw.close()
        while self._watching:
            call, names = self._watching.pop()
            self.exploration.unobserve(call, names=names)
        self.layout.close()  # ipywidgets keeps a closed widget's layout for ever
        super().close()

    def watch(self, call: Callable[[Any], None], *names: str) -> None:
        """Call something when traits of the exploration change, until the panel is closed.

        Parameters
        ----------
        call
            Called with traitlets' change.
        *names
            Names of the exploration's traits.
        """
        self.exploration.observe(call, names=list(names))
        self._watching.append((call, list(names)))

    def _changed(self, _change: Any) -> None:
        self._redraw()

    def _ready(self) -> None:
        self._shown = None  # a new place in the browser knows nothing yet
        self._redraw()

    def _draw(self) -> None:
        try:
            view = self.view()
        except Exception as error:
            # the log alone would leave the user with a panel that no longer follows
            self._say(error)
            raise
        if view != self._shown:
            self._shown = view
            self.send({"view": view})

    def _received(self, _widget: Any, content: Any, _buffers: Any) -> None:
        message = dict(content) if isinstance(content, dict) else {}
        act = self._acts.get(message.pop("do", None))
        if act is None:
            return
        try:
            act(**message)
            self._ready()  # the browser has drawn the user's wish already: tell it also where nothing has changed
        except Exception as error:  # Jupyter shows an error in a callback nowhere
            _logger.exception("an act of the user failed in %s", type(self).__name__)
            self._say(error)

    def _say(self, error: Exception) -> None:
        name = type(error).__name__
        self._shown = None
        self.send({"trouble": f"This panel failed ({name}: {error}). The log has more; run the cell again."})
