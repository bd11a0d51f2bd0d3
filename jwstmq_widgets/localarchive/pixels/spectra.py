"""What a target's light is made of: continuum, emission lines, bands, at the wavelengths of each spectrograph."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from jwstmq_widgets.localarchive.pixels.sources import generator

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["LINES", "band", "flux", "wavelength"]

LINES: tuple[tuple[float, float, str], ...] = (
    (0.1216, 1.2, "Lyα"), (0.3728, 0.8, "[O II]"), (0.4862, 0.5, "Hβ"), (0.4960, 0.6, "[O III]"),
    (0.5008, 1.8, "[O III]"),
    (0.6565, 1.6, "Hα"), (0.6732, 0.3, "[S II]"), (0.9533, 0.7, "[S III]"), (1.0833, 1.0, "He I"), (1.2822, 0.6, "Paβ"),
    (1.6440, 0.5, "[Fe II]"), (1.8756, 1.4, "Paα"), (2.1218, 0.8, "H₂"), (2.1661, 0.5, "Brγ"), (2.6259, 0.5, "Brβ"),
    (3.2970, 0.9, "PAH"), (4.0523, 1.0, "Brα"), (4.6946, 0.7, "H₂"), (5.5115, 0.6, "H₂"), (6.2200, 1.2, "PAH"),
    (6.9853, 0.9, "[Ar II]"), (7.7000, 1.5, "PAH"), (8.0251, 0.4, "H₂"), (8.9914, 0.8, "[Ar III]"),
    (10.5105, 1.0, "[S IV]"),
    (11.3000, 1.3, "PAH"), (12.2786, 0.5, "H₂"), (12.8135, 1.5, "[Ne II]"), (15.5551, 1.2, "[Ne III]"),
    (17.0348, 0.5, "H₂"),
    (18.7130, 1.0, "[S III]"), (25.8903, 0.9, "[O IV]"),
)  # fmt: skip
"""Rest wavelength (um), strength, name of lines in JWST's spectra (NIST; PAH: Draine & Li 2007)."""

_BANDS: tuple[tuple[str, tuple[float, float]], ...] = (
    ("PRISM", (0.60, 5.30)), ("G140M|G140H", (0.97, 1.84)), ("G235M|G235H", (1.66, 3.07)),
    ("G395M|G395H", (2.87, 5.10)),
    ("P750L", (5.0, 14.0)), ("GR700XD", (0.60, 2.83)), ("F322W2", (2.43, 4.01)),
    (r"\b1-?SHORT\b", (4.90, 5.74)), (r"\b1-?MEDIUM\b", (5.66, 6.63)), (r"\b1-?LONG\b", (6.53, 7.65)),
    (r"\b2-?SHORT\b", (7.51, 8.77)), (r"\b2-?MEDIUM\b", (8.67, 10.13)), (r"\b2-?LONG\b", (10.01, 11.70)),
    (r"\b3-?SHORT\b", (11.55, 13.47)), (r"\b3-?MEDIUM\b", (13.34, 15.57)), (r"\b3-?LONG\b", (15.41, 17.98)),
    (r"\b4-?SHORT\b", (17.70, 20.95)), (r"\b4-?MEDIUM\b", (20.69, 24.48)), (r"\b4-?LONG\b", (24.19, 27.90)),
    (r"\b1-?2?-?SHORTMEDIUMLONG", (4.90, 11.7)), (r"\b3-?4?-?SHORTMEDIUMLONG", (11.55, 27.9)),
    (r"\b12-?SHORT\b", (4.90, 8.77)), (r"\b12-?MEDIUM\b", (5.66, 10.13)), (r"\b12-?LONG\b", (6.53, 11.70)),
    (r"\b34-?SHORT\b", (11.55, 20.95)), (r"\b34-?MEDIUM\b", (13.34, 24.48)), (r"\b34-?LONG\b", (15.41, 27.90)),
)  # fmt: skip
"""Ranges of the dispersers (um): JWST User Documentation, pages of the spectroscopic modes."""


@lru_cache(maxsize=512)
def wavelength(optics: str) -> float:
    """Find the wavelength (um) of a filter's middle; 2.0 when its name does not tell."""
    found = re.findall(r"F(\d{3,4})[A-Z]", optics.upper())
    # Of two elements in the beam the narrower one decides; it is the one that ends in N or M.
    narrow = re.findall(r"F(\d{3,4})[NM]", optics.upper())
    if narrow or found:
        return int((narrow or found)[0]) / 100
    low, high = band(optics)
    return (low + high) / 2


@lru_cache(maxsize=512)
def band(optics: str) -> tuple[float, float]:
    """Find the range of wavelengths (um) that a combination of optical elements lets through."""
    words = optics.upper()
    for pattern, limits in _BANDS:
        if re.search(pattern, words):
            return limits
    found = re.search(r"F(\d{3,4})(W2|LP|[WMN])", words)
    if not found:
        return (1.0, 5.0) if "CH" not in words else (4.9, 28.0)
    middle = int(found[1]) / 100
    half = {"W2": 0.25, "LP": 0.3, "W": 0.13, "M": 0.05, "N": 0.01}[found[2]] * middle
    return middle - half, middle + half


def flux(waves: "NDArray[np.float64]", seed: str, kind: str) -> "NDArray[np.float64]":
    """Draw a spectrum (continuum about 1) at the given wavelengths (um).

    Parameters
    ----------
    waves
        Wavelengths (um).
    seed
        The source's name: decides slope, redshift, strengths.
    kind
        What the target is (:attr:`~jwstmq_widgets.localarchive.pixels.nebulae.Look.kind`): gas shines in lines, distant
        galaxies are redshifted, others are nearly smooth.
    """
    import numpy as np

    random = generator("spectrum", seed)
    slope, shift, strength, curve = random.random(4)
    redshift = {"deep": 0.8 + 6.5 * shift, "lens": 0.4 + 7.5 * shift, "group": 0.0215, "spiral": 0.002}.get(kind, 0.0)
    gas = {"shell": 7.0, "cliffs": 5.0, "deep": 2.6, "lens": 2.6, "group": 3.0, "spiral": 2.5, "rings": 5.0}.get(
        kind, 0.15
    )
    middle = float(np.mean(waves))
    total = (waves / middle) ** (1.4 * slope - 0.9) * (1 + 0.12 * np.sin(2.2 * waves / middle + 6 * curve))
    if kind in {"field", "planet"}:  # absorption of water vapour, carbon dioxide, silicates
        for place, deep, wide in (
            (1.4, 0.10, 0.05),
            (1.9, 0.12, 0.07),
            (2.7, 0.15, 0.12),
            (4.3, 0.12, 0.09),
            (9.7, 0.2, 0.9),
        ):
            total = total * (1 - deep * (0.4 + strength) * np.exp(-(((waves - place) / wide) ** 2)))
    spread = float(waves[-1] - waves[0]) / max(len(waves), 2)
    for (place, strong, name), vary in zip(LINES, random.random(len(LINES)), strict=True):
        shifted = place * (1 + redshift)
        if not waves[0] * 0.97 < shifted < waves[-1] * 1.03:
            continue
        wide = 0.012 * shifted if name == "PAH" else max(1.3 * spread, 0.0012 * shifted)
        total = total + gas * strong * (0.35 + vary) * (0.6 + 0.8 * strength) * np.exp(
            -(((waves - shifted) / wide) ** 2)
        )
    return np.asarray(total)
