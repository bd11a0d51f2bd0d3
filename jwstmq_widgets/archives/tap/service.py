"""A TAP+ service, asked: at once where the answer is small, by a job where it is not.

The requests are those of IVOA's TAP 1.1 and UWS 1.1 with what ESA adds (``deletejobs``), sent on our own connections:
astroquery's TapPlus has no time-outs, takes cookies along and cannot be broken off, and pyvo's session follows
redirects. Importing ``astroquery.esa.jwst`` would ask ESA for its messages and let every tar file of the process be
unpacked unchecked, so nothing here imports it.

A job is removed when its answer is here, and when it is not wanted any more; only one that somebody named stays.
"""

import atexit
import contextlib
import io
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlencode, urlsplit

from astropy.table import Table
from urllib3.filepost import encode_multipart_formdata

from jwstmq_widgets.archives.connections import Connections, Reply
from jwstmq_widgets.archives.host import Host, retry_after
from jwstmq_widgets.archives.parallel import Manners, Stop, Waiting, gather
from jwstmq_widgets.archives.tap.adqltext import ADQL, column
from jwstmq_widgets.archives.tap.answers import TapJob, error_text, read_job, read_jobs, unpacked
from jwstmq_widgets.errors import ArchiveError, Cancelled, QueryError, Refused

__all__ = ["SYNC_ROWS", "TapService", "Uploads"]

SYNC_ROWS = 2000
"""Rows that ESA gives at once, without saying when there would be more."""

Uploads = Mapping[str, Table]
"""Tables that go along, by the name after ``tap_upload.``."""

