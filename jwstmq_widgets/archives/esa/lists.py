"""Lists that ESA's archive gives: observations, their members, and which files belong to them.

ESA gives at most `SYNC_ROWS` rows at once. Observations are asked for at once first and by a job if there are more; the
files of many observations are asked for in batches, several at a time, which are halved where they hold too much, so
that even a program of 17,000 files needs no job. astroquery asks four queries for each observation, one after another.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Event
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives.connections import Connections
from jwstmq_widgets.archives.esa.questions import UUID, artifacts_adql, files_adql, members_adql
from jwstmq_widgets.archives.esa.tables import Rows, Source, esa_products, known_sources, read_columns
from jwstmq_widgets.archives.listing import Arrivals, ProductsProgress, listed
from jwstmq_widgets.archives.parallel import Manners, Stop, gather
from jwstmq_widgets.archives.tap.adqltext import ADQL
from jwstmq_widgets.archives.tap.answers import read_csv
from jwstmq_widgets.archives.tap.service import SYNC_ROWS, TapService
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.tables.encoded import Encoded

__all__ = ["MEMBERS", "Asked", "ask_artifacts", "ask_files", "ask_rows", "asked_of", "check_level", "members_in"]

MEMBERS = ("obsid", "observationid", "members")
"""Columns of an answer to `members_adql` and `users_adql`."""

_MEMBER = re.compile(r"[a-z0-9]+:[A-Za-z0-9]+/(\S+)")
_LARGEST = 64  # observations in a batch: about 1,300 files
_MOST_NAMED = 200  # files asked for by name at once
_COMBINED = 3  # the calibration level from which an observation is made from others


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An observation whose files are wanted."""

    obsid: str
    """ESA's key (a UUID)."""
    obs_id: str = ""
    """Its name; "" where it is not known yet."""
    level: int | None = None
    """Its calibration level; None where it is not known."""


def asked_of(observations: Table | Iterable[str]) -> tuple[Asked, ...]:
    """Tell whose files are wanted.

    Parameters
    ----------
    observations
        A table of observations, or their ``obsid`` (not ``obs_id``).

    Returns
    -------
    tuple of Asked
        Each once.

    Raises
    ------
    QueryError
        If a value is not an ``obsid`` of ESA's archive.
    """
    if isinstance(observations, Table):
        if "obsid" not in observations.colnames:
            raise QueryError("the table of observations has no column 'obsid'; give one that an archive made")
        names = _values(observations, "obs_id")
        levels = _values(observations, "calib_level")
        several = [
            Asked(obsid=str(obsid).strip().lower(), obs_id=str(name or "").strip(), level=level)
            for obsid, name, level in zip(_values(observations, "obsid"), names, levels, strict=True)
        ]
    else:
        texts = [observations] if isinstance(observations, str) else observations
        several = [Asked(obsid=str(value).strip().lower()) for value in texts]
    for asked in several:
        if not UUID.fullmatch(asked.obsid):
            raise QueryError(
                f"'{asked.obsid[:60]}' is not an obsid of ESA's archive, which is a UUID such as "
                "6ab73824-6587-4bca-84a8-eb48ac7251be (MAST's are numbers, and obs_id is something else)"
            )
    return tuple({asked.obsid: asked for asked in reversed(several)}.values())[::-1]


def check_level(several: Iterable[Asked], level: int) -> None:
    """Refuse a level above an observation's, as ESA does: what was made from it are other observations.

    Raises
    ------
    QueryError
        If one is known to have a lower level.
    """
    for asked in several:
        if asked.level is not None and asked.level < level:
            raise QueryError(
                f"level {level} is above level {asked.level} of {asked.obs_id}; products of upper levels belong to the "
                "observations that were made from it, which related() gives",
                field="calib_levels",
            )


def ask_rows(
    service: TapService,
    adql: ADQL,
    columns: Sequence[str],
    connections: Connections,
    stop: Stop,
) -> Rows:
    """Ask for rows: at once, and by a job where there are more than the archive gives at once.

    Parameters
    ----------
    service
        Whom to ask.
    adql
        The query.
    columns
        The columns that it asks for, in order.
    connections, stop
        See `TapService.as_job`.

    Returns
    -------
    dict
        By column.

    Raises
    ------
    ArchiveError
        If asking failed.
    """
    rows = read_csv(service.at_once(adql, connections, form="csv"), columns, host=service.host)
    if _length(rows) >= SYNC_ROWS:
        body, _ = service.as_job(adql, connections, stop, form="csv")
        rows = read_csv(body, columns, host=service.host)
    return read_columns(rows)


def members_in(text: str | None) -> tuple[str, ...]:
    """Give the names of the observations in ESA's list of members: ``caom:JWST/jw... caom:JWST/jw...``."""
    return tuple(dict.fromkeys(_MEMBER.findall(text or "")))


