"""What each command of ``jwstmq`` does."""

import argparse
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jwstmq_widgets.asking import ask_observations, ask_products, open_and_login, read_command_line
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.lab import run_lab, running
from jwstmq_widgets.listing import Listing, look, needs_places, needs_products
from jwstmq_widgets.settings import Options
from jwstmq_widgets.terminal import ProgressLine, ask, say, write_table

if TYPE_CHECKING:
    from astropy.table import Table

    from jwstmq_widgets.archives import Archive
    from jwstmq_widgets.downloads import DownloadProgress, Plan

__all__ = ["DONE", "SOME_FAILED", "UNREACHED", "WRONG_QUESTION", "download", "lab", "query", "serve"]

DONE = 0
"""Exit status: done; nothing found is an answer too."""
SOME_FAILED = 1
"""Exit status: some files failed, or it was cancelled."""
WRONG_QUESTION = 2
"""Exit status: the question, an option or the destination was wrong."""
UNREACHED = 3
"""Exit status: the archive could not be asked, or refused the token."""

_PLAN_VIEW: tuple[str, ...] = ("path", "size", "state")
_MANIFEST_VIEW: tuple[str, ...] = ("Local Path", "size", "Status", "Message")


def query(given: argparse.Namespace) -> int:
    """List observations, products or their sums.

    Parameters
    ----------
    given
        What the command line holds.

    Returns
    -------
    int
        Exit status.
    """
    question, options = read_command_line(given)
    archive = open_and_login(given, options)
    with _cancel_on_interrupt() as cancel:
        if given.count:
            number = archive.count(question, cancel=cancel)
            sys.stdout.write(f"{number}\n")
            say(f"{number:,} observations: {question}")
            return DONE
        observations = ask_observations(archive, question, cancel)
        products = None
        if needs_products(given.show, given.format, options):
            products = ask_products(archive, question, observations, cancel)
    places = None
    if products is not None and needs_places(options):
        places = look(_plan(products, given, options, archive), options)
    listing = Listing(observations=observations, products=products, places=places, options=options)
    listing.save()
    listing.write(sys.stdout, show=given.show, format=given.format)
    sys.stdout.flush()
    rows, noun = (len(observations), "observations") if given.show == "observations" else (len(products or ()), "files")
    say(f"{rows:,} {noun}: {question}" if rows else f"nothing found for {question}")
    return DONE


def download(given: argparse.Namespace) -> int:
    """Download products, after a look at the plan.

    Parameters
    ----------
    given
        What the command line holds.

    Returns
    -------
    int
        Exit status.
    """
    from jwstmq_widgets.downloads.plan import check_destination

    question, options = read_command_line(given)
    if given.workers < 1:
        raise QueryError(f"--workers {given.workers} is not a number above 0", field="workers")
    if not (given.yes or options.skip_download or sys.stdin.isatty()):
        raise QueryError("there is nobody to ask before the download; add --yes, or -n to see what it would do")
    check_destination(Path(options.folder).expanduser().absolute())
    archive = open_and_login(given, options)
    with _cancel_on_interrupt() as cancel:
        observations = ask_observations(archive, question, cancel)
        products = ask_products(archive, question, observations, cancel)
    if not len(products):
        say(f"nothing found for {question}")
        return DONE
    plan = _plan(products, given, options, archive)
    if options.tables:
        Listing(observations=observations, products=products, places=look(plan, options), options=options).save()
    if not options.compare_sizes:
        plan = plan.subset({item.uri for item in plan.items if item.state != "different"})
    if options.skip_download:
        write_table(_plan_table(plan), format=given.format, columns=_PLAN_VIEW, stream=sys.stdout)
    say(f"{plan.summary()} · to {plan.folder}")
    if options.skip_download or not plan.fetch:
        return DONE
    if not plan.fits:
        raise QueryError(f"{plan.folder} has no room for that; free some, or choose another --outrootdir")
    if not given.yes and not ask("Download?"):
        say("nothing downloaded")
        return DONE
    return _carry_out(plan, given)


def serve(given: argparse.Namespace) -> int:
    """Serve the local archive until Ctrl-C.

    Parameters
    ----------
    given
        What the command line holds.

    Returns
    -------
    int
        Exit status.
    """
    from jwstmq_widgets.localarchive import LocalArchive

    _check_port(given.port)
    archive = LocalArchive(scale=given.scale, port=given.port)
    with suppress(KeyboardInterrupt), running(archive):
        sys.stdout.write(f"{archive.url}\n")
        sys.stdout.flush()
        threading.Event().wait()
    return DONE


def lab(given: argparse.Namespace) -> int:
    """Run JupyterLab with a local archive until Ctrl-C.

    Parameters
    ----------
    given
        What the command line holds.

    Returns
    -------
    int
        Exit status.
    """
    return run_lab(folder=given.dir, browser=not given.no_browser, port=given.port)


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


def _plan(products: "Table", given: argparse.Namespace, options: Options, archive: "Archive") -> "Plan":
    from jwstmq_widgets.downloads import plan

    return plan(
        products,
        to=options.folder,
        layout=getattr(given, "layout", "program"),
        outsubdir=options.subfolder,
        program_folder=options.program_folder,
        observation_folder=options.observation_folder,
        jpg_folder=options.jpg_folder,
        clobber=options.clobber or not options.look,
        archive=archive,
    )


def _carry_out(plan: "Plan", given: argparse.Namespace) -> int:
    from jwstmq_widgets.downloads import download as move

    with _cancel_on_interrupt() as cancel, ProgressLine() as line:
        manifest = move(plan, workers=given.workers, progress=lambda at: line.show(_progress_text(at)), cancel=cancel)
    write_table(manifest, format=given.format, columns=_MANIFEST_VIEW, stream=sys.stdout)
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
