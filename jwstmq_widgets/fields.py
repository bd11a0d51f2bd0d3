"""How what a user writes becomes the strict values of a query."""

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.filenames import DETECTORS, INSTRUMENTS, canonical_detector

__all__ = [
    "CALIB_LEVELS",
    "MJD_OF_UNIX_EPOCH",
    "MODES",
    "read_coordinates",
    "read_dates",
    "read_detector",
    "read_guidestars",
    "read_instrument",
    "read_level",
    "read_lookback",
    "read_mode",
    "read_observation",
    "read_program",
    "read_radius",
    "several",
    "to_mjd",
    "unique",
]

MODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "NIRCAM": ("image", "coron", "grism", "wfss", "targacq"),
        "NIRSPEC": ("ifu", "msa", "slit", "bots", "image", "targacq"),
        "NIRISS": ("image", "wfss", "soss", "ami"),
        "MIRI": ("image", "ifu", "slit", "slitless", "coron", "targacq"),
        "FGS": ("fgs1", "fgs2"),
    }
)
"""Observing modes of each instrument, as the second half of MAST's ``instrument_name`` (``MIRI/IFU``) in lower case."""

CALIB_LEVELS: tuple[int, ...] = (-1, 0, 1, 2, 3, 4)
"""CAOM calibration levels; -1 is planned."""

_MODE_ALIASES = {
    "imaging": "image",
    "mrs": "ifu",
    "mos": "msa",
    "lrs": "slit",
    "fs": "slit",
    "coronagraphy": "coron",
}
MJD_OF_UNIX_EPOCH = 40587.0
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?")
_TO_DEGREES = {
    "deg": 1.0, "degree": 1.0, "degrees": 1.0, "d": 1.0,
    "arcmin": 1 / 60, "arcminute": 1 / 60, "arcminutes": 1 / 60, "m": 1 / 60, "'": 1 / 60,
    "arcsec": 1 / 3600, "arcsecond": 1 / 3600, "arcseconds": 1 / 3600, "s": 1 / 3600, '"': 1 / 3600,
}  # fmt: skip


