"""The portal's protocol ("Mashup"): requests to SQL conditions, rows to its JSON.

Source: mast.stsci.edu/api/v0, "MAST API" (services, Mashup request and response), and recorded replies.
"""

import csv
import io
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from jwstmq_widgets.localarchive.holdings import Column, Condition, Cone, Holdings
from jwstmq_widgets.localarchive.protocols.columnsconfig import columns_config
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, json_answer, text_answer

__all__ = ["PortalProblem", "columnsconfig", "invoke", "portal_conditions", "portal_request"]

_PAGESIZE = 50_000
_COLUMNS = columns_config("Mast.Caom.Filtered")
_COUNT = "COUNT_BIG(*)"

Row = tuple[Any, ...]


class PortalProblem(ValueError):
    """A request that the portal answers with status ERROR."""


def columnsconfig(asked: Asked, holdings: Holdings) -> Answer:  # noqa: ARG001
    """Answer ``Mashup.asmx/columnsconfig``; the form's ``colConfigId`` names the service."""
    form = asked.form() if asked.body else dict(asked.query)
    return json_answer(columns_config(form.get("colConfigId", [""])[0]))


def portal_request(asked: Asked) -> dict[str, Any]:
    """Read the JSON request out of a form's, or a query's, ``request``.

    Raises
    ------
    PortalProblem
        If there is none, or it is no JSON object.
    """
    try:
        texts = (asked.form() if asked.body else dict(asked.query)).get("request")
        request = orjson.loads(texts[0]) if texts else None
    except ValueError as err:
        raise PortalProblem(f"Invalid JSON in request: {err}") from err
    if not isinstance(request, dict):
        raise PortalProblem("Request must be a JSON object in the parameter 'request'")
    return request


def invoke(asked: Asked, holdings: Holdings) -> Answer:
    """Answer ``Mashup.asmx/invoke``.

    What is wrong with a request is told with status ERROR, under HTTP 200.
    """
    try:
        return _invoke(portal_request(asked), holdings)
    except PortalProblem as problem:
        return json_answer({"status": "ERROR", "msg": str(problem), "data": [], "fields": []})


def _invoke(request: Mapping[str, Any], holdings: Holdings) -> Answer:
    service = str(request.get("service", ""))
    serve = _SERVICES.get(service)
    if serve is None:
        raise PortalProblem(f"Unrecognized service: {service!r}")
    params = request.get("params") or {}
    if not isinstance(params, dict):
        raise PortalProblem("params must be a JSON object")
    return serve(request, params, holdings)


def portal_conditions(filters: object) -> list[Condition]:
    """Read the filters of a request.

    Parameters
    ----------
    filters
        A list of ``{"paramName": ..., "values": [...], "freeText": ..., "separator": ...}``; values are single values
        (one of them must be met) or ``{"min": ..., "max": ...}``.

    Raises
    ------
    PortalProblem
        If it is anything else.
    """
    if not isinstance(filters, list):
        raise PortalProblem("filters must be a list")
    return [_condition(entry) for entry in filters]


def _condition(entry: object) -> Condition:
    if not isinstance(entry, dict) or not isinstance(entry.get("paramName"), str):
        raise PortalProblem(f"a filter needs a paramName: {entry!r}")
    column = entry["paramName"]
    values = entry.get("values", [])
    values = values if isinstance(values, list) else [values]
    pattern = entry.get("freeText") or None
    ranges = [value for value in values if isinstance(value, dict)]
    single = tuple(value for value in values if not isinstance(value, dict))
    if len(ranges) > 1 or (ranges and (single or pattern)):
        raise PortalProblem(f"filter {column!r}: one range, or single values")
    if ranges:
        return Condition(column=column, low=_bound(ranges[0], "min"), high=_bound(ranges[0], "max"))
    if not single and not pattern:
        raise PortalProblem(f"filter {column!r} has no values")
    if column.lower() == "proposal_id":
        single = tuple(_unpadded(value) for value in single)
    return Condition(column=column, values=single, pattern=pattern, separator=_separator(column))


def _separator(column: str) -> str:
    config = next((entry for name, entry in _COLUMNS.items() if name.lower() == column.lower()), {})
    return str(config.get("separator", ""))


def _bound(limits: Mapping[str, object], key: str) -> float | None:
    value = limits.get(key)
    if value is None:
        return None
    try:
        return float(str(value))
    except ValueError as err:
        raise PortalProblem(f"not a number: {value!r}") from err


def _unpadded(value: object) -> str:
    """CAOM's program numbers have no leading zeros; both spellings are asked for."""
    text = str(value)
    return text.lstrip("0") or "0" if text.isdecimal() else text


def _cone(params: Mapping[str, Any]) -> Cone:
    if "position" in params:
        parts = str(params["position"]).split(",")
        given: dict[str, object] = dict(zip(("ra", "dec", "radius"), parts, strict=False))
    else:
        given = {key: params.get(key) for key in ("ra", "dec", "radius")}
    try:
        ra, dec, radius = (float(str(given[key])) for key in ("ra", "dec", "radius"))
    except (KeyError, ValueError) as err:
        raise PortalProblem(f"position must be 'ra, dec, radius' in degrees, not {given!r}") from err
    if not (math.isfinite(ra) and -90 <= dec <= 90 and 0 <= radius <= 180):
        raise PortalProblem(f"no such position: {ra}, {dec}, {radius}")
    return Cone(ra=ra % 360, dec=dec, radius=radius)


def _page(request: Mapping[str, Any]) -> tuple[int, int]:
    try:
        page, size = int(request.get("page") or 1), int(request.get("pagesize") or _PAGESIZE)
    except (TypeError, ValueError) as err:
        raise PortalProblem("page and pagesize must be integers") from err
    if page < 1 or size < 1:
        raise PortalProblem("page and pagesize must be positive")
    return page, size


