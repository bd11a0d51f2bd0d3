"""The holdings as tables of a TAP service."""

import sqlite3
import threading
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from jwstmq_widgets.localarchive.adql import AdqlError
from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.holdings.taptables import TapArtifact, TapColumn, TapResult, TapTable, Upload

__all__ = ["Levels", "TapArtifact", "TapCatalogue", "TapColumn", "TapResult", "TapTable", "Upload"]

Levels = Literal["SELECTED", "LEVEL1ONLY", "ALL"]

_MAIN = tuple(
    TapColumn(name=name, datatype=datatype, arraysize="*" if datatype == "char" else "")
    for name, datatype in (
        ("observationid", "char"),
        ("calibrationlevel", "int"),
        ("public", "boolean"),
        ("dataproducttype", "char"),
        ("instrument_name", "char"),
        ("proposal_id", "char"),
        ("target_name", "char"),
        ("target_ra", "double"),
        ("target_dec", "double"),
    )
)
_VIEW = """
CREATE TEMP VIEW "jwst.main" AS SELECT obs_id AS observationid, calib_level AS calibrationlevel,
    dataRights = 'PUBLIC' AS public, dataproduct_type AS dataproducttype, instrument_name,
    printf('%05d', program) AS proposal_id, target_name, s_ra AS target_ra, s_dec AS target_dec FROM observation
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

    @classmethod
    def of(cls, holdings: Holdings) -> "TapCatalogue":
        """Give the tables of holdings."""
        return cls(holdings)

    def tables(self) -> tuple[TapTable, ...]:
        """List the tables, with their columns, in the order of their names."""
        return (TapTable(schema="jwst", name="jwst.main", description="Planes.", columns=_MAIN, rows=0),)

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
            The most rows to give; None for all.
        uploads
            Tables that the query may name as ``tap_upload.<name>``.
        cancel
            Ends the query when set.

        Raises
        ------
        AdqlError
            If the query cannot be read, names what is not there, takes too long or was cancelled.
        """
        import sqlglot

        connection = sqlite3.connect(f"{self._holdings.path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            connection.execute(_VIEW)
            tree = sqlglot.parse_one(adql, read="tsql")
            for table in tree.find_all(sqlglot.exp.Table):
                table.replace(sqlglot.exp.table_(f"{table.db}.{table.name}", alias=table.alias, quoted=True))
            cursor = connection.execute(tree.sql("sqlite"))
            known = {column.name: column for column in _MAIN}
            names = [entry[0] for entry in cursor.description]
            rows = cursor.fetchall() if maxrec is None else cursor.fetchmany(maxrec + 1)
        except (sqlglot.errors.SqlglotError, sqlite3.Error) as err:
            raise AdqlError(f"Cannot parse query '{adql}': {err}") from err
        finally:
            connection.close()
        columns = tuple(known.get(name, TapColumn(name=name, datatype="double")) for name in names)
        return TapResult(columns=columns, rows=rows[:maxrec], overflow=maxrec is not None and len(rows) > maxrec)

    def artifact(self, artifact_id: str) -> TapArtifact | None:
        """Tell about a file by its id; None for an unknown one."""
        raise AdqlError(f"no artifact {artifact_id!r}")

    def artifacts_of(
        self, plane_ids: Iterable[str], *, levels: Levels = "ALL", product_types: Iterable[str] = ()
    ) -> list[TapArtifact]:
        """List the files of planes.

        Parameters
        ----------
        plane_ids
            UUIDs of planes; unknown ones are passed over.
        levels
            SELECTED for these planes alone; ALL as well, since clients name the planes below themselves; LEVEL1ONLY
            for the planes of level 1 of their observations.
        product_types
            Only these of science, auxiliary, info, preview and thumbnail; all when empty.
        """
        raise AdqlError(f"no planes {list(plane_ids)!r} {levels} {list(product_types)!r}")
