"""What a name in a query means: tables, their columns, and where from which of them is seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches

from sqlglot import exp

from jwstmq_widgets.localarchive.adql.errors import AdqlError
from jwstmq_widgets.localarchive.adql.grammar import named, where
from jwstmq_widgets.localarchive.holdings.taptables import TapColumn

__all__ = ["Found", "Scope", "Source", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A table, subquery or upload of a FROM clause."""

    alias: str
    """By which its columns are named in SQLite."""
    names: frozenset[str]
    """By which a query may name it, in lower case: ``main``, ``jwst.main``."""
    columns: tuple[TapColumn, ...]
    """Its columns."""
    table: str = ""
    """Name of the table it is, "" for subqueries."""

    def column(self, name: str) -> TapColumn | None:
        """Find a column by its name, in any case; None when there is none."""
        wanted = name.lower()
        return next((column for column in self.columns if column.name.lower() == wanted), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a column's name means."""

    expression: exp.Expr
    """How SQLite is told."""
    column: TapColumn
    """The column."""
    source: Source
    """Where it is from."""


@dataclass(slots=True, kw_only=True)
class Scope:
    """What can be seen from one SELECT."""

    tables: Mapping[str, tuple[TapColumn, ...]]
    """Columns of all tables, by name in lower case."""
    outer: "Scope | None" = None
    """The SELECT around it."""
    sources: list[Source] = field(default_factory=list)
    """Its FROM clause, from left to right."""
    merged: dict[str, Found] = field(default_factory=dict)
    """Columns that two sources share by USING or NATURAL, by name in lower case."""

    def add(self, source: Source, node: exp.Expr) -> None:
        """Put a source into the FROM clause."""
        if any(source.alias.lower() == other.alias.lower() for other in self.sources):
            raise AdqlError(f'two tables are called "{source.alias}"{where(node)}: give one of them an alias')
        self.sources.append(source)

    def find(self, column: exp.Column) -> Found:
        """Tell what a column's name means.

        Raises
        ------
        AdqlError
            If there is no such column, or more than one.
        """
        scope: Scope | None = self
        while scope is not None:
            found = scope.own(column)
            if found is not None:
                return found
            scope = scope.outer
        prefix = _prefix(column)
        known = [source for source in self.all_sources() if not prefix or prefix in source.names]
        if prefix and not known:
            names = sorted({source.alias for source in self.all_sources()})
            raise AdqlError(f'Unknown table "{prefix}"{where(column)}{unknown(prefix, names)}')
        names = [entry.name for source in known for entry in source.columns]
        raise AdqlError(f'Unknown column "{named(column)}"{where(column)}{unknown(column.name, names)}')

    def star(self, prefix: str, node: exp.Expr) -> list[Found]:
        """Give the columns of ``*`` or of ``alias.*``, in their order."""
        if prefix:
            sources = [source for source in self.sources if prefix.lower() in source.names]
            if not sources:
                names = [source.alias for source in self.sources]
                raise AdqlError(f'Unknown table "{prefix}"{where(node)}{unknown(prefix, names)}')
            return [_found(source, column) for source in sources for column in source.columns]
        if not self.sources:
            raise AdqlError(f"there is no table whose columns * could mean{where(node)}")
        shared = list(self.merged.values())
        return shared + [
            _found(source, column)
            for source in self.sources
            for column in source.columns
            if column.name.lower() not in self.merged
        ]

    def own(self, column: exp.Column) -> Found | None:
        """Tell what a column's name means in this SELECT alone; None when nothing."""
        wanted = column.name.lower()
        prefix = _prefix(column)
        if not prefix and wanted in self.merged:
            return self.merged[wanted]
        found = [
            _found(source, entry)
            for source in self.sources
            if not prefix or prefix in source.names
            for entry in source.columns
            if entry.name.lower() == wanted
        ]
        if len(found) > 1:
            places = " and ".join(f"{entry.source.alias}.{entry.column.name}" for entry in found)
            raise AdqlError(f'Ambiguous column "{named(column)}"{where(column)}: it may be {places}')
        return found[0] if found else None

    def all_sources(self) -> list[Source]:
        """Give all tables that can be seen, those of this SELECT first."""
        return [*self.sources, *(self.outer.all_sources() if self.outer else ())]


def unknown(name: str, known: Sequence[str]) -> str:
    """Give the end of a message on an unknown name: what may have been meant."""
    near = get_close_matches(name.lower(), list(dict.fromkeys(entry.lower() for entry in known)), 3, 0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def _found(source: Source, column: TapColumn) -> Found:
    reference = exp.column(exp.to_identifier(column.name, quoted=True), exp.to_identifier(source.alias, quoted=True))
    return Found(expression=reference, column=column, source=source)


def _prefix(column: exp.Column) -> str:
    return ".".join(part.name for part in column.parts[:-1]).lower()
