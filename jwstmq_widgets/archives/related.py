"""Related observations: those that one was made from, and those that it was used in."""

from collections.abc import Collection, Mapping

import numpy as np
from astropy.table import Column, Table

__all__ = ["MADE_FROM", "USED_IN", "related_table"]

MADE_FROM, USED_IN = "made from", "used in"


def related_table(observations: Table, made_from: Collection[str], used_in: Collection[str]) -> Table:
    """Say how observations are related to one.

    Parameters
    ----------
    observations
        Observations, among them those that are related.
    made_from, used_in
        The ``obs_id`` of those that the one was made from, and of those that it was used in.

    Returns
    -------
    astropy.table.Table
        Their rows, with a column ``relation`` before the others: first "made from", then "used in", by name.
    """
    rank: Mapping[str, int] = {**dict.fromkeys(used_in, 1), **dict.fromkeys(made_from, 0)}
    names = observations["obs_id"].tolist()
    rows = sorted((rank[name], name, row) for row, name in enumerate(names) if name in rank)
    table = observations[np.array([row for _, _, row in rows], dtype=np.int64)]
    relations = np.array([(MADE_FROM, USED_IN)[place] for place, _, _ in rows], dtype="U9")
    meaning = f"'{MADE_FROM}': the observation asked about was made from it; '{USED_IN}': it was made from that one"
    table.add_column(Column(relations, description=meaning), name="relation", index=0)
    return table
