"""Downloads on a real Dask cluster of several processes, from a running local archive."""

import errno
import logging
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table
from distributed import Client, LocalCluster, wait

from jwstmq_widgets import __version__
from jwstmq_widgets.archives import Archive, open_archive
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.tokens import Credential
from jwstmq_widgets.downloads import LEDGER_NAME, DownloadProgress, Manifest, Workers, download, plan
from jwstmq_widgets.downloads.cluster import Crew
from jwstmq_widgets.downloads.cluster.remote import Failure, Pass, destination_of
from jwstmq_widgets.downloads.control import Control
from jwstmq_widgets.downloads.files.part import Busy
from jwstmq_widgets.errors import Cancelled, DownloadError, ExclusiveAccess, QueryError, Refused, Unreachable
from jwstmq_widgets.localarchive import TOKEN, LocalArchive, faults
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import select
from tests.downloads.conftest import HASTY, MakePlan, fits_bytes, products_of
from tests.downloads.origin import URI, Origin, Reply

WORKERS = 3


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Three workers, each a process with one thread and a nanny that replaces it when it dies."""
    log = logging.getLogger("distributed")
    before = log.level
    log.setLevel(logging.CRITICAL)  # it reports each worker that we kill
    with LocalCluster(
        n_workers=WORKERS, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as made:
        yield made
    log.setLevel(before)


@pytest.fixture
def client(cluster: LocalCluster) -> Iterator[Client]:
    with Client(cluster) as made:
        made.wait_for_workers(WORKERS, timeout=30)
        yield made


@pytest.fixture
def archive(faulty_archive: LocalArchive) -> Archive:
    return open_archive(faulty_archive.url)


@pytest.fixture(scope="module")
def southern_ring(local_archive: LocalArchive) -> Table:
    archive = open_archive(local_archive.url)
    return archive.products(archive.observations(Query(program=2733)))


@pytest.fixture(scope="module")
def images(southern_ring: Table) -> Table:
    return select(southern_ring, filetypes="cal", detectors="mirimage")[:24]


ContentOf = Callable[[str], bytes]


def wrong_files(folder: Path, names: list[str], content_of: ContentOf) -> list[str]:
    found = {path.name: path for path in folder.rglob("*.fits")}
    return [name for name in names if name not in found or found[name].read_bytes() != content_of(name)]


def most_together(archive: LocalArchive) -> int:
    return max(request.together for request in archive.requests)


def lines(client: Client) -> dict[str, str]:
    """The workers that hold a line: key of the line to the worker's address."""
    return {key: found[0] for key, found in client.who_has().items() if key.startswith("jwstmq-line") and found}


def test_the_workers_bring_the_same_bytes_as_home(
    client: Client, archive: Archive, images: Table, tmp_path: Path, content_of: ContentOf
) -> None:
    manifest = download(plan(images, to=tmp_path, archive=archive), cluster=client, manners=HASTY)
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}, manifest["Message"].tolist()
    assert wrong_files(tmp_path, images["productFilename"].tolist(), content_of) == []


def test_files_are_spread_over_the_workers(client: Client, archive: Archive, images: Table, tmp_path: Path) -> None:
    manifest = download(plan(images, to=tmp_path, archive=archive), cluster=client, manners=HASTY)
    names = {str(worker["id"]) for worker in client.scheduler_info(n_workers=-1)["workers"].values()}
    assert set(manifest["worker"].tolist()) == names
    assert all(Path(path).is_file() for path in manifest["Local Path"].tolist())


def test_a_shared_disk_has_one_ledger_and_nothing_else(
    client: Client, archive: Archive, images: Table, tmp_path: Path
) -> None:
    download(plan(images, to=tmp_path, layout="flat", archive=archive), cluster=client, manners=HASTY)
    assert {path.name for path in tmp_path.iterdir()} == {LEDGER_NAME, *images["productFilename"].tolist()}
    assert set(Manifest.read(tmp_path)["Status"].tolist()) == {"COMPLETE"}


@pytest.mark.parametrize("most", [1, 2, 5])
def test_the_whole_cluster_holds_no_more_connections_than_set(
    client: Client, archive: Archive, faulty_archive: LocalArchive, images: Table, tmp_path: Path, most: int
) -> None:
    faulty_archive.faults = [faults.Slow(path="*.fits", latency=0.05)]
    decided = plan(images, to=tmp_path, archive=archive)
    faulty_archive.clear_requests()
    download(decided, cluster=client, workers=most, manners=HASTY)
    assert most_together(faulty_archive) == most
    assert len({request.connection for request in faulty_archive.requests}) == most


