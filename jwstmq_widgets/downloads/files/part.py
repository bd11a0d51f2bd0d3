"""The unfinished beginning of a file: ``name.part`` beside its target, locked while one process writes it.

``name.part.json`` notes what proves which remote file it is (uri, etag, modified, size). A file that several
connections bring has holes; then the note holds ``pieces`` as well: ``[start, stop]`` of all that is whole, never
more than is on the disk.
"""

import errno
import os
import stat
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from jwstmq_widgets.downloads.http.validator import Validator

__all__ = ["FLAGS", "Busy", "Part", "Validator", "lock", "read_pieces", "same"]

# Beginnings from here on get a note of their validator before they grow, so that even a killed process can resume.
_NOTED_FROM = 1_000_000
FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Busy(Exception):
    """Another process, or another download of this one, is writing the same file."""


class Part:
    """A ``.part`` file, open for writing; used in a ``with`` block, which holds its lock.

    Parameters
    ----------
    target
        Path of the file that it becomes.

    Raises
    ------
    Busy
        If another process holds it.
    OSError
        If it cannot be made.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self.path = Path(f"{target}.part")
        # Texts: making and writing out paths would be a tenth of what a tiny file costs.
        self._name = str(self.path)
        self._note = f"{self._name}.json"
        self._noted: tuple[str, Validator, tuple[tuple[int, int], ...]] | None = None
        self._seek = threading.Lock()
        self._holes = False
        self.size: int
        """Bytes in it, up to its end."""
        self._file, self.size = self._open()
        self.pieces: list[tuple[int, int]] = [(0, self.size)]
        """Start and stop of each piece that is whole; one, unless it was brought in several at a time."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def note(self, uri: str) -> Validator | None:
        """Read what is noted of the remote file that this is the beginning of.

        Parameters
        ----------
        uri
            The product that it has to be of.

        Returns
        -------
        Validator or None
            None when nothing is noted, or it is of another product.
        """
        try:
            with open(self._note, "rb") as file:  # noqa: PTH123
                facts = orjson.loads(file.read())
            noted = Validator(etag=str(facts["etag"]), modified=str(facts["modified"]), size=int(facts["size"]))
            if "pieces" in facts:
                self.pieces = read_pieces(facts, self.size)
                self._holes = True
            self._noted = (str(facts["uri"]), noted, tuple(self.pieces) if self._holes else ())
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return noted if self._noted[0] == uri else None

    @property
    def holes(self) -> bool:
        """Whether its note tells of pieces: it was brought in several at a time."""
        return self._holes

    def begin(self, position: int, uri: str, validator: Validator) -> None:
        """Get ready to write from a position; what lies behind it goes.

        Parameters
        ----------
        position
            The first byte to be written.
        uri
            The product.
        validator
            What proves which remote file it is.
        """
        if self._holes:  # the note is of pieces that are no more
            self._unnote()
        if self.size > position:
            os.ftruncate(self._file, position)
        if self.size or position:  # else it is new, and at its start
            os.lseek(self._file, position, os.SEEK_SET)
        self.size = position
        if validator.size >= _NOTED_FROM or validator.size < 0:
            self._write_note(uri, validator)

    def read(self, position: int, count: int) -> bytes:
        """Read some of it.

        Parameters
        ----------
        position, count
            Which bytes.

        Returns
        -------
        bytes
            They.
        """
        os.lseek(self._file, position, os.SEEK_SET)
        data = bytearray()
        while len(data) < count and (more := os.read(self._file, count - len(data))):
            data += more
        return bytes(data)

    def write(self, data: memoryview) -> None:
        """Add bytes.

        Parameters
        ----------
        data
            They.
        """
        while data:
            written = os.write(self._file, data)
            self.size += written
            data = data[written:]

    def read_at(self, position: int, count: int) -> bytes:
        """Read some of it while others write.

        Parameters
        ----------
        position, count
            Which bytes.

        Returns
        -------
        bytes
            They.
        """
        with self._seek:
            return self.read(position, count)

    def write_at(self, data: memoryview, position: int) -> None:
        """Write bytes at a place, while others write at other places.

        Parameters
        ----------
        data
            They.
        position
            Where the first one goes.
        """
        while data:
            written = _write_at(self._file, data, position, self._seek)
            position += written
            data = data[written:]
        with self._seek:
            self.size = max(self.size, position)

    def note_pieces(self, uri: str, validator: Validator, pieces: Sequence[tuple[int, int]]) -> None:
        """Note which pieces are whole; they are on the disk before the note is.

        Parameters
        ----------
        uri
            The product.
        validator
            What proves which remote file it is.
        pieces
            Start and stop of each, ascending.
        """
        os.fsync(self._file)
        self._holes = True
        self._write_note(uri, validator, tuple(pieces))

    def publish(self, *, fsync: bool) -> None:
        """Give it its final name, at once and whole.

        Parameters
        ----------
        fsync
            Whether its bytes must be on the disk first.
        """
        if fsync:
            os.fsync(self._file)
        if sys.platform == "win32":
            os.close(self._file)  # Windows does not rename an open file
            self._file = -1
        os.replace(self._name, self.target)  # noqa: PTH105  (Path.replace makes another Path of each file)
        self._unnote()

    def leave(self, uri: str, validator: Validator | None, pieces: Sequence[tuple[int, int]] | None = None) -> None:
        """Stop: keep it where a later try can resume it, else remove it.

        Parameters
        ----------
        uri
            The product.
        validator
            What proves which remote file it is; None when nothing does.
        pieces
            Start and stop of each piece that is whole; None for all of it.
        """
        if self.size and validator is not None and validator.if_range:
            try:
                if pieces is not None and len(pieces) == 1 and pieces[0][0] == 0:
                    os.ftruncate(self._file, pieces[0][1])
                    self._holes, pieces = False, None
                if pieces is not None:
                    self.note_pieces(uri, validator, pieces)
                else:
                    self._write_note(uri, validator, tuple(self.pieces) if self._holes else ())
            except OSError:  # a full disk, say; without the note nobody could resume it
                self.discard()
        else:
            self.discard()

    def discard(self) -> None:
        """Remove it."""
        self._unnote()
        with suppress(OSError):
            if sys.platform == "win32":
                os.close(self._file)
                self._file = -1
            self.path.unlink(missing_ok=True)

    def _open(self) -> tuple[int, int]:
        while True:
            try:
                file = os.open(self._name, FLAGS, 0o666)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                self.path.unlink()  # a link in the place of our own file is none of ours; never write through it
                continue
            try:
                found = os.fstat(file)
                _check_kind(found, self.path)
                lock(file)
                # Who held the lock until now may have given the file its final name, or removed it.
                if same(self._name, found):
                    return file, found.st_size
            except BaseException:
                os.close(file)
                raise
            os.close(file)

    def _write_note(self, uri: str, validator: Validator, pieces: tuple[tuple[int, int], ...] = ()) -> None:
        if self._noted == (uri, validator, pieces):
            return
        facts: dict[str, object] = {
            "uri": uri,
            "etag": validator.etag,
            "modified": validator.modified,
            "size": validator.size,
        }
        if pieces:
            facts["pieces"] = pieces
        fresh = Path(f"{self._note}~")
        fresh.unlink(missing_ok=True)
        with fresh.open("xb") as file:
            file.write(orjson.dumps(facts))
        fresh.replace(self._note)
        self._noted = (uri, validator, pieces)

    def _unnote(self) -> None:
        for name in (self._note, f"{self._note}~")[: 1 + (self.size >= _NOTED_FROM)]:  # a kill leaves half a note
            with suppress(OSError):
                os.unlink(name)  # noqa: PTH108
        self._noted, self._holes = None, False


