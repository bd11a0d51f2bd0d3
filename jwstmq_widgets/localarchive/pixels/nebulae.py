"""What a target looks like: its clouds, shells and spiral arms, as seen around its middle."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from jwstmq_widgets.localarchive.pixels.sources import Field, generator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Image = NDArray[np.floating]

__all__ = ["TEXTURED", "Look", "cirrus", "clouds", "look", "texture"]

_SIDE = 448


@dataclass(frozen=True, slots=True)
class Look:
    """How the sky around a target is drawn."""

    kind: str
    """What stands at the target's place."""
    radius: float
    """Half the side of what is drawn around the target (arcsec)."""
    field: Field
    """The sources around it."""


_QUIET = Field(stars=7, galaxies=5)
_LOOKS: tuple[tuple[str, Look], ...] = (
    (r"ngc.?3132|southern ring|ngc.?6302|ngc.?6720|planetary neb|m57", Look("shell", 75, Field(9, 5))),
    (
        r"carina|ngc.?3324|cliff|orion|pillar|m16|eagle|ic.?348|ngc.?346|rho.?oph|horsehead|ngc.?7023|tarantula|30.?dor",
        Look("cliffs", 170, Field(26, 1, 0.9)),
    ),
    (r"stephan|ngc.?7319|hcg|vv.?114|ngc.?3256|ii.?zw|arp|merg|lirg", Look("group", 110, Field(6, 8))),
    (
        r"ngc.?0*(628|1087|1300|1365|1385|1433|1512|1566|1672|2835|3351|3627|4254|4303|4321|4535|5068|6552|7469|7496)|ic.?5332|m(33|51|74|83)\b|phangs|spiral",
        Look("spiral", 120, Field(6, 3)),
    ),
    (r"smacs|abell|a2744|el.?gordo|macs|glass|cluster lens", Look("lens", 70, Field(2, 46, 1.1))),
    (
        r"ceers|egs|goods|cosmos|uds|hudf|xdf|ngdeep|fresco|jades|panoramic|deep|parallel|survey|galax",
        Look("deep", 60, Field(2, 42, 1.05)),
    ),
    (r"sn.?1987|supernova", Look("rings", 6, Field(60, 0, 0.9))),
    (r"jupiter|saturn|uranus|neptune|mars|titan", Look("planet", 20, _QUIET)),
    (r"europa|enceladus|ganymede|io\b|callisto|moon|asteroid|comet", Look("planet", 1.2, _QUIET)),
    (
        r"lmc|smc|m31|m92|m71|ngc.?6791|ic.?166|ngc.?104|47.?tuc|ngc.?6397|brick|sgr|galactic|globular|cluster|ngc.?188|m.?13\b",
        Look("field", 100, Field(130, 1, 0.85)),
    ),
)
_OTHERWISE = Look("field", 100, Field(12, 7))


@lru_cache(maxsize=1024)
def look(target: str, title: str) -> Look:
    """Choose how a target is drawn, by its name and then by the title of its program."""
    if re.search(r"bkg|background", target.lower()):
        return _OTHERWISE
    for words in (target, title):
        for pattern, found in _LOOKS:
            if re.search(pattern, words.replace("-", " ").lower()):
                return found
    return _OTHERWISE


@lru_cache(maxsize=64)
def clouds(seed: str, side: int = _SIDE, slope: float = 2.6) -> "Image":
    """Draw a cloud: Gaussian random field of power-law spectrum, mean 0 and deviation 1, that joins at its edges."""
    import numpy as np

    random = generator("clouds", seed)
    frequency = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :])
    frequency[0, 0] = 1.0
    amplitude = frequency ** (-slope / 2)
    amplitude[0, 0] = 0.0
    field = np.fft.irfft2(np.fft.rfft2(random.standard_normal((side, side))) * amplitude, s=(side, side))
    return np.asarray(field / field.std(), dtype=np.float32)


@lru_cache(maxsize=48)
def texture(kind: str, seed: str, wavelength: float) -> "Image":
    """Draw what stands at a target's place, north up and east left, in MJy/sr above the background.

    Parameters
    ----------
    kind
        :attr:`Look.kind`.
    seed
        The target's name: two galaxies differ.
    wavelength
        Of the filter (um): gas and stars shine at short waves, dust and molecules at long ones.
    """
    import numpy as np

    y, x = np.mgrid[1 : -1 : _SIDE * 1j, -1 : 1 : _SIDE * 1j].astype(np.float32)
    warm = float(np.clip((wavelength - 1.0) / 9.0, 0.0, 1.0) ** 0.6)
    rough, fine = clouds(seed, slope=3.2), clouds(f"{seed} fine", slope=2.5)
    turn = float(generator("turn", seed).random() * np.pi)
    u, v = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    draw = _KINDS.get(kind)
    if draw is None:
        return np.zeros_like(x)
    image = draw(u, v, rough, fine, warm) if kind != "cliffs" else draw(x, y, rough, fine, warm)
    if kind != "cliffs":
        image = image * np.clip((1.0 - np.maximum(np.abs(x), np.abs(y))) / 0.12, 0, 1)
    return np.asarray(image, dtype=np.float32)


