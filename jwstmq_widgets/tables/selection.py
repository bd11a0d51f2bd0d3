"""Which products are wanted, by what their columns hold."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import numpy as np
from astropy.table import Column, Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.filenames import canonical_detector
from jwstmq_widgets.query.wildcards import any_of
from jwstmq_widgets.tables.encoded import Encoded
from jwstmq_widgets.tables.limits import meeting

__all__ = ["expand_filetype", "select", "selection"]

_EXTENSION_OF = {"asn": "json", "pool": "csv", "cat": "ecsv", "phot": "ecsv", "whtlt": "ecsv"}
_BETWEEN = re.compile(r"[,|]")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_EXTENSIONS = ("fits", "jpg", "png", "gif", "json", "csv", "ecsv", "asdf")


def select(
    products: Table,
    *,
    filetypes: str | Iterable[str] = (),
    detectors: str | Iterable[str] = (),
    calib_levels: int | Iterable[int] = (),
    observations: int | Iterable[int] = (),
    filters: str | Iterable[str] = (),
    guidestars: bool | Literal["only"] = False,
    obsids: int | str | Iterable[int | str] = (),
    obsid_range: tuple[int | None, int | None] = (None, None),
    access: Literal["public", "exclusive"] | None = None,
    product_types: str | Iterable[str] = (),
    recommended: bool = False,
    where: Mapping[str, Any] | None = None,
) -> Table:
    """Choose products.

    Parameters
    ----------
    products
        A table of products.
    filetypes
        File types; see `expand_filetype`. () keeps all.
    detectors
        Detectors such as ``"mirimage"`` or ``"a5"``; () keeps all.
    calib_levels
        CAOM calibration levels; () keeps all.
    observations
        Observation numbers; () keeps all. Files of several observations (``c1001``, pools) are then left out.
    filters
        Filters such as ``"F770W"`` or ``"F1*"``, matched against each element of ``filters``; () keeps all. Files
        whose row names no filter are left out then.
    guidestars
        False leaves guide-star files out, True keeps them, ``"only"`` keeps nothing else.
    obsids
        What the archive calls observations (``obsid``, not ``obs_id``): MAST's numbers, ESA's UUIDs, or values of a
        merged table, of which any part will do. Keeps the files that belong to one of them, or are listed for it; ()
        keeps all.
    obsid_range
        MAST's lowest and highest such number, both included; None leaves a side open.
    access
        ``"public"`` or ``"exclusive"``; None keeps both.
    product_types
        MAST's types of products: SCIENCE, AUXILIARY, INFO, PREVIEW; () keeps all.
    recommended
        True keeps MAST's "Minimum Recommended Products" only.
    where
        Column to what it must hold, in the syntax of MAST's filters: ``{"size": ">=1e6", "stage": "!1b"}``.

    Returns
    -------
    astropy.table.Table
        The chosen rows, in the same order.

    Raises
    ------
    ValueError
        If a detector is unknown.
    QueryError
        If ``where`` names no column, or does not fit it; if something is no ``obsid``, or there are no numbers for
        ``obsid_range``.
    """
    return products[
        selection(
            products,
            filetypes=filetypes,
            detectors=detectors,
            calib_levels=calib_levels,
            observations=observations,
            filters=filters,
            guidestars=guidestars,
            obsids=obsids,
            obsid_range=obsid_range,
            access=access,
            product_types=product_types,
            recommended=recommended,
            where=where,
        )
    ]


def selection(
    products: Table,
    *,
    filetypes: str | Iterable[str] = (),
    detectors: str | Iterable[str] = (),
    calib_levels: int | Iterable[int] = (),
    observations: int | Iterable[int] = (),
    filters: str | Iterable[str] = (),
    guidestars: bool | Literal["only"] = False,
    obsids: int | str | Iterable[int | str] = (),
    obsid_range: tuple[int | None, int | None] = (None, None),
    access: Literal["public", "exclusive"] | None = None,
    product_types: str | Iterable[str] = (),
    recommended: bool = False,
    where: Mapping[str, Any] | None = None,
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Tell which products `select` chooses; see there.

    Returns
    -------
    numpy.ndarray
        True where a row is chosen, shape (n,).
    """
    keep = np.ones(len(products), dtype=bool)
    if guidestars != True:  # noqa: E712  ("only" is a value of its own)
        keep &= np.asarray(products["guidestar"]) == (guidestars == "only")
    if _several(filetypes):
        ends = tuple(expand_filetype(value) for value in _several(filetypes))
        keep &= _where(products["filetype"], lambda text: text.endswith(ends))
    if _several(detectors):
        keep &= np.isin(products["detector"], [canonical_detector(value) for value in _several(detectors)])
    if _several(calib_levels):
        keep &= np.isin(products["calib_level"], _several(calib_levels))
    if _several(observations):
        keep &= np.isin(products["observation"], _several(observations))
    if _several(filters):
        wanted = any_of(_several(filters))
        keep &= _where(products["filters"], lambda text: any(map(wanted, text.split(";"))))
    if _several(obsids):
        names = {part for value in _several(obsids) for part in _checked(str(value))}
        keep &= _of_observations(products, names.__contains__)
    if obsid_range != (None, None):
        if len(products) and not _of_observations(products, str.isdecimal).any():
            raise QueryError(
                "obsid_range is one of MAST's numbers, which this table does not have; choose by observations, or ask "
                "MAST too",
                field="obsid_range",
            )
        keep &= _of_observations(products, _between(*obsid_range))
    if access is not None:
        keep &= np.asarray(products["dataRights"]) == {"public": "PUBLIC", "exclusive": "EXCLUSIVE_ACCESS"}[access]
    if _several(product_types):
        keep &= _where(products["productType"], any_of(_several(product_types)))
    if recommended:
        keep &= _where(products["productGroupDescription"], lambda text: text.startswith("Minimum Recommended"))
    if where:
        keep &= meeting(products, where)
    return keep


