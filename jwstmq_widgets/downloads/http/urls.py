"""Addresses, taken apart: what is asked of which host, and what of them may be shown."""

import re
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

__all__ = ["host_field", "public_address", "split_address"]

_PLAIN = re.compile(r"(https?)://([A-Za-z0-9.:\[\]-]+)(/[!\"$-~]*)")
_DEFAULT = {"http": ":80", "https": ":443"}


def split_address(url: str) -> tuple[str, str, str]:
    """Split an address into its scheme, its host with port (and user), and what is asked of that host."""
    match = _PLAIN.fullmatch(url)
    if match is not None:
        return match[1], match[2], match[3]
    parts = urlsplit(url)
    return parts.scheme, parts.netloc, urlunsplit(("", "", parts.path or "/", parts.query, ""))


@lru_cache(maxsize=64)
def host_field(scheme: str, netloc: str) -> str:
    """Give the value of Host for an address: without user, and without the port that goes without saying."""
    host = netloc.rpartition("@")[2].removesuffix(_DEFAULT.get(scheme, ""))
    return host if host.isascii() else host.encode("idna").decode("ascii")


def public_address(url: str) -> str:
    """Cut everything from an address that could hold a secret: user, query, fragment."""
    if "@" not in url and "#" not in url:
        return url.partition("?")[0]
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an address that nobody can read"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
