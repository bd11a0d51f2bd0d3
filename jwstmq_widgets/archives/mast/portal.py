"""The words of MAST's portal: its requests and its answers, as values."""

import json
import operator
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import orjson

from jwstmq_widgets.archives.host import Host

__all__ = [
    "Columns",
    "Page",
    "invoke_body",
    "joined",
    "read_page",
]

Columns = dict[str, list[Any]]
"""An answer by column."""

_PAGE_SIZE = 50000


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of an answer."""

    columns: Columns
    """The rows, by column."""
    page: int
    """Its number, from 1."""
    pages: int
    """How many there are."""
    executing: bool = False
    """True when the archive is still working, and there are no rows yet."""


def invoke_body(service: str, params: Mapping[str, Any], *, page: int = 1) -> bytes:
    """Write a request for the portal.

    Parameters
    ----------
    service
        Such as ``Mast.Caom.Products``.
    params
        Its parameters.
    page
        Which page of the answer, from 1.

    Returns
    -------
    bytes
        The body, for ``application/x-www-form-urlencoded``.
    """
    request = {
        "service": service,
        "params": dict(params),
        "format": "json",
        "pagesize": _PAGE_SIZE,
        "page": page,
        "cacheBreaker": str(uuid.uuid4()),
    }
    return f"request={quote(json.dumps(request))}".encode("ascii")


def read_page(body: bytes, *, host: Host) -> Page:
    """Read one page of the portal's answer, column by column.

    Parameters
    ----------
    body
        The answer.
    host
        The archive, for the errors.

    Returns
    -------
    Page

    Raises
    ------
    Unreadable
        If it is not such an answer.
    Refused
        If it is the portal's ERROR.
    """
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        kind = "a web page" if body.lstrip()[:1] == b"<" else "not whole JSON"
        raise host.unreadable(f"it is {kind}") from error
    if not isinstance(answer, dict) or "status" not in answer:
        raise host.unreadable("it has no status")
    if answer["status"] == "EXECUTING":
        return Page(columns={}, page=1, pages=1, executing=True)
    if answer["status"] != "COMPLETE":
        raise host.refused(200, says=str(answer.get("msg") or answer["status"]))
    rows, fields, paging = answer.get("data"), answer.get("fields"), answer.get("paging") or {}
    if not isinstance(rows, list) or not isinstance(fields, list) or not isinstance(paging, dict):
        raise host.unreadable("it has no rows")
    try:
        names = [str(field["name"]) for field in fields]
        columns = _by_column(rows, names)
        page, pages = int(paging.get("page") or 1), int(paging.get("pagesFiltered") or 1)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise host.unreadable("its rows do not fit its columns") from error
    columns.pop("_selected_", None)
    return Page(columns=columns, page=page, pages=pages)


def joined(parts: Iterable[Columns]) -> Columns:
    """Put answers one below the other; a column that one of them lacks is None there.

    Parameters
    ----------
    parts
        Answers by column.

    Returns
    -------
    dict
    """
    whole: Columns = {}
    rows = 0
    for part in parts:
        more = max((len(values) for values in part.values()), default=0)
        for name, values in part.items():
            whole.setdefault(name, [None] * rows).extend(values)
        rows += more
        for name in whole.keys() - part.keys():
            whole[name].extend([None] * more)
    return whole


def _by_column(rows: list[Any], names: list[str]) -> Columns:
    if not rows:
        return {name: [] for name in names}
    if isinstance(rows[0], list):
        if any(len(row) != len(names) for row in rows):
            raise ValueError("a row has another length than the list of columns")
        return dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    if len(names) == 1:
        return {names[0]: [row.get(names[0]) for row in rows]}
    try:
        take = operator.itemgetter(*names)
        return dict(zip(names, map(list, zip(*map(take, rows), strict=True)), strict=True))
    except KeyError:  # rows that leave out what they have no value for
        return {name: [row.get(name) for row in rows] for name in names}
