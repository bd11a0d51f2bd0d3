"""One file, moved safely."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jwstmq_widgets.downloads.bundles.tarmember import keep_member
from jwstmq_widgets.downloads.control import Valve
from jwstmq_widgets.downloads.files.checks import check_structure
from jwstmq_widgets.downloads.files.part import Part, Validator
from jwstmq_widgets.downloads.files.split import OVERLAP, NotTheSame, Split, compare, total_of
from jwstmq_widgets.downloads.http.answer import Answer
from jwstmq_widgets.downloads.http.connection import Lane
from jwstmq_widgets.downloads.http.refusals import refusal
from jwstmq_widgets.downloads.http.urls import public_address
from jwstmq_widgets.downloads.pace import Manners
from jwstmq_widgets.downloads.plans.decision import PlanItem
from jwstmq_widgets.downloads.progress import Running
from jwstmq_widgets.downloads.sources import TURNS, Sources
from jwstmq_widgets.errors import Incomplete, Mismatch
from jwstmq_widgets.tables import format_size

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["BUFFER", "Outcome", "Transfer"]

BUFFER = 256 * 1024
"""Bytes of a worker's buffer; smaller and larger ones measured slower (caches)."""

_HELD = 65536
_LARGEST_LEAST = 8 * 1024 * 1024
_TAR = frozenset({"application/x-tar", "application/tar"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a file ended well."""

    status: Literal["COMPLETE", "SKIPPED"]
    """SKIPPED when another process brought it meanwhile."""
    size: int
    """Bytes on disk."""
    message: str = ""
    """What else there is to say."""
    check: str = ""
    """How it was checked."""
    sha256: str = ""
    """SHA-256 of the file on disk, where it was asked for."""
    source: str = ""
    """Where the bytes came from, without the query."""
    validator: Validator | None = None
    """What identifies the remote file."""


class Transfer:
    """Moves one file, in as many tries as its user makes.

    Parameters
    ----------
    item
        What to move.
    archive
        Where it is.
    planned_at
        When the plan looked at the disk (s since 1970): a file that came later is not moved again.
    manners
        Whether the bytes must be on the disk before the file gets its name, what is checked, when to split.
    valve
        Lets the bytes through; at once when left out.
    identity
        What a beginning of the file is known by on the disk; its ``dataURI`` when left out.
    """

    def __init__(
        self,
        item: PlanItem,
        archive: "Archive",
        *,
        planned_at: float,
        manners: Manners | None = None,
        valve: Valve | None = None,
        identity: str = "",
    ) -> None:
        self.item = item
        self._sources = Sources(archive, item, identity=identity)
        self.running = Running(
            uri=item.uri,
            name=item.name,
            size=item.size,
            kept=item.have if item.state == "resume" else 0,
            bytes_done=item.have if item.state == "resume" else 0,
        )
        self.moved = 0
        """Bytes that came, in all tries."""
        self._planned_at = planned_at
        self._manners, self._valve = manners or Manners(), valve or Valve()
        self._split: Split | None = None
        self._validator: Validator | None = None
        self._from_start = False
        self._in_one = False

    def attempt(self, lane: Lane, buffer: memoryview) -> Outcome:
        """Try once to bring the file.

        Parameters
        ----------
        lane
            The worker's connections.
        buffer
            The worker's buffer.

        Returns
        -------
        Outcome
            The file is on disk under its name.

        Raises
        ------
        Busy
            If another process is at it.
        Unreachable, Refused, Incomplete, Mismatch
            Another try may help.
        ExclusiveAccess, DownloadError
            Another try will not help.
        OSError
            If the disk fails.
        Cancelled
            If the lane was closed.
        """
        path = self.item.path
        with Part(path) as part:
            there = self._arrived(path)
            if there is not None:
                part.discard()
                return Outcome(status="SKIPPED", size=there, message="another program brought it meanwhile")
            try:
                return self._bring_from_any(part, lane, buffer)
            except BaseException:
                pieces = self._split.done() if self._split is not None else None
                part.leave(self._sources.identity, self._validator, pieces)
                raise
            finally:
                self._split = None

    @property
    def url(self) -> str:
        """Address at the archive that is asked now; "" before the first try."""
        return self._sources.url

    @property
    def wants_help(self) -> bool:
        """Whether another connection would make it end sooner."""
        split = self._split
        return split is not None and split.pays

    def help(self, lane: Lane, buffer: memoryview) -> None:
        """Bring some of the file, from another thread; raises as `attempt` does, and nobody helps any more then.

        Parameters
        ----------
        lane
            That thread's connections.
        buffer
            That thread's buffer.
        """
        split = self._split
        if split is not None:
            split.help(lane, buffer)

    def _bring_from_any(self, part: Part, lane: Lane, buffer: memoryview) -> Outcome:
        """Bring the file from the first archive that gives it."""
        self._sources.begin()
        while True:
            moved = self.moved
            try:
                outcome = self._bring(part, lane, buffer)
            except TURNS as error:
                self._sources.turn(error, some_came=self.moved > moved)
                self._split, self._in_one = None, False
                self._forget()
            else:
                return replace(outcome, message=self._sources.told(outcome.message, outcome.size))

    def _bring(self, part: Part, lane: Lane, buffer: memoryview) -> Outcome:
        url = self._sources.address()
        noted = part.note(self._sources.identity) if part.size else None
        known = self._validator or noted
        start = self._resume_at(part, known)
        if part.holes:
            start = 0
            if noted is not None and noted == known and not self._from_start:
                try:
                    return self._go_on(part, noted, lane, buffer)
                except NotTheSame:
                    self._split = None
        if start and known is not None:
            self._validator = known
            asked = {"Range": f"bytes={start}-", "If-Range": known.if_range}
            answer = lane.get(url, asked)
            if answer.status != 416:
                try:
                    return self._take(part, answer, start, known, lane, buffer)
                except NotTheSame:
                    answer.release()
            else:
                answer.drain()
        self._validator = None
        answer = lane.get(url, {})
        return self._take(part, answer, 0, None, lane, buffer)

    def _resume_at(self, part: Part, known: Validator | None) -> int:
        if self._from_start or known is None or not known.if_range or part.size > known.size >= 0:
            return 0
        return max(0, part.size - OVERLAP)

    def _take(
        self, part: Part, answer: Answer, start: int, known: Validator | None, lane: Lane, buffer: memoryview
    ) -> Outcome:
        item = self.item
        if answer.status not in {200, 206}:
            raise self._refusal(answer)
        packed = answer.media_type in _TAR and not item.name.lower().endswith(".tar")
        total = answer.length if answer.encoding == "identity" and not packed else None
        if answer.status == 206:
            total = total_of(answer, start)
            validator = Validator.of(answer.headers, total)
            if known is None or answer.encoding != "identity" or not known.agrees(validator):
                raise NotTheSame
            compare(answer, part.read(start, part.size - start), buffer)
            start = part.size
        else:
            start = 0
            validator = Validator.of(answer.headers, total)
            self._check_promise(answer, total)
        self._validator = validator if answer.encoding == "identity" and not packed else None
        self._from_start = False
        part.begin(start, self._sources.identity, validator)
        running = self.running
        if packed:
            return self._take_from_tar(part, answer, validator, lane)
        listed = self._sources.size
        running.size = listed if listed >= 0 else -1 if total is None else total
        running.bytes_done = start
        if self._may_split(answer, validator):
            self._split = self._make_split(part, validator, [(0, start)] if start else [])
            try:
                self._split.follow(answer, lane, buffer)
            except NotTheSame:
                self._split, self._in_one = None, True
                self._forget()
                raise Incomplete(f"{item.name}: the archive sent parts of different files; try again") from None
        else:
            self._read(part, answer, lane, buffer)
            whole = answer.complete
            answer.release()
            self._check_length(part.size, total, whole=whole)
        return self._finish(part, total, validator, public_address(answer.url), lane)

    def _take_from_tar(self, part: Part, answer: Answer, validator: Validator, lane: Lane) -> Outcome:
        """Keep the one member that was asked for; nothing of a tar can be resumed."""
        running, valve, item = self.running, self._valve, replace(self.item, size=self._sources.size)
        running.size = item.size

        def write(chunk: bytes) -> None:
            part.write(memoryview(chunk))
            running.bytes_done = part.size
            self.moved += len(chunk)
            valve.passed(len(chunk), lane.check)

        try:
            keep_member(answer, item, write)
        finally:
            answer.release()
        return self._finish(part, item.size, validator, public_address(answer.url), lane)

    def _read(self, part: Part, answer: Answer, lane: Lane, buffer: memoryview) -> None:
        running, valve = self.running, self._valve
        most = self._sources.size if self._sources.size >= 0 else None
        share = buffer[: valve.share(len(buffer))]
        while count := answer.readinto(share):
            part.write(share[:count])
            running.bytes_done = part.size
            self.moved += count
            if most is not None and part.size > most:
                break
            valve.passed(count, lane.check)

    def _finish(self, part: Part, total: int | None, validator: Validator, source: str, lane: Lane) -> Outcome:
        item, manners = self.item, self._manners
        try:
            held = part.read(0, part.size) if part.size <= _HELD else None  # sooner than opening it once more
            check = check_structure(part.path, item.name, checksums=manners.verify == "checksum", held=held)
        except Mismatch:
            self._forget()
            raise
        digest = ""
        if manners.sha256:
            with part.path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        lane.check()
        part.publish(fsync=manners.fsync)
        promised = "length" if max(self._sources.size, -1 if total is None else total) >= 0 else "no length known"
        return Outcome(
            status="COMPLETE",
            size=part.size,
            check=f"{promised}; {check}",
            source=source,
            validator=validator,
            sha256=digest,
        )

    def _may_split(self, answer: Answer, validator: Validator) -> bool:
        """Whether an answer is of a large file whose parts the archive can prove to be of the same file."""
        large = validator.size >= max(self._manners.split_from, 1) and not self._in_one
        return large and answer.encoding == "identity" and bool(validator.if_range)

    def _make_split(self, part: Part, validator: Validator, done: list[tuple[int, int]]) -> Split:
        def count(came: int) -> None:
            self.moved += came
            self.running.bytes_done += came

        return Split(
            part,
            self._sources.identity,
            self.url,
            validator,
            done,
            least=max(2 * BUFFER, min(_LARGEST_LEAST, self._manners.split_from // 8)),
            seconds=self._manners.split_seconds,
            valve=self._valve,
            count=count,
            refusal=self._refusal,
        )

    def _go_on(self, part: Part, known: Validator, lane: Lane, buffer: memoryview) -> Outcome:
        """Bring what is missing of a file that several connections began."""
        sizes_agree = known.size >= 0 and self._sources.size in {-1, known.size}
        if not sizes_agree or not known.if_range:
            raise NotTheSame
        self._validator = known
        self.running.bytes_done = sum(stop - start for start, stop in part.pieces)
        self._split = self._make_split(part, known, part.pieces)
        self._split.rest(lane, buffer)
        return self._finish(part, known.size, known, public_address(self.url), lane)

    def _check_promise(self, answer: Answer, total: int | None) -> None:
        """Look at the headers of a whole file before its bytes replace what is here."""
        name, size = self.item.name, self._sources.size
        kind = answer.media_type
        if kind == "text/html" and not name.lower().endswith((".html", ".htm")):
            answer.drain()
            raise Mismatch(f"{name}: the archive sent a web page in its place; log in again, or try later")
        if not answer.readable:
            answer.drain()
            raise Mismatch(f"{name}: the archive sent it packed as {answer.encoding[:40]!r}, unasked; try later")
        if total is not None and size >= 0 and total != size:
            answer.drain()
            raise Mismatch(
                f"{name}: the archive offers {total:,} bytes where its catalogue says {size:,}; search again, "
                "the file may have been made anew"
            )

    def _check_length(self, size: int, total: int | None, *, whole: bool) -> None:
        name, listed = self.item.name, self._sources.size
        expected = total if total is not None else listed if listed >= 0 else None
        if listed >= 0 and size > listed:
            self._forget()
            raise Mismatch(f"{name}: more came than the {listed:,} bytes of the catalogue; search again")
        if not whole or (expected is not None and size < expected):
            of = f" of {format_size(expected)}" if expected is not None else ""
            raise Incomplete(f"{name}: the connection ended after {format_size(size)}{of}; try again to resume")

    def _forget(self) -> None:
        """Have the next try start over: what is here is not to be trusted."""
        self._validator, self._from_start = None, True

    def _arrived(self, path: Path) -> int | None:
        item = self.item
        try:
            found = path.stat()
        except FileNotFoundError:
            return None
        later = item.state == "fetch" or found.st_mtime > self._planned_at
        return found.st_size if later and item.size in {-1, found.st_size} else None

    def _refusal(self, answer: Answer) -> Exception:
        return refusal(answer, self.item, self._sources.now)
