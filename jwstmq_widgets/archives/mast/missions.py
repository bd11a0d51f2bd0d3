"""The words of MAST's mission search: its requests and its answers, as values.

Source: mast.stsci.edu/search/docs, and recorded replies. It holds one row for each executed exposure, its detectors
together, under ``fileSetName``.
"""

import difflib
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
import orjson
from astropy.table import Column, Table

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast.portal import Columns
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query import Query
from jwstmq_widgets.query.dates import MJD_OF_UNIX_EPOCH
from jwstmq_widgets.query.keywords import Keywords, read_term

__all__ = [
    "DATASET",
    "KeywordColumn",
    "MissionPage",
    "columns_table",
    "conditions_for",
    "known_keywords",
    "missions_table",
    "read_columns",
    "read_missions",
    "search_body",
    "where_null",
]

DATASET = "fileSetName"
"""The column that names an exposure without its detector: ``jw02733002001_02103_00001``."""

_KINDS: Mapping[str, Literal["text", "integer", "real"]] = {
    "integer": "integer",
    "float": "real",
    "ra": "real",
    "dec": "real",
}
_INSTRUMENTS = ("miri_", "nircam_", "nirspec_", "niriss_", "fgs_")
_DTYPES = {"text": str, "integer": np.int64, "real": np.float64}
_MISSING: Mapping[str, Any] = {"text": "", "integer": -999, "real": float("nan")}


