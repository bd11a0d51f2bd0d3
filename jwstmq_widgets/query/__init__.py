"""What is asked of an archive, as one frozen value."""

import dataclasses
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query.dates import MJD_OF_UNIX_EPOCH, read_dates, read_lookback, to_mjd
from jwstmq_widgets.query.fields import (
    CALIB_LEVELS,
    CATEGORIES,
    EXPOSURE_TYPES,
    MODES,
    PRODUCT_TYPES,
    read_access,
    read_category,
    read_detector,
    read_exposure_type,
    read_filetype,
    read_filter,
    read_flag,
    read_guidestars,
    read_instrument,
    read_level,
    read_mode,
    read_obs_id,
    read_observation,
    read_obsid,
    read_obsid_range,
    read_product_type,
    read_program,
    read_text,
    read_texts,
    several,
    unique,
)
from jwstmq_widgets.query.keywords import NO_KEYWORDS, Keywords, read_keywords
from jwstmq_widgets.query.positions import read_coordinates, read_footprint, read_radius, read_resolver

__all__ = ["CALIB_LEVELS", "CATEGORIES", "EXPOSURE_TYPES", "MODES", "PRODUCT_TYPES", "Query"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A question to an archive.

    Friendly values are taken and made strict: ``Query(program="02733", instrument="miri", modes="image")``.
    A change is a new value: ``query.replace(instrument="nircam")``.

    Raises
    ------
    QueryError
        If a value is wrong; ``.field`` names the field.
    """

    program: int | None = None
    """Program (proposal) number; ``2733``, ``"2733"`` and ``"02733"`` are the same. None asks for every program."""
    observations: tuple[int, ...] = ()
    """Observation numbers of the program; () for all."""
    instrument: tuple[str, ...] = ()
    """Instruments as MAST spells them (``"NIRCAM"``); () for all."""
    modes: tuple[str, ...] = ()
    """Observing modes such as ``"image"`` or ``"ifu"``, see `MODES`; () for all."""
    exposure_types: tuple[str, ...] = ()
    """Types of exposure as the keyword EXP_TYPE, such as ``"MIR_IMAGE"`` or ``"NRC_TS*"``, see `EXPOSURE_TYPES`; ()
    for all.

    As the keywords do, they choose executed exposures, and so the observations that these belong to, and of the
    products of single exposures those of the chosen ones.
    """
    dates: tuple[float | None, float | None] = (None, None)
    """Earliest and latest start of an observation (``t_min``), as MJD in UTC; None leaves that side open.

    ISO texts are taken, also in one text: ``"2022-06-01+"`` (from then on), ``"2022-06-30-"`` (until then),
    ``"2022-06-01 2022-06-30"``, ``"2022-06-01"``. A bare day means that whole day. Planned observations have no
    start: no limit of dates finds them.
    """
    lookback: float | None = None
    """Only observations that started in the last so many days; not together with ``dates``."""
    target: str = ""
    """Name of an object, for the archive's name resolver, which gives coordinates; see also ``target_name``."""
    resolver: str = ""
    """Which resolver is asked: ``"NED"``, ``"SIMBAD"``, ``"VIZIER"``, or "" for the archive's choice."""
    coordinates: tuple[float, float] | None = None
    """Right ascension and declination (deg, ICRS). Whatever astropy's ``SkyCoord`` reads is taken."""
    radius: float = 2 / 60
    """Radius around target or coordinates (deg). Texts with a unit are taken: ``"2 arcmin"``."""
    footprint: Literal["overlaps", "contains"] | None = None
    """What the field of an observation must do: ``"overlaps"`` the circle, or ``"contains"`` its middle.

    It is tested here on the sphere, after the archive's own search by position, which is all that None asks for.
    """
    filters: tuple[str, ...] = ()
    """Filters and gratings such as ``"F770W"`` or ``"F1*"``; () for all."""
    categories: tuple[str, ...] = ()
    """Categories of programs, see `CATEGORIES`; () for all."""
    pi: tuple[str, ...] = ()
    """Names of principal investigators, whole or in part (``"Pontoppidan"``), or with wildcards; () for all.

    MAST writes ``"Pontoppidan, Klaus M."``. In one text several names are separated by semicolons.
    """
    target_name: tuple[str, ...] = ()
    """Targets as the program calls them, such as ``"NGC-3132"`` or ``"NGC-*"``; () for all. Case does not count."""
    obs_ids: tuple[str, ...] = ()
    """Names of observations (``obs_id``), whole or with wildcards: ``"jw02733-o002*"``; () for all."""
    keywords: Keywords = NO_KEYWORDS
    """Conditions on JWST's instrument keywords, by name: ``{"effexptm": ">=100", "readpatt": "!FASTR1"}``.

    See `jwstmq_widgets.query.keywords.read_keywords` for what a value may be; the archive's ``keyword_columns()``
    lists the names. They choose executed exposures, and so the observations that these belong to, and of the products
    of single exposures those of the chosen ones.
    """
    executed: bool | None = None
    """True for observations that were made, False for planned ones, None for both."""
    access: Literal["public", "exclusive"] | None = None
    """Observations, and of these products, that are public or in their exclusive-access period; None for all.

    Planned observations have no data yet, and so are neither.
    """
    obsids: tuple[int, ...] = ()
    """The archive's numbers of observations (``obsid``); () for all.

    Narrows products, to those of these observations or listed for them. Without any limit on observations it also asks
    for these observations.
    """
    obsid_range: tuple[int | None, int | None] = (None, None)
    """Lowest and highest ``obsid``; ``"385539+"`` and ``"385539-"`` are taken. Narrows products, as ``obsids`` does."""
    detectors: tuple[str, ...] = ()
    """Detectors such as ``"mirimage"`` or ``"a5"``; () for all. Narrows products, not observations."""
    calib_levels: tuple[int, ...] = ()
    """CAOM calibration levels of the products; () for all. Narrows products, not observations."""
    filetypes: tuple[str, ...] = ()
    """File types such as ``"cal"``, ``"_cal.jpg"`` or ``"fits"``; () for all. Narrows products, not observations."""
    guidestars: bool | Literal["only"] = False
    """Whether guide-star files are kept: False, True, or ``"only"``. Narrows products, not observations."""
    product_types: tuple[str, ...] = ()
    """MAST's types of products, see `PRODUCT_TYPES`; () for all. Narrows products, not observations."""
    recommended: bool = False
    """True for MAST's "Minimum Recommended Products" only. Narrows products, not observations."""

    def __init__(
        self,
        *,
        program: int | str | None = None,
        observations: int | str | Iterable[int | str] = (),
        instrument: str | Iterable[str] | None = (),
        modes: str | Iterable[str] = (),
        exposure_types: str | Iterable[str] = (),
        dates: Any = (None, None),
        lookback: float | str | None = None,
        target: str | None = "",
        resolver: str | None = "",
        coordinates: Any = None,
        radius: Any = 2 / 60,
        footprint: str | None = None,
        filters: str | Iterable[str] = (),
        categories: str | Iterable[str] = (),
        pi: str | Iterable[str] = (),
        target_name: str | Iterable[str] = (),
        obs_ids: str | Iterable[str] = (),
        keywords: Any = None,
        executed: bool | None = None,
        access: str | None = None,
        obsids: int | str | Iterable[int | str] = (),
        obsid_range: Any = (None, None),
        detectors: str | Iterable[str] = (),
        calib_levels: int | str | Iterable[int | str] = (),
        filetypes: str | Iterable[str] = (),
        guidestars: bool | str = False,
        product_types: str | Iterable[str] = (),
        recommended: bool | None = False,
    ) -> None:
        instruments = tuple(read_instrument(value) for value in several(instrument))
        put = object.__setattr__
        put(self, "program", read_program(program))
        put(self, "observations", unique(read_observation(value) for value in several(observations)))
        put(self, "instrument", unique(instruments))
        put(self, "modes", unique(read_mode(value, instruments) for value in several(modes)))
        kinds = unique(read_exposure_type(value, unique(instruments)) for value in several(exposure_types))
        put(self, "exposure_types", kinds)
        put(self, "dates", read_dates(dates))
        put(self, "lookback", read_lookback(lookback))
        put(self, "target", read_text(target, field="target", example="NGC 3132"))
        put(self, "resolver", read_resolver(resolver))
        put(self, "coordinates", read_coordinates(coordinates))
        put(self, "radius", read_radius(radius))
        put(self, "footprint", read_footprint(footprint))
        put(self, "filters", unique(read_filter(value) for value in several(filters)))
        put(self, "categories", unique(read_category(value) for value in several(categories)))
        put(self, "pi", read_texts(pi, field="pi", example="Pontoppidan"))
        put(self, "target_name", read_texts(target_name, field="target_name", example="NGC-3132", separators="[,;]"))
        put(self, "obs_ids", unique(read_obs_id(value) for value in several(obs_ids)))
        put(self, "keywords", read_keywords(keywords))
        put(self, "executed", read_flag(executed, field="executed"))
        put(self, "access", read_access(access))
        put(self, "obsids", unique(read_obsid(value) for value in several(obsids)))
        put(self, "obsid_range", read_obsid_range(obsid_range))
        put(self, "detectors", unique(read_detector(value) for value in several(detectors)))
        put(self, "calib_levels", unique(read_level(value) for value in several(calib_levels)))
        put(self, "filetypes", unique(read_filetype(value) for value in several(filetypes)))
        put(self, "guidestars", read_guidestars(guidestars))
        put(self, "product_types", unique(read_product_type(value) for value in several(product_types)))
        put(self, "recommended", bool(read_flag(recommended, field="recommended")))
        if self.lookback is not None and self.dates != (None, None):
            raise QueryError("dates and look-back exclude each other; give one of them", field="lookback")
        if self.target and self.coordinates is not None:
            raise QueryError("target and coordinates exclude each other; give one of them", field="target")
        if self.exposure_types and any(name.lower() == "exp_type" for name in self.keywords):
            raise QueryError(
                "exposure types and the keyword exp_type exclude each other; give one of them", field="exposure_types"
            )
        if self.footprint is not None and not self.target and self.coordinates is None:
            raise QueryError(
                f"footprint '{self.footprint}' needs a place; give a target or coordinates", field="footprint"
            )

    def replace(self, **changes: Any) -> Self:
        """Give the same question with other values for some fields.

        Parameters
        ----------
        **changes
            Fields and their new values.

        Returns
        -------
        Query

        Raises
        ------
        QueryError
            If a value is wrong.
        """
        unknown = set(changes) - {field.name for field in dataclasses.fields(self)}
        if unknown:
            name = min(unknown)
            raise QueryError(f"a query has no field '{name}'; its fields are {', '.join(self._fields())}", field=name)
        return type(self)(**{name: getattr(self, name) for name in self._fields()} | changes)

    @property
    def empty(self) -> bool:
        """True when nothing limits the observations, so that the whole archive would be asked."""
        return not (self.limited or self.obsids)

    @property
    def limited(self) -> bool:
        """True when something other than ``obsids`` limits the observations."""
        limits = (
            self.instrument, self.modes, self.exposure_types, self.filters, self.categories, self.pi, self.target_name,
            self.obs_ids, self.access, self.target, self.keywords,
        )  # fmt: skip
        values = (self.program, self.coordinates, self.lookback, self.executed)
        return any(limits) or any(value is not None for value in values) or self.dates != (None, None)

    @property
    def exposure_limits(self) -> Keywords:
        """What limits exposures, as conditions on keywords: ``keywords``, and ``exposure_types`` as ``exp_type``."""
        return Keywords({**self.keywords, "exp_type": self.exposure_types}) if self.exposure_types else self.keywords

    @property
    def product_limits(self) -> dict[str, Any]:
        """What narrows products, as the keywords of `jwstmq_widgets.select`."""
        return {
            "observations": self.observations,
            "filetypes": self.filetypes,
            "detectors": self.detectors,
            "calib_levels": self.calib_levels,
            "guidestars": self.guidestars,
            "obsids": self.obsids,
            "obsid_range": self.obsid_range,
            "access": self.access,
            "product_types": self.product_types,
            "recommended": self.recommended,
        }

    def date_limits(self, now: datetime | None = None) -> tuple[float | None, float | None]:
        """Give the limits of ``t_min`` with a look-back resolved.

        Parameters
        ----------
        now
            The present; the clock's by default.

        Returns
        -------
        tuple
            Earliest and latest ``t_min`` (MJD, UTC); None for an open side.
        """
        if self.lookback is None:
            return self.dates
        return (to_mjd(now or datetime.now(UTC)) - self.lookback, None)

    def to_code(self) -> str:
        """Give the Python text that makes this query.

        Returns
        -------
        str
            Such as ``jw.Query(program=2733, instrument=('MIRI',))``.
        """
        given = [f"{name}={getattr(self, name)!r}" for name in self._given()]
        return f"jw.Query({', '.join(given)})"

    def to_config(self) -> str:
        """Give the configuration file that asks the same, with jwst_mast_query's keys.

        Returns
        -------
        str
            YAML, such as ``propID: 2733``; "" for a query with nothing in it.
        """
        from jwstmq_widgets.query.config import config_text

        return config_text({name: getattr(self, name) for name in self._given()})

    @classmethod
    def from_config(cls, config: "str | Path | Mapping[str, Any]") -> Self:
        """Make the query of a configuration file.

        Parameters
        ----------
        config
            A file such as jwst_mast_query's ``jwst_query.cfg``, or its keys and values.

        Returns
        -------
        Query

        Raises
        ------
        QueryError
            If the file cannot be read, a key is unknown, or a value is wrong.
        """
        from jwstmq_widgets.query.config import read_config
        from jwstmq_widgets.query.settings import query_arguments, read_settings

        settings = read_settings(config, environ=os.environ) if isinstance(config, Mapping) else read_config(config)
        return cls(**query_arguments(settings))

    def __str__(self) -> str:
        lowest, highest = self.obsid_range
        parts = [
            f"program {self.program}" if self.program is not None else "",
            "observation " + ", ".join(map(str, self.observations)) if self.observations else "",
            ", ".join(self.categories),
            "PI " + " or ".join(self.pi) if self.pi else "",
            "/".join(self.instrument),
            ", ".join(self.modes),
            ", ".join(self.exposure_types),
            ", ".join(self.filters),
            "target named " + " or ".join(self.target_name) if self.target_name else "",
            ", ".join(self.obs_ids),
            str(self.keywords),
            self._place(),
            f"last {self.lookback:g} days" if self.lookback is not None else "",
            _span(self.dates),
            {None: "", True: "executed", False: "planned"}[self.executed],
            f"{self.access} data" if self.access else "",
            ", ".join(self.detectors),
            "level " + ", ".join(map(str, self.calib_levels)) if self.calib_levels else "",
            ", ".join(self.filetypes),
            {False: "", True: "with guide stars", "only": "guide stars only"}[self.guidestars],
            " or ".join(name.lower() for name in self.product_types) + " files" if self.product_types else "",
            "recommended files" if self.recommended else "",
            "obsid " + ", ".join(map(str, self.obsids)) if self.obsids else "",
            f"obsid {lowest or '…'} – {highest or '…'}" if self.obsid_range != (None, None) else "",
        ]
        return " · ".join(part for part in parts if part) or "everything"

    def _place(self) -> str:
        """Say where: ``field overlaps 2' around M 57 (NED)``; the radius only where it is not the usual one."""
        place = f"{self.coordinates[0]:.5f} {self.coordinates[1]:+.5f}" if self.coordinates else self.target
        if not place:
            return ""
        if self.target and self.resolver:
            place = f"{place} ({self.resolver})"
        if self.footprint == "contains":
            return f"{place} within the field"
        around = f"{self.radius * 60:.6g}' around " if self.footprint or self.radius != 2 / 60 else ""
        return f"{'field overlaps ' if self.footprint else ''}{around}{place}"

    def _given(self) -> tuple[str, ...]:
        """Give the fields that differ from their default."""
        return tuple(field.name for field in dataclasses.fields(self) if getattr(self, field.name) != field.default)

    @classmethod
    def _fields(cls) -> tuple[str, ...]:
        return tuple(field.name for field in dataclasses.fields(cls))


def _span(dates: tuple[float | None, float | None]) -> str:
    if dates == (None, None):
        return ""
    earliest, latest = dates
    if earliest is not None and latest == earliest + 1 and earliest.is_integer():
        return _moment(earliest)
    # a day that ends the span is meant as a whole: what is kept is its end
    last = "…" if latest is None else _moment(latest - 1 if latest.is_integer() else latest)
    return f"{'…' if earliest is None else _moment(earliest)} – {last}"


def _moment(mjd: float) -> str:
    moment = datetime.fromtimestamp(round((mjd - MJD_OF_UNIX_EPOCH) * 86400), UTC)
    return f"{moment:%Y-%m-%d}" if mjd.is_integer() else f"{moment:%Y-%m-%d %H:%M}"
