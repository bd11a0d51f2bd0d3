"""The sky as an imager sees it: texture, stars with their diffraction spikes, galaxies."""

from functools import lru_cache
from math import cos, pi, radians
from typing import TYPE_CHECKING

from jwstmq_widgets.localarchive.pixels.geometry import Footprint
from jwstmq_widgets.localarchive.pixels.nebulae import TEXTURED, Look, cirrus, texture
from jwstmq_widgets.localarchive.pixels.sources import Sources, generator, sources

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.floating]

__all__ = ["image", "noise", "seen", "spikes", "stamp"]

_TILE, _WINDOW = 1100, 500
_BRIGHT = 45.0
"""From this peak on (MJy/sr) a star shows its spikes."""


def image(
    footprint: Footprint, look: Look, target: str, place: tuple[float, float], wavelength: float, nx: int, ny: int
) -> "Image":
    """Draw the sky in a footprint.

    Parameters
    ----------
    footprint
        Where the pixels are.
    look
        How the target's sky is drawn.
    target
        The target's name, the seed of its texture.
    place
        The target's right ascension and declination (deg).
    wavelength
        Of the filter (um).
    nx, ny
        Columns, rows.

    Returns
    -------
    ndarray
        Surface brightness (MJy/sr), `ny` times `nx`, first row at the bottom.
    """
    drawn = _background(footprint, look, target, place, wavelength, nx, ny).copy()
    _add(drawn, footprint, sources(footprint, look.field), wavelength)
    return drawn


def _background(
    footprint: Footprint, look: Look, target: str, place: tuple[float, float], wavelength: float, nx: int, ny: int
) -> "Image":
    import numpy as np

    u = ((np.arange(nx, dtype=np.float32) + 0.5) / nx)[None, :]
    v = ((np.arange(ny, dtype=np.float32) + 0.5) / ny)[:, None]
    east, north = footprint.sky(u, v, *place)
    x, y = -east / look.radius, north / look.radius
    behind = _cirrus(footprint, cirrus(look.kind, target, wavelength), place, nx, ny)
    if look.kind in TEXTURED and x.min() < 1 and x.max() > -1 and y.min() < 1 and y.max() > -1:
        endless = look.kind == "cliffs"
        behind += _sample(texture(look.kind, target, wavelength), x, y, mirrored=endless)
    return behind


def _cirrus(footprint: Footprint, clouds: "Image", place: tuple[float, float], nx: int, ny: int) -> "Image":
    # Smooth enough to be drawn coarsely and enlarged.
    import numpy as np
    from PIL import Image

    u = ((np.arange(48, dtype=np.float32) + 0.5) / 48)[None, :]
    east, north = footprint.sky(u, u.T, *place)
    coarse = Image.fromarray(_sample(clouds, -east / 100, north / 100).astype(np.float32))
    return np.array(coarse.resize((nx, ny), Image.Resampling.BICUBIC))


def _sample(texture_: "Image", x: "Image", y: "Image", *, mirrored: bool = True) -> "Image":
    import numpy as np

    side = texture_.shape[0]
    column = (x * 0.5 + 0.5) * (side - 1)
    row = (0.5 - y * 0.5) * (side - 1)
    if mirrored:  # the sky has no edge
        span = 2 * (side - 1)
        column, row = np.abs(column) % span, np.abs(row) % span
        column, row = np.minimum(column, span - column), np.minimum(row, span - row)
    else:
        column, row = np.clip(column, 0, side - 1), np.clip(row, 0, side - 1)
    left = np.clip(column.astype(np.int32), 0, side - 2)
    top = np.clip(row.astype(np.int32), 0, side - 2)
    right, below = (column - left).astype(np.float32), (row - top).astype(np.float32)
    flat, index = texture_.ravel(), top * side + left
    upper = flat[index] * (1 - right) + flat[index + 1] * right
    lower = flat[index + side] * (1 - right) + flat[index + side + 1] * right
    return np.asarray(upper * (1 - below) + lower * below, dtype=np.float32)


def seen(footprint: Footprint, look: Look, wavelength: float) -> "tuple[Image, Image, Image, Sources]":
    """Find what falls on the array: places (0 to 1 along each side), peaks (MJy/sr), and the sources themselves."""
    found = sources(footprint, look.field)
    u, v = footprint.places(found.ra, found.dec)
    return u, v, found.flux * _brightness(found, wavelength), found


def _brightness(found: Sources, wavelength: float) -> "NDArray[np.float64]":
    import numpy as np

    redness = (wavelength / 2.0) ** (2.2 * found.colour - 1.9)
    return np.where(found.size > 0, 2.6 * np.clip(redness, 0.3, 2.5), 3.2 * np.clip(redness, 0.02, 3.0))


def _add(drawn: "Image", footprint: Footprint, found: Sources, wavelength: float) -> None:
    import numpy as np

    ny, nx = drawn.shape
    u, v = footprint.places(found.ra, found.dec)
    scale = footprint.sides[0] / nx
    width = max(0.62, max(nx, ny) * 0.0026 * (1 + 0.045 * wavelength))
    peak = found.flux * _brightness(found, wavelength)
    near = (np.abs(u - 0.5) < 0.62) & (np.abs(v - 0.5) < 0.62)
    galaxy = found.size > 0
    x, y = u * nx - 0.5, v * ny - 0.5
    stars = near & ~galaxy
    _points(drawn, x[stars], y[stars], peak[stars], width)
    for index in np.flatnonzero(stars & (peak > _BRIGHT)):
        spikes(drawn, float(x[index]), float(y[index]), float(peak[index]), width)
    turn = radians(footprint.position_angle)
    for index in np.flatnonzero(near & galaxy):
        half = max(found.size[index] / scale, 0.55 * width)
        angle = pi / 2 + turn - found.angle[index]
        _galaxy(
            drawn, float(x[index]), float(y[index]), float(peak[index]), float(half), float(found.shape[index]), angle
        )


