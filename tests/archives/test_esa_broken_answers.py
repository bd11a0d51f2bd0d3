"""What ESA's archive may answer in place of an answer: one clear error each, and nothing half-set."""

import gzip
import threading
import zlib
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jwstmq_widgets.archives.answers import Answers
from jwstmq_widgets.archives.connections import Connections
from jwstmq_widgets.archives.esa import EsaArchive
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.parallel import Manners
from jwstmq_widgets.errors import (
    ArchiveError,
    Cancelled,
    LoginError,
    QueryError,
    Refused,
    Unreachable,
    Unreadable,
)
from jwstmq_widgets.localarchive.faults import Redirect, Refuse
from jwstmq_widgets.query import Query

NEBULA = Query(program=2733)
KEY = "6ab73824-6587-4bca-84a8-eb48ac7251be"
QUICK = Manners(pause=0.0, poll=0.0)
TABLES = (
    b'<vosi:tableset xmlns:vosi="http://www.ivoa.net/xml/VOSITables/v1.0"><schema><name>jwst</name>'
    b"<table><name>jwst.main</name>%b</table><table><name>artifact</name>%b</table></schema></vosi:tableset>"
)
MAIN = ("observationid", "obsid", "calibrationlevel", "max_cal_level", "planeid", "members", "time_bounds_lower")
ARTIFACT = ("artifactid", "filename", "planeid", "obsid")


def vosi(*tables):
    return TABLES % tuple(
        b"".join(b"<column><name>%b</name></column>" % name.encode() for name in names) for names in tables
    )


