"""What became of the files of a download: for its manifest, its ledger and its progress."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from jwstmq_widgets.downloads.addresses import Addresses
from jwstmq_widgets.downloads.files.transfer import Outcome
from jwstmq_widgets.downloads.files.trial import Trial
from jwstmq_widgets.downloads.ledger import Entry, Ledger, Status
from jwstmq_widgets.downloads.manifest import make_entry, relative_path
from jwstmq_widgets.downloads.plans.decision import Plan
from jwstmq_widgets.downloads.plans.items import PlanItems
from jwstmq_widgets.downloads.progress import Counters, DownloadProgress, Meter, Running

__all__ = ["CANCELLED", "Outcomes"]

CANCELLED = "cancelled; download it again, what is here of it is kept"
"""Message of a file that was not brought because the download was cancelled."""


class Outcomes:
    """What became of the files of a download.

    Not safe for several threads by itself, but for `write_down`: its user holds a lock.

    Parameters
    ----------
    plan
        What was to be done.
    moving
        Which of the plan's items are to be moved.
    addresses
        Addresses of the products.
    ledger
        Where it is written down.
    """

    def __init__(self, plan: Plan, moving: Sequence[int], addresses: Addresses, ledger: Ledger) -> None:
        self._plan, self._moving, self._addresses, self._ledger = plan, moving, addresses, ledger
        sizes = PlanItems.of(plan.items).sizes[np.array(moving, dtype=np.intp)]
        self.sizes: list[int] = sizes.tolist()
        """Bytes of each file to be moved; -1 unknown."""
        self._entries: dict[int, Entry] = {}
        self._meter = Meter(files_total=len(moving), bytes_total=sum(size for size in self.sizes if size > 0))
        self.moved: int = 0
        """Bytes that came, in all tries of the files that are done."""

    def of_success(self, trial: Trial, outcome: Outcome) -> Entry:
        """Say how a file was brought."""
        validator, transfer = outcome.validator, trial.transfer
        item = transfer.item
        return Entry(
            uri=item.uri,
            path=relative_path(item, self._plan.folder),
            status=outcome.status,
            message=outcome.message,
            size=outcome.size,
            seconds=round(trial.seconds, 3),
            obs_id=item.obs_id,
            url=transfer.url,
            source=outcome.source,
            etag=validator.etag if validator else "",
            modified=validator.modified if validator else "",
            check=outcome.check,
            sha256=outcome.sha256,
        )

    def of_failure(self, index: int, status: Status, message: str) -> Entry:
        """Say why a file was not brought."""
        item = self._plan.items[index]
        return make_entry(item, self._plan.folder, self._addresses.of(item.uri), status, message)

    def write_down(self, *entries: Entry) -> None:
        """Have the ledger keep what became of some files."""
        self._ledger.add(*entries)

    def begin(self, running: Running) -> None:
        """Count a file as begun."""
        self._meter.start(running)

    def brought(self, index: int, entry: Entry, running: Counters, *, moved: int, promised: int) -> None:
        """Count a file as brought."""
        self._entries[index] = entry
        self.moved += moved
        self._meter.finish(running, entry.size, promised)

    def given_up(self, index: int, entry: Entry, running: Running) -> None:
        """Count a file as one that is not brought any more."""
        self._entries[index] = entry
        if entry.status == "ERROR":
            self._meter.fail(running, entry.message, self._plan.items[index].size)

    def snapshot(self, running: Iterable[Counters]) -> DownloadProgress:
        """Take a picture of now, with the counters of the files under way."""
        return self._meter.snapshot(running)

    def all(self) -> Mapping[int, Entry]:
        """Give the entry of each file that was to be moved, by its place in the plan, in the order of moving."""
        return {
            index: self._entries.get(index) or self.of_failure(index, "CANCELLED", CANCELLED) for index in self._moving
        }
