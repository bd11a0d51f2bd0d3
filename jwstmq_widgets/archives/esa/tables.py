"""ESA's columns as ours: one mapping, by which rows of ESA's archive become the tables that MAST's become.

Source of ESA's names: ``jwst.main`` and ``jwst.artifact`` as astroquery.esa.jwst asks for them and its documentation
shows them. The archive is asked for those of them that it has; what it has not is missing in the table, as it would be
with MAST. Beside MAST's columns there are, for products, ``artifact_id`` (by which ESA's data server gives the file)
and ``contenttype``.

``obsid`` is the archive's own key of an observation in both: a number with MAST, a UUID with ESA. The same observation
has the same ``obs_id`` in both archives, and the same file the same ``dataURI``.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np
from astropy.table import Table

from jwstmq_widgets.query.dates import to_mjd
from jwstmq_widgets.tables import observations_table, products_table
from jwstmq_widgets.tables.encoded import Encoded

__all__ = ["Rows", "Source", "esa_observations", "esa_products", "is_true", "known_sources", "read_columns", "uri_of"]

Rows = Mapping[str, Encoded]
"""An answer by ESA's names of columns: texts, and None where there is no value."""

_NM = 1e9  # nm in a metre: CAOM's energy bounds are wavelengths in metres
_URI = "mast:JWST/product/"


def _text(value: str) -> str:
    return value


def _upper(value: str) -> str:
    return value.upper()


def is_true(value: str) -> bool:
    """Tell what a text of the archive's says of a flag."""
    return value.strip().lower() in {"true", "t", "1"}


def _rights(value: str) -> str:
    return "PUBLIC" if is_true(value) else "EXCLUSIVE_ACCESS"


def _program(value: str) -> str:
    return value.lstrip("0") or value


def _whole(value: str) -> int:
    return int(float(value))


