"""The rows of MAST's mission search: one for each executed exposure, its detectors together."""

from collections.abc import Iterable
from typing import Any

from jwstmq_widgets.localarchive.holdings.caomrows import reach_columns
from jwstmq_widgets.localarchive.holdings.missioncolumns import mission_columns
from jwstmq_widgets.localarchive.holdings.missionkeywords import iso_moment, keyword_values
from jwstmq_widgets.localarchive.holdings.records import Observation
from jwstmq_widgets.localarchive.holdings.regions import parse_region
from jwstmq_widgets.localarchive.programs import Program

__all__ = ["mission_rows"]

_GENERATED_ID = 260_000_000


def mission_rows(program: Program, exposures: Iterable[Observation]) -> list[dict[str, Any]]:
    """Make the mission-search rows of a program.

    Parameters
    ----------
    program
        The program.
    exposures
        Its exposures, by detector and segment.
    """
    datasets: dict[str, list[Observation]] = {}
    for exposure in exposures:
        datasets.setdefault(exposure.dataset, []).append(exposure)
    activities: dict[str, list[str]] = {}
    for dataset in datasets:
        activities.setdefault(dataset[:-6], []).append(dataset)
    places = {name: (place, len(names)) for names in activities.values() for place, name in enumerate(names, start=1)}
    return [
        _row(program, dataset, members, _GENERATED_ID + program.program * 10_000 + number, *places[dataset])
        for number, (dataset, members) in enumerate(datasets.items())
    ]


def _row(
    program: Program, dataset: str, members: list[Observation], number: int, place: int, count: int
) -> dict[str, Any]:
    first = members[0]
    optics = dict.fromkeys(_element(member) for member in members)
    levels = ["1b", "2a", "2b"] + (
        ["2c"] if any("crf" in file.name for member in members for file in member.files) else []
    )
    regions = dict.fromkeys(member.s_region for member in members if member.s_region)
    corners = [corner for region in regions for polygon in parse_region(region) for corner in polygon]
    start = min(member.t_min or 0.0 for member in members)
    row: dict[str, Any] = {name: None for name in mission_columns() if name != "ang_sep"}
    return row | {
        "ArchiveFileID": number,
        "fileSetName": dataset,
        "productLevel": ", ".join(levels),
        "targprop": first.target_name,
        "targ_ra": first.target_ra,
        "targ_dec": first.target_dec,
        "instrume": first.instrument_name.split("/")[0],
        "exp_type": first.exp_type,
        "opticalElements": ", ".join(filter(None, optics)) or None,
        "date_obs": iso_moment(start),
        "duration": round(first.exptime * sum(member.detector == first.detector for member in members), 3),
        "program": program.program,
        "observtn": int(first.visit[:3]),
        "visit": int(first.visit[3:]),
        "publicReleaseDate": iso_moment(first.release or 0.0, fraction=False),
        "pi_name": program.pi_name or None,
        "proposal_type": program.category,
        "proposal_cycle": program.cycle,
        "targtype": "MOVING" if first.moving else "FIXED",
        "access": first.rights,
        "cal_ver": program.version,
        # Mission search writes the frame, and two blanks after it.
        "s_region": " ".join(region.replace("POLYGON ", "POLYGON ICRS  ") for region in regions) or None,
        **keyword_values(dataset, members, place=place, count=count),
        **reach_columns(corners),
    }


def _element(exposure: Observation) -> str:
    return f"{exposure.filter};{exposure.pupil or 'CLEAR'}" if exposure.filter else ""
