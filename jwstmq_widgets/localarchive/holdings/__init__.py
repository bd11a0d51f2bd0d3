"""What the local archive holds: questions to its catalogue, and the rows that answer them."""

import json
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jwstmq_widgets.localarchive.facts import FileFacts, Scale
from jwstmq_widgets.localarchive.holdings.conditions import (
    Column,
    Condition,
    Cone,
    cone_clause,
    cone_distance,
    where_clause,
)
from jwstmq_widgets.localarchive.holdings.filefacts import file_facts
from jwstmq_widgets.localarchive.holdings.missioncolumns import MissionColumn, mission_columns
from jwstmq_widgets.localarchive.holdings.missionfiles import mission_products
from jwstmq_widgets.localarchive.holdings.missionsearches import find_missions
from jwstmq_widgets.localarchive.holdings.missionterms import Criterion, Term
from jwstmq_widgets.localarchive.holdings.names import name_key
from jwstmq_widgets.localarchive.holdings.store import catalogue_path
from jwstmq_widgets.localarchive.holdings.survey import check_survey

__all__ = ["Column", "Condition", "Cone", "Criterion", "Holdings", "MissionColumn", "Term"]

_OBSERVATION_COLUMNS = (
    *(
        Column(name, "string")
        for name in (
            "intentType", "obs_collection", "provenance_name", "instrument_name", "project", "filters",
            "wavelength_region", "target_name", "target_classification", "obs_id",
        )
    ),
    Column("s_ra", "float"),
    Column("s_dec", "float"),
    Column("dataproduct_type", "string"),
    Column("proposal_pi", "string"),
    Column("calib_level", "int"),
    *(Column(name, "float") for name in ("t_min", "t_max", "t_exptime", "em_min", "em_max")),
    Column("obs_title", "string"),
    Column("t_obs_release", "float"),
    Column("proposal_id", "string"),
    Column("proposal_type", "string"),
    Column("sequence_number", "int"),
    *(Column(name, "string") for name in ("s_region", "jpegURL", "dataURL", "dataRights")),
    Column("mtFlag", "boolean"),
    Column("srcDen", "float"),
    Column("obsid", "string"),
    Column("objID", "string"),
)  # fmt: skip
_MOVING, *_NUMBERS = (
    [column.name for column in _OBSERVATION_COLUMNS].index(name) for name in ("mtFlag", "obsid", "objID")
)
_PRODUCT_COLUMNS = tuple(
    Column(name, "int" if name in {"size", "calib_level"} else "string")
    for name in (
        "obsID", "obs_collection", "dataproduct_type", "obs_id", "description", "type", "dataURI", "productType",
        "productGroupDescription", "productSubGroupDescription", "productDocumentationURL", "project", "prvversion",
        "proposal_id", "productFilename", "size", "parent_obsid", "dataRights", "calib_level", "filters",
    )
)  # fmt: skip
# In SQLite a CROSS JOIN keeps its loops in the order written, and so the order of the numbers sorted inside.
# One row for a file and the observation under which it is listed; guide stars once for each exposure of their visit.
_PRODUCTS = """
WITH asked(parent, position) AS (SELECT CAST(value AS INTEGER), key FROM json_each(?)),
part(parent, position, obsid) AS (
    SELECT parent, position, parent FROM asked
    UNION ALL SELECT asked.parent, position, member.obsid FROM asked JOIN member ON member.parent = asked.parent
),
listed(parent, position, obsid, file) AS (
    SELECT parent, position, part.obsid, holding.file FROM part JOIN holding ON holding.obsid = part.obsid
    UNION ALL
    SELECT parent, position, part.obsid, visit_file.file FROM part
    JOIN observation ON observation.obsid = part.obsid
    JOIN visit_file ON visit_file.visit = observation.visit
)
"""
_PRODUCT_COUNT = "SELECT COUNT(*) FROM listed"
_PRODUCT_ROWS = """
SELECT CAST(o.obsid AS TEXT), o.obs_collection,
    CASE WHEN k.suffix IN ('uncal', 'msa') OR f.guide <> '' THEN 'image' ELSE o.dataproduct_type END,
    o.obs_id, k.description, CASE WHEN o.calib_level = 3 THEN 'D' ELSE 'S' END, 'mast:JWST/product/' || f.name,
    k.product_type,
    CASE WHEN k.recommended AND l.obsid = l.parent THEN 'Minimum Recommended Products' END,
    k.subgroup, NULL, 'CALJWST', CASE WHEN k.versioned THEN p.version END, o.proposal_id, f.name,
    CASE WHEN f.listed THEN f.size END, CAST(l.parent AS TEXT), COALESCE(f.rights, o.dataRights), k.calib_level,
    o.filters
FROM (SELECT * FROM listed ORDER BY position, obsid <> parent, obsid, file LIMIT ? OFFSET ?) l
CROSS JOIN observation o ON o.obsid = l.obsid
CROSS JOIN file f ON f.file = l.file
CROSS JOIN kind k ON k.kind = f.kind
CROSS JOIN program p ON p.program = o.program
"""


