"""The columns of the grids: what each shows, where it comes from, how wide it is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

__all__ = ["COLUMNS", "OBSERVATIONS", "PRODUCTS", "Column", "ColumnSet"]

Kind = Literal["name", "text", "number", "real", "size", "date", "access", "state"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a grid."""

    name: str
    """The name in messages between kernel and browser."""
    title: str
    """The header."""
    source: str
    """The column of the table, or "" where the value is worked out; the grid has no such column where a table lacks
    it."""
    kind: Kind
    """How it is drawn, sorted and filtered."""
    width: int
    """Width at first, in px."""
    rank: int
    """Which column goes first when the grid is narrow: the one with the highest rank; 0 stays always."""
    meaning: str
    """The header's tooltip, with the unit."""
    example: str
    """What a filter may look like."""
    optional: bool = False
    """True where it is shown only when the user chooses it."""


@dataclass(frozen=True, kw_only=True)
class ColumnSet:
    """The columns of one kind of table."""

    name: str
    """What the table's rows are: products, observations."""
    one: str
    """One of its rows, in the words of the interface."""
    many: str
    """Several of them."""
    key: str
    """The column of the table that tells its rows apart."""
    columns: tuple[Column, ...]
    """From left to right, after the tick box; the first one is always shown."""

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Name to column."""
        return {column.name: column for column in self.columns}

    @cached_property
    def usual(self) -> tuple[str, ...]:
        """Names of the columns that are shown unless the user chooses others."""
        return tuple(column.name for column in self.columns if not column.optional)

    def definitions(self) -> list[dict[str, Any]]:
        """Give the columns as the browser needs them: values fixed in this file, nothing from an archive."""
        return [asdict(column) for column in self.columns]


COLUMNS: tuple[Column, ...] = (
    Column(
        name="file", title="File", source="productFilename", kind="name", width=320, rank=0,
        meaning="Name of the file; point at one to see what its parts mean", example="cal, ^jw02733, !thumb",
    ),
    Column(
        name="type", title="Type", source="filetype", kind="text", width=100, rank=6,
        meaning="File type: suffix and extension", example="cal, i2d",
    ),
    Column(
        name="detector", title="Detector", source="detector", kind="text", width=92, rank=3,
        meaning="Detector, as the file's name spells it", example="nrca, mirimage",
    ),
    Column(
        name="filter", title="Filter", source="filters", kind="text", width=108, rank=2,
        meaning="Filter or other optical elements", example="F770W",
    ),
    Column(
        name="stage", title="Stage", source="stage", kind="text", width=62, rank=4,
        meaning="Stage of the pipeline: 1b raw, 2a count rates, 2b calibrated, 2c flagged, 3 combined, gs guide star",
        example="2b, 3",
    ),
    Column(
        name="size", title="Size", source="size", kind="size", width=80, rank=0,
        meaning="Size of the file in bytes; kB, MB and GB are powers of 1000", example="> 10 MB",
    ),
    Column(
        name="access", title="Access", source="release", kind="access", width=124, rank=1,
        meaning="Public, exclusive until the day (UTC) it becomes public, or planned: not yet taken",
        example="public, until 2027",
    ),
    Column(
        name="state", title="State", source="", kind="state", width=104, rank=0,
        meaning="Whether the file is in the destination folder", example="here, failed",
    ),
    Column(
        name="archives", title="Archives", source="archives", kind="text", width=110, rank=2,
        meaning="Which archives have the file, the one that is asked for it first; ≠ where what they say differs",
        example="esa, differs",
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
    Column(
        name="instrument", title="Instrument", source="instrument", kind="text", width=96, rank=8, optional=True,
        meaning="Instrument, by the file's name", example="MIRI",
    ),
    Column(
        name="visit", title="Visit", source="visit", kind="number", width=66, rank=9, optional=True,
        meaning="Visit number within the observation", example="1",
    ),
    Column(
        name="exposure", title="Exp.", source="exposure", kind="number", width=66, rank=10, optional=True,
        meaning="Exposure number within the activity", example="1-4",
    ),
    Column(
        name="level", title="Level", source="calib_level", kind="number", width=66, rank=11, optional=True,
        meaning="CAOM calibration level: 1 raw, 2 calibrated exposure, 3 combined; planned ones have none", example="2",
    ),
    Column(
        name="description", title="Description", source="description", kind="text", width=220, rank=12, optional=True,
        meaning="What the file is, in the archive's words", example="calibrated",
    ),
    Column(
        name="released", title="Public since", source="release", kind="date", width=132, rank=13, optional=True,
        meaning="When the file becomes, or became, public (UTC)", example="> 2023-07",
    ),
)  # fmt: skip
"""Columns of products."""

PRODUCTS = ColumnSet(name="products", one="file", many="files", key="dataURI", columns=COLUMNS)
"""The product grid's columns."""

OBSERVATIONS = ColumnSet(
    name="observations", one="observation", many="observations", key="obsid",
    columns=(
        Column(
            name="file", title="Observation", source="obs_id", kind="name", width=300, rank=0,
            meaning="Name of the observation (obs_id); point at one to see what its parts mean",
            example="t001, ^jw02733",
        ),
        Column(
            name="program", title="Program", source="program", kind="number", width=82, rank=7,
            meaning="Program (proposal) number", example="2733",
        ),
        Column(
            name="observation", title="Obs.", source="observation", kind="number", width=62, rank=4,
            meaning="Observation number within the program", example="1-4, 7",
        ),
        Column(
            name="instrument", title="Instrument", source="instrument", kind="text", width=104, rank=2,
            meaning="Instrument", example="MIRI",
        ),
        Column(
            name="mode", title="Mode", source="mode", kind="text", width=80, rank=3,
            meaning="Observing mode", example="image, ifu",
        ),
        Column(
            name="filters", title="Filters", source="filters", kind="text", width=120, rank=1,
            meaning="Filters or other optical elements", example="F770W",
        ),
        Column(
            name="target", title="Target", source="target_name", kind="text", width=110, rank=1,
            meaning="Target, as the proposal names it", example="NGC",
        ),
        Column(
            name="exptime", title="Exp. time", source="t_exptime", kind="real", width=88, rank=5,
            meaning="Exposure time in seconds", example="> 1000",
        ),
        Column(
            name="start", title="Start", source="t_min", kind="date", width=132, rank=6,
            meaning="Start of the observation (UTC)", example="2022-06, > 2023-01-15",
        ),
        Column(
            name="level", title="Level", source="calib_level", kind="number", width=66, rank=8,
            meaning="CAOM calibration level: 1 raw, 2 calibrated exposure, 3 combined; planned ones have none",
            example="3",
        ),
        Column(
            name="access", title="Access", source="release", kind="access", width=124, rank=2,
            meaning="Public, exclusive until the day (UTC) it becomes public, or planned: not yet taken",
            example="public, until 2027",
        ),
        Column(
            name="files", title="Files", source="files", kind="number", width=70, rank=0,
            meaning="How many files are listed for it, whatever is chosen among them", example="> 100",
        ),
        Column(
            name="size", title="Size", source="size", kind="size", width=84, rank=0,
            meaning="Size of these files in bytes, as far as the archive tells it; GB are powers of 1000",
            example="> 1 GB",
        ),
        Column(
            name="title", title="Title", source="obs_title", kind="text", width=240, rank=9, optional=True,
            meaning="Title of the program", example="deep",
        ),
        Column(
            name="pi", title="PI", source="proposal_pi", kind="text", width=140, rank=10, optional=True,
            meaning="Principal investigator of the program", example="Smith",
        ),
    ),
)  # fmt: skip
"""The observation grid's columns."""
