"""A state whose values are frozen and replaced whole, safe to change from any thread."""

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import traitlets

from jwstmq_widgets.exploration.jobs import Problem

__all__ = ["State", "Writer", "value"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """The right to change a state, which a state gives to its parts alone."""

    lock: AbstractContextManager[Any]
    """While it is held nobody else changes the state."""
    set: Callable[..., None]
    """Sets values by name; observers are not told yet."""
    tell: Callable[[], None]
    """Tells observers what was set. Not to be called with the lock held."""
    put: Callable[..., None]
    """Sets values by name, and tells."""
    fail: Callable[[str, Problem], None]
    """Takes down a problem of some work."""
    clear: Callable[[str], None]
    """Drops the problem of some work, if there is one."""


class State(traitlets.HasTraits):
    """Traits that any thread may change.

    A change is seen at once by whoever reads. Observers are told afterwards, one change after the other and with no
    lock held, so that they may take locks of their own. An observer that fails is logged and ends nothing.
    """

    problems = value(MappingProxyType({}), "Name of some work to the Problem in which it ended.")

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._pending: deque[Any] = deque()
        self._telling = threading.Lock()
        super().__init__()

    def notify_change(self, change: Any) -> None:
        """Keep a change for the observers; they are told when no lock is held."""
        self._pending.append(change)

    @property
    def _writer(self) -> Writer:
        return Writer(
            lock=self._lock, set=self._set, tell=self._tell, put=self._put, fail=self._fail, clear=self._clear
        )

    def _put(self, **values: Any) -> None:
        self._set(**values)
        self._tell()

    def _fail(self, name: str, problem: Problem) -> None:
        with self._lock:
            self._set(problems=MappingProxyType({**self.problems, name: problem}))
        self._tell()

    def _clear(self, name: str) -> None:
        with self._lock:
            if name in self.problems:
                self._set(problems=self._problems_but(name))
        self._tell()

    def _problems_but(self, name: str) -> Mapping[str, Problem]:
        return MappingProxyType({key: problem for key, problem in self.problems.items() if key != name})

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
