"""Where a product goes in the destination: safe names in one of three layouts."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from typing import Literal, get_args

__all__ = ["LAYOUTS", "Layout", "folders", "safe_name"]

Layout = Literal["program", "mast", "flat"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

_ORDINARY = re.compile(r"jw[0-9a-z_-]{1,160}(?:\.(?:fits|jpg|png|gif|json|csv|ecsv|asdf))?")
_FORBIDDEN = re.compile(r'[\\/<>:"|?*]')
# Reserved by Windows, with any extension ("Naming Files, Paths, and Namespaces", Microsoft Learn).
_DEVICES = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\..*)?", re.IGNORECASE | re.DOTALL)
_OURS = (".part", ".part.json")
# File systems take 255 bytes, and our own suffixes come on top.
_MOST_BYTES = 200


def safe_name(text: str) -> str:
    """Make a name from an archive safe as the name of one file or folder on every file system.

    Separators, control and format characters (the bidirectional ones with them) and what Windows forbids become
    ``_``; dots and spaces at the ends go, so that neither ``..`` nor a hidden file is left; names of devices get a
    ``_`` in front; long names are cut and get a part of their hash. JWST's own names stay as they are.

    Parameters
    ----------
    text
        A file name or an ``obs_id``, as the archive gives it.

    Returns
    -------
    str
        Never empty, at most 200 bytes in UTF-8.
    """
    if _ORDINARY.fullmatch(text):
        return text
    # Categories C*: control, format, surrogate, private, unassigned. Zl and Zp: line and paragraph separators.
    name = "".join(
        "_" if unicodedata.category(letter)[0] == "C" or unicodedata.category(letter) in {"Zl", "Zp"} else letter
        for letter in unicodedata.normalize("NFC", text)
    )
    name = _FORBIDDEN.sub("_", name).strip(" .\u00a0")
    if not name:
        name = f"unnamed-{_digest(text)}"
    if _DEVICES.fullmatch(name):
        name = f"_{name}"
    if name.lower().endswith(_OURS):
        name = f"{name}_"
    encoded = name.encode()
    if len(encoded) > _MOST_BYTES:
        stem, dot, extension = name.rpartition(".")
        end = f"-{_digest(text)}" + (f".{extension}" if dot and len(extension.encode()) <= 10 else "")
        start = (stem or name).encode()[: _MOST_BYTES - len(end.encode())].decode(errors="ignore")
        name = f"{start}{end}"
    return name


def folders(
    layout: Layout, programs: Sequence[int], observations: Sequence[int], obs_ids: Sequence[str]
) -> list[tuple[str, ...]]:
    """Give each product its folder below the destination.

    ``program`` is jwst_mast_query's default: the program in five digits, then ``obsnumNN``, or ``NA`` for files of
    no one observation. ``mast`` is astroquery's: ``mastDownload/JWST/<obs_id>``. ``flat`` has no folders.

    Parameters
    ----------
    layout
        Which layout.
    programs
        Program number of each product; 0 or less is unknown.
    observations
        Observation number of each product; below 0 is none.
    obs_ids
        ``obs_id`` (not ``obsID``) of each product.

    Returns
    -------
    list of tuple of str
        The names of the folders from the destination downwards.
    """
    if layout == "flat":
        return [()] * len(obs_ids)
    if layout == "mast":
        known = {obs_id: ("mastDownload", "JWST", safe_name(obs_id)) for obs_id in set(obs_ids)}
        return [known[obs_id] for obs_id in obs_ids]
    return [
        (f"{program:05d}" if program > 0 else "NA", f"obsnum{observation:02d}" if observation >= 0 else "NA")
        for program, observation in zip(programs, observations, strict=True)
    ]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
