"""What a download would do: what is here, what is missing, what may not be had, whether it fits on the disk."""

import dataclasses
import os
import shutil
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from astropy.table import Table

from jwstmq_widgets.downloads.ledger import Record, read_ledger
from jwstmq_widgets.downloads.places import LAYOUTS, Layout
from jwstmq_widgets.downloads.wishes import Wish, read_wishes
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.tables import format_size

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["Plan", "PlanItem", "State", "check_destination", "make_plan", "plan"]

State = Literal["fetch", "resume", "here", "different", "exclusive", "planned"]

_TO_MOVE = frozenset({"fetch", "resume", "different"})
_MEANINGS: Mapping[State, str] = {
    "fetch": "not here",
    "resume": "begun, goes on where it stopped",
    "different": "here with another size, fetched again",
    "here": "here already",
    "exclusive": "in its exclusive-access period",
    "planned": "not observed yet",
}
_MARGIN, _MARGIN_SHARE = 64_000_000, 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanItem:
    """What is to be done with one product."""

    uri: str
    """The product's ``dataURI``."""
    name: str
    """File name on disk."""
    folder: Path
    """Folder on disk, absolute."""
    size: int
    """Bytes, as the catalogue says; -1 unknown."""
    state: State
    """fetch, resume, different (all three are moved), here, exclusive or planned."""
    have: int = 0
    """Bytes here: of the file, or of its beginning (resume)."""
    until: datetime | None = None
    """When its exclusive access ends; None where it is public, or the archive does not say."""
    obs_id: str = ""
    """``obs_id`` (not ``obsID``) that it belongs to."""

    @property
    def path(self) -> Path:
        """Where it goes, absolute."""
        return self.folder / self.name


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a download would do; `download` carries it out."""

    items: tuple[PlanItem, ...]
    """One for each product, in the order of the products."""
    folder: Path
    """The destination, absolute."""
    layout: Layout
    """How files are arranged below it."""
    archive: "Archive | None" = dataclasses.field(default=None, compare=False, repr=False)
    """Where the products are; None when the products did not tell."""
    free: int = 0
    """Bytes free on the destination's disk."""
    made: float = 0.0
    """When it looked at the disk (s since 1970)."""

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def _states(self) -> Counter[str]:
        return Counter(item.state for item in self.items)

    @property
    def fetch(self) -> int:
        """How many files are to be moved."""
        return sum(self._states[state] for state in _TO_MOVE)

    @property
    def here(self) -> int:
        """How many files are here already."""
        return self._states["here"]

    @property
    def exclusive(self) -> int:
        """How many files this account may not have yet."""
        return self._states["exclusive"]

    @property
    def planned(self) -> int:
        """How many files are not observed yet."""
        return self._states["planned"]

    @cached_property
    def to_move(self) -> tuple[PlanItem, ...]:
        """The items that are to be moved."""
        return tuple(item for item in self.items if item.state in _TO_MOVE)

    @cached_property
    def unknown_size(self) -> int:
        """How many files are to be moved whose size the catalogue does not say."""
        return sum(item.size < 0 for item in self.to_move)

    @cached_property
    def bytes_total(self) -> int:
        """Bytes of all files, of those with a known size."""
        return sum(max(0, item.size) for item in self.items)

    @cached_property
    def bytes_to_fetch(self) -> int:
        """Bytes to be moved, without what is here of files to resume."""
        return sum(max(0, item.size - item.have * (item.state == "resume")) for item in self.to_move if item.size > 0)

    @property
    def fits(self) -> bool:
        """Whether that fits on the disk, with a margin of 64 MB and 1 %."""
        return not self.fetch or self.bytes_to_fetch * (1 + _MARGIN_SHARE) + _MARGIN <= self.free

    def subset(self, uris: Collection[str]) -> "Plan":
        """Keep some products.

        Parameters
        ----------
        uris
            Their ``dataURI``.

        Returns
        -------
        Plan
            The same plan for these only.
        """
        wanted = uris if isinstance(uris, (set, frozenset, dict)) else frozenset(uris)
        return dataclasses.replace(self, items=tuple(item for item in self.items if item.uri in wanted))

    def summary(self) -> str:
        """Say it in one line.

        Returns
        -------
        str
            Such as ``"124 files · 3.2 GB · 12 already here"``.
        """
        parts = [f"{len(self):,} file{'' if len(self) == 1 else 's'}", format_size(self.bytes_total)]
        for number, text in (
            (self.here, "already here"),
            (self._states["resume"], "to resume"),
            (self._states["different"], "here with another size"),
            (self.exclusive, "exclusive"),
            (self.planned, "not observed yet"),
            (self.unknown_size, "of unknown size"),
        ):
            if number:
                parts.append(f"{number:,} {text}")
        return " · ".join(parts)

    def __str__(self) -> str:
        lines = [f"{self.summary()} · to {self.folder} ({self.layout})"]
        now = datetime.now(UTC)
        for state, meaning in _MEANINGS.items():
            items = [item for item in self.items if item.state == state]
            if items:
                size = format_size(sum(max(0, item.size) for item in items))
                dates = sorted(item.until for item in items if item.until and state == "exclusive" and item.until > now)
                ends = f", until {dates[0]:%Y-%m-%d}" if dates else ""
                ends += f" to {dates[-1]:%Y-%m-%d}" if dates and dates[0].date() != dates[-1].date() else ""
                lines.append(f"  {state:<10}{len(items):>9,} {size:>9}  {meaning}{ends}")
        room = "fits" if self.fits else "does not fit"
        lines.append(f"  {format_size(self.bytes_to_fetch)} to fetch, {format_size(self.free)} free: {room}")
        return "\n".join(lines)


