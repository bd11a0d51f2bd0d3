"""The answers of archives, kept on this machine."""

import contextlib
import functools
import hashlib
import logging
import os
import tempfile
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import orjson
import platformdirs
from astropy.table import Column, Table

import jwstmq_widgets
from jwstmq_widgets.archives.account import Account
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.tables.encoded import Encoded, texts_of

__all__ = ["Answers", "key_of", "remembered"]

_Ask = TypeVar("_Ask", bound=Callable[..., Table])
_log = logging.getLogger(__name__)

_FORMAT = 1
_DAY, _HOUR = 86400.0, 3600.0


class Answers:
    """Answers on disk: the newest ones, up to a size, for a day.

    A file holds one table: each text once, as JSON, and arrays of numbers. Nothing in it is ever run. A file that
    cannot be read, whoever wrote it, is passed over and removed; writing is atomic, so several processes may share a
    folder. Without a folder to write in, every question is simply asked.

    Parameters
    ----------
    folder
        Where they are; the user's cache folder by default.
    most
        Bytes in all; the answers that were used longest ago make room.
    longest
        Seconds for which an answer is good.
    clock
        Gives the present, in seconds since 1970.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        most: int = 500_000_000,
        longest: float = _DAY,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._most = most
        self._longest = longest
        self._clock = clock

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self._folder or platformdirs.user_cache_path("jwstmq_widgets") / "answers"

    def get(self, key: str) -> Table | None:
        """Give an answer.

        Parameters
        ----------
        key
            What was asked, see `key_of`.

        Returns
        -------
        astropy.table.Table or None
            With the time of the answer as ``meta["as_of"]``; None where there is none, or it is too old.
        """
        path = self.folder / f"{key}.npz"
        try:
            with path.open("rb") as file:
                table, answered = _read(file, key)
        except FileNotFoundError:
            return None
        except (
            OSError,
            ValueError,
            LookupError,
            TypeError,
            EOFError,
            zipfile.BadZipFile,
            NotImplementedError,
        ) as error:
            _log.info("an answer that cannot be read is removed: %s", type(error).__name__)
            self._remove(path)
            return None
        now = self._clock()
        if not 0 <= now - answered <= self._longest:
            return None
        with contextlib.suppress(OSError):
            os.utime(path, (now, now))
        return table

    def put(self, key: str, table: Table) -> None:
        """Keep an answer.

        Parameters
        ----------
        key
            What was asked, see `key_of`.
        table
            The answer, with its time as ``meta["as_of"]``.
        """
        folder = self.folder
        temporary = ""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=folder, prefix=".", suffix=".new", delete=False) as file:
                temporary = file.name
                _write(file, key, table)
            now = self._clock()
            os.utime(temporary, (now, now))
            Path(temporary).replace(folder / f"{key}.npz")
        except (OSError, TypeError, ValueError) as error:
            _log.info("an answer was not kept: %s", type(error).__name__)
            if temporary:
                self._remove(Path(temporary))
            return
        self._make_room()

    def answer(self, key: str | None, ask: Callable[[], Table], *, anew: bool = False) -> Table:
        """Give the answer that is kept, or ask.

        Parameters
        ----------
        key
            What is asked; None where the answer is neither looked for nor kept.
        ask
            Asks.
        anew
            Whether to ask even if an answer is kept; the new one replaces it.

        Returns
        -------
        astropy.table.Table
            With its time as ``meta["as_of"]``. An answer without rows is not kept: whoever finds nothing asks again.
        """
        known = None if key is None or anew else self.get(key)
        if known is not None:
            return known
        table = _stamped(ask(), datetime.fromtimestamp(self._clock(), UTC))
        if key is not None and len(table):
            self.put(key, table)
        return table

    def clear(self) -> None:
        """Remove all answers."""
        for path, _, _ in self._files():
            self._remove(path)

    def _make_room(self) -> None:
        files = sorted(self._files(), key=lambda entry: entry[2], reverse=True)
        total, now = 0, self._clock()
        for path, size, used in files:
            total += size
            # What a process left that was ended while it wrote is dropped when nobody can be writing it any more.
            if total > self._most or now - used > (_HOUR if path.suffix == ".new" else self._longest):
                self._remove(path)

    def _files(self) -> list[tuple[Path, int, float]]:
        found = []
        with contextlib.suppress(OSError):
            for entry in os.scandir(self.folder):
                if entry.name.endswith((".npz", ".new")):
                    with contextlib.suppress(OSError):
                        status = entry.stat(follow_symlinks=False)
                        found.append((Path(entry.path), status.st_size, status.st_mtime))
        return found

    def _remove(self, path: Path) -> None:
        with contextlib.suppress(OSError):
            path.unlink()


def key_of(kind: str, question: Any, *, host: Host, account: Account) -> str | None:
    """Name a question: what is asked, of which archive, by whom.

    An account is named by what the archive calls it, never by its token.

    Parameters
    ----------
    kind
        ``"observations"`` or ``"products"``.
    question
        What is asked, of values that JSON or ``str`` can say.
    host
        The archive.
    account
        Who asks.

    Returns
    -------
    str or None
        A file name without extension; None for somebody whom the archive does not name.
    """
    if not account.anonymous and not account.identity:
        return None
    whole = {
        "format": _FORMAT,
        "version": jwstmq_widgets.__version__,
        "kind": kind,
        "archive": host.url,
        "account": "" if account.anonymous else [account.identity, sorted(account.scopes)],
        "question": question,
    }
    return hashlib.sha256(orjson.dumps(whole, option=orjson.OPT_SORT_KEYS, default=_plain)).hexdigest()


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)


def remembered(ask: _Ask) -> _Ask:
    """Let a method that asks an archive keep its answers, by its argument ``cache``.

    True takes an answer of the last 24 hours, False asks anew; either way the answer is kept. None is True, except for
    an archive on this machine, whose address and holdings may change with each start: it is asked, and nothing is kept.

    Parameters
    ----------
    ask
        A method of an object with ``_host``, ``_answers`` and ``account``, which takes a `Query`, a table of
        observations, or their ``obsid``.

    Returns
    -------
    callable
    """

    @functools.wraps(ask)
    def answer(self: Any, asked: Any, *, cache: bool | None = None, **options: Any) -> Table:
        asked = asked if isinstance(asked, (Table, str)) or is_dataclass(asked) else list(asked)
        key = None
        if cache is not None or not self._host.loopback:
            key = key_of(ask.__name__, _question(asked), host=self._host, account=self.account)
        return self._answers.answer(key, lambda: ask(self, asked, **options), anew=cache is False)

    return cast("_Ask", answer)


def _question(asked: Any) -> Any:
    if is_dataclass(asked):
        return {field.name: getattr(asked, field.name) for field in fields(asked)}
    if isinstance(asked, Table):  # of an observation its products take over target and release
        told = [name for name in ("obsid", "target_name", "t_obs_release") if name in asked.colnames]
        aside = {name: value for name, value in asked.meta.items() if name not in ("as_of", "archive")}
        return [told, [np.asarray(asked[name]).tolist() for name in told], aside]
    return asked


def _stamped(table: Table, moment: datetime) -> Table:
    """Say in a table when its answer came.

    Parameters
    ----------
    table
        The answer; it is changed.
    moment
        When, with its time zone.

    Returns
    -------
    astropy.table.Table
        The same, with ``meta["as_of"]`` such as ``"2026-11-21T14:02:00.000Z"`` (UTC).
    """
    table.meta["as_of"] = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return table


def _write(file: Any, key: str, table: Table) -> None:
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    columns = []
    for number, name in enumerate(table.colnames):
        column = table[name]
        about: dict[str, Any] = {
            "name": name,
            "unit": None if column.unit is None else str(column.unit),
            "description": column.description,
        }
        values = np.asarray(column)
        if values.dtype.kind in "UO":
            encoded = Encoded.of(values)
            about["texts"] = encoded.values
            values = encoded.codes.astype(np.min_scalar_type(max(len(encoded.values) - 1, 0)))
        arrays[str(number)] = values
        columns.append(about)
    head = orjson.dumps({"key": key, "meta": dict(table.meta), "columns": columns})
    np.savez(file, head=np.frombuffer(head, dtype=np.uint8), **arrays)  # type: ignore[arg-type]


def _read(file: Any, key: str) -> tuple[Table, float]:
    with np.load(file, allow_pickle=False) as arrays:
        head: Mapping[str, Any] = orjson.loads(arrays["head"].tobytes())
        if head["key"] != key:
            raise ValueError("the answer to another question")
        answered = datetime.fromisoformat(head["meta"]["as_of"]).timestamp()
        table = Table(meta=dict(head["meta"]))
        for number, about in enumerate(head["columns"]):
            values = arrays[str(number)]
            if "texts" in about:
                values = texts_of(Encoded(values, about["texts"]))
            column = Column(values, unit=about["unit"], description=about["description"], copy=False)
            table.add_column(column, name=about["name"], copy=False)
    return table, answered
