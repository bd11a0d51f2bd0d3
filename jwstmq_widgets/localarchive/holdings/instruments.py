"""What JWST's instruments fix: detectors, apertures, filters, and the files that each exposure type yields.

Sources: JWST user documentation (frame sizes, pixel scales, apertures), JWST pipeline documentation ("Science
products", "Exposure types and pipelines"), product lists of MAST. Offsets between detectors are rounded.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

__all__ = [
    "APERTURES",
    "DETECTOR_FRAMES",
    "GUIDE_MODES",
    "RECIPES",
    "SUBARRAYS",
    "Frame",
    "GuideMode",
    "Recipe",
    "wavelengths",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A detector's pixels and its place in the instrument's field."""

    nx: int
    """Columns."""
    ny: int
    """Rows."""
    pixel: float
    """Side of a pixel on the sky (arcsec)."""
    x: float = 0.0
    """Right of the field's middle (arcsec)."""
    y: float = 0.0
    """Above the field's middle (arcsec)."""


def _nircam() -> dict[str, Frame]:
    frames = {}
    for module, middle in (("a", -88.0), ("b", 88.0)):
        places = ((-34, -34), (-34, 34), (34, -34), (34, 34))
        for number, (x, y) in enumerate(places, start=1):
            frames[f"nrc{module}{number}"] = Frame(nx=2048, ny=2048, pixel=0.031, x=middle + x, y=float(y))
        frames[f"nrc{module}long"] = Frame(nx=2048, ny=2048, pixel=0.063, x=middle)
    return frames


DETECTOR_FRAMES: Mapping[str, Frame] = MappingProxyType(
    {
        **_nircam(),
        "nrs1": Frame(nx=2048, ny=2048, pixel=0.10),
        "nrs2": Frame(nx=2048, ny=2048, pixel=0.10),
        "nis": Frame(nx=2048, ny=2048, pixel=0.065),
        "mirimage": Frame(nx=1032, ny=1024, pixel=0.11),
        "mirifushort": Frame(nx=1032, ny=1024, pixel=0.2),
        "mirifulong": Frame(nx=1032, ny=1024, pixel=0.3),
        "guider1": Frame(nx=2048, ny=2048, pixel=0.069, x=-80.0),
        "guider2": Frame(nx=2048, ny=2048, pixel=0.069, x=80.0),
    }
)
"""Detector, as file names spell it, to its frame."""

SUBARRAYS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "SUB320A335R": (320, 320),
        "SUB640A210R": (640, 640),
        "SUB640": (640, 640),
        "SUB80": (80, 80),
        "SUB64": (72, 64),
        "SUB256": (256, 256),
        "SLITLESSPRISM": (72, 416),
        "SUBSTRIP256": (2048, 256),
        "SUBGRISM256": (2048, 256),
        "SUB2048": (2048, 32),
        "SUB512": (512, 32),
        "SUBS200A1": (2048, 64),
        "MASK1550": (288, 224),
        "MASKLYOT": (320, 304),
        "SUBTAAMI": (64, 64),
        "SUBNISTA": (64, 64),
    }
)
"""Subarray to columns and rows; FULL is the whole detector."""

APERTURES: Mapping[str, tuple[float, float]] = MappingProxyType(
    {
        "NRS_IFU": (3.0, 3.0),
        "NRS_FIXEDSLIT": (3.2, 0.2),
        "NRS_BRIGHTOBJ": (1.6, 1.6),
        "NRS_MSASPEC": (204.0, 216.0),
        "NRS_MSATA": (204.0, 216.0),
        "MIR_LRS-FIXEDSLIT": (4.7, 0.51),
        "mirifushort": (4.8, 5.2),
        "mirifulong": (7.7, 7.7),
    }
)
"""Exposure type (or MRS detector) to the width and height (arcsec) that see the sky, where that is not all pixels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What one exposure type yields."""

    instrument_name: str
    """Instrument with its mode, as CAOM has it."""
    dataproduct_type: str
    """CAOM's dataproduct_type of the calibrated product."""
    suffixes: tuple[str, ...]
    """Stage 1 and 2 products of an exposure."""
    rule: str = ""
    """Association rule of stage 2; "" for none."""
    rule3: str = ""
    """Association rule of stage 3; "" where no stage 3 runs."""
    suffixes2c: tuple[str, ...] = ()
    """Products of stage 3 that stay exposures."""
    suffixes3: tuple[str, ...] = ()
    """Stage-3 products, the main one first."""
    main2: str = "cal"
    """The exposure's product that stage 3 is made from."""


