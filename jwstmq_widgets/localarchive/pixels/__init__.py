"""The bytes of every file of the local archive, made when they are asked for and always the same."""

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from jwstmq_widgets.localarchive.facts import FileFacts

if TYPE_CHECKING:
    from jwstmq_widgets.localarchive.pixels.fits_files import Segment

__all__ = ["content", "etag", "media_type", "reduced_size"]

_EDITION = "1"
"""Counts up when what is drawn changes: a cut transfer must not go on with other bytes."""
_LEAST, _MOST = 1 << 16, 1 << 20
_TYPES = {
    "fits": "application/fits",  # RFC 4047
    "jpg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "json": "application/json",
    "csv": "text/csv",
    "ecsv": "text/plain",
    "asdf": "application/octet-stream",
}
_ASDF_BYTES = 64 * 1024


def media_type(facts: FileFacts) -> str:
    """Give the media type to serve a file under."""
    return _TYPES.get(facts.name.rpartition(".")[2], "application/octet-stream")


def etag(facts: FileFacts) -> str:
    """Give a file's strong validator, with its quotes (RFC 9110, 8.8.3): it changes when a byte of it may."""
    digest = hashlib.blake2b(f"{_EDITION}\x1f{facts!r}".encode(), digest_size=12).hexdigest()
    return f'"{digest}"'


def reduced_size(facts: FileFacts) -> int:
    """Give the size of a file at the reduced scale.

    Parameters
    ----------
    facts
        The file; its `size` does not matter. Name, exp_type, instrument, nx, ny, nints, ngroups decide; of an
        association its members and title too.

    Returns
    -------
    int
        Bytes.
    """
    from jwstmq_widgets.localarchive.pixels.documents import reduced_document
    from jwstmq_widgets.localarchive.pixels.layouts import kind_of, reduced_bytes
    from jwstmq_widgets.localarchive.pixels.pictures import reduced_picture

    extension = facts.name.rpartition(".")[2]
    if extension == "fits":
        return reduced_bytes(kind_of(facts))
    if extension in {"jpg", "png"}:
        return reduced_picture(facts.name)
    if extension == "asdf":
        return _ASDF_BYTES
    return reduced_document(facts)


def content(facts: FileFacts, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """Make the bytes of a file, or some of them.

    Parameters
    ----------
    facts
        The file.
    start, stop
        First byte, and the one after the last; a range outside the file is cut to it.

    Yields
    ------
    bytes
        Pieces of at most 1 MiB. Memory does not grow with the file.

    Raises
    ------
    ValueError
        If no file of this kind is as small as its size says.
    """
    stop = facts.size if stop is None else min(stop, facts.size)
    start = max(0, start)
    waiting: list[bytes] = []
    gathered = 0
    for piece in _pieces(facts, start, stop):
        # Small pieces are joined: a server sends each with a call of its own.
        if waiting and gathered + len(piece) > _MOST:
            yield b"".join(waiting)
            waiting, gathered = [], 0
        waiting.append(piece)
        gathered += len(piece)
        if gathered >= _LEAST:
            yield waiting[0] if len(waiting) == 1 else b"".join(waiting)
            waiting, gathered = [], 0
    if waiting:
        yield b"".join(waiting)


def _pieces(facts: FileFacts, start: int, stop: int) -> Iterator[bytes]:
    from jwstmq_widgets.localarchive.pixels.fits_files import segments

    if start >= stop:
        return
    extension = facts.name.rpartition(".")[2]
    parts = segments(facts) if extension == "fits" else _other(facts, extension)
    place = 0
    for part in parts:
        if place >= stop:
            return
        low, high = max(start - place, 0), min(stop - place, part.size)
        if low < high:
            yield from part.read(low, high)
        place += part.size


def _other(facts: FileFacts, extension: str) -> "list[Segment]":
    from jwstmq_widgets.localarchive.pixels.documents import catalogue_parts
    from jwstmq_widgets.localarchive.pixels.fits_files import asdf_parts, constant, filler
    from jwstmq_widgets.localarchive.pixels.pictures import comments

    if extension == "asdf":
        return asdf_parts(facts, facts.size)
    if extension == "ecsv":
        head, rows = catalogue_parts(facts)
        found = [constant(head)]
        room = facts.size - len(head)
        while room >= len(rows) > 0:
            found.append(constant(rows))
            room -= len(rows)
        return [*found, constant(rows[:room]), filler(max(0, room - len(rows)), b"\n")]
    data = _small(facts, extension)
    if extension != "jpg" or len(data) == facts.size:
        return [constant(data)]
    found = [constant(data[:2])]
    for length in comments(facts.size - len(data)):
        if length < 4:
            found.append(filler(length, b"\xff"))
        else:
            found += [constant(b"\xff\xfe" + (length - 2).to_bytes(2, "big")), filler(length - 4, b" ")]
    return [*found, constant(data[2:])]


@lru_cache(maxsize=64)
def _small(facts: FileFacts, extension: str) -> bytes:
    from jwstmq_widgets.localarchive.pixels.documents import association, pool
    from jwstmq_widgets.localarchive.pixels.pictures import jpeg, plot

    if extension == "png":
        return plot(facts)
    if extension == "json":
        return association(facts)
    if extension == "csv":
        return pool(facts)
    return jpeg(facts)
