"""A plan's files, counted by observation, file type and what is to be done with them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.downloads import Plan, State
from jwstmq_widgets.downloads.plans.items import STATES, PlanItems
from jwstmq_widgets.exploration.files import FileIndex
from jwstmq_widgets.tables import format_size
from jwstmq_widgets.tables.encoded import Encoded

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
    items = PlanItems.of(plan.items)
    if not len(items):
        return {"rows": [], "more": 0}
    # by column: a million files are ticked as easily as one
    places = FileIndex(products["dataURI"]).places(items.uris.tolist())
    programs, observations = (np.append(products[name], -1)[places] for name in ("program", "observation"))
    encoded = Encoded.of(np.asarray(products["filetype"]))
    filetypes, words = sorted({"", *encoded.values}), sorted(set(_WORDS.values()))
    rank = np.array([filetypes.index(filetype) for filetype in encoded.values], dtype=np.int64)
    types = np.append(rank[encoded.codes], 0)[places]
    states = np.array([words.index(_WORDS[state]) for state in STATES])[items.states]
    order = np.lexsort((states, types, observations, programs))
    columns = [column[order] for column in (programs, observations, types, states)]
    begins = np.logical_or.reduce([np.diff(column, prepend=column[0] - 1) != 0 for column in columns])
    first = np.flatnonzero(begins)
    files = np.diff(first, append=len(order))
    sizes = np.add.reduceat(np.maximum(items.sizes[order], 0), first)
    groups = zip(
        *(values[:most].tolist() for values in (*(column[first] for column in columns), files, sizes)), strict=True
    )
    return {
        "rows": [
            [_observation(program, observation), filetypes[filetype], words[state], f"{count:,}", format_size(size)]
            for program, observation, filetype, state, count, size in groups
        ],
        "more": max(0, len(first) - most),
    }


def _observation(program: int, observation: int) -> str:
    if program < 0:
        return "–"
    return f"{program:05d}" + (f" obs {observation}" if observation >= 0 else "")
