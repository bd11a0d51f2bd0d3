"""Every exception of the package.

::

    JwstmqError
      QueryError          the question is wrong: field, value, nearest right one
      FootprintError      a text is no footprint on the sky
      ArchiveError        asking failed: .url .archive
        Unreachable         no connection, or a time-out
        Refused             an HTTP status; 429 and 503 carry .retry_after
        Unreadable          an answer that cannot be parsed
        LoginError          the token was not accepted, or has expired
      DownloadError       one product failed: .product .path
        Incomplete          fewer bytes than promised; resumable
        Mismatch            wrong size or broken structure at the end
        ExclusiveAccess     still exclusive and no right to it: .until
      Cancelled           the user stopped it
"""

from datetime import datetime
from pathlib import Path

__all__ = [
    "ArchiveError",
    "Cancelled",
    "DownloadError",
    "ExclusiveAccess",
    "FootprintError",
    "Incomplete",
    "JwstmqError",
    "LoginError",
    "Mismatch",
    "QueryError",
    "Refused",
    "Unreachable",
    "Unreadable",
]


class JwstmqError(Exception):
    """Base of all errors that this package raises on purpose."""


class QueryError(JwstmqError, ValueError):
    """The question, or a setting, is wrong.

    Parameters
    ----------
    message
        What was wrong, with which value, and what would do.
    field
        The name of the field at fault, such as ``"program"``; "" where there is none.
    """

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class FootprintError(JwstmqError, ValueError):
    """A text is not a footprint on the sky that we can read."""


class ArchiveError(JwstmqError):
    """Asking an archive failed.

    Parameters
    ----------
    message
        What went wrong and what to do next.
    url
        The address asked, without its query.
    archive
        The archive's name.
    """

    def __init__(self, message: str, *, url: str = "", archive: str = "") -> None:
        super().__init__(message)
        self.url = url
        self.archive = archive


class Unreachable(ArchiveError):
    """No connection, or no answer in time."""


class Refused(ArchiveError):
    """The archive answered with an HTTP error.

    Parameters
    ----------
    message, url, archive
        See `ArchiveError`.
    status
        The HTTP status.
    retry_after
        Seconds the archive asks to wait (429, 503), or None.
    """

    def __init__(
        self, message: str, *, status: int, retry_after: float | None = None, url: str = "", archive: str = ""
    ) -> None:
        super().__init__(message, url=url, archive=archive)
        self.status = status
        self.retry_after = retry_after


class Unreadable(ArchiveError):
    """The archive's answer cannot be understood."""


class LoginError(ArchiveError):
    """The token was not accepted, or has expired."""


class DownloadError(JwstmqError):
    """One product could not be downloaded.

    Parameters
    ----------
    message
        What went wrong and what to do next.
    product
        The product's URI.
    path
        Where it was to go.
    """

    def __init__(self, message: str, *, product: str = "", path: Path | None = None) -> None:
        super().__init__(message)
        self.product = product
        self.path = path


class Incomplete(DownloadError):
    """Fewer bytes came than were promised; the next try resumes."""


class Mismatch(DownloadError):
    """The file has a wrong size or a broken structure."""


class ExclusiveAccess(DownloadError):
    """The product is in its exclusive-access period and this account has no right to it.

    Parameters
    ----------
    message, product, path
        See `DownloadError`.
    until
        When it becomes public, or None where the archive does not say.
    """

    def __init__(
        self, message: str, *, product: str = "", path: Path | None = None, until: datetime | None = None
    ) -> None:
        super().__init__(message, product=product, path=path)
        self.until = until


class Cancelled(JwstmqError):
    """The user stopped it before its end."""
