"""A broken file is told from a whole one by its structure."""

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from PIL import Image

from jwstmq_widgets.downloads.files.checks import check_structure
from jwstmq_widgets.errors import Mismatch


def write_fits(path: Path) -> bytes:
    table = fits.BinTableHDU(Table({"text": ["a", "bb"], "many": [np.arange(3), np.arange(3)]}))
    image = fits.ImageHDU(np.zeros((3, 40, 50), dtype=np.float32), name="SCI")
    packed = fits.CompImageHDU(np.arange(10_000, dtype=np.int16).reshape(100, 100), name="PACKED")
    header = fits.Header([(f"KEY{number}", number) for number in range(100)])
    fits.HDUList([fits.PrimaryHDU(header=header), image, table, fits.ImageHDU(name="EMPTY"), packed]).writeto(path)
    return path.read_bytes()


def test_a_fits_file_of_astropy_is_whole(tmp_path: Path) -> None:
    write_fits(tmp_path / "x.fits")
    assert check_structure(tmp_path / "x.fits", "x.fits") == "FITS, 5 HDUs"


def test_random_groups_are_whole(tmp_path: Path) -> None:
    groups = fits.GroupData(np.zeros((7, 1, 2, 3), dtype=np.float32), bitpix=-32, parnames=["U"], pardata=[np.zeros(7)])
    fits.GroupsHDU(groups).writeto(tmp_path / "x.fits")
    assert check_structure(tmp_path / "x.fits", "x.fits") == "FITS, 1 HDU"


@pytest.mark.parametrize("cut", [0, 1, 2880, 2881, 2 * 2880, -2880, -1])
def test_a_cut_fits_file_is_broken(tmp_path: Path, cut: int) -> None:
    content = write_fits(tmp_path / "x.fits")
    (tmp_path / "x.fits").write_bytes(content[:cut])
    with pytest.raises(Mismatch, match="download it again"):
        check_structure(tmp_path / "x.fits", "x.fits")


@pytest.mark.parametrize("more", [bytes(2880), b" " * 2880, b"x"])
def test_a_fits_file_with_more_behind_it_is_broken(tmp_path: Path, more: bytes) -> None:
    content = write_fits(tmp_path / "x.fits")
    (tmp_path / "x.fits").write_bytes(content + more)
    with pytest.raises(Mismatch):
        check_structure(tmp_path / "x.fits", "x.fits")


@pytest.mark.parametrize("card", [b"NAXIS   =                   -1", b"BITPIX  = 'x'", b"NAXIS1  = -2880"])
def test_a_header_of_nonsense_is_broken(tmp_path: Path, card: bytes) -> None:
    cards = [b"SIMPLE  =                    T", b"BITPIX  =                    8", b"NAXIS   =                    1",
             b"NAXIS1  =                 2880"]  # fmt: skip
    key = card[:8]
    lines = [card if line.startswith(key) else line for line in cards] + [b"END"]
    header = b"".join(line.ljust(80) for line in lines).ljust(2880)
    (tmp_path / "x.fits").write_bytes(header + bytes(2880))
    with pytest.raises(Mismatch):
        check_structure(tmp_path / "x.fits", "x.fits")


@pytest.mark.parametrize("extension", ["jpg", "png", "gif"])
def test_a_cut_picture_is_broken(tmp_path: Path, extension: str) -> None:
    path = tmp_path / f"x.{extension}"
    Image.effect_noise((64, 64), 50).save(path)
    check_structure(path, path.name)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Mismatch):
        check_structure(path, path.name)


@pytest.mark.parametrize(
    ("name", "content"), [("x.json", b'{"a": '), ("x.json", b""), ("x.ecsv", b"a b"), ("x.asdf", b"{}")]
)
def test_a_text_of_the_wrong_kind_is_broken(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Mismatch):
        check_structure(tmp_path / name, name)


@pytest.mark.parametrize(
    ("name", "content"),
    [("x.json", b' {"a": 1}\n'), ("x.ecsv", b"# %ECSV 1.0\n"), ("x.asdf", b"#ASDF 1.0.0\n"), ("x.csv", b"a,b\n")],
)
def test_a_text_of_its_kind_is_whole(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert check_structure(tmp_path / name, name)


@pytest.mark.parametrize("name", ["x.csv", "x.fits", "x.json", "x.unknown"])
def test_a_web_page_is_no_product(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\n<!doctype HTML><html>Log in</html>")
    with pytest.raises(Mismatch, match="web page"):
        check_structure(tmp_path / name, name)
