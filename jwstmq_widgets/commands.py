"""What each command of ``jwstmq`` does."""

import argparse
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.lab import run_lab, running
from jwstmq_widgets.query import Query
from jwstmq_widgets.terminal import ProgressLine, ask, say, write_table

if TYPE_CHECKING:
    from astropy.table import Table

    from jwstmq_widgets.archives import Archive
    from jwstmq_widgets.downloads import DownloadProgress, Plan

__all__ = ["DONE", "SOME_FAILED", "TOKEN_VARIABLE", "UNREACHED", "WRONG_QUESTION", "download", "lab", "query", "serve"]

DONE = 0
"""Exit status: done; nothing found is an answer too."""
SOME_FAILED = 1
"""Exit status: some files failed, or it was cancelled."""
WRONG_QUESTION = 2
"""Exit status: the question, an option or the destination was wrong."""
UNREACHED = 3
"""Exit status: the archive could not be asked, or refused the token."""

TOKEN_VARIABLE = "MAST_API_TOKEN"  # noqa: S105 (a variable's name, not a token)
"""Environment variable with a MAST token."""

_OBSERVATION_VIEW: tuple[str, ...] = (
    "program",
    "observation",
    "obs_id",
    "instrument_name",
    "filters",
    "target_name",
    "t_min",
    "t_exptime",
    "calib_level",
    "dataRights",
)
_PRODUCT_VIEW: tuple[str, ...] = (
    "productFilename",
    "observation",
    "detector",
    "filters",
    "calib_level",
    "size",
    "dataRights",
)
_SUMMARY_VIEW: tuple[str, ...] = ("program", "observation", "stage", "filetype", "files", "size")
_PLAN_VIEW: tuple[str, ...] = ("path", "size", "state")
_MANIFEST_VIEW: tuple[str, ...] = ("Local Path", "size", "Status", "Message")


def query(options: argparse.Namespace) -> int:
    """List observations, products or their sums.

    Parameters
    ----------
    options
        The options, as the command line gave them.

    Returns
    -------
    int
        Exit status.
    """
    from jwstmq_widgets.tables import summarize

    question = _question(options)
    archive = _archive(options)
    with _cancel_on_interrupt() as cancel:
        table, columns = _observations(archive, question, cancel), _OBSERVATION_VIEW
        if options.show != "observations":
            table, columns = _products(archive, question, table, cancel), _PRODUCT_VIEW
    rows = len(table)
    if options.show == "summary":
        table, columns = summarize(table), _SUMMARY_VIEW
    write_table(table, format=options.format, columns=columns, stream=sys.stdout)
    sys.stdout.flush()
    noun = "observations" if options.show == "observations" else "files"
    say(f"{rows:,} {noun}: {question}" if rows else f"nothing found for {question}")
    return DONE


def download(options: argparse.Namespace) -> int:
    """Download products, after a look at the plan.

    Parameters
    ----------
    options
        The options, as the command line gave them.

    Returns
    -------
    int
        Exit status.
    """
    from jwstmq_widgets.downloads import plan as make_plan
    from jwstmq_widgets.downloads.plan import check_destination

    question = _question(options)
    if options.workers < 1:
        raise QueryError(f"--workers {options.workers} is not a number above 0", field="workers")
    if not (options.yes or options.skipdownload or sys.stdin.isatty()):
        raise QueryError("there is nobody to ask before the download; add --yes, or -n to see what it would do")
    check_destination(Path(options.outrootdir).expanduser().absolute())
    archive = _archive(options)
    with _cancel_on_interrupt() as cancel:
        products = _products(archive, question, _observations(archive, question, cancel), cancel)
    if not len(products):
        say(f"nothing found for {question}")
        return DONE
    plan = make_plan(products, to=options.outrootdir, layout=options.layout, clobber=options.clobber, archive=archive)
    if options.skipdownload:
        write_table(_plan_table(plan), format=options.format, columns=_PLAN_VIEW, stream=sys.stdout)
    say(f"{plan.summary()} · to {plan.folder}")
    if options.skipdownload or not plan.fetch:
        return DONE
    if not plan.fits:
        raise QueryError(f"{plan.folder} has no room for that; free some, or choose another --outrootdir")
    if not options.yes and not ask("Download?"):
        say("nothing downloaded")
        return DONE
    return _carry_out(plan, options)


def serve(options: argparse.Namespace) -> int:
    """Serve the local archive until Ctrl-C.

    Parameters
    ----------
    options
        The options, as the command line gave them.

    Returns
    -------
    int
        Exit status.
    """
    from jwstmq_widgets.localarchive import LocalArchive

    _check_port(options.port)
    archive = LocalArchive(scale=options.scale, port=options.port)
    with suppress(KeyboardInterrupt), running(archive):
        sys.stdout.write(f"{archive.url}\n")
        sys.stdout.flush()
        threading.Event().wait()
    return DONE


