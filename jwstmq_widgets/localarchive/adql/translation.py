"""A query from ADQL to SQLite, tree to tree, with what each column of its result is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from jwstmq_widgets.localarchive.adql.errors import AdqlError
from jwstmq_widgets.localarchive.adql.expressions import Expressions
from jwstmq_widgets.localarchive.adql.fromclause import add_sources, renamed
from jwstmq_widgets.localarchive.adql.grammar import named, where
from jwstmq_widgets.localarchive.adql.nearby import nearby
from jwstmq_widgets.localarchive.adql.scopes import Scope, unknown
from jwstmq_widgets.localarchive.adql.valuetypes import wider
from jwstmq_widgets.localarchive.holdings.taptables import TapColumn

__all__ = ["Translation", "translate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A query that SQLite understands."""

    sql: str
    """The statement."""
    columns: tuple[TapColumn, ...]
    """The columns of its answer."""


def translate(tree: exp.Query, tables: Mapping[str, tuple[TapColumn, ...]]) -> Translation:
    """Translate a query.

    Parameters
    ----------
    tree
        As `grammar.parse` gives it; it is changed.
    tables
        Columns of each table, by its name in lower case; in SQLite a table has the same name, dot and all.

    Raises
    ------
    AdqlError
        If it names a table, column or function that is not there, or what ADQL does not have.
    """
    query, columns = _query(tree, Scope(tables=tables))
    return Translation(sql=query.sql(dialect="sqlite"), columns=columns)


def _query(tree: exp.Expr, around: Scope) -> tuple[exp.Expr, tuple[TapColumn, ...]]:
    """Translate a SELECT, a combination of them, or one in parentheses."""
    while isinstance(tree, exp.Subquery):
        if any(tree.args.get(part) for part in ("order", "limit", "offset", "joins", "with", "with_")):
            inner = exp.select("*").from_(
                exp.Subquery(this=tree.this, alias=exp.TableAlias(this=exp.to_identifier("_")))
            )
            for part in ("order", "limit", "offset"):
                inner.set(part, tree.args.get(part))
            tree = inner
            break
        tree = tree.this
    tables = dict(around.tables)
    clause = tree.args.get("with_") or tree.args.get("with")
    if clause is not None:
        for entry in clause.expressions:
            body, columns = _query(entry.this, Scope(tables=tables, outer=around.outer))
            columns = renamed(columns, entry.args.get("alias"))
            entry.set("this", body)
            entry.set("alias", _alias(entry.alias, columns))
            tables[entry.alias.lower()] = columns
    scope = Scope(tables=tables, outer=around.outer)
    if isinstance(tree, exp.SetOperation):
        return _combination(tree, scope)
    if isinstance(tree, exp.Select):
        return _select(tree, scope)
    raise AdqlError(f"{named(tree)} is not a SELECT{where(tree)}")


def _combination(tree: exp.SetOperation, scope: Scope) -> tuple[exp.Expr, tuple[TapColumn, ...]]:
    if not tree.args.get("distinct") and not isinstance(tree, exp.Union):
        raise AdqlError(f"{type(tree).__name__.upper()} ALL is not possible here{where(tree)}")
    if any(tree.args.get(part) for part in ("by_name", "side", "kind", "on")):
        raise AdqlError(f"this form of {type(tree).__name__.upper()} is not part of ADQL{where(tree)}")
    sides = []
    for side in ("this", "expression"):
        query, columns = _query(tree.args[side], scope)
        sides.append(columns)
        # SQLite has no parentheses around the parts, and no ORDER BY in them.
        wrapped = exp.select("*").from_(exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier("_part"))))
        tree.set(side, wrapped)
    if len(sides[0]) != len(sides[1]):
        raise AdqlError(
            f"the parts of {type(tree).__name__.upper()} have {len(sides[0])} and {len(sides[1])} columns: "
            "they must have as many"
        )
    columns = tuple(
        one if one.datatype == other.datatype else replace(wider([one, other]), name=one.name)
        for one, other in zip(*sides, strict=True)
    )
    names = {column.name.lower() for column in columns}
    for ordered in tree.args["order"].expressions if tree.args.get("order") else ():
        key = ordered.this
        if isinstance(key, exp.Column) and key.name.lower() in names and len(key.parts) == 1:
            ordered.set("this", exp.column(exp.to_identifier(_spelt(key.name, columns), quoted=True)))
        elif not _ordinal(key, len(columns)):
            raise AdqlError(f'Unknown column "{named(key)}"{where(key)}{unknown(named(key), sorted(names))}')
    _limits(tree)
    return tree, columns


