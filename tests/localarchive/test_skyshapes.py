"""Shapes on the sky: checked against astropy and against computations of another kind."""

from itertools import pairwise
from math import cos, degrees, pi, radians, sin

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jwstmq_widgets.localarchive.adql import AdqlError, relations, shapes
from jwstmq_widgets.localarchive.adql.functions import FUNCTIONS
from jwstmq_widgets.localarchive.adql.shapes import Box, Circle, Point

# Places of all kinds, and those where formulas break: the poles, and the meridian where right ascension starts anew.
_RA = st.floats(0, 360) | st.sampled_from([0.0, 1e-9, 359.999999999, 360.0, 180.0])
_DEC = st.floats(-90, 90) | st.sampled_from([90.0, -90.0, 89.9999, -89.9999, 0.0])
_PLACE = st.tuples(_RA, _DEC)


def _call(name: str, *arguments: object) -> object:
    calculate = FUNCTIONS[name].calculate
    assert calculate is not None
    return calculate(*arguments)


def _star(centre: tuple[float, float], turns: list[float], radii: list[float]) -> list[tuple[float, float]]:
    """Give the corners (deg) of a polygon seen whole from its centre: direction and distance of each from there."""
    middle = SkyCoord(*centre, unit="deg")
    around = np.cumsum(turns) / sum(turns) * 360.0
    corners = middle.directional_offset_by(around * units.deg, np.array(radii) * units.deg)
    return [(float(corner.ra.deg), float(corner.dec.deg)) for corner in corners]


