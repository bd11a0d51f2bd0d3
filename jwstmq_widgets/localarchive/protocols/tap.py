"""A TAP service (TAP 1.1) with ESA's additions (TAP+): synchronous queries, and jobs."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from jwstmq_widgets.localarchive.adql import AdqlError
from jwstmq_widgets.localarchive.holdings.tapcatalogue import TapCatalogue
from jwstmq_widgets.localarchive.protocols.esaerrors import HttpProblem, html_error, votable_error
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, text_answer
from jwstmq_widgets.localarchive.protocols.tapparameters import (
    ASYNC_ROWS,
    SYNC_ROWS,
    Parameters,
    read_parameters,
    read_question,
    read_uploads,
)
from jwstmq_widgets.localarchive.protocols.uws import ACTIVE, LONGEST_DURATION, Job, Jobs, Written, instant
from jwstmq_widgets.localarchive.protocols.uwsxml import (
    full_list,
    job_document,
    parameters_document,
    results_document,
    short_list,
)
from jwstmq_widgets.localarchive.protocols.vosi import capabilities

__all__ = ["Tap"]

_SYNC_SECONDS = 60.0
_LONGEST_WAIT = 60.0
_PIECE = 1 << 18
_XML = "text/xml; charset=utf-8"
_KEPT = frozenset(
    {"request", "lang", "query", "format", "responseformat", "maxrec", "upload", "tapclient", "jobname", "runid"}
)


class Tap:
    """The queries and the jobs of a TAP service.

    Its methods raise `HttpProblem`, and what `Jobs` raises, for what is answered with an HTTP error.

    Parameters
    ----------
    catalogue
        What answers the queries.
    path
        Where the service is, such as ``/server/tap``.
    """

    def __init__(self, catalogue: TapCatalogue, *, path: str) -> None:
        self._catalogue = catalogue
        self._path = path
        self._jobs = Jobs(self._work)

    def close(self) -> None:
        """End all jobs."""
        self._jobs.close()

    def sync(self, asked: Asked) -> Answer:
        """Answer a query at once."""
        parameters = Parameters()
        try:
            parameters = read_parameters(asked)
            if parameters.first("request").lower() == "getcapabilities":
                return capabilities(asked)
            question = read_question(parameters.single())
            cancel = asked.gone or threading.Event()
            limit = threading.Timer(_SYNC_SECONDS, cancel.set)
            limit.daemon = True
            limit.start()
            try:
                result = self._catalogue.run(
                    question.query,
                    maxrec=SYNC_ROWS if question.maxrec is None else min(question.maxrec, SYNC_ROWS),
                    uploads=read_uploads(parameters),
                    cancel=cancel,
                )
            finally:
                limit.cancel()
        except (AdqlError, HttpProblem) as problem:
            return _problem(parameters, problem)
        if question.maxrec is None or question.maxrec > SYNC_ROWS:
            result = replace(result, overflow=False)
        body = b"".join(question.format.encode(result))
        return Answer(
            headers=_describe(
                question.format.media_type,
                zipped=question.format.zipped,
                name=f"{time.time_ns() // 1_000_000}O-result.{question.format.extension}",
            ),
            body=body,
            length=len(body),
            rows=len(result.rows),
            latency=asked.job_seconds,
        )

    def listed(self, asked: Asked) -> Answer:
        """Answer ``async``: make a job, or list them (with UWS 1.1's PHASE, AFTER and LAST)."""
        parameters = read_parameters(asked)
        if asked.method == "POST":
            return self._created(asked, parameters)
        jobs = self._jobs.of(_owner(asked))
        phases = {phase.upper() for phase in parameters.values.get("phase", []) if phase}
        if phases:
            jobs = [job for job in jobs if job.phase in phases]
        if after := parameters.first("after"):
            limit = _time(after, "AFTER")
            jobs = [job for job in jobs if job.created > limit]
        if last := parameters.first("last"):
            if not last.isdecimal() or int(last) < 1:
                raise HttpProblem(400, f"LAST={last[:100]} is no number of jobs")
            jobs = jobs[-int(last) :][::-1]
        return text_answer(short_list(jobs, self._base(asked)), media_type=_XML)

    def searched(self, asked: Asked) -> Answer:
        """Answer TAP+'s ``jobs/async``: whole jobs, filtered as astroquery's ``Filter`` asks."""
        wanted = {name: texts[0] for name, texts in read_parameters(asked).values.items() if texts[0]}
        jobs = [job for job in self._jobs.of(_owner(asked)) if _looked_for(job, wanted)]
        order = wanted.get("order", "").lower().replace("_desc", " desc").split()
        if order:
            jobs.sort(key=lambda job: (job.name if "name" in order[0] else "", job.created), reverse="desc" in order)
        try:
            offset, limit = int(wanted.get("offset", "0")), int(wanted.get("limit", "0"))
        except ValueError as err:
            raise HttpProblem(400, "offset and limit must be numbers") from err
        jobs = jobs[max(0, offset) :]
        return text_answer(full_list(jobs[:limit] if limit > 0 else jobs, self._base(asked)), media_type=_XML)

    def deleted(self, asked: Asked) -> Answer:
        """Answer TAP+'s ``deletejobs``: all of the jobs named in JOB_IDS, or none when one of them cannot be."""
        names = [name.strip() for name in read_parameters(asked).first("job_ids").split(",") if name.strip()]
        if not names:
            raise HttpProblem(400, "the parameter JOB_IDS is missing")
        for job in [self._job(asked, name) for name in dict.fromkeys(names)]:
            self._jobs.remove(job)
        return text_answer("")

    def job(self, asked: Asked, steps: list[str]) -> Answer:
        """Answer what is below a job's address.

        Parameters
        ----------
        asked
            The request.
        steps
            The parts of the path after ``async``: the job's id, and what of it.
        """
        job = self._job(asked, steps[0])
        if asked.method == "DELETE" and len(steps) == 1:
            self._jobs.remove(job)
            return _see_other(self._base(asked))
        if asked.method == "DELETE":
            raise HttpProblem(405, "only a whole job can be deleted", headers={"Allow": "GET, HEAD, POST"})
        parameters = read_parameters(asked)
        if asked.method == "POST":
            return self._changed(asked, job, steps[1:], parameters)
        return self._told(asked, job, steps[1:], parameters)

    def _created(self, asked: Asked, parameters: Parameters) -> Answer:
        single = parameters.single()
        phase = single.pop("phase", "").upper()
        try:
            _check_first_phase(phase)
            read_question(single, complete=phase == "RUN")
            uploads = read_uploads(parameters)
        except HttpProblem as problem:
            return _problem(parameters, problem)
        job = self._jobs.create(_owner(asked), _without_files(single, uploads), uploads=uploads)
        job.extra = asked.job_seconds
        if phase == "RUN":
            self._jobs.run(job)
        return _see_other(f"{self._base(asked)}/{job.job_id}")

    def _changed(self, asked: Asked, job: Job, steps: list[str], parameters: Parameters) -> Answer:
        here = f"{self._base(asked)}/{job.job_id}"
        match steps:
            case []:
                if parameters.first("action").upper() == "DELETE":
                    self._jobs.remove(job)
                    return _see_other(self._base(asked))
                self._set(asked, job, parameters)
                # UWS says 303 here; TAP+'s client takes nothing but 200.
                return text_answer(job_document(job, self._base(asked)), media_type=_XML)
            case ["phase"]:
                return self._phase(asked, job, parameters.first("phase"))
            case ["parameters"]:
                self._set(asked, job, parameters)
            case ["executionduration"]:
                text = parameters.first("executionduration")
                try:
                    seconds = float(text)
                except ValueError:
                    seconds = -1.0
                if not 0 <= seconds <= LONGEST_DURATION:
                    raise HttpProblem(
                        400, f"EXECUTIONDURATION={text[:100]} must be 0 to {LONGEST_DURATION:.0f} seconds"
                    )
                with self._jobs.changing(job, "PENDING"):
                    job.duration = seconds
            case ["destruction"]:
                when = _time(parameters.first("destruction"), "DESTRUCTION")
                with self._jobs.changing(job):
                    job.destruction = when
            case _:
                raise HttpProblem(404, f"a job has no {'/'.join(steps)[:100]!r} to change")
        return _see_other(here)

    def _set(self, asked: Asked, job: Job, parameters: Parameters) -> None:
        single = parameters.single()
        phase = single.pop("phase", "").upper()
        single.pop("action", None)
        merged = {**job.parameters, **single}
        read_question(merged, complete=False)
        uploads = read_uploads(parameters)
        with self._jobs.changing(job, "PENDING"):
            job.parameters = _without_files(merged, uploads)
            job.uploads.update(uploads)
            job.name, job.run_id = merged.get("jobname", job.name), merged.get("runid", job.run_id)
        if phase:
            self._phase(asked, job, phase)

    def _phase(self, asked: Asked, job: Job, phase: str) -> Answer:
        match phase.upper():
            case "RUN":
                if job.phase == "PENDING":
                    read_question(job.parameters)
                job.extra = job.extra or asked.job_seconds
                self._jobs.run(job)
                return _see_other(f"{self._base(asked)}/{job.job_id}")
            case "ABORT":
                self._jobs.abort(job)
                return text_answer(job_document(job, self._base(asked)), media_type=_XML)
            case _:
                raise HttpProblem(400, f"PHASE={phase[:100]} is unknown; there are RUN and ABORT")

    def _told(self, asked: Asked, job: Job, steps: list[str], parameters: Parameters) -> Answer:
        base = self._base(asked)
        if steps in ([], ["phase"]) and "wait" in parameters.values:
            waiting = _wait(asked, job, parameters)
            if waiting is not None:
                return waiting
        match steps:
            case []:
                return text_answer(job_document(job, base), media_type=_XML)
            case ["phase"]:
                return text_answer(job.phase)
            case ["executionduration"]:
                return text_answer(f"{job.duration:.0f}")
            case ["destruction"]:
                return text_answer(instant(job.destruction) if job.destruction else "")
            case ["quote"]:
                return text_answer("")
            case ["owner"]:
                return text_answer(job.owner)
            case ["parameters"]:
                return text_answer(parameters_document(job), media_type=_XML)
            case ["results"]:
                return text_answer(results_document(job, base), media_type=_XML)
            case ["results", "result"]:
                return _result(job)
            case ["error"]:
                if not job.error:
                    raise HttpProblem(404, f"the job {job.job_id} is {job.phase}: it has no error")
                return votable_error(200, job.error)
            case _:
                raise HttpProblem(404, f"a job has no {'/'.join(steps)[:100]!r}")

    def _job(self, asked: Asked, name: str) -> Job:
        return self._jobs.get(name, _owner(asked))

    def _base(self, asked: Asked) -> str:
        return f"{asked.url}{self._path}/async"

    def _work(self, job: Job, path: Path) -> Written:
        try:
            question = read_question(job.parameters)
        except HttpProblem as problem:
            raise AdqlError(str(problem)) from problem
        result = self._catalogue.run(
            question.query,
            maxrec=ASYNC_ROWS if question.maxrec is None else min(question.maxrec, ASYNC_ROWS),
            uploads=job.uploads,
            cancel=job.cancel,
        )
        with path.open("wb") as file:
            for piece in question.format.encode(result):
                if job.cancel.is_set():
                    raise AdqlError("aborted")
                file.write(piece)
        written = question.format
        return Written(
            media_type=written.media_type,
            zipped=written.zipped,
            file_name=f"{job.job_id.removesuffix('I')}O-result.{written.extension}",
        )


def _owner(asked: Asked) -> str:
    return "" if asked.account.anonymous else asked.account.ezid


def _problem(parameters: Parameters, problem: Exception) -> Answer:
    """Say what is wrong with a query: as ESA's page to TAP+ clients, who say their name, and as a VOTable to others."""
    status = problem.status if isinstance(problem, HttpProblem) else 400
    if parameters.first("tapclient"):
        return html_error(status, str(problem))
    return votable_error(status, str(problem))


def _check_first_phase(phase: str) -> None:
    if phase not in {"", "RUN"}:
        raise HttpProblem(400, f"PHASE={phase[:100]} is unknown; a new job may be told to RUN")


def _see_other(where: str) -> Answer:
    return text_answer("", status=303, headers={"Location": where})


def _describe(media_type: str, *, zipped: bool, name: str) -> dict[str, str]:
    headers = {"Content-Type": media_type, "Content-Disposition": f'attachment; filename="{name}"'}
    return {**headers, "Content-Encoding": "gzip"} if zipped else headers


def _without_files(parameters: dict[str, str], uploads: object) -> dict[str, str]:
    """Keep what was asked, without the tables themselves where they came as plain parameters."""
    return {name: value for name, value in parameters.items() if name in _KEPT or not uploads}


def _wait(asked: Asked, job: Job, parameters: Parameters) -> Answer | None:
    """Wait for the job's next phase (UWS 1.1, 2.2.1.1); None when there is nothing to wait for."""
    text, phase, moved = parameters.first("wait"), job.phase, job.moved
    try:
        seconds = float(text)
    except ValueError as err:
        raise HttpProblem(400, f"WAIT={text[:100]} is no number of seconds") from err
    expected = parameters.first("phase", phase).upper()
    if asked.waited or seconds == 0 or phase not in ACTIVE or phase != expected:
        return None
    return Answer(waiting=moved, patience=_LONGEST_WAIT if not 0 <= seconds <= _LONGEST_WAIT else seconds)


def _time(text: str, name: str) -> datetime:
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError as err:
        raise HttpProblem(400, f"{name}={text[:100]} is no time such as 2026-01-31T12:00:00Z") from err
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _looked_for(job: Job, wanted: dict[str, str]) -> bool:
    """Tell whether a job is looked for; the names are those of astroquery's ``tap.model.filter``."""
    return (
        wanted.get("jobid", job.job_id) == job.job_id
        and wanted.get("name", job.name) == job.name
        and wanted.get("jobname", job.name) == job.name
        and wanted.get("phaseid", job.phase).upper() == job.phase
        and wanted.get("query", "").lower() in job.parameters.get("query", "").lower()
        and _between(job.started, wanted, "start_time")
        and _between(job.ended, wanted, "end_time")
    )


def _between(when: datetime | None, wanted: dict[str, str], name: str) -> bool:
    low, high = wanted.get(f"{name}_init", ""), wanted.get(f"{name}_limit", "")
    if not low and not high:
        return True
    return (
        when is not None
        and (not low or when >= _time(low, f"{name}_init"))
        and (not high or when <= _time(high, f"{name}_limit"))
    )


def _result(job: Job) -> Answer:
    path = job.result
    if path is None:
        if job.error:
            raise HttpProblem(400, job.error)
        raise HttpProblem(404, f"the job {job.job_id} is {job.phase}: it has no result")

    def pieces() -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece

    return Answer(
        headers=_describe(job.media_type, zipped=job.zipped, name=job.file_name),
        stream=pieces,
        length=path.stat().st_size,
    )
