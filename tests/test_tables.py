from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table

from jwstmq_widgets.tables import (
    OBSERVATION_COLUMNS,
    PRODUCT_COLUMNS,
    expand_filetype,
    filetype_summary,
    format_size,
    observations_table,
    products_table,
    select,
    summarize,
)

FILES = [
    ("jw02733002001_02103_00001_mirimage_cal.fits", "10", 29_684_160, 2, "F1130W"),
    ("jw02733002001_02103_00001_mirimage_cal.jpg", "10", None, 2, "F1130W"),
    ("jw02733002001_02103_00001_mirimage_uncal.fits", "10", 100, 1, "F1130W"),
    ("jw02733001001_02101_00001_nrcb1_cal.fits", "11", 200, 2, "F444W;F405N"),
    ("jw02733-o002_t001_miri_f1130w_i2d.fits", "10", 300, 3, "F1130W"),
    ("jw02733002001_gs-fg_2022155012345_cal.fits", "10", 400, 2, None),
    ("jw02733002001_gs-fg_2022155012345_cal.fits", "11", 400, 2, None),
]


@pytest.fixture
def products() -> Table:
    names, parents, sizes, levels, filters = zip(*FILES, strict=True)
    return products_table(
        {
            "productFilename": names,
            "dataURI": [f"mast:JWST/product/{name}" for name in names],
            "parent_obsid": parents,
            "obsID": parents,
            "size": sizes,
            "calib_level": levels,
            "filters": filters,
            "extra": ["x"] * len(names),
        },
        archive="http://127.0.0.1:1",
        observations=observations_table(
            {"obsid": ["10", "11"], "target_name": ["NGC-3132", "M-57"], "t_obs_release": [59760.5, None],
             "obs_id": ["jw02733-o002_t001_miri_f1130w", "jw02733-o001_t001_nircam_f405n-f444w"],
             "instrument_name": ["MIRI/IMAGE", "NIRCAM/IMAGE"], "proposal_id": ["2733", "2733"]},
            archive="http://127.0.0.1:1",
        ),
    )  # fmt: skip


def test_a_file_listed_for_two_parents_is_one_row_with_both(products: Table) -> None:
    assert len(products) == len(FILES) - 1
    guide = products[np.asarray(products["guidestar"])]
    assert guide["parents"].tolist() == ["10,11"]


def test_all_parents_of_files_that_share_many_stay_small_and_are_saved_whole(tmp_path: Path) -> None:
    own = [f"jw02733{number:05d}.fits" for number in range(300)]
    shared = [f"jw02733_20240101t{number:06d}_pool.csv" for number in range(100)]
    rows = [(own[number], number) for number in range(300)] + [(name, at) for name in shared for at in range(300)]
    table = products_table(
        {
            "dataURI": [f"mast:JWST/product/{name}" for name, _ in rows],
            "productFilename": [name for name, _ in rows],
            "parent_obsid": [f"{number:036d}" for _, number in rows],
        },
        archive="x",
    )
    whole = ",".join(f"{number:036d}" for number in range(300))
    assert table["parents"].tolist() == [*(f"{number:036d}" for number in range(300)), *[whole] * 100]
    assert table["parents"].nbytes + sum(map(len, set(table["parents"]))) < 100_000  # one width for all: 17.8 MB
    saved = {}
    for form in ("ecsv", "csv"):
        table.write(tmp_path / f"products.{form}")
        saved[form] = Table.read(tmp_path / f"products.{form}", format=f"ascii.{form}")
    assert all(its["parents"].tolist() == table["parents"].tolist() for its in saved.values())
    assert (table["parents"] == whole).sum() == 100
    assert len(select(table, where={"parents": f"*{299:036d}"})) == 101


def test_every_column_of_mast_is_there_with_its_meaning(products: Table) -> None:
    assert products.colnames[: len(PRODUCT_COLUMNS)] == list(PRODUCT_COLUMNS)
    assert all(products[name].description for name in products.colnames if name != "extra")
    assert str(products["size"].unit) == "byte"
    assert products.meta["archive"] == "http://127.0.0.1:1"


