"""A Dask cluster as the hands of a download."""

import errno
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from jwstmq_widgets.archives.merged import archives_in
from jwstmq_widgets.downloads.cluster.farline import FarLine, FarTransfer
from jwstmq_widgets.downloads.cluster.remote import LineServer, Opening, Place
from jwstmq_widgets.downloads.control import Control
from jwstmq_widgets.downloads.pace import Manners
from jwstmq_widgets.downloads.plans.decision import Plan, PlanItem
from jwstmq_widgets.errors import DownloadError, QueryError

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["Crew", "Workers"]

_PRIVATE = frozenset({"tls", "wss", "inproc"})


@dataclass(frozen=True, slots=True)
class Workers:
    """A Dask cluster, with how it is to be used."""

    client: Any
    """A ``dask.distributed.Client``, or the address of a scheduler."""
    folder: str = ""
    """Destination on each worker's own disk: an absolute path in which ``{worker}`` and ``{host}`` are filled in; ""
    for the plan's destination, which is looked for on the workers."""
    token_in_the_clear: bool = False
    """Send a token to the workers although the cluster's connections are not encrypted."""
    patience: float = 60.0
    """Seconds without any worker after which the download is given up."""
    lease: float = 60.0
    """Seconds after which a worker that hears nothing from home lets its file go; home gives up on a worker that is
    silent for half as long."""