def test_push_back_on_one_worker_slows_all(
    client: Client, archive: Archive, faulty_archive: LocalArchive, images: Table, tmp_path: Path
) -> None:
    faulty_archive.faults = [faults.Refuse(path="*.fits", status=429, times=1), faults.Slow(path="*.fits", latency=0.1)]
    decided = plan(images, to=tmp_path, archive=archive)
    faulty_archive.clear_requests()
    manifest = download(decided, cluster=client, workers=4, manners=HASTY)
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    assert max(request.together for request in faulty_archive.requests[4:8]) <= 2


def test_a_killed_worker_loses_no_file(
    client: Client, archive: Archive, faulty_archive: LocalArchive, images: Table, tmp_path: Path, content_of: ContentOf
) -> None:
    faulty_archive.faults = [faults.Slow(path="*.fits", rate=400_000)]
    decided = plan(images, to=tmp_path, archive=archive)
    faulty_archive.clear_requests()
    killed: list[int] = []

    def kill(now: DownloadProgress) -> None:
        if now.bytes_done > 60_000 and not killed:
            address = min(lines(client).values())
            killed.extend(client.run(os.getpid, workers=[address]).values())
            os.kill(killed[0], signal.SIGKILL)
            faulty_archive.faults = []

    manifest = download(decided, cluster=client, manners=HASTY, progress=kill)
    assert killed
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}, manifest["Message"].tolist()
    assert wrong_files(tmp_path, images["productFilename"].tolist(), content_of) == []
    assert most_together(faulty_archive) <= 4


def test_what_a_killed_worker_began_is_resumed_by_another(
    client: Client, origin: Origin, plan_of: MakePlan, tmp_path: Path
) -> None:
    content = fits_bytes(1040 * 2880)
    origin.add("big_cal.fits", content, Reply(stall=2_000_000))
    killed: list[str] = []

    def kill(now: DownloadProgress) -> None:
        if now.bytes_done == 2_000_000 and not killed:
            killed.extend(lines(client).values())
            os.kill(client.run(os.getpid, workers=killed)[killed[0]], signal.SIGKILL)

    manifest = download(plan_of(), cluster=client, progress=kill)
    assert manifest["Status"].tolist() == ["COMPLETE"], manifest["Message"].tolist()
    assert (tmp_path / "data" / "big_cal.fits").read_bytes() == content
    assert [asked.range for asked in origin.asked] == ["", f"bytes={2_000_000 - 4096}-"]


def test_a_cancel_ends_within_a_second_and_leaves_what_can_be_resumed(
    client: Client, archive: Archive, faulty_archive: LocalArchive, images: Table, tmp_path: Path, content_of: ContentOf
) -> None:
    faulty_archive.faults = [faults.Slow(path="*.fits", rate=30_000)]
    cancel = threading.Event()
    manifest = download(
        plan(images, to=tmp_path, archive=archive),
        cluster=client,
        manners=HASTY,
        cancel=cancel,
        progress=lambda now: cancel.set() if now.bytes_done > 60_000 else None,
    )
    assert "CANCELLED" in manifest["Status"].tolist()
    assert set(manifest["Status"].tolist()) <= {"CANCELLED", "COMPLETE"}
    faulty_archive.faults = ()
    rest = manifest.failed
    assert any(item.state == "resume" for item in rest.items)
    download(rest, cluster=client, manners=HASTY)
    assert wrong_files(tmp_path, images["productFilename"].tolist(), content_of) == []


def test_a_pause_rests_every_worker(
    client: Client, archive: Archive, faulty_archive: LocalArchive, images: Table, tmp_path: Path
) -> None:
    faulty_archive.faults = [faults.Slow(path="*.fits", rate=400_000)]
    control, resting = Control(), list[int]()

    def rest(now: DownloadProgress) -> None:
        if not resting and now.bytes_done > 100_000:
            control.pause()
        if now.paused:
            resting.append(now.bytes_done)
            if len(resting) > 15 and len(set(resting[-12:])) == 1:
                control.resume()

    decided = plan(images[:4], to=tmp_path, archive=archive)
    manifest = download(decided, cluster=client, manners=HASTY, progress=rest, control=control)
    assert 0 < resting[-1] < decided.bytes_total
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}, manifest["Message"].tolist()


def test_a_limit_on_the_rate_is_for_the_whole_cluster(
    client: Client, archive: Archive, images: Table, tmp_path: Path
) -> None:
    decided = plan(images[:4], to=tmp_path, archive=archive)
    began = time.monotonic()
    download(decided, cluster=client, manners=HASTY, limit_rate=1_200_000)
    assert time.monotonic() - began >= decided.bytes_total / 1_200_000 * 0.9