@dataclass(frozen=True, slots=True, kw_only=True)
class KeywordColumn:
    """A column of the mission search."""

    name: str
    """Name, in the archive's spelling."""
    kind: Literal["text", "integer", "real"]
    """Kind of its values."""
    description: str
    """What it means, in the archive's words."""
    shown: bool
    """Whether the archive gives it unasked."""
    askable: bool
    """Whether conditions may be put on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissionPage:
    """One page of an answer."""

    columns: Columns
    """The rows, by column."""
    rows: int
    """How many."""
    total: int | None
    """How many there are on all pages; None where the archive does not say."""


def read_columns(body: bytes, *, host: Host) -> dict[str, KeywordColumn]:
    """Read the list of columns.

    Parameters
    ----------
    body
        The answer.
    host
        The archive, for the errors.

    Returns
    -------
    dict
        The columns by name, in the archive's order.

    Raises
    ------
    Unreadable
        If it is not such an answer.
    """
    answer = _json(body, host)
    try:
        columns = {
            str(entry["column_name"]): KeywordColumn(
                name=str(entry["column_name"]),
                kind=_KINDS.get(str(entry.get("qual_type", "")).lower(), "text"),
                description=" ".join(str(entry.get("description") or "").split()),
                shown=entry.get("default_output") == "yes",
                askable=entry.get("queryable", "yes") != "no",
            )
            for entry in answer
        }
    except (LookupError, TypeError, AttributeError) as error:
        raise host.unreadable("it is not a list of columns") from error
    if DATASET not in columns:
        raise host.unreadable(f"its columns lack {DATASET}")
    return columns


def known_keywords(keywords: Keywords, columns: Mapping[str, KeywordColumn]) -> Keywords:
    """Check conditions against the archive's columns.

    Parameters
    ----------
    keywords
        Conditions; case does not count in their names.
    columns
        The archive's columns.

    Returns
    -------
    Keywords
        The same under the archive's spelling.

    Raises
    ------
    QueryError
        If there is no such keyword, with the nearest one; or a number is wanted and something else is given.
    """
    spelling = {name.lower(): name for name in columns}
    terms = {}
    for name, values in keywords.items():
        column = columns.get(spelling.get(name.lower(), ""))
        if column is None or not column.askable:
            raise QueryError(
                f"there is no keyword '{name}' in mission search; {_nearest(name, columns)}", field="keywords"
            )
        for value in values if column.kind != "text" else ():
            term = read_term(value)
            if term.sign != "*" and not all(map(_is_number, term.operands)):
                raise QueryError(
                    f"keyword '{column.name}' is a number ({column.description}), not '{value}'; "
                    "write 100, >=100 or 100..200",
                    field="keywords",
                )
        terms[column.name] = values
    return Keywords(terms)


def conditions_for(query: Query, keywords: Keywords) -> list[dict[str, str]]:
    """Put a question in the mission search's words.

    Beside the keywords only what an exposure of a matching observation must meet is asked: the rest is up to the
    observations. The earliest date is such a limit; the latest is not, since observations begin before they end.

    Parameters
    ----------
    query
        The question.
    keywords
        Its keywords in the archive's spelling.

    Returns
    -------
    list of dict
        Conditions, all of which must hold. ``null`` is not among them, see `where_null`.
    """
    limits: dict[str, str] = {}
    if query.program is not None:
        limits["program"] = str(query.program)
    if query.observations:
        limits["observtn"] = ",".join(map(str, query.observations))
    if query.instrument:
        limits["instrume"] = ",".join(query.instrument)
    earliest = query.date_limits()[0]
    if earliest is not None and earliest > MJD_OF_UNIX_EPOCH:
        limits["date_obs"] = f">={_moment(earliest)}"
    sent = {name: [term for term in terms if not read_term(term).null] for name, terms in keywords.items()}
    asked = {name: ",".join(terms) for name, terms in sent.items() if terms}
    return [{name: value} for name, value in {**limits, **asked}.items()]


def where_null(columns: Columns, keywords: Keywords) -> Columns:
    """Keep the rows without a value, or with one, where that was asked.

    MAST does not tell how its mission search is asked for that, so the rows are looked at.

    Parameters
    ----------
    columns
        Rows by column.
    keywords
        Conditions in the archive's spelling.

    Returns
    -------
    dict
    """
    keep = np.ones(max(map(len, columns.values()), default=0), dtype=bool)
    for name, values in keywords.items():
        for term in map(read_term, values):
            if term.null and name in columns:
                missing = np.array([value is None or value == "" for value in columns[name]], dtype=bool)
                keep &= ~missing if term.negated else missing
    if keep.all():
        return columns
    rows = np.flatnonzero(keep).tolist()
    return {name: [values[row] for row in rows] for name, values in columns.items()}


def search_body(
    conditions: Sequence[Mapping[str, str]],
    *,
    select: Sequence[str],
    place: tuple[float, float] | None,
    radius: float,
    offset: int,
    limit: int,
) -> bytes:
    """Write a request for rows.

    Parameters
    ----------
    conditions
        See `conditions_for`.
    select
        Columns of the answer.
    place
        Right ascension and declination (deg, ICRS) of a circle; None for the whole sky.
    radius
        Its radius (deg).
    offset, limit
        Which of the rows, in the order of their names.

    Returns
    -------
    bytes
        JSON.
    """
    body: dict[str, Any] = {
        "conditions": list(conditions),
        "select_cols": list(select),
        "sort_by": [DATASET],
        "sort_desc": [False],
        "offset": offset,
        "limit": limit,
        "skip_count": False,
    }
    if place is not None:
        body |= {
            "target": [f"{place[0]!r} {place[1]!r}"],
            "radius": radius * 3600,
            "radius_units": "arcseconds",
        }
    return orjson.dumps(body)


def read_missions(body: bytes, *, host: Host, select: Sequence[str]) -> MissionPage:
    """Read one page of rows.

    Parameters
    ----------
    body
        The answer.
    host
        The archive, for the errors.
    select
        The columns that were asked for; others are left out.

    Returns
    -------
    MissionPage

    Raises
    ------
    Unreadable
        If it is not such an answer.
    """
    answer = _json(body, host)
    try:
        rows, total = answer["results"], answer.get("totalResults")
        if not isinstance(rows, list):
            raise TypeError("its results are no list")  # noqa: TRY301
        if rows and isinstance(rows[0], list):
            names = [str(entry["name"]) for entry in answer["info"]]
            places = [names.index(name) for name in select]
            columns = {name: [row[place] for row in rows] for name, place in zip(select, places, strict=True)}
        else:
            columns = {name: list(map(operator.itemgetter(name), rows)) for name in select}
        return MissionPage(columns=columns, rows=len(rows), total=None if total is None else int(total))
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise host.unreadable("it is not rows of the mission search with the columns asked for") from error


def missions_table(columns: Columns, known: Mapping[str, KeywordColumn], *, archive: str) -> Table:
    """Make a table of rows.

    Parameters
    ----------
    columns
        Rows by column.
    known
        The archive's columns.
    archive
        The archive's address, kept as ``meta["archive"]``.

    Returns
    -------
    astropy.table.Table
        Nothing is masked: missing texts are "", missing reals NaN, missing integers -999.
    """
    table = Table(meta={"archive": archive})
    for name, values in columns.items():
        kind = known[name].kind
        read: Any = {"text": str, "integer": int, "real": float}[kind]
        converted = [_MISSING[kind] if value is None else read(value) for value in values]
        table[name] = Column(np.array(converted, dtype=_DTYPES[kind]), description=known[name].description)
    return table


def columns_table(known: Mapping[str, KeywordColumn], *, archive: str) -> Table:
    """Make a table of the keywords that can be asked for: name, type (text, integer, real), description."""
    askable = [column for column in known.values() if column.askable]
    return Table(
        {
            "name": np.array([column.name for column in askable], dtype=str),
            "type": np.array([column.kind for column in askable], dtype=str),
            "description": np.array([column.description for column in askable], dtype=str),
        },
        meta={"archive": archive},
    )


def _json(body: bytes, host: Host) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        kind = "a web page" if body.lstrip()[:1] == b"<" else "not whole JSON"
        raise host.unreadable(f"it is {kind}") from error


def _moment(mjd: float) -> str:
    # A minute earlier: t_min of an observation and date_obs of its first exposure may be rounded differently.
    moment = datetime.fromtimestamp((mjd - MJD_OF_UNIX_EPOCH) * 86400 - 60, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S")


def _is_number(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _nearest(name: str, columns: Mapping[str, KeywordColumn]) -> str:
    known = {column.name.lower(): column.name for column in columns.values() if column.askable}
    low = name.lower()
    # FITS says GRATING; the column says of which instrument.
    near = [known[prefix + low] for prefix in _INSTRUMENTS if prefix + low in known]
    near = near or [known[match] for match in difflib.get_close_matches(low, known, n=3, cutoff=0.6)]
    if near:
        return f"did you mean {' or '.join(repr(match) for match in near)}?"
    return "archive.keyword_columns() lists them all"
