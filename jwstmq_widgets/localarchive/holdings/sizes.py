"""Bytes of a product: recorded where known, else by formula at real scale, or what the reduced file takes.

A FITS file is the sum of its units, each padded to 2880 bytes: pixel planes by the file's kind, and an overhead of
headers, small tables and ASDF. Planes and overheads were fitted to sizes in product lists of MAST.
"""

import re
from fnmatch import translate
from math import ceil
from zlib import crc32

from jwstmq_widgets.localarchive.facts import FileFacts, Scale
from jwstmq_widgets.localarchive.holdings.instruments import GUIDE_MODES
from jwstmq_widgets.localarchive.holdings.records import Observation
from jwstmq_widgets.localarchive.programs import Program

__all__ = ["Sizes", "association_size", "guide_detector", "real_size"]

_BLOCK = 2880
_PLANES = {
    # suffix: (planes that do not grow, planes an integration, overhead); 4 bytes a pixel
    "rate": (5, 0, 63_360),
    "dark": (5, 0, 63_360),
    "rateints": (0, 5, 69_120),
    "trapsfilled": (3, 0, 33_782),
    "cal": (7, 0, 109_440),
    "bsub": (5, 0, 72_000),
    "calints": (1, 6, 109_440),
    "crf": (7, 0, 92_160),
    "crfints": (1, 6, 109_440),
    "i2d": (7, 0, 120_960),
    "segm": (1, 0, 31_680),
    "psfalign": (3, 0, 54_720),
    "psfsub": (3, 1, 54_720),
    "psfstack": (9, 0, 54_720),
    "amilg": (4, 0, 63_360),
}
_SPREAD = {
    # suffix: (least, most) bytes as seen, for kinds whose size depends on the sources
    "s2d": (336_960, 2_318_400),
    "x1d": (123_840, 645_120),
    "c1d": (60_480, 201_600),
    "s3d": (31_259_520, 150_240_960),
    "x1dints": (2_880_000, 28_800_000),
    "ami-oi": (86_400, 172_800),
    "amimulti-oi": (172_800, 864_000),
    "aminorm-oi": (86_400, 172_800),
    "msa": (532_800, 570_240),
}
_SPREAD_EXPOSURE = {"s2d": (31_680_000, 64_080_000), "x1d": (6_800_000, 34_200_000), "s3d": (2_880_000, 11_520_000)}
_TEXTS = {"asn": (1418, 1418), "pool": (16_000, 222_000), "cat": (1_000_000, 9_000_000), "whtlt": (20_000, 90_000)}
_PREVIEWS = {"jpg": (40_000, 1_300_000), "png": (120_000, 160_000)}
_GUIDE = {
    # recorded: a visit's identification, acquisition and tracking files
    ("id", "cal"): 66_378_240,
    ("acq1", "cal"): 1_284_480,
    ("acq1", "stream"): 408_960,
    ("acq2", "cal"): 106_560,
    ("track", "cal"): 2_462_400,
    ("track", "uncal"): 912_960,
    ("track", "stream"): 803_520,
}


