"""What a table of products wants on the disk, and where."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, overload

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from jwstmq_widgets.downloads.plans.items import objects
from jwstmq_widgets.downloads.plans.places import Arrangement, folders, is_ordinary, safe_name
from jwstmq_widgets.filenames import name_columns
from jwstmq_widgets.tables.encoded import Encoded

__all__ = ["Wish", "Wishes", "read_wishes"]

Column = npt.NDArray[Any]

_RESTRICTED = frozenset({"EXCLUSIVE_ACCESS", "EXCLUSIVE", "RESTRICTED"})
_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
_LAST_MJD = 2_900_000.0


@dataclass(frozen=True, slots=True)
class Wish:
    """One product and where it is to go."""

    uri: str
    """The product's ``dataURI``."""
    name: str
    """File name on disk."""
    folder: tuple[str, ...]
    """Folders from the destination downwards."""
    size: int
    """Bytes, as the catalogue says; -1 unknown."""
    until: datetime | None
    """When its exclusive access ends; None where it is public, or the archive does not say."""
    obs_id: str
    """``obs_id`` (not ``obsID``) that it belongs to."""
    restricted: bool = False
    """Whether it needs an account with a right to it."""
    observed: bool = True
    """False for what is only planned at the telescope."""


class Wishes(Sequence[Wish]):
    """Wishes by column.

    Parameters
    ----------
    uris, names, sizes, untils, obs_ids, restricted, observed
        What `Wish` says of each, shape (n,).
    folders
        The folders there are.
    places
        Which of them each has, shape (n,).
    """

    __slots__ = ("folders", "names", "obs_ids", "observed", "places", "restricted", "sizes", "untils", "uris")

    def __init__(
        self,
        *,
        uris: Column,
        names: Column,
        folders: Sequence[tuple[str, ...]],
        places: Column,
        sizes: Column,
        untils: Column,
        obs_ids: Column,
        restricted: Column,
        observed: Column,
    ) -> None:
        self.uris = uris
        self.names = names
        self.folders = folders
        self.places = places
        self.sizes = sizes
        self.untils = untils
        self.obs_ids = obs_ids
        self.restricted = restricted
        self.observed = observed

    @classmethod
    def of(cls, wishes: "Iterable[Wish] | Wishes") -> "Wishes":
        """Put wishes into columns; what is in columns already is given back."""
        if isinstance(wishes, Wishes):
            return wishes
        several = tuple(wishes)
        folders = list(dict.fromkeys(wish.folder for wish in several))
        place = {folder: code for code, folder in enumerate(folders)}
        return cls(
            uris=objects(wish.uri for wish in several),
            names=objects(wish.name for wish in several),
            folders=folders,
            places=np.array([place[wish.folder] for wish in several], dtype=np.intp),
            sizes=np.array([wish.size for wish in several], dtype=np.int64),
            untils=objects(wish.until for wish in several),
            obs_ids=objects(wish.obs_id for wish in several),
            restricted=np.array([wish.restricted for wish in several], dtype=np.bool_),
            observed=np.array([wish.observed for wish in several], dtype=np.bool_),
        )

    @overload
    def __getitem__(self, row: int) -> Wish: ...
    @overload
    def __getitem__(self, row: slice) -> "Wishes": ...
    def __getitem__(self, row: int | slice) -> "Wish | Wishes":
        if isinstance(row, slice):
            return self.take(row)
        return Wish(
            str(self.uris[row]),
            str(self.names[row]),
            self.folders[self.places[row]],
            int(self.sizes[row]),
            self.untils[row],
            str(self.obs_ids[row]),
            bool(self.restricted[row]),
            bool(self.observed[row]),
        )

    def __len__(self) -> int:
        return len(self.uris)

    def take(self, rows: Any) -> "Wishes":
        """Keep some rows."""
        return Wishes(
            uris=self.uris[rows],
            names=self.names[rows],
            folders=self.folders,
            places=self.places[rows],
            sizes=self.sizes[rows],
            untils=self.untils[rows],
            obs_ids=self.obs_ids[rows],
            restricted=self.restricted[rows],
            observed=self.observed[rows],
        )


