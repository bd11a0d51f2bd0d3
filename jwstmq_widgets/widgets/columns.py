"""The columns of the product grid: what each shows, where it comes from, how wide it is."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

__all__ = ["COLUMNS", "Column", "column_definitions"]

Kind = Literal["name", "text", "number", "size", "access", "state"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the grid."""

    name: str
    """The name in messages between kernel and browser."""
    title: str
    """The header."""
    source: str
    """The column of the product table, or "" where the value is worked out."""
    kind: Kind
    """How it is drawn, sorted and filtered."""
    width: int
    """Width at first, in px."""
    rank: int
    """Which column goes first when the grid is narrow: the one with the highest rank; 0 stays always."""
    meaning: str
    """The header's tooltip."""
    example: str
    """What a filter may look like."""


COLUMNS: tuple[Column, ...] = (
    Column(
        name="file", title="File", source="productFilename", kind="name", width=344, rank=0,
        meaning="Name of the file", example="cal, ^jw02733, !thumb",
    ),
    Column(
        name="type", title="Type", source="filetype", kind="text", width=100, rank=6,
        meaning="File type: suffix and extension", example="cal, i2d",
    ),
    Column(
        name="detector", title="Detector", source="detector", kind="text", width=92, rank=2,
        meaning="Detector, as the file's name spells it", example="nrca, mirimage",
    ),
    Column(
        name="filter", title="Filter", source="filters", kind="text", width=120, rank=1,
        meaning="Filter or other optical elements", example="F770W",
    ),
    Column(
        name="stage", title="Stage", source="stage", kind="text", width=62, rank=3,
        meaning="Stage of the pipeline: 1b raw, 2a count rates, 2b calibrated, 2c flagged, 3 combined, gs guide star",
        example="2b, 3",
    ),
    Column(
        name="size", title="Size", source="size", kind="size", width=80, rank=0,
        meaning="Size of the file; kB, MB and GB are powers of 1000", example="> 10 MB",
    ),
    Column(
        name="access", title="Access", source="release", kind="access", width=124, rank=0,
        meaning="Public, exclusive until the day it becomes public, or planned: not yet taken",
        example="public, until 2027",
    ),
    Column(
        name="state", title="State", source="", kind="state", width=104, rank=0,
        meaning="Whether the file is in the destination folder", example="here, failed",
    ),
    Column(
        name="observation", title="Obs.", source="observation", kind="number", width=62, rank=4,
        meaning="Observation number within the program", example="1-4, 7",
    ),
    Column(
        name="target", title="Target", source="target_name", kind="text", width=120, rank=5,
        meaning="Target, as the proposal names it", example="NGC",
    ),
    Column(
        name="program", title="Program", source="program", kind="number", width=82, rank=7,
        meaning="Program (proposal) number", example="2733",
    ),
)  # fmt: skip
"""From left to right, after the tick box."""


def column_definitions() -> list[dict[str, Any]]:
    """Give the columns as the browser needs them: values fixed in this file, nothing from an archive."""
    return [asdict(column) for column in COLUMNS]
