"""The unfinished beginning of a small file, all of whose bytes come at once."""

import errno
import os
import sys
from contextlib import suppress

from jwstmq_widgets.downloads.files.part import FLAGS, Busy, lock, same

__all__ = ["FreshPart"]

_NEW = FLAGS | os.O_EXCL


class FreshPart:
    """A ``.part`` of a small file that is written in one go; made and locked.

    Parameters
    ----------
    target
        Path of the file that it becomes.

    Raises
    ------
    FileExistsError
        If the target or its ``.part`` is there already.
    Busy
        If another process was quicker.
    OSError
        If it cannot be made.
    """

    __slots__ = ("_file", "_name", "_target")

    def __init__(self, target: str) -> None:
        if os.access(target, os.F_OK):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target)
        self._target, self._name = target, f"{target}.part"
        self._file = os.open(self._name, _NEW, 0o666)
        try:
            lock(self._file)
            mine = same(self._name, os.fstat(self._file))
        except Busy:
            self._close()
            raise
        except BaseException:
            self.discard()
            raise
        if not mine:  # another process was quicker, and is done with it
            self._close()
            raise Busy

    def write(self, data: bytes) -> None:
        """Write its bytes, all of them."""
        if os.write(self._file, data) != len(data):
            raise OSError(errno.EIO, "it was not written whole", self._name)

    def sync(self) -> None:
        """Wait until its bytes are on the disk."""
        os.fsync(self._file)

    def publish(self) -> None:
        """Give it its final name, at once and whole, and let go of it."""
        if sys.platform == "win32":
            self._close()  # Windows does not rename an open file
        os.replace(self._name, self._target)  # noqa: PTH105  (Path.replace makes another Path of each file)
        self._name = ""
        self._close()

    def discard(self) -> None:
        """Remove it, and let go of it; nothing where that was done: its name may be somebody else's by now."""
        if not self._name:
            return
        if sys.platform == "win32":
            self._close()
        with suppress(OSError):
            os.unlink(self._name)  # noqa: PTH108
        self._name = ""
        self._close()

    def _close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
