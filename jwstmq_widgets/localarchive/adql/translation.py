"""From ADQL to SQLite, tree to tree: names resolved, functions known, and what each column of the result is."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from jwstmq_widgets.localarchive.adql.errors import AdqlError
from jwstmq_widgets.localarchive.adql.functions import FUNCTIONS, Function
from jwstmq_widgets.localarchive.adql.grammar import named, where
from jwstmq_widgets.localarchive.adql.nearby import nearby
from jwstmq_widgets.localarchive.adql.scopes import Found, Scope, Source, unknown
from jwstmq_widgets.localarchive.adql.valuetypes import NOTHING, of_type, result_of, wider
from jwstmq_widgets.localarchive.holdings.taptables import TapColumn

__all__ = ["Translation", "translate"]

_FRAMES = ("", "ICRS", "J2000", "FK5", "UNKNOWNFRAME")
_AFFINITIES = {
    "SMALLINT": ("short", "INTEGER"), "INT": ("int", "INTEGER"), "BIGINT": ("long", "INTEGER"),
    "FLOAT": ("float", "REAL"), "DOUBLE": ("double", "REAL"), "DECIMAL": ("double", "REAL"),
    "CHAR": ("char", "TEXT"), "VARCHAR": ("char", "TEXT"), "NCHAR": ("char", "TEXT"), "NVARCHAR": ("char", "TEXT"),
    "TEXT": ("char", "TEXT"), "TIMESTAMP": ("char", "TEXT"), "BOOLEAN": ("boolean", "INTEGER"),
}  # fmt: skip
_TRUTH = {"true": 1, "t": 1, "1": 1, "yes": 1, "false": 0, "f": 0, "0": 0, "no": 0}


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
            columns = _renamed(columns, entry.args.get("alias"))
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
    _from(tree, scope)
    known = _Expressions(scope)
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
    known: "_Expressions",
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


def _from(tree: exp.Select, scope: Scope) -> None:
    clause = tree.args.get("from_") or tree.args.get("from")
    if clause is None:
        if tree.args.get("joins"):
            raise AdqlError(f"JOIN without FROM{where(tree)}")
        return
    clause.set("this", _source(clause.this, scope))
    for join in tree.args.get("joins") or ():
        _join(join, scope)


def _join(join: exp.Join, scope: Scope) -> None:
    if join.method and join.method.upper() != "NATURAL":
        raise AdqlError(f"{join.method.upper()} JOIN is not part of ADQL{where(join)}")
    kind, side = (join.kind or "").upper(), (join.side or "").upper()
    if kind not in {"", "INNER", "OUTER", "CROSS"} or side not in {"", "LEFT", "RIGHT", "FULL"}:
        raise AdqlError(f"{side or kind} JOIN is not part of ADQL{where(join)}")
    left = list(scope.sources)
    if isinstance(join.this, exp.Table) and join.this.args.get("joins"):
        raise AdqlError(f"joins in parentheses are not possible here{where(join)}; write them one after the other")
    join.set("this", _source(join.this, scope))
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
        join.set("on", _Expressions(scope).translate(join.args["on"]))


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


def _source(node: exp.Expr, scope: Scope) -> exp.Expr:
    """Translate a table or a subquery of FROM."""
    if node.args.get("joins") or node.args.get("pivots") or node.args.get("laterals"):
        raise AdqlError(f"joins in parentheses are not possible here{where(node)}; write them one after the other")
    if isinstance(node, exp.Subquery):
        if not node.alias:
            raise AdqlError(f"a subquery of FROM needs an alias{where(node)}")
        if not isinstance(node.this, exp.Query) or isinstance(node.this, exp.Table):
            raise AdqlError(f"joins in parentheses are not possible here{where(node)}; write them one after the other")
        query, columns = _query(node.this, Scope(tables=scope.tables))
        columns = _renamed(columns, node.args.get("alias"))
        scope.add(Source(alias=node.alias, names=frozenset({node.alias.lower()}), columns=columns), node)
        return exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(node.alias, quoted=True)))
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


def _projected(
    projection: exp.Expr, scope: Scope, known: "_Expressions", number: int
) -> list[tuple[exp.Expr, TapColumn]]:
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


def _conjunct(node: exp.Expr, scope: Scope, known: "_Expressions") -> exp.Expr:
    """Translate a condition that rows must meet, with what lets SQLite pass over most of them early."""
    if isinstance(node, exp.And):
        parts = [_conjunct(part, scope, known) for part in node.flatten()]
        return exp.and_(*parts, copy=False)
    if isinstance(node, exp.Paren):
        return exp.Paren(this=_conjunct(node.this, scope, known))
    near = nearby(node, scope)
    condition = known.translate(node)
    return exp.and_(*near, condition, copy=False) if near else condition


class _Expressions:
    """Translates the expressions of one SELECT; after each, :attr:`column` tells what it gives."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.column = TapColumn(name="", datatype="char", arraysize="*")

    def translate(self, node: exp.Expr, aliases: Mapping[str, str] | None = None) -> exp.Expr:
        """Translate an expression; with aliases, names of the result come before names of tables."""
        if isinstance(node, exp.Column):
            return self._reference(node, aliases)
        if isinstance(node, exp.Query | exp.Subquery):
            query, columns = _query(node, Scope(tables=self._scope.tables, outer=self._scope))
            if len(columns) != 1:
                raise AdqlError(f"a subquery in an expression gives one column, not {len(columns)}{where(node)}")
            self.column = columns[0]
            return exp.Subquery(this=query)
        if isinstance(node, exp.Exists):
            query, _ = _query(node.this, Scope(tables=self._scope.tables, outer=self._scope))
            self.column = of_type("int")
            return exp.Exists(this=query)
        if isinstance(node, exp.In):
            return self._in(node, aliases)
        if isinstance(node, exp.Anonymous):
            return self._call(node, aliases)
        if isinstance(node, exp.Cast):
            return self._cast(node, aliases)
        if isinstance(node, exp.Literal | exp.Boolean | exp.Null):
            return self._literal(node)
        if isinstance(node, exp.ILike):
            lowered = [
                exp.Anonymous(this="LOWER", expressions=[self.translate(side, aliases)]) for side in _sides(node)
            ]
            self.column = of_type("int")
            return exp.Like(this=lowered[0], expression=lowered[1])
        if isinstance(node, exp.Star):
            raise AdqlError(f"* stands in SELECT or COUNT alone{where(node)}")
        return self._parts(node, aliases)

    def _reference(self, node: exp.Column, aliases: Mapping[str, str] | None) -> exp.Expr:
        if isinstance(node.this, exp.Star):
            raise AdqlError(f"* stands in SELECT or COUNT alone{where(node)}")
        if aliases and len(node.parts) == 1 and node.name.lower() in aliases:
            return exp.column(exp.to_identifier(aliases[node.name.lower()], quoted=True))
        found = self._scope.find(node)
        self.column = found.column
        return found.expression.copy()

    def _literal(self, node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Boolean):
            self.column = of_type("boolean")
            return exp.Literal.number(int(node.this))
        if isinstance(node, exp.Null):
            self.column = NOTHING
            return node
        if node.is_string:
            self.column = of_type("char")
            if "\0" in node.name:
                raise AdqlError(f"a text cannot have a character of code 0{where(node)}")
            return node.copy()
        try:
            whole = int(node.name)
        except ValueError:
            self.column = of_type("double")
        else:
            if not -(2**63) <= whole < 2**63:
                raise AdqlError(f"the number {node.name[:40]} is too large{where(node)}")
            self.column = of_type("int" if abs(whole) < 2**31 else "long")
        return node.copy()

    def _in(self, node: exp.In, aliases: Mapping[str, str] | None) -> exp.Expr:
        subject = self.translate(node.this, aliases)
        kind = self.column
        if node.args.get("query") is not None:
            query = node.args["query"]
            translated, columns = _query(query, Scope(tables=self._scope.tables, outer=self._scope))
            if len(columns) != 1:
                raise AdqlError(f"a subquery of IN gives one column, not {len(columns)}{where(node)}")
            self.column = of_type("int")
            return exp.In(this=subject, query=exp.Subquery(this=translated))
        if not node.expressions or any(node.args.get(part) for part in ("unnest", "field")):
            raise AdqlError(f"IN wants a list in parentheses, or a SELECT{where(node)}")
        members = [self._truth(member, self.translate(member, aliases), kind) for member in node.expressions]
        self.column = of_type("int")
        return exp.In(this=subject, expressions=members)

    def _cast(self, node: exp.Cast, aliases: Mapping[str, str] | None) -> exp.Expr:
        value = self.translate(node.this, aliases)
        kind = str(getattr(node.to.this, "name", "?"))
        if kind not in _AFFINITIES:
            raise AdqlError(f"CAST to {named(node.to)} is not part of ADQL{where(node)}")
        datatype, affinity = _AFFINITIES[kind]
        self.column = replace(of_type(datatype), unit=self.column.unit)
        return exp.Cast(this=value, to=exp.DataType.build(affinity))

    def _call(self, node: exp.Anonymous, aliases: Mapping[str, str] | None) -> exp.Expr:
        name = node.name.upper()
        function = FUNCTIONS.get(name)
        if function is None or name.startswith("_"):
            known = [entry for entry in FUNCTIONS if not entry.startswith("_")]
            raise AdqlError(f'Unknown function "{node.name}"{where(node)}{unknown(name, known)}')
        arguments = list(node.expressions)
        if function.frame and arguments and isinstance(arguments[0], exp.Literal) and arguments[0].is_string:
            frame = arguments.pop(0).name.strip().upper()
            if frame.split(" ")[0].split(".")[0] not in _FRAMES:
                raise AdqlError(f"coordinate system '{frame}' is not known here{where(node)}: use 'ICRS'")
        if len(arguments) < function.least or (function.most >= 0 and len(arguments) > function.most):
            raise AdqlError(f"{name} wants {_count(function)}, not {len(arguments)}{where(node)}")
        if function.aggregate:
            return self._aggregate(function, arguments[0], aliases)
        inline = self._inline(name, arguments, aliases)
        if inline is not None:
            self.column = replace(of_type(function.datatype), unit=function.unit)
            return inline
        values, columns = [], []
        for argument in arguments:
            if isinstance(argument, exp.Distinct):
                raise AdqlError(f"DISTINCT stands in aggregates alone{where(node)}")
            values.append(self.translate(argument, aliases))
            columns.append(self.column)
        if function.datatype:
            self.column = replace(of_type(function.datatype), unit=function.unit)
        else:
            self.column = replace(wider(columns), name="")
        return exp.Anonymous(this=function.sqlite, expressions=values)

    def _inline(self, name: str, arguments: list[exp.Expr], aliases: Mapping[str, str] | None) -> exp.Expr | None:
        """Give points to the functions that take many of them as numbers, not as texts to be read again."""
        if name == "DISTANCE" and len(arguments) == 2 and all(_is_call(argument, "POINT") for argument in arguments):
            numbers = [*_coordinates(arguments[0]), *_coordinates(arguments[1])]
            if len(numbers) == 4:
                return exp.Anonymous(
                    this=FUNCTIONS["DISTANCE"].sqlite,
                    expressions=[self.translate(number, aliases) for number in numbers],
                )
        if name == "CONTAINS" and _is_call(arguments[0], "POINT") and _is_call(arguments[1], "CIRCLE"):
            numbers = [*_coordinates(arguments[0]), *_coordinates(arguments[1])]
            if len(numbers) == 5:
                return exp.Anonymous(
                    this=FUNCTIONS["_IN_CIRCLE"].sqlite,
                    expressions=[self.translate(number, aliases) for number in numbers],
                )
        return None

    def _aggregate(self, function: Function, argument: exp.Expr, aliases: Mapping[str, str] | None) -> exp.Expr:
        if isinstance(argument, exp.Star):
            if function.name != "COUNT" or any(argument.args.values()):
                raise AdqlError(f"{function.name}(*) is not part of ADQL{where(argument)}")
            self.column = of_type("long")
            return exp.Anonymous(this="COUNT", expressions=[exp.Star()])
        distinct = isinstance(argument, exp.Distinct)
        if distinct and (len(argument.expressions) != 1 or argument.args.get("on")):
            raise AdqlError(f"DISTINCT wants one expression in an aggregate{where(argument)}")
        value = self.translate(argument.expressions[0] if distinct else argument, aliases)
        if function.datatype:
            unit = self.column.unit if function.name == "AVG" else ""
            self.column = replace(of_type(function.datatype), unit=unit)
        elif function.name == "SUM":
            whole = self.column.datatype in {"boolean", "short", "int", "long"}
            self.column = replace(of_type("long" if whole else "double"), unit=self.column.unit)
        wrapped = exp.Distinct(expressions=[value]) if distinct else value
        return exp.Anonymous(this=function.sqlite, expressions=[wrapped])

    def _parts(self, node: exp.Expr, aliases: Mapping[str, str] | None) -> exp.Expr:
        """Translate a node that is the same in SQLite, once its parts are."""
        copy = node.copy()
        columns: dict[str, list[TapColumn]] = {}
        for name, value in node.args.items():
            if isinstance(value, exp.Expr):
                copy.set(name, self.translate(value, aliases))
                columns.setdefault(name, []).append(self.column)
            elif isinstance(value, list):
                translated = []
                for part in value:
                    translated.append(self.translate(part, aliases))
                    columns.setdefault(name, []).append(self.column)
                copy.set(name, translated)
        if isinstance(node, exp.Predicate) and isinstance(node, exp.Binary):
            copy.set("this", self._truth(node.this, copy.this, columns["expression"][0]))
            copy.set("expression", self._truth(node.expression, copy.expression, columns["this"][0]))
        self.column = result_of(node, columns)
        return copy

    def _truth(self, given: exp.Expr, translated: exp.Expr, other: TapColumn) -> exp.Expr:
        """Read a text that is compared with a boolean as one: astroquery asks for public='true'."""
        if other.datatype == "boolean" and isinstance(given, exp.Literal) and given.is_string:
            value = _TRUTH.get(given.name.strip().lower())
            if value is None:
                raise AdqlError(f"'{given.name}' is not a boolean{where(given)}: use 'true' or 'false'")
            return exp.Literal.number(value)
        return translated