@lru_cache(maxsize=48)
def cirrus(kind: str, seed: str, wavelength: float) -> "Image":
    """Draw the faint clouds behind everything, in MJy/sr: a texture that goes on without end."""
    import numpy as np

    warm = float(np.clip((wavelength - 1.0) / 9.0, 0.0, 1.0) ** 0.6)
    share = {"deep": 0.15, "lens": 0.15, "cliffs": 2.0}.get(kind, 1.0)
    return np.asarray(share * np.exp(0.7 * clouds(f"{seed} cirrus", 256)) * (0.12 + 0.25 * warm), dtype=np.float32)


def _shell(x: "Image", y: "Image", rough: "Image", fine: "Image", warm: float) -> "Image":
    import numpy as np

    y = y / 0.82
    angle = np.arctan2(y, x)
    radius = np.hypot(x, y) * (1 + 0.06 * rough + 0.05 * np.cos(2 * angle + 0.6))
    ring = np.exp(-(((radius - 0.27) / (0.035 + 0.02 * warm)) ** 2)) * (1 + 0.35 * fine)
    cavity = np.exp(-((radius / 0.25) ** 4)) * (0.55 + 0.18 * fine) * (1 - 0.7 * warm)
    arcs = np.zeros_like(x)
    for number, place in enumerate((0.33, 0.40, 0.47, 0.56, 0.66)):
        wave = place * (1 + 0.06 * np.cos((number + 2) * angle + 1.7 * number) + 0.05 * rough)
        distance = radius - wave
        rim = np.where(distance > 0, np.exp(-distance / 0.012), np.exp(distance / 0.06))
        arcs += rim * (0.9 - 0.14 * number) * np.clip(0.7 + 0.45 * fine, 0.05, 2)
    rays = np.clip(1 + 0.5 * np.cos(37 * angle + 3 * rough) + 0.4 * np.cos(23 * angle), 0.2, 2.2)
    halo = np.exp(-((radius / 0.5) ** 2)) * 0.35 * rays * (1 - np.exp(-((radius / 0.38) ** 6)))
    gas = 34 * (ring * (1.25 - 0.35 * warm) + cavity)
    return np.asarray(np.clip(gas + (7 + 20 * warm) * arcs + (5 + 12 * warm) * halo, 0, None))


def _cliffs(x: "Image", y: "Image", rough: "Image", fine: "Image", warm: float) -> "Image":
    import numpy as np

    image = np.zeros_like(x)
    # Ranges one behind the other: the nearer the darker, each with a rim that the stars above light up.
    for number, (base, bright) in enumerate(((0.30, 0.55), (-0.02, 0.8), (-0.42, 1.0))):
        phase = 2.1 * number
        bent = x + 0.03 * np.roll(fine, 60 * number, axis=0)
        height = base + 0.10 * np.sin(2.6 * bent + phase) + 0.07 * np.sin(6.1 * bent + 2 * phase)
        height = height + 0.07 * np.roll(rough, 90 * number, axis=1) + 0.015 * np.roll(fine, 45 * number, axis=1)
        for place, tall, width in ((-0.55, 0.22, 0.07), (0.08, 0.16, 0.05), (0.6, 0.26, 0.08)):
            height = height + tall * np.exp(-(((bent - place - 0.17 * number) / width) ** 2))
        depth = height - y
        body = 1 / (1 + np.exp(-np.clip(depth / 0.008, -30, 30)))
        rim = np.exp(-np.clip(depth, 0, None) / 0.018) + 0.35 * np.exp(-np.clip(depth, 0, None) / 0.09)
        steam = np.exp(np.clip(depth, None, 0) / 0.10) * np.clip(0.5 + 0.25 * rough, 0.1, None)
        dust = np.clip(0.30 + 0.10 * rough + 0.10 * np.roll(fine, 30 * number, axis=1), 0.03, None)
        front = bright * ((8 + 14 * warm) * dust + (22 - 6 * warm) * rim * np.clip(1 + 0.3 * fine, 0.3, 2))
        image = image * (1 - body) + body * front + (1 - body) * bright * (5 - 2 * warm) * steam
    return np.asarray(image, dtype=np.float32)


