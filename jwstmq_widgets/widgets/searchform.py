"""How the texts and choices of the search form make a query, with the way back."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query import Query
from jwstmq_widgets.query.keywords import NO_KEYWORDS
from jwstmq_widgets.query.positions import read_radius

__all__ = ["SHOWN", "expand_ranges", "is_position", "place_of_field", "read_query", "write_fields"]

SHOWN: Mapping[str, Any] = MappingProxyType(
    {
        "program": None, "observations": (), "instrument": (), "modes": (), "exposure_types": (), "filters": (),
        "dates": (None, None), "lookback": None, "categories": (), "pi": (), "executed": None, "access": None,
        "target": "", "resolver": "", "coordinates": None, "radius": 2 / 60, "footprint": None, "target_name": (),
        "keywords": NO_KEYWORDS,
    }
)  # fmt: skip
"""The fields of a query that the form shows, each with the value that limits nothing."""

_RANGE = re.compile(r"(\d{1,3})\s*-\s*(\d{1,3})")
_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
_DAY = timedelta(days=1)
_EXECUTED = {"": None, "executed": True, "planned": False}
# numbers with signs and marks of angles, after a frame or not; anything else is the name of a target
_POSITION = re.compile(r"((icrs|fk[45]|galactic)\s+)?[-+\d.][-+\d.,:;\s°'\"hdms]*", re.IGNORECASE)
_UNITS = ("arcmin", "arcsec", "deg")


def expand_ranges(text: str) -> str:
    """Write out ranges of whole numbers.

    Parameters
    ----------
    text
        Such as ``"1-3, 7"``.

    Returns
    -------
    str
        Such as ``"1,2,3, 7"``; what is no range stays as it is.

    Raises
    ------
    QueryError
        If a range runs backwards.
    """

    def numbers(match: re.Match[str]) -> str:
        first, last = int(match[1]), int(match[2])
        if last < first:
            raise QueryError(f"range '{match[0]}' runs backwards; write {last}-{first}", field="observations")
        return ",".join(map(str, range(first, last + 1)))

    return _RANGE.sub(numbers, text)


def is_position(text: str) -> bool:
    """Tell coordinates from the name of a target.

    Parameters
    ----------
    text
        Such as ``"151.757 -40.436"`` or ``"NGC 3132"``.

    Returns
    -------
    bool
        True for two numbers or more and nothing but marks of angles between them.
    """
    plain = _plain(text)
    return bool(_POSITION.fullmatch(plain)) and len(re.findall(r"\d+(?:\.\d*)?", plain)) > 1


def place_of_field(name: str) -> str:
    """Give the place in the form where a field of the query stands.

    Parameters
    ----------
    name
        A field of `Query`.

    Returns
    -------
    str
        The name of the form's own field; "" where the form does not show it.
    """
    if name not in SHOWN:
        return ""
    return "target" if name == "coordinates" else name


def read_query(fields: Mapping[str, Any], rest: Query) -> Query:
    """Make a query of what stands in the form.

    Parameters
    ----------
    fields
        Texts and lists, by the names that `write_fields` gives; one that is missing limits nothing.
    rest
        Where the fields come from that the form does not show.

    Returns
    -------
    Query

    Raises
    ------
    QueryError
        If a field is wrong; ``.field`` names it.
    """

    def text(name: str) -> str:
        return str(fields.get(name, "")).strip()

    def chosen(name: str) -> tuple[str, ...]:
        return tuple(map(str, fields.get(name, ())))

    place = text("target")
    placed: dict[str, Any] = {"target": place, "resolver": text("resolver")}
    if is_position(place):
        placed = {"coordinates": _plain(place)}
    if place:
        placed |= {"radius": _plain(text("radius")) or SHOWN["radius"], "footprint": text("footprint")}
    return rest.replace(
        **{
            **SHOWN,
            "program": text("program"),
            "observations": expand_ranges(text("observations")),
            "instrument": chosen("instrument"),
            "modes": chosen("modes"),
            "exposure_types": text("exposure_types"),
            "filters": text("filters"),
            "dates": (text("earliest"), text("latest")),
            "lookback": text("lookback"),
            "categories": chosen("categories"),
            "pi": text("pi"),
            "executed": _EXECUTED.get(text("executed")),
            "access": text("access"),
            "target_name": text("target_name"),
            "keywords": [[name, value] for name, value in _pairs(fields.get("keywords", ())) if value],
            **placed,
        }
    )


def write_fields(query: Query) -> dict[str, Any]:
    """Give the texts of the form that make a query; the inverse of `read_query`.

    Parameters
    ----------
    query
        The query.

    Returns
    -------
    dict
        Texts and lists, by the name of the field.
    """
    place = "" if query.coordinates is None else f"{query.coordinates[0]!r} {query.coordinates[1]!r}"
    return {
        "program": "" if query.program is None else str(query.program),
        "observations": ", ".join(map(str, query.observations)),
        "instrument": list(query.instrument),
        "modes": list(query.modes),
        "exposure_types": ", ".join(query.exposure_types),
        "filters": ", ".join(query.filters),
        "earliest": _date(query.dates[0], latest=False),
        "latest": _date(query.dates[1], latest=True),
        "lookback": "" if query.lookback is None else f"{query.lookback:g}",
        "categories": list(query.categories),
        "pi": "; ".join(query.pi),
        "executed": next(word for word, flag in _EXECUTED.items() if flag is query.executed),
        "access": query.access or "",
        "target": place or query.target,
        "resolver": query.resolver,
        "radius": _angle(query.radius),
        "footprint": query.footprint or "",
        "target_name": "; ".join(query.target_name),
        "keywords": [[name, ",".join(terms)] for name, terms in query.keywords.items()],
    }


def _pairs(rows: Iterable[Iterable[Any]]) -> list[tuple[str, str]]:
    """Give keyword and value of each row."""
    return [(str(name).strip(), str(value).strip()) for name, value in rows]


def _plain(text: str) -> str:
    """Take the signs that typography and clipboards bring for those of a keyboard."""
    return text.strip().translate({0x2212: "-", 0x2013: "-", 0x2032: "'", 0x2033: '"', 0xA0: " "})


def _angle(degrees: float) -> str:
    scales: dict[str, Callable[[float], float]] = {
        "arcmin": lambda angle: angle * 60,
        "arcsec": lambda angle: angle * 3600,
        "deg": lambda angle: angle,
    }
    texts = [f"{scales[unit](degrees):.6g} {unit}" for unit in _UNITS]
    return next((text for text in texts if read_radius(text) == degrees), f"{degrees!r} deg")


def _date(mjd: float | None, *, latest: bool) -> str:
    """Write a date; one at midnight as a day, of which the latest one is the day that ends then."""
    if mjd is None:
        return ""
    if mjd == int(mjd):
        return f"{_MJD_ZERO + _DAY * (mjd - latest):%Y-%m-%d}"
    return f"{mjd:.10g}"
