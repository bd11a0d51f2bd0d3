"""The language of mission search's conditions: ``a,b``, ``a..b``, ``>=a``, ``!a``, ``a*``, ``null``.

Source: mast.stsci.edu/search/docs and astroquery's pages on mission search; the word for no value is not told there,
``null`` is taken.
"""

from math import isfinite

from jwstmq_widgets.localarchive.holdings import Criterion, MissionColumn, Term

__all__ = ["read_criterion"]

_MOST_TERMS = 400  # plain values do not count: SQLite limits the depth of an expression
_LONGEST_PATTERN = 1000  # SQLite refuses those of 50,000 characters as an error of the statement
_COMPARISONS = (">=", "<=", ">", "<")


def read_criterion(text: object, column: MissionColumn) -> Criterion:
    """Read a condition.

    Parameters
    ----------
    text
        Such as ``"MIRI,NIRCAM"``, ``"2022-06-01..2022-07-01"``, ``">=100"``, ``"!FGS"``, ``"jw02733*"``, or a number.
    column
        The column that it is about.

    Returns
    -------
    Criterion
        An empty text asks for nothing.

    Raises
    ------
    ValueError
        If a number is wanted and something else is given, or there are too many terms.
    """
    numeric = column.kind in {"integer", "real"}
    wanted: list[Term] = []
    excluded: list[Term] = []
    for part in str(text).split(","):
        term = part.strip()
        if term.startswith("!") and term[1:].strip():
            excluded.append(_term(term[1:].strip(), numeric=numeric))
        elif term and term != "!":
            wanted.append(_term(term, numeric=numeric))
    if sum(term.sign != "=" for term in (*wanted, *excluded)) > _MOST_TERMS:
        raise ValueError(f"{column.name}: more than {_MOST_TERMS} ranges and patterns")
    return Criterion(column=column, wanted=tuple(wanted), excluded=tuple(excluded))


def _term(term: str, *, numeric: bool) -> Term:
    if term.lower() == "null":
        return Term(sign="null")
    for sign in _COMPARISONS:
        if term.startswith(sign):
            return Term(sign=sign, value=_value(term[len(sign) :].strip(), numeric=numeric))  # type: ignore[arg-type]
    if ".." in term:
        low, _, high = term.partition("..")
        return Term(sign="..", value=_value(low.strip(), numeric=numeric), high=_value(high.strip(), numeric=numeric))
    if "*" in term:
        if len(term) > _LONGEST_PATTERN:
            raise ValueError("the pattern is too long")
        return Term(sign="*", value=term)
    return Term(sign="=", value=_value(term, numeric=numeric))


def _value(term: str, *, numeric: bool) -> float | str:
    if not numeric:
        return term
    number = float(term)
    if not isfinite(number):
        raise ValueError(f"{term!r} is no number")
    return number
