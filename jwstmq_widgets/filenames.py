"""The grammar of JWST file names, with the table of their suffixes.

Sources: "File Naming Schemes" and "Science products" of the JWST pipeline documentation
(jwst-pipeline.readthedocs.io, data_products), checked against product lists of MAST.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Any, Literal

__all__ = [
    "DETECTORS",
    "INSTRUMENTS",
    "NAME_COLUMNS",
    "SUFFIXES",
    "ProductName",
    "Suffix",
    "canonical_detector",
    "name_columns",
    "name_row",
    "parse_name",
]

Kind = Literal["exposure", "stage3", "guidestar", "association", "pool", "msa"]

INSTRUMENTS: tuple[str, ...] = ("NIRCAM", "NIRSPEC", "NIRISS", "MIRI", "FGS")
"""JWST's science instruments, spelled as MAST does."""

DETECTORS: Mapping[str, str] = MappingProxyType(
    {
        **{f"nrca{number}": "NIRCAM" for number in range(1, 5)},
        "nrcalong": "NIRCAM",
        **{f"nrcb{number}": "NIRCAM" for number in range(1, 5)},
        "nrcblong": "NIRCAM",
        "nrs1": "NIRSPEC",
        "nrs2": "NIRSPEC",
        "nis": "NIRISS",
        "mirimage": "MIRI",
        "mirifulong": "MIRI",
        "mirifushort": "MIRI",
        "guider1": "FGS",
        "guider2": "FGS",
    }
)
"""Detector, as file names spell it, to its instrument."""

