"""The portal's description of its columns (``columnsconfig``)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

__all__ = ["columns_config"]

# name | label | type as VOTable writes it | unit | separator of values | description | example
# Types, units and separators are those the portal answers for Mast.Caom.Cone: clients take double and float for
# continuous (a range is asked for), everything else for discrete.
_OBSERVATIONS = """
intentType|Observation Type|char|||Whether the observation is for science or calibration|science, calibration
obs_collection|Mission|char||;|Collection|JWST
provenance_name|Provenance Name|char|||Name of the pipeline|CALJWST
instrument_name|Instrument|char|||Instrument and mode|MIRI/IMAGE
project|Project|char||;|Processing project|JWST
filters|Filters|char||;|Filters, gratings and channels|F770W
wavelength_region|Waveband|char||;|Energy band|INFRARED
target_name|Target Name|char|||Target name|NGC-3132
target_classification|Target Classification|char||;|Type of target|ISM; Planetary nebulae
obs_id|Observation ID|char|||Name of the observation, as in file names|jw02733-o002_t001_miri_f1130w
s_ra|RA|double|deg||Right ascension of the middle (ICRS)|151.757
s_dec|Dec|double|deg||Declination of the middle (ICRS)|-40.436
dataproduct_type|Product Type|char|||Type of the product|image, spectrum, cube, timeseries
proposal_pi|Principal Investigator|char|||Principal investigator's name|Pontoppidan, Klaus M.
calib_level|Calibration Level|int|||-1 planned, 1 raw, 2 calibrated, 3 combined|3
t_min|Start Time|double|d||Start of the observation (MJD)|59742.5
t_max|End Time|double|d||End of the observation (MJD)|59742.6
t_exptime|Exposure Length|double|s||Exposure time|2708.4
em_min|Min. Wavelength|double|nm||Shortest wavelength|10950
em_max|Max. Wavelength|double|nm||Longest wavelength|11650
obs_title|Observation Title|char|||Title of the program|
t_obs_release|Release Date|double|d||When the data become public (MJD)|59773.6
proposal_id|Proposal ID|char|||Program number|2733
proposal_type|Proposal Type|char|||Type of the program|GO, GTO, DD, COM, CAL
sequence_number|Sequence Number|int||||
s_region|s_region|char|deg||Footprint on the sky (ICRS)|POLYGON 151.7 -40.4 ...
jpegURL|jpegURL|char|||Preview|
dataURL|Data URL|char|||Main product|
dataRights|Data Rights|char|||Who may have the data|PUBLIC, EXCLUSIVE_ACCESS
mtFlag|Moving Target|boolean|||Whether the target moves|
srcDen|Number of Catalog Objects|float|||Sources in the catalogue|
obsid|Product Group ID|long|||Number of the observation in the archive; not obs_id|87602450
objID|Object ID|long|||Number of the row|
distance|Distance (")|float|arcsec||Distance from the position asked for; 0 inside the footprint|
"""

_PRODUCTS = """
obsID|Product Group ID|long|||Number of the observation that the product belongs to|87602450
obs_collection|Mission|char|||Collection|JWST
dataproduct_type|Product Type|char|||Type of the product|image, spectrum, cube, timeseries
obs_id|Observation ID|char|||Name of the observation, as in file names|jw02733-o002_t001_miri_f1130w
description|Description|char|||What the file holds|
type|Type|char|||C composite, S simple, D dataset|S
dataURI|URI|char|||Name to download the product by|mast:JWST/product/...
productType|Product Category|char|||Category|SCIENCE, PREVIEW, INFO, AUXILIARY
productGroupDescription|Product Group|char|||Minimum Recommended Products, or nothing|
productSubGroupDescription|Product Subgroup|char|||Kind of the file|CAL, I2D, X1D
productDocumentationURL|Documentation|char||||
project|Project|char|||Processing project|CALJWST
prvversion|Provenance Version|char|||Version of the pipeline|1.18.0
proposal_id|Proposal ID|char|||Program number|2733
productFilename|Filename|char|||File name|
size|File Size|long|byte||Size of the file|
parent_obsid|Parent Product Group ID|long|||Number of the observation that was asked for|87602450
dataRights|Data Rights|char|||Who may have the data|PUBLIC, EXCLUSIVE_ACCESS
calib_level|Calibration Level|int|||1 raw, 2 calibrated, 3 combined|2
filters|Filters|char||;|Filters, gratings and channels|F770W
"""


def _read(text: str) -> Mapping[str, Mapping[str, Any]]:
    columns: dict[str, Mapping[str, Any]] = {}
    for order, line in enumerate(text.strip().splitlines()):
        name, label, kind, unit, separator, description, example = line.split("|")
        entry: dict[str, Any] = {"text": label, "order": order, "vot.datatype": kind, "vot.name": name}
        if kind == "char":
            entry["vot.arraysize"] = "*"
        if kind == "boolean":
            entry["type"] = "boolean"
        if unit:
            entry["vot.unit"] = unit
        if separator:
            entry["separator"] = separator
        if description:
            entry["vot.description"] = description
        if example:
            entry["example"] = example
        columns[name] = MappingProxyType(entry)
    return MappingProxyType(columns)


_CONFIGS: Mapping[str, Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "Mast.Caom.Cone": _read(_OBSERVATIONS),
        "Mast.Caom.Filtered": _read(_OBSERVATIONS),
        "Mast.Caom.Filtered.Position": _read(_OBSERVATIONS),
        "Mast.Caom.All": _read(_OBSERVATIONS),
        "Mast.Caom.Products": _read(_PRODUCTS),
    }
)


def columns_config(service: str) -> dict[str, dict[str, Any]]:
    """Describe the columns of a service.

    Parameters
    ----------
    service
        Such as ``Mast.Caom.Cone``.

    Returns
    -------
    dict
        One entry per column; empty for a service that does not exist, as the portal does.
    """
    return {name: dict(entry) for name, entry in _CONFIGS.get(service, {}).items()}
