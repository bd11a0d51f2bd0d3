"""How a place on the sky is written, with the radius around it."""

import re
from typing import Any, Literal

from jwstmq_widgets.errors import QueryError

__all__ = ["FOOTPRINT_TESTS", "RESOLVERS", "read_coordinates", "read_footprint", "read_radius", "read_resolver"]

RESOLVERS = ("NED", "SIMBAD", "VIZIER")
"""The name resolvers that can be chosen."""

FOOTPRINT_TESTS = ("overlaps", "contains")
"""What can be asked of a footprint: that it overlaps the circle, or contains its middle."""

_TO_DEGREES = {
    "deg": 1.0, "degree": 1.0, "degrees": 1.0, "d": 1.0, "°": 1.0,
    "arcmin": 1 / 60, "arcminute": 1 / 60, "arcminutes": 1 / 60, "m": 1 / 60, "'": 1 / 60,
    "arcsec": 1 / 3600, "arcsecond": 1 / 3600, "arcseconds": 1 / 3600, "s": 1 / 3600, '"': 1 / 3600,
}  # fmt: skip
_FRAMES = ("icrs", "fk5", "fk4", "galactic")


def read_coordinates(value: Any) -> tuple[float, float] | None:
    """Read a position.

    Parameters
    ----------
    value
        Two numbers (deg, ICRS), as values or a text; whatever else `astropy.coordinates.SkyCoord` reads: a
        ``SkyCoord``, two angles, ``"10h07m01.8s -40d26m11s"``, ``"10:07:01.8 -40:26:11"`` (hours and degrees),
        ``"galactic 272.1 12.4"``. None or ``""`` for none.

    Returns
    -------
    tuple of float or None
        Right ascension and declination (deg, ICRS).

    Raises
    ------
    QueryError
        If it is no position.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        ra, dec = _numbers(value) or _sky(value)
    except Exception as error:  # noqa: BLE001  (SkyCoord's parsers raise whatever they meet; the user is told it)
        why = (str(error).strip().splitlines() or ["no numbers"])[0]
        raise QueryError(
            f"coordinates {_shown(value)} cannot be read ({why}); write degrees such as '151.757 -40.436', or "
            "'10h07m01.8s -40d26m11s'",
            field="coordinates",
        ) from None
    if not (0 <= ra < 360 and -90 <= dec <= 90):
        raise QueryError(
            f"coordinates {_shown(value)} are not on the sky: right ascension is 0 to 360, declination -90 to 90 "
            "degrees",
            field="coordinates",
        )
    return (ra, dec)


def read_radius(value: Any) -> float:
    """Read a radius.

    Parameters
    ----------
    value
        A number (deg), a text with a unit (``"2 arcmin"``, ``"30''"``), or an angle.

    Returns
    -------
    float
        Degrees.

    Raises
    ------
    QueryError
        If it is no angle above 0 and up to 30 degrees.
    """
    text = str(value).strip().lower().replace("''", '"')
    match = re.fullmatch(r"([0-9.e+-]+)\s*([a-z'\"°]*)", text, re.ASCII) or re.fullmatch(r"([0-9.]+)\s*(°)", text)
    try:
        degrees = float(match[1]) * _TO_DEGREES[match[2] or "deg"] if match else -1.0
    except (KeyError, ValueError):
        degrees = -1.0
    if not 0 < degrees <= 30:
        raise QueryError(
            f"radius {value!r} is not an angle above 0 and up to 30 degrees, such as '2 arcmin'", field="radius"
        )
    return degrees


def read_resolver(value: Any) -> str:
    """Read the name of a resolver; "" leaves the choice to the archive."""
    name = "" if value is None else str(value).strip().upper()
    if name and name not in RESOLVERS:
        raise QueryError(f"resolver {value!r} is unknown; there are {', '.join(RESOLVERS)}", field="resolver")
    return name


def read_footprint(value: Any) -> Literal["overlaps", "contains"] | None:
    """Read what is asked of footprints."""
    if value is None or value == "":
        return None
    if value == "overlaps":
        return "overlaps"
    if value == "contains":
        return "contains"
    raise QueryError(
        f"footprint {value!r} is neither 'overlaps' (the field overlaps the circle) nor 'contains' (the target is "
        "within the field)",
        field="footprint",
    )


def _numbers(value: Any) -> tuple[float, float] | None:
    """Take two plain numbers as degrees."""
    try:
        sides = re.split(r"[,;\s]+", value.strip()) if isinstance(value, str) else tuple(value)
        ra, dec = (float(side) for side in sides)
    except (TypeError, ValueError, AttributeError):
        return None
    return (ra, dec)


def _sky(value: Any) -> tuple[float, float]:
    from astropy.coordinates import SkyCoord  # takes half a second to import, and degrees do not need it

    if isinstance(value, str):
        first, _, rest = value.strip().partition(" ")
        frame, text = (first.lower(), rest) if first.lower() in _FRAMES else ("icrs", value.strip())
        pair = _numbers(text)
        if pair is not None:
            place = SkyCoord(*pair, unit="deg", frame=frame)
        elif re.search("[a-zA-Z°]", text.removeprefix("J")):
            place = SkyCoord(text, frame=frame)
        else:
            place = SkyCoord(text, unit=("hourangle", "deg"), frame=frame)
    elif isinstance(value, SkyCoord):
        place = value
    else:
        sides = tuple(value)
        if len(sides) == 2 and all(isinstance(side, str) for side in sides):
            return _sky(" ".join(sides))
        place = SkyCoord(*sides)
    return (float(place.icrs.ra.deg) % 360, float(place.icrs.dec.deg))


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, (str, int, float, tuple, list)) else str(value)
