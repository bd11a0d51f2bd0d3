"""Points, arcs and polygons on the unit sphere.

No maintained pure-Python library has them: shapely and regions are planar, spherical-geometry needs a compiler and has
no circles, healpix libraries only know cells. What is needed are the few relations here, each a few vector products.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import asin, atan2, cos, degrees, pi, radians, sin, sqrt

__all__ = [
    "Vector",
    "angle",
    "arcs_cross",
    "cross",
    "dot",
    "inside",
    "middle",
    "place",
    "polygon_area",
    "polygon_moment",
    "to_arc",
    "unit",
    "vector",
]

Vector = tuple[float, float, float]
_TINY = 1e-14


def vector(ra: float, dec: float) -> Vector:
    """Give the unit vector of a place (deg)."""
    a, d = radians(ra), radians(dec)
    return cos(d) * cos(a), cos(d) * sin(a), sin(d)


def place(at: Vector) -> tuple[float, float]:
    """Give right ascension in [0, 360) and declination (deg) of a vector."""
    x, y, z = at
    return degrees(atan2(y, x)) % 360.0, degrees(atan2(z, sqrt(x * x + y * y)))


def dot(a: Vector, b: Vector) -> float:
    """Give the scalar product."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def cross(a: Vector, b: Vector) -> Vector:
    """Give the vector product."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def unit(a: Vector) -> Vector:
    """Give the vector of length one in the same direction; a zero vector as it is."""
    length = sqrt(dot(a, a))
    return (a[0] / length, a[1] / length, a[2] / length) if length > 0.0 else a


def middle(several: Sequence[Vector]) -> Vector:
    """Give the unit vector in the middle of several."""
    return unit((sum(at[0] for at in several), sum(at[1] for at in several), sum(at[2] for at in several)))


def angle(a: Vector, b: Vector) -> float:
    """Give the angle (rad) between two vectors; exact for small and for large ones."""
    normal = cross(a, b)
    return atan2(sqrt(dot(normal, normal)), dot(a, b))


def to_arc(a: Vector, b: Vector, at: Vector) -> float:
    """Give the angle (rad) from a place to the arc of a great circle between a and b."""
    pole = cross(a, b)
    if dot(pole, pole) > _TINY * _TINY:
        pole = unit(pole)
        if dot(cross(pole, a), at) >= 0.0 and dot(cross(b, pole), at) >= 0.0:
            return abs(asin(max(-1.0, min(1.0, dot(pole, at)))))
    return min(angle(a, at), angle(b, at))


def arcs_cross(a: Vector, b: Vector, c: Vector, d: Vector) -> bool:
    """Tell whether the arcs a-b and c-d pass through each other; a mere touch does not count."""
    first, second = cross(a, b), cross(c, d)
    one, two = dot(first, c), dot(first, d)
    three, four = dot(second, a), dot(second, b)
    if one * two >= 0.0 or three * four >= 0.0:
        return False
    # Both arcs pass through the other's great circle: at the same of its two crossings, or at opposite ones?
    line = cross(first, second)
    near = dot(line, (a[0] + b[0], a[1] + b[1], a[2] + b[2]))
    other = dot(line, (c[0] + d[0], c[1] + d[1], c[2] + d[2]))
    return near * other > 0.0


def polygon_moment(corners: Sequence[Vector]) -> Vector:
    """Give the integral of the unit vector over a polygon whose corners turn left, by Stokes' theorem."""
    x = y = z = 0.0
    for a, b in zip(corners, [*corners[1:], corners[0]], strict=True):
        normal = unit(cross(a, b))
        turn = angle(a, b) / 2.0
        x, y, z = x + normal[0] * turn, y + normal[1] * turn, z + normal[2] * turn
    return x, y, z


def polygon_area(corners: Sequence[Vector]) -> float:
    """Give the area (sr) of a polygon that fits into half of the sky, whichever way its corners turn."""
    first = corners[0]
    total = 0.0
    for a, b in pairwise(corners[1:]):
        # Van Oosterom and Strackee 1983: the solid angle of a triangle, with its sign.
        total += 2.0 * atan2(dot(first, cross(a, b)), 1.0 + dot(first, a) + dot(a, b) + dot(b, first))
    total = abs(total) % (4.0 * pi)
    return min(total, 4.0 * pi - total)


def inside(corners: Sequence[Vector], at: Vector) -> bool:
    """Tell whether a place lies in a polygon whose corners turn left; its edge counts as inside."""
    turned = 0.0
    previous = corners[-1]
    for corner in corners:
        side = dot(at, cross(previous, corner))
        along = dot(previous, corner) - dot(previous, at) * dot(corner, at)
        if abs(side) < _TINY and to_arc(previous, corner, at) < 1e-12:
            return True
        turned += atan2(side, along)
        previous = corner
    # Seen from inside the corners go once around; seen from the antipode of an inner place, once the other way.
    return turned > pi
