"""ESA's TAP+ of the local archive: queries, jobs, tables, uploads, login, and what it says to nonsense."""

import gzip
import html
import io
import json
import warnings
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from astropy.io import votable
from astropy.table import Table

from jwstmq_widgets.localarchive import (
    ESA_OTHER_PASSWORD,
    ESA_OTHER_USER,
    ESA_PASSWORD,
    ESA_USER,
    TOKEN,
    LocalArchive,
    faults,
)

UWS = "{http://www.ivoa.net/xml/UWS/v1.0}"
XLINK = "{http://www.w3.org/1999/xlink}"
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
ASK = {"REQUEST": "doQuery", "LANG": "ADQL"}
FEW = "SELECT TOP 3 observationid, calibrationlevel, target_ra, public FROM jwst.main ORDER BY observationid"
# All phases in which a job can be found, and how its document goes on (UWS 1.1, the schema's sequence).
SEQUENCE = [
    "jobId", "runId", "ownerId", "phase", "quote", "creationTime", "startTime", "endTime", "executionDuration",
    "destruction", "parameters", "results", "errorSummary", "jobInfo",
]  # fmt: skip
TABLE = b"""<?xml version="1.0"?>
<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>
<FIELD name="id" datatype="char" arraysize="*"/><FIELD name="number" datatype="int"/>
<DATA><TABLEDATA><TR><TD>a</TD><TD>1</TD></TR><TR><TD>b &amp; c</TD><TD></TD></TR></TABLEDATA></DATA>
</TABLE></RESOURCE></VOTABLE>"""


class Client:
    """Somebody who asks the TAP service."""

    def __init__(self, url: str, *, verify: str | bool = True) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = verify
        self.server = f"{url}/server"
        self.tap = f"{self.server}/tap"

    def sync(self, query: str = FEW, **more: Any) -> requests.Response:
        files = more.pop("files", None)
        return self.session.post(f"{self.tap}/sync", data={**ASK, "QUERY": query, **more}, files=files, timeout=60)

    def create(self, query: str = FEW, **more: Any) -> requests.Response:
        files = more.pop("files", None)
        data = {**ASK, "QUERY": query, **more}
        return self.session.post(f"{self.tap}/async", data=data, files=files, timeout=60, allow_redirects=False)

    def job(self, query: str = FEW, **more: Any) -> str:
        made = self.create(query, **more)
        assert made.status_code == 303, made.text
        return made.headers["Location"]

    def get(self, address: str, **query: Any) -> requests.Response:
        return self.session.get(address, params=query, timeout=90)

    def post(self, address: str, **form: Any) -> requests.Response:
        return self.session.post(address, data=form, timeout=60, allow_redirects=False)

    def ended(self, job: str) -> ET.Element:
        for phase in ("QUEUED", "EXECUTING"):
            self.get(job, WAIT=60, PHASE=phase)
        return ET.fromstring(self.get(job, WAIT=60).content)

    def login(self, user: str = ESA_USER, password: str = ESA_PASSWORD) -> requests.Response:
        return self.post(f"{self.server}/login", username=user, password=password)


@pytest.fixture
def client(local_archive: LocalArchive) -> Iterator[Client]:
    client = Client(local_archive.url)
    yield client
    client.session.close()


@pytest.fixture
def secure(local_archive: LocalArchive) -> Iterator[Client]:
    client = Client(local_archive.secure_url, verify=str(local_archive.ca_file))
    yield client
    client.session.close()


