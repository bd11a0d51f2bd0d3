"""The members of a tar stream, read so that no stream can do harm: forwards, in little memory, nothing followed.

The standard library's reader is used for single headers only: walking with it keeps every member in memory, reads
extended headers of any length as a whole, and follows what sparse members and links say.
"""

import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

__all__ = ["Broken", "Member", "Readable", "walk"]

_BLOCK = tarfile.BLOCKSIZE
_CHUNK = 256 * 1024
_LONGEST_EXTENSION = 64 * 1024
_MOST_EXTENSIONS = 8
_MOST_SPARSE_BLOCKS = 4096
_GZIP = 31
_RATIO_FROM = 16 * 1024 * 1024
_KINDS = {
    tarfile.REGTYPE: "file",
    tarfile.AREGTYPE: "file",
    tarfile.CONTTYPE: "file",
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symbolic link",
    tarfile.LNKTYPE: "hard link",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "pipe",
    tarfile.GNUTYPE_SPARSE: "sparse file",
}
_OTHERS = {
    b"SIMPLE  =": "a single FITS file",
    b"\xff\xd8\xff": "a single JPEG file",
    b"<": "a page or an XML document",
    b"{": "a single JSON file",
}
_EMPTY = frozenset({"folder", "symbolic link", "hard link", "device", "pipe"})


class Readable(Protocol):
    """What bytes come from."""

    def read(self, size: int, /) -> bytes:
        """Give at most so many bytes; none at the end."""


class Broken(Exception):
    """The stream is no tar, was cut, or cannot be read on from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One member of a tar stream."""

    name: str
    """Its name, as the stream gives it: not to be used as a path."""
    kind: str
    """file, folder, symbolic link, hard link, device, pipe, sparse file, or its type in the stream."""
    size: int
    """Bytes that its header promises."""
    chunks: Callable[[], Iterator[bytes]]
    """Gives its bytes, once, and before the next member is asked for; raises `Broken` where the stream ends in it."""


def walk(source: Readable, *, most_members: int, most_bytes: int, most_ratio: float) -> Iterator[Member]:
    """Give the members of a tar stream, plain or packed with gzip.

    POSIX.1-2008 (pax, "ustar Interchange Format" and "pax Header Block") with GNU's long names.

    Parameters
    ----------
    source
        The stream, from its beginning; read forwards only.
    most_members
        Members at the most, those that are no files too.
    most_bytes
        Bytes of the unpacked stream at the most.
    most_ratio
        Unpacked bytes for each packed one at the most; looked at from 16 MiB on.

    Yields
    ------
    Member
        In the stream's order. What is not read of one is passed over.

    Raises
    ------
    Broken
        At a header that is none, at the end of a stream that was cut, and where a limit is passed.
    """
    stream = _Stream(source, most_bytes, most_ratio)
    number = 0
    while True:
        member = _header(stream, first=number == 0)
        if member is None:
            return
        number += 1
        if number > most_members:
            raise Broken(f"it has more than {most_members:,} members")
        size = 0 if member.kind in _EMPTY else member.size
        body = _Body(stream, size, member.name)
        yield Member(name=member.name, kind=member.kind, size=size, chunks=body.chunks)
        body.finish()


@dataclass(slots=True)
class _Found:
    name: str
    kind: str
    size: int


def _header(stream: "_Stream", *, first: bool) -> _Found | None:
    """Read headers up to that of the next member; None at the end of the archive."""
    name: str | None = None
    size: int | None = None
    sparse = False
    for _ in range(_MOST_EXTENSIONS):
        block = stream.exactly(_BLOCK, "in a header")
        if not block.strip(b"\0"):
            return None
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError, OverflowError) as error:
            raise Broken(_no_tar(block) if first else "a header is broken") from error
        if info.size < 0:
            raise Broken("a header promises fewer than no bytes")
        if info.type in {tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.XGLTYPE}:
            values = _pax(_extension(stream, info.size))
            if info.type != tarfile.XGLTYPE:
                name, size = values.get("path", name), _whole(values.get("size"), size)
                sparse = sparse or any(key.startswith("GNU.sparse") for key in values)
        elif info.type == tarfile.GNUTYPE_LONGNAME:
            name = _extension(stream, info.size).partition(b"\0")[0].decode("utf-8", "surrogateescape")
        elif info.type == tarfile.GNUTYPE_LONGLINK:
            _extension(stream, info.size)
        else:
            kind = "sparse file" if sparse else _KINDS.get(info.type, f"member of type {info.type!r}")
            if info.type == tarfile.GNUTYPE_SPARSE:
                _pass_sparse_map(stream, block)
            # V7's way to say folder: a slash at the end of an ordinary member's name.
            given = info.name if name is None else name
            kind = "folder" if info.type == tarfile.AREGTYPE and given.endswith("/") else kind
            return _Found(given, kind, info.size if size is None else size)
    raise Broken(f"a member has more than {_MOST_EXTENSIONS} extended headers")


