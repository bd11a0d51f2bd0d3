"""Conditions by which SQLite passes over rows before a shape is looked at: ranges of declination, small circles."""

from math import cos, degrees, isfinite, radians, sin

from sqlglot import exp

from jwstmq_widgets.localarchive.adql import shapes
from jwstmq_widgets.localarchive.adql.functions import FUNCTIONS
from jwstmq_widgets.localarchive.adql.scopes import Scope
from jwstmq_widgets.localarchive.sphere import angle

__all__ = ["nearby"]

_REACHING = ("jwst.main", "jwst.archive", "jwst.plane")
"""Tables that have, beside the columns told of, those of a small circle around ``position_bounds_spoly``."""
_FOOTPRINT = "position_bounds_spoly"


def nearby(node: exp.Expr, scope: Scope) -> list[exp.Expr]:
    """Give conditions that all rows meet for which ``CONTAINS(...) = 1`` or ``INTERSECTS(...) = 1`` may hold."""
    if not isinstance(node, exp.EQ):
        return []
    sides = [node.this, node.expression]
    call = next((side for side in sides if isinstance(side, exp.Anonymous)), None)
    one = next((side for side in sides if isinstance(side, exp.Literal)), None)
    if call is None or one is None or one.name != "1" or call.name.upper() not in {"CONTAINS", "INTERSECTS"}:
        return []
    if len(call.expressions) != 2:
        return []
    for moving, still in (call.expressions, reversed(call.expressions)):
        region = _constant(still)
        if region is None:
            continue
        if isinstance(moving, exp.Anonymous) and moving.name.upper() == "POINT":
            return _near_point(moving, region, scope)
        if isinstance(moving, exp.Column) and moving.name.lower() == _FOOTPRINT:
            return _near_footprint(moving, region, scope)
    return []


def _near_point(point: exp.Anonymous, region: shapes.Shape, scope: Scope) -> list[exp.Expr]:
    dec = point.expressions[-1]
    if not isinstance(dec, exp.Column):
        return []
    low, high = _declinations(region)
    reference = scope.find(dec).expression.copy()
    return [exp.Between(this=reference, low=exp.Literal.number(repr(low)), high=exp.Literal.number(repr(high)))]


def _declinations(region: shapes.Shape) -> tuple[float, float]:
    if isinstance(region, shapes.Box):
        return region.low - 1e-9, region.high + 1e-9
    middle, radius = _cap(region)
    return middle.dec - radius - 1e-9, middle.dec + radius + 1e-9


def _near_footprint(column: exp.Column, region: shapes.Shape, scope: Scope) -> list[exp.Expr]:
    found = scope.find(column)
    if found.source.table not in _REACHING:
        return []
    middle, radius = _cap(region)
    x, y, z = middle.at

    def part(name: str, factor: float) -> exp.Expr:
        named_ = exp.column(exp.to_identifier(name), exp.to_identifier(found.source.alias, quoted=True))
        return exp.Mul(this=named_, expression=exp.Paren(this=exp.Literal.number(repr(factor))))

    # The angle between the middles is at most the sum of the radii: cos(a + b) in parts, with 1e-12 to spare.
    if radius >= 89.0:
        return []
    towards = exp.Add(this=exp.Add(this=part("x", x), expression=part("y", y)), expression=part("z", z))
    least = exp.Sub(
        this=exp.Sub(this=part("cos_reach", cos(radians(radius))), expression=part("sin_reach", sin(radians(radius)))),
        expression=exp.Literal.number("1e-12"),
    )
    return [exp.GTE(this=exp.Paren(this=towards), expression=exp.Paren(this=least))]


def _cap(region: shapes.Shape) -> tuple[shapes.Point, float]:
    """Give a circle (deg) that holds a shape; one of 180 deg where that is not worth the while."""
    if isinstance(region, shapes.Circle):
        return shapes.Point(region.ra, region.dec), region.radius
    if isinstance(region, shapes.Point):
        return region, 0.0
    if isinstance(region, shapes.Box):
        region = shapes.box_outline(region)
    if not region.parts:
        return shapes.Point(0.0, 0.0), 180.0
    middle = shapes.centroid(region)
    radius = degrees(max(angle(middle.at, corner) for part in region.parts for corner in part))
    # Only caps of less than half of the sky are convex, so that the corners speak for the edges.
    return middle, radius if radius < 89.0 else 180.0


def _constant(node: exp.Expr) -> shapes.Shape | None:
    """Give the shape of a call with numbers alone; None for others and for wrong ones, which fail when they are run."""
    if not isinstance(node, exp.Anonymous):
        return None
    function = FUNCTIONS.get(node.name.upper())
    if function is None or not function.frame or function.calculate is None:
        return None
    values: list[object] = []
    arguments = node.expressions
    if arguments and isinstance(arguments[0], exp.Literal) and arguments[0].is_string:
        arguments = arguments[1:]
    for argument in arguments:
        value = _number(argument)
        if value is None:
            inner = _constant(argument)
            if not isinstance(inner, shapes.Point):
                return None
            values.append(shapes.text(inner))
        else:
            values.append(value)
    if not function.least <= len(values):
        return None
    try:
        return shapes.parse(function.calculate(*values))
    except (ValueError, TypeError):
        return None


def _number(node: exp.Expr) -> float | None:
    sign = 1.0
    while isinstance(node, exp.Neg | exp.Paren):
        sign = -sign if isinstance(node, exp.Neg) else sign
        node = node.this
    if not isinstance(node, exp.Literal) or node.is_string:
        return None
    try:
        value = float(node.name)
    except ValueError:
        return None
    return sign * value if isfinite(value) else None
