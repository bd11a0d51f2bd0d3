"""FITS header cards: one keyword, value, comment in 80 characters (FITS standard 4.0, section 4)."""

from collections.abc import Iterable

__all__ = ["BLOCK", "Card", "Value", "header", "padding"]

BLOCK = 2880
"""FITS files are made of blocks of so many bytes."""

Value = str | int | float | bool | None
Card = tuple[str, Value, str]
"""Keyword, value, comment. Without a keyword the comment is a title that stands alone; a value None leaves it out."""


def header(cards: Iterable[Card], blocks: int) -> bytes:
    """Write a header of exactly so many blocks, filled up with blank cards before END.

    Raises
    ------
    ValueError
        If the cards need more blocks.
    """
    text = "".join(_images(cards))
    room = blocks * BLOCK - 80
    if len(text) > room:
        raise ValueError(f"{len(text) // 80} header cards do not fit into {blocks} blocks of 36")
    return (text.ljust(room) + "END".ljust(80)).encode("ascii")


def padding(size: int) -> int:
    """Tell how many bytes are missing to the end of the block."""
    return -size % BLOCK


def _images(cards: Iterable[Card]) -> Iterable[str]:
    for keyword, value, comment in cards:
        if not keyword:
            yield f"        {_ascii(comment)}"[:80].ljust(80)
        elif keyword in {"COMMENT", "HISTORY"}:
            yield f"{keyword:<8}{_ascii(comment)}"[:80].ljust(80)
        elif isinstance(value, str):
            yield from _text(keyword, _ascii(value), comment)
        elif value is not None:
            yield f"{keyword:<8}= {_number(value):>20} / {comment}"[:80].ljust(80)


def _text(keyword: str, value: str, comment: str) -> Iterable[str]:
    quoted = value.replace("'", "''")
    if len(quoted) <= 68:
        field = f"'{quoted:<8}'"
        yield f"{keyword:<8}= {field:<20} / {comment}"[:80].ljust(80)
        return
    # Longer texts go on in CONTINUE cards (section 4.2.1.2); a doubled quote must not be torn apart.
    start, label = 0, f"{keyword:<8}= "
    while start < len(quoted):
        end = min(start + 67, len(quoted))
        if (len(quoted[start:end]) - len(quoted[start:end].rstrip("'"))) % 2 and end < len(quoted):
            end -= 1
        more = "&" if end < len(quoted) else ""
        yield f"{label}'{quoted[start:end]}{more}'".ljust(80)
        start, label = end, "CONTINUE  "


def _number(value: float) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, int):
        return str(value)
    text = repr(float(value)).upper()
    if len(text) > 20:
        text = f"{value:.13G}"
    return text if "." in text or "E" in text else f"{text}.0"


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode().replace("\n", " ")
