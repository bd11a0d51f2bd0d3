"""The rows of the TAP service's tables: CAOM2's observations, planes and artifacts, from the rows of the catalogue.

ESA's archive has an observation for each exposure with one detector, with planes for level 1 and level 2, and one for
each combination of them, with a plane for level 3; MAST has one row for each where it lists it. Columns of which the
catalogue holds no fact stay empty. The numbers of observations, planes and files are UUIDs made of their names.
"""

import re
import sqlite3
import uuid
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import acos, degrees
from types import MappingProxyType
from typing import Any, NamedTuple

from jwstmq_widgets.localarchive.holdings.filefacts import thumbnail_name
from jwstmq_widgets.localarchive.holdings.regions import Corners, parse_region
from jwstmq_widgets.localarchive.holdings.tapcolumns import KEYS, SCHEMAS, declared_name, tap_tables
from jwstmq_widgets.localarchive.sphere import place, polygon_area, vector

__all__ = ["write_tap_tables"]

_REACH = ("x", "y", "z", "cos_reach", "sin_reach")
"""Columns beside those that are told of: a small circle around the footprint, for searches by it."""
_VIEWS = {
    # Planes are few and observations fewer: to join them anew costs less than to hold all columns twice.
    "jwst.main": """
        SELECT {columns} FROM "jwst.plane" p JOIN "jwst.observation" o ON o.obsid = p.obsid
    """,
    # The number of the program without zeros in front: as the documentation prints it for this table alone.
    "jwst.archive": """
        SELECT {archive}, o.detector FROM "jwst.plane" p JOIN "jwst.observation" o ON o.obsid = p.obsid
    """,
    # Thumbnails are no files of their own here: each is of a preview, and drawn as that is. A column has the same
    # affinity in both halves, or SQLite makes the whole of them for each join (restriction 17h of its flattener).
    "jwst.artifact": """
        SELECT {number} AS artifactid, p.planeid, p.obsid, 'mast:JWST/product/' || f.name AS uri, f.name AS filename,
            LOWER(k.product_type) AS producttype, {media} AS contenttype,
            CASE WHEN f.listed THEN f.size END AS contentlength, NULL AS contentchecksum, 'data' AS releasetype
        FROM artifact a JOIN "jwst.plane" p ON p.number = a.plane
        JOIN file f ON f.file = a.file JOIN kind k ON k.kind = f.kind WHERE NOT a.thumbnail
        UNION ALL
        SELECT {number}, p.planeid, p.obsid, REPLACE('mast:JWST/product/' || f.name, '.jpg', '_thumb.jpg'),
            CAST(REPLACE(f.name, '.jpg', '_thumb.jpg') AS TEXT), 'thumbnail', 'image/jpeg', NULL, NULL, 'data'
        FROM artifact a JOIN "jwst.plane" p ON p.number = a.plane JOIN file f ON f.file = a.file WHERE a.thumbnail
    """,
}
_HIDDEN = {
    "jwst.observation": ("detector TEXT",),
    "jwst.plane": ("number INTEGER PRIMARY KEY", *(f"{name} REAL" for name in _REACH)),
}
_AFFINITIES = {"char": "TEXT", "double": "REAL", "float": "REAL"}
_EPOCH = datetime(1858, 11, 17, tzinfo=UTC)
_NANOMETRE = 1e-9
_MEDIA = {
    "fits": "application/fits", "jpg": "image/jpeg", "png": "image/png", "json": "application/json",
    "csv": "text/csv", "ecsv": "text/plain",
}  # fmt: skip
# A UUID is kept as its 16 bytes.
_NUMBER = "LOWER({0}1, 8) || '-' || {0}9, 4) || '-' || {0}13, 4) || '-' || {0}17, 4) || '-' || {0}21))".format(
    "SUBSTR(HEX(a.artifactid), "
)
_STAGE = re.compile(r"_\d{8}t\d{6}_([a-z0-9-]+?)_\d{3,5}_asn\.json$")
_OBSERVATIONS = """
SELECT o.*, p.version FROM observation o JOIN program p ON p.program = o.program ORDER BY o.obsid
"""
# ESA lists no preview of an exposure's i2d (astroquery.esa.jwst documentation: all 21 files of an exposure).
_FILES = """
SELECT h.obsid, f.file, f.name, f.size, f.listed, k.product_type, k.calib_level, k.extension
FROM (SELECT obsid, file FROM holding
      UNION ALL SELECT obsid, file FROM file WHERE file IN (SELECT file FROM visit_file)) h
JOIN file f ON f.file = h.file JOIN kind k ON k.kind = f.kind
WHERE NOT (k.suffix = 'i2d' AND k.extension = 'jpg' AND NOT k.stage3) ORDER BY h.obsid, f.name
"""


