"""How two shapes on the sky lie together."""

from math import cos, pi, radians, sin

from jwstmq_widgets.localarchive.adql.shapes import SAME_PLACE, Box, Circle, Point, Polygon, Shape, outline
from jwstmq_widgets.localarchive.sphere import Vector, angle, arcs_cross, cross, dot, inside, place, to_arc, unit

__all__ = ["contains", "intersects"]

_NEAR = 1e-10  # degrees that may lie between what is the same


def contains(inner: Shape, outer: Shape) -> bool:
    """Tell whether the first shape lies wholly in the second; edges belong to a shape."""
    match outer:
        case Point():
            return isinstance(inner, Point) and angle(inner.at, outer.at) <= SAME_PLACE
        case Circle():
            return _in_circle(inner, outer.at, radians(outer.radius))
        case Box():
            return _in_box(inner, outer)
        case Polygon():
            return any(
                _in_part(inner, part)
                for part, (middle, radius) in zip(outer.parts, outer.caps, strict=True)
                if not isinstance(inner, Point) or angle(inner.at, middle) <= radius + SAME_PLACE
            )


def intersects(one: Shape, other: Shape) -> bool:
    """Tell whether two shapes share a place."""
    if isinstance(one, Point):
        return contains(one, other)
    if isinstance(other, Point):
        return contains(other, one)
    if isinstance(one, Circle) and isinstance(other, Circle):
        return angle(one.at, other.at) <= radians(one.radius + other.radius) + SAME_PLACE
    if isinstance(one, Circle):
        return _circle_meets_any(one, outline(other))
    if isinstance(other, Circle):
        return _circle_meets_any(other, outline(one))
    first, second = outline(one), outline(other)
    return any(
        angle(near[0], far[0]) <= near[1] + far[1] + SAME_PLACE and _parts_meet(a, b)
        for a, near in zip(first.parts, first.caps, strict=True)
        for b, far in zip(second.parts, second.caps, strict=True)
    )


def _in_circle(inner: Shape, middle: Vector, radius: float) -> bool:
    match inner:
        case Point():
            return angle(inner.at, middle) <= radius + SAME_PLACE
        case Circle():
            return angle(inner.at, middle) + radians(inner.radius) <= radius + SAME_PLACE or radius >= pi
    parts = outline(inner).parts
    if radius <= pi / 2.0:
        # A cap of at most half of the sky is convex.
        return all(angle(corner, middle) <= radius + SAME_PLACE for part in parts for corner in part)
    away = (-middle[0], -middle[1], -middle[2])
    return not any(_circle_meets(away, pi - radius - 2.0 * SAME_PLACE, part) for part in parts) or radius >= pi


def _in_box(inner: Shape, outer: Box) -> bool:
    match inner:
        case Point():
            return (
                outer.low - _NEAR <= inner.dec <= outer.high + _NEAR
                and _apart(inner.ra, outer.ra) <= outer.width / 2.0 + _NEAR
            ) or (abs(inner.dec) == 90.0 and outer.low <= inner.dec <= outer.high)
        case Box():
            return (
                inner.low >= outer.low - _NEAR
                and inner.high <= outer.high + _NEAR
                and (
                    outer.width >= 360.0 or _apart(inner.ra, outer.ra) + inner.width / 2.0 <= outer.width / 2.0 + _NEAR
                )
            )
        case Circle():
            if not (inner.dec - inner.radius >= outer.low - _NEAR and inner.dec + inner.radius <= outer.high + _NEAR):
                return _whole(inner, outer)
            return outer.width >= 360.0 or all(
                contains(Point(*place(corner)), outer) for corner in _rim(inner.at, radians(inner.radius))
            )
    edges = [edge for part in inner.parts for edge in zip(part, [*part[1:], part[0]], strict=True)]
    return all(contains(Point(*place(at)), outer) for a, b in edges for at in (a, *_apexes(a, b))) and not _wraps_pole(
        inner, outer
    )


