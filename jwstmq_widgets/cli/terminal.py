"""What people and programs see of the command line: tables on stdout, one moving line on stderr."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self, TextIO

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["FORMATS", "Format", "ProgressLine", "ask", "printable", "say", "width_of", "write_table"]

Format = Literal["table", "csv", "ecsv", "json"]
FORMATS: tuple[Format, ...] = ("table", "csv", "ecsv", "json")

_MJD_0 = datetime(1858, 11, 17, tzinfo=UTC)
_DATES = frozenset({"t_min", "t_max", "t_obs_release", "release"})
_REDRAW_EVERY = 0.1
_PLAIN_LINE_EVERY = 10.0
_USUAL_WIDTH = 80


def write_table(table: "Table", *, format: Format, columns: Sequence[str], stream: TextIO) -> None:  # noqa: A002
    """Write a table.

    Parameters
    ----------
    table
        The table.
    format
        ``"table"`` is for eyes: some columns, sizes and dates as people write them. The others hold every column
        with plain values; missing reals are empty in CSV and null in JSON.
    columns
        The columns that ``"table"`` shows.
    stream
        Where it goes.
    """
    from jwstmq_widgets.tables.tablefiles import write_csv, write_ecsv, write_json

    if format == "ecsv":
        write_ecsv(table, stream)
    elif format == "csv":
        write_csv(table, stream)
    elif format == "json":
        write_json(table, stream)
    else:
        stream.writelines(_lines(table, columns))


def say(message: str) -> None:
    """Write a sentence for people on stderr.

    Parameters
    ----------
    message
        The sentence.
    """
    sys.stderr.write(f"{printable(message)}\n")
    sys.stderr.flush()


def ask(question: str) -> bool:
    """Ask a person yes or no, on stderr.

    Parameters
    ----------
    question
        The question, without its choices.

    Returns
    -------
    bool
        True for y or yes; False for all else, the end of input too.
    """
    sys.stderr.write(f"{printable(question)} [y/n] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


class ProgressLine:
    """One line that says how far a job is; wiped at its end.

    On a terminal the line is written over itself, ten times a second at the most. Elsewhere (a log, a pipe) it is
    a plain line every ten seconds at the most, so that a log stays short.

    Parameters
    ----------
    stream
        Where it goes; stderr by default.
    clock
        Gives seconds.
    """

    def __init__(self, stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._moves = self._stream.isatty()
        self._clock = clock
        self._next = clock() + (0.0 if self._moves else _PLAIN_LINE_EVERY)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._moves:
            self._put("\r\x1b[K")

    def show(self, text: str) -> None:
        """Show how far the job is, unless the last line is too young.

        Parameters
        ----------
        text
            What to show; cut to the terminal's width.
        """
        now = self._clock()
        if now < self._next:
            return
        if self._moves:
            self._next = now + _REDRAW_EVERY
            self._put(f"\r\x1b[K{printable(text)[: width_of(self._stream) - 1]}")
        else:
            self._next = now + _PLAIN_LINE_EVERY
            self._put(f"{printable(text)}\n")

    def _put(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def width_of(stream: TextIO) -> int:
    """Give the columns of a terminal; 80 where nobody knows."""
    # Not shutil.get_terminal_size(): that asks stdout, which may be a file while stderr is the terminal.
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_WIDTH
    except OSError:
        return _USUAL_WIDTH


def printable(text: str) -> str:
    """Take the power over the terminal from a text: an archive's target name may hold escape sequences."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "�" for letter in text)


def _lines(table: "Table", columns: Sequence[str]) -> Iterable[str]:
    shown = [name for name in columns if name in table.colnames]
    right = [table[name].dtype.kind in "if" and name not in _DATES for name in shown]
    cells = [_cells(name, table[name].tolist()) for name in shown]
    widths = [max([len(name), *map(len, column)]) for name, column in zip(shown, cells, strict=True)]
    for row in (shown, ["-" * width for width in widths], *zip(*cells, strict=True)):
        texts = (
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(row, widths, right, strict=True)
        )
        yield "  ".join(texts).rstrip() + "\n"


def _cells(name: str, values: list[Any]) -> list[str]:
    if name in _DATES:
        return [_date(value) for value in values]
    if name == "size":
        from jwstmq_widgets.tables import format_size

        return [format_size(value) for value in values]
    if name in {"program", "observation"}:
        return ["–" if value < 0 else str(value) for value in values]
    return [
        ("–" if math.isnan(value) else f"{value:.1f}") if isinstance(value, float) else printable(str(value))
        for value in values
    ]


def _date(mjd: float) -> str:
    return "–" if math.isnan(mjd) else (_MJD_0 + timedelta(days=mjd)).strftime("%Y-%m-%d %H:%M")