class _File(NamedTuple):
    """A row of :data:`_FILES`."""

    number: int
    name: str
    size: int
    listed: int
    product_type: str
    level: int
    extension: str


def write_tap_tables(connection: sqlite3.Connection, seen: Mapping[str, str] = MappingProxyType({})) -> None:
    """Write all tables of the TAP service into a catalogue that has its observations and files.

    Parameters
    ----------
    connection
        The catalogue, open for writing.
    seen
        File name to the number (UUID) that ESA's archive gave it, where that is known.
    """
    rows = _rows(connection, seen)
    connection.execute("CREATE TABLE artifact (artifactid BLOB, plane INTEGER, file INTEGER, thumbnail INTEGER)")
    connection.executemany("INSERT INTO artifact VALUES (:artifactid, :plane, :file, :thumbnail)", rows["artifact"])
    for column in ("artifactid", "plane", "file"):
        connection.execute(f"CREATE INDEX artifact_{column} ON artifact ({column})")
    for table in tap_tables():
        if table.name in _VIEWS:
            continue
        hidden = _HIDDEN.get(table.name, ())
        names = [*(column.name for column in table.columns), *(entry.split(" ")[0] for entry in hidden)]
        columns = [f'"{column.name}" {_AFFINITIES.get(column.datatype, "INTEGER")}' for column in table.columns]
        connection.execute(f'CREATE TABLE "{table.name}" ({", ".join([*columns, *hidden])})')
        connection.executemany(
            f'INSERT INTO "{table.name}" VALUES ({", ".join("?" * len(names))})',  # noqa: S608 - our own names
            ([row.get(name) for name in names] for row in rows[table.name]),
        )
        for entry in table.columns:
            if entry.indexed and entry.name != "position_bounds_spoly":
                connection.execute(f'CREATE INDEX "{table.name}.{entry.name}" ON "{table.name}" ("{entry.name}")')
    for name, select in _VIEWS.items():
        joined, program = _joined(), 'o."proposal_id"'
        archive = joined.replace(program, f"LTRIM({program}, '0') AS \"proposal_id\"")
        view = select.format(columns=joined, archive=archive, media=_media(), number=_NUMBER)
        connection.execute(f'CREATE VIEW "{name}" AS {view}')


def _joined() -> str:
    """Give the columns of jwst.main, each from its plane or observation."""
    tables = {table.name: {column.name for column in table.columns} for table in tap_tables()}
    parts = []
    for column in next(table.columns for table in tap_tables() if table.name == "jwst.main"):
        prefix, _, bare = column.name.partition("_")
        own = {"plane": "p", "obs": "o"}.get(prefix)
        if own is not None:
            parts.append(f'{own}."{bare}" AS "{column.name}"')
        elif column.name in tables["jwst.plane"]:
            parts.append(f'p."{column.name}"')
        elif column.name in tables["jwst.observation"]:
            parts.append(f'o."{column.name}"')
        else:
            parts.append(f'NULL AS "{column.name}"')
    return ", ".join([*parts, *(f"p.{name}" for name in _REACH)])


def _media() -> str:
    cases = " ".join(f"WHEN '{extension}' THEN '{media}'" for extension, media in _MEDIA.items())
    return f"CASE k.extension {cases} END"


