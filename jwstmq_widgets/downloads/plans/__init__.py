"""A plan as a value: its items, their counts, the table and the words for them."""

import dataclasses
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from jwstmq_widgets.downloads.plans.items import CODES, STATES, PlanItem, PlanItems, State
from jwstmq_widgets.downloads.plans.places import Layout
from jwstmq_widgets.tables import format_size

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["Plan", "PlanItem", "State"]

_TO_MOVE: tuple[State, ...] = ("fetch", "resume", "different")
_MEANINGS: Mapping[State, str] = {
    "fetch": "not here",
    "resume": "begun, goes on where it stopped",
    "different": "here with another size, fetched again",
    "here": "here already",
    "exclusive": "in its exclusive-access period",
    "planned": "not observed yet",
}
_DESCRIPTIONS = {
    "path": "place from the destination downwards",
    "size": "bytes, as the catalogue says; -1 unknown",
    "state": "fetch, resume, different (these are moved), here, exclusive or planned",
    "have": "bytes here: of the file, or of its beginning (resume)",
    "until": "when its exclusive access ends; empty where it has none",
    "obs_id": "name of the observation that the file belongs to; not obsid",
    "dataURI": "the file's identity in the archive",
}
_MARGIN, _MARGIN_SHARE = 64_000_000, 0.01


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a download would do; `download` carries it out."""

    items: Sequence[PlanItem]
    """One for each product, in the order of the products; kept by column, as `PlanItems`."""
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
    clobber: bool = False
    """Whether what is here is fetched again."""
    rate: float = 0.0
    """Bytes a second of the last download to this destination, as its ledger tells; 0 unknown."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", PlanItems.of(self.items))

    def __len__(self) -> int:
        return len(self.items)

    @property
    def _columns(self) -> PlanItems:
        return PlanItems.of(self.items)

    @cached_property
    def _states(self) -> Counter[str]:
        numbers = np.bincount(self._columns.states, minlength=len(STATES)).tolist()
        return Counter(dict(zip(STATES, numbers, strict=True)))

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
        return tuple(self._moved)

    @cached_property
    def _moved(self) -> PlanItems:
        return self._columns.in_states(*_TO_MOVE)

    @cached_property
    def unknown_size(self) -> int:
        """How many files are to be moved whose size the catalogue does not say."""
        return int(np.count_nonzero(self._moved.sizes < 0))

    @cached_property
    def bytes_total(self) -> int:
        """Bytes of all files, of those with a known size."""
        return _known_bytes(self._columns)

    @cached_property
    def bytes_to_fetch(self) -> int:
        """Bytes to be moved, without what is here of files to resume."""
        begun = self._columns.in_states("resume")
        held = np.minimum(begun.haves, begun.sizes)[begun.sizes > 0].sum()
        return _known_bytes(self._moved) - int(held)

    @property
    def fits(self) -> bool:
        """Whether that fits on the disk, with a margin of 64 MB and 1 %."""
        return not self.fetch or self.bytes_to_fetch * (1 + _MARGIN_SHARE) + _MARGIN <= self.free

    @property
    def seconds(self) -> float | None:
        """How long it will take at the rate of the last download to this destination (s); None when unknown."""
        if not self.fetch:
            return 0.0
        return self.bytes_to_fetch / self.rate if self.rate > 0 and self.unknown_size < self.fetch else None

    @cached_property
    def table(self) -> Table:
        """The items as an astropy Table: path, size (byte), state, have (byte), until, obs_id, dataURI."""
        items, columns = self.items, self._columns
        table = Table(meta={"folder": str(self.folder), "layout": self.layout})
        table["path"] = np.array([item.path.relative_to(self.folder).as_posix() for item in items], dtype=str)
        table["size"] = columns.sizes
        table["state"] = np.array(STATES, dtype="U9")[columns.states]
        table["have"] = columns.haves
        table["until"] = np.array([item.until.isoformat() if item.until else "" for item in items], dtype=str)
        table["obs_id"] = np.array([item.obs_id for item in items], dtype=str)
        table["dataURI"] = np.array(columns.uris, dtype=str)
        table["size"].unit = table["have"].unit = "byte"
        for name, text in _DESCRIPTIONS.items():
            table[name].description = text
        return table

    def save(self, path: str | Path) -> Path:
        """Write it to a JSON file; `Plan.load` reads it again.

        Parameters
        ----------
        path
            The file; one that is there is replaced.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        QueryError
            If it cannot be written.
        """
        from jwstmq_widgets.downloads.plans.file import write_plan

        return write_plan(self, Path(path))

    @staticmethod
    def load(path: str | Path, *, to: "str | Path | None" = None, archive: "Archive | None" = None) -> "Plan":
        """Read what `save` wrote, and look at the disk again.

        Parameters
        ----------
        path
            The file.
        to
            Another destination than the plan's own.
        archive
            Another archive than the plan's own.

        Returns
        -------
        Plan
            The same products at the same places; their states are those of now.

        Raises
        ------
        QueryError
            If the file is no plan, or one of its places leads out of the destination.
        """
        from jwstmq_widgets.downloads.plans.file import read_plan

        return read_plan(Path(path), to=None if to is None else Path(to), archive=archive)

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
        return dataclasses.replace(self, items=self._columns.with_uris(wanted))

    def take(self, places: Any) -> "Plan":
        """Keep some products, by their places in the plan.

        Parameters
        ----------
        places
            Whole numbers, in the order wanted, shape (m,).

        Returns
        -------
        Plan
            The same plan for these only.
        """
        return dataclasses.replace(self, items=self._columns.take(places))

    def places(self, *states: State) -> npt.NDArray[np.intp]:
        """Tell which products are in some states.

        Parameters
        ----------
        *states
            Such as ``"here"``.

        Returns
        -------
        numpy.ndarray
            Their places in the plan, shape (m,).
        """
        return np.flatnonzero(np.isin(self._columns.states, [CODES[state] for state in states]))

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
            items = self._columns.in_states(state)
            if len(items):
                size = format_size(_known_bytes(items))
                ends_of = items if state == "exclusive" else ()
                dates = sorted(item.until for item in ends_of if item.until and item.until > now)
                ends = f", until {dates[0]:%Y-%m-%d}" if dates else ""
                ends += f" to {dates[-1]:%Y-%m-%d}" if dates and dates[0].date() != dates[-1].date() else ""
                lines.append(f"  {state:<10}{len(items):>9,} {size:>9}  {meaning}{ends}")
        room = "fits" if self.fits else "does not fit"
        about = f", about {self.seconds:,.0f} s at the last rate" if self.seconds else ""
        lines.append(f"  {format_size(self.bytes_to_fetch)} to fetch, {format_size(self.free)} free: {room}{about}")
        return "\n".join(lines)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """Say in a notebook's cell what `str` says; the name is IPython's."""
        printer.text(str(self))


def _known_bytes(items: PlanItems) -> int:
    sizes = items.sizes
    return int(sizes[sizes > 0].sum())
