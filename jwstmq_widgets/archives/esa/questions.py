"""How a question is put to ESA's archive: as ADQL on its table ``jwst.main``.

The table has one row for each plane, that is for each calibration level of an observation. Of these the highest one
stands for the observation, as in astroquery's ``cal_level="Top"``.
"""

import math
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from jwstmq_widgets.archives.esa.tables import known_sources
from jwstmq_widgets.archives.limits import executed, mode_names, named_limits, number_forms
from jwstmq_widgets.archives.tap.adqltext import ADQL, all_of, any_of, column, like, literal, number, one_of, polygon
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query import MODES, Query
from jwstmq_widgets.query.wildcards import is_pattern

__all__ = [
    "ARTIFACTS",
    "TOP",
    "UUID",
    "Question",
    "artifacts_adql",
    "count_adql",
    "files_adql",
    "keys_adql",
    "members_adql",
    "observations_adql",
    "question_for",
    "rectangle",
    "users_adql",
]

TOP = "max_cal_level = calibrationlevel"
"""The condition for one row an observation."""

UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""What ESA's keys of observations and files look like."""

ARTIFACTS = ("filename", "artifactid", "public")
"""Columns of an answer to `keys_adql`."""

_FOOTPRINT = "position_bounds_spoly"
_CATEGORY = "proposal_type"
_RECOMMENDED = "ESA's archive does not mark files as recommended; choose them by file type, such as 'cal'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of observations."""

    where: ADQL
    """Conditions on ``jwst.main``, all of which hold for what is wanted."""
    exact: bool
    """True when they hold for nothing else, so that the rows can be counted by the archive."""


def question_for(
    query: Query,
    place: tuple[float, float] | None = None,
    *,
    columns: Collection[str],
    corners: Sequence[tuple[float, float]] = (),
    now: datetime | None = None,
) -> Question:
    """Put a question in ADQL.

    Parameters
    ----------
    query
        The question.
    place
        Right ascension and declination (deg, ICRS) that its target stands for; its coordinates by default.
    columns
        The columns that ``jwst.main`` has, as ``m.public``.
    corners
        Corners of a polygon (deg, ICRS) that the field must overlap, in place of the question's circle.
    now
        The present, for a look-back; the clock's by default.

    Returns
    -------
    Question

    Raises
    ------
    QueryError
        If something is asked that this archive cannot tell; ``.field`` names it.
    """
    _refuse(query, columns)
    position = place or query.coordinates
    where = all_of([TOP, *_program(query), *_setup(query), *_time(query, now), *_state(query), *_texts(query)])
    if corners or position is not None:
        where = all_of([where, _place(query, position, corners)])
    patterns = (*query.target_name, *query.obs_ids)
    exact = query.footprint is None and not query.filters and not any("_" in text or "\\" in text for text in patterns)
    return Question(where=where, exact=exact and not (query.observations and (query.obs_ids or query.program is None)))


def observations_adql(question: Question, columns: Collection[str]) -> ADQL:
    """Ask for observations.

    Parameters
    ----------
    question
        What is asked.
    columns
        The columns that ``jwst.main`` has, as ``m.public``.

    Returns
    -------
    str
    """
    fields = ", ".join(column(source.column) for source in known_sources("observations", columns))
    return f"SELECT {fields} FROM jwst.main WHERE {question.where} ORDER BY observationid"  # noqa: S608


def count_adql(question: Question) -> ADQL:
    """Ask how many observations there are."""
    return f"SELECT COUNT(DISTINCT obsid) AS rows_found FROM jwst.main WHERE {question.where}"  # noqa: S608  (adqltext wrote them)


def members_adql(observations: Sequence[str]) -> ADQL:
    """Ask for the names of observations, and for those that they were made from, by their ``obsid``."""
    return f"SELECT obsid, observationid, members FROM jwst.main WHERE {TOP} AND {one_of('obsid', observations)}"  # noqa: S608


def users_adql(obs_id: str) -> ADQL:
    """Ask for observations that may have been made from one, by its ``obs_id``."""
    return (
        f"SELECT obsid, observationid, members FROM jwst.main "  # noqa: S608
        f"WHERE {TOP} AND {like('members', f'*{obs_id}*')} "
        f"OR {TOP} AND {one_of('observationid', [obs_id])}"
    )


def keys_adql(names: Sequence[str], columns: Collection[str]) -> ADQL:
    """Ask for the keys of files by their names; for ``columns`` see `files_adql`."""
    public = column("public")
    if {"m.public", "m.planeid", "a.planeid"} <= set(columns):
        told, tables = f"m.{public}", "jwst.artifact AS a JOIN jwst.main AS m ON m.planeid = a.planeid"
    else:
        told, tables = f"'' AS {public}", "jwst.artifact AS a"
    return f"SELECT a.filename, a.artifactid, {told} FROM {tables} WHERE a.{one_of('filename', names)}"  # noqa: S608


def files_adql(names: Sequence[str], columns: Collection[str]) -> ADQL:
    """Ask for the files of observations, on all their levels.

    Parameters
    ----------
    names
        Their ``observationid``.
    columns
        The columns that ``jwst.main`` and ``jwst.artifact`` have, as ``m.public`` and ``a.filename``.

    Returns
    -------
    str
    """
    return f"{_files_from(columns)} WHERE m.{one_of('observationid', names)}"


def artifacts_adql(files: Sequence[str], columns: Collection[str]) -> ADQL:
    """Ask for files by name, or by ``artifactid`` where a word is a UUID; for ``columns`` see `files_adql`."""
    told = [f"a.{one_of('filename', files)}"]
    if keys := [file for file in files if UUID.fullmatch(file)]:  # an archive may have to look through all its files
        told.append(f"a.{one_of('artifactid', keys)}")
    where = any_of(told)
    return f"{_files_from(columns)} WHERE {where}"


