"""Runs a query on a SQLite file that is only read, with limits on what it may touch and how long it may take."""

import sqlite3
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from time import monotonic
from types import MappingProxyType
from typing import Any

from jwstmq_widgets.localarchive.adql.errors import AdqlError
from jwstmq_widgets.localarchive.adql.functions import FUNCTIONS, register
from jwstmq_widgets.localarchive.adql.grammar import parse
from jwstmq_widgets.localarchive.adql.translation import translate
from jwstmq_widgets.localarchive.holdings.taptables import TapColumn, TapResult, Upload

__all__ = ["LONGEST", "MOST_ROWS", "UPLOADS", "open_readonly", "run"]

LONGEST = 60.0
"""Seconds after which a query is given up."""
MOST_ROWS = 1_000_000
"""Rows of a result, when no fewer are asked for: it is made in memory."""
UPLOADS = "tap_upload"
"""Schema of uploaded tables."""
_PULSE = 5_000
_LARGEST_VALUE = 4_000_000
_CHUNK = 1_000
_AFFINITIES = {"boolean": "INTEGER", "short": "INTEGER", "int": "INTEGER", "long": "INTEGER", "char": "TEXT"}
_CALLS = frozenset(
    {function.sqlite.lower() for function in FUNCTIONS.values()}
    | {"like", "glob", "coalesce", "cast"}
    # of the views
    | {"hex", "lower", "ltrim", "replace", "substr"}
)


def run(
    path: Path,
    adql: str,
    tables: Mapping[str, tuple[TapColumn, ...]],
    *,
    maxrec: int | None,
    uploads: Mapping[str, Upload],
    cancel: threading.Event | None,
    longest: float = LONGEST,
) -> TapResult:
    """Answer a query.

    Parameters
    ----------
    path
        The SQLite file; a table has the name it has in queries, dot and all.
    adql
        The query.
    tables
        Columns of each table by its name in lower case.
    maxrec
        The most rows; None for :data:`MOST_ROWS`.
    uploads
        Further tables, of the schema :data:`UPLOADS`.
    cancel
        Ends the query when set.
    longest
        Seconds after which it is given up.

    Raises
    ------
    AdqlError
        If it is wrong, takes too long or was cancelled.
    """
    known = {**tables, **{f"{UPLOADS}.{name.lower()}": upload.columns for name, upload in uploads.items()}}
    tree = parse(adql)
    try:
        translation = translate(tree, known)
    except AdqlError as err:
        raise AdqlError(f"Cannot parse query '{adql}': {err}") from err
    except RecursionError as err:
        raise AdqlError(f"Cannot parse query '{adql}': it is nested too deeply") from err
    most = MOST_ROWS if maxrec is None else min(maxrec, MOST_ROWS)
    failures: list[str] = []
    watch = _Watch(cancel, longest)
    connection = open_readonly(path, uploads, failures, watch)
    try:
        rows = _fetch(connection.execute(translation.sql), most + 1)
    except sqlite3.Error as err:
        raise AdqlError(f"Cannot run query '{adql}': {watch.why or (failures or [str(err)])[0]}") from err
    finally:
        connection.close()
    booleans = [place for place, column in enumerate(translation.columns) if column.datatype == "boolean"]
    if booleans:
        rows = [_with_booleans(row, booleans) for row in rows]
    return TapResult(columns=translation.columns, rows=rows[:most], overflow=len(rows) > most)


class _Watch:
    """Asked every few thousand steps of a query whether it should go on."""

    def __init__(self, cancel: threading.Event | None, longest: float) -> None:
        self._cancel = cancel
        self._longest = longest
        self._end = monotonic() + longest
        self.why = ""

    def __call__(self) -> int:
        if self._cancel is not None and self._cancel.is_set():
            self.why = "it was cancelled"
        elif monotonic() > self._end:
            self.why = f"it took longer than {self._longest:g} s"
        return int(bool(self.why))


def open_readonly(
    path: Path,
    uploads: Mapping[str, Upload] = MappingProxyType({}),
    failures: list[str] | None = None,
    watch: Callable[[], int] | None = None,
) -> sqlite3.Connection:
    """Open a database so that statements can read its tables, call ADQL's functions, and nothing else.

    Parameters
    ----------
    path
        The SQLite file.
    uploads
        Further tables, of the schema :data:`UPLOADS`, for this connection alone.
    failures
        Where messages of functions that failed are left.
    watch
        Asked now and then whether to go on; anything but 0 ends the statement.
    """
    # The file is replaced whole and never written again, so that no locks are needed.
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, isolation_level=None)
    with ExitStack() as stack:
        stack.callback(connection.close)
        # LIKE of the standard, and of PostgreSQL, tells upper from lower case.
        connection.execute("PRAGMA case_sensitive_like = ON")
        connection.execute("PRAGMA temp_store = MEMORY")
        register(connection, [] if failures is None else failures)
        for name, upload in uploads.items():
            _upload(connection, f"{UPLOADS}.{name.lower()}", upload)
        connection.execute("PRAGMA query_only = ON")
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LARGEST_VALUE)
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.set_progress_handler(watch, _PULSE)
        connection.set_authorizer(_permitted)
        stack.pop_all()
    return connection


def _upload(connection: sqlite3.Connection, name: str, upload: Upload) -> None:
    names = [column.name.lower() for column in upload.columns]
    twice = next((entry for entry in names if names.count(entry) > 1), None)
    if twice is not None or not names:
        what = f'two columns called "{twice}"' if names else "no columns"
        raise AdqlError(f'the uploaded table "{upload.name}" has {what}')
    columns = ", ".join(
        f"{_quoted(column.name)} {_AFFINITIES.get(column.datatype, 'REAL')}" for column in upload.columns
    )
    marks = ", ".join("?" * len(names))
    try:
        connection.execute(f"CREATE TEMP TABLE {_quoted(name)} ({columns})")
        connection.executemany(f"INSERT INTO temp.{_quoted(name)} VALUES ({marks})", upload.rows)  # noqa: S608 - quoted
    except (sqlite3.Error, OverflowError) as err:
        raise AdqlError(f'the uploaded table "{upload.name}" cannot be used: {err}') from err


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""').replace("\0", "")
    return f'"{escaped}"'


def _permitted(action: int, first: str | None, second: str | None, _database: str | None, _source: str | None) -> int:
    """Let a statement read tables and call the functions of ADQL, and do nothing else."""
    if action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}:
        hidden = (first or "").lower().startswith("sqlite_")
        return sqlite3.SQLITE_DENY if hidden else sqlite3.SQLITE_OK
    if action == sqlite3.SQLITE_FUNCTION and (second or "").lower() in _CALLS:
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _fetch(cursor: sqlite3.Cursor, most: int) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    while len(rows) < most:
        chunk = cursor.fetchmany(min(_CHUNK, most - len(rows)))
        if not chunk:
            break
        rows += chunk
    return rows


def _with_booleans(row: tuple[Any, ...], places: list[int]) -> tuple[Any, ...]:
    values = list(row)
    for place in places:
        if values[place] is not None:
            values[place] = bool(values[place])
    return tuple(values)
