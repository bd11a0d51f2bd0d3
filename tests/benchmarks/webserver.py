"""nginx on loopback, with a configuration of its own in a temporary folder: files at the addresses of MAST's API."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

CONFIGURATION = """
worker_processes auto;
pid {run}/nginx.pid;
error_log {run}/error.log warn;
daemon off;
{user}
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile on;
    tcp_nodelay on;
    keepalive_requests 1000000;
    types {{ image/fits fits; application/json json; image/jpeg jpg; }}
    client_body_temp_path {run}/body;
    proxy_temp_path {run}/proxy;
    fastcgi_temp_path {run}/fastcgi;
    uwsgi_temp_path {run}/uwsgi;
    scgi_temp_path {run}/scgi;
    map $arg_uri $name {{
        default "";
        "~(?:/|%2F)(?<last>[A-Za-z0-9_.-]+)$" $last;
    }}
    server {{
        listen 127.0.0.1:{port};
        root {folder};
        location = /api/v0.1/Download/file {{ try_files /$name =404; }}
    }}
}}
"""


@contextlib.contextmanager
def nginx_server(folder: Path) -> Iterator[str]:
    """Serve a folder with nginx; gives its address. Skips the test where nginx is not installed."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("nginx is not installed; on Debian: apt-get install nginx-light")
    user = "user root;" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""  # else it reads no temporary folder
    with tempfile.TemporaryDirectory() as run:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings = Path(run, "nginx.conf")
        settings.write_text(CONFIGURATION.format(run=run, port=port, folder=folder, user=user))
        with subprocess.Popen([program, "-p", run, "-c", settings], stderr=subprocess.PIPE, text=True) as server:
            try:
                until = time.monotonic() + 10
                while not _listens(port):
                    assert server.poll() is None, server.stderr.read() if server.stderr else ""
                    assert time.monotonic() < until, "nginx does not listen"
                yield f"http://127.0.0.1:{port}"
            finally:
                server.terminate()


def _listens(port: int) -> bool:
    with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
