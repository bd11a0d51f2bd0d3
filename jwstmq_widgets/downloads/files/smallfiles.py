"""The small files of a plan: which they are, and what has to be known to bring one."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jwstmq_widgets.downloads.addresses import Addresses
from jwstmq_widgets.downloads.http.urls import public_address
from jwstmq_widgets.downloads.http.wire import Fields
from jwstmq_widgets.downloads.ledger import Entry
from jwstmq_widgets.downloads.manifest import way_to
from jwstmq_widgets.downloads.plans.items import CODES, PlanItems
from jwstmq_widgets.errors import DownloadError

if TYPE_CHECKING:
    from jwstmq_widgets.downloads.files.freshpart import FreshPart
    from jwstmq_widgets.downloads.plans.decision import Plan

__all__ = ["LARGEST", "Errand", "SmallFiles"]

LARGEST = 512 * 1024
"""Bytes of the largest file that is held in memory until it is whole."""


@dataclass(slots=True, eq=False)
class Errand:
    """A small file that is to be brought."""

    index: int
    """Its place in the plan."""
    uri: str
    """Its ``dataURI``."""
    name: str
    """Its name on disk."""
    size: int
    """Its bytes, as the catalogue says."""
    url: str
    """Its address."""
    way: str
    """Where it goes, from the destination downwards, with ``/``."""
    target: str
    """Where it goes, absolute."""
    began: float
    """When it began."""
    bytes_done: int = 0
    """Bytes of it that have come."""
    part: "FreshPart | None" = None
    """Its ``.part``, locked before anybody is asked for its bytes; None when there is none."""
    fields: Fields | None = None
    """Header fields of its answer, once it has come."""
    check: str = ""
    """How it was checked, then."""
    sha256: str = ""
    """Its SHA-256, where it was asked for."""
    seconds: float = 0.0
    """How long it took to come."""


class SmallFiles:
    """The small files of a plan that are begun anew.

    Parameters
    ----------
    plan
        The plan.
    addresses
        Addresses of its products.
    make_folder
        Makes a folder ready to be written to; raises DownloadError or OSError.
    """

    def __init__(self, plan: "Plan", addresses: Addresses, make_folder: Callable[[Path], None]) -> None:
        self._items = items = PlanItems.of(plan.items)
        small = (items.states == CODES["fetch"]) & (items.sizes > 0) & (items.sizes <= LARGEST)
        self._small: list[bool] = small.tolist()
        self._uris, self._names, self._obs_ids, self._sizes = items.uris, items.names, items.obs_ids, items.sizes
        self._places = items.places
        self._ways = [way_to(folder, plan.folder) for folder in items.folders]
        self._texts = [os.path.join(folder, "") for folder in items.folders]  # noqa: PTH118  (wanted with its end)
        self._addresses, self._make_folder = addresses, make_folder
        self._made: set[int] = set()

    def __contains__(self, index: int) -> bool:
        """Tell whether an item of the plan is one."""
        return self._small[index]

    def leave_out(self, index: int) -> None:
        """Count an item of the plan as one no more: it needs a closer look."""
        self._small[index] = False

    def errand(self, index: int) -> Errand | None:
        """Get ready to bring a file.

        Parameters
        ----------
        index
            Its place in the plan.

        Returns
        -------
        Errand or None
            None where it is no small file, or there is anything to it that needs a closer look.
        """
        if not self._small[index]:
            return None
        uri, name, place = self._uris.item(index), self._names.item(index), self._places.item(index)
        url = self._addresses.of(uri)
        if not url:
            return None
        if place not in self._made:
            try:
                self._make_folder(self._items.folders[place])
            except (DownloadError, OSError):  # who tries it in the plain way says why
                return None
            self._made.add(place)
        way, target = f"{self._ways[place]}{name}", f"{self._texts[place]}{name}"
        return Errand(index, uri, name, self._sizes.item(index), url, way, target, time.monotonic())

    def entry(self, errand: Errand) -> Entry:
        """Make the entry of a file that was brought."""
        fields = errand.fields
        return Entry(
            uri=errand.uri,
            path=errand.way,
            status="COMPLETE",
            size=errand.size,
            seconds=round(errand.seconds, 3),
            obs_id=self._obs_ids.item(errand.index),
            url=errand.url,
            source=public_address(errand.url),
            etag=fields.get("ETag") if fields else "",
            modified=fields.get("Last-Modified") if fields else "",
            check=f"length; {errand.check}",
            sha256=errand.sha256,
        )
