"""What is asked of an archive, as one frozen value."""

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.fields import (
    CALIB_LEVELS,
    MJD_OF_UNIX_EPOCH,
    MODES,
    read_coordinates,
    read_dates,
    read_detector,
    read_guidestars,
    read_instrument,
    read_level,
    read_lookback,
    read_mode,
    read_observation,
    read_program,
    read_radius,
    several,
    to_mjd,
    unique,
)

__all__ = ["CALIB_LEVELS", "MODES", "Query"]


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
    dates: tuple[float | None, float | None] = (None, None)
    """Earliest and latest start of an observation (``t_min``), as MJD in UTC. ISO texts are taken.

    A bare day as the latest date means that whole day. None leaves that side open.
    """
    lookback: float | None = None
    """Only observations that started in the last so many days; not together with ``dates``."""
    target: str = ""
    """Name of a target, for the archive's name resolver."""
    coordinates: tuple[float, float] | None = None
    """Right ascension and declination (deg, ICRS)."""
    radius: float = 2 / 60
    """Radius around target or coordinates (deg). Texts with a unit are taken: ``"2 arcmin"``."""
    filters: tuple[str, ...] = ()
    """Filters such as ``"F770W"``; () for all."""
    detectors: tuple[str, ...] = ()
    """Detectors such as ``"mirimage"`` or ``"a5"``; () for all. Narrows products, not observations."""
    calib_levels: tuple[int, ...] = ()
    """CAOM calibration levels of the products; () for all. Narrows products, not observations."""
    filetypes: tuple[str, ...] = ()
    """File types such as ``"cal"``, ``"_cal.jpg"`` or ``"fits"``; () for all. Narrows products, not observations."""
    guidestars: bool | Literal["only"] = False
    """Whether guide-star files are kept: False, True, or ``"only"``. Narrows products, not observations."""

    def __init__(
        self,
        *,
        program: int | str | None = None,
        observations: int | str | Iterable[int | str] = (),
        instrument: str | Iterable[str] | None = (),
        modes: str | Iterable[str] = (),
        dates: Any = (None, None),
        lookback: float | str | None = None,
        target: str | None = "",
        coordinates: Any = None,
        radius: float | str = 2 / 60,
        filters: str | Iterable[str] = (),
        detectors: str | Iterable[str] = (),
        calib_levels: int | str | Iterable[int | str] = (),
        filetypes: str | Iterable[str] = (),
        guidestars: bool | str = False,
    ) -> None:
        instruments = tuple(read_instrument(value) for value in several(instrument))
        put = object.__setattr__
        put(self, "program", read_program(program))
        put(self, "observations", tuple(read_observation(value) for value in several(observations)))
        put(self, "instrument", unique(instruments))
        put(self, "modes", unique(read_mode(value, instruments) for value in several(modes)))
        put(self, "dates", read_dates(dates))
        put(self, "lookback", read_lookback(lookback))
        put(self, "target", " ".join((target or "").split()))
        put(self, "coordinates", read_coordinates(coordinates))
        put(self, "radius", read_radius(radius))
        put(self, "filters", unique(value.strip().upper() for value in several(filters) if value.strip()))
        put(self, "detectors", unique(read_detector(value) for value in several(detectors)))
        put(self, "calib_levels", unique(read_level(value) for value in several(calib_levels)))
        put(self, "filetypes", unique(value.strip() for value in several(filetypes) if value.strip()))
        put(self, "guidestars", read_guidestars(guidestars))
        if self.lookback is not None and self.dates != (None, None):
            raise QueryError("dates and look-back exclude each other; give one of them", field="lookback")
        if self.target and self.coordinates is not None:
            raise QueryError("target and coordinates exclude each other; give one of them", field="target")

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
        return not (
            self.program is not None
            or self.instrument
            or self.modes
            or self.filters
            or self.target
            or self.coordinates is not None
            or self.lookback is not None
            or self.dates != (None, None)
        )

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
        from jwstmq_widgets.config import config_text

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
        from jwstmq_widgets.config import read_config
        from jwstmq_widgets.settings import query_arguments, read_settings

        settings = read_settings(config) if isinstance(config, Mapping) else read_config(config)
        return cls(**query_arguments(settings))

    def __str__(self) -> str:
        parts = [
            f"program {self.program}" if self.program is not None else "",
            "observation " + ", ".join(map(str, self.observations)) if self.observations else "",
            "/".join(self.instrument),
            ", ".join(self.modes),
            ", ".join(self.filters),
            self.target,
            f"{self.coordinates[0]:.5f} {self.coordinates[1]:+.5f}" if self.coordinates else "",
            f"last {self.lookback:g} days" if self.lookback is not None else "",
            _span(self.dates),
            ", ".join(self.detectors),
            "level " + ", ".join(map(str, self.calib_levels)) if self.calib_levels else "",
            ", ".join(self.filetypes),
            {False: "", True: "with guide stars", "only": "guide stars only"}[self.guidestars],
        ]
        return " · ".join(part for part in parts if part) or "everything"

    def _given(self) -> tuple[str, ...]:
        """Give the fields that differ from their default."""
        return tuple(field.name for field in dataclasses.fields(self) if getattr(self, field.name) != field.default)

    @classmethod
    def _fields(cls) -> tuple[str, ...]:
        return tuple(field.name for field in dataclasses.fields(cls))


def _span(dates: tuple[float | None, float | None]) -> str:
    if dates == (None, None):
        return ""
    earliest, latest = (
        "" if mjd is None else datetime.fromtimestamp((mjd - MJD_OF_UNIX_EPOCH) * 86400, UTC).strftime("%Y-%m-%d")
        for mjd in dates
    )
    return f"{earliest or '…'} – {latest or '…'}"
