"""The members of a zip file, read so that no file can do harm: by its directory, in little memory, nothing followed.

Whether a zip file is whole shows at its end only, where its directory is: it is read from a file, never from a stream.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import IO

from jwstmq_widgets.downloads.bundles.tarwalk import Broken, Member

__all__ = ["ZIP_SIGNS", "walk_zip"]

ZIP_SIGNS = (b"PK\x03\x04", b"PK\x05\x06")
"""How a zip file begins, and an empty one."""

_CHUNK = 256 * 1024
_RATIO_FROM = 16 * 1024 * 1024
_LARGEST_READ = 8 << 20  # the reader takes the directory in one piece: room for 50,000 files
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_UNIX = 3


def walk_zip(file: IO[bytes], *, most_members: int, most_bytes: int, most_ratio: float) -> Iterator[Member]:
    """Give the members of a zip file.

    PKWARE's APPNOTE 6.3 as the standard library reads it, with members that are stored or deflated.

    Parameters
    ----------
    file
        The file, which can be sought in.
    most_members
        Members at the most, those that are no files too.
    most_bytes
        Bytes of all members, unpacked, at the most.
    most_ratio
        Unpacked bytes for each one of the file at the most; looked at from 16 MiB on.

    Yields
    ------
    Member
        In the order of the file's directory.

    Raises
    ------
    Broken
        If it is no whole zip file, where a member is not as its directory says, and where a limit is passed.
    """
    length = file.seek(0, 2)
    most = min(most_bytes, max(_RATIO_FROM, int(length * most_ratio)))
    count = 0

    def chunks(info: zipfile.ZipInfo) -> Iterator[bytes]:
        nonlocal count
        with _broken("it is broken in this member"), reader.open(info) as member:
            while data := member.read(_CHUNK):
                count += len(data)
                if count > most:
                    raise Broken(f"it holds more than the {most:,} bytes that it may")
                yield data

    with _broken("it is no whole zip file"):
        reader = zipfile.ZipFile(_Bounded(file))
    with reader:
        entries = reader.infolist()
        if len(entries) > most_members:
            raise Broken(f"it has more than {most_members:,} members")
        for info in entries:
            kind = _kind(info)
            size = info.file_size if kind == "file" else 0
            yield Member(name=info.orig_filename, kind=kind, size=size, chunks=partial(chunks, info))


def _kind(info: zipfile.ZipInfo) -> str:
    mode = stat.S_IFMT(info.external_attr >> 16) if info.create_system == _UNIX else 0
    if mode == stat.S_IFLNK:
        return "symbolic link"
    if mode not in {0, stat.S_IFREG, stat.S_IFDIR}:
        return "device"
    if info.is_dir() or mode == stat.S_IFDIR:
        return "folder"
    if info.flag_bits & _ENCRYPTED:
        return "member behind a password"
    if info.compress_type not in _METHODS:
        return f"member packed by method {info.compress_type}"
    return "file"


@contextmanager
def _broken(what: str) -> Iterator[None]:
    """Turn what the standard library raises at a file that is not as it should be into `Broken`."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise Broken(f"{what} ({error})") from error


class _Bounded:
    """A file of which no more is read at once than a directory of many files takes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """Give at most so many bytes."""
        if size > _LARGEST_READ:
            raise Broken(f"its directory has {size:,} bytes, more than {_LARGEST_READ:,}")
        return self._file.read(size)