class Script(ThreadingHTTPServer):
    """A server whose answers are written down: by path, status, header fields and body."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {"/server/tap/tables": (200, {}, vosi(MAIN, ARTIFACT))}
        self.asked = []

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/server"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(body)

    def do_GET(self):
        self._answer(b"")

    def _answer(self, body):
        path = self.path.partition("?")[0]
        self.server.asked.append((self.command, path, body))
        status, headers, content = self.server.answers.get(path, self.server.answers.get("*", (404, {}, b"")))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


@pytest.fixture
def script():
    with Script() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


ASKED = {
    "count": lambda archive: archive.count(NEBULA),
    "observations": lambda archive: archive.observations(NEBULA, cache=True),
    "products": lambda archive: archive.products([KEY], cache=True),
    "related": lambda archive: archive.related("jw02733-o002_t001_miri_f1130w"),
    "adql": lambda archive: archive.adql("SELECT 1"),
    "locate": lambda archive: archive.locate(["mast:JWST/product/a.fits"]),
    "tables": lambda archive: archive.tables(),
    "jobs": lambda archive: archive.jobs(),
}

VOTABLE = (
    b'<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3">'
    b'<RESOURCE type="results">'
    b'<INFO name="QUERY_STATUS" value="OK"/><TABLE><FIELD name="a" datatype="%b"/><DATA><TABLEDATA>'
    b"<TR><TD>%b</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
)
WRONG = {
    "web page": b"<!DOCTYPE html><html><body>Down for maintenance</body></html>",
    "nothing": b"",
    "json": b'{"metadata": [], "data": []}',
    "picture": b"\x89PNG\r\n\x1a\n\x00\xff",
    "truncated VOTable": (VOTABLE % (b"int", b"1"))[:-60],
    "truncated gzip": gzip.compress(VOTABLE % (b"int", b"1"))[:-12],
    "no gzip": b"\x1f\x8b\x08nothing",
    "value that is no number": VOTABLE % (b"int", b"many"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("verb", ASKED)
def test_what_is_no_answer_is_one_error_and_is_kept_nowhere(script, tmp_path, verb, kind):
    script.answers["*"] = (200, {}, WRONG[kind])
    if verb == "tables":
        script.answers["/server/tap/tables"] = script.answers["*"]
    answers = Answers(tmp_path / "answers")
    archive = EsaArchive(Host.at(script.url), manners=QUICK, answers=answers)
    with pytest.raises(Unreadable) as caught:
        ASKED[verb](archive)
    assert script.url in str(caught.value)
    assert "<" not in str(caught.value)
    assert not answers.folder.exists()


ERRORS = {
    "votable": (
        b'<VOTABLE><RESOURCE type="results"><INFO name="QUERY_STATUS" value="ERROR">Column <![CDATA[<b>x</b>]]> is '
        b"unknown</INFO></RESOURCE></VOTABLE>"
    ),
    "html": b"<html><ul><li><b>Message: </b>Column &lt;b&gt;x&lt;/b&gt; is unknown</li></ul></html>",
}


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize("verb", ["count", "observations", "products", "related", "adql"])
def test_an_error_of_the_service_is_told_in_its_words(script, verb, status):
    script.answers["*"] = (status, {}, ERRORS["votable"] if status == 200 else ERRORS["html"])
    archive = EsaArchive(Host.at(script.url), manners=QUICK)
    with pytest.raises(QueryError if verb == "adql" else Refused, match="reports an error: Column") as caught:
        ASKED[verb](archive)
    assert "is unknown" in str(caught.value)
    assert len([path for _, path, _ in script.asked if path.endswith("/sync")]) == 1  # the same would fail again


def harmful(
    fields=b'<FIELD name="a" datatype="int"/>', data=b"<TR><TD>1</TD></TR>", attributes=b"", after=b"", before=b""
):
    return (
        b'<?xml version="1.0"?>%b<VOTABLE version="1.4"><RESOURCE type="results"><INFO name="QUERY_STATUS" value="OK"/>'
        b"<TABLE %b>%b<DATA>%b</DATA></TABLE>%b</RESOURCE></VOTABLE>"
    ) % (before, attributes, fields, data if b"STREAM" in data else b"<TABLEDATA>%b</TABLEDATA>" % data, after)


def entities():
    lines = [b'<!ENTITY e0 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">']
    lines += [b'<!ENTITY e%d "%b">' % (number, b"&e%d;" % (number - 1) * 30) for number in range(1, 8)]
    return b"<!DOCTYPE VOTABLE [%b]>" % b"".join(lines)


@pytest.fixture
def harms(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("top secret " * 10)
    place = secret.as_uri().encode()
    return {
        "a file of this machine": harmful(data=b'<BINARY><STREAM encoding="none" href="%b"/></BINARY>' % place),
        "behind a sign": harmful(data=b"<BINARY><STREAM expires='>' href='%b'/></BINARY>" % place),
        "by a definition": harmful(
            data=b"<BINARY><STREAM/></BINARY>",
            before=b'<!DOCTYPE VOTABLE [<!ATTLIST STREAM href CDATA "%b">]>' % place,
        ),
        "entities of entities": harmful(data=b"<TR><TD>&e7;</TD></TR>", before=entities()),
        "rows without end": harmful(attributes=b'nrows="2000000000"'),
        "a wide text": harmful(fields=b'<FIELD name="a" datatype="char" arraysize="2000000000"/>'),
        "wide numbers": harmful(fields=b'<FIELD name="a" datatype="int" arraysize="10000x10000"/>'),
        "wide in all rows": harmful(
            fields=b'<FIELD name="a" datatype="int" arraysize="40000"/>', data=b"<TR><TD/></TR>" * 5000
        ),
        "another encoding": harmful().decode().encode("utf-16"),
    }


def test_a_table_that_means_harm_is_not_read(script, harms):
    archive = EsaArchive(Host.at(script.url), manners=QUICK)
    for kind, body in harms.items():
        script.answers["/server/tap/sync"] = (200, {}, body)
        with pytest.raises(Unreadable) as caught:
            archive.adql("SELECT 1")
        assert "secret" not in str(caught.value), kind


def test_a_table_keeps_what_only_looks_like_a_type_or_a_stream(script):
    text = b'datatype="text" a stream href="x" nrows = 7'
    body = harmful(fields=b'<FIELD name="a" datatype="char" arraysize="*"/>', data=b"<TR><TD>%b</TD></TR>" % text)
    script.answers["/server/tap/sync"] = (200, {}, body)
    assert EsaArchive(Host.at(script.url), manners=QUICK).adql("SELECT 1")["a"].tolist() == [text.decode()]


def test_an_error_behind_the_rows_is_an_error(script):
    script.answers["/server/tap/sync"] = (
        200,
        {},
        harmful(after=b'<INFO name="QUERY_STATUS" value="ERROR">the disk is full</INFO>'),
    )
    with pytest.raises(Refused, match="stopped after 1 rows: the disk is full"):
        EsaArchive(Host.at(script.url), manners=QUICK).adql("SELECT 1")


def test_one_long_text_does_not_make_all_rows_as_wide(script):
    data = b"<TR><TD>%b</TD></TR>" % (b"x" * 1_000_000) + b"<TR><TD>y</TD></TR>" * 20_000
    body = harmful(fields=b'<FIELD name="a" datatype="char" arraysize="*"/>', data=data)
    script.answers["/server/tap/sync"] = (200, {}, body)
    table = EsaArchive(Host.at(script.url), manners=QUICK).adql("SELECT 1", run_async=False)
    assert (len(table), len(table["a"][0]), table["a"].nbytes) == (20_001, 1_000_000, 8 * 20_001)


def test_a_page_that_makes_patterns_slow_is_read_in_no_time(script):
    script.answers["/server/tap/sync"] = (500, {}, b"<b>Message</b>" * 200_000)
    with pytest.raises(Refused):
        EsaArchive(Host.at(script.url), manners=replace(QUICK, tries=1)).count(NEBULA)


LISTS = {
    "another column": b"rows\n1\n",
    "too few values": b"rows_found,more\n1\n",
    "no end": b"rows_found\n1",
    "no number": b"rows_found\nmany\n",
    "quote without end": b'rows_found\n"1\n',
    "no utf-8": b"rows_found\n\xff\n",
}


@pytest.mark.parametrize("kind", LISTS)
def test_a_list_that_is_not_the_one_asked_for_is_unreadable(script, kind):
    script.answers["/server/tap/sync"] = (200, {}, LISTS[kind])
    with pytest.raises(Unreadable):
        EsaArchive(Host.at(script.url), manners=QUICK).count(NEBULA)


def test_a_list_may_be_compressed_and_quoted(script):
    script.answers["/server/tap/sync"] = (200, {}, gzip.compress(b'"ROWS_FOUND"\r\n"12"\r\n'))
    assert EsaArchive(Host.at(script.url), manners=QUICK).count(NEBULA) == 12


@pytest.mark.parametrize("lacking", ["observationid", "max_cal_level"])
def test_an_archive_without_a_column_that_is_needed_says_which(script, lacking):
    script.answers["/server/tap/tables"] = (200, {}, vosi([name for name in MAIN if name != lacking], ARTIFACT))
    with pytest.raises(Unreadable, match=f"lack columns.*{lacking}"):
        EsaArchive(Host.at(script.url), manners=QUICK).observations(NEBULA)


def test_a_type_of_column_that_nobody_knows_hinders_nobody(script):
    body = VOTABLE % (b"spoly", b"Polygon 1 2 3")
    script.answers["/server/tap/sync"] = (200, {}, body)
    table = EsaArchive(Host.at(script.url), manners=QUICK).adql("SELECT a FROM b")
    assert table["a"].tolist() == ["Polygon 1 2 3"]


def test_an_observation_with_few_columns_is_a_whole_row(script):
    names = b"observationid,calibrationlevel,time_bounds_lower,obsid,planeid"
    script.answers["/server/tap/sync"] = (
        200,
        {},
        names + b"\njw02733-o002_t001_miri_f1130w,3,,%b,x\n" % KEY.encode(),
    )
    [row] = EsaArchive(Host.at(script.url), manners=QUICK).observations(NEBULA)
    assert (row["obsid"], row["observation"], row["target_name"]) == (KEY, 2, "")
    assert row["t_min"] != row["t_min"]  # NaN: not known


@pytest.mark.parametrize(
    ("status", "error", "match"),
    [
        (429, Refused, "too many questions"),
        (500, Refused, "answered 500"),
        (503, Refused, "busy"),
        (403, Refused, "log in"),
        (404, Refused, "nothing at this address"),
    ],
)
def test_a_status_is_an_error_that_says_what_to_do(script, status, error, match):
    script.answers["/server/tap/sync"] = (status, {}, b"")
    with pytest.raises(error, match=match) as caught:
        EsaArchive(Host.at(script.url), manners=replace(QUICK, tries=2)).count(NEBULA)
    assert caught.value.status == status
    assert caught.value.archive == Host.at(script.url).name


def test_a_server_that_is_busy_is_asked_again(faulty_archive):
    archive = EsaArchive(Host.at(f"{faulty_archive.url}/server"), manners=QUICK)
    whole = archive.count(NEBULA)
    faulty_archive.faults = (
        Refuse(path="*/tap/sync", status=429, times=1),
        Refuse(path="*/tap/sync", status=500, times=1),
    )
    assert archive.count(NEBULA) == whole


@pytest.mark.parametrize("verb", ["count", "adql", "login", "status_messages"])
def test_a_redirect_elsewhere_is_not_followed(faulty_archive, verb):
    archive = EsaArchive(Host.at(f"{faulty_archive.url}/server"), manners=QUICK)
    archive.tables()
    faulty_archive.faults = (Redirect(path="/server/*", host="127.0.0.1:1"),)
    ask = {
        "login": lambda: archive.login(user="cecilia", password="secret-word"),
        "status_messages": archive.status_messages,
    }.get(verb, lambda: ASKED[verb](archive))
    with pytest.raises(Refused, match=r"sends its clients on to http://127\.0\.0\.1:1") as caught:
        ask()
    assert "secret-word" not in str(caught.value)
    assert archive.account.anonymous


def test_nobody_there_is_unreachable():
    archive = EsaArchive(Host.at("http://127.0.0.1:1/server"), manners=QUICK)
    for ask in (lambda: archive.count(NEBULA), archive.tables, archive.status_messages):
        with pytest.raises(Unreachable):
            ask()


# Jobs


def job(script, **answers):
    """Let the server take a job, and answer about it as given."""
    script.answers["/server/tap/async"] = (303, {"Location": f"{script.url}/tap/async/77I"}, b"")
    script.answers["/server/tap/deletejobs"] = (200, {}, b"")
    for what, body in answers.items():
        path = {"result": "results/result"}.get(what, what)
        script.answers[f"/server/tap/async/77I/{path}"] = (200, {}, body)


def removed(script):
    ticks = threading.Event()
    for _ in range(1000):
        if any(path.endswith("/deletejobs") and b"JOB_IDS=77I" in body for _, path, body in script.asked):
            return True
        ticks.wait(0.01)
    return False


@pytest.mark.parametrize(
    ("answers", "error", "match"),
    [
        ({"phase": b"ERROR", "error": ERRORS["votable"]}, QueryError, "Column"),
        ({"phase": b"ERROR", "error": b"?"}, QueryError, "does not say why"),
        ({"phase": b"ABORTED"}, QueryError, "aborted"),
        ({"phase": b"<html>"}, Unreadable, "web page"),
        ({"phase": b"DREAMING"}, Unreadable, "phase of a job"),
        ({"phase": b"COMPLETED", "result": (VOTABLE % (b"int", b"1"))[:-60]}, Unreadable, "cut short"),
        ({"phase": b"COMPLETED", "result": ERRORS["votable"]}, QueryError, "Column"),
    ],
    ids=["error", "error without words", "aborted", "web page", "no phase", "truncated result", "error as result"],
)
def test_a_job_that_comes_to_nothing_is_one_error_and_is_removed(script, answers, error, match):
    job(script, **answers)
    archive = EsaArchive(Host.at(script.url), manners=replace(QUICK, tries=1))
    with pytest.raises(error, match=match):
        archive.adql("SELECT 1", run_async=True)
    # one that was asked for by name, and is done, stays for whoever wants to look at it
    assert answers["phase"] == b"COMPLETED" or removed(script)


def test_a_job_that_works_for_ever_is_given_up_and_removed(script):
    job(script, phase=b"EXECUTING")
    archive = EsaArchive(Host.at(script.url), manners=replace(QUICK, patience=0.2, poll=0.01))
    with pytest.raises(ArchiveError, match=r"still working on the question after 0\.2 s"):
        archive.adql("SELECT 1", run_async=True)
    assert removed(script)


def test_a_job_that_works_for_ever_can_be_cancelled(script):
    job(script, phase=b"EXECUTING")
    cancel = threading.Event()
    archive = EsaArchive(Host.at(script.url), manners=QUICK)
    with pytest.raises(Cancelled):
        archive.adql("SELECT 1", run_async=True, progress=lambda _: cancel.set(), cancel=cancel)
    assert removed(script)


@pytest.mark.parametrize(
    ("location", "error"),
    [
        ("http://example.org/server/tap/async/77I", Refused),
        ("", Unreadable),
        ("/server/tap/async/a%20b", Unreadable),
        ("/server/tap/async/..", Unreadable),
        ("/server/tap/async/x%0d%0ay", Unreadable),
    ],
)
def test_a_job_that_is_elsewhere_is_not_followed(script, location, error):
    job(script)
    script.answers["/server/tap/async"] = (303, {"Location": location}, b"")
    archive = EsaArchive(Host.at(script.url), manners=replace(QUICK, tries=1))
    with pytest.raises(error):
        archive.adql("SELECT 1", run_async=True)
    assert {path for _, path, _ in script.asked} == {"/server/tap/async"}


@pytest.mark.parametrize("key", ["../../logout", "a/b", "", "a\r\nb", "7?x=1"])
def test_a_key_that_is_no_key_asks_nobody(script, key):
    archive = EsaArchive(Host.at(script.url), manners=replace(QUICK, tries=1))
    with pytest.raises(ArchiveError, match="does not name a job"):
        archive.open_job(key)
    with pytest.raises(ArchiveError, match="does not name a job"):
        archive.remove_jobs([key])
    assert script.asked == []


# Login


@pytest.mark.parametrize(
    ("answer", "error", "match"),
    [
        ((200, {}, b""), Unreadable, "began no session"),
        ((200, {"Set-Cookie": "OTHER=1"}, b""), Unreadable, "began no session"),
        ((200, {"Set-Cookie": 'JSESSIONID="a;b"'}, b""), Unreadable, "began no session"),
        ((401, {}, b""), LoginError, "does not accept"),
        ((500, {}, b""), LoginError, "does not accept"),
        ((503, {}, b""), Refused, "busy"),
    ],
)
def test_a_login_that_comes_to_nothing_leaves_nobody_logged_in(script, answer, error, match):
    script.answers["/server/login"] = answer
    archive = EsaArchive(Host.at(script.url), manners=replace(QUICK, tries=1))
    with pytest.raises(error, match=match):
        archive.login(user="a", password="b")
    assert archive.account.anonymous
    assert archive.authorization(script.url) == {}


def test_messages_are_one_printable_line_each(script):
    script.answers["/server/tap/notification"] = (200, {}, "1=Down\x1b[2J on <b>Monday</b>\n\n2=é=1\n".encode())
    archive = EsaArchive(Host.at(script.url), manners=QUICK)
    assert archive.status_messages() == ("Down [2J on Monday", "é=1")
    script.answers["/server/tap/notification"] = (200, {}, b"<html>")
    with pytest.raises(Unreadable):
        archive.status_messages()


class Endless(BaseHTTPRequestHandler):
    def do_POST(self):
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        try:
            while not self.server.over.is_set():
                self.wfile.write(packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_SYNC_FLUSH))
        except OSError:
            self.server.over.set()

    def log_message(self, *args):
        pass


def test_an_answer_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr("jwstmq_widgets.archives.connections._LONGEST", 1 << 27)
    with ThreadingHTTPServer(("127.0.0.1", 0), Endless) as server:
        server.over = threading.Event()
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        connections = Connections(Host.at(f"http://127.0.0.1:{server.server_address[1]}/server"), most=1)
        with pytest.raises(Unreadable, match="does not end"):
            connections.exchange("POST", f"http://127.0.0.1:{server.server_address[1]}/", timeout=20.0)
        assert server.over.wait(20)  # the connection was closed
        server.shutdown()
        thread.join()
