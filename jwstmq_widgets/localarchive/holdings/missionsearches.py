"""Answers of the mission search: which exposures meet conditions, in which order, and which of their columns."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from jwstmq_widgets.localarchive.holdings.conditions import Cone, cone_clause, cone_distance
from jwstmq_widgets.localarchive.holdings.missioncolumns import mission_columns
from jwstmq_widgets.localarchive.holdings.missionterms import Criterion, criteria_clause

__all__ = ["find_missions"]

_KEY = "ArchiveFileID"
_SEPARATION = "ang_sep"


def find_missions(
    connection: sqlite3.Connection,
    where: Sequence[Criterion],
    cones: Mapping[str, Cone],
    *,
    columns: Sequence[str],
    sort_by: Sequence[str],
    sort_desc: Sequence[bool],
    offset: int,
    limit: int,
) -> tuple[int, list[tuple[str, dict[str, Any]]]]:
    """Find exposures.

    Parameters
    ----------
    connection
        The catalogue.
    where
        Conditions, all of which must hold.
    cones
        Circles by the text that asked for them; a row stands once for each that its footprint overlaps. Without any,
        the whole sky is meant.
    columns
        Columns of the answer.
    sort_by, sort_desc
        Columns to sort by, and which of them in falling order; no value comes last, in falling order first.
    offset, limit
        Which of the rows.

    Returns
    -------
    tuple of int and list
        How many there are in all; the text of the circle ("" without any) and the row by column. ``ang_sep`` is the
        distance of the target from the middle (arcmin), None without a circle.

    Raises
    ------
    ValueError
        If a column is not known.
    """
    for name in (*columns, *sort_by):
        if name not in mission_columns():
            raise ValueError(f"there is no column {name!r}")
    keys = [(name, place < len(sort_desc) and sort_desc[place]) for place, name in enumerate(sort_by)]
    clause, parameters = criteria_clause(where)
    if not cones:
        [(total,)] = connection.execute(f"SELECT COUNT(*) FROM mission WHERE {clause}", parameters)  # noqa: S608 - our own names
        order = "".join(
            f'"{name}" IS NULL {_direction(down)}, "{name}" {_direction(down)}, '
            for name, down in keys
            if name != _SEPARATION
        )
        rows = _rows(
            connection, columns, f"WHERE {clause} ORDER BY {order}{_KEY} LIMIT ? OFFSET ?", [*parameters, limit, offset]
        )
        return total, [("", {name: row[name] for name in columns}) for row in rows]
    found = []
    for text, cone in cones.items():
        near, more = cone_clause(cone)
        rows = _rows(
            connection,
            tuple(dict.fromkeys((*columns, *sort_by, "s_region", "targ_ra", "targ_dec"))),
            f"WHERE {clause} AND {near} ORDER BY {_KEY}",
            [*parameters, *more],
        )
        for row in rows:
            if cone_distance(cone, row["s_region"], row["targ_ra"], row["targ_dec"]) <= cone.radius * 3600.0:
                row[_SEPARATION] = cone_distance(cone, None, row["targ_ra"], row["targ_dec"]) / 60.0
                found.append((text, row))
    for name, down in reversed(keys):
        found.sort(key=lambda pair, name=name: (pair[1][name] is None, pair[1][name] or 0), reverse=down)  # type: ignore[misc]
    page = found[offset : offset + limit]
    return len(found), [(text, {name: row[name] for name in columns}) for text, row in page]


def _direction(down: bool) -> str:
    return "DESC" if down else "ASC"


def _rows(
    connection: sqlite3.Connection, columns: Sequence[str], tail: str, parameters: Sequence[object]
) -> list[dict[str, Any]]:
    names = [name for name in columns if name != _SEPARATION]
    listed = ", ".join(f'"{name}"' for name in names) or "1"
    rows = connection.execute(f"SELECT {listed} FROM mission {tail}", parameters)  # noqa: S608 - our own names
    return [{_SEPARATION: None, **dict(zip(names, row, strict=False))} for row in rows]
