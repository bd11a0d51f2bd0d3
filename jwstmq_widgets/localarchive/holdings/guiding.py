"""The guide-star files of a visit: identification, acquisitions, tracking and fine guiding.

They belong to the visit, so a product list repeats them under each of its exposures. The number of files of a visit
is a fact of its program (or derived); names and order follow from how a visit runs: identification once, then rounds
of acquisition, tracking and fine guiding.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from jwstmq_widgets.localarchive.holdings.instruments import GUIDE_MODES
from jwstmq_widgets.localarchive.holdings.kinds import Kind

__all__ = ["GuideFile", "guide_files"]

_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
_SUFFIXES = {
    "acq1": ("cal", "stream", "uncal"),
    "acq2": ("cal", "uncal"),
    "track": ("cal", "stream", "uncal"),
    "fg": ("cal", "uncal"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GuideFile:
    """One guide-star file."""

    name: str
    """File name."""
    mode: str
    """id, acq1, acq2, track or fg."""
    kind: Kind
    """What it is."""
    t_max: float
    """End of the data (MJD)."""


def guide_files(program: int, visit: str, count: int, start: float, end: float) -> tuple[GuideFile, ...]:
    """Give the guide-star files of a visit.

    Parameters
    ----------
    program
        Program number.
    visit
        Observation and visit, such as ``002001``.
    count
        How many files.
    start, end
        When the visit's exposures began and ended (MJD).
    """
    return tuple(islice(_files(f"jw{program:05d}{visit}", start, end, count), count))


def _files(stem: str, start: float, end: float, count: int) -> Iterator[GuideFile]:
    begin = start - 600.0 / 86_400.0
    for kind in ("image", "stacked"):
        for suffix in ("cal", "uncal"):
            yield _file(f"{stem}_gs-id_1_{kind}_{suffix}.fits", "id", suffix, begin)
    rounds = max(1, (count - 4) // 24)
    last = end + 120.0 / 86_400.0
    for turn in range(rounds + 2):
        moment = begin + (last - begin) * (turn + 0.2) / (rounds + 2)
        for number, mode in enumerate(("acq1", "acq2", "track")):
            ended = moment + (60.0 + 25.0 * number) / 86_400.0
            for suffix in _SUFFIXES[mode]:
                yield _file(f"{stem}_gs-{mode}_{_stamp(ended)}_{suffix}.fits", mode, suffix, ended)
        segments = 8
        ended = moment + (last - begin) / (rounds + 2) - 30.0 / 86_400.0
        for segment in range(1, segments + 1):
            for suffix in _SUFFIXES["fg"]:
                name = f"{stem}_gs-fg_{_stamp(ended)}-seg{segment:03d}_{suffix}.fits"
                yield _file(name, "fg", suffix, ended)


def _file(name: str, mode: str, suffix: str, t_max: float) -> GuideFile:
    facts = GUIDE_MODES[mode]
    kind = Kind(
        suffix=suffix,
        extension="fits",
        stage3=False,
        description=facts.description,
        product_type="AUXILIARY",
        group=facts.group,
        calib_level=2 if suffix == "cal" else 1,
        # Of guide stars only the calibrated tracking files are recommended (product list of 2609, observation 8).
        recommended=mode == "track" and suffix == "cal",
        versioned=True,
    )
    return GuideFile(name=name, mode=mode, kind=kind, t_max=t_max)


def _stamp(mjd: float) -> str:
    # Year, day of the year, time: the end of the data.
    return (_MJD_ZERO + timedelta(days=mjd)).strftime("%Y%j%H%M%S")
