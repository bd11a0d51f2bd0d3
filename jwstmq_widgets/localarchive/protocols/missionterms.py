"""The language of mission search's conditions: ``a,b``, ``a..b``, ``>=a``, ``!a``, ``a*``."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fnmatch import translate

__all__ = ["Terms", "read_terms"]

_COMPARISONS: dict[str, Callable[[float | str, float | str], bool]] = {
    ">=": lambda a, b: a >= b,  # type: ignore[operator]
    "<=": lambda a, b: a <= b,  # type: ignore[operator]
    ">": lambda a, b: a > b,  # type: ignore[operator]
    "<": lambda a, b: a < b,  # type: ignore[operator]
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What one condition asks of a column: one of the alternatives, and nothing that is excluded."""

    values: tuple[float | str, ...] = ()
    """Values, one of which is wanted."""
    tests: tuple[Callable[[float | str], bool], ...] = ()
    """Tests, one of which is to be passed."""
    excluded: tuple[Callable[[float | str], bool], ...] = field(default=())
    """Tests none of which may be passed."""

    @property
    def plain(self) -> bool:
        """True when it is nothing but a list of values."""
        return not self.tests and not self.excluded

    def accept(self, value: object) -> bool:
        """Tell whether a row with this value is wanted; texts are compared without regard to case."""
        if value is None:
            return False
        known: float | str = float(value) if isinstance(value, int | float) else str(value).lower()
        if any(test(known) for test in self.excluded):
            return False
        if not self.values and not self.tests:
            return True
        return known in self.values or any(test(known) for test in self.tests)


def read_terms(text: object, *, numeric: bool) -> Terms:
    """Read a condition's value.

    Parameters
    ----------
    text
        Such as ``"MIRI,NIRCAM"``, ``"2022-06-01..2022-07-01"``, ``">=100"``, ``"!FGS"``, ``"jw02733*"``, or a number.
    numeric
        Whether the column holds numbers.

    Returns
    -------
    Terms
        Texts in lower case; an empty text asks for nothing.

    Raises
    ------
    ValueError
        If a number is wanted and something else is given.
    """
    values: list[float | str] = []
    tests: list[Callable[[float | str], bool]] = []
    excluded: list[Callable[[float | str], bool]] = []
    for part in str(text).split(","):
        term = part.strip()
        if not term:
            continue
        if term.startswith("!"):
            excluded.append(_test(term[1:].strip(), numeric=numeric))
        elif ".." in term or "*" in term or term.startswith(("<", ">")):
            tests.append(_test(term, numeric=numeric))
        else:
            values.append(_value(term, numeric=numeric))
    return Terms(values=tuple(values), tests=tuple(tests), excluded=tuple(excluded))


def _test(term: str, *, numeric: bool) -> Callable[[float | str], bool]:
    for sign, compare in _COMPARISONS.items():
        if term.startswith(sign):
            limit = _value(term[len(sign) :].strip(), numeric=numeric)
            return lambda value: compare(value, limit)
    if ".." in term:
        low, high = (_value(part.strip(), numeric=numeric) for part in term.split("..", 1))
        return lambda value: low <= value <= high  # type: ignore[operator]
    if "*" in term:
        pattern = re.compile(translate(term.lower().replace("[", "[[]")))
        return lambda value: pattern.match(f"{value:g}" if isinstance(value, float) else value) is not None
    wanted = _value(term, numeric=numeric)
    return lambda value: value == wanted


def _value(term: str, *, numeric: bool) -> float | str:
    return float(term) if numeric else term.lower()
