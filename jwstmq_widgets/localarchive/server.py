"""The local archive's server: a process that listens on loopback until it is told to end."""

import argparse
import asyncio
import logging
import signal
import socket
import ssl
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from jwstmq_widgets.localarchive import control
from jwstmq_widgets.localarchive.facts import Scale
from jwstmq_widgets.localarchive.handler import Handler
from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.service import Service
from jwstmq_widgets.localarchive.tls import Authority

__all__ = ["main", "serve"]

_log = logging.getLogger(__name__)

_MOST_BODY = 16 << 20
_IDLE = 600  # seconds after which a connection without requests is closed


async def _run(
    sockets: Sequence[socket.socket],
    service: Service,
    *,
    secure: tuple[Sequence[socket.socket], ssl.SSLContext] | None,
    ready: Callable[[], None],
    controlled_by: int | None,
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    application = Application([(r".*", Handler, {"service": service})], log_function=lambda _: None)
    servers = []
    for bound, context in [(sockets, None), *([secure] if secure else [])]:
        server = HTTPServer(application, max_body_size=_MOST_BODY, idle_connection_timeout=_IDLE, ssl_options=context)
        server.add_sockets(bound)
        servers.append(server)
    if controlled_by is None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError, RuntimeError, ValueError):  # not here, or not on this system
                loop.add_signal_handler(number, stop.set)
        ready()
    else:
        control.listen(service, stop, parent=controlled_by)
        ready()
    try:
        await stop.wait()
    finally:
        for server in servers:
            server.stop()
            await server.close_all_connections()


def serve(
    *,
    port: int = 0,
    secure_port: int = 0,
    scale: Scale = "reduced",
    folder: Path | None = None,
    latency: float = 0.0,
    survey: int = 0,
    controlled_by: int | None = None,
) -> None:
    """Serve the local archive until Ctrl-C; its address is printed, on one line, once it answers.

    Parameters
    ----------
    port
        Port on 127.0.0.1; 0 for any free one.
    secure_port
        Port for TLS, where trustme (the extra ``tls``) is installed; 0 for any free one.
    scale
        ``"reduced"`` files download in seconds, ``"real"`` ones have the sizes of the real archive.
    folder
        Where the catalogue is kept; None for the user's cache directory. It is built when it is not there yet.
    latency
        Seconds that every answer waits.
    survey
        How many files of a synthetic survey (program 99001) are there beside those of real programs.
    controlled_by
        Process whose commands come on standard input (see `control`), and with whom this one ends; None for nobody.

    Raises
    ------
    OSError
        If the port is taken, or the folder cannot be written.
    ValueError
        If no survey has that many files.
    """
    sockets = bind_sockets(port, "127.0.0.1", family=socket.AF_INET)
    url = f"http://127.0.0.1:{sockets[0].getsockname()[1]}"
    service = Service(Holdings.open(folder, scale=scale, survey=survey), latency=latency)
    authority = None
    try:
        secure = None
        try:
            authority = Authority()
        except ImportError:
            _log.info("no TLS: trustme is not installed")
        else:
            encrypted = bind_sockets(secure_port, "127.0.0.1", family=socket.AF_INET)
            secure = encrypted, authority.context
            service.secure_url = f"https://127.0.0.1:{encrypted[0].getsockname()[1]}"
            service.ca_file = authority.ca_file
        asyncio.run(_run(sockets, service, secure=secure, ready=lambda: _say(url), controlled_by=controlled_by))
    except KeyboardInterrupt:
        _log.debug("stopped from the keyboard")
    finally:
        service.close()
        if authority is not None:
            authority.close()


def _say(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Serve as the command line says: ``python -m jwstmq_widgets.localarchive.server --port 8765``.

    Returns
    -------
    int
        Exit status: 0, or 1 when it could not begin.
    """
    parser = argparse.ArgumentParser(prog="jwstmq_widgets.localarchive.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 for any free one")
    parser.add_argument("--secure-port", type=int, default=0, help="port for TLS; 0 for any free one")
    parser.add_argument("--scale", choices=("reduced", "real"), default="reduced", help="sizes of the files")
    parser.add_argument("--folder", type=Path, help="where the catalogue is kept")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that every answer waits")
    parser.add_argument("--survey", type=int, default=0, help="files of a synthetic survey, program 99001")
    parser.add_argument("--controlled-by", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    logging.getLogger("tornado.general").setLevel(logging.ERROR)  # what it says of bad requests quotes them
    if asked.controlled_by is not None:
        # Ctrl-C in the terminal is meant for the process that holds this one.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        serve(
            port=asked.port,
            secure_port=asked.secure_port,
            scale=asked.scale,
            folder=asked.folder,
            latency=asked.latency,
            survey=asked.survey,
            controlled_by=asked.controlled_by,
        )
    except OSError as err:
        sys.stderr.write(f"the local archive cannot be served: {err}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
