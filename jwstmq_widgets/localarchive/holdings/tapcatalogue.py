"""The holdings as tables of a TAP service."""

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal

from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.holdings.filefacts import thumbnail_name
from jwstmq_widgets.localarchive.holdings.tapcolumns import tap_tables
from jwstmq_widgets.localarchive.holdings.taptables import TapArtifact, TapResult, TapTable, Upload

__all__ = ["Levels", "TapCatalogue"]

Levels = Literal["SELECTED", "LEVEL1ONLY", "ALL"]

_ARTIFACTS = """
SELECT a.artifactid, p.planeid, o.observationid, f.name, a.thumbnail, LOWER(k.product_type), p.calibrationlevel,
    COALESCE(f.rights = 'PUBLIC', p.public)
FROM artifact a
JOIN "jwst.plane" p ON p.number = a.plane
JOIN "jwst.observation" o ON o.obsid = p.obsid
JOIN file f ON f.file = a.file
JOIN kind k ON k.kind = f.kind
"""
_BY_ID = "WHERE a.artifactid = ?"
_BY_PLANES = """
JOIN json_each(?) asked ON asked.value = p.planeid
WHERE (? OR CASE WHEN a.thumbnail THEN 'thumbnail' ELSE LOWER(k.product_type) END IN (SELECT value FROM json_each(?)))
ORDER BY asked.key, f.name, a.thumbnail
"""
_LEVEL_1 = """
SELECT DISTINCT low.planeid FROM json_each(?) asked
JOIN "jwst.plane" p ON p.planeid = asked.value
JOIN "jwst.plane" low ON low.obsid = p.obsid AND low.calibrationlevel = 1
"""


class TapCatalogue:
    """The tables of a TAP service over the holdings; may be asked from any number of threads.

    Parameters
    ----------
    holdings
        Where the rows are.
    """

    def __init__(self, holdings: Holdings) -> None:
        self._holdings = holdings
        self._columns = {table.name: table.columns for table in tap_tables()}

    def tables(self) -> tuple[TapTable, ...]:
        """List the tables, with their columns, in the order of their names."""
        # A query of our own for each: the names are ours.
        return tuple(
            replace(table, rows=self._ask(f'SELECT COUNT(*) FROM "{table.name}"', ())[0][0])  # noqa: S608
            for table in tap_tables()
        )

    def run(
        self,
        adql: str,
        *,
        maxrec: int | None = None,
        uploads: Mapping[str, Upload] = MappingProxyType({}),
        cancel: threading.Event | None = None,
    ) -> TapResult:
        """Answer a query.

        Parameters
        ----------
        adql
            One SELECT in ADQL 2.0 or 2.1.
        maxrec
            The most rows to give; None for as many as a service gives, a million.
        uploads
            Tables that the query may name as ``tap_upload.<name>``.
        cancel
            Ends the query when set.

        Raises
        ------
        AdqlError
            If the query cannot be read, names what is not there, takes too long or was cancelled.
        """
        # sqlglot is a good part of the time that the archive's start would take; only a query needs it.
        from jwstmq_widgets.localarchive.adql import engine

        return engine.run(self._holdings.path, adql, self._columns, maxrec=maxrec, uploads=uploads, cancel=cancel)

    def artifact(self, artifact_id: str) -> TapArtifact | None:
        """Tell about a file by its id; None for an unknown one."""
        try:
            number = uuid.UUID(artifact_id)
        except ValueError:
            return None
        return next(iter(self._artifacts(_BY_ID, (number.bytes,))), None)

    def artifacts_of(
        self, plane_ids: Iterable[str], *, levels: Levels = "ALL", product_types: Iterable[str] = ()
    ) -> list[TapArtifact]:
        """List the files of planes.

        Parameters
        ----------
        plane_ids
            UUIDs of planes; unknown ones and those named before are passed over.
        levels
            LEVEL1ONLY for the planes of level 1 of their observations; SELECTED and ALL for these planes: clients name
            the planes below themselves.
        product_types
            Only these of science, auxiliary, info, preview and thumbnail; all when empty.
        """
        asked = list(dict.fromkeys(plane_ids))
        if levels == "LEVEL1ONLY":
            asked = [plane for (plane,) in self._ask(_LEVEL_1, (json.dumps(asked),))]
        wanted = [kind.lower() for kind in product_types]
        return self._artifacts(_BY_PLANES, (json.dumps(asked), not wanted, json.dumps(wanted)))

    def _artifacts(self, condition: str, parameters: tuple[object, ...]) -> list[TapArtifact]:
        return [
            TapArtifact(
                artifact_id=str(uuid.UUID(bytes=artifact)),
                plane_id=plane,
                observation_id=observation,
                filename=thumbnail_name(filename) if thumbnail else filename,
                product_type="thumbnail" if thumbnail else kind,
                calibration_level=level,
                public=bool(public),
            )
            for artifact, plane, observation, filename, thumbnail, kind, level, public in self._ask(
                _ARTIFACTS + condition, parameters
            )
        ]

    def _ask(self, statement: str, parameters: tuple[object, ...]) -> list[tuple[Any, ...]]:
        uri = f"{self._holdings.path.absolute().as_uri()}?mode=ro&immutable=1"
        connection = sqlite3.connect(uri, uri=True)
        try:
            return connection.execute(statement, parameters).fetchall()
        finally:
            connection.close()
