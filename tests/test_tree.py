"""The tree of products, against one built row by row."""

from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from jwstmq_widgets.tables import products_table
from jwstmq_widgets.tables.tree import Branches, Grouping, Key, Path, ProductTree

NAMES = [
    "jw02733001001_02101_00001_mirimage_cal.fits",
    "jw02733001001_02101_00001_mirimage_uncal.fits",
    "jw02733001001_02101_00002_mirimage_cal.fits",
    "jw02733001001_02103_00001_nrca1_cal.fits",
    "jw02733001001_02103_00001_nrcalong_cal.jpg",
    "jw02733001002_0310e_00001_nrs1_rate.fits",
    "jw02733001001_gs-acq1_2022154060000_cal.fits",
    "jw02733001001_01_msa.fits",
    "jw02733-o001_t001_miri_f770w_i2d.fits",
    "jw02733-o001_20260726t151748_image3_00003_asn.json",
    "jw02733-c1001_t002_miri_f770w_i2d.fits",
    "jw02733_20260726t151748_pool.csv",
    "jw01386002001_04101_00001-seg001_mirimage_calints.fits",
    "../../<img src=x onerror=alert(1)>.fits",
    "",
]
TARGETS = ["NGC-3132", "<b>SMACS</b>", "", "NGC-3132"]


def products(names: list[str]) -> Table:
    rows = range(len(names))
    observations = Table({"obsid": ["0", "1", "2", "3"], "target_name": TARGETS, "t_obs_release": [0.0] * 4})
    columns = {
        "dataURI": [f"mast:JWST/product/{row}/{name}" for row, name in enumerate(names)],
        "productFilename": names,
        "size": [row * 10 for row in rows],
        "parent_obsid": [str(row % 4) for row in rows],
    }
    return products_table(columns, archive="", observations=observations)


def path_of(row: Any, by: Grouping) -> Path:
    """Give where a file belongs, as a reader of its name would say."""
    program, observation, visit, exposure = (int(row[name]) for name in ("program", "observation", "visit", "exposure"))
    if by == "type":
        kind = f"{row['stage']} {row['filetype']}"
        return (program, kind) if program < 0 else (program, kind, observation)
    if program < 0:
        return (program,)
    if visit < 0:
        return (program, observation, str(row["target_name"]))
    if exposure >= 0:
        activity = str(row["productFilename"])[14:19]
        return (program, observation, visit, f"{activity} {exposure}", str(row["detector"]))
    return (program, observation, visit, "guide stars") if row["guidestar"] else (program, observation, visit)


def lines(branches: Branches, flat: Any) -> list[tuple[Path, int | None]]:
    """Give what is seen: nodes with None, files with their row."""
    seen: list[tuple[Path, int | None]] = []
    for line in flat.tolist():
        level, number = branches.seen(line)
        if level >= 0:
            seen.append((branches.path(level, number), None))
        else:
            above = branches.above(level, number)
            assert above is not None
            seen.append((branches.path(*above), int(branches.order[number])))
    return seen


def oracle(table: Table, by: Grouping, keep: list[bool], is_open: Any) -> set[tuple[Path, int | None]]:
    seen: set[tuple[Path, int | None]] = set()
    for number, row in enumerate(table):
        path = path_of(row, by)
        for depth in range(1, len(path) + 1):
            if keep[number] and all(is_open(path[:above]) for above in range(1, depth)):
                seen.add((path[:depth], None))
        if keep[number] and all(is_open(path[:above]) for above in range(1, len(path) + 1)):
            seen.add((path, number))
    return seen


