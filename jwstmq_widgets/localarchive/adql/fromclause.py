"""The FROM clause of a query, translated from ADQL to SQLite: what may be named in the rest of the query."""

from dataclasses import replace

from sqlglot import exp

from jwstmq_widgets.localarchive.adql.errors import AdqlError
from jwstmq_widgets.localarchive.adql.expressions import Expressions, Translate
from jwstmq_widgets.localarchive.adql.grammar import named, where
from jwstmq_widgets.localarchive.adql.scopes import Found, Scope, Source, unknown
from jwstmq_widgets.localarchive.holdings.taptables import TapColumn

__all__ = ["add_sources", "renamed"]


def add_sources(tree: exp.Select, scope: Scope, query: Translate) -> None:
    """Translate the FROM clause of a SELECT, and put what it names into the scope.

    Parameters
    ----------
    tree
        The SELECT; it is changed.
    scope
        What can be seen from it; it is changed.
    query
        Translates the queries in the clause.

    Raises
    ------
    AdqlError
        If it names a table that is not there, or joins as ADQL does not.
    """
    clause = tree.args.get("from_") or tree.args.get("from")
    if clause is None:
        if tree.args.get("joins"):
            raise AdqlError(f"JOIN without FROM{where(tree)}")
        return
    clause.set("this", _source(clause.this, scope, query))
    for join in tree.args.get("joins") or ():
        _join(join, scope, query)


def _join(join: exp.Join, scope: Scope, query: Translate) -> None:
    if join.method and join.method.upper() != "NATURAL":
        raise AdqlError(f"{join.method.upper()} JOIN is not part of ADQL{where(join)}")
    kind, side = (join.kind or "").upper(), (join.side or "").upper()
    if kind not in {"", "INNER", "OUTER", "CROSS"} or side not in {"", "LEFT", "RIGHT", "FULL"}:
        raise AdqlError(f"{side or kind} JOIN is not part of ADQL{where(join)}")
    left = list(scope.sources)
    if isinstance(join.this, exp.Table) and join.this.args.get("joins"):
        raise _nested(join)
    join.set("this", _source(join.this, scope, query))
    right = scope.sources[-1]
    using = [identifier.name for identifier in join.args.get("using") or ()]
    if join.method:
        shared = {column.name.lower() for source in left for column in source.columns}
        using = [column.name for column in right.columns if column.name.lower() in shared]
        join.set("method", None)
    if using:
        join.set("using", None)
        conditions = [_shared(name, left, right, side, scope, join) for name in using]
        join.set("on", exp.and_(*conditions))
    elif join.args.get("on") is not None:
        join.set("on", Expressions(scope, query).translate(join.args["on"]))


def _shared(name: str, left: list[Source], right: Source, side: str, scope: Scope, join: exp.Join) -> exp.Expr:
    """Merge a column of both sides of a join, and give the condition that they are equal."""
    before = Scope(tables=scope.tables, sources=left, merged=dict(scope.merged))
    after = Scope(tables=scope.tables, sources=[right])
    column = exp.column(exp.to_identifier(name))
    column.meta.update(next((part.meta for part in join.walk() if part.name == name), {}))
    one, other = before.find(column), after.find(column)
    merged = {"RIGHT": other.expression, "FULL": exp.func("COALESCE", one.expression.copy(), other.expression.copy())}
    scope.merged[name.lower()] = Found(
        expression=merged.get(side, one.expression), column=one.column, source=other.source if side else one.source
    )
    return exp.EQ(this=one.expression.copy(), expression=other.expression.copy())


def _source(node: exp.Expr, scope: Scope, query: Translate) -> exp.Expr:
    """Translate a table or a subquery of FROM."""
    if node.args.get("joins") or node.args.get("pivots") or node.args.get("laterals"):
        raise _nested(node)
    if isinstance(node, exp.Subquery):
        if not node.alias:
            raise AdqlError(f"a subquery of FROM needs an alias{where(node)}")
        if not isinstance(node.this, exp.Query) or isinstance(node.this, exp.Table):
            raise _nested(node)
        inner, columns = query(node.this, Scope(tables=scope.tables))
        columns = renamed(columns, node.args.get("alias"))
        scope.add(Source(alias=node.alias, names=frozenset({node.alias.lower()}), columns=columns), node)
        return exp.Subquery(this=inner, alias=exp.TableAlias(this=exp.to_identifier(node.alias, quoted=True)))
    if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
        raise AdqlError(f"{named(node)} is not a table{where(node)}")
    name = ".".join(part.name for part in node.parts).lower()
    columns_of = None if any("." in part.name for part in node.parts) else scope.tables.get(name)
    if columns_of is None:
        near = [table for table in scope.tables if table.endswith(f".{name}")]
        hint = f"; did you mean {near[0]}?" if near else unknown(name, list(scope.tables))
        raise AdqlError(f'Unknown table "{name}"{where(node)}{hint}')
    if node.args.get("alias") is not None and node.args["alias"].args.get("columns"):
        raise AdqlError(f"the columns of a table cannot be renamed in FROM{where(node)}")
    alias = node.alias or node.name
    names = {alias.lower()} if node.alias else {alias.lower(), name}
    scope.add(Source(alias=alias, names=frozenset(names), columns=columns_of, table=name), node)
    table = exp.Table(this=exp.to_identifier(name, quoted=True))
    table.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
    return table


def _nested(node: exp.Expr) -> AdqlError:
    return AdqlError(f"joins in parentheses are not possible here{where(node)}; write them one after the other")


def renamed(columns: tuple[TapColumn, ...], alias: exp.Expr | None) -> tuple[TapColumn, ...]:
    """Give columns the names that stand behind an alias: ``AS part(one, two)``; their own where none do."""
    names = [part.name for part in alias.args.get("columns") or ()] if alias is not None else []
    if not names:
        return columns
    if len(names) != len(columns):
        raise AdqlError(f"{len(names)} names for {len(columns)} columns{where(alias) if alias is not None else ''}")
    return tuple(replace(column, name=name) for column, name in zip(columns, names, strict=True))