def _filtered(request: Mapping[str, Any], params: Mapping[str, Any], holdings: Holdings) -> Answer:
    return _observations(request, params, holdings, portal_conditions(params.get("filters", [])), None)


def _filtered_position(request: Mapping[str, Any], params: Mapping[str, Any], holdings: Holdings) -> Answer:
    return _observations(request, params, holdings, portal_conditions(params.get("filters", [])), _cone(params))


def _cone_search(request: Mapping[str, Any], params: Mapping[str, Any], holdings: Holdings) -> Answer:
    return _observations(request, params, holdings, [], _cone(params))


def _observations(
    request: Mapping[str, Any],
    params: Mapping[str, Any],
    holdings: Holdings,
    where: Sequence[Condition],
    cone: Cone | None,
) -> Answer:
    wanted = params.get("columns", "*") or "*"
    text = ",".join(map(str, wanted)) if isinstance(wanted, list) else str(wanted)
    page, size = _page(request)
    try:
        if text.strip().upper() == _COUNT:
            count = holdings.count(where, cone)
            return _reply(request, [Column(name="Column1", type="string")], [(count,)], total=1, page=1, size=size)
        total, rows = holdings.observations(where, cone, offset=(page - 1) * size, limit=size)
    except ValueError as err:
        raise PortalProblem(str(err)) from err
    columns = list(holdings.observation_columns)
    if cone is not None:
        columns.append(Column(name="distance", type="float"))
    if text.strip() != "*":
        columns, rows = _select(columns, rows, text)
    return _reply(request, columns, rows, total=total, page=page, size=size)


def _select(columns: Sequence[Column], rows: Sequence[Row], text: str) -> tuple[list[Column], list[Row]]:
    places = {column.name.lower(): number for number, column in enumerate(columns)}
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name.lower() not in places]
    if unknown:
        raise PortalProblem(f"Invalid column name '{unknown[0]}'.")
    chosen = [places[name.lower()] for name in names]
    return [columns[number] for number in chosen], [tuple(row[number] for number in chosen) for row in rows]


def _products(request: Mapping[str, Any], params: Mapping[str, Any], holdings: Holdings) -> Answer:
    asked = params.get("obsid", "")
    parts = asked if isinstance(asked, list) else str(asked).split(",")
    obsids = list(dict.fromkeys(str(part).strip() for part in parts if str(part).strip()))
    if not obsids:
        raise PortalProblem("obsid is missing")
    wrong = [obsid for obsid in obsids if not obsid.isdecimal()]
    if wrong:
        raise PortalProblem(f"obsid must be a number, not {wrong[0]!r}")
    page, size = _page(request)
    total, rows = holdings.products(obsids, offset=(page - 1) * size, limit=size)
    return _reply(request, holdings.product_columns, rows, total=total, page=page, size=size)


def _everything(request: Mapping[str, Any], params: Mapping[str, Any], holdings: Holdings) -> Answer:  # noqa: ARG001
    """Answer Mast.Caom.All: the columns with the counts of their values, no rows."""
    _, rows = holdings.observations()
    tables = []
    for number, column in enumerate(holdings.observation_columns):
        entry: dict[str, Any] = {"text": column.name, "dataIndex": column.name, "dataType": column.type}
        if column.name in _FACETS:
            counts = Counter(str(row[number]) for row in rows if row[number] is not None)
            histogram = [{"key": key, "count": count} for key, count in counts.most_common()]
            entry["ExtendedProperties"] = {"histObj": {"hist": histogram, **counts}}
        tables.append(entry)
    return json_answer(
        {
            "status": "COMPLETE",
            "msg": "",
            "data": {"Tables": [{"Columns": tables, "Rows": [], "ExtendedProperties": {"rowsTotal": len(rows)}}]},
        }
    )


_FACETS = frozenset({"obs_collection", "instrument_name", "dataproduct_type", "calib_level", "dataRights", "project"})


def _reply(
    request: Mapping[str, Any],
    columns: Sequence[Column],
    rows: Sequence[Row],
    *,
    total: int,
    page: int,
    size: int,
) -> Answer:
    names = [column.name for column in columns]
    paging = {
        "page": page,
        "pageSize": size,
        "pagesFiltered": max(1, math.ceil(total / size)),
        "rows": len(rows),
        "rowsFiltered": total,
        "rowsTotal": total,
    }
    form = str(request.get("format", "json")).lower()
    if form == "extjs":
        table = {
            "Columns": [
                {"text": name, "dataIndex": name, "dataType": column.type}
                for name, column in zip(names, columns, strict=True)
            ],
            "Rows": [list(row) for row in rows],
            "ExtendedProperties": {"Paging": paging},
        }
        return json_answer({"status": "COMPLETE", "msg": "", "data": {"Tables": [table]}})
    if form == "csv":
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow(names)
        writer.writerows(rows)
        return text_answer(text.getvalue(), media_type="text/csv; charset=utf-8")
    if form != "json":
        raise PortalProblem(f"format {form!r} is not served; json, extjs and csv are")
    answer = json_answer(
        {
            "status": "COMPLETE",
            "msg": "",
            "data": [dict(zip(names, row, strict=True)) for row in rows],
            "fields": [{"name": column.name, "type": column.type} for column in columns],
            "paging": paging,
        }
    )
    return replace(answer, rows=len(rows))


_SERVICES: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any], Holdings], Answer]] = {
    "Mast.Caom.Cone": _cone_search,
    "Mast.Caom.Filtered": _filtered,
    "Mast.Caom.Filtered.Position": _filtered_position,
    "Mast.Caom.Products": _products,
    "Mast.Caom.All": _everything,
}
