"""The command line ``jwstmq``: its options, and how it ends."""

import argparse
import difflib
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from jwstmq_widgets import __version__
from jwstmq_widgets.cli import commands, moving
from jwstmq_widgets.cli.adql import adql, adql_options
from jwstmq_widgets.cli.commands import DONE, SOME_FAILED, UNREACHED, WRONG_QUESTION
from jwstmq_widgets.cli.login import TOKEN_VARIABLE, user_options
from jwstmq_widgets.cli.terminal import FORMATS, say
from jwstmq_widgets.errors import ArchiveError, Cancelled, DownloadError, QueryError
from jwstmq_widgets.query.settings import CONFIG_VARIABLE, FOLDER_VARIABLE

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
    given = _read(arguments)
    try:
        return int(given.run(given))
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


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    # The short form's numbers are no positional arguments of argparse: those must not come after options there.
    parser = _parser()
    given, rest = parser.parse_known_args(arguments)
    takes_numbers = hasattr(given, "programs")
    wrong = [word for word in rest if not (takes_numbers and word.isascii() and word.isdigit())]
    if wrong:
        parser.error(f"unknown: {' '.join(wrong)}{_meant(wrong[0], given.options)}")
    if takes_numbers:
        given.programs = rest
    return given


def _meant(word: str, options: Sequence[str]) -> str:
    close = difflib.get_close_matches(word.partition("=")[0].lower(), [option.lower() for option in options], n=1)
    return next((f"; did you mean {option}?" for option in options if [option.lower()] == close), "")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="jwstmq",
        description="Explore the archives of the James Webb Space Telescope.",
        epilog="Exit status: 0 done, 1 some files failed, 2 the question was wrong, 3 the archive could not be asked.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"jwstmq {__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)

    def command(
        name: str,
        run: Callable[[argparse.Namespace], int],
        text: str,
        options: Callable[[argparse.ArgumentParser], None],
    ) -> None:
        added = subparsers.add_parser(name, help=text, description=text, allow_abbrev=False)
        added.set_defaults(run=run)
        options(added)
        added.set_defaults(options=[name for action in added._actions for name in action.option_strings])  # noqa: SLF001

    command("query", commands.query, "List observations, products or their sums.", _query_options)
    command("products", commands.query, "List products: query --show products.", _products_options)
    command("download", commands.download, "Download products; what is here already stays.", _download_options)
    text = "Check again what was downloaded to a folder; exit status 0 when all files are good, else 1."
    command("verify", moving.verify, text, moving.verify_options)
    command("adql", adql, "Ask an archive that takes ADQL, such as ESA's.", adql_options)
    text = "Serve the local archive until Ctrl-C; prints its address when it is ready."
    command("serve", commands.serve, text, _serve_options)
    text = "Open JupyterLab on the notebooks, with a local archive, until Ctrl-C."
    command("lab", commands.lab, text, _lab_options)
    return parser


def _query_options(parser: argparse.ArgumentParser) -> None:
    _question_options(parser)
    show = parser.add_mutually_exclusive_group()
    show.add_argument(
        "--show",
        choices=("observations", "products", "summary"),
        default="observations",
        help="what to list; default: observations",
    )
    show.add_argument("--count", action="store_true", help="only the number of observations; asks for no list")


def _products_options(parser: argparse.ArgumentParser) -> None:
    _question_options(parser)
    parser.set_defaults(show="products", count=False)


def _download_options(parser: argparse.ArgumentParser) -> None:
    _question_options(parser)
    parser.add_argument(
        "--artifact",
        nargs="+",
        action="extend",
        metavar="FILE",
        help="these files and no others, by name or by ESA's artifact id, in place of a question",
    )
    parser.add_argument(
        "--layout", choices=("program", "mast", "flat"), default="program", help="folders; default: program"
    )
    parser.add_argument("--workers", type=int, default=4, metavar="N", help="files at a time; default: 4")
    parser.add_argument("-y", "--yes", action="store_true", help="do not ask before the download")
    moving.move_options(parser)


def _serve_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=_port, default=0, help="port; default: any free one")
    parser.add_argument(
        "--scale",
        choices=("reduced", "real"),
        default="reduced",
        help="files with fewer pixels, or with the real archive's sizes; default: reduced",
    )
    parser.add_argument(
        "--survey",
        type=int,
        default=0,
        metavar="N",
        help="also serve a synthetic survey, program 99001, of N files: tens of thousands, up to 1000000",
    )


