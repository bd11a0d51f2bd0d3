"""What each column of our tables means."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "LISTED_COLUMNS",
    "OBSERVATION_COLUMNS",
    "OBSERVATION_DERIVED",
    "PRODUCT_COLUMNS",
    "PRODUCT_DERIVED",
    "ColumnFacts",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnFacts:
    """What a column holds."""

    kind: Literal["text", "integer", "real", "flag"]
    """Kind of its values."""
    unit: str | None = None
    """Unit, in astropy's spelling."""
    description: str
    """What it means."""
    missing: Any
    """The value where the archive gives none."""


def _text(description: str) -> ColumnFacts:
    return ColumnFacts(kind="text", description=description, missing="")


def _integer(description: str, *, unit: str | None = None, missing: int = -1) -> ColumnFacts:
    return ColumnFacts(kind="integer", description=description, unit=unit, missing=missing)


def _real(description: str, *, unit: str | None = None) -> ColumnFacts:
    return ColumnFacts(kind="real", description=description, unit=unit, missing=float("nan"))


def _flag(description: str) -> ColumnFacts:
    return ColumnFacts(kind="flag", description=description, missing=False)


OBSERVATION_COLUMNS: Mapping[str, ColumnFacts] = {
    "intentType": _text("science or calibration"),
    "obs_collection": _text("collection; JWST"),
    "provenance_name": _text("pipeline that made the data"),
    "instrument_name": _text("instrument and mode, such as MIRI/IMAGE"),
    "project": _text("processing project"),
    "filters": _text("filters, FILTER;PUPIL or FILTER;GRATING"),
    "wavelength_region": _text("wavelength region"),
    "target_name": _text("target"),
    "target_classification": _text("class of the target"),
    "obs_id": _text("name of the observation, such as jw02733-o002_t001_miri_f1130w; not obsid"),
    "s_ra": _real("right ascension of the middle (ICRS)", unit="deg"),
    "s_dec": _real("declination of the middle (ICRS)", unit="deg"),
    "dataproduct_type": _text("image, spectrum, cube, timeseries, measurements"),
    "proposal_pi": _text("principal investigator"),
    "calib_level": _integer("CAOM calibration level; -1 is planned", missing=-999),
    "t_min": _real("start (MJD, UTC)", unit="d"),
    "t_max": _real("end (MJD, UTC)", unit="d"),
    "t_exptime": _real("exposure time", unit="s"),
    "em_min": _real("shortest wavelength", unit="nm"),
    "em_max": _real("longest wavelength", unit="nm"),
    "obs_title": _text("title of the program"),
    "t_obs_release": _real("when it becomes public (MJD, UTC)", unit="d"),
    "proposal_id": _text("program, without leading zeros"),
    "proposal_type": _text("category of the program: GO, GTO, ERS, COM, CAL"),
    "sequence_number": _integer("sequence number", missing=-999),
    "s_region": _text("footprint: POLYGON ra dec ra dec ... (deg, ICRS)"),
    "jpegURL": _text("URI of the preview"),
    "dataURL": _text("URI of the main product"),
    "dataRights": _text("PUBLIC or EXCLUSIVE_ACCESS"),
    "mtFlag": _flag("moving target"),
    "srcDen": _real("source density"),
    "obsid": _text("the archive's number of the observation, as text; asks for its products; not obs_id"),
    "objID": _text("the archive's number of the row, as text"),
}
"""MAST's CAOM columns of an observation, in MAST's order."""

OBSERVATION_DERIVED: Mapping[str, ColumnFacts] = {
    "program": _integer("program number"),
    "observation": _integer("observation number; -1 where the name holds none"),
    "instrument": _text("instrument"),
    "mode": _text("observing mode, lower case"),
}
"""What we derive for an observation."""

PRODUCT_COLUMNS: Mapping[str, ColumnFacts] = {
    "obsID": _text("obsid of the observation that the file belongs to, as text"),
    "obs_collection": _text("collection; JWST"),
    "dataproduct_type": _text("image, spectrum, cube, timeseries, measurements"),
    "obs_id": _text("name of the observation that the file belongs to"),
    "description": _text("what the file is, in MAST's words"),
    "type": _text("D: of the observation asked for; S: of one of its members"),
    "dataURI": _text("the file's identity in the archive"),
    "productType": _text("SCIENCE, AUXILIARY, INFO or PREVIEW"),
    "productGroupDescription": _text("'Minimum Recommended Products' or nothing"),
    "productSubGroupDescription": _text("suffix in upper case, such as CAL"),
    "productDocumentationURL": _text("documentation"),
    "project": _text("processing project"),
    "prvversion": _text("version of the pipeline"),
    "proposal_id": _text("program, without leading zeros"),
    "productFilename": _text("file name"),
    "size": _integer("size; -1 where the archive does not say", unit="byte"),
    "parent_obsid": _text("obsid of the first observation it was listed for, as text; all are in parents"),
    "dataRights": _text("PUBLIC or EXCLUSIVE_ACCESS"),
    "calib_level": _integer("CAOM calibration level; -1 is planned", missing=-999),
    "filters": _text("filters, FILTER;PUPIL or FILTER;GRATING"),
}
"""MAST's CAOM columns of a product, in MAST's order."""

PRODUCT_DERIVED: Mapping[str, ColumnFacts] = {
    "program": _integer("program number"),
    "observation": _integer("observation number; -1 where the name holds none"),
    "visit": _integer("visit number; -1 where the name holds none"),
    "exposure": _integer("exposure number; -1 where the name holds none"),
    "detector": _text("detector, as file names spell it"),
    "instrument": _text("instrument"),
    "suffix": _text("suffix of the file name, such as cal"),
    "filetype": _text("suffix with extension, such as _cal.fits"),
    "stage": _text("product category 1b, 2a, 2b, 2c or 3; gs for guide stars"),
    "guidestar": _flag("guide-star data"),
    "target_name": _text("target of the observation it was first listed for"),
    "release": _real("when it becomes public (MJD, UTC)", unit="d"),
    "parents": _text("obsids of all observations it was listed for, with commas"),
}
"""What we derive for a product, from its name and its parents."""

LISTED_COLUMNS: Mapping[str, ColumnFacts] = {
    "obsnum": _integer("observation number; -1 where the name holds none"),
    "date_min": _text("start (ISO, UTC)"),
    "sca": _text("detector, without nrc for NIRCam's"),
    "outfilename": _text("where the file is, or would be, on this disk"),
    "dl_code": _integer("0 not here, 2 here, 4 here with another size, -1 not looked at"),
    "dl_str": _text("the same in a word"),
}
"""What lists have besides, under jwst_mast_query's names."""
