"""Settings under jwst_mast_query's names: what they may hold, which source wins, what they mean to us.

The names and their meaning are those of jwst_mast_query's ``jwst_query.cfg`` and README
(github.com/spacetelescope/jwst_mast_query), so that its files can be used as they are.
"""

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query.fields import several
from jwstmq_widgets.query.keywords import Keywords, read_keywords

__all__ = [
    "CONFIG_VARIABLE",
    "FIELD_OF",
    "FOLDER_VARIABLE",
    "SETTINGS",
    "Options",
    "merge",
    "query_arguments",
    "read_options",
    "read_settings",
]

CONFIG_VARIABLE = "JWST_QUERY_CFGFILE"
"""Environment variable that names the configuration file."""
FOLDER_VARIABLE = "JWSTDOWNLOAD_OUTDIR"
"""Environment variable that names the folder for files, where nothing else does."""

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_TRUE = frozenset({"true", "yes", "on", "y", "t", "1"})
_FALSE = frozenset({"false", "no", "off", "n", "f", "0"})


def _text(_name: str, value: Any) -> str:
    return str(value).strip()


def _texts(_name: str, value: Any) -> tuple[str, ...]:
    return tuple(str(part).strip() for part in several(value))


def _lines(_name: str, value: Any) -> tuple[str, ...]:
    values = value if isinstance(value, (list, tuple)) else (value,)
    return tuple(str(part).strip() for part in values)


def _keywords(_name: str, value: Any) -> Keywords:
    return read_keywords(value)


def _yes_no(name: str, value: Any) -> bool:
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise QueryError(f"{name} {value!r} is neither True nor False", field=name)


