"""How names and numbers that a user writes become the strict values of a query."""

import difflib
import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Literal

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.filenames import DETECTORS, INSTRUMENTS, canonical_detector
from jwstmq_widgets.query.wildcards import any_of, is_pattern

__all__ = [
    "CALIB_LEVELS",
    "CATEGORIES",
    "EXPOSURE_TYPES",
    "MODES",
    "PRODUCT_TYPES",
    "read_access",
    "read_category",
    "read_detector",
    "read_exposure_type",
    "read_filetype",
    "read_filter",
    "read_flag",
    "read_guidestars",
    "read_instrument",
    "read_level",
    "read_mode",
    "read_obs_id",
    "read_observation",
    "read_obsid",
    "read_obsid_range",
    "read_product_type",
    "read_program",
    "read_text",
    "read_texts",
    "several",
    "unique",
]

MODES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "NIRCAM": ("image", "coron", "grism", "wfss", "targacq"),
        "NIRSPEC": ("ifu", "msa", "slit", "bots", "image", "targacq"),
        "NIRISS": ("image", "wfss", "soss", "ami"),
        "MIRI": ("image", "ifu", "slit", "slitless", "coron", "targacq"),
        "FGS": ("fgs1", "fgs2"),
    }
)
"""Observing modes of each instrument, as the second half of MAST's ``instrument_name`` (``MIRI/IFU``) in lower case."""

EXPOSURE_TYPES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "NIRCAM": (
            "NRC_IMAGE", "NRC_WFSS", "NRC_CORON", "NRC_TSIMAGE", "NRC_TSGRISM", "NRC_GRISM", "NRC_TACQ",
            "NRC_TACONFIRM", "NRC_FOCUS", "NRC_WFSC", "NRC_DARK", "NRC_FLAT", "NRC_LED",
        ),
        "NIRSPEC": (
            "NRS_IFU", "NRS_MSASPEC", "NRS_FIXEDSLIT", "NRS_BRIGHTOBJ", "NRS_IMAGE", "NRS_MSATA", "NRS_WATA",
            "NRS_TACQ", "NRS_TASLIT", "NRS_BOTA", "NRS_TACONFIRM", "NRS_CONFIRM", "NRS_FOCUS", "NRS_MIMF",
            "NRS_VERIFY", "NRS_AUTOWAVE", "NRS_AUTOFLAT", "NRS_LAMP", "NRS_DARK",
        ),
        "NIRISS": (
            "NIS_IMAGE", "NIS_WFSS", "NIS_SOSS", "NIS_AMI", "NIS_TACQ", "NIS_TACONFIRM", "NIS_FOCUS", "NIS_EXTCAL",
            "NIS_LAMP", "NIS_DARK",
        ),
        "MIRI": (
            "MIR_IMAGE", "MIR_MRS", "MIR_LRS-FIXEDSLIT", "MIR_LRS-SLITLESS", "MIR_WFSS", "MIR_LYOT", "MIR_4QPM",
            "MIR_TACQ", "MIR_TACONFIRM", "MIR_CORONCAL", "MIR_FLATIMAGE", "MIR_FLATIMAGE-EXT", "MIR_FLATMRS",
            "MIR_FLATMRS-EXT", "MIR_DARKIMG", "MIR_DARKMRS", "MIR_DARKALL",
        ),
        "FGS": (
            "FGS_IMAGE", "FGS_FOCUS", "FGS_SKYFLAT", "FGS_INTFLAT", "FGS_DARK", "FGS_ID-STACK", "FGS_ID-IMAGE",
            "FGS_ACQ1", "FGS_ACQ2", "FGS_TRACK", "FGS_FINEGUIDE",
        ),
    }
)  # fmt: skip
"""Types of exposure of each instrument: the values of the keyword EXP_TYPE.

Source: the schema of the JWST calibration pipeline's data models and its table of stages.
"""

CALIB_LEVELS: tuple[int, ...] = (-1, 0, 1, 2, 3, 4)
"""CAOM calibration levels; -1 is planned."""

CATEGORIES: tuple[str, ...] = ("GO", "GTO", "ERS", "DD", "COM", "CAL")
"""Categories of programs: general and guaranteed observers, early release, director's time, commissioning, calibration.

They are the values of MAST's ``proposal_type`` for JWST.
"""

PRODUCT_TYPES: tuple[str, ...] = ("SCIENCE", "AUXILIARY", "INFO", "PREVIEW")
"""MAST's types of products (``productType``)."""

