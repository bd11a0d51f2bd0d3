"""One line to the archive that lives on another machine, as a worker of a cluster keeps it."""

import asyncio
import os
import platform
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, cast

from jwstmq_widgets import __version__
from jwstmq_widgets.archives.account import Account
from jwstmq_widgets.archives.host import origin_of
from jwstmq_widgets.downloads.control import Control, Valve
from jwstmq_widgets.downloads.files.part import Busy
from jwstmq_widgets.downloads.files.transfer import BUFFER, Outcome, Transfer
from jwstmq_widgets.downloads.hands import make_folder
from jwstmq_widgets.downloads.http.connection import Lane
from jwstmq_widgets.downloads.ledger import Entry, Ledger
from jwstmq_widgets.downloads.pace import Manners
from jwstmq_widgets.downloads.plans.decision import PlanItem
from jwstmq_widgets.downloads.plans.places import safe_name
from jwstmq_widgets.errors import JwstmqError, QueryError

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["Beat", "Errand", "Failure", "LineServer", "Opening", "Pass", "Place", "Report", "destination_of"]

_LOOK_EVERY = 1.0


class Pass:
    """Header fields that authorise requests to one archive; travels to workers, and shows itself nowhere.

    Unlike `Credential` it is pickled, into a message that goes to one worker for one file and is kept by nobody.

    Parameters
    ----------
    fields
        The header fields; empty for none.
    archive
        Address of the archive: no other host gets them.
    """

    __slots__ = ("_archive", "_fields")

    def __init__(self, fields: Mapping[str, str], archive: str) -> None:
        self._fields = dict(fields)
        self._archive = archive

    def headers(self, url: str) -> dict[str, str]:
        """Give the header fields for a request: for the archive's own scheme, host and port only."""
        try:
            return dict(self._fields) if self._fields and origin_of(url) == origin_of(self._archive) else {}
        except ValueError:
            return {}

    def __repr__(self) -> str:
        return f"<Pass {'present' if self._fields else 'none'}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What a worker is told once. It holds no token: the scheduler keeps it."""

    folder: str
    """The plan's destination."""
    own_folder: str
    """Destination on the worker's own disk, with ``{worker}`` and ``{host}`` to be filled in; "" for the plan's."""
    probe: str
    """Name of a file in the plan's destination: who finds it sees the same disk."""
    archive: str
    """Address of the archive."""
    layout: str
    """Layout of the plan."""
    planned_at: float
    """When the plan looked at the disk (s since 1970)."""
    manners: Manners
    """Time limits."""
    lease: float
    """Seconds after which a worker that hears nothing more from home lets its file go."""
    rate: float | None = None
    """Bytes a second at the most, over this line; None for no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """One file to bring."""

    item: PlanItem
    """What to move."""
    place: str
    """Where it goes, from the destination downwards, with ``/``."""
    url: str
    """Its address at the archive."""
    archive: str
    """Address of the archive itself."""
    identity: str
    """What a beginning of it is known by on the disk; another archive's is another one."""
    account: Account
    """Who asks."""
    right: Pass
    """What authorises it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a worker puts files."""

    worker: str
    """The worker's name."""
    host: str
    """Name of its machine."""
    folder: str
    """Its destination, absolute."""
    shared: bool
    """Whether that is the plan's own destination, on the same disk."""
    version: str
    """Version of this package there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """How far a file is."""

    bytes_done: int
    """Bytes on the worker's disk."""
    size: int
    """Bytes in all; -1 unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error in a form that every error can be sent in."""

    kind: type[BaseException]
    """Its class."""
    told: tuple[Any, ...]
    """Its arguments."""
    facts: Mapping[str, Any]
    """Its fields."""

    @classmethod
    def of(cls, error: Exception) -> "Failure":
        """Take it from an error; one that is nobody's own becomes a RuntimeError of the same words."""
        if isinstance(error, OSError):
            why = error.strerror or str(error) or type(error).__name__
            return cls(kind=OSError, told=(error.errno or 0, why, str(error.filename or "")), facts={})
        if isinstance(error, (JwstmqError, Busy)):
            return cls(kind=type(error), told=error.args, facts=dict(vars(error)))
        return cls(kind=RuntimeError, told=(f"{type(error).__name__}: {error}",), facts={})

    def error(self) -> BaseException:
        """Make the error again."""
        if self.kind is OSError:
            return OSError(*self.told)  # of the class that its number stands for
        made = self.kind.__new__(self.kind, *self.told)
        made.args = self.told
        vars(made).update(self.facts)
        return made


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of one try."""

    beat: Beat
    """How far the file is."""
    moved: int
    """Bytes that came in this try."""
    outcome: Outcome | None = None
    """How it ended well."""
    failure: Failure | None = None
    """How it did not."""


class _Delegate:
    """What a worker knows of the archive: what it was told for one file."""

    def __init__(self, errand: Errand) -> None:
        self._errand = errand
        self.account = errand.account
        self.url = self.name = errand.archive

    def download_url(self, uri: str) -> str:
        """Give the address that home told."""
        return self._errand.url if uri == self._errand.item.uri else ""


class LineServer:
    """A line to the archive on a worker: an actor of dask.distributed, asked for one file at a time.

    Its methods are coroutines, because distributed has one thread for the plain methods of all actors of a worker.

    Parameters
    ----------
    opening
        What it is told once.
    """

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._place = _find_place(opening)
        self._root = Path(self._place.folder)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="download")
        self._buffer = memoryview(bytearray(BUFFER))
        self._right = Pass({}, opening.archive)
        self._lane = Lane(
            lambda url: self._right.headers(url),
            connect_timeout=opening.manners.connect_timeout,
            stall_timeout=opening.manners.stall_timeout,
        )
        self._control = Control()
        self._valve = Valve(opening.rate, self._control)
        self._transfer: Transfer | None = None
        self._ledger: Ledger | None = None
        self._heard = time.monotonic()

    async def place(self) -> Place:
        """Say where files go."""
        return self._place

    async def attempt(self, errand: Errand) -> Report:
        """Try once to bring a file; never raises."""
        self._heard = time.monotonic()
        work = asyncio.get_running_loop().run_in_executor(self._thread, self._carry, errand)
        while not work.done():
            await asyncio.wait({work}, timeout=_LOOK_EVERY)
            # Home is gone, or cannot be reached: whoever is there may have given the file to another by now.
            if time.monotonic() - self._heard > self._opening.lease:
                self._lane.close()
        return work.result()

    async def beat(self, *, paused: bool) -> Beat:
        """Say how far the file is, note that home is still there, and whether it wants a rest."""
        self._heard = time.monotonic()
        if paused:
            self._control.pause()
        else:
            self._control.resume()
        return self._how_far()

    async def close(self) -> None:
        """Let the file go."""
        self._lane.close()

    async def finish(self) -> None:
        """End the line."""
        self._lane.close()
        self._thread.submit(self._finish)
        self._thread.shutdown(wait=False)

    def _finish(self) -> None:
        self._lane.finish()
        if self._ledger is not None:
            self._ledger.__exit__(None, None, None)

    def _how_far(self) -> Beat:
        transfer = self._transfer
        if transfer is None:
            return Beat(bytes_done=0, size=-1)
        return Beat(bytes_done=transfer.running.bytes_done, size=transfer.running.size)

    def _carry(self, errand: Errand) -> Report:
        self._right = errand.right
        outcome: Outcome | None = None
        failure: Failure | None = None
        try:
            item = self._here(errand)
            self._transfer = Transfer(
                item,
                cast("Archive", _Delegate(errand)),
                planned_at=self._opening.planned_at,
                manners=self._opening.manners,
                valve=self._valve,
                identity=errand.identity,
            )
            make_folder(item.folder, self._root)
            outcome = self._transfer.attempt(self._lane, self._buffer)
            if not self._place.shared:
                self._write_down(errand, outcome)
                outcome = replace(
                    outcome, message=f"{outcome.message}{'; ' * bool(outcome.message)}on {self._on(item)}"
                )
        except Exception as error:  # noqa: BLE001  (home raises it again, and decides what becomes of the file)
            failure = Failure.of(error)
        finally:
            self._right = Pass({}, self._opening.archive)
        beat, moved = self._how_far(), self._transfer.moved if self._transfer else 0
        self._transfer = None
        return Report(beat=beat, moved=moved, outcome=outcome, failure=failure)

    def _here(self, errand: Errand) -> PlanItem:
        if self._place.shared:
            return errand.item
        relative = PurePosixPath(errand.place)
        # Home looked at its own disk; what is here of the file shows when it is tried.
        state = "fetch" if errand.item.state == "resume" else errand.item.state
        return replace(errand.item, folder=self._root.joinpath(*relative.parent.parts), state=state, have=0)

    def _on(self, item: PlanItem) -> str:
        return f"{self._place.host}, {item.path}"

    def _write_down(self, errand: Errand, outcome: Outcome) -> None:
        """Keep the ledger of the worker's own disk."""
        if self._ledger is None:
            self._ledger = Ledger(self._root)
            self._ledger.begin(archive=self._opening.archive, layout=self._opening.layout, items=())
        found = outcome.validator
        self._ledger.add(
            Entry(
                uri=errand.item.uri,
                path=errand.place,
                status=outcome.status,
                message=outcome.message,
                size=outcome.size,
                obs_id=errand.item.obs_id,
                url=errand.url,
                source=outcome.source,
                etag=found.etag if found else "",
                modified=found.modified if found else "",
                check=outcome.check,
                sha256=outcome.sha256,
            )
        )