def _count(function: Function) -> str:
    if function.most == function.least:
        return f"{function.least} argument{'' if function.least == 1 else 's'}"
    return (
        f"at least {function.least} arguments"
        if function.most < 0
        else f"{function.least} to {function.most} arguments"
    )


def _sides(node: exp.Expr) -> list[exp.Expr]:
    return [node.this, node.expression]


def _is_call(node: exp.Expr, name: str) -> bool:
    return isinstance(node, exp.Anonymous) and node.name.upper() == name


def _coordinates(call: exp.Expr) -> list[exp.Expr]:
    """Give the numbers of a POINT or CIRCLE; nothing when it has a coordinate system that must be looked at."""
    arguments = list(call.expressions)
    if arguments and isinstance(arguments[0], exp.Literal) and arguments[0].is_string:
        if arguments[0].name.strip().upper() not in _FRAMES:
            return []
        arguments = arguments[1:]
    if any(isinstance(argument, exp.Anonymous | exp.Distinct | exp.Star) for argument in arguments):
        return []
    return arguments


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


def _renamed(columns: tuple[TapColumn, ...], alias: exp.Expr | None) -> tuple[TapColumn, ...]:
    names = [part.name for part in alias.args.get("columns") or ()] if alias is not None else []
    if not names:
        return columns
    if len(names) != len(columns):
        raise AdqlError(f"{len(names)} names for {len(columns)} columns{where(alias) if alias is not None else ''}")
    return tuple(replace(column, name=name) for column, name in zip(columns, names, strict=True))


def _alias(name: str, columns: tuple[TapColumn, ...]) -> exp.TableAlias:
    return exp.TableAlias(
        this=exp.to_identifier(name, quoted=True),
        columns=[exp.to_identifier(column.name, quoted=True) for column in columns],
    )
