"""Where the catalogue's SQLite file lives: built on first use, and again when facts or code change."""

import hashlib
import logging
import os
import sqlite3
import tempfile
from functools import cache
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_path

from jwstmq_widgets.localarchive.facts import Scale
from jwstmq_widgets.localarchive.holdings.catalogue import build
from jwstmq_widgets.localarchive.programs import facts_bytes

__all__ = ["catalogue_path", "fingerprint"]

_logger = logging.getLogger(__name__)

_MAKERS = ("holdings", "pixels")
_SHARED = ("readout.py", "sphere.py")
_READERS = frozenset(
    {
        "holdings/__init__.py",
        "holdings/conditions.py",
        "holdings/missionfiles.py",
        "holdings/missionsearches.py",
        "holdings/missionterms.py",
        "holdings/store.py",
        "holdings/tapcatalogue.py",
    }
)
"""Of the folders whose code shapes a catalogue, the modules that only answer from it."""


@cache
def fingerprint() -> str:
    """Give twelve hexadecimal digits that change with the facts and with the code that makes rows of them."""
    digest = hashlib.sha256(facts_bytes())
    package = Path(__file__).parents[1]
    made = (path for maker in _MAKERS for pattern in ("*.py", "*.txt") for path in (package / maker).glob(pattern))
    for module in sorted((*made, *(package / name for name in _SHARED))):
        name = module.relative_to(package).as_posix()
        if name not in _READERS:
            digest.update(name.encode() + b"\0" + module.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def catalogue_path(folder: Path | None = None, *, scale: Scale = "reduced", survey: int = 0) -> Path:
    """Give the catalogue's file, built if need be.

    Any number of processes may ask at once: one builds, into a file of its own that is then put in place whole; the
    others wait for it. Files of other versions are removed.

    Parameters
    ----------
    folder
        Where it is kept; the user's cache directory when None. Where it cannot be written, a temporary directory
        takes its place, with a warning in the log.
    scale
        Whether files have their reduced or their real sizes.
    survey
        How many files of the synthetic survey are in it.
    """
    home = user_cache_path("jwstmq_widgets") / "localarchive" if folder is None else Path(folder)
    name = f"holdings-{scale}-{fingerprint()}{f'-survey{survey}' if survey else ''}.sqlite"
    if _whole(home / name):
        return home / name
    try:
        home.mkdir(parents=True, exist_ok=True)
        return _made(home, name, scale, survey)
    except OSError as err:
        spare = _spare()
        _logger.warning("cannot write the local archive's catalogue in %s (%s); using %s", home, err, spare)
        return _made(spare, name, scale, survey)


def _spare() -> Path:
    """Give a temporary directory that is the user's own, and the same one each time where that is possible."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    spare = Path(tempfile.gettempdir()) / f"jwstmq_widgets-{user}"
    spare.mkdir(mode=0o700, exist_ok=True)
    # In a shared temporary directory the name may have been taken by somebody else.
    return spare if spare.stat().st_uid == user else Path(tempfile.mkdtemp(prefix="jwstmq_widgets-"))


def _made(home: Path, name: str, scale: Scale, survey: int) -> Path:
    path = home / name
    with FileLock(home / f".{scale}.lock"):
        if _whole(path):
            return path
        handle, temporary = tempfile.mkstemp(prefix=f".{name}.", suffix=".new", dir=home)
        os.close(handle)
        made = Path(temporary)
        try:
            build(made, scale=scale, survey=survey)
            made.replace(path)
        finally:
            made.unlink(missing_ok=True)
        for old in home.glob("holdings-*.sqlite"):
            if fingerprint() not in old.name:
                try:
                    old.unlink()
                except OSError as err:  # another process may have it open, which some systems forbid to remove
                    _logger.info("left the old catalogue %s in place: %s", old, err)
        return path


def _whole(path: Path) -> bool:
    if not path.is_file():
        return False
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            return bool(connection.execute("SELECT 1 FROM kind LIMIT 1").fetchone())
        finally:
            connection.close()
    except sqlite3.DatabaseError:
        return False
