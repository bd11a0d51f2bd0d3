"""Which bytes of a file are still to come, shared by the connections that bring them."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["Span", "Spans"]


@dataclass(slots=True, eq=False)
class Span:
    """Bytes that one connection brings, in order."""

    position: int
    """The next byte to be written; only its own thread changes it."""
    stop: int
    """The byte where it ends; falls when another connection takes its end over."""


class Spans:
    """The spans of one file of known size.

    Parameters
    ----------
    size
        Bytes of the file.
    done
        What is here already: start and stop of each piece, ascending and disjoint.
    least
        Bytes of the smallest span that is offered; at least twice any one read, because what is being read is not
        taken away.
    """

    def __init__(self, size: int, done: Iterable[tuple[int, int]], *, least: int) -> None:
        self._least = least
        self._size = size
        self._changed = threading.Condition()
        self._running: list[Span] = []
        self._waiting: list[Span] = []
        at = 0
        for start, stop in [*done, (size, size)]:
            if at < start:
                self._waiting.append(Span(at, start))
            at = stop

    def take(self) -> Span | None:
        """Take a span that nobody brings; None when there is none."""
        with self._changed:
            if not self._waiting:
                return None
            span = self._waiting.pop(0)
            self._running.append(span)
            return span

    def offer(self) -> tuple[int, int] | None:
        """Give start and stop of what another connection could take over; None when nothing is long enough."""
        with self._changed:
            longest = max(self._running, key=_left, default=None)
            if longest is None or _left(longest) < 2 * self._least:
                return None
            return longest.position + _left(longest) // 2, longest.stop

    def claim(self, start: int) -> Span | None:
        """Take over what was offered; None when it is too late for that."""
        with self._changed:
            for span in self._running:
                if span.position + self._least // 2 <= start < span.stop:
                    claimed, span.stop = Span(start, span.stop), start
                    self._running.append(claimed)
                    return claimed
            return None

    def give_back(self, span: Span) -> None:
        """End with a span; what is left of it waits for somebody else."""
        with self._changed:
            self._running.remove(span)
            if span.position < span.stop:
                self._waiting.append(span)
            self._changed.notify_all()

    @property
    def left(self) -> int:
        """Bytes still to come."""
        with self._changed:
            return sum(_left(span) for span in (*self._running, *self._waiting))

    @property
    def longest(self) -> int:
        """Bytes still to come of the longest span under way, or that waits."""
        with self._changed:
            return max((_left(span) for span in (*self._running, *self._waiting)), default=0)

    @property
    def running(self) -> int:
        """How many spans are under way."""
        with self._changed:
            return len(self._running)

    def wait(self, seconds: float) -> None:
        """Wait until a span ends, at most some seconds."""
        with self._changed:
            self._changed.wait(seconds)

    def done(self) -> list[tuple[int, int]]:
        """Give what is here: start and stop of each piece, ascending."""
        with self._changed:
            gaps = sorted((span.position, span.stop) for span in (*self._running, *self._waiting))
        pieces, at = [], 0
        for start, stop in [*gaps, (self._size, self._size)]:
            if at < start:
                pieces.append((at, start))
            at = max(at, stop)
        return pieces


def _left(span: Span) -> int:
    return span.stop - span.position
