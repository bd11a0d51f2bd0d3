"""The unfinished beginning of a file: ``name.part`` beside its target, locked while one process writes it."""

import errno
import os
import stat
import sys
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

__all__ = ["Busy", "Part", "Validator"]

# Beginnings from here on get a note of their validator before they grow, so that even a killed process can resume.
_NOTED_FROM = 1_000_000
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class Busy(Exception):
    """Another process, or another download of this one, is writing the same file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validator:
    """What proves that two answers hold the same remote file (RFC 9110, section 8.8)."""

    etag: str = ""
    """ETag; "" when the server gives none."""
    modified: str = ""
    """Last-Modified; "" when the server gives none."""
    size: int = -1
    """Bytes of the whole file; -1 unknown."""

    @classmethod
    def of(cls, headers: Message, size: int | None) -> Self:
        """Take it from an answer.

        Parameters
        ----------
        headers
            The answer's headers.
        size
            Bytes of the whole file; None unknown.

        Returns
        -------
        Validator
            It.
        """
        return cls(
            etag=headers.get("ETag") or "",
            modified=headers.get("Last-Modified") or "",
            size=-1 if size is None else size,
        )

    @property
    def if_range(self) -> str:
        """Value for ``If-Range``: a strong ETag, or Last-Modified where the size is known too; else ""."""
        if self.etag.startswith('"'):
            return self.etag
        return self.modified if self.size >= 0 and not self.etag else ""

    def agrees(self, other: "Validator") -> bool:
        """Whether another answer can be of the same file.

        Parameters
        ----------
        other
            The other answer's.

        Returns
        -------
        bool
            False when anything that both give differs.
        """
        pairs = ((self.etag, other.etag), (self.modified, other.modified), (max(self.size, 0), max(other.size, 0)))
        return all(mine == its for mine, its in pairs if mine and its)


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
        self.path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")
        self._noted: tuple[str, Validator] | None = None
        self._file = self._open()
        self.size: int = os.fstat(self._file).st_size
        """Bytes in it."""

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
            facts = orjson.loads(self._note.read_bytes())
            noted = Validator(etag=str(facts["etag"]), modified=str(facts["modified"]), size=int(facts["size"]))
            self._noted = (str(facts["uri"]), noted)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return noted if self._noted[0] == uri else None

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
        if self.size > position:
            os.ftruncate(self._file, position)
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
        self.path.replace(self.target)
        self._unnote()

    def leave(self, uri: str, validator: Validator | None) -> None:
        """Stop: keep it where a later try can resume it, else remove it.

        Parameters
        ----------
        uri
            The product.
        validator
            What proves which remote file it is; None when nothing does.
        """
        if self.size and validator is not None and validator.if_range:
            try:
                self._write_note(uri, validator)
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

    def _open(self) -> int:
        while True:
            try:
                file = os.open(self.path, _FLAGS, 0o666)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                self.path.unlink()  # a link in the place of our own file is none of ours; never write through it
                continue
            try:
                found = os.fstat(file)
                _check_kind(found, self.path)
                _lock(file)
                # Who held the lock until now may have given the file its final name, or removed it.
                if _same(self.path, found):
                    return file
            except BaseException:
                os.close(file)
                raise
            os.close(file)

    def _write_note(self, uri: str, validator: Validator) -> None:
        if self._noted == (uri, validator):
            return
        facts = {"uri": uri, "etag": validator.etag, "modified": validator.modified, "size": validator.size}
        fresh = self._note.with_name(f"{self._note.name}~")
        fresh.unlink(missing_ok=True)
        with fresh.open("xb") as file:
            file.write(orjson.dumps(facts))
        fresh.replace(self._note)
        self._noted = (uri, validator)

    def _unnote(self) -> None:
        with suppress(OSError):
            self._note.unlink(missing_ok=True)
        self._noted = None


def _check_kind(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EEXIST, "it is no ordinary file; move it away", str(path))


def _same(path: Path, found: os.stat_result) -> bool:
    try:
        now = path.lstat()
    except FileNotFoundError:
        return False
    return (now.st_dev, now.st_ino) == (found.st_dev, found.st_ino)


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> None:
        os.lseek(file, 1 << 62, os.SEEK_SET)  # a byte that no file has, so that nobody's reading is locked
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise Busy from error

else:
    import fcntl

    def _lock(file: int) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy from error
        except OSError as error:
            if error.errno not in {errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK}:  # file systems without locks
                raise
