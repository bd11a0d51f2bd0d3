"""The keys by which ESA's data server knows files (``artifact_id``)."""

import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from astropy.table import Table

from jwstmq_widgets.archives.connections import Connections
from jwstmq_widgets.archives.esa.lists import ask_rows
from jwstmq_widgets.archives.esa.questions import ARTIFACTS, keys_adql
from jwstmq_widgets.archives.esa.tables import Rows, is_true, uri_of
from jwstmq_widgets.archives.parallel import Stop, gather
from jwstmq_widgets.archives.tap.service import TapService

__all__ = ["ArtifactKeys", "ask_keys"]

_MOST_NAMED = 500  # files in one query


class ArtifactKeys:
    """The keys that are known of one archive's files."""

    def __init__(self) -> None:
        self._by_uri: dict[str, str] = {}
        self._lock = threading.Lock()

    def of(self, uris: Iterable[str]) -> dict[str, str]:
        """Give the keys of files by ``dataURI``, without those that are not known."""
        return {uri: self._by_uri[uri] for uri in uris if uri in self._by_uri}

    def learn(self, keys: Mapping[str, str]) -> None:
        """Take keys by ``dataURI``."""
        with self._lock:
            self._by_uri.update(keys)

    def learn_from(self, products: Table) -> None:
        """Take the keys that a table of products tells."""
        self.learn(dict(zip(products["dataURI"].tolist(), products["artifact_id"].tolist(), strict=True)))


def ask_keys(
    service: TapService, uris: Sequence[str], columns: Collection[str], *, cancel: threading.Event | None = None
) -> dict[str, str]:
    """Ask for the keys of files.

    Parameters
    ----------
    service
        Whom to ask.
    uris
        ``dataURI`` of the files.
    columns
        The columns that the archive has, as ``m.public`` and ``a.filename``.
    cancel
        Set to stop.

    Returns
    -------
    dict
        ``artifact_id`` by ``dataURI``; without the files that the archive does not have.

    Raises
    ------
    ArchiveError
        If asking failed.
    """
    # Nothing else is the name of a file; one such in a plan is no reason to refuse the others.
    names = [name for name in (uri.rpartition("/")[2] for uri in uris) if name.isprintable() and 0 < len(name) < 256]

    def ask(batch: Sequence[str], stop: Stop) -> Rows:
        return ask_rows(service, keys_adql(batch, columns), ARTIFACTS, connections, stop)

    manners = replace(service.manners, largest=_MOST_NAMED)
    with Connections(service.host, most=manners.connections) as connections:
        found = gather(ask, names, manners=manners, cancel=cancel, abort=connections.abort)
    rows = [row for batch in found for row in zip(*(batch[name].tolist() for name in ARTIFACTS), strict=True)]
    # A file of several observations has several keys: one that is public is had by everybody.
    rows.sort(key=lambda row: not is_true(str(row[2])))
    known = {uri_of(str(name)): str(artifact) for name, artifact, _ in reversed(rows)}
    return {uri: known[uri] for uri in uris if uri in known}
