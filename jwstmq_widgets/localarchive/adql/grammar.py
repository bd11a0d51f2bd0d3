"""The words of ADQL: what may stand in a query, as a dialect of sqlglot's parser, and nothing more."""

import logging
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from sqlglot import Parser, Token, Tokenizer, TokenType, exp
from sqlglot.dialects.dialect import Dialect, NormalizationStrategy
from sqlglot.errors import SqlglotError, TokenError

from jwstmq_widgets.localarchive.adql.errors import AdqlError

__all__ = ["named", "parse", "where"]

_LONGEST = 1_000_000
_DEEPEST = 60
# sqlglot says here what of a text it does not know; whoever asked is told by an exception.
logging.getLogger("sqlglot").setLevel(logging.CRITICAL)

# How sqlglot tells of something incomplete, by its own names of classes.
_LACKING = re.compile(r"Required keyword: '\w+' missing for <class '[\w.]*\.(\w+)'>")
_WORDS = {"Limit": "TOP", "If": "CASE", "EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=",
          "Add": "+", "Sub": "-", "Mul": "*", "Div": "/"}  # fmt: skip

_ALLOWED = frozenset(
    {
        exp.Select, exp.Union, exp.Intersect, exp.Except, exp.Subquery, exp.With, exp.CTE, exp.From, exp.Join,
        exp.Table, exp.TableAlias, exp.Where, exp.Group, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset,
        exp.Distinct, exp.Identifier, exp.Column, exp.Alias, exp.Star, exp.Literal, exp.Null, exp.Boolean,
        exp.Paren, exp.Tuple, exp.Neg, exp.Not, exp.And, exp.Or, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE,
        exp.Between, exp.In, exp.Like, exp.ILike, exp.Escape, exp.Is, exp.Exists, exp.Case, exp.If, exp.Anonymous,
        exp.Cast, exp.DataType, exp.DataTypeParam, exp.DPipe, exp.Add, exp.Sub, exp.Mul, exp.Div,
    }
)  # fmt: skip
_BARRED = frozenset({"without", "recursive", "lateral", "sample", "tablesample", "hint", "only", "rows", "ordinality"})


class _AdqlTokenizer(Tokenizer):
    KEYWORDS: ClassVar = {**Tokenizer.KEYWORDS, "TOP": TokenType.TOP}


class _AdqlParser(Parser):
    # Every function is read as a name with arguments: the table of functions says which there are.
    FUNCTIONS: ClassVar = {}
    FUNCTION_PARSERS: ClassVar = {"CAST": Parser.FUNCTION_PARSERS["CAST"]}
    NO_PAREN_FUNCTIONS: ClassVar = {}
    NO_PAREN_FUNCTION_PARSERS: ClassVar = {"CASE": Parser.NO_PAREN_FUNCTION_PARSERS["CASE"]}


class Adql(Dialect):
    """ADQL 2.0 and 2.1 for sqlglot's parser; missing values sort as PostgreSQL, below ESA's service, sorts them."""

    NORMALIZATION_STRATEGY = NormalizationStrategy.CASE_INSENSITIVE
    NULL_ORDERING = "nulls_are_large"
    TYPED_DIVISION = True
    SAFE_DIVISION = True
    STRICT_STRING_CONCAT = True

    Tokenizer = _AdqlTokenizer
    Parser = _AdqlParser


def parse(adql: str) -> exp.Query:
    """Read a query.

    Parameters
    ----------
    adql
        The text.

    Returns
    -------
    sqlglot.expressions.Query
        A tree of known nodes alone.

    Raises
    ------
    AdqlError
        If it is not exactly one SELECT of ADQL; the message has the place of what is wrong.
    """
    if len(adql) > _LONGEST:
        raise AdqlError(f"Cannot parse a query of {len(adql)} characters: {_LONGEST} are the most")
    try:
        tokens = Adql().tokenize(adql)
        _check_tokens(adql, tokens)
        trees = Adql().parser().parse(tokens, adql)
    except AdqlError:
        raise
    except SqlglotError as err:
        raise AdqlError(f"Cannot parse query '{adql}': {_first(err, adql)}") from err
    except RecursionError as err:
        raise AdqlError(f"Cannot parse query '{adql}': it is nested too deeply") from err
    # What sqlglot's parser raises on texts that it was not written for (found by the property test).
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as err:
        raise AdqlError(f"Cannot parse query '{adql}': it is not ADQL") from err
    # A comment after the last semicolon is a statement to sqlglot.
    trees = [tree for tree in trees if not isinstance(tree, exp.Semicolon)]
    if len(trees) != 1 or trees[0] is None:
        raise AdqlError(f"Cannot parse query '{adql}': there must be exactly one SELECT")
    tree: Any = trees[0]
    if not isinstance(tree, exp.Query) or isinstance(tree, exp.Table):
        raise AdqlError(f"Cannot parse query '{adql}': only SELECT is possible")
    try:
        for node in tree.walk():
            _check_node(adql, node)
    except RecursionError as err:
        raise AdqlError(f"Cannot parse query '{adql}': it is nested too deeply") from err
    return tree


