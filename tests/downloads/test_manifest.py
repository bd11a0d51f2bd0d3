"""Manifest and ledger tell what happened, whatever happened to them."""

from pathlib import Path

import pytest
from astropy.table import Table

from jwstmq_widgets.downloads import LEDGER_NAME, Manifest, download
from jwstmq_widgets.downloads.ledger import Entry, Ledger, read_ledger
from jwstmq_widgets.errors import QueryError
from tests.downloads.conftest import HASTY, MakePlan, fits_bytes
from tests.downloads.origin import Origin, Reply


def entry(path: str, **facts: object) -> Entry:
    return Entry(uri=f"mast:JWST/product/{path}", path=path, status="COMPLETE", **facts)


def test_a_manifest_has_the_columns_of_astroquery_first(origin: Origin, plan_of: MakePlan) -> None:
    origin.add("a_cal.fits", fits_bytes())
    manifest = download(plan_of(), manners=HASTY)
    assert manifest.colnames[:4] == ["Local Path", "Status", "Message", "URL"]
    assert manifest["URL"][0] == f"{origin.url}/api/v0.1/Download/file?uri=mast:JWST/product/a_cal.fits"


def test_a_manifest_keeps_the_order_of_the_plan(origin: Origin, plan_of: MakePlan) -> None:
    for number in (3, 1, 2, 0):
        origin.add(f"{number}_cal.fits", fits_bytes(seed=number))
    origin.replies["3_cal.fits"] = [Reply(status=503)]
    plan = plan_of()
    assert download(plan, manners=HASTY)["dataURI"].tolist() == [item.uri for item in plan.items]


def test_what_is_here_already_is_skipped(origin: Origin, plan_of: MakePlan) -> None:
    origin.add("a_cal.fits", fits_bytes())
    download(plan_of(), manners=HASTY)
    manifest = download(plan_of(), manners=HASTY)
    assert manifest["Status"].tolist() == ["SKIPPED"]
    assert len(origin.asked) == 1


def test_a_manifest_is_read_back_from_its_folder(origin: Origin, plan_of: MakePlan) -> None:
    origin.add("a_cal.fits", fits_bytes())
    origin.add("b_cal.fits", fits_bytes(), Reply(status=404))
    written = download(plan_of(), manners=HASTY)
    read = Manifest.read(Path(written.meta["folder"]))
    for name in ("Local Path", "Status", "Message", "URL", "dataURI", "size"):
        assert read[name].tolist() == written[name].tolist()
    assert [item.name for item in read.failed.items] == ["b_cal.fits"]


def test_a_part_of_a_manifest_has_its_own_failures(origin: Origin, plan_of: MakePlan) -> None:
    for name in ("a_cal.fits", "b_cal.fits"):
        origin.add(name, fits_bytes(), Reply(status=404))
    manifest = download(plan_of(), manners=HASTY)
    assert len(manifest.failed) == 2
    assert [item.name for item in manifest[1:].failed.items] == ["b_cal.fits"]


def test_a_manifest_is_written_as_any_table(origin: Origin, plan_of: MakePlan, tmp_path: Path) -> None:
    origin.add("a_cal.fits", fits_bytes())
    manifest = download(plan_of(), manners=HASTY)
    manifest.write(tmp_path / "manifest.ecsv")
    assert Table.read(tmp_path / "manifest.ecsv")["Status"].tolist() == ["COMPLETE"]


def test_a_folder_without_a_ledger_has_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="nothing was downloaded"):
        Manifest.read(tmp_path)


def test_a_file_that_was_planned_and_never_done_is_cancelled(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.begin(
            archive="http://127.0.0.1:1", layout="flat", items=[("mast:a", "a", 5, ""), ("mast:b", "b", 6, "")]
        )
        ledger.add(Entry(uri="mast:a", path="a", status="COMPLETE", size=5))
    manifest = Manifest.read(tmp_path)
    assert manifest["Status"].tolist() == ["COMPLETE", "CANCELLED"]
    assert [(item.uri, item.size) for item in manifest.failed.items] == [("mast:b", 6)]


def test_a_torn_last_line_costs_only_itself(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.add(entry("a"))
        ledger.add(entry("b"))
    path = tmp_path / LEDGER_NAME
    path.write_bytes(path.read_bytes()[:-9])
    with Ledger(tmp_path) as ledger:
        ledger.add(entry("c"))
    assert list(read_ledger(tmp_path).last) == ["a", "c"]


def test_a_ledger_of_nonsense_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / LEDGER_NAME).write_bytes(
        b'\0\xff\n[]\n{}\n{"kind":"file"}\n{"kind":"file","uri":1,"path":2,"status":3}\n{"kind":"planned","items":[1]}\n'
    )
    assert read_ledger(tmp_path).last == {}


@pytest.mark.parametrize("path", ["../x", "/etc/passwd", "a/../../x", "a\\..\\x", "C:x"])
def test_a_path_that_leads_out_of_the_folder_is_left_out(tmp_path: Path, path: str) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.add(entry(path))
        ledger.begin(archive="", layout="flat", items=[("mast:a", path, 5, "")])
    assert read_ledger(tmp_path).last == {}


def test_a_ledger_that_is_a_link_is_not_followed(tmp_path: Path, origin: Origin, plan_of: MakePlan) -> None:
    origin.add("a_cal.fits", fits_bytes())
    plan = plan_of()
    plan.folder.mkdir()
    (tmp_path / "precious").write_text("")
    (plan.folder / LEDGER_NAME).symlink_to(tmp_path / "precious")
    assert download(plan, manners=HASTY)["Status"].tolist() == ["COMPLETE"]
    assert (tmp_path / "precious").read_text() == ""


def test_no_secret_is_in_the_ledger(origin: Origin, other: Origin, plan_of: MakePlan) -> None:
    signed = f"{other.url}/bucket/a_cal.fits?X-Amz-Signature=secret"
    origin.add("a_cal.fits", fits_bytes(), Reply(status=302, headers={"Location": signed}))
    other.add("a_cal.fits", fits_bytes())
    plan = plan_of()
    download(plan, manners=HASTY)
    ledger = (plan.folder / LEDGER_NAME).read_text()
    assert f"{other.url}/bucket/a_cal.fits" in ledger
    assert "secret" not in ledger
