"""The keywords of JWST's primary and science headers, as far as the facts of a file tell them.

Names, order, comments: keyword dictionary of the JWST pipeline's data models, and headers of files in the archive.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from jwstmq_widgets.filenames import parse_name
from jwstmq_widgets.localarchive.facts import FileFacts
from jwstmq_widgets.localarchive.pixels.cards import Card
from jwstmq_widgets.localarchive.pixels.geometry import Footprint
from jwstmq_widgets.localarchive.pixels.sources import generator
from jwstmq_widgets.localarchive.readout import readout_of

__all__ = ["primary", "science", "times"]

_MODELS = {
    "uncal": "Level1bModel", "rate": "ImageModel", "rateints": "CubeModel", "cal": "ImageModel", "calints": "CubeModel",
    "crf": "ImageModel", "crfints": "CubeModel", "i2d": "ImageModel", "s2d": "SlitModel", "s3d": "IFUCubeModel",
    "x1d": "MultiSpecModel", "x1dints": "TSOMultiSpecModel", "c1d": "CombinedSpecModel", "psfstack": "CubeModel",
    "psfalign": "QuadModel", "psfsub": "CubeModel", "segm": "SegmentationMapModel", "ami-oi": "AmiOIModel",
    "amimulti-oi": "AmiOIModel", "aminorm-oi": "AmiOIModel", "amilg": "AmiLgFitModel",
    "trapsfilled": "TrapsFilledModel",
    "dark": "RampModel", "msa": "MultiSlitModel", "stream": "GuiderRawModel", "bsub": "ImageModel",
    "wfscmb": "ImageModel",
}  # fmt: skip

_STEPS = (
    ("S_DQINIT", "Data Quality Initialization", 2), ("S_SATURA", "Saturation Checking", 2),
    ("S_SUPERB", "Superbias Subtraction", 2), ("S_REFPIX", "Reference Pixel Correction", 2),
    ("S_LINEAR", "Linearity Correction", 2), ("S_DARK", "Dark Subtraction", 2), ("S_JUMP", "Jump Detection", 2),
    ("S_RAMP", "Ramp Fitting", 2), ("S_GANSCL", "Gain Scale Correction", 2),
    ("S_WCS", "Assign World Coordinate System", 3), ("S_FLAT", "Flat Field Correction", 3),
    ("S_PHOTOM", "Photometric Calibration", 3), ("S_OUTLIR", "Outlier Detection", 4),
    ("S_RESAMP", "Image resampling", 4),
)  # fmt: skip
_REACHED = {
    "uncal": 1,
    "stream": 1,
    "rate": 2,
    "rateints": 2,
    "trapsfilled": 2,
    "dark": 2,
    "crf": 4,
    "crfints": 4,
    "i2d": 4,
}


@lru_cache(maxsize=4096)
def moment(mjd: float) -> datetime:
    """Turn a Modified Julian Date into a date, to the millisecond."""
    exact = datetime(1858, 11, 17, tzinfo=UTC) + timedelta(days=mjd)
    return exact.replace(microsecond=exact.microsecond // 1000 * 1000)


def times(facts: FileFacts) -> tuple[float, float]:
    """Give start and end (MJD, UTC), also of files that have none of their own: those get a date in June 2022."""
    start = facts.t_min or facts.release or 59733.0
    return start, facts.t_max or start + max(facts.exptime, 1.0) / 86400


def primary(facts: FileFacts) -> list[Card]:
    """List the cards of the primary header, after the mandatory ones."""
    name = parse_name(facts.name)
    suffix = name.suffix if name else ""
    guide = bool(name and name.guidestar)
    start, end = times(facts)
    begin, finish, made = moment(start), moment(end), moment(max(facts.release, end) + 0.5)
    visit = f"{facts.program:05d}{name.observation or 0:03d}{name.visit or 1:03d}" if name else ""
    ints, groups = max(facts.nints, 1), max(facts.ngroups, 1)
    readout = readout_of(facts.instrument, facts.subarray, ints, groups, facts.exptime)
    whole = facts.exptime or readout.exposure(ints, groups)
    cards: list[Card] = [
        ("DATE", _iso(made), "UTC date file created"),
        ("ORIGIN", "STSCI", "Organization responsible for creating file"),
        ("TIMESYS", "UTC", "principal time system for time-related keywords"),
        ("TIMEUNIT", "s", "Default unit applicable to all time values"),
        ("FILENAME", facts.name, "Name of the file"),
        ("SDP_VER", "2024_2a", "Data processing software version number"),
        ("PRD_VER", "PRDOPSSOC-067", "S&OC PRD version number used in data processing"),
        ("OSS_VER", "8.4.10", "Observatory Scheduling Software (OSS) version"),
        ("CAL_VER", "1.15.1", "Calibration Software Version"),
        ("CAL_VCS", "RELEASE", "Calibration software version control sys number"),
        (
            "DATAMODL",
            "GuiderCalModel" if guide and suffix == "cal" else _MODELS.get(suffix, "DataModel"),
            "Type of data model",
        ),
        ("TELESCOP", "JWST", "Telescope used to acquire the data"),
        ("COMMENT", None, "A drawn sky, made by the local archive of jwstmq_widgets for teaching and"),
        ("COMMENT", None, "tests: names, times, places are those of the archive, the pixels are not."),
    ]
    if facts.scale == "reduced":
        cards.append(("COMMENT", None, "Arrays are reduced; NINTS, NGROUPS, SUBSIZE tell of the real exposure."))
    if facts.members:
        table = next((member for member in facts.members if member.endswith("asn.json")), "")
        cards += [
            ("ASNTABLE", table or None, "Name of the ASN table"),
            ("NDRIZ", len(facts.members), "Number of members"),
        ]
    cards += [
        *_title("Program information"),
        ("TITLE", facts.title, "Proposal title"),
        ("PI_NAME", facts.pi_name, "Principal investigator name"),
        ("CATEGORY", facts.category, "Program category"),
        *_title("Observation identifiers"),
        ("DATE-OBS", f"{begin:%Y-%m-%d}", "[yyyy-mm-dd] UTC date at start of exposure"),
        ("TIME-OBS", _iso(begin)[11:], "[hh:mm:ss.sss] UTC time at start of exposure"),
        ("DATE-BEG", _iso(begin), "Date-time start of exposure"),
        ("DATE-END", _iso(finish), "Date-time end of exposure"),
        ("PROGRAM", f"{facts.program:05d}", "Program number"),
    ]
    if name:
        cards += _identifiers(facts, visit)
    cards += [
        *_title("Target information"),
        ("TARGPROP", facts.target_name, "Proposer's name for the target"),
        ("TARGNAME", facts.target_name, "Standard astronomical catalog name for target"),
        ("TARGTYPE", "FIXED", "Type of target (fixed, moving, generic)"),
        ("TARG_RA", facts.target_ra, "Target RA at mid time of exposure"),
        ("TARG_DEC", facts.target_dec, "Target Dec at mid time of exposure"),
        ("PROP_RA", facts.target_ra, "Proposer's target RA"),
        ("PROP_DEC", facts.target_dec, "Proposer's target Dec"),
        *_title("Instrument configuration information"),
        ("INSTRUME", facts.instrument, "Instrument used to acquire the data"),
        ("DETECTOR", _detector(facts), "Name of detector used to acquire the data"),
        *_optics(facts),
        *_title("Exposure parameters"),
        ("EXP_TYPE", facts.exp_type or None, "Type of data in the exposure"),
        ("EXPSTART", start, "[d] exposure start time in MJD"),
        ("EXPMID", (start + end) / 2, "[d] exposure mid time in MJD"),
        ("EXPEND", end, "[d] exposure end time in MJD"),
        ("READPATT", readout.pattern, "Readout pattern"),
        ("NINTS", ints, "Number of integrations in exposure"),
        ("NGROUPS", groups, "Number of groups in integration"),
        ("NFRAMES", readout.frames, "Number of frames per group"),
        ("GROUPGAP", readout.gap, "Number of frames dropped between groups"),
        ("TFRAME", readout.frame, "[s] Time between frames"),
        ("TGROUP", round(readout.group, 5), "[s] Time between groups"),
        ("EFFINTTM", round(whole / ints, 4), "[s] Effective integration time"),
        ("EFFEXPTM", round(whole, 4), "[s] Effective exposure time"),
        ("DURATION", round(max(whole, (end - start) * 86400), 4), "[s] Total duration of exposure"),
        *_title("Subarray parameters"),
        ("SUBARRAY", facts.subarray or "FULL", "Subarray used"),
        ("SUBSTRT1", 1, "Starting pixel in axis 1 direction"),
        ("SUBSTRT2", 1, "Starting pixel in axis 2 direction"),
        ("SUBSIZE1", facts.nx or None, "Number of pixels in axis 1 direction"),
        ("SUBSIZE2", facts.ny or None, "Number of pixels in axis 2 direction"),
    ]
    if not guide and suffix != "msa":
        cards += _guiding(facts, visit)
    reached = _REACHED.get(suffix, 3)
    if reached > 1:
        cards += [
            *_title("CRDS parameters"),
            ("CRDS_VER", "11.17.26", "Version of CRDS file selection software used"),
            ("CRDS_CTX", "jwst_1263.pmap", "CRDS context (.pmap) used to select ref files"),
            *_title("Calibration step information"),
            *((key, "COMPLETE", comment) for key, comment, level in _STEPS if level <= reached),
        ]
    return cards


def _identifiers(facts: FileFacts, visit: str) -> list[Card]:
    name = parse_name(facts.name)
    if name is None:
        return []
    cards: list[Card] = [
        ("OBSERVTN", f"{name.observation or 0:03d}" if name.observation else None, "Observation number")
    ]
    if name.visit is not None:
        cards += [("VISIT_ID", visit, "Visit identifier"), ("VISIT", f"{name.visit:03d}", "Visit number")]
    if name.kind == "exposure":
        parallel = "P" if name.parallel == "1" else "0"
        cards += [
            ("OBS_ID", f"V{visit}{parallel}{0:08d}{name.visit_group}{name.parallel}{name.activity.upper()}",
             "Programmatic observation identifier"),
            ("VISITGRP", name.visit_group, "Visit group identifier"),
            ("SEQ_ID", name.parallel, "Parallel sequence identifier"),
            ("ACT_ID", name.activity.upper(), "Activity identifier"),
            ("EXPOSURE", str(name.exposure), "Exposure request number"),
            ("EXSEGNUM", name.segment, "Sequential number of exposure segment"),
            ("EXPRIPAR", "PRIME" if name.parallel == "1" else "PARALLEL_COORDINATED", "Prime or parallel exposure"),
            ("PATT_NUM", name.exposure, "Position number within dither pattern"),
        ]  # fmt: skip
    if name.kind == "stage3":
        cards.append(("SOURCEID", int(name.target[1:]) if name.target[:1] == "s" else None, "Source ID"))
    return cards


def _optics(facts: FileFacts) -> list[Card]:
    if facts.instrument == "FGS" or not (facts.filter or facts.pupil):
        return []
    cards: list[Card] = [("FILTER", facts.filter or None, "Name of the filter element used")]
    if facts.instrument == "NIRSPEC":
        cards.append(("GRATING", facts.pupil or None, "Name of the grating element used"))
    elif facts.instrument == "MIRI":
        channel, _, band = facts.pupil.partition("-")
        cards += [("CHANNEL", channel or None, "Instrument channel"), ("BAND", band or None, "MRS wavelength band")]
    else:
        cards.append(("PUPIL", facts.pupil or None, "Name of the pupil element used"))
    if facts.instrument == "NIRCAM" and facts.detector:
        module, channel = facts.detector[3].upper(), "LONG" if "long" in facts.detector else "SHORT"
        cards += [
            ("MODULE", module, "NIRCam module: A, B, or MULTIPLE"),
            ("CHANNEL", channel, "Instrument channel"),
        ]
    return cards


def _guiding(facts: FileFacts, visit: str) -> list[Card]:
    random = generator("guide star", visit)
    number, east, north, bright = random.random(4)
    return [
        *_title("Guide star information"),
        ("GDSTARID", f"S{int(number * 1e9):09d}", "guide star identifier"),
        ("GS_RA", (facts.ra + 0.2 * (east - 0.5)) % 360, "guide star right ascension"),
        ("GS_DEC", max(-90.0, min(90.0, facts.dec + 0.2 * (north - 0.5))), "guide star declination"),
        ("GS_MAG", round(12 + 5 * bright, 4), "guide star magnitude in FGS detector"),
        ("PCS_MODE", "FINEGUIDE", "Pointing Control System mode"),
    ]


def science(facts: FileFacts, footprint: Footprint, shape: tuple[int, ...], unit: str, *, axes: int) -> list[Card]:
    """List the cards of the first science extension, after the mandatory ones.

    Parameters
    ----------
    facts
        The file.
    footprint
        Where its pixels are.
    shape
        Of the array, in numpy's order.
    unit
        Of the array.
    axes
        Axes of the world coordinate system: 2, 3 for a cube, 0 where the pixels are not those of the sky.
    """
    start, end = times(facts)
    cards: list[Card] = [
        ("DATE-BEG", _exact(start), "Date-time start of exposure"),
        ("DATE-AVG", _exact((start + end) / 2), "Date-time mid-point of exposure"),
        ("DATE-END", _exact(end), "Date-time end of exposure"),
        ("MJD-BEG", start, "[d] exposure start time in MJD"),
        ("MJD-AVG", (start + end) / 2, "[d] exposure mid-point in MJD"),
        ("MJD-END", end, "[d] exposure end time in MJD"),
        ("XPOSURE", facts.exptime or None, "[s] Effective exposure time"),
        ("PA_APER", footprint.position_angle, "[deg] Position angle of aperture used"),
        ("BUNIT", unit, "physical units of the array values"),
        ("RADESYS", "ICRS", "Name of the coordinate reference frame"),
    ]
    if axes:
        cards += [
            (key, value, "")
            for key, value in footprint.wcs(shape[-1], shape[-2], axes=axes, bent=len(shape) == 2).items()
        ]
    if footprint.text:
        text = footprint.text if "ICRS" in footprint.text else footprint.text.replace("POLYGON", "POLYGON ICRS ")
        cards.append(("S_REGION", text[:1000], "spatial extent of the observation"))
    cards += [
        ("RA_REF", footprint.ra, "[deg] Right ascension of the reference point"),
        ("DEC_REF", footprint.dec, "[deg] Declination of the reference point"),
        ("ROLL_REF", footprint.position_angle, "[deg] V3 roll angle at the ref point (N over E)"),
    ]
    return cards


def _detector(facts: FileFacts) -> str:
    name = parse_name(facts.name)
    return facts.detector.upper() or (
        "MULTIPLE" if name and name.kind == "stage3" else "GUIDER1" if "_gs-" in facts.name else ""
    )


def _title(text: str) -> list[Card]:
    return [("", None, ""), ("", None, text), ("", None, "")]


def _iso(when: datetime) -> str:
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}"


def _exact(mjd: float) -> str:
    # To the microsecond: date and MJD of one header are compared by readers.
    exact = datetime(1858, 11, 17, tzinfo=UTC) + timedelta(days=mjd)
    return f"{exact:%Y-%m-%dT%H:%M:%S.%f}"
