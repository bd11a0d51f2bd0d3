"""A tar or zip file of products onto the disk: each member by itself, checked, in its layout; never `extractall`."""

import io
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from astropy.table import Table

from jwstmq_widgets.downloads.bundles.tarmember import refused
from jwstmq_widgets.downloads.bundles.tarwalk import Broken, Member, Readable, walk
from jwstmq_widgets.downloads.bundles.zipwalk import ZIP_SIGNS, walk_zip
from jwstmq_widgets.downloads.files.checks import check_structure
from jwstmq_widgets.downloads.files.part import Busy, Part
from jwstmq_widgets.downloads.hands import make_folder
from jwstmq_widgets.downloads.http.validator import Validator
from jwstmq_widgets.downloads.ledger import Entry, Ledger
from jwstmq_widgets.downloads.plans.decision import Plan, PlanItem, State, check_destination, plan
from jwstmq_widgets.downloads.plans.places import Arrangement, Layout
from jwstmq_widgets.downloads.plans.wishes import read_wishes
from jwstmq_widgets.errors import Cancelled, DownloadError, QueryError

__all__ = ["MemberStatus", "UnpackLimits", "unpack"]

MemberStatus = Literal["COMPLETE", "SKIPPED", "REFUSED", "ERROR"]

_URI = "mast:JWST/product/"
_MARGIN = 64_000_000
_LONGEST_SHOWN = 200
_DESCRIPTIONS = {
    "member": "name in the tar or zip file; what is not printable is written as an escape",
    "Local Path": "where the file is; empty where none was written",
    "Status": "COMPLETE, SKIPPED (here already, or not asked for), REFUSED (not safe to write) or ERROR",
    "Message": "why",
    "size": "bytes that its header promises; -1 for a file that is not in there",
    "dataURI": "the file's identity in the archive; empty where no file was written",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpackLimits:
    """How much a tar or zip file may hold."""

    members: int = 200_000
    """Members at the most, of all kinds."""
    bytes: int | None = None
    """Bytes when unpacked at the most; None for what the disk has free, less 64 MB."""
    ratio: float = 200.0
    """Unpacked bytes for each byte that came at the most, where it is packed; FITS rarely passes 20."""


class _Row(NamedTuple):
    member: str
    path: str
    status: MemberStatus
    message: str
    size: int
    uri: str


def unpack(
    tar: str | Path | Readable,
    *,
    to: str | Path = ".",
    layout: Layout = "program",
    products: Table | None = None,
    limits: UnpackLimits | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> Table:
    """Unpack a tar or zip file of products, such as ESA's data server sends for an observation.

    Of each member only the bytes are taken, and of its name only the last part: folders are those of the layout.
    Links, devices, pipes, sparse files, absolute names, names with ``..``, names that are not as safe on every file
    system, and members that come twice are refused; the other members still arrive. Each is written to
    ``name.part``, checked as a download is, brought to the disk, and only then given its name.

    Parameters
    ----------
    tar
        The file: a tar, plain or packed with gzip, or a zip. Or a stream of a tar's bytes, read forwards only. Either
        is read in constant memory.
    to, layout
        Destination and folders, as for `plan`.
    products
        The products that are expected, as `Archive.products` gives them: other members are passed over, one whose
        size is not the catalogue's is refused, and those that do not come are rows with the status ERROR. None
        takes every file that is named as JWST's files are, or otherwise harmlessly.
    limits
        How much it may hold; within the disk's free space by default.
    progress
        Called with the members done and the bytes written, after each member.
    cancel
        Set to stop; members that were written stay.

    Returns
    -------
    astropy.table.Table
        One row a member that is no folder: member, Local Path, Status, Message, size (byte), dataURI.
        ``meta["trouble"]`` says why the file could not be read to its end, "" when it could.

    Raises
    ------
    QueryError
        If the destination cannot be used, or the file is not there.
    Cancelled
        If ``cancel`` was set.
    """
    root = Path(os.path.abspath(Path(to).expanduser()))  # noqa: PTH100  (as plan(): links are not followed)
    free = check_destination(root)
    limits = limits or UnpackLimits()
    most = limits.bytes if limits.bytes is not None else max(0, free - _MARGIN)
    asked = None if products is None else _asked(plan(products, to=root, layout=layout))
    root.mkdir(parents=True, exist_ok=True)
    trouble = ""
    with _opened(tar) as source, Ledger(root) as ledger:
        target = _Target(root, layout, asked, ledger)
        rows: list[_Row] = []
        written = 0
        members = _members(source, most, limits)
        try:
            for member in members:
                if cancel is not None and cancel.is_set():
                    raise Cancelled("cancelled; what was unpacked stays")
                row = target.take(member)
                if row is not None:
                    rows.append(row)
                    written += row.size * (row.status == "COMPLETE")
                    if progress is not None:
                        progress(len(rows), written)
        except Broken as error:
            trouble = f"the file cannot be read on: {error}; download it again"
            if target.unfinished is not None:
                cut = target.unfinished
                rows.append(_Row(_shown(cut.name), "", "ERROR", trouble, cut.size, ""))
        rows += target.missing(trouble)
    return _table(rows, root, trouble)


def _members(source: Readable, most: int, limits: UnpackLimits) -> Iterator[Member]:
    how: dict[str, Any] = {"most_members": limits.members, "most_bytes": most, "most_ratio": limits.ratio}
    if isinstance(source, io.BufferedReader) and source.peek(4).startswith(ZIP_SIGNS):
        return walk_zip(source, **how)
    return walk(source, **how)


def _asked(decided: Plan) -> Mapping[str, PlanItem]:
    return {item.name.casefold(): item for item in decided.items}


@contextmanager
def _opened(tar: str | Path | Readable) -> Iterator[Readable]:
    if not isinstance(tar, (str, Path)):
        yield tar
        return
    path = Path(tar).expanduser()
    try:
        file = path.open("rb")
    except OSError as error:
        raise QueryError(
            f"{path} cannot be read ({error.strerror}); give the path of a tar or zip file", field="tar"
        ) from error
    with file:
        yield file


class _Target:
    """Where members go, and which have."""

    def __init__(self, root: Path, layout: Layout, asked: Mapping[str, PlanItem] | None, ledger: Ledger) -> None:
        self._root, self._asked, self._ledger = root, asked, ledger
        self._arrangement = Arrangement.of(layout)
        self._taken: set[str] = set()
        self._told: set[str] = set()
        self.unfinished: Member | None = None
        """The member that is being written; it was cut when the stream ends there."""

    def take(self, member: Member) -> _Row | None:
        """Write one member, or say why not; None for an ordinary folder."""
        wrong = refused(member)
        if member.kind == "folder" and not wrong:
            return None

        def row(status: MemberStatus, message: str, path: Path | None = None, uri: str = "") -> _Row:
            return _Row(_shown(member.name), "" if path is None else str(path), status, message, member.size, uri)

        if wrong:
            return row("REFUSED", wrong)
        name = member.name.rpartition("/")[2]
        key = name.casefold()
        if key in self._taken:
            return row("REFUSED", "its file name comes twice, and the first one is kept")
        self._told.add(key)
        item = self._item(name, member.size)
        if item is None:
            return row("SKIPPED", "not among the products that were asked for")
        if item.state == "here":
            self._taken.add(key)
            return row("SKIPPED", "already here", item.path, item.uri)
        if item.size >= 0 and member.size != item.size:
            return row("REFUSED", f"it has {member.size:,} bytes where the catalogue says {item.size:,}")
        self.unfinished = member  # where the stream ends in it, this is how its reader knows
        try:
            check = self._write(member, item)
        except Busy:
            done = row("ERROR", "another process is writing this file; try again when it has ended")
        except DownloadError as error:
            done = row("ERROR", str(error))
        except OSError as error:
            why = error.strerror or type(error).__name__
            done = row("ERROR", f"it cannot be written ({why}); check the destination")
        else:
            self._taken.add(key)
            done = row("COMPLETE", check, item.path, item.uri)
        self.unfinished = None
        return done

    def missing(self, trouble: str) -> list[_Row]:
        """Give the products that did not come, and of which no row says why."""
        if self._asked is None:
            return []
        why = trouble or "it is not in the file; download it by itself"
        return [
            _Row(item.name, "", "ERROR", why, -1, item.uri)
            for key, item in self._asked.items()
            if key not in self._told and item.state not in {"here", "planned"}
        ]

    def _item(self, name: str, size: int) -> PlanItem | None:
        if self._asked is not None:
            return self._asked.get(name.casefold())
        wish = read_wishes(Table({"productFilename": [name], "dataURI": [f"{_URI}{name}"]}), self._arrangement)[0]
        folder = self._root.joinpath(*wish.folder)
        there = folder / name
        state: State = "here" if there.is_file() and there.stat().st_size == size else "fetch"
        return PlanItem(uri=wish.uri, name=name, folder=folder, size=-1, state=state)

    def _write(self, member: Member, item: PlanItem) -> str:
        make_folder(item.folder, self._root)
        began = time.monotonic()
        with Part(item.path) as part:
            try:
                part.begin(0, item.uri, Validator())
                for chunk in member.chunks():
                    part.write(memoryview(chunk))
                check = check_structure(part.path, item.name)
            except BaseException:
                part.discard()
                raise
            part.publish(fsync=True)
        place = item.path.relative_to(self._root).as_posix()
        self._ledger.add(
            Entry(
                uri=item.uri,
                path=place,
                status="COMPLETE",
                message="unpacked",
                size=member.size,
                seconds=round(time.monotonic() - began, 3),
                obs_id=item.obs_id,
                check=check,
            )
        )
        return check


def _shown(name: str) -> str:
    text = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in name[:_LONGEST_SHOWN])
    return text + "…" * (len(name) > _LONGEST_SHOWN)


def _table(rows: list[_Row], root: Path, trouble: str) -> Table:
    table = Table(meta={"folder": str(root), "trouble": trouble})
    columns: dict[str, Any] = {
        "member": np.array([row.member for row in rows], dtype=str),
        "Local Path": np.array([row.path for row in rows], dtype=str),
        "Status": np.array([row.status for row in rows], dtype="U8"),
        "Message": np.array([row.message for row in rows], dtype=str),
        "size": np.array([row.size for row in rows], dtype=np.int64),
        "dataURI": np.array([row.uri for row in rows], dtype=str),
    }
    for name, values in columns.items():
        table[name] = values
        table[name].description = _DESCRIPTIONS[name]
    table["size"].unit = "byte"
    return table