def rows_of(answer: requests.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [
        dict(zip(table.colnames, row, strict=True))
        for table in [Table.read(io.BytesIO(answer.content))]
        for row in table
    ]


def infos_of(document: bytes) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for info in ET.fromstring(document).iter("{http://www.ivoa.net/xml/VOTable/v1.3}INFO"):
        found.setdefault(info.attrib["name"], []).append((info.attrib["value"], info.text or ""))
    return found


def message_of(answer: requests.Response) -> str:
    """The error's text, wherever the archive has put it."""
    if "html" in answer.headers["Content-Type"]:
        return answer.text.partition("<li><b>Message: </b>")[2].partition("</li>")[0]
    [(value, text)] = infos_of(answer.content)["QUERY_STATUS"]
    assert value == "ERROR"
    return text


# Queries that are answered at once


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_query_is_answered_at_once(client: Client, method: str) -> None:
    parameters = {**ASK, "query": FEW}
    sent = {"params": parameters} if method == "GET" else {"data": parameters}
    answer = client.session.request(method, f"{client.tap}/sync", timeout=60, **sent)  # type: ignore[arg-type]
    assert answer.headers["Content-Type"] == "application/x-votable+xml"
    assert [row["calibrationlevel"] for row in rows_of(answer)]
    assert len(rows_of(answer)) == 3


def test_the_votable_of_every_table_breaks_no_rule(client: Client) -> None:
    tables = ET.fromstring(client.get(f"{client.tap}/tables", only_tables="true").content)
    for name in (table.findtext("name") for table in tables.iter("table")):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            answer = client.sync(f"SELECT TOP 20 * FROM {name}")
            table = votable.parse(io.BytesIO(answer.content), verify="exception").get_first_table()
        assert all(field.unit is None or "UnrecognizedUnit" not in repr(field.unit) for field in table.fields), name
        if name == "jwst.main":
            assert table.nrows == 20
            assert len(table.fields) == 109
            assert {field.name: str(field.unit) for field in table.fields}["target_ra"] == "deg"


@pytest.mark.parametrize(
    "name", ["votable", "votable_plain", "csv", "tsv", "json", "fits", "text/csv", "application/fits"]
)
def test_the_same_rows_come_in_every_format(client: Client, name: str) -> None:
    answer = client.sync(FORMAT=name)
    assert answer.status_code == 200
    expected = [row["observationid"] for row in rows_of(client.sync())]
    kind = name.rpartition("/")[2]
    if kind == "json":
        value = json.loads(answer.content)
        assert value["metadata"][0]["name"] == "observationid"
        found = [row[0] for row in value["data"]]
    elif kind.startswith("votable"):
        found = [row["observationid"] for row in rows_of(answer)]
    elif kind == "fits":
        found = [str(value) for value in Table.read(io.BytesIO(answer.content), format="fits")["observationid"]]
    else:
        lines = answer.text.splitlines()
        assert lines[0].replace("\t", ",") == "observationid,calibrationlevel,target_ra,public"
        found = [line.replace("\t", ",").partition(",")[0] for line in lines[1:]]
    assert found == expected


def test_what_tap_plus_calls_votable_is_compressed_for_everybody(client: Client) -> None:
    answer = client.session.post(
        f"{client.tap}/sync",
        data={**ASK, "QUERY": FEW, "FORMAT": "votable"},
        headers={"Accept-Encoding": "identity"},
        stream=True,
        timeout=60,
    )
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Disposition"].endswith('-result.vot"')
    assert gzip.decompress(answer.raw.read()).startswith(b"<?xml")


def test_two_thousand_rows_are_all_and_nothing_is_said(client: Client) -> None:
    answer = client.sync("SELECT planeid FROM jwst.plane")
    assert len(rows_of(answer)) == 2000
    assert infos_of(answer.content)["QUERY_STATUS"] == [("OK", "")]


def test_rows_beyond_maxrec_are_told(client: Client) -> None:
    answer = client.sync(MAXREC=2)
    assert len(rows_of(answer)) == 2
    assert [value for value, _ in infos_of(answer.content)["QUERY_STATUS"]] == ["OK", "OVERFLOW"]


def test_maxrec_zero_gives_the_columns_alone(client: Client) -> None:
    answer = client.sync(MAXREC=0)
    assert rows_of(answer) == []
    assert len(votable.parse(io.BytesIO(answer.content)).get_first_table().fields) == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"REQUEST": "doMagic"}, "REQUEST=doMagic is unknown"),
        ({"LANG": "SQL"}, "LANG=SQL is unknown"),
        ({"LANG": ""}, "LANG is missing"),
        ({"FORMAT": "xls"}, "format 'xls' is unknown"),
        ({"QUERY": ""}, "QUERY is missing"),
        ({"MAXREC": "many"}, "MAXREC=many"),
        ({"QUERY": "SELECT nothing FROM jwst.main"}, "nothing"),
        ({"QUERY": "DROP TABLE jwst.main"}, "DROP"),
        ({"QUERY": "SELECT 1 FROM jwst.main WHERE x = '<script>'"}, "<script>"),
        ({"UPLOAD": "mine,http://127.0.0.1:1/table.xml"}, "nothing is fetched"),
        ({"UPLOAD": "mine,param:mine"}, "did not come"),
        ({"UPLOAD": "../etc,param:mine"}, "no name of a table"),
    ],
)
@pytest.mark.parametrize("tapclient", ["", "ASTROQUERY"])
def test_what_is_wrong_is_told(client: Client, change: dict[str, str], said: str, tapclient: str) -> None:
    answer = client.session.post(
        f"{client.tap}/sync", data={**ASK, "QUERY": FEW, "tapclient": tapclient, **change}, timeout=60
    )
    assert answer.status_code == 400
    assert ("html" in answer.headers["Content-Type"]) == bool(tapclient)
    assert said in html.unescape(message_of(answer))


