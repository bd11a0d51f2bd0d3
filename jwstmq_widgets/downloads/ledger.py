"""The ledger of a destination: an append-only file of JSON lines that survives a crash."""

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import orjson

__all__ = ["LEDGER_NAME", "Entry", "Ledger", "Record", "Status", "read_ledger"]

LEDGER_NAME = ".jwstmq-ledger.jsonl"
"""Name of the file in the destination."""

Status = Literal["COMPLETE", "SKIPPED", "ERROR", "CANCELLED"]

_STATUSES = frozenset({"COMPLETE", "SKIPPED", "ERROR", "CANCELLED"})
_INTERRUPTED = "not done when the download ended; download it again, what is here of it is kept"
_PER_LINE = 500
_TELLING = 1_000_000  # bytes from which on a rate says something about the line
_log = logging.getLogger(__name__)


class Entry(NamedTuple):
    """What happened to one file; a tuple, for each tiny file makes one, and a frozen dataclass costs thrice that."""

    uri: str
    """The product's ``dataURI``."""
    path: str
    """Where it is, from the destination downwards, with ``/``."""
    status: Status
    """COMPLETE, SKIPPED, ERROR or CANCELLED."""
    message: str = ""
    """Why, with what to do next; "" when all went well."""
    size: int = -1
    """Bytes on disk where it is complete, else the bytes that the catalogue promises; -1 unknown."""
    seconds: float = 0.0
    """How long moving it took."""
    obs_id: str = ""
    """``obs_id`` (not ``obsID``) that it belongs to."""
    until: str = ""
    """When its exclusive access ends, ISO 8601; "" where it has none."""
    url: str = ""
    """Address of the product at the archive."""
    source: str = ""
    """Address that gave the bytes, without its query, where redirects led elsewhere."""
    etag: str = ""
    """The archive's ETag."""
    modified: str = ""
    """The archive's Last-Modified."""
    check: str = ""
    """How the file was checked."""
    sha256: str = ""
    """SHA-256 of the file on disk, hexadecimal; "" where it was not asked for."""
    when: str = ""
    """When this was written, ISO 8601 in UTC."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a ledger tells."""

    last: Mapping[str, Entry]
    """Path to the newest entry."""
    complete: Mapping[str, Entry]
    """Path to the newest entry that says COMPLETE."""
    archive: str = ""
    """Address of the archive of the newest download; "" without one."""
    layout: str = ""
    """Layout of the newest download; "" without one."""
    rate: float = 0.0
    """Bytes a second of the newest download that moved a megabyte or more; 0 without one."""


class Ledger:
    """The ledger, opened to add to it.

    Each entry is one write in append mode, so that several processes can share the file. A ledger that cannot be
    written never stops a download: it is logged once.

    Parameters
    ----------
    folder
        The destination.
    """

    def __init__(self, folder: Path) -> None:
        self._torn = False
        self._file: int | None = None
        path = folder / LEDGER_NAME
        try:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
            self._file = os.open(path, flags, 0o666)
            size = os.lseek(self._file, 0, os.SEEK_END)
            if size:
                os.lseek(self._file, size - 1, os.SEEK_SET)
                self._torn = os.read(self._file, 1) != b"\n"
        except OSError as error:
            self._give_up(error)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def begin(self, *, archive: str, layout: str, items: Iterable[tuple[str, str, int, str]]) -> None:
        """Write down what a download is going to do.

        Parameters
        ----------
        archive
            The archive's address.
        layout
            The layout.
        items
            dataURI, path from the destination downwards, size and obs_id of each file.
        """
        self._write({"kind": "begin", "archive": archive, "layout": layout, "when": _now()})
        waiting: list[tuple[str, str, int, str]] = []
        for item in items:
            waiting.append(item)
            if len(waiting) == _PER_LINE:
                self._write({"kind": "planned", "items": waiting})
                waiting = []
        if waiting:
            self._write({"kind": "planned", "items": waiting})

    def end(self, *, files: int, moved: int, seconds: float) -> None:
        """Write down how a download went.

        Parameters
        ----------
        files
            How many files it finished.
        moved
            How many bytes came.
        seconds
            How long it took.
        """
        self._write({"kind": "end", "files": files, "bytes": moved, "seconds": round(seconds, 3), "when": _now()})

    def add(self, *entries: Entry) -> None:
        """Write down what happened to some files, at once.

        Parameters
        ----------
        *entries
            What happened.
        """
        now = _now()
        lines = []
        for entry in entries:
            facts = {name: value for name, value in zip(_FIELDS, ("file", *entry), strict=True) if value or value == 0}
            if entry.size < 0:
                del facts["size"]
            facts["when"] = entry.when or now
            lines.append(facts)
        self._write(*lines)

    def _write(self, *lines: Mapping[str, Any]) -> None:
        if self._file is None or not lines:
            return
        data = b"".join([b"\n" * self._torn, *(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE) for line in lines)])
        self._torn = True
        try:
            self._torn = os.write(self._file, data) != len(data)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        _log.warning("the ledger %s cannot be written (%s); the download goes on without it", LEDGER_NAME, error)
        if self._file is not None:
            os.close(self._file)
            self._file = None


