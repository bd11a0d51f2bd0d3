"""What the command line shows while files move, and afterwards: download, resume, verify."""

import argparse
import json
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from jwstmq_widgets.cli.terminal import FORMATS, ProgressLine, ask, say, write_table
from jwstmq_widgets.errors import QueryError

if TYPE_CHECKING:
    from jwstmq_widgets.downloads import DownloadProgress, Manifest, Plan

__all__ = ["cancel_on_interrupt", "carry_out", "move_options", "resume", "verify", "verify_options", "write_script"]

_MANIFEST_VIEW: tuple[str, ...] = ("Local Path", "size", "Status", "Message")
_VERDICT_VIEW: tuple[str, ...] = ("path", "size", "verdict", "message")
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMG]?)B?(?:/s)?", re.IGNORECASE)
_FACTORS = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9}
_JSON_EVERY = 1.0


def move_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of moving files.

    Parameters
    ----------
    parser
        Parser of a command that moves files.
    """
    parser.add_argument("--resume", metavar="FOLDER", help="go on with what was not finished there; asks no question")
    parser.add_argument(
        "--limit-rate", type=_rate, metavar="RATE", help="bytes a second at the most, over all connections: 500k, 5M"
    )
    parser.add_argument(
        "--order",
        choices=("listed", "smallest", "largest", "observation"),
        default="listed",
        help="which files begin first; default: listed",
    )
    parser.add_argument(
        "--checksums", action="store_true", help="check CHECKSUM and DATASUM too, and keep each file's SHA-256"
    )
    parser.add_argument(
        "--cloud", action="store_true", help="public files by their copies in the cloud (S3), where there are some"
    )
    parser.add_argument(
        "--script", metavar="FILE", help="move nothing: write a script that does; - for standard output"
    )
    parser.add_argument(
        "--script-kind",
        choices=("curl", "aria2", "wget"),
        default="curl",
        help="a shell script with curl, or the input file of aria2 or wget; default: curl",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("-q", "--quiet", action="store_true", help="say only what failed")
    how.add_argument(
        "--json",
        action="store_true",
        help="one JSON object a line: each file's result on stdout, the progress once a second on stderr",
    )


def verify_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of verifying.

    Parameters
    ----------
    parser
        The command's parser.
    """
    parser.add_argument("folder", help="where the files are")
    parser.add_argument("--fast", action="store_true", help="sizes and structure only; reads little of each file")
    parser.add_argument("--ask", action="store_true", help="ask the archive whether it still has the same files")
    parser.add_argument("--all", action="store_true", help="list the good files too")
    parser.add_argument("--format", choices=FORMATS, default="table", help="form of the list; default: table")


def carry_out(plan: "Plan", given: argparse.Namespace) -> int:
    """Carry out a plan, showing how far it is.

    Parameters
    ----------
    plan
        What to do.
    given
        What the command line holds.

    Returns
    -------
    int
        Exit status: 0, or 1 when files failed or it was cancelled.
    """
    from jwstmq_widgets.downloads import download

    with cancel_on_interrupt() as cancel, _display(given) as show:
        manifest = download(
            plan,
            workers=given.workers,
            order=given.order,
            limit_rate=given.limit_rate,
            verify="checksum" if given.checksums else "structure",
            sha256=given.checksums,
            cloud=given.cloud,
            progress=show,
            cancel=cancel,
        )
    _write(manifest, given)
    status = manifest["Status"].tolist()
    done, failed = status.count("COMPLETE"), status.count("ERROR")
    if not given.quiet and not given.json:
        say(f"{done:,} downloaded, {status.count('SKIPPED'):,} skipped, {failed:,} failed · {plan.folder}")
    if given.json:
        pass
    elif "CANCELLED" in status:
        say(f"cancelled; run the same command again to resume, or jwstmq download --resume {plan.folder}")
    elif failed:
        say("run the same command again to retry what failed")
    return 1 if failed or "CANCELLED" in status else 0