def _flat(centre: tuple[float, float], places: list[tuple[float, float]]) -> np.ndarray:
    """Project places (deg) to the tangent plane, where great circles are straight lines."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = list(centre)
    wcs.wcs.cdelt = [1.0, 1.0]
    return np.array(wcs.wcs_world2pix(np.array(places), 0))


def _inside_flat(corners: np.ndarray, place: np.ndarray) -> bool:
    inside = False
    for (x1, y1), (x2, y2) in pairwise([*corners, corners[0]]):
        if (y1 > place[1]) != (y2 > place[1]) and place[0] < (x2 - x1) * (place[1] - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def _clear_of_edges(corners: np.ndarray, place: np.ndarray, least: float) -> bool:
    for a, b in pairwise([*corners, corners[0]]):
        along = np.clip(np.dot(place - a, b - a) / max(np.dot(b - a, b - a), 1e-30), 0.0, 1.0)
        if np.hypot(*(a + along * (b - a) - place)) < least:
            return False
    return True


_POLYGONS = st.integers(3, 8).flatmap(
    lambda n: st.tuples(
        _PLACE,
        st.lists(st.floats(0.5, 1.0), min_size=n, max_size=n),
        st.lists(st.floats(0.5, 20.0), min_size=n, max_size=n),
    )
)


@given(one=_PLACE, other=_PLACE)
@settings(max_examples=150, deadline=None)
def test_a_distance_is_the_separation_that_astropy_measures(
    one: tuple[float, float], other: tuple[float, float]
) -> None:
    expected = SkyCoord(*one, unit="deg").separation(SkyCoord(*other, unit="deg")).deg
    assert _call("DISTANCE", *one, *other) == pytest.approx(expected, rel=1e-9, abs=1e-11)
    assert _call("DISTANCE", _call("POINT", *one), _call("POINT", *other)) == pytest.approx(expected, abs=1e-11)


@given(middle=_PLACE, radius=st.floats(0, 180), place=_PLACE)
@settings(max_examples=150, deadline=None)
def test_a_place_lies_in_a_circle_when_astropy_finds_it_near_enough(
    middle: tuple[float, float], radius: float, place: tuple[float, float]
) -> None:
    apart = SkyCoord(*middle, unit="deg").separation(SkyCoord(*place, unit="deg")).deg
    assume(abs(apart - radius) > 1e-9)
    assert relations.contains(Point(*place), Circle(*middle, radius)) == (apart < radius)
    assert relations.intersects(Circle(*middle, radius), Point(*place)) == (apart < radius)


@given(polygon=_POLYGONS, away=st.floats(0, 30), towards=st.floats(0, 360), backwards=st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_place_lies_in_a_polygon_when_it_does_so_in_the_tangent_plane(
    polygon: tuple[tuple[float, float], list[float], list[float]], away: float, towards: float, backwards: bool
) -> None:
    centre, turns, radii = polygon
    assume(max(turns) / sum(turns) < 0.45)
    corners = _star(centre, turns, radii)
    place = SkyCoord(*centre, unit="deg").directional_offset_by(towards * units.deg, away * units.deg)
    tested = (float(place.ra.deg), float(place.dec.deg))
    flat = _flat(centre, [*corners, tested])
    assume(_clear_of_edges(flat[:-1], flat[-1], 1e-6))
    made = shapes.polygon(list(reversed(corners)) if backwards else corners)
    assert relations.contains(Point(*tested), made) == _inside_flat(flat[:-1], flat[-1])
    assert relations.contains(Point(*tested), shapes.parse(shapes.text(made))) == _inside_flat(flat[:-1], flat[-1])


@given(polygon=_POLYGONS, away=st.floats(0, 40), towards=st.floats(0, 360), radius=st.floats(0.01, 10))
@settings(max_examples=100, deadline=None)
def test_a_circle_meets_a_polygon_when_a_place_of_it_lies_inside_or_an_edge_is_near(
    polygon: tuple[tuple[float, float], list[float], list[float]], away: float, towards: float, radius: float
) -> None:
    centre, turns, radii = polygon
    assume(max(turns) / sum(turns) < 0.45)
    corners = _star(centre, turns, radii)
    middle = SkyCoord(*centre, unit="deg").directional_offset_by(towards * units.deg, away * units.deg)
    # Sampled: so many places of each edge that none is missed by more than 0.02 deg.
    xyz = np.array([_vector(*corner) for corner in [*corners, corners[0]]])
    steps = np.linspace(0.0, 1.0, 2000)[:, None]
    edge = np.concatenate([a + (b - a) * steps for a, b in pairwise(xyz)])
    edge /= np.linalg.norm(edge, axis=1)[:, None]
    at = np.array(_vector(float(middle.ra.deg), float(middle.dec.deg)))
    nearest = degrees(float(np.arccos(np.clip(edge @ at, -1.0, 1.0)).min()))
    assume(abs(nearest - radius) > 0.02)
    flat = _flat(centre, [*corners, (float(middle.ra.deg), float(middle.dec.deg))])
    inside = _inside_flat(flat[:-1], flat[-1])
    circle = Circle(float(middle.ra.deg), float(middle.dec.deg), radius)
    made = shapes.polygon(corners)
    assert relations.intersects(circle, made) == relations.intersects(made, circle) == (inside or nearest < radius)
    assert relations.contains(circle, made) == (inside and nearest > radius)


def _vector(ra: float, dec: float) -> tuple[float, float, float]:
    a, d = radians(ra), radians(dec)
    return cos(d) * cos(a), cos(d) * sin(a), sin(d)


@given(one=_POLYGONS, away=st.floats(0, 45), towards=st.floats(0, 360), size=st.floats(0.1, 5))
@settings(max_examples=25, deadline=None)
def test_polygons_meet_when_they_share_one_of_many_places(
    one: tuple[tuple[float, float], list[float], list[float]], away: float, towards: float, size: float
) -> None:
    centre, turns, radii = one
    assume(max(turns) / sum(turns) < 0.45)
    corners = _star(centre, turns, radii)
    other_centre = SkyCoord(*centre, unit="deg").directional_offset_by(towards * units.deg, away * units.deg)
    other = _star((float(other_centre.ra.deg), float(other_centre.dec.deg)), [1.0] * 4, [size] * 4)
    flat = _flat(centre, [*corners, *other])
    mine, theirs = flat[: len(corners)], flat[len(corners) :]
    # A grid over the small one, which is convex: bilinear between its corners.
    u, v = np.meshgrid(np.linspace(0, 1, 15), np.linspace(0, 1, 15))
    a, b, c, d = theirs
    grid = (
        ((1 - u) * (1 - v))[..., None] * a + (u * (1 - v))[..., None] * b + (u * v)[..., None] * c
        + ((1 - u) * v)[..., None] * d
    ).reshape(-1, 2)  # fmt: skip
    shared = [_inside_flat(mine, place) for place in grid]
    first, second = shapes.polygon(corners), shapes.polygon(other)
    if any(shared):
        assert relations.intersects(first, second)
        assert relations.intersects(second, first)
    elif not any(_inside_flat(theirs, place) for place in mine):
        step = np.hypot(*(b - a)) / 10
        clear = all(_clear_of_edges(mine, place, step) for place in grid)
        assume(clear)
        assert not relations.intersects(first, second)
    if all(shared) and all(_clear_of_edges(mine, place, 1e-6) for place in theirs):
        assert relations.contains(second, first) or not all(
            _clear_of_edges(mine, place, np.hypot(*(b - a)) / 10) for place in grid
        )


@given(middle=_PLACE, width=st.floats(0.1, 360), height=st.floats(0.1, 180), place=_PLACE)
@settings(max_examples=150, deadline=None)
def test_a_box_is_a_range_of_both_coordinates_with_right_ascension_going_round(
    middle: tuple[float, float], width: float, height: float, place: tuple[float, float]
) -> None:
    ra, dec = place
    turned = (ra - middle[0]) % 360.0
    sideways = min(turned, 360.0 - turned)
    assume(abs(sideways - width / 2) > 1e-6)
    assume(abs(abs(dec - middle[1]) - height / 2) > 1e-6)
    expected = abs(dec - middle[1]) < height / 2 and (sideways < width / 2 or abs(dec) == 90.0)
    assert relations.contains(Point(*place), Box(*middle, width, height)) == expected


def test_a_box_over_the_meridian_meets_what_lies_on_its_other_side() -> None:
    box = Box(359.0, 0.0, 4.0, 2.0)
    assert relations.contains(Point(0.5, 0.5), box)
    assert relations.intersects(shapes.parse("Polygon 0.2 0.2 0.8 0.2 0.5 0.8"), box)
    assert relations.contains(shapes.parse("Polygon 0.2 0.2 0.8 0.2 0.5 0.8"), box)
    assert not relations.intersects(shapes.parse("Polygon 2.2 0.2 2.8 0.2 2.5 0.8"), box)
    assert relations.intersects(Circle(3.0, 0.0, 2.1), box)
    assert not relations.intersects(Circle(3.0, 0.0, 1.9), box)


def test_a_box_up_to_the_pole_holds_the_pole_from_every_side() -> None:
    box = Box(10.0, 88.0, 20.0, 10.0)
    assert relations.contains(Point(200.0, 90.0), box)
    assert relations.contains(Point(15.0, 89.99), box)
    assert not relations.contains(Point(200.0, 89.99), box)
    assert relations.intersects(Circle(200.0, 89.0, 1.5), box)


@given(middle=_PLACE, radius=st.floats(0.001, 179))
@settings(max_examples=50, deadline=None)
def test_the_area_of_a_circle_is_that_of_a_cap(middle: tuple[float, float], radius: float) -> None:
    expected = degrees(degrees(2 * pi * (1 - cos(radians(radius)))))
    assert _call("AREA", _call("CIRCLE", *middle, radius)) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("corners", "steradians"),
    [
        ([(0, 0), (90, 0), (0, 90)], pi / 2),
        ([(350, 0), (80, 0), (123, 90)], pi / 2),
        ([(0, -90), (0, 0), (90, 0)], pi / 2),
        ([(0, 89), (90, 89), (180, 89), (270, 89)], None),
    ],
)
def test_areas_of_known_polygons(corners: list[tuple[float, float]], steradians: float | None) -> None:
    if steradians is None:
        # Four triangles with a right angle at the pole: Girard's excess of each.
        side = radians(1.0)
        tangent = np.tan(side / 2) ** 2
        steradians = 4 * 2 * float(np.arctan2(tangent, 1.0))
    for order in (corners, corners[::-1]):
        area = _call("AREA", shapes.text(shapes.polygon(order)))
        assert area == pytest.approx(degrees(degrees(steradians)), rel=1e-9)


def test_the_area_of_the_whole_sky_is_that_of_a_box_around_it() -> None:
    assert shapes.area(Box(0.0, 0.0, 360.0, 180.0)) == pytest.approx(41252.96124941927)


@given(centre=_PLACE, sides=st.integers(3, 8), radius=st.floats(0.01, 60))
@settings(max_examples=40, deadline=None)
def test_the_centroid_of_a_regular_polygon_is_its_middle(
    centre: tuple[float, float], sides: int, radius: float
) -> None:
    found = shapes.centroid(shapes.polygon(_star(centre, [1.0] * sides, [radius] * sides)))
    assert SkyCoord(found.ra, found.dec, unit="deg").separation(SkyCoord(*centre, unit="deg")).deg < 1e-6


def test_the_centroid_of_an_odd_polygon_is_the_mean_of_the_places_in_it() -> None:
    centre = (359.0, 75.0)
    corners = _star(centre, [0.7, 1.0, 0.6, 0.9, 0.8], [4.0, 15.0, 3.0, 9.0, 20.0])
    flat = _flat(centre, corners)
    axis = np.linspace(-25.0, 25.0, 121)
    inside = np.array([(x, y) for x in axis for y in axis if _inside_flat(flat, np.array((x, y)))])
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.cdelt = ["RA---TAN", "DEC--TAN"], list(centre), [1.0, 1.0]
    places = wcs.wcs_pix2world(inside, 0)
    # A cell of the tangent plane shows less sky the farther out it lies.
    weights = (1.0 + np.sum(np.radians(inside) ** 2, axis=1)) ** -1.5
    mean = np.sum([weight * np.array(_vector(*at)) for weight, at in zip(weights, places, strict=True)], axis=0)
    found = shapes.centroid(shapes.polygon(corners))
    assert found.dec == pytest.approx(degrees(np.arcsin(mean[2] / np.linalg.norm(mean))), abs=0.1)
    assert (found.ra - degrees(np.arctan2(mean[1], mean[0]))) % 360.0 == pytest.approx(0.0, abs=0.3)


@pytest.mark.parametrize(
    "text",
    ["", "Polygon", "Polygon 1 2 3 4", "Polygon 1 2 3 4 5", "Circle 1 2", "Circle 1 2 -3", "Point 1 91", "Point a b",
     "Sphere 1 2 3", "1 2 3", "Box 1 2 3", "Polygon 0 0 120 0 240 0", "Point nan 1", "Polygon 1 1 1 1 1 1",
     "Circle 1 2 x"],
)  # fmt: skip
def test_a_text_that_is_no_shape_is_refused(text: str) -> None:
    with pytest.raises(AdqlError):
        shapes.parse(text)


@given(
    words=st.text(max_size=40)
    | st.from_regex(r"(Polygon|Circle|Box|Point)( -?[0-9]{1,3}(\.[0-9])?){0,8}", fullmatch=True)
)
@settings(max_examples=150, deadline=None)
def test_any_text_is_a_shape_or_refused(words: str) -> None:
    try:
        shape = shapes.parse(words)
    except AdqlError:
        return
    again = shapes.parse(shapes.text(shape))
    assert type(again) is type(shape)
    assert shapes.area(again) == pytest.approx(shapes.area(shape), rel=1e-6, abs=1e-9)


def test_a_footprint_of_two_polygons_holds_the_places_of_both() -> None:
    footprint = shapes.parse("POLYGON 10 10 11 10 11 11 10 11 POLYGON ICRS 20 10 21 10 21 11 20 11")
    assert relations.contains(Point(10.5, 10.5), footprint)
    assert relations.contains(Point(20.5, 10.5), footprint)
    assert not relations.contains(Point(15.0, 10.5), footprint)
