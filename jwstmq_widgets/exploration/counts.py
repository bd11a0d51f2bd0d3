"""How counts are written for people."""

__all__ = ["counted"]


def counted(number: int, noun: str) -> str:
    """Write a count with what is counted.

    Parameters
    ----------
    number
        How many.
    noun
        One of them, such as ``"file"``; its plural ends with s.

    Returns
    -------
    str
        Such as ``"1 file"``, ``"2,683 files"``.
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