_GONE = 404
_REMOVAL = 5.0  # seconds for the request that removes a job
_ID = re.compile(r"[A-Za-z0-9._~-]{1,128}")
_WORKING = frozenset({"PENDING", "QUEUED", "EXECUTING", "RUN", "HELD", "SUSPENDED", "UNKNOWN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TapService:
    """A TAP+ service, asked over given connections."""

    host: Host
    """The archive."""
    headers: Callable[[str], Mapping[str, str]]
    """Gives the header fields that say who asks, for an address."""
    manners: Manners
    """Time-outs, and how often a job is looked at."""

    def at_once(self, adql: ADQL, connections: Connections, *, form: str, uploads: Uploads | None = None) -> bytes:
        """Ask, and wait for the answer.

        Parameters
        ----------
        adql
            The query.
        connections
            Where to send it.
        form
            ``"csv"`` or ``"votable"``.
        uploads
            Tables that go along.

        Returns
        -------
        bytes
            The answer; of more than `SYNC_ROWS` rows only some.

        Raises
        ------
        ArchiveError
            If asking failed; with status 400 if the query is at fault.
        """
        body, kind = _request(adql, form=form, uploads=uploads)
        return self._good(self._send(connections, "POST", "/tap/sync", body, kind))

    def as_job(
        self,
        adql: ADQL,
        connections: Connections,
        stop: Stop,
        *,
        form: str,
        uploads: Uploads | None = None,
        name: str = "",
        keep: bool = False,
        phase: Callable[[str], None] | None = None,
    ) -> tuple[bytes, str]:
        """Ask by a job, and wait for the answer.

        Parameters
        ----------
        adql, connections, form, uploads
            See `at_once`.
        stop
            Ends the waiting.
        name
            What the job is called.
        keep
            Whether it stays when it is done; when the waiting ends early it never does.
        phase
            Told the phase of the job; runs on this thread.

        Returns
        -------
        tuple
            The answer, and the job's key.

        Raises
        ------
        ArchiveError
            If asking failed; with status 400 if the job ended in an error.
        Cancelled
            If the work was to end.
        """
        job = self.submit(adql, form=form, uploads=uploads, name=name)
        _under_way[job] = self
        done = False
        try:
            body = self.result(job, connections, stop, phase=phase)
            done = True
            return body, job
        finally:
            if done and keep:
                _under_way.pop(job, None)
            else:
                self.remove_later([job])

    def submit(self, adql: ADQL, *, form: str = "votable", uploads: Uploads | None = None, name: str = "") -> str:
        """Start a job.

        Its connection is its own, which `Connections.abort` does not break: otherwise nobody would know the key of a
        job that was just made, and it would stay.

        Parameters
        ----------
        adql, form, uploads, name
            See `as_job`.

        Returns
        -------
        str
            Its key.

        Raises
        ------
        ArchiveError
            If asking failed; with status 400 if the query is at fault.
        """
        body, kind = _request(adql, form=form, uploads=uploads, more={"jobname": name} if name else {})
        with Connections(self.host, most=1) as connections:
            reply = self._send(connections, "POST", "/tap/async", body, kind)
        if reply.status not in (302, 303):
            self._good(reply)
            raise self.host.unreadable("it does not say where the job is")
        location = reply.headers.get("Location", "")
        parts = urlsplit(location)
        there = f"{parts.scheme}://{parts.netloc}"
        # behind a proxy a service may call its own address http: the key is taken, the address never followed
        if parts.netloc and not self.host.owns(there) and parts.hostname != urlsplit(self.host.url).hostname:
            raise self.host.elsewhere(reply.status, location)
        return _key(unquote(parts.path.rstrip("/").rpartition("/")[2]), self.host)

    def result(
        self, job: str, connections: Connections, stop: Stop, *, phase: Callable[[str], None] | None = None
    ) -> bytes:
        """Wait for a job and give its answer.

        Parameters
        ----------
        job
            Its key.
        connections, stop, phase
            See `as_job`.

        Returns
        -------
        bytes
            The answer, in the form that was asked for.

        Raises
        ------
        ArchiveError
            If asking failed; with status 400 if the job ended in an error or was aborted.
        Cancelled
            If the work was to end.
        """
        path = f"/tap/async/{_key(job, self.host)}"
        waiting = Waiting(self.host, self.manners, stop)
        while True:
            answer = self._good(self._send(connections, "GET", f"{path}/phase"), accept="text/plain")
            state = answer.decode("ascii", "replace").strip().upper()
            if phase is not None:
                phase(state if state in _WORKING | {"COMPLETED", "ERROR", "ABORTED"} else "UNKNOWN")
            if state == "COMPLETED":
                return self._good(self._send(connections, "GET", f"{path}/results/result"))
            if state == "ERROR":
                reply = self._send(connections, "GET", f"{path}/error")
                says = error_text(unpacked(reply.body, host=self.host)) or "the job failed, and it does not say why"
                raise self.host.refused(400, says=says)
            if state == "ABORTED":
                raise self.host.refused(400, says="the job was aborted")
            if state not in _WORKING:
                raise self.host.unreadable("it is not the phase of a job")
            waiting.pause()

    def jobs(self, connections: Connections) -> tuple[TapJob, ...]:
        """List the jobs that the service keeps for us."""
        return read_jobs(self._good(self._send(connections, "GET", "/tap/async")), host=self.host)

    def job(self, job: str, connections: Connections) -> TapJob:
        """Tell about one job."""
        path = f"/tap/async/{_key(job, self.host)}"
        return read_job(self._good(self._send(connections, "GET", path)), host=self.host)

    def described(self, jobs: Sequence[TapJob], *, cancel: threading.Event | None = None) -> list[TapJob]:
        """Ask about those of a list of jobs whose query it leaves out; without those that are gone meanwhile."""

        def tell(batch: Sequence[TapJob], _: Stop) -> list[TapJob]:
            return [told for job in batch if (told := job if job.query else whole(job)) is not None]

        def whole(job: TapJob) -> TapJob | None:
            try:
                return self.job(job.id, connections)
            except Refused as error:
                if error.status != _GONE:
                    raise
                return None

        with Connections(self.host, most=self.manners.connections) as connections:
            several = gather(tell, jobs, manners=self.manners, cancel=cancel, abort=connections.abort)
        return [job for batch in several for job in batch]

    def remove(self, jobs: list[str], connections: Connections) -> None:
        """Remove jobs, with their answers."""
        body = urlencode({"JOB_IDS": ",".join(_key(job, self.host) for job in jobs)}).encode()
        self._good(self._send(connections, "POST", "/tap/deletejobs", body, timeout=_REMOVAL))

    def remove_later(self, jobs: list[str]) -> None:
        """Remove jobs without waiting for it; whoever cancels need not."""

        def work() -> None:
            self.remove_now(jobs)
            for job in jobs:
                _under_way.pop(job, None)

        threading.Thread(target=work, name="tap-removal", daemon=True).start()

    def remove_now(self, jobs: list[str]) -> None:
        """Remove jobs, or not: what stays, the service drops in time."""
        with contextlib.suppress(ArchiveError, Cancelled), Connections(self.host, most=1) as connections:
            self.remove(jobs, connections)

    def tables(self, connections: Connections) -> bytes:
        """Ask for the tables and columns, as VOSI."""
        return self._good(self._send(connections, "GET", "/tap/tables"))

    def messages(self, connections: Connections) -> bytes:
        """Ask for the messages of the archive to its users."""
        return self._good(
            self._send(connections, "GET", "/tap/notification?action=GetNotifications"), accept="text/plain"
        )

    def _send(
        self,
        connections: Connections,
        method: str,
        path: str,
        body: bytes | None = None,
        kind: str = "application/x-www-form-urlencoded",
        timeout: float | None = None,
    ) -> Reply:
        url = f"{self.host.url}{path}"
        headers = {"Accept": "*/*", "Accept-Encoding": "gzip", **self.headers(url)}
        if body is not None:
            headers["Content-Type"] = kind
        return connections.exchange(method, url, body=body, headers=headers, timeout=timeout or self.manners.timeout)

    def _good(self, reply: Reply, *, accept: str = "") -> bytes:
        if 300 <= reply.status < 400:
            raise self.host.elsewhere(reply.status, reply.headers.get("Location", ""))
        wait = retry_after(reply.headers)
        if reply.status != 200:
            says = error_text(unpacked(reply.body, host=self.host)) if reply.status in (400, 404, 500) else ""
            raise self.host.refused(reply.status, wait=wait, says=says)
        if accept and reply.body.lstrip()[:1] == b"<":
            raise self.host.unreadable("it is a web page, not a text")
        return reply.body


_under_way: dict[str, TapService] = {}
"""Jobs that are still to be removed."""


@atexit.register
def _remove_what_is_left() -> None:
    """Remove jobs of a program that ends, as one does that was cancelled; its threads end with it."""
    removals = [
        threading.Thread(target=service.remove_now, args=([job],), daemon=True)
        for job, service in list(_under_way.items())
    ]
    for removal in removals:
        removal.start()
    until = time.monotonic() + _REMOVAL
    for removal in removals:
        removal.join(max(0.0, until - time.monotonic()))


def _request(
    adql: ADQL, *, form: str, uploads: Uploads | None, more: Mapping[str, str] | None = None
) -> tuple[bytes, str]:
    fields = {
        "REQUEST": "doQuery",
        "LANG": "ADQL",
        "FORMAT": form,
        "PHASE": "RUN",
        "QUERY": adql,
        **(more or {}),
    }
    if not uploads:
        return urlencode(fields).encode(), "application/x-www-form-urlencoded"
    parts: dict[str, str | tuple[str, bytes, str]] = dict(fields)
    names = []
    for name, table in uploads.items():
        if column(name) != name:
            raise QueryError(
                f"'{name}' cannot be the name of an upload; use letters, digits and '_', such as 'targets'",
                field="uploads",
            )
        names.append(f"{name},param:{name}")
        parts[name] = (f"{name}.vot", _votable(table, name), "application/x-votable+xml")
    parts["UPLOAD"] = ";".join(names)
    return encode_multipart_formdata(parts)


def _votable(table: Table, name: str) -> bytes:
    file = io.BytesIO()
    try:
        plain = Table(table, copy=False)
        plain.meta = {}
        plain.write(file, format="votable", tabledata_format="tabledata")
    except (ValueError, TypeError, AttributeError) as error:
        raise QueryError(
            f"the table '{name}' cannot be uploaded: {error}; keep columns of numbers, texts and truth values",
            field="uploads",
        ) from error
    return file.getvalue()


def _key(job: str, host: Host) -> str:
    if not _ID.fullmatch(job) or job in {".", ".."}:
        raise host.unreadable("it does not name a job")
    return job
