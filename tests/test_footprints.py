import math
from pathlib import Path

import numpy as np
import pytest

from jwstmq_widgets.errors import FootprintError
from jwstmq_widgets.footprints import Circle, Footprints, Polygon, read_region, separation
from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.holdings.regions import distance, parse_region

ARCMIN = 1 / 60


def square(ra: float, dec: float, size: float) -> str:
    """A square of great circles around a place, as MAST writes it (all in deg)."""
    half = math.tan(math.radians(size / 2))
    centre = np.array([math.cos(math.radians(dec)), 0.0, math.sin(math.radians(dec))])
    north = np.array([-math.sin(math.radians(dec)), 0.0, math.cos(math.radians(dec))])
    words = ["POLYGON"]
    for x, y in ((1, -1), (1, 1), (-1, 1), (-1, -1)):
        x1, y1, z1 = centre + half * (x * np.array([0.0, 1.0, 0.0]) + y * north)
        words += [
            f"{(ra + math.degrees(math.atan2(y1, x1))) % 360!r}",
            f"{math.degrees(math.atan2(z1, math.hypot(x1, y1)))!r}",
        ]
    return " ".join(words)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("POLYGON 10 1 11 1 11 2 10 2", 1),
        ("POLYGON ICRS  151.757 -40.436 151.758 -40.436 151.758 -40.435 151.757 -40.436", 1),
        ("POLYGON GSC1 341.70420597  44.33842672 341.71320596  44.33571596 341.70943232  44.32930168", 1),
        ("polygon j2000 1 2 3 4 5 6 POLYGON 1e1 -2. 3 +4 5 .6", 2),
        ("CIRCLE ICRS 209.94360467  53.97848700 0.625", 1),
        ("POLYGON 10 1 11 1 11 2 CIRCLE ICRS 5 5 1", 2),
        ("Union ICRS TOPOCENTER ( Polygon 10 1 11 1 11 2 Circle 5 5 1 )", 2),
        ("POLYGON('ICRS', 10, 1, 11, 1, 11, 2)", 1),
        ("", 0),
        ("  \n", 0),
    ],
)
def test_what_archives_write_is_read(text: str, shapes: int) -> None:
    assert len(read_region(text)) == shapes


def test_a_closed_polygon_is_the_open_one() -> None:
    opened = (Polygon(corners=((10.0, 1.0), (11.0, 1.0), (11.0, 2.0))),)
    assert read_region("POLYGON 10 1 11 1 11 2 10 1") == read_region("POLYGON 10 1 11 1 11 2") == opened
    assert read_region("CIRCLE -1 2 0.5") == (Circle(centre=(359.0, 2.0), radius=0.5),)


@pytest.mark.parametrize(
    "text",
    [
        "POLYGON",
        "POLYGON ICRS",
        "POLYGON 1 2 3 4",
        "POLYGON 1 2 3 4 5",
        "POLYGON 1 2 3 4 5 91",
        "POLYGON 1 2 3 4 5 nan",
        "POLYGON 1 2 3 4 5 1e999",
        "POLYGON 1 2 3 4 5 1_0",
        "POLYGON 1 2 3 4 5 ٣",
        "POLYGON GALACTIC 1 2 3 4 5 6",
        "POLYGON 0 0 120 0 240 0",
        "POLYGON 0 80 180 -80 90 0 270 0",
        "CIRCLE 1 2",
        "CIRCLE 1 2 3 4",
        "CIRCLE 1 2 -3",
        "CIRCLE 1 2 100",
        "BOX ICRS 1 2 3 4",
        "NOT ( CIRCLE 1 2 3 )",
        "1 2 3 4 5 6",
        "nothing",
        "<html>",
    ],
)
def test_what_is_no_footprint_is_its_own_error(text: str) -> None:
    with pytest.raises(FootprintError):
        read_region(text)


def test_a_footprint_that_cannot_be_read_is_unknown_and_the_others_stay() -> None:
    footprints = Footprints([square(10, 0, 1), "BOX 1 2 3", "", square(10, 0, 1)])
    assert footprints.known.tolist() == [True, False, False, True]
    assert footprints.contains(10, 0).tolist() == [True, False, False, True]
    assert np.isnan(footprints.distance(10, 0)).tolist() == [False, True, True, False]
    assert np.isnan(footprints.area).tolist() == [False, True, True, False]


def test_no_footprints_are_no_answers() -> None:
    footprints = Footprints([])
    assert len(footprints) == len(footprints.area) == len(footprints.contains(1, 1)) == 0


def test_distances_are_those_of_another_implementation_for_every_footprint_of_the_archive(
    catalogue_folder: Path, local_archive: object
) -> None:
    holdings = Holdings.open(catalogue_folder)
    names = [column.name for column in holdings.observation_columns]
    _, rows = holdings.observations()
    holdings.close()
    texts = sorted({row[names.index("s_region")] or "" for row in rows} - {""})
    footprints = Footprints(texts)
    assert footprints.known.all()
    random = np.random.default_rng(1)
    for text in random.choice(texts, 40).tolist():
        corners = parse_region(text)[0]
        ra, dec = (float(np.mean(side)) + random.normal(0, 0.05) for side in zip(*corners, strict=True))
        theirs = [distance(parse_region(other), ra, dec) for other in texts]
        np.testing.assert_allclose(footprints.distance(ra, dec), theirs, atol=1e-9)


