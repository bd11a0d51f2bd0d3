"""Files by their names: of which observations they are, and their rows in a table of products."""

import threading
from collections.abc import Iterable, Sequence

import numpy as np
from astropy.table import Table, vstack

from jwstmq_widgets.archives.archive import Archive
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.filenames import name_columns
from jwstmq_widgets.query import Query

__all__ = ["files_wanted", "listed_files", "rows_of"]


def files_wanted(files: str | Iterable[str]) -> tuple[str, ...]:
    """Tell which files are meant.

    Parameters
    ----------
    files
        File names, ``dataURI`` or ESA's ``artifact_id``; one, or several.

    Returns
    -------
    tuple of str
        Names and artifact ids, each once.

    Raises
    ------
    QueryError
        If there is none.
    """
    texts = [files] if isinstance(files, str) else files
    wanted = tuple(dict.fromkeys(name for text in texts if (name := str(text).strip().rpartition("/")[2])))
    if not wanted:
        raise QueryError("no file is named; give a name such as jw02733-o002_t001_miri_f1130w_i2d.fits", field="files")
    return wanted


def listed_files(archive: Archive, names: Sequence[str], *, cancel: threading.Event | None = None) -> Table:
    """List the products of the observations that files belong to, as their names tell.

    MAST has no search for a file's name; a name tells program and observation, and their products are listed.

    Parameters
    ----------
    archive
        Whom to ask.
    names
        File names; those that are no names of JWST's are passed over.
    cancel
        Set to stop.

    Returns
    -------
    astropy.table.Table
        Products, those that were not asked for too.

    Raises
    ------
    ArchiveError
        If asking failed.
    """
    columns = name_columns(names)
    known = zip(names, columns["program"], columns["observation"], strict=True)
    asked = {name: (program, observation) for name, program, observation in known if program > 0}
    tables: list[Table] = []

    def ask(queries: Iterable[tuple[int, int]]) -> None:
        for program, observation in sorted(set(queries)):
            query = Query(program=program, observations=[observation] if observation > 0 else ())
            tables.append(archive.products(archive.observations(query, cancel=cancel), cancel=cancel))

    ask(asked.values())
    found = {name for table in tables for name in np.asarray(table["productFilename"]).tolist()}
    # An observation may be listed with others of its program only (c1001).
    ask((program, -1) for name, (program, observation) in asked.items() if name not in found and observation > 0)
    if not tables:
        return archive.products([], cancel=cancel)
    return tables[0] if len(tables) == 1 else vstack(tables, metadata_conflicts="silent")


def rows_of(products: Table, files: Sequence[str], *, archive: str, strict: bool) -> Table:
    """Choose files from a table of products.

    Parameters
    ----------
    products
        The table.
    files
        Names, or ``artifact_id`` where the table has such a column.
    archive
        The archive's name, for people.
    strict
        Whether a file that is not in the table is an error.

    Returns
    -------
    astropy.table.Table
        One row a file, in the order of the names.

    Raises
    ------
    QueryError
        If a file is not there.
    """
    rows: dict[str, int] = {}
    for name in ("artifact_id", "productFilename"):
        if name in products.colnames:
            rows.update(zip(np.asarray(products[name]).tolist()[::-1], range(len(products) - 1, -1, -1), strict=True))
    missing = [file for file in files if file not in rows]
    if missing and strict:
        more = f" (nor {len(missing) - 1:,} more)" if len(missing) > 1 else ""
        raise QueryError(
            f"the archive {archive} has no file {missing[0][:100]!r}{more}; check the name",
            field="files",
        )
    return products[list(dict.fromkeys(rows[file] for file in files if file in rows))]