def _moment(value: str) -> float:
    moment = datetime.fromisoformat(value.strip())
    return to_mjd(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _nanometres(value: str) -> float:
    return float(value) * _NM


def _footprint(value: str) -> str:
    shape, _, rest = value.strip().partition(" ")
    return f"{shape.upper()} {rest}"


def _kind(value: str) -> str:
    return {"THUMBNAIL": "PREVIEW"}.get(value.upper(), value.upper())  # MAST's types have no thumbnails


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a column of ours comes from."""

    name: str
    """Our name."""
    column: str
    """ESA's name."""
    table: Literal["m", "a"] = "m"
    """``jwst.main``, or ``jwst.artifact``."""
    read: Callable[[str], Any] = _text
    """Makes our value of ESA's text."""

    @property
    def whole(self) -> str:
        """ESA's name with its table, for people."""
        return f"{'jwst.main' if self.table == 'm' else 'jwst.artifact'}.{self.column}"


_OBSERVATION_SOURCES = (
    Source(name="intentType", column="intent"),
    Source(name="obs_collection", column="collection"),
    Source(name="provenance_name", column="provenance_name"),
    Source(name="instrument_name", column="instrument_name", read=_upper),
    Source(name="project", column="provenance_project"),
    Source(name="filters", column="energy_bandpassname"),
    Source(name="wavelength_region", column="energy_energybands", read=_upper),
    Source(name="target_name", column="target_name"),
    Source(name="target_classification", column="target_keywords"),
    Source(name="obs_id", column="observationid"),
    Source(name="s_ra", column="target_ra", read=float),
    Source(name="s_dec", column="target_dec", read=float),
    Source(name="dataproduct_type", column="dataproducttype"),
    Source(name="proposal_pi", column="proposal_pi"),
    Source(name="calib_level", column="calibrationlevel", read=_whole),
    Source(name="t_min", column="time_bounds_lower", read=float),
    Source(name="t_max", column="time_bounds_upper", read=float),
    Source(name="t_exptime", column="time_exposure", read=float),
    Source(name="em_min", column="energy_bounds_lower", read=_nanometres),
    Source(name="em_max", column="energy_bounds_upper", read=_nanometres),
    Source(name="obs_title", column="proposal_title"),
    Source(name="t_obs_release", column="plane_datarelease", read=_moment),
    Source(name="proposal_id", column="proposal_id", read=_program),
    Source(name="proposal_type", column="proposal_type"),
    Source(name="sequence_number", column="sequencenumber", read=_whole),
    Source(name="s_region", column="position_bounds_spoly", read=_footprint),
    Source(name="dataRights", column="public", read=_rights),
    Source(name="mtFlag", column="target_moving", read=is_true),
    Source(name="srcDen", column="metrics_sourcenumberdensity", read=float),
    Source(name="obsid", column="obsid"),
    Source(name="objID", column="planeid"),
)

_PRODUCT_SOURCES = (
    Source(name="obsID", column="obsid"),
    Source(name="obs_collection", column="collection"),
    Source(name="dataproduct_type", column="dataproducttype"),
    Source(name="obs_id", column="observationid"),
    Source(name="productType", column="producttype", table="a", read=_kind),
    Source(name="project", column="provenance_project"),
    Source(name="prvversion", column="provenance_version"),
    Source(name="proposal_id", column="proposal_id", read=_program),
    Source(name="productFilename", column="filename", table="a"),
    Source(name="size", column="contentlength", table="a", read=_whole),
    Source(name="dataRights", column="public", read=_rights),
    Source(name="calib_level", column="calibrationlevel", read=_whole),
    Source(name="filters", column="energy_bandpassname"),
    Source(name="artifact_id", column="artifactid", table="a"),
    Source(name="contenttype", column="contenttype", table="a"),
)
_NEEDED = {
    "observations": frozenset({"m.observationid", "m.obsid", "m.calibrationlevel", "m.max_cal_level"}),
    "products": frozenset({"m.observationid", "m.obsid", "m.planeid", "a.artifactid", "a.filename", "a.planeid"}),
}


def known_sources(what: Literal["observations", "products"], columns: Collection[str]) -> tuple[Source, ...]:
    """Give the columns to ask for.

    Parameters
    ----------
    what
        Which table of ours.
    columns
        The columns that the archive has: ``m.public``, ``a.filename``.

    Returns
    -------
    tuple of Source
        Those it has, in our order.

    Raises
    ------
    LookupError
        If it lacks one without which there is no table.
    """
    missing = sorted(_NEEDED[what] - set(columns))
    if missing:
        raise LookupError(", ".join(missing))
    sources = _OBSERVATION_SOURCES if what == "observations" else _PRODUCT_SOURCES
    return tuple(source for source in sources if f"{source.table}.{source.column}" in columns)


def esa_observations(rows: Rows, sources: Sequence[Source], *, archive: str) -> Table:
    """Make the table of observations.

    Parameters
    ----------
    rows
        The answer.
    sources
        What was asked for.
    archive
        The archive's address.

    Returns
    -------
    astropy.table.Table
        As `jwstmq_widgets.tables.observations_table` makes it; descriptions say what ESA calls a column.

    Raises
    ------
    ValueError
        If a value does not fit its column.
    """
    table = observations_table(_ours(rows, sources), archive=archive)
    return _described(table, sources)


def esa_products(
    rows: Rows, parents: Sequence[Sequence[str]], sources: Sequence[Source], *, archive: str, observations: Table | None
) -> Table:
    """Make the table of products.

    Parameters
    ----------
    rows
        The answer, one row a file.
    parents
        For each row the ``obsid`` of the observations that it was asked for; rows without one are left out.
    sources
        What was asked for.
    archive
        The archive's address.
    observations
        The observations asked for; gives the targets and the release dates.

    Returns
    -------
    astropy.table.Table
        As `jwstmq_widgets.tables.products_table` makes it, with ``artifact_id`` and ``contenttype``. A program's pool
        belongs to all its observations, which ``parents`` names.

    Raises
    ------
    ValueError
        If a value does not fit its column.
    """
    mine = _open_first(_ours(rows, sources))
    counts = np.fromiter(map(len, parents), np.int64, len(parents))
    owners = Encoded.of([parent for several in parents for parent in several])
    places = {} if observations is None else {name: row for row, name in enumerate(observations["obsid"].tolist())}
    place = np.array([places.get(name, len(places)) for name in owners.values], dtype=np.int64)[owners.codes]
    order = np.argsort(place, kind="stable")
    rows_of = np.repeat(np.arange(len(counts)), counts)[order]
    owners = owners.take(order)
    ours = {name: values.take(rows_of) for name, values in mine.items()}
    names = ours["productFilename"]
    ours["dataURI"] = Encoded(names.codes, [uri_of(name) for name in names.values])
    ours["parent_obsid"] = owners
    ours["type"] = Encoded.of(
        ["D" if own == parent else "S" for own, parent in zip(ours["obsID"], owners, strict=True)]
    )
    ours["productSubGroupDescription"] = Encoded(names.codes, [_subgroup(name) for name in names.values])
    table = products_table(ours, archive=archive, observations=observations)
    for name, meaning in (("artifact_id", "key of the file in ESA's data server"), ("contenttype", "media type")):
        if name not in table.colnames:
            table[name] = np.full(len(table), "", dtype=str)
        table[name].description = meaning
    return _described(table, sources)


def uri_of(filename: str) -> str:
    """Give the ``dataURI`` of a file: MAST's, by which it is known in all tables, plans and ledgers."""
    return f"{_URI}{filename}"


def read_columns(texts: Mapping[str, Sequence[str]]) -> dict[str, Encoded]:
    """Take an answer's texts by column; an empty one is no value."""
    return {name: _nulled(Encoded.of(values)) for name, values in texts.items()}


def _nulled(column: Encoded) -> Encoded:
    return Encoded(column.codes, [None if value == "" else value for value in column.values])


def _ours(rows: Rows, sources: Sequence[Source]) -> dict[str, Any]:
    ours: dict[str, Any] = {}
    for source in sources:
        column = rows[source.column]
        ours[source.name] = Encoded(
            column.codes, [None if value is None else source.read(value) for value in column.values]
        )
    return ours


def _open_first(ours: dict[str, Any]) -> dict[str, Any]:
    """Let a file that several observations share be had by the one of its artifacts that is public, if any is."""
    if "dataRights" not in ours:
        return ours
    files, rights = ours["productFilename"], ours["dataRights"]
    public = np.flatnonzero(np.array([value == "PUBLIC" for value in rights.values], dtype=bool)[rights.codes])
    chosen = np.full(len(files.values), -1, dtype=np.int64)
    chosen[files.codes[public[::-1]]] = public[::-1]
    row = np.where(chosen[files.codes] >= 0, chosen[files.codes], np.arange(len(files)))
    return ours | {name: ours[name].take(row) for name in ("dataRights", "artifact_id")}


def _described(table: Table, sources: Sequence[Source]) -> Table:
    for source in sources:
        table[source.name].description += f" (ESA: {source.whole})"
    return table


def _subgroup(filename: str) -> str:
    """Give what MAST calls the subgroup: the suffix in upper case."""
    return filename.rpartition(".")[0].rpartition("_")[2].upper()
