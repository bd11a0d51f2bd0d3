"""Whether a file is whole, told from the structure of its kind."""

import os
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from math import prod
from pathlib import Path
from typing import BinaryIO

import orjson

from jwstmq_widgets.downloads.files.checksums import check_sums
from jwstmq_widgets.errors import Mismatch

__all__ = ["check_structure"]

_BLOCK = 2880
_CARD = 80
_START, _END = 512, 64
_MOST_HEADER_BLOCKS = 4096
_MOST_JSON = 256 * 1024 * 1024
_VALUE = re.compile(rb"([A-Z0-9]{1,8}) *= *([^/]*)")
_SUM = re.compile(rb"(CHECKSUM|DATASUM) *= *'([^']*)'")
_PAGE = re.compile(rb"\s*(?:<!doctype html|<html|<head|<\?xml[^>]*>\s*<!doctype html)", re.IGNORECASE)


def check_structure(path: Path | None, name: str, *, checksums: bool = False, held: bytes | None = None) -> str:
    """Check that a file holds, from its start to its end, what its name promises.

    Cheap at any size: only headers and ends are read, and JSON, which is small, as a whole.

    Parameters
    ----------
    path
        The file; may be left out where all that it holds is given.
    name
        The name that it will bear; its extension chooses the check.
    checksums
        Whether CHECKSUM and DATASUM of FITS files are checked too, where there are any: reads the whole file.
    held
        All that the file holds, where it was read already.

    Returns
    -------
    str
        What was checked, such as ``"FITS, 7 HDUs"``.

    Raises
    ------
    Mismatch
        If the structure is broken, or the file is a web page.
    """
    if held is not None or path is None:
        held = held or b""
        return _check(BytesIO(held), len(held), held[:_START], held[-_END:], name, path, checksums=checksums)
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        start = file.read(_START)
        file.seek(max(0, size - _END))
        return _check(file, size, start, file.read(_END), name, path, checksums=checksums)


def _check(
    file: BinaryIO, size: int, start: bytes, end: bytes, name: str, path: Path | None, *, checksums: bool
) -> str:
    extension = name.lower().rpartition(".")[2]
    if _PAGE.match(start) and extension not in {"html", "htm", "xml", "svg"}:
        raise Mismatch(f"{name}: the archive sent a web page in its place; log in again, or try later", path=path)
    check = _CHECKS.get(extension)
    if check is None:
        return "not a web page"
    try:
        if checksums and check is _fits:
            return _fits_with_sums(file, size, start)
        return check(file, size, start, end)
    except ValueError as error:
        raise Mismatch(f"{name} is broken: {error}; download it again", path=path) from error


def _fits(file: BinaryIO, size: int, start: bytes, end: bytes) -> str:  # noqa: ARG001
    return _units_text(sum(1 for _ in _fits_units(file, size, start)))


def _fits_with_sums(file: BinaryIO, size: int, start: bytes) -> str:
    units = list(_fits_units(file, size, start))
    sums = sum(check_sums(file, number, texts, places) for number, (texts, places) in enumerate(units))
    return f"{_units_text(len(units))}, {sums or 'no'} checksum{'' if sums == 1 else 's'}"


def _units_text(units: int) -> str:
    return f"FITS, {units} HDU{'s' if units > 1 else ''}"


