"""Public products by their copies in the archive's cloud bucket (S3)."""

import logging
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlsplit

import orjson

from jwstmq_widgets.downloads.http.answer import Answer
from jwstmq_widgets.downloads.http.connection import Lane
from jwstmq_widgets.downloads.http.wire import Fields
from jwstmq_widgets.downloads.pace import Manners
from jwstmq_widgets.downloads.plans.decision import PlanItem
from jwstmq_widgets.errors import DownloadError, QueryError, Unreachable

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive
    from jwstmq_widgets.downloads.http.wire import RawAnswer

__all__ = ["CLOUD_ENDPOINT_VARIABLE", "Cloud", "CloudLane", "Copies"]

CLOUD_ENDPOINT_VARIABLE = "JWSTMQ_CLOUD_ENDPOINT"
"""Environment variable with the address of an S3 server that stands in for Amazon's."""

# As many as astroquery asks for at a time: more would make the address too long (HTTP 414).
_LOOKED_UP_TOGETHER = 50
_MOST_LOOKUP_BYTES = 1 << 20
_CHUNK = 256 * 1024
_TRIES_OF_A_FILE = 3
_FAILURES_IN_A_ROW = 4
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """Where an archive's public products have their copies."""

    bucket: str = "stpubdata"
    """Name of the S3 bucket; by default MAST's own (https://registry.opendata.aws/collab/stsci/)."""
    region: str = "us-east-1"
    """Where the bucket is."""
    endpoint: str = field(default_factory=lambda: os.environ.get(CLOUD_ENDPOINT_VARIABLE, ""))
    """Address of the S3 server; "" for Amazon's own. Taken from ``JWSTMQ_CLOUD_ENDPOINT`` when left out."""


@dataclass(slots=True)
class _Copy:
    """What is known of one file's copy."""

    uri: str
    key: str | None = None
    looked_up: bool = False
    asked: bool = False
    etag: str = ""
    failures: int = 0


class Copies:
    """The cloud copies of one download's files: which there are, which have failed; for all its lanes.

    Parameters
    ----------
    cloud
        Where they are.
    archive
        Knows their keys, and has the files where a copy fails.
    items
        What is to be moved. Those with exclusive access are never asked for in the cloud.
    manners
        Time limits.

    Raises
    ------
    QueryError
        If obstore is not installed, or the endpoint is no address.
    """

    def __init__(
        self,
        cloud: Cloud,
        archive: "Archive",
        items: Iterable[PlanItem],
        manners: Manners,
    ) -> None:
        self.cloud = cloud
        self._archive, self._manners = archive, manners
        self._store = _store(cloud, manners)
        self._copies = {
            archive.download_url(item.uri): _Copy(item.uri)
            for item in items
            if item.until is None and item.state != "exclusive"
        }
        self._waiting = list(self._copies.values())
        self._asking = threading.Lock()
        self._lock = threading.Lock()
        self._in_a_row = 0

    def lane(self) -> "CloudLane":
        """Make a lane that asks for copies first."""
        return CloudLane(
            self,
            self._archive.authorization,
            connect_timeout=self._manners.connect_timeout,
            stall_timeout=self._manners.stall_timeout,
        )

    def open(
        self, url: str, headers: Mapping[str, str], lane: "CloudLane", ask: Callable[[str], bytes]
    ) -> Answer | None:
        """Ask for a file's copy.

        Parameters
        ----------
        url
            The file's address at the archive.
        headers
            Range and If-Range, where a part is wanted.
        lane
            Who asks.
        ask
            Gives the archive's answer to a GET.

        Returns
        -------
        Answer or None
            None where the archive itself is to be asked: there is no copy, it has failed, it is not the one whose
            beginning is here, or what came of it was not right.
        """
        copy = self._copies.get(url)
        wanted, known = headers.get("Range", ""), headers.get("If-Range", "")
        if copy is None or not self._may_ask(copy, known) or (wanted and not known.startswith('"')):
            return None
        key = self._key(copy, ask)
        if key is None:
            return None
        lane.check()
        return self._get(copy, key, wanted, known, lane)

    def _may_ask(self, copy: _Copy, known: str) -> bool:
        with self._lock:
            if self._in_a_row >= _FAILURES_IN_A_ROW or copy.failures >= _TRIES_OF_A_FILE:
                return False
            # Whoever asks for a whole file again was not content with what came.
            return not copy.asked or (bool(copy.etag) and known == copy.etag)

    def _get(self, copy: _Copy, key: str, wanted: str, known: str, lane: "CloudLane") -> Answer | None:
        import obstore
        from obstore.exceptions import BaseError, PreconditionError

        options: dict[str, Any] = {}
        if wanted:
            match = _RANGE.fullmatch(wanted)
            if match is None:
                return None
            start = int(match[1])
            options["range"] = (start, int(match[2]) + 1) if match[2] else {"offset": start}
            options["if_match"] = known
        copy.asked = True
        try:
            found = obstore.get(self._store, key, options=cast("Any", options))
            body = _Body(found, lane, lambda: self._broke(copy), partial=bool(wanted))
        except PreconditionError:
            return None
        except (OSError, ValueError, BaseError) as error:
            _log.info("%s has no copy in the cloud: %s", key, type(error).__name__)
            self._refused(copy, missing=isinstance(error, FileNotFoundError))
            return None
        with self._lock:
            self._in_a_row = 0
            copy.etag = body.headers.get("ETag")
        raw = cast("RawAnswer", body)
        return Answer(raw, f"s3://{self.cloud.bucket}/{quote(key)}", lane, body.close)

    def _refused(self, copy: _Copy, *, missing: bool) -> None:
        with self._lock:
            copy.failures = _TRIES_OF_A_FILE
            self._in_a_row += not missing
            if self._in_a_row == _FAILURES_IN_A_ROW:
                _log.warning("the cloud does not answer; the rest comes from the archive %s", self._archive.name)

    def _broke(self, copy: _Copy) -> None:
        with self._lock:
            copy.failures += 1
            copy.asked = False

    def _key(self, copy: _Copy, ask: Callable[[str], bytes]) -> str | None:
        with self._asking:
            if not copy.looked_up:
                # lanes may come out of turn: the last ones are asked for together, none is left over alone
                at = min(self._waiting.index(copy), max(len(self._waiting) - _LOOKED_UP_TOGETHER, 0))
                together = self._waiting[at : at + _LOOKED_UP_TOGETHER]
                del self._waiting[at : at + _LOOKED_UP_TOGETHER]
                for each in together:
                    each.looked_up = True
                query = "&".join(f"uri={quote(each.uri, safe=':/')}" for each in together)
                try:
                    answer = orjson.loads(ask(f"{self._archive.url}/api/v0.1/path_lookup/?{query}"))
                    paths = {each.uri: answer[each.uri]["path"] for each in together if each.uri in answer}
                except (Unreachable, DownloadError, ValueError, KeyError, TypeError) as error:
                    _log.info("the archive %s does not say where copies are: %s", self._archive.name, error)
                    paths = {}
                for each in together:
                    path = paths.get(each.uri)
                    each.key = path.lstrip("/") or None if isinstance(path, str) else None
        return copy.key