@pytest.mark.parametrize("by", ["exposure", "type"])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_is_seen_is_what_a_tree_built_row_by_row_shows(by: Grouping, data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(NAMES), max_size=25))
    keep = data.draw(st.lists(st.booleans(), min_size=len(names), max_size=len(names)))
    table = products(names)
    paths = sorted({path_of(row, by)[:depth] for row in table for depth in range(1, 6)}, key=str)
    some = st.lists(st.sampled_from(paths), unique=True) if paths else st.just([])
    opened, closed, depth = data.draw(some), data.draw(some), data.draw(st.integers(0, 6))
    branches = ProductTree(table, by=by).branches(np.array(keep, dtype=bool))
    flat = branches.flat(depth=depth, opened=opened, closed=closed)

    def is_open(path: Path) -> bool:
        return path not in closed and (path in opened or len(path) <= depth)

    seen = lines(branches, flat)
    assert len(seen) == len(set(seen))
    assert set(seen) == oracle(table, by, keep, is_open)
    _check_order(branches, flat, seen)


def _check_order(branches: Branches, flat: Any, seen: list[tuple[Path, int | None]]) -> None:
    """Each line stands below its parent with nothing of another parent's between, and knows where that is."""
    places = {path: place for place, (path, row) in enumerate(seen) if row is None}
    for place, (path, row) in enumerate(seen):
        level, number = branches.seen(int(flat[place]))
        above = branches.above(level, number)
        parent = path if row is not None else path[:-1]
        assert (above is None) == (not parent)
        if above is not None:
            assert branches.path(*above) == parent
            assert branches.place(flat, *above) == places[parent]
            assert all(between[: len(parent)] == parent for between, _ in seen[places[parent] : place])


@given(names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=25))
@settings(max_examples=40, deadline=None)
def test_sums_and_rows_of_a_node_are_those_of_its_files(names: list[str]) -> None:
    table = products(names)
    branches = ProductTree(table).branches()
    sums = branches.sums(np.asarray(table["size"]))
    for level in range(5):
        for node in range(branches.number(level)):
            path = branches.path(level, node)
            below = [number for number, row in enumerate(table) if path_of(row, "exposure")[: level + 1] == path]
            assert sorted(branches.rows(level, node).tolist()) == below
            start, stop = branches.span(level, node)
            assert int(sums[stop] - sums[start]) == sum(table["size"][number] for number in below)
            assert branches.find(path) == (level, node)


def test_files_below_a_detector_stand_in_the_order_of_the_pipeline() -> None:
    kinds = ["_cal.jpg", "_i2d.fits", "_cal.fits", "_uncal.fits", "_rate.fits"]
    table = products([f"jw02733001001_02101_00001_mirimage{kind}" for kind in kinds])
    order = ProductTree(table).branches().order
    assert [kinds[row] for row in order.tolist()] == [
        "_uncal.fits", "_rate.fits", "_cal.fits", "_cal.jpg", "_i2d.fits",
    ]  # fmt: skip


def test_nodes_stand_in_the_order_of_their_numbers_and_combined_products_after_the_visits() -> None:
    table = products([*reversed(NAMES)])
    branches = ProductTree(table).branches()
    programs: list[Key] = [branches.path(0, node)[0] for node in range(branches.number(0))]
    assert programs == [-1, 1386, 2733]
    below = [branches.path(1, node)[1] for node in range(branches.number(1)) if branches.path(1, node)[0] == 2733]
    assert below == [1, -1]
    visits = [
        branches.path(2, node)[2] for node in range(branches.number(2)) if branches.path(2, node)[:2] == (2733, 1)
    ]
    assert visits[:2] == [1, 2]
    assert all(isinstance(key, str) for key in visits[2:])


@pytest.mark.parametrize("path", [(), (9999,), (2733, 77), ("2733",), (2733, 1, "no such target"), (2733,) * 9])
def test_a_node_that_is_not_there_is_not_found(path: Path) -> None:
    assert ProductTree(products(NAMES)).branches().find(path) is None


@pytest.mark.parametrize("by", ["exposure", "type"])
def test_a_table_without_rows_has_a_tree_without_lines(by: Grouping) -> None:
    branches = ProductTree(products([]), by=by).branches()
    assert branches.flat(depth=9, opened=[(2733,)]).tolist() == []
    assert branches.sums(np.zeros(0)).tolist() == [0]