def plan(
    products: Table,
    *,
    to: str | Path = ".",
    layout: Layout = "program",
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
    if layout not in LAYOUTS:
        raise QueryError(f"layout {layout!r} is unknown; use one of {', '.join(LAYOUTS)}", field="layout")
    if archive is None and products.meta.get("archive") and len(products):
        from jwstmq_widgets.archives import archive_at

        archive = archive_at(products.meta["archive"])
    wishes = read_wishes(products, layout)
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
    by_folder: dict[tuple[str, ...], dict[str, Wish]] = {}
    taken: dict[tuple[str, ...], Wish] = {}
    chosen: list[Wish] = []
    for wish in {wish.uri or id(wish): wish for wish in wishes}.values():
        key = (*wish.folder, wish.name.casefold())
        other = taken.setdefault(key, wish) if wish.observed else wish
        if other is not wish:
            place = "/".join((*wish.folder, wish.name))
            raise QueryError(
                f"{other.uri} and {wish.uri} would be one file, {place}; choose one of them, or another layout",
                field="layout",
            )
        by_folder.setdefault(wish.folder, {})[wish.name] = wish
        chosen.append(wish)
    record = read_ledger(root)
    paths = {place: root.joinpath(*place) for place in by_folder}
    found = {place: _look(paths[place], root, names) for place, names in by_folder.items()}
    may = archive is not None and archive.account.may_exclusive
    items = tuple(
        _item(wish, paths[wish.folder], found[wish.folder], record, clobber=clobber, may=may) for wish in chosen
    )
    return Plan(items=items, folder=root, layout=layout, archive=archive, free=free, made=made)


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


def _item(wish: Wish, folder: Path, found: Mapping[str, int], record: Record, *, clobber: bool, may: bool) -> PlanItem:
    have, part = found.get(wish.name), found.get(f"{wish.name}.part", 0)
    state: State
    if not wish.observed:
        state, have = "planned", 0
    elif have is not None and not clobber and _is_here(wish, have, record):
        state = "here"
    elif wish.restricted and not may:
        state, have = "exclusive", 0
    elif part and f"{wish.name}.part.json" in found and (wish.size < 0 or part <= wish.size):
        state, have = "resume", part
    else:
        state, have = "fetch" if have is None else "different", have or 0
    return PlanItem(
        uri=wish.uri,
        name=wish.name,
        folder=folder,
        size=wish.size,
        state=state,
        have=have or 0,
        until=wish.until,
        obs_id=wish.obs_id,
    )


def _is_here(wish: Wish, have: int, record: Record) -> bool:
    known = record.complete.get("/".join((*wish.folder, wish.name)))
    if known is not None and known.uri != wish.uri:
        return False
    return have == wish.size if wish.size >= 0 else known is not None and known.size == have
