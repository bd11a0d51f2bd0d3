"""Facets as the browser draws them: words, the values worth showing, chips."""

from collections.abc import Mapping
from typing import Any

from jwstmq_widgets.tables import format_size
from jwstmq_widgets.tables.facets import FACETS, FacetValue
from jwstmq_widgets.widgets.grids.rowmarks import STATES

__all__ = ["chips", "drawn"]

_FEW = 6
_MANY = 300
_CHIPS = 4  # values of one facet that get a chip each
_STAGES = {
    "1b": "1b raw", "2a": "2a count rates", "2b": "2b calibrated", "2c": "2c flagged", "3": "3 combined",
    "gs": "gs guide star",
}  # fmt: skip
_WORDS: Mapping[str, Mapping[str, str]] = {"state": STATES, "stage": _STAGES}
_LONGEST = 120


def drawn(counted: Mapping[str, list[FacetValue]], wants: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the facets as JSON values.

    Parameters
    ----------
    counted
        Facet to its values.
    wants
        Facet to what the user wants of its list: ``all`` (more than the first few), ``find`` (a text to look for).

    Returns
    -------
    list of dict
        name, title, values (value, words, count, size in words, chosen), ``more`` (values left out) and ``total``.
        Facets of one value that is not chosen, or of none, tell nothing and are left out.
    """
    facets = []
    for name, values in counted.items():
        if len(values) < 2 and not any(item.chosen for item in values):
            continue
        want = wants.get(name, {})
        find = str(want.get("find", "")).casefold().strip()
        live = [item for item in values if (item.count or item.chosen) and find in _words(name, item.value).casefold()]
        live.sort(key=lambda item: not item.value and name != "state")  # those without a value come last
        if not live and not find:
            continue
        most = _MANY if want.get("all") or find else _FEW
        if len(live) > most + 1:  # a line for one more would take as much room as the value
            largest = sorted(live, key=lambda item: (item.chosen, item.whole), reverse=True)[:most]
            kept = {id(item) for item in largest}
            shown = [item for item in live if id(item) in kept]
        else:
            shown = live
        facets.append(
            {
                "name": name,
                "title": FACETS[name],
                "values": [
                    [item.value, _words(name, item.value), item.count, _size(item.size), item.chosen] for item in shown
                ],
                "more": len(live) - len(shown),
                "total": len(values),
                "open": bool(want.get("all")),
            }
        )
    return facets


def chips(chosen: Mapping[str, frozenset[str]]) -> list[dict[str, str]]:
    """Give what is chosen of the facets, one chip a value; many values of one facet share one.

    Parameters
    ----------
    chosen
        Facet to its values.

    Returns
    -------
    list of dict
        kind ``"facet"``, name, text, and value where the chip stands for one.
    """
    found: list[dict[str, str]] = []
    for name, title in FACETS.items():
        values = sorted(chosen.get(name, ()))
        if len(values) > _CHIPS:
            found.append({"kind": "facet", "name": name, "text": f"{title}: {len(values)} values"})
        else:
            found += [
                {"kind": "facet", "name": name, "value": value, "text": f"{title}: {_words(name, value)}"}
                for value in values
            ]
    return found


def _size(size: int) -> str:
    return format_size(size) if size else "–"  # the archive may not tell it


def _words(name: str, value: str) -> str:
    words = _WORDS.get(name, {}).get(value, value)
    if name == "type":
        words = words.removeprefix("_")  # as the panel of file types writes it
    return words[:_LONGEST] if words else "none"
