"""A plan tells the truth about the disk, and no name from an archive leads out of the destination."""

import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table
from IPython.lib.pretty import pretty

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.downloads import LAYOUTS, LEDGER_NAME, Plan, download, plan, safe_name
from jwstmq_widgets.downloads.ledger import Entry, Ledger
from jwstmq_widgets.errors import QueryError
from tests.downloads.conftest import products_of
from tests.survey import survey

CAL = "jw02733002001_02103_00001_mirimage_cal.fits"
HOSTILE = [
    "../../../etc/passwd", "..", ".", "", "/etc/passwd", "..\\..\\x.fits", "C:\\x.fits", "a/b.fits", "x\0.fits",
    "x\n.fits", "con", "NUL.fits", "com1.fits", "lpt¹.txt", "CONIN$", "a" * 500 + ".fits", "ü" * 300 + ".fits",
    "x\u202egnp.fits", "x\u2028y.fits", " .hidden", "...", "x.fits. . .", "x.fits.part", "x.fits.PART.json",
    LEDGER_NAME, "x:stream.fits", "x?*<>|\".fits", "\ud800.fits", "~root", "-rf", "\u200b", "x\x7f.fits",
]  # fmt: skip


def one(name: str, size: int = 10, uri: str = "") -> Table:
    return products_of({uri or f"mast:JWST/product/{name}": (name, size)}, "")


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_name_leads_out_of_the_destination(tmp_path: Path, name: str, layout: str) -> None:
    products = one(name, uri="mast:JWST/product/x")
    products["obs_id"] = [name]
    item = plan(products, to=tmp_path, layout=layout).items[0]
    assert item.path.resolve().is_relative_to(tmp_path.resolve())
    assert item.path.resolve() not in {tmp_path.resolve(), tmp_path / LEDGER_NAME}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_safe_name_can_be_written(tmp_path: Path, name: str) -> None:
    safe = safe_name(name)
    (tmp_path / f"{safe}.part.json~").write_bytes(b"")
    assert not set(safe) & set('/\\:*?"<>|\0\n')
    assert safe == safe_name(safe)


def test_names_of_jwst_stay_as_they_are() -> None:
    names = survey(40)["productFilename"].tolist()
    assert [safe_name(name) for name in names] == names


def test_long_names_that_differ_at_their_end_stay_two() -> None:
    assert safe_name("x" * 300 + "1.fits") != safe_name("x" * 300 + "2.fits")


@pytest.mark.parametrize(
    ("layout", "place"),
    [
        ("program", f"02733/obsnum02/{CAL}"),
        ("mast", f"mastDownload/JWST/jw02733002001_02103_00001_mirimage/{CAL}"),
        ("flat", CAL),
    ],
)
def test_each_layout_has_its_folders(tmp_path: Path, layout: str, place: str) -> None:
    assert plan(one(CAL), to=tmp_path, layout=layout).items[0].path == tmp_path / place


def test_files_of_several_observations_go_to_na(tmp_path: Path) -> None:
    products = one("jw02733-c1001_t001_miri_f770w_i2d.fits")
    assert plan(products, to=tmp_path).items[0].folder == tmp_path / "02733" / "NA"


def test_an_unknown_layout_is_a_question_gone_wrong(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="use one of program, mast, flat"):
        plan(one(CAL), to=tmp_path, layout="tree")


def test_what_is_missing_is_fetched(tmp_path: Path) -> None:
    assert plan(one(CAL), to=tmp_path / "new").items[0].state == "fetch"


def put(folder: Path, size: int, name: str = CAL) -> Path:
    path = folder / "02733" / "obsnum02" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def test_a_file_of_the_right_size_is_here(tmp_path: Path) -> None:
    put(tmp_path, 10)
    assert plan(one(CAL), to=tmp_path).items[0].state == "here"


def test_clobber_fetches_what_is_here(tmp_path: Path) -> None:
    put(tmp_path, 10)
    assert plan(one(CAL), to=tmp_path, clobber=True).fetch == 1


def test_a_file_of_another_size_is_different(tmp_path: Path) -> None:
    put(tmp_path, 11)
    assert plan(one(CAL), to=tmp_path).items[0].state == "different"


def test_a_file_of_unknown_size_is_here_only_when_the_ledger_knows_it(tmp_path: Path) -> None:
    put(tmp_path, 11)
    assert plan(one(CAL, -1), to=tmp_path).items[0].state == "different"
    entry = Entry(
        uri=f"mast:JWST/product/{CAL}", path=f"02733/obsnum02/{CAL}", status="COMPLETE", size=11, check="length"
    )
    with Ledger(tmp_path) as ledger:
        ledger.add(entry)
    assert plan(one(CAL, -1), to=tmp_path).items[0].state == "here"


def test_a_file_that_the_ledger_knows_as_another_product_is_not_here(tmp_path: Path) -> None:
    put(tmp_path, 10)
    with Ledger(tmp_path) as ledger:
        ledger.add(Entry(uri="mast:JWST/product/other", path=f"02733/obsnum02/{CAL}", status="COMPLETE", size=10))
    assert plan(one(CAL), to=tmp_path).items[0].state == "different"


def test_a_part_with_its_note_is_resumed(tmp_path: Path) -> None:
    put(tmp_path, 4, f"{CAL}.part")
    put(tmp_path, 0, f"{CAL}.part.json").write_text("{}")
    decided = plan(one(CAL), to=tmp_path)
    assert (decided.items[0].state, decided.items[0].have, decided.bytes_to_fetch) == ("resume", 4, 6)