def test_a_column_that_we_do_not_know_is_kept(products: Table) -> None:
    assert set(products["extra"]) == {"x"}


def test_missing_values_are_said_without_masks(products: Table) -> None:
    assert not products.masked
    assert products["size"][1] == -1
    assert products["filters"][5] == ""
    assert np.isnan(products["release"][3])


def test_products_know_the_target_and_release_of_their_observation(products: Table) -> None:
    assert products["target_name"][0] == "NGC-3132"
    assert products["release"][0] == 59760.5


def names(table: Table) -> list[str]:
    return [str(name) for name in table["productFilename"]]


@pytest.mark.parametrize(
    ("wanted", "rows"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"filetypes": ["cal"]}, [0, 3]),
        ({"filetypes": "_cal.jpg"}, [1]),
        ({"filetypes": "fits"}, [0, 2, 3, 4]),
        ({"detectors": ["b1"]}, [3]),
        ({"calib_levels": [3]}, [4]),
        ({"observations": [1]}, [3]),
        ({"filters": ["F405N"]}, [3]),
        ({"guidestars": True}, [0, 1, 2, 3, 4, 5]),
        ({"guidestars": "only"}, [5]),
        ({"filetypes": ["nothing"]}, []),
    ],
)
def test_select_keeps_what_was_asked_for(products: Table, wanted: dict[str, Any], rows: list[int]) -> None:
    assert names(select(products, **wanted)) == [FILES[row][0] for row in rows]


def test_an_empty_table_can_be_selected_from_and_summed() -> None:
    empty = products_table({}, archive="x")
    assert len(select(empty, filetypes=["cal"], detectors=["nis"], filters=["F1"])) == 0
    assert len(summarize(empty)) == len(filetype_summary(empty)) == 0
    assert observations_table({}, archive="x").colnames[: len(OBSERVATION_COLUMNS)] == list(OBSERVATION_COLUMNS)


def test_sums_count_files_and_known_bytes(products: Table) -> None:
    sums = summarize(products)
    row = sums[(sums["observation"] == 2) & (sums["filetype"] == "_cal.fits") & (sums["stage"] == "2b")][0]
    assert (row["files"], row["size"]) == (1, 29_684_160)
    assert sums["files"].sum() == len(products)
    stages = filetype_summary(products)
    assert stages["size"].sum() == 29_684_160 + 100 + 200 + 300 + 400
    assert ("gs", "_cal.fits") in zip(stages["stage"], stages["filetype"], strict=True)


@pytest.mark.parametrize(
    ("given", "end"),
    [("fits", ".fits"), ("jpg", ".jpg"), ("cal", "_cal.fits"), ("_cal", "_cal.fits"), ("cal.jpg", "_cal.jpg"),
     ("_asn.json", "_asn.json"), ("asn", "_asn.json"), ("CAT", "_cat.ecsv"), (".png", ".png")],
)  # fmt: skip
def test_a_file_type_stands_for_an_end_of_names(given: str, end: str) -> None:
    assert expand_filetype(given) == end


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (29_684_160, "29.7 MB"), (999_600, "1.0 MB"), (3.2e9, "3.2 GB"),
     (5.04e12, "5.0 TB"), (-1, "–")],
)  # fmt: skip
def test_sizes_are_written_for_people(size: float, text: str) -> None:
    assert format_size(size) == text


def test_a_planned_observation_has_its_number() -> None:
    table = observations_table(
        {"obsid": ["1"], "obs_id": ["jw02609001001_xx101_00001_nircam"], "instrument_name": ["NIRCAM/IMAGE"],
         "proposal_id": ["2609"], "calib_level": [-1], "t_min": [None]},
        archive="x",
    )  # fmt: skip
    assert table["observation"].tolist() == [1]
    assert table["mode"].tolist() == ["image"]
    assert table["calib_level"].tolist() == [-1]
    assert np.isnan(table["t_min"][0])
