"""How dates are written: ISO or MJD, one or two, open on a side."""

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any

from jwstmq_widgets.errors import QueryError

__all__ = ["MJD_OF_UNIX_EPOCH", "read_dates", "read_lookback", "to_mjd"]

MJD_OF_UNIX_EPOCH = 40587.0
_LAST_MJD = 200000.0  # in the year 2406
_NUMBER = re.compile(r"[+-]?(?!\d{8}$)\d+(\.\d*)?", re.ASCII)  # eight digits are a day, 20220603
_Dates = tuple[float | None, float | None]


def to_mjd(moment: dt.datetime) -> float:
    """Give a moment as MJD (UTC)."""
    return moment.timestamp() / 86400 + MJD_OF_UNIX_EPOCH


def read_dates(value: Any) -> _Dates:
    """Read the earliest and the latest date.

    Parameters
    ----------
    value
        None or ``""`` for no limit; two values, either of them None for an open side; or one text: ``"2022-06-01+"``
        (from then on), ``"2022-06-30-"`` (until then), ``"2022-06-01 2022-06-30"`` or ``"2022-06-01..2022-06-30"``, or
        one day. A date is ISO (UTC where it does not say) or an MJD. A bare day is that whole day.

    Returns
    -------
    tuple
        MJD (UTC); None for an open side.

    Raises
    ------
    QueryError
        If it is none of these.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return (None, None)
    if isinstance(value, (str, bytes, dt.date, int, float)) or not isinstance(value, Iterable):
        return _one(value)
    sides = tuple(value)
    if len(sides) == 1:
        return read_dates(sides[0])
    if len(sides) != 2:
        raise QueryError(
            f"dates {value!r} are not two values: the earliest, the latest (None leaves one open)", field="dates"
        )
    return _two(*sides)


def read_lookback(value: Any) -> float | None:
    """Read a look-back (days).

    Parameters
    ----------
    value
        A number; None or ``""`` for none.

    Returns
    -------
    float or None

    Raises
    ------
    QueryError
        If it is not a number of days.
    """
    if value is None or value == "":
        return None
    try:
        days = float("nan" if isinstance(value, bool) else value)
    except (TypeError, ValueError, OverflowError):
        days = -1.0
    if not 0 < days < 100000:
        raise QueryError(f"look-back {value!r} is not a number of days above 0, such as 3", field="lookback")
    return days


def _one(value: Any) -> _Dates:
    text = value.strip() if isinstance(value, str) else ""
    if text.endswith("+") and text != "+":
        return (_moment(text[:-1].strip()), None)
    if text.endswith("-") and text != "-":
        return (None, _moment(text[:-1].strip(), latest=True))
    if ".." in text and text != "..":
        first, _, last = text.partition("..")
        return _two(first.strip(), last.strip())
    sides = re.split(r"[,\s]+", text)
    if len(sides) == 2 and not re.match(r"\d\d:", sides[1]):
        return _two(*sides)
    earliest, latest = _moment(value), _moment(value, latest=True)
    if earliest is not None and earliest == latest and earliest.is_integer() and _NUMBER.fullmatch(str(value).strip()):
        latest = earliest + 1  # an MJD without a fraction alone is a day
    if earliest == latest:
        raise QueryError(
            f"date {value!r} is a single moment, at which nothing starts; write '{value}+' for from then on, "
            f"'{value}-' for until then, or a day such as 2022-06-03",
            field="dates",
        )
    return (earliest, latest)


def _two(first: Any, last: Any) -> _Dates:
    earliest, latest = _moment(first), _moment(last, latest=True)
    # the latest day as given: a bare one was moved to its end, so that one day before would look like the same moment
    if earliest is not None and latest is not None and earliest > (_moment(last) or latest):
        raise QueryError(f"the dates are reversed: {first} is after {last}; exchange them", field="dates")
    return (earliest, latest)


def _moment(value: Any, *, latest: bool = False) -> float | None:
    """Read a date; a bare day as the latest one ends with that day."""
    if value is None or value == "":
        return None
    text = str(value).strip()
    try:
        if isinstance(value, dt.datetime):
            mjd = to_mjd(value if value.tzinfo else value.replace(tzinfo=dt.UTC))
        elif _NUMBER.fullmatch(text) or (isinstance(value, float) and not isinstance(value, bool)):
            mjd = float(value)
        else:
            moment = dt.datetime.fromisoformat(text)
            mjd = to_mjd(moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC))
            if latest and len(text) <= len("2022-06-03"):
                mjd += 1
    except (ValueError, OverflowError):
        raise QueryError(
            f"date {value!r} is neither a date like 2022-06-03 nor an MJD like 59733.5", field="dates"
        ) from None
    if not 0 < mjd < _LAST_MJD:
        raise QueryError(f"date {value!r} is not an MJD between 0 and 200000, such as 59733.5", field="dates")
    return mjd
