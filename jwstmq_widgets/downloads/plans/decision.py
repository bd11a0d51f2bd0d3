"""Decides what a download would do: what is here, what is missing, what may not be had."""

import os
import shutil
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import orjson
from astropy.table import Table

from jwstmq_widgets.downloads.files.part import read_pieces
from jwstmq_widgets.downloads.ledger import Record, read_ledger
from jwstmq_widgets.downloads.plans import Plan
from jwstmq_widgets.downloads.plans.items import CODES, PlanColumns, PlanItem, PlanItems, State
from jwstmq_widgets.downloads.plans.places import Arrangement, Layout
from jwstmq_widgets.downloads.plans.wishes import Wish, Wishes, read_wishes
from jwstmq_widgets.errors import QueryError

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["Plan", "PlanItem", "State", "check_destination", "make_plan", "plan"]


def plan(
    products: Table,
    *,
    to: str | Path = ".",
    layout: Layout = "program",
    outsubdir: str = "",
    program_folder: bool = True,
    observation_folder: bool | Collection[int] = True,
    jpg_folder: bool = False,
    clobber: bool = False,
    archive: "Archive | None" = None,
) -> Plan:
    """Decide what a download would do; only looks at the disk.

    Parameters
    ----------
    products
        Products, as `Archive.products` or `select` gives them; astroquery's own tables do as well. Rows with the
        same ``dataURI`` are one product.
    to
        The destination; need not exist yet.
    layout
        ``"program"``: ``02733/obsnum02/…``, as jwst_mast_query; ``"mast"``: ``mastDownload/JWST/<obs_id>/…``, as
        astroquery; ``"flat"``: no folders.
    outsubdir
        Folders below the destination and before all others, such as ``"calibrated/v1"``.
    program_folder
        Whether each program has a folder; layout ``"program"`` only.
    observation_folder
        Whether each observation has a folder, or the numbers of the programs whose observations have; layout
        ``"program"`` only.
    jpg_folder
        Whether JPEG files have a folder ``jpg`` beside the others.
    clobber
        Fetch again what is here.
    archive
        Where the products are; the archive that they came from when left out.

    Returns
    -------
    Plan
        What is to be done with each product.

    Raises
    ------
    QueryError
        If the destination cannot be used, a link leads out of it, or two products would be one file.
    """
    arrangement = Arrangement.of(
        layout,
        outsubdir=outsubdir,
        program_folder=program_folder,
        observation_folder=observation_folder,
        jpg_folder=jpg_folder,
    )
    if archive is None and products.meta.get("archive") and len(products):
        from jwstmq_widgets.archives import archive_at

        archive = archive_at(products.meta["archive"])
    wishes = read_wishes(products, arrangement)
    return make_plan(wishes, folder=Path(to), layout=layout, clobber=clobber, archive=archive)


def make_plan(
    wishes: Iterable[Wish], *, folder: Path, layout: Layout, clobber: bool, archive: "Archive | None"
) -> Plan:
    """Look at the disk for products whose places are known.

    Parameters
    ----------
    wishes
        Products and their places.
    folder, layout, clobber, archive
        See `plan`.

    Returns
    -------
    Plan
        What is to be done with each product.

    Raises
    ------
    QueryError
        See `plan`.
    """
    root = Path(os.path.abspath(folder.expanduser()))  # noqa: PTH100  (resolve() would follow links; abspath only joins)
    free = check_destination(root)
    made = time.time()
    chosen = _once(Wishes.of(wishes))
    _check_names(chosen)
    record = read_ledger(root)
    paths = [root.joinpath(*place) for place in chosen.folders]
    may = archive is not None and archive.account.may_exclusive
    states = np.where(chosen.restricted & (not may), CODES["exclusive"], CODES["fetch"]).astype(np.int8)
    states[~chosen.observed] = CODES["planned"]
    haves = np.zeros(len(chosen), dtype=np.int64)
    for path, rows in _present(chosen, paths, root):
        names = {str(chosen.names[row]): chosen[row] for row in rows.tolist()}
        found = _look(path, root, names)
        seen = {name.removesuffix(".json").removesuffix(".part") for name in found} | found.keys()
        for row in rows.tolist():
            if str(chosen.names[row]) in seen:
                state, haves[row] = _found(chosen[row], path, found, record, clobber=clobber, may=may)
                states[row] = CODES[state]
    items = PlanItems(
        PlanColumns(
            uris=chosen.uris,
            names=chosen.names,
            folders=paths,
            places=chosen.places,
            sizes=chosen.sizes,
            states=states,
            haves=haves,
            untils=chosen.untils,
            obs_ids=chosen.obs_ids,
        )
    )
    return Plan(
        items=items,
        folder=root,
        layout=layout,
        archive=archive,
        free=free,
        made=made,
        clobber=clobber,
        rate=record.rate,
    )


