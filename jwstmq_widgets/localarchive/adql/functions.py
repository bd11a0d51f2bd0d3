"""The functions of ADQL: their arguments, the type of what they give, and how SQLite calculates it."""

import math
import random
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from jwstmq_widgets.localarchive import sphere
from jwstmq_widgets.localarchive.adql import relations, shapes
from jwstmq_widgets.localarchive.adql.errors import AdqlError

__all__ = ["FUNCTIONS", "Function", "register"]

_PREFIX = "adql_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function that a query may call."""

    name: str
    """Name in ADQL, in upper case."""
    least: int
    """Fewest arguments."""
    most: int
    """Most arguments; -1 for any number."""
    datatype: str
    """VOTable datatype of its value; "" for that of the first argument."""
    unit: str = ""
    """Unit of its value."""
    aggregate: bool = False
    """Whether it works on a group of rows."""
    sqlite: str = ""
    """Name in SQLite."""
    frame: bool = False
    """Whether a coordinate system may stand before the other arguments, as in ADQL 2.0."""
    deterministic: bool = True
    """Whether the same arguments always give the same value."""
    calculate: Callable[..., Any] | None = None
    """How it is calculated, where SQLite has no such function."""


def register(connection: sqlite3.Connection, failures: list[str]) -> None:
    """Teach a connection all functions.

    Parameters
    ----------
    connection
        The connection.
    failures
        Where the message of a function that cannot be calculated is left: SQLite passes on no more than that it failed.
    """
    for function in FUNCTIONS.values():
        if function.calculate is not None:
            guarded = _guarded(function.calculate, failures)
            connection.create_function(function.sqlite, -1, guarded, deterministic=function.deterministic)


def _guarded(calculate: Callable[..., Any], failures: list[str]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        # As in SQL: of nothing comes nothing.
        if None in arguments:
            return None
        try:
            return calculate(*arguments)
        except AdqlError as err:
            failures.append(str(err))
            raise
        except (ValueError, TypeError, ArithmeticError) as err:
            shown = ", ".join(repr(argument)[:40] for argument in arguments)
            failures.append(f"{calculate.__name__.strip('_').upper()}({shown}) cannot be calculated: {err}")
            raise

    return call


def _point(ra: float, dec: float) -> str:
    return shapes.text(shapes.make_point(float(ra), float(dec)))


def _circle(*numbers: Any) -> str:
    if len(numbers) == 2:
        middle = _as_point(numbers[0])
        numbers = (middle.ra, middle.dec, numbers[1])
    return shapes.text(shapes.make_circle(*(float(number) for number in numbers)))


def _box(*numbers: Any) -> str:
    if len(numbers) == 3:
        middle = _as_point(numbers[0])
        numbers = (middle.ra, middle.dec, *numbers[1:])
    return shapes.text(shapes.make_box(*(float(number) for number in numbers)))


def _polygon(*numbers: Any) -> str:
    if isinstance(numbers[0], str):
        points = [_as_point(number) for number in numbers]
        corners = [(point.ra, point.dec) for point in points]
    else:
        if len(numbers) % 2:
            raise AdqlError(f"POLYGON has {len(numbers)} coordinates: each corner needs two")
        values = [float(number) for number in numbers]
        corners = list(zip(values[::2], values[1::2], strict=True))
    return shapes.text(shapes.polygon(corners))


def _region(words: str) -> str:
    return shapes.text(shapes.parse(words))


def _as_point(words: Any) -> shapes.Point:
    shape = shapes.parse(str(words))
    if not isinstance(shape, shapes.Point):
        raise AdqlError(f"'{str(words)[:60]}' is not a POINT")
    return shape


def _contains(inner: Any, outer: Any) -> int:
    return int(relations.contains(shapes.parse(str(inner)), shapes.parse(str(outer))))


def _intersects(one: Any, other: Any) -> int:
    return int(relations.intersects(shapes.parse(str(one)), shapes.parse(str(other))))


def _distance(*arguments: Any) -> float:
    if len(arguments) == 2:
        one, other = _as_point(arguments[0]), _as_point(arguments[1])
    elif len(arguments) == 4:
        one = shapes.make_point(float(arguments[0]), float(arguments[1]))
        other = shapes.make_point(float(arguments[2]), float(arguments[3]))
    else:
        raise AdqlError("DISTANCE wants two points or four coordinates")
    return math.degrees(sphere.angle(one.at, other.at))


def _in_circle(ra: Any, dec: Any, middle_ra: Any, middle_dec: Any, radius: Any) -> int:
    circle = shapes.make_circle(float(middle_ra), float(middle_dec), float(radius))
    return int(relations.contains(shapes.make_point(float(ra), float(dec)), circle))


def _coord1(words: Any) -> float:
    return _as_point(words).ra


def _coord2(words: Any) -> float:
    return _as_point(words).dec


def _coordsys(words: Any) -> str:
    shapes.parse(str(words))
    return "ICRS"


def _area(words: Any) -> float:
    return shapes.area(shapes.parse(str(words)))


def _centroid(words: Any) -> str:
    return shapes.text(shapes.centroid(shapes.parse(str(words))))


def _round(value: float, places: int = 0) -> float:
    return round(float(value), int(places))


def _truncate(value: float, places: int = 0) -> float:
    scale = 10.0 ** int(places)
    return math.trunc(float(value) * scale) / scale


def _mod(value: float, by: float) -> float | int:
    if isinstance(value, int) and isinstance(by, int):
        return int(math.fmod(value, by))
    return math.fmod(value, by)


def _power(value: float, to: float) -> float:
    answer: float | complex = float(value) ** float(to)
    if isinstance(answer, complex):
        raise AdqlError(f"POWER({value}, {to}) is not a real number")
    return answer


def _cot(value: float) -> float:
    return 1.0 / math.tan(value)


def _rand(_seed: int = 0) -> float:
    return random.random()  # noqa: S311 - for samples of tables


_FLOATS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "ACOS": math.acos, "ASIN": math.asin, "ATAN": math.atan, "COS": math.cos, "COT": _cot, "SIN": math.sin,
        "TAN": math.tan, "DEGREES": math.degrees, "RADIANS": math.radians, "EXP": math.exp, "LOG": math.log,
        "LOG10": math.log10, "SQRT": math.sqrt, "CEILING": math.ceil, "FLOOR": math.floor,
    }
)  # fmt: skip


