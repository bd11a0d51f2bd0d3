"""Memory of tables that are gone: it shall go back to the system."""

import ctypes
import os

__all__ = ["give_back_large_blocks"]

_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE = 1_048_576  # bytes; a column of 100,000 rows and more, or a block of texts


def give_back_large_blocks() -> bool:
    """Let glibc keep each large block of memory by itself, so that it goes back to the system as soon as it is freed.

    glibc begins so, at 128 kB, but raises that limit up to 32 MB with the blocks that are freed (mallopt(3),
    M_MMAP_THRESHOLD). From then on the columns of tables lie in heaps, of which each thread may have its own, and what
    is freed at their ends stays there: a session in which tables come and go on several threads grows to several times
    of what it uses, and malloc_trim(3) does not reach it. A fixed limit ends this. It holds for the whole process; who
    has chosen one in the environment keeps it.

    Returns
    -------
    bool
        Whether it was done; False where another library than glibc gives memory, or the user has chosen.
    """
    chosen = "MALLOC_MMAP_THRESHOLD_" in os.environ or "malloc.mmap_threshold" in os.environ.get("GLIBC_TUNABLES", "")
    if chosen or not _is_glibc():
        return False
    return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE))


def _is_glibc() -> bool:
    try:
        return (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc")
    except (AttributeError, ValueError):  # not Unix; a Unix with another library
        return False
