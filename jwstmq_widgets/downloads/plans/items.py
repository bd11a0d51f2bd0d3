"""The items of a plan, kept by column: a million of them are a few arrays until somebody asks for one."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args, overload

import numpy as np
import numpy.typing as npt

__all__ = ["PlanColumns", "PlanItem", "PlanItems", "State"]

State = Literal["fetch", "resume", "here", "different", "exclusive", "planned"]

STATES: tuple[State, ...] = get_args(State)
"""Kinds of state; the columns hold their places in it."""

CODES: Mapping[str, int] = {state: code for code, state in enumerate(STATES)}
"""Kind of state to its place."""

Rows = npt.NDArray[np.intp]


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlanColumns:
    """Items by column, each of shape (n,); not changed any more."""

    uris: npt.NDArray[Any]
    """``dataURI``."""
    names: npt.NDArray[Any]
    """File names on disk."""
    folders: Sequence[Path]
    """The folders on disk."""
    places: npt.NDArray[np.integer[Any]]
    """Which of the folders."""
    sizes: npt.NDArray[np.int64]
    """Bytes; -1 unknown."""
    states: npt.NDArray[np.int8]
    """Places in `STATES`."""
    haves: npt.NDArray[np.int64]
    """Bytes here."""
    untils: npt.NDArray[Any]
    """When exclusive access ends, or None."""
    obs_ids: npt.NDArray[Any]
    """``obs_id``."""


class PlanItems(Sequence[PlanItem]):
    """Some rows of columns, as a sequence of items that are made when they are asked for.

    Parameters
    ----------
    columns
        All items.
    rows
        Which of them, in order; None for all.
    """

    __slots__ = ("_columns", "_rows")

    def __init__(self, columns: PlanColumns, rows: Rows | None = None) -> None:
        self._columns = columns
        self._rows = rows

    @classmethod
    def of(cls, items: "Iterable[PlanItem] | PlanItems") -> "PlanItems":
        """Put items into columns; what is in columns already is given back."""
        if isinstance(items, PlanItems):
            return items
        several = tuple(items)
        folders = list(dict.fromkeys(item.folder for item in several))
        place = {folder: code for code, folder in enumerate(folders)}
        return cls(
            PlanColumns(
                uris=objects(item.uri for item in several),
                names=objects(item.name for item in several),
                folders=folders,
                places=np.array([place[item.folder] for item in several], dtype=np.int32),
                sizes=np.array([item.size for item in several], dtype=np.int64),
                states=np.array([CODES[item.state] for item in several], dtype=np.int8),
                haves=np.array([item.have for item in several], dtype=np.int64),
                untils=objects(item.until for item in several),
                obs_ids=objects(item.obs_id for item in several),
            )
        )

    @overload
    def __getitem__(self, place: int) -> PlanItem: ...
    @overload
    def __getitem__(self, place: slice) -> "PlanItems": ...
    def __getitem__(self, place: int | slice) -> "PlanItem | PlanItems":
        if isinstance(place, slice):
            return self.take(np.arange(len(self), dtype=np.intp)[place])
        if not -len(self) <= place < len(self):
            raise IndexError(place)
        place = place % len(self)
        return self._item(place if self._rows is None else int(self._rows[place]))

    def __len__(self) -> int:
        return len(self._columns.uris if self._rows is None else self._rows)

    def __iter__(self) -> Iterator[PlanItem]:
        return map(self._item, range(len(self)) if self._rows is None else self._rows.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (PlanItems, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(mine == its for mine, its in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"({', '.join(map(repr, self))})" if len(self) < 10 else f"({len(self):,} items)"

    def _item(self, row: int) -> PlanItem:
        columns = self._columns
        return PlanItem(
            uri=str(columns.uris[row]),
            name=str(columns.names[row]),
            folder=columns.folders[columns.places[row]],
            size=int(columns.sizes[row]),
            state=STATES[columns.states[row]],
            have=int(columns.haves[row]),
            until=columns.untils[row],
            obs_id=str(columns.obs_ids[row]),
        )

    def take(self, places: Rows) -> "PlanItems":
        """Keep some items, in the order of their places, shape (m,)."""
        return PlanItems(self._columns, places if self._rows is None else self._rows[places])

    def with_uris(self, uris: Collection[str]) -> "PlanItems":
        """Keep the items of some products."""
        wanted = [uri in uris for uri in self.uris.tolist()]
        return self.take(np.flatnonzero(np.array(wanted, dtype=np.bool_)))

    def in_states(self, *states: State) -> "PlanItems":
        """Keep the items in some states."""
        return self.take(np.flatnonzero(np.isin(self.states, [CODES[state] for state in states])))

    @property
    def uris(self) -> npt.NDArray[Any]:
        """``dataURI`` of each, shape (n,)."""
        return self._of(self._columns.uris)

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Bytes of each, shape (n,); -1 unknown."""
        return self._of(self._columns.sizes)

    @property
    def states(self) -> npt.NDArray[np.int8]:
        """State of each as a place in `STATES`, shape (n,)."""
        return self._of(self._columns.states)

    @property
    def haves(self) -> npt.NDArray[np.int64]:
        """Bytes here of each, shape (n,)."""
        return self._of(self._columns.haves)

    @property
    def folders(self) -> Sequence[Path]:
        """The folders on disk."""
        return self._columns.folders

    @property
    def places(self) -> npt.NDArray[np.integer[Any]]:
        """Which of the folders each goes to, shape (n,)."""
        return self._of(self._columns.places)

    @property
    def names(self) -> npt.NDArray[Any]:
        """File name of each, shape (n,)."""
        return self._of(self._columns.names)

    @property
    def obs_ids(self) -> npt.NDArray[Any]:
        """``obs_id`` of each, shape (n,)."""
        return self._of(self._columns.obs_ids)

    def _of(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return column if self._rows is None else column[self._rows]


def objects(values: Iterable[Any]) -> npt.NDArray[Any]:
    """Put values of any kind into a column, as they are."""
    several = list(values)
    column = np.empty(len(several), dtype=object)
    column[:] = several
    return column
