"""One large file that several connections bring together."""

import re
import time
from collections.abc import Callable
from threading import Lock

from jwstmq_widgets.downloads.control import Valve
from jwstmq_widgets.downloads.files.part import Part, Validator
from jwstmq_widgets.downloads.files.spans import Span, Spans
from jwstmq_widgets.downloads.http.answer import Answer
from jwstmq_widgets.downloads.http.connection import Lane
from jwstmq_widgets.errors import Incomplete

__all__ = ["OVERLAP", "NotTheSame", "Split", "compare", "total_of"]

OVERLAP = 4096
"""Bytes of what is here that are asked for again and compared: a crash can leave zeros where bytes should be."""

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_NOTED_EVERY = 64_000_000
_SETTLED = 0.5
_WAIT = 0.1


class NotTheSame(Exception):
    """What is here is no part of the remote file, or the archive does not honour ranges."""


def total_of(answer: Answer, start: int) -> int | None:
    """Read from a 206 how large the file is; None where it does not say.

    Raises
    ------
    NotTheSame
        If it does not begin at ``start``.
    """
    match = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range").strip())
    if match is None or int(match[1]) != start:
        raise NotTheSame
    return None if match[3] == "*" else int(match[3])


def compare(answer: Answer, here: bytes, buffer: memoryview) -> None:
    """Read as many bytes as are here, and compare.

    Raises
    ------
    NotTheSame
        If they differ.
    """
    at = 0
    while at < len(here):
        count = answer.readinto(buffer[: len(here) - at])
        if not count or buffer[:count] != here[at : at + count]:
            raise NotTheSame
        at += count