def check_destination(folder: Path) -> int:
    """Check that files can be written to a folder, which need not exist yet.

    Parameters
    ----------
    folder
        The folder, absolute.

    Returns
    -------
    int
        Bytes free on its disk.

    Raises
    ------
    QueryError
        If it is no folder, or cannot be written.
    """
    existing = folder
    while not os.path.lexists(existing) and existing != existing.parent:
        existing = existing.parent
    try:
        if not existing.is_dir():
            raise QueryError(f"{existing} is a file, not a folder; choose another destination", field="destination")
        if not os.access(existing, os.W_OK | os.X_OK):
            raise QueryError(f"{existing} cannot be written; choose another destination", field="destination")
        return shutil.disk_usage(existing).free
    except OSError as error:
        raise QueryError(
            f"{existing} cannot be used ({error.strerror}); choose another destination", field="destination"
        ) from error


def _look(folder: Path, root: Path, wanted: Mapping[str, Wish]) -> dict[str, int]:
    """Give the size of each wanted file, its ``.part`` and its ``.part.json``, that are in a folder."""
    real, inside = os.path.realpath(folder), os.path.realpath(root)
    if os.path.commonpath([real, inside]) != inside:
        raise QueryError(f"{folder} is a link that leads out of {root}; remove it first", field="destination")
    found: dict[str, int] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name in wanted or name.removesuffix(".json").removesuffix(".part") in wanted:
                    if entry.is_dir():
                        raise QueryError(
                            f"{entry.path} is a folder, where a file is to go; move it away", field="destination"
                        )
                    try:
                        found[name] = entry.stat().st_size
                    except FileNotFoundError:  # a dangling link, or gone since
                        continue
    except FileNotFoundError:
        return found
    except NotADirectoryError as error:
        raise QueryError(f"{folder} is a file, where a folder is to go; move it away", field="destination") from error
    except PermissionError as error:
        raise QueryError(f"{folder} cannot be read; choose another destination", field="destination") from error
    return found


def _once(wishes: Wishes) -> Wishes:
    """Keep the last wish for each product, at the place of the first."""
    uris = wishes.uris.tolist()
    if len(set(uris)) == len(uris):
        return wishes
    last = {uri or row: row for row, uri in enumerate(uris)}
    return wishes.take(np.array(list(last.values()), dtype=np.intp))


def _check_names(wishes: Wishes) -> None:
    """Raise a QueryError where two products would be one file."""
    rows = np.flatnonzero(wishes.observed)
    names = [name.casefold() for name in wishes.names[rows].tolist()]
    if len(set(names)) == len(names):
        return
    taken: dict[tuple[int, str], int] = {}
    for row, place, name in zip(rows.tolist(), wishes.places[rows].tolist(), names, strict=True):
        other = taken.setdefault((place, name), row)
        if other != row:
            where = "/".join((*wishes.folders[place], str(wishes.names[row])))
            raise QueryError(
                f"{wishes.uris[other]} and {wishes.uris[row]} would be one file, {where}; choose one of them, or "
                "another layout",
                field="layout",
            )


def _present(wishes: Wishes, paths: Sequence[Path], root: Path) -> Iterable[tuple[Path, npt.NDArray[np.intp]]]:
    """Give the folders that are on the disk, each with the rows that go there."""
    order = np.argsort(wishes.places, kind="stable")
    starts = np.searchsorted(wishes.places, np.arange(len(paths) + 1), sorter=order).tolist()
    for place, path in enumerate(paths):
        rows = order[starts[place] : starts[place + 1]]
        if len(rows) and (os.path.lexists(path) or _look(path, root, {})):
            yield path, rows


def _found(
    wish: Wish, folder: Path, found: Mapping[str, int], record: Record, *, clobber: bool, may: bool
) -> tuple[State, int]:
    """Give the state of a product of which something is on the disk, and the bytes of it that are here."""
    have, part = found.get(wish.name), found.get(f"{wish.name}.part", 0)
    if not wish.observed:
        return "planned", 0
    if have is not None and not clobber and _is_here(wish, have, record):
        return "here", have
    if wish.restricted and not may:
        return "exclusive", 0
    if part and f"{wish.name}.part.json" in found and (wish.size < 0 or part <= wish.size):
        return "resume", _held(folder / f"{wish.name}.part.json", part)
    return "fetch" if have is None else "different", have or 0


def _held(note: Path, size: int) -> int:
    """Give the bytes of a ``.part`` that are whole: it has holes where several connections brought it."""
    try:
        facts = orjson.loads(note.read_bytes())
        return sum(stop - start for start, stop in read_pieces(facts, size)) if "pieces" in facts else size
    except (OSError, ValueError, TypeError):
        return 0


def _is_here(wish: Wish, have: int, record: Record) -> bool:
    known = record.complete.get("/".join((*wish.folder, wish.name)))
    if known is not None and known.uri != wish.uri:
        return False
    return have == wish.size if wish.size >= 0 else known is not None and known.size == have
