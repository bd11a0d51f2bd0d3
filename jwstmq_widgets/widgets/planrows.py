"""A plan's files, counted by observation, file type and what is to be done with them."""

from collections.abc import Mapping
from typing import Any

from astropy.table import Table

from jwstmq_widgets.downloads import Plan, State
from jwstmq_widgets.tables import format_size

__all__ = ["plan_rows"]

_WORDS: Mapping[State, str] = {
    "fetch": "to fetch",
    "resume": "to fetch",
    "different": "to fetch",
    "here": "here",
    "exclusive": "exclusive",
    "planned": "planned",
}
_MOST = 200


def plan_rows(plan: Plan, products: Table, *, most: int = _MOST) -> dict[str, Any]:
    """Count a plan's files by program, observation, file type and state.

    Parameters
    ----------
    plan
        The plan.
    products
        The products that it was made for, with ``program``, ``observation`` and ``filetype``.
    most
        How many rows to give at most.

    Returns
    -------
    dict
        JSON values: ``rows``, each ``[observation, file type, state, files, size]`` for people, in the order of
        programs, observations and file types, and ``more``, how many rows are left out.
    """
    columns = (products[name].tolist() for name in ("dataURI", "program", "observation", "filetype"))
    kinds = {uri: kind for uri, *kind in zip(*columns, strict=True)}
    unknown = [-1, -1, ""]
    counts: dict[tuple[Any, ...], list[int]] = {}
    for item in plan.items:
        count = counts.setdefault((*kinds.get(item.uri, unknown), _WORDS[item.state]), [0, 0])
        count[0] += 1
        count[1] += max(0, item.size)
    keys = sorted(counts)
    return {
        "rows": [
            [_observation(program, observation), filetype, state, f"{files:,}", format_size(size)]
            for program, observation, filetype, state, files, size in ((*key, *counts[key]) for key in keys[:most])
        ],
        "more": max(0, len(keys) - most),
    }


def _observation(program: int, observation: int) -> str:
    if program < 0:
        return "–"
    return f"{program:05d}" + (f" obs {observation}" if observation >= 0 else "")
