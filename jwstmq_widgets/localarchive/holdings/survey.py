"""A synthetic survey of up to a million files: nothing of it was ever observed, but all of it keeps JWST's rules.

Nine observations are derived as those of real programs are; the rest of the survey are copies of them, under other
observation numbers, at other places of one ring around the sky, on other days.
"""

import re
import sqlite3
from math import cos, radians, sin
from typing import Any

from jwstmq_widgets.localarchive.holdings.regions import parse_region, region_text
from jwstmq_widgets.localarchive.programs import Program, Sequence, Target

__all__ = ["LARGEST_SURVEY", "SURVEY_PROGRAM", "SURVEY_STEP", "check_survey", "copy_tile", "survey_program"]

SURVEY_PROGRAM = 99001
"""The survey's program number. Numbers of real programs have four digits up to cycle 4."""
SURVEY_STEP = 10_000
"""Files of one tile, which is what is copied: a survey has a multiple of these."""
LARGEST_SURVEY = 1_000_000
"""Files at the most: observation numbers have three digits."""

_TILE = 9
_RA_STEP = 3.6
_DAYS_STEP = 1.75
_START = 60_200.0
_PUBLIC = 60_565.0
_NEVER = 88_068.0
"""The day (MJD) in 2099 on which the exclusive observation becomes public."""
_NIRCAM = "nrca1 nrca2 nrca3 nrca4 nrcalong nrcb1 nrcb2 nrcb3 nrcb4 nrcblong"
_SET_UPS = (
    (_NIRCAM, "NRC_IMAGE", "F200W;CLEAR", "F444W;CLEAR", 8),
    (_NIRCAM, "NRC_IMAGE", "F115W;CLEAR", "F277W;CLEAR", 8),
    ("mirimage", "MIR_IMAGE", "F770W", "", 90),
    ("mirimage", "MIR_IMAGE", "F1500W", "", 90),
    ("nis", "NIS_IMAGE", "CLEAR;F150W", "", 75),
    ("nrs1 nrs2", "NRS_IFU", "F290LP;G395H", "", 40),
    ("nrs1 nrs2", "NRS_FIXEDSLIT", "F170LP;G235M", "", 40),
    ("nis", "NIS_WFSS", "GR150R;F200W", "", 75),
    ("mirimage", "MIR_LRS-FIXEDSLIT", "P750L", "", 80),
)
_NAMES = ("obs_id", "dataset", "jpegURL", "dataURL", "association")
_OBSERVATION_NUMBER = re.compile(rf"(?<=jw{SURVEY_PROGRAM})\d{{3}}(?=\d{{3}}_)|(?<=[-_]o)\d{{3}}(?=_)|(?<=^o)\d{{3}}$")
_MARK = "\0"


def check_survey(files: int) -> int:
    """Give the number of files back.

    Raises
    ------
    ValueError
        If no survey has that many.
    """
    if files % SURVEY_STEP or not 0 <= files <= LARGEST_SURVEY:
        raise ValueError(
            f"a synthetic survey of {files:,} files cannot be made; "
            f"give a multiple of {SURVEY_STEP:,} up to {LARGEST_SURVEY:,}, or 0 for none"
        )
    return files


def survey_program() -> Program:
    """Give the facts of the first tile, all of them made up."""
    targets = tuple(
        Target(number=number, name=f"SYNTHETIC-{number}", ra=10.0 + 0.4 * number, dec=-4.0) for number in _tile()
    )
    sequences = tuple(
        Sequence(
            observation=number,
            activity="02101",
            detectors=detectors,
            exp_type=exp_type,
            optics=optics,
            optics_long=optics_long,
            start=_START + 0.19 * number,
            exptime=161.0,
            source="derived",
            exposures=exposures,
            target=number,
            angle=40.0,
            dither=20.0,
            rights="EXCLUSIVE_ACCESS" if number == _TILE else "",
        )
        for number, (detectors, exp_type, optics, optics_long, exposures) in zip(_tile(), _SET_UPS, strict=True)
    )
    return Program(
        program=SURVEY_PROGRAM,
        name="Synthetic survey",
        title="SYNTHETIC survey, made up to try programs on many files: never observed",
        pi_name="Nobody (synthetic)",
        category="CAL",
        cycle=0,
        release=_PUBLIC,
        stamp="20240901t000000",
        version="1.15.1",
        source="derived",
        sources={},
        guide_files={"default": 0},
        unsized=("*_trapsfilled.jpg",),
        targets=targets,
        sequences=sequences,
    )


