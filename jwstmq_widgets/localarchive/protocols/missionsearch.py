"""The protocol of MAST's mission search (``/search/jwst/api/v0.1``).

Source: mast.stsci.edu/search/docs, and recorded replies.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from jwstmq_widgets.localarchive.holdings import Column, Condition, Cone, Holdings
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, json_answer
from jwstmq_widgets.localarchive.protocols.missionterms import Terms, read_terms

__all__ = ["column_list", "list_products", "post_list_products", "search"]

_LIMIT = 5000
_EVERYTHING = 1 << 60
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
_INFO_TYPES = {"string": "VARCHAR", "int": "INTEGER", "float": "FLOAT", "boolean": "BOOLEAN"}
_DESCRIPTIONS: Mapping[str, str] = {
    "ArchiveFileID": "Number of the file set in the archive",
    "fileSetName": "Data set name: an exposure without its detector (e.g. jw01979002001_02101_00001)",
    "productLevel": "Levels of the products (e.g. 1b, 2a, 2b, 2c)",
    "targprop": "Target name given by the proposer",
    "targ_ra": "Right ascension of the target (deg, ICRS)",
    "targ_dec": "Declination of the target (deg, ICRS)",
    "instrume": "Instrument (e.g. NIRCAM, MIRI)",
    "exp_type": "Exposure type (e.g. MIR_IMAGE)",
    "opticalElements": "Filters, gratings and pupils",
    "date_obs": "Start of the exposure (UTC)",
    "duration": "Duration of the exposure (s)",
    "program": "Program number",
    "observtn": "Observation number",
    "visit": "Visit number",
    "publicReleaseDate": "When the data become public (UTC)",
    "pi_name": "Principal investigator",
    "proposal_type": "Type of the program (e.g. GO, GTO, COM)",
    "proposal_cycle": "Cycle of the program",
    "targtype": "FIXED or MOVING",
    "access": "PUBLIC or EXCLUSIVE_ACCESS",
    "cal_ver": "Version of the calibration pipeline",
    "ang_sep": "Distance from the position asked for (arcmin)",
    "s_region": "Footprint (ICRS)",
}


class _Wrong(ValueError):
    """A question that the service answers with HTTP 400."""


def column_list(asked: Asked, holdings: Holdings) -> Answer:
    """Answer ``/search/util/api/v0.1/column_list?mission=jwst``."""
    if asked.first("mission", "jwst").lower() != "jwst":
        return json_answer({"detail": "only the mission jwst is here"}, status=404)
    return json_answer(
        [
            {
                "field_name": column.name,
                "description": _DESCRIPTIONS.get(column.name, ""),
                "column_name": column.name,
                "queryable": "no" if column.name == "ang_sep" else "yes",
                "qual_type": {"int": "integer"}.get(column.type, column.type),
                "default_output": "yes",
                "indexed": "yes" if column.name in {_DATASET, "program"} else "no",
                "datatype": {"string": "char", "int": "long", "float": "double"}.get(column.type, column.type),
            }
            for column in holdings.mission_columns
        ]
    )


def search(asked: Asked, holdings: Holdings) -> Answer:
    """Answer ``search``: conditions, positions, order and paging in a JSON body."""
    try:
        return json_answer(_search(_body(asked), holdings))
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
    columns = {column.name: column for column in holdings.mission_columns}
    chosen = _chosen(body.get("select_cols"), columns)
    wanted = _conditions(body.get("conditions") or [], columns)
    offset, limit = _number(body, "offset", 0), _number(body, "limit", _LIMIT)
    where = [Condition(column=name, values=terms.values) for name, terms in wanted if terms.plain]
    rest = [(name, terms) for name, terms in wanted if not terms.plain]
    rows: list[dict[str, Any]] = []
    for position, cone in _cones(body):
        found = holdings.missions(where, cone, offset=0, limit=_EVERYTHING)[1]
        rows.extend(
            {**row, "search_pos": position, "search_key": f"{position}{row[_DATASET]}" if position else ""}
            for row in found
            if all(terms.accept(row.get(name)) for name, terms in rest)
        )
    _sort(rows, body, columns)
    total = len(rows)
    names = [*chosen, "search_key"] + (["search_pos"] if body.get("target") else [])
    results = [] if body.get("count_only") else rows[offset : offset + limit]
    return {
        "messages": [],
        "info": [{"name": name, "type": _info_type(columns.get(name))} for name in names],
        "search_params": {**_DEFAULTS, **body, "select_cols": chosen, "offset": offset, "limit": limit},
        "totalResults": total,
        "results": [{name: row.get(name) for name in names} for row in results],
    }


def _info_type(column: Column | None) -> str:
    if column is None:
        return "VARCHAR"
    return "DATETIME" if column.name in {"date_obs", "publicReleaseDate"} else _INFO_TYPES[column.type]


def _chosen(select: object, columns: Mapping[str, Column]) -> list[str]:
    if isinstance(select, str):
        select = [part.strip() for part in select.split(",") if part.strip()]
    if not select or select in (["*"], ["all"]):
        return list(columns)
    if not isinstance(select, list):
        raise _Wrong("select_cols must be a list of columns")
    unknown = [name for name in select if name not in columns]
    if unknown:
        raise _Wrong(f"there is no column {unknown[0]!r}")
    return list(dict.fromkeys([*select, "ang_sep"] if "ang_sep" in columns else select))


def _conditions(conditions: object, columns: Mapping[str, Column]) -> list[tuple[str, Terms]]:
    if not isinstance(conditions, list) or not all(isinstance(entry, dict) for entry in conditions):
        raise _Wrong("conditions must be a list of objects")
    read = []
    for name, value in (pair for entry in conditions for pair in entry.items()):
        column = columns.get(name)
        if column is None:
            raise _Wrong(f"there is no column {name!r}")
        try:
            terms = read_terms(value, numeric=column.type in {"int", "float"})
        except ValueError as err:
            raise _Wrong(f"{name}: {value!r} is no number") from err
        if terms != Terms():
            read.append((name, terms))
    return read


def _cones(body: Mapping[str, Any]) -> list[tuple[str, Cone | None]]:
    targets = body.get("target") or []
    targets = [targets] if isinstance(targets, str) else targets
    if not targets:
        return [("", None)]
    unit = _DEGREES.get(str(body.get("radius_units", "arcminutes")))
    if unit is None or not isinstance(targets, list):
        raise _Wrong(f"radius_units must be one of {', '.join(_DEGREES)}, target a list")
    cones: list[tuple[str, Cone | None]] = []
    for target in targets:
        try:
            ra, dec = (float(part) for part in str(target).replace(",", " ").split())
            radius = float(body.get("radius", 3)) * unit
        except (TypeError, ValueError) as err:
            raise _Wrong(f"no position: {target!r}") from err
        if not (-90 <= dec <= 90 and 0 <= radius <= 180):
            raise _Wrong(f"no position: {target!r}, radius {radius} deg")
        cones.append((str(target), Cone(ra=ra % 360, dec=dec, radius=radius)))
    return cones


def _sort(rows: list[dict[str, Any]], body: Mapping[str, Any], columns: Mapping[str, Column]) -> None:
    keys = _listed(body.get("sort_by")) or (["ang_sep", _DATASET] if body.get("target") else [_DATASET])
    falling = _listed(body.get("sort_desc"))
    unknown = [key for key in keys if key not in columns]
    if unknown:
        raise _Wrong(f"there is no column {unknown[0]!r} to sort by")
    for number, key in reversed(list(enumerate(keys))):
        down = number < len(falling) and bool(falling[number])
        rows.sort(key=lambda row, key=key: (row.get(key) is None, row.get(key) or 0), reverse=down)  # type: ignore[misc]


def _listed(value: object) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _number(body: Mapping[str, Any], name: str, default: int) -> int:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, int) or value < 0:
        raise _Wrong(f"{name} must be a whole number")
    return value
