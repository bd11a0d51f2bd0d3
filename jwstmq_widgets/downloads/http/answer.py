"""An answer to a request, whose body is read piece by piece into a given buffer."""

import http.client
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from jwstmq_widgets.downloads.http.wire import Fields, RawAnswer, media_type
from jwstmq_widgets.errors import Unreachable

if TYPE_CHECKING:
    from jwstmq_widgets.downloads.http.connection import Lane

__all__ = ["Answer"]

_MOST_DRAINED = 65536
_INFLATE = 47  # zlib's wbits for "gzip or zlib, as the header says"


class Answer:
    """An answer whose body is read piece by piece.

    Made by `Lane.get`; has to be read to its end, or dropped, before the lane's next request.
    """

    def __init__(self, raw: RawAnswer, url: str, lane: "Lane", drop: Callable[[], None]) -> None:
        self.status: int = raw.status
        """HTTP status."""
        self.headers: Fields = raw.headers
        """Headers."""
        self.url: str = url
        """The address that gave it, after redirects."""
        self.length: int | None = raw.length
        """Bytes of the body as sent; None where the server does not say."""
        self.media_type: str = media_type(raw.headers.get("Content-Type"))
        """Content-Type without its parameters; "" where the server does not say."""
        self.encoding: str = raw.headers.get("Content-Encoding", "identity").strip().lower()
        """Content-Encoding; "identity" for the file's own bytes."""
        self._raw, self._lane, self._drop = raw, lane, drop
        self._left = raw.length
        self._ended = raw.length == 0
        self._closes = raw.will_close
        self._inflater = zlib.decompressobj(_INFLATE) if self.encoding in {"gzip", "x-gzip", "deflate"} else None
        self._packed = b""

    @property
    def readable(self) -> bool:
        """Whether the body's encoding is one that we know."""
        return self.encoding == "identity" or self._inflater is not None

    def readinto(self, buffer: memoryview) -> int:
        """Read what has come, at most a buffer full.

        Parameters
        ----------
        buffer
            Where the bytes go.

        Returns
        -------
        int
            How many came; 0 at the end of the body.

        Raises
        ------
        Unreachable
            If the connection breaks, or no byte comes in time.
        Cancelled
            If the lane was closed.
        """
        if self._inflater is None:
            return self._read(buffer)
        while True:
            data = self._inflater.decompress(self._packed, len(buffer))
            self._packed = self._inflater.unconsumed_tail
            if data:
                buffer[: len(data)] = data
                return len(data)
            if not self._packed:
                packed = bytearray(65536)
                count = self._read(memoryview(packed))
                if not count:
                    return 0
                self._packed = bytes(packed[:count])

    def read(self, size: int) -> bytes:
        """Give at most so many bytes; none at the end. Raises as `readinto` does."""
        buffer = bytearray(size)
        count = self.readinto(memoryview(buffer))
        return bytes(buffer[:count])

    @property
    def complete(self) -> bool:
        """Whether the body came to the end that the server promised."""
        return self._ended and (self._inflater is None or self._inflater.eof)

    def drain(self) -> None:
        """Throw the body away: read it when it is short, so that the connection lives, else close."""
        if self.length is None or self.length > _MOST_DRAINED:
            self._drop()
            return
        scratch = memoryview(bytearray(8192))
        try:
            while self._read(scratch):
                pass
        except Unreachable:
            self._drop()
        else:
            self.release()

    def release(self) -> None:
        """Give the connection back: for the next request when the body was read to its end, else closed."""
        if self._ended and not self._closes:
            self._raw.close()
        else:
            self._drop()
            self._raw.close()

    def _read(self, buffer: memoryview) -> int:
        if self._ended:
            return 0
        try:
            if self._left is None:
                data = self._raw.read1(len(buffer))
                count = len(data)
                buffer[:count] = data
            else:
                # One read from the socket straight into the buffer: HTTPResponse.readinto would wait for a full
                # one, and lose what has come when the connection then breaks.
                count = self._raw.fp.readinto1(buffer[: self._left])
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._drop()  # what is left of this answer must not be taken for the next one
            self._lane.check()
            raise _broken(self.url, error) from error
        if count:
            if self._left is not None:
                self._left -= count
                self._ended = self._left == 0
            return count
        self._lane.check()
        # The end of a chunked body, or of one that lasts until the connection closes; else it was cut.
        self._ended = self._left is None
        return 0


def _broken(url: str, error: Exception) -> Unreachable:
    host = urlsplit(url).netloc.rpartition("@")[2]
    why = "no byte came for too long" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
    return Unreachable(f"the connection to {host} broke ({why}); try again, it goes on where it stopped", url=url)
