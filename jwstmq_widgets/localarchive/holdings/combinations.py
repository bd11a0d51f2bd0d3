"""The stage-3 observations of a program: which exposures are combined, under which name."""

from collections.abc import Iterator
from collections.abc import Sequence as Members
from dataclasses import dataclass, field

from jwstmq_widgets.localarchive.holdings.exposures import association_of, field_angle, field_centre, optics_of
from jwstmq_widgets.localarchive.holdings.instruments import DETECTOR_FRAMES, RECIPES, Recipe
from jwstmq_widgets.localarchive.holdings.kinds import kind_of
from jwstmq_widgets.localarchive.holdings.records import CatalogueFile, Observation, files_of, spread
from jwstmq_widgets.localarchive.holdings.regions import (
    Corners,
    bounding_circle,
    extent,
    offset,
    parse_region,
    rectangle,
    region_text,
)
from jwstmq_widgets.localarchive.programs import Program, Sequence
from jwstmq_widgets.localarchive.sphere import place

__all__ = ["derive_combinations", "optical_elements"]

_TARGET_ACQUISITION = {"NRS_MSATA", "NRS_WATA"}


@dataclass(slots=True)
class _Group:
    sequence: Sequence
    recipe: Recipe
    optics: str
    elements: str
    members: list[Observation] = field(default_factory=list)


def optical_elements(sequence: Sequence, optics: str) -> str:
    """Give the optical elements of a stage-3 name.

    Parameters
    ----------
    sequence
        The exposures.
    optics
        FILTER;PUPIL or FILTER;GRATING of them; CHn-BAND for MIRI's spectrometer.
    """
    first, _, second = optics.lower().partition(";")
    kind = sequence.exp_type
    if kind == "NRS_IFU":
        parts = [second, first]
    elif kind.startswith("NRS"):
        parts = [first, second]
    elif kind.startswith(("NRC", "NIS")):
        # NIRISS's filters beyond 2.5 um stand in the filter wheel, with CLEARP in the pupil wheel.
        parts = sorted((first, second or "clear"))
    else:
        parts = [part for part in (first, second) if part]
    subarray = "" if sequence.subarray in {"FULL", "SLITLESSPRISM"} else sequence.subarray.lower()
    return "-".join([*parts, subarray] if subarray else parts)


def derive_combinations(program: Program, exposures: Members[Observation]) -> Iterator[Observation]:
    """Make the stage-3 observations of a program from its exposures."""
    acquisitions: dict[str, list[str]] = {}
    for exposure in exposures:
        if exposure.exp_type in _TARGET_ACQUISITION:
            acquisitions.setdefault(exposure.visit, []).append(exposure.obs_id)
    count: dict[str, int] = {}
    for group in _groups(program, exposures):
        association = association_of(group.sequence)
        count[association] = count.get(association, 0) + 1
        asn = (
            f"jw{program.program:05d}-{association}_{program.stamp}"
            f"_{group.recipe.rule3}_{count[association]:05d}_asn.json"
        )
        spectra = program.spectra.get(association, ()) if group.recipe.rule3 == "spec3" else ()
        visits = {member.visit for member in group.members}
        extra = tuple(name for visit in sorted(visits) for name in acquisitions.get(visit, ()))
        for source in spectra or ("",):
            yield _combination(program, group, association, asn, source, extra if source else ())


def _groups(program: Program, exposures: Members[Observation]) -> Iterator[_Group]:
    sequences: dict[tuple[str, str], Sequence] = {}
    for sequence in program.sequences:
        for visit in sequence.visits:
            for number in range(sequence.first, sequence.first + sequence.exposures):
                dataset = (
                    f"jw{program.program:05d}{sequence.observation:03d}{visit:03d}_{sequence.activity}_{number:05d}"
                )
                for detector in sequence.detectors.split():
                    sequences[dataset, detector] = sequence
    groups: dict[tuple[str, int, str], _Group] = {}
    # Long-wave products come before the short-wave ones of the same sequence (counters of 2733's associations).
    for exposure in sorted(exposures, key=_order):
        sequence = sequences[exposure.dataset, exposure.detector]
        recipe = RECIPES[sequence.exp_type]
        if not exposure.association:
            continue
        for optics in _products(sequence, exposure.detector):
            elements = optical_elements(sequence, optics)
            key = (exposure.association, sequence.target, f"{exposure.program.program}{sequence.exp_type}{elements}")
            group = groups.setdefault(key, _Group(sequence, recipe, optics, elements))
            group.members.append(exposure)
    yield from groups.values()


def _order(exposure: Observation) -> tuple[str, str, bool]:
    return exposure.visit[:3], exposure.dataset.split("_")[1], not exposure.detector.endswith("long")


def _products(sequence: Sequence, detector: str) -> tuple[str, ...]:
    if sequence.exp_type != "MIR_MRS":
        return (optics_of(sequence, detector),)
    channels = (1, 2) if detector == "mirifushort" else (3, 4)
    return tuple(f"CH{channel}-{sequence.optics}" for channel in channels)


