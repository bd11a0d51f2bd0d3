"""What an expression gives: the type, and where it is kept the unit, of its value."""

from collections.abc import Mapping
from dataclasses import replace

from sqlglot import exp

from jwstmq_widgets.localarchive.adql.errors import AdqlError
from jwstmq_widgets.localarchive.adql.grammar import where
from jwstmq_widgets.localarchive.holdings.taptables import TapColumn

__all__ = ["NOTHING", "of_type", "result_of", "wider"]

NOTHING = TapColumn(name="", datatype="char", arraysize="*", description="NULL")
"""What NULL gives: it takes the type of what stands beside it."""
_WIDTH = {"boolean": 0, "short": 1, "int": 2, "long": 3, "float": 4, "double": 5}


def result_of(node: exp.Expr, columns: Mapping[str, list[TapColumn]]) -> TapColumn:
    """Give the column of a node, from those of its parts by the part's name."""
    if isinstance(node, exp.Paren | exp.Neg | exp.Escape):
        return replace(columns["this"][0], name="", description="")
    if isinstance(node, exp.DPipe):
        return of_type("char")
    if isinstance(node, exp.Case):
        branches = [*columns.get("ifs", []), *columns.get("default", [])]
        return replace(wider(branches), name="")
    if isinstance(node, exp.If):
        return columns["true"][0]
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
        sides = columns["this"][0], columns["expression"][0]
        widest = wider(list(sides))
        keep = isinstance(node, exp.Add | exp.Sub) and sides[0].unit == sides[1].unit
        datatype = widest.datatype if widest.datatype in _WIDTH else "double"
        return replace(of_type(datatype), unit=widest.unit if keep else "")
    if isinstance(node, exp.Tuple):
        raise AdqlError(f"a list in parentheses stands after IN alone{where(node)}")
    return of_type("int")


def wider(columns: list[TapColumn]) -> TapColumn:
    """Give the column whose type holds the values of all."""
    texts = [column for column in columns if column.datatype not in _WIDTH and column != NOTHING]
    numbers = [column for column in columns if column.datatype in _WIDTH]
    if texts or not numbers:
        return (texts or columns)[0]
    return max(numbers, key=lambda column: _WIDTH[column.datatype])


def of_type(datatype: str) -> TapColumn:
    """Give a column without a name of a VOTable datatype."""
    return TapColumn(name="", datatype=datatype, arraysize="*" if datatype == "char" else "")
