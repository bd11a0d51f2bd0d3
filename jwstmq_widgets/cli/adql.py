"""``jwstmq adql``: ask an archive in ADQL, look up its tables, and keep its jobs in order."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jwstmq_widgets.cli.login import log_in, user_options
from jwstmq_widgets.cli.moving import cancel_on_interrupt
from jwstmq_widgets.cli.terminal import FORMATS, ProgressLine, say, write_table
from jwstmq_widgets.errors import QueryError

if TYPE_CHECKING:
    from astropy.table import Table

__all__ = ["adql", "adql_options"]


def adql_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of asking in ADQL.

    Parameters
    ----------
    parser
        The command's parser.
    """
    parser.usage = "%(prog)s [QUERY | -] [option ...]"
    parser.add_argument("query", nargs="?", metavar="QUERY", help="the query; - reads it from standard input")
    parser.add_argument("--archive", default="esa", metavar="WHICH", help="esa, local-esa or a URL; default: esa")
    parser.add_argument("--format", choices=FORMATS, default="table", help="form of the table; default: table")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--sync", action="store_true", help="at once; 2,000 rows at the most")
    how.add_argument("--async", dest="job", metavar="NAME", help="as a job of this name, which the archive keeps")
    parser.add_argument(
        "--upload",
        metavar="NAME=FILE",
        action="append",
        default=[],
        help="a table (VOTable, FITS, ECSV, CSV) that the query calls tap_upload.NAME",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--tables", action="store_true", help="list tables and columns; QUERY is a word to look for")
    what.add_argument("--jobs", action="store_true", help="list the jobs that the archive keeps")
    what.add_argument("--open", metavar="JOB", help="give the answer of a job")
    what.add_argument("--remove", metavar="JOB", nargs="+", help="remove jobs")
    user_options(parser)


def adql(given: argparse.Namespace) -> int:
    """Ask an archive in ADQL.

    Parameters
    ----------
    given
        What the command line holds.

    Returns
    -------
    int
        Exit status.
    """
    from jwstmq_widgets.archives import open_archive

    instead = given.tables or given.jobs or given.open or given.remove
    if not given.query and not instead:
        raise QueryError('give a query, such as "SELECT TOP 5 * FROM jwst.main", or --tables', field="query")
    uploads = _uploads(given.upload)
    archive: Any = open_archive(given.archive)
    if not hasattr(archive, "adql"):
        raise QueryError(f"the archive {archive.name} takes no ADQL; use --archive esa or local-esa", field="archive")
    log_in(archive, given)
    with cancel_on_interrupt() as cancel, ProgressLine() as line:

        def tell(phase: str) -> None:
            line.show(f"the archive says {phase.lower()}")

        if given.remove:
            archive.remove_jobs(given.remove, cancel=cancel)
            table = None
        elif given.jobs:
            table = archive.jobs(cancel=cancel)
        elif given.tables:
            table = _matching(archive.tables(cancel=cancel), given.query or "")
        elif given.open:
            table = archive.open_job(given.open, progress=tell, cancel=cancel)
        else:
            text = sys.stdin.read() if given.query == "-" else given.query
            table = archive.adql(
                text,
                uploads=uploads or None,
                run_async=False if given.sync else True if given.job is not None else None,
                name=given.job or "",
                progress=tell,
                cancel=cancel,
            )
    if table is None:
        say(f"{len(given.remove):,} removed")
        return 0
    write_table(
        _for_eyes(table) if given.format == "table" else table,
        format=given.format,
        columns=tuple(table.colnames),
        stream=sys.stdout,
    )
    sys.stdout.flush()
    more = "; there are more, and the archive cut them off" if table.meta.get("overflow") else ""
    kept = f" · job {table.meta['job']}" if table.meta.get("job") else ""
    say(f"{len(table):,} row{'' if len(table) == 1 else 's'}{more}{kept}")
    return 0


def _uploads(given: list[str]) -> "dict[str, Table]":
    from astropy.table import Table

    tables = {}
    for text in given:
        name, equals, path = text.partition("=")
        if not equals or not name or not path:
            raise QueryError(f"--upload {text!r} is not NAME=FILE, such as targets=targets.vot", field="upload")
        try:
            tables[name] = Table.read(Path(path).expanduser())
        except (OSError, ValueError, TypeError) as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise QueryError(f"the table {path!r} cannot be read: {reason}", field="upload") from error
    return tables


def _matching(columns: "Table", text: str) -> "Table":
    words = text.lower().split()
    keep = [all(word in " ".join(map(str, row)).lower() for word in words) for row in columns.iterrows()]
    return columns[keep]


def _for_eyes(table: "Table") -> "Table":
    """Give a copy without masks: nothing there is a dash."""
    from astropy.table import Table

    shown = Table()
    for name in table.colnames:
        values = table[name].tolist()
        missing = any(value is None for value in values)
        shown[name] = ["–" if value is None else str(value) for value in values] if missing else table[name]
    return shown
