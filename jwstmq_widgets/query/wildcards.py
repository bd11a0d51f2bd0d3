"""What a text with ``*`` stands for."""

import re
from collections.abc import Callable, Iterable

__all__ = ["any_of", "is_pattern"]


def is_pattern(value: str) -> bool:
    """Tell whether a text has a wildcard: ``*``, or ``%`` as MAST writes it."""
    return "*" in value or "%" in value


def any_of(values: Iterable[str]) -> Callable[[str], bool]:
    """Make the test whether a text is one of some values.

    Parameters
    ----------
    values
        Texts; in each, ``*`` or ``%`` stands for any characters, and nothing else is special. Case does not count, as
        in MAST's database.

    Returns
    -------
    callable
        Takes a text, gives a bool.
    """
    parts = [".*".join(re.escape(part) for part in re.split(r"[*%]+", value)) for value in values]
    pattern = re.compile("|".join(parts) or r"(?!)", re.IGNORECASE | re.DOTALL)
    return lambda text: pattern.fullmatch(text) is not None
