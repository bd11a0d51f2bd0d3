"""A plan's layouts, its table, and its way through a file."""

import json
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table

from jwstmq_widgets.downloads import Plan, download, plan
from jwstmq_widgets.downloads.ledger import Ledger
from jwstmq_widgets.errors import QueryError
from tests.downloads.conftest import HASTY, MakePlan, fits_bytes
from tests.downloads.origin import Origin

CAL = "jw02733002001_02103_00001_mirimage_cal.fits"
JPG = "jw02733002001_02103_00001_mirimage_cal.jpg"
I2D = "jw01409-o003_t001_nircam_clear-f212n_i2d.fits"


def products() -> Table:
    names = [CAL, JPG, I2D]
    return Table(
        {
            "dataURI": [f"mast:JWST/product/{name}" for name in names],
            "productFilename": names,
            "obs_id": [name.rpartition("_")[0] for name in names],
            "size": [5760, 100, -1],
        }
    )


def places(**options: Any) -> list[str]:
    decided = plan(products(), to="/nonexistent-destination", **options)
    return [item.path.parent.relative_to(decided.folder).as_posix() for item in decided.items]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["02733/obsnum02", "02733/obsnum02", "01409/obsnum03"]),
        ({"outsubdir": "a/b"}, ["a/b/02733/obsnum02", "a/b/02733/obsnum02", "a/b/01409/obsnum03"]),
        ({"program_folder": False}, ["obsnum02", "obsnum02", "obsnum03"]),
        ({"observation_folder": False}, ["02733", "02733", "01409"]),
        ({"observation_folder": [1409]}, ["02733", "02733", "01409/obsnum03"]),
        ({"jpg_folder": True}, ["02733/obsnum02", "02733/obsnum02/jpg", "01409/obsnum03"]),
        ({"program_folder": False, "observation_folder": False}, [".", ".", "."]),
        ({"layout": "flat", "outsubdir": "x", "jpg_folder": True}, ["x", "x/jpg", "x"]),
    ],
)
def test_the_options_of_jwst_mast_query_arrange_files_as_there(options: dict[str, Any], expected: list[str]) -> None:
    assert places(**options) == expected


@pytest.mark.parametrize("folder", ["..", "a/../b", "/etc", "a\\..\\b", "con", "c:/x"])
def test_a_folder_that_leads_out_is_refused(folder: str) -> None:
    with pytest.raises(QueryError) as caught:
        places(outsubdir=folder)
    assert caught.value.field == "outsubdir"


def test_the_table_holds_one_row_an_item(tmp_path: Path) -> None:
    decided = plan(products(), to=tmp_path)
    assert decided.table["path"].tolist()[0] == f"02733/obsnum02/{CAL}"
    assert decided.table["size"].tolist() == [5760, 100, -1]
    assert str(decided.table["size"].unit) == "byte"
    assert all(decided.table[name].description for name in decided.table.colnames)


def test_a_saved_plan_loads_as_it_was(origin: Origin, plan_of: MakePlan, tmp_path: Path) -> None:
    origin.add(CAL, fits_bytes())
    decided = plan_of()
    again = Plan.load(decided.save(tmp_path / "plan.json"))
    assert (again.items, again.folder, again.layout) == (decided.items, decided.folder, decided.layout)
    assert again.archive is not None
    assert again.archive.url == origin.url


def test_a_loaded_plan_looks_at_the_disk_again(origin: Origin, plan_of: MakePlan, tmp_path: Path) -> None:
    origin.add(CAL, fits_bytes())
    decided = plan_of()
    saved = decided.save(tmp_path / "plan.json")
    download(decided, manners=HASTY)
    assert Plan.load(saved).here == 1
    assert Plan.load(saved, to=tmp_path / "elsewhere").here == 0


@pytest.mark.parametrize(
    "change",
    [
        {"path": "../x.fits"},
        {"path": "/etc/passwd"},
        {"path": "a/../../x.fits"},
        {"path": "a\\..\\x.fits"},
        {"path": ""},
        {"path": "x.fits.part"},
        {"size": "large"},
        {"until": "some day"},
        {"until": "2026-01-01"},
        {"uri": None},
    ],
    ids=str,
)
def test_a_plan_that_was_tampered_with_is_refused(
    plan_of: MakePlan, origin: Origin, tmp_path: Path, change: dict[str, Any]
) -> None:
    origin.add(CAL, fits_bytes())
    saved = plan_of().save(tmp_path / "plan.json")
    facts = json.loads(saved.read_text())
    facts["items"][0] |= change
    saved.write_text(json.dumps(facts))
    with pytest.raises(QueryError):
        Plan.load(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"kind": "jwstmq plan", "version": 2}'])
def test_what_is_no_plan_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "plan.json").write_text(text)
    with pytest.raises(QueryError, match="no plan"):
        Plan.load(tmp_path / "plan.json")


def test_the_time_is_estimated_from_the_last_download(tmp_path: Path) -> None:
    assert plan(products(), to=tmp_path).seconds is None
    with Ledger(tmp_path) as ledger:
        ledger.end(files=2, moved=5_860_000, seconds=1000.0)
    decided = plan(products(), to=tmp_path)
    assert decided.seconds == pytest.approx(1.0)
    assert "about 1 s" in str(decided)
