"""What a terminal shows while files move: one bar, the running files below it, failures above as they come."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from jwstmq_widgets.cli.terminal import printable, width_of
from jwstmq_widgets.tables import format_size

if TYPE_CHECKING:
    from jwstmq_widgets.downloads import DownloadProgress

__all__ = ["MovingDisplay"]

_REDRAW_EVERY = 0.1
_LONGEST_BAR, _SHORTEST_BAR, _SMALL_BAR = 28, 8, 12
_MOST_TOLD = 5
_DONE = "green"


class MovingDisplay:
    """The download as a terminal shows it; wiped at its end, but for what failed.

    Parameters
    ----------
    stream
        The terminal.
    clock
        Gives seconds.
    """

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream, self._clock = stream, clock
        self._console = Console(file=stream, highlight=False, markup=False, emoji=False, width=width_of(stream))
        self._live = Live(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._next, self._told = 0.0, 0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, at: "DownloadProgress") -> None:
        """Show how far the download is, unless the last picture is too young; failures are always told.

        Parameters
        ----------
        at
            How far it is.
        """
        now = self._clock()
        if now < self._next and at.files_failed == self._told:
            return
        self._next = now + _REDRAW_EVERY
        self._console.width = width_of(self._stream)
        for line in failure_lines(at, self._told):
            self._console.print(Text(line, style="red"), soft_wrap=True)
        self._told = at.files_failed
        self._live.update(self._draw(at), refresh=True)

    def _draw(self, at: "DownloadProgress") -> Group:
        facts = [
            f"{format_size(at.bytes_done)} of {format_size(at.bytes_total)}",
            "paused" if at.paused else f"{format_size(at.rate)}/s",
            "" if at.seconds_left is None or at.paused else f"{_duration(at.seconds_left)} left",
            f"{at.files_done:,} of {at.files_total:,} files",
        ]
        line = Text(f"{at.fraction:4.0%}  {' · '.join(fact for fact in facts if fact)}")
        if at.files_failed:
            line.append(f" · {at.files_failed:,} failed", style="red")
        line.no_wrap, line.overflow = True, "ellipsis"
        wide = max(_SHORTEST_BAR, min(_LONGEST_BAR, self._console.width - len(line) - 2))
        head = Table.grid(padding=(0, 1))
        head.add_row(_bar(at.fraction, wide), line)
        files = Table.grid(padding=(0, 1))
        for file in at.running:
            name = Text(printable(file.name), no_wrap=True, overflow="ellipsis")
            size = Text(format_size(max(file.size, file.bytes_done)), no_wrap=True, justify="right")
            files.add_row(_bar(file.bytes_done / file.size if file.size > 0 else 0.0, _SMALL_BAR), size, name)
        return Group(head, files)


def _bar(fraction: float, width: int) -> ProgressBar:
    return ProgressBar(total=1.0, completed=min(fraction, 1.0), width=width, complete_style=_DONE, finished_style=_DONE)


def failure_lines(at: "DownloadProgress", told: int) -> list[str]:
    """Say what failed since the last time, a few lines at the most.

    Parameters
    ----------
    at
        How far the download is.
    told
        How many failures were told.

    Returns
    -------
    list of str
    """
    fresh = at.failed[told:]
    lines = [printable(f"failed: {uri.rpartition('/')[2]}: {message}") for uri, message in fresh[:_MOST_TOLD]]
    return [*lines, f"failed: {len(fresh) - _MOST_TOLD:,} more"] if len(fresh) > _MOST_TOLD else lines


def _duration(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
