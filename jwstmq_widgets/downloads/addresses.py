"""Addresses of products at their archive, asked for at once where the archive must be asked for them."""

import logging
import threading
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from jwstmq_widgets.errors import ArchiveError, DownloadError, QueryError, Refused, Unreachable

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["Addresses", "address_at"]

_log = logging.getLogger(__name__)


class Addresses:
    """Addresses of products, for tables: nobody is asked for a single one.

    Parameters
    ----------
    archive
        Where the products are; None for nowhere.
    uris
        Their ``dataURI``. An archive that knows files by names of its own is asked for all of them here.
    cancel
        Set to stop asking.
    """

    def __init__(
        self, archive: "Archive | None", uris: Iterable[str], *, cancel: threading.Event | None = None
    ) -> None:
        self._archive = archive
        self._known: Mapping[str, Any] | None = None
        locate: Any = getattr(archive, "locate", None)
        if locate is not None:
            try:
                self._known = locate(uris, cancel=cancel)
            except ArchiveError as error:  # each file will say so itself
                _log.info("files were not located: %s", error)
                self._known = {}

    def of(self, uri: str) -> str:
        """Give the address of a product; "" where the archive does not have it, or fails to tell."""
        if self._archive is None or not uri or (self._known is not None and uri not in self._known):
            return ""
        try:
            return self._archive.download_url(uri)
        except Exception as error:  # noqa: BLE001  (an archive may be anybody's; a table never ends for one file)
            _log.info("no address of %s: %s", uri, error)
            return ""


def address_at(archive: "Archive", uri: str) -> str:
    """Give the address of a product that is to be moved; may ask the archive.

    Parameters
    ----------
    archive
        Where it is.
    uri
        The product's ``dataURI``.

    Returns
    -------
    str

    Raises
    ------
    Unreachable, Refused
        If the archive cannot tell now.
    DownloadError
        If it has no such product.
    """
    try:
        return archive.download_url(uri)
    except (Unreachable, Refused):
        raise
    except (QueryError, ArchiveError) as error:
        raise DownloadError(f"{error}; search again", product=uri) from error