def _select(tree: exp.Select, scope: Scope) -> tuple[exp.Expr, tuple[TapColumn, ...]]:
    add_sources(tree, scope, _query)
    known = Expressions(scope, _query)
    distinct = tree.args.get("distinct")
    if distinct is not None and distinct.args.get("on"):
        raise AdqlError(f"DISTINCT ON is not part of ADQL{where(distinct)}")
    outputs: list[exp.Expr] = []
    columns: list[TapColumn] = []
    for projection in tree.expressions:
        for expression, column in _projected(projection, scope, known, len(columns) + 1):
            outputs.append(exp.alias_(expression, column.name, quoted=True))
            columns.append(column)
    if not outputs:
        raise AdqlError(f"SELECT names no column{where(tree)}")
    tree.set("expressions", outputs)
    condition = tree.args.get("where")
    if condition is not None:
        condition.set("this", _conjunct(condition.this, scope, known))
    having = tree.args.get("having")
    if having is not None:
        having.set("this", known.translate(having.this))
    aliases = {column.name.lower(): column.name for column in columns}
    group = tree.args.get("group")
    if group is not None:
        if any(value for name, value in group.args.items() if name != "expressions"):
            raise AdqlError(f"GROUP BY lists columns alone in ADQL{where(group)}")
        group.set("expressions", [_by(key, known, aliases, outputs, first=False) for key in group.expressions])
    order = tree.args.get("order")
    if order is not None:
        for ordered in order.expressions:
            ordered.set("this", _by(ordered.this, known, aliases, outputs, first=True))
    _limits(tree)
    return tree, tuple(columns)


def _by(
    key: exp.Expr,
    known: Expressions,
    aliases: Mapping[str, str],
    outputs: list[exp.Expr],
    *,
    first: bool,
) -> exp.Expr:
    """Translate what rows are sorted or grouped by: a name of the result, its number, or an expression."""
    if isinstance(key, exp.Literal):
        if not _ordinal(key, len(outputs)):
            raise AdqlError(f"there is no column {named(key)} in the result to sort or group by{where(key)}")
        return key
    alias = isinstance(key, exp.Column) and len(key.parts) == 1 and aliases.get(key.name.lower())
    if alias and not first:
        try:
            return known.translate(key)
        except AdqlError:
            pass
    if alias:
        number = next(place for place, output in enumerate(outputs, 1) if output.alias == alias)
        return exp.Literal.number(number)
    return known.translate(key, aliases)


def _limits(tree: exp.Expr) -> None:
    limit, offset = tree.args.get("limit"), tree.args.get("offset")
    for clause, word in ((limit, "TOP"), (offset, "OFFSET")):
        if clause is None:
            continue
        number = clause.expression
        more = any(value for name, value in clause.args.items() if name not in {"this", "expression"})
        if more or not isinstance(number, exp.Literal) or number.is_string or not number.name.isdecimal():
            raise AdqlError(f"{word} wants a whole number, not {named(clause)}{where(clause)}")
    if offset is not None and limit is None:
        tree.set("limit", exp.Limit(expression=exp.Literal.number(-1)))


def _projected(projection: exp.Expr, scope: Scope, known: Expressions, number: int) -> list[tuple[exp.Expr, TapColumn]]:
    if isinstance(projection, exp.Star) or (
        isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star)
    ):
        star = projection if isinstance(projection, exp.Star) else projection.this
        if any(star.args.values()):
            raise AdqlError(f"{named(projection)} is not part of ADQL{where(projection)}")
        prefix = ".".join(part.name for part in projection.parts[:-1]) if isinstance(projection, exp.Column) else ""
        return [(found.expression.copy(), found.column) for found in scope.star(prefix, projection)]
    value = projection.this if isinstance(projection, exp.Alias) else projection
    expression = known.translate(value)
    column = known.column
    if isinstance(projection, exp.Alias):
        return [(expression, replace(column, name=projection.alias))]
    if isinstance(value, exp.Column):
        return [(expression, column)]
    name = value.name.lower() if isinstance(value, exp.Anonymous) else f"col_{number}"
    return [(expression, replace(column, name=name))]


def _conjunct(node: exp.Expr, scope: Scope, known: Expressions) -> exp.Expr:
    """Translate a condition that rows must meet, with what lets SQLite pass over most of them early."""
    if isinstance(node, exp.And):
        parts = [_conjunct(part, scope, known) for part in node.flatten()]
        return exp.and_(*parts, copy=False)
    if isinstance(node, exp.Paren):
        return exp.Paren(this=_conjunct(node.this, scope, known))
    near = nearby(node, scope)
    condition = known.translate(node)
    return exp.and_(*near, condition, copy=False) if near else condition


def _ordinal(key: exp.Expr, most: int) -> bool:
    return (
        isinstance(key, exp.Literal)
        and not key.is_string
        and key.name.isdecimal()
        and len(key.name) < 6
        and 1 <= int(key.name) <= most
    )


def _spelt(name: str, columns: tuple[TapColumn, ...]) -> str:
    return next(column.name for column in columns if column.name.lower() == name.lower())


def _alias(name: str, columns: tuple[TapColumn, ...]) -> exp.TableAlias:
    return exp.TableAlias(
        this=exp.to_identifier(name, quoted=True),
        columns=[exp.to_identifier(column.name, quoted=True) for column in columns],
    )
