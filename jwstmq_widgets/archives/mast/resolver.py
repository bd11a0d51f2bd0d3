"""The name resolvers: where a target is."""

import re
from threading import Event
from urllib.parse import quote, urlsplit

import orjson

from jwstmq_widgets.archives.archive import Archive
from jwstmq_widgets.archives.connections import Connections
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.parallel import Manners, Stop, ask_one
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query import Query

__all__ = ["place_of", "read_resolved", "resolve_target"]

_LONGEST_WAIT = 30.0
# What Sesame says where it is: https://cds.unistra.fr/cgi-bin/Sesame, plain text, the line that astropy reads too.
_PLACE = re.compile(r"^%J\s+(\d{1,3}(?:\.\d+)?)\s+([+-]?\d{1,2}(?:\.\d+)?)", re.MULTILINE)


def resolve_target(
    archive: Host, target: str, *, resolver: str, manners: Manners, cancel: Event | None
) -> tuple[float, float]:
    """Ask where a target is.

    Parameters
    ----------
    archive
        The archive whose resolver is asked.
    target
        The target's name.
    resolver
        ``"NED"``, ``"SIMBAD"`` or ``"VIZIER"``, for which CDS's Sesame is asked; "" for the archive's choice.
    manners
        How hard to ask.
    cancel
        Set to stop.

    Returns
    -------
    tuple
        Right ascension and declination (deg, ICRS).

    Raises
    ------
    QueryError
        If the name is unknown.
    ArchiveError
        If asking failed.
    """
    # astroquery asks a fixed host without TLS or time-out; the same question is put here to the archive's own.
    if resolver == "VIZIER":
        url, read = f"{archive.sesame}/V?{quote(target, safe='')}", _read_sesame
    else:
        url = f"{archive.resolver}?name={quote(target, safe='')}&outputFormat=json&resolveAll=False"
        url += f"&resolver={quote(resolver, safe='')}" if resolver else ""
        read = read_resolved
    parts = urlsplit(url)
    host = Host.at(f"{parts.scheme}://{parts.netloc}", name=archive.name if resolver != "VIZIER" else "CDS Sesame")

    def ask(_: Stop) -> tuple[float, float] | None:
        body = connections.request("GET", url, timeout=min(_LONGEST_WAIT, manners.timeout))
        return read(body, host=host)

    with Connections(host, most=1) as connections:
        place = ask_one(ask, manners=manners, cancel=cancel, abort=connections.abort)
    if place is None:
        raise QueryError(
            f"the target '{target}' is not known to the resolver{' ' * bool(resolver)}{resolver}; "
            "try another spelling, or give coordinates",
            field="target",
        )
    return place


def place_of(archive: Archive, query: Query, *, cancel: Event | None = None) -> tuple[float, float] | None:
    """Give the place that a question asks about (deg, ICRS); None for the whole sky.

    Raises
    ------
    QueryError
        If its target is unknown.
    ArchiveError
        If asking for the target failed.
    """
    if query.target:
        return archive.resolve(query.target, resolver=query.resolver, cancel=cancel)
    return query.coordinates


def read_resolved(body: bytes, *, host: Host) -> tuple[float, float] | None:
    """Read the name resolver's answer.

    Parameters
    ----------
    body
        The answer.
    host
        The resolver, for the errors.

    Returns
    -------
    tuple or None
        Right ascension and declination (deg, ICRS) of the first match; None when the name is unknown.

    Raises
    ------
    Unreadable
        If it is not such an answer.
    """
    try:
        matches = orjson.loads(body)["resolvedCoordinate"]
        return (float(matches[0]["ra"]), float(matches[0]["decl"])) if matches else None
    except (orjson.JSONDecodeError, LookupError, TypeError, ValueError) as error:
        raise host.unreadable("it is not a name resolver's") from error


def _read_sesame(body: bytes, *, host: Host) -> tuple[float, float] | None:
    """Read Sesame's answer: every one begins with "#", and only one with a place has a line "%J"."""
    text = body.decode(errors="replace")
    if not text.lstrip().startswith("#"):
        raise host.unreadable("it is not a name resolver's")
    found = _PLACE.search(text)
    return (float(found[1]), float(found[2])) if found else None