HOME = textwrap.dedent(
    """
    import sys
    from astropy.table import Table
    from jwstmq_widgets.archives import open_archive
    from jwstmq_widgets.downloads import Workers, download, plan

    url, table, folder, scheduler = sys.argv[1:]
    decided = plan(Table.read(table), to=folder, archive=open_archive(url))
    download(decided, cluster=Workers(scheduler, lease=2.0), workers=2)
    """
)


def test_workers_let_go_of_their_files_when_home_dies(
    cluster: LocalCluster, client: Client, faulty_archive: LocalArchive, images: Table, tmp_path: Path
) -> None:
    def connections() -> int:
        urllib.request.urlopen(f"{faulty_archive.url}/whoami").close()
        return faulty_archive.requests[-1].together - 1

    images["dataURI", "productFilename", "size", "obs_id", "dataRights"].write(tmp_path / "products.ecsv")
    faulty_archive.faults = [faults.Slow(path="*.fits", rate=10_000)]  # nearly a minute for each file
    arguments = [faulty_archive.url, str(tmp_path / "products.ecsv"), str(tmp_path / "data")]
    with subprocess.Popen([sys.executable, "-c", HOME, *arguments, cluster.scheduler_address]) as home:
        until = time.monotonic() + 30
        while connections() < 2 and time.monotonic() < until:
            assert home.poll() is None
        home.kill()
    until = time.monotonic() + 15
    while connections() and time.monotonic() < until:
        client.run(os.getpid)
    assert connections() == 0


def test_progress_counts_the_files_of_all_workers(
    client: Client, archive: Archive, faulty_archive: LocalArchive, images: Table, tmp_path: Path
) -> None:
    faulty_archive.faults = [faults.Slow(path="*.fits", rate=600_000)]
    seen: list[DownloadProgress] = []
    download(plan(images[:4], to=tmp_path, archive=archive), cluster=client, manners=HASTY, progress=seen.append)
    assert any(len(now.running) > 1 and 0 < now.running[0].bytes_done < now.running[0].size for now in seen)
    assert [now.bytes_done for now in seen] == sorted(now.bytes_done for now in seen)
    assert (seen[-1].files_done, seen[-1].bytes_done) == (4, seen[-1].bytes_total)


def test_each_worker_keeps_its_own_folder_where_disks_are_separate(
    client: Client, archive: Archive, images: Table, tmp_path: Path, content_of: ContentOf
) -> None:
    home = tmp_path / "home"
    manifest = download(
        plan(images, to=home, archive=archive),
        cluster=Workers(client, folder=f"{tmp_path}/disk-{{worker}}"),
        manners=HASTY,
    )
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}, manifest["Message"].tolist()
    for path, worker, name in zip(
        manifest["Local Path"], manifest["worker"], images["productFilename"].tolist(), strict=True
    ):
        assert Path(path).is_relative_to(tmp_path / f"disk-{worker}")
        assert Path(path).read_bytes() == content_of(name)
    assert [path.name for path in home.iterdir()] == [LEDGER_NAME]
    noted = [entry for disk in tmp_path.glob("disk-*") for entry in Manifest.read(disk)["Local Path"].tolist()]
    assert sorted(noted) == sorted(manifest["Local Path"].tolist())


def test_the_ledger_at_home_says_on_which_machine_a_file_is(
    client: Client, archive: Archive, images: Table, tmp_path: Path
) -> None:
    manifest = download(
        plan(images[:2], to=tmp_path / "home", archive=archive),
        cluster=Workers(client, folder=f"{tmp_path}/{{host}}"),
        manners=HASTY,
    )
    told = Manifest.read(tmp_path / "home")["Message"].tolist()
    assert told == [f"on {row['host']}, {row['Local Path']}" for row in manifest]


def test_files_that_fail_are_rows_and_the_others_arrive(
    client: Client, archive: Archive, faulty_archive: LocalArchive, images: Table, tmp_path: Path
) -> None:
    names = images["productFilename"].tolist()
    faulty_archive.faults = [
        faults.Refuse(path=names[1], status=404),
        faults.Cut(path=names[2], after=20_000, times=1),
        faults.Refuse(path=names[3], status=503),
    ]
    manifest = download(plan(images[:6], to=tmp_path, archive=archive), cluster=client, manners=HASTY)
    assert manifest["Status"].tolist() == ["COMPLETE", "ERROR", "COMPLETE", "ERROR", "COMPLETE", "COMPLETE"]
    assert "search again, it may have been replaced" in manifest["Message"][1]
    assert "has trouble (HTTP 503)" in manifest["Message"][3]
    assert manifest["worker"][1] == ""


