"""Footprints: ``s_region`` texts as polygons and circles on the sphere, with their overlap, containment and area."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from jwstmq_widgets.errors import FootprintError

__all__ = ["Circle", "Footprints", "Polygon", "Region", "read_region", "separation"]

_Array = np.ndarray[Any, np.dtype[np.float64]]
_Flags = np.ndarray[Any, np.dtype[np.bool_]]

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
# Frames that agree with ICRS to better than a pixel, and words of STC-S that change nothing (IVOA note STC-S 1.33).
_PASSED_OVER = frozenset(
    {"ICRS", "FK5", "J2000", "GSC1", "UNKNOWNFRAME", "SPHERICAL2", "CARTESIAN2", "UNKNOWNREFPOS", "BARYCENTER"}
    | {"GEOCENTER", "HELIOCENTER", "TOPOCENTER", "UNION", "MULTIPOLYGON"}
)
_EDGE = 1e-13  # rad: rounding of unit vectors


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygon:
    """A polygon whose sides are great circles, smaller than half the sky."""

    corners: tuple[tuple[float, float], ...]
    """Right ascension and declination of each corner (deg), not closed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """A circle."""

    centre: tuple[float, float]
    """Right ascension and declination (deg)."""
    radius: float
    """Radius (deg)."""


Region = tuple[Polygon | Circle, ...]
"""What a footprint consists of; nothing for an empty text."""


def read_region(text: str) -> Region:
    """Read an ``s_region``.

    Parameters
    ----------
    text
        ``POLYGON [frame] ra dec ra dec ...`` and ``CIRCLE [frame] ra dec radius`` (deg), one or several, as MAST writes
        them; the words and brackets of STC-S and ADQL are taken too.

    Returns
    -------
    tuple of Polygon and Circle
        Right ascensions from 0 to 360.

    Raises
    ------
    FootprintError
        If it is anything else.
    """
    shapes: list[Polygon | Circle] = []
    shape = ""
    numbers: list[float] = []
    for word in [*re.sub(r"[(),'\"]", " ", text).split(), ""]:
        if _NUMBER.fullmatch(word):
            numbers.append(float(word))
            continue
        name = word.upper()
        if name in _PASSED_OVER and not numbers:
            continue
        if shape:
            shapes.append(_circle(numbers) if shape == "CIRCLE" else _polygon(numbers))
        elif numbers:
            raise FootprintError(f"numbers without a shape before them: {_short(text)}")
        if name not in {"POLYGON", "CIRCLE", ""} and name not in _PASSED_OVER:
            raise FootprintError(f"'{_short(word)}' is not understood; POLYGON and CIRCLE are, in ICRS")
        shape = "" if name in _PASSED_OVER else name
        numbers = []
    return tuple(shapes)


def separation(ra: Any, dec: Any, other_ra: Any, other_dec: Any) -> _Array:
    """Give the angle between places.

    Parameters
    ----------
    ra, dec, other_ra, other_dec
        Right ascensions and declinations (deg); arrays go together as numpy's do.

    Returns
    -------
    numpy.ndarray
        Degrees.
    """
    return np.degrees(_angle(_vectors(ra, dec), _vectors(other_ra, other_dec)))


