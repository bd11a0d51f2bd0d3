"""Facts of real JWST programs, one TOML file each, read into frozen values.

Every file names its sources: a table ``sources`` of short keys to what was seen, and a key ``source`` with each fact.
The source ``derived`` marks what was not seen but follows from JWST's rules or fills a gap plausibly.

What is not known is left out, or is nan for a place: no row then has a value there.

Tables of a file: the program itself at the top; ``target``; ``sequence`` (a run of exposures with one set-up);
``sources_of`` (ids of spectra, by observation); ``recorded`` (rows of CAOM as seen); ``planned``; ``sizes`` (name or
glob to bytes); ``artifacts`` (name to ESA's artifactid).
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

__all__ = ["Planned", "Program", "Recorded", "Sequence", "Target", "facts_bytes", "load_programs"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A target of a program."""

    number: int
    """APT's target number: ``t001`` of stage-3 names."""
    name: str
    """Name as in CAOM's target_name."""
    ra: float
    """Right ascension (deg, ICRS); nan for an unknown one."""
    dec: float
    """Declination (deg, ICRS); nan for an unknown one."""
    classification: str | None = None
    """CAOM's target_classification."""
    aliases: tuple[str, ...] = ()
    """Other names by which people look for it."""
    kind: str = ""
    """Object type, as a name resolver gives it."""
    moving: bool = False
    """True for a body of the solar system."""
    source: str = "derived"
    """Where it was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """A run of exposures of one observation with one set-up."""

    observation: int
    """Observation number."""
    activity: str
    """Visit group, parallel sequence and activity, as in file names: ``02101``."""
    detectors: str
    """Detectors, separated by blanks."""
    exp_type: str
    """EXP_TYPE."""
    optics: str
    """FILTER;PUPIL or FILTER;GRATING as in CAOM; "" for unknown ones."""
    start: float
    """Start of the first exposure of the first visit (MJD)."""
    exptime: float
    """Exposure time of one exposure (s)."""
    source: str
    """Where the exposures were seen; of their set-up, times and places what the source does not tell is derived."""
    visits: tuple[int, ...] = (1,)
    """Visit numbers."""
    exposures: int = 1
    """Number of exposures a visit."""
    first: int = 1
    """Number of the first exposure."""
    optics_long: str = ""
    """The same for NIRCam's long-wave detectors, where both channels are read."""
    subarray: str = "FULL"
    """SUBARRAY."""
    nints: int = 1
    """Integrations of an exposure (of a segment, when segmented)."""
    ngroups: int = 5
    """Groups an integration."""
    segments: int = 0
    """Segments of an exposure; 0 when it is not segmented."""
    target: int = 1
    """Number of the target."""
    association: str = ""
    """Association of its stage-3 products, such as ``c1020``; "" for the observation itself.

    Without `stage3` one whose combination is not held, though the exposures have files of it.
    """
    asn: str = ""
    """Name of its stage-2 association where that was seen; "" for one by the rules."""
    stage3: bool = True
    """False where nothing was combined, so that the exposures are rows of their own."""
    instrument_name: str = ""
    """CAOM's instrument_name where it is not the one of the exposure type."""
    centres: tuple[tuple[float, float], ...] = ()
    """Middle of the field by visit (deg); () for the target."""
    angle: float | None = None
    """Position angle of the field (deg); None for one derived from the numbers."""
    dither: float = 3.0
    """Radius of the dither pattern (arcsec)."""
    stride: float = 0.04
    """Time from one visit's start to the next one's (days)."""
    step: float = 0.0
    """Time from one exposure's start to the next one's (days); 0 for the exposure time and some overhead."""
    rights: str = ""
    """dataRights; "" for the program's."""
    target_name: str = ""
    """CAOM's target_name where it is not the target's, such as UNKNOWN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A row of CAOM as it was seen: what is given replaces what would be derived."""

    obs_id: str
    """Observation."""
    source: str
    """Where it was seen."""
    obsid: int = 0
    """CAOM's obsid."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Further CAOM columns by name; "" for a missing value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A planned exposure (calib_level -1)."""

    obs_id: str
    """Observation, such as ``jw02609001001_xx101_00001_nircam``."""
    values: Mapping[str, Any]
    """CAOM columns by name; "" for a missing value."""
    source: str
    """Where it was seen."""
    obsid: int = 0
    """CAOM's obsid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program."""

    program: int
    """Program number."""
    name: str
    """What people call it."""
    title: str
    """Title; "" for an unknown one."""
    pi_name: str
    """Principal investigator, as in CAOM's proposal_pi; "" for an unknown one."""
    category: str
    """CAOM's proposal_type: GO, GTO, ERS, COM, CAL, DD."""
    cycle: int
    """Cycle; 0 for commissioning."""
    release: float
    """When the data became public (MJD), where no row tells."""
    stamp: str
    """Time stamp of associations and pools."""
    version: str
    """Version of the calibration pipeline."""
    source: str
    """Where title, principal investigator and category were seen."""
    sources: Mapping[str, str]
    """Short key to source."""
    rights: str = "PUBLIC"
    """dataRights, where no row tells."""
    guide_files: Mapping[str, int] = field(default_factory=dict)
    """Guide-star files by visit (``002001``) and for all others (``default``): derived."""
    unsized: tuple[str, ...] = ()
    """Globs of file names whose size the catalogue leaves out: derived, as real archives do at times."""
    targets: tuple[Target, ...] = ()
    """Targets."""
    sequences: tuple[Sequence, ...] = ()
    """Exposures."""
    spectra: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Observation (``o007``) to the ids of its sources (``s06355``)."""
    recorded: tuple[Recorded, ...] = ()
    """Rows as seen."""
    planned: tuple[Planned, ...] = ()
    """Planned exposures."""
    sizes: Mapping[str, int] = field(default_factory=dict)
    """File name or glob to recorded bytes."""
    artifacts: Mapping[str, str] = field(default_factory=dict)
    """File name to the number (UUID) that ESA's archive gave it, where it was seen."""

    def target(self, number: int) -> Target:
        """Give the target of that number."""
        return next(target for target in self.targets if target.number == number)


