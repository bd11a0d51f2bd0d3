"""Since when tokens are in use: MAST lets them end, and does not tell when."""

import logging
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import platformdirs

from jwstmq_widgets.archives.host import Host

__all__ = ["NEW_TOKEN", "Logins", "Use"]

_log = logging.getLogger(__name__)

NEW_TOKEN = "https://auth.mast.stsci.edu/tokens"  # noqa: S105  (an address)
"""Where MAST makes tokens."""

# MAST's rules: a token ends after 10 days without use, and after 60 days in any case (auth.mast.stsci.edu/info).
_UNUSED, _OLDEST = 10, 60
_EARLY = 7  # days before its end from which an old token is warned of
_EARLY_UNUSED = 2
_DAY = 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Since when a token is in use, as far as this machine knows; another machine may know an earlier day."""

    first: float
    """Seconds since 1970 at its first login here."""
    last: float
    """Seconds since 1970 when it was last sent."""

    @property
    def expires(self) -> datetime:
        """When it ends if it is not used again; at the latest, because it may be older than is known here."""
        return datetime.fromtimestamp(min(self.first + _OLDEST * _DAY, self.last + _UNUSED * _DAY), UTC)

    def warning(self, now: float) -> str:
        """Say that the token's end is near; "" while it is not."""
        age, unused = (now - self.first) / _DAY, (now - self.last) / _DAY
        if age >= _OLDEST - _EARLY:
            return (
                f"this token has been in use for {age:.0f} days and ends after {_OLDEST}; "
                f"make a new one at {NEW_TOKEN} and log in again"
            )
        if unused >= _UNUSED - _EARLY_UNUSED:
            return (
                f"this token has not been used for {unused:.0f} days and ends after {_UNUSED}; ask something, or log in"
            )
        return ""


class Logins:
    """Who logged in where, and when. Nothing that is made from a token is written down.

    What is written is a file of dates by archive and account. So a new token of the same account is known for one only
    when the old one must have ended, was refused, or was logged out; until then a warning may come too early.

    Parameters
    ----------
    path
        The file; None for none, as for archives on this machine.
    clock
        Gives the present, in seconds since 1970.
    """

    def __init__(self, path: Path | None, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self.clock = clock
        self._memory: dict[str, Any] = {}

    @classmethod
    def of(cls, host: Host) -> "Logins":
        """Give those of the user."""
        return cls(None if host.loopback else platformdirs.user_state_path("jwstmq_widgets") / "logins.json")

    def used(self, host: Host, identity: str) -> Use:
        """Note a login, and give since when its token is in use.

        Parameters
        ----------
        host
            Where.
        identity
            What the archive calls the account.

        Returns
        -------
        Use
        """
        now = self.clock()
        known = self._read()
        uses = known.setdefault(host.url, {}).setdefault("uses", {})
        first, last = uses.get(identity, (now, now))
        if now - last > _UNUSED * _DAY or now - first > _OLDEST * _DAY or now < last:
            first = now  # that token has ended: this is another
        uses[identity] = [first, now]
        self._write(known)
        return Use(first=first, last=now)

    def forget(self, host: Host) -> bool:
        """Forget the logins; True if a token was put into the keyring for this archive."""
        known = self._read()
        entry = known.pop(host.url, {})
        self._write(known)
        return bool(entry.get("kept"))

    def refused(self, host: Host) -> None:
        """Note that a token was not accepted: the next one will be another."""
        known = self._read()
        if "uses" in known.get(host.url, {}):
            known[host.url]["uses"] = {}
            self._write(known)

    def put_away(self, host: Host) -> None:
        """Note that a token was put into the keyring."""
        known = self._read()
        known.setdefault(host.url, {})["kept"] = True
        self._write(known)

    def _read(self) -> dict[str, Any]:
        if self._path is None:
            return self._memory
        try:
            known = orjson.loads(self._path.read_bytes())
            for entry in known.values():
                for first, last in entry.get("uses", {}).values():
                    float(first), float(last)
        except (OSError, ValueError, TypeError, AttributeError):
            return {}
        return known if isinstance(known, dict) else {}

    def _write(self, known: dict[str, Any]) -> None:
        if self._path is None:
            self._memory = known
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._path.parent, prefix=".", delete=False) as file:
                file.write(orjson.dumps(known))
            os.replace(file.name, self._path)  # noqa: PTH105  (both are names here)
        except OSError as error:
            _log.info("the login was not noted: %s", type(error).__name__)
