"""What a download did, as a table."""

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
from astropy.table import Table

from jwstmq_widgets.downloads.ledger import LEDGER_NAME, Entry, Status, read_ledger
from jwstmq_widgets.downloads.plans.decision import Plan, PlanItem, make_plan
from jwstmq_widgets.downloads.plans.places import LAYOUTS, Layout
from jwstmq_widgets.downloads.plans.wishes import Wish
from jwstmq_widgets.errors import QueryError

__all__ = ["NOT_OBSERVED", "Manifest", "make_entry", "relative_path", "tell_where", "way_to"]

NOT_OBSERVED = "not observed yet"
"""Message of a file that is skipped because the archive has only its plan."""

_DESCRIPTIONS = {
    "Local Path": "where the file is, or was to go",
    "Status": "COMPLETE, SKIPPED (was here, or is not observed yet), ERROR or CANCELLED",
    "Message": "why, with what to do next",
    "URL": "address of the product at the archive",
    "dataURI": "the file's identity in the archive",
    "size": "bytes on disk where complete or skipped, else as the catalogue says; -1 unknown",
    "seconds": "how long moving it took",
    "obs_id": "name of the observation that the file belongs to; not obsid",
    "until": "when its exclusive access ends; empty where it has none",
}
_FAILED = ("ERROR", "CANCELLED")


class Manifest(Table):  # type: ignore[misc]  # astropy has no types
    """What a download did: an astropy Table with one row a file, in the plan's order.

    The columns Local Path, Status, Message and URL are astroquery's; dataURI, size (byte), seconds, obs_id and until
    are ours. ``meta`` holds the destination (folder), the layout and the archive's address.
    """

    @classmethod
    def of(cls, entries: Iterable[Entry], *, folder: Path, layout: str, archive: str) -> Self:
        """Make it from what happened.

        Parameters
        ----------
        entries
            What happened to each file.
        folder
            The destination, absolute.
        layout
            The layout.
        archive
            The archive's address.

        Returns
        -------
        Manifest
            The table.
        """
        rows = list(entries)
        start = os.path.join(folder, "")  # noqa: PTH118  (a Path of each row takes more time than all the rest)
        table = cls(meta={"folder": str(folder), "layout": layout, "archive": archive})
        table["Local Path"] = np.array([f"{start}{row.path.replace('/', os.sep)}" for row in rows], dtype=str)
        table["Status"] = np.array([row.status for row in rows], dtype="U9")
        table["Message"] = np.array([row.message for row in rows], dtype=str)
        table["URL"] = np.array([row.url for row in rows], dtype=str)
        table["dataURI"] = np.array([row.uri for row in rows], dtype=str)
        table["size"] = np.array([row.size for row in rows], dtype=np.int64)
        table["seconds"] = np.array([row.seconds for row in rows], dtype=np.float64)
        table["obs_id"] = np.array([row.obs_id for row in rows], dtype=str)
        table["until"] = np.array([row.until for row in rows], dtype=str)
        table["size"].unit, table["seconds"].unit = "byte", "s"
        for name, text in _DESCRIPTIONS.items():
            table[name].description = text
        return table

    @classmethod
    def read(cls, folder: str | Path) -> Self:
        """Read what happened in a destination, also after a crash.

        Parameters
        ----------
        folder
            The destination of earlier downloads.

        Returns
        -------
        Manifest
            The newest news of each file; those that were never finished are CANCELLED.

        Raises
        ------
        QueryError
            If nothing was downloaded to there.
        """
        root = Path(folder).expanduser().absolute()
        if not (root / LEDGER_NAME).is_file():
            raise QueryError(f"{root} holds no {LEDGER_NAME}: nothing was downloaded to it", field="destination")
        record = read_ledger(root)
        return cls.of(record.last.values(), folder=root, layout=record.layout, archive=record.archive)

    @property
    def failed(self) -> Plan:
        """A plan of what ended as ERROR or CANCELLED; give it to `download` to try again."""
        return self._plan(self[np.isin(self["Status"], _FAILED)] if len(self) else self)

    @property
    def plan(self) -> Plan:
        """A plan of all its files but those that are not observed yet; give it to `script` to write it down."""
        return self._plan(self[self["Message"] != NOT_OBSERVED] if len(self) else self)

    def _plan(self, rows: Table) -> Plan:
        from jwstmq_widgets.archives import archive_at

        root, layout = Path(self.meta["folder"]), self.meta["layout"]
        archive = archive_at(self.meta["archive"]) if self.meta["archive"] and len(rows) else None
        known: Layout = layout if layout in LAYOUTS else "program"
        return make_plan(_wishes(rows, root), folder=root, layout=known, clobber=False, archive=archive)


def relative_path(item: PlanItem, folder: Path) -> str:
    """Give an item's path from the destination downwards, with ``/``.

    Parameters
    ----------
    item
        The item.
    folder
        The destination.

    Returns
    -------
    str
        The path.
    """
    return f"{way_to(item.folder, folder)}{item.name}"


@lru_cache(maxsize=1024)
def way_to(place: Path, folder: Path) -> str:
    """Give the way from the destination to a folder of it, which many files share, with its last ``/``."""
    way = place.relative_to(folder).as_posix()
    return "" if way == "." else f"{way}/"


def make_entry(item: PlanItem, folder: Path, url: str, status: Status, message: str) -> Entry:
    """Make the entry of a file that was not moved.

    Parameters
    ----------
    item
        The item.
    folder
        The destination.
    url
        The product's address.
    status, message
        What happened.

    Returns
    -------
    Entry
        The entry.
    """
    return Entry(
        uri=item.uri,
        path=relative_path(item, folder),
        status=status,
        message=message,
        size=item.size,
        obs_id=item.obs_id,
        until=item.until.isoformat() if item.until else "",
        url=url,
    )


def tell_where(manifest: Manifest, places: Mapping[str, tuple[str, str, str]]) -> Manifest:
    """Add to a manifest which worker of a cluster moved each file, and where it is.

    Parameters
    ----------
    manifest
        It; gets the columns ``worker`` and ``host``.
    places
        dataURI to the worker's name, its machine's, and the file's path there.

    Returns
    -------
    Manifest
        The same.
    """
    found = [
        places.get(uri, ("", "", path))
        for uri, path in zip(manifest["dataURI"].tolist(), manifest["Local Path"].tolist(), strict=True)
    ]
    manifest["Local Path"] = np.array([path for _, _, path in found], dtype=str)
    manifest["worker"] = np.array([worker for worker, _, _ in found], dtype=str)
    manifest["host"] = np.array([host for _, host, _ in found], dtype=str)
    manifest["Local Path"].description = f"{_DESCRIPTIONS['Local Path']}, as that host sees it"
    manifest["worker"].description = "the cluster's worker that moved it; empty where none did"
    manifest["host"].description = "that worker's machine"
    return manifest


def _wishes(rows: Table, root: Path) -> Iterable[Wish]:
    now = datetime.now(UTC)
    columns = (rows[name].tolist() for name in ("Local Path", "dataURI", "size", "obs_id", "until"))
    for path, uri, size, obs_id, ends in zip(*columns, strict=True):
        place = Path(path).relative_to(root)
        until = datetime.fromisoformat(ends) if ends else None
        restricted = until is not None and until > now
        yield Wish(uri, place.name, place.parent.parts, size, until if restricted else None, obs_id, restricted)
