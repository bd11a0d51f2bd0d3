"""The exposures of a program, one for each detector and segment, by JWST's naming rules."""

from collections.abc import Iterator
from math import cos, isnan, nan, pi, sin, sqrt

from jwstmq_widgets.filenames import DETECTORS
from jwstmq_widgets.localarchive.holdings.instruments import (
    APERTURES,
    DETECTOR_FRAMES,
    RECIPES,
    SUBARRAYS,
    Frame,
    Recipe,
)
from jwstmq_widgets.localarchive.holdings.kinds import kind_of
from jwstmq_widgets.localarchive.holdings.records import CatalogueFile, Observation, files_of, spread
from jwstmq_widgets.localarchive.holdings.regions import offset, rectangle, region_text
from jwstmq_widgets.localarchive.programs import Program, Sequence

__all__ = ["association_of", "derive_exposures", "field_angle", "field_centre", "optics_of"]

_DAY = 86_400.0
_OVERHEAD = 60.0 / _DAY
_GOLDEN = pi * (3.0 - sqrt(5.0))


def association_of(sequence: Sequence) -> str:
    """Give the association candidate of a sequence's stage-3 products."""
    return sequence.association or f"o{sequence.observation:03d}"


def optics_of(sequence: Sequence, detector: str) -> str:
    """Give FILTER;PUPIL for one detector of a sequence."""
    if sequence.optics_long and detector.endswith("long"):
        return sequence.optics_long
    return sequence.optics


def field_angle(program: Program, sequence: Sequence) -> float:
    """Give the position angle (deg) of a sequence's field."""
    if sequence.angle is not None:
        return sequence.angle
    return spread(f"{program.program}-{sequence.observation}", 0.0, 360.0)


def field_centre(program: Program, sequence: Sequence, place: int) -> tuple[float, float]:
    """Give the middle (deg) of the field in the visit of that place in the sequence's list."""
    if sequence.centres:
        return sequence.centres[place % len(sequence.centres)]
    target = program.target(sequence.target)
    return target.ra, target.dec


def derive_exposures(program: Program) -> Iterator[Observation]:
    """Make all exposures of a program, in the order of its facts."""
    count: dict[str, int] = {}
    for sequence in program.sequences:
        recipe = RECIPES[sequence.exp_type]
        combined = bool(recipe.rule3) and sequence.stage3
        for place, visit in enumerate(sequence.visits):
            for exposure in range(sequence.first, sequence.first + sequence.exposures):
                for segment in range(1, sequence.segments + 1) or (0,):
                    for detector in sequence.detectors.split():
                        key = association_of(sequence)
                        count[key] = count.get(key, 0) + 1
                        yield _exposure(
                            program, sequence, recipe, place, visit, exposure, segment, detector, combined, count[key]
                        )