def _points(drawn: "Image", x: "Image", y: "Image", peak: "Image", width: float) -> None:
    import numpy as np

    ny, nx = drawn.shape
    reach = max(3, int(width * 4))
    step = np.arange(-reach, reach + 1)
    column = np.round(x).astype(np.int64)[:, None, None] + step[None, None, :]
    row = np.round(y).astype(np.int64)[:, None, None] + step[None, :, None]
    away = (column - x[:, None, None]) ** 2 + (row - y[:, None, None]) ** 2
    light = peak[:, None, None] * np.exp(away * (-0.5 / width**2))
    light += 0.035 * peak[:, None, None] / (1 + away / (2.2 * width**2)) ** 2
    inside = (column >= 0) & (column < nx) & (row >= 0) & (row < ny)
    index = (row * nx + column)[inside]
    drawn += np.bincount(index, light[inside], minlength=nx * ny).reshape(ny, nx).astype(np.float32)


def spikes(drawn: "Image", x: float, y: float, peak: float, width: float, core: float = 0.0) -> None:
    """Add a bright star's diffraction: six spikes of the mirror's hexagons, two faint ones of the upper strut.

    The pattern stands still on the detector, as the telescope does (JWST User Documentation, "Point Spread Functions").

    Parameters
    ----------
    drawn
        The image to add to.
    x, y
        Where (pixels from 0).
    peak
        The star's peak.
    width
        Sigma of the core (pixels).
    core
        Height of the core itself, as a fraction of `peak`: 0 when it is drawn already.
    """
    import numpy as np

    reach = int(min(max(drawn.shape) * 0.7, width * 5.5 * (peak / _BRIGHT) ** 0.42 + 4 * width))
    low_x, high_x = max(0, int(x) - reach), min(drawn.shape[1], int(x) + reach + 1)
    low_y, high_y = max(0, int(y) - reach), min(drawn.shape[0], int(y) + reach + 1)
    if low_x >= high_x or low_y >= high_y:
        return
    dx = (np.arange(low_x, high_x, dtype=np.float32) - np.float32(x))[None, :]
    dy = (np.arange(low_y, high_y, dtype=np.float32) - np.float32(y))[:, None]
    radius = np.sqrt(dx * dx + dy * dy)
    fade = np.clip(1 - radius / reach, 0, 1) ** 1.5
    falling = fade / (1 + (radius / (2.2 * width)) ** 1.55)
    pattern = 0.02 * falling * (1 + np.cos(radius * (2.4 / width)))
    for degrees_, share in ((90, 1.0), (30, 1.0), (150, 1.0), (0, 0.35)):
        across = dx * np.float32(-np.sin(radians(degrees_))) + dy * np.float32(cos(radians(degrees_)))
        pattern += (
            0.20 * share * falling * np.exp(across * across * np.float32(-0.5 / (0.55 * width + 0.012 * reach) ** 2))
        )
    if core:
        pattern += core * np.exp(radius * radius * np.float32(-0.5 / width**2))
    drawn[low_y:high_y, low_x:high_x] += np.float32(peak) * pattern


def _galaxy(drawn: "Image", x: float, y: float, peak: float, half: float, shape: float, angle: float) -> None:
    import numpy as np

    reach = int(3.6 * half) + 2
    low_x, high_x = max(0, int(x) - reach), min(drawn.shape[1], int(x) + reach + 1)
    low_y, high_y = max(0, int(y) - reach), min(drawn.shape[0], int(y) + reach + 1)
    if low_x >= high_x or low_y >= high_y:
        return
    dx = (np.arange(low_x, high_x, dtype=np.float32) - np.float32(x))[None, :]
    dy = (np.arange(low_y, high_y, dtype=np.float32) - np.float32(y))[:, None]
    along = dx * np.float32(np.cos(angle)) + dy * np.float32(np.sin(angle))
    across = (dy * np.float32(np.cos(angle)) - dx * np.float32(np.sin(angle))) / np.float32(shape)
    radius = np.sqrt(along * along + across * across) / np.float32(half)
    light = np.exp(-1.68 * radius) + 0.8 * np.exp(-5.0 * radius)
    if half > 4 and shape > 0.45:
        turn = np.arctan2(across, along) - 2.6 * np.log(radius + 0.15)
        light *= 1 + 0.55 * np.cos(2 * turn) * np.clip(radius, 0, 1)
    drawn[low_y:high_y, low_x:high_x] += np.float32(peak) * light


def stamp(side: int, width: float) -> "Image":
    """Draw one star alone in the middle of a square, peak 1."""
    import numpy as np

    drawn = np.zeros((side, side), dtype=np.float32)
    spikes(drawn, (side - 1) / 2, (side - 1) / 2, 400.0, width, core=1.0)
    return np.asarray(drawn / drawn.max())


@lru_cache(maxsize=1)
def _tile() -> "Image":
    import numpy as np

    return generator("noise").standard_normal((_TILE, _TILE)).astype(np.float32)


def noise(seed: str, ny: int, nx: int) -> "Image":
    """Draw Gaussian noise of deviation 1, `ny` times `nx`, the same for the same seed."""
    import numpy as np

    row, column = generator("shift", seed).integers(0, _TILE - _WINDOW, 2)
    if ny <= _WINDOW and nx <= _WINDOW:
        return _tile()[row : row + ny, column : column + nx]
    rows, columns = (np.arange(ny) + row) % _TILE, (np.arange(nx) + column) % _TILE
    return np.asarray(_tile()[rows[:, None], columns[None, :]])
