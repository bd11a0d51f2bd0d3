"""Tar archives that are made while they are sent."""

import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

__all__ = ["TarMember", "padding", "tar_stream"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TarMember:
    """One file of a tar archive."""

    name: str
    """Path inside the archive."""
    size: int
    """Bytes."""
    modified: float
    """When it was written (seconds since 1970)."""
    content: Callable[[], Iterator[bytes]]
    """Makes its bytes, exactly as many as `size` says."""


def tar_stream(members: Iterable[TarMember]) -> Iterator[bytes]:
    """Write a tar archive piece by piece; names that ustar cannot hold come in pax headers (POSIX.1-2001).

    Parameters
    ----------
    members
        Files, in the order in which they are to come. One is held at a time.

    Yields
    ------
    bytes
        Pieces; memory does not grow with the archive.
    """
    for member in members:
        header = tarfile.TarInfo(member.name)
        header.size = member.size
        header.mtime = int(member.modified)
        header.mode = 0o644
        yield header.tobuf(tarfile.PAX_FORMAT)
        yield from member.content()
        if room := padding(member.size):
            yield room
    yield bytes(2 * tarfile.BLOCKSIZE)


def padding(size: int) -> bytes:
    """Give the zeros between a file of so many bytes and the next header."""
    return bytes(-size % tarfile.BLOCKSIZE)
