"""What an exposure looks at: place, target, optics, and how the light reaches the detector."""

import re
from dataclasses import dataclass

from jwstmq_widgets.localarchive.facts import FileFacts
from jwstmq_widgets.localarchive.pixels.geometry import Footprint, footprint
from jwstmq_widgets.localarchive.pixels.nebulae import Look, look
from jwstmq_widgets.localarchive.pixels.sources import generator

__all__ = ["Scene", "mode", "scene"]

_PIXEL = {"NIRCAM": 0.031, "NIRSPEC": 0.10, "NIRISS": 0.065, "MIRI": 0.11, "FGS": 0.069}
"""Side of a pixel (arcsec): JWST User Documentation, pages of the instruments."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that decides what a detector sees: files of one exposure share it."""

    mode: str
    """How the light reaches the detector: see :func:`mode`."""
    target: str
    """The target's name, the seed of all that stands at its place."""
    place: tuple[float, float]
    """Right ascension and declination of the target (deg)."""
    look: Look
    """How its sky is drawn."""
    optics: str
    """Filter, pupil, grating, channel, band: words separated by blanks."""
    instrument: str
    """Instrument."""
    detector: str
    """Detector as in file names."""
    footprint: Footprint
    """Where it looks."""
    exposure: str
    """The name up to the detector: seeds the noise."""


def mode(exp_type: str, name: str, optics: str) -> str:
    """Sort exposure types by what their detectors show.

    Returns
    -------
    str
        image, coronagraph, mask, wfss, soss, row, column, shutters, slices, columns, dark or guide.
    """
    kind = exp_type.upper()
    if "_gs-" in name:
        return "guide"
    if "DARK" in kind:
        return "dark"
    for pattern, found in _MODES:
        if re.search(pattern, kind):
            return found
    if "NRM" in optics and not kind:
        return "mask"
    return "image"


_MODES = (
    ("AMI", "mask"),
    ("CORON|4QPM|LYOT", "coronagraph"),
    ("WFSS", "wfss"),
    ("SOSS", "soss"),
    ("TSGRISM|BRIGHTOBJ|FIXEDSLIT$|AUTOWAVE", "row"),
    ("MSASPEC|LAMP", "shutters"),
    ("NRS_IFU", "slices"),
    ("MIR_MRS", "columns"),
)


def scene(facts: FileFacts) -> Scene:
    """Tell what the detector of a file saw."""
    name = facts.name
    optics = f"{facts.filter} {facts.pupil} {name.split('_')[3] if '-' in name[:9] and name.count('_') > 3 else ''}"
    kind = "column" if facts.exp_type.upper().startswith("MIR_LRS") else mode(facts.exp_type, name, optics)
    stem = re.split(r"_(?:o\d{3}|[acr]\d{4}|[a-z0-9-]+)(?:_thumb)?\.", name)[0]
    pixel = _PIXEL.get(facts.instrument, 0.1) * (2.0 if "long" in facts.detector else 1.0)
    width, height = (facts.nx or 2048) * pixel, (facts.ny or 2048) * pixel
    angle = float(generator("roll", facts.program, name[:13]).random() * 360)
    target = facts.target_name or f"program {facts.program}"
    place = (facts.target_ra, facts.target_dec)
    if place == (0.0, 0.0):
        place = (facts.ra, facts.dec)
    return Scene(
        mode=kind,
        target=target,
        place=place,
        look=look(target, facts.title),
        optics=optics,
        instrument=facts.instrument,
        detector=facts.detector,
        footprint=footprint(facts.s_region, facts.ra, facts.dec, width, height, angle),
        exposure=stem,
    )