def several(value: Any) -> tuple[Any, ...]:
    """Give a value, a text with commas, or many values, as a tuple."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return ()
    if isinstance(value, str):
        return tuple(part for part in re.split(r"[,;\s]+", value.strip()) if part)
    if isinstance(value, Iterable):
        return tuple(value)
    return (value,)


def unique(values: Iterable[Any]) -> tuple[Any, ...]:
    """Give each value once, in the order of first appearance."""
    return tuple(dict.fromkeys(values))


def _whole(value: Any, *, field: str, what: str, example: str, highest: int) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or not 0 < int(text) <= highest:
        raise QueryError(f"{what} {value!r} is not a number from 1 to {highest}; try {example}", field=field)
    return int(text)


def read_program(value: Any) -> int | None:
    """Read a program number."""
    if value is None or value == "":
        return None
    return _whole(value, field="program", what="program", example="2733", highest=99999)


def read_observation(value: Any) -> int:
    """Read an observation number."""
    return _whole(value, field="observations", what="observation", example="1, 2", highest=999)


def _nearest(value: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(value.lower(), [name.lower() for name in names], n=1, cutoff=0.5)
    if close:
        nearest = next(name for name in names if name.lower() == close[0])
        return f"did you mean '{nearest}'?"
    return f"known are {', '.join(names)}"


def read_instrument(value: Any) -> str:
    """Read an instrument."""
    name = str(value).strip().upper()
    if name not in INSTRUMENTS:
        raise QueryError(f"instrument {value!r} is unknown; {_nearest(name, INSTRUMENTS)}", field="instrument")
    return name


def read_mode(value: Any, instruments: tuple[str, ...]) -> str:
    """Read an observing mode of some instruments; of any when there are none."""
    name = str(value).strip().lower()
    name = name.partition("/")[2] or name
    known = unique(mode for instrument in instruments or MODES for mode in MODES[instrument])
    if name in known:
        return name
    hint = f"did you mean '{_MODE_ALIASES[name]}'?" if _MODE_ALIASES.get(name) in known else _nearest(name, known)
    place = f" for {'/'.join(instruments)}" if instruments else ""
    raise QueryError(f"mode {str(value)!r} is unknown{place}; {hint}", field="modes")


def read_detector(value: Any) -> str:
    """Read a detector."""
    try:
        return canonical_detector(str(value))
    except ValueError:
        raise QueryError(
            f"detector {str(value)!r} is unknown; {_nearest(str(value), DETECTORS)}", field="detectors"
        ) from None


def read_level(value: Any) -> int:
    """Read a calibration level."""
    try:
        level = int(str(value))
    except ValueError:
        level = -2
    if level not in CALIB_LEVELS:
        raise QueryError(
            f"calibration level {value!r} is unknown; known are {', '.join(map(str, CALIB_LEVELS))}",
            field="calib_levels",
        )
    return level


def read_guidestars(value: Any) -> bool | Literal["only"]:
    """Read what is wanted of guide stars."""
    if isinstance(value, bool):
        return value
    if value == "only":
        return "only"
    raise QueryError(f"guidestars {value!r} is neither True, False nor 'only'", field="guidestars")


def to_mjd(moment: datetime) -> float:
    """Give a moment as MJD (UTC)."""
    return moment.timestamp() / 86400 + MJD_OF_UNIX_EPOCH


def _moment(value: Any, *, latest: bool) -> float | None:
    """Read a date; a bare day as the latest one ends with that day."""
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        mjd = float(value)
    elif isinstance(value, datetime):
        mjd = to_mjd(value if value.tzinfo else value.replace(tzinfo=UTC))
    else:
        text = str(value).strip()
        if _NUMBER.fullmatch(text):
            mjd = float(text)
        else:
            try:
                moment = datetime.fromisoformat(text)
            except ValueError:
                raise QueryError(
                    f"date {value!r} is neither a date like 2022-06-03 nor an MJD like 59733.5", field="dates"
                ) from None
            mjd = to_mjd(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
            if latest and len(text) <= len("2022-06-03"):
                mjd += 1
    if not 0 < mjd < 200000:
        raise QueryError(f"date {value!r} is not an MJD between 0 and 200000, such as 59733.5", field="dates")
    return mjd


def read_dates(value: Any) -> tuple[float | None, float | None]:
    """Read the earliest and the latest date."""
    if value is None or value == "":
        return (None, None)
    if isinstance(value, str) or not isinstance(value, Iterable):
        value = (value, value if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()) else None)
    sides = tuple(value)
    if len(sides) != 2:
        raise QueryError(
            f"dates {value!r} are not two values: the earliest, the latest (None leaves one open)", field="dates"
        )
    earliest, latest = _moment(sides[0], latest=False), _moment(sides[1], latest=True)
    # the latest day as given: a bare one was moved to its end, so that one day before would look like the same moment
    if earliest is not None and latest is not None and earliest > (_moment(sides[1], latest=False) or latest):
        raise QueryError(f"the dates are reversed: {sides[0]} is after {sides[1]}; exchange them", field="dates")
    return (earliest, latest)


def read_lookback(value: Any) -> float | None:
    """Read a look-back (days)."""
    if value is None or value == "":
        return None
    try:
        days = float(value)
    except (TypeError, ValueError):
        days = -1.0
    if not 0 < days < 100000:
        raise QueryError(f"look-back {value!r} is not a number of days above 0, such as 3", field="lookback")
    return days


def read_coordinates(value: Any) -> tuple[float, float] | None:
    """Read a position (deg)."""
    if value is None or value == "":
        return None
    sides = tuple(several(value))
    try:
        ra, dec = (float(side) for side in sides)
    except (TypeError, ValueError):
        raise QueryError(
            f"coordinates {value!r} are not two numbers in degrees, such as (151.757, -40.436)", field="coordinates"
        ) from None
    if not (0 <= ra < 360 and -90 <= dec <= 90):
        raise QueryError(
            f"coordinates {value!r} are not on the sky: right ascension is 0 to 360, declination -90 to 90 degrees",
            field="coordinates",
        )
    return (ra, dec)


def read_radius(value: Any) -> float:
    """Read a radius; gives degrees."""
    number, unit = str(value).strip(), "deg"
    match = re.fullmatch(r"([0-9.eE+-]+)\s*([a-z'\"]*)", number)
    try:
        degrees = float(match[1]) * _TO_DEGREES[match[2] or unit] if match else -1.0
    except (KeyError, ValueError):
        degrees = -1.0
    if not 0 < degrees <= 30:
        raise QueryError(
            f"radius {value!r} is not an angle above 0 and up to 30 degrees, such as '2 arcmin'", field="radius"
        )
    return degrees
