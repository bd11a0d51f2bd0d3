"""Jobs as XML (UWS 1.1, appendix: the schema), in the spelling that TAP+ clients read."""

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from jwstmq_widgets.localarchive.protocols.uws import Job, instant
from jwstmq_widgets.localarchive.protocols.votable import safe_xml

__all__ = ["full_list", "job_document", "parameters_document", "results_document", "short_list"]

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
# astroquery's parsers know the elements by their prefix, not by their namespace: it has to be "uws".
_NAMESPACES = (
    'xmlns:uws="http://www.ivoa.net/xml/UWS/v1.0" xmlns:xlink="http://www.w3.org/1999/xlink" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" version="1.1"'
)


def job_document(job: Job, base: str) -> str:
    """Write a job; `base` is the address of the list of jobs, without a slash at its end."""
    return f"{_HEAD}{_job(job, base, _NAMESPACES)}\n"


def short_list(jobs: Iterable[Job], base: str) -> str:
    """Write the list of jobs, each with its phase (UWS 1.1, 2.2.2.1)."""
    entries = (
        f'<uws:jobref id="{job.job_id}" xlink:type="simple" xlink:href={quoteattr(f"{base}/{job.job_id}")}>'
        f"<uws:phase>{job.phase}</uws:phase>{_run_id(job)}{_owner(job)}"
        f"<uws:creationTime>{instant(job.created)}</uws:creationTime></uws:jobref>\n"
        for job in jobs
    )
    return f"{_HEAD}<uws:jobs {_NAMESPACES}>\n{''.join(entries)}</uws:jobs>\n"


def full_list(jobs: Iterable[Job], base: str) -> str:
    """Write whole jobs, as TAP+'s ``jobs/async`` does."""
    return f"{_HEAD}<uws:jobs {_NAMESPACES}>\n{''.join(_job(job, base) for job in jobs)}</uws:jobs>\n"


def parameters_document(job: Job) -> str:
    """Write a job's parameters."""
    return f"{_HEAD}{_parameters(job, _NAMESPACES)}\n"


def results_document(job: Job, base: str) -> str:
    """Write the list of a job's results."""
    return f"{_HEAD}{_results(job, base, _NAMESPACES)}\n"


def _job(job: Job, base: str, namespaces: str = "") -> str:
    def time(tag: str, when: str) -> str:
        return f"<uws:{tag}>{when}</uws:{tag}>" if when else f'<uws:{tag} xsi:nil="true"/>'

    error = ""
    if job.error:
        error = (
            '<uws:errorSummary type="fatal" hasDetail="true">'
            f"<uws:message>{safe_xml(job.error)}</uws:message></uws:errorSummary>\n"
        )
    return (
        f"<uws:job{' ' if namespaces else ''}{namespaces}>\n"
        f"<uws:jobId>{job.job_id}</uws:jobId>\n{_run_id(job)}{_owner(job)}"
        f"<uws:phase>{job.phase}</uws:phase>\n"
        '<uws:quote xsi:nil="true"/>\n'
        f"<uws:creationTime>{instant(job.created)}</uws:creationTime>\n"
        f"{time('startTime', instant(job.started) if job.started else '')}\n"
        f"{time('endTime', instant(job.ended) if job.ended else '')}\n"
        f"<uws:executionDuration>{job.duration:.0f}</uws:executionDuration>\n"
        f"{time('destruction', instant(job.destruction) if job.destruction else '')}\n"
        f"{_parameters(job)}\n{_results(job, base)}\n{error}"
        # TAP+'s name of a job is none of UWS's elements; jobInfo may hold any.
        f"<uws:jobInfo><uws:name>{safe_xml(job.name)}</uws:name></uws:jobInfo>\n"
        "</uws:job>\n"
    )


def _run_id(job: Job) -> str:
    return f"<uws:runId>{safe_xml(job.run_id)}</uws:runId>" if job.run_id else ""


def _owner(job: Job) -> str:
    return f"<uws:ownerId>{safe_xml(job.owner)}</uws:ownerId>" if job.owner else '<uws:ownerId xsi:nil="true"/>'


def _parameters(job: Job, namespaces: str = "") -> str:
    entries = "".join(
        f"<uws:parameter id={quoteattr(safe_xml(name))}>{safe_xml(value)}</uws:parameter>\n"
        for name, value in job.parameters.items()
    )
    return f"<uws:parameters{' ' if namespaces else ''}{namespaces}>\n{entries}</uws:parameters>"


def _results(job: Job, base: str, namespaces: str = "") -> str:
    entry = ""
    if job.result is not None:
        entry = (
            f'<uws:result id="result" xlink:type="simple" '
            f"xlink:href={quoteattr(f'{base}/{job.job_id}/results/result')} mime-type={quoteattr(job.media_type)}/>\n"
        )
    return f"<uws:results{' ' if namespaces else ''}{namespaces}>\n{entry}</uws:results>"