@pytest.mark.parametrize("dec", [0.0, 40.0, -73.0, 89.5, 90.0, -90.0])
@pytest.mark.parametrize("ra", [0.0, 0.3, 180.0, 359.8])
def test_a_field_holds_its_middle_and_not_what_lies_outside_wherever_it_is(ra: float, dec: float) -> None:
    footprints = Footprints([square(ra, dec, 1)])
    assert footprints.contains(ra, dec).all()
    outside = dec - 0.6 if dec > 0 else dec + 0.6
    assert not footprints.contains(ra, outside).any()
    assert footprints.distance(ra, outside)[0] == pytest.approx(0.1, abs=1e-9)
    assert not footprints.contains((ra + 180) % 360, -dec).any()


def test_a_field_across_right_ascension_zero_is_one_field() -> None:
    footprints = Footprints(["POLYGON 359.9 -0.1 0.1 -0.1 0.1 0.1 359.9 0.1"])
    assert [footprints.contains(ra, 0)[0] for ra in (359.95, 0.0, 0.05, 180.0, 0.2)] == [True] * 3 + [False] * 2


def test_a_pole_is_inside_the_field_around_it_only() -> None:
    cap = "POLYGON 0 89 90 89 180 89 270 89"
    assert Footprints([cap]).contains(123, 90).all()
    assert not Footprints([cap]).contains(123, -90).any()
    assert not Footprints(["POLYGON 0 89 90 89 180 89.9"]).contains(300, 89.5).any()


def test_the_gap_between_two_parts_is_outside() -> None:
    footprints = Footprints([f"{square(10, 0, 1)} {square(12, 0, 1)}"])
    assert footprints.contains(10, 0).all()
    assert footprints.contains(12, 0).all()
    assert footprints.distance(11, 0)[0] == pytest.approx(0.5, abs=1e-4)


def test_a_notch_is_outside() -> None:
    footprints = Footprints(["POLYGON 10 0 12 0 12 2 11 0.5 10 2"])
    assert not footprints.contains(11, 1.5).any()
    assert footprints.contains(11, 0.2).all()


def test_corners_and_sides_belong_to_the_field() -> None:
    footprints = Footprints(["POLYGON 10 0 12 0 11 2"])
    assert footprints.contains(10, 0).all()
    assert footprints.contains(11, 0).all()


@pytest.mark.parametrize(
    ("ra", "radius", "overlaps"),
    [
        (10.0, 0.01, True),  # the circle lies inside the field
        (10.0, 5.0, True),  # the field lies inside the circle
        (10.7, 0.25, True),  # only a side is cut: no corner is in the circle, its middle is not in the field
        (10.7, 0.15, False),
    ],
)
def test_a_circle_overlaps_a_field_in_every_way(ra: float, radius: float, overlaps: bool) -> None:
    assert Footprints([square(10, 0, 1)]).overlaps(ra, 0, radius).tolist() == [overlaps]


def test_a_circular_field_is_a_circle() -> None:
    footprints = Footprints(["CIRCLE ICRS 359.9 10 0.5"])
    assert footprints.contains(0.1, 10).all()
    assert not footprints.contains(0.6, 10).any()
    assert footprints.overlaps(0.6, 10, 0.3).all()


def test_areas_are_those_of_the_sphere() -> None:
    sphere = 4 * math.pi * math.degrees(1) ** 2
    texts = [
        "POLYGON 0 0 90 0 0 90",
        square(30, 60, ARCMIN),
        square(30, 60, 1 / 3600),
        "CIRCLE 5 5 90",
        "POLYGON 10 0 10 2 12 2 12 0",
        "POLYGON 12 0 12 2 10 2 10 0",
    ]
    octant, arcminute, arcsecond, half, one, other = Footprints(texts).area.tolist()
    assert octant == pytest.approx(sphere / 8, rel=1e-12)
    assert arcminute * 3600 == pytest.approx(1, rel=1e-7)
    assert arcsecond * 3600**2 == pytest.approx(1, rel=1e-6)
    assert half == pytest.approx(sphere / 2, rel=1e-12)
    assert one == pytest.approx(other, rel=1e-12)


def test_the_parts_of_a_field_add_up() -> None:
    one, two, both = Footprints([square(10, 0, 1), "CIRCLE 20 0 1", f"{square(10, 0, 1)} CIRCLE 20 0 1"]).area
    assert both == pytest.approx(one + two, rel=1e-12)


def test_separations_keep_their_digits() -> None:
    assert separation(10, 0, 10, 1e-9) == pytest.approx(1e-9, rel=1e-5)
    assert separation(0, 90, 123, -90) == pytest.approx(180)
    assert separation([359.5, 0.5], [0, 0], 0, 0).tolist() == pytest.approx([0.5, 0.5])