class CloudLane(Lane):
    """A lane that asks for a file's cloud copy first, and the archive where there is none.

    Parameters
    ----------
    copies
        The cloud copies.
    authorization, connect_timeout, stall_timeout
        See `Lane`; only the archive is told who asks.
    """

    def __init__(
        self,
        copies: Copies,
        authorization: Callable[[str], Mapping[str, str]],
        *,
        connect_timeout: float,
        stall_timeout: float,
    ) -> None:
        super().__init__(authorization, connect_timeout=connect_timeout, stall_timeout=stall_timeout)
        self._copies = copies
        self.interrupted = False
        """Whether what is under way is to break."""

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask for a file; see `Lane.get`."""
        self.interrupted = False
        return self._copies.open(url, headers, self, self._read_archive) or super().get(url, headers)

    def interrupt(self) -> None:
        """Break what is under way; see `Lane.interrupt`."""
        self.interrupted = True  # a copy breaks at its next piece: obstore has no handle on its connections
        super().interrupt()

    def _read_archive(self, url: str) -> bytes:
        answer = super().get(url, {})
        if answer.status != 200:
            answer.drain()
            raise DownloadError(f"HTTP {answer.status}")
        text, buffer = bytearray(), memoryview(bytearray(65536))
        while (count := answer.readinto(buffer)) and len(text) <= _MOST_LOOKUP_BYTES:
            text += buffer[:count]
        answer.release()
        return bytes(text)


class _Body:
    """A copy as it comes, in the form that `Answer` reads: of `RawAnswer` what that needs."""

    will_close = False

    def __init__(self, found: Any, lane: CloudLane, failed: Callable[[], None], *, partial: bool) -> None:
        meta, (start, stop) = found.meta, found.range
        self.status = 206 if partial else 200
        self.length: int | None = stop - start
        fields = {
            "Content-Length": str(stop - start),
            "Content-Type": "application/octet-stream",
            "ETag": meta.get("e_tag") or "",
            "Last-Modified": format_datetime(meta["last_modified"], usegmt=True),
        }
        if partial:
            fields["Content-Range"] = f"bytes {start}-{stop - 1}/{meta['size']}"
        self.headers = Fields(fields)
        self.fp = self
        self._chunks = iter(found.stream(min_chunk_size=_CHUNK))
        self._rest = memoryview(b"")
        self._lane, self._failed = lane, failed

    def readinto1(self, buffer: memoryview) -> int:
        """Give what has come, at most a buffer full; 0 at the end."""
        from obstore.exceptions import BaseError

        self._lane.check()
        if self._lane.interrupted:
            raise ConnectionError("interrupted")
        if not self._rest:
            try:
                self._rest = memoryview(next(self._chunks, b""))
            except (OSError, BaseError) as error:
                self._failed()
                raise ConnectionError(f"the cloud: {type(error).__name__}") from error
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count

    def close(self) -> None:
        """Let go of it."""
        self._chunks, self._rest = iter(()), memoryview(b"")


def _store(cloud: Cloud, manners: Manners) -> Any:
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store
    except ImportError as error:
        raise QueryError(
            "cloud copies need the package obstore; install it with: pip install 'jwstmq_widgets[cloud]'", field="cloud"
        ) from error
    own: dict[str, Any] = {}
    if cloud.endpoint:
        if urlsplit(cloud.endpoint).scheme not in {"http", "https"}:
            raise QueryError(
                f"the cloud's endpoint {cloud.endpoint!r} is no address; give one like http://127.0.0.1:9000",
                field="cloud",
            )
        own = {"endpoint": cloud.endpoint, "virtual_hosted_style_request": False}
    try:
        return S3Store(
            cloud.bucket,
            region=cloud.region,
            skip_signature=True,  # public data need no account
            client_options={
                "allow_http": cloud.endpoint.startswith("http:"),
                "connect_timeout": timedelta(seconds=manners.connect_timeout),
                "read_timeout": timedelta(seconds=manners.stall_timeout),
                "timeout": timedelta(days=1),  # the default of 30 s is for a whole file
            },
            retry_config={
                "max_retries": 1,
                "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=1), "base": 2},
                "retry_timeout": timedelta(seconds=manners.connect_timeout),
            },
            **own,
        )
    except BaseError as error:
        raise QueryError(f"the cloud {cloud} cannot be used: {error}", field="cloud") from error