def _rows(connection: sqlite3.Connection, seen: Mapping[str, str]) -> Mapping[str, list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = defaultdict(list)
    cursor = connection.execute(_OBSERVATIONS)
    names = [entry[0] for entry in cursor.description]
    observations = {row["obsid"]: row for row in (dict(zip(names, values, strict=True)) for values in cursor)}
    files: dict[int, list[_File]] = defaultdict(list)
    for number, *file in connection.execute(_FILES):
        files[number].append(_File(*file))
    members: dict[int, list[str]] = defaultdict(list)
    for parent, number in connection.execute("SELECT parent, obsid FROM member ORDER BY parent, obsid"):
        members[parent].append(observations[number]["obs_id"])
    for number, observation in observations.items():
        _add(rows, observation, files[number], sorted(members[number]), seen)
    rows["public.dual"].append({"dummy": "X"})
    _add_schema(rows)
    return rows


def _add(
    rows: dict[str, list[dict[str, Any]]],
    observation: Mapping[str, Any],
    files: list[_File],
    members: list[str],
    seen: Mapping[str, str],
) -> None:
    """Add an observation, its planes, and their files."""
    top = observation["calib_level"]
    shared = _observation(observation, files, members)
    rows["jwst.observation"].append(shared)
    rows["jwst.observationmember"] += [{"parentid": shared["obsid"], "memberid": _uri(member)} for member in members]
    held: dict[int, list[_File]] = defaultdict(list)
    for file in files:
        held[min(file.level, top) if top > 0 else top].append(file)
    for level in sorted({*held, top}):
        plane = {**shared, **_plane(observation, level, members), "number": len(rows["jwst.plane"]) + 1}
        rows["jwst.plane"].append(plane)
        rows["jwst.plane_inputs"] += [
            {"outputid": plane["planeid"], "inputid": uri} for uri in (plane["provenance_inputs"] or "").split()
        ]
        if level > 0:
            rows["ivoa.obscore"].append(_obscore(plane, held[level]))
        rows["artifact"] += [
            {
                "artifactid": uuid.UUID(seen[name]).bytes
                if name in seen
                else _uuid(f"{plane['planeuri']}/{name}").bytes,
                "plane": plane["number"],
                "file": file.number,
                "thumbnail": name != file.name,
            }
            for file in held[level]
            for name in (file.name, *([thumbnail_name(file.name)] if file.extension == "jpg" else []))
        ]


def _observation(observation: Mapping[str, Any], files: list[_File], members: list[str]) -> dict[str, Any]:
    name = observation["obs_id"]
    stages = (_STAGE.search(file.name) for file in files)
    stage = next((found[1] for found in stages if found), None)
    combined = observation["calib_level"] == 3
    return {
        "obsid": _number(_uri(name)),
        "observationuri": _uri(name),
        "observationid": name,
        "collection": observation["obs_collection"],
        "algorithm_name": stage if combined else "exposure",
        "typecode": "C" if combined else "S",
        "intent": observation["intentType"],
        "sequencenumber": observation["sequence_number"],
        "members": " ".join(_uri(member) for member in members) or None,
        "max_cal_level": observation["calib_level"],
        "proposal_id": f"{observation['program']:05d}",
        "proposal_pi": observation["proposal_pi"],
        "proposal_title": observation["obs_title"],
        "target_name": observation["target_name"],
        "target_keywords": observation["target_classification"],
        "target_moving": observation["mtFlag"],
        "target_ra": observation["s_ra"],
        "target_dec": observation["s_dec"],
        "targetposition_coordsys": "ICRS",
        "telescope_name": "JWST",
        "detector": observation["detector"].upper() or None,
        "instrument_name": observation["instrument_name"],
    }


def _plane(observation: Mapping[str, Any], level: int, members: list[str]) -> dict[str, Any]:
    name = observation["obs_id"]
    uri = _plane_uri(name, level)
    low, high = (
        None if value is None else value * _NANOMETRE for value in (observation["em_min"], observation["em_max"])
    )
    start, end = observation["t_min"], observation["t_max"]
    inputs = [_plane_uri(member, 2) for member in members] if level == 3 else []
    if level == 2:
        inputs = [_plane_uri(name, 1)]
    return {
        "planeid": _number(uri),
        "planeuri": uri,
        "productid": _product(name, level),
        # A plan is not for everybody: ESA's archive says so of all of level -1.
        "public": level > 0 and observation["dataRights"] == "PUBLIC",
        "datarelease": _moment(observation["t_obs_release"]),
        "dataproducttype": observation["dataproduct_type"],
        "calibrationlevel": level,
        "provenance_name": observation["provenance_name"],
        "provenance_version": observation["version"] if level > 0 else None,
        "provenance_inputs": " ".join(inputs) or None,
        "energy_bandpassname": observation["filters"],
        "energy_energybands": "Infrared",
        "energy_bounds": None if low is None or high is None else f"{low!r} {high!r}",
        "energy_bounds_lower": low,
        "energy_bounds_upper": high,
        "energy_bounds_width": None if low is None or high is None else high - low,
        "time_bounds": None if start is None or end is None else f"{start!r} {end!r}",
        "time_bounds_lower": start,
        "time_bounds_upper": end,
        "time_bounds_width": None if start is None or end is None else end - start,
        "time_exposure": observation["t_exptime"],
        "position_dimension_naxis1": observation["nx"] or None,
        "position_dimension_naxis2": observation["ny"] or None,
        **_footprint(observation),
    }


def _footprint(observation: Mapping[str, Any]) -> dict[str, Any]:
    polygons = parse_region(observation["s_region"] or "")
    reach = {name: observation[name] for name in _REACH}
    if not polygons:
        return reach
    ra, dec = place((observation["x"], observation["y"], observation["z"]))
    return {
        **reach,
        "position_bounds_spoly": " ".join(
            "Polygon " + " ".join(repr(value) for corner in corners for value in corner) for corners in polygons
        ),
        "position_bounds_center": f"Point {ra!r} {dec!r}",
        "position_bounds_area": sum(_area(corners) for corners in polygons),
        "position_bounds_size": 2.0 * degrees(acos(max(-1.0, min(1.0, observation["cos_reach"])))),
    }


def _area(corners: Corners) -> float:
    """Give the area (square degrees) of a polygon of great circles."""
    return degrees(degrees(polygon_area([vector(*corner) for corner in corners])))


def _obscore(plane: Mapping[str, Any], files: list[_File]) -> dict[str, Any]:
    centre = (plane.get("position_bounds_center") or "").split()
    science = [file for file in files if file.product_type == "SCIENCE"]
    sizes = [file.size for file in science if file.listed]
    return {
        "dataproduct_type": plane["dataproducttype"],
        "calib_level": plane["calibrationlevel"],
        "obs_collection": plane["collection"],
        "obs_id": plane["observationid"],
        "obs_publisher_did": plane["planeuri"],
        "access_format": _MEDIA["fits"] if science else None,
        "access_estsize": sum(sizes) // 1000 if sizes else None,
        "target_name": plane["target_name"],
        "s_ra": float(centre[1]) if centre else plane["target_ra"],
        "s_dec": float(centre[2]) if centre else plane["target_dec"],
        "s_fov": plane.get("position_bounds_size"),
        "s_region": plane.get("position_bounds_spoly"),
        "s_xel1": plane["position_dimension_naxis1"],
        "s_xel2": plane["position_dimension_naxis2"],
        "t_min": plane["time_bounds_lower"],
        "t_max": plane["time_bounds_upper"],
        "t_exptime": plane["time_exposure"],
        "em_min": plane["energy_bounds_lower"],
        "em_max": plane["energy_bounds_upper"],
        "facility_name": plane["telescope_name"],
        "instrument_name": plane["instrument_name"],
    }


def _add_schema(rows: dict[str, list[dict[str, Any]]]) -> None:
    tables = tap_tables()
    rows["tap_schema.schemas"] = [{"schema_name": name, "description": text} for name, text in SCHEMAS.items()]
    rows["tap_schema.tables"] = [
        {
            "schema_name": table.schema,
            "table_name": table.name,
            "table_type": "view" if table.name in _VIEWS else "table",
            "description": table.description,
            "table_index": number,
        }
        for number, table in enumerate(tables)
    ]
    rows["tap_schema.columns"] = [
        {
            "table_name": table.name,
            "column_name": declared_name(column.name),
            "datatype": column.datatype,
            "arraysize": column.arraysize or None,
            "xtype": column.xtype or None,
            "description": column.description,
            "unit": column.unit or None,
            "ucd": column.ucd or None,
            "indexed": int(column.indexed),
            "principal": int(column.principal),
            "std": int(column.std),
            "column_index": number,
        }
        for table in tables
        for number, column in enumerate(table.columns)
    ]
    for number, (table, column, target, target_column) in enumerate(KEYS):
        key = f"key{number:02d}"
        rows["tap_schema.keys"].append({"key_id": key, "from_table": table, "target_table": target})
        rows["tap_schema.key_columns"].append({"key_id": key, "from_column": column, "target_column": target_column})


def _number(name: str) -> str:
    return str(_uuid(name))


def _uuid(name: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_URL, name)


def _uri(observation: str) -> str:
    return f"caom:JWST/{observation}"


def _product(observation: str, level: int) -> str:
    return f"{observation}_{'planned' if level < 0 else f'level{level}'}"


def _plane_uri(observation: str, level: int) -> str:
    return f"{_uri(observation)}/{_product(observation, level)}"


def _moment(mjd: float | None) -> str | None:
    if mjd is None:
        return None
    return (_EPOCH + timedelta(days=mjd)).isoformat(timespec="milliseconds").removesuffix("+00:00")