_IMAGE = ("uncal", "rate", "rateints", "cal", "i2d")
_TA = ("uncal", "rate", "rateints", "cal", "i2d")
_SPEC2D = ("uncal", "rate", "rateints", "cal", "s2d", "x1d")
_IFU = ("uncal", "rate", "rateints", "cal", "s3d", "x1d")
_TSO = ("uncal", "rate", "rateints", "calints", "x1dints")
_NIR = {"NRC", "NIS", "FGS"}


def _recipe(
    exp_type: str,
    instrument_name: str,
    kind: str,
    suffixes: tuple[str, ...],
    rule: str = "image2",
    rule3: str = "",
    suffixes2c: tuple[str, ...] = (),
    suffixes3: tuple[str, ...] = (),
    main2: str = "cal",
) -> tuple[str, Recipe]:
    if exp_type[:3] in _NIR and "rateints" in suffixes:
        place = suffixes.index("rateints") + 1
        suffixes = (*suffixes[:place], "trapsfilled", *suffixes[place:])
    return exp_type, Recipe(
        instrument_name=instrument_name,
        dataproduct_type=kind,
        suffixes=suffixes,
        rule=rule,
        rule3=rule3,
        suffixes2c=suffixes2c,
        suffixes3=suffixes3,
        main2=main2,
    )


_image3 = ("image3", ("crf",), ("i2d", "cat", "segm"))
_coron = (("uncal", "rate", "rateints", "calints"), "image2", "coron3", ("crfints", "psfalign", "psfsub"))
_slit3 = ("spec3", (), ("s2d", "x1d", "c1d", "cal", "crf"))
_cube3 = ("spec3", (), ("s3d", "x1d", "c1d"))
_grism = (("uncal", "rate", "rateints", "bsub", "cal", "x1d"), "spec2", "spec3", (), ("cal", "x1d", "c1d"))
_tso3 = ("tso-spec2", "tso3", ("crfints",), ("x1dints", "whtlt"), "calints")

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    dict(
        (
            _recipe("NRC_IMAGE", "NIRCAM/IMAGE", "image", _IMAGE, "image2", *_image3),
            _recipe("MIR_IMAGE", "MIRI/IMAGE", "image", _IMAGE, "image2", *_image3),
            _recipe("NIS_IMAGE", "NIRISS/IMAGE", "image", _IMAGE, "image2", *_image3),
            _recipe("FGS_IMAGE", "FGS/FGS1", "image", _IMAGE, "image2", *_image3),
            _recipe("NRC_TACQ", "NIRCAM/TARGACQ", "image", _TA),
            _recipe("MIR_TACQ", "MIRI/TARGACQ", "image", _TA),
            _recipe("NIS_TACQ", "NIRISS", "image", _TA),
            _recipe("NRS_MSATA", "NIRSPEC/IMAGE", "image", _TA),
            _recipe("NRS_WATA", "NIRSPEC/IMAGE", "image", _TA),
            _recipe("NRC_CORON", "NIRCAM/CORON", "image", *_coron, ("i2d", "psfstack"), "calints"),
            _recipe("MIR_4QPM", "MIRI/CORON", "image", *_coron, ("i2d", "psfstack"), "calints"),
            _recipe("MIR_LYOT", "MIRI/CORON", "image", *_coron, ("i2d", "psfstack"), "calints"),
            _recipe("NRC_WFSS", "NIRCAM/GRISM", "spectrum", *_grism),
            _recipe("NIS_WFSS", "NIRISS/WFSS", "spectrum", *_grism),
            _recipe("NRC_TSGRISM", "NIRCAM/GRISM", "timeseries", _TSO, *_tso3),
            _recipe("NRS_BRIGHTOBJ", "NIRSPEC/SLIT", "timeseries", _TSO, *_tso3),
            _recipe("MIR_LRS-SLITLESS", "MIRI/SLITLESS", "timeseries", _TSO, *_tso3),
            _recipe("NIS_SOSS", "NIRISS/SOSS", "timeseries", _TSO, *_tso3),
            _recipe("NRS_MSASPEC", "NIRSPEC/MSA", "spectrum", _SPEC2D, "spec2", *_slit3),
            _recipe("NRS_FIXEDSLIT", "NIRSPEC/SLIT", "spectrum", _SPEC2D, "spec2", *_slit3),
            _recipe("MIR_LRS-FIXEDSLIT", "MIRI/SLIT", "spectrum", _SPEC2D, "spec2", *_slit3),
            _recipe("NRS_IFU", "NIRSPEC/IFU", "cube", _IFU, "spec2", *_cube3),
            _recipe("MIR_MRS", "MIRI/IFU", "cube", _IFU, "spec2", *_cube3),
            _recipe(
                "NIS_AMI",
                "NIRISS/AMI",
                "measurements",
                ("uncal", "rate", "rateints", "calints"),
                "image2",
                "ami3",
                (),
                ("ami-oi", "amimulti-oi", "amilg", "aminorm-oi"),
                "calints",
            ),
            _recipe("MIR_DARKIMG", "MIRI", "image", ("uncal", "dark"), ""),
            _recipe("NIS_DARK", "NIRISS", "image", ("uncal", "dark"), ""),
            _recipe("NRS_DARK", "NIRSPEC", "image", ("uncal", "dark"), ""),
            _recipe("NRS_LAMP", "NIRSPEC", "image", ("uncal", "rate", "rateints"), "", main2="rate"),
        )
    )
)
"""EXP_TYPE to what it yields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideMode:
    """One step of guiding and the array it reads."""

    exp_type: str
    """EXP_TYPE keyword."""
    nx: int
    """Columns."""
    ny: int
    """Rows."""
    nints: int
    """Integrations."""
    ngroups: int
    """Groups an integration."""
    group: str
    """MAST's productSubGroupDescription."""
    description: str
    """MAST's description."""


