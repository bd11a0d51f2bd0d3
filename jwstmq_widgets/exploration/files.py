"""What is kept for each file of a product table: ticks and states, by row, looked up by URI."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

__all__ = ["FileIndex", "FileState", "FileStates", "Kind", "Ticks"]

Mask = npt.NDArray[np.bool_]
Rows = npt.NDArray[np.intp]
Codes = npt.NDArray[np.int8]

Kind = Literal["here", "partial", "different", "exclusive", "planned", "waiting", "running", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """How one file stands at the destination. A file that is simply not there has no state."""

    kind: Kind
    """Which."""
    fraction: float = 0.0
    """Part here, 0 to 1, of a running or partial file."""
    message: str = ""
    """Why it failed, or until when it is exclusive."""


_KINDS: tuple[Kind, ...] = get_args(Kind)
# One object stands for all files of a kind of which nothing else is to be said.
_PLAIN: tuple[FileState | None, ...] = (
    None,
    *(FileState(kind=kind, fraction=1.0 if kind == "here" else 0.0) for kind in _KINDS),
)
_CODES: Mapping[str, int] = {kind: code for code, kind in enumerate(_KINDS, start=1)}


class FileIndex:
    """Which row of a table each file is.

    Parameters
    ----------
    uris
        ``dataURI`` of each row, shape (n,); each once.
    """

    def __init__(self, uris: Any) -> None:
        self._uris = np.asarray(uris)

    def __len__(self) -> int:
        return len(self._uris)

    @property
    def uris(self) -> npt.NDArray[Any]:
        """``dataURI`` of each row, shape (n,)."""
        return self._uris

    @cached_property
    def _row(self) -> dict[str, int]:
        return dict(zip(self._uris.tolist(), range(len(self._uris)), strict=True))

    def row(self, uri: object) -> int | None:
        """Give a file's row; None for one that is not in the table."""
        return self._row.get(uri)  # type: ignore[call-overload,no-any-return]  # any object may be asked for

    def rows(self, uris: Iterable[str]) -> Rows:
        """Give the rows of files, in their order; those that are not in the table are left out."""
        if isinstance(uris, Ticks) and uris.index is self:
            return np.flatnonzero(uris.mask)
        found = [row for row in map(self._row.get, uris) if row is not None]
        return np.array(found, dtype=np.intp)

    def places(self, uris: Iterable[str]) -> Rows:
        """Give the row of each file, shape (m,); -1 for one that is not in the table."""
        get = self._row.get
        return np.array([get(uri, -1) for uri in uris], dtype=np.intp)


class Ticks(Set[str]):
    """The ticked files of a table: a set of URIs, kept as a mask of rows, so that a change of one costs nothing.

    Parameters
    ----------
    index
        The table's files.
    mask
        True for each ticked row, shape (n,); not changed any more. None ticks nothing.
    """

    __slots__ = ("_number", "index", "mask")

    def __init__(self, index: FileIndex, mask: Mask | None = None) -> None:
        self.index = index
        self.mask = np.zeros(len(index), dtype=np.bool_) if mask is None else mask
        self.mask.flags.writeable = False
        self._number = int(np.count_nonzero(self.mask))

    @classmethod
    def _from_iterable(cls, uris: Iterable[str]) -> Set[str]:  # type: ignore[override]  # a set of any URIs
        return frozenset(uris)

    def __contains__(self, uri: object) -> bool:
        row = self.index.row(uri)
        return row is not None and bool(self.mask[row])

    def __iter__(self) -> Iterator[str]:
        return iter(self.index.uris[self.mask].tolist())

    def __len__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Ticks) and other.index is self.index:
            return self.mask is other.mask or bool(np.array_equal(self.mask, other.mask))
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]  # as Set has it: equal to a frozenset of the same texts

    def __repr__(self) -> str:
        return f"Ticks({self._number:,} of {len(self.index):,} files)"

    def with_rows(self, rows: Any, *, on: bool) -> "Ticks":
        """Tick rows, or untick them.

        Parameters
        ----------
        rows
            Row numbers, a mask or a slice.
        on
            Whether they are ticked then.

        Returns
        -------
        Ticks
            This one where nothing changes.
        """
        if bool(np.all(self.mask[rows] == on)):
            return self
        mask = self.mask.copy()
        mask[rows] = on
        return Ticks(self.index, mask)

    def inverted(self, rows: Any = slice(None)) -> "Ticks":
        """Tick those of some rows that are not ticked, and untick the others.

        Parameters
        ----------
        rows
            Row numbers, each once, a mask or a slice.

        Returns
        -------
        Ticks
        """
        mask = self.mask.copy()
        mask[rows] ^= True
        return Ticks(self.index, mask)

    def moved(self, index: FileIndex) -> "Ticks":
        """Give the ticks of those files that another table has too.

        Parameters
        ----------
        index
            Its files.

        Returns
        -------
        Ticks
        """
        return Ticks(index).with_rows(index.rows(self), on=True)


class FileStates(Mapping[str, FileState]):
    """URI to state, for files of which there is something to say; kept by row.

    Parameters
    ----------
    index
        The table's files.
    codes
        Kind of each row's state, shape (n,): 0 for none, else one more than its place in `Kind`. Not changed any more.
    notes
        Row to state where there is more to say than its kind.
    """

    __slots__ = ("_number", "codes", "index", "notes")

    kinds: tuple[Kind, ...] = _KINDS
    """What the codes 1, 2, … mean."""

    def __init__(
        self, index: FileIndex, codes: Codes | None = None, notes: Mapping[int, FileState] = MappingProxyType({})
    ) -> None:
        self.index = index
        self.codes = np.zeros(len(index), dtype=np.int8) if codes is None else codes
        self.codes.flags.writeable = False
        self.notes = notes
        self._number = int(np.count_nonzero(self.codes))

    def __getitem__(self, uri: str) -> FileState:
        row = self.index.row(uri)
        state = None if row is None else self.notes.get(row) or _PLAIN[self.codes[row]]
        if state is None:
            raise KeyError(uri)
        return state

    def get(self, uri: str, default: Any = None) -> Any:
        """Give a file's state, or a default."""
        row = self.index.row(uri)
        return default if row is None else self.notes.get(row) or _PLAIN[self.codes[row]] or default

    def __iter__(self) -> Iterator[str]:
        return iter(self.index.uris[self.codes > 0].tolist())

    def __len__(self) -> int:
        return self._number

    def __repr__(self) -> str:
        return f"FileStates({self._number:,} of {len(self.index):,} files)"

    def changed(self, states: Mapping[str, FileState]) -> "FileStates":
        """Give other states to some files.

        Parameters
        ----------
        states
            URI to state; files that are not in the table are passed over.

        Returns
        -------
        FileStates
        """
        codes, notes = self.codes.copy(), dict(self.notes)
        for uri, state in states.items():
            row = self.index.row(uri)
            if row is None:
                continue
            code = codes[row] = _CODES[state.kind]
            if state == _PLAIN[code]:
                notes.pop(row, None)
            else:
                notes[row] = state
        return FileStates(self.index, codes, MappingProxyType(notes))

    @staticmethod
    def code(kind: Kind) -> int:
        """Give the code of a kind."""
        return _CODES[kind]