def where(node: exp.Expr) -> str:
    """Give the place of a node in the query, as ``[l.1 c.8]``; "" where it is not known."""
    metas = [part.meta for part in node.walk() if "line" in part.meta]
    if not metas:
        return ""
    # sqlglot keeps the column of a name's last letter.
    first = min(metas, key=lambda meta: int(meta["start"]))
    return f" [l.{first['line']} c.{max(1, first['col'] - (first['end'] - first['start']))}]"


def named(node: exp.Expr) -> str:
    """Write a part of a query as ADQL again, shortened, for messages."""
    words = node.sql(dialect=Adql)
    return words if len(words) <= 80 else f"{words[:77]}..."


def _check_tokens(adql: str, tokens: list[Token]) -> None:
    depth = 0
    for token, following in _pairs(tokens):
        place = f"[l.{token.line} c.{max(1, token.col - (token.end - token.start))}]"
        if token.token_type in {TokenType.L_PAREN, TokenType.CASE}:
            depth += 1
            if depth > _DEEPEST:
                raise AdqlError(f"Cannot parse query '{adql}': it is nested too deeply {place}")
        elif token.token_type in {TokenType.R_PAREN, TokenType.END}:
            depth -= 1
        elif token.token_type == TokenType.SEMICOLON and following is not None:
            raise AdqlError(f"Cannot parse query '{adql}': encountered \"{following.text}\" after ; {place}")
        elif token.token_type == TokenType.LIMIT:
            raise AdqlError(
                f"Cannot parse query '{adql}': encountered \"{token.text}\" {place}; ADQL says SELECT TOP n"
            )
        elif token.token_type == TokenType.DCOLON:
            raise AdqlError(f"Cannot parse query '{adql}': encountered \"::\" {place}; ADQL says CAST(... AS type)")
        elif token.token_type == TokenType.RECURSIVE:
            raise AdqlError(
                f"Cannot parse query '{adql}': encountered \"{token.text}\" {place}; recursion is not possible"
            )
        # SQL separates a number from a word by something; ADQL's own parser refuses "1ORDER".
        if (
            token.token_type == TokenType.NUMBER
            and following is not None
            and following.start == token.end + 1
            and (following.text[:1].isalnum() or following.text[:1] == "_")
        ):
            raise AdqlError(
                f"Cannot parse query '{adql}': encountered \"{token.text}{following.text}\" {place}; "
                "a number and a word need a blank between them"
            )


def _pairs(tokens: list[Token]) -> Iterator[tuple[Token, Token | None]]:
    yield from zip(tokens, [*tokens[1:], None], strict=True)


def _check_node(adql: str, node: exp.Expr) -> None:
    if type(node) not in _ALLOWED:
        raise AdqlError(f"Cannot parse query '{adql}': {_kind(node)} is not part of ADQL{where(node)}")
    barred = next((name for name, value in node.args.items() if value and name in _BARRED), None)
    if barred:
        raise AdqlError(f"Cannot parse query '{adql}': {barred.upper()} is not part of ADQL{where(node)}")


def _kind(node: exp.Expr) -> str:
    try:
        return f"{type(node).__name__.upper()} ({named(node)})"
    # The generator does not know how to write what another dialect's parser left over.
    except (SqlglotError, AttributeError, KeyError, TypeError, ValueError):
        return type(node).__name__.upper()


def _first(err: SqlglotError, adql: str) -> str:
    details = getattr(err, "errors", None)
    if not details:
        if isinstance(err, TokenError):
            return "a text in quotes, or a comment, does not end"
        return str(err).split("\n", maxsplit=1)[0][:300].replace(adql, "…") or "it is not ADQL"
    first = details[0]
    description = str(first["description"]).rstrip(".")
    if lacking := _LACKING.fullmatch(description):
        description = f"{_WORDS.get(lacking[1], lacking[1].upper())} lacks what belongs to it"
    encountered = f'encountered "{first["highlight"]}" ' if first.get("highlight") else ""
    return f"{encountered}[l.{first['line']} c.{first['col']}]: {description.partition(' but got <')[0]}"
