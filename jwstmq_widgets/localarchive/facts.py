"""What the local archive knows of one file: enough to serve it and to draw it."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["FileFacts", "Scale"]

Scale = Literal["reduced", "real"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """One file of the holdings.

    Where a fact does not apply to the file (the detector of a pool, say) it is "" or 0.
    """

    name: str
    """File name."""
    size: int
    """Bytes served."""
    size_listed: bool = True
    """False where the catalogue leaves the size out, as real archives sometimes do."""
    scale: Scale = "reduced"
    """Whether pixel arrays are reduced, or the sizes are those of the real archive."""
    rights: Literal["PUBLIC", "EXCLUSIVE_ACCESS"] = "PUBLIC"
    """Who may have it."""
    release: float = 0.0
    """When it becomes, or became, public (MJD, UTC)."""
    program: int = 0
    """Program number."""
    title: str = ""
    """Title of the program."""
    pi_name: str = ""
    """Principal investigator."""
    category: str = ""
    """Category of the program: GO, GTO, ERS, COM, CAL."""
    target_name: str = ""
    """Target as MAST names it."""
    target_ra: float = 0.0
    """Right ascension of the target (deg, ICRS)."""
    target_dec: float = 0.0
    """Declination of the target (deg, ICRS)."""
    instrument: str = ""
    """NIRCAM, NIRSPEC, NIRISS, MIRI or FGS."""
    exp_type: str = ""
    """EXP_TYPE keyword, such as MIR_IMAGE."""
    detector: str = ""
    """Detector as in file names, such as mirimage."""
    filter: str = ""
    """FILTER keyword."""
    pupil: str = ""
    """PUPIL (NIRCam, NIRISS), GRATING (NIRSpec) or CHANNEL and BAND (MIRI MRS, such as 12-SHORT)."""
    subarray: str = ""
    """SUBARRAY keyword."""
    ra: float = 0.0
    """Right ascension of the middle of the file's field (deg, ICRS)."""
    dec: float = 0.0
    """Declination of the middle of the file's field (deg, ICRS)."""
    s_region: str = ""
    """Footprint, as in the catalogue: ``POLYGON ra dec ra dec ...``; may hold several polygons."""
    t_min: float = 0.0
    """Start (MJD, UTC)."""
    t_max: float = 0.0
    """End (MJD, UTC)."""
    exptime: float = 0.0
    """Exposure time (s)."""
    nints: int = 1
    """Integrations."""
    ngroups: int = 5
    """Groups an integration."""
    nx: int = 0
    """Columns of the full-size pixel array."""
    ny: int = 0
    """Rows of the full-size pixel array."""
    members: tuple[str, ...] = ()
    """Names of the files it was made from (associations, stage 3)."""
