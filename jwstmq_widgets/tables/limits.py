"""What the columns of a table must meet, in the syntax of MAST's filters."""

import difflib
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query.keywords import Term, read_keywords, read_term
from jwstmq_widgets.query.wildcards import any_of
from jwstmq_widgets.tables.encoded import Encoded

__all__ = ["meeting"]

_Rows = np.ndarray[Any, np.dtype[np.bool_]]
_COMPARED = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt}


def meeting(table: Table, limits: Mapping[str, Any]) -> _Rows:
    """Tell which rows of a table meet limits on its columns.

    Parameters
    ----------
    table
        Any table.
    limits
        Column to a value or several: ``"CAL"``, ``"*.jpg"``, ``"!CAL"``, ``">=1000000"``, ``"1..5"``, ``"null"``; one
        of those wanted must hold and none of those excluded, as in astroquery's ``filter_products``. Case does not
        count. A text that is missing is "", a real number NaN.

    Returns
    -------
    numpy.ndarray of bool

    Raises
    ------
    QueryError
        If there is no such column, or a value does not fit it.
    """
    keep = np.ones(len(table), dtype=bool)
    for name, texts in read_keywords(limits).items():
        if name not in table.colnames:
            near = difflib.get_close_matches(name, table.colnames, n=1, cutoff=0.4)
            hint = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(table.colnames)}"
            raise QueryError(f"the table has no column '{name}'; {hint}", field="where")
        column = np.asarray(table[name])
        wanted, refused = np.zeros(len(table), dtype=bool), np.zeros(len(table), dtype=bool)
        terms = [read_term(text) for text in texts]
        for term in terms:
            rows = _texts(column, term) if column.dtype.kind in "UO" else _numbers(column, term, name)
            if term.negated:
                refused |= rows
            else:
                wanted |= rows
        keep &= ~refused & (wanted | all(term.negated for term in terms))
    return keep


def _texts(column: np.ndarray[Any, Any], term: Term) -> _Rows:
    encoded, matches = Encoded.of(column), _matching(term)
    return np.array([matches(kind) for kind in encoded.values], dtype=bool)[encoded.codes]


def _matching(term: Term) -> Any:
    if term.null:
        return lambda text: not text
    if term.sign == "..":
        low, high = (operand.lower() for operand in term.operands)
        return lambda text: low <= text.lower() <= high
    if term.sign in _COMPARED:
        compare, limit = _COMPARED[term.sign], term.operands[0].lower()
        return lambda text: bool(text) and compare(text.lower(), limit)
    return any_of(term.operands)


def _numbers(column: np.ndarray[Any, Any], term: Term, name: str) -> _Rows:
    if term.null:
        return np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), dtype=bool)
    if column.dtype.kind == "b":
        words = {"t": True, "true": True, "1": True, "f": False, "false": False, "0": False}
        word = words.get(term.operands[0].lower())
        if word is None or term.sign:
            raise QueryError(f"column '{name}' is true or false, not '{term}'", field="where")
        return np.asarray(column == word)
    try:
        operands = [float(operand) for operand in term.operands]
    except ValueError:
        raise QueryError(
            f"column '{name}' holds numbers; write a number, '>=5' or '1..5' instead of '{term}'", field="where"
        ) from None
    if term.sign == "..":
        return np.asarray((column >= operands[0]) & (column <= operands[1]))
    return np.asarray(_COMPARED.get(term.sign, operator.eq)(column, operands[0]))
