"""The files of a download that wait for their turn."""

import heapq
from collections import deque
from collections.abc import Iterable

__all__ = ["Waiting"]


class Waiting:
    """Files that wait: those that nobody has tried, in their order, and those that are tried again at some moment.

    Not safe for several threads by itself: its user holds a lock.

    Parameters
    ----------
    files
        Their places in the plan, in the order in which they begin.
    """

    __slots__ = ("_again", "fresh")

    def __init__(self, files: Iterable[int]) -> None:
        self.fresh: deque[int] = deque(files)
        """Those that nobody has tried."""
        self._again: list[tuple[float, int]] = []  # a heap: when, and which

    def __bool__(self) -> bool:
        return bool(self.fresh or self._again)

    @property
    def some_again(self) -> bool:
        """Whether any is tried again."""
        return bool(self._again)

    def again(self, index: int, moment: float) -> None:
        """Have a file tried again, not before a moment."""
        heapq.heappush(self._again, (moment, index))

    def due(self, now: float) -> bool:
        """Whether one that is tried again may begin."""
        return bool(self._again) and self._again[0][0] <= now

    def seconds(self, now: float) -> float:
        """Give how long it is until the next of them may begin; there is one."""
        return 0.0 if self.fresh else self._again[0][0] - now

    def take(self, now: float) -> int:
        """Give the next that may begin: one that is due again, or else the first that nobody has tried."""
        return heapq.heappop(self._again)[1] if self.due(now) else self.fresh.popleft()

    def clear(self) -> list[int]:
        """Have none wait any more; gives them, ascending."""
        left = sorted({*self.fresh, *(index for _, index in self._again)})
        self.fresh.clear()
        self._again.clear()
        return left
