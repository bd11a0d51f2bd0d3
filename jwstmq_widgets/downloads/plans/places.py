"""Where a product goes in the destination: safe names in one of three layouts."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, Self, get_args

from jwstmq_widgets.errors import QueryError

__all__ = ["LAYOUTS", "Arrangement", "Layout", "folders", "is_ordinary", "safe_name"]

Layout = Literal["program", "mast", "flat"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

_ORDINARY = re.compile(r"jw[0-9a-z_-]{1,160}(?:\.(?:fits|jpg|png|gif|json|csv|ecsv|asdf))?")
_FORBIDDEN = re.compile(r'[\\/<>:"|?*]')
# Reserved by Windows, with any extension ("Naming Files, Paths, and Namespaces", Microsoft Learn).
_DEVICES = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?:\..*)?", re.IGNORECASE | re.DOTALL)
_OURS = (".part", ".part.json")
# File systems take 255 bytes, and our own suffixes come on top.
_MOST_BYTES = 200


def is_ordinary(name: str) -> bool:
    """Tell whether a name is one of JWST's own, which stay as they are."""
    return _ORDINARY.fullmatch(name) is not None


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
    if is_ordinary(text):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """How files are arranged below a destination: a layout and jwst_mast_query's options of it."""

    layout: Layout = "program"
    """``program``, ``mast`` or ``flat``."""
    outside: tuple[str, ...] = ()
    """Folders before all others (``outsubdir``)."""
    program_folder: bool = True
    """Whether each program has a folder (not ``skip_propID2outsubdir``); layout ``program`` only."""
    observation_folder: bool | frozenset[int] = True
    """Whether each observation has a folder (``obsnum2outsubdir``), or the programs whose observations have
    (``propIDs_obsnum2outsubdir``); layout ``program`` only."""
    jpg_folder: bool = False
    """Whether JPEG files have a folder ``jpg`` beside the others (``jpg_separate_subdir``)."""

    @classmethod
    def of(
        cls,
        layout: str,
        *,
        outsubdir: str = "",
        program_folder: bool = True,
        observation_folder: bool | Collection[int] = True,
        jpg_folder: bool = False,
    ) -> Self:
        """Read a user's wishes.

        Parameters
        ----------
        layout, outsubdir, program_folder, observation_folder, jpg_folder
            See `plan`.

        Returns
        -------
        Arrangement
            Them, checked.

        Raises
        ------
        QueryError
            If the layout is unknown, or ``outsubdir`` is no folder below the destination.
        """
        known: dict[str, Layout] = {name: name for name in LAYOUTS}
        if layout not in known:
            raise QueryError(f"layout {layout!r} is unknown; use one of {', '.join(LAYOUTS)}", field="layout")
        parts = PurePosixPath(outsubdir.replace("\\", "/")).parts
        if any(part != safe_name(part) for part in parts):
            raise QueryError(
                f"outsubdir {outsubdir!r} is no folder below the destination; give names such as 'calibrated/v1'",
                field="outsubdir",
            )
        programs = observation_folder if isinstance(observation_folder, bool) else frozenset(observation_folder)
        return cls(
            layout=known[layout],
            outside=parts,
            program_folder=program_folder,
            observation_folder=programs,
            jpg_folder=jpg_folder,
        )


def folders(
    arrangement: Arrangement,
    programs: Sequence[int],
    observations: Sequence[int],
    obs_ids: Sequence[str],
    names: Sequence[str],
) -> list[tuple[str, ...]]:
    """Give each product its folder below the destination.

    ``program`` is jwst_mast_query's: the program in five digits, then ``obsnumNN``, or ``NA`` for files of no one
    observation. ``mast`` is astroquery's: ``mastDownload/JWST/<obs_id>``. ``flat`` has no folders.

    Parameters
    ----------
    arrangement
        How they are arranged.
    programs
        Program number of each product; 0 or less is unknown.
    observations
        Observation number of each product; below 0 is none.
    obs_ids
        ``obs_id`` (not ``obsID``) of each product.
    names
        File name of each product.

    Returns
    -------
    list of tuple of str
        The names of the folders from the destination downwards.
    """
    places: list[tuple[str, ...]]
    outside = arrangement.outside
    if arrangement.layout == "flat":
        places = [outside] * len(obs_ids)
    elif arrangement.layout == "mast":
        known = {obs_id: (*outside, "mastDownload", "JWST", safe_name(obs_id)) for obs_id in set(obs_ids)}
        places = [known[obs_id] for obs_id in obs_ids]
    else:
        pairs = list(zip(programs, observations, strict=True))
        made = {pair: outside + _program_place(arrangement, *pair) for pair in set(pairs)}
        places = [made[pair] for pair in pairs]
    if arrangement.jpg_folder:
        return [
            (*place, "jpg") if name.lower().endswith((".jpg", ".jpeg")) else place
            for place, name in zip(places, names, strict=True)
        ]
    return places


def _program_place(arrangement: Arrangement, program: int, observation: int) -> tuple[str, ...]:
    wanted = arrangement.observation_folder
    place: tuple[str, ...] = ()
    if arrangement.program_folder:
        place = (f"{program:05d}" if program > 0 else "NA",)
    if wanted is True or (not isinstance(wanted, bool) and program in wanted):
        place += (f"obsnum{observation:02d}" if observation >= 0 else "NA",)
    return place


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