def ask_files(
    service: TapService,
    asked: Sequence[Asked],
    columns: Collection[str],
    *,
    observations: Table | None = None,
    progress: Callable[[ProductsProgress], None] | None = None,
    cancel: Event | None = None,
) -> Table:
    """Ask for the files of observations, and of those that they were made from.

    Parameters
    ----------
    service
        Whom to ask.
    asked
        The observations.
    columns
        The columns that ``jwst.main`` and ``jwst.artifact`` have, as ``m.public`` and ``a.filename``.
    observations
        Their table, which gives the targets and the release dates.
    progress
        Told after every answer, on this thread.
    cancel
        Set to stop.

    Returns
    -------
    astropy.table.Table
        One row a file, in the order of the observations, with all its parents in ``parents``.

    Raises
    ------
    LookupError
        If the archive lacks a column without which there is no list.
    ValueError
        If a value does not fit its column.
    ArchiveError
        If asking failed.
    Cancelled
        Within a fraction of a second after ``cancel`` is set.
    """
    sources = known_sources("products", columns)
    several = replace(service.manners, first=min(16, service.manners.first), largest=_LARGEST)

    def ask(batch: Sequence[str], stop: Stop) -> dict[str, Encoded]:
        return read_columns(_files(service, batch, columns, sources, connections, stop))

    with Connections(service.host, most=service.manners.connections) as connections:
        parents = _parents(service, asked, connections, several, cancel)
        listing = _Listing(parents=parents, sources=sources, archive=service.host.url, observations=observations)
        arrivals = Arrivals(len(parents), "filename", table=listing.table, progress=progress)
        found = gather(ask, tuple(parents), manners=several, cancel=cancel, done=arrivals.add, abort=connections.abort)
    return listing.table(listed(found))


def ask_artifacts(
    service: TapService, files: Sequence[str], columns: Collection[str], *, cancel: Event | None = None
) -> dict[str, Encoded]:
    """Ask for the rows of files by their names or ``artifactid``.

    Parameters
    ----------
    service
        Whom to ask.
    files
        Names or ``artifactid``.
    columns, cancel
        See `ask_files`.

    Returns
    -------
    dict
        By column; a file has a row for each observation that it belongs to.

    Raises
    ------
    ArchiveError
        If asking failed.
    """
    wanted = [source.column for source in known_sources("products", columns)]
    manners = replace(service.manners, largest=_MOST_NAMED)

    def ask(batch: Sequence[str], stop: Stop) -> Rows:
        return ask_rows(service, artifacts_adql(batch, columns), wanted, connections, stop)

    with Connections(service.host, most=manners.connections) as connections:
        found = gather(ask, files, manners=manners, cancel=cancel, abort=connections.abort)
    return listed([dict(rows) for rows in found])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    parents: Mapping[str, Sequence[str]]
    sources: Sequence[Source]
    archive: str
    observations: Table | None

    def table(self, rows: Mapping[str, Encoded]) -> Table:
        whole = rows or read_columns({source.column: () for source in self.sources})
        names = whole["observationid"]
        owners = [self.parents.get(str(name), ()) for name in names.values]
        return esa_products(
            whole,
            [owners[code] for code in names.codes.tolist()],
            self.sources,
            archive=self.archive,
            observations=self.observations,
        )


def _parents(
    service: TapService,
    asked: Sequence[Asked],
    connections: Connections,
    manners: Manners,
    cancel: Event | None,
) -> dict[str, list[str]]:
    """Tell of which names the files are wanted, and for which of the observations asked about."""
    unknown = [one.obsid for one in asked if not one.obs_id or one.level is None or one.level >= _COMBINED]

    def ask(batch: Sequence[str], stop: Stop) -> Rows:
        return ask_rows(service, members_adql(batch), MEMBERS, connections, stop)

    told: dict[str, tuple[str, tuple[str, ...]]] = {}
    for rows in gather(ask, unknown, manners=manners, cancel=cancel, abort=connections.abort):
        for obsid, name, members in zip(*(rows[column].tolist() for column in MEMBERS), strict=True):
            told[str(obsid).lower()] = (str(name), members_in(members))
    parents: dict[str, list[str]] = {}
    for one in asked:
        name, members = told.get(one.obsid, (one.obs_id, ()))
        for wanted in (name, *members):
            if wanted and one.obsid not in parents.setdefault(wanted, []):
                parents[wanted].append(one.obsid)
    return parents


def _files(
    service: TapService,
    names: Sequence[str],
    columns: Collection[str],
    sources: Sequence[Source],
    connections: Connections,
    stop: Stop,
) -> dict[str, Sequence[str]]:
    wanted = [source.column for source in sources]
    adql = files_adql(names, columns)
    rows = read_csv(service.at_once(adql, connections, form="csv"), wanted, host=service.host)
    if _length(rows) < SYNC_ROWS:
        return rows
    if len(names) == 1:
        body, _ = service.as_job(adql, connections, stop, form="csv")
        return read_csv(body, wanted, host=service.host)
    halves = [
        _files(service, part, columns, sources, connections, stop)
        for part in (names[: len(names) // 2], names[len(names) // 2 :])
    ]
    return {name: [*halves[0][name], *halves[1][name]] for name in wanted}


def _length(rows: Mapping[str, Sequence[Any]]) -> int:
    return max(map(len, rows.values()), default=0)


def _values(table: Table, name: str) -> list[Any]:
    return np.asarray(table[name]).tolist() if name in table.colnames else [None] * len(table)