class Sizes:
    """The sizes of one program's files.

    Parameters
    ----------
    program
        The program, with its recorded sizes.
    scale
        "real" for the sizes of the real archive, "reduced" for those that are served by default.
    """

    def __init__(self, program: Program, scale: Scale) -> None:
        self._program = program
        self._scale = scale
        self._exact = {name: size for name, size in program.sizes.items() if not re.search(r"[*?\[]", name)}
        self._globs = [
            (re.compile(translate(name)), size) for name, size in program.sizes.items() if name not in self._exact
        ]
        self._unsized = [re.compile(translate(name)) for name in program.unsized]

    def of(self, name: str, observation: Observation, guide: str = "") -> tuple[int, bool]:
        """Give the size (bytes) of a file, and whether the catalogue tells it.

        Parameters
        ----------
        name
            File name.
        observation
            The observation it belongs to.
        guide
            Guide-star mode, "" for others.
        """
        facts = self._facts(name, observation, guide)
        listed = not any(pattern.match(name) for pattern in self._unsized)
        if self._scale == "reduced":
            from jwstmq_widgets.localarchive.pixels import reduced_size  # draws: slow to import, only builds need it

            return reduced_size(facts), listed
        known = self._exact.get(name)
        if known is None:
            known = next((size for pattern, size in self._globs if pattern.match(name)), None)
        if known is None:
            stem, _, extension = name.rpartition(".")
            known = real_size(facts, stem.rpartition("_")[2], extension, guide)
        return known, listed

    def _facts(self, name: str, observation: Observation, guide: str) -> FileFacts:
        mode = GUIDE_MODES.get(guide)
        return FileFacts(
            name=name,
            size=0,
            scale=self._scale,
            program=observation.program.program,
            title=observation.program.title,
            instrument="FGS" if mode else observation.instrument_name.split("/")[0],
            exp_type=mode.exp_type if mode else observation.exp_type,
            detector=guide_detector(observation.visit) if mode else observation.detector,
            filter="" if mode else observation.filter,
            pupil="" if mode else observation.pupil,
            subarray=observation.subarray,
            nints=mode.nints if mode else observation.nints,
            ngroups=mode.ngroups if mode else observation.ngroups,
            nx=mode.nx if mode else observation.nx,
            ny=mode.ny if mode else observation.ny,
        )


def association_size(facts: FileFacts) -> int:
    """Give the bytes of an association that has no recorded size, from its members."""
    if facts.scale == "reduced":
        from jwstmq_widgets.localarchive.pixels import reduced_size  # draws: slow to import, only builds need it

        return reduced_size(facts)
    # Recorded: 1,418 bytes with one member, 4,140 with eight, 10,332 with thirty-two.
    return 1160 + 258 * len(facts.members) + (916 if len(facts.members) > 1 else 0)


def guide_detector(visit: str) -> str:
    """Give the guider that guided a visit (derived: either may)."""
    return f"guider{1 + crc32(visit.encode()) % 2}"


def real_size(facts: FileFacts, suffix: str, extension: str, guide: str = "") -> int:
    """Give the bytes that the real file would have.

    Parameters
    ----------
    facts
        The file; its own size is not looked at.
    suffix, extension
        Of its name, without underscore and dot.
    guide
        Guide-star mode (id, acq1, acq2, track, fg), "" for others.

    Returns
    -------
    int
        Bytes; a multiple of 2880 for FITS.
    """
    pixels = max(facts.nx, 1) * max(facts.ny, 1)
    if extension in _PREVIEWS:
        return _between(facts.name, *_PREVIEWS[extension])
    if suffix in _TEXTS:
        return _between(facts.name, *_TEXTS[suffix])
    if guide:
        return _GUIDE.get((guide, suffix)) or _fits(pixels * (_guide_bytes(facts, suffix)) + 46_080)
    if suffix == "uncal":
        rows = 3200 * 2048 if facts.instrument == "NIRSPEC" and facts.subarray == "FULL" else pixels
        reference = 5 if facts.instrument == "MIRI" else 4
        return _fits(rows * 2 * facts.ngroups * facts.nints * reference // 4 + 54_720)
    if suffix in {"cal", "crf"} and facts.exp_type in {"NRS_IFU", "MIR_MRS"}:
        return _fits(pixels * 4 * (12 if facts.exp_type == "NRS_IFU" else 8) + 1_700_000 // (1 + (pixels < 2_000_000)))
    if suffix in {"cal", "crf"} and "-o" in facts.name[:9]:
        return _fits(_between(facts.name, 4_573_440, 8_170_560))
    exposure = facts.name[7:8] != "-"
    spread = (_SPREAD_EXPOSURE.get(suffix) if exposure else None) or _SPREAD.get(suffix)
    if spread:
        return _fits(_between(facts.name, *spread))
    still, moving, overhead = _PLANES.get(suffix, (5, 0, 63_360))
    return _fits(pixels * 4 * (still + moving * facts.nints) + overhead)


def _guide_bytes(facts: FileFacts, suffix: str) -> int:
    return facts.nints * (12 if suffix == "cal" else 2 * facts.ngroups)


def _fits(size: int) -> int:
    return ceil(size / _BLOCK) * _BLOCK


def _between(name: str, low: int, high: int) -> int:
    return low + crc32(name.encode()) % (high - low + 1)
