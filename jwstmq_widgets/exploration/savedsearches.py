"""Searches that a user has named and kept."""

import contextlib
import dataclasses
import json
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock, Timeout

from jwstmq_widgets.errors import JwstmqError, QueryError
from jwstmq_widgets.query import Query

__all__ = ["SavedSearch", "SavedSearches"]

_logger = logging.getLogger(__name__)
_FORM = 1
_LONGEST = 80
_LOCK_SECONDS = 5.0


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
        self._path = path or platformdirs.user_config_path("jwstmq_widgets") / "searches.json"

    @property
    def path(self) -> Path:
        """The file. It does not exist before the first search is saved."""
        return self._path

    def read(self) -> tuple[SavedSearch, ...]:
        """Give the searches, by name.

        Returns
        -------
        tuple of SavedSearch
            None of a file that is missing or cannot be read.
        """
        searches = []
        for name, fields in (self._entries() or {}).items():
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
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._path.with_name(f"{self._path.name}.lock"), timeout=_LOCK_SECONDS):
                entries = self._entries()
                if entries is None and self._path.exists():
                    self._path.replace(self._path.with_name(f"{self._path.name}.broken"))
                entries = {**(entries or {}), **changes}
                self._write({name: fields for name, fields in entries.items() if fields is not None})
        except (OSError, Timeout) as error:
            raise JwstmqError(
                f"saved searches cannot be written to {self._path} ({error}); check that you may write there"
            ) from error

    def _entries(self) -> dict[str, Any] | None:
        """Give what the file holds; None where it is missing or no such list."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return dict(content["searches"])
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return None

    def _write(self, entries: Mapping[str, Any]) -> None:
        text = json.dumps({"form": _FORM, "searches": entries}, indent=1, ensure_ascii=False, sort_keys=True)
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
