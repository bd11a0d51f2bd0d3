"""The name resolver: where a target is."""

from threading import Event
from urllib.parse import quote

from jwstmq_widgets.archives.connections import Connections
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.parallel import Manners, gather
from jwstmq_widgets.archives.portal import read_resolved
from jwstmq_widgets.errors import QueryError

__all__ = ["resolve_target"]

_PATH = "/Santa-war/query"
_LONGEST_WAIT = 30.0


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
        ``"NED"`` or ``"SIMBAD"``; "" for the archive's choice.
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
    host = Host.at(archive.resolver.removesuffix(_PATH), name=archive.name)
    connections = Connections(host, most=1)
    url = f"{archive.resolver}?name={quote(target, safe='')}&outputFormat=json&resolveAll=False"
    if resolver:
        url += f"&resolver={quote(resolver, safe='')}"

    def ask(_: object, __: object) -> tuple[float, float] | None:
        body = connections.request("GET", url, timeout=min(_LONGEST_WAIT, manners.timeout))
        return read_resolved(body, host=host)

    try:
        [place] = gather(ask, (None,), manners=manners, cancel=cancel, abort=connections.abort)
    finally:
        connections.close()
    if place is None:
        raise QueryError(
            f"the target '{target}' is not known to the resolver{' ' * bool(resolver)}{resolver}; "
            "try another spelling, or give coordinates",
            field="target",
        )
    return place