def test_a_query_of_ten_megabytes_is_refused(client: Client) -> None:
    answer = client.sync(f"SELECT observationid FROM jwst.main WHERE observationid = '{'x' * 10_000_000}'")
    assert answer.status_code == 400
    assert "at most 1,000,000" in message_of(answer)


def test_a_body_that_is_no_form_is_refused(client: Client) -> None:
    for kind, body in (
        ("application/x-www-form-urlencoded", b"QUERY=\xff\xfe"),
        ("multipart/form-data; boundary=x", b"--x\r\nno header\r\n"),
        ("multipart/form-data", b"--x--"),
    ):
        answer = client.session.post(f"{client.tap}/sync", data=body, headers={"Content-Type": kind}, timeout=60)
        assert answer.status_code == 400, kind
        assert message_of(answer)


# Uploads


def upload(client: Client, table: bytes, *, query: str = "SELECT * FROM tap_upload.mine", name: str = "t.xml") -> Any:
    return client.sync(query, UPLOAD="mine,param:part", files={"part": (name, table)})


@pytest.mark.parametrize("packed", [False, True])
def test_an_uploaded_table_can_be_asked(client: Client, packed: bool) -> None:
    answer = upload(client, gzip.compress(TABLE) if packed else TABLE)
    table = Table.read(io.BytesIO(answer.content))
    assert list(table["id"]) == ["a", "b & c"]
    assert table["number"].filled(-1).tolist() == [1, -1]


@pytest.mark.parametrize("name", ["../../etc/passwd", 'a"; name="QUERY', "\\\\server\\x", "x" * 5000])
def test_the_name_of_an_uploaded_file_means_nothing(client: Client, name: str) -> None:
    assert len(rows_of(upload(client, TABLE, name=name))) == 2


_LAUGH = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"this is no table", "cannot be read as a VOTable"),
        (b"", "cannot be read as a VOTable"),
        (TABLE[:-60], "cannot be read as a VOTable"),
        (b"<VOTABLE/>", "no columns"),
        (f'<!DOCTYPE x [<!ENTITY l0 "ha">{_LAUGH}]><VOTABLE>&l9;</VOTABLE>'.encode(), "document type"),
        (b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><VOTABLE>&f;</VOTABLE>', "document type"),
        (b'<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE x []><V/>'.decode().encode("utf-16"), "document type"),
        (gzip.compress(bytes(100 << 20)), "more than 8,388,608 bytes"),
        (b"\x1f\x8bbroken", "broken gzip"),
        (bytes(9 << 20), "more than 8,388,608 bytes"),
        (TABLE.replace(b"<TABLE>", b'<TABLE nrows="2000000000">'), "at most 100000"),
        (TABLE.replace(b'"*"', b'"2000000000"'), "arraysize"),
        (TABLE.replace(b'"int"', b'"int" arraysize="2"'), "arrays"),
        (TABLE.replace(b'"number"', b'"ID"'), "two columns"),
        (
            TABLE.replace(b"<TABLEDATA>", b'<BINARY><STREAM href="file:///etc/passwd"/></BINARY><TABLEDATA>'),
            "rows elsewhere",
        ),
    ],
)  # fmt: skip
def test_a_table_that_would_do_harm_is_refused(client: Client, table: bytes, said: str) -> None:
    answer = upload(client, table)
    assert answer.status_code == 400
    assert said in message_of(answer)
    assert client.get(f"{client.tap}/availability").status_code == 200


def test_hostile_names_of_columns_stay_names(client: Client) -> None:
    evil = b'x"; DROP TABLE t; --'
    table = TABLE.replace(b'"number"', b"'" + evil + b"'")
    answer = upload(client, table)
    document = votable.parse(io.BytesIO(answer.content)).get_first_table()
    assert document.fields[1].name == evil.decode()