def _files_from(columns: Collection[str]) -> ADQL:
    fields = ", ".join(f"{source.table}.{column(source.column)}" for source in known_sources("products", columns))
    return f"SELECT {fields} FROM jwst.main AS m JOIN jwst.artifact AS a ON a.planeid = m.planeid"  # noqa: S608  (adqltext wrote them)


def rectangle(middle: tuple[float, float], width: float, height: float) -> tuple[tuple[float, float], ...]:
    """Give the corners of a box on the sky.

    Parameters
    ----------
    middle
        Right ascension and declination (deg).
    width, height
        Its sides (deg), along great circles through the middle.

    Returns
    -------
    tuple
        Four corners (deg), on the plane that touches the sky in the middle (gnomonic projection).

    Raises
    ------
    QueryError
        If a side is not an angle above 0 and up to 60 degrees.
    """
    for name, side in (("width", width), ("height", height)):
        if not 0 < side <= 60:
            raise QueryError(f"{name} {side!r} is not an angle above 0 and up to 60 degrees", field=name)
    x, y = math.tan(math.radians(width / 2)), math.tan(math.radians(height / 2))
    return tuple(_from_plane(middle, sx * x, sy * y) for sx, sy in ((1, -1), (1, 1), (-1, 1), (-1, -1)))


def _from_plane(middle: tuple[float, float], x: float, y: float) -> tuple[float, float]:
    ra, dec = map(math.radians, middle)
    depth = math.cos(dec) - y * math.sin(dec)
    north = math.atan2(math.sin(dec) + y * math.cos(dec), math.hypot(x, depth))
    return (math.degrees(ra + math.atan2(x, depth)) % 360, math.degrees(north))


def _refuse(query: Query, columns: Collection[str]) -> None:
    """Say what cannot be asked here."""
    if query.keywords:
        raise QueryError(
            "ESA's archive has no search by instrument keywords; leave them out, or ask MAST "
            "(adql() can ask for the columns that tables() lists)",
            field="keywords",
        )
    if query.exposure_types:
        raise QueryError(
            f"ESA's archive does not tell the type of an exposure ({', '.join(query.exposure_types)}); give modes, "
            "such as 'image', or ask MAST",
            field="exposure_types",
        )
    if query.obsids or query.obsid_range != (None, None):
        raise QueryError(
            "an obsid is MAST's number of an observation, which ESA's archive does not know; give its name as obs_ids",
            field="obsids" if query.obsids else "obsid_range",
        )
    if query.recommended:
        raise QueryError(_RECOMMENDED, field="recommended")
    if query.categories and f"m.{_CATEGORY}" not in columns:
        raise QueryError(
            f"ESA's archive does not tell the category of a program ({', '.join(query.categories)}); give programs, "
            "or ask MAST",
            field="categories",
        )


def _program(query: Query) -> Iterable[ADQL]:
    if query.program is not None:
        yield one_of("proposal_id", [f"{query.program:05d}"])
    if query.categories:
        yield one_of(_CATEGORY, query.categories)
    if query.observations:
        # An exposure may belong to a combination of observations (c1001) of the program: its products tell.
        start = "jw_____" if query.program is None else f"jw{query.program:05d}"
        forms = number_forms(query.observations) + (["-c"] if query.program is not None else [])
        yield any_of(like("observationid", f"{start}{form}*") for form in forms)


def _setup(query: Query) -> Iterable[ADQL]:
    if query.modes:
        yield one_of("instrument_name", mode_names(query))
    elif query.instrument and set(query.instrument) != set(MODES):
        yield any_of(like("instrument_name", f"{instrument}*") for instrument in query.instrument)
    if query.filters:
        # A filter stands among others in its column.
        yield any_of(like("energy_bandpassname", f"*{value}*") for value in query.filters)


def _time(query: Query, now: datetime | None) -> Iterable[ADQL]:
    earliest, latest = query.date_limits(now)
    if earliest is not None:
        yield f"time_bounds_lower >= {number(earliest)}"
    if latest is not None:
        yield f"time_bounds_lower <= {number(latest)}"


def _state(query: Query) -> Iterable[ADQL]:
    made = executed(query)
    if made is not None:
        yield "calibrationlevel >= 0" if made else "calibrationlevel = -1"
    if query.access is not None:
        yield f"{column('public')} = {literal('true' if query.access == 'public' else 'false')}"


def _texts(query: Query) -> Iterable[ADQL]:
    for name, values in named_limits(query):
        if values and name != "obs_id":
            yield any_of(like(name, value) for value in values)
    if query.obs_ids:
        plain = [value for value in query.obs_ids if not is_pattern(value)]
        patterns = [like("observationid", value) for value in query.obs_ids if is_pattern(value)]
        yield any_of([one_of("observationid", plain) if plain else "", *patterns])


def _place(query: Query, position: tuple[float, float] | None, corners: Sequence[tuple[float, float]]) -> ADQL:
    """Ask about the field where it is known, and about the target where not."""
    if position is not None and query.footprint == "contains" and not corners:
        return f"CONTAINS(POINT('ICRS', {number(position[0])}, {number(position[1])}), {_FOOTPRINT}) = 1"
    area = polygon(corners) if corners or position is None else _circle(position, query.radius)
    target = "POINT('ICRS', target_ra, target_dec)"
    return any_of(
        [
            f"INTERSECTS({_FOOTPRINT}, {area}) = 1",
            f"({_FOOTPRINT} IS NULL AND CONTAINS({target}, {area}) = 1)",
        ]
    )


def _circle(place: tuple[float, float], radius: float) -> ADQL:
    return f"CIRCLE('ICRS', {number(place[0])}, {number(place[1])}, {number(radius)})"
