"""The protocol of MAST's mission search (``/search/jwst/api/v0.1``).

Source: mast.stsci.edu/search/docs, and recorded replies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

import orjson

from jwstmq_widgets.localarchive.holdings import Cone, Criterion, Holdings, MissionColumn
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, json_answer
from jwstmq_widgets.localarchive.protocols.missionterms import read_criterion

__all__ = ["column_list", "list_products", "post_list_products", "search"]

_LIMIT = 5000
_MOST_DATASETS = 1000
_DATASET = "fileSetName"
_DEGREES = {"arcseconds": 1 / 3600, "arcminutes": 1 / 60, "degrees": 1.0}
# The service echoes the whole question, with what was left out; clients read it there.
_DEFAULTS: Mapping[str, Any] = {
    "target": [],
    "radius": 3,
    "radius_units": "arcminutes",
    "sort_by": [],
    "sort_desc": [],
    "skip_count": False,
    "count_only": False,
    "search_key": [],
    "user_fields": [],
    "conditions": [],
}
# Kind of column to its words in the column list (qual_type, datatype) and in an answer's info.
_WORDS = {
    "text": ("string", "char", "VARCHAR"),
    "list": ("string", "char", "VARCHAR"),
    "moment": ("datetime", "char", "DATETIME"),
    "integer": ("integer", "long", "INTEGER"),
    "real": ("float", "double", "FLOAT"),
}
_SEPARATION = "ang_sep"


class _Wrong(ValueError):
    """A question that the service answers with HTTP 400."""


def column_list(asked: Asked, holdings: Holdings) -> Answer:
    """Answer ``/search/util/api/v0.1/column_list?mission=jwst``."""
    if asked.first("mission", "jwst").lower() != "jwst":
        return json_answer({"detail": "only the mission jwst is here"}, status=404)
    return json_answer(
        [
            {
                "field_name": name,
                "description": column.description,
                "column_name": name,
                "queryable": "no" if name == _SEPARATION else "yes",
                "qual_type": _WORDS[column.kind][0],
                "default_output": "yes" if column.shown else "no",
                "indexed": "yes" if name in {_DATASET, "program"} else "no",
                "datatype": _WORDS[column.kind][1],
            }
            for name, column in holdings.mission_columns.items()
        ]
    )


def search(asked: Asked, holdings: Holdings) -> Answer:
    """Answer ``search``: conditions, positions, order and paging in a JSON body."""
    try:
        found = _search(_body(asked), holdings)
        return replace(json_answer(found), rows=len(found["results"]))
    except ValueError as err:
        return json_answer({"detail": str(err)}, status=400)


def post_list_products(asked: Asked, holdings: Holdings) -> Answer:
    """Answer ``post_list_products``: ``{"dataset_ids": [...]}``."""
    try:
        return _products(_body(asked).get("dataset_ids"), holdings)
    except ValueError as err:
        return json_answer({"detail": str(err)}, status=400)


def list_products(asked: Asked, holdings: Holdings) -> Answer:
    """Answer ``list_products?dataset_ids=a,b``."""
    return _products([part for text in asked.query.get("dataset_ids", []) for part in text.split(",")], holdings)


def _products(datasets: object, holdings: Holdings) -> Answer:
    if not isinstance(datasets, list) or not all(isinstance(name, str) for name in datasets):
        return json_answer({"detail": "dataset_ids must be a list of names"}, status=400)
    names = [name.strip() for name in datasets if name.strip()]
    if not 0 < len(names) <= _MOST_DATASETS:
        return json_answer({"detail": f"dataset_ids must hold 1 to {_MOST_DATASETS} names"}, status=400)
    return json_answer({"products": holdings.mission_products(names)})


def _body(asked: Asked) -> dict[str, Any]:
    try:
        body = orjson.loads(asked.body)
    except ValueError as err:
        raise _Wrong(f"the body is no JSON: {err}") from err
    if not isinstance(body, dict):
        raise _Wrong("the body must be a JSON object")
    return body


def _search(body: Mapping[str, Any], holdings: Holdings) -> dict[str, Any]:
    columns = holdings.mission_columns
    chosen = _chosen(body.get("select_cols"), columns)
    criteria = _criteria(body.get("conditions") or [], columns)
    offset, limit = _number(body, "offset", 0), _number(body, "limit", _LIMIT)
    cones = _cones(body)
    sort_by, sort_desc = _order(body, columns)
    total, rows = holdings.missions(
        criteria,
        cones,
        columns=tuple(dict.fromkeys((*chosen, _DATASET))),
        sort_by=sort_by,
        sort_desc=sort_desc,
        offset=offset,
        limit=0 if body.get("count_only") else limit,
    )
    names = [*chosen, "search_key"] + (["search_pos"] if cones else [])
    return {
        "messages": [],
        "info": [
            {"name": name, "type": _WORDS[columns[name].kind][2] if name in columns else "VARCHAR"} for name in names
        ],
        "search_params": {**_DEFAULTS, **body, "select_cols": chosen, "offset": offset, "limit": limit},
        "totalResults": total,
        "results": [
            {
                **{name: row[name] for name in chosen},
                "search_key": f"{position}{row[_DATASET]}" if position else "",
                **({"search_pos": position} if cones else {}),
            }
            for position, row in rows
        ],
    }


def _chosen(select: object, columns: Mapping[str, MissionColumn]) -> list[str]:
    if isinstance(select, str):
        select = [part.strip() for part in select.split(",") if part.strip()]
    if not select:
        return [name for name, column in columns.items() if column.shown]
    if select in (["*"], ["all"]):
        return list(columns)
    if not isinstance(select, list):
        raise _Wrong("select_cols must be a list of columns")
    unknown = [name for name in select if not isinstance(name, str) or name not in columns]
    if unknown:
        raise _Wrong(f"there is no column {unknown[0]!r}")
    return list(dict.fromkeys([*select, _SEPARATION]))


def _criteria(conditions: object, columns: Mapping[str, MissionColumn]) -> list[Criterion]:
    if not isinstance(conditions, list) or not all(isinstance(entry, dict) for entry in conditions):
        raise _Wrong("conditions must be a list of objects")
    read = []
    for name, value in (pair for entry in conditions for pair in entry.items()):
        column = columns.get(name)
        if column is None or name == _SEPARATION:
            raise _Wrong(f"there is no column {name!r} to ask for")
        try:
            read.append(read_criterion(value, column))
        except ValueError as err:
            raise _Wrong(f"{name}: {str(value)[:200]!r} cannot be asked for: {err}") from err
    return read


def _cones(body: Mapping[str, Any]) -> dict[str, Cone]:
    targets = body.get("target") or []
    targets = [targets] if isinstance(targets, str) else targets
    if not targets:
        return {}
    unit = _DEGREES.get(str(body.get("radius_units", "arcminutes")))
    if unit is None or not isinstance(targets, list):
        raise _Wrong(f"radius_units must be one of {', '.join(_DEGREES)}, target a list")
    cones = {}
    for target in targets:
        try:
            ra, dec = (float(part) for part in str(target).replace(",", " ").split())
            radius = float(body.get("radius", 3)) * unit
        except (TypeError, ValueError) as err:
            raise _Wrong(f"no position: {target!r}") from err
        if not (isfinite(ra) and -90 <= dec <= 90 and 0 <= radius <= 180):
            raise _Wrong(f"no position: {target!r}, radius {radius} deg")
        cones[str(target)] = Cone(ra=ra % 360, dec=dec, radius=radius)
    return cones


def _order(body: Mapping[str, Any], columns: Mapping[str, MissionColumn]) -> tuple[list[str], list[bool]]:
    keys = _listed(body.get("sort_by")) or ([_SEPARATION, _DATASET] if body.get("target") else [_DATASET])
    unknown = [key for key in keys if not isinstance(key, str) or key not in columns]
    if unknown:
        raise _Wrong(f"there is no column {unknown[0]!r} to sort by")
    return list(keys), [bool(down) for down in _listed(body.get("sort_desc"))]


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _number(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or not 0 <= value < 1 << 62:
        raise _Wrong(f"{name} must be a whole number")
    return value