_MODE_ALIASES = {
    "imaging": "image",
    "mrs": "ifu",
    "mos": "msa",
    "lrs": "slit",
    "fs": "slit",
    "coronagraphy": "coron",
}
_CATEGORY_ALIASES = {"DDT": "DD", "DD-ERS": "ERS", "DD ERS": "ERS", "COMMISSIONING": "COM", "CALIBRATION": "CAL"}


def several(value: Any, *, separators: str = r"[,;\s]+") -> tuple[Any, ...]:
    """Give a value, a text with separators, or many values, as a tuple; empty texts are left out."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = re.split(separators, value)
    elif not isinstance(value, Iterable):
        return (value,)
    return tuple(part for part in value if not (isinstance(part, str) and not part.strip()))


def unique(values: Iterable[Any]) -> tuple[Any, ...]:
    """Give each value once, in the order of first appearance."""
    return tuple(dict.fromkeys(values))


def _whole(value: Any, *, field: str, what: str, example: str, highest: int) -> int:
    text = str(value).strip()
    right = text.isascii() and text.isdigit() and len(text) <= 12  # Python reads numbers of thousands of digits slowly
    if isinstance(value, bool) or not right or not 0 < int(text) <= highest:
        raise QueryError(f"{what} {value!r} is not a number from 1 to {highest}; try {example}", field=field)
    return int(text)


def read_program(value: Any) -> int | None:
    """Read a program number."""
    if value is None or value == "":
        return None
    return _whole(value, field="program", what="program", example="2733", highest=99999)


def read_observation(value: Any) -> int:
    """Read an observation number."""
    return _whole(value, field="observations", what="observation", example="1, 2", highest=999)


def _nearest(value: str, known: Iterable[str]) -> str:
    names = list(known)
    close = difflib.get_close_matches(value.lower(), [name.lower() for name in names], n=1, cutoff=0.5)
    if close:
        nearest = next(name for name in names if name.lower() == close[0])
        return f"did you mean '{nearest}'?"
    return f"known are {', '.join(names)}"


def read_instrument(value: Any) -> str:
    """Read an instrument."""
    name = str(value).strip().upper()
    if name not in INSTRUMENTS:
        raise QueryError(f"instrument {value!r} is unknown; {_nearest(name, INSTRUMENTS)}", field="instrument")
    return name


def read_mode(value: Any, instruments: tuple[str, ...]) -> str:
    """Read an observing mode of some instruments; of any when there are none."""
    name = str(value).strip().lower()
    name = name.partition("/")[2] or name
    known = unique(mode for instrument in instruments or MODES for mode in MODES[instrument])
    if name in known:
        return name
    hint = f"did you mean '{_MODE_ALIASES[name]}'?" if _MODE_ALIASES.get(name) in known else _nearest(name, known)
    place = f" for {'/'.join(instruments)}" if instruments else ""
    raise QueryError(f"mode {str(value)!r} is unknown{place}; {hint}", field="modes")


def read_exposure_type(value: Any, instruments: tuple[str, ...]) -> str:
    """Read a type of exposure of some instruments, of any when there are none; with wildcards or not."""
    name = str(value).strip().upper().replace("%", "*")
    known = [kind for instrument in instruments or EXPOSURE_TYPES for kind in EXPOSURE_TYPES[instrument]]
    if name in known or (is_pattern(name) and any(map(any_of([name]), known))):
        return name
    place = f" for {'/'.join(instruments)}" if instruments else ""
    hint = "none fits this pattern" if is_pattern(name) else _nearest(name, known)
    raise QueryError(f"exposure type {str(value)!r} is unknown{place}; {hint}", field="exposure_types")


def read_detector(value: Any) -> str:
    """Read a detector."""
    try:
        return canonical_detector(str(value))
    except ValueError:
        raise QueryError(
            f"detector {str(value)!r} is unknown; {_nearest(str(value), DETECTORS)}", field="detectors"
        ) from None


def read_level(value: Any) -> int:
    """Read a calibration level."""
    try:
        level = int(str(value))
    except ValueError:
        level = -2
    if level not in CALIB_LEVELS:
        raise QueryError(
            f"calibration level {value!r} is unknown; known are {', '.join(map(str, CALIB_LEVELS))}",
            field="calib_levels",
        )
    return level


def read_guidestars(value: Any) -> bool | Literal["only"]:
    """Read what is wanted of guide stars."""
    if isinstance(value, bool):
        return value
    if value == "only":
        return "only"
    raise QueryError(f"guidestars {value!r} is neither True, False nor 'only'", field="guidestars")


def read_text(value: Any, *, field: str, example: str) -> str:
    """Read one text; blanks at its ends do not count, and several between words count as one."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise QueryError(f"{field} {value!r} is not a text such as '{example}'", field=field)
    return " ".join(value.split())