# Jobs


def test_a_job_goes_from_pending_to_its_result(client: Client) -> None:
    job = client.job()
    assert client.get(f"{job}/phase").text == "PENDING"
    started = client.post(f"{job}/phase", PHASE="RUN")
    assert (started.status_code, started.headers["Location"]) == (303, job)
    assert client.ended(job).findtext(f"{UWS}phase") == "COMPLETED"
    assert len(rows_of(client.get(f"{job}/results/result"))) == 3


def test_a_jobs_document_is_as_uws_wants_it(client: Client) -> None:
    job = client.job(PHASE="RUN", RUNID="mine", jobname="a & b", FORMAT="csv")
    document = client.ended(job)
    names = [element.tag.removeprefix(UWS) for element in document]
    assert document.tag == f"{UWS}job"
    assert document.attrib["version"] == "1.1"
    assert names == [name for name in SEQUENCE if name in names]
    assert {"jobId", "phase", "executionDuration", "destruction", "parameters", "results"} <= set(names)
    assert document.findtext(f"{UWS}jobId") == job.rpartition("/")[2]
    assert document.findtext(f"{UWS}runId") == "mine"
    assert document.find(f"{UWS}ownerId").attrib[NIL] == "true"  # type: ignore[union-attr]
    assert document.findtext(f"{UWS}jobInfo/{UWS}name") == "a & b"
    parameters = {element.attrib["id"]: element.text for element in document.iter(f"{UWS}parameter")}
    assert parameters["query"] == FEW
    [result] = document.iter(f"{UWS}result")
    assert result.attrib[f"{XLINK}href"] == f"{job}/results/result"
    assert client.get(result.attrib[f"{XLINK}href"]).headers["Content-Type"].startswith("text/csv")


def test_each_part_of_a_job_has_its_own_address(client: Client) -> None:
    job = client.job()
    assert client.get(f"{job}/owner").text == ""
    assert client.get(f"{job}/quote").text == ""
    assert client.get(f"{job}/executionduration").text == "600"
    assert client.post(f"{job}/executionduration", EXECUTIONDURATION="20").status_code == 303
    assert client.get(f"{job}/executionduration").text == "20"
    assert client.post(f"{job}/destruction", DESTRUCTION="2099-01-02T03:04:05Z").status_code == 303
    assert client.get(f"{job}/destruction").text == "2099-01-02T03:04:05.000Z"
    assert client.post(f"{job}/parameters", QUERY="SELECT 1 AS one FROM public.dual").status_code == 303
    assert "one" in client.get(f"{job}/parameters").text
    assert list(ET.fromstring(client.get(f"{job}/results").content)) == []
    assert client.get(f"{job}/error").status_code == 404
    assert client.get(f"{job}/results/result").status_code == 404
    assert client.get(f"{job}/nonsense").status_code == 404


def test_an_upload_can_follow_before_the_job_runs(client: Client) -> None:
    job = client.job("SELECT COUNT(*) AS n FROM tap_upload.mine")
    sent = client.session.post(
        f"{job}/parameters",
        data={"UPLOAD": "mine,param:part"},
        files={"part": TABLE},
        timeout=60,
        allow_redirects=False,
    )
    assert sent.status_code == 303
    client.post(f"{job}/phase", PHASE="RUN")
    client.ended(job)
    assert rows_of(client.get(f"{job}/results/result"))[0]["n"] == 2


def test_a_job_can_wait_for_and_is_aborted(faulty_archive: LocalArchive, client: Client) -> None:
    faulty_archive.faults = [faults.SlowQuery(seconds=600)]
    job = client.job(PHASE="RUN")
    client.get(job, WAIT=60, PHASE="QUEUED")
    assert client.get(f"{job}/phase").text == "EXECUTING"
    aborted = client.post(f"{job}/phase", PHASE="ABORT")
    assert aborted.status_code == 200  # astroquery takes nothing else
    assert client.get(job, WAIT=-1).status_code == 200
    assert client.get(f"{job}/phase").text == "ABORTED"
    assert client.post(f"{job}/phase", PHASE="RUN").status_code == 400


def test_a_job_that_takes_longer_than_it_may_is_aborted(faulty_archive: LocalArchive, client: Client) -> None:
    faulty_archive.faults = [faults.SlowQuery(seconds=600)]
    job = client.job()
    client.post(f"{job}/executionduration", EXECUTIONDURATION="0.05")
    client.post(f"{job}/phase", PHASE="RUN")
    assert client.ended(job).findtext(f"{UWS}phase") == "ABORTED"