def _lab_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")
    parser.add_argument("--port", type=_port, help="JupyterLab's port")
    parser.add_argument(
        "--dir",
        type=Path,
        default=Path("jwstmq-notebooks"),
        help="where your copies of the notebooks are; default: jwstmq-notebooks",
    )


# Below, an option that is not given leaves nothing behind, so that one that is given is meant, also when its value
# is the default; `nothing after it` then undoes what the configuration file says.


def _text(group: Any, *names: str, metavar: str, help: str, **more: Any) -> None:  # noqa: A002
    group.add_argument(*names, metavar=metavar, default=argparse.SUPPRESS, help=help, **more)


def _texts(group: Any, *names: str, metavar: str, help: str) -> None:  # noqa: A002
    group.add_argument(*names, nargs="*", metavar=metavar, default=argparse.SUPPRESS, help=help)


def _switch(group: Any, *names: str, help: str) -> None:  # noqa: A002
    group.add_argument(*names, action=argparse.BooleanOptionalAction, default=argparse.SUPPRESS, help=help)


def _yes_no(group: Any, name: str, help: str) -> None:  # noqa: A002
    group.add_argument(name, nargs="?", const=True, metavar="BOOL", default=argparse.SUPPRESS, help=help)


def _question_options(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s [PROGRAM [OBSERVATION ...]] [option ...]"
    parser.set_defaults(programs=[])
    _observation_options(parser.add_argument_group("observations"))
    _product_options(parser.add_argument_group("products"))
    _place_options(parser.add_argument_group("where files go"))
    _table_options(parser.add_argument_group("tables"))
    _archive_options(parser.add_argument_group("archive, settings and output"))
    _page_options(parser)


def _observation_options(group: Any) -> None:
    _texts(group, "--propID", metavar="N", help="program; numbers after the first are observation numbers")
    _texts(group, "--obsnums", metavar="N", help="observation numbers")
    _texts(group, "-i", "--instrument", metavar="NAME", help="nircam miri ...; default: all")
    _texts(group, "--obsmode", metavar="MODE", help="image ifu wfss ...; default: all")
    _texts(group, "--exposure_types", metavar="TYPE", help="MIR_IMAGE NRC_TS* ... (EXP_TYPE); executed exposures only")
    _texts(group, "--filters", metavar="NAME", help="F770W F1* ...")
    _texts(group, "--categories", metavar="NAME", help="GO GTO ERS COM ...")
    _texts(group, "--pi", metavar="NAME", help="principal investigator, whole or in part")
    _texts(group, "--target_name", metavar="NAME", help="target as the program calls it, such as 'NGC-*'")
    _texts(group, "--obs_ids", metavar="NAME", help="names of observations, such as 'jw02733-o002*'")
    _texts(group, "--keywords", metavar="NAME=VALUE", help="exp_type=MIR_IMAGE 'effexptm>=100' readpatt=!FASTR1 ...")
    _switch(group, "--executed", help="only observations that were made; --no-executed: only planned ones")
    _text(group, "--access", metavar="WHICH", help="public or exclusive; default: both")
    _texts(
        group,
        "-d",
        "--date_select",
        metavar="DATE",
        help="start of observation, ISO or MJD: a day, a range of two, X+ (since) or X- (until)",
    )
    _text(group, "-l", "--lookbacktime", metavar="DAYS", help="only the last so many days; default: all times")
    _text(group, "--target", metavar="NAME", help="an object's name, as in --target 'NGC 3132'")
    _text(
        group,
        "--resolver",
        metavar="NAME",
        help="who says where it is: NED, SIMBAD, VIZIER; default: the archive's choice",
    )
    _text(group, "--coordinates", metavar=("RA", "DEC"), nargs=2, help="a place on the sky (deg, ICRS)")  # type: ignore[arg-type]
    _text(group, "--radius", metavar="ANGLE", help="radius around target or place; default: 2 arcmin")
    _text(group, "--footprint", metavar="HOW", help="the field overlaps that circle, or contains its middle")


def _product_options(group: Any) -> None:
    _texts(group, "-f", "--filetypes", "--filetype", metavar="TYPE", help="cal i2d _cal.jpg fits ...; default: all")
    _texts(group, "--sca", metavar="DETECTOR", help="a1 ... b5, nrs1, mirimage ...; default: all")
    _texts(group, "--calib_levels", metavar="N", help="calibration levels; default: all")
    _switch(group, "--guidestars", help="guide-star files as well")
    _switch(group, "--guidestar_data_only", help="nothing but guide-star files")
    _texts(
        group, "-e", "--obsid_select", metavar="OBSID", help="of these obsid (not obs_id): X, X+, X-, or from X to Y"
    )
    _texts(group, "--obsid_list", metavar="OBSID", help="of these obsid (not obs_id)")
    _texts(group, "--product_types", metavar="TYPE", help="SCIENCE PREVIEW INFO AUXILIARY")
    _switch(group, "--recommended", help="MAST's minimum recommended products only")


def _place_options(group: Any) -> None:
    _text(group, "--outrootdir", metavar="DIR", help=f"folder; default: that of {FOLDER_VARIABLE}, or here")
    _text(group, "--outsubdir", metavar="DIR", help="folder in it, before all others")
    _switch(group, "--skip_propID2outsubdir", help="no folder for each program")
    _yes_no(group, "--obsnum2outsubdir", "a folder for each observation; default: True")
    _texts(group, "--propIDs_obsnum2outsubdir", metavar="N", help="programs that have one, when others have none")
    _yes_no(group, "--jpg_separate_subdir", "a folder jpg for previews; default: False")
    _switch(group, "--skip_check_if_outfile_exists", help="do not look which files are here: fetch all")
    _switch(group, "--skip_check_filesize", help="a file that is here stays, whatever its size")
    _switch(group, "--clobber", help="fetch files again that are here already")
    _switch(group, "-n", "--skipdownload", "--dry-run", help="only list what would be done")


def _table_options(group: Any) -> None:
    _text(group, "-s", "--savetables", metavar="NAME", help="write NAME.selprod.txt, NAME.obs.txt, NAME.summary.txt")
    _texts(group, "--outcolumns_obsTable", metavar="COLUMN", help="columns of observations to show")
    _texts(group, "--sortcols_obsTable", metavar="COLUMN", help="default: date_min proposal_id obsnum")
    _texts(group, "--outcolumns_productTable", metavar="COLUMN", help="columns of products to show")
    _texts(group, "--sortcols_productTable", metavar="COLUMN", help="default: calib_level filetype obsID")
    _texts(group, "--sortcols_summaryTable", metavar="COLUMN", help="default: date_start proposal_id obsnum")
    _texts(group, "--mastcolumns_obsTable", metavar="COLUMN", help="keep only these of MAST's columns of observations")
    group.add_argument("--format", choices=FORMATS, default="table", help="form of the list; default: table")


def _archive_options(group: Any) -> None:
    group.add_argument(
        "--archive",
        default="mast",
        metavar="WHICH",
        help="mast, esa, local, local-esa or a URL; several with commas are asked as one; default: mast",
    )
    group.add_argument("--no-cache", action="store_true", help="ask anew, also what was asked within 24 hours")
    group.add_argument(
        "--login",
        action="store_const",
        const=(),
        default=argparse.SUPPRESS,
        help=f"log in; the token is that of {TOKEN_VARIABLE}, or is typed, or comes on standard input",
    )
    user_options(group)
    _text(group, "--token", metavar="TOKEN", help="the token itself; others on this machine can read it")
    _text(group, "--Nobs_per_batch", metavar="N", help="observations in the first request for products; it adapts")
    _text(
        group,
        "-c",
        "--configfile",
        "--config",
        metavar="FILE",
        help=f"settings in jwst_mast_query's form; default: that of {CONFIG_VARIABLE}, or none",
    )
    group.add_argument("-v", "--verbose", action="count", default=argparse.SUPPRESS, help="say which settings hold")


def _page_options(parser: argparse.ArgumentParser) -> None:
    """Know jwst_mast_query's options of web pages, so that they can be refused with a reason."""
    _switch(parser, "-w", "--makewebpages", help=argparse.SUPPRESS)
    for name in (
        "tablefigsize_width", "tablefigsize_height", "level12_jpgs", "fitskeys2table", "cols4table", "sortcols",
        "mkthumbnails", "thumbnails_overwrite", "thumbnails_width", "thumbnails_height",
    ):  # fmt: skip
        _texts(parser, f"--webpage_{name}", metavar="VALUE", help=argparse.SUPPRESS)


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to 65535")
    return int(text)
