"""What a user types into a column's filter, read as a condition."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from jwstmq_widgets.errors import QueryError

__all__ = ["NumberCondition", "TextCondition", "TextPart", "date_condition", "number_condition", "text_condition"]

Place = Literal["anywhere", "start", "end", "whole"]

_UNITS = {"b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12}
_NUMBER = r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)"
_COMPARED = re.compile(rf"(<=|>=|<|>|=|)\s*{_NUMBER}")
_BETWEEN = re.compile(rf"{_NUMBER}\s*(?:-|–|\.\.|to)\s*{_NUMBER}")
_DATE = r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?(?:[ t](\d{1,2}):(\d{2}))?"
_COMPARED_DATE = re.compile(rf"(<=|>=|<|>|=|)\s*{_DATE}")
_BETWEEN_DATES = re.compile(rf"{_DATE}\s*(?: - |–|\.\.| to )\s*{_DATE}")
_MJD_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
_UNKNOWN = frozenset({"–", "-", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPart:
    """One text to look for."""

    text: str
    """The text, without the signs that say where it stands."""
    place: Place
    """Where in the value it stands."""
    negated: bool
    """True where values with it are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCondition:
    """Texts of which one must be there, or that must not be there."""

    parts: tuple[TextPart, ...]
    """Texts, separated by commas when typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberCondition:
    """Ranges of which one must hold the number."""

    ranges: tuple[tuple[float, float], ...]
    """Lowest and highest number of each range, both included."""
    unknown: bool = False
    """True where unknown numbers pass."""


def text_condition(typed: str) -> TextCondition:
    """Read the filter of a column of texts.

    Parameters
    ----------
    typed
        Texts separated by commas: ``cal, i2d`` passes values with one of them, ``!thumb`` values without,
        ``^jw02733`` those that begin with it, ``_cal.fits$`` those that end with it, ``^cal$`` this value only.

    Returns
    -------
    TextCondition
        Without parts for an empty filter, which passes everything.
    """
    parts = []
    for piece in typed.split(","):
        text = piece.strip()
        negated = text.startswith("!")
        text = text.removeprefix("!").strip()
        start, end = text.startswith("^"), text.endswith("$")
        text = text.removeprefix("^").removesuffix("$")
        if text:
            place: Place = "whole" if start and end else "start" if start else "end" if end else "anywhere"
            parts.append(TextPart(text=text, place=place, negated=negated))
    return TextCondition(parts=tuple(parts))


def number_condition(typed: str, *, column: str, size: bool = False) -> NumberCondition:
    """Read the filter of a column of numbers.

    Parameters
    ----------
    typed
        Comparisons or ranges separated by commas: ``> 10 MB``, ``5-40``, ``3, 7``, ``unknown``.
    column
        The column's title, for the error.
    size
        True for sizes in bytes: numbers may have a unit (B, kB, MB, GB, TB; powers of 1000) and are MB without one,
        and a number alone means "at least".

    Returns
    -------
    NumberCondition
        Without ranges for an empty filter, which passes everything.

    Raises
    ------
    QueryError
        Where a piece is neither a comparison nor a range.
    """
    ranges = []
    unknown = False
    for piece in typed.lower().split(","):
        text = piece.strip()
        if text in _UNKNOWN:
            unknown = True
        elif text:
            ranges.append(_range(text, column=column, size=size))
    return NumberCondition(ranges=tuple(ranges), unknown=unknown)


def date_condition(typed: str, *, column: str) -> NumberCondition:
    """Read the filter of a column of dates.

    Parameters
    ----------
    typed
        Comparisons or ranges separated by commas: ``2022-07``, ``> 2022-07-12``, ``2022-06 .. 2022-08``, ``unknown``.
        A year, month or day alone stands for all of it.
    column
        The column's title, for the error.

    Returns
    -------
    NumberCondition
        In MJD; without ranges for an empty filter, which passes everything.

    Raises
    ------
    QueryError
        Where a piece is neither a comparison nor a range of dates.
    """
    ranges = []
    unknown = False
    for piece in typed.lower().split(","):
        text = piece.strip()
        if text in _UNKNOWN:
            unknown = True
        elif text:
            ranges.append(_date_range(text, column=column))
    return NumberCondition(ranges=tuple(ranges), unknown=unknown)


def _date_range(text: str, *, column: str) -> tuple[float, float]:
    try:
        compared = _COMPARED_DATE.fullmatch(text)
        if compared:
            sign, *parts = compared.groups()
            first, after = _span(parts)
            before = math.nextafter(after, -math.inf)
            return {
                ">": (after, math.inf),
                ">=": (first, math.inf),
                "<": (-math.inf, math.nextafter(first, -math.inf)),
                "<=": (-math.inf, before),
            }.get(sign, (first, before))
        between = _BETWEEN_DATES.fullmatch(text)
        if between:
            parts = list(between.groups())
            return _span(parts[:5])[0], math.nextafter(_span(parts[5:])[1], -math.inf)
    except (ValueError, OverflowError):
        pass  # such as 2022-13
    raise QueryError(
        f"'{text}' is no filter for {column}; write for example 2022-07, > 2022-07-12 or 2022-06 .. 2022-08.",
        field=column,
    )


def _span(parts: list[str | None]) -> tuple[float, float]:
    """Give begin and end (MJD) of a year, month, day or minute; the end is the first moment after it."""
    year, month, day, hour, minute = (None if part is None else int(part) for part in parts)
    first = datetime(year or 1, month or 1, day or 1, hour or 0, minute or 0, tzinfo=UTC)
    if minute is not None:
        after = first + timedelta(minutes=1)
    elif day is not None:
        after = first + timedelta(days=1)
    elif month is not None:
        after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    else:
        after = first.replace(year=first.year + 1)
    return _mjd(first), _mjd(after)


def _mjd(moment: datetime) -> float:
    return (moment - _MJD_EPOCH) / timedelta(days=1)


def _range(text: str, *, column: str, size: bool) -> tuple[float, float]:
    compared = _COMPARED.fullmatch(text)
    if compared:
        sign, digits, unit = compared.groups()
        return _compared(sign or (">=" if size else "="), _number(digits, unit, text, column=column, size=size))
    between = _BETWEEN.fullmatch(text)
    if between:
        low, low_unit, high, high_unit = between.groups()
        return (
            _number(low, low_unit or high_unit, text, column=column, size=size),
            _number(high, high_unit, text, column=column, size=size),
        )
    raise _unreadable(text, column=column, size=size)


def _compared(sign: str, number: float) -> tuple[float, float]:
    match sign:
        case ">":
            return math.nextafter(number, math.inf), math.inf
        case ">=":
            return number, math.inf
        case "<":
            return -math.inf, math.nextafter(number, -math.inf)
        case "<=":
            return -math.inf, number
        case _:
            return number, number


def _number(digits: str, unit: str, text: str, *, column: str, size: bool) -> float:
    if not size and not unit:
        return float(digits)
    if size and (unit or "mb") in _UNITS:
        return float(digits) * _UNITS[unit or "mb"]
    raise _unreadable(text, column=column, size=size)


def _unreadable(text: str, *, column: str, size: bool) -> QueryError:
    example = "> 10 MB, 5-40 MB or unknown" if size else "3, > 2 or 1-5"
    return QueryError(f"'{text}' is no filter for {column}; write for example {example}.", field=column)
