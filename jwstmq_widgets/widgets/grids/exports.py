"""Where rows of a grid go when a user wants them elsewhere: the clipboard, a file beside the notebook, a new cell."""

import io
from collections.abc import Sequence
from pathlib import Path

from astropy.table import Table
from IPython import get_ipython

from jwstmq_widgets.errors import JwstmqError
from jwstmq_widgets.tables.spreadsheets import tsv, write_spreadsheet
from jwstmq_widgets.tables.tablefiles import write_ecsv
from jwstmq_widgets.widgets.grids.rows import Index, Rows

__all__ = ["LONGEST_COPY", "copied", "in_notebook", "saved"]

LONGEST_COPY = 20_000
"""Rows that fit on a clipboard: more would travel through the browser."""

_LONGEST_TEXT = 32_000  # a spreadsheet's cell holds 32,767


def copied(rows: Rows, index: Index, names: Sequence[str]) -> str:
    """Write rows for the clipboard, as the grid draws them.

    Parameters
    ----------
    rows
        The grid's rows.
    index
        Which of them, shape (m,).
    names
        Which columns.

    Returns
    -------
    str

    Raises
    ------
    JwstmqError
        If there are more than `LONGEST_COPY`.
    """
    if len(index) > LONGEST_COPY:
        raise JwstmqError(f"{len(index):,} rows are too many to copy (at most {LONGEST_COPY:,}); save them as a file")
    columns = [rows.columns.by_name[name] for name in names]
    cells = [rows.cells(column, index, longest=_LONGEST_TEXT) for column in columns]
    return tsv([column.title for column in columns], cells)


def saved(table: Table, *, name: str, form: str) -> Path:
    """Write a table into the kernel's folder, which is the notebook's; a Hub's file browser shows it there.

    Parameters
    ----------
    table
        The table.
    name
        Name of the file, without its end.
    form
        ``"ecsv"``: types, units and exact values; ``"csv"``: for spreadsheets, no formulas.

    Returns
    -------
    Path
        The file. No other one is overwritten: the new one gets a number.

    Raises
    ------
    JwstmqError
        If it cannot be written.
    """
    text = io.StringIO(newline="")
    (write_ecsv if form == "ecsv" else write_spreadsheet)(table, text)
    folder, number = Path.cwd(), 1
    path = folder / f"{name}.{form}"
    try:
        while True:
            try:
                with path.open("x", encoding="utf-8", newline="") as file:
                    file.write(text.getvalue())
            except FileExistsError:
                number += 1
                path = folder / f"{name}-{number}.{form}"
                continue
            return path
    except OSError as error:
        raise JwstmqError(f"{path} cannot be written ({error.strerror}); look at its folder and try again") from error


def in_notebook(table: Table, *, name: str) -> str:
    """Give a table a name in the notebook.

    Parameters
    ----------
    table
        The table.
    name
        The name wanted; where it is taken by something else, it gets a number.

    Returns
    -------
    str
        The name.

    Raises
    ------
    JwstmqError
        If this is no notebook.
    """
    shell = get_ipython()
    if shell is None:
        raise JwstmqError("there is no notebook here whose variable this could become")
    free, number = name, 1
    while free in shell.user_ns:
        number += 1
        free = f"{name}_{number}"
    shell.user_ns[free] = table
    return free
