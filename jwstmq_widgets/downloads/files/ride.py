"""A connection, while it is lent: over it come the answers to one small file after the other."""

import ssl
import threading
from typing import Any

from jwstmq_widgets.downloads.files.smallfiles import Errand
from jwstmq_widgets.downloads.http.connection import Lane
from jwstmq_widgets.downloads.http.wire import Fields, plain_answer

__all__ = ["Ride"]

_MOST_HEAD = 65536


class Ride:
    """A connection, while it is lent; for the thread that it is lent to.

    Parameters
    ----------
    lane
        Its owner's connections.
    sock
        It.
    errand
        The first file.
    """

    __slots__ = ("_begin", "_fields", "_whole", "asked", "came", "errand", "lane", "over", "sock", "strange")

    def __init__(self, lane: Lane, sock: Any, errand: Errand) -> None:
        self.lane, self.sock = lane, sock
        self.errand: Errand | None = errand
        """The file that it brings, or is to bring; None for none."""
        self.asked = False
        """Whether that was asked for, and its answer is still to be read."""
        self.came = bytearray()
        """What has come of an answer that is not whole, or strange."""
        self.strange = False
        """Whether the answer is for somebody else to judge."""
        self.over = threading.Event()
        """Set when its owner has it back."""
        self._fields: Fields | None = None  # once they are known to be plain
        self._begin = 0  # of the body
        self._whole = 0  # bytes of the answer that was whole

    def begin(self, errand: Errand | None) -> None:
        """Turn to the next file, which may be none."""
        self.errand = errand
        self.came.clear()

    def put_back(self, scratch: bytearray) -> None:
        """Have somebody else judge the answer whose file was whole, and is not right."""
        if not self.came:
            self.came += memoryview(scratch)[: self._whole]
        self.asked = self.strange = True

    def receive(self, scratch: bytearray) -> bytes | None:
        """Read what has come.

        Parameters
        ----------
        scratch
            Where the bytes go first.

        Returns
        -------
        bytes or None
            The file, once it is whole; the connection is ready for the next request then.
        """
        errand, sock, came = self.errand, self.sock, self.came
        assert errand is not None  # noqa: S101  (for type checkers: a connection without one was given back)
        while True:
            try:
                count = sock.recv_into(scratch)
            except (BlockingIOError, ssl.SSLWantReadError):
                return None
            except OSError:
                count = 0
            if came or not count:
                came += memoryview(scratch)[:count]
                data, length = came, len(came)
            else:
                data, length = scratch, count
            fields, missing = self._fields, 1
            if fields is None and (end := data.find(b"\r\n\r\n", 0, length)) >= 0:
                fields = self._fields = plain_answer(data, end, errand.size)
                self._begin = end + 4
                self.strange = fields is None
            if fields is not None:
                missing = self._begin + errand.size - length
                if not missing and count:
                    body = bytes(memoryview(data)[self._begin : length])
                    errand.fields, self._fields, self.asked = fields, None, False
                    self._whole = length
                    return body
            if data is not came:
                came += memoryview(scratch)[:count]
            if not count or missing < 0 or (fields is None and length > _MOST_HEAD):
                self.strange = True
            if self.strange:
                return None
            errand.bytes_done = max(0, length - self._begin) if fields is not None else 0
            if not (isinstance(sock, ssl.SSLSocket) and sock.pending()):
                return None  # else it goes on: no selector sees what was decrypted already
