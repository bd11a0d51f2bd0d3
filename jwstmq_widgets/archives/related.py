"""Related observations: those that one was made from, and those that it was used in."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from astropy.table import Column, Table

from jwstmq_widgets.archives.esa.lists import members_in
from jwstmq_widgets.archives.esa.tables import Rows

__all__ = ["MADE_FROM", "USED_IN", "Relations", "related_table", "relations_in"]

MADE_FROM, USED_IN = "made from", "used in"


@dataclass(frozen=True, slots=True, kw_only=True)
class Relations:
    """The observations to which one is related, by ``obs_id``."""

    made_from: tuple[str, ...]
    """Those that it was made from."""
    used_in: tuple[str, ...]
    """Those that were made from it."""


def relations_in(rows: Rows, obs_id: str) -> Relations | None:
    """Read how an observation is related to others.

    Parameters
    ----------
    rows
        The answer to `users_adql`: the observation, and those that may have been made from it.
    obs_id
        Its name.

    Returns
    -------
    Relations or None
        None where the observation is not among the rows.
    """
    members = {
        str(name): members_in(text)
        for name, text in zip(rows["observationid"].tolist(), rows["members"].tolist(), strict=True)
    }
    if obs_id not in members:
        return None
    used_in = tuple(name for name, made_from in members.items() if name != obs_id and obs_id in made_from)
    return Relations(made_from=members[obs_id], used_in=used_in)


def related_table(observations: Table, relations: Relations) -> Table:
    """Say how observations are related to one.

    Parameters
    ----------
    observations
        Observations, among them those that are related.
    relations
        Which those are.

    Returns
    -------
    astropy.table.Table
        Their rows, with a column ``relation`` before the others: first "made from", then "used in", by name.
    """
    rank: Mapping[str, int] = {**dict.fromkeys(relations.used_in, 1), **dict.fromkeys(relations.made_from, 0)}
    names = observations["obs_id"].tolist()
    rows = sorted((rank[name], name, row) for row, name in enumerate(names) if name in rank)
    table = observations[np.array([row for _, _, row in rows], dtype=np.int64)]
    kinds = np.array([(MADE_FROM, USED_IN)[place] for place, _, _ in rows], dtype="U9")
    meaning = f"'{MADE_FROM}': the observation asked about was made from it; '{USED_IN}': it was made from that one"
    table.add_column(Column(kinds, description=meaning), name="relation", index=0)
    return table