@pytest.fixture(scope="module")
def exclusive(local_archive: LocalArchive) -> Table:
    archive = open_archive(local_archive.url)
    observations = archive.observations(Query(program=2609))
    products = archive.products(observations[observations["dataRights"] == "EXCLUSIVE_ACCESS"][-4:])
    chosen = products[products["dataRights"] == "EXCLUSIVE_ACCESS"]
    assert len(chosen), "program 2609 has no exclusive products in the local archive"
    return chosen[:2]


def test_a_token_reaches_the_archive_and_nothing_that_dask_keeps(
    cluster: LocalCluster,
    client: Client,
    archive: Archive,
    faulty_archive: LocalArchive,
    exclusive: Table,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    archive.login(TOKEN)
    faulty_archive.faults = [faults.Slow(path="*.fits", latency=0.3)]
    kept: list[bytes] = []

    def look(now: DownloadProgress) -> None:
        tasks = cluster.scheduler.tasks.values()
        kept.extend(pickle.dumps(task.run_spec) for task in tasks if task.run_spec is not None)

    decided = plan(exclusive, to=tmp_path, archive=archive)
    faulty_archive.clear_requests()
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "distributed"):
        manifest = download(decided, cluster=client, manners=HASTY, progress=look)
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}, manifest["Message"].tolist()
    assert all(request.credential for request in faulty_archive.requests)
    assert archive.url.encode() in b"".join(kept)  # what a task is told can be read there
    told = [caplog.text, str(client.get_worker_logs()), str(cluster.scheduler.get_events()), str(manifest)]
    assert not [text for text in told if TOKEN in text]
    assert not [spec for spec in kept if TOKEN.encode() in spec]


def test_exclusive_files_are_not_moved_for_who_has_no_right(
    client: Client, archive: Archive, exclusive: Table, tmp_path: Path
) -> None:
    manifest = download(plan(exclusive, to=tmp_path, archive=archive), cluster=client)
    assert set(manifest["Status"].tolist()) == {"ERROR"}
    assert manifest["worker"].tolist() == ["", ""]


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("tcp://10.0.0.7:8786", False),
        ("ws://10.0.0.7:8786", False),
        ("tcp://127.0.0.1:8786", True),
        ("tcp://[::1]:8786", True),
        ("tls://10.0.0.7:8786", True),
        ("inproc://10.0.0.7/12/1", True),
    ],
)
def test_a_token_travels_only_where_others_cannot_read_it(
    archive: Archive, images: Table, tmp_path: Path, address: str, private: bool
) -> None:
    decided = plan(images[:1], to=tmp_path, archive=archive)
    careful = Crew(Workers(None), decided, archive, HASTY)
    if private:
        careful.check_privacy(address)
    else:
        with pytest.raises(QueryError, match="not encrypted"):
            careful.check_privacy(address)
    Crew(Workers(None, token_in_the_clear=True), decided, archive, HASTY).check_privacy(address)


def test_tasks_do_not_grow_with_the_files(
    cluster: LocalCluster, client: Client, archive: Archive, images: Table, tmp_path: Path
) -> None:
    cluster.scheduler.transition_log.clear()
    download(plan(images, to=tmp_path, archive=archive), cluster=client, workers=2, manners=HASTY)
    assert len({row[0] for row in cluster.scheduler.transition_log}) == 2


def test_nothing_is_left_on_the_cluster(client: Client, archive: Archive, images: Table, tmp_path: Path) -> None:
    download(plan(images[:4], to=tmp_path, archive=archive), cluster=client, manners=HASTY)
    until = time.monotonic() + 10  # the scheduler is told, and tells the workers
    while lines(client) and time.monotonic() < until:
        client.run(os.getpid)
    assert lines(client) == {}


def test_a_scheduler_address_does_as_well(
    cluster: LocalCluster, archive: Archive, images: Table, tmp_path: Path
) -> None:
    manifest = download(plan(images[:2], to=tmp_path, archive=archive), cluster=cluster.scheduler_address)
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}


def test_a_cluster_without_workers_ends_with_a_sentence(archive: Archive, images: Table, tmp_path: Path) -> None:
    with (
        LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as empty,
        Client(empty, set_as_default=False) as client,
    ):
        manifest = download(
            plan(images[:2], to=tmp_path, archive=archive), cluster=Workers(client, patience=0.5), manners=HASTY
        )
    assert set(manifest["Status"].tolist()) == {"ERROR"}
    assert all("no free worker" in message for message in manifest["Message"].tolist())


