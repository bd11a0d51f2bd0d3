"""The name resolvers' protocols: STScI's SANTA, and CDS's Sesame in its plain text."""

from urllib.parse import unquote_plus

from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, json_answer, text_answer

__all__ = ["resolve", "sesame"]

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


def sesame(asked: Asked, holdings: Holdings) -> Answer:
    """Answer ``/cgi-bin/nph-sesame/V?NGC%203132``: the name is the whole query, and the path says who is asked."""
    name = unquote_plus(asked.target.partition("?")[2], errors="replace").strip()
    shown = name if name.isprintable() else ""
    lines = [f"# {shown}\t#Q1"]
    for canonical, ra, dec, kind in holdings.resolve(name)[:1]:
        lines += ["#=V=VizieR (local):    1     0ms", f"%C.0 {kind}", f"%J {ra:.8f} {dec:+.8f}", f"%I.0 {canonical}"]
    if len(lines) == 1:
        lines.append("#!V=VizieR: *** Nothing found ***")
    return text_answer("\n".join([*lines, "#====Done (0ms)", ""]))
