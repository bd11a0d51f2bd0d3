"""How ESA's services say that something is wrong."""

from collections.abc import Mapping

from jwstmq_widgets.localarchive.protocols.exchange import Answer, text_answer
from jwstmq_widgets.localarchive.protocols.votable import error_votable, safe_xml

__all__ = ["HttpProblem", "html_error", "votable_error"]


class HttpProblem(Exception):
    """A request that is answered with an HTTP error.

    Parameters
    ----------
    status
        HTTP status.
    message
        For whoever asked.
    headers
        Header fields of the answer.
    """

    def __init__(self, status: int, message: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = dict(headers or {})


def html_error(status: int, message: str, *, headers: Mapping[str, str] | None = None) -> Answer:
    """Answer with the page of ESA's servers; its ``Message`` line is where astroquery looks."""
    page = (
        '<!DOCTYPE html>\n<html>\n<head><title>Error</title><meta charset="utf-8"></head>\n<body>\n'
        f"<h1>Error {status}</h1>\n<ul>\n<li><b>Type: </b>transient</li>\n"
        f"<li><b>Message: </b>{safe_xml(message)}</li>\n</ul>\n</body>\n</html>\n"
    )
    return text_answer(page, status=status, media_type="text/html; charset=utf-8", headers=headers)


def votable_error(status: int, message: str) -> Answer:
    """Answer with a VOTable that says ERROR (TAP 1.1, section 3.3)."""
    body = error_votable(message)
    return Answer(status=status, headers={"Content-Type": "application/x-votable+xml"}, body=body, length=len(body))
