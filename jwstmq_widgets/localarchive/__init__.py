"""An archive of JWST on loopback that speaks MAST's and ESA's protocols: start, ask, let things go wrong, stop."""

import os
import subprocess
import sys
import tempfile
import threading
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import orjson

from jwstmq_widgets.localarchive.accounts import (
    ESA_OTHER_PASSWORD,
    ESA_OTHER_USER,
    ESA_PASSWORD,
    ESA_USER,
    TOKEN,
    TOKEN_EXPIRED,
    TOKEN_WITHOUT_ACCESS,
)
from jwstmq_widgets.localarchive.facts import Scale
from jwstmq_widgets.localarchive.faults import Fault, fault_to_json
from jwstmq_widgets.localarchive.requestlog import Request, request_from_json

__all__ = [
    "ESA_OTHER_PASSWORD",
    "ESA_OTHER_USER",
    "ESA_PASSWORD",
    "ESA_USER",
    "TOKEN",
    "TOKEN_EXPIRED",
    "TOKEN_WITHOUT_ACCESS",
    "LocalArchive",
    "Request",
]

_MODULE = "jwstmq_widgets.localarchive.server"
_START = 600.0
_STOP = 5.0


class LocalArchive:
    """A local archive in a process of its own, on 127.0.0.1.

    The process ends with `stop`, with the ``with`` block, when this object is forgotten, and when the process that
    started it ends, however that happens.

    Parameters
    ----------
    scale
        ``"reduced"`` files download in seconds, ``"real"`` ones have the sizes of the real archive.
    port
        Port; 0 for any free one.
    folder
        Where the catalogue is kept; None for the user's cache directory. It is built on first use.
    faults
        What is to go wrong (see `localarchive.faults`).
    latency
        Seconds that every answer waits.
    survey
        How many files of a synthetic survey (program 99001, made up, marked so in its title) are there beside those
        of real programs: a multiple of 10,000 up to 1,000,000. A catalogue of its own is built on first use.

    Raises
    ------
    ValueError
        If no survey has that many files.
    """

    def __init__(
        self,
        *,
        scale: Scale = "reduced",
        port: int = 0,
        folder: Path | None = None,
        faults: Sequence[Fault] = (),
        latency: float = 0.0,
        survey: int = 0,
    ) -> None:
        self._options = ["--port", str(port), "--scale", scale, "--latency", repr(float(latency))]
        if survey:
            from jwstmq_widgets.localarchive.holdings.survey import check_survey

            self._options += ["--survey", str(check_survey(survey))]
        if folder is not None:
            self._options += ["--folder", str(folder)]
        self._faults = tuple(faults)
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._finalizer: weakref.finalize[..., Self] | None = None
        self._owner = 0
        self._url = ""

    def start(self) -> Self:
        """Start the process, and wait until it answers; does nothing when it runs.

        Returns
        -------
        LocalArchive
            This.

        Raises
        ------
        RuntimeError
            If it does not come up; the message holds what it said.
        """
        with self._lock:
            if self._running():
                return self
            self._forget()
            self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the process
            self._process = subprocess.Popen(  # noqa: S603  # our own module, in our own interpreter
                [sys.executable, "-P", "-m", _MODULE, "--controlled-by", str(os.getpid()), *self._options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=_environment(),
            )
            self._owner = os.getpid()
            self._finalizer = weakref.finalize(self, _end, self._process, self._errors, self._owner)
            self._url = self._first_line()
            if self._faults:
                self._tell({"do": "faults", "faults": [fault_to_json(fault) for fault in self._faults]})
            return self

    def stop(self) -> None:
        """End the process; does nothing when it does not run."""
        with self._lock:
            self._forget()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<LocalArchive {self._url if self._running() else 'not running'}>"

    @property
    def url(self) -> str:
        """Where it is, such as ``http://127.0.0.1:43211``.

        Raises
        ------
        RuntimeError
            If it does not run.
        """
        if not self._running():
            raise RuntimeError("the local archive does not run; start() it first")
        return self._url

    @property
    def secure_url(self) -> str:
        """Where it is with TLS, such as ``https://127.0.0.1:43212``; "" when trustme (the extra ``tls``) is missing.

        Raises
        ------
        RuntimeError
            If it does not run.
        """
        return str(self._tell({"do": "tls"})["url"])

    @property
    def ca_file(self) -> Path | None:
        """The certificate (PEM) with which clients can check `secure_url`; lives as long as the process.

        Raises
        ------
        RuntimeError
            If it does not run.
        """
        path = self._tell({"do": "tls"})["ca_file"]
        return Path(path) if path else None

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What goes wrong; set it, also while it runs, and the counts of all faults begin anew."""
        return self._faults

    @faults.setter
    def faults(self, faults: Sequence[Fault]) -> None:
        with self._lock:
            faults = tuple(faults)
            if self._running():
                self._tell({"do": "faults", "faults": [fault_to_json(fault) for fault in faults]})
            self._faults = faults

    @property
    def requests(self) -> list[Request]:
        """The requests so far (the newest 20,000), oldest first; never with a token."""
        return [request_from_json(value) for value in self._tell({"do": "requests"})["requests"]]

    def clear_requests(self) -> None:
        """Forget the requests so far."""
        self._tell({"do": "clear"})

    def _running(self) -> bool:
        return self._process is not None and self._owner == os.getpid() and self._process.poll() is None

    def _forget(self) -> None:
        if self._finalizer is not None:
            self._finalizer()
        self._process = self._errors = self._finalizer = None
        self._url = ""

    def _first_line(self) -> str:
        process = self._process
        if process is None or process.stdout is None:
            raise RuntimeError("the local archive was not started")
        watchdog = threading.Timer(_START, process.kill)
        watchdog.daemon = True
        watchdog.start()
        try:
            line = process.stdout.readline()
        except BaseException:
            self._forget()
            raise
        finally:
            watchdog.cancel()
        if not line.startswith(b"http://"):
            said = self._said()
            self._forget()
            raise RuntimeError(f"the local archive did not start: {said}")
        return line.decode().strip()

    def _tell(self, command: dict[str, Any]) -> dict[str, Any]:
        with self._lock:
            if not self._running() or self._process is None or not self._process.stdin or not self._process.stdout:
                raise RuntimeError("the local archive does not run; start() it first")
            try:
                self._process.stdin.write(orjson.dumps(command) + b"\n")
                self._process.stdin.flush()
                line = self._process.stdout.readline()
            except OSError:
                line = b""
            if not line:
                raise RuntimeError(f"the local archive has ended: {self._said()}")
            reply: dict[str, Any] = orjson.loads(line)
        if "error" in reply:
            raise ValueError(reply["error"])
        return reply

    def _said(self) -> str:
        if self._process is not None:
            try:
                self._process.wait(_STOP)
            except subprocess.TimeoutExpired:
                self._process.kill()
        if self._errors is None:
            return ""
        self._errors.seek(0)
        return self._errors.read()[-4000:].decode("utf-8", "replace").strip() or "it said nothing"


def _environment() -> dict[str, str]:
    """Let the child find the package also where it is used from a checkout that is not installed."""
    environment = dict(os.environ)
    root = Path(__file__).resolve().parents[2]
    if root.name not in {"site-packages", "dist-packages"}:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(root), environment.get("PYTHONPATH")]))
    return environment


def _end(process: "subprocess.Popen[bytes]", errors: IO[bytes], owner: int) -> None:
    if os.getpid() != owner:  # a fork of the owner: the server is not ours to end
        return
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
    errors.close()
