"""Shapes on the sky as ADQL has them: points, circles, boxes, polygons.

Their text is the one of ESA's ``position_bounds_spoly``: a word and degrees, ``Polygon 53.2 -27.5 53.18 -27.4 ...``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, degrees, isfinite, pi, radians, sin

from jwstmq_widgets.localarchive.adql.errors import AdqlError
from jwstmq_widgets.localarchive.sphere import (
    Vector,
    angle,
    dot,
    middle,
    place,
    polygon_area,
    polygon_moment,
    vector,
)

__all__ = [
    "SAME_PLACE",
    "Box",
    "Circle",
    "Point",
    "Polygon",
    "Shape",
    "area",
    "box_outline",
    "centroid",
    "make_box",
    "make_circle",
    "make_point",
    "outline",
    "parse",
    "polygon",
    "text",
]

SAME_PLACE = 1e-12
"""Radians that may lie between what is the same place."""
_STEP = 0.1
"""Degrees of right ascension after which the edge of a box that follows a parallel gets a corner."""


@dataclass(frozen=True, slots=True)
class Point:
    """A place on the sky."""

    ra: float
    """Right ascension (deg)."""
    dec: float
    """Declination (deg)."""

    @property
    def at(self) -> Vector:
        """Its unit vector."""
        return vector(self.ra, self.dec)


@dataclass(frozen=True, slots=True)
class Circle:
    """All places within a radius of a middle."""

    ra: float
    """Right ascension of the middle (deg)."""
    dec: float
    """Declination of the middle (deg)."""
    radius: float
    """Radius (deg), at most 180."""

    @property
    def at(self) -> Vector:
        """The middle's unit vector."""
        return vector(self.ra, self.dec)


@dataclass(frozen=True, slots=True)
class Box:
    """A range of right ascension and declination around a middle, as pgSphere's sbox."""

    ra: float
    """Right ascension of the middle (deg)."""
    dec: float
    """Declination of the middle (deg)."""
    width: float
    """Extent in right ascension (deg of coordinate, not of arc)."""
    height: float
    """Extent in declination (deg)."""

    @property
    def low(self) -> float:
        """Least declination (deg)."""
        return max(-90.0, self.dec - self.height / 2.0)

    @property
    def high(self) -> float:
        """Greatest declination (deg)."""
        return min(90.0, self.dec + self.height / 2.0)


@dataclass(frozen=True, slots=True)
class Polygon:
    """One or several polygons, each with arcs of great circles for edges, and smaller than half of the sky."""

    parts: tuple[tuple[Vector, ...], ...]
    """Corners of each part, turning left, not closed."""
    caps: tuple[tuple[Vector, float], ...]
    """Middle and radius (rad) of a circle around each part; it saves most comparisons of what lies far apart."""


Shape = Point | Circle | Box | Polygon


def polygon(corners: Sequence[tuple[float, float]]) -> Polygon:
    """Make a polygon of its corners (deg), in either direction.

    Raises
    ------
    AdqlError
        With fewer than three corners, or when they do not lie in one half of the sky.
    """
    return _polygon([_part(corners)])


def parse(words: str) -> Shape:
    """Read a shape from its text.

    Raises
    ------
    AdqlError
        If it is none.
    """
    shape = _parse(words)
    if isinstance(shape, str):
        raise AdqlError(shape)
    return shape


def text(shape: Shape) -> str:
    """Write a shape, so that :func:`parse` reads the same."""
    match shape:
        case Point():
            numbers: tuple[float, ...] = (shape.ra, shape.dec)
        case Circle():
            numbers = (shape.ra, shape.dec, shape.radius)
        case Box():
            numbers = (shape.ra, shape.dec, shape.width, shape.height)
        case Polygon():
            return " ".join(
                "Polygon " + " ".join(repr(number) for corner in part for number in place(corner))
                for part in shape.parts
            )
    return f"{type(shape).__name__} " + " ".join(map(repr, numbers))


def area(shape: Shape) -> float:
    """Give the area (square degrees); parts of a polygon that overlap count twice."""
    match shape:
        case Point():
            steradians = 0.0
        case Circle():
            steradians = 4.0 * pi * sin(radians(shape.radius) / 2.0) ** 2
        case Box():
            steradians = radians(min(360.0, shape.width)) * (sin(radians(shape.high)) - sin(radians(shape.low)))
        case Polygon():
            steradians = sum(polygon_area(part) for part in shape.parts)
    return degrees(degrees(steradians))


def centroid(shape: Shape) -> Point:
    """Give the middle of a shape; of a polygon, its centre of mass."""
    if not isinstance(shape, Polygon):
        return Point(shape.ra % 360.0, shape.dec)
    return Point(*place(middle([polygon_moment(part) for part in shape.parts])))