class Crew:
    """Hands of a download on the workers of a cluster; used in a ``with`` block.

    Each line to the archive is an actor on a worker. Home keeps the order of the files, the number of connections,
    retries, push-back and the ledger, so all of these hold for the whole cluster as for one machine. A worker that
    is cut off but lives may keep its connection until its lease ends, beside the one that takes its place.

    A token is sent with each file's message and kept nowhere; but whoever may connect to a scheduler can run code on
    its workers, and so could read it there: share a cluster only with whom you would share the token.

    Parameters
    ----------
    workers
        The cluster.
    plan
        What to do.
    archive
        Where the products are.
    manners
        Time limits and checks.
    control
        Pauses the download.
    rate
        Bytes a second at the most, over one line; None for no limit.

    Raises
    ------
    QueryError
        On entering: if dask.distributed is missing, this is no cluster, or a token would travel unencrypted.
    """

    def __init__(
        self,
        workers: Workers,
        plan: Plan,
        archive: "Archive",
        manners: Manners,
        control: Control | None = None,
        rate: float | None = None,
    ) -> None:
        self.plan, self.archive = plan, archive
        self._control = control
        self._workers = workers
        self.client: Any = None
        self._run = uuid.uuid4().hex
        self._probe = plan.folder / f".jwstmq-{self._run}"
        self._opening = Opening(
            folder=str(plan.folder),
            own_folder=workers.folder,
            probe=self._probe.name,
            archive=archive.url,
            layout=plan.layout,
            planned_at=plan.made,
            manners=manners,
            lease=workers.lease,
            rate=rate,
        )
        self._lock = threading.Lock()
        self._lines: list[FarLine] = []
        self._count = 0
        self._alive: set[int] = set()
        self._since = time.monotonic()
        self._broken = ""
        self._full: set[str] = set()
        self._silent: set[str] = set()
        self.places: dict[str, tuple[str, str, str]] = {}
        """dataURI to the worker that moved the file, its machine, and the file's path there."""

    plain = False

    @property
    def at_home(self) -> bool:
        """Whether the files go to a disk that this process may see."""
        return not self._workers.folder

    @property
    def paused(self) -> bool:
        """Whether the download rests."""
        return self._control is not None and self._control.paused

    def __enter__(self) -> Self:
        self.client = _client_of(self._workers.client)
        try:
            if any(one.authorization(one.url) for one in archives_in(self.archive)):
                for address in (self.client.scheduler.address, *self.client.nthreads()):
                    self.check_privacy(address)
            with suppress(OSError):
                self._probe.touch()
        except OSError as error:
            self._leave()
            raise QueryError(f"the cluster does not answer ({error}); check its scheduler", field="cluster") from error
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def lane(self) -> FarLine:
        """Make a line to the archive; a worker is found for it when it is needed."""
        line = FarLine(self, len(self._lines))
        self._lines.append(line)
        return line

    def transfer(self, item: PlanItem) -> FarTransfer:
        """Get ready to move one file."""
        return FarTransfer(self, item)

    def check_privacy(self, address: str) -> None:
        """Refuse to send a token where others could read it.

        Parameters
        ----------
        address
            Of the scheduler or a worker.

        Raises
        ------
        QueryError
            If connections to it leave this machine and are not encrypted.
        """
        if not self._workers.token_in_the_clear and not _is_private(address):
            raise QueryError(
                f"connections to {address} are not encrypted, so that others could read your token on the way; use a "
                "cluster with TLS (distributed.Security), log out to fetch public files only, or say "
                "Workers(client, token_in_the_clear=True) on a network that you trust",
                field="cluster",
            )

    def engage(self) -> Any:
        """Ask the scheduler for a worker.

        Returns
        -------
        distributed.Future
            Of a `LineServer`.
        """
        with self._lock:
            self._count += 1
            name, full, silent = f"jwstmq-line-{self._run}-{self._count}", set(self._full), set(self._silent)
        choice: dict[str, Any] = {}
        if full or silent:
            free = [address for address in self.client.nthreads() if address not in full]
            if full and not free:
                raise OSError(errno.ENOSPC, "the disks of all workers are full")
            choice = {"workers": [address for address in free if address not in silent] or free or None}
        return self.client.submit(LineServer, self._opening, key=name, actor=True, pure=False, **choice)

    def hired(self, number: int) -> None:
        """Note that a line has a worker."""
        with self._lock:
            self._alive.add(number)

    def lost(self, number: int) -> None:
        """Note that a line has none."""
        with self._lock:
            self._alive.discard(number)
            if not self._alive:
                self._since = time.monotonic()

    def refuse(self, reason: str) -> None:
        """Note that the workers cannot take part at all."""
        self._broken = self._broken or reason

    def full(self, address: str) -> None:
        """Note that a worker's own disk is full."""
        with self._lock:
            self._full.add(address)

    def silent(self, address: str) -> None:
        """Note that a worker does not answer: another one is better."""
        with self._lock:
            self._silent.add(address)

    @property
    def silence(self) -> float:
        """Seconds without an answer after which a worker is given up."""
        return self._workers.lease / 2

    def went(self, uri: str, place: Place, path: str) -> None:
        """Note where a file is."""
        with self._lock:
            self.places[uri] = (place.worker, place.host, str(Path(place.folder, *path.split("/"))))

    def check(self) -> None:
        """Raise DownloadError once the cluster is of no use."""
        if self._broken:
            raise DownloadError(self._broken)
        with self._lock:
            alone = not self._alive and time.monotonic() - self._since > self._workers.patience
        if alone:
            raise DownloadError(
                f"the cluster had no free worker for {self._workers.patience:g} s; start workers, then try again"
            )

    def _leave(self) -> None:
        with suppress(OSError):
            self._probe.unlink(missing_ok=True)
        for line in self._lines:
            line.dismiss()
        if self.client is not self._workers.client:
            self.client.close()


def _client_of(given: Any) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise QueryError(
            "a cluster needs dask.distributed: pip install 'jwstmq_widgets[dask]'", field="cluster"
        ) from error
    if isinstance(given, str):
        try:
            return Client(given, set_as_default=False)
        except (OSError, ValueError) as error:
            raise QueryError(
                f"no scheduler answers at {given!r} ({error}); give an address such as tcp://127.0.0.1:8786",
                field="cluster",
            ) from error
    if not isinstance(given, Client):
        raise QueryError(
            f"cluster={type(given).__name__} is no dask.distributed.Client; give one, or a scheduler's address",
            field="cluster",
        )
    if given.asynchronous or given.status not in {"running", "connecting"}:
        raise QueryError(
            f"the client of the cluster is {'asynchronous' if given.asynchronous else given.status}; give a running "
            "one, made by Client(...)",
            field="cluster",
        )
    return given


def _is_private(address: str) -> bool:
    from distributed.comm import get_address_host

    if address.partition("://")[0] in _PRIVATE:
        return True
    try:
        return ip_address(get_address_host(address)).is_loopback
    except ValueError:
        return False
