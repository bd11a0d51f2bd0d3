"""Which columns a user has chosen for a grid, remembered between notebooks."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import Timeout

from jwstmq_widgets.exploration.userfile import UserFile
from jwstmq_widgets.widgets.grids.columns import ColumnSet

__all__ = ["ChosenColumns", "ColumnMemory"]

_logger = logging.getLogger(__name__)
_FORM = 1
_NARROWEST, _WIDEST = 30, 2000  # px


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenColumns:
    """A user's choice of columns."""

    order: tuple[str, ...] = ()
    """Names from left to right; () for the usual order."""
    hidden: tuple[str, ...] = ()
    """Names of usual columns that are not to be shown."""
    added: tuple[str, ...] = ()
    """Names of optional columns that are to be shown."""
    widths: Mapping[str, int] | None = None
    """Name to width (px), where the user has set one."""
    rail: bool | None = None
    """Whether the facets are open; None where the user has not said."""

    @classmethod
    def of(cls, content: Any, columns: ColumnSet) -> "ChosenColumns":
        """Read a choice; what does not fit the columns is left out.

        Parameters
        ----------
        content
            What a file or a browser says.
        columns
            The columns there are.

        Returns
        -------
        ChosenColumns
        """
        given = content if isinstance(content, Mapping) else {}
        names = columns.by_name
        first = columns.columns[0].name

        def known(key: str) -> tuple[str, ...]:
            values = given.get(key)
            texts = [value for value in values if isinstance(value, str)] if isinstance(values, list | tuple) else []
            return tuple(dict.fromkeys(text for text in texts if text in names))

        widths = given.get("widths")
        rail = given.get("rail")
        return cls(
            order=known("order"),
            hidden=tuple(name for name in known("hidden") if name != first and not names[name].optional),
            added=tuple(name for name in known("added") if names[name].optional),
            widths={
                name: int(min(max(width, _NARROWEST), _WIDEST))
                for name, width in (widths.items() if isinstance(widths, Mapping) else ())
                if name in names and isinstance(width, int | float) and width == width
            },
            rail=rail if isinstance(rail, bool) else None,
        )

    def plain(self) -> dict[str, Any]:
        """Give the choice as JSON values."""
        return {**asdict(self), "widths": dict(self.widths or {})}


class ColumnMemory:
    """The choices in one file, as JSON. A file that cannot be read or written costs nobody a grid.

    Parameters
    ----------
    path
        The file; ``columns.json`` in the user's folder for configuration by default.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._file = UserFile("columns.json", path)

    @property
    def path(self) -> Path:
        """The file. It does not exist before the first choice is kept."""
        return self._file.path

    def read(self, columns: ColumnSet) -> ChosenColumns:
        """Give the choice for a grid; the usual columns where there is none.

        Parameters
        ----------
        columns
            The grid's columns.
        """
        return ChosenColumns.of((self._file.read("grids") or {}).get(columns.name), columns)

    def keep(self, columns: ColumnSet, chosen: ChosenColumns) -> bool:
        """Keep the choice for a grid.

        Parameters
        ----------
        columns
            The grid's columns.
        chosen
            The choice.

        Returns
        -------
        bool
            False where the file cannot be written; the log says why.
        """
        try:
            with self._file.changing():
                grids = (self._file.read("grids") or {}) | {columns.name: chosen.plain()}
                self._file.write({"form": _FORM, "grids": grids})
        except (OSError, Timeout) as error:
            _logger.info("the choice of columns is not kept: %s", error)
            return False
        return True