def _spiral(x: "Image", y: "Image", rough: "Image", fine: "Image", warm: float) -> "Image":
    import numpy as np

    y = y / 0.75
    fine = np.clip(fine, -3, 3)
    radius = np.hypot(x, y) + 1e-3
    angle = np.arctan2(y, x)
    winding = angle - 3.4 * np.log(radius + 0.03) + 0.35 * rough
    arms = np.clip(0.5 + 0.5 * np.cos(2 * winding), 0, 1) ** (2.2 + 2 * warm)
    spurs = np.clip(0.5 + 0.5 * np.cos(7 * winding + 2.5 * fine), 0, 1) ** 3
    disc = np.exp(-radius / 0.32)
    bubbles = np.abs(fine + 0.5 * rough)
    filaments = np.exp(-((bubbles / 0.35) ** 2))
    knots = np.clip(fine - 1.3, 0, None) * arms
    bulge = np.exp(-((radius / 0.035) ** 1.1)) * 60 + 14 * np.exp(-radius / 0.09) * (1 - 0.6 * warm)
    smooth = 16 * disc * (0.35 + arms) * (1 - 0.65 * warm)
    dusty = 34 * disc**1.5 * (0.12 + arms + 0.35 * spurs) * (0.15 + filaments) * (0.25 + warm)
    return np.asarray(smooth + dusty + bulge * (1 - 0.4 * warm) + 90 * disc**3 * knots, dtype=np.float32)


def _group(x: "Image", y: "Image", rough: "Image", fine: "Image", warm: float) -> "Image":
    import numpy as np

    image = np.zeros_like(x)
    members = (
        (-0.35, 0.30, 0.5, 0.4, 1.0),
        (0.18, 0.05, 0.36, 2.0, 1.2),
        (0.02, -0.12, 0.34, 0.9, 1.0),
        (0.42, -0.42, 0.42, 2.7, 0.8),
    )
    for place_x, place_y, scale, turn, bright in members:
        u, v = (x - place_x) / scale, (y - place_y) / scale
        u, v = u * np.cos(turn) + v * np.sin(turn), v * np.cos(turn) - u * np.sin(turn)
        image += bright * _spiral(u, v, rough, fine, warm)
    tail = np.exp(-(((y - 0.9 * x * x + 0.25 + 0.08 * rough) / 0.05) ** 2)) * np.exp(-((x / 0.6) ** 2))
    return np.asarray(image + (1.5 + 3 * warm) * tail * np.clip(1 + 0.2 * fine, 0.1, None))


def _lens(x: "Image", y: "Image", rough: "Image", _: "Image", warm: float) -> "Image":
    import numpy as np

    radius, angle = np.hypot(x, y / 0.7), np.arctan2(y, x)
    image = 40 * np.exp(-((radius / 0.02) ** 0.8)) + 3.0 * np.exp(-radius / 0.16)
    random = generator("arcs", float(rough[0, 0]).hex())
    for _arc in range(34):
        place, middle, length, thick, bright = random.random(5)
        where = 0.16 + 0.62 * place
        away = (angle - middle * 2 * np.pi + np.pi) % (2 * np.pi) - np.pi
        span = 0.05 + 0.30 * length**3
        image += (
            (1.5 + 9 * bright**3)
            * np.exp(-(((radius - where * (1 + 0.10 * away**2)) / (0.004 + 0.006 * thick)) ** 2))
            * np.exp(-((away / span) ** 4))
        )
    for _galaxy in range(26):
        place_x, place_y, bright = random.standard_normal(3)
        image += (6 + 5 * abs(bright)) * np.exp(
            -((np.hypot(x - 0.25 * place_x, y - 0.2 * place_y) / (0.007 + 0.006 * abs(bright))) ** 0.9)
        )
    return np.asarray(image * (1 - 0.3 * warm))


def _rings(x: "Image", y: "Image", _: "Image", fine: "Image", warm: float) -> "Image":
    import numpy as np

    image: Image = 55 * np.exp(-(((np.hypot(x, y / 0.72) - 0.16) / 0.022) ** 2)) * np.clip(1 + 0.6 * fine, 0.2, None)
    image += (12 + 10 * warm) * np.exp(-((np.hypot(x / 0.7, y) / 0.055) ** 2))
    for side in (-1, 1):
        image += 6 * np.exp(-(((np.hypot(x / 1.15, (y - side * 0.24) / 0.95) - 0.31) / 0.014) ** 2))
    return np.asarray(image, dtype=np.float32)


def _planet(x: "Image", y: "Image", rough: "Image", fine: "Image", warm: float) -> "Image":
    import numpy as np

    radius = np.hypot(x, y / 0.94) / 0.62
    limb = np.sqrt(np.clip(1 - radius**2, 0, None))
    bands = 1 + 0.28 * np.sin(17 * y + 0.35 * rough) + 0.10 * np.sin(41 * y + 0.4 * fine) + 0.05 * fine
    spot = 1.2 * np.exp(-(((x - 0.2) / 0.10) ** 2) - (((y + 0.22) / 0.05) ** 2))
    glow = 2.5 * np.exp(-np.clip(radius - 1, 0, None) / 0.10)
    return np.asarray(np.where(radius < 1, 60 * limb ** (0.35 + 0.3 * warm) * (bands + spot), glow), dtype=np.float32)


_KINDS: "dict[str, Callable[[Image, Image, Image, Image, float], Image]]" = {
    "shell": _shell,
    "cliffs": _cliffs,
    "spiral": _spiral,
    "group": _group,
    "lens": _lens,
    "rings": _rings,
    "planet": _planet,
}

TEXTURED = frozenset(_KINDS)
"""Kinds of targets with something to draw besides stars and galaxies."""