def _all() -> tuple[Function, ...]:
    def native(name: str, least: int, most: int, datatype: str, sqlite: str = "", **more: Any) -> Function:
        return Function(name=name, least=least, most=most, datatype=datatype, sqlite=sqlite or name.lower(), **more)

    def own(name: str, least: int, most: int, datatype: str, calculate: Callable[..., Any], **more: Any) -> Function:
        return Function(
            name=name,
            least=least,
            most=most,
            datatype=datatype,
            sqlite=_PREFIX + name.lower(),
            calculate=calculate,
            **more,
        )

    return (
        native("COUNT", 1, 1, "long", aggregate=True),
        native("SUM", 1, 1, "", aggregate=True),
        native("AVG", 1, 1, "double", aggregate=True),
        native("MIN", 1, 1, "", aggregate=True),
        native("MAX", 1, 1, "", aggregate=True),
        native("ABS", 1, 1, ""),
        native("COALESCE", 2, -1, ""),
        native("NULLIF", 2, 2, ""),
        native("LOWER", 1, 1, "char"),
        native("UPPER", 1, 1, "char"),
        native("TRIM", 1, 1, "char"),
        native("LENGTH", 1, 1, "int"),
        native("CHAR_LENGTH", 1, 1, "int", "length"),
        native("SUBSTRING", 2, 3, "char", "substr"),
        native("REPLACE", 3, 3, "char"),
        *(own(name, 1, 1, "double", calculate) for name, calculate in _FLOATS.items()),
        own("ATAN2", 2, 2, "double", math.atan2),
        own("MOD", 2, 2, "", _mod),
        own("PI", 0, 0, "double", lambda: math.pi),
        own("POWER", 2, 2, "double", _power),
        own("RAND", 0, 1, "double", _rand, deterministic=False),
        own("ROUND", 1, 2, "double", _round),
        own("TRUNCATE", 1, 2, "double", _truncate),
        own("POINT", 2, 2, "char", _point, frame=True),
        own("CIRCLE", 2, 3, "char", _circle, frame=True),
        own("BOX", 3, 4, "char", _box, frame=True),
        own("POLYGON", 3, -1, "char", _polygon, frame=True),
        own("REGION", 1, 1, "char", _region),
        own("CONTAINS", 2, 2, "int", _contains),
        own("INTERSECTS", 2, 2, "int", _intersects),
        own("DISTANCE", 2, 4, "double", _distance, unit="deg"),
        own("COORD1", 1, 1, "double", _coord1, unit="deg"),
        own("COORD2", 1, 1, "double", _coord2, unit="deg"),
        own("COORDSYS", 1, 1, "char", _coordsys),
        own("AREA", 1, 1, "double", _area, unit="deg**2"),
        own("CENTROID", 1, 1, "char", _centroid),
        own("_IN_CIRCLE", 5, 5, "int", _in_circle),
    )


FUNCTIONS: Mapping[str, Function] = MappingProxyType({function.name: function for function in _all()})
"""By name in upper case; a name with an underscore in front is not a query's to call."""
