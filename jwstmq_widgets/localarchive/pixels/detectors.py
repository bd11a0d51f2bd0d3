"""What falls on a detector in each observing mode: images, dispersed traces, slices, interferograms, darks."""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from jwstmq_widgets.localarchive.pixels import sky
from jwstmq_widgets.localarchive.pixels.scenes import Scene
from jwstmq_widgets.localarchive.pixels.sources import generator
from jwstmq_widgets.localarchive.pixels.spectra import band, flux, wavelength

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.floating]

__all__ = ["companions", "draw"]


@lru_cache(maxsize=96)
def draw(seen: Scene, nx: int, ny: int) -> "Image":
    """Draw what a detector sees, without noise.

    Returns
    -------
    ndarray
        Surface brightness (MJy/sr), `ny` times `nx`, first row at the bottom. Not to be written to.
    """
    image = _DRAWN.get(seen.mode, _image)(seen, nx, ny)
    image.flags.writeable = False
    return image


def _image(seen: Scene, nx: int, ny: int) -> "Image":
    image = sky.image(seen.footprint, seen.look, seen.target, seen.place, wavelength(seen.optics), nx, ny)
    if re.search(r"bkg|background", seen.target.lower()):
        return image
    if seen.look.kind == "field" and seen.look.field.stars < 100:
        _target_star(image, seen, 2600.0)
    elif seen.look.kind == "shell":  # the star that blew it off
        _target_star(image, seen, 900.0 / max(1.0, wavelength(seen.optics)))
    return image


def _target_star(image: "Image", seen: Scene, peak: float) -> None:
    import numpy as np

    ny, nx = image.shape
    u, v = seen.footprint.places(np.array([seen.place[0]]), np.array([seen.place[1]]))
    if -0.3 < u[0] < 1.3 and -0.3 < v[0] < 1.3:
        width = max(0.7, max(nx, ny) * 0.004)
        sky.spikes(image, float(u[0]) * nx - 0.5, float(v[0]) * ny - 0.5, peak, width, core=1.0)


def _coronagraph(seen: Scene, nx: int, ny: int) -> "Image":
    import numpy as np

    if re.search(r"bkg|background", seen.target.lower()):
        return _image(seen, nx, ny)
    x = (np.arange(nx, dtype=np.float32) - (nx - 1) / 2)[None, :] / max(nx, ny)
    y = (np.arange(ny, dtype=np.float32) - (ny - 1) / 2)[:, None] / max(nx, ny)
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    long = 0.6 + 0.06 * wavelength(seen.optics)
    speckle = np.abs(np.cos(radius * 150 / long + 2 * np.cos(6 * angle))) * (1 + 0.5 * np.cos(6 * angle))
    speckle *= 1 + 0.4 * np.cos(17 * angle + 40 * radius)
    image = 900 * np.exp(-radius / (0.055 * long)) * (0.25 + speckle)
    image += 60 * np.exp(-radius / 0.16) * np.clip(np.cos(6 * angle), 0, 1) ** 8
    if "4QPM" in seen.optics.upper() or seen.instrument == "MIRI":
        turn = np.radians(4.6)
        u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        shade = np.minimum(np.abs(u), np.abs(v))
        image *= 1 - 0.9 * np.exp(-((shade / 0.008) ** 2))
        image += 2.0
    else:
        image *= 1 - 0.985 * np.exp(-((radius / (0.05 * long)) ** 4))
    return np.asarray(image + companions(seen, nx, ny) + 3, dtype=np.float32)


def companions(seen: Scene, nx: int, ny: int) -> "Image":
    """Draw the planets around a coronagraph's star."""
    import numpy as np

    x = (np.arange(nx, dtype=np.float32) - (nx - 1) / 2)[None, :] / max(nx, ny)
    y = (np.arange(ny, dtype=np.float32) - (ny - 1) / 2)[:, None] / max(nx, ny)
    long = 0.6 + 0.06 * wavelength(seen.optics)
    image = np.zeros((ny, nx), dtype=np.float32)
    random = generator("companion", seen.target)
    for _ in range(1 + int(random.random() * 3)):
        where, away = random.random() * 2 * np.pi, 0.13 + 0.25 * random.random()
        # A companion turns with the sky when the telescope rolls; the speckles do not.
        where += np.radians(seen.footprint.position_angle)
        dx, dy = x - away * np.cos(where), y - away * np.sin(where)
        image += 160 * np.exp(-(dx * dx + dy * dy) / (2 * (0.009 * long + 0.002) ** 2))
    return image