def read_texts(value: Any, *, field: str, example: str, separators: str = ";") -> tuple[str, ...]:
    """Read several texts with blanks in them; in one text they are separated as given."""
    texts = (read_text(part, field=field, example=example) for part in several(value, separators=separators))
    return unique(text for text in texts if text)


def read_category(value: Any) -> str:
    """Read a category of programs."""
    name = str(value).strip().upper()
    name = _CATEGORY_ALIASES.get(name, name)
    if name not in CATEGORIES:
        raise QueryError(f"category {value!r} is unknown; {_nearest(name, CATEGORIES)}", field="categories")
    return name


def read_filter(value: Any) -> str:
    """Read the name of a filter, with wildcards or not."""
    name = value.strip().upper() if isinstance(value, str) else ""
    if not re.fullmatch(r"[A-Z0-9*%.+-]{1,40}", name):
        raise QueryError(f"filter {value!r} is not a name such as 'F770W', 'G140H' or 'F1*'", field="filters")
    return name


def read_filetype(value: Any) -> str:
    """Read a file type."""
    name = value.strip() if isinstance(value, str) else ""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,80}", name):
        raise QueryError(
            f"file type {value!r} is not the end of a file name such as 'cal', '_cal.jpg' or 'fits'", field="filetypes"
        )
    return name


def read_product_type(value: Any) -> str:
    """Read a type of products."""
    name = str(value).strip().upper()
    if name not in PRODUCT_TYPES:
        raise QueryError(f"product type {value!r} is unknown; {_nearest(name, PRODUCT_TYPES)}", field="product_types")
    return name


def read_obs_id(value: Any) -> str:
    """Read the name of an observation, with wildcards or not."""
    name = value.strip().lower() if isinstance(value, str) else ""
    if re.fullmatch(r"\d+", str(value).strip()):
        raise QueryError(f"{value!r} is an obsid, a number of the archive; give it as obsids", field="obs_ids")
    if not re.fullmatch(r"[a-z0-9_.*%-]{1,120}", name):
        raise QueryError(
            f"obs_id {value!r} is not the name of an observation such as 'jw02733-o002_t001_miri_f1130w' or 'jw02733*'",
            field="obs_ids",
        )
    return name


def read_obsid(value: Any, *, field: str = "obsids") -> int:
    """Read the archive's number of an observation."""
    if isinstance(value, str) and value.strip().lower().startswith("jw"):
        raise QueryError(f"{value!r} is an obs_id, a name; give it as obs_ids", field=field)
    return _whole(value, field=field, what="obsid", example="87602008", highest=999_999_999_999)


def read_obsid_range(value: Any) -> tuple[int | None, int | None]:
    """Read a range of the archive's numbers: ``X+``, ``X-``, one, or two values, either of them None for no limit."""
    if isinstance(value, str):
        value = re.sub(r"^\s*(\d+)\s*\.\.\s*$", r"\1+", re.sub(r"^\s*\.\.\s*(\d+)\s*$", r"\1-", value))
    sides = several(value, separators=r"\s*(?:\.\.|[,;\s])\s*") if isinstance(value, str) else value
    sides = (sides,) if sides is not None and not isinstance(sides, Iterable) else tuple(sides or ())
    text = str(sides[0]).strip() if len(sides) == 1 else ""
    if text not in {"", "+", "-"}:
        sides = (
            None if text.endswith("-") else text.removesuffix("+"),
            None if text.endswith("+") else text.removesuffix("-"),
        )
    if len(sides) not in {0, 2} or (isinstance(value, str) and value.strip() and not sides):
        raise QueryError(f"obsid_range {value!r} is not '385539+', '385539-', one value or two", field="obsid_range")
    lowest, highest = (
        None if side is None or side == "" else read_obsid(side, field="obsid_range") for side in sides or (None, None)
    )
    if lowest is not None and highest is not None and lowest > highest:
        raise QueryError(f"obsid_range is reversed: {lowest} is above {highest}; exchange them", field="obsid_range")
    return (lowest, highest)


def read_access(value: Any) -> Literal["public", "exclusive"] | None:
    """Read whose data are wanted."""
    word = value.strip().lower() if isinstance(value, str) else value
    if word is None or word == "":
        return None
    if word == "public":
        return "public"
    if word in ("exclusive", "exclusive_access"):
        return "exclusive"
    raise QueryError(f"access {value!r} is neither 'public' nor 'exclusive'", field="access")


def read_flag(value: Any, *, field: str) -> bool | None:
    """Read True, False, or None where it does not matter."""
    if value is None or isinstance(value, bool):
        return value
    raise QueryError(f"{field} {value!r} is neither True, False nor None", field=field)
