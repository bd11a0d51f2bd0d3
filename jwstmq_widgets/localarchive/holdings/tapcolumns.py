"""The tables and columns that the TAP service tells of, and how they belong together."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from jwstmq_widgets.localarchive.holdings.taptables import TapColumn, TapTable

__all__ = ["KEYS", "SCHEMAS", "declared_name", "tap_tables"]

SCHEMAS: Mapping[str, str] = MappingProxyType(
    {
        "ivoa": "Tables as IVOA's standards define them.",
        "jwst": "Observations of the James Webb Space Telescope, as the Common Archive Observation Model has them.",
        "public": "For queries that need no table.",
        "tap_schema": "What this service holds.",
    }
)
"""What each schema is."""
KEYS: tuple[tuple[str, str, str, str], ...] = (
    ("jwst.plane", "obsid", "jwst.observation", "obsid"),
    ("jwst.artifact", "planeid", "jwst.plane", "planeid"),
    ("jwst.main", "planeid", "jwst.plane", "planeid"),
    ("jwst.observationmember", "parentid", "jwst.observation", "obsid"),
    ("jwst.observationmember", "memberid", "jwst.observation", "observationuri"),
    ("jwst.plane_inputs", "outputid", "jwst.plane", "planeid"),
    ("jwst.plane_inputs", "inputid", "jwst.plane", "planeuri"),
    ("tap_schema.tables", "schema_name", "tap_schema.schemas", "schema_name"),
    ("tap_schema.columns", "table_name", "tap_schema.tables", "table_name"),
    ("tap_schema.keys", "from_table", "tap_schema.tables", "table_name"),
    ("tap_schema.keys", "target_table", "tap_schema.tables", "table_name"),
    ("tap_schema.key_columns", "key_id", "tap_schema.keys", "key_id"),
)
"""Table and column with a key, table and column that it points to."""
_STANDARD = frozenset({"ivoa", "tap_schema"})
# Words of ADQL among our names: a service must declare them in quotes (TAP 1.1, 4.2); ESA's does so with "public".
_RESERVED = frozenset({"public", "size"})


def declared_name(name: str) -> str:
    """Give a column's name as TAP_SCHEMA and VOSI tell it: in quotes where it is a word of ADQL."""
    return f'"{name}"' if name in _RESERVED else name


@cache
def tap_tables() -> tuple[TapTable, ...]:
    """Give all tables in the order of their names, with 0 for the number of rows."""
    text = files(__package__).joinpath("tapcolumns.txt").read_text(encoding="utf-8")
    tables: dict[str, TapTable] = {}
    name = ""
    columns: list[TapColumn] = []
    for line in [*text.splitlines(), "[]"]:
        if line.startswith("["):
            if name:
                tables[name] = replace(tables[name], columns=tuple(columns))
            name, _, description = line[1:].partition("] ")
            if description:
                schema = name.partition(".")[0]
                tables[name] = TapTable(schema=schema, name=name, description=description, columns=(), rows=0)
            columns = []
        elif line.startswith("@"):
            columns += tables[line[1:]].columns
        elif line and not line.startswith("#"):
            columns.append(_column(line, name, tables))
    return tuple(tables[table] for table in sorted(tables))


def _column(line: str, table: str, tables: Mapping[str, TapTable]) -> TapColumn:
    if "|" not in line:
        own, _, other = line.partition("=")
        taken = next(
            column
            for source in ("jwst.main", "jwst.artifact")
            if source in tables
            for column in tables[source].columns
            if column.name == (other or own)
        )
        return replace(taken, name=own)
    name, datatype, unit, ucd, description = line.split("|")
    kind = datatype.rstrip("!*")
    return TapColumn(
        name=name,
        datatype=kind,
        arraysize="*" if kind == "char" else "",
        unit=unit,
        ucd=ucd,
        description=description,
        indexed="!" in datatype,
        principal="*" in datatype,
        std=table.partition(".")[0] in _STANDARD,
    )
