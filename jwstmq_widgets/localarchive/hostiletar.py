"""Tar archives that mean harm to whoever unpacks them without looking."""

import itertools
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from jwstmq_widgets.localarchive.protocols.tarstream import padding

__all__ = ["HARMLESS", "HOSTILE_KINDS", "hostile_tar"]

HARMLESS = "jwstmq_hostile_member.txt"
"""Where a hostile member has a name, it ends with this: a test looks for it where it must not be."""
_TEXT = b"This file came with a hostile tar archive.\n"
_MIB = 1 << 20


def hostile_tar(kind: str, honest: Iterator[bytes]) -> Iterator[bytes]:
    """Spoil a tar archive on its way.

    Parameters
    ----------
    kind
        One of `HOSTILE_KINDS`.
    honest
        The archive as it should be; what follows the hostile members, except where the kind leaves nothing to follow.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    make = HOSTILE_KINDS.get(kind)
    if make is None:
        raise ValueError(f"no such hostile tar: {kind!r}; there are {', '.join(HOSTILE_KINDS)}")
    return make(honest)


def _member(name: str, *, kind: bytes = tarfile.REGTYPE, link: str = "", content: bytes = b"") -> bytes:
    header = tarfile.TarInfo(name)
    header.type = kind
    header.linkname = link
    header.size = len(content)
    return header.tobuf(tarfile.PAX_FORMAT) + content + padding(len(content))


def _before(*members: bytes) -> Callable[[Iterator[bytes]], Iterator[bytes]]:
    return lambda honest: itertools.chain(members, honest)


def _device(honest: Iterator[bytes]) -> Iterator[bytes]:
    header = tarfile.TarInfo(HARMLESS)
    header.type = tarfile.CHRTYPE
    header.devmajor, header.devminor = 1, 3
    yield header.tobuf(tarfile.PAX_FORMAT)
    yield from honest


def _duplicate(honest: Iterator[bytes]) -> Iterator[bytes]:
    """Send the first file once as it should be, and once more, with the same name and other bytes, before it."""
    first, rest = _first_header(honest)
    yield _member(first.name, content=_TEXT)
    yield from rest


def _truncated(honest: Iterator[bytes]) -> Iterator[bytes]:
    """End in the middle of the first file; the connection ends as if all had come."""
    first, rest = _first_header(honest)
    left = tarfile.BLOCKSIZE + first.size // 2
    for piece in rest:
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            return


def _first_header(honest: Iterator[bytes]) -> tuple[tarfile.TarInfo, Iterator[bytes]]:
    """Look at the first header; give it with the whole stream."""
    start = b""
    for piece in honest:
        start += piece
        if len(start) >= tarfile.BLOCKSIZE:
            break
    header = tarfile.TarInfo.frombuf(start[: tarfile.BLOCKSIZE], "utf-8", "replace")
    return header, itertools.chain([start], honest)


def _bomb(honest: Iterator[bytes]) -> Iterator[bytes]:  # noqa: ARG001
    """Send 16 GiB of zeros in 16 MiB, compressed with gzip."""
    header = tarfile.TarInfo(HARMLESS)
    header.size = 16 << 30
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield squeeze.compress(header.tobuf(tarfile.GNU_FORMAT)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    # After a full flush a block does not refer to what was before it: one block serves for all.
    block = squeeze.compress(bytes(64 * _MIB)) + squeeze.flush(zlib.Z_FULL_FLUSH)
    for _ in range(header.size // (64 * _MIB)):
        yield block


def _huge(honest: Iterator[bytes]) -> Iterator[bytes]:  # noqa: ARG001
    """Promise a file of 1 TiB, send 1 MiB of it, and end."""
    header = tarfile.TarInfo(HARMLESS)
    header.size = 1 << 40
    yield header.tobuf(tarfile.GNU_FORMAT)
    yield bytes(_MIB)


def _sparse(honest: Iterator[bytes]) -> Iterator[bytes]:
    """Send a sparse file (old GNU format) that would be 1 TiB when written out."""
    header = bytearray(tarfile.TarInfo(HARMLESS).tobuf(tarfile.GNU_FORMAT))
    header[156:157] = tarfile.GNUTYPE_SPARSE
    header[386:398], header[398:410] = b"%011o\0" % 0, b"%011o\0" % 0
    header[483:495] = b"\x80" + (1 << 40).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    yield bytes(header)
    yield from honest


def _many(honest: Iterator[bytes]) -> Iterator[bytes]:
    """Send 20,000 empty files before the real ones."""
    for number in range(20_000):
        yield _member(f"many/{number:05d}_{HARMLESS}")
    yield from honest


HOSTILE_KINDS: Mapping[str, Callable[[Iterator[bytes]], Iterator[bytes]]] = MappingProxyType(
    {
        "absolute": _before(_member(f"/tmp/{HARMLESS}", content=_TEXT)),  # noqa: S108  # the attack that is meant
        "parent": _before(_member(f"../../{HARMLESS}", content=_TEXT)),
        "symlink": _before(_member(HARMLESS, kind=tarfile.SYMTYPE, link="/etc/passwd")),
        "linked folder": _before(
            _member("outside", kind=tarfile.SYMTYPE, link="../.."),
            _member(f"outside/{HARMLESS}", content=_TEXT),
        ),
        "hardlink": _before(_member(HARMLESS, kind=tarfile.LNKTYPE, link="/etc/passwd")),
        "device": _device,
        "pipe": _before(_member(HARMLESS, kind=tarfile.FIFOTYPE)),
        "drive": _before(_member(f"C:\\Windows\\{HARMLESS}", content=_TEXT)),
        "control": _before(_member(f"\x1b[31m\n{HARMLESS}", content=_TEXT)),
        "long name": _before(_member("x" * 300_000 + HARMLESS, content=_TEXT)),
        "hidden": _before(_member(f".ssh/.{HARMLESS}", content=_TEXT)),
        "stranger": _before(_member(HARMLESS, content=_TEXT)),
        "duplicate": _duplicate,
        "truncated": _truncated,
        "bomb": _bomb,
        "huge": _huge,
        "sparse": _sparse,
        "many": _many,
        "no tar": lambda honest: iter([b"<html><body>The service is being maintained.</body></html>\n"]),  # noqa: ARG005
    }
)
"""What may be wrong with a tar archive: absolute path; a path upwards; links; devices; names that mean something to
a terminal or to another system; a file that was not asked for; a file that comes twice; an archive that ends too
early; one that grows from 16 MiB to 16 GiB; one that promises 1 TiB; very many files; no tar at all."""