class Footprints:
    """The footprints of many observations, asked all at once.

    Parameters
    ----------
    texts
        Their ``s_region``.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        seen: dict[str, Region | None] = {}
        for text in texts:
            if text not in seen:
                try:
                    seen[text] = read_region(text)
                except FootprintError:
                    seen[text] = None
        self.regions: tuple[Region, ...] = tuple(seen[text] or () for text in texts)
        """What each consists of; nothing where there is no footprint, or none that can be read."""

    def __len__(self) -> int:
        return len(self.regions)

    @cached_property
    def known(self) -> _Flags:
        """Which have a footprint that can be read."""
        return np.array([bool(region) for region in self.regions], dtype=bool)

    @cached_property
    def area(self) -> _Array:
        """Area of each (deg²); what several parts share counts for each of them. NaN where it is unknown."""
        areas = np.zeros(len(self))
        a, b, middle, shape, row = self._sides
        # The triangles that the sides make with the middle of their polygon (Van Oosterom & Strackee 1983, eq. 8),
        # from differences, so that a polygon of an arcsecond keeps its digits.
        c = middle[shape]
        volume = np.einsum("ij,ij->i", c, np.cross(a - c, b - c))
        below = 1 + np.einsum("ij,ij->i", a, b) + np.einsum("ij,ij->i", b, c) + np.einsum("ij,ij->i", c, a)
        np.add.at(areas, row, np.abs(np.bincount(shape, 2 * np.arctan2(volume, below), minlength=len(row))))
        _, radii, rows = self._circles
        np.add.at(areas, rows, 4 * np.pi * np.sin(radii / 2) ** 2)
        return np.where(self.known, np.degrees(np.degrees(areas)), np.nan)

    def distance(self, ra: float, dec: float) -> _Array:
        """Give the distance of a place from each footprint.

        Parameters
        ----------
        ra, dec
            Right ascension and declination (deg).

        Returns
        -------
        numpy.ndarray
            Degrees; 0 inside, NaN where the footprint is unknown.
        """
        nearest = np.full(len(self), np.inf)
        place = _vectors(ra, dec)
        a, b, middle, shape, row = self._sides
        if len(row):
            to_side = np.full(len(row), np.inf)
            np.minimum.at(to_side, shape, _to_arc(a, b, place))
            np.minimum.at(nearest, row, np.where(_within(a, b, middle, shape, place), 0.0, to_side))
        centres, radii, rows = self._circles
        np.minimum.at(nearest, rows, np.maximum(_angle(centres, place) - radii, 0.0))
        nearest[nearest < _EDGE] = 0.0
        return np.where(self.known, np.degrees(nearest), np.nan)

    def contains(self, ra: float, dec: float) -> _Flags:
        """Tell which footprints hold a place.

        Parameters
        ----------
        ra, dec
            Right ascension and declination (deg).

        Returns
        -------
        numpy.ndarray of bool
            False where the footprint is unknown.
        """
        return np.asarray(self.distance(ra, dec) == 0)

    def overlaps(self, ra: float, dec: float, radius: float) -> _Flags:
        """Tell which footprints overlap a circle.

        Parameters
        ----------
        ra, dec
            Right ascension and declination of its middle (deg).
        radius
            Its radius (deg).

        Returns
        -------
        numpy.ndarray of bool
            False where the footprint is unknown.
        """
        return np.asarray(self.distance(ra, dec) <= radius)

    @cached_property
    def _sides(self) -> tuple[_Array, _Array, _Array, Any, Any]:
        """Ends of all sides, middles of the polygons, the polygon of each side, the row of each polygon."""
        found = [
            (row, shape.corners)
            for row, region in enumerate(self.regions)
            for shape in region
            if isinstance(shape, Polygon)
        ]
        if not found:
            none = np.zeros((0, 3))
            return none, none, none, np.zeros(0, dtype=int), np.zeros(0, dtype=int)
        counts = np.array([len(corners) for _, corners in found])
        places = np.array([corner for _, corners in found for corner in corners])
        a = _vectors(places[:, 0], places[:, 1])
        starts = np.concatenate(([0], np.cumsum(counts)[:-1]))
        following = np.arange(1, len(a) + 1)
        following[starts + counts - 1] = starts
        middle = _normal(np.add.reduceat(a, starts))
        return a, a[following], middle, np.repeat(np.arange(len(found)), counts), np.array([row for row, _ in found])

    @cached_property
    def _circles(self) -> tuple[_Array, _Array, Any]:
        """Centres, radii (rad) and rows of the circles."""
        found = [
            (row, shape) for row, region in enumerate(self.regions) for shape in region if isinstance(shape, Circle)
        ]
        places = np.array([shape.centre for _, shape in found]).reshape(-1, 2)
        radii = np.radians(np.array([shape.radius for _, shape in found], dtype=float))
        return _vectors(places[:, 0], places[:, 1]), radii, np.array([row for row, _ in found], dtype=int)


def _polygon(numbers: list[float]) -> Polygon:
    if len(numbers) < 6 or len(numbers) % 2:
        raise FootprintError(f"a polygon has pairs of numbers, three or more, not {len(numbers)} numbers")
    corners = [_place(ra, dec) for ra, dec in zip(numbers[::2], numbers[1::2], strict=True)]
    if corners[0] == corners[-1] and len(corners) > 3:
        corners.pop()
    vectors = _vectors(*np.array(corners).T)
    total = vectors.sum(axis=0)
    if (vectors @ total).min() <= 1e-6 * np.linalg.norm(total) or np.linalg.norm(total) < 1e-6:
        raise FootprintError("a polygon is as large as half the sky; which side is meant cannot be told")
    return Polygon(corners=tuple(corners))


def _circle(numbers: list[float]) -> Circle:
    if len(numbers) != 3:
        raise FootprintError(f"a circle has three numbers, not {len(numbers)}")
    if not 0 <= numbers[2] <= 90:
        raise FootprintError(f"a circle's radius is 0 to 90 degrees, not {numbers[2]}")
    return Circle(centre=_place(numbers[0], numbers[1]), radius=numbers[2])


def _place(ra: float, dec: float) -> tuple[float, float]:
    if not (-360 <= ra <= 720 and -90 <= dec <= 90):
        raise FootprintError(f"{ra} {dec} is not on the sky")
    return (ra % 360.0, dec)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


def _vectors(ra: Any, dec: Any) -> _Array:
    """Give unit vectors of places (deg), along a new last axis."""
    a, d = np.radians(np.asarray(ra, dtype=float)), np.radians(np.asarray(dec, dtype=float))
    return np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d) + 0 * a], axis=-1)


def _normal(vectors: _Array) -> _Array:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(length > 0, length, 1.0)


def _angle(a: _Array, b: _Array) -> _Array:
    # from the chord, because a cosine has no digits left for small angles
    chord = np.linalg.norm(a - b, axis=-1)
    return np.asarray(2 * np.arctan2(chord, np.linalg.norm(a + b, axis=-1)))


def _to_arc(a: _Array, b: _Array, place: _Array) -> _Array:
    """Give the distance (rad) of a place from arcs."""
    normal = _normal(np.cross(a, b - a))
    beside = (np.cross(normal, a) @ place >= 0) & (np.cross(b, normal) @ place >= 0) & (np.abs(normal).sum(axis=1) > 0)
    across = np.abs(np.arcsin(np.clip(normal @ place, -1, 1)))
    return np.where(beside, across, np.minimum(_angle(a, place), _angle(b, place)))


def _within(a: _Array, b: _Array, middle: _Array, shape: Any, place: _Array) -> _Flags:
    """Tell which polygons wind around a place: the sides' angles at the place, added up, are a full turn."""
    pole = np.array([0.0, 0.0, 1.0]) if abs(place[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    east = np.cross(pole, place)
    east /= np.linalg.norm(east)
    north = np.cross(place, east)
    # A side's azimuth, seen from the place, turns by less than half a circle, whatever its length.
    ax, ay, bx, by = a @ east, a @ north, b @ east, b @ north
    turns = np.bincount(shape, np.arctan2(ax * by - ay * bx, ax * bx + ay * by), minlength=len(middle))
    # The place on the other side of the sky is wound around too.
    return np.asarray((np.abs(turns) > np.pi) & (middle @ place > 0))