def _whole(inner: Circle, outer: Box) -> bool:
    """Tell of a circle over a pole: it lies in the box only if all right ascensions do."""
    low, high = inner.dec - inner.radius, inner.dec + inner.radius
    if outer.width < 360.0:
        return False
    return (low >= outer.low - _NEAR or outer.low <= -90.0) and (high <= outer.high + _NEAR or outer.high >= 90.0)


def _wraps_pole(inner: Polygon, outer: Box) -> bool:
    poles = ((0.0, 0.0, 1.0), (0.0, 0.0, -1.0))
    return any(
        inside(part, pole) and (outer.width < 360.0 or (outer.high < 90.0 if pole[2] > 0.0 else outer.low > -90.0))
        for part in inner.parts
        for pole in poles
    )


def _rim(middle: Vector, radius: float) -> list[Vector]:
    """Give the places of a circle that are farthest east and west, and some between."""
    up = unit(cross(cross(middle, (0.0, 0.0, 1.0)), middle)) if abs(middle[2]) < 1.0 - 1e-15 else (1.0, 0.0, 0.0)
    right = cross(middle, up)
    places = []
    for step in range(720):
        turn = radians(step / 2.0)
        c, s, r = cos(turn) * sin(radius), sin(turn) * sin(radius), cos(radius)
        places.append(
            (
                middle[0] * r + up[0] * c + right[0] * s,
                middle[1] * r + up[1] * c + right[1] * s,
                middle[2] * r + up[2] * c + right[2] * s,
            )
        )
    return places


def _apexes(a: Vector, b: Vector) -> list[Vector]:
    """Give the places of an arc, ends excluded, where its declination is greatest or least."""
    pole = unit(cross(a, b))
    top = cross(cross(pole, (0.0, 0.0, 1.0)), pole)
    if dot(top, top) < 1e-24:
        return []
    top = unit(top)
    places: tuple[Vector, Vector] = (top, (-top[0], -top[1], -top[2]))
    return [at for at in places if dot(cross(pole, a), at) > 0.0 and dot(cross(b, pole), at) > 0.0]


def _apart(one: float, other: float) -> float:
    return abs((one - other + 180.0) % 360.0 - 180.0)


def _circle_meets_any(circle: Circle, polygon: Polygon) -> bool:
    middle, radius = circle.at, radians(circle.radius)
    return any(
        angle(middle, cap[0]) <= radius + cap[1] + SAME_PLACE and _circle_meets(middle, radius, part)
        for part, cap in zip(polygon.parts, polygon.caps, strict=True)
    )


def _in_part(inner: Shape, part: tuple[Vector, ...]) -> bool:
    match inner:
        case Point():
            return inside(part, inner.at)
        case Circle():
            middle, radius = inner.at, radians(inner.radius)
            return inside(part, middle) and (radius <= 0.0 or _to_edge(part, middle) >= radius - SAME_PLACE)
    return all(
        all(inside(part, corner) for corner in other) and not _edges_cross(part, other)
        for other in outline(inner).parts
    )


def _circle_meets(middle: Vector, radius: float, part: tuple[Vector, ...]) -> bool:
    return inside(part, middle) or _to_edge(part, middle) <= radius + SAME_PLACE


def _parts_meet(one: tuple[Vector, ...], other: tuple[Vector, ...]) -> bool:
    return (
        any(inside(other, corner) for corner in one)
        or any(inside(one, corner) for corner in other)
        or _edges_cross(one, other)
    )


def _edges_cross(one: tuple[Vector, ...], other: tuple[Vector, ...]) -> bool:
    return any(
        arcs_cross(a, b, c, d)
        for a, b in zip(one, [*one[1:], one[0]], strict=True)
        for c, d in zip(other, [*other[1:], other[0]], strict=True)
    )


def _to_edge(part: tuple[Vector, ...], at: Vector) -> float:
    return min(to_arc(a, b, at) for a, b in zip(part, [*part[1:], part[0]], strict=True))
