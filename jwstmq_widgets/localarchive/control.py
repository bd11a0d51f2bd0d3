"""The JSON lines between the local archive's process and the one that holds it."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson

from jwstmq_widgets.localarchive.faults import FaultBook, fault_from_json

if TYPE_CHECKING:
    from jwstmq_widgets.localarchive.service import Service

__all__ = ["listen", "obey"]

_WATCH = 1.0


def listen(service: "Service", stop: asyncio.Event, *, parent: int) -> None:
    """Begin to take commands from standard input; its end, or the parent's, sets `stop`.

    Parameters
    ----------
    service
        What the commands act on.
    stop
        Set when it is time to end.
    parent
        The process that gives the commands.
    """
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.call_soon_threadsafe(stop.set)

    def read() -> None:
        # A plain read, not sys.stdin: a buffered one would be locked by this thread when the interpreter ends.
        for line in _lines(lambda: os.read(0, 1 << 16)):
            _reply(obey(_read(line), service, end))
        with suppress(RuntimeError):  # the loop has ended before
            end()

    def watch() -> None:
        # Another child of the parent may hold the pipe's other end open after the parent was killed.
        if os.getppid() != parent:
            stop.set()
        else:
            loop.call_later(_WATCH, watch)

    threading.Thread(target=read, name="control", daemon=True).start()
    if hasattr(os, "getppid") and os.name == "posix":
        watch()


def obey(command: dict[str, Any], service: "Service", end: Callable[[], None]) -> dict[str, Any]:
    """Carry out one command.

    Parameters
    ----------
    command
        ``{"do": "faults", "faults": [...]}``, ``{"do": "requests"}``, ``{"do": "clear"}``, ``{"do": "tls"}`` or
        ``{"do": "stop"}``.
    service
        What it acts on.
    end
        Called to end the archive.

    Returns
    -------
    dict
        The reply: ``{"requests": [...]}``, ``{"url": ..., "ca_file": ...}``, ``{}``, or ``{"error": text}``.
    """
    try:
        match command.get("do"):
            case "faults":
                service.faults = FaultBook(fault_from_json(fault) for fault in command["faults"])
            case "requests":
                return {"requests": service.log.to_json()}
            case "clear":
                service.log.clear()
            case "tls":
                return {"url": service.secure_url, "ca_file": str(service.ca_file or "")}
            case "stop":
                end()
            case other:
                return {"error": f"no such command: {other!r}"}
    except (KeyError, TypeError, ValueError) as err:
        return {"error": f"{type(err).__name__}: {err}"}
    return {}


def _read(line: bytes) -> dict[str, Any]:
    try:
        command = orjson.loads(line)
    except ValueError:
        command = None
    return command if isinstance(command, dict) else {"do": line.decode("utf-8", "replace")}


def _reply(reply: dict[str, Any]) -> None:
    line = memoryview(orjson.dumps(reply) + b"\n")
    with suppress(OSError):  # nobody reads any more; the end of standard input tells it as well
        while line:
            line = line[os.write(1, line) :]


def _lines(read: Callable[[], bytes]) -> Iterator[bytes]:
    rest = b""
    while True:
        try:
            piece = read()
        except OSError:
            return
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
