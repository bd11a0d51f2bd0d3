"""The archives that can be asked."""

import atexit
import os
import threading
import weakref
from collections.abc import Sequence
from typing import Any

from jwstmq_widgets.archives.account import Account
from jwstmq_widgets.archives.archive import Archive
from jwstmq_widgets.archives.esa import EsaArchive
from jwstmq_widgets.archives.host import ESA_PATH, ESA_URL, MAST_URL, Host
from jwstmq_widgets.archives.listing import ProductsProgress
from jwstmq_widgets.archives.mast import MastArchive
from jwstmq_widgets.archives.merged import MergedArchive
from jwstmq_widgets.archives.parallel import Manners
from jwstmq_widgets.errors import QueryError, Unreachable
from jwstmq_widgets.query import Query

__all__ = [
    "LOCAL_ARCHIVE_VARIABLE",
    "Account",
    "Archive",
    "ProductsProgress",
    "archive_at",
    "nothing_found",
    "open_archive",
]

LOCAL_ARCHIVE_VARIABLE = "JWSTMQ_LOCAL_ARCHIVE"
"""Environment variable with the address of a local archive that runs already, for ``open_archive("local")``."""


_opened: weakref.WeakValueDictionary[str, Archive] = weakref.WeakValueDictionary()
_lock = threading.RLock()
_local: Any = None


def open_archive(which: str | Sequence[str] = "mast", *, manners: Manners | None = None) -> Archive:
    """Open an archive. Nobody is contacted; ``"local"`` starts the archive on this machine.

    Parameters
    ----------
    which
        ``"mast"``, ``"esa"``, ``"local"`` (which speaks as MAST does), ``"local-esa"`` (the same archive, as ESA
        speaks), or an address such as ``"http://127.0.0.1:8765"``; one that ends in ``/server`` is of an archive that
        speaks as ESA's does. Several, in a list or with commas between, are asked together, see `MergedArchive`.
    manners
        How hard it is asked; modestly by default.

    Returns
    -------
    Archive

    Raises
    ------
    QueryError
        If there is no such archive.
    Unreachable
        If the local archive does not start.
    """
    words = [str(part).strip() for part in (which.split(",") if isinstance(which, str) else which)]
    if len(words) != 1:
        return _open_merged(words, manners)
    word = words[0]
    if word.lower() == "mast":
        host = Host.at(MAST_URL)
    elif word.lower() == "local":
        host = Host.at(_local_url(), name="local")
    elif word.lower() == "esa":
        host = Host.at(ESA_URL)
    elif word.lower() == "local-esa":
        host = Host.at(f"{Host.at(_local_url()).url}{ESA_PATH}", name="local-esa")
    elif "://" in word:
        host = Host.at(word)
    else:
        raise QueryError(
            f"the archive '{word}' is unknown; there are 'mast', 'esa', 'local', 'local-esa', and addresses such as "
            "http://127.0.0.1:8765",
            field="archive",
        )
    speaks: type[EsaArchive] | type[MastArchive] = EsaArchive if host.url.endswith(ESA_PATH) else MastArchive
    archive = speaks(host, manners=manners)
    with _lock:
        _opened[host.url] = archive
    return archive


def archive_at(url: str) -> Archive:
    """Give the archive that a table came from (``table.meta["archive"]``).

    Parameters
    ----------
    url
        Its address.

    Returns
    -------
    Archive
        The one opened last for this address that still lives, with its login; otherwise a new one.

    Raises
    ------
    QueryError
        If it is not the address of an archive.
    """
    with _lock:
        return _opened.get(url if "," in url else Host.at(url).url) or open_archive(url)


def nothing_found(archive: Archive, query: Query) -> QueryError:
    """Say why a question has no answer.

    Parameters
    ----------
    archive
        Where it was asked.
    query
        What was asked.

    Returns
    -------
    QueryError
        Tells a program that does not exist from limits that are too narrow.

    Raises
    ------
    ArchiveError
        If the archive does not answer.
    """
    if query.program is not None and not archive.count(Query(program=query.program)):
        return QueryError(
            f"program {query.program} has no observations in the archive {archive.name}; check the number",
            field="program",
        )
    return QueryError(f"no observations match {query}; widen the dates, modes or filters")


def _open_merged(words: Sequence[str], manners: Manners | None) -> Archive:
    # an address comes from a table: whoever is logged in there stays so
    merged = MergedArchive(
        [archive_at(word) if "://" in word else open_archive(word, manners=manners) for word in words if word]
    )
    with _lock:
        _opened[merged.url] = merged
    return merged


def _local_url() -> str:
    """Give the local archive that runs for us, or start one, once for the process, until it ends."""
    global _local
    running = os.environ.get(LOCAL_ARCHIVE_VARIABLE)
    if running:
        return running
    with _lock:
        if _local is None:
            from jwstmq_widgets.localarchive import LocalArchive

            _local = LocalArchive()
            atexit.register(_local.stop)
        try:
            _local.start()
        except (OSError, RuntimeError) as error:
            reason = (str(error).strip().splitlines() or ["it does not say why"])[-1]
            raise Unreachable(
                f"the local archive does not start ({reason}); run 'jwstmq serve' to see more", archive="local"
            ) from error
        return str(_local.url)
