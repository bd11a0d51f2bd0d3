"""Carries out a plan."""

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from jwstmq_widgets.downloads.addresses import Addresses
from jwstmq_widgets.downloads.batch import Batch
from jwstmq_widgets.downloads.control import Control, Valve
from jwstmq_widgets.downloads.hands import OwnHands
from jwstmq_widgets.downloads.ledger import Entry, Ledger
from jwstmq_widgets.downloads.manifest import NOT_OBSERVED, Manifest, make_entry, tell_where, way_to
from jwstmq_widgets.downloads.pace import Manners, Verify
from jwstmq_widgets.downloads.plans.decision import Plan, PlanItem, check_destination
from jwstmq_widgets.downloads.plans.items import CODES, PlanItems
from jwstmq_widgets.downloads.progress import DownloadProgress, Meter, tell
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.filenames import name_columns
from jwstmq_widgets.tables import format_size

if TYPE_CHECKING:
    from pathlib import Path

    from jwstmq_widgets.archives import Archive
    from jwstmq_widgets.downloads.cloud import Cloud
    from jwstmq_widgets.downloads.cluster import Crew

__all__ = ["MOST_WORKERS", "ORDERS", "Order", "download"]

Order = Literal["listed", "smallest", "largest", "observation"]
ORDERS: tuple[Order, ...] = get_args(Order)

MOST_WORKERS = 8
"""Connections to one archive at the most."""

_LOWEST_RATE = 1000


def download(
    plan: Plan,
    *,
    workers: int = 4,
    order: Order = "listed",
    limit_rate: float | None = None,
    verify: Verify = "structure",
    sha256: bool = False,
    progress: Callable[[DownloadProgress], None] | None = None,
    cancel: threading.Event | None = None,
    control: Control | None = None,
    manners: Manners | None = None,
    cluster: Any = None,
    cloud: "bool | Cloud" = False,
) -> Manifest:
    """Carry out a plan.

    Each file is written to ``name.part``, checked, and only then given its name. What was cut is resumed where the
    archive proves that it is the same file. A file that fails is a row of the manifest, never an exception.

    Parameters
    ----------
    plan
        What to do.
    workers
        Connections at a time, 1 to 8. Each has a file of its own; once none is left, they help with large files.
    order
        Which files begin first: ``"listed"``, as in the plan; ``"smallest"``; ``"largest"``; ``"observation"``.
    limit_rate
        Bytes a second at the most, over all connections; None for no limit. On a cluster each connection has a
        fixed share.
    verify
        ``"structure"``: length and structure of each file; ``"checksum"``: CHECKSUM and DATASUM of FITS files too,
        where they have them, which reads each file again.
    sha256
        Whether each file's SHA-256 goes to the ledger, for `verify` to compare later; reads each file again.
    progress
        Called from this thread, at most ten times a second, and once at the end.
    cancel
        Set it to stop within a second; what is here of unfinished files stays for the next time.
    control
        Pauses, continues and cancels it from another thread.
    manners
        Time limits and retries, and from which size on files are split.
    cluster
        A ``dask.distributed.Client``, a scheduler's address, or `Workers`: its workers move the files. ``workers``
        then counts the connections of the whole cluster, and the manifest has the columns ``worker`` and ``host``.
    cloud
        Whether public files come by their copies in the archive's S3 bucket, or `Cloud`, where those are. Files whose
        copy is missing or not right come from the archive, exclusive ones always do. Needs the extra ``cloud``.

    Returns
    -------
    Manifest
        One row for each item of the plan, in its order.

    Raises
    ------
    QueryError
        If nothing can begin: no room on the disk, a destination that cannot be written, no archive, no cluster,
        no cloud.
    """
    if not 1 <= workers <= MOST_WORKERS:
        raise QueryError(f"workers={workers} is not a number from 1 to {MOST_WORKERS}", field="workers")
    if order not in ORDERS:
        raise QueryError(f"order {order!r} is unknown; use one of {', '.join(ORDERS)}", field="order")
    if limit_rate is not None and not limit_rate >= _LOWEST_RATE:
        raise QueryError(f"limit_rate={limit_rate} is below {_LOWEST_RATE:,} bytes a second", field="limit_rate")
    if verify not in get_args(Verify):
        raise QueryError(f"verify {verify!r} is unknown; use 'structure' or 'checksum'", field="verify")
    if cloud and cluster is not None:
        raise QueryError("a cluster does not ask the cloud; leave out cloud= or cluster=", field="cloud")
    archive = plan.archive
    url = archive.url if archive is not None else ""
    crew: Crew | None = None
    items = PlanItems.of(plan.items)
    addresses = Addresses(archive, items.uris.tolist(), cancel=cancel)
    resting = np.isin(items.states, [CODES[state] for state in ("here", "planned", "exclusive")]).tolist()
    entries = [
        _entry_at_rest(items[index], plan.folder, addresses) if rests else None for index, rests in enumerate(resting)
    ]
    if plan.fetch:
        if archive is None:
            raise QueryError("the plan does not know its archive; give archive= to plan()", field="archive")
        manners = dataclasses.replace(manners or Manners(), verify=verify, sha256=sha256)
        share = limit_rate / min(workers, plan.fetch) if limit_rate is not None else None
        crew = None if cluster is None else _crew(cluster, plan, archive, manners, control, share)
        hands = _cloud_hands(cloud, plan, archive, manners, Valve(limit_rate, control)) if cloud else None
        _prepare(plan, at_home=crew is None or crew.at_home)
        moving = _ordered(plan, [index for index, entry in enumerate(entries) if entry is None], order)
        with crew or nullcontext(), Ledger(plan.folder) as ledger:
            ledger.begin(archive=url, layout=plan.layout, items=_facts(plan, moving))
            batch = Batch(
                plan, archive, moving, ledger, manners, workers, crew or hands, control, limit_rate, addresses
            )
            began = time.monotonic()
            for index, entry in batch.run(progress, cancel).items():
                entries[index] = entry
            done = sum(entry is not None and entry.status == "COMPLETE" for entry in entries)
            ledger.end(files=done, moved=batch.moved, seconds=time.monotonic() - began)
    elif progress is not None:
        tell(progress, Meter(files_total=0, bytes_total=0).snapshot(()))
    manifest = Manifest.of(
        (entry for entry in entries if entry is not None), folder=plan.folder, layout=plan.layout, archive=url
    )
    if cluster is not None:
        manifest = tell_where(manifest, {} if crew is None else crew.places)
    return manifest