_DETECTOR_ALIASES = {
    **{f"{module}{number}": f"nrc{module}{number}" for module in "ab" for number in range(1, 5)},
    **{
        f"{start}{module}{end}": f"nrc{module}long" for module in "ab" for start in ("", "nrc") for end in ("5", "long")
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Suffix:
    """What the last part of a product's name tells of it."""

    stage: str
    """MAST's product category: 1b, 2a, 2b, 2c, 3, or "" for files that are not a step of the pipeline."""
    meaning: str
    """What the file holds, in the words of the pipeline's documentation."""


SUFFIXES: Mapping[str, Suffix] = MappingProxyType(
    {
        name: Suffix(stage=stage, meaning=meaning)
        for name, stage, meaning in (
            ("uncal", "1b", "uncalibrated 4-D exposure"),
            ("dark", "2a", "dark exposure, 2-D count rate"),
            ("rate", "2a", "2-D count rate averaged over integrations"),
            ("rateints", "2a", "3-D count rate per integration"),
            ("trapsfilled", "2a", "charge traps filled, for the persistence of the next exposure"),
            ("cal", "2b", "2-D calibrated exposure averaged over integrations"),
            ("calints", "2b", "3-D calibrated exposure per integration"),
            ("bsub", "2b", "background-subtracted exposure"),
            ("bsubints", "2b", "background-subtracted exposure per integration"),
            ("i2d", "2b", "rectified 2-D image"),
            ("s2d", "2b", "rectified 2-D spectrum"),
            ("s3d", "2b", "3-D spectral cube"),
            ("x1d", "2b", "1-D extracted spectrum"),
            ("x1dints", "2b", "1-D extracted spectrum per integration"),
            ("crf", "2c", "calibrated exposure with cosmic rays flagged"),
            ("crfints", "2c", "calibrated exposure per integration with cosmic rays flagged"),
            ("psfstack", "3", "stack of PSF reference images"),
            ("psfalign", "3", "PSF reference images aligned to the target"),
            ("psfsub", "3", "PSF-subtracted exposure"),
            ("c1d", "3", "combined 1-D spectrum"),
            ("cat", "3", "source catalogue"),
            ("segm", "3", "segmentation map"),
            ("phot", "3", "photometric time series"),
            ("whtlt", "3", "white-light curve"),
            ("ami-oi", "3", "interferometric observables"),
            ("amimulti-oi", "3", "interferometric observables per integration"),
            ("aminorm-oi", "3", "interferometric observables, normalised by the reference"),
            ("amilg", "3", "fringe model and residuals"),
            ("wfscmb", "3", "combined wavefront-sensing image"),
            ("stream", "1b", "guide-star image stream"),
            ("asn", "", "association: which files go into which product"),
            ("pool", "", "pool of files that associations are made from"),
            ("msa", "", "shutters of the NIRSpec micro-shutter array"),
        )
    }
)
"""Suffix to stage and meaning. ``i2d``, ``s2d``, ``s3d``, ``x1d`` and ``cal`` are stage 3 in a stage-3 name."""

_DETECTOR = "|".join(sorted([*DETECTORS, "nrca5", "nrcb5"], key=len, reverse=True))
_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    (
        "exposure",
        re.compile(
            rf"jw(?P<program>\d{{5}})(?P<observation>\d{{3}})(?P<visit>\d{{3}})"
            rf"_(?P<visit_group>[0-9a-z]{{2}})(?P<parallel>\d)(?P<activity>[0-9a-z]{{2}})_(?P<exposure>\d{{5}})"
            rf"(?:-seg(?P<segment>\d{{3}}))?_(?P<detector>{_DETECTOR})(?:_(?P<association>o\d{{3}}|[acr]\d{{4}}))?"
            r"_(?P<suffix>[a-z0-9]+(?:-[a-z0-9]+)?)(?P<thumb>_thumb)?\.(?P<extension>fits|jpg|png|gif|ecsv|json)"
        ),
    ),
    (
        "stage3",
        re.compile(
            r"jw(?P<program>\d{5})-(?P<association>o\d{3}|[acr]\d{4})_(?P<target>t\d{3}|[sbv]\d{9}|[sbv]\d{5})"
            r"(?:-epoch(?P<epoch>\d))?_(?P<instrument>nircam|nirspec|niriss|miri|fgs)"
            r"_(?P<optical_elements>[a-z0-9][a-z0-9_-]*?)_(?P<suffix>[a-z0-9]+(?:-oi)?)(?:-(?P<activity>[0-9a-z]{2}))?"
            r"(?P<thumb>_thumb)?\.(?P<extension>fits|jpg|png|ecsv|asdf)"
        ),
    ),
    (
        "guidestar",
        re.compile(
            r"jw(?P<program>\d{5})(?P<observation>\d{3})(?P<visit>\d{3})_gs-(?P<guide>id|acq1|acq2|track|fg)"
            r"_(?:\d_(?:image|stacked)|(?P<stamp>\d{13}))(?:-seg(?P<segment>\d{3}))?"
            r"_(?P<suffix>uncal|cal|stream)(?P<thumb>_thumb)?\.(?P<extension>fits|jpg)"
        ),
    ),
    (
        "association",
        re.compile(
            r"jw(?P<program>\d{5})-(?P<association>o\d{3}|[acr]\d{4})_(?P<stamp>\d{8}t\d{6})"
            r"_(?P<rule>[a-z0-9-]+)_\d{3,5}_(?P<suffix>asn)\.(?P<extension>json)"
        ),
    ),
    ("pool", re.compile(r"jw(?P<program>\d{5})_(?P<stamp>\d{8}t\d{6})_(?P<suffix>pool)\.(?P<extension>csv)")),
    (
        "msa",
        re.compile(
            r"jw(?P<program>\d{5})(?P<observation>\d{3})(?P<visit>\d{3})_\d{2}_(?P<suffix>msa)\.(?P<extension>fits)"
        ),
    ),
)


@dataclass(frozen=True, kw_only=True)
class ProductName:
    """A JWST file name, taken apart.

    Numbers are integers, absent parts are None (numbers) or "" (texts).
    """

    name: str
    """The whole file name."""
    kind: Kind
    """Which of the grammar's rules the name follows."""
    program: int
    """Program (proposal) number."""
    observation: int | None = None
    """Observation number; None for associations of several observations, pools."""
    visit: int | None = None
    """Visit number; None for stage-3 names, associations, pools."""
    visit_group: str = ""
    """Visit group, two digits (base 36)."""
    parallel: str = ""
    """Parallel sequence: 1 is prime, 2 to 5 are parallel."""
    activity: str = ""
    """Activity, two base-36 digits such as ``03`` or ``0e``."""
    exposure: int | None = None
    """Exposure number."""
    segment: int | None = None
    """Segment of a long exposure."""
    detector: str = ""
    """Detector, a key of `DETECTORS` (``nrca5`` is ``nrcalong``)."""
    instrument: str = ""
    """Instrument in MAST's spelling, such as ``NIRCAM``; "" where the name does not tell."""
    association: str = ""
    """Association candidate such as ``o002``, ``c1001``, ``a3001``."""
    target: str = ""
    """Target or source of a stage-3 name, such as ``t001`` or ``s06355``."""
    optical_elements: str = ""
    """Optical elements of a stage-3 name, such as ``clear-f090w``."""
    guide: str = ""
    """Guide-star mode: id, acq1, acq2, track, fg."""
    stamp: str = ""
    """Time stamp of a guide-star, association or pool name."""
    suffix: str
    """Suffix without the underscore, such as ``cal``."""
    thumb: bool = False
    """True for a thumbnail (``_thumb.jpg``)."""
    extension: str
    """Extension without the dot."""

    @property
    def filetype(self) -> str:
        """The file type as jwst_mast_query spells it: ``_cal.fits``, ``_rate.jpg``, ``_asn.json``."""
        return f"_{self.suffix}{'_thumb' if self.thumb else ''}.{self.extension}"

    @property
    def stage(self) -> str:
        """MAST's product category 1b, 2a, 2b, 2c or 3; "gs" for guide stars; "" for files that are no step."""
        return _stage(self.kind, self.suffix)

    @property
    def guidestar(self) -> bool:
        """True for guide-star data."""
        return self.kind == "guidestar"

    @cached_property
    def meaning(self) -> str:
        """What the file holds, in one line; "" for an unknown suffix."""
        known = SUFFIXES.get(self.suffix)
        if known is None:
            return ""
        if self.extension in {"jpg", "png", "gif"}:
            return f"preview of: {known.meaning}"
        return known.meaning


@lru_cache(maxsize=65536)
def parse_name(name: str) -> ProductName | None:
    """Take a JWST file name apart.

    Parameters
    ----------
    name
        A file name without folder, such as ``jw02733002001_02103_00001_mirimage_cal.fits``.

    Returns
    -------
    ProductName or None
        None when the name does not follow JWST's grammar.
    """
    for kind, pattern in _PATTERNS:
        match = pattern.fullmatch(name)
        if match:
            return _product_name(kind, match)
    return None


_OWNERS: Mapping[str, str] = MappingProxyType({"guidestar": "FGS", "msa": "NIRSPEC"})


def _product_name(kind: Kind, match: re.Match[str]) -> ProductName:
    parts = {key: value for key, value in match.groupdict().items() if value is not None}
    association = parts.get("association", "")
    observation = _number(parts.get("observation"))
    if observation is None and association.startswith("o"):
        observation = int(association[1:])
    detector = _spelled(parts.get("detector", ""))
    owner = _OWNERS.get(kind, "")
    return ProductName(
        name=match.string,
        kind=kind,
        program=int(parts["program"]),
        observation=observation,
        visit=_number(parts.get("visit")),
        visit_group=parts.get("visit_group", ""),
        parallel=parts.get("parallel", ""),
        activity=parts.get("activity", ""),
        exposure=_number(parts.get("exposure")),
        segment=_number(parts.get("segment")),
        detector=detector,
        instrument=owner or parts.get("instrument", "").upper() or DETECTORS.get(detector, ""),
        association=association,
        target=parts.get("target", ""),
        optical_elements=parts.get("optical_elements", ""),
        guide=parts.get("guide", ""),
        stamp=parts.get("stamp", ""),
        suffix=parts["suffix"],
        thumb="thumb" in parts,
        extension=parts["extension"],
    )


def _spelled(detector: str) -> str:
    return _DETECTOR_ALIASES.get(detector, detector)


def _stage(kind: Kind, suffix: str) -> str:
    if kind == "guidestar":
        return "gs"
    known = SUFFIXES.get(suffix)
    stage = known.stage if known else ""
    return "3" if stage and kind == "stage3" else stage


def _number(text: str | None) -> int | None:
    return None if text is None else int(text)


def canonical_detector(name: str) -> str:
    """Give a detector's one spelling.

    Parameters
    ----------
    name
        ``nrca1``, ``NRCALONG``, jwst_mast_query's short forms ``a1``, ``along``, ``a5``, ``b5``, or any other detector.

    Returns
    -------
    str
        A key of :data:`DETECTORS`.

    Raises
    ------
    ValueError
        If the name is no JWST detector.
    """
    lower = name.strip().lower()
    lower = _DETECTOR_ALIASES.get(lower, lower)
    if lower not in DETECTORS:
        raise ValueError(name)
    return lower


NAME_COLUMNS = (
    "program", "observation", "visit", "exposure", "detector", "instrument", "suffix", "filetype", "stage", "guidestar",
)  # fmt: skip
"""What `name_columns` derives, in its order."""

_TAIL = re.compile(r"_[A-Za-z0-9-]+\.[A-Za-z0-9.]+$")


def name_columns(names: Iterable[str]) -> dict[str, list[Any]]:
    """Derive columns from many file names.

    Parameters
    ----------
    names
        File names.

    Returns
    -------
    dict
        For each of `NAME_COLUMNS` a list as long as ``names``. Numbers that a name does not hold are -1, texts "".
        A name outside the grammar still gives the file type at its end, such as ``_cal.fits``.
    """
    rows = [name_row(name) for name in names]
    if not rows:
        return {column: [] for column in NAME_COLUMNS}
    return dict(zip(NAME_COLUMNS, map(list, zip(*rows, strict=True)), strict=True))


_EXPOSURE = _PATTERNS[0][1]


def name_row(name: str) -> tuple[Any, ...]:
    """Give what `name_columns` derives from one name, in the order of `NAME_COLUMNS`."""
    match = _EXPOSURE.fullmatch(name)  # most names of a program; the rest take the long way
    if match:
        program, observation, visit, exposure, detector, suffix, thumb, extension = match.group(
            "program", "observation", "visit", "exposure", "detector", "suffix", "thumb", "extension"
        )
        filetype = f"_{suffix}{thumb or ''}.{extension}"
        stage = _stage("exposure", suffix)
        detector = _spelled(detector)
        instrument = DETECTORS[detector]
        return (
            int(program), int(observation), int(visit), int(exposure), detector, instrument, suffix, filetype, stage,
            False,
        )  # fmt: skip
    for kind, pattern in _PATTERNS[1:]:
        match = pattern.fullmatch(name)
        if match:
            return _row_of(kind, match)
    tail = _TAIL.search(name)
    filetype = tail[0] if tail else ""
    return -1, -1, -1, -1, "", "", filetype[1:].partition(".")[0], filetype, "", "_gs-" in name


def _row_of(kind: Kind, match: re.Match[str]) -> tuple[Any, ...]:
    """Do for the other kinds of names what `name_row` does for exposures, without a `ProductName` of each."""
    parts = match.groupdict()
    observation, visit, association = parts.get("observation"), parts.get("visit"), parts.get("association") or ""
    if observation is None and association.startswith("o"):
        observation = association[1:]
    suffix = parts["suffix"]
    return (
        int(parts["program"]), -1 if observation is None else int(observation), -1 if visit is None else int(visit), -1,
        "", _OWNERS.get(kind) or parts.get("instrument", "").upper(), suffix,
        f"_{suffix}{parts.get('thumb') or ''}.{parts['extension']}", _stage(kind, suffix), kind == "guidestar",
    )  # fmt: skip
