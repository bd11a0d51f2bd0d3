"""How a command line becomes a question, and the question its tables."""

import argparse
import os
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from jwstmq_widgets.cli.login import TOKEN_VARIABLE, log_in
from jwstmq_widgets.cli.terminal import ProgressLine, say
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query import Query
from jwstmq_widgets.query.config import read_config
from jwstmq_widgets.query.settings import (
    CONFIG_VARIABLE,
    FIELD_OF,
    SETTINGS,
    Options,
    merge,
    query_arguments,
    read_options,
    read_settings,
)

if TYPE_CHECKING:
    from astropy.table import Table

    from jwstmq_widgets.archives import Archive

__all__ = [
    "ask_named_files",
    "ask_observations",
    "ask_products",
    "open_and_login",
    "read_command_line",
    "read_named_files",
]

_QUESTION = frozenset(
    {*FIELD_OF, "propID", "obsnums", "date_select", "lookbacktime", "coordinates", "obsid_select", "guidestars"}
    | {"guidestar_data_only"}
)
_JUST_NOW = timedelta(seconds=1)


def read_command_line(given: argparse.Namespace) -> tuple[Query, Options]:
    """Give what a command line asks, and how.

    What is given there is stronger than the configuration file, and that than the defaults.

    Parameters
    ----------
    given
        What the command line holds; a setting that is not there was not given.

    Returns
    -------
    tuple
        The question, and how its answer is listed and downloaded.

    Raises
    ------
    QueryError
        If something is wrong, or nothing limits the question.
    """
    settings = _settings(given)
    query = Query(**query_arguments(settings))
    if query.empty:
        raise QueryError("nothing limits the question; give --propID, --instrument, --target or dates")
    return query, read_options(settings)


def read_named_files(given: argparse.Namespace) -> tuple[list[str], Options]:
    """Give the files that a command line names, and what is to be done with them.

    Parameters
    ----------
    given
        What the command line holds.

    Returns
    -------
    tuple
        Names or ``artifact_id``, and the options; a configuration file's question plays no part.

    Raises
    ------
    QueryError
        If there is a question beside them.
    """
    asked = [name for name in vars(given) if name in _QUESTION]
    if given.programs or asked:
        other = f"--{asked[0]}" if asked else f"program {given.programs[0]}"
        raise QueryError(f"--artifact names files, so that {other} plays no part; leave one of them out", field="files")
    options = read_options(_settings(given))
    if options.tables:
        raise QueryError("--savetables lists a question's answer, and --artifact asks none; leave one of them out")
    return given.artifact, options


def _settings(given: argparse.Namespace) -> dict[str, Any]:
    """Give the settings in force."""
    line = {name: value for name, value in vars(given).items() if name in SETTINGS}
    if given.programs:
        if "propID" in line:
            raise QueryError(
                f"program {given.programs[0]} and --propID {' '.join(line['propID'])} are both given; give one of them",
                field="program",
            )
        line["propID"] = given.programs
    stated = read_settings(line, keep_empty=True)
    file = stated["configfile"] if "configfile" in stated else os.environ.get(CONFIG_VARIABLE, "").strip()
    settings = merge(read_config(file) if file else {}, stated)
    if settings.get("makewebpages") or any(name.startswith("webpage_") for name in stated):
        raise QueryError(
            "jwstmq does not make web pages: leave out --makewebpages, --webpage_... and the key makewebpages",
            field="makewebpages",
        )
    _tell(settings, stated, file)
    return settings


def open_and_login(given: argparse.Namespace, options: Options) -> "Archive":
    """Open the archive, and log in where that was asked for, or a token for MAST is at hand.

    Parameters
    ----------
    given
        What the command line holds.
    options
        The options; a token among them is that of the command line or of the configuration file.

    Returns
    -------
    Archive

    Raises
    ------
    QueryError
        If there is no such archive.
    ArchiveError
        If it cannot be started, or does not accept a token that was asked for on the command line.
    """
    from jwstmq_widgets.archives import LOCAL_ARCHIVE_VARIABLE, open_archive
    from jwstmq_widgets.archives.parallel import Manners

    if "local" in given.archive.lower() and "://" not in given.archive and not os.environ.get(LOCAL_ARCHIVE_VARIABLE):
        say("starting the local archive")
    archive = open_archive(given.archive, manners=Manners(first=options.batch) if options.batch else None)
    log_in(archive, given, options.token)
    return archive


