"""How JWST's detectors are read: the readout pattern that gives an exposure its time.

Source: JWST User Documentation, "Readout Patterns" of NIRCam, NIRISS, NIRSpec, MIRI and FGS. Frame times are those of
full frames; of a subarray the time of a group is taken as it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

__all__ = ["Readout", "readout_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Readout:
    """A readout pattern at work."""

    pattern: str
    """READPATT."""
    frames: int
    """Frames that are averaged to a group (NFRAMES)."""
    gap: int
    """Frames dropped between groups (GROUPGAP)."""
    frame: float
    """Time of a frame (s)."""

    @property
    def group(self) -> float:
        """Time from one group to the next (s)."""
        return self.frame * (self.frames + self.gap)

    def exposure(self, nints: int, ngroups: int) -> float:
        """Give the effective exposure time (s)."""
        return nints * self.frame * ((ngroups - 1) * (self.frames + self.gap) + self.frames)


_NIRCAM = (
    ("RAPID", 1, 0), ("BRIGHT1", 1, 1), ("BRIGHT2", 2, 0), ("SHALLOW2", 2, 3), ("SHALLOW4", 4, 1), ("MEDIUM2", 2, 8),
    ("MEDIUM8", 8, 2), ("DEEP2", 2, 18), ("DEEP8", 8, 12),
)  # fmt: skip
_PATTERNS: Mapping[str, tuple[tuple[str, int, int, float], ...]] = MappingProxyType(
    {
        "NIRCAM": tuple((name, frames, gap, 10.73677) for name, frames, gap in _NIRCAM),
        "NIRISS": (("NISRAPID", 1, 0, 10.73677), ("NIS", 4, 0, 10.73677)),
        "NIRSPEC": (
            ("NRSRAPID", 1, 0, 10.73677),
            ("NRSIRS2RAPID", 1, 0, 14.58889),
            ("NRS", 4, 0, 10.73677),
            ("NRSIRS2", 5, 0, 14.58889),
        ),
        "MIRI": (("FASTR1", 1, 0, 2.77504), ("SLOWR1", 1, 0, 23.88960)),
        "FGS": (("FGSRAPID", 1, 0, 10.73677), ("FGS", 4, 0, 10.73677)),
    }
)
"""Instrument to name, frames, dropped frames and frame time (s) of its patterns, the quickest first."""


@lru_cache(maxsize=4096)
def readout_of(instrument: str, subarray: str, nints: int, ngroups: int, exptime: float) -> Readout:
    """Find the readout pattern of an exposure.

    Parameters
    ----------
    instrument
        Instrument, such as ``"NIRCAM"``.
    subarray
        SUBARRAY; ``"FULL"`` or ``""`` for the whole detector.
    nints, ngroups
        Integrations, and groups in each.
    exptime
        Exposure time (s); 0 where it is not known.

    Returns
    -------
    Readout
        The pattern whose time is nearest; the instrument's quickest for a subarray, with the frame time that fits.
    """
    nints, ngroups = max(nints, 1), max(ngroups, 1)
    patterns = [
        Readout(pattern=name, frames=frames, gap=gap, frame=frame)
        for name, frames, gap, frame in _PATTERNS.get(instrument, _PATTERNS["NIRCAM"])
    ]
    quickest = patterns[0]
    if exptime <= 0:
        return quickest
    if subarray not in ("", "FULL"):
        return Readout(pattern=quickest.pattern, frames=1, gap=0, frame=round(exptime / (nints * ngroups), 5))
    return min(patterns, key=lambda readout: abs(readout.exposure(nints, ngroups) - exptime))
