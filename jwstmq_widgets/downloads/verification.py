"""Whether what was downloaded is still as it was: against the ledger, its own structure, and the archive when asked."""

import hashlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from astropy.table import Table

from jwstmq_widgets.downloads.addresses import Addresses
from jwstmq_widgets.downloads.files.checks import check_structure
from jwstmq_widgets.downloads.files.split import NotTheSame, total_of
from jwstmq_widgets.downloads.http.connection import Lane
from jwstmq_widgets.downloads.http.validator import Validator
from jwstmq_widgets.downloads.ledger import LEDGER_NAME, Entry, Record, read_ledger
from jwstmq_widgets.downloads.pace import Manners, Verify
from jwstmq_widgets.errors import Cancelled, Mismatch, QueryError, Refused

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["Verdict", "verify"]

Verdict = Literal["good", "missing", "broken", "changed", "unfinished", "outdated"]

_DESCRIPTIONS = {
    "path": "place from the destination downwards",
    "verdict": "good; missing; broken: its structure or a checksum is wrong; changed: not the size or SHA-256 that it "
    "had when it came; unfinished: its download did not end; outdated: the archive has another file by now",
    "message": "what was checked, or what is wrong and what to do next",
    "size": "bytes on disk; -1 none",
    "dataURI": "the file's identity in the archive; empty where the ledger does not know it",
}


class _Row(NamedTuple):
    path: str
    verdict: Verdict
    message: str
    size: int
    uri: str


