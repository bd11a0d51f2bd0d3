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
    """Read files of the browser's side, one after the other.

    Parameters
    ----------
    *names
        File names in ``widgets/static``.

    Returns
    -------
    str
    """
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in names)


class Panel(anywidget.AnyWidget):
    """A view of an exploration.

    A panel holds no data. What it shows travels as custom messages, so that a saved notebook holds nothing of it:
    ``{"view": …}`` to the browser after a change, ``{"do": verb, …}`` from the browser for an act of the user.
    The browser says ``{"do": "ready"}`` when it has drawn itself, and gets the present view.

    Parameters
    ----------
    exploration
        What to show.
    """

    watches: ClassVar[tuple[str, ...]] = ()
    """Names of the exploration's traits that the panel draws."""

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        self.exploration = exploration
        super().__init__(**traits)
        self._redraw = Redraw(self._draw)
        self._acts: Mapping[str, Callable[..., None]] = {"ready": self._redraw, **self.acts()}
        self.on_msg(self._received)
        exploration.observe(self._changed, names=list(self.watches))

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show, as JSON values."""
        return {}

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for: a verb to what it calls, with the message's other fields by name."""
        return {}

    def close(self) -> None:
        """Stop watching, and free the widget."""
        self._redraw.close()
        self.exploration.unobserve(self._changed, names=list(self.watches))
        super().close()

    def _changed(self, _change: Any) -> None:
        self._redraw()

    def _draw(self) -> None:
        self.send({"view": self.view()})

    def _received(self, _widget: Any, content: Any, _buffers: Any) -> None:
        message = dict(content) if isinstance(content, dict) else {}
        act = self._acts.get(message.pop("do", None))
        if act is None:
            return
        try:
            act(**message)
        except TypeError:  # a message of another shape than ours, as from a page of an older version
            _logger.exception("a message could not be understood")