def _combination(
    program: Program, group: _Group, association: str, asn: str, source: str, acquisitions: tuple[str, ...]
) -> Observation:
    sequence, recipe = group.sequence, group.recipe
    first = group.members[0]
    target = program.target(sequence.target)
    instrument = recipe.instrument_name.split("/")[0]
    name = f"{source or f't{sequence.target:03d}'}_{instrument.lower()}_{group.elements}"
    obs_id = f"jw{program.program:05d}-{association}_{name}"
    regions = _mosaic(program, sequence, group.members)
    if source:
        regions = (_spectrum(regions, obs_id),)
    pixel = DETECTOR_FRAMES[first.detector].pixel
    nx, ny = _shape(regions, field_angle(program, sequence), pixel)
    circle = bounding_circle(corner for corners in regions for corner in corners)
    ra, dec = place(circle.centre)
    files = files_of(obs_id, recipe.suffixes3, stage3=True)
    if recipe.rule3 == "image3" and instrument == "FGS":
        files = files_of(obs_id, ("i2d",), stage3=True)
    files += (
        CatalogueFile(name=asn, kind=kind_of("asn", "json", stage3=True)),
        CatalogueFile(
            name=f"jw{program.program:05d}_{program.stamp}_pool.csv", kind=kind_of("pool", "csv", stage3=True)
        ),
    )
    per_detector: dict[str, float] = {}
    for member in group.members:
        per_detector[member.detector] = per_detector.get(member.detector, 0.0) + member.exptime
    starts = [member.t_min for member in group.members if member.t_min is not None]
    ends = [member.t_max for member in group.members if member.t_max is not None]
    filter_, _, pupil = group.optics.partition(";")
    return Observation(
        obs_id=obs_id,
        program=program,
        listed=True,
        calib_level=3,
        instrument_name=first.instrument_name,
        dataproduct_type=first.dataproduct_type,
        filters=group.optics,
        target_name=first.target_name,
        target_ra=target.ra,
        target_dec=target.dec,
        exptime=max(per_detector.values()),
        t_min=min(starts),
        t_max=max(ends),
        s_region=region_text(regions),
        ra=ra,
        dec=dec,
        rights=first.rights,
        release=first.release,
        classification=target.classification,
        moving=target.moving,
        jpeg=next((file.name for file in files if file.kind.product_type == "PREVIEW"), None),
        data=files[0].name,
        exp_type=sequence.exp_type,
        detector=first.detector if len(per_detector) == 1 else "",
        filter=filter_,
        pupil=pupil,
        subarray=sequence.subarray,
        nints=first.nints,
        ngroups=first.ngroups,
        nx=nx,
        ny=ny,
        association=association,
        members=(*(member.obs_id for member in group.members), *acquisitions),
        files=files,
    )


def _mosaic(program: Program, sequence: Sequence, members: Members[Observation]) -> tuple[Corners, ...]:
    """Give one box for each patch of sky that the exposures cover; a gap, as between NIRCam's modules, stays one."""
    ra, dec = field_centre(program, sequence, 0)
    angle = field_angle(program, sequence)
    boxes = [extent(corners, ra, dec, angle) for member in members for corners in parse_region(member.s_region)]
    merged = _merge(boxes)
    return tuple(rectangle(ra, dec, box, angle) for box in merged)


_Box = tuple[float, float, float, float]


def _merge(boxes: list[_Box]) -> list[_Box]:
    # NIRCam's short-wave detectors leave gaps of 5 arcsec, which are no gaps of a mosaic; 40 lie between its modules.
    gap = 6.0
    merged: list[_Box] = []
    for box in boxes:
        joined = box
        apart = []
        for other in merged:
            if (
                joined[0] <= other[2] + gap
                and other[0] <= joined[2] + gap
                and joined[1] <= other[3] + gap
                and other[1] <= joined[3] + gap
            ):
                joined = (
                    min(joined[0], other[0]),
                    min(joined[1], other[1]),
                    max(joined[2], other[2]),
                    max(joined[3], other[3]),
                )
            else:
                apart.append(other)
        merged = [*apart, joined]
    return merged if len(merged) == len(boxes) or len(merged) == 1 else _merge(merged)


def _shape(regions: Members[Corners], angle: float, pixel: float) -> tuple[int, int]:
    ra, dec = regions[0][0]
    boxes = [extent(corners, ra, dec, angle) for corners in regions]
    width = max(box[2] for box in boxes) - min(box[0] for box in boxes)
    height = max(box[3] for box in boxes) - min(box[1] for box in boxes)
    return max(8, round(width / pixel)), max(8, round(height / pixel))


def _spectrum(regions: Members[Corners], obs_id: str) -> Corners:
    """Give a source its box of about 3 by 1 arcsec somewhere in the field."""
    (ra0, dec0), corner, _, last = regions[0][:4]
    x, y = spread(obs_id + "x", 0.1, 0.9), spread(obs_id + "y", 0.1, 0.9)
    ra = ra0 + x * ((corner[0] - ra0 + 180) % 360 - 180) + y * ((last[0] - ra0 + 180) % 360 - 180)
    dec = dec0 + x * (corner[1] - dec0) + y * (last[1] - dec0)
    return rectangle(*offset(ra, dec, 0.0, 0.0, 0.0), (-1.7, -0.55, 1.7, 0.55), 0.0)