def verify(
    folder: str | Path,
    *,
    check: Verify = "checksum",
    archive: "Archive | bool" = False,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> Table:
    """Check all files of a destination again.

    Files that the ledger knows are compared with what it says: size, and SHA-256 where it was noted; all of JWST's
    files, these and others, by their structure.

    Parameters
    ----------
    folder
        A destination of earlier downloads, or any folder of JWST files.
    check
        ``"checksum"``: structure, and CHECKSUM and DATASUM of FITS files where they have them; ``"structure"``: only
        that, and no SHA-256, which reads little of each file.
    archive
        True to ask the archive of the ledger, or an archive, for the size and validator of each file: one request a
        file, for one byte of it.
    progress
        Called with the number of files done, and of all.
    cancel
        Set it to stop.

    Returns
    -------
    Table
        One row a file: path, verdict, message, size (byte), dataURI.

    Raises
    ------
    QueryError
        If the folder holds neither a ledger nor files of JWST.
    Unreachable, LoginError
        If the archive is to be asked, and cannot be.
    Cancelled
        If ``cancel`` was set.
    """
    root = Path(folder).expanduser().absolute()
    if not root.is_dir():
        raise QueryError(f"{root} is no folder; give the destination of a download", field="destination")
    record = read_ledger(root)
    others = _others(root, record)
    paths = [*record.last, *others]
    if not paths and not (root / LEDGER_NAME).is_file():
        raise QueryError(f"{root} holds no {LEDGER_NAME} and no JWST files; give another folder", field="destination")
    rows = []
    with _Asker(archive, record, cancel) as asker:
        for number, path in enumerate(paths):
            if cancel is not None and cancel.is_set():
                raise Cancelled("cancelled")
            if progress is not None:
                progress(number, len(paths))
            row = _look(root, path, record, check)
            rows.append(asker.compare(row, record.complete.get(path)) if row.verdict == "good" else row)
    return _table(rows, root, record)


def _others(root: Path, record: Record) -> list[str]:
    """Give JWST's files in the folder that no download brought."""
    found = (path.relative_to(root).as_posix() for path in root.rglob("jw*") if path.is_file())
    return sorted(name for name in found if name not in record.last and not name.endswith((".part", ".part.json", "~")))


def _look(root: Path, place: str, record: Record, check: Verify) -> _Row:
    path, last, entry = root.joinpath(*place.split("/")), record.last.get(place), record.complete.get(place)
    uri = last.uri if last is not None else ""
    try:
        size = path.stat().st_size
    except OSError:
        if last is not None and entry is None and last.status != "SKIPPED":
            return _Row(place, "unfinished", last.message or "its download did not end; resume it", -1, uri)
        return _Row(place, "missing", "it was here, and is gone; download it again", -1, uri)
    if entry is not None and entry.size >= 0 and entry.size != size:
        text = f"it has {size:,} bytes, and had {entry.size:,} when it came; download it again"
        return _Row(place, "changed", text, size, uri)
    try:
        said = check_structure(path, path.name, checksums=check == "checksum")
        if check == "checksum" and entry is not None and entry.sha256:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != entry.sha256:
                    text = "its SHA-256 is not that of when it came; download it again"
                    return _Row(place, "changed", text, size, uri)
            said = f"SHA-256; {said}"
    except Mismatch as error:
        return _Row(place, "broken", str(error), size, uri)
    except OSError as error:
        return _Row(place, "broken", f"it cannot be read ({error.strerror}); check the disk", size, uri)
    return _Row(place, "good", said if entry is not None else f"{said}; no download of ours", size, uri)


class _Asker:
    """Asks the archive for sizes and validators, over one connection."""

    def __init__(self, archive: "Archive | bool", record: Record, cancel: threading.Event | None) -> None:
        from jwstmq_widgets.archives import archive_at

        self._archive: Archive | None = None
        self._lane: Lane | None = None
        if archive is False:
            return
        if archive is True and not record.archive:
            raise QueryError("the ledger does not name its archive; give archive=", field="archive")
        self._archive = archive_at(record.archive) if archive is True else archive
        # One question for all files, where the archive has names of its own for them.
        Addresses(self._archive, (entry.uri for entry in record.last.values()), cancel=cancel)
        manners = Manners()
        self._lane = Lane(
            self._archive.authorization, connect_timeout=manners.connect_timeout, stall_timeout=manners.stall_timeout
        )

    def __enter__(self) -> "_Asker":
        return self

    def __exit__(self, *_: object) -> None:
        if self._lane is not None:
            self._lane.finish()

    def compare(self, row: _Row, entry: Entry | None) -> _Row:
        """Compare a good file with the archive's."""
        if self._archive is None or self._lane is None or not row.uri:
            return row
        answer = self._lane.get(self._archive.download_url(row.uri), {"Range": "bytes=0-0"})
        status, length = answer.status, answer.length
        try:
            total = total_of(answer, 0) if status == 206 else length
        except NotTheSame:
            total = None
        now = Validator.of(answer.headers, total)
        answer.drain()
        if status in {404, 410}:
            return row._replace(verdict="outdated", message=f"the archive has it no more (HTTP {status}); search again")
        if status in {429, 500, 502, 503, 504}:
            raise Refused(f"the archive cannot say now (HTTP {status}); try later", status=status)
        if status not in {200, 206}:
            return row._replace(message=f"{row.message}; the archive does not say (HTTP {status})")
        then = Validator(etag=entry.etag, modified=entry.modified, size=row.size) if entry else Validator(size=row.size)
        if not then.agrees(now):
            return row._replace(verdict="outdated", message="the archive has a newer file; download it again")
        return row._replace(message=f"{row.message}; as in the archive")


def _table(rows: list[_Row], root: Path, record: Record) -> Table:
    table = Table(meta={"folder": str(root), "archive": record.archive})
    table["path"] = np.array([row.path for row in rows], dtype=str)
    table["verdict"] = np.array([row.verdict for row in rows], dtype="U10")
    table["message"] = np.array([row.message for row in rows], dtype=str)
    table["size"] = np.array([row.size for row in rows], dtype=np.int64)
    table["dataURI"] = np.array([row.uri for row in rows], dtype=str)
    table["size"].unit = "byte"
    for name, text in _DESCRIPTIONS.items():
        table[name].description = text
    return table