def _mask(seen: Scene, nx: int, ny: int) -> "Image":
    import numpy as np

    # Holes of the non-redundant mask (m): Sivaramakrishnan et al. 2023 (PASP 135, 015003), rounded.
    holes = ((0.0, -2.64), (-2.29, 0.0), (2.29, -1.32), (-2.29, 1.32), (-1.14, 1.98), (2.29, 1.32), (1.14, 1.98))
    x = (np.arange(nx) - (nx - 1) / 2)[None, :] * (80 / max(nx, ny))
    y = (np.arange(ny) - (ny - 1) / 2)[:, None] * (80 / max(nx, ny))
    wave = wavelength(seen.optics)
    phase = 2 * np.pi * 0.0656 / 206265 / (wave * 1e-6)
    field = sum(np.exp(1j * phase * (hx * x + hy * y)) for hx, hy in holes) / len(holes)
    envelope = np.sinc(0.8 * phase / np.pi / 2 * np.hypot(x, y)) ** 2 * np.exp(-((np.hypot(x, y) / 26) ** 2))
    return np.asarray(4200 * np.abs(field) ** 2 * envelope + 2, dtype=np.float32)


def _trace(image: "Image", across: "Image", centre: "Image", light: "Image", width: float) -> None:
    """Add a trace along x: at column i its middle is at row centre[i], its brightness light[i]."""
    import numpy as np

    low = max(0, int(np.min(centre) - 5 * width))
    high = min(image.shape[0], int(np.max(centre) + 5 * width) + 2)
    if low < high:
        away = across[low:high, None] - centre[None, :]
        image[low:high] += (light[None, :] * np.exp(-0.5 * (away / width) ** 2)).astype(np.float32)


def _wfss(seen: Scene, nx: int, ny: int) -> "Image":
    import numpy as np

    upright = bool(re.search(r"GRISMC|GR150C", seen.optics.upper()))
    if upright:
        nx, ny = ny, nx
    u, v, peak, found = sky.seen(seen.footprint, seen.look, wavelength(seen.optics))
    if upright:
        u, v = v, u
    image = np.full((ny, nx), 2.2, dtype=np.float32)
    image += 0.5 * np.sin(np.linspace(0, 3, nx, dtype=np.float32))[None, :]
    across = np.arange(ny, dtype=np.float64)
    low, high = band(seen.optics)
    # A GR150 spectrum is short, a grism's of NIRCam crosses half of the detector.
    length = (0.10 if "GR150" in seen.optics.upper() else 0.45) * nx
    order = np.argsort(-peak)[:160]
    for index in order:
        if not (-0.6 < u[index] < 1.5 and -0.02 < v[index] < 1.02):
            continue
        start = u[index] * nx - length / 2
        first, last = max(0, int(start)), min(nx, int(start + length))
        if last - first < 2:
            continue
        columns = np.arange(first, last)
        waves = low + (columns - start) / length * (high - low)
        spectrum = flux(waves, f"{found.ra[index]:.6f}", seen.look.kind if found.size[index] > 0 else "field")
        shape = np.clip(np.minimum(columns - start, start + length - columns) / (0.06 * length), 0, 1)
        light = 0.10 * min(peak[index], 400) ** 1.2 * spectrum * shape
        width = max(0.6, 0.0016 * ny * (1 + 0.8 * found.size[index]))
        centre = v[index] * ny + 0.012 * (columns - start)
        _trace(image[:, first:last], across, centre, light, width)
        zero = int(u[index] * nx - 0.42 * nx)
        if 0 <= zero < nx - 1 and 0 < v[index] * ny < ny - 1:
            image[int(v[index] * ny), zero : zero + 2] += 0.4 * min(peak[index], 90)
    return np.ascontiguousarray(image.T) if upright else image