def read_wishes(products: Table, arrangement: Arrangement) -> Wishes:
    """Read a table of products.

    Parameters
    ----------
    products
        Products; columns that are missing, as in astroquery's tables, are derived or taken as unknown.
    arrangement
        How files are arranged.

    Returns
    -------
    Wishes
        One for each row.
    """
    names = _column(products, "productFilename", "")
    uris = _column(products, "dataURI", "")
    obs_ids = _column(products, "obs_id", "")
    derived: Mapping[str, list[Any]] = {}
    if "program" not in products.colnames or "observation" not in products.colnames:
        derived = name_columns(names.tolist())
    programs, observations = (
        np.array(derived[name], dtype=np.int64) if name in derived else _column(products, name, -1)
        for name in ("program", "observation")
    )
    places, first = _alike(arrangement, programs, observations, obs_ids, names)
    made = folders(arrangement, *(column[first].tolist() for column in (programs, observations, obs_ids, names)))
    rights = Encoded.of(_column(products, "dataRights", ""))
    restricted = np.array([right.upper() in _RESTRICTED for right in map(str, rights.values)], dtype=np.bool_)
    sizes = _column(products, "size", -1)
    needs = restricted[rights.codes] if len(rights) else np.zeros(0, dtype=np.bool_)
    return Wishes(
        uris=uris,
        names=_safe(names, uris),
        folders=made,
        places=places,
        sizes=np.where(sizes >= 0, sizes, -1).astype(np.int64),
        untils=_untils(_column(products, "release", math.nan), needs),
        obs_ids=obs_ids,
        restricted=needs,
        observed=(_column(products, "calib_level", 0) != -1) & (uris != ""),
    )


def _alike(
    arrangement: Arrangement, programs: Column, observations: Column, obs_ids: Column, names: Column
) -> tuple[Column, Column]:
    """Give rows that go to the same folder the same number, and for each number its first row."""
    rows = len(names)
    if arrangement.layout == "flat":
        keys = np.zeros(rows, dtype=np.int64)
    elif arrangement.layout == "mast":
        keys = Encoded.of(obs_ids).codes.astype(np.int64)
    else:
        _, keys = np.unique(programs, return_inverse=True)
        numbers, more = np.unique(observations, return_inverse=True)
        keys = keys.astype(np.int64) * max(len(numbers), 1) + more
    if arrangement.jpg_folder:
        pictures = [name.lower().endswith((".jpg", ".jpeg")) for name in names.tolist()]
        keys = keys * 2 + np.array(pictures, dtype=np.int64)
    _, first, places = np.unique(keys, return_index=True, return_inverse=True)
    return places, first


def _safe(names: Column, uris: Column) -> Column:
    """Make the names of files safe; most are as they are."""
    odd = [row for row, name in enumerate(names.tolist()) if not is_ordinary(name)]
    if not odd:
        return names
    safe = objects(names.tolist())
    for row in odd:
        safe[row] = safe_name(safe[row] or str(uris[row]).rpartition("/")[2])
    return safe


def _untils(releases: Column, restricted: Column) -> Column:
    untils = np.full(len(releases), None, dtype=object)
    known, places = np.unique(releases[restricted], return_inverse=True)
    untils[restricted] = objects(map(_date, known.tolist()))[places]
    return untils


def _column(products: Table, name: str, missing: Any) -> Column:
    if name not in products.colnames:
        return np.full(len(products), missing)
    values = products[name]
    if isinstance(values, np.ma.MaskedArray):
        listed = [missing if value is None else value for value in values.tolist()]
        return np.array(listed, dtype=values.dtype if listed else None)
    return np.asarray(values)


def _date(mjd: float) -> datetime | None:
    return _MJD_ZERO + timedelta(days=mjd) if 0 < mjd < _LAST_MJD else None
