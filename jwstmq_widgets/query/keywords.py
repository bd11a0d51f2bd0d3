"""Conditions on JWST's instrument keywords, in the syntax of MAST's mission search."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from numbers import Real
from typing import Any

from jwstmq_widgets.errors import QueryError

__all__ = ["NO_KEYWORDS", "Keywords", "Term", "read_keywords", "read_term"]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_PAIR = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*(?:=|(?=[<>!]))\s*(.*)", re.DOTALL)
_SIGNS = (">=", "<=", ">", "<")
_LONGEST = 200
_MOST = 1000
# In these a comma followed by a blank is part of the text: "Pontoppidan, Klaus M."
_PROSE = frozenset({"pi_name", "title", "opticalelements", "productlevel"})
_EXAMPLE = "keywords={'exp_type': 'MIR_IMAGE', 'effexptm': '>=100', 'readpatt': '!FASTR1'}"


class Keywords(Mapping[str, tuple[str, ...]]):
    """Keyword to its terms, as a value that does not change.

    Parameters
    ----------
    terms
        Terms by keyword, as `read_term` writes them.
    """

    __slots__ = ("_terms",)

    def __init__(self, terms: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._terms = dict(terms or {})

    def __getitem__(self, name: str) -> tuple[str, ...]:
        return self._terms[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._terms)

    def __len__(self) -> int:
        return len(self._terms)

    def __hash__(self) -> int:
        return hash(frozenset(self._terms.items()))

    def __repr__(self) -> str:
        return repr({name: terms[0] if len(terms) == 1 else terms for name, terms in self._terms.items()})

    def __str__(self) -> str:
        return " · ".join(f"{name} {', '.join(terms)}" for name, terms in self._terms.items())


NO_KEYWORDS = Keywords()
"""No conditions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """One thing that a keyword may be, or may not be."""

    negated: bool
    """True for what it may not be."""
    null: bool
    """True when no value at all is meant."""
    sign: str
    """A comparison, ``".."`` for a range with both ends, ``"*"`` for a pattern, or "" for a value."""
    operands: tuple[str, ...]
    """What it is compared with: two for a range, none for no value, else one."""

    def __str__(self) -> str:
        if self.null:
            text = "null"
        elif self.sign == "..":
            text = "..".join(self.operands)
        else:
            text = f"{self.sign if self.sign in _SIGNS else ''}{self.operands[0]}"
        return f"!{text}" if self.negated else text


def read_keywords(value: Any) -> Keywords:
    """Read conditions on keywords.

    Parameters
    ----------
    value
        Keyword to a value or several; or texts such as ``"exp_type=MIR_IMAGE"`` and ``"effexptm>=100"``, in one text
        separated by semicolons. A value is a number, a text, None (no value), or True or False (``t``, ``f``). A text
        may be a range (``"100..200"``), a comparison (``">=100"``), have wildcards (``"F7*"``), be excluded
        (``"!FASTR1"``), mean no value (``"null"``), or be several of these with commas. One of those wanted must hold
        and none of those excluded.

    Returns
    -------
    Keywords
        Names and terms as given, without what means nothing.

    Raises
    ------
    QueryError
        If a name or value cannot be one, or a keyword is given twice.
    """
    if value is None:
        return Keywords()
    if isinstance(value, str):
        value = [part for part in value.split(";") if part.strip()]
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, Iterable):
        pairs = [_pair(entry) for entry in value]
    else:
        raise _wrong(f"keywords {value!r} are neither a dictionary nor texts")
    terms: dict[str, tuple[str, ...]] = {}
    for name, values in pairs:
        if not isinstance(name, str) or not _NAME.fullmatch(name.strip()):
            raise _wrong(f"{str(name)[:_LONGEST]!r} is not the name of a keyword")
        if name.strip().lower() in map(str.lower, terms):
            raise _wrong(f"keyword '{name.strip()}' is given twice; give its values together, or as a range (100..200)")
        terms[name.strip()] = _terms(name.strip(), values)
    return Keywords(terms)


