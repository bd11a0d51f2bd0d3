"""How a question is put to MAST's portal: the criteria of its requests, what is left to choose here."""

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.footprints import Footprints, separation
from jwstmq_widgets.query import MODES, Query
from jwstmq_widgets.query.wildcards import any_of, is_pattern

__all__ = ["Criteria", "criteria_for", "executed", "narrowed", "placed"]

_MOST_REQUESTS = 12  # more than these, and one larger question with the choosing done here is kinder
_ALWAYS = (0.0, 200000.0)  # MJD: before and after everything
_RIGHTS = {"public": "PUBLIC", "exclusive": "EXCLUSIVE_ACCESS"}
_LEVELS = {True: ("0", "1", "2", "3", "4"), False: ("-1",)}  # CAOM calibration levels; -1 is planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """The requests that together ask one question."""

    requests: tuple[Mapping[str, Any], ...]
    """What astroquery's ``query_criteria`` takes, for each request; without a position."""
    exact: bool
    """True when the requests ask for nothing that `narrowed` would leave out, and for nothing twice."""


def criteria_for(query: Query, *, now: datetime | None = None) -> Criteria:
    """Put a question in the portal's words.

    The portal's client takes one pattern a column, and a range only with both ends: a question with several patterns
    becomes several requests, and an open end becomes a date before or after everything. Where that would be many
    requests and the question has a program or a place, some patterns are not sent but left to `narrowed`.

    Parameters
    ----------
    query
        The question.
    now
        The present, for a look-back; the clock's by default.

    Returns
    -------
    Criteria

    Raises
    ------
    QueryError
        If the question contradicts itself, see `executed`.
    """
    base = _base(query, now)
    patterns = _patterns(query)
    exact = (
        query.footprint is None
        and not any(map(is_pattern, query.filters))
        and all(len(choice) == 1 for choice in patterns)
    )
    choices = [_instruments(query), *patterns]
    if query.observations:
        if query.program is not None and not query.obs_ids:
            choices.append(_numbers(query.program, query.observations))
        else:
            exact = False
    limited = query.program is not None or bool(query.target) or query.coordinates is not None
    while _product(choices) > _MOST_REQUESTS:
        several = [choice for choice in choices if len(choice) > 1]
        if len(several) == 1 and not limited:
            break  # nothing else limits the answer
        choices.remove(max(several, key=len) if limited else several[0])
        exact = False
    requests = tuple(
        {key: value for part in (base, *parts) for key, value in part.items()} for parts in itertools.product(*choices)
    )
    return Criteria(requests=requests, exact=exact)


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
    for name, values in _named(query):
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


def placed(
    requests: Sequence[Mapping[str, Any]], query: Query, place: tuple[float, float] | None
) -> list[dict[str, Any]]:
    """Add the position, if the question has one.

    Parameters
    ----------
    requests
        Requests, see `Criteria`.
    query
        The question, for the radius.
    place
        Right ascension and declination (deg, ICRS); None for the whole sky.

    Returns
    -------
    list of dict
    """
    if place is None:
        return [dict(request) for request in requests]
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    position = {"coordinates": SkyCoord(*place, unit="deg", frame="icrs"), "radius": query.radius * u.deg}
    return [{**request, **position} for request in requests]


def _base(query: Query, now: datetime | None) -> dict[str, Any]:
    base: dict[str, Any] = {"obs_collection": ["JWST"]}
    if query.program is not None:
        # CAOM writes programs without leading zeros; clients are also seen to ask with five digits.
        base["proposal_id"] = list(dict.fromkeys((str(query.program), f"{query.program:05d}")))
    earliest, latest = query.date_limits(now)
    if (earliest, latest) != (None, None):
        base["t_min"] = [_ALWAYS[0] if earliest is None else earliest, _ALWAYS[1] if latest is None else latest]
    if query.categories:
        base["proposal_type"] = list(query.categories)
    if query.access is not None:
        base["dataRights"] = [_RIGHTS[query.access]]
    made = executed(query)
    if made is not None:
        base["calib_level"] = list(_LEVELS[made])
    if query.obsids and not query.limited:
        base["obsid"] = [str(obsid) for obsid in query.obsids]
    return base


def _instruments(query: Query) -> list[dict[str, Any]]:
    if query.modes:
        names = [
            f"{instrument}/{mode.upper()}"
            for instrument in query.instrument or MODES
            for mode in query.modes
            if mode in MODES[instrument]
        ]
        return [{"instrument_name": names}]
    if not query.instrument or set(query.instrument) == set(MODES):
        return [{}]
    # Modes that are not in our list, and planned observations without a mode, are found by a pattern.
    return [{"instrument_name": [f"{instrument}*"]} for instrument in query.instrument]


def _patterns(query: Query) -> list[list[dict[str, Any]]]:
    """Give the choices of values with wildcards, the least limiting column first."""
    # A filter stands among others in its column: a pattern must find it there.
    filters = [f"*{value.strip('*%')}*" if is_pattern(value) else value for value in query.filters]
    return [_choices(name, values) for name, values in (("filters", filters), *_named(query)) if values]


def _named(query: Query) -> tuple[tuple[str, list[str]], ...]:
    investigators = [name if is_pattern(name) else f"*{name}*" for name in query.pi]
    return (
        ("proposal_pi", investigators),
        ("target_name", list(query.target_name)),
        ("obs_id", list(query.obs_ids)),
    )


def _choices(name: str, values: Iterable[str]) -> list[dict[str, Any]]:
    """Divide values so that no request has two patterns in a column, of which one would be lost."""
    plain = [value for value in values if not is_pattern(value)]
    return [{name: plain}] * bool(plain) + [{name: [value]} for value in values if is_pattern(value)]


def _numbers(program: int, observations: Iterable[int]) -> list[dict[str, Any]]:
    """Give the forms of name that hold an observation's number, or may stand for several observations.

    An exposure that belongs to a combination of observations (``jw01386-c1020``) can be listed for that one only. Which
    they are tell its products, so that combinations are asked for, and their files chosen by number.
    """
    forms = [form for number in observations for form in (f"-o{number:03d}", f"{number:03d}")]
    return [{"obs_id": [f"jw{program:05d}{form}*"]} for form in (*forms, "-c")]


def _product(choices: Iterable[Sequence[Any]]) -> int:
    return math.prod(map(len, choices))


def _where(column: Any, matches: Callable[[str], bool]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Test each value of a column of texts, equal ones once."""
    kinds, index = np.unique(np.asarray(column), return_inverse=True)
    return np.array([matches(kind) for kind in kinds.tolist()], dtype=bool)[index]
