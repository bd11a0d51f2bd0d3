"""Conditions of the mission search on one column: alternatives and exclusions, and how they become SQL."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from jwstmq_widgets.localarchive.holdings.missioncolumns import MissionColumn

__all__ = ["Criterion", "Term", "criteria_clause"]

Sign = Literal["=", "<", "<=", ">", ">=", "..", "*", "null"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One thing that a value may be."""

    sign: Sign
    """Equal, a comparison, a range with both ends, a pattern with ``*``, or no value at all."""
    value: float | str = ""
    """What it is compared with; the least value of a range."""
    high: float | str = ""
    """Greatest value of a range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """What one column must meet: one of the terms wanted (if there are any), and none of those excluded.

    Texts are compared without regard to case. No value meets nothing but ``null``, and no exclusion either, as in SQL.
    """

    column: MissionColumn
    """The column."""
    wanted: tuple[Term, ...] = ()
    """Alternatives."""
    excluded: tuple[Term, ...] = ()
    """What it may not be."""


def criteria_clause(criteria: Sequence[Criterion]) -> tuple[str, list[object]]:
    """Make SQL of conditions, all of which must hold.

    Returns
    -------
    tuple of str and list
        ``"1"`` for none; the parameters in order: all that was asked is bound.
    """
    parts, parameters = ["1"], list[object]()
    for criterion in criteria:
        if criterion.wanted:
            clause, bound = _any_of(criterion.column, criterion.wanted)
            parts.append(clause)
            parameters += bound
        if criterion.excluded:
            clause, bound = _any_of(criterion.column, criterion.excluded)
            parts.append(f"NOT {clause}")
            parameters += bound
    return " AND ".join(parts), parameters


def _any_of(column: MissionColumn, terms: Sequence[Term]) -> tuple[str, list[object]]:
    name = f'"{column.name}"'
    either, parameters = list[str](), list[object]()
    # Any number of values is one parameter: SQLite limits their count, and the depth of an expression.
    equal = [term.value for term in terms if term.sign == "="]
    if equal:
        among = "COLLATE NOCASE IN (SELECT value FROM json_each(?))"
        if column.kind == "list":
            # A row is found by any of its detectors' elements, and by all of them as they stand.
            either.append(
                f"({name} {among} OR ({name} IS NOT NULL AND EXISTS (SELECT 1 FROM json_each("  # noqa: S608 - our own names
                f"'[\"' || replace({name}, ', ', '\",\"') || '\"]') AS element WHERE element.value {among})))"
            )
            parameters.append(json.dumps(equal))
        else:
            either.append(f"{name} {among}")
        parameters.append(json.dumps(equal))
    for term in terms:
        if term.sign == "*":
            either.append(f"{name} LIKE ? ESCAPE '\\'")
            parameters.append(_pattern(str(term.value)))
        elif term.sign == "..":
            either.append(f"({name} COLLATE NOCASE >= ? AND {name} COLLATE NOCASE <= ?)")
            parameters += [term.value, term.high]
        elif term.sign == "null":
            either.append(f"{name} IS NULL")
        elif term.sign != "=":
            either.append(f"{name} COLLATE NOCASE {term.sign} ?")
            parameters.append(term.value)
    return f"({' OR '.join(either)})", parameters


def _pattern(text: str) -> str:
    for letter in "\\%_":
        text = text.replace(letter, f"\\{letter}")
    return text.replace("*", "%")
