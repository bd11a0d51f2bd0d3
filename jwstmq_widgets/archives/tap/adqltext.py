"""How values become ADQL: the one place where what somebody typed becomes part of a query.

Texts become literals, in which only the quote is special (ADQL 2.1, section 2.1.4). ``LIKE`` has no way to escape its
wildcards that every service knows (ADQL 2.1 defines no ``ESCAPE``), so no pattern relies on one: what cannot be said
literally there, ``_`` and a backslash, is asked for as "any one character", and the rows are looked at again here.
"""

import math
import re
from collections.abc import Iterable, Sequence

from jwstmq_widgets.errors import QueryError

__all__ = ["ADQL", "all_of", "any_of", "column", "like", "literal", "number", "one_of", "polygon"]

ADQL = str
"""A text that is ADQL already."""

_LONGEST = 1000
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,127}")
# Names of our columns that ADQL reserves (ADQL 2.1, section 2.1.2).
_RESERVED = frozenset({"public", "type", "size", "date", "time", "timestamp", "position", "value", "intent"})


def literal(value: str) -> ADQL:
    """Write a text.

    Parameters
    ----------
    value
        Any text of printable characters.

    Returns
    -------
    str
        Such as ``'Barnard''s star'``.

    Raises
    ------
    QueryError
        If it holds characters that cannot be printed, or is far too long.
    """
    if len(value) > _LONGEST or not value.isprintable():
        raise QueryError(
            f"{value[:40]!r} cannot be put into ADQL: a text there has up to {_LONGEST} characters, all printable"
        )
    doubled = value.replace("'", "''")
    return f"'{doubled}'"


def number(value: float) -> ADQL:
    """Write a number.

    Raises
    ------
    QueryError
        If it is no finite number.
    """
    if not math.isfinite(value):
        raise QueryError(f"{value!r} cannot be put into ADQL: it is not a finite number")
    return repr(value)


def column(name: str) -> ADQL:
    """Write the name of a column, table or schema, quoted where ADQL needs that.

    Raises
    ------
    QueryError
        If it cannot be a name.
    """
    if not name.isprintable() or not 0 < len(name) <= 128:
        raise QueryError(f"{name[:40]!r} cannot be the name of a column")
    if _PLAIN.fullmatch(name) and name.lower() not in _RESERVED:
        return name
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def one_of(name: str, values: Sequence[str]) -> ADQL:
    """Ask that a column is one of some texts; nothing is, where there are none."""
    if not values:
        return "1 = 0"
    if len(values) == 1:
        return f"{column(name)} = {literal(values[0])}"
    return f"{column(name)} IN ({', '.join(map(literal, values))})"


def like(name: str, pattern: str) -> ADQL:
    """Ask that a column fits a pattern, whatever the case of its letters.

    Parameters
    ----------
    name
        The column.
    pattern
        A text, in which ``*`` or ``%`` stands for any characters.

    Returns
    -------
    str
        With ``ILIKE``, which ESA's archive knows and astroquery uses. It finds what fits, and in place of each ``_``
        and backslash of the pattern any other character: the rows must be looked at again.
    """
    return f"{column(name)} ILIKE {literal(re.sub(r'[*%]+', '%', pattern.replace(chr(92), '_')))}"


def any_of(conditions: Iterable[ADQL]) -> ADQL:
    """Join conditions of which one must hold; "" for none."""
    several = [condition for condition in conditions if condition]
    return several[0] if len(several) == 1 else f"({' OR '.join(several)})" if several else ""


def all_of(conditions: Iterable[ADQL]) -> ADQL:
    """Join conditions that must all hold; "" for none."""
    return " AND ".join(condition for condition in conditions if condition)


def polygon(corners: Iterable[tuple[float, float]]) -> ADQL:
    """Write a polygon by its corners (deg, ICRS)."""
    return f"POLYGON('ICRS', {', '.join(f'{number(ra)}, {number(dec)}' for ra, dec in corners)})"