class Split:
    """A file under way whose end other connections may take over.

    Its ``.part`` has holes then. The note beside it says which bytes are whole, is written before the first byte
    behind a hole, and only ever names bytes that are on the disk.

    Parameters
    ----------
    part
        Its beginning.
    uri, url
        The product, and where it is.
    validator
        What proves that all answers hold the same file; strong, with the size.
    done
        What is here already: start and stop of each piece.
    least
        Bytes of the smallest span.
    seconds
        How long a file must still need for help to pay.
    valve
        Lets the bytes through.
    count
        Called with the number of bytes that came.
    refusal
        Gives the error for an answer that is neither 200 nor 206.
    """

    def __init__(
        self,
        part: Part,
        uri: str,
        url: str,
        validator: Validator,
        done: list[tuple[int, int]],
        *,
        least: int,
        seconds: float,
        valve: Valve,
        count: Callable[[int], None],
        refusal: Callable[[Answer], Exception],
    ) -> None:
        self._part, self._uri, self._url, self._validator = part, uri, url, validator
        self._least, self._seconds, self._valve = least, seconds, valve
        self._count, self._refusal = count, refusal
        self._spans = Spans(validator.size, done, least=least)
        self._lock, self._counting = Lock(), Lock()
        self._began, self._moved, self._noted_at = time.monotonic(), 0, 0
        self._open = True  # somebody may help
        self._ending = False  # who helps has to stop
        self._spoiled = False  # two connections brought different files
        self._helpers: list[Lane] = []

    @property
    def pays(self) -> bool:
        """Whether another connection would save time: judged from how fast the file comes."""
        passed = time.monotonic() - self._began
        if not self._open or passed < min(_SETTLED, self._seconds) or not self._moved:
            return False
        return self._spans.longest >= 2 * self._least and self._spans.left * passed / self._moved >= self._seconds

    def follow(self, answer: Answer, lane: Lane, buffer: memoryview) -> None:
        """Bring the first missing span from an answer that begins there, then all that nobody else brings.

        Raises what a transfer raises; NotTheSame when the file has to be begun anew. No helper is left then.
        """
        try:
            span = self._spans.take()
            if span is not None:
                try:
                    self._read(answer, span, buffer, lane.check)
                finally:
                    self._spans.give_back(span)
            self._rest(lane, buffer)
        except BaseException:
            self._end_help()
            raise

    def rest(self, lane: Lane, buffer: memoryview) -> None:
        """Bring all that is missing; raises as `follow` does."""
        try:
            self._rest(lane, buffer)
        except BaseException:
            self._end_help()
            raise

    def help(self, lane: Lane, buffer: memoryview) -> None:
        """Bring some of it, from another thread; raises what a transfer raises, and then nobody begins to help."""

        def check() -> None:
            lane.check()
            if self._ending:
                raise Incomplete("the download of this file ended")

        with self._lock:
            if not self._open:
                return
            self._helpers.append(lane)
        try:
            self._left_over(lane, buffer, check) or self._take_over(lane, buffer, check)
        except NotTheSame:
            self._open = False
        except BaseException:
            self._open = False
            raise
        finally:
            with self._lock:
                self._helpers.remove(lane)

    def done(self) -> list[tuple[int, int]]:
        """Give what is here: start and stop of each piece."""
        return self._spans.done()

    def _rest(self, lane: Lane, buffer: memoryview) -> None:
        while self._spans.left or self._spans.running:
            lane.check()
            if self._left_over(lane, buffer, lane.check):
                continue
            try:
                helped = self._open and self._take_over(lane, buffer, lane.check)
            except NotTheSame:
                self._open = helped = False
            if not helped:
                self._spans.wait(_WAIT)
        if self._spoiled:
            raise NotTheSame

    def _left_over(self, lane: Lane, buffer: memoryview, check: Callable[[], None]) -> bool:
        """Bring a span that nobody brings; False when there is none."""
        span = self._spans.take()
        if span is None:
            return False
        try:
            # What lies before it is here: its end is compared.
            back = min(OVERLAP, span.position - self._begin_of_piece(span.position))
            answer = self._ask(lane, span.position - back, span.stop)
            compare(answer, self._part.read_at(span.position - back, back), buffer)
            self._read(answer, span, buffer, check)
        finally:
            self._spans.give_back(span)
        return True

    def _take_over(self, lane: Lane, buffer: memoryview, check: Callable[[], None]) -> bool:
        """Bring the end of a span that another connection brings, once the archive has proved that it can give it."""
        offer = self._spans.offer()
        if offer is None:
            return False
        answer = self._ask(lane, *offer)
        span = self._spans.claim(offer[0])
        if span is None:
            answer.release()
            return False
        try:
            self._note()  # before the first byte behind a hole
            self._read(answer, span, buffer, check)
        finally:
            self._spans.give_back(span)
        return True

    def _ask(self, lane: Lane, start: int, stop: int) -> Answer:
        end = min(stop + OVERLAP, self._validator.size) - 1
        answer = lane.get(self._url, {"Range": f"bytes={start}-{end}", "If-Range": self._validator.if_range})
        if answer.status not in {200, 206, 416}:
            answer.drain()
            raise self._refusal(answer)
        if not self._proves(answer, start):
            answer.drain()
            raise NotTheSame
        return answer

    def _proves(self, answer: Answer, start: int) -> bool:
        if answer.status != 206 or answer.encoding != "identity":
            return False
        try:
            total = total_of(answer, start)
        except NotTheSame:
            return False
        return self._validator.agrees(Validator.of(answer.headers, total))

    def _begin_of_piece(self, position: int) -> int:
        return next((start for start, stop in self._spans.done() if stop == position), position)

    def _read(self, answer: Answer, span: Span, buffer: memoryview, check: Callable[[], None]) -> None:
        part, valve = self._part, self._valve
        while (left := span.stop - span.position) > 0:
            check()
            count = answer.readinto(buffer[: min(left, valve.share(len(buffer)))])
            if not count:
                break
            part.write_at(buffer[:count], span.position)
            span.position += count
            with self._counting:
                self._moved += count
                self._count(count)
            valve.passed(count, check)
            if self._helpers and self._moved - self._noted_at >= _NOTED_EVERY:
                self._note()
        if span.position < span.stop:
            answer.release()
            raise Incomplete("the connection ended before the file did; try again to resume")
        try:
            self._compare_seam(answer, span.stop, buffer)
        except NotTheSame:
            self._spoiled = True
        answer.release()

    def _compare_seam(self, answer: Answer, seam: int, buffer: memoryview) -> None:
        """Compare the first bytes of the next span, where they are here: both connections must bring one file."""
        stop = next((stop for start, stop in self._spans.done() if start <= seam < stop), seam)
        compare(answer, self._part.read_at(seam, min(stop - seam, OVERLAP)), buffer)

    def _note(self) -> None:
        with self._lock:
            self._noted_at = self._moved
            self._part.note_pieces(self._uri, self._validator, self._spans.done())

    def _end_help(self) -> None:
        with self._lock:
            self._open, self._ending = False, True
        while self._helpers:
            for lane in list(self._helpers):
                lane.interrupt()
            self._spans.wait(_WAIT)
