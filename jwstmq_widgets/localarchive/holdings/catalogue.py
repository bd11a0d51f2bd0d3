"""The SQLite file of the holdings: its schema, and how it is filled from the facts of the programs."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jwstmq_widgets.localarchive.facts import Scale
from jwstmq_widgets.localarchive.holdings.caomrows import observation_row, obsids_of, planned_row
from jwstmq_widgets.localarchive.holdings.combinations import derive_combinations
from jwstmq_widgets.localarchive.holdings.exposures import derive_exposures
from jwstmq_widgets.localarchive.holdings.filefacts import file_facts
from jwstmq_widgets.localarchive.holdings.guiding import GuideFile, guide_files
from jwstmq_widgets.localarchive.holdings.kinds import Kind, kind_of
from jwstmq_widgets.localarchive.holdings.missioncolumns import mission_columns
from jwstmq_widgets.localarchive.holdings.missions import mission_rows
from jwstmq_widgets.localarchive.holdings.names import name_rows
from jwstmq_widgets.localarchive.holdings.records import CatalogueFile, Observation
from jwstmq_widgets.localarchive.holdings.sizes import Sizes, association_size
from jwstmq_widgets.localarchive.holdings.survey import copy_tile, survey_program
from jwstmq_widgets.localarchive.holdings.taprows import write_tap_tables
from jwstmq_widgets.localarchive.programs import Program, load_programs

__all__ = ["build"]

_SCHEMA = """
CREATE TABLE program (program INTEGER PRIMARY KEY, title TEXT, pi_name TEXT, category TEXT, version TEXT);
CREATE TABLE observation (
    obsid INTEGER PRIMARY KEY, listed INTEGER, program INTEGER, visit INTEGER, dataset TEXT,
    intentType TEXT, obs_collection TEXT, provenance_name TEXT, instrument_name TEXT, project TEXT, filters TEXT,
    wavelength_region TEXT, target_name TEXT, target_classification TEXT, obs_id TEXT, s_ra REAL, s_dec REAL,
    dataproduct_type TEXT, proposal_pi TEXT, calib_level INTEGER, t_min REAL, t_max REAL, t_exptime REAL, em_min REAL,
    em_max REAL, obs_title TEXT, t_obs_release REAL, proposal_id TEXT, proposal_type TEXT, sequence_number INTEGER,
    s_region TEXT, jpegURL TEXT, dataURL TEXT, dataRights TEXT, mtFlag INTEGER, srcDen REAL, objID INTEGER,
    instrument TEXT, exp_type TEXT, detector TEXT, filter TEXT, pupil TEXT, subarray TEXT, ra REAL, dec REAL,
    nints INTEGER, ngroups INTEGER, nx INTEGER, ny INTEGER, association TEXT, main TEXT,
    target_ra REAL, target_dec REAL, x REAL, y REAL, z REAL, cos_reach REAL, sin_reach REAL
);
CREATE TABLE kind (
    kind INTEGER PRIMARY KEY, suffix TEXT, extension TEXT, stage3 INTEGER, description TEXT, product_type TEXT,
    subgroup TEXT, calib_level INTEGER, recommended INTEGER, versioned INTEGER
);
CREATE TABLE file (
    file INTEGER PRIMARY KEY, name TEXT, kind INTEGER, obsid INTEGER, size INTEGER, listed INTEGER, rights TEXT,
    release REAL, visit INTEGER, guide TEXT, t_max REAL
);
CREATE TABLE holding (obsid INTEGER, file INTEGER, PRIMARY KEY (obsid, file)) WITHOUT ROWID;
CREATE TABLE member (parent INTEGER, obsid INTEGER, PRIMARY KEY (parent, obsid)) WITHOUT ROWID;
CREATE TABLE visit_file (visit INTEGER, file INTEGER, PRIMARY KEY (visit, file)) WITHOUT ROWID;
CREATE TABLE name (key TEXT, canonical TEXT, ra REAL, dec REAL, kind TEXT);
"""
_AFFINITIES = {"integer": "INTEGER", "real": "REAL"}
_UNIQUE = """
CREATE UNIQUE INDEX observation_name ON observation (obs_id);
CREATE UNIQUE INDEX file_name ON file (name);
"""
_INDEXES = f"""
{_UNIQUE}
CREATE INDEX observation_program ON observation (proposal_id, listed);
CREATE INDEX observation_dataset ON observation (dataset);
CREATE INDEX mission_program ON mission (program);
CREATE INDEX mission_dataset ON mission (fileSetName);
CREATE INDEX name_key ON name (key);
"""


def build(path: Path, *, scale: Scale, programs: Sequence[Program] | None = None, survey: int = 0) -> None:
    """Write the whole catalogue into a new SQLite file.

    Parameters
    ----------
    path
        The file; it must not exist.
    scale
        Whether files have their reduced or their real sizes.
    programs
        What it holds; the programs of this package by default.
    survey
        How many files of the synthetic survey to add.
    """
    programs = (*(load_programs() if programs is None else programs), *([survey_program()] if survey else ()))
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_SCHEMA}{_mission_table()}")
        connection.execute("BEGIN")
        writer = _Writer(connection, scale)
        for program in programs:
            writer.add(program)
        writer.finish()
        connection.execute("COMMIT")
        connection.executescript(_INDEXES)
        connection.execute("BEGIN")
        _measure_associations(connection, scale, programs)
        # Before the copies of a survey: those are for lists of a million files, which no TAP table needs to hold.
        write_tap_tables(
            connection, {name: number for program in programs for name, number in program.artifacts.items()}
        )
        connection.execute("COMMIT")
        if survey:
            # A million rows are sooner put in without the unique indexes, which are then built anew.
            connection.executescript("DROP INDEX observation_name; DROP INDEX file_name;")
            connection.execute("BEGIN")
            copy_tile(connection, survey)
            connection.execute("COMMIT")
            connection.executescript(_UNIQUE)
        connection.execute("ANALYZE")
    finally:
        connection.close()


def _mission_table() -> str:
    columns = [
        f'"{entry.name}" {_AFFINITIES.get(entry.kind, "TEXT")}'
        for entry in mission_columns().values()
        if entry.name not in ("ArchiveFileID", "ang_sep")
    ]
    reach = "x REAL, y REAL, z REAL, cos_reach REAL, sin_reach REAL"
    return f"CREATE TABLE mission (ArchiveFileID INTEGER PRIMARY KEY, {', '.join(columns)}, {reach});"


def _measure_associations(connection: sqlite3.Connection, scale: Scale, programs: Sequence[Program]) -> None:
    """Give associations the size that their members need: those are known only when all rows are in."""
    recorded = {name for program in programs for name in program.sizes}
    names = connection.execute("SELECT f.name FROM file f JOIN kind k ON k.kind = f.kind WHERE k.suffix = 'asn'")
    sizes = []
    for (name,) in names.fetchall():
        facts = file_facts(connection, name, scale)
        if facts is not None and (scale == "reduced" or name not in recorded):
            sizes.append((association_size(facts), name))
    connection.executemany("UPDATE file SET size = ? WHERE name = ?", sizes)


class _FileRow(NamedTuple):
    """A row of the table of files, its columns in their order."""

    file: int
    name: str
    kind: int
    obsid: int
    size: int
    listed: bool
    rights: str | None
    release: float | None
    visit: int | None = None
    guide: str = ""
    t_max: float | None = None


class _Writer:
    """Fills the tables, program by program, with numbers that follow from the facts alone."""

    def __init__(self, connection: sqlite3.Connection, scale: Scale) -> None:
        self._connection = connection
        self._scale = scale
        self._kinds: dict[Kind, int] = {}
        self._files: dict[str, int] = {}
        self._visits: dict[tuple[int, str], int] = {}

    def add(self, program: Program) -> None:
        exposures = tuple(derive_exposures(program))
        observations = (*exposures, *derive_combinations(program, exposures))
        obsids = obsids_of(program, observations)
        rows: list[dict[str, Any]] = []
        files: list[_FileRow] = []
        holdings: list[tuple[int, int]] = []
        members: list[tuple[int, int]] = []
        combined = any(observation.calib_level == 3 for observation in observations)
        pool = CatalogueFile(
            name=f"jw{program.program:05d}_{program.stamp}_pool.csv", kind=kind_of("pool", "csv", stage3=combined)
        )
        measured = Sizes(program, self._scale)
        for observation in observations:
            obsid = obsids[observation.obs_id]
            row = observation_row(observation, obsid)
            row["visit"] = self._visit(observation) if observation.visit else None
            rows.append(row)
            own = observation.files
            if observation.calib_level == 2 and observation.listed:
                own = (*own, pool)
            for file in own:
                if file.name not in self._files:
                    size, listed = measured.of(file.name, observation)
                    files.append(
                        _FileRow(
                            file=self._file(file.name),
                            name=file.name,
                            kind=self._kind(file.kind),
                            obsid=obsid,
                            size=size,
                            listed=listed,
                            rights=row["dataRights"],
                            release=row["t_obs_release"],
                        )
                    )
                holdings.append((obsid, self._files[file.name]))
            members.extend((obsid, obsids[name]) for name in observation.members)
        planned = [planned_row(program, number) for number in range(len(program.planned))]
        self._visit_files(program, exposures, obsids, measured, files)
        self._insert("program", [(program.program, program.title, program.pi_name, program.category, program.version)])
        self._insert_named("observation", [*rows, *planned])
        self._insert("file", files)
        self._insert("holding", set(holdings))
        self._insert("member", set(members))
        self._insert_named("mission", mission_rows(program, exposures))
        self._insert("name", name_rows(program))

    def finish(self) -> None:
        self._insert(
            "kind",
            [
                (
                    number,
                    kind.suffix,
                    kind.extension,
                    kind.stage3,
                    kind.description,
                    kind.product_type,
                    kind.group,
                    kind.calib_level,
                    kind.recommended,
                    kind.versioned,
                )
                for kind, number in self._kinds.items()
            ],
        )

    def _visit_files(
        self,
        program: Program,
        exposures: Iterable[Observation],
        obsids: Mapping[str, int],
        measured: Sizes,
        files: list[_FileRow],
    ) -> None:
        visits: dict[str, list[Observation]] = {}
        for exposure in exposures:
            visits.setdefault(exposure.visit, []).append(exposure)
        for name, members in visits.items():
            first = members[0]
            visit = self._visit(first)
            start = min(member.t_min or 0.0 for member in members)
            end = max(member.t_max or 0.0 for member in members)
            count = program.guide_files.get(name, program.guide_files.get("default", 30))
            shared: list[GuideFile | CatalogueFile] = list(guide_files(program.program, name, count, start, end))
            if any(member.exp_type == "NRS_MSASPEC" for member in members):
                msa = f"jw{program.program:05d}{name}_01_msa.fits"
                shared.append(CatalogueFile(name=msa, kind=kind_of("msa", "fits", stage3=False)))
            numbers = []
            for file in shared:
                number = self._file(file.name)
                numbers.append((visit, number))
                mode = file.mode if isinstance(file, GuideFile) else ""
                t_max = file.t_max if isinstance(file, GuideFile) else None
                size, listed = measured.of(file.name, first, mode)
                files.append(
                    _FileRow(
                        file=number,
                        name=file.name,
                        kind=self._kind(file.kind),
                        obsid=obsids[first.obs_id],
                        visit=visit,
                        guide=mode,
                        t_max=t_max,
                        size=size,
                        listed=listed,
                        rights=first.rights,
                        release=first.release,
                    )
                )
            self._insert("visit_file", numbers)

    def _file(self, name: str) -> int:
        return self._files.setdefault(name, len(self._files) + 1)

    def _visit(self, exposure: Observation) -> int:
        return self._visits.setdefault((exposure.program.program, exposure.visit), len(self._visits) + 1)

    def _kind(self, kind: Kind) -> int:
        return self._kinds.setdefault(kind, len(self._kinds) + 1)

    def _insert(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        rows = list(rows)
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608 - our own names

    def _insert_named(self, table: str, rows: list[dict[str, Any]]) -> None:
        if rows:
            names = list(rows[0])
            marks = ", ".join(f":{name}" for name in names)
            statement = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})"  # noqa: S608 - our own names
            self._connection.executemany(statement, rows)
