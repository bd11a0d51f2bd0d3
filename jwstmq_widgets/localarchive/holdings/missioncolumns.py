"""The columns of the mission search: names, types, descriptions, and which of them it shows unasked."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

__all__ = ["MissionColumn", "mission_columns"]

_LAST_SHOWN = "s_region"


@dataclass(frozen=True, slots=True, kw_only=True)
class MissionColumn:
    """A column of the mission search."""

    name: str
    """Name."""
    kind: Literal["text", "list", "moment", "integer", "real"]
    """Kind of its values; a list is a text whose elements stand between commas, a moment an ISO date in UTC."""
    description: str
    """What it means."""
    shown: bool
    """Whether an answer has it when no columns are asked for."""


@cache
def mission_columns() -> Mapping[str, MissionColumn]:
    """Give all columns by name, those shown first."""
    text = files(__package__).joinpath("missioncolumns.txt").read_text(encoding="utf-8")
    lines = [line.split("|") for line in text.splitlines() if line and not line.startswith("#")]
    shown = True
    columns = {}
    for name, kind, description in lines:
        columns[name] = MissionColumn(name=name, kind=kind, description=description, shown=shown)  # type: ignore[arg-type]
        shown = shown and name != _LAST_SHOWN
    return MappingProxyType(columns)