def read_ledger(folder: Path) -> Record:
    """Read the ledger of a destination.

    Lines that cannot be read, as a crash leaves them, are left out, and so are paths that lead out of the folder.

    Parameters
    ----------
    folder
        The destination.

    Returns
    -------
    Record
        Empty where there is no ledger.
    """
    last: dict[str, Entry] = {}
    complete: dict[str, Entry] = {}
    archive = layout = ""
    rate = 0.0
    for line in _lines(folder):
        kind = line.get("kind")
        if kind == "begin":
            archive, layout = str(line.get("archive", "")), str(line.get("layout", ""))
        elif kind == "planned":
            last.update((entry.path, entry) for entry in _planned(line))
        elif kind == "file" and (entry := _entry(line)) is not None:
            last[entry.path] = entry
            if entry.status == "COMPLETE":
                complete[entry.path] = entry
        elif kind == "end":
            rate = _rate(line) or rate
    return Record(last=last, complete=complete, archive=archive, layout=layout, rate=rate)


def _lines(folder: Path) -> Iterable[dict[str, Any]]:
    unreadable = 0
    try:
        with (folder / LEDGER_NAME).open("rb") as file:
            for text in file:
                if text.isspace():
                    continue
                try:
                    line = orjson.loads(text)
                except orjson.JSONDecodeError:
                    unreadable += 1
                    continue
                if isinstance(line, dict):
                    yield line
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    if unreadable:
        _log.info("%d lines of %s cannot be read and are left out", unreadable, folder / LEDGER_NAME)


def _planned(line: Mapping[str, Any]) -> Iterable[Entry]:
    for item in line.get("items", ()):
        match item:
            case [str(uri), str(path), int(size), str(obs_id)] if _inside(path):
                yield Entry(uri=uri, path=path, status="CANCELLED", message=_INTERRUPTED, size=size, obs_id=obs_id)


def _rate(line: Mapping[str, Any]) -> float:
    match line:
        case {"bytes": int(moved), "seconds": int() | float() as seconds} if moved >= _TELLING and seconds > 0:
            return float(moved / seconds)
    return 0.0


def _entry(line: Mapping[str, Any]) -> Entry | None:
    values = {name: line[name] for name in Entry._fields if name in line}
    whole = all(isinstance(value, _KINDS.get(name, str)) for name, value in values.items())
    if not whole or not {"uri", "path", "status"} <= values.keys():
        return None
    return Entry(**values) if values["status"] in _STATUSES and _inside(values["path"]) else None


def _inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts and "\\" not in path and ":" not in path


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


_FIELDS = ("kind", *Entry._fields)
_KINDS: Mapping[str, type | tuple[type, ...]] = {"size": int, "seconds": (int, float)}
