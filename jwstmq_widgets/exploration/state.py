"""A state whose values are frozen and replaced whole, safe to change from any thread."""

import contextlib
import logging
import threading
from collections import deque
from typing import Any

import traitlets

__all__ = ["State", "value"]

_logger = logging.getLogger(__name__)


class _Value(traitlets.Any):
    """A trait of which identity is compared: comparing tables by value costs seconds."""

    def set(self, obj: Any, value: Any) -> None:
        name = str(self.name)
        old = getattr(obj, name)
        obj._trait_values[name] = value  # noqa: SLF001  (as traitlets' own TraitType.set does)
        if old is not value:
            obj._notify_trait(name, old, value)  # noqa: SLF001


def value(default: Any, text: str) -> Any:
    """Declare a value of a state; only the state itself may set it.

    Parameters
    ----------
    default
        First value.
    text
        What it is.

    Returns
    -------
    traitlets.TraitType
    """
    return _Value(default, read_only=True, help=text)


class State(traitlets.HasTraits):
    """Traits that any thread may change.

    A change is seen at once by whoever reads. Observers are told afterwards, one change after the other and with no
    lock held, so that they may take locks of their own. An observer that fails is logged and ends nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._pending: deque[Any] = deque()
        self._telling = threading.Lock()
        super().__init__()

    def notify_change(self, change: Any) -> None:
        """Keep a change for the observers; they are told when no lock is held."""
        self._pending.append(change)

    def _put(self, **values: Any) -> None:
        self._set(**values)
        self._tell()

    def _set(self, **values: Any) -> None:
        with self._lock:
            for name, new in values.items():
                self.set_trait(name, new)

    def _tell(self) -> None:
        while self._pending:
            if not self._telling.acquire(blocking=False):
                return  # another thread is telling, and takes ours too
            try:
                while self._pending:
                    with contextlib.suppress(IndexError):
                        self._tell_one(self._pending.popleft())
            finally:
                self._telling.release()

    def _tell_one(self, change: Any) -> None:
        try:
            super().notify_change(change)
        except Exception:  # a view that fails must not end the work that it shows
            _logger.exception("an observer of %r failed", change["name"])
