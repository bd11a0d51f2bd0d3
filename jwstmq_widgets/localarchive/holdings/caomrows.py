"""CAOM's rows of observations: derived, with what was recorded put in their place."""

from collections.abc import Collection, Iterable, Mapping
from math import cos, isnan, sin
from typing import Any

from jwstmq_widgets.localarchive.holdings.instruments import wavelengths
from jwstmq_widgets.localarchive.holdings.records import Observation
from jwstmq_widgets.localarchive.holdings.regions import bounding_circle, parse_region
from jwstmq_widgets.localarchive.programs import Program
from jwstmq_widgets.localarchive.sphere import place

__all__ = ["observation_row", "obsids_of", "planned_row", "reach_columns"]

# Recorded obsids end at 254,258,482 (2025): ours lie above, ten thousand for each program.
_GENERATED_OBSID = 260_000_000
_GENERATED_OBJID = 1_200_000_000
_URI = "mast:JWST/product/"


def obsids_of(program: Program, observations: Iterable[Observation]) -> dict[str, int]:
    """Give numbers to a program's observations: as recorded, else in the order of its facts."""
    recorded = {row.obs_id: row.obsid for row in program.recorded if row.obsid}
    return {
        observation.obs_id: recorded.get(observation.obs_id, _GENERATED_OBSID + program.program * 10_000 + number)
        for number, observation in enumerate(observations)
    }


def observation_row(observation: Observation, obsid: int) -> dict[str, Any]:
    """Make the row of an observation, by column of the catalogue."""
    program = observation.program
    row = _row(program, obsid, observation.filters)
    row |= {
        "listed": observation.listed,
        "dataset": observation.dataset,
        "instrument_name": observation.instrument_name,
        "filters": observation.filters,
        "target_name": observation.target_name,
        "target_classification": observation.classification,
        "obs_id": observation.obs_id,
        "s_ra": observation.target_ra,
        "s_dec": observation.target_dec,
        "dataproduct_type": observation.dataproduct_type,
        "calib_level": observation.calib_level,
        "t_min": observation.t_min,
        "t_max": observation.t_max,
        "t_exptime": observation.exptime,
        "t_obs_release": observation.release,
        "s_region": observation.s_region or None,
        "jpegURL": _URI + observation.jpeg if observation.jpeg else None,
        "dataURL": _URI + observation.data if observation.data else None,
        "dataRights": observation.rights,
        "mtFlag": observation.moving,
        "exp_type": observation.exp_type,
        "detector": observation.detector,
        "filter": observation.filter,
        "pupil": observation.pupil,
        "subarray": observation.subarray,
        "ra": observation.ra,
        "dec": observation.dec,
        "nints": observation.nints,
        "ngroups": observation.ngroups,
        "nx": observation.nx,
        "ny": observation.ny,
        "association": observation.association,
        "main": observation.main,
        "target_ra": observation.target_ra,
        "target_dec": observation.target_dec,
    }
    for recorded in program.recorded:
        if recorded.obs_id == observation.obs_id:
            row |= _known(recorded.values)
            _recentre(row)
    return _finished(row)


def planned_row(program: Program, number: int) -> dict[str, Any]:
    """Make the row of a planned exposure: nothing of it exists but the plan."""
    planned = program.planned[number]
    obsid = planned.obsid or _GENERATED_OBSID + program.program * 10_000 + 9_999 - number
    target = program.targets[0]
    row = _row(program, obsid, str(planned.values.get("filters", "")).replace("/", ";"))
    row |= {
        "provenance_name": "APT",
        "obs_id": planned.obs_id,
        "calib_level": -1,
        "target_name": target.name,
        "s_ra": target.ra,
        "s_dec": target.dec,
        "ra": target.ra,
        "dec": target.dec,
        "target_ra": target.ra,
        "target_dec": target.dec,
        "mtFlag": target.moving,
    }
    return _finished(row | _known(planned.values))


def reach_columns(places: Collection[tuple[float, float]]) -> dict[str, float | None]:
    """Give the columns by which a cone finds candidates: a unit vector, cosine and sine of the region's radius.

    Parameters
    ----------
    places
        Corners of the region, or its one place (deg); without any, no cone finds it.
    """
    if not places:
        return dict.fromkeys(("x", "y", "z", "cos_reach", "sin_reach"))
    circle = bounding_circle(places)
    x, y, z = circle.centre
    return {"x": x, "y": y, "z": z, "cos_reach": cos(circle.radius), "sin_reach": sin(circle.radius)}


def _row(program: Program, obsid: int, filters: str | None) -> dict[str, Any]:
    low, high = (filters and wavelengths(filters)) or (None, None)
    return {
        **dict.fromkeys(("dataset", "exp_type", "detector", "filter", "pupil", "subarray"), ""),
        **dict.fromkeys(("instrument_name", "association", "main"), ""),
        **dict.fromkeys(("nints", "ngroups", "nx", "ny"), 0),
        **dict.fromkeys(("filters", "target_classification", "t_min", "t_max", "t_exptime", "t_obs_release")),
        **dict.fromkeys(("visit", "sequence_number", "s_region", "jpegURL", "dataURL", "dataRights", "srcDen")),
        "obsid": obsid,
        "objID": obsid - _GENERATED_OBSID + _GENERATED_OBJID,
        "listed": True,
        "program": program.program,
        "intentType": "science",
        "obs_collection": "JWST",
        "provenance_name": "CALJWST",
        "project": "JWST",
        "wavelength_region": "INFRARED",
        "dataproduct_type": "image",
        "proposal_pi": program.pi_name or None,
        "em_min": low,
        "em_max": high,
        "obs_title": program.title or None,
        "proposal_id": str(program.program),
        "proposal_type": program.category,
    }


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: None if value == "" else value for key, value in values.items()}


def _finished(row: dict[str, Any]) -> dict[str, Any]:
    row["instrument"] = row["instrument_name"].split("/")[0]
    polygons = parse_region(row["s_region"] or "")
    places = [corner for corners in polygons for corner in corners] or [(row["s_ra"], row["s_dec"])]
    return row | reach_columns([] if isnan(places[0][0]) else places)


def _recentre(row: dict[str, Any]) -> None:
    """Move the middle of the field into a recorded footprint."""
    polygons = parse_region(row["s_region"] or "")
    if polygons:
        row["ra"], row["dec"] = place(bounding_circle(corner for corners in polygons for corner in corners).centre)
