"""The name resolver's protocol (STScI's SANTA)."""

from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, json_answer

__all__ = ["resolve"]

_RESOLVERS = ("SIMBAD", "NED")


def resolve(asked: Asked, holdings: Holdings) -> Answer:
    """Answer ``/Santa-war/query?name=...&outputFormat=json&resolveAll=False``.

    Names of the held programs' targets, and their other names, are known; for an unknown one there is no entry.
    """
    everyone = asked.first("resolveAll").lower() == "true"
    chosen = asked.first("resolver").upper()
    resolvers = _RESOLVERS if everyone else (chosen if chosen in _RESOLVERS else _RESOLVERS[0],)
    found = [
        {
            "searchString": name.lower(),
            "resolver": resolver,
            "cached": True,
            "resolverTime": 1,
            "searchRadius": -1.0,
            "canonicalName": canonical,
            "ra": ra,
            "decl": dec,
            "objectType": kind,
        }
        for name in asked.query.get("name", [])
        for canonical, ra, dec, kind in holdings.resolve(name)[:1]
        for resolver in resolvers
    ]
    return json_answer({"resolvedCoordinate": found, "status": ""})