def _soss(seen: Scene, nx: int, ny: int) -> "Image":
    import numpy as np

    across, columns = np.arange(ny, dtype=np.float64), np.arange(nx)
    x = columns / nx
    image = np.full((ny, nx), 3.0, dtype=np.float32)
    wide = 0.06 * ny if ny > 40 else max(1.0, 0.09 * ny)
    for order, (base, bend, bright) in enumerate(((0.30, 0.20, 900.0), (0.36, 0.62, 330.0))):
        centre = ny * (base + bend * (x - (0.45 if order == 0 else 0.15)) ** 2)
        waves = 2.83 - 1.95 * x if order == 0 else 1.4 - 0.8 * x
        light = bright * flux(np.sort(waves), seen.target, "field")[::-1] * (0.25 + np.sin(np.pi * x) ** 0.7)
        if order:
            light = light * np.clip((x - 0.15) * 6, 0, 1)
        for side in (-0.5, 0.0, 0.5):  # the weak lens spreads the light into two horns
            _trace(image, across, centre + side * wide, light * (0.35 if side == 0.0 else 0.8), wide * 0.28)
    return image


def _row(seen: Scene, nx: int, ny: int) -> "Image":
    import numpy as np

    across, columns = np.arange(ny, dtype=np.float64), np.arange(nx)
    x = columns / nx
    low, high = band(seen.optics)
    spectrum = flux(low + x * (high - low), seen.target, seen.look.kind)
    thin = ny < nx / 3
    image = np.full((ny, nx), 2.0, dtype=np.float32)
    wide = max(0.8, 0.05 * ny if thin else 0.004 * ny)
    centre = ny * (0.5 + (0.10 if thin else 0.015) * (x - 0.5) ** 2 * (1 if "nrs" in seen.detector else 0.1))
    blaze = 0.2 + np.sin(np.pi * (0.08 + 0.84 * x)) ** 0.8
    _trace(image, across, centre, 700 * spectrum * blaze, wide)
    _trace(image, across, centre, 26 * spectrum * blaze, 4 * wide)
    if not thin:  # the other slits and open shutters of a full frame let the sky through
        for place in (0.32, 0.44, 0.57, 0.69):
            _trace(image, across, centre + (place - 0.5) * ny, np.full(nx, 5.0), 0.008 * ny)
    return image


def _column(seen: Scene, nx: int, ny: int) -> "Image":
    import numpy as np

    if ny > 2 * nx:  # slitless: a subarray around the trace
        image = np.full((nx, ny), 6.0, dtype=np.float32)
        middle, wide, light = 0.5, max(0.8, 0.035 * nx), 900.0
    else:
        image = np.ascontiguousarray(_image(seen, nx, ny).T) * np.float32(0.4)
        image[: int(0.34 * nx)] = 1.0
        middle, wide, light = 0.315, max(0.8, 0.004 * nx), 420.0
    span = np.arange(image.shape[1]) / image.shape[1]
    waves = 5.0 + 9.0 * np.clip((span - 0.08) / 0.84, 0, 1)
    inside = np.clip(np.minimum(span - 0.06, 0.98 - span) * 30, 0, 1)
    spectrum = flux(waves, seen.target, seen.look.kind) * inside * np.exp(-1.6 * (1 - span))
    across = np.arange(image.shape[0], dtype=np.float64)
    centre = np.full(image.shape[1], middle * image.shape[0]) + 0.01 * nx * (span - 0.5)
    if ny <= 2 * nx:
        _trace(image, across, centre, 26 * inside, 0.02 * nx)
    _trace(image, across, centre, light * spectrum, wide)
    return np.ascontiguousarray(image.T[::-1])