class Holdings:
    """The catalogue, open for questions from any number of threads.

    Parameters
    ----------
    path
        The SQLite file.
    scale
        The scale that it was built for.
    """

    observation_columns: tuple[Column, ...] = _OBSERVATION_COLUMNS
    """CAOM's columns of an observation, as of 2023 to 2025."""
    product_columns: tuple[Column, ...] = _PRODUCT_COLUMNS
    """CAOM's columns of a product, as of 2025."""
    mission_columns: Mapping[str, MissionColumn] = mission_columns()
    """The mission search's columns for JWST, by name."""

    def __init__(self, path: Path, *, scale: Scale) -> None:
        self._path = path
        self._scale: Scale = scale
        self._local = threading.local()
        self._lock = threading.Lock()
        self._connections: list[sqlite3.Connection] = []

    @classmethod
    def open(cls, folder: Path | None = None, *, scale: Scale = "reduced", survey: int = 0) -> "Holdings":
        """Open the catalogue; build it on first use.

        Parameters
        ----------
        folder
            Where the SQLite file is kept; the user's cache directory when None. Where it cannot be written, a
            temporary directory takes its place, with a warning in the log.
        scale
            Whether files have their reduced or their real sizes.
        survey
            How many files of the synthetic survey are there beside those of real programs.

        Raises
        ------
        ValueError
            If no survey has that many files.
        """
        return cls(catalogue_path(folder, scale=scale, survey=check_survey(survey)), scale=scale)

    @property
    def path(self) -> Path:
        """The SQLite file: replaced whole when it changes, never written again."""
        return self._path

    def close(self) -> None:
        """Close the connections of all threads; a later question opens a new one."""
        with self._lock:
            connections, self._connections = self._connections, []
            self._local = threading.local()
        for connection in connections:
            connection.close()

    def observations(
        self,
        where: Sequence[Condition] = (),
        cone: Cone | None = None,
        *,
        offset: int = 0,
        limit: int | None = None,
    ) -> tuple[int, list[tuple[Any, ...]]]:
        """Find observations.

        Parameters
        ----------
        where
            Conditions on :attr:`observation_columns`, all of which must hold.
        cone
            A circle that must overlap the footprint.
        offset, limit
            Which of the rows; they are in the order of obsid.

        Returns
        -------
        tuple of int and list
            How many there are in all, and the rows in the order of :attr:`observation_columns`; with a cone each has
            the distance of its middle to the footprint (arcsec, 0 inside) as one value more.

        Raises
        ------
        ValueError
            If a column is not known or a value does not fit it.
        """
        found = self._found(where, cone)
        page = found[offset:] if limit is None else found[offset : offset + limit]
        names = ", ".join(f'"{column.name}"' for column in _OBSERVATION_COLUMNS)
        statement = f"SELECT {names} FROM observation WHERE obsid IN (SELECT value FROM json_each(?)) ORDER BY obsid"  # noqa: S608 - our own names
        rows = self._ask(statement, [json.dumps([obsid for obsid, _ in page])])
        shaped = []
        for row, (_, separation) in zip(rows, page, strict=True):
            values = list(row)
            values[_MOVING] = None if values[_MOVING] is None else bool(values[_MOVING])
            for place in _NUMBERS:
                values[place] = str(values[place])
            if cone is not None:
                values.append(separation)
            shaped.append(tuple(values))
        return len(found), shaped

    def count(self, where: Sequence[Condition] = (), cone: Cone | None = None) -> int:
        """Count observations; see :meth:`observations`."""
        return len(self._found(where, cone))

    def products(
        self, obsids: Sequence[str], *, offset: int = 0, limit: int | None = None
    ) -> tuple[int, list[tuple[Any, ...]]]:
        """List the files of observations.

        Parameters
        ----------
        obsids
            CAOM's obsid (not obs_id) of each; unknown ones are passed over.
        offset, limit
            Which of the rows.

        Returns
        -------
        tuple of int and list
            How many there are in all, and the rows in the order of :attr:`product_columns`. A file is listed once for
            each observation asked for and each exposure of it that it belongs to: guide stars as often as their visit
            has exposures.
        """
        asked = json.dumps(list(dict.fromkeys(text for text in map(str, obsids) if text.isdecimal())))
        rows = self._ask(_PRODUCTS + _PRODUCT_ROWS, [asked, -1 if limit is None else limit, offset])
        if (limit is None or len(rows) < limit) and (rows or offset == 0):  # the last row is among them
            return offset + len(rows), rows
        [(total,)] = self._ask(_PRODUCTS + _PRODUCT_COUNT, [asked])
        return total, rows

    def missions(
        self,
        where: Sequence[Criterion] = (),
        cones: Mapping[str, Cone] = MappingProxyType({}),
        *,
        columns: Sequence[str] = ("fileSetName",),
        sort_by: Sequence[str] = (),
        sort_desc: Sequence[bool] = (),
        offset: int = 0,
        limit: int = 5000,
    ) -> tuple[int, list[tuple[str, dict[str, Any]]]]:
        """Find executed exposures, as the mission search does; see `find_missions`."""
        return find_missions(
            self._connection(),
            where,
            cones,
            columns=columns,
            sort_by=sort_by,
            sort_desc=sort_desc,
            offset=offset,
            limit=limit,
        )

    def mission_products(self, datasets: Sequence[str]) -> list[dict[str, Any]]:
        """List the files of exposures, as the mission search does.

        Parameters
        ----------
        datasets
            fileSetName of each, in any case; unknown ones are passed over.
        """
        return mission_products(self._connection(), datasets)

    def file(self, name: str) -> FileFacts | None:
        """Tell all about a file; None when there is none of that name (case matters)."""
        return file_facts(self._connection(), name, self._scale)

    def resolve(self, name: str) -> list[tuple[str, float, float, str]]:
        """Find a target by one of its names.

        Parameters
        ----------
        name
            Name; case, blanks and hyphens do not matter.

        Returns
        -------
        list of tuple
            Canonical name, right ascension and declination (deg, ICRS), object type; empty for an unknown name.
        """
        return self._ask(
            "SELECT canonical, ra, dec, kind FROM name WHERE key = ? GROUP BY canonical ORDER BY MIN(rowid)",
            [name_key(name)],
        )

    def _found(self, where: Sequence[Condition], cone: Cone | None) -> list[tuple[int, float]]:
        """Give obsid and distance (arcsec) of the observations that meet all conditions, in the order of the obsid."""
        clause, parameters = where_clause(where, {column.name.lower(): column for column in _OBSERVATION_COLUMNS})
        if cone is None:
            statement = f"SELECT obsid FROM observation WHERE listed AND {clause} ORDER BY obsid"  # noqa: S608 - our own names
            return [(number, 0.0) for (number,) in self._ask(statement, parameters)]
        near, more = cone_clause(cone)
        statement = (
            "SELECT obsid, s_region, s_ra, s_dec FROM observation "  # noqa: S608 - our own names
            f"WHERE listed AND {clause} AND {near} ORDER BY obsid"
        )
        measured = (
            (number, cone_distance(cone, region, ra, dec))
            for number, region, ra, dec in self._ask(statement, [*parameters, *more])
        )
        return [(number, separation) for number, separation in measured if separation <= cone.radius * 3600.0]

    def _ask(self, statement: str, parameters: Sequence[object]) -> list[tuple[Any, ...]]:
        return self._connection().execute(statement, parameters).fetchall()

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            # The file is replaced whole and never written again, so that no locks are needed.
            uri = f"{self._path.absolute().as_uri()}?mode=ro&immutable=1"
            connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            with self._lock:
                self._connections.append(connection)
                self._local.connection = connection
        return connection
