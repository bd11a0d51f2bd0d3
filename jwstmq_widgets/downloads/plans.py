"""A plan as a value: its items, their counts, the table and the words for them."""

import dataclasses
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from astropy.table import Table

from jwstmq_widgets.downloads.places import Layout
from jwstmq_widgets.tables import format_size

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["Plan", "PlanItem", "State"]

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
    clobber: bool = False
    """Whether what is here is fetched again."""
    rate: float = 0.0
    """Bytes a second of the last download to this destination, as its ledger tells; 0 unknown."""

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

    @property
    def seconds(self) -> float | None:
        """How long it will take at the rate of the last download to this destination (s); None when unknown."""
        if not self.fetch:
            return 0.0
        return self.bytes_to_fetch / self.rate if self.rate > 0 and self.unknown_size < self.fetch else None

    @cached_property
    def table(self) -> Table:
        """The items as an astropy Table: path, size (byte), state, have (byte), until, obs_id, dataURI."""
        items = self.items
        table = Table(meta={"folder": str(self.folder), "layout": self.layout})
        table["path"] = np.array([item.path.relative_to(self.folder).as_posix() for item in items], dtype=str)
        table["size"] = np.array([item.size for item in items], dtype=np.int64)
        table["state"] = np.array([item.state for item in items], dtype="U9")
        table["have"] = np.array([item.have for item in items], dtype=np.int64)
        table["until"] = np.array([item.until.isoformat() if item.until else "" for item in items], dtype=str)
        table["obs_id"] = np.array([item.obs_id for item in items], dtype=str)
        table["dataURI"] = np.array([item.uri for item in items], dtype=str)
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
        from jwstmq_widgets.downloads.planfile import write_plan

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
        from jwstmq_widgets.downloads.planfile import read_plan

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
        about = f", about {self.seconds:,.0f} s at the last rate" if self.seconds else ""
        lines.append(f"  {format_size(self.bytes_to_fetch)} to fetch, {format_size(self.free)} free: {room}{about}")
        return "\n".join(lines)