def copy_tile(connection: sqlite3.Connection, files: int) -> None:
    """Make a survey of the first tile, which is in the catalogue, by copies of its rows.

    Parameters
    ----------
    connection
        The catalogue.
    files
        How many files the survey is to have.
    """
    _trim(connection)
    observations = _rows(connection, "observation", "program = ? ORDER BY obsid", SURVEY_PROGRAM)
    first, last = observations[0]["obsid"], observations[-1]["obsid"]
    held = _rows(connection, "file", "obsid BETWEEN ? AND ? ORDER BY file", first, last)
    holdings = _rows(connection, "holding", "obsid BETWEEN ? AND ?", first, last)
    members = _rows(connection, "member", "parent BETWEEN ? AND ?", first, last)
    visits = [row["visit"] for row in observations if row["visit"]]
    obsid, visit, file = last - first + 1, max(visits) - min(visits) + 1, held[-1]["file"] - held[0]["file"] + 1
    patterns = [{name: _pattern(row[name]) for name in _NAMES if row[name]} for row in observations]
    names = [_pattern(row["name"]) for row in held]
    for copy in range(1, files // SURVEY_STEP):
        number = copy * _TILE
        _insert(
            connection,
            "observation",
            [
                row
                | _elsewhere(row, copy)
                | {name: _written(text, number) for name, text in pattern.items()}
                | {key: row[key] + copy * obsid for key in ("obsid", "objID")}
                | {"visit": row["visit"] and row["visit"] + copy * visit}
                for row, pattern in zip(observations, patterns, strict=True)
            ],
        )
        _insert(
            connection,
            "file",
            [
                row
                | {"name": _written(name, number), "obsid": row["obsid"] + copy * obsid}
                | {"file": row["file"] + copy * file}
                for row, name in zip(held, names, strict=True)
            ],
        )
        _insert(
            connection,
            "holding",
            [{"obsid": row["obsid"] + copy * obsid, "file": row["file"] + copy * file} for row in holdings],
        )
        _insert(connection, "member", [{key: row[key] + copy * obsid for key in row} for row in members])


def _tile() -> range:
    return range(1, _TILE + 1)


def _trim(connection: sqlite3.Connection) -> None:
    """Give the tile its exact number of files, each listed once, and its last observation a day to become public.

    The mission search does not know the survey: nothing of it was executed.
    """
    connection.execute("DELETE FROM mission WHERE program = ?", [SURVEY_PROGRAM])
    mine = f"(SELECT obsid FROM observation WHERE program = {SURVEY_PROGRAM})"  # noqa: S608 - our own numbers
    connection.execute(f"DELETE FROM file WHERE obsid IN {mine} AND name LIKE '%\\_pool.csv' ESCAPE '\\'")  # noqa: S608
    [(count,)] = connection.execute(f"SELECT COUNT(*) FROM file WHERE obsid IN {mine}")  # noqa: S608
    connection.execute(
        f"DELETE FROM file WHERE file IN (SELECT file FROM file WHERE obsid IN {mine} "  # noqa: S608
        "AND name LIKE '%\\_uncal.jpg' ESCAPE '\\' ORDER BY file DESC LIMIT ?)",
        [count - SURVEY_STEP],
    )
    connection.execute(f"DELETE FROM holding WHERE obsid IN {mine} AND file NOT IN (SELECT file FROM file)")  # noqa: S608
    for table, column in (("observation", "t_obs_release"), ("file", "release")):
        rights = "dataRights" if table == "observation" else "rights"
        connection.execute(
            f"UPDATE {table} SET {column} = ? WHERE {rights} = 'EXCLUSIVE_ACCESS' AND obsid IN {mine}",  # noqa: S608
            [_NEVER],
        )


def _rows(connection: sqlite3.Connection, table: str, where: str, *values: int) -> list[dict[str, Any]]:
    cursor = connection.execute(f"SELECT * FROM {table} WHERE {where}", values)  # noqa: S608
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _insert(connection: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    marks = ", ".join("?" * len(rows[0]))
    connection.executemany(f"INSERT INTO {table} VALUES ({marks})", [list(row.values()) for row in rows])  # noqa: S608


def _pattern(name: str) -> tuple[str, int]:
    """Take the observation number out of a name: the name with marks in its place, and the number."""
    return _OBSERVATION_NUMBER.sub(_MARK, name), int(_OBSERVATION_NUMBER.findall(name)[0])


def _written(pattern: tuple[str, int], more: int) -> str:
    name, number = pattern
    return name.replace(_MARK, f"{number + more:03d}")


def _elsewhere(row: dict[str, Any], copy: int) -> dict[str, Any]:
    """Move an observation along the ring, and to later days."""
    east, later = copy * _RA_STEP, copy * _DAYS_STEP
    cosine, sine = cos(radians(east)), sin(radians(east))
    corners = [[((ra + east) % 360.0, dec) for ra, dec in polygon] for polygon in parse_region(row["s_region"])]
    return {
        **{key: (row[key] + east) % 360.0 for key in ("s_ra", "ra", "target_ra")},
        **{key: row[key] + later for key in ("t_min", "t_max")},
        "s_region": region_text(tuple(polygon) for polygon in corners),
        "x": cosine * row["x"] - sine * row["y"],
        "y": sine * row["x"] + cosine * row["y"],
    }
