"""What is asked of an archive, as one frozen value."""

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Literal, Self

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.filenames import DETECTORS, INSTRUMENTS, canonical_detector

__all__ = ["CALIB_LEVELS", "MODES", "Query"]

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
_MJD_OF_UNIX_EPOCH = 40587.0
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?")
_TO_DEGREES = {
    "deg": 1.0, "degree": 1.0, "degrees": 1.0, "d": 1.0,
    "arcmin": 1 / 60, "arcminute": 1 / 60, "arcminutes": 1 / 60, "m": 1 / 60, "'": 1 / 60,
    "arcsec": 1 / 3600, "arcsecond": 1 / 3600, "arcseconds": 1 / 3600, "s": 1 / 3600, '"': 1 / 3600,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question to an archive.

    Friendly values are taken and made strict: ``Query(program="02733", instrument="miri", modes="image")``.
    A change is a new value: ``query.replace(instrument="nircam")``.

    Raises
    ------
    QueryError
        If a value is wrong; ``.field`` names the field.
    """

    program: int | None = None
    """Program (proposal) number; ``2733``, ``"2733"`` and ``"02733"`` are the same. None asks for every program."""
    observations: tuple[int, ...] = ()
    """Observation numbers of the program; () for all."""
    instrument: tuple[str, ...] = ()
    """Instruments as MAST spells them (``"NIRCAM"``); () for all."""
    modes: tuple[str, ...] = ()
    """Observing modes such as ``"image"`` or ``"ifu"``, see `MODES`; () for all."""
    dates: tuple[float | None, float | None] = (None, None)
    """Earliest and latest start of an observation (``t_min``), as MJD in UTC. ISO texts are taken.

    A bare day as the latest date means that whole day. None leaves that side open.
    """
    lookback: float | None = None
    """Only observations that started in the last so many days; not together with ``dates``."""
    target: str = ""
    """Name of a target, for the archive's name resolver."""
    coordinates: tuple[float, float] | None = None
    """Right ascension and declination (deg, ICRS)."""
    radius: float = 2 / 60
    """Radius around target or coordinates (deg). Texts with a unit are taken: ``"2 arcmin"``."""
    filters: tuple[str, ...] = ()
    """Filters such as ``"F770W"``; () for all."""
    detectors: tuple[str, ...] = ()
    """Detectors such as ``"mirimage"`` or ``"a5"``; () for all. Narrows products, not observations."""
    calib_levels: tuple[int, ...] = ()
    """CAOM calibration levels of the products; () for all. Narrows products, not observations."""
    filetypes: tuple[str, ...] = ()
    """File types such as ``"cal"``, ``"_cal.jpg"`` or ``"fits"``; () for all. Narrows products, not observations."""
    guidestars: bool | Literal["only"] = False
    """Whether guide-star files are kept: False, True, or ``"only"``. Narrows products, not observations."""

    def __init__(
        self,
        *,
        program: int | str | None = None,
        observations: int | str | Iterable[int | str] = (),
        instrument: str | Iterable[str] | None = (),
        modes: str | Iterable[str] = (),
        dates: Any = (None, None),
        lookback: float | str | None = None,
        target: str | None = "",
        coordinates: Any = None,
        radius: float | str = 2 / 60,
        filters: str | Iterable[str] = (),
        detectors: str | Iterable[str] = (),
        calib_levels: int | str | Iterable[int | str] = (),
        filetypes: str | Iterable[str] = (),
        guidestars: bool | str = False,
    ) -> None:
        instruments = tuple(_instrument(value) for value in _several(instrument))
        put = object.__setattr__
        put(self, "program", _program(program))
        put(self, "observations", tuple(_observation(value) for value in _several(observations)))
        put(self, "instrument", _once(instruments))
        put(self, "modes", _once(_mode(value, instruments) for value in _several(modes)))
        put(self, "dates", _dates(dates))
        put(self, "lookback", _lookback(lookback))
        put(self, "target", " ".join((target or "").split()))
        put(self, "coordinates", _coordinates(coordinates))
        put(self, "radius", _radius(radius))
        put(self, "filters", _once(value.strip().upper() for value in _several(filters) if value.strip()))
        put(self, "detectors", _once(_detector(value) for value in _several(detectors)))
        put(self, "calib_levels", _once(_level(value) for value in _several(calib_levels)))
        put(self, "filetypes", _once(value.strip() for value in _several(filetypes) if value.strip()))
        put(self, "guidestars", _guidestars(guidestars))
        if self.lookback is not None and self.dates != (None, None):
            raise QueryError("dates and look-back exclude each other; give one of them", field="lookback")
        if self.target and self.coordinates is not None:
            raise QueryError("target and coordinates exclude each other; give one of them", field="target")

    def replace(self, **changes: Any) -> Self:
        """Give the same question with other values for some fields.

        Parameters
        ----------
        **changes
            Fields and their new values.

        Returns
        -------
        Query

        Raises
        ------
        QueryError
            If a value is wrong.
        """
        unknown = set(changes) - {field.name for field in dataclasses.fields(self)}
        if unknown:
            name = min(unknown)
            raise QueryError(f"a query has no field '{name}'; its fields are {', '.join(self._fields())}", field=name)
        return type(self)(**{name: getattr(self, name) for name in self._fields()} | changes)

    @property
    def empty(self) -> bool:
        """True when nothing limits the observations, so that the whole archive would be asked."""
        return not (
            self.program is not None
            or self.instrument
            or self.modes
            or self.filters
            or self.target
            or self.coordinates is not None
            or self.lookback is not None
            or self.dates != (None, None)
        )

    def date_limits(self, now: datetime | None = None) -> tuple[float | None, float | None]:
        """Give the limits of ``t_min`` with a look-back resolved.

        Parameters
        ----------
        now
            The present; the clock's by default.

        Returns
        -------
        tuple
            Earliest and latest ``t_min`` (MJD, UTC); None for an open side.
        """
        if self.lookback is None:
            return self.dates
        return (_mjd(now or datetime.now(UTC)) - self.lookback, None)

    def to_code(self) -> str:
        """Give the Python text that makes this query.

        Returns
        -------
        str
            Such as ``jw.Query(program=2733, instrument=('MIRI',))``.
        """
        given = [
            f"{field.name}={getattr(self, field.name)!r}"
            for field in dataclasses.fields(self)
            if getattr(self, field.name) != field.default
        ]
        return f"jw.Query({', '.join(given)})"

    def __str__(self) -> str:
        parts = [
            f"program {self.program}" if self.program is not None else "",
            "observation " + ", ".join(map(str, self.observations)) if self.observations else "",
            "/".join(self.instrument),
            ", ".join(self.modes),
            ", ".join(self.filters),
            self.target,
            f"{self.coordinates[0]:.5f} {self.coordinates[1]:+.5f}" if self.coordinates else "",
            f"last {self.lookback:g} days" if self.lookback is not None else "",
            _span(self.dates),
            ", ".join(self.detectors),
            "level " + ", ".join(map(str, self.calib_levels)) if self.calib_levels else "",
            ", ".join(self.filetypes),
            {False: "", True: "with guide stars", "only": "guide stars only"}[self.guidestars],
        ]
        return " · ".join(part for part in parts if part) or "everything"

    @classmethod
    def _fields(cls) -> tuple[str, ...]:
        return tuple(field.name for field in dataclasses.fields(cls))


def _several(value: Any) -> tuple[Any, ...]:
    if value is None or (isinstance(value, str) and not value.strip()):
        return ()
    if isinstance(value, str):
        return tuple(part for part in re.split(r"[,;\s]+", value.strip()) if part)
    if isinstance(value, Iterable):
        return tuple(value)
    return (value,)


def _once(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _whole(value: Any, *, field: str, what: str, example: str, highest: int) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not text.isascii() or not text.isdigit() or not 0 < int(text) <= highest:
        raise QueryError(f"{what} {value!r} is not a number from 1 to {highest}; try {example}", field=field)
    return int(text)


def _program(value: Any) -> int | None:
    if value is None or value == "":
        return None
    return _whole(value, field="program", what="program", example="2733", highest=99999)


def _observation(value: Any) -> int:
    return _whole(value, field="observations", what="observation", example="1, 2", highest=999)


def _nearest(value: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(value.lower(), [name.lower() for name in names], n=1, cutoff=0.5)
    if close:
        nearest = next(name for name in names if name.lower() == close[0])
        return f"did you mean '{nearest}'?"
    return f"known are {', '.join(names)}"


def _instrument(value: Any) -> str:
    name = str(value).strip().upper()
    if name not in INSTRUMENTS:
        raise QueryError(f"instrument {value!r} is unknown; {_nearest(name, INSTRUMENTS)}", field="instrument")
    return name


def _mode(value: Any, instruments: tuple[str, ...]) -> str:
    name = str(value).strip().lower()
    name = name.partition("/")[2] or name
    known = _once(mode for instrument in instruments or MODES for mode in MODES[instrument])
    if name in known:
        return name
    hint = f"did you mean '{_MODE_ALIASES[name]}'?" if _MODE_ALIASES.get(name) in known else _nearest(name, known)
    place = f" for {'/'.join(instruments)}" if instruments else ""
    raise QueryError(f"mode {str(value)!r} is unknown{place}; {hint}", field="modes")


def _detector(value: Any) -> str:
    try:
        return canonical_detector(str(value))
    except ValueError:
        raise QueryError(
            f"detector {str(value)!r} is unknown; {_nearest(str(value), DETECTORS)}", field="detectors"
        ) from None


def _level(value: Any) -> int:
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


def _guidestars(value: Any) -> bool | Literal["only"]:
    if isinstance(value, bool):
        return value
    if value == "only":
        return "only"
    raise QueryError(f"guidestars {value!r} is neither True, False nor 'only'", field="guidestars")


def _mjd(moment: datetime) -> float:
    return moment.timestamp() / 86400 + _MJD_OF_UNIX_EPOCH


def _moment(value: Any, *, latest: bool) -> float | None:
    """Read a date; a bare day as the latest one ends with that day."""
    if value is None or value == "":
        return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        mjd = float(value)
    elif isinstance(value, datetime):
        mjd = _mjd(value if value.tzinfo else value.replace(tzinfo=UTC))
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
            mjd = _mjd(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
            if latest and len(text) <= len("2022-06-03"):
                mjd += 1
    if not 0 < mjd < 200000:
        raise QueryError(f"date {value!r} is not an MJD between 0 and 200000, such as 59733.5", field="dates")
    return mjd


def _dates(value: Any) -> tuple[float | None, float | None]:
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


def _lookback(value: Any) -> float | None:
    if value is None or value == "":
        return None
    try:
        days = float(value)
    except (TypeError, ValueError):
        days = -1.0
    if not 0 < days < 100000:
        raise QueryError(f"look-back {value!r} is not a number of days above 0, such as 3", field="lookback")
    return days


def _coordinates(value: Any) -> tuple[float, float] | None:
    if value is None or value == "":
        return None
    sides = tuple(_several(value))
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


def _radius(value: Any) -> float:
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


def _span(dates: tuple[float | None, float | None]) -> str:
    if dates == (None, None):
        return ""
    earliest, latest = (
        "" if mjd is None else datetime.fromtimestamp((mjd - _MJD_OF_UNIX_EPOCH) * 86400, UTC).strftime("%Y-%m-%d")
        for mjd in dates
    )
    return f"{earliest or '…'} – {latest or '…'}"