def test_a_wrong_query_makes_an_error_that_can_be_read(client: Client) -> None:
    job = client.job("SELECT nothing FROM jwst.main", PHASE="RUN")
    document = client.ended(job)
    assert document.findtext(f"{UWS}phase") == "ERROR"
    assert "nothing" in document.findtext(f"{UWS}errorSummary/{UWS}message", "")
    assert "nothing" in message_of(client.get(f"{job}/error"))
    result = client.get(f"{job}/results/result")
    assert result.status_code == 400
    assert "nothing" in message_of(result)


@pytest.mark.parametrize("how", ["DELETE", "ACTION", "deletejobs"])
def test_a_job_is_deleted(client: Client, how: str) -> None:
    job = client.job(PHASE="RUN")
    if how == "DELETE":
        gone = client.session.delete(job, timeout=60, allow_redirects=False)
    elif how == "ACTION":
        gone = client.post(job, ACTION="DELETE")
    else:
        gone = client.post(f"{client.tap}/deletejobs", JOB_IDS=f"{job.rpartition('/')[2]},")
    assert gone.status_code == (200 if how == "deletejobs" else 303)
    assert client.get(job).status_code == 404
    assert job.rpartition("/")[2] not in client.get(f"{client.tap}/async").text


def test_deleting_several_jobs_deletes_all_or_none(client: Client) -> None:
    job = client.job()
    answer = client.post(f"{client.tap}/deletejobs", JOB_IDS=f"{job.rpartition('/')[2]},0I")
    assert answer.status_code == 404
    assert "0I" in message_of(answer)
    assert client.get(job).status_code == 200


def test_jobs_are_listed_by_phase_time_and_number(secure: Client) -> None:
    secure.login()
    jobs = [secure.job() for _ in range(3)]
    secure.post(f"{jobs[1]}/phase", PHASE="RUN")
    secure.ended(jobs[1])
    made = ET.fromstring(secure.get(jobs[0]).content).findtext(f"{UWS}creationTime")

    def listed(**query: Any) -> list[str]:
        document = ET.fromstring(secure.get(f"{secure.tap}/async", **query).content)
        assert document.tag == f"{UWS}jobs"
        return [entry.attrib[f"{XLINK}href"] for entry in document.iter(f"{UWS}jobref")]

    assert listed()[-3:] == jobs
    assert jobs[1] in listed(PHASE="COMPLETED")
    assert jobs[0] not in listed(PHASE="COMPLETED")
    assert listed(LAST=2) == [jobs[2], jobs[1]]
    assert listed(AFTER=made)[-2:] == jobs[1:]
    assert secure.get(f"{secure.tap}/async", LAST="x").status_code == 400
    assert secure.get(f"{secure.tap}/async", AFTER="yesterday").status_code == 400


def test_jobs_are_found_by_name_and_query(secure: Client) -> None:
    secure.login()
    secure.job(jobname="first of its name")
    job = secure.job("SELECT TOP 1 target_dec FROM jwst.main", jobname="second")
    for wanted in (
        {"jobname": "second"},
        {"name": "second"},
        {"query": "target_dec"},
        {"jobid": job.rpartition("/")[2]},
    ):
        document = ET.fromstring(secure.get(f"{secure.tap}/jobs/async", metadata_only="True", **wanted).content)
        found = [element.findtext(f"{UWS}jobId") for element in document.iter(f"{UWS}job")]
        assert found == [job.rpartition("/")[2]], wanted


# Tables, capabilities and the rest

_VOD = "{http://www.w3.org/2001/XMLSchema-instance}type"


def test_tables_have_what_vosi_and_esas_client_want(client: Client) -> None:
    document = ET.fromstring(client.get(f"{client.tap}/tables").content)
    assert document.tag == "{http://www.ivoa.net/xml/VOSITables/v1.0}tableset"
    tables = {str(table.findtext("name")): table for table in document.iter("table")}
    assert {"jwst.main", "jwst.artifact", "jwst.plane", "ivoa.obscore", "tap_schema.columns"} <= set(tables)
    for name, table in tables.items():
        assert name.partition(".")[0] in {schema.findtext("name") for schema in document.iter("schema")}
        columns = table.findall("column")
        assert columns, name
        for column in columns:
            order = [element.tag for element in column]
            known = ["name", "description", "unit", "ucd", "utype", "dataType", "flag"]
            assert [tag for tag in known if tag in order] == list(dict.fromkeys(order)), name
            assert column.attrib["{http://esa.int/xml/EsaTapPlus}flags"].isdecimal()
            assert column.find("dataType").attrib[_VOD] == "vod:VOTableType"  # type: ignore[union-attr]
    assert len(tables["jwst.main"].findall("column")) == 109


