"""Conditions on columns, and how they become SQL with bound parameters only."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import cos, isnan, radians, sin
from typing import Literal

from jwstmq_widgets.localarchive.holdings.regions import distance, parse_region
from jwstmq_widgets.localarchive.sphere import vector

__all__ = ["Column", "Condition", "Cone", "cone_clause", "cone_distance", "where_clause"]

# JSON, by which values reach the database, has no infinity.
_LARGEST = 1.7e308
ColumnType = Literal["string", "int", "float", "boolean"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an answer."""

    name: str
    """Name, in the archive's spelling."""
    type: ColumnType
    """Type, in the words of MAST's JSON replies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What one column must meet: one of the values, or the pattern, or the range.

    Texts are compared without regard to case, as MAST's database does. A missing value meets nothing.
    """

    column: str
    """Column, in any case."""
    values: tuple[object, ...] = ()
    """Values, one of which it must equal."""
    low: float | None = None
    """Least value of a range, inclusive; None for no limit."""
    high: float | None = None
    """Greatest value of a range, inclusive; None for no limit."""
    pattern: str | None = None
    """Text with ``%`` for anything, as an alternative to the values."""
    separator: str = ""
    """Where given (``;``), a value may also equal one of the parts that it separates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cone:
    """A circle on the sky."""

    ra: float
    """Right ascension of the middle (deg, ICRS)."""
    dec: float
    """Declination of the middle (deg, ICRS)."""
    radius: float
    """Radius (deg)."""


def where_clause(where: Sequence[Condition], columns: Mapping[str, Column]) -> tuple[str, list[object]]:
    """Make SQL of conditions.

    Parameters
    ----------
    where
        Conditions, all of which must hold.
    columns
        The columns that may be asked for, by name in lower case.

    Returns
    -------
    tuple of str and list
        ``"1"`` for none; the parameters in order.

    Raises
    ------
    ValueError
        If a column is not known, or a number column is compared with something else.
    """
    parts, parameters = ["1"], []
    for condition in where:
        column = columns.get(condition.column.lower())
        if column is None:
            raise ValueError(f"no column {condition.column!r}")
        clause, bound = _clause(condition, column)
        parts.append(clause)
        parameters += bound
    return " AND ".join(parts), parameters


def _clause(condition: Condition, column: Column) -> tuple[str, list[object]]:
    # The column's name comes from our own list; all that was asked is bound.
    name = f'"{column.name}"'
    either: list[str] = []
    parameters: list[object] = []
    if condition.values:
        values = [_value(value, column) for value in condition.values]
        either.append(f"{name} COLLATE NOCASE IN (SELECT value FROM json_each(?))")  # noqa: S608 - our own names
        parameters.append(json.dumps(values))
        if condition.separator:
            for value in values:
                either.append(f"instr(lower(? || {name} || ?), lower(? || ? || ?)) > 0")
                parameters += [*[condition.separator] * 3, value, condition.separator]
    if condition.pattern is not None:
        either.append(f"{name} LIKE ? ESCAPE '\\'")
        parameters.append(condition.pattern.replace("\\", "\\\\").replace("_", "\\_"))
    if condition.low is not None or condition.high is not None:
        limits = []
        for sign, limit in ((">=", condition.low), ("<=", condition.high)):
            if limit is not None:
                limits.append(f"{name} {sign} ?")
                parameters.append(_value(limit, column))
        either.append(f"({' AND '.join(limits)})")
    return f"({' OR '.join(either) or '1'})", parameters


def _value(value: object, column: Column) -> object:
    if column.type == "string":
        return str(value)
    if column.type == "boolean":
        return int(str(value).strip().lower() in {"true", "1", "t", "yes"})
    try:
        number = float(str(value))
    except ValueError as err:
        raise ValueError(f"{column.name} is a number, not {value!r}") from err
    if isnan(number):
        raise ValueError(f"{column.name} is a number, not {value!r}")
    return max(-_LARGEST, min(_LARGEST, number))


def cone_clause(cone: Cone) -> tuple[str, list[object]]:
    """Make SQL that holds for all regions that may overlap a cone, and for few others: none of an unknown place.

    The rows have a circle about their region: ``x``, ``y``, ``z`` of its middle, cosine and sine of its radius.
    """
    x, y, z = vector(cone.ra, cone.dec)
    radius = radians(min(cone.radius, 180.0))
    # Rounding must not lose what lies at the very edge.
    clause = "(x * ? + y * ? + z * ? >= ? * cos_reach - ? * sin_reach - 1e-12)"
    if cone.radius > 90.0:
        return "x IS NOT NULL", []
    return clause, [x, y, z, cos(radius), sin(radius)]


def cone_distance(cone: Cone, s_region: str | None, ra: float | None, dec: float | None) -> float:
    """Give the distance (arcsec) from a cone's middle to a region, 0 inside it; to the place where it has none."""
    polygons = parse_region(s_region or "")
    if not polygons:
        place = (ra or 0.0, dec or 0.0)
        polygons = ((place, place, place),)
    return distance(polygons, cone.ra, cone.dec) * 3600.0
