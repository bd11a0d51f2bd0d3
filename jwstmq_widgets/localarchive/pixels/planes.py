"""The arrays of a file: what is drawn for SCI, and what belongs to it in ERR, DQ, the variances and the rest."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from jwstmq_widgets.localarchive.facts import FileFacts
from jwstmq_widgets.localarchive.pixels import sky
from jwstmq_widgets.localarchive.pixels.cards import Card
from jwstmq_widgets.localarchive.pixels.detectors import companions, draw
from jwstmq_widgets.localarchive.pixels.geometry import Footprint
from jwstmq_widgets.localarchive.pixels.layouts import Extension, kind_of
from jwstmq_widgets.localarchive.pixels.scenes import Scene, scene
from jwstmq_widgets.localarchive.pixels.sources import generator, sources
from jwstmq_widgets.localarchive.pixels.spectra import band, flux

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.floating]

__all__ = ["Planes", "planes", "signal"]

_DRAWN = 256
"""Longest side that is drawn (pixels): larger arrays show these pixels as blocks."""


@dataclass(frozen=True, slots=True)
class Planes:
    """The arrays of one file."""

    facts: FileFacts
    """The file."""
    seen: Scene
    """What its detector saw."""
    suffix: str
    """Suffix of its name."""
    sliced: bool
    """Whether a spectrum stands alone in the array."""
    depth: int
    """Planes along the wavelength; 0 without such an axis."""

    @property
    def footprint(self) -> Footprint:
        """Where the pixels lie."""
        return self.seen.footprint

    @property
    def unit(self) -> str:
        """Unit of SCI."""
        return {"uncal": "DN", "stream": "DN", "rate": "DN/s", "rateints": "DN/s", "dark": "DN", "segm": ""}.get(
            self.suffix, "MJy/sr"
        )

    @property
    def axes(self) -> int:
        """Axes of the world coordinate system: 2, 3 for a cube, 0 where the pixels are not those of the sky."""
        if self.suffix in {"msa", "ami-oi", "amimulti-oi", "aminorm-oi", "amilg", "s2d"} or self.sliced:
            return 0
        if self.depth:
            return 3
        shown = self.seen.mode in {"image", "coronagraph", "mask", "guide"} or self.suffix in {
            "uncal",
            "rate",
            "rateints",
        }
        return 2 if shown else 0

    @property
    def spectral_cards(self) -> list[Card]:
        """Keywords of the wavelength axis."""
        if not self.depth:
            return []
        low, high = band(self.seen.optics)
        return [
            ("CRPIX3", 1.0, ""),
            ("CRVAL3", low, "[um] wavelength of the first plane"),
            ("CTYPE3", "WAVE", ""),
            ("CUNIT3", "um", ""),
            ("CDELT3", (high - low) / max(1, self.depth - 1), ""),
            ("PC3_3", 1.0, ""),
        ]

    def plane(self, part: Extension, index: int) -> "NDArray[np.generic]":
        """Draw one plane of an extension, big-endian as FITS wants it, at most 256 pixels wide and high."""
        *_, ny, nx = part.shape
        factor = max(1.0, max(nx, ny) / _DRAWN)
        width, height = max(1, round(nx / factor)), max(1, round(ny / factor))
        return _stored(self, part.name, part.code, part.shape[1] if len(part.shape) == 4 else 1, index, width, height)


def planes(facts: FileFacts, parts: tuple[Extension, ...]) -> Planes:
    """Tell what the arrays of a file show."""
    kind = kind_of(facts)
    sliced = kind.suffix == "s2d" or (
        kind.stage3 and kind.suffix in {"cal", "crf"} and kind.mode in {"wfss", "row", "column", "shutters", "soss"}
    )
    depth = 0 if kind.suffix != "s3d" else parts[0].shape[0] if parts else 64
    return Planes(facts, scene(facts), kind.suffix, sliced, depth)


@lru_cache(maxsize=48)
def _stored(drawn: Planes, name: str, code: str, groups: int, index: int, nx: int, ny: int) -> "NDArray[np.generic]":
    import numpy as np

    facts = drawn.facts
    seed = f"{facts.name} {index % 7}"
    if drawn.suffix == "segm":
        return np.asarray(_segments(drawn.seen, nx, ny), dtype=">i4")
    if name == "SHUTTER_IMAGE":
        return np.asarray(generator("shutter image", facts.name).random((ny, nx)) > 0.97, dtype=">f4")
    if code == "u2":
        return _raw(drawn, index % groups, index // groups, nx, ny)
    if name in {"AREA", "BARSHADOW", "PATHLOSS_PS", "PATHLOSS_UN", "CON", "REGIONS"}:
        return np.ones((ny, nx), dtype=">i4" if code == "i4" else ">f4")
    if name.startswith("WAVELENGTH"):
        low, high = band(drawn.seen.optics)
        return np.asarray(np.broadcast_to(np.linspace(low, high, nx), (ny, nx)), dtype=">f4")
    if name == "DQ":
        # Unsigned integers are stored with an offset of 2**31: 0 is the smallest, DO_NOT_USE + HOT the flagged ones.
        flags = np.where(_hot(drawn.seen, nx, ny) > 0, 2049, 0).astype(np.int64)
        return np.asarray(flags - (1 << 31), dtype=">i4")
    light = signal(drawn, index, nx, ny)
    error = np.sqrt(np.clip(light, 0.05, None) * np.float32(0.012) + np.float32(0.006))
    if name == "SCI":
        image = light + error * sky.noise(seed, ny, nx)
        if drawn.suffix in {"rate", "rateints", "dark"}:
            image = image + np.float32(0.15) * _stripes(seed, ny, nx) + _hot(drawn.seen, nx, ny)
        return np.asarray(image, dtype=">f4")
    share = {"VAR_POISSON": 0.6, "VAR_RNOISE": 0.3, "VAR_FLAT": 0.1}.get(name)
    if share:
        return np.asarray(error * error * np.float32(share), dtype=">f4")
    if name in {"WHT", "WMAP"}:
        return np.full((ny, nx), max(1.0, facts.exptime), dtype=">f4")
    return np.asarray(error, dtype=">f4")


def signal(drawn: Planes, index: int, nx: int, ny: int) -> "Image":
    """Draw SCI without noise: surface brightness, `ny` times `nx`, first row at the bottom."""
    import numpy as np

    if drawn.sliced:
        return _alone(drawn.seen, drawn.facts.name, nx, ny)
    if drawn.depth:
        low, high = band(drawn.seen.optics)
        waves = np.linspace(low, high, max(2, drawn.depth))
        bright = flux(waves, drawn.seen.target, drawn.seen.look.kind)
        image = draw(replace(drawn.seen, mode="image"), nx, ny)
        # In a line the gas shines, beside it only the stars.
        return np.asarray(image * np.float32(bright[min(index, len(bright) - 1)]))
    if drawn.suffix == "psfstack":
        return np.asarray(np.roll(draw(drawn.seen, nx, ny), (index % 3) - 1, axis=1))
    if drawn.suffix == "psfsub":
        left = np.float32(0.05) * draw(drawn.seen, nx, ny) * sky.noise(f"speckles {drawn.facts.name}", ny, nx)
        return np.asarray(left + companions(drawn.seen, nx, ny) + np.float32(2.0))
    return draw(drawn.seen, nx, ny)


def _alone(seen: Scene, name: str, nx: int, ny: int) -> "Image":
    import numpy as np

    stem = name.split("_")
    seed = f"{seen.target} {stem[1] if len(stem) > 2 and name[7:8] == '-' else ''}"
    low, high = band(seen.optics)
    spectrum = flux(np.linspace(low, high, nx), seed, seen.look.kind)
    y = np.arange(ny)[:, None] / ny
    middle = 0.5 + 0.04 * (np.arange(nx)[None, :] / nx - 0.5)
    image = np.zeros((ny, nx))
    for place, share in ((0.0, 1.0), (-0.3, -0.45), (0.3, -0.45)):  # nodding leaves negative images beside the source
        image += share * np.exp(-0.5 * ((y - middle - place) / 0.045) ** 2)
    edge = np.clip(np.minimum(np.arange(nx), nx - 1 - np.arange(nx)) / (0.02 * nx + 1), 0, 1)
    return np.asarray(8 * image * spectrum[None, :] * edge, dtype=np.float32)


def _raw(drawn: Planes, group: int, integration: int, nx: int, ny: int) -> "NDArray[np.generic]":
    import numpy as np

    seed = f"{drawn.facts.name} {group} {integration}"
    light = draw(drawn.seen, nx, ny)
    counts = 9000 + 120 * _stripes(drawn.facts.name[:25], ny, nx) + 18 * sky.noise(seed, ny, nx)
    counts = counts + (group + 1) * (12 * light + 400 * _hot(drawn.seen, nx, ny))
    return np.asarray(np.clip(counts, 0, 65535).astype(np.int32) - 32768, dtype=">i2")


def _stripes(seed: str, ny: int, nx: int) -> "Image":
    """Draw what the amplifiers add: rows of 1/f noise, four steps between the outputs."""
    import numpy as np

    rows = sky.noise(f"stripes {seed}", ny, 1)
    steps = np.repeat(sky.noise(f"outputs {seed}", 1, 4), -(-nx // 4), axis=1)[:, :nx]
    return np.asarray(rows + steps)


@lru_cache(maxsize=64)
def _hot(seen: Scene, nx: int, ny: int) -> "Image":
    """Draw hot pixels: the same ones of a detector in every exposure."""
    import numpy as np

    random = generator("hot", seen.detector, nx, ny)
    image = np.zeros((ny, nx), dtype=np.float32)
    count = max(1, nx * ny // 450)
    image[random.integers(0, ny, count), random.integers(0, nx, count)] = 60 * random.random(count) ** 3
    return image


def _segments(seen: Scene, nx: int, ny: int) -> "NDArray[np.int32]":
    """Draw the numbers of a field's sources, each around its place."""
    import numpy as np

    image = np.zeros((ny, nx), dtype=np.int32)
    found = sources(seen.footprint, seen.look.field)
    u, v = seen.footprint.places(found.ra, found.dec)
    rows, columns = np.mgrid[0:ny, 0:nx]
    inside = np.flatnonzero((u > 0) & (u < 1) & (v > 0) & (v < 1))
    for label, index in enumerate(inside[np.argsort(-found.flux[inside])][:120][::-1], 1):
        reach = 1.2 + 0.9 * np.log(1 + found.flux[index])
        image[(columns - u[index] * nx) ** 2 + (rows - v[index] * ny) ** 2 < reach**2] = label
    return image
