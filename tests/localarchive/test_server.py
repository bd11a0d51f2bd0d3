"""The local archive's process, its HTTP, and what goes wrong in it on purpose."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests

from jwstmq_widgets.localarchive import TOKEN, TOKEN_EXPIRED, TOKEN_WITHOUT_ACCESS, LocalArchive, faults
from jwstmq_widgets.localarchive.holdings.store import catalogue_path

PREVIEW = "jw02733-o002_t001_miri_f1130w_i2d.jpg"


@pytest.fixture
def session(local_archive: LocalArchive) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="module")
def closed(local_archive: LocalArchive) -> str:
    """The name of a product in its exclusive-access period."""
    filters = [
        {"paramName": "dataRights", "values": ["EXCLUSIVE_ACCESS"]},
        {"paramName": "calib_level", "values": ["2", "3"]},
    ]
    rows = invoke(local_archive.url, "Mast.Caom.Filtered", columns="*", filters=filters)["data"]
    products = invoke(local_archive.url, "Mast.Caom.Products", obsid=rows[0]["obsid"])["data"]
    return str(next(row["productFilename"] for row in products if row["dataRights"] == "EXCLUSIVE_ACCESS"))


def invoke(url: str, service: str, *, page: int = 1, pagesize: int = 50_000, **params: Any) -> dict[str, Any]:
    asked = {"service": service, "params": params, "format": "json", "pagesize": pagesize, "page": page}
    reply = requests.post(f"{url}/api/v0/invoke", data={"request": json.dumps(asked)}, timeout=60)
    answer: dict[str, Any] = reply.json()
    return answer


def file_url(url: str, name: str = PREVIEW) -> str:
    return f"{url}/api/v0.1/Download/file?uri={quote(f'mast:JWST/product/{name}', safe=':/')}"


# The process


def test_it_lives_on_a_port_of_its_own_choice(local_archive: LocalArchive) -> None:
    parts = urlsplit(local_archive.url)
    assert parts.hostname == "127.0.0.1"
    assert parts.port


def test_starting_twice_is_starting_once(local_archive: LocalArchive) -> None:
    url = local_archive.url
    assert local_archive.start().url == url


def test_stopping_ends_the_process_and_can_be_repeated(catalogue_folder: Path, local_archive: LocalArchive) -> None:
    archive = LocalArchive(folder=catalogue_folder).start()
    port = urlsplit(archive.url).port
    archive.stop()
    archive.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port or 0), timeout=5)


def test_it_can_be_started_again(catalogue_folder: Path, local_archive: LocalArchive) -> None:
    archive = LocalArchive(folder=catalogue_folder)
    for _ in range(2):
        with archive:
            assert requests.get(f"{archive.url}/whoami", timeout=30).status_code == 200


def test_a_stopped_archive_has_no_address() -> None:
    with pytest.raises(RuntimeError, match="start"):
        _ = LocalArchive().url


def test_a_taken_port_is_told(local_archive: LocalArchive, catalogue_folder: Path) -> None:
    port = urlsplit(local_archive.url).port or 0
    with pytest.raises(RuntimeError, match=r"(?i)address already in use"):
        LocalArchive(port=port, folder=catalogue_folder).start()


def test_it_ends_with_a_parent_that_is_killed(catalogue_folder: Path, local_archive: LocalArchive) -> None:
    script = (
        "import sys, time; from pathlib import Path; from jwstmq_widgets.localarchive import LocalArchive;"
        "archive = LocalArchive(folder=Path(sys.argv[1])).start(); print(archive.url, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(catalogue_folder)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        port = urlsplit(parent.stdout.readline().decode().strip()).port or 0
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            parent.kill()
            # The open connection ends when the server's process does.
            assert connection.recv(1) == b""
        parent.wait()


def test_the_command_prints_one_line_and_ends_well_at_ctrl_c(
    catalogue_folder: Path, local_archive: LocalArchive
) -> None:
    command = [sys.executable, "-m", "jwstmq_widgets.localarchive.server", "--folder", str(catalogue_folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert requests.get(f"{url}/whoami", timeout=30).json()["anon"] is True
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=30)
    assert (said, errors, process.returncode) == ("", "", 0)


def test_it_goes_on_when_another_version_takes_the_catalogue_away(
    catalogue_folder: Path, local_archive: LocalArchive, tmp_path: Path
) -> None:
    catalogue = Path(shutil.copy(catalogue_path(catalogue_folder), tmp_path))
    with LocalArchive(folder=tmp_path, latency=0.01) as archive:
        catalogue.unlink()
        asked: dict[str, Any] = {"columns": "COUNT_BIG(*)", "filters": []}
        with ThreadPoolExecutor(16) as threads:
            replies = threads.map(lambda _: invoke(archive.url, "Mast.Caom.Filtered", **asked), range(64))
            assert {reply["status"] for reply in replies} == {"COMPLETE"}


def test_a_fork_does_not_end_its_parents_archive(local_archive: LocalArchive) -> None:
    script = (
        "import os, sys; from pathlib import Path; from jwstmq_widgets.localarchive import LocalArchive\n"
        "archive = LocalArchive(folder=Path(sys.argv[1])).start()\n"
        "if os.fork() == 0: archive.stop(); os._exit(0)\n"
        "os.wait(); archive.clear_requests(); print('well'); archive.stop()"
    )
    folder = local_archive._options[local_archive._options.index("--folder") + 1]
    ended = subprocess.run(
        [sys.executable, "-c", script, folder], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.stdout.strip() == "well", ended.stderr


# Accounts


@pytest.mark.parametrize(
    ("headers", "scopes"),
    [
        ({}, []),
        ({"Authorization": f"token {TOKEN}"}, ["mast:user:info", "mast:exclusive_access"]),
        ({"Authorization": f"Bearer {TOKEN}"}, ["mast:user:info", "mast:exclusive_access"]),
        ({"Cookie": f"mast_token={TOKEN_WITHOUT_ACCESS}"}, ["mast:user:info"]),
        ({"Cookie": f"mast_token={TOKEN_EXPIRED}"}, []),
        ({"Authorization": "token nonsense"}, []),
    ],
)
def test_a_token_is_known_wherever_it_is_sent(
    session: requests.Session, archive_url: str, headers: dict[str, str], scopes: list[str]
) -> None:
    account = session.get(f"{archive_url}/whoami", headers=headers, timeout=30).json()
    assert account["scopes"] == scopes
    assert account["anon"] is not bool(scopes)


@pytest.mark.parametrize(
    ("token", "status", "challenge"),
    [
        (None, 401, 'Bearer realm="MAST"'),
        (TOKEN_EXPIRED, 401, 'Bearer realm="MAST", error="invalid_token"'),
        (TOKEN_WITHOUT_ACCESS, 401, 'Bearer realm="MAST", error="insufficient_scope"'),
        (TOKEN, 200, None),
    ],
)
def test_exclusive_products_need_a_token_with_the_right(
    session: requests.Session, archive_url: str, closed: str, token: str | None, status: int, challenge: str | None
) -> None:
    headers = {"Authorization": f"token {token}"} if token else {}
    reply = session.get(file_url(archive_url, closed), headers=headers, timeout=60)
    assert (reply.status_code, reply.headers.get("WWW-Authenticate")) == (status, challenge)


# Files


def test_a_file_is_what_is_made_for_it(session: requests.Session, archive_url: str, content_of: Any) -> None:
    reply = session.get(file_url(archive_url), timeout=60)
    assert reply.content == content_of(PREVIEW)
    assert reply.headers["Content-Type"] == "image/jpeg"
    assert int(reply.headers["Content-Length"]) == len(reply.content)


def test_a_head_tells_the_same_without_the_bytes(session: requests.Session, archive_url: str) -> None:
    head, reply = session.head(file_url(archive_url), timeout=60), session.get(file_url(archive_url), timeout=60)
    kept = ("Content-Length", "Content-Type", "ETag", "Last-Modified", "Accept-Ranges")
    assert [head.headers[name] for name in kept] == [reply.headers[name] for name in kept]
    assert head.content == b""


@pytest.mark.parametrize(
    ("wanted", "start", "stop"),
    [("bytes=0-0", 0, 1), ("bytes=10-19", 10, 20), ("bytes=100-", 100, None), ("bytes=-7", -7, None),
     ("bytes=5-99999999999", 5, None), ("bytes=-99999999999", 0, None)],
)  # fmt: skip
def test_a_part_is_that_part(
    session: requests.Session, archive_url: str, content_of: Any, wanted: str, start: int, stop: int | None
) -> None:
    whole = content_of(PREVIEW)
    reply = session.get(file_url(archive_url), headers={"Range": wanted}, timeout=60)
    assert reply.status_code == 206
    assert reply.content == whole[start:stop]
    first = start % len(whole)
    assert reply.headers["Content-Range"] == f"bytes {first}-{first + len(reply.content) - 1}/{len(whole)}"


@pytest.mark.parametrize("wanted", ["bytes=9-5", "bytes=a-b", "lines=1-2", "bytes=0-1,5-6", "bytes=-", "bytes=٣-"])
def test_a_range_that_means_nothing_here_is_ignored(session: requests.Session, archive_url: str, wanted: str) -> None:
    reply = session.get(file_url(archive_url), headers={"Range": wanted.encode()}, timeout=60)
    assert reply.status_code == 200


@pytest.mark.parametrize("wanted", ["bytes=99999999999-", "bytes=-0"])
def test_a_range_beyond_the_end_is_416(session: requests.Session, archive_url: str, wanted: str) -> None:
    reply = session.get(file_url(archive_url), headers={"Range": wanted}, timeout=60)
    size = session.head(file_url(archive_url), timeout=60).headers["Content-Length"]
    assert (reply.status_code, reply.headers["Content-Range"]) == (416, f"bytes */{size}")


def test_if_range_gives_the_part_only_of_the_same_file(session: requests.Session, archive_url: str) -> None:
    head = session.head(file_url(archive_url), timeout=60).headers
    states = {}
    for validator in (head["ETag"], head["Last-Modified"], '"another"', f"W/{head['ETag']}", "nonsense"):
        headers = {"Range": "bytes=5-", "If-Range": validator}
        states[validator] = session.get(file_url(archive_url), headers=headers, timeout=60).status_code
    assert list(states.values()) == [206, 206, 200, 200, 200]


def test_what_is_already_known_is_not_sent_again(session: requests.Session, archive_url: str) -> None:
    head = session.head(file_url(archive_url), timeout=60).headers
    for condition in ({"If-None-Match": head["ETag"]}, {"If-Modified-Since": head["Last-Modified"]}):
        reply = session.get(file_url(archive_url), headers=condition, timeout=60)
        assert (reply.status_code, reply.content) == (304, b"")
    assert session.get(file_url(archive_url), headers={"If-Match": '"x"'}, timeout=60).status_code == 412


@pytest.mark.parametrize("date", ["yesterday", "Mon, 13 Jun 2050 00:00:00 -0000", "99999999999999999999", ""])
def test_a_strange_date_is_no_reason_to_fail(session: requests.Session, archive_url: str, date: str) -> None:
    headers = {"If-Unmodified-Since": date}
    assert session.head(file_url(archive_url), headers=headers, timeout=60).status_code == 200


def test_the_mission_may_be_written_in_any_case_but_not_the_file(session: requests.Session, archive_url: str) -> None:
    lower = file_url(archive_url).replace("JWST", "jwst")
    assert session.head(lower, timeout=60).status_code == 200
    assert session.head(file_url(archive_url, PREVIEW.upper()), timeout=60).status_code == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v0.1/Download/file", 400),
        ("/api/v0.1/Download/file?uri=", 400),
        ("/api/v0.1/Download/file?uri=mast:JWST/product/..%2f..%2fetc%2fpasswd", 404),
        ("/api/v0.1/Download/file?uri=mast:JWST/product/../../etc/passwd", 404),
        ("/api/v0.1/Download/file?uri=mast:HST/product/x.fits", 404),
        ("/api/v0.1/Download/file?uri=%ff", 400),
        ("/%ff", 400),
        ("/../../etc/passwd", 404),
        ("/search/jwst/api/v0.1/retrieve_product?product_name=a/b/c", 404),
        ("/search/jwst/api/v0.1/search", 405),
    ],
)
def test_nonsense_is_refused_without_a_traceback(archive_url: str, path: str, status: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(archive_url).netloc, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path)
        reply = connection.getresponse()
        body = reply.read()
    assert reply.status == status
    assert b"Traceback" not in body
    assert body


def test_it_is_no_proxy_to_elsewhere(archive_url: str) -> None:
    reply = requests.get("http://example.org/", proxies={"http": archive_url}, timeout=30)
    assert reply.status_code == 403


def test_a_connection_is_used_again(session: requests.Session, faulty_archive: LocalArchive) -> None:
    for _ in range(3):
        session.get(file_url(faulty_archive.url), timeout=60)
    assert len({request.connection for request in faulty_archive.requests}) == 1


def test_answers_are_compressed_for_those_who_can_read_it(session: requests.Session, archive_url: str) -> None:
    body = {"request": json.dumps({"service": "Mast.Caom.Filtered", "params": {"columns": "*", "filters": []}})}
    packed = session.post(f"{archive_url}/api/v0/invoke", data=body, timeout=60)
    plain = session.post(f"{archive_url}/api/v0/invoke", data=body, headers={"Accept-Encoding": "identity"}, timeout=60)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert packed.json() == plain.json()


def test_a_body_beyond_the_limit_is_refused(archive_url: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(archive_url).netloc, timeout=30)
    with contextlib.closing(connection):
        connection.putrequest("POST", "/api/v0/invoke")
        connection.putheader("Content-Length", str(1 << 30))
        connection.endheaders()
        assert connection.getresponse().status == 400


def test_a_client_that_leaves_ends_its_stream(catalogue_folder: Path) -> None:
    # An archive of its own: the shared one may still be answering clients that other tests have left.
    with LocalArchive(folder=catalogue_folder, faults=[faults.Slow(path=PREVIEW, rate=2000)]) as archive:
        with requests.get(file_url(archive.url), stream=True, timeout=60) as reply:
            next(reply.iter_content(100))
        # At this rate the whole stream takes 20 s and more; each question here takes milliseconds.
        for _ in range(1000):
            requests.get(f"{archive.url}/whoami", timeout=30)
            if archive.requests[-1].together == 1:
                break
        stream, *_, last = archive.requests
    assert last.together == 1
    assert 0 < stream.bytes < int(reply.headers["Content-Length"])


def test_a_long_stream_needs_little_memory(catalogue_folder: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("reads the process's memory from /proc")
    with LocalArchive(folder=catalogue_folder, scale="real") as archive:
        name = "jw02733-o001_t001_nircam_clear-f090w_i2d.fits"
        got = 0
        with requests.get(file_url(archive.url, name), stream=True, timeout=60) as reply:
            assert reply.status_code == 200
            for piece in reply.iter_content(1 << 20):
                got += len(piece)
                if got > 200_000_000:
                    break
        assert archive._process is not None
        status = Path(f"/proc/{archive._process.pid}/status").read_text()
    peak = int(status.split("VmHWM:")[1].split()[0]) * 1024
    assert got > 200_000_000
    assert peak < 600_000_000


# The log


def test_the_log_tells_what_was_asked(session: requests.Session, faulty_archive: LocalArchive) -> None:
    size = len(session.get(file_url(faulty_archive.url), headers={"Range": "bytes=5-14"}, timeout=60).content)
    invoke(faulty_archive.url, "Mast.Caom.Products", obsid="1")
    file, products = faulty_archive.requests
    assert (file.method, file.subject, file.status, file.bytes, size) == ("GET", PREVIEW, 206, 10, 10)
    assert file.headers["Range"] == "bytes=5-14"
    assert (products.method, products.path, products.subject) == ("POST", "/api/v0/invoke", "Mast.Caom.Products")


def test_the_log_never_holds_a_token(session: requests.Session, faulty_archive: LocalArchive) -> None:
    session.get(
        f"{faulty_archive.url}/whoami?token={TOKEN}&x={TOKEN}",
        headers={"Authorization": f"token {TOKEN}", "Cookie": f"mast_token={TOKEN}", "X-Other": TOKEN},
        timeout=30,
    )
    (request,) = faulty_archive.requests
    assert request.credential
    assert request.account == "vera"
    assert TOKEN not in repr(request)


def test_the_log_can_be_cleared(session: requests.Session, faulty_archive: LocalArchive) -> None:
    session.get(f"{faulty_archive.url}/whoami", timeout=30)
    faulty_archive.clear_requests()
    assert faulty_archive.requests == []


# The portal


def test_pages_are_parts_of_the_whole(archive_url: str) -> None:
    filters = [{"paramName": "proposal_id", "values": ["2733"]}]
    whole = invoke(archive_url, "Mast.Caom.Filtered", columns="*", filters=filters)
    second = invoke(archive_url, "Mast.Caom.Filtered", columns="*", filters=filters, page=2, pagesize=4)
    assert second["data"] == whole["data"][4:8]
    assert second["paging"] == {
        "page": 2, "pageSize": 4, "pagesFiltered": 3, "rows": 4, "rowsFiltered": 10, "rowsTotal": 10
    }  # fmt: skip


@pytest.mark.parametrize(
    ("service", "params", "message"),
    [
        ("Mast.No.Such", {}, "Mast.No.Such"),
        ("Mast.Caom.Filtered", {"filters": [{"paramName": "nothing", "values": ["1"]}]}, "nothing"),
        ("Mast.Caom.Filtered", {"columns": "obs_id,nothing", "filters": []}, "nothing"),
        ("Mast.Caom.Filtered", {"filters": [{"paramName": "t_min", "values": [{"min": "x"}]}]}, "x"),
        ("Mast.Caom.Filtered", {"filters": [{"paramName": "obs_id", "values": []}]}, "obs_id"),
        ("Mast.Caom.Filtered", {"filters": "all"}, "filters"),
        ("Mast.Caom.Filtered.Position", {"filters": [], "position": "here"}, "position"),
        ("Mast.Caom.Cone", {"ra": 1, "dec": 100, "radius": 1}, "position"),
        ("Mast.Caom.Products", {}, "obsid"),
        ("Mast.Caom.Products", {"obsid": "jw02733-o002_t001_miri_f1130w"}, "obsid"),
    ],
)
def test_the_portal_tells_what_is_wrong(archive_url: str, service: str, params: dict[str, Any], message: str) -> None:
    reply = invoke(archive_url, service, **params)
    assert reply["status"] == "ERROR"
    assert message in reply["msg"]


@pytest.mark.parametrize("body", [b"", b"request=", b"request=%7Bbad", b"request=[]", b"\xff\xfe", b"other=1"])
def test_the_portal_answers_a_bad_request_with_error(archive_url: str, body: bytes) -> None:
    reply = requests.post(f"{archive_url}/api/v0/invoke", data=body, timeout=30)
    assert reply.json()["status"] == "ERROR"


@pytest.mark.parametrize("values", [["2733"], ["02733"], [2733]])
def test_a_program_is_found_however_its_number_is_written(archive_url: str, values: list[Any]) -> None:
    filters = [{"paramName": "PROPOSAL_ID", "values": values}]
    reply = invoke(archive_url, "Mast.Caom.Filtered", columns="COUNT_BIG(*)", filters=filters)
    assert reply["data"] == [{"Column1": 10}]
    assert reply["fields"] == [{"name": "Column1", "type": "string"}]


def test_free_text_is_another_way_to_match(archive_url: str) -> None:
    program = {"paramName": "proposal_id", "values": ["2733"]}
    either = {"paramName": "instrument_name", "values": ["nircam/image"], "freeText": "%iri%"}
    reply = invoke(archive_url, "Mast.Caom.Filtered", columns="instrument_name", filters=[program, either])
    assert {row["instrument_name"] for row in reply["data"]} == {"MIRI/IMAGE", "NIRCAM/IMAGE"}


def test_the_paths_of_jwst_mast_query_lead_to_the_same(archive_url: str, session: requests.Session) -> None:
    asked = {"service": "Mast.Caom.Filtered", "params": {"columns": "COUNT_BIG(*)", "filters": []}}
    body = {"request": json.dumps(asked)}
    replies = [
        session.post(f"{archive_url}{path}/invoke", data=body, timeout=30).json()
        for path in ("/portal_jwst/Mashup/Mashup.asmx", "/portal/Mashup/Mashup.asmx", "/api/v0")
    ]
    assert replies[0] == replies[1] == replies[2]
    config = {"colConfigId": "Mast.Caom.Cone"}
    path = "/portal_jwst/Mashup/Mashup.asmx/columnsconfig"
    assert session.post(f"{archive_url}{path}", data=config, timeout=30).json()["t_min"]["vot.datatype"] == "double"
    path = f"/jwst/api/v0.1/download/file?uri=mast:JWST/product/{PREVIEW}"
    assert session.head(f"{archive_url}{path}", timeout=30).status_code == 200


def test_the_portal_writes_csv_and_extjs(archive_url: str, session: requests.Session) -> None:
    asked = {
        "service": "Mast.Caom.Filtered",
        "params": {"columns": "obs_id,proposal_id", "filters": [{"paramName": "proposal_id", "values": ["2733"]}]},
    }
    replies = {
        form: session.post(
            f"{archive_url}/api/v0/invoke", data={"request": json.dumps({**asked, "format": form})}, timeout=30
        )
        for form in ("csv", "extjs", "votable")
    }
    lines = replies["csv"].text.splitlines()
    assert lines[0] == "obs_id,proposal_id"
    assert len(lines) == 11
    table = replies["extjs"].json()["data"]["Tables"][0]
    assert [column["text"] for column in table["Columns"]] == ["obs_id", "proposal_id"]
    assert len(table["Rows"]) == 10
    assert replies["votable"].json()["status"] == "ERROR"


def test_every_missions_count_is_in_the_histogram(archive_url: str) -> None:
    tables = invoke(archive_url, "Mast.Caom.All")["data"]["Tables"]
    (column,) = [entry for entry in tables[0]["Columns"] if entry["text"] == "obs_collection"]
    counted = invoke(archive_url, "Mast.Caom.Filtered", columns="COUNT_BIG(*)", filters=[])["data"][0]["Column1"]
    assert column["ExtendedProperties"]["histObj"]["JWST"] == counted


def test_a_script_for_thousands_of_files_can_be_had(archive_url: str) -> None:
    row = invoke(
        archive_url, "Mast.Caom.Filtered", columns="obsid",
        filters=[{"paramName": "obs_id", "values": ["jw02733-o002_t001_miri_f1130w"]}],
    )["data"][0]  # fmt: skip
    products = invoke(archive_url, "Mast.Caom.Products", obsid=row["obsid"])["data"]
    form = [("uri", product["dataURI"]) for product in products]
    reply = requests.post(f"{archive_url}/api/v0.1/Download/bundle.sh", data=form, timeout=60)
    assert len(form) > 3000
    assert reply.text.count("Download/file?") == len({uri for _, uri in form})
    checked = subprocess.run(["bash", "-n"], input=reply.content, capture_output=True, check=False)
    assert checked.stderr == b""


def test_a_script_holds_nothing_that_a_client_made_up(archive_url: str) -> None:
    uri = "mast:JWST/product/x'; touch made_up; '.fits"
    reply = requests.post(f"{archive_url}/api/v0.1/Download/bundle.sh", data={"uri": uri}, timeout=60)
    assert reply.status_code == 404
    headers = {"Host": "a'$(touch made_up)'"}
    good = {"uri": f"mast:JWST/product/{PREVIEW}"}
    reply = requests.post(f"{archive_url}/api/v0.1/Download/bundle.sh", data=good, headers=headers, timeout=60)
    assert reply.status_code == 400


# What goes wrong


def test_faults_are_told_at_start(catalogue_folder: Path, local_archive: LocalArchive) -> None:
    with LocalArchive(folder=catalogue_folder, faults=[faults.Refuse(status=418)]) as archive:
        assert requests.get(f"{archive.url}/whoami", timeout=30).status_code == 418


def test_a_fault_meets_only_what_it_concerns(session: requests.Session, faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [faults.Refuse(path="*.jpg", method="GET", ranged=True, status=503, skip=1, times=1)]
    url, part = file_url(faulty_archive.url), {"Range": "bytes=0-3"}
    assert session.head(url, headers=part, timeout=30).status_code == 200
    assert session.get(url, timeout=30).status_code == 200
    states = [session.get(url, headers=part, timeout=30).status_code for _ in range(3)]
    assert states == [206, 503, 206]


def test_refused_tells_when_to_come_again(session: requests.Session, faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [faults.Refuse(status=429, retry_after=3)]
    reply = session.get(f"{faulty_archive.url}/whoami", timeout=30)
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "3")


def test_a_cut_ends_after_exactly_the_bytes(faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [faults.Cut(path=PREVIEW, after=1000)]
    connection = http.client.HTTPConnection(urlsplit(faulty_archive.url).netloc, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", file_url("").removeprefix("http://"))
        with pytest.raises(http.client.IncompleteRead) as caught:
            connection.getresponse().read()
    assert len(caught.value.partial) == 1000
    assert faulty_archive.requests[-1].bytes == 1000


def test_a_drop_answers_nothing(faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [faults.Drop(times=1)]
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{faulty_archive.url}/whoami", timeout=30)
    assert faulty_archive.requests[-1].status == 0


def test_executing_comes_as_often_as_asked(faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [faults.Executing(times=2)]
    states = [invoke(faulty_archive.url, "Mast.Caom.Products", obsid="1")["status"] for _ in range(3)]
    assert states == ["EXECUTING", "EXECUTING", "COMPLETE"]


def test_the_portals_answers_can_be_spoiled(faulty_archive: LocalArchive) -> None:
    url = faulty_archive.url
    faulty_archive.faults = [faults.EmptyAnswer(path="Mast.Caom.Products")]
    assert invoke(url, "Mast.Caom.Products", obsid="1") == {}
    faulty_archive.faults = [faults.PortalError(message="Timeout expired.")]
    assert invoke(url, "Mast.Caom.Products", obsid="1")["msg"] == "Timeout expired."
    faulty_archive.faults = [faults.BadJson()]
    with pytest.raises(requests.JSONDecodeError):
        invoke(url, "Mast.Caom.Products", obsid="1")


def test_the_length_can_be_missing(session: requests.Session, faulty_archive: LocalArchive, content_of: Any) -> None:
    faulty_archive.faults = [faults.NoLength()]
    assert "Content-Length" not in session.head(file_url(faulty_archive.url), timeout=30).headers
    reply = session.get(file_url(faulty_archive.url), timeout=30)
    assert "Content-Length" not in reply.headers
    assert reply.content == content_of(PREVIEW)


def test_the_range_can_be_ignored(session: requests.Session, faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [faults.IgnoreRange()]
    reply = session.get(file_url(faulty_archive.url), headers={"Range": "bytes=5-"}, timeout=30)
    assert reply.status_code == 200


@pytest.mark.parametrize("by", [-10, 10])
def test_the_size_can_be_wrong(
    session: requests.Session, faulty_archive: LocalArchive, content_of: Any, by: int
) -> None:
    faulty_archive.faults = [faults.WrongSize(by=by)]
    reply = session.get(file_url(faulty_archive.url), timeout=30)
    assert len(reply.content) == int(reply.headers["Content-Length"]) == len(content_of(PREVIEW)) + by


def test_a_file_can_change(session: requests.Session, faulty_archive: LocalArchive) -> None:
    url = file_url(faulty_archive.url)
    before = session.head(url, timeout=30).headers
    faulty_archive.faults = [faults.Changed()]
    after = session.head(url, timeout=30).headers
    assert after["ETag"] != before["ETag"]
    assert after["Last-Modified"] != before["Last-Modified"]
    headers = {"Range": "bytes=5-", "If-Range": before["ETag"]}
    assert session.get(url, headers=headers, timeout=30).status_code == 200


def test_validators_can_be_missing(session: requests.Session, faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [faults.NoValidator()]
    headers = session.head(file_url(faulty_archive.url), timeout=30).headers
    assert not {"ETag", "Last-Modified"} & set(headers)


def test_a_redirect_leads_elsewhere(session: requests.Session, faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [faults.Redirect(host="127.0.0.2:9")]
    reply = session.get(file_url(faulty_archive.url), allow_redirects=False, timeout=30)
    assert (reply.status_code, reply.headers["Location"]) == (302, file_url("http://127.0.0.2:9"))


def test_a_token_can_expire(session: requests.Session, faulty_archive: LocalArchive, closed: str) -> None:
    headers = {"Authorization": f"token {TOKEN}"}
    assert session.head(file_url(faulty_archive.url, closed), headers=headers, timeout=30).status_code == 200
    faulty_archive.faults = [faults.Expire()]
    assert session.head(file_url(faulty_archive.url, closed), headers=headers, timeout=30).status_code == 401
    assert session.get(f"{faulty_archive.url}/whoami", headers=headers, timeout=30).json()["anon"] is True


@pytest.mark.parametrize(
    "fault",
    [
        faults.Slow(latency=1.5, rate=10.0),
        faults.Cut(after=5, path="*.fits", times=2, skip=1),
        faults.Drop(method="GET"),
        faults.Refuse(status=500, retry_after=1.5, ranged=False),
        faults.Executing(),
        faults.PortalError(message="no"),
        faults.BadJson(),
        faults.EmptyAnswer(),
        faults.NoLength(),
        faults.NoValidator(),
        faults.IgnoreRange(),
        faults.Changed(revision=2),
        faults.WrongSize(by=-3),
        faults.Redirect(host="127.0.0.2:1"),
        faults.Expire(),
    ],
)
def test_a_fault_reaches_the_other_process_as_it_is(fault: faults.Fault) -> None:
    assert faults.fault_from_json(json.loads(json.dumps(faults.fault_to_json(fault)))) == fault


def test_a_slow_answer_comes_little_by_little(faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [faults.Slow(path=PREVIEW, rate=2000)]
    with requests.get(file_url(faulty_archive.url), stream=True, timeout=60) as reply:
        next(reply.iter_content(100))
        assert 100 <= faulty_archive.requests[-1].bytes < int(reply.headers["Content-Length"])


def test_something_that_is_no_fault_is_refused(local_archive: LocalArchive) -> None:
    with pytest.raises(ValueError, match="no such fault"):
        faults.fault_from_json({"fault": "Nothing"})


def test_no_environment_of_the_parent_is_needed(catalogue_folder: Path, local_archive: LocalArchive) -> None:
    command = [sys.executable, "-m", "jwstmq_widgets.localarchive.server", "--folder", str(catalogue_folder)]
    root = str(Path(faults.__file__).parents[2])
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": root}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"http://127.0.0.1:")
        process.terminate()
    assert process.returncode == 0


def test_public_files_have_a_path_in_the_cloud_and_others_none(
    local_archive: LocalArchive, session: requests.Session, closed: str
) -> None:
    uris = [f"mast:JWST/product/{name}" for name in (PREVIEW, closed, "no-such-file.fits")]
    reply = session.get(f"{local_archive.url}/api/v0.1/path_lookup/", params={"uri": uris}, timeout=10)
    assert reply.json() == {
        uris[0]: {"status_code": 200, "path": f"/jwst/public/jw02733/L3/t/{PREVIEW}"},
        uris[1]: {"status_code": 404, "path": None},
        uris[2]: {"status_code": 404, "path": None},
    }
    nothing = session.get(f"{local_archive.url}/api/v0.1/path_lookup/", timeout=10)
    assert nothing.status_code == 400


def test_a_client_that_left_is_not_counted_among_those_at_once(faulty_archive: LocalArchive) -> None:
    parts = urlsplit(faulty_archive.url)
    faulty_archive.faults = [faults.Slow(path="/whoami", latency=60.0, times=1)]
    with socket.create_connection((parts.hostname, parts.port)) as gone:
        gone.sendall(f"GET /whoami HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        until = time.monotonic() + 20
        while not faulty_archive.requests and time.monotonic() < until:
            pass
    together = 0
    while together != 1 and time.monotonic() < until:
        requests.get(f"{faulty_archive.url}/whoami", timeout=20).close()
        together = faulty_archive.requests[-1].together
    assert together == 1
