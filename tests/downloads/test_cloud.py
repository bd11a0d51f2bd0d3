"""Public files by their copies on a real S3 server, and by the archive wherever a copy is not right."""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from astropy.table import Table

from jwstmq_widgets.archives import Archive, open_archive
from jwstmq_widgets.downloads import LEDGER_NAME, Manifest, Manners, Plan, download, plan
from jwstmq_widgets.downloads.cloud import CLOUD_ENDPOINT_VARIABLE, Cloud
from jwstmq_widgets.downloads.ledger import read_ledger
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.localarchive import TOKEN, LocalArchive
from jwstmq_widgets.localarchive.protocols.cloudpaths import cloud_path
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import select
from tests.downloads.origin import Origin, Reply, free_port

pytest.importorskip("obstore")
pytest.importorskip("moto")

Put = Callable[..., None]
PATIENT = Manners(backoff=0.01)
"""Manners of a test that asks a slow server."""


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    """A real S3 server."""
    command = [sys.executable, str(Path(__file__).with_name("s3server.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        assert server.stdin is not None
        server.stdin.close()


@pytest.fixture
def bucket(s3_url: str, request: pytest.FixtureRequest) -> tuple[Cloud, Put]:
    """An empty public bucket, and what puts files where the archive says they are."""
    name = f"bucket-{hashlib.sha256(request.node.name.encode()).hexdigest()[:16]}"

    def put(path: str, data: bytes, acl: str = "public-read") -> None:
        asked = Request(
            f"{s3_url}/{name}{path}",
            data=data,
            headers={"x-amz-acl": acl, "Content-Type": "application/octet-stream"},
            method="PUT",
        )
        urlopen(asked, timeout=30).close()

    put("", b"")
    return Cloud(bucket=name, endpoint=s3_url), lambda file, data, **acl: put(cloud_path(file), data, **acl)


@pytest.fixture
def archive(faulty_archive: LocalArchive) -> Archive:
    return open_archive(faulty_archive.url)


@pytest.fixture(scope="module")
def southern_ring(local_archive: LocalArchive) -> Table:
    """All products of program 2733."""
    archive = open_archive(local_archive.url)
    return archive.products(archive.observations(Query(program=2733)))


@pytest.fixture
def decided(archive: Archive, southern_ring: Table, tmp_path: Path, faulty_archive: LocalArchive) -> Plan:
    """A plan for four files, and nothing in the archive's log."""
    made = plan(select(southern_ring, filetypes="cal")[:4], to=tmp_path / "data", archive=archive)
    faulty_archive.clear_requests()
    return made


def asked_of(archive: LocalArchive) -> list[str]:
    """Give the names of the files that the archive itself was asked for."""
    return [request.subject for request in archive.requests if request.path.endswith("/Download/file")]


def sources(folder: Path) -> set[str]:
    return {entry.source.partition(":")[0] for entry in read_ledger(folder).last.values()}


def check(manifest: Manifest, decided: Plan, content_of: Callable[[str], bytes]) -> None:
    assert manifest["Status"].tolist() == ["COMPLETE"] * len(decided), manifest["Message"].tolist()
    assert [item.path.read_bytes() == content_of(item.name) for item in decided.items] == [True] * len(decided)
    left = {path.name for path in decided.folder.rglob("*") if path.is_file()} - {item.name for item in decided.items}
    assert left == {LEDGER_NAME}


def test_copies_come_from_the_bucket(
    bucket: tuple[Cloud, Put], decided: Plan, content_of: Callable[[str], bytes], faulty_archive: LocalArchive
) -> None:
    cloud, put = bucket
    for item in decided.items:
        put(item.name, content_of(item.name))
    check(download(decided, manners=PATIENT, cloud=cloud), decided, content_of)
    assert asked_of(faulty_archive) == []
    assert sources(decided.folder) == {"s3"}


def test_the_endpoint_may_come_from_the_environment(
    bucket: tuple[Cloud, Put],
    decided: Plan,
    content_of: Callable[[str], bytes],
    faulty_archive: LocalArchive,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cloud, _ = bucket
    monkeypatch.setenv(CLOUD_ENDPOINT_VARIABLE, cloud.endpoint)
    assert Cloud().endpoint == cloud.endpoint
    # MAST's own bucket is not on this server: each file falls back
    check(download(decided, manners=PATIENT, cloud=True), decided, content_of)
    assert sorted(asked_of(faulty_archive)) == sorted(item.name for item in decided.items)


def test_what_has_no_copy_comes_from_the_archive(
    bucket: tuple[Cloud, Put], decided: Plan, content_of: Callable[[str], bytes], faulty_archive: LocalArchive
) -> None:
    cloud, put = bucket
    for item in decided.items[:2]:
        put(item.name, content_of(item.name))
    check(download(decided, manners=PATIENT, cloud=cloud), decided, content_of)
    assert sorted(asked_of(faulty_archive)) == sorted(item.name for item in decided.items[2:])
    assert sources(decided.folder) == {"s3", "http"}


@pytest.mark.parametrize("spoil", ["shorter", "longer", "broken"])
def test_a_copy_that_is_not_right_is_replaced_from_the_archive(
    spoil: str,
    bucket: tuple[Cloud, Put],
    decided: Plan,
    content_of: Callable[[str], bytes],
    faulty_archive: LocalArchive,
) -> None:
    cloud, put = bucket
    for item in decided.items:
        content = content_of(item.name)
        put(item.name, {"shorter": content[:-2880], "longer": content + b"x", "broken": b"x" * len(content)}[spoil])
    check(download(decided, manners=PATIENT, cloud=cloud), decided, content_of)
    assert sources(decided.folder) == {"http"}


def test_a_cloud_that_does_not_answer_is_asked_a_few_times_only(
    archive: Archive,
    southern_ring: Table,
    content_of: Callable[[str], bytes],
    tmp_path: Path,
) -> None:
    decided = plan(select(southern_ring, filetypes="cal")[:12], to=tmp_path, archive=archive)
    cloud = Cloud(endpoint=f"http://127.0.0.1:{free_port()}")
    check(download(decided, workers=1, manners=PATIENT, cloud=cloud), decided, content_of)


def test_an_archive_that_knows_no_copies_gives_the_files_itself(
    origin: Origin, bucket: tuple[Cloud, Put], plan_of: Callable[..., Plan]
) -> None:
    origin.add("a.json", b"{}")
    origin.always["path_lookup"] = origin.always[""] = Reply(status=500)
    decided = plan_of()
    assert download(decided, manners=PATIENT, cloud=bucket[0])["Status"].tolist() == ["COMPLETE"]


def test_exclusive_files_are_never_sought_in_the_cloud(
    bucket: tuple[Cloud, Put], archive: Archive, faulty_archive: LocalArchive, tmp_path: Path
) -> None:
    products = archive.products(archive.observations(Query(program=2609)))
    closed = products[(products["dataRights"] == "EXCLUSIVE_ACCESS") & (products["calib_level"] > 0)][:2]
    archive.login(TOKEN)
    decided = plan(closed, to=tmp_path, archive=archive)
    cloud, put = bucket
    for item in decided.items:
        put(item.name, b"not for you")
    faulty_archive.clear_requests()
    assert download(decided, manners=PATIENT, cloud=cloud)["Status"].tolist() == ["COMPLETE"] * 2
    assert {request.path for request in faulty_archive.requests} == {"/api/v0.1/Download/file"}


def test_places_are_asked_for_fifty_at_a_time(
    bucket: tuple[Cloud, Put], archive: Archive, southern_ring: Table, faulty_archive: LocalArchive, tmp_path: Path
) -> None:
    products = select(southern_ring, filetypes=["_cal.jpg", "_cal_thumb.jpg", "asn"])[:120]
    decided = plan(products, to=tmp_path, archive=archive)
    faulty_archive.clear_requests()
    manifest = download(decided, manners=PATIENT, cloud=bucket[0])
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    lookups = [len(each.query["uri"]) for each in faulty_archive.requests if each.path.endswith("/path_lookup/")]
    assert sorted(lookups) == [len(decided) - 100, 50, 50]


def test_a_cut_copy_goes_on_where_it_stopped(
    archive: Archive,
    southern_ring: Table,
    content_of: Callable[[str], bytes],
    faulty_archive: LocalArchive,
    origin: Origin,
    tmp_path: Path,
) -> None:
    # An S3 server cuts no connection when asked to; this one does, and says of the files what S3 says.
    decided = plan(select(southern_ring, filetypes="i2d")[:2], to=tmp_path, archive=archive)
    faulty_archive.clear_requests()
    tags = {"ETag": '"abc"', "Last-Modified": "Wed, 01 Jul 2026 00:00:00 GMT"}
    for item in decided.items:
        content = content_of(item.name)
        assert len(content) > 400_000
        origin.add(item.name, content, etag='"abc"')
        origin.replies[item.name] = [Reply(status=200, body=content, headers=tags, cut=400_000)]
        origin.always[item.name] = Reply(headers=tags)
    check(download(decided, manners=PATIENT, cloud=Cloud(endpoint=origin.url)), decided, content_of)
    assert sources(decided.folder) == {"s3"}
    assert asked_of(faulty_archive) == []
    for item in decided.items:
        assert ["range" in asked.headers for asked in origin.asked_for(item.name)] == [False, True]


def test_a_copy_that_nobody_may_read_comes_from_the_archive(
    bucket: tuple[Cloud, Put], decided: Plan, content_of: Callable[[str], bytes]
) -> None:
    cloud, put = bucket
    for item in decided.items:
        put(item.name, content_of(item.name), acl="private")
    check(download(decided, manners=PATIENT, cloud=cloud), decided, content_of)
    assert sources(decided.folder) == {"http"}


def test_several_connections_bring_one_large_copy(
    bucket: tuple[Cloud, Put],
    archive: Archive,
    southern_ring: Table,
    content_of: Callable[[str], bytes],
    faulty_archive: LocalArchive,
    tmp_path: Path,
) -> None:
    decided = plan(select(southern_ring, filetypes="i2d")[:1], to=tmp_path, archive=archive)
    cloud, put = bucket
    put(decided.items[0].name, content_of(decided.items[0].name))
    faulty_archive.clear_requests()
    manners = Manners(backoff=0.01, split_from=100_000)
    check(download(decided, manners=manners, cloud=cloud, limit_rate=1_000_000), decided, content_of)
    assert asked_of(faulty_archive) == []
    assert sources(decided.folder) == {"s3"}


def test_a_copy_that_stalls_does_not_hold_up_a_cancel(
    decided: Plan, content_of: Callable[[str], bytes], origin: Origin
) -> None:
    for item in decided.items:
        origin.always[item.name] = Reply(status=200, body=content_of(item.name), stall=3000)
    cancel = threading.Event()

    def watch(_: object) -> None:
        if len(origin.asked) == len(decided):
            cancel.set()

    manifest = download(decided, manners=PATIENT, cloud=Cloud(endpoint=origin.url), progress=watch, cancel=cancel)
    assert manifest["Status"].tolist() == ["CANCELLED"] * len(decided)


def test_without_the_package_it_is_said_how_to_get_it(decided: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "obstore.store", None)
    with pytest.raises(QueryError, match=r"pip install 'jwstmq_widgets\[cloud\]'"):
        download(decided, cloud=True)


def test_an_endpoint_that_is_no_address_is_refused(decided: Plan) -> None:
    with pytest.raises(QueryError, match="give one like"):
        download(decided, cloud=Cloud(endpoint="localhost:9000"))
