"""Who moves the files of a download: this process, or others for it."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jwstmq_widgets.downloads.control import Valve
from jwstmq_widgets.downloads.files.transfer import Outcome, Transfer
from jwstmq_widgets.downloads.http.connection import Lane
from jwstmq_widgets.downloads.pace import Manners
from jwstmq_widgets.downloads.plans.decision import PlanItem
from jwstmq_widgets.downloads.progress import Running
from jwstmq_widgets.errors import DownloadError

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive
    from jwstmq_widgets.downloads.cloud import Copies

__all__ = ["Carrier", "Hands", "Line", "OwnHands", "make_folder"]


class Line(Protocol):
    """One connection to the archive, wherever it starts from."""

    def close(self) -> None:
        """Have whatever waits for it fail at once with Cancelled; from any thread."""

    def finish(self) -> None:
        """End it, from its user's own thread."""


class Carrier(Protocol):
    """Moves one file, in as many tries as its user makes; see `Transfer`."""

    @property
    def item(self) -> PlanItem:
        """What to move."""

    @property
    def url(self) -> str:
        """Address of the product at the archive."""

    @property
    def running(self) -> Running:
        """Its counters."""

    @property
    def moved(self) -> int:
        """Bytes that came, in all tries."""

    def attempt(self, lane: Any, buffer: memoryview) -> Outcome:
        """Try once; raises as `Transfer.attempt` does."""


class Hands(Protocol):
    """Who moves the files."""

    @property
    def at_home(self) -> bool:
        """Whether the files go to a disk that this process sees."""

    @property
    def plain(self) -> bool:
        """Whether its lines are this process's own, to the archive itself, and as fast as they can be."""

    def lane(self) -> Line:
        """Make a line to the archive."""

    def transfer(self, item: PlanItem) -> Carrier:
        """Get ready to move one file."""


class OwnHands:
    """Moves the files in this process.

    Parameters
    ----------
    archive
        Where the products are.
    planned_at
        When the plan looked at the disk (s since 1970).
    manners
        Time limits and checks.
    valve
        Lets the bytes through; all of them, at once, when left out.
    copies
        Cloud copies to ask for first.
    """

    at_home = True

    def __init__(
        self,
        archive: "Archive",
        *,
        planned_at: float,
        manners: Manners,
        valve: Valve | None = None,
        copies: "Copies | None" = None,
    ) -> None:
        self._archive, self._planned_at, self._manners = archive, planned_at, manners
        self._valve, self._copies = valve or Valve(), copies

    @property
    def plain(self) -> bool:
        """Whether its lines go to the archive itself, as fast as they can."""
        return self._copies is None and not self._valve.limited

    def lane(self) -> Lane:
        """Make a line to the archive."""
        if self._copies is not None:
            return self._copies.lane()
        return Lane(
            self._archive.authorization,
            connect_timeout=self._manners.connect_timeout,
            stall_timeout=self._manners.stall_timeout,
        )

    def transfer(self, item: PlanItem) -> Transfer:
        """Get ready to move one file."""
        return Transfer(item, self._archive, planned_at=self._planned_at, manners=self._manners, valve=self._valve)


def make_folder(folder: Path, root: Path) -> None:
    """Make a folder below a destination.

    Parameters
    ----------
    folder
        The folder.
    root
        The destination.

    Raises
    ------
    DownloadError
        If a link leads out of the destination.
    OSError
        If it cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    inside = os.path.realpath(root)
    if os.path.commonpath([os.path.realpath(folder), inside]) != inside:
        raise DownloadError(f"{folder} is a link that leads out of {root}; remove it first")
