"""The values that a catalogue is made of: observations with their files, before they become rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from jwstmq_widgets.localarchive.holdings.kinds import Kind, kind_of
from jwstmq_widgets.localarchive.programs import Program

__all__ = ["CatalogueFile", "Observation", "files_of", "spread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueFile:
    """One file."""

    name: str
    """File name."""
    kind: Kind
    """What it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One observation of CAOM, with what is needed to draw its files."""

    obs_id: str
    """CAOM's obs_id."""
    program: Program
    """Its program."""
    listed: bool
    """Whether a search finds it: exposures that went into a stage-3 product are found only through that."""
    calib_level: int
    """-1, 2 or 3."""
    instrument_name: str
    """Instrument and mode, as in CAOM."""
    dataproduct_type: str
    """CAOM's dataproduct_type."""
    filters: str | None
    """CAOM's filters."""
    target_name: str
    """CAOM's target_name."""
    target_ra: float
    """Right ascension of the target (deg)."""
    target_dec: float
    """Declination of the target (deg)."""
    exptime: float
    """Exposure time (s)."""
    t_min: float | None
    """Start (MJD)."""
    t_max: float | None
    """End (MJD)."""
    s_region: str
    """Footprint."""
    ra: float
    """Right ascension of the field's middle (deg)."""
    dec: float
    """Declination of the field's middle (deg)."""
    rights: str | None
    """dataRights."""
    release: float | None
    """t_obs_release (MJD)."""
    classification: str | None = None
    """CAOM's target_classification."""
    moving: bool = False
    """CAOM's mtFlag."""
    jpeg: str | None = None
    """Name of the preview that stands for it."""
    data: str | None = None
    """Name of its main product."""
    exp_type: str = ""
    """EXP_TYPE."""
    detector: str = ""
    """Detector."""
    filter: str = ""
    """FILTER."""
    pupil: str = ""
    """PUPIL, GRATING, or channel and band."""
    subarray: str = ""
    """SUBARRAY."""
    nints: int = 1
    """Integrations."""
    ngroups: int = 1
    """Groups an integration."""
    nx: int = 0
    """Columns."""
    ny: int = 0
    """Rows."""
    visit: str = ""
    """Observation and visit of an exposure (``002001``)."""
    dataset: str = ""
    """Exposure without detector and segment: the mission search's fileSetName."""
    association: str = ""
    """Association it is, or goes into: ``o002``, ``c1020``."""
    main: str = ""
    """Suffix that stage 3 is made from (exposures)."""
    members: tuple[str, ...] = ()
    """obs_id of the exposures it was made from."""
    files: tuple[CatalogueFile, ...] = ()
    """Its own files."""


def files_of(obs_id: str, suffixes: Sequence[str], *, stage3: bool) -> tuple[CatalogueFile, ...]:
    """Give an observation's products and their previews.

    Parameters
    ----------
    obs_id
        The part of the names before the suffix.
    suffixes
        Suffixes, in order.
    stage3
        Whether it is a stage-3 observation.
    """
    made = []
    for suffix in suffixes:
        extension = "ecsv" if suffix in {"cat", "whtlt", "phot"} else "fits"
        made.append(
            CatalogueFile(name=f"{obs_id}_{suffix}.{extension}", kind=kind_of(suffix, extension, stage3=stage3))
        )
    for suffix in suffixes:
        preview = _PREVIEWS.get(suffix)
        if preview:
            made.append(
                CatalogueFile(name=f"{obs_id}_{suffix}.{preview}", kind=kind_of(suffix, preview, stage3=stage3))
            )
    return tuple(made)


_PREVIEWS = {
    **dict.fromkeys(("uncal", "trapsfilled", "rate", "rateints", "dark", "cal", "i2d", "s2d", "s3d", "crf"), "jpg"),
    "x1d": "png",
}


def spread(text: str, low: float, high: float) -> float:
    """Give a number between low and high that is always the same for the same text."""
    return low + (high - low) * (crc32(text.encode()) % 100_003) / 100_002