def destination_of(folder: str, *, worker: str, host: str) -> Path:
    """Fill in a destination on workers' own disks.

    Parameters
    ----------
    folder
        An absolute path with ``{worker}`` and ``{host}``; ``~`` is the home on the worker.
    worker, host
        Names of the worker and its machine.

    Returns
    -------
    Path
        The destination.

    Raises
    ------
    QueryError
        If the path is not absolute, or has other names in braces.
    """
    try:
        filled = folder.format(worker=safe_name(worker), host=safe_name(host))
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise QueryError(
            f"folder {folder!r} has something else than {{worker}} and {{host}} in braces; leave it out",
            field="cluster",
        ) from error
    path = Path(filled).expanduser()
    if not path.is_absolute():
        raise QueryError(f"folder {folder!r} is not an absolute path; workers start in folders of their own")
    return Path(os.path.normpath(path))


def _find_place(opening: Opening) -> Place:
    from distributed import get_worker

    worker, host = str(get_worker().name), platform.node()
    folder, shared = Path(opening.folder), False
    if opening.own_folder:
        folder = destination_of(opening.own_folder, worker=worker, host=host)
    else:
        shared = (folder / opening.probe).is_file()
    return Place(worker=worker, host=host, folder=str(folder), shared=shared, version=__version__)
