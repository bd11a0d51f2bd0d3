"""Logging in from the command line: tokens, and users with passwords, which are never on the command line."""

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from jwstmq_widgets.cli.terminal import say
from jwstmq_widgets.errors import LoginError, QueryError

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["TOKEN_VARIABLE", "log_in", "user_options"]

TOKEN_VARIABLE = "MAST_API_TOKEN"  # noqa: S105 (a variable's name, not a token)
"""Environment variable with a MAST token."""


def user_options(group: Any) -> None:
    """Add the options of logging in to an archive that knows users.

    Parameters
    ----------
    group
        A parser, or a group of one.
    """
    group.add_argument(
        "--user",
        metavar="NAME",
        default=argparse.SUPPRESS,
        help="user name for ESA; the password is asked for, or is the first line of standard input",
    )
    group.add_argument(
        "--credentials",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="a file of two lines for ESA: user name, password",
    )


def log_in(archive: "Archive", given: argparse.Namespace, token: str = "") -> None:
    """Log in where that was asked for, or a token for MAST is at hand.

    A token that merely is at hand, in the environment or a configuration file, may have expired: public data need none,
    so that a warning is said, and nobody is logged in.

    Parameters
    ----------
    archive
        Where.
    given
        What the command line holds.
    token
        The token of the command line or of the configuration file; "" for none.

    Raises
    ------
    QueryError
        If a user name and a file with one are both given.
    ArchiveError
        If it does not accept what was given on the command line.
    """
    from jwstmq_widgets.archives.merged import knows_users

    asked, in_environment = hasattr(given, "login"), bool(os.environ.get(TOKEN_VARIABLE, "").strip())
    user, file = getattr(given, "user", None), getattr(given, "credentials", None)
    if user is not None and file is not None:
        raise QueryError("--user and --credentials are both given; give one of them", field="user")
    if user is not None or file is not None:
        linked = token or (os.environ[TOKEN_VARIABLE].strip() if asked and in_environment else "")
        how = {"credentials_file": file} if user is None else {"user": user, "password": _password()}
        archive.login(linked or None, **how)
    elif token and (asked or hasattr(given, "token")):
        archive.login(token)
    elif asked:
        typed = in_environment or sys.stdin.isatty() or knows_users(archive)
        archive.login(None if typed else sys.stdin.readline())
    elif "mast" in given.archive.lower().split(",") and (token or in_environment):
        _with_what_is_at_hand(archive, token)


def _password() -> str | None:
    """Give the first line of standard input; None where the archive's login asks at the terminal, unseen."""
    return None if sys.stdin.isatty() else sys.stdin.readline().rstrip("\r\n")


def _with_what_is_at_hand(archive: "Archive", token: str) -> None:
    try:
        archive.login(token or None)
    except LoginError as error:
        where = "the configuration file's token" if token else TOKEN_VARIABLE
        say(f"jwstmq: going on without {where}, since public data need no login: {error}")
