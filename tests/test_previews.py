import io

import pytest
from PIL import Image

from jwstmq_widgets.errors import Unreadable
from jwstmq_widgets.previews import THUMBNAIL_SIZE, make_thumbnail, preview_index
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
