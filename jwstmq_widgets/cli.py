"""The command line ``jwstmq``: its options, and how it ends."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from jwstmq_widgets import __version__, commands
from jwstmq_widgets.commands import DONE, SOME_FAILED, UNREACHED, WRONG_QUESTION
from jwstmq_widgets.errors import ArchiveError, Cancelled, DownloadError, QueryError
from jwstmq_widgets.terminal import FORMATS, say

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments
        The arguments after the program's name; those of the process by default.

    Returns
    -------
    int
        Exit status: 0 done, 1 some files failed or it was cancelled, 2 the question was wrong, 3 the archive could
        not be asked.
    """
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except BrokenPipeError:
        # The reader has seen enough (`| head`). What is still buffered must not meet the closed pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (Cancelled, KeyboardInterrupt):
        say("jwstmq: cancelled")
        return SOME_FAILED
    except QueryError as error:
        return _complain(error, WRONG_QUESTION)
    except ArchiveError as error:
        return _complain(error, UNREACHED)
    except DownloadError as error:
        return _complain(error, SOME_FAILED)


def _complain(error: Exception, status: int) -> int:
    say(f"jwstmq: {' '.join(str(error).split())}")
    return status


class _Parser(argparse.ArgumentParser):
    """A parser whose complaint is one sentence."""

    def error(self, message: str) -> NoReturn:
        say(f"{self.prog}: {message}; see {self.prog} --help")
        raise SystemExit(WRONG_QUESTION)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="jwstmq",
        description="Explore the archives of the James Webb Space Telescope.",
        epilog="Exit status: 0 done, 1 some files failed, 2 the question was wrong, 3 the archive could not be asked.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"jwstmq {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        added = subparsers.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(run=run)
        return added

    query = command("query", commands.query, "List observations, products or their sums.")
    _add_question(query)
    query.add_argument(
        "--show",
        choices=("observations", "products", "summary"),
        default="observations",
        help="what to list; default: observations",
    )
    products = command("products", commands.query, "List products: query --show products.")
    _add_question(products)
    products.set_defaults(show="products")

    download = command("download", commands.download, "Download products; what is here already stays.")
    _add_question(download)
    download.add_argument("--outrootdir", metavar="DIR", default=".", help="where the files go; default: here")
    download.add_argument(
        "--layout", choices=("program", "mast", "flat"), default="program", help="folders below it; default: program"
    )
    download.add_argument("--workers", type=int, default=4, metavar="N", help="files at a time; default: 4")
    download.add_argument("--clobber", action="store_true", help="fetch files again that are here already")
    download.add_argument("-n", "--skipdownload", action="store_true", help="only list what would be done")
    download.add_argument("-y", "--yes", action="store_true", help="do not ask before the download")

    serve = command(
        "serve", commands.serve, "Serve the local archive until Ctrl-C; prints its address when it is ready."
    )
    serve.add_argument("--port", type=_port, default=0, help="port; default: any free one")
    serve.add_argument(
        "--scale",
        choices=("reduced", "real"),
        default="reduced",
        help="files with fewer pixels, or with the real archive's sizes; default: reduced",
    )

    lab = command("lab", commands.lab, "Open JupyterLab on the notebooks, with a local archive, until Ctrl-C.")
    lab.add_argument("--no-browser", action="store_true", help="do not open a browser")
    lab.add_argument("--port", type=_port, help="JupyterLab's port")
    lab.add_argument(
        "--dir",
        type=Path,
        default=Path("jwstmq-notebooks"),
        help="where your copies of the notebooks are; default: jwstmq-notebooks",
    )
    return parser


def _add_question(parser: argparse.ArgumentParser) -> None:
    which = parser.add_argument_group("observations")
    which.add_argument(
        "--propID", nargs="+", default=[], metavar="N", help="program; numbers after the first are observation numbers"
    )
    which.add_argument("--obsnums", nargs="+", default=[], metavar="N", help="observation numbers")
    which.add_argument("-i", "--instrument", nargs="+", default=[], metavar="NAME", help="nircam miri ...")
    which.add_argument("--obsmode", nargs="+", default=[], metavar="MODE", help="image ifu wfss ...")
    which.add_argument("--filters", nargs="+", default=[], metavar="NAME", help="F770W ...")
    which.add_argument(
        "-d",
        "--date_select",
        nargs="+",
        default=[],
        metavar="DATE",
        help="start of observation, ISO or MJD: a day, a range of two, X+ (since) or X- (until)",
    )
    which.add_argument("-l", "--lookbacktime", metavar="DAYS", help="only the last so many days; default: all times")
    which.add_argument("--target", default="", metavar="NAME", help="a target's name, as in --target 'NGC 3132'")
    which.add_argument("--coordinates", nargs=2, metavar=("RA", "DEC"), help="a place on the sky (deg, ICRS)")
    which.add_argument("--radius", default="2 arcmin", help="radius around target or place; default: 2 arcmin")
    what = parser.add_argument_group("products")
    what.add_argument(
        "-f", "--filetypes", nargs="+", default=[], metavar="TYPE", help="cal i2d _cal.jpg fits ...; default: all"
    )
    what.add_argument("--sca", nargs="+", default=[], metavar="DETECTOR", help="a1 ... b5, nrs1, mirimage ...")
    what.add_argument("--calib_levels", nargs="+", default=[], metavar="N", help="calibration levels")
    stars = what.add_mutually_exclusive_group()
    stars.add_argument("--guidestars", action="store_true", help="guide-star files as well")
    stars.add_argument("--guidestar_data_only", action="store_true", help="nothing but guide-star files")
    where = parser.add_argument_group("archive and output")
    where.add_argument("--archive", default="mast", metavar="WHICH", help="mast, local or a URL; default: mast")
    where.add_argument(
        "--login",
        action="store_true",
        help=f"log in; the token is that of {commands.TOKEN_VARIABLE}, or is typed, or comes on standard input",
    )
    where.add_argument("--format", choices=FORMATS, default="table", help="form of the list; default: table")


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)