def _days(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if isinstance(value, bool) or not 0 <= number < 100000:
        raise QueryError(f"look-back {value!r} is not a number of days from 0 up, such as 3", field=name)
    return number


def _whole(name: str, value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit()):
        raise QueryError(f"{name} {value!r} is not a whole number", field=name)
    return int(text)


def _above_zero(name: str, value: Any) -> int:
    number = _whole(name, value)
    if number < 1:
        raise QueryError(f"{name} {value!r} is not a number above 0", field=name)
    return number


def _programs(name: str, value: Any) -> tuple[int, ...]:
    return tuple(_whole(name, part) for part in several(value))


def _file_name(name: str, value: Any) -> str:
    text = str(value).strip()
    if text in {".", ".."} or text.endswith(("/", os.sep)):
        raise QueryError(f"{name} {value!r} is no name for files; try 'mine'", field=name)
    return text


_Reader = Callable[[str, Any], Any]

SETTINGS: Mapping[str, _Reader] = MappingProxyType(
    {
        "propID": _texts, "obsnums": _texts, "instrument": _texts, "obsmode": _texts,
        "exposure_types": _texts, "filters": _texts,
        "date_select": _texts, "lookbacktime": _days, "target": _text, "coordinates": _lines, "radius": _text,
        "sca": _texts, "filetypes": _texts, "calib_levels": _texts, "guidestars": _yes_no,
        "guidestar_data_only": _yes_no, "obsid_select": _texts, "obsid_list": _texts,
        "resolver": _text, "footprint": _text, "categories": _texts, "pi": _lines, "target_name": _lines,
        "obs_ids": _texts, "keywords": _keywords, "executed": _yes_no, "access": _text, "product_types": _texts,
        "recommended": _yes_no,
        "outrootdir": _text, "outsubdir": _text, "skip_propID2outsubdir": _yes_no, "obsnum2outsubdir": _yes_no,
        "propIDs_obsnum2outsubdir": _programs, "jpg_separate_subdir": _yes_no,
        "skip_check_if_outfile_exists": _yes_no, "skip_check_filesize": _yes_no, "clobber": _yes_no,
        "skipdownload": _yes_no, "savetables": _file_name, "Nobs_per_batch": _above_zero,
        "mastcolumns_obsTable": _texts, "outcolumns_obsTable": _texts, "sortcols_obsTable": _texts,
        "outcolumns_productTable": _texts, "sortcols_productTable": _texts, "sortcols_summaryTable": _texts,
        "token": _text, "login": _lines, "verbose": _whole, "configfile": _text, "makewebpages": _yes_no,
        "webpage_tablefigsize_width": _text, "webpage_tablefigsize_height": _text, "webpage_level12_jpgs": _texts,
        "webpage_fitskeys2table": _texts, "webpage_cols4table": _texts, "webpage_sortcols": _texts,
        "webpage_mkthumbnails": _yes_no, "webpage_thumbnails_overwrite": _yes_no, "webpage_thumbnails_width": _text,
        "webpage_thumbnails_height": _text,
    }
)  # fmt: skip
"""Every setting, and what reads its value."""

FIELD_OF: Mapping[str, str] = MappingProxyType(
    {
        "instrument": "instrument", "obsmode": "modes", "exposure_types": "exposure_types", "filters": "filters",
        "categories": "categories", "pi": "pi",
        "target": "target", "resolver": "resolver", "radius": "radius", "footprint": "footprint",
        "target_name": "target_name", "obs_ids": "obs_ids", "keywords": "keywords", "executed": "executed",
        "access": "access",
        "obsid_list": "obsids", "sca": "detectors", "filetypes": "filetypes", "calib_levels": "calib_levels",
        "product_types": "product_types", "recommended": "recommended",
    }
)  # fmt: skip
"""Settings that are one field of a query each."""

_MEANT = {
    "program": "propID", "proposal_id": "propID", "observations": "obsnums", "modes": "obsmode", "detectors": "sca",
    "obsids": "obsid_list", "obsid_range": "obsid_select", "dates": "date_select", "lookback": "lookbacktime",
    "destination": "outrootdir", "exp_type": "exposure_types",
}  # fmt: skip
# Of each row, the later source's setting puts the earlier source's out of force, whichever of the row it is.
_RIVALS = (("date_select", "lookbacktime"), ("target", "coordinates"), ("guidestars", "guidestar_data_only"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How an answer is listed and downloaded."""

    folder: str = "."
    """Where files go (``outrootdir``)."""
    subfolder: str = ""
    """Folder below it, before all others (``outsubdir``)."""
    program_folder: bool = True
    """Whether each program has a folder (not ``skip_propID2outsubdir``)."""
    observation_folder: bool | frozenset[int] = True
    """Whether each observation has a folder, or the programs whose observations have (``obsnum2outsubdir``)."""
    jpg_folder: bool = False
    """Whether JPEG files have a folder of their own (``jpg_separate_subdir``)."""
    look: bool = True
    """Whether files that are here already stay (not ``skip_check_if_outfile_exists``)."""
    compare_sizes: bool = True
    """Whether a file that is here with another size is fetched again (not ``skip_check_filesize``)."""
    clobber: bool = False
    """Whether all files are fetched again."""
    skip_download: bool = False
    """Whether nothing is downloaded."""
    tables: str = ""
    """Start of the names of three text files with tables; "" for none (``savetables``)."""
    batch: int | None = None
    """Observations in the first request for products (``Nobs_per_batch``)."""
    verbose: int = 0
    """How much is told on the way."""
    asked_columns: tuple[str, ...] = ()
    """Columns of the observations that are kept; () for all (``mastcolumns_obsTable``)."""
    observation_columns: tuple[str, ...] = ()
    """Columns to show; () for our own choice (``outcolumns_obsTable``)."""
    observation_order: tuple[str, ...] = ()
    """Columns to sort by; () for jwst_mast_query's (``sortcols_obsTable``)."""
    product_columns: tuple[str, ...] = ()
    """Columns to show; () for our own choice (``outcolumns_productTable``)."""
    product_order: tuple[str, ...] = ()
    """Columns to sort by; () for jwst_mast_query's (``sortcols_productTable``)."""
    summary_order: tuple[str, ...] = ()
    """Columns to sort by; () for jwst_mast_query's (``sortcols_summaryTable``)."""
    token: str = field(default="", repr=False)
    """MAST's token."""


def read_settings(
    values: Mapping[str, Any],
    *,
    source: str = "",
    keep_empty: bool = False,
    environ: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Check settings, and give their values the right kind.

    Parameters
    ----------
    values
        Values by name; None is not given.
    source
        Where they are from, for messages.
    keep_empty
        Whether "" is a value, such as one that undoes another source's.
    environ
        The environment, for ``$NAME``; None leaves such texts as they are.

    Returns
    -------
    dict
        The settings that are given.

    Raises
    ------
    QueryError
        If a name is unknown, a value is wrong, or an environment variable is not set.
    """
    start = f"{source}: " if source else ""
    settings: dict[str, Any] = {}
    for name, value in values.items():
        if name not in SETTINGS:
            raise QueryError(f"{start}the key '{name}' is unknown; {_nearest(str(name))}", field=str(name))
        try:
            expanded = value if environ is None else _expanded(name, value, environ)
            if expanded is not None and (keep_empty or expanded != ""):
                settings[name] = SETTINGS[name](name, expanded)
        except QueryError as error:
            raise QueryError(f"{start}{error}", field=name) from error
    return settings


def merge(*sources: Mapping[str, Any]) -> dict[str, Any]:
    """Put sources of settings over each other, the strongest last.

    A setting of a later source is meant, also when it is the default. Of two settings that exclude each other (such
    as dates and look-back), the one in the later source holds; observation numbers after a program too.

    Parameters
    ----------
    *sources
        Settings, as `read_settings` gives them.

    Returns
    -------
    dict
        The settings in force.
    """
    merged: dict[str, Any] = {}
    for source in sources:
        program = source.get("propID", ())
        if len(program) > 1:
            merged.pop("obsnums", None)
        elif "obsnums" in source and not program and "propID" in merged:
            merged["propID"] = merged["propID"][:1]
        for rivals in _RIVALS:
            if any(name in source for name in rivals):
                for name in rivals:
                    merged.pop(name, None)
        merged |= source
    return merged


def query_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Give what `Query` is made from.

    Parameters
    ----------
    settings
        Settings, as `read_settings` gives them.

    Returns
    -------
    dict
        Arguments by name. Dates win over a look-back, as in jwst_mast_query; a look-back of 0 days is none.
    """
    arguments = {field: settings[name] for name, field in FIELD_OF.items() if name in settings}
    program, *observations = settings.get("propID") or (None,)
    arguments |= {"program": program, "observations": (*observations, *settings.get("obsnums", ()))}
    if settings.get("date_select"):
        arguments["dates"] = _one_or_all(settings["date_select"])
    elif settings.get("lookbacktime"):
        arguments["lookback"] = settings["lookbacktime"]
    if settings.get("coordinates"):
        arguments["coordinates"] = _one_or_all(settings["coordinates"])
    if settings.get("obsid_select"):
        arguments["obsid_range"] = _one_or_all(settings["obsid_select"])
    arguments["guidestars"] = "only" if settings.get("guidestar_data_only") else settings.get("guidestars", False)
    return arguments


def read_options(settings: Mapping[str, Any], *, environ: Mapping[str, str] = os.environ) -> Options:
    """Give how an answer is listed and downloaded.

    Parameters
    ----------
    settings
        Settings, as `read_settings` gives them.
    environ
        The environment; names the folder where no setting does.

    Returns
    -------
    Options
    """
    observation_folder = settings.get("obsnum2outsubdir")
    programs = frozenset(settings.get("propIDs_obsnum2outsubdir", ()))
    if not observation_folder and programs:
        observation_folder = programs
    return Options(
        folder=settings.get("outrootdir") or environ.get(FOLDER_VARIABLE, "").strip() or ".",
        subfolder=settings.get("outsubdir", ""),
        program_folder=not settings.get("skip_propID2outsubdir", False),
        observation_folder=True if observation_folder is None else observation_folder,
        jpg_folder=settings.get("jpg_separate_subdir", False),
        look=not settings.get("skip_check_if_outfile_exists", False),
        compare_sizes=not settings.get("skip_check_filesize", False),
        clobber=settings.get("clobber", False),
        skip_download=settings.get("skipdownload", False),
        tables=settings.get("savetables", ""),
        batch=settings.get("Nobs_per_batch"),
        verbose=settings.get("verbose", 0),
        asked_columns=settings.get("mastcolumns_obsTable", ()),
        observation_columns=settings.get("outcolumns_obsTable", ()),
        observation_order=settings.get("sortcols_obsTable", ()),
        product_columns=settings.get("outcolumns_productTable", ()),
        product_order=settings.get("sortcols_productTable", ()),
        summary_order=settings.get("sortcols_summaryTable", ()),
        token=settings.get("token", ""),
    )


def _one_or_all(values: tuple[str, ...]) -> str | tuple[str, ...]:
    return values[0] if len(values) == 1 else values


def _expanded(name: str, value: Any, environ: Mapping[str, str]) -> Any:
    if isinstance(value, (list, tuple)):
        return [_expanded(name, part, environ) for part in value if part is not None]
    if isinstance(value, Mapping) and name == "keywords":
        return {key: _expanded(str(key), part, environ) for key, part in value.items()}
    if isinstance(value, Mapping):
        raise QueryError(f"{name} holds keys of its own; it takes a value or a list of values", field=name)
    if not isinstance(value, str):
        return value
    missing = [first or second for first, second in _VARIABLE.findall(value) if (first or second) not in environ]
    if missing and name == "outrootdir":
        return None  # jwst_mast_query's own exception: its template names a variable that need not be set
    if missing:
        raise QueryError(
            f"{name} names the environment variable {missing[0]}, which is not set; set it, or write a value",
            field=name,
        )
    return _VARIABLE.sub(lambda match: environ[match[1] or match[2]], value)


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), [key.lower() for key in SETTINGS], n=1, cutoff=0.6)
    meant = _MEANT.get(name.lower()) or next((key for key in SETTINGS if close and key.lower() == close[0]), None)
    return f"did you mean '{meant}'?" if meant else "see 'jwstmq download --help' for those there are"
