"""Sessions at ESA's archive, when things happen at once or in the middle of something."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jwstmq_widgets.archives.esa import EsaArchive
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.parallel import Manners
from jwstmq_widgets.errors import LoginError

QUICK = Manners(pause=0.0, poll=0.0)


class Door(ThreadingHTTPServer):
    """A server whose logout, or whose taking of a token, waits until it may go on, and then fails."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Doorman)
        self.closed = {"/server/logout": threading.Event(), "/server/jwstToken": threading.Event()}
        self.knocked = {path: threading.Event() for path in self.closed}
        self.sessions = 0
        self.asked = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/server"


class Doorman(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.path, self.headers.get("Cookie", "")))
        status = 200
        if self.path == "/server/login":
            self.server.sessions += 1
        else:
            self.server.knocked[self.path].set()
            self.server.closed[self.path].wait(30)
            status = 200 if self.path == "/server/jwstToken" else 503
        self.send_response(status)
        if self.path == "/server/login":
            self.send_header("Set-Cookie", f"JSESSIONID=session{self.server.sessions}; Path=/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def door():
    with Door() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        for closed in server.closed.values():
            closed.set()
        server.shutdown()
        thread.join()


def test_who_logs_in_while_the_last_one_is_logged_out_stays(door):
    archive = EsaArchive(Host.at(door.url), manners=QUICK)
    archive.login(user="one", password="1")
    leaving = threading.Thread(target=archive.logout)
    leaving.start()
    assert door.knocked["/server/logout"].wait(30)
    archive.login(user="two", password="2")
    door.closed["/server/logout"].set()
    leaving.join()
    assert (archive.account.name, archive.account.anonymous) == ("two", False)
    assert archive.authorization(f"{door.url}/data") == {"Cookie": "JSESSIONID=session2"}


def test_a_token_gives_no_right_to_whom_it_was_not_given(door):
    archive = EsaArchive(Host.at(door.url), manners=QUICK)
    archive.login(user="one", password="1")
    giving = threading.Thread(target=archive.set_token, args=("0123456789abcdef",))
    giving.start()
    assert door.knocked["/server/jwstToken"].wait(30)
    door.closed["/server/logout"].set()
    archive.logout()
    door.closed["/server/jwstToken"].set()
    giving.join()
    assert archive.account.anonymous
    assert not archive.account.may_exclusive


def test_a_login_whose_token_is_no_token_says_so_even_if_its_session_cannot_be_ended(door):
    archive = EsaArchive(Host.at(door.url), manners=QUICK)
    door.closed["/server/logout"].set()
    with pytest.raises(LoginError, match="cannot be a token"):
        archive.login("no token at all", user="one", password="1")
    assert ("/server/logout", "JSESSIONID=session1") in door.asked
    assert archive.account.anonymous
