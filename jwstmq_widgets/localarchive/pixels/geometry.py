"""Where the pixels of a file lie on the sky.

A footprint's four corners are taken to the plane tangent at its middle, and the pixels are laid between them
bilinearly. As a FITS world coordinate system that is a TAN projection with one SIP term an axis (x times y), exact at
the corners: Calabretta & Greisen 2002 (A&A 395, 1077), Shupe et al. 2005 (ASP Conf. 347, 491).
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from math import atan2, cos, degrees, hypot, radians, sin
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.floating]

__all__ = ["Footprint", "Point", "deproject", "footprint", "project"]

Point = tuple[float, float]
_NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")


@dataclass(frozen=True, slots=True)
class Footprint:
    """Four corners on the sky, and the pixels between them."""

    ra: float
    """Right ascension of the middle, the point of tangency (deg)."""
    dec: float
    """Declination of the middle (deg)."""
    corners: tuple[Point, Point, Point, Point]
    """Offsets (xi, eta) of the corners from the middle, in the tangent plane (deg).

    The order is that of the pixels: lower left, lower right, upper right, upper left.
    """
    text: str
    """The footprint in the words of the catalogue: ``POLYGON ra dec ...``; "" when only the middle is known."""

    @property
    def terms(self) -> tuple[Point, Point, Point]:
        """Side along x, side along y, and the mixed term (deg) of the bilinear map from (-0.5, 0.5) squared."""
        (ax, ay), (bx, by), (cx, cy), (dx, dy) = self.corners
        return (
            ((bx + cx - ax - dx) / 2, (by + cy - ay - dy) / 2),
            ((cx + dx - ax - bx) / 2, (cy + dy - ay - by) / 2),
            (ax - bx + cx - dx, ay - by + cy - dy),
        )

    @property
    def sides(self) -> Point:
        """Lengths along x and y (arcsec)."""
        along_x, along_y, _ = self.terms
        return hypot(*along_x) * 3600, hypot(*along_y) * 3600

    def wcs(self, nx: int, ny: int, *, axes: int = 2, bent: bool = True) -> dict[str, float | int | str]:
        """Keywords of the world coordinate system of an array of `nx` times `ny` pixels.

        With `bent` False the mixed term is left out: SIP is for arrays of two axes.
        """
        (ax, ay), (bx, by), (kx, ky) = self.terms
        cd = ((ax / nx, bx / ny), (ay / nx, by / ny))
        scales = (hypot(cd[0][0], cd[1][0]), hypot(cd[0][1], cd[1][1]))
        determinant = cd[0][0] * cd[1][1] - cd[0][1] * cd[1][0]
        mixed_x = (cd[1][1] * kx - cd[0][1] * ky) / determinant / (nx * ny)
        mixed_y = (cd[0][0] * ky - cd[1][0] * kx) / determinant / (nx * ny)
        distorted = bent and max(abs(mixed_x), abs(mixed_y)) * nx * ny / 4 > 1e-4
        sip = "-SIP" if distorted else ""
        keywords: dict[str, float | int | str] = {
            "WCSAXES": axes,
            "CRPIX1": (nx + 1) / 2,
            "CRPIX2": (ny + 1) / 2,
            "CRVAL1": self.ra,
            "CRVAL2": self.dec,
            "CTYPE1": f"RA---TAN{sip}",
            "CTYPE2": f"DEC--TAN{sip}",
            "CUNIT1": "deg",
            "CUNIT2": "deg",
            "CDELT1": scales[0],
            "CDELT2": scales[1],
            "PC1_1": cd[0][0] / scales[0],
            "PC1_2": cd[0][1] / scales[0],
            "PC2_1": cd[1][0] / scales[1],
            "PC2_2": cd[1][1] / scales[1],
        }
        if distorted:
            keywords |= {"A_ORDER": 2, "B_ORDER": 2, "A_1_1": mixed_x, "B_1_1": mixed_y}
        return keywords

    @property
    def position_angle(self) -> float:
        """Angle of the y axis, from north through east (deg)."""
        xi, eta = self.terms[1]
        return degrees(atan2(xi, eta)) % 360

    def sky(self, x: "Array", y: "Array", ra: float, dec: float) -> "tuple[Array, Array]":
        """Offsets (arcsec) from another point of tangency, for places in the array (0 to 1 along each side)."""
        (a0, a1), (b0, b1), (c0, c1), (d0, d1) = (
            project(*deproject(xi, eta, self.ra, self.dec), ra, dec) for xi, eta in self.corners
        )
        ll, lr, ur, ul = (1 - x) * (1 - y), x * (1 - y), x * y, (1 - x) * y
        return (
            (a0 * ll + b0 * lr + c0 * ur + d0 * ul) * 3600,
            (a1 * ll + b1 * lr + c1 * ur + d1 * ul) * 3600,
        )

    def places(self, ra: "Array", dec: "Array") -> "tuple[Array, Array]":
        """Places in the array (0 to 1 along each side inside it) of points on the sky (deg)."""
        import numpy as np

        lon, lat, lat0 = np.radians(ra - self.ra), np.radians(dec), radians(self.dec)
        depth = np.sin(lat) * sin(lat0) + np.cos(lat) * cos(lat0) * np.cos(lon)
        xi = np.degrees(np.cos(lat) * np.sin(lon) / depth)
        eta = np.degrees((np.sin(lat) * cos(lat0) - np.cos(lat) * sin(lat0) * np.cos(lon)) / depth)
        (ax, ay), (bx, by), (kx, ky) = self.terms
        determinant = ax * by - bx * ay
        u, v = np.zeros_like(xi), np.zeros_like(xi)
        for _ in range(4):  # the mixed term is small: a fixed point is reached at once
            rest_x, rest_y = xi - kx * u * v, eta - ky * u * v
            u, v = (by * rest_x - bx * rest_y) / determinant, (ax * rest_y - ay * rest_x) / determinant
        return u + 0.5, v + 0.5


def project(ra: float, dec: float, ra0: float, dec0: float) -> Point:
    """Gnomonic projection: offsets (xi, eta) of a point in the plane tangent at another (all deg)."""
    lon, lat, lat0 = radians(ra - ra0), radians(dec), radians(dec0)
    depth = sin(lat) * sin(lat0) + cos(lat) * cos(lat0) * cos(lon)
    return (
        degrees(cos(lat) * sin(lon) / depth),
        degrees((sin(lat) * cos(lat0) - cos(lat) * sin(lat0) * cos(lon)) / depth),
    )


def deproject(xi: float, eta: float, ra0: float, dec0: float) -> Point:
    """Undo :func:`project`."""
    x, y, lat0 = radians(xi), radians(eta), radians(dec0)
    depth = cos(lat0) - y * sin(lat0)
    return (ra0 + degrees(atan2(x, depth))) % 360, degrees(atan2(sin(lat0) + y * cos(lat0), hypot(x, depth)))


@lru_cache(maxsize=4096)
def footprint(s_region: str, ra: float, dec: float, width: float, height: float, angle: float) -> Footprint:
    """Find the footprint of a file.

    Parameters
    ----------
    s_region
        Footprint in the catalogue's words. One polygon of four corners is taken as it is; of anything larger the
        rectangle around it, parallel to its first side.
    ra, dec
        Middle of the field (deg), used when `s_region` is empty.
    width, height
        Sides of that field (arcsec).
    angle
        Position angle of that field's y axis (deg).
    """
    polygons = _polygons(s_region)
    if len(polygons) == 1 and len(polygons[0]) == 4:
        points = polygons[0]
    elif polygons:
        points = _box(polygons)
    else:
        turn, half_x, half_y = radians(angle), width / 7200, height / 7200
        points = [
            deproject(
                x * half_x * -cos(turn) + y * half_y * sin(turn),
                x * half_x * sin(turn) + y * half_y * cos(turn),
                ra,
                dec,
            )
            for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        ]
    middle = points[0]
    for _ in range(6):  # the middle is where the corners' mean is: found by moving the point of tangency there
        offsets = [project(*point, *middle) for point in points]
        middle = deproject(sum(x for x, _ in offsets) / 4, sum(y for _, y in offsets) / 4, *middle)
    first, second, third, fourth = (project(*point, *middle) for point in points)
    side = (second[0] - first[0], second[1] - first[1])
    other = (fourth[0] - first[0], fourth[1] - first[1])
    # Seen on the sky east is left of north. The archive's polygons run either way around, so the second corner is the
    # lower right one or the upper left one: whichever does not mirror the sky.
    if side[0] * other[1] - side[1] * other[0] > 0:
        second, fourth = fourth, second
    return Footprint(middle[0], middle[1], (first, second, third, fourth), s_region.strip())


def _polygons(s_region: str) -> list[list[Point]]:
    polygons = []
    for text in s_region.upper().split("POLYGON")[1:]:
        numbers = [float(number) for number in _NUMBER.findall(text.replace("ICRS", ""))]
        points = list(zip(numbers[::2], numbers[1::2], strict=False))
        if len(points) > 3 and points[0] == points[-1]:
            points.pop()
        if len(points) >= 3:
            polygons.append(points)
    return polygons


def _box(polygons: list[list[Point]]) -> list[Point]:
    middle = polygons[0][0]
    offsets = [project(*point, *middle) for polygon in polygons for point in polygon]
    x, y = (offsets[1][i] - offsets[0][i] for i in (0, 1))
    length = hypot(x, y) or 1.0
    x, y = x / length, y / length
    along = [xi * x + eta * y for xi, eta in offsets]
    across = [eta * x - xi * y for xi, eta in offsets]
    return [
        deproject(s * x - t * y, s * y + t * x, *middle)
        for s, t in (
            (min(along), min(across)),
            (max(along), min(across)),
            (max(along), max(across)),
            (min(along), max(across)),
        )
    ]