def read_term(text: str) -> Term:
    """Read one term.

    Parameters
    ----------
    text
        Such as ``">=100"``, ``"100..200"``, ``"..200"``, ``"F7*"``, ``"!FASTR1"``, ``"null"``.

    Returns
    -------
    Term
        A range with one end open becomes a comparison.

    Raises
    ------
    ValueError
        If something is missing in it.
    """
    negated = text.startswith("!")
    rest = text[1:].removeprefix("=").strip() if negated else text.removeprefix("==").strip()
    sign = next((sign for sign in _SIGNS if rest.startswith(sign)), "")
    if rest.lower() == "null":
        return Term(negated=negated, null=True, sign="", operands=())
    if sign:
        operands: tuple[str, ...] = (rest[len(sign) :].strip(),)
    elif ".." in rest:
        low, _, high = (part.strip() for part in rest.partition(".."))
        sign, operands = ("..", (low, high)) if low and high else (">=", (low,)) if low else ("<=", (high,))
    else:
        sign, operands = ("*" if "*" in rest else ""), (rest,)
    if not all(operands) or any(operand[0] in "<>=!" for operand in operands):
        raise ValueError("something is missing in it, or a sign too many")
    return Term(negated=negated, null=False, sign=sign, operands=operands)


def _pair(entry: Any) -> tuple[Any, Any]:
    if isinstance(entry, str):
        match = _PAIR.fullmatch(entry)
        if match is None:
            raise _wrong(f"keyword {entry[:_LONGEST]!r} has no value")
        return match[1], match[2]
    if isinstance(entry, (tuple, list)) and len(entry) == 2:
        return entry[0], entry[1]
    raise _wrong(f"{str(entry)[:_LONGEST]!r} is not a keyword with its value")


def _terms(name: str, values: Any) -> tuple[str, ...]:
    given = [values] if values is None or isinstance(values, (str, Real)) else values
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise _wrong(f"keyword '{name}' cannot be {str(values)[:_LONGEST]!r}")
    terms = list(dict.fromkeys(term for value in given for term in _split(name, value)))
    if not terms:
        raise _wrong(f"keyword '{name}' has no value; null asks for rows without one")
    if len(terms) > _MOST:
        raise _wrong(f"keyword '{name}' has {len(terms)} values, more than {_MOST}; use a range or a wildcard")
    read = [read_term(term) for term in terms]
    if any(term.null and not term.negated for term in read) and len(read) > 1:
        raise _wrong(f"keyword '{name}': null stands alone; ask twice, once for null and once for the values")
    return tuple(terms)


def _split(name: str, value: Any) -> Iterator[str]:
    if value is None:
        texts = ["null"]
    elif isinstance(value, bool):
        texts = ["t" if value else "f"]  # as MAST's services write flags
    elif isinstance(value, Real):
        if not math.isfinite(value):
            raise _wrong(f"keyword '{name}' cannot be {value!r}")
        texts = [str(value)]
    elif isinstance(value, str):
        if name.lower() in _PROSE:
            value = value.replace(", ", "*")
        texts = value.split(",")
    else:
        raise _wrong(f"keyword '{name}' cannot be {str(value)[:_LONGEST]!r}")
    for text in (text.strip() for text in texts):
        if text:
            yield _checked(name, text)


def _checked(name: str, text: str) -> str:
    if len(text) > _LONGEST or not text.isprintable():
        raise _wrong(f"keyword '{name}' cannot be {text[:_LONGEST]!r}")
    try:
        term = read_term(text)
    except ValueError as error:
        raise _wrong(f"keyword '{name}' cannot be {text!r}: {error}") from None
    if term.sign == "..":
        try:
            low, high = map(float, term.operands)
        except ValueError:
            return str(term)  # texts and dates
        if low > high:
            raise _wrong(f"keyword '{name}': the range {text} ends before it begins")
    return str(term)


def _wrong(what: str) -> QueryError:
    return QueryError(f"{what}; write {_EXAMPLE}", field="keywords")
