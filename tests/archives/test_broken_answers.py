"""What an archive may answer in place of an answer: one clear error each, and nothing half-set."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jwstmq_widgets.archives.answers import Answers
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast import MastArchive
from jwstmq_widgets.archives.parallel import Manners
from jwstmq_widgets.errors import Cancelled, Unreadable
from jwstmq_widgets.localarchive import TOKEN
from jwstmq_widgets.localarchive.faults import Executing
from jwstmq_widgets.query import Query

NEBULA = Query(program=2733)


class Stubborn(ThreadingHTTPServer):
    """A server that answers every question with the same bytes."""

    daemon_threads = True
    body = b""
    kind = "application/json"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", self.server.kind)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *args):
        pass


@pytest.fixture
def stubborn():
    with Stubborn(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


ASKED = {
    "count": lambda archive: archive.count(NEBULA),
    "observations": lambda archive: archive.observations(NEBULA, cache=True),
    "products": lambda archive: archive.products(["1", "2"], cache=True),
    "resolve": lambda archive: archive.resolve("NGC 3132"),
    "login": lambda archive: archive.login(TOKEN),
}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("text/html", b"<!DOCTYPE html><html><body>Down for maintenance</body></html>"),
        ("application/json", b"{}"),
        ("application/json", b"[]"),
        ("application/json", b"null"),
        ("application/json", b'"COMPLETE"'),
        ("application/json", b'{"status": "COMPLETE", "data": [{"obsid": "1"'),
        ("application/json", b""),
        ("application/octet-stream", b"\x89PNG\r\n\x1a\n\x00\xff"),
    ],
    ids=["web page", "empty object", "list", "null", "text", "truncated", "nothing", "picture"],
)
@pytest.mark.parametrize("verb", ASKED)
def test_what_is_no_answer_is_one_error_and_is_kept_nowhere(stubborn, tmp_path, verb, kind, body):
    stubborn.kind, stubborn.body = kind, body
    answers = Answers(tmp_path / "answers")
    archive = MastArchive(Host.at(stubborn.url), manners=Manners(pause=0.0, poll=0.0), answers=answers)
    with pytest.raises(Unreadable) as caught:
        ASKED[verb](archive)
    assert stubborn.url in str(caught.value)
    assert "<" not in str(caught.value)
    assert archive.account.anonymous
    assert not answers.folder.exists()


def test_a_type_of_column_that_nobody_knows_hinders_nobody(stubborn):
    stubborn.body = (
        b'{"status":"COMPLETE","msg":"","fields":[{"name":"dataURI","type":"uri"},{"name":"productFilename"},'
        b'{"name":"place","type":"geometry"}],"data":[{"dataURI":"a","productFilename":"a_cal.fits","place":[1,2]}],'
        b'"paging":{"page":1,"pagesFiltered":1}}'
    )
    products = MastArchive(Host.at(stubborn.url)).products(["1"])
    assert products["place"].tolist() == ["[1,2]"]
    assert products["parents"].tolist() == ["1"]


@pytest.mark.parametrize("verb", ["count", "observations", "products"])
def test_an_archive_that_works_for_ever_can_be_cancelled(faulty_archive, verb):
    archive = MastArchive(Host.at(faulty_archive.url), manners=Manners(poll=0.05))
    archive.count(NEBULA)  # the list of columns is here
    faulty_archive.faults = (Executing(path="*/invoke"),)
    cancel = threading.Event()
    timer = threading.Timer(0.3, cancel.set)
    timer.start()
    asked = ["87602450"] if verb == "products" else NEBULA
    with pytest.raises(Cancelled):
        getattr(archive, verb)(asked, cancel=cancel)
    timer.join()
    faulty_archive.faults = ()
    assert archive.count(NEBULA) > 0