def read_pieces(note: Mapping[str, Any], size: int) -> list[tuple[int, int]]:
    """Read from a note which pieces of a ``.part`` are whole.

    Parameters
    ----------
    note
        What the note holds.
    size
        Bytes of the ``.part``.

    Returns
    -------
    list of tuple of int
        Start and stop of each, ascending and disjoint.

    Raises
    ------
    ValueError
        If they are not.
    """
    pieces, at = [], 0
    for start, stop in note["pieces"]:
        if not (isinstance(start, int) and isinstance(stop, int) and at <= start < stop <= size):
            raise ValueError("the note tells of pieces that cannot be")
        pieces.append((start, stop))
        at = stop
    return pieces


def _check_kind(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EEXIST, "it is no ordinary file; move it away", str(path))


def same(path: str, found: os.stat_result) -> bool:
    """Tell whether a path still leads to the file that was opened there."""
    try:
        now = os.lstat(path)
    except FileNotFoundError:
        return False
    return (now.st_dev, now.st_ino) == (found.st_dev, found.st_ino)


if sys.platform == "win32":
    import msvcrt

    def _write_at(file: int, data: memoryview, position: int, seek: threading.Lock) -> int:
        with seek:
            os.lseek(file, position, os.SEEK_SET)
            return os.write(file, data)

    def lock(file: int) -> None:
        """Lock an open file, or raise Busy where another process has; freed when the file is closed."""
        os.lseek(file, 1 << 62, os.SEEK_SET)  # a byte that no file has, so that nobody's reading is locked
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise Busy from error

else:
    import fcntl

    def _write_at(file: int, data: memoryview, position: int, seek: threading.Lock) -> int:  # noqa: ARG001
        return os.pwrite(file, data, position)

    def lock(file: int) -> None:
        """Lock an open file, or raise Busy where another process has; freed when the file is closed."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy from error
        except OSError as error:
            if error.errno not in {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK}:  # file systems without locks
                raise