def write_script(plan: "Plan", given: argparse.Namespace) -> int:
    """Write a plan down as a script.

    Parameters
    ----------
    plan
        What to do.
    given
        What the command line holds.

    Returns
    -------
    int
        Exit status.
    """
    from jwstmq_widgets.downloads import script

    written = script(plan, kind=given.script_kind)
    if given.script == "-":
        sys.stdout.write(written.text)
        sys.stdout.flush()
        usage = written.usage
    else:
        usage = written.usage_of(written.save(given.script))
    left = f", {len(written.left_out):,} left out" if written.left_out else ""
    say(f"{written.files:,} files{left} · run it like this: {usage}")
    return 0


def resume(given: argparse.Namespace) -> int:
    """Go on with what an earlier download to a folder did not finish.

    Parameters
    ----------
    given
        What the command line holds.

    Returns
    -------
    int
        Exit status.
    """
    from jwstmq_widgets.downloads import Manifest

    plan = Manifest.read(given.resume).failed
    if not given.quiet and not given.json:
        say(f"{plan.summary()} · to {plan.folder}" if len(plan) else f"everything is finished · {plan.folder}")
    if not plan.fetch:
        return 1 if plan.exclusive else 0
    if not given.yes and not (sys.stdin.isatty() and ask("Download?")):
        raise QueryError("nobody said yes to the download; add --yes")
    return carry_out(plan, given)


def verify(given: argparse.Namespace) -> int:
    """Check what was downloaded to a folder.

    Parameters
    ----------
    given
        What the command line holds.

    Returns
    -------
    int
        Exit status: 0 when all files are good, else 1.
    """
    from jwstmq_widgets.downloads import verify as check

    with cancel_on_interrupt() as cancel, ProgressLine() as line:
        table = check(
            given.folder,
            check="structure" if given.fast else "checksum",
            archive=given.ask,
            progress=lambda done, total: line.show(f"{done:,} of {total:,} files checked"),
            cancel=cancel,
        )
    good = table["verdict"] == "good"
    write_table(table if given.all else table[~good], format=given.format, columns=_VERDICT_VIEW, stream=sys.stdout)
    sys.stdout.flush()
    number = int(good.sum())
    say(f"{number:,} of {len(table):,} files are good · {table.meta['folder']}")
    return 0 if number == len(table) else 1


@contextmanager
def cancel_on_interrupt() -> Iterator[threading.Event]:
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


@contextmanager
def _display(given: argparse.Namespace) -> "Iterator[Callable[[DownloadProgress], None]]":
    """Show how far a download is: a display on a terminal, plain or JSON lines elsewhere, nothing when quiet."""
    if given.json:
        next_line = 0.0

        def show(at: "DownloadProgress") -> None:
            nonlocal next_line
            if time.monotonic() >= next_line:
                next_line = time.monotonic() + _JSON_EVERY
                sys.stderr.write(f"{json.dumps(_progress_facts(at))}\n")

        yield show
    elif given.quiet:
        yield lambda _: None
    elif sys.stderr.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}:
        from jwstmq_widgets.cli.movingdisplay import MovingDisplay  # rich takes a while to import

        with MovingDisplay(sys.stderr) as display:
            yield display.show
    else:
        with ProgressLine() as line:
            yield lambda at: line.show(str(at))


def _write(manifest: "Manifest", given: argparse.Namespace) -> None:
    if given.json:
        names = manifest.colnames
        for row in zip(*(manifest[name].tolist() for name in names), strict=True):
            sys.stdout.write(f"{json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False)}\n")
    elif given.quiet:
        for path, status, message in manifest.iterrows("Local Path", "Status", "Message"):
            if status == "ERROR":
                say(f"{path}: {message}")
    else:
        write_table(manifest, format=given.format, columns=_MANIFEST_VIEW, stream=sys.stdout)
    sys.stdout.flush()


def _progress_facts(at: "DownloadProgress") -> dict[str, Any]:
    return {
        "files_done": at.files_done,
        "files_failed": at.files_failed,
        "files_total": at.files_total,
        "bytes_done": at.bytes_done,
        "bytes_total": at.bytes_total,
        "rate": round(at.rate),
        "seconds_left": None if at.seconds_left is None else round(at.seconds_left, 1),
    }


def _rate(text: str) -> float:
    match = _RATE.fullmatch(text.strip())
    rate = float(match[1]) * _FACTORS[match[2].lower()] if match else 0.0
    if rate < _FACTORS["k"]:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate from 1k on, such as 500k or 5M (bytes a second)")
    return rate
