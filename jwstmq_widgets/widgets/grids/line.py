"""The line to a grid's views in the browser: answers to one of them, and what went wrong."""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jwstmq_widgets.errors import JwstmqError

__all__ = ["GridLine"]

_logger = logging.getLogger(__name__)


class GridLine:
    """Sends messages to the views of a grid.

    Parameters
    ----------
    send
        Sends a message with its buffers to all of them, as a widget does.
    """

    def __init__(self, send: Callable[..., None]) -> None:
        self._send = send

    def reply(self, content: Mapping[str, Any], message: Mapping[str, Any], *, buffers: Sequence[bytes] = ()) -> None:
        """Answer a view.

        Parameters
        ----------
        content
            What the view sent.
        message
            The answer.
        buffers
            What goes along in bytes.
        """
        self._send({**message, "view": content.get("view")}, buffers=list(buffers))

    def say(self, error: Exception, *, answers: Mapping[str, Any] | None = None) -> None:
        """Tell in the grid what went wrong; what nobody foresaw goes to the log as well.

        Parameters
        ----------
        error
            What was raised. Jupyter shows errors in callbacks and on threads nowhere.
        answers
            What a view sent; None to tell all views.
        """
        told = str(error)
        if isinstance(error, JwstmqError):
            text = f"{told[:1].upper()}{told[1:]}{'' if told.endswith('.') else '.'}"
        else:
            _logger.error("a grid failed", exc_info=error)
            text = f"The grid could not be drawn ({type(error).__name__}: {told}). The log has more."
        view, request = (None, None) if answers is None else (answers.get("view"), answers.get("request"))
        self._send({"type": "trouble", "view": view, "request": request, "text": text}, buffers=[])
