"""What was downloaded is checked again, and what changed since is found."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from jwstmq_widgets.cli import main
from jwstmq_widgets.downloads import Manifest, download, verify
from jwstmq_widgets.downloads.files.checks import check_structure
from jwstmq_widgets.downloads.ledger import read_ledger
from jwstmq_widgets.errors import Mismatch, QueryError
from tests.downloads.conftest import HASTY, MakePlan, fits_bytes
from tests.downloads.origin import Origin, Reply

FIRST = "jw02733002001_02103_00001_mirimage_cal.fits"
SECOND = "jw02733002001_02103_00002_mirimage_cal.fits"


def summed(folder: Path, name: str = FIRST) -> Path:
    """Make a FITS file with CHECKSUM and DATASUM in both HDUs."""
    path = folder / name
    pixels = fits.ImageHDU(np.arange(5000, dtype=np.float32).reshape(50, 100))
    fits.HDUList([fits.PrimaryHDU(), pixels]).writeto(path, checksum=True)
    return path


def verdicts(folder: Path, **options: object) -> dict[str, str]:
    table = verify(folder, **options)
    return dict(zip(table["path"].tolist(), table["verdict"].tolist(), strict=True))


def test_checksums_of_astropy_are_right(tmp_path: Path) -> None:
    assert check_structure(summed(tmp_path), FIRST, checksums=True) == "FITS, 2 HDUs, 2 checksums"
    (tmp_path / "plain").write_bytes(fits_bytes())
    assert check_structure(tmp_path / "plain", FIRST, checksums=True) == "FITS, 1 HDU, no checksums"


@pytest.mark.parametrize("at", [200, 2880 + 2880 + 7, -1])
def test_one_wrong_byte_is_found_by_its_checksum(tmp_path: Path, at: int) -> None:
    path = summed(tmp_path)
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)
    assert check_structure(path, FIRST)
    with pytest.raises(Mismatch, match="add up"):
        check_structure(path, FIRST, checksums=True)


def test_a_download_that_breaks_a_checksum_is_an_error(origin: Origin, plan_of: MakePlan, tmp_path: Path) -> None:
    content = bytearray(summed(tmp_path).read_bytes())
    content[-1] ^= 1
    origin.add(FIRST, bytes(content))
    plan = plan_of()
    assert download(plan, manners=HASTY, verify="checksum")["Status"].tolist() == ["ERROR"]
    assert not plan.items[0].path.exists()
    assert download(plan, manners=HASTY)["Status"].tolist() == ["COMPLETE"]


def test_the_ledger_keeps_the_sha256_that_was_asked_for(origin: Origin, plan_of: MakePlan) -> None:
    content = fits_bytes()
    origin.add(FIRST, content)
    plan = plan_of()
    download(plan, manners=HASTY, sha256=True)
    assert read_ledger(plan.folder).complete[FIRST].sha256 == hashlib.sha256(content).hexdigest()


def test_small_files_that_follow_each_other_are_summed_as_the_first_ones_are(
    origin: Origin, plan_of: MakePlan, tmp_path: Path
) -> None:
    names = [f"jw02733{number:03d}001_02103_00001_mirimage_cal.fits" for number in range(30)]
    whole = summed(tmp_path).read_bytes()
    for name in names:
        origin.add(name, whole)
    wrong = origin.files[names[20]] = whole[:-1] + bytes([whole[-1] ^ 1])
    assert len(wrong) == len(whole)
    decided = plan_of()
    manifest = download(decided, manners=HASTY, verify="checksum", sha256=True)
    failed = manifest["Local Path"][manifest["Status"] != "COMPLETE"].tolist()
    assert failed == [str(decided.folder / names[20])]
    assert sorted(path.name for path in decided.folder.glob("jw*")) == [*names[:20], *names[21:]]
    told = read_ledger(decided.folder).complete.values()
    assert {entry.sha256 for entry in told} == {hashlib.sha256(whole).hexdigest()}
    assert {entry.check for entry in told} == {"length; FITS, 2 HDUs, 2 checksums"}


@pytest.mark.parametrize("order", ["smallest", "largest", "observation"])
def test_files_begin_in_the_order_that_was_asked_for(origin: Origin, plan_of: MakePlan, order: str) -> None:
    names = [f"jw02733{number:03d}001_02103_00001_mirimage_cal.fits" for number in (3, 1, 2)]
    for name, blocks in zip(names, (3, 4, 2), strict=True):
        origin.add(name, fits_bytes(blocks * 2880))
    manifest = download(plan_of(), workers=1, manners=HASTY, order=order)
    expected = {"smallest": [2, 0, 1], "largest": [1, 0, 2], "observation": [1, 2, 0]}[order]
    assert [asked.name for asked in origin.asked] == [names[index] for index in expected]
    assert [Path(path).name for path in manifest["Local Path"]] == names


@pytest.mark.parametrize("wrong", [{"order": "best"}, {"limit_rate": 0.0}, {"verify": "md5"}], ids=str)
def test_a_wrong_option_is_a_question_gone_wrong(plan_of: MakePlan, wrong: dict[str, object]) -> None:
    with pytest.raises(QueryError):
        download(plan_of(), **wrong)


@pytest.fixture
def brought(origin: Origin, plan_of: MakePlan) -> Path:
    """A destination with two files, brought with their SHA-256."""
    origin.add(FIRST, fits_bytes(seed=1))
    origin.add(SECOND, fits_bytes(seed=2))
    plan = plan_of()
    download(plan, manners=HASTY, sha256=True)
    return plan.folder


def test_untouched_files_are_good(brought: Path) -> None:
    assert verdicts(brought) == {FIRST: "good", SECOND: "good"}
    assert verdicts(brought, archive=True) == {FIRST: "good", SECOND: "good"}


def test_what_happened_since_is_told(brought: Path) -> None:
    content = bytearray((brought / FIRST).read_bytes())
    content[-1] ^= 1
    (brought / FIRST).write_bytes(content)
    (brought / SECOND).unlink()
    (brought / "jw1_cal.fits").write_bytes(b"junk")
    assert verdicts(brought) == {FIRST: "changed", SECOND: "missing", "jw1_cal.fits": "broken"}
    assert verdicts(brought, check="structure")[FIRST] == "good"
    (brought / FIRST).write_bytes(content[:2880])
    assert verdicts(brought)[FIRST] == "changed"


def test_the_archive_is_asked_for_one_byte_a_file(origin: Origin, brought: Path) -> None:
    origin.asked.clear()
    origin.etags[FIRST] = '"newer"'
    del origin.files[SECOND]
    assert verdicts(brought, archive=True) == {FIRST: "outdated", SECOND: "outdated"}
    assert [asked.range for asked in origin.asked] == ["bytes=0-0", "bytes=0-0"]


def test_an_unfinished_download_is_told_and_resumed(
    origin: Origin, plan_of: MakePlan, capsys: pytest.CaptureFixture[str]
) -> None:
    origin.add(FIRST, fits_bytes(), Reply(status=404))
    plan = plan_of()
    download(plan, manners=HASTY)
    assert verdicts(plan.folder) == {FIRST: "unfinished"}
    assert main(["verify", str(plan.folder)]) == 1
    assert main(["download", "--resume", str(plan.folder), "--yes", "--limit-rate", "5M", "--json"]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (row["Status"], row["dataURI"]) == ("COMPLETE", f"mast:JWST/product/{FIRST}")
    assert main(["verify", str(plan.folder), "--all", "--format", "csv"]) == 0
    assert "good" in capsys.readouterr().out
    assert main(["download", "--resume", str(plan.folder), "--yes"]) == 0
    assert len(Manifest.read(plan.folder).failed) == 0


def test_a_quiet_download_says_only_what_failed(
    origin: Origin, plan_of: MakePlan, capsys: pytest.CaptureFixture[str]
) -> None:
    origin.add(FIRST, fits_bytes(seed=1), Reply(status=404))
    origin.add(SECOND, fits_bytes(seed=2), Reply(status=404))
    plan = plan_of()
    download(plan, manners=HASTY)
    origin.replies[FIRST] = [Reply(status=404)]
    assert main(["download", "--resume", str(plan.folder), "--yes", "--quiet"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("HTTP 404") == 1
    assert SECOND not in said.err


@pytest.mark.parametrize("arguments", [["--limit-rate", "fast"], ["--limit-rate", "1"], ["--order", "best"]])
def test_a_wrong_option_ends_with_status_2(tmp_path: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["download", "--resume", str(tmp_path), *arguments])
    assert caught.value.code == 2


def test_a_folder_without_downloads_is_a_question_gone_wrong(tmp_path: Path) -> None:
    assert main(["verify", str(tmp_path)]) == 2
    assert main(["verify", str(tmp_path / "none")]) == 2
    assert main(["download", "--resume", str(tmp_path), "--yes"]) == 2
