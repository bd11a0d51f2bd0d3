"""What archives say besides their answers: messages to all users, and which of several did not answer."""

import threading
from typing import Any

from astropy.table import Table

from jwstmq_widgets.archives import Archive
from jwstmq_widgets.archives.merged import WARNINGS, archives_in
from jwstmq_widgets.errors import JwstmqError
from jwstmq_widgets.exploration.suggestions import on_this_machine

__all__ = ["messages_of", "warnings_of"]

_MOST = 20
_LONGEST = 500
_lock = threading.Lock()
_told: set[tuple[str, str]] = set()


def messages_of(archive: Archive) -> tuple[str, ...]:
    """Ask an archive for its messages to users.

    Parameters
    ----------
    archive
        Which; of a merged one all are asked.

    Returns
    -------
    tuple of str
        Printable lines; none where the archive has no such service, or does not answer: a notice is never a trouble.
        An archive on this machine, which is opened again and again, says the same thing once in a process.
    """
    found: list[str] = []
    for one in archives_in(archive):
        ask: Any = getattr(one, "status_messages", None)
        if ask is None:
            continue
        try:
            lines = [_line(text) for text in ask()]
        except JwstmqError:
            continue
        if on_this_machine(one.url):
            with _lock:
                lines = [line for line in lines if (one.url, line) not in _told]
                _told.update((one.url, line) for line in lines)
        found += [f"{one.name}: {line}" for line in lines]
    return tuple(found[:_MOST])


def warnings_of(*tables: Table) -> tuple[str, ...]:
    """Give the sentences of merged tables about archives that did not answer.

    Parameters
    ----------
    *tables
        Tables of an answer.

    Returns
    -------
    tuple of str
        Each once.
    """
    return tuple(dict.fromkeys(str(text) for table in tables for text in table.meta.get(WARNINGS, ())))


def _line(text: object) -> str:
    line = " ".join(str(text).split())
    return "".join(letter for letter in line if letter.isprintable())[:_LONGEST]