GUIDE_MODES: Mapping[Literal["id", "acq1", "acq2", "track", "fg"] | str, GuideMode] = MappingProxyType(
    {
        mode: GuideMode(
            exp_type=exp_type, nx=nx, ny=ny, nints=nints, ngroups=ngroups, group=f"GS-{mode.upper()}", description=text
        )
        for mode, exp_type, nx, ny, nints, ngroups, text in (
            ("id", "FGS_ID-IMAGE", 2048, 2024, 2, 2, "FGS guide star identification"),
            ("acq1", "FGS_ACQ1", 128, 128, 6, 2, "FGS1 guide star acquisition"),
            ("acq2", "FGS_ACQ2", 32, 32, 5, 2, "FGS2 guide star acquisition"),
            ("track", "FGS_TRACK", 32, 32, 192, 2, "FGS guide star tracking"),
            ("fg", "FGS_FINEGUIDE", 8, 8, 3072, 8, "FGS fine guide"),
        )
    }
)
"""Mode of a guide-star file name to what it holds (FITS headers of guide-star products; the text for fg derived)."""

_RECORDED_WAVELENGTHS = {
    # From CAOM rows of programs 2733 and 2609.
    "F187N": (1863.0, 1884.0),
    "F090W": (795.0, 1004.9999999999999),
    "F356W": (3140.0, 3980.0),
    "F212N": (2109.0, 2134.0),
    "F444W": (3880.0, 4986.0),
    "F770W": (6600.0, 8800.0),
    "F1130W": (10950.0, 11650.0),
    "F1280W": (11600.0, 14000.0),
    "F1800W": (16500.0, 19500.0),
    "F100LP": (810.0, 5000.0),
}
_GRISMS = {
    "CLEAR;PRISM": (600.0, 5300.0),
    "F170LP": (1660.0, 3170.0),
    "F290LP": (2870.0, 5270.0),
    "F070LP": (700.0, 1270.0),
    "CLEAR;GR700XD": (600.0, 2800.0),
    "P750L": (5000.0, 14000.0),
    "CLEAR": (600.0, 5000.0),
}
_CHANNELS = {"CH1": (4900.0, 7650.0), "CH2": (7510.0, 11700.0), "CH3": (11550.0, 17980.0), "CH4": (17700.0, 27900.0)}


def wavelengths(filters: str) -> tuple[float, float] | None:
    """Give the wavelength range (nm) of CAOM's ``filters``, such as ``F444W;F405N``; None when it names no filter.

    Recorded where CAOM rows are known; else the nominal range of the documentation, or the filter's own number with
    the usual width of its class (wide 20 %, medium 10 %, narrow 1 %).
    """
    first = filters.split(";")[0]
    known = (
        _GRISMS.get(filters)
        or _RECORDED_WAVELENGTHS.get(first)
        or _GRISMS.get(first)
        or _CHANNELS.get(filters.split("-")[0])
    )
    if known or first[:1] != "F" or not first[1:4].rstrip("WMNC").isdigit():
        return known
    digits = "".join(character for character in first[1:] if character.isdigit())
    middle = float(digits) * 10.0
    width = {"W": 0.2, "M": 0.1, "C": 0.06}.get(first[len(digits) + 1 : len(digits) + 2], 0.01) * middle
    return middle - width / 2, middle + width / 2