def test_tables_come_alone_or_without_their_columns(client: Client) -> None:
    short = ET.fromstring(client.get(f"{client.tap}/tables", only_tables="true", share_accessible="true").content)
    assert list(short.iter("column")) == []
    assert len(list(short.iter("table"))) > 10
    one = ET.fromstring(client.get(f"{client.tap}/tables", tables="jwst.main").content)
    assert [table.findtext("name") for table in one.iter("table")] == ["jwst.main"]
    alone = ET.fromstring(client.get(f"{client.tap}/tables/jwst.plane").content)
    assert alone.findtext("name") == "jwst.plane"
    assert client.get(f"{client.tap}/tables", tables="jwst.nothing").status_code == 404
    assert client.get(f"{client.tap}/tables/jwst.nothing").status_code == 404


def test_every_column_in_the_list_can_be_asked_for(client: Client) -> None:
    document = ET.fromstring(client.get(f"{client.tap}/tables").content)
    for table in document.iter("table"):
        names = [str(column.findtext("name")) for column in table.findall("column")]
        quoted = ", ".join(f'"{name}"' for name in names)
        answer = client.sync(f"SELECT TOP 1 {quoted} FROM {table.findtext('name')}")
        assert answer.status_code == 200, (table.findtext("name"), answer.text[:500])


def test_the_examples_can_be_run(client: Client) -> None:
    page = ET.fromstring(client.get(f"{client.tap}/examples").content)
    queries = [element.text for element in page.iter() if element.attrib.get("property") == "query"]
    assert len(queries) >= 3
    for query in queries:
        assert rows_of(client.sync(str(query)))


def test_it_is_available_since_it_began(client: Client) -> None:
    document = ET.fromstring(client.get(f"{client.tap}/availability").content)
    assert document.findtext("{http://www.ivoa.net/xml/VOSIAvailability/v1.0}available") == "true"


def test_news_come_a_line_each(faulty_archive: LocalArchive, client: Client) -> None:
    faulty_archive.faults = [faults.Notice(message="Down on Tuesday.\nUp on <b>Wednesday</b>.")]
    answer = client.get(f"{client.tap}/notification", action="GetNotifications")
    assert answer.text == "1=Down on Tuesday.\n2=Up on <b>Wednesday</b>.\n"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/tap/nothing", 404),
        ("GET", "/tap/async/0I", 404),
        ("GET", "/tap/async/..%2f..%2fetc", 404),
        ("GET", "/tap/async/%00", 404),
        ("DELETE", "/tap/async/0I", 404),
        ("DELETE", "/tap/sync", 405),
        ("GET", "/login", 405),
        ("POST", "/tap/tables", 405),
        ("GET", "/tap/notification?action=GetSecrets", 400),
        ("POST", "/tap/deletejobs", 400),
    ],
)
def test_a_wrong_address_has_one_clear_answer(client: Client, method: str, path: str, status: int) -> None:
    answer = client.session.request(method, client.server + path, timeout=60)
    assert answer.status_code == status
    assert message_of(answer)


# Login


def test_a_session_begins_with_login_and_ends_with_logout(secure: Client) -> None:
    assert secure.login().status_code == 200
    cookie = secure.session.cookies.get("JSESSIONID")
    assert cookie
    assert secure.post(f"{secure.server}/jwstToken", token=TOKEN).status_code == 200
    assert secure.post(f"{secure.server}/logout").status_code == 200
    secure.session.headers["Cookie"] = f"JSESSIONID={cookie}"  # as astroquery does: it keeps the cookie
    assert secure.post(f"{secure.server}/jwstToken", token=TOKEN).status_code == 403


def test_a_token_needs_a_session_and_must_be_known(secure: Client) -> None:
    assert secure.post(f"{secure.server}/jwstToken", token=TOKEN).status_code == 403
    secure.login()
    assert secure.post(f"{secure.server}/jwstToken", token="0" * 32).status_code == 500