def _exposure(
    program: Program,
    sequence: Sequence,
    recipe: Recipe,
    place: int,
    visit: int,
    exposure: int,
    segment: int,
    detector: str,
    combined: bool,
    number: int,
) -> Observation:
    dataset = f"jw{program.program:05d}{sequence.observation:03d}{visit:03d}_{sequence.activity}_{exposure:05d}"
    obs_id = f"{dataset}{f'-seg{segment:03d}' if segment else ''}_{detector}"
    target = program.target(sequence.target)
    filters = optics_of(sequence, detector)
    first, _, second = filters.partition(";")
    frame = DETECTOR_FRAMES[detector]
    nx, ny = SUBARRAYS.get(sequence.subarray, (frame.nx, frame.ny))
    index = exposure - sequence.first
    start = sequence.start + place * sequence.stride + index * (sequence.step or sequence.exptime / _DAY + _OVERHEAD)
    if segment:
        start += (segment - 1) * sequence.exptime / sequence.segments / _DAY
    exptime = sequence.exptime / max(sequence.segments, 1)
    ra, dec, region = _field(program, sequence, place, index, detector, frame, (nx, ny))
    association = association_of(sequence)
    # Exposures for the wavefront are not resampled.
    suffixes = tuple(suffix for suffix in recipe.suffixes if suffix != "i2d" or "_wfs-" not in sequence.asn)
    files = files_of(obs_id, suffixes, stage3=False)
    if combined or sequence.association:
        files += files_of(f"{obs_id}_{association}", recipe.suffixes2c, stage3=False)
    if sequence.asn or recipe.rule:
        name = (
            sequence.asn or f"jw{program.program:05d}-{association}_{program.stamp}_{recipe.rule}_{number:05d}_asn.json"
        )
        files += (CatalogueFile(name=name, kind=kind_of("asn", "json", stage3=False)),)
    names = {file.name for file in files}
    return Observation(
        obs_id=obs_id,
        program=program,
        listed=not combined,
        calib_level=2,
        instrument_name=sequence.instrument_name or _instrument_name(recipe, detector),
        dataproduct_type=recipe.dataproduct_type,
        filters=filters or None,
        target_name=sequence.target_name or target.name,
        target_ra=target.ra,
        target_dec=target.dec,
        exptime=exptime,
        t_min=start,
        t_max=start + exptime / _DAY,
        s_region=region,
        ra=ra,
        dec=dec,
        rights=sequence.rights or program.rights,
        release=program.release,
        classification=target.classification,
        moving=target.moving,
        jpeg=f"{obs_id}_rate.jpg" if f"{obs_id}_rate.jpg" in names else None,
        data=next((file.name for file in files if file.name.startswith(f"{obs_id}_{recipe.main2}.")), files[0].name),
        exp_type=sequence.exp_type,
        detector=detector,
        filter=first,
        pupil=_channels(detector, second or first) if sequence.exp_type == "MIR_MRS" else second,
        subarray=sequence.subarray,
        nints=sequence.nints,
        ngroups=sequence.ngroups,
        nx=nx,
        ny=ny,
        visit=f"{sequence.observation:03d}{visit:03d}",
        dataset=dataset,
        association=association if combined else "",
        main=recipe.main2,
        files=files,
    )


def _instrument_name(recipe: Recipe, detector: str) -> str:
    return {"guider1": "FGS/FGS1", "guider2": "FGS/FGS2"}.get(detector, recipe.instrument_name)


def _channels(detector: str, band: str) -> str:
    return f"{'12' if detector == 'mirifushort' else '34'}-{band}"


def _field(
    program: Program,
    sequence: Sequence,
    place: int,
    index: int,
    detector: str,
    frame: Frame,
    shape: tuple[int, int],
) -> tuple[float, float, str]:
    """Give middle and footprint of one exposure: the detector's aperture about a dithered pointing.

    Of an unknown pointing: nan, nan and no footprint.
    """
    angle = field_angle(program, sequence)
    centre = field_centre(program, sequence, place)
    if isnan(centre[0]):
        return nan, nan, ""
    reach = sequence.dither * sqrt((index + 0.5) / sequence.exposures)
    turn = index * _GOLDEN + sequence.observation
    across, along = reach * cos(turn), reach * sin(turn)
    aperture = APERTURES.get(sequence.exp_type) or APERTURES.get(detector)
    if aperture or shape != (frame.nx, frame.ny):
        width, height = aperture or (shape[0] * frame.pixel, shape[1] * frame.pixel)
    else:
        width, height = frame.nx * frame.pixel, frame.ny * frame.pixel
        middle_x, middle_y = _middle(sequence.detectors)
        across, along = across + frame.x - middle_x, along + frame.y - middle_y
    box = (across - width / 2, along - height / 2, across + width / 2, along + height / 2)
    ra, dec = offset(*centre, across, along, angle)
    return ra, dec, region_text([rectangle(*centre, box, angle)])


def _middle(detectors: str) -> tuple[float, float]:
    frames = [DETECTOR_FRAMES[name] for name in detectors.split() if name in DETECTORS]
    xs, ys = [frame.x for frame in frames], [frame.y for frame in frames]
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