_Record = TypeVar("_Record", Target, Sequence)


def facts_bytes() -> bytes:
    """Give all facts as bytes, in a fixed order: what a fingerprint of them is made from."""
    folder = files(__name__)
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return b"\0".join(name.encode() + b"\0" + (folder / name).read_bytes() for name in names)


@cache
def load_programs() -> tuple[Program, ...]:
    """Read all programs, in order of their numbers.

    Raises
    ------
    ValueError
        If a file has a key that is not known, or names a source that it does not list.
    """
    folder = files(__name__)
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    return tuple(_program(tomllib.loads((folder / name).read_text(encoding="utf-8")), name) for name in names)


def _program(raw: dict[str, Any], name: str) -> Program:
    targets = tuple(_record(Target, entry, name) for entry in raw.pop("target", ()))
    sequences = tuple(_record(Sequence, entry, name) for entry in raw.pop("sequence", ()))
    recorded = tuple(
        Recorded(obs_id=row.pop("obs_id"), source=row.pop("source"), obsid=row.pop("obsid", 0), values=row)
        for row in raw.pop("recorded", ())
    )
    planned = tuple(
        Planned(obs_id=row.pop("obs_id"), source=row.pop("source"), obsid=row.pop("obsid", 0), values=row)
        for row in raw.pop("planned", ())
    )
    spectra = {key: tuple(ids) for key, ids in raw.pop("sources_of", {}).items()}
    raw["unsized"] = tuple(raw.pop("unsized", ()))
    known = {entry.name for entry in fields(Program)}
    if unknown := sorted(raw.keys() - known):
        raise ValueError(f"{name}: unknown key {unknown[0]!r}")
    program = Program(targets=targets, sequences=sequences, recorded=recorded, planned=planned, spectra=spectra, **raw)
    facts = (program, *targets, *sequences, *recorded, *planned)
    cited = {fact.source for fact in facts}  # type: ignore[attr-defined]  # the common base of these is object
    if unlisted := cited - {*program.sources, "derived"}:
        raise ValueError(f"{name}: source {min(unlisted)!r} is not listed in [sources]")
    return program


def _record(kind: type[_Record], raw: dict[str, Any], name: str) -> _Record:
    known = {entry.name for entry in fields(kind)}
    if unknown := sorted(raw.keys() - known):
        raise ValueError(f"{name}: unknown key {unknown[0]!r} of a {kind.__name__.lower()}")
    return kind(**{key: _frozen(value) for key, value in raw.items()})


def _frozen(value: Any) -> Any:
    return tuple(_frozen(entry) for entry in value) if isinstance(value, list) else value
