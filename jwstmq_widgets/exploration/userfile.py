"""A small JSON file in the user's folder for configuration."""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import platformdirs
from filelock import FileLock

__all__ = ["UserFile"]

_LOCK_SECONDS = 5.0


class UserFile:
    """A JSON file that several notebooks may read and write at once.

    Parameters
    ----------
    name
        Its name in the user's folder for configuration.
    path
        Where it is instead.
    """

    def __init__(self, name: str, path: Path | None = None) -> None:
        self.path = path or platformdirs.user_config_path("jwstmq_widgets") / name

    def read(self, key: str) -> dict[str, Any] | None:
        """Give the object under a key; None where the file is missing or holds no such thing."""
        try:
            return dict(json.loads(self.path.read_text(encoding="utf-8"))[key])
        except (OSError, ValueError, TypeError, LookupError, RecursionError):
            return None

    @contextlib.contextmanager
    def changing(self) -> Iterator[None]:
        """Keep others from changing the file.

        Raises
        ------
        OSError
            If the folder cannot be written.
        filelock.Timeout
            If another keeps it for too long.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.path.with_name(f"{self.path.name}.lock"), timeout=_LOCK_SECONDS):
            yield

    def write(self, content: Any) -> None:
        """Write the file whole, or leave it as it is.

        Raises
        ------
        OSError
            If it cannot be written.
        """
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(content, file, indent=1, ensure_ascii=False, sort_keys=True)
                file.write("\n")
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except OSError:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