@pytest.mark.parametrize(
    ("user", "password"), [(ESA_USER, "wrong"), ("nobody", ESA_PASSWORD), (ESA_USER, ESA_OTHER_PASSWORD)]
)
def test_a_wrong_password_is_refused(secure: Client, user: str, password: str) -> None:
    answer = secure.login(user, password)
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers


def test_a_job_belongs_to_the_user_who_made_it(local_archive: LocalArchive, secure: Client, client: Client) -> None:
    secure.login()
    job = secure.job()
    other = Client(local_archive.secure_url, verify=str(local_archive.ca_file))
    other.login(ESA_OTHER_USER, ESA_OTHER_PASSWORD)
    with other.session:
        for somebody in (other, client):
            address = f"{somebody.tap}/async/{job.rpartition('/')[2]}"
            assert somebody.get(address).status_code == 403
            assert somebody.session.delete(address, timeout=60).status_code == 403
            assert somebody.post(f"{address}/phase", PHASE="RUN").status_code == 403
            assert job.rpartition("/")[2] not in somebody.get(f"{somebody.tap}/async").text
            assert somebody.post(f"{somebody.tap}/deletejobs", JOB_IDS=job.rpartition("/")[2]).status_code == 403
    assert secure.get(job).status_code == 200


def test_the_log_holds_no_password_no_token_and_no_cookie(faulty_archive: LocalArchive, secure: Client) -> None:
    secure.login()
    cookie = str(secure.session.cookies.get("JSESSIONID"))
    secure.post(f"{secure.server}/jwstToken", token=TOKEN)
    secure.get(f"{secure.tap}/async", password=ESA_PASSWORD, token=TOKEN, JSESSIONID=cookie)
    secure.session.post(f"{secure.server}/login", json={"username": ESA_USER, "password": ESA_PASSWORD}, timeout=60)
    secure.session.post(
        f"{secure.server}/login", files={"password": (None, ESA_PASSWORD), "username": (None, ESA_USER)}, timeout=60
    )
    secure.post(f"{secure.tap}/sync", QUERY="x", Password=ESA_PASSWORD)
    log = repr(faulty_archive.requests)
    assert "/server/jwstToken" in log
    assert f"account='{ESA_USER}'" in log
    for secret in (ESA_PASSWORD, TOKEN, cookie):
        assert secret not in log


# TLS


def test_the_certificate_is_checked_with_the_archives_own_authority(local_archive: LocalArchive) -> None:
    stranger = Client(local_archive.secure_url)
    with stranger.session, pytest.raises(requests.exceptions.SSLError):
        stranger.get(f"{stranger.tap}/availability")
    assert "PRIVATE" not in local_archive.ca_file.read_text()  # type: ignore[union-attr]


def test_both_faces_are_there_with_tls(local_archive: LocalArchive) -> None:
    client = Client(local_archive.secure_url, verify=str(local_archive.ca_file))
    with client.session:
        assert client.get(f"{local_archive.secure_url}/whoami").json()["anon"]
        job = client.job()
        assert job.startswith(f"{local_archive.secure_url}/")


def test_the_authoritys_file_lives_as_long_as_the_archive(catalogue_folder: Any, local_archive: LocalArchive) -> None:
    with LocalArchive(folder=catalogue_folder) as archive:
        path = archive.ca_file
        assert path is not None
        assert path.exists()
        assert path != local_archive.ca_file
    assert not path.exists()


# What goes wrong on purpose


def test_faults_meet_these_paths_too(faulty_archive: LocalArchive, client: Client, secure: Client) -> None:
    faulty_archive.faults = [
        faults.Refuse(path="/server/tap/sync", status=503, retry_after=3, times=1),
        faults.Cut(path="/server/tap/sync", after=100, times=1, skip=1),
        faults.Drop(path="/server/tap/sync", times=1, skip=2),
        faults.Expire(path="/server/jwstToken"),
    ]
    refused = client.sync()
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "3")
    with pytest.raises(requests.exceptions.RequestException):
        client.sync()
    with pytest.raises(requests.exceptions.ConnectionError):
        client.sync()
    assert client.sync().status_code == 200
    secure.login()
    assert secure.post(f"{secure.server}/jwstToken", token=TOKEN).status_code == 403