@lru_cache(maxsize=65536)
def _parse(words: str) -> Shape | str:
    """Give the shape, or what is wrong."""
    parts: list[tuple[Vector, ...]] = []
    groups: list[tuple[str, list[float]]] = []
    try:
        for word in words.replace(",", " ").split():
            if word[0].isalpha() and word.lower() not in {"nan", "inf", "infinity"}:
                if word.upper() not in {"ICRS", "J2000", "FK5", "UNKNOWNFRAME"}:
                    groups.append((word.lower(), []))
            else:
                groups[-1][1].append(float(word))
        for kind, numbers in groups:
            if len(groups) == 1 and kind in _MADE:
                return _MADE[kind](*numbers)
            if kind != "polygon" or len(numbers) % 2:
                return f"'{_short(words)}' is not a region"
            parts.append(_part(list(zip(numbers[::2], numbers[1::2], strict=True))))
    except AdqlError as err:
        return str(err)
    except (ValueError, IndexError, TypeError):
        return f"'{_short(words)}' is not a region"
    return _polygon(parts) if parts else f"'{_short(words)}' is not a region"


def make_point(ra: float, dec: float) -> Point:
    """Make a point (deg); AdqlError for a declination that there is not."""
    if not (isfinite(ra) and -90.0 <= dec <= 90.0):
        raise AdqlError(f"({ra!r}, {dec!r}) is not a place on the sky: a declination lies between -90 and 90 degrees")
    return Point(ra, dec)


def make_circle(ra: float, dec: float, radius: float) -> Circle:
    """Make a circle (deg); AdqlError for a wrong radius."""
    make_point(ra, dec)
    if not 0.0 <= radius <= 180.0:
        raise AdqlError(f"the radius {radius!r} of a circle does not lie between 0 and 180 degrees")
    return Circle(ra, dec, radius)


def make_box(ra: float, dec: float, width: float, height: float) -> Box:
    """Make a box (deg); AdqlError for a wrong extent."""
    make_point(ra, dec)
    if not (0.0 <= width <= 360.0 and 0.0 <= height <= 180.0):
        raise AdqlError(f"a box of {width!r} by {height!r} degrees does not fit on the sky")
    return Box(ra, dec, width, height)


_MADE: Mapping[str, Callable[..., Shape]] = {"point": make_point, "circle": make_circle, "box": make_box}


def _short(words: str) -> str:
    return words if len(words) <= 60 else f"{words[:57]}..."


def _part(corners: Sequence[tuple[float, float]]) -> tuple[Vector, ...]:
    vectors: list[Vector] = []
    for ra, dec in corners:
        at = make_point(ra, dec).at
        if not vectors or angle(vectors[-1], at) > SAME_PLACE:
            vectors.append(at)
    if len(vectors) > 1 and angle(vectors[0], vectors[-1]) <= SAME_PLACE:
        vectors.pop()
    if len(vectors) < 3:
        raise AdqlError(f"a polygon needs three corners, {len(vectors)} different ones were given")
    centre = middle(vectors)
    if min(dot(centre, at) for at in vectors) <= 0.0:
        raise AdqlError("the corners of a polygon must lie in one half of the sky")
    if dot(polygon_moment(vectors), centre) < 0.0:
        vectors.reverse()
    return tuple(vectors)


def outline(shape: Shape) -> Polygon:
    """Give polygons that cover the same: of a box, with corners close enough along its parallels."""
    if isinstance(shape, Polygon):
        return shape
    if isinstance(shape, Box):
        return box_outline(shape)
    raise TypeError(shape)


@lru_cache(maxsize=256)
def box_outline(box: Box) -> Polygon:
    """Give a box as polygons whose edges leave its parallels by less than 0.1 arcsec within 45 deg of the equator."""
    if box.high <= box.low or box.width <= 0.0:
        return Polygon((), ())
    halfway = (box.low + box.high) / 2.0
    # A part of at most 90 degrees, on one side of the equator, always lies in one half of the sky.
    bands = [(box.low, box.high)] if box.high - box.low <= 90.0 else [(box.low, halfway), (halfway, box.high)]
    count = max(1, ceil(box.width / 90.0))
    parts = []
    for low, high in bands:
        for number in range(count):
            west = box.ra - box.width / 2.0 + box.width * number / count
            steps = max(1, ceil(box.width / count / _STEP))
            across = [west + box.width / count * step / steps for step in range(steps + 1)]
            corners = [(ra, low) for ra in across] + [(ra, high) for ra in reversed(across)]
            parts.append(_part([(ra % 360.0, dec) for ra, dec in corners]))
    return _polygon(parts)


def _polygon(parts: Sequence[tuple[Vector, ...]]) -> Polygon:
    caps = []
    for part in parts:
        centre = middle(part)
        caps.append((centre, max(angle(centre, corner) for corner in part)))
    return Polygon(tuple(parts), tuple(caps))