def test_workers_with_full_disks_are_left_out(client: Client, archive: Archive, images: Table, tmp_path: Path) -> None:
    first, *rest = client.nthreads()
    decided = plan(images[:1], to=tmp_path, archive=archive)
    with Crew(Workers(client, folder=str(tmp_path)), decided, archive, HASTY) as crew:
        for address in rest:
            crew.full(address)
        future = crew.engage()
        wait(future)
        assert client.who_has(future)[future.key] == (first,)
        crew.full(first)
        with pytest.raises(OSError, match="the disks of all workers are full"):
            crew.engage()
        future.cancel()


def test_workers_with_another_version_are_told(client: Client, archive: Archive, images: Table, tmp_path: Path) -> None:
    def install(version: str) -> None:
        from jwstmq_widgets.downloads.cluster import remote

        remote.__version__ = version

    client.run(install, "0.0.1")
    try:
        manifest = download(plan(images[:1], to=tmp_path, archive=archive), cluster=client, manners=HASTY)
    finally:
        client.run(install, __version__)
    assert f"has jwstmq_widgets 0.0.1 and here is {__version__}; install the same" in manifest["Message"][0]


def test_a_folder_that_workers_cannot_make_sense_of_is_told(
    client: Client, archive: Archive, images: Table, tmp_path: Path
) -> None:
    manifest = download(plan(images[:1], to=tmp_path, archive=archive), cluster=Workers(client, folder="data"))
    assert "not an absolute path" in manifest["Message"][0]


def test_without_the_extra_the_install_line_is_told(
    archive: Archive, images: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(QueryError, match=r"pip install 'jwstmq_widgets\[dask\]'"):
        download(plan(images[:1], to=tmp_path, archive=archive), cluster="tcp://127.0.0.1:8786")


def test_something_else_than_a_cluster_is_told(archive: Archive, images: Table, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match=r"cluster=int is no dask\.distributed\.Client"):
        download(plan(images[:1], to=tmp_path, archive=archive), cluster=4)


def test_destinations_have_the_names_of_worker_and_host() -> None:
    assert destination_of("/scratch/{host}/{worker}", worker="tcp://1:2", host="n7") == Path("/scratch/n7/tcp___1_2")
    with pytest.raises(QueryError, match="in braces"):
        destination_of("/scratch/{user}", worker="0", host="n7")


ERRORS = [
    Refused("busy", status=429, retry_after=3.0, url="http://a/b"),
    Unreachable("no line", url="http://a/b"),
    ExclusiveAccess("yours not", product="mast:x", path=Path("/x")),
    DownloadError("gone"),
    Cancelled("cancelled"),
    Busy(),
    OSError(errno.ENOSPC, "No space left on device", "/x"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_of_a_worker_is_the_same_at_home(error: Exception) -> None:
    made: Any = pickle.loads(pickle.dumps(Failure.of(error))).error()
    assert (type(made), str(made), vars(made)) == (type(error), str(error), vars(error))
    assert getattr(made, "errno", None) == getattr(error, "errno", None)


def test_a_pass_is_for_one_archive_and_shows_nothing() -> None:
    right = pickle.loads(pickle.dumps(Pass({"Authorization": f"token {TOKEN}"}, "http://127.0.0.1:80")))
    assert right.headers("http://127.0.0.1:80/x")
    assert right.headers("http://127.0.0.1:81/x") == right.headers("https://127.0.0.1/x") == {}
    assert repr(right) == "<Pass present>"


def test_a_worker_turns_to_the_other_archive_with_its_own_right(
    client: Client, origin: Origin, other: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, content = "jw02733001001_02103_00001_mirimage_cal.fits", fits_bytes(20 * 2880)
    origin.always[name] = Reply(status=404)
    other.add(name, content)
    both = open_archive([origin.url, other.url])
    for own, secret in zip(both.archives, ("first", "second"), strict=True):  # type: ignore[attr-defined]
        monkeypatch.setattr(own._user, "_credential", Credential(secret, Host.at(own.url)))
    products = products_of({f"{URI}{name}": (name, len(content))}, both.url)
    made = plan(products, to=tmp_path, layout="flat", archive=both)
    manifest = download(made, cluster=client, manners=HASTY)
    assert manifest["Status"].tolist() == ["COMPLETE"], manifest["Message"].tolist()
    assert manifest["Message"][0].startswith(f"from {other.url.removeprefix('http://')}, because ")
    assert (tmp_path / name).read_bytes() == content
    assert [request.headers["Authorization"] for request in origin.asked_for(name)] == ["token first"]
    assert [request.headers["Authorization"] for request in other.asked_for(name)] == ["token second"]
