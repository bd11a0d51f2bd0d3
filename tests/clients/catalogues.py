"""Stands in for SIMBAD, NED and VizieR where an unmodified client asks them: a proxy that answers in their place."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote_plus

import trustme

from jwstmq_widgets.localarchive.protocols.exchange import Asked
from jwstmq_widgets.localarchive.protocols.vosi import capabilities

PLACES = {
    "NGC 3132": (151.757, -40.437),
    "LMC": (80.89417, -69.75611),  # where NED has it
    "M1": (83.6287, 22.0147),  # SIMBAD's answer in astroquery's own tests
}
HOSTS = ("simbad.cds.unistra.fr", "ned.ipac.caltech.edu", "vizier.cds.unistra.fr")


def answer(host: str, asked: str) -> bytes:
    """Give the position as the catalogue would, or a table without rows for a name that it does not know."""
    name = next((name for name in PLACES if name in asked), "")
    ra, dec = PLACES.get(name, (0.0, 0.0))
    # The columns from which astroquery.esa.jwst takes the position.
    columns: dict[str, str | float] = {
        HOSTS[0]: {"main_id": name, "ra": ra, "dec": dec},
        HOSTS[1]: {"Object Name": name, "RA": ra, "DEC": dec},
        HOSTS[2]: {"RAJ2000": ra, "DEJ2000": dec, "e_RAJ2000": 0.1, "e_DEJ2000": 0.1},
    }[host]
    fields = "".join(
        f'<FIELD name="{name}" datatype="{"double" if isinstance(value, float) else "char"}"'
        f"{'' if isinstance(value, float) else ' arraysize=' + chr(34) + '*' + chr(34)}/>"
        for name, value in columns.items()
    )
    row = "".join(f"<TD>{value}</TD>" for value in columns.values()) if name else ""
    return (
        '<?xml version="1.0"?><VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
        '<RESOURCE type="results" name="II/336"><INFO name="QUERY_STATUS" value="OK"/><TABLE name="II/336/apass9">'
        f"{fields}<DATA><TABLEDATA>{f'<TR>{row}</TR>' if row else ''}</TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    ).encode()


@contextmanager
def catalogues(folder: Path) -> Iterator[dict[str, str]]:
    """Give the environment that leads requests' clients here; `folder` takes the authority's certificate."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(context)
    authority.cert_pem.write_to_path(folder / "catalogues.pem")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        host = ""

        def do_CONNECT(self) -> None:
            self.host = self.path.partition(":")[0]
            if self.host not in HOSTS:
                self.send_error(403)
                return
            self.send_response(200)
            self.end_headers()
            self.connection = context.wrap_socket(self.connection, server_side=True)
            self.rfile = self.connection.makefile("rb")
            self.wfile = self.connection.makefile("wb", 0)
            self.close_connection = False

        def finish(self) -> None:
            super().finish()
            self.connection.close()  # the server only knows the socket below

        def do_GET(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            if self.path.endswith("/capabilities"):
                body = capabilities(Asked(method="GET", path="", url=f"https://{self.host}")).body
            else:
                body = answer(self.host, unquote_plus(f"{self.path}\n{sent}"))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-votable+xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False  # the client has ended by then, and its connections with it
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        yield {"HTTPS_PROXY": url, "HTTP_PROXY": url, "REQUESTS_CA_BUNDLE": str(folder / "catalogues.pem")}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