def expand_filetype(filetype: str) -> str:
    """Give the end of file names that a file type stands for.

    The rules are jwst_mast_query's: a bare extension stands for all files with it, otherwise the underscore may be
    left out, and ``.fits`` too. Here a suffix that never is FITS gets its own extension (``asn`` is ``_asn.json``).

    Parameters
    ----------
    filetype
        ``"fits"``, ``"jpg"``, ``"cal"``, ``"_cal"``, ``"_cal.jpg"``, ``"asn"``.

    Returns
    -------
    str
        Such as ``".fits"`` or ``"_cal.fits"``.
    """
    name = filetype.strip().lower()
    if name.lstrip(".") in _EXTENSIONS:
        return f".{name.lstrip('.')}"
    name = name if name.startswith("_") else f"_{name}"
    return name if "." in name else f"{name}.{_EXTENSION_OF.get(name[1:], 'fits')}"


def _where(column: Column, matches: Callable[[str], bool]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Test each value of a column of texts, equal ones once."""
    encoded = Encoded.of(np.asarray(column))
    return np.array([matches(kind) for kind in encoded.values], dtype=bool)[encoded.codes]


def _of_observations(products: Table, matches: Callable[[str], bool]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Test what archives call the observations that each file belongs to, or is listed for."""

    def any_matches(text: str) -> bool:
        return any(map(matches, _names_in(text)))

    return _where(products["obsID"], any_matches) | _where(products["parents"], any_matches)


def _names_in(text: str) -> list[str]:
    """Give each archive's name of each observation: a table of several archives has them with ``|`` between."""
    parts = (part.strip().lower() for part in _BETWEEN.split(text))
    return [part.lstrip("0") if part.isdecimal() else part for part in parts if part]


def _checked(text: str) -> list[str]:
    names = _names_in(text)
    if not names or not all(name.isdecimal() or _UUID.fullmatch(name) for name in names):
        raise QueryError(
            f"{text[:60]!r} is not an obsid, which is a number such as 87602009 or ESA's UUID; obs_id is another name",
            field="obsids",
        )
    return names


def _between(low: int | None, high: int | None) -> Callable[[str], bool]:
    return lambda name: name.isdecimal() and (low or 0) <= int(name) and (high is None or int(name) <= high)


def _several(value: Any) -> tuple[Any, ...]:
    return (value,) if isinstance(value, (str, int)) else tuple(value)
