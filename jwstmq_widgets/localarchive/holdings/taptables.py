"""Tables, columns and results of a TAP service, as values."""

from dataclasses import dataclass
from typing import Any

__all__ = ["TapArtifact", "TapColumn", "TapResult", "TapTable", "Upload"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TapColumn:
    """A column of a table or of a result."""

    name: str
    """Name; in results as the query calls it."""
    datatype: str
    """VOTable datatype: boolean, short, int, long, float, double or char."""
    arraysize: str = ""
    """``*`` for texts, "" for single values."""
    xtype: str = ""
    """DALI's extended type, such as ``timestamp`` or ``point``; "" for none."""
    unit: str = ""
    """Unit as VOUnits writes it."""
    ucd: str = ""
    """Unified content descriptor."""
    utype: str = ""
    """Where it stands in a data model."""
    description: str = ""
    """One sentence."""
    indexed: bool = False
    """Whether a condition on it is answered fast."""
    principal: bool = False
    """Whether it is among the columns that are shown first."""
    std: bool = False
    """Whether a standard defines it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapTable:
    """A table that may be asked for."""

    schema: str
    """Schema, such as ``jwst``."""
    name: str
    """Name with its schema, such as ``jwst.main``."""
    description: str
    """One sentence."""
    columns: tuple[TapColumn, ...]
    """Columns in the order of ``SELECT *``."""
    rows: int
    """Number of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapResult:
    """What a query found."""

    columns: tuple[TapColumn, ...]
    """Columns in the order of the query."""
    rows: list[tuple[Any, ...]]
    """Values in the order of the columns; None where there is none; booleans are bool."""
    overflow: bool
    """Whether there would have been more rows than were allowed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A table that came with a query."""

    name: str
    """Name without its schema ``tap_upload``."""
    columns: tuple[TapColumn, ...]
    """Columns."""
    rows: list[tuple[Any, ...]]
    """Values in the order of the columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TapArtifact:
    """A file as the data server knows it."""

    artifact_id: str
    """UUID."""
    plane_id: str
    """UUID of the plane it belongs to."""
    observation_id: str
    """Name of the observation, such as jw02733001001_02101_00001_nrca3."""
    filename: str
    """File name."""
    product_type: str
    """science, auxiliary, info, preview or thumbnail."""
    calibration_level: int
    """Level of its plane."""
    public: bool
    """Whether everybody may have it."""
