"""Which columns a user has chosen for a grid, remembered between notebooks."""

import contextlib
import json
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock, Timeout

from jwstmq_widgets.widgets.columns import ColumnSet

__all__ = ["ChosenColumns", "ColumnMemory"]

_logger = logging.getLogger(__name__)
_FORM = 1
_LOCK_SECONDS = 5.0
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
        self._path = path or platformdirs.user_config_path("jwstmq_widgets") / "columns.json"

    @property
    def path(self) -> Path:
        """The file. It does not exist before the first choice is kept."""
        return self._path

    def read(self, columns: ColumnSet) -> ChosenColumns:
        """Give the choice for a grid; the usual columns where there is none.

        Parameters
        ----------
        columns
            The grid's columns.
        """
        return ChosenColumns.of(self._sets().get(columns.name), columns)

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
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._path.with_name(f"{self._path.name}.lock"), timeout=_LOCK_SECONDS):
                sets = self._sets() | {columns.name: chosen.plain()}
                self._write(json.dumps({"form": _FORM, "grids": sets}, indent=1, sort_keys=True))
        except (OSError, Timeout) as error:
            _logger.info("the choice of columns is not kept: %s", error)
            return False
        return True

    def _sets(self) -> dict[str, Any]:
        try:
            return dict(json.loads(self._path.read_text(encoding="utf-8"))["grids"])
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return {}

    def _write(self, text: str) -> None:
        descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
