"""How a question is put to MAST's portal: as the criteria of one request, or of several."""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jwstmq_widgets.archives.limits import executed, mode_names, named_limits, number_forms
from jwstmq_widgets.query import MODES, Query
from jwstmq_widgets.query.wildcards import is_pattern

__all__ = ["Criteria", "criteria_for", "placed"]

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
        return [{"instrument_name": mode_names(query)}]
    if not query.instrument or set(query.instrument) == set(MODES):
        return [{}]
    # Modes that are not in our list, and planned observations without a mode, are found by a pattern.
    return [{"instrument_name": [f"{instrument}*"]} for instrument in query.instrument]


def _patterns(query: Query) -> list[list[dict[str, Any]]]:
    """Give the choices of values with wildcards, the least limiting column first."""
    # A filter stands among others in its column: a pattern must find it there.
    filters = [f"*{value.strip('*%')}*" if is_pattern(value) else value for value in query.filters]
    return [_choices(name, values) for name, values in (("filters", filters), *named_limits(query)) if values]


def _choices(name: str, values: Iterable[str]) -> list[dict[str, Any]]:
    """Divide values so that no request has two patterns in a column, of which one would be lost."""
    plain = [value for value in values if not is_pattern(value)]
    return [{name: plain}] * bool(plain) + [{name: [value]} for value in values if is_pattern(value)]


def _numbers(program: int, observations: Iterable[int]) -> list[dict[str, Any]]:
    """Give the forms of name that hold an observation's number, or may stand for several observations.

    An exposure that belongs to a combination of observations (``jw01386-c1020``) can be listed for that one only. Which
    they are tell its products, so that combinations are asked for, and their files chosen by number.
    """
    return [{"obs_id": [f"jw{program:05d}{form}*"]} for form in (*number_forms(observations), "-c")]


def _product(choices: Iterable[Sequence[Any]]) -> int:
    return math.prod(map(len, choices))
