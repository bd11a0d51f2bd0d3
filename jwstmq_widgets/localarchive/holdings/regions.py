"""Footprints on the sky: rectangles as ``s_region`` texts, parsed back, with distances on the sphere."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import atan2, cos, degrees, hypot, pi, radians, sin
from typing import NamedTuple

from jwstmq_widgets.localarchive.sphere import Vector, angle, cross, dot, middle, to_arc, unit, vector

__all__ = [
    "Circle",
    "Corners",
    "bounding_circle",
    "distance",
    "extent",
    "offset",
    "parse_region",
    "rectangle",
    "region_text",
]

Corners = tuple[tuple[float, float], ...]
"""Corners of one polygon: (ra, dec) in degrees, not closed."""
_ARCSEC = pi / 648_000


class Circle(NamedTuple):
    """A small circle on the sphere that holds a whole region."""

    centre: Vector
    """Unit vector."""
    radius: float
    """Radius (rad)."""


def offset(ra: float, dec: float, x: float, y: float, angle: float) -> tuple[float, float]:
    """Give the place (deg) that lies x and y (arcsec) off (ra, dec) in a frame turned on the sky.

    Parameters
    ----------
    ra, dec
        Centre of the tangent plane (deg).
    x, y
        Right and up in the frame (arcsec); with angle 0 up is north and right is west.
    angle
        Position angle of the frame's up (deg, east of north).
    """
    turn = radians(angle)
    east = (-x * cos(turn) + y * sin(turn)) * _ARCSEC
    north = (x * sin(turn) + y * cos(turn)) * _ARCSEC
    d0 = radians(dec)
    across = cos(d0) - north * sin(d0)
    new_ra = degrees(atan2(east, across)) + ra
    new_dec = degrees(atan2(sin(d0) + north * cos(d0), hypot(across, east)))
    return new_ra % 360.0, new_dec


def rectangle(ra: float, dec: float, box: tuple[float, float, float, float], angle: float) -> Corners:
    """Give the corners of a box (x0, y0, x1, y1 in arcsec, see :func:`offset`) from lower left, x first."""
    x0, y0, x1, y1 = box
    return tuple(offset(ra, dec, x, y, angle) for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1)))


def region_text(polygons: Iterable[Corners]) -> str:
    """Write polygons as CAOM does: ``POLYGON ra dec ra dec ...`` with nine decimals, one after the other."""
    return " ".join("POLYGON " + " ".join(f"{ra:.9f} {dec:.9f}" for ra, dec in corners) for corners in polygons)


@lru_cache(maxsize=65536)
def parse_region(text: str) -> tuple[Corners, ...]:
    """Read the polygons of an ``s_region`` (``POLYGON [ICRS] ra dec ...``); other shapes are passed over."""
    polygons: list[Corners] = []
    numbers: list[float] = []
    wanted = False
    for word in [*text.replace(",", " ").split(), "POLYGON"]:
        if word[0].isalpha():
            if word.upper() in {"ICRS", "J2000", "FK5"}:
                continue
            if wanted and len(numbers) >= 6:
                polygons.append(tuple(zip(numbers[::2], numbers[1::2], strict=False)))
            wanted = word.upper() == "POLYGON"
            numbers = []
        else:
            numbers.append(float(word))
    return tuple(polygons)


def bounding_circle(places: Iterable[tuple[float, float]]) -> Circle:
    """Give a circle that holds all places (deg); not the smallest, but close for small regions."""
    vectors = [vector(ra, dec) for ra, dec in places]
    centre = middle(vectors)
    return Circle(centre, max(angle(centre, at) for at in vectors))


def distance(polygons: Sequence[Corners], ra: float, dec: float) -> float:
    """Give the distance (deg) from a place to the nearest polygon: 0 inside one of them."""
    place = vector(ra, dec)
    return degrees(min(_distance([vector(*corner) for corner in corners], place) for corners in polygons))


def extent(corners: Corners, ra: float, dec: float, angle: float) -> tuple[float, float, float, float]:
    """Give the box (x0, y0, x1, y1 in arcsec) of corners in the frame of :func:`offset`: its inverse."""
    turn, d0 = radians(angle), radians(dec)
    xs, ys = [], []
    for corner_ra, corner_dec in corners:
        a, d = radians(corner_ra - ra), radians(corner_dec)
        depth = (sin(d0) * sin(d) + cos(d0) * cos(d) * cos(a)) * _ARCSEC
        east = cos(d) * sin(a) / depth
        north = (cos(d0) * sin(d) - sin(d0) * cos(d) * cos(a)) / depth
        xs.append(-east * cos(turn) + north * sin(turn))
        ys.append(east * sin(turn) + north * cos(turn))
    return min(xs), min(ys), max(xs), max(ys)


def _distance(corners: list[Vector], place: Vector) -> float:
    if _inside(corners, place):
        return 0.0
    return min(to_arc(a, b, place) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True))


def _inside(corners: list[Vector], place: Vector) -> bool:
    # In the tangent plane great circles are straight lines, so the plane rule of crossings holds exactly.
    centre = middle(corners)
    if dot(centre, place) <= 0.0:
        return False
    pole = (0.0, 0.0, 1.0) if abs(centre[2]) < 0.9 else (1.0, 0.0, 0.0)
    across = unit(cross(pole, centre))
    up = cross(centre, across)
    x, y = _plane(place, centre, across, up)
    points = [_plane(corner, centre, across, up) for corner in corners]
    inside = False
    for (x1, y1), (x2, y2) in zip(points, [*points[1:], points[0]], strict=True):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _plane(at: Vector, centre: Vector, across: Vector, up: Vector) -> tuple[float, float]:
    depth = dot(at, centre)
    return dot(at, across) / depth, dot(at, up) / depth
