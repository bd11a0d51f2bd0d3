"""The parameters of a TAP request (DALI 1.1, section 2; TAP 1.1, section 2.7), and what they ask for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from tornado.httputil import HTTPFile, HTTPInputError, parse_body_arguments

from jwstmq_widgets.localarchive.holdings.taptables import Upload
from jwstmq_widgets.localarchive.protocols.esaerrors import HttpProblem
from jwstmq_widgets.localarchive.protocols.exchange import Asked
from jwstmq_widgets.localarchive.protocols.tableformats import TableFormat, table_format
from jwstmq_widgets.localarchive.protocols.uploads import UploadProblem, read_upload, upload_names

__all__ = [
    "ASYNC_ROWS",
    "LONGEST_QUERY",
    "SYNC_ROWS",
    "Parameters",
    "Question",
    "read_parameters",
    "read_question",
    "read_uploads",
]

LONGEST_QUERY = 1_000_000
"""Characters of a query at most."""
SYNC_ROWS = 2000
"""Rows of a synchronous answer at most; ESA's archive leaves the others out without a word."""
ASYNC_ROWS = 3_000_000
"""Rows of a job's answer at most."""
_LANGUAGES = frozenset({"adql", "adql-2.0", "adql-2.1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What came in the address and in the body. Names do not tell case apart."""

    values: Mapping[str, list[str]] = field(default_factory=dict)
    """By lower-case name."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Parts of a multipart body that are files, by name as sent."""

    def first(self, name: str, default: str = "") -> str:
        """Give the first value of a parameter, by its lower-case name."""
        return self.values.get(name, [default])[0]

    def single(self) -> dict[str, str]:
        """Give each parameter's first value; of UPLOAD all."""
        return {name: ";".join(texts) if name == "upload" else texts[0] for name, texts in self.values.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a TAP request asks."""

    query: str
    """In ADQL."""
    format: TableFormat
    """How the answer is to be written."""
    maxrec: int | None = None
    """Rows at most, as the client says; None when it does not."""


def read_parameters(asked: Asked) -> Parameters:
    """Read the parameters of a request.

    Raises
    ------
    HttpProblem
        If the body is none that can be read.
    """
    values: dict[str, list[str]] = {}
    files: dict[str, bytes] = {}
    for name, texts in asked.query.items():
        values.setdefault(name.lower(), []).extend(texts)
    kind = asked.headers.get("Content-Type", "application/x-www-form-urlencoded")
    try:
        if kind.lower().startswith("multipart/form-data"):
            arguments: dict[str, list[bytes]] = {}
            parts: dict[str, list[HTTPFile]] = {}
            parse_body_arguments(kind, asked.body, arguments, parts)
            for name, contents in arguments.items():
                values.setdefault(name.lower(), []).extend(content.decode() for content in contents)
            files = {name: found[0].body for name, found in parts.items()}
        else:
            for name, texts in parse_qs(asked.body.decode(), keep_blank_values=True).items():
                values.setdefault(name.lower(), []).extend(texts)
    except UnicodeDecodeError as err:
        raise HttpProblem(400, "the parameters are not UTF-8") from err
    except (HTTPInputError, ValueError) as err:
        raise HttpProblem(400, f"the body cannot be read: {err}") from err
    return Parameters(values=values, files=files)


def read_question(parameters: Mapping[str, str], *, complete: bool = True) -> Question:
    """Check what is asked.

    Parameters
    ----------
    parameters
        Values by lower-case name.
    complete
        False for a job that is still being made: what is missing may follow.

    Raises
    ------
    HttpProblem
        If a parameter is missing, or says what this service does not know.
    """
    request = parameters.get("request", "doQuery")
    if request.lower() != "doquery":
        raise HttpProblem(400, f"REQUEST={request[:100]} is unknown; there is doQuery")
    language = parameters.get("lang", "")
    if not language and complete:
        raise HttpProblem(400, "the parameter LANG is missing; LANG=ADQL says it")
    if language and language.lower() not in _LANGUAGES:
        raise HttpProblem(400, f"LANG={language[:100]} is unknown; there are ADQL, ADQL-2.0 and ADQL-2.1")
    query = parameters.get("query", "")
    if not query.strip() and complete:
        raise HttpProblem(400, "the parameter QUERY is missing")
    if len(query) > LONGEST_QUERY:
        raise HttpProblem(
            400,
            f"the query has {len(query):,} characters; at most {LONGEST_QUERY:,}. UPLOAD takes long lists as tables",
        )
    try:
        written = table_format(parameters.get("responseformat") or parameters.get("format") or "votable_plain")
    except ValueError as err:
        raise HttpProblem(400, f"FORMAT: {err}") from err
    return Question(query=query, format=written, maxrec=_maxrec(parameters.get("maxrec", "")))


def _maxrec(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isascii() or not text.strip().isdecimal() or len(text) > 18:
        raise HttpProblem(400, f"MAXREC={text[:100]} is no number of rows")
    return int(text)


def read_uploads(parameters: Parameters) -> dict[str, Upload]:
    """Read the tables that came with a request, by their names.

    Raises
    ------
    HttpProblem
        If one cannot be taken.
    """
    try:
        names = upload_names(parameters.values.get("upload", []))
        return {name: read_upload(name, _part(parameters, name, part)) for name, part in names.items()}
    except UploadProblem as problem:
        raise HttpProblem(400, str(problem)) from problem


def _part(parameters: Parameters, name: str, part: str) -> bytes:
    if part in parameters.files:
        return parameters.files[part]
    if part.lower() in parameters.values:  # a part without a file name
        return parameters.values[part.lower()][0].encode()
    raise UploadProblem(f"UPLOAD: the table {name!r} should be in the part {part[:100]!r}, which did not come")
