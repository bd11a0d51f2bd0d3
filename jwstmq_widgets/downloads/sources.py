"""The archives to ask for one file, one after the other."""

from typing import TYPE_CHECKING

from jwstmq_widgets.archives.merged import MergedArchive, sources_of
from jwstmq_widgets.downloads.addresses import address_at
from jwstmq_widgets.downloads.plans.items import PlanItem
from jwstmq_widgets.errors import DownloadError, Incomplete, JwstmqError, Refused, Unreachable

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["TURNS", "Sources"]

TURNS = (Unreachable, Refused, DownloadError)
"""Errors after which another archive is asked."""


class Sources:
    """The archives to ask for one file: the one that is asked now, and those left for when it fails.

    What one archive has given of a file proves nothing of another's, and sizes are those of the first one's catalogue:
    another archive may hold another version, which is taken as it is, and said.

    Parameters
    ----------
    archive
        One archive, or a merged one.
    item
        The file.
    identity
        What a beginning of the file from the first archive is known by on the disk; its ``dataURI`` when left out.
    """

    def __init__(self, archive: "Archive", item: PlanItem, *, identity: str = "") -> None:
        self._archive, self._item = archive, item
        self._identity = identity or item.uri
        self._order = list(sources_of(archive, item.uri))
        self._first = self._order[0]
        self._passed: list[str] = []
        self._failed: list[JwstmqError] = []
        self.url = ""
        """Address of the file at the archive that is asked now; "" before the first try."""

    @property
    def now(self) -> "Archive":
        """The archive that is asked now."""
        return self._order[0]

    @property
    def at_first(self) -> bool:
        """Whether it is the one to which the catalogue belongs."""
        return self.now is self._first

    @property
    def identity(self) -> str:
        """What a beginning of the file is known by on the disk."""
        return self._identity if self.at_first else f"{self._item.uri} at {self.now.url}"

    @property
    def size(self) -> int:
        """Bytes that its catalogue says; -1 unknown."""
        return self._item.size if self.at_first else -1

    def address(self) -> str:
        """Give the address of the file; may ask the archive, and raises as `address_at` does."""
        self.url = self.url or address_at(self.now, self._item.uri)
        return self.url

    def begin(self) -> None:
        """Begin a try, in which each archive may fail once."""
        self._failed = []

    def turn(self, error: JwstmqError, *, some_came: bool) -> None:
        """Turn to the next archive.

        Parameters
        ----------
        error
            Why the present one gave nothing.
        some_came
            Whether bytes came before.

        Raises
        ------
        JwstmqError
            The error, where the same archive is to be asked again later; the one after which another try may help,
            where all have failed.
        """
        if isinstance(error, Incomplete):
            raise error  # some came: the next try goes on where it stopped
        self._failed.append(error)
        if len(self._failed) >= len(self._order) or (isinstance(error, Unreachable) and some_came):
            raise _most_hopeful(self._failed) from error
        left = self.now
        if isinstance(error, Unreachable) and isinstance(self._archive, MergedArchive):
            self._archive.note_unreachable(left)
        self._passed = [*self._passed, f"{left.name}: {error}"][-2:]
        self._order = [*self._order[1:], left]
        self.url = ""

    def told(self, message: str, size: int) -> str:
        """Say, beside a message, which archive gave a file of so many bytes in another's place; "" for nothing."""
        if not self._passed:
            return message
        parts = [message] * bool(message)
        parts.append(f"from {self.now.name}, because {'; '.join(self._passed)}")
        if size != self._item.size >= 0:
            parts.append(f"another version: {size:,} bytes, where {self._first.name} lists {self._item.size:,}")
        return "; ".join(parts)


def _most_hopeful(errors: list[JwstmqError]) -> JwstmqError:
    """Choose, of the errors of all archives, one after which another try may help; it tells of the others."""
    chosen = next((error for error in errors if isinstance(error, (Unreachable, Refused))), errors[0])
    others = [str(error) for error in errors if error is not chosen]
    if others:
        chosen.args = ("; also: ".join([str(chosen), *others]),)
    return chosen
