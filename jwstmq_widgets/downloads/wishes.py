"""What a table of products wants on the disk, and where."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.downloads.places import Arrangement, folders, safe_name
from jwstmq_widgets.filenames import name_columns

__all__ = ["Wish", "read_wishes"]

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


def read_wishes(products: Table, arrangement: Arrangement) -> list[Wish]:
    """Read a table of products.

    Parameters
    ----------
    products
        Products; columns that are missing, as in astroquery's tables, are derived or taken as unknown.
    arrangement
        How files are arranged.

    Returns
    -------
    list of Wish
        One for each row.
    """
    names = _column(products, "productFilename", "")
    uris = _column(products, "dataURI", "")
    obs_ids = _column(products, "obs_id", "")
    derived: Mapping[str, list[Any]] = {}
    if "program" not in products.colnames or "observation" not in products.colnames:
        derived = name_columns(names)
    programs = derived.get("program") or _column(products, "program", -1)
    observations = derived.get("observation") or _column(products, "observation", -1)
    places: Iterable[tuple[str, ...]] = folders(arrangement, programs, observations, obs_ids, names)
    dates: dict[float, datetime | None] = {}
    wishes = []
    for uri, name, place, size, right, release, level, obs_id in zip(
        uris,
        names,
        places,
        _column(products, "size", -1),
        _column(products, "dataRights", ""),
        _column(products, "release", math.nan),
        _column(products, "calib_level", 0),
        obs_ids,
        strict=True,
    ):
        restricted = right != "PUBLIC" and right.upper() in _RESTRICTED
        until = None
        if restricted:
            until = dates[release] if release in dates else dates.setdefault(release, _date(release))
        wishes.append(
            Wish(
                uri,
                safe_name(name or uri.rpartition("/")[2]),
                place,
                int(size) if size >= 0 else -1,
                until,
                obs_id,
                restricted,
                level != -1 and bool(uri),
            )
        )
    return wishes


def _column(products: Table, name: str, missing: Any) -> list[Any]:
    if name not in products.colnames:
        return [missing] * len(products)
    values = products[name]
    if isinstance(values, np.ma.MaskedArray):
        return [missing if value is None else value for value in values.tolist()]
    listed: list[Any] = np.asarray(values).tolist()
    return listed


def _date(mjd: float) -> datetime | None:
    return _MJD_ZERO + timedelta(days=mjd) if 0 < mjd < _LAST_MJD else None
