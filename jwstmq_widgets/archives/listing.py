"""A list of products, as all archives make it: by column, and told of while it comes."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.tables.encoded import Encoded, concatenated

__all__ = ["Arrivals", "Listing", "ProductsProgress", "constant", "listed", "rows_of", "targets_of"]

Listing = dict[str, Encoded]
"""Products by column, one row for each file and parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductsProgress:
    """How far a list of products has come."""

    observations_done: int
    """Observations whose products are known."""
    observations_total: int
    """Observations asked for."""
    products: int
    """Distinct files found so far."""
    partial: Callable[[], Any] | None = field(default=None, compare=False, repr=False)
    """Makes the table of the files found so far, in the order of the whole; costs as much as it is long."""


class Arrivals:
    """What has come of a list of products, told whenever more has.

    Parameters
    ----------
    total
        Observations that are asked for.
    file
        The column that tells files apart.
    table
        Makes a table of a list, for ``progress`` to show what has come.
    progress
        Told of every answer; nothing is kept for it where there is none.
    """

    def __init__(
        self,
        total: int,
        file: str,
        *,
        table: Callable[[Listing], Table],
        progress: Callable[[ProductsProgress], None] | None,
    ) -> None:
        self._total, self._file = total, file
        self._table, self._progress = table, progress
        self._done = 0
        self._files: set[Any] = set()
        self._parts: list[Listing] = []

    def add(self, count: int, listing: Listing) -> None:
        """Take the products of so many observations."""
        if self._progress is None:
            return
        self._done += count
        self._files.update(listing[self._file].values if self._file in listing else ())
        self._parts.append(listing)
        self._progress(
            ProductsProgress(
                observations_done=self._done,
                observations_total=self._total,
                products=len(self._files),
                partial=lambda: self._table(listed(self._parts)),
            )
        )


def targets_of(observations: Table | Iterable[str]) -> Table | None:
    """Give a table of observations back if it tells the targets and the release dates for their products."""
    if not isinstance(observations, Table):
        return None
    return observations if {"obsid", "target_name", "t_obs_release"} <= set(observations.colnames) else None


def listed(parts: Iterable[Listing]) -> Listing:
    """Put lists of products one below the other; a column that one of them lacks is None there.

    Parameters
    ----------
    parts
        Lists of products.

    Returns
    -------
    dict
    """
    parts = [part for part in parts if part]
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: concatenated([part.get(name) or constant(None, rows_of(part)) for part in parts]) for name in names}


def constant(value: Any, rows: int) -> Encoded:
    """Give a column of one value."""
    return Encoded(np.zeros(rows, dtype=np.int32), [value])


def rows_of(listing: Listing) -> int:
    """Count the rows of a list."""
    return max(map(len, listing.values()), default=0)