def ask_observations(
    archive: "Archive", query: Query, cancel: threading.Event, *, cache: bool | None = None
) -> "Table":
    """Ask for the observations.

    Parameters
    ----------
    archive
        Where.
    query
        The question.
    cancel
        Set to stop.
    cache
        Whether an answer that is kept on this machine will do, see `Archive.observations`.

    Returns
    -------
    astropy.table.Table
        The observations; none when limits are too narrow.

    Raises
    ------
    QueryError
        If the program does not exist.
    ArchiveError, Cancelled
        If the archive does not answer, or it was stopped.
    """
    from jwstmq_widgets.archives import nothing_found

    with ProgressLine() as line:
        line.show(f"asking {archive.name} for {query}")
        start = datetime.now(UTC)
        observations = archive.observations(query, cache=cache, cancel=cancel)
        why = None if len(observations) else nothing_found(archive, query)
    _warn(observations)
    if why is not None and why.field:
        raise why  # a program that does not exist is a wrong question; limits that nothing meets have an answer: none
    answered = datetime.fromisoformat(observations.meta["as_of"]) if "as_of" in observations.meta else start
    if answered < start - _JUST_NOW:
        say(f"as of {answered.astimezone():%Y-%m-%d %H:%M}; --no-cache asks anew")
    return observations


def ask_products(
    archive: "Archive", query: Query, observations: "Table", cancel: threading.Event, *, cache: bool | None = None
) -> "Table":
    """Ask for the products of observations, and choose from them.

    Parameters
    ----------
    archive
        Where.
    query
        The question.
    observations
        Its observations.
    cancel
        Set to stop.
    cache
        Whether an answer that is kept on this machine will do, see `Archive.products`.

    Returns
    -------
    astropy.table.Table
        The chosen products.

    Raises
    ------
    ArchiveError, Cancelled
        If the archive does not answer, or it was stopped.
    """
    from jwstmq_widgets.tables import select

    with ProgressLine() as line:
        products = archive.products(
            observations,
            cache=cache,
            progress=lambda at: line.show(
                f"listing products: {at.products:,} files, "
                f"{at.observations_done:,} of {at.observations_total:,} observations"
            ),
            cancel=cancel,
        )
    _warn(products, already=observations)
    return select(products, **query.product_limits)


def ask_named_files(archive: "Archive", files: list[str], cancel: threading.Event) -> "Table":
    """Ask for files by name or ``artifact_id``; see `Archive.artifacts`."""
    with ProgressLine() as line:
        line.show(f"asking {archive.name} for {len(files):,} files")
        products = archive.artifacts(files, cancel=cancel)
    _warn(products)
    return products


def _warn(table: "Table", already: "Table | None" = None) -> None:
    """Say which of several archives did not answer, unless an earlier table said so."""
    from jwstmq_widgets.archives.merged import WARNINGS

    told = () if already is None else already.meta.get(WARNINGS, ())
    for text in table.meta.get(WARNINGS, ()):
        if text not in told:
            say(f"jwstmq: {text}")


def _tell(settings: dict[str, Any], stated: dict[str, Any], file: str) -> None:
    """Say what was given and is not used, and with ``-v`` which settings are in force."""
    if stated.get("lookbacktime") and stated.get("date_select"):
        say("jwstmq: --lookbacktime is not used, since --date_select is given")
    if stated.get("token"):
        say(f"jwstmq: others on this machine can read a token on a command line; {TOKEN_VARIABLE} or --login hide it")
    if settings.get("verbose"):
        say(f"configuration file: {file or 'none'}")
        for name, value in settings.items():
            if name not in {"token", "login", "configfile"}:
                say(f"{name}: {' '.join(map(str, value)) if isinstance(value, tuple) else value}")