def _no_tar(start: bytes) -> str:
    """Say what came in the place of a tar file, by its first bytes, and what to do then."""
    if start.startswith(b"PK\x03\x04"):
        return "it is a zip file, which must be given by its path, not as a stream"
    kind = next((kind for sign, kind in _OTHERS.items() if start.startswith(sign)), "")
    other = f": it is {kind}; download the files one by one, with plan(archive.artifacts(names))" if kind else ""
    return f"it is no tar file{other}"


def _extension(stream: "_Stream", size: int) -> bytes:
    if size > _LONGEST_EXTENSION:
        raise Broken(f"an extended header promises {size:,} bytes")
    return stream.exactly(-(-size // _BLOCK) * _BLOCK, "in a header")[:size]


def _pax(data: bytes) -> dict[str, str]:
    """Read records of the form ``length keyword=value``, the length being that of the record."""
    values: dict[str, str] = {}
    at = 0
    while at < len(data) and data[at]:
        digits, blank, _ = data[at : at + 12].partition(b" ")
        if not blank or not digits.isdigit():
            raise Broken("an extended header is broken")
        end, start = at + int(digits), at + len(digits) + 1
        keyword, equals, value = data[start : end - 1].partition(b"=")
        if not start < end <= len(data) or not equals or data[end - 1 : end] != b"\n":
            raise Broken("an extended header is broken")
        values[keyword.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        at = end
    return values


def _whole(text: str | None, otherwise: int | None) -> int | None:
    if text is None:
        return otherwise
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise Broken("an extended header gives a size that is no number")
    return int(text)


def _pass_sparse_map(stream: "_Stream", block: bytes) -> None:
    """Pass over the blocks that go on with the map of GNU's old sparse members."""
    more = block[482]
    for _ in range(_MOST_SPARSE_BLOCKS):
        if not more:
            return
        more = stream.exactly(_BLOCK, "in a header")[504]
    raise Broken("a sparse member's map does not end")


class _Body:
    """The bytes of one member."""

    def __init__(self, stream: "_Stream", size: int, name: str) -> None:
        self._stream, self._left, self._name = stream, size, name
        self._padding = -size % _BLOCK

    def chunks(self) -> Iterator[bytes]:
        while self._left:
            data = self._stream.some(min(self._left, _CHUNK))
            if not data:
                raise Broken("it ends in the middle of this member")
            self._left -= len(data)
            yield data

    def finish(self) -> None:
        """Pass over what was not read."""
        for _ in self.chunks():
            pass
        self._stream.exactly(self._padding, "behind a member")


class _Stream:
    """Bytes of the unpacked stream, within limits."""

    def __init__(self, source: Readable, most_bytes: int, most_ratio: float) -> None:
        self._source, self._most_bytes, self._most_ratio = source, most_bytes, most_ratio
        self._start = source.read(2)
        while 0 < len(self._start) < 2 and (more := source.read(1)):
            self._start += more
        self._inflater = zlib.decompressobj(_GZIP) if self._start == b"\x1f\x8b" else None
        self._packed = 0
        self._count = 0

    def exactly(self, size: int, where: str) -> bytes:
        """Give just so many bytes; only for headers, which are short."""
        parts = bytearray()
        while len(parts) < size:
            data = self.some(size - len(parts))
            if not data:
                raise Broken(f"it ends {where}" if self._count else "it is empty")
            parts += data
        return bytes(parts)

    def some(self, size: int) -> bytes:
        """Give at most so many bytes, at least one; none at the end."""
        if size <= 0:
            return b""
        data = self._raw(size) if self._inflater is None else self._inflated(self._inflater, size)
        self._count += len(data)
        if self._count > self._most_bytes:
            raise Broken(f"it holds more than the {self._most_bytes:,} bytes that it may")
        return data

    def _raw(self, size: int) -> bytes:
        start, self._start = self._start[:size], self._start[size:]
        return start or self._source.read(size)

    def _inflated(self, inflater: "zlib._Decompress", size: int) -> bytes:
        while True:
            packed = inflater.unconsumed_tail
            if not packed and not inflater.eof:
                packed = self._raw(_CHUNK)
                self._packed += len(packed)
                if not packed:
                    return b""
            try:
                data = inflater.decompress(packed, size)
            except zlib.error as error:
                raise Broken("its gzip packing is broken") from error
            if self._count + len(data) > max(_RATIO_FROM, self._packed * self._most_ratio):
                raise Broken(f"it unpacks to more than {self._most_ratio:g} times its size")
            if data or inflater.eof:
                return data
