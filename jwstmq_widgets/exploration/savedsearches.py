"""Searches that a user has named and kept."""

import dataclasses
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import Timeout

from jwstmq_widgets.errors import JwstmqError, QueryError
from jwstmq_widgets.exploration.userfile import UserFile
from jwstmq_widgets.query import Query

__all__ = ["SavedSearch", "SavedSearches"]

_logger = logging.getLogger(__name__)
_FORM = 1
_LONGEST = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedSearch:
    """A query with a name."""

    name: str
    """What the user calls it."""
    query: Query
    """What it asks."""


class SavedSearches:
    """The searches in one file: names with the fields of their queries, as JSON; no account, no token, no answer.

    Several notebooks may use the file at once. Entries that this version cannot read are passed over and kept; a file
    that is no such list at all is set aside, with ``.broken`` at its end, when the next search is saved.

    Parameters
    ----------
    path
        The file; ``searches.json`` in the user's folder for configuration by default.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._file = UserFile("searches.json", path)

    @property
    def path(self) -> Path:
        """The file. It does not exist before the first search is saved."""
        return self._file.path

    def read(self) -> tuple[SavedSearch, ...]:
        """Give the searches, by name.

        Returns
        -------
        tuple of SavedSearch
            None of a file that is missing or cannot be read.
        """
        searches = []
        for name, fields in (self._file.read("searches") or {}).items():
            try:
                searches.append(SavedSearch(name=_name(name), query=Query(**fields)))
            except (JwstmqError, TypeError, ValueError, AttributeError) as error:
                _logger.info("a saved search is passed over: %s", error)
        return tuple(sorted(searches, key=lambda search: search.name.casefold()))

    def save(self, name: str, query: Query) -> None:
        """Keep a search; one of the same name is replaced.

        Parameters
        ----------
        name
            What to call it.
        query
            What it asks.

        Raises
        ------
        QueryError
            If there is no name, or nothing to search for.
        JwstmqError
            If the file cannot be written.
        """
        name = _name(name)
        if query == Query():
            raise QueryError("this search asks for nothing yet; give a program first, such as 2733", field="saved")
        self._change({name: _fields(query)})

    def remove(self, name: str) -> None:
        """Forget a search; nothing happens when there is none of that name.

        Parameters
        ----------
        name
            Its name.

        Raises
        ------
        JwstmqError
            If the file cannot be written.
        """
        self._change({name: None})

    def _change(self, changes: Mapping[str, Any]) -> None:
        try:
            with self._file.changing():
                entries = self._file.read("searches")
                if entries is None and self.path.exists():
                    self.path.replace(self.path.with_name(f"{self.path.name}.broken"))
                entries = {**(entries or {}), **changes}
                kept = {name: fields for name, fields in entries.items() if fields is not None}
                self._file.write({"form": _FORM, "searches": kept})
        except (OSError, Timeout) as error:
            raise JwstmqError(
                f"saved searches cannot be written to {self.path} ({error}); check that you may write there"
            ) from error


def _name(name: str) -> str:
    text = " ".join(str(name).split())
    if not text or len(text) > _LONGEST or not text.isprintable():
        raise QueryError(
            f"'{text[:_LONGEST]}' is no name for a search; give one of 1 to {_LONGEST} letters", field="saved"
        )
    return text


def _fields(query: Query) -> dict[str, Any]:
    """Give the fields that differ from those of an empty query, as JSON values."""
    nothing = Query()
    given = {field.name: getattr(query, field.name) for field in dataclasses.fields(query)}
    return {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in given.items()
        if value != getattr(nothing, name)
    }
