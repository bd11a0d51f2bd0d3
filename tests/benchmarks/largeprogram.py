"""A local archive that holds one large program: 264 observations, about 17,000 files.

The program is invented; its rows follow from it by the rules by which the archive makes those of real ones.
"""

from pathlib import Path

from jwstmq_widgets.localarchive.holdings.catalogue import build
from jwstmq_widgets.localarchive.holdings.store import fingerprint
from jwstmq_widgets.localarchive.programs import Program, Sequence, Target

__all__ = ["NUMBER", "large_catalogue"]

NUMBER = 9264
"""Its number."""

_OBSERVATIONS = 88
_FILTERS = ("F560W", "F770W", "F1130W")
_START = 60_000.0


def large_catalogue(folder: Path) -> Path:
    """Build a catalogue that a ``LocalArchive(folder=...)`` finds there; gives the folder."""
    build(folder / f"holdings-reduced-{fingerprint()}.sqlite", scale="reduced", programs=(_program(),))
    return folder


def _program() -> Program:
    target = Target(number=1, name="LARGE-FIELD", ra=150.1, dec=2.2)
    sequences = tuple(
        Sequence(
            observation=observation,
            activity=f"0{2 + 2 * place}101",
            detectors="mirimage",
            exp_type="MIR_IMAGE",
            optics=name,
            start=_START + observation + place / 10,
            exptime=100.0,
            exposures=4,
            source="derived",
        )
        for observation in range(1, _OBSERVATIONS + 1)
        for place, name in enumerate(_FILTERS)
    )
    return Program(
        program=NUMBER,
        name="Large survey",
        title="An invented survey",
        pi_name="Nobody",
        category="GO",
        cycle=1,
        release=_START,
        source="derived",
        sources={},
        version="1.16.0",
        stamp="20240101t000000",
        targets=(target,),
        sequences=sequences,
        guide_files={"default": 30},
    )