def lab(options: argparse.Namespace) -> int:
    """Run JupyterLab with a local archive until Ctrl-C.

    Parameters
    ----------
    options
        The options, as the command line gave them.

    Returns
    -------
    int
        Exit status.
    """
    return run_lab(folder=options.dir, browser=not options.no_browser, port=options.port)


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise QueryError(
                f"port {port} cannot be used ({error.strerror}); choose another one, or 0 for any free one",
                field="port",
            ) from error


def _question(options: argparse.Namespace) -> Query:
    query = Query(
        program=options.propID[0] if options.propID else None,
        observations=[*options.propID[1:], *options.obsnums],
        instrument=options.instrument,
        modes=options.obsmode,
        filters=options.filters,
        dates=_dates(options.date_select),
        lookback=options.lookbacktime,
        target=options.target,
        coordinates=options.coordinates,
        radius=options.radius,
        filetypes=options.filetypes,
        detectors=options.sca,
        calib_levels=options.calib_levels,
        guidestars="only" if options.guidestar_data_only else options.guidestars,
    )
    if query.empty:
        raise QueryError("nothing limits the question; give --propID, --instrument, --target or dates")
    return query


def _dates(values: Sequence[str]) -> Any:
    """Read jwst_mast_query's forms of dates: ``X+``, ``X-``, one, two."""
    if len(values) == 1 and values[0][-1:] in {"+", "-"}:
        return (values[0][:-1], None) if values[0].endswith("+") else (None, values[0][:-1])
    return values[0] if len(values) == 1 else tuple(values) or (None, None)


def _archive(options: argparse.Namespace) -> "Archive":
    """Open the archive, and log in where that was asked for, or MAST's token is in the environment.

    With ``--login`` the token is that of the environment, or is typed, or comes on standard input.
    """
    from jwstmq_widgets.archives import open_archive

    which = options.archive.lower()
    if which == "local":
        say("starting the local archive")
    archive = open_archive(options.archive)
    in_environment = bool(os.environ.get(TOKEN_VARIABLE, "").strip())
    if options.login:
        archive.login(None if in_environment or sys.stdin.isatty() else sys.stdin.readline())
    elif in_environment and which == "mast":
        archive.login()
    return archive


def _observations(archive: "Archive", query: Query, cancel: threading.Event) -> "Table":
    from jwstmq_widgets.archives import nothing_found

    with ProgressLine() as line:
        line.show(f"asking {archive.name} for {query}")
        observations = archive.observations(query, cancel=cancel)
        why = None if len(observations) else nothing_found(archive, query)
    if why is not None and why.field:
        raise why  # a program that does not exist is a wrong question; limits that nothing meets have an answer: none
    return observations


def _products(archive: "Archive", query: Query, observations: "Table", cancel: threading.Event) -> "Table":
    from jwstmq_widgets.tables import select

    with ProgressLine() as line:
        products = archive.products(
            observations,
            progress=lambda at: line.show(
                f"listing products: {at.products:,} files, "
                f"{at.observations_done:,} of {at.observations_total:,} observations"
            ),
            cancel=cancel,
        )
    return select(
        products,
        filetypes=query.filetypes,
        detectors=query.detectors,
        calib_levels=query.calib_levels,
        guidestars=query.guidestars,
    )


def _carry_out(plan: "Plan", options: argparse.Namespace) -> int:
    from jwstmq_widgets.downloads import download as move

    with _cancel_on_interrupt() as cancel, ProgressLine() as line:
        manifest = move(plan, workers=options.workers, progress=lambda at: line.show(_progress_text(at)), cancel=cancel)
    write_table(manifest, format=options.format, columns=_MANIFEST_VIEW, stream=sys.stdout)
    sys.stdout.flush()
    status = manifest["Status"].tolist()
    done, failed = status.count("COMPLETE"), status.count("ERROR")
    say(f"{done:,} downloaded, {status.count('SKIPPED'):,} skipped, {failed:,} failed · {plan.folder}")
    if "CANCELLED" in status:
        say("cancelled; run the same command again to resume")
    elif failed:
        say("run the same command again to retry what failed")
    return SOME_FAILED if failed or "CANCELLED" in status else DONE


def _progress_text(at: "DownloadProgress") -> str:
    from jwstmq_widgets.tables import format_size

    parts = [
        f"{at.files_done:,} of {at.files_total:,} files",
        f"{format_size(at.bytes_done)} of {format_size(at.bytes_total)}",
        f"{format_size(at.rate)}/s",
        f"{at.seconds_left:.0f} s left" if at.seconds_left is not None else "",
        f"{at.files_failed} failed" if at.files_failed else "",
    ]
    return f"{at.fraction:4.0%}  " + " · ".join(part for part in parts if part)


def _plan_table(plan: "Plan") -> "Table":
    from astropy.table import Table

    rows = [(str(item.path), item.size, item.state, item.uri) for item in plan.items]
    return Table(rows=rows, names=("path", "size", "state", "dataURI"), dtype=(str, int, str, str))


@contextmanager
def _cancel_on_interrupt() -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into an event, so that a job ends in order; the second one breaks it off."""
    cancel = threading.Event()

    def stop(_number: int, _frame: object) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield cancel
    finally:
        signal.signal(signal.SIGINT, before)