def _fits_units(file: BinaryIO, size: int, start: bytes) -> Iterator[tuple[dict[str, str], tuple[int, int, int]]]:
    """Walk from header to header, by the sizes that they give (FITS standard 4.0, sections 3.1, 4.4.1 and 7.3.1).

    Gives, of each HDU, its sums as texts, and where its header, its data and the next HDU begin.
    """
    if not start.startswith(b"SIMPLE  ="):
        raise ValueError(f"a FITS file starts with SIMPLE, this one with {start[:8]!r}")
    if size % _BLOCK:
        raise ValueError(f"its {size} bytes are no multiple of {_BLOCK}")
    position, units = 0, 0
    while position < size:
        file.seek(position)
        keywords, texts, header = _fits_header(file, units)
        units += 1
        shape = [keywords.get(f"NAXIS{axis}", 0) for axis in range(1, keywords["NAXIS"] + 1)]
        if len(shape) > 1 and shape[0] == 0 and keywords.get("GROUPS"):
            shape = shape[1:]
        elements = keywords.get("GCOUNT", 1) * (keywords.get("PCOUNT", 0) + prod(shape)) if shape else 0
        data = abs(keywords["BITPIX"]) // 8 * elements
        if data < 0:
            raise ValueError(f"the sizes in HDU {units - 1} are below zero")
        begin, position = position, position + header + -(-data // _BLOCK) * _BLOCK
        if position > size:
            raise ValueError(f"its HDU {units - 1} should end at byte {position}, and the file ends at {size}")
        yield texts, (begin, begin + header, position)


def _fits_header(file: BinaryIO, unit: int) -> tuple[dict[str, int], dict[str, str], int]:
    keywords: dict[str, int] = {}
    texts: dict[str, str] = {}
    for blocks in range(1, _MOST_HEADER_BLOCKS + 1):
        block = file.read(_BLOCK)
        if len(block) < _BLOCK:
            break
        if blocks == 1 and unit and not block.startswith(b"XTENSION="):
            raise ValueError(f"HDU {unit} starts with {block[:8]!r} instead of XTENSION")
        for at in range(0, _BLOCK, _CARD):
            card = block[at : at + _CARD]
            if card.startswith(b"END") and not card[3:].strip():
                if "BITPIX" not in keywords or not 0 <= keywords.get("NAXIS", -1) <= 999:
                    raise ValueError(f"HDU {unit} has no BITPIX or no NAXIS")
                return keywords, texts, blocks * _BLOCK
            if card.startswith((b"BITPIX", b"NAXIS", b"PCOUNT", b"GCOUNT", b"GROUPS")):
                match = _VALUE.match(card)
                value = match.group(2).strip() if match else b""
                if match and (value == b"T" or value.lstrip(b"+-").isdigit()):
                    keywords[match.group(1).decode()] = 1 if value == b"T" else int(value)
            elif found := _SUM.match(card):
                texts[found.group(1).decode()] = found.group(2).decode("ascii", "replace")
    raise ValueError(f"the header of HDU {unit} does not end")


def _json(file: BinaryIO, size: int, start: bytes, end: bytes) -> str:  # noqa: ARG001
    if size > _MOST_JSON:
        if not end.rstrip().endswith((b"}", b"]")):
            raise ValueError("JSON without its end")
        return "JSON, its end"
    file.seek(0)
    orjson.loads(file.read())
    return "JSON, parsed"


def _jpeg(file: BinaryIO, size: int, start: bytes, end: bytes) -> str:  # noqa: ARG001
    if not start.startswith(b"\xff\xd8\xff"):
        raise ValueError(f"a JPEG starts with FF D8 FF, this one with {start[:3].hex(' ')}")
    if not end.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise ValueError("a JPEG without its end marker")
    return "JPEG, from start to end marker"


def _png(file: BinaryIO, size: int, start: bytes, end: bytes) -> str:  # noqa: ARG001
    if not start.startswith(b"\x89PNG\r\n\x1a\n"):
        raise ValueError("no PNG signature")
    if not end.endswith(b"\0\0\0\0IEND\xaeB`\x82"):
        raise ValueError("a PNG without its IEND chunk")
    return "PNG, from signature to IEND"


def _gif(file: BinaryIO, size: int, start: bytes, end: bytes) -> str:  # noqa: ARG001
    if not start.startswith((b"GIF87a", b"GIF89a")):
        raise ValueError("no GIF signature")
    if not end.rstrip(b"\0").endswith(b";"):
        raise ValueError("a GIF without its trailer")
    return "GIF, from signature to trailer"


def _ecsv(file: BinaryIO, size: int, start: bytes, end: bytes) -> str:  # noqa: ARG001
    if not start.startswith(b"# %ECSV"):
        raise ValueError("an ECSV file starts with '# %ECSV'")
    return "ECSV, its start"


def _asdf(file: BinaryIO, size: int, start: bytes, end: bytes) -> str:  # noqa: ARG001
    if not start.startswith(b"#ASDF "):
        raise ValueError("an ASDF file starts with '#ASDF'")
    return "ASDF, its start"


_CHECKS: dict[str, Callable[[BinaryIO, int, bytes, bytes], str]] = {
    "fits": _fits,
    "json": _json,
    "jpg": _jpeg,
    "jpeg": _jpeg,
    "png": _png,
    "gif": _gif,
    "ecsv": _ecsv,
    "asdf": _asdf,
}
