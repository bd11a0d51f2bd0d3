"""CHECKSUM and DATASUM of FITS files (FITS standard 4.0, section 4.4.2.7 and appendix J)."""

from typing import BinaryIO

import numpy as np

__all__ = ["check_sums", "ones_sum"]

_CHUNK = 1 << 20
_ALL_ONES = 0xFFFFFFFF


def ones_sum(file: BinaryIO, start: int, stop: int) -> int:
    """Add up the 32-bit big-endian words of a part of a file, with end-around carry.

    Parameters
    ----------
    file
        The file.
    start, stop
        Which bytes; a multiple of four.

    Returns
    -------
    int
        The sum, 0 to 2**32 - 1.
    """
    total = 0
    file.seek(start)
    while start < stop:
        data = file.read(min(_CHUNK, stop - start))
        if not data or len(data) % 4:
            raise ValueError(f"it ends at byte {start + len(data)} while its checksum is computed")
        total += int(np.frombuffer(data, dtype=">u4").sum(dtype=np.uint64))
        start += len(data)
    while total > _ALL_ONES:
        total = (total & _ALL_ONES) + (total >> 32)
    return total


def check_sums(file: BinaryIO, unit: int, texts: dict[str, str], places: tuple[int, int, int]) -> bool:
    """Check the sums of one HDU, where its header has them.

    Parameters
    ----------
    file
        The file.
    unit
        Number of the HDU, for the message.
    texts
        CHECKSUM and DATASUM of its header; a missing or empty one is unknown.
    places
        Where its header, its data and the next HDU begin.

    Returns
    -------
    bool
        Whether there was a sum to check.

    Raises
    ------
    ValueError
        If a sum is wrong.
    """
    header, data, end = places
    datasum, checksum = texts.get("DATASUM", "").strip(), texts.get("CHECKSUM", "").strip()
    known = datasum.isdecimal()
    if not known and not checksum:
        return False
    sum_of_data = ones_sum(file, data, end)
    if known and sum_of_data not in {int(datasum), int(datasum) % _ALL_ONES}:
        raise ValueError(f"the data of HDU {unit} do not add up to its DATASUM {datasum}")
    if checksum and set(checksum) != {"0"}:
        total = ones_sum(file, header, data) + sum_of_data
        if total % _ALL_ONES:
            raise ValueError(f"HDU {unit} does not add up to its CHECKSUM")
    return True
