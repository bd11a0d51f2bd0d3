import io
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table
from PIL import Image

from jwstmq_widgets import previews
from jwstmq_widgets.errors import Unreadable
from jwstmq_widgets.previews import THUMBNAIL_SIZE, Thumbnails, make_thumbnail, preview_index
from jwstmq_widgets.tables import products_table


def picture(size: tuple[int, int], kind: str = "JPEG") -> bytes:
    output = io.BytesIO()
    Image.new("L", size, 90).save(output, kind)
    return output.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_thumbnail_fits_its_size_and_keeps_its_shape(kind: str) -> None:
    with Image.open(io.BytesIO(make_thumbnail(picture((4000, 1000), kind)))) as small:
        assert small.format == "JPEG"
        assert small.width == THUMBNAIL_SIZE[0]
        assert small.width / small.height == pytest.approx(4, rel=0.05)


@pytest.mark.parametrize(
    "junk", [b"", b"<html>not found</html>", picture((500, 500))[:300], b"\x89PNG\r\n\x1a\n" + b"\0" * 50]
)
def test_what_is_not_a_whole_picture_is_refused(junk: bytes) -> None:
    with pytest.raises(Unreadable):
        make_thumbnail(junk)


def test_a_picture_too_large_to_open_is_refused() -> None:
    image = Image.new("1", (40_000, 10_000))
    output = io.BytesIO()
    image.save(output, "PNG")
    with pytest.raises(Unreadable):
        make_thumbnail(output.getvalue())


def test_a_preview_is_the_picture_of_the_same_name() -> None:
    stem = "jw02733002001_02103_00001_mirimage"
    names = [f"{stem}_cal.fits", f"{stem}_cal.jpg", f"{stem}_rate.fits", f"{stem}_x1d.fits", f"{stem}_x1d.png"]
    uris = [f"mast:JWST/product/{name}" for name in names]
    table = products_table({"productFilename": names, "dataURI": uris, "size": [1, 2, 3, 4, None]}, archive="x")
    assert preview_index(table) == {
        uris[0]: (uris[1], 2),
        uris[1]: (uris[1], 2),
        uris[3]: (uris[4], -1),
        uris[4]: (uris[4], -1),
    }


def test_pictures_that_are_made_small_on_threads_leave_the_users_warning_filters_alone() -> None:
    before = warnings.filters[:]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make_thumbnail, [picture((800, 600))] * 40))
    assert warnings.filters == before


def test_previews_are_looked_up_once_however_many_threads_begin(tmp_path: Path) -> None:
    read: list[Any] = []

    class Watched(Table):
        def __getitem__(self, item: Any) -> Any:
            read.append(item)
            return super().__getitem__(item)

    names = [f"jw02733001001_02103_{number:05d}_mirimage_cal.fits" for number in range(50_000)]
    products = Watched(
        products_table({"productFilename": names, "dataURI": names, "size": [1] * len(names)}, archive="x")
    )
    read.clear()
    told = threading.Semaphore(0)
    thumbnails = Thumbnails(tmp_path)
    for name in names[:4]:
        thumbnails.ask(None, products, name, lambda *_: told.release())
    for _ in range(4):
        assert told.acquire(timeout=20)
    assert read.count("productFilename") == 1


def test_the_oldest_thumbnails_on_disk_give_way_to_new_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "_ON_DISK", 20_000)
    thumbnails = Thumbnails(tmp_path)
    for number in range(100):
        thumbnails._to_disk(f"{number:03d}", b"x" * 1000)
    kept = sorted(path.stem for path in tmp_path.glob("*.jpg"))
    assert len(kept) <= 21
    assert kept[-1] == "099"
    assert kept[0] >= "078"
