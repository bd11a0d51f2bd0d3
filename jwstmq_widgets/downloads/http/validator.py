"""What proves that two answers hold the same remote file."""

from dataclasses import dataclass
from typing import Self

from jwstmq_widgets.downloads.http.wire import Fields

__all__ = ["Validator"]


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
    def of(cls, headers: Fields, size: int | None) -> Self:
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
            etag=headers.get("ETag"),
            modified=headers.get("Last-Modified"),
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
