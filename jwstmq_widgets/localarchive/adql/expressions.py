"""The expressions of a query, translated from ADQL to SQLite, with what each of them gives."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sqlglot import exp

from jwstmq_widgets.localarchive.adql.errors import AdqlError
from jwstmq_widgets.localarchive.adql.functions import FUNCTIONS, Function
from jwstmq_widgets.localarchive.adql.grammar import named, where
from jwstmq_widgets.localarchive.adql.scopes import Scope, unknown
from jwstmq_widgets.localarchive.adql.valuetypes import NOTHING, of_type, result_of, wider
from jwstmq_widgets.localarchive.holdings.taptables import TapColumn

__all__ = ["Expressions", "Translate"]

Translate = Callable[[exp.Expr, Scope], tuple[exp.Expr, tuple[TapColumn, ...]]]
"""Translates a query that stands in another one, seen from a scope; gives the columns of its result too."""

_FRAMES = ("", "ICRS", "J2000", "FK5", "UNKNOWNFRAME")
_AFFINITIES = {
    "SMALLINT": ("short", "INTEGER"), "INT": ("int", "INTEGER"), "BIGINT": ("long", "INTEGER"),
    "FLOAT": ("float", "REAL"), "DOUBLE": ("double", "REAL"), "DECIMAL": ("double", "REAL"),
    "CHAR": ("char", "TEXT"), "VARCHAR": ("char", "TEXT"), "NCHAR": ("char", "TEXT"), "NVARCHAR": ("char", "TEXT"),
    "TEXT": ("char", "TEXT"), "TIMESTAMP": ("char", "TEXT"), "BOOLEAN": ("boolean", "INTEGER"),
}  # fmt: skip
_TRUTH = {"true": 1, "t": 1, "1": 1, "yes": 1, "false": 0, "f": 0, "0": 0, "no": 0}


class Expressions:
    """Translates the expressions of one SELECT.

    Parameters
    ----------
    scope
        What can be seen from it.
    query
        Translates the queries in them.
    """

    def __init__(self, scope: Scope, query: Translate) -> None:
        self._scope = scope
        self._query = query
        self.column = TapColumn(name="", datatype="char", arraysize="*")
        """What the expression that was translated last gives."""

    def translate(self, node: exp.Expr, aliases: Mapping[str, str] | None = None) -> exp.Expr:
        """Translate an expression; with aliases, names of the result come before names of tables."""
        if isinstance(node, exp.Column):
            return self._reference(node, aliases)
        if isinstance(node, exp.Query | exp.Subquery):
            query, columns = self._query(node, Scope(tables=self._scope.tables, outer=self._scope))
            if len(columns) != 1:
                raise AdqlError(f"a subquery in an expression gives one column, not {len(columns)}{where(node)}")
            self.column = columns[0]
            return exp.Subquery(this=query)
        if isinstance(node, exp.Exists):
            query, _ = self._query(node.this, Scope(tables=self._scope.tables, outer=self._scope))
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
            translated, columns = self._query(query, Scope(tables=self._scope.tables, outer=self._scope))
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
