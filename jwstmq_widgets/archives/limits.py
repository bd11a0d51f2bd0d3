"""The limits that a question puts on observations, in the terms that archives share."""

import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.footprints import Footprints, separation
from jwstmq_widgets.query import MODES, Query
from jwstmq_widgets.query.wildcards import any_of, is_pattern

__all__ = ["executed", "mode_names", "named_limits", "narrowed", "number_forms"]


def mode_names(query: Query) -> list[str]:
    """Give what CAOM calls the modes of a question, such as ``MIRI/IMAGE``."""
    return [
        f"{instrument}/{mode.upper()}"
        for instrument in query.instrument or MODES
        for mode in query.modes
        if mode in MODES[instrument]
    ]


def number_forms(observations: Iterable[int]) -> list[str]:
    """Give how the names of observations go on behind the program, where they hold one of these numbers."""
    return [form for number in observations for form in (f"-o{number:03d}", f"{number:03d}")]


def named_limits(query: Query) -> tuple[tuple[str, list[str]], ...]:
    """Give the limits on names: CAOM's column, and values or patterns of which one must fit."""
    investigators = [name if is_pattern(name) else f"*{name}*" for name in query.pi]
    return (
        ("proposal_pi", investigators),
        ("target_name", list(query.target_name)),
        ("obs_id", list(query.obs_ids)),
    )


def executed(query: Query) -> bool | None:
    """Tell whether executed observations are asked for, or planned ones.

    Whoever asks for public or for exclusive observations asks for executed ones. An exclusive-access period begins when
    the data of an exposure are in the archive (jwst-docs.stsci.edu, "Data Access Policy"), so that planned observations
    are neither; what archives write there differs (MAST nothing, or PUBLIC; ESA that they are not public).

    Parameters
    ----------
    query
        The question.

    Returns
    -------
    bool or None
        None for both.

    Raises
    ------
    QueryError
        If planned observations are asked for by their access.
    """
    if query.access is None:
        return query.executed
    if query.executed is False:
        raise QueryError(
            f"planned observations have no data that could be {query.access}; leave access out, or planned ones",
            field="access",
        )
    return True


def narrowed(observations: Table, query: Query, place: tuple[float, float] | None = None) -> Table:
    """Leave out what the archive could not.

    Parameters
    ----------
    observations
        Observations, with our derived columns.
    query
        The question.
    place
        Right ascension and declination (deg, ICRS) that its target stands for.

    Returns
    -------
    astropy.table.Table
        The rows that answer it, in the same order. One without a footprint counts as overlapping the circle when its
        middle is inside, and as containing nothing.
    """
    if not len(observations):
        return observations
    keep = np.ones(len(observations), dtype=bool)
    if query.observations:
        several = np.char.startswith(np.asarray(observations["obs_id"], dtype=str), f"jw{query.program or 0:05d}-c")
        keep &= np.isin(observations["observation"], query.observations) | several
    if query.instrument:
        keep &= np.isin(observations["instrument"], query.instrument)
    if query.filters:
        wanted = any_of(query.filters)
        keep &= _where(observations["filters"], lambda text: any(map(wanted, re.split(r"[;/,\s]+", text))))
    for name, values in named_limits(query):
        if values:
            keep &= _where(observations[name], any_of(values))
    place = place or query.coordinates
    if query.footprint is not None and place is not None:
        footprints = Footprints(np.asarray(observations["s_region"]).tolist())
        if query.footprint == "contains":
            keep &= footprints.contains(*place)
        else:
            near = separation(observations["s_ra"], observations["s_dec"], *place) <= query.radius
            keep &= np.where(footprints.known, footprints.overlaps(*place, query.radius), near)
    return observations if keep.all() else observations[keep]


def _where(column: Any, matches: Callable[[str], bool]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Test each value of a column of texts, equal ones once."""
    kinds, index = np.unique(np.asarray(column), return_inverse=True)
    return np.array([matches(kind) for kind in kinds.tolist()], dtype=bool)[index]