def _shutters(seen: Scene, nx: int, ny: int) -> "Image":
    import numpy as np

    random = generator("shutters", seen.target, seen.exposure[:16])
    across = np.arange(ny, dtype=np.float64)
    image = np.full((ny, nx), 0.6, dtype=np.float32)
    low, high = band(seen.optics)
    prism = "PRISM" in seen.optics.upper()
    second = seen.detector == "nrs2"
    for row in sorted(random.random(46)):
        start, bright, bow = random.random(3)
        length = 0.22 if prism else 0.85
        begin = (start * 0.75 if prism else start * 0.5 - 0.25 - (0.35 if second else 0.0)) * nx
        first, last = max(0, int(begin)), min(nx, int(begin + length * nx))
        if last - first < 3:
            continue
        columns = np.arange(first, last)
        waves = low + (columns - begin) / (length * nx) * (high - low)
        light = (3 + 70 * bright**4) * flux(waves, f"{seen.target} {row:.5f}", seen.look.kind)
        centre = ny * (
            row + 0.012 * (bow - 0.5) * (columns / nx - 0.5) ** 2 + 0.01 * (columns / nx - 0.5) * (row - 0.5)
        )
        # Three shutters make a slitlet: sky over all of it, the source in the middle one.
        _trace(image[:, first:last], across, centre, np.full(len(columns), 2.5), 0.0052 * ny)
        _trace(image[:, first:last], across, centre, light, max(0.6, 0.0019 * ny))
    return image


def _slices(seen: Scene, nx: int, ny: int, count: int = 30) -> "Image":
    import numpy as np

    profile = _image(seen, 3 * count, count)
    across = np.arange(ny, dtype=np.float64)
    image = np.full((ny, nx), 0.8, dtype=np.float32)
    x = np.arange(nx) / nx
    low, high = band(seen.optics)
    spectrum = flux(low + x * (high - low), seen.target, seen.look.kind)
    height = ny / (count + 4)
    for index in range(count):
        centre = (index + 2.5) * height + 0.35 * height * (x - 0.5) ** 2 * (index - count / 2) / 3
        place = (across[:, None] - centre[None, :]) / (0.78 * height) + 0.5
        inside = (place > 0) & (place < 1)
        source = profile[index][np.clip((place * 3 * count).astype(np.int64), 0, 3 * count - 1)]
        image += np.where(inside, source * spectrum[None, :] + 2, 0).astype(np.float32)
    return image


def _columns(seen: Scene, nx: int, ny: int) -> "Image":
    import numpy as np

    long = "long" in seen.detector
    image = _slices(seen, ny, nx // 2, 12 if long else 17)
    other = _slices(seen, ny, nx - nx // 2, 16 if long else 21)
    both = np.concatenate([image, other * np.float32(0.7)])
    fringe = 1 + 0.10 * np.sin(np.arange(ny, dtype=np.float32) * (2.2 if long else 2.7))
    return np.ascontiguousarray((both * fringe[None, :]).T)


def _dark(_: Scene, nx: int, ny: int) -> "Image":
    import numpy as np

    image = np.full((ny, nx), 1.0, dtype=np.float32)
    glow = (
        np.linspace(-1, 1, nx, dtype=np.float32)[None, :] ** 2 + np.linspace(-1, 1, ny, dtype=np.float32)[:, None] ** 2
    )
    return image + 0.5 * glow**2


def _guide(seen: Scene, nx: int, ny: int) -> "Image":
    import numpy as np

    if max(nx, ny) > 140 or nx != ny:
        return _image(seen, nx, ny)
    image = np.full((ny, nx), 1.5, dtype=np.float32)
    shift = generator("guide", seen.exposure).random(2) - 0.5
    width = max(0.9, 0.02 * nx)
    sky.spikes(image, (nx - 1) / 2 + shift[0] * 0.2 * nx, (ny - 1) / 2 + shift[1] * 0.2 * ny, 900.0, width, core=1.0)
    return image


_DRAWN: dict[str, "Callable[[Scene, int, int], Image]"] = {
    "coronagraph": _coronagraph,
    "mask": _mask,
    "wfss": _wfss,
    "soss": _soss,
    "row": _row,
    "column": _column,
    "shutters": _shutters,
    "slices": _slices,
    "columns": _columns,
    "dark": _dark,
    "guide": _guide,
}
