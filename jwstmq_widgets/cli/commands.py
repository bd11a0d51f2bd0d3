"""What each command of ``jwstmq`` does."""

import argparse
import socket
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from jwstmq_widgets.cli.asking import (
    ask_named_files,
    ask_observations,
    ask_products,
    open_and_login,
    read_command_line,
    read_named_files,
)
from jwstmq_widgets.cli.lab import run_lab, running
from jwstmq_widgets.cli.moving import cancel_on_interrupt, carry_out, resume, write_script
from jwstmq_widgets.cli.terminal import ask, say, write_table
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query import Query
from jwstmq_widgets.query.settings import Options

if TYPE_CHECKING:
    from astropy.table import Table

    from jwstmq_widgets.archives import Archive
    from jwstmq_widgets.downloads import Plan

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
    from jwstmq_widgets.archives.merged import AtLeast
    from jwstmq_widgets.cli.listing import Listing, look, needs_places, needs_products

    question, options = read_command_line(given)
    archive, cache = open_and_login(given, options), False if given.no_cache else None
    with cancel_on_interrupt() as cancel:
        if given.count:
            number = archive.count(question, cancel=cancel)
            sys.stdout.write(f"{number}\n")
            least = "at least " if isinstance(number, AtLeast) else ""
            say(f"{least}{number:,} observation{'' if number == 1 else 's'}: {question}")
            return DONE
        observations = ask_observations(archive, question, cancel, cache=cache)
        products = None
        if needs_products(given.show, given.format, options):
            products = ask_products(archive, question, observations, cancel, cache=cache)
    places = None
    if products is not None and needs_places(options):
        places = look(_plan(products, given, options, archive), options)
    listing = Listing(observations=observations, products=products, places=places, options=options)
    listing.save()
    listing.write(sys.stdout, show=given.show, format=given.format)
    sys.stdout.flush()
    rows, noun = (len(observations), "observations") if given.show == "observations" else (len(products or ()), "files")
    say(f"{rows:,} {noun}: {question}" if rows else _nothing(question))
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
    from jwstmq_widgets.cli.listing import Listing, look
    from jwstmq_widgets.downloads.plans.decision import check_destination

    if given.workers < 1:
        raise QueryError(f"--workers {given.workers} is not a number above 0", field="workers")
    if given.resume is not None:
        return resume(given)
    if given.artifact:
        question, (files, options) = None, read_named_files(given)
    else:
        (question, options), files = read_command_line(given), []
    if not (given.yes or given.script or options.skip_download or sys.stdin.isatty()):
        raise QueryError("there is nobody to ask before the download; add --yes, or -n to see what it would do")
    check_destination(Path(options.folder).expanduser().absolute())
    archive, cache = open_and_login(given, options), False if given.no_cache else None
    observations = None
    with cancel_on_interrupt() as cancel:
        if question is None:
            products = ask_named_files(archive, files, cancel)
        else:
            observations = ask_observations(archive, question, cancel, cache=cache)
            products = ask_products(archive, question, observations, cancel, cache=cache)
    if question is not None and not len(products):
        say(_nothing(question))
        return DONE
    plan = _plan(products, given, options, archive)
    if options.tables and observations is not None:
        Listing(observations=observations, products=products, places=look(plan, options), options=options).save()
    if not options.compare_sizes:
        plan = plan.subset({item.uri for item in plan.items if item.state != "different"})
    if options.skip_download:
        write_table(_plan_table(plan), format=given.format, columns=_PLAN_VIEW, stream=sys.stdout)
    say(f"{plan.summary()} · to {plan.folder}")
    if given.script and not options.skip_download:
        return write_script(plan, given)
    if options.skip_download or not plan.fetch:
        return DONE
    if not plan.fits:
        raise QueryError(f"{plan.folder} has no room for that; free some, or choose another --outrootdir")
    if not given.yes and not ask("Download?"):
        say("nothing downloaded")
        return DONE
    return carry_out(plan, given)


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
    try:
        archive = LocalArchive(scale=given.scale, port=given.port, survey=given.survey)
    except ValueError as error:
        raise QueryError(str(error), field="survey") from error
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


def _nothing(question: Query) -> str:
    """Say that nothing was found; a look-back out of a configuration file is easily forgotten."""
    hint = "; --lookbacktime 0 asks for all times" if question.lookback is not None else ""
    return f"nothing found for {question}{hint}"


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


def _plan_table(plan: "Plan") -> "Table":
    from astropy.table import Table

    rows = [(str(item.path), item.size, item.state, item.uri) for item in plan.items]
    return Table(rows=rows, names=("path", "size", "state", "dataURI"), dtype=(str, int, str, str))
