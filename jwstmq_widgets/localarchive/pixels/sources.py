"""The stars and galaxies of the drawn sky: the same at a place for ever."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, cos, floor, radians
from typing import TYPE_CHECKING

from jwstmq_widgets.localarchive.pixels.geometry import Footprint, deproject

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Field", "Sources", "generator", "sources"]

_CELL = 0.01
"""Side of the cells that the sky is cut into (deg)."""
_MOST_CELLS = 400
"""Of a larger field only a sample of the cells is drawn."""


@dataclass(frozen=True, slots=True)
class Field:
    """How many sources there are, in a cell of 36 arcsec squared."""

    stars: int
    galaxies: int
    slope: float = 1.0
    """Numbers grow with faintness as flux to the minus slope."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources, one an element."""

    ra: "NDArray[np.float64]"
    """Right ascension (deg)."""
    dec: "NDArray[np.float64]"
    """Declination (deg)."""
    flux: "NDArray[np.float64]"
    """Brightness in units of the faintest drawn."""
    colour: "NDArray[np.float64]"
    """0 (hot, blue) to 1 (cool, red)."""
    size: "NDArray[np.float64]"
    """Half-light radius (arcsec); 0 for a star."""
    shape: "NDArray[np.float64]"
    """Axis ratio, 0 to 1."""
    angle: "NDArray[np.float64]"
    """Position angle of the major axis (rad)."""


def generator(*words: object) -> "np.random.Generator":
    """Make a generator of random numbers that is the same for the same words, in every process."""
    import numpy as np

    digest = hashlib.blake2b("\x1f".join(map(str, words)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def sources(footprint: Footprint, field: Field) -> Sources:
    """List the sources in a footprint and around its edges."""
    corners = [deproject(xi, eta, footprint.ra, footprint.dec) for xi, eta in footprint.corners]
    low, high = min(dec for _, dec in corners), max(dec for _, dec in corners)
    offsets = [(ra - footprint.ra + 180) % 360 - 180 for ra, _ in corners]
    cells = []
    for row in range(floor(low / _CELL), ceil(high / _CELL)):
        around = max(1, int(360 * cos(radians(row * _CELL)) / _CELL))
        first = floor((footprint.ra + min(offsets)) / 360 * around)
        last = floor((footprint.ra + max(offsets)) / 360 * around)
        cells += [(row, column % around, around) for column in range(first, last + 1)]
    return _gather(tuple(cells[:: max(1, len(cells) // _MOST_CELLS)]), field)


@lru_cache(maxsize=64)
def _gather(cells: tuple[tuple[int, int, int], ...], field: Field) -> Sources:
    import numpy as np

    columns = np.concatenate([_cell(row, column, around, field) for row, column, around in cells], axis=1)
    return Sources(*columns)


@lru_cache(maxsize=2048)
def _cell(row: int, column: int, around: int, field: Field) -> "NDArray[np.float64]":
    import numpy as np

    random = generator("cell", row, column)
    # Ten numbers a source, drawn source by source: a cell with more of them begins with the same ones.
    stars, galaxies = random.random((field.stars, 7)), generator("galaxies", row, column).random((field.galaxies, 7))
    every = np.concatenate([stars, galaxies]).T
    extended = np.arange(every.shape[1]) >= field.stars
    flux = np.minimum((1 - every[2]) ** (-1 / field.slope), 4000)
    flux = np.where(extended, np.minimum(flux, 60), flux)
    return np.stack(
        [
            (column + every[0]) * 360 / around,
            (row + every[1]) * _CELL,
            flux,
            np.where(extended, 0.35 + 0.65 * every[3], every[3]),
            np.where(extended, 0.12 + 0.30 * every[4] * flux**0.35, 0.0),
            0.25 + 0.75 * every[5],
            every[6] * np.pi,
        ]
    )
