"""Tar files from strangers: good members arrive, nothing else does any harm."""

import gzip
import io
import tarfile
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.downloads import verify
from jwstmq_widgets.downloads.bundles.unpack import UnpackLimits, unpack
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import select

JPEG = b"\xff\xd8\xff" + b"picture" * 40 + b"\xff\xd9"
NAME = "jw02733002001_02103_{:05d}_mirimage_cal.jpg"


def member(name: str, content: bytes = JPEG, **facts: Any) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for key, value in facts.items():
        setattr(info, key, value)
    return info, content if info.isreg() else b""


def tar_of(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=form) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content) if content else None)
    return file.getvalue()


def tree(folder: Path) -> dict[str, bytes | str]:
    """Everything below a folder: links as what they say, files as their bytes."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        key = path.relative_to(folder).as_posix()
        found[key] = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else "folder"
    return found


def statuses(table: Any) -> dict[str, str]:
    return dict(zip(table["member"].tolist(), table["Status"].tolist(), strict=True))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A destination, beside which lies what must not change."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("mine")
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_members_arrive_in_the_chosen_layout_and_are_verified_later(place: Path) -> None:
    packed = tar_of(member(f"esa/deep/{NAME.format(1)}"), member(NAME.format(2)))
    table = unpack(io.BytesIO(packed), to=place, layout="program")
    assert table["Status"].tolist() == ["COMPLETE", "COMPLETE"]
    assert (place / "02733" / "obsnum02" / NAME.format(1)).read_bytes() == JPEG
    assert not list(place.rglob("*.part*"))
    assert verify(place)["verdict"].tolist() == ["good", "good"]
    again = unpack(io.BytesIO(packed), to=place, layout="program")
    assert again["Status"].tolist() == ["SKIPPED", "SKIPPED"]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_long_names_of_folders_are_read_in_all_forms(place: Path, form: int) -> None:
    deep = "a" * 60 + "/" + "b" * 60 + "/" + NAME.format(1)
    table = unpack(io.BytesIO(tar_of(member(deep), form=form)), to=place, layout="flat")
    assert statuses(table) == {deep: "COMPLETE"}
    assert (place / NAME.format(1)).read_bytes() == JPEG


@pytest.mark.parametrize(
    ("hostile", "why"),
    [
        (member("/etc/jw.jpg"), "absolute"),
        (member("C:/jw.jpg"), "absolute"),
        (member("\\\\server\\jw.jpg"), "absolute"),
        (member("../outside/jw.jpg"), "out of the destination"),
        (member("a/../../outside/jw.jpg"), "out of the destination"),
        (member("a\\..\\..\\outside\\jw.jpg"), "out of the destination"),
        (member("../outside", b"", type=tarfile.DIRTYPE), "out of the destination"),
        (member("jw.jpg", b"", type=tarfile.SYMTYPE, linkname="../outside/secret.txt"), "symbolic link"),
        (member("jw.jpg", b"", type=tarfile.LNKTYPE, linkname="../outside/secret.txt"), "hard link"),
        (member("jw.jpg", b"", type=tarfile.CHRTYPE, devmajor=1, devminor=3), "device"),
        (member("jw.jpg", b"", type=tarfile.BLKTYPE), "device"),
        (member("jw.jpg", b"", type=tarfile.FIFOTYPE), "pipe"),
        (member("jw\n.jpg"), "characters"),
        (member("jw\u202egpj.fits"), "characters"),
        (member("a\\jw.jpg"), "characters"),
        (member("CON"), "characters"),
        (member("jw.jpg.part"), "characters"),
        (member("jw.jpg "), "characters"),
    ],
    ids=lambda value: value if isinstance(value, str) else ascii(value[0].name),
)
def test_a_hostile_member_is_refused_and_the_good_one_after_it_arrives(
    place: Path, hostile: tuple[tarfile.TarInfo, bytes], why: str
) -> None:
    before = tree(place.parent / "outside")
    table = unpack(io.BytesIO(tar_of(hostile, member(NAME.format(1)))), to=place, layout="flat")
    assert table["Status"].tolist() == ["REFUSED", "COMPLETE"]
    assert why in table["Message"][0]
    assert tree(place.parent / "outside") == before
    assert {path.name for path in place.iterdir()} == {NAME.format(1), ".jwstmq-ledger.jsonl"}


def test_a_link_that_lies_in_the_destination_is_not_followed(place: Path) -> None:
    (place / "02733").symlink_to(place.parent / "outside", target_is_directory=True)
    (place / NAME.format(2)).symlink_to(place.parent / "outside" / "secret.txt")
    before = tree(place.parent / "outside")
    packed = tar_of(member(NAME.format(1)), member(NAME.format(2)))
    deep = unpack(io.BytesIO(packed), to=place, layout="program")
    assert deep["Status"].tolist() == ["ERROR", "ERROR"]
    flat = unpack(io.BytesIO(packed), to=place, layout="flat")
    assert flat["Status"].tolist() == ["COMPLETE", "COMPLETE"]
    assert not (place / NAME.format(2)).is_symlink()
    after = tree(place.parent / "outside")
    assert {name: after[name] for name in before} == before
    assert not [name for name in after if name.endswith((".jpg", ".part"))]


def test_the_first_of_two_members_with_one_name_stays(place: Path) -> None:
    other = JPEG.replace(b"picture", b"PICTURE")
    packed = tar_of(member(NAME.format(1)), member(f"x/{NAME.format(1).upper()}", other))
    table = unpack(io.BytesIO(packed), to=place, layout="flat")
    assert table["Status"].tolist() == ["COMPLETE", "REFUSED"]
    assert (place / NAME.format(1)).read_bytes() == JPEG


def test_a_broken_picture_is_reported_and_leaves_nothing(place: Path) -> None:
    table = unpack(io.BytesIO(tar_of(member(NAME.format(1), JPEG[:-2]), member(NAME.format(2)))), to=place)
    assert table["Status"].tolist() == ["ERROR", "COMPLETE"]
    assert "end marker" in table["Message"][0]
    assert not list(place.rglob(NAME.format(1) + "*"))


@pytest.mark.parametrize("keep", [0, 100, 700, 1400, 1536])
def test_a_cut_stream_gives_what_came_whole_and_says_so(place: Path, keep: int) -> None:
    packed = tar_of(member(NAME.format(1)), member(NAME.format(2)), form=tarfile.USTAR_FORMAT)[:keep]
    table = unpack(io.BytesIO(packed), to=place, layout="flat")
    whole = keep >= 1024
    assert (place / NAME.format(1)).exists() is whole
    assert "download it again" in table.meta["trouble"]
    assert not list(place.glob("*.part*"))


def test_a_bomb_ends_at_its_limit(place: Path) -> None:
    class Zeros(io.RawIOBase):
        """A member that promises a terabyte, and would send it."""

        def __init__(self) -> None:
            info = tarfile.TarInfo(NAME.format(1))
            info.size = 10**12
            self.start, self.given = info.tobuf(tarfile.GNU_FORMAT), 0

        def read(self, size: int = -1, /) -> bytes:
            start, self.start = self.start[:size], self.start[size:]
            self.given += size
            return start or bytes(size)

    bomb = Zeros()
    table = unpack(bomb, to=place, limits=UnpackLimits(bytes=3_000_000))
    assert "3,000,000 bytes" in table.meta["trouble"]
    assert table["Status"].tolist() == ["ERROR"]
    assert bomb.given < 4_000_000
    assert not list(place.rglob("*.part*"))


def test_a_packed_bomb_ends_by_its_ratio(place: Path) -> None:
    packed = gzip.compress(tar_of(member("jw_uncal.fits", bytes(40_000_000))))
    table = unpack(io.BytesIO(packed), to=place)
    assert "times its size" in table.meta["trouble"]
    assert not list(place.rglob("jw*"))


def test_a_member_with_a_huge_extended_header_costs_no_memory(place: Path) -> None:
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 8**11 - 1
    table = unpack(io.BytesIO(info.tobuf(tarfile.USTAR_FORMAT) + bytes(5000)), to=place)
    assert "extended header" in table.meta["trouble"]


def test_too_many_members_end_it(place: Path) -> None:
    packed = tar_of(*(member(f"x{number}", b"", type=tarfile.FIFOTYPE) for number in range(30)))
    table = unpack(io.BytesIO(packed), to=place, limits=UnpackLimits(members=10))
    assert "more than 10 members" in table.meta["trouble"]
    assert len(table) == 10


def test_memory_does_not_grow_with_a_member(place: Path) -> None:
    size = 64_000_000
    info = tarfile.TarInfo("jw1.bin")
    info.size = size

    class Long(io.RawIOBase):
        def __init__(self) -> None:
            self.start, self.left = info.tobuf(tarfile.USTAR_FORMAT), size + 1024

        def read(self, count: int = -1, /) -> bytes:
            start, self.start = self.start[:count], self.start[count:]
            count = min(count, self.left)
            self.left -= 0 if start else count
            return start or bytes(count)

    tracemalloc.start()
    try:
        table = unpack(Long(), to=place, layout="flat")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert table["Status"].tolist() == ["COMPLETE"]
    assert (place / "jw1.bin").stat().st_size == size
    assert most < 8_000_000


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"SIMPLE  =                    T", "a single FITS file"),
        (b"\xff\xd8\xff\xe0", "a single JPEG file"),
        (b'{"asn_type": "image3"}', "a single JSON file"),
    ],
)
def test_what_came_in_the_place_of_a_tar_is_named_with_what_to_do(place: Path, start: bytes, kind: str) -> None:
    table = unpack(io.BytesIO(start.ljust(2880, b" ")), to=place)
    assert len(table) == 0
    assert f"it is {kind}; download the files one by one" in table.meta["trouble"]
    assert [path for path in place.rglob("*") if path.suffix != ".jsonl"] == []


def zip_of(*members: tuple[str, bytes], **facts: Any) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members:
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            for key, value in facts.items() if content is not JPEG else ():
                setattr(info, key, value)
            packed.writestr(info, content)
    return file.getvalue()


def from_zip(place: Path, content: bytes, **how: Any) -> Any:
    file = place.parent / "observation.zip"
    file.write_bytes(content)
    return unpack(file, to=place, **how)


def test_a_zip_file_arrives_as_a_tar_does(place: Path) -> None:
    packed = zip_of(("esa/", b""), (f"esa/{NAME.format(1)}", JPEG), (NAME.format(2), JPEG))
    table = from_zip(place, packed, layout="program")
    assert table["Status"].tolist() == ["COMPLETE", "COMPLETE"]
    assert (place / "02733" / "obsnum02" / NAME.format(1)).read_bytes() == JPEG
    assert verify(place)["verdict"].tolist() == ["good", "good"]
    assert from_zip(place, packed, layout="program")["Status"].tolist() == ["SKIPPED", "SKIPPED"]
    assert from_zip(place, zip_of()).meta["trouble"] == ""


@pytest.mark.parametrize(
    ("name", "facts", "why"),
    [
        ("/etc/jw.jpg", {}, "absolute"),
        ("../outside/jw.jpg", {}, "out of the destination"),
        ("a\\..\\..\\outside\\jw.jpg", {}, "out of the destination"),
        ("jw.jpg", {"external_attr": 0o120777 << 16, "create_system": 3}, "symbolic link"),
        ("jw.jpg", {"external_attr": 0o020666 << 16, "create_system": 3}, "device"),
        ("CON", {}, "characters"),
    ],
)
def test_a_hostile_member_of_a_zip_is_refused_and_the_good_one_arrives(
    place: Path, name: str, facts: dict[str, Any], why: str
) -> None:
    before = tree(place.parent / "outside")
    table = from_zip(place, zip_of((name, b"../outside/secret.txt"), (NAME.format(1), JPEG), **facts), layout="flat")
    assert table["Status"].tolist() == ["REFUSED", "COMPLETE"]
    assert why in table["Message"][0]
    assert tree(place.parent / "outside") == before


@pytest.mark.parametrize("spoil", ["password", "method", "cut", "checksum", "directory"])
def test_a_zip_that_is_not_whole_or_locked_is_said_and_leaves_nothing(place: Path, spoil: str) -> None:
    packed = bytearray(zip_of((NAME.format(1), JPEG)))
    entry = packed.index(b"PK\x01\x02")
    if spoil == "password":
        packed[entry + 8] |= 1
    elif spoil == "method":
        packed[entry + 10] = 12
    elif spoil == "checksum":
        packed[entry + 16] ^= 1
    elif spoil == "directory":
        packed[entry + 46 + 4] ^= 1  # another name than the member's own
    table = from_zip(place, bytes(packed[:-30] if spoil == "cut" else packed), layout="flat")
    said = {"password": "behind a password", "method": "packed by method 12"}.get(spoil)
    if said:
        assert said in table["Message"][0]
    else:
        assert "download it again" in table.meta["trouble"]
    assert not list(place.glob("jw*"))


def test_a_zip_ends_at_its_limits(place: Path) -> None:
    bomb = zip_of(("jw_uncal.fits", bytes(40_000_000)))
    assert "bytes that it may" in from_zip(place, bomb).meta["trouble"]
    many = zip_of(*((f"x{number}", b"") for number in range(30)))
    assert "more than 10 members" in from_zip(place, many, limits=UnpackLimits(members=10)).meta["trouble"]
    directory = zip_of(*(("x" * 60_000 + str(number), b"") for number in range(150)))
    assert "its directory has 9," in from_zip(place, directory).meta["trouble"]
    assert not list(place.rglob("jw*"))


def test_a_zip_that_comes_as_a_stream_is_asked_for_as_a_file(place: Path) -> None:
    packed = zip_of(*((NAME.format(number), JPEG) for number in range(6)))
    assert "given by its path" in unpack(io.BytesIO(packed), to=place).meta["trouble"]


def test_what_is_no_tar_is_said(place: Path) -> None:
    assert "no tar file" in unpack(io.BytesIO(b"<html>" + b" " * 600), to=place).meta["trouble"]
    with pytest.raises(QueryError, match="cannot be read"):
        unpack(place / "none.tar", to=place)


def test_the_process_keeps_its_own_tarfile_filter(place: Path) -> None:
    before = getattr(tarfile.TarFile, "extraction_filter", None)
    unpack(io.BytesIO(tar_of(member(NAME.format(1)))), to=place)
    assert getattr(tarfile.TarFile, "extraction_filter", None) is before


def test_only_the_products_asked_for_are_written_at_their_catalogues_sizes(
    local_archive: LocalArchive, content_of: Any, place: Path
) -> None:
    archive = open_archive(local_archive.url)
    products = archive.products(archive.observations(Query(program=2733, instrument="miri")))
    chosen = select(products, filetypes=["_cal.jpg"])[:4]
    one, two, three, four = chosen["productFilename"].tolist()
    packed = tar_of(
        member(f"jw/{one}", content_of(one)),
        member(f"jw/{two}", content_of(two) + b"more"),
        member(f"jw/{three}", content_of(three)),
        member("jw/README.txt", b"hello"),
    )
    tar = place.parent / "observation.tar"
    tar.write_bytes(packed)
    table = unpack(tar, to=place, products=chosen)
    told = statuses(table)
    assert told == {
        f"jw/{one}": "COMPLETE",
        f"jw/{two}": "REFUSED",
        f"jw/{three}": "COMPLETE",
        "jw/README.txt": "SKIPPED",
        four: "ERROR",
    }
    assert table["dataURI"].tolist()[0] == f"mast:JWST/product/{one}"
    assert verify(place, archive=archive)["verdict"].tolist() == ["good", "good"]


_NAMES = st.one_of(
    st.sampled_from([NAME.format(number) for number in range(4)]),
    st.text(st.sampled_from("ab./\\:\n\u202e\0é~C"), min_size=1, max_size=14),
    st.lists(st.sampled_from(["..", ".", "", "a", "outside", "~"]), min_size=1, max_size=6).map("/".join),
)
_TYPES = st.sampled_from(
    [tarfile.REGTYPE] * 4
    + [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE]
)
_MEMBERS = st.tuples(
    _NAMES, _TYPES, st.sampled_from(["../outside/secret.txt", "/etc/passwd", "..", "x"]), st.binary(max_size=40)
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    members=st.lists(_MEMBERS, max_size=6),
    form=st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
    damage=st.lists(st.tuples(st.integers(0, 8000), st.integers(0, 255)), max_size=4),
    cut=st.integers(0, 12000),
    packed=st.booleans(),
)
def test_no_tar_writes_outside_or_leaves_anything_but_files(
    tmp_path_factory: pytest.TempPathFactory,
    members: list[tuple[str, bytes, str, bytes]],
    form: int,
    damage: list[tuple[int, int]],
    cut: int,
    packed: bool,
) -> None:
    root = tmp_path_factory.mktemp("hostile")
    (root / "outside").mkdir()
    (root / "outside" / "secret.txt").write_text("mine")
    made = bytearray(
        tar_of(*(member(name, content, type=kind, linkname=link) for name, kind, link, content in members), form=form)
    )
    for at, value in damage:
        if at < len(made):
            made[at] = value
    data = bytes(made[:cut]) if cut < 9000 else bytes(made)
    before = tree(root)
    table = unpack(io.BytesIO(gzip.compress(data) if packed else data), to=root / "data", layout="flat")
    after = {name: what for name, what in tree(root).items() if name.partition("/")[0] != "data"}
    assert after == before
    complete = {Path(row["Local Path"]).name for row in table if row["Status"] == "COMPLETE"}
    written = {path.name for path in (root / "data").rglob("*")} - {".jwstmq-ledger.jsonl"}
    assert written == complete
    assert not [path for path in (root / "data").rglob("*") if path.is_symlink() or not path.is_file()]