def _crew(
    cluster: Any, plan: Plan, archive: "Archive", manners: Manners, control: Control | None, rate: float | None
) -> "Crew":
    from jwstmq_widgets.downloads.cluster import Crew, Workers

    hired = cluster if isinstance(cluster, Workers) else Workers(cluster)
    return Crew(hired, plan, archive, manners, control, rate)


def _cloud_hands(cloud: "bool | Cloud", plan: Plan, archive: "Archive", manners: Manners, valve: Valve) -> OwnHands:
    from jwstmq_widgets.downloads.cloud import Cloud, Copies

    copies = Copies(cloud if isinstance(cloud, Cloud) else Cloud(), archive, plan.to_move, manners)
    return OwnHands(archive, planned_at=plan.made, manners=manners, valve=valve, copies=copies)


def _prepare(plan: Plan, *, at_home: bool) -> None:
    free = check_destination(plan.folder)
    if at_home and plan.bytes_to_fetch > free:
        raise QueryError(
            f"{plan.folder} has {format_size(free)} free and {format_size(plan.bytes_to_fetch)} are to come; "
            "free some, choose another destination, or fewer files",
            field="destination",
        )
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise QueryError(
            f"{plan.folder} cannot be made ({error.strerror}); choose another destination", field="destination"
        ) from error


def _ordered(plan: Plan, moving: list[int], order: Order) -> list[int]:
    items = PlanItems.of(plan.items)
    if order == "smallest":
        sizes = items.sizes.tolist()
        return sorted(moving, key=lambda index: sizes[index] if sizes[index] >= 0 else float("inf"))
    if order == "largest":
        sizes = items.sizes.tolist()
        return sorted(moving, key=lambda index: -sizes[index])
    if order == "observation":
        columns = name_columns([items[index].name for index in moving])
        places = zip(columns["program"], columns["observation"], moving, strict=True)
        return [index for _, _, index in sorted(places)]
    return moving


def _facts(plan: Plan, moving: list[int]) -> Iterator[tuple[str, str, int, str]]:
    items = PlanItems.of(plan.items).take(np.array(moving, dtype=np.intp))
    ways = [way_to(folder, plan.folder) for folder in items.folders]
    columns = (column.tolist() for column in (items.uris, items.places, items.names, items.sizes, items.obs_ids))
    for uri, place, name, size, obs_id in zip(*columns, strict=True):
        yield str(uri), f"{ways[place]}{name}", size, str(obs_id)


def _entry_at_rest(item: PlanItem, folder: "Path", addresses: Addresses) -> Entry:
    """Say what becomes of an item that is not moved."""
    url = addresses.of(item.uri)
    if item.state == "here":
        return make_entry(item, folder, url, "SKIPPED", "already here")
    if item.state == "planned":
        return make_entry(item, folder, url, "SKIPPED", NOT_OBSERVED)
    login = "log in with an account that may have it"
    text = f"{item.name} is exclusive; {login}"
    if item.until is not None and item.until > datetime.now(UTC):
        text = f"{item.name} is exclusive until {item.until:%Y-%m-%d}; {login}, or wait"
    elif item.until is not None:
        text = f"{text}, or search again: it was to become public on {item.until:%Y-%m-%d}"
    return make_entry(item, folder, url, "ERROR", text)
