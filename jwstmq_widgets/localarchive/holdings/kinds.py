"""What MAST's product rows say of a kind of file: description, product type, group, calibration level.

Source: product lists of MAST, 2022 to 2025. Where no text of MAST was seen the description is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

__all__ = ["Kind", "kind_of"]

_DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "uncal": "exposure (L1b): Uncalibrated 4D exposure data",
        "trapsfilled": "exposure (L2a): charge trap product for persistence",
        "rate": "exposure (L2a): 2D count rate averaged over integrations",
        "rateints": "exposure (L2a): 3D countrate per integration",
        "cal": "exposure (L2b): 2D calibrated exposure average over integrations",
        "calints": "exposure (L2b): 3D calibrated exposure",
        "i2d": "exposure/target (L2b/L3): rectified 2D image",
        "s2d": "exposure/target (L2b/L3): 2D image of spectrum avg integrations",
        "s3d": "exposure/target (L2b/L3): 3D image of spectrum",
        "x1d": "exposure/target (L2b/L3): 1D extracted spectrum",
        "crf": "exposure (L2c): 2D Calibrated data averaged over integrations",
        "cat": "target   (L3) : source catalog",
        "segm": "target   (L3) : segmentation map",
        "asn": "source/target (L3) : association generator",
        "pool": "source/target (L3) : association pool",
        "msa": "MSA metadata",
    }
)
_CRF_TARGET = "exposure/target (L2b/L3): 2D Calibrated data averaged over integrations"
_EXPOSURE_GROUPS = {"crf": "ANNNN_CRF", "crfints": "ANNNN_CRFINTS"}
_RECOMMENDED_EXPOSURE = {"cal", "rate", "rateints", "asn", "pool"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of file, as product rows describe it."""

    suffix: str
    """Suffix of the name, such as cal; gs-acq1 and so on for guide stars."""
    extension: str
    """Extension without the dot."""
    stage3: bool
    """True for the products of a stage-3 observation."""
    description: str | None
    """MAST's description."""
    product_type: str
    """SCIENCE, PREVIEW, INFO or AUXILIARY."""
    group: str | None
    """productSubGroupDescription."""
    calib_level: int
    """1, 2 or 3."""
    recommended: bool
    """Whether it is of the Minimum Recommended Products where it is an observation's own."""
    versioned: bool
    """Whether the row tells the version of the pipeline."""


@cache
def kind_of(suffix: str, extension: str, *, stage3: bool) -> Kind:
    """Describe a file by suffix and extension.

    Parameters
    ----------
    suffix
        Suffix without underscore.
    extension
        Extension without dot.
    stage3
        Whether it belongs to a stage-3 observation.
    """
    preview = extension in {"jpg", "png"}
    description: str | None = "Preview-Full" if preview else _DESCRIPTIONS.get(suffix)
    if suffix == "crf" and stage3 and not preview:
        description = _CRF_TARGET
    group = suffix.upper() if stage3 else _EXPOSURE_GROUPS.get(suffix, suffix.upper())
    if suffix in {"asn", "pool"}:
        product_type = "INFO"
    elif preview:
        product_type = "PREVIEW"
    else:
        product_type = "AUXILIARY" if suffix in {"msa", "segm"} else "SCIENCE"
    level = 1 if suffix in {"uncal", "msa"} else 3 if stage3 else 2
    return Kind(
        suffix=suffix,
        extension=extension,
        stage3=stage3,
        description=description,
        product_type=product_type,
        group=None if preview else group,
        calib_level=level,
        recommended=not preview and (stage3 or suffix in _RECOMMENDED_EXPOSURE),
        versioned=suffix not in {"uncal", "msa"},
    )
