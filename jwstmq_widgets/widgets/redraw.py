"""When to draw: soon after a change, ten times a second at the most, and always the last state."""

import logging
import threading
from collections.abc import Callable

__all__ = ["Redraw"]

_logger = logging.getLogger(__name__)


class Redraw:
    """Ask for a drawing as often as you like; it happens on a thread of its own, at a bounded rate.

    JupyterLab drops messages above about 1000 a second for good, so that a bar would stand still at 20 % for ever.

    Parameters
    ----------
    draw
        Draws. What it raises is logged and ends nothing.
    interval
        Shortest time between two drawings (s).
    """

    def __init__(self, draw: Callable[[], None], *, interval: float = 0.1) -> None:
        self._draw = draw
        self._interval = interval
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._wanted = False
        self._running = False

    def __call__(self) -> None:
        """Ask for a drawing."""
        with self._lock:
            self._wanted = True
            if self._running or self._closed.is_set():
                return
            self._running = True
        threading.Thread(target=self._run, name="jwstmq-redraw", daemon=True).start()

    def close(self) -> None:
        """Draw no more."""
        self._closed.set()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._wanted or self._closed.is_set():
                    self._running = False
                    return
                self._wanted = False
            try:
                self._draw()
            except Exception:  # a drawing that fails must not end the work that it shows
                _logger.exception("drawing failed")
            self._closed.wait(self._interval)