def test_a_part_without_a_note_is_not_resumed(tmp_path: Path) -> None:
    put(tmp_path, 4, f"{CAL}.part")
    assert plan(one(CAL), to=tmp_path).items[0].state == "fetch"


def test_an_exclusive_file_says_until_when(tmp_path: Path) -> None:
    products = one(CAL)
    products["dataRights"], products["release"] = ["EXCLUSIVE_ACCESS"], [70_000.0]
    decided = plan(products, to=tmp_path)
    assert decided.exclusive == 1
    assert decided.items[0].until == datetime(2050, 7, 13, tzinfo=UTC)
    assert "until 2050-07-13" in str(decided)
    assert pretty(decided) == str(decided)  # what a notebook shows


def test_an_exclusive_file_whose_date_has_passed_says_to_search_again(tmp_path: Path) -> None:
    products = one(CAL)
    products["dataRights"], products["release"] = ["EXCLUSIVE_ACCESS"], [59_000.0]
    manifest = download(plan(products, to=tmp_path))
    assert "search again: it was to become public on 2020-05-31" in manifest["Message"][0]


def test_a_planned_file_is_not_fetched(tmp_path: Path) -> None:
    products = one(CAL)
    products["calib_level"] = [-1]
    assert plan(products, to=tmp_path).planned == 1


def test_two_products_in_one_place_are_an_error(tmp_path: Path) -> None:
    products = products_of({"mast:a": ("x_cal.fits", 1), "mast:b": ("X_cal.fits", 2)}, "")
    with pytest.raises(QueryError, match="mast:a and mast:b would be one file"):
        plan(products, to=tmp_path, layout="flat")


def test_a_product_listed_twice_is_one_item(tmp_path: Path) -> None:
    products = one(CAL)
    products.add_row(products[0])
    assert len(plan(products, to=tmp_path)) == 1


def test_no_products_are_an_empty_plan(tmp_path: Path) -> None:
    assert len(plan(survey(0), to=tmp_path)) == 0


def test_a_destination_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    for to in (tmp_path / "data", tmp_path / "data" / "deeper"):
        with pytest.raises(QueryError, match="is a file, not a folder; choose another") as caught:
            plan(one(CAL), to=to)
        assert caught.value.field == "destination"


def test_a_destination_that_cannot_be_written_is_refused() -> None:
    # Even root makes no folder there; a plan sees that only where permission bits say so.
    with pytest.raises(QueryError, match="choose another") as caught:
        download(plan(one(CAL), to="/proc/data", archive=open_archive("http://127.0.0.1:1")))
    assert caught.value.field == "destination"


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "02733").write_text("")
    with pytest.raises(QueryError, match="move it away"):
        plan(one(CAL), to=tmp_path)


def test_a_folder_in_the_place_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "02733" / "obsnum02" / CAL).mkdir(parents=True)
    with pytest.raises(QueryError, match="move it away"):
        plan(one(CAL), to=tmp_path)


def test_a_link_out_of_the_destination_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "02733").symlink_to(tmp_path / "outside")
    with pytest.raises(QueryError, match="a link that leads out"):
        plan(one(CAL), to=tmp_path / "data")


def test_a_destination_that_is_a_link_itself_is_used(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "data").symlink_to(tmp_path / "disk")
    assert plan(one(CAL), to=tmp_path / "data").fetch == 1


def test_more_than_the_disk_holds_does_not_fit(tmp_path: Path) -> None:
    decided = plan(one(CAL, 10**18), to=tmp_path)
    assert not decided.fits
    assert "does not fit" in str(decided)


def test_a_plan_says_itself_in_one_line(tmp_path: Path) -> None:
    put(tmp_path, 10)
    assert plan(one(CAL), to=tmp_path).summary() == "1 file · 10 B · 1 already here"


def test_a_subset_keeps_the_order(tmp_path: Path) -> None:
    whole = plan(survey(30), to=tmp_path)
    uris = [item.uri for item in whole.items]
    assert [item.uri for item in whole.subset(uris[7:3:-1]).items] == uris[4:8]


def test_the_tables_of_astroquery_do_as_well(tmp_path: Path) -> None:
    products = Table(one(CAL), masked=True)["dataURI", "productFilename", "size", "obs_id"]
    products["size"].mask = [True]
    decided: Plan = plan(products, to=tmp_path)
    assert decided.unknown_size == 1
    assert decided.items[0].folder == tmp_path / "02733" / "obsnum02"


def test_a_plan_of_ten_thousand_counts_each_file_once(tmp_path: Path) -> None:
    products = survey(10_000)
    first = plan(products, to=tmp_path, layout="flat")
    for item in first.items[:200]:
        item.path.write_bytes(bytes(max(item.size, 0)) if item.size < 300_000 else b"")
    second = plan(products, to=tmp_path, layout="flat")
    states = [item.state for item in second.items]
    assert second.here + second.fetch + second.exclusive + second.planned == len(second) == 10_000
    known = [item for item in first.items[:200] if item.size >= 0 and item.state == "fetch"]
    assert states[:200].count("here") >= len(known)
    assert set(states[200:]) == {"fetch", "exclusive", "planned"}
    assert second.bytes_total == int(np.maximum(products["size"], 0).sum())


def test_a_plan_of_many_files_costs_little_memory(tmp_path: Path) -> None:
    products = survey(20_000)
    tracemalloc.start()
    decided = plan(products, to=tmp_path, layout="mast")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / len(decided) < 2500
