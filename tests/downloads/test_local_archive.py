"""Downloads from a running local archive: the right bytes, for who may have them, whatever happens to the program."""

import hashlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from astropy.table import Table, vstack

from jwstmq_widgets.archives import Archive, open_archive
from jwstmq_widgets.downloads import LEDGER_NAME, Manifest, download, plan
from jwstmq_widgets.localarchive import TOKEN, TOKEN_WITHOUT_ACCESS, LocalArchive, faults
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import select
from tests.downloads.conftest import HASTY
from tests.downloads.origin import Origin


@pytest.fixture
def archive(faulty_archive: LocalArchive) -> Archive:
    return open_archive(faulty_archive.url)


@pytest.fixture(scope="module")
def southern_ring(local_archive: LocalArchive) -> Table:
    """All products of program 2733."""
    archive = open_archive(local_archive.url)
    return archive.products(archive.observations(Query(program=2733)))


@pytest.fixture(scope="module")
def eight(southern_ring: Table) -> Table:
    return select(southern_ring, filetypes="cal", detectors="mirimage")[:8]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def truth(archive: Archive, products: Table, folder: Path) -> dict[str, str]:
    """Download once in peace: the checksums that every other way has to give."""
    manifest = download(plan(products, to=folder, layout="flat", archive=archive))
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    return {Path(path).name: sha256(Path(path)) for path in manifest["Local Path"].tolist()}


def sums(folder: Path) -> dict[str, str]:
    return {path.name: sha256(path) for path in folder.rglob("*.*") if path.is_file() and path.name != LEDGER_NAME}


def test_small_files_follow_each_other_over_tls(
    local_archive: LocalArchive, southern_ring: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = southern_ring[southern_ring["size"] < 200_000]  # of which the larger ones come in several TLS records
    kinds = [small[small["suffix"] == suffix][:8] for suffix in ("asn", "i2d", "segm", "stream")]
    chosen = vstack(kinds, metadata_conflicts="silent")
    peaceful = truth(open_archive(local_archive.url), chosen, tmp_path / "plain")
    archive, threads, start = open_archive(local_archive.secure_url), set(), threading.Thread.start
    decided = plan(chosen, to=tmp_path / "tls", layout="flat", archive=archive)

    def begin(thread: threading.Thread) -> None:
        threads.add(thread.name)
        start(thread)

    for variable in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(variable, raising=False)
    failed = download(decided, manners=HASTY, workers=2)
    assert all("no valid certificate" in message for message in failed["Message"].tolist())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    failed = download(decided, manners=HASTY, workers=2)
    assert all("missing.pem holds no certificates" in message for message in failed["Message"].tolist())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(local_archive.ca_file))
    monkeypatch.setattr(threading.Thread, "start", begin)
    local_archive.clear_requests()
    manifest = download(decided, manners=HASTY, workers=2)
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    assert sums(tmp_path / "tls") == peaceful
    assert "download-quick" in threads
    asked = local_archive.requests
    assert len(asked) == len(peaceful)
    assert len({request.connection for request in asked}) <= 2


def test_every_kind_of_file_arrives_as_it_was_sent(archive: Archive, southern_ring: Table, tmp_path: Path) -> None:
    filetypes = southern_ring["filetype"].tolist()
    first = sorted({filetype: index for index, filetype in reversed(list(enumerate(filetypes)))}.values())
    decided = plan(southern_ring[first], to=tmp_path, archive=archive)
    manifest = download(decided)
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}, manifest["Message"].tolist()
    with_size = [item for item in decided.items if item.size >= 0]
    assert [item.path.stat().st_size for item in with_size] == [item.size for item in with_size]


def test_the_bytes_are_those_that_the_archive_makes(
    archive: Archive, eight: Table, tmp_path: Path, content_of: Callable[[str], bytes]
) -> None:
    decided = plan(eight, to=tmp_path, archive=archive)
    download(decided, manners=HASTY)
    for item in decided.items:
        assert item.path.read_bytes() == content_of(item.name)


def test_a_cut_download_asks_for_the_rest_only(
    archive: Archive, faulty_archive: LocalArchive, eight: Table, tmp_path: Path
) -> None:
    expected = truth(archive, eight[:1], tmp_path / "truth")
    faulty_archive.faults = [faults.Cut(path="*_cal.fits", after=20_000, times=1)]
    faulty_archive.clear_requests()
    download(plan(eight[:1], to=tmp_path / "data", layout="flat", archive=archive), manners=HASTY)
    assert sums(tmp_path / "data") == expected
    ranges = [request.headers.get("Range") for request in faulty_archive.requests]
    assert ranges == [None, f"bytes={20_000 - 4096}-"]


FAULTS = {
    "cut": [faults.Cut(path="*.fits", after=20_000, times=5)],
    "cut and changed": [faults.Cut(path="*.fits", after=20_000, times=5), faults.Changed(path="*.fits", skip=5)],
    "cut and no range": [faults.Cut(path="*.fits", after=20_000, times=5), faults.IgnoreRange(path="*.fits")],
    "cut and no validator": [faults.Cut(path="*.fits", after=20_000, times=5), faults.NoValidator(path="*.fits")],
    "cut and 503": [
        faults.Cut(path="*.fits", after=20_000, times=5),
        faults.Refuse(path="*.fits", ranged=True, times=3),
    ],
    "slow loris": [faults.Slow(path="*.fits", rate=250_000, times=2)],
    "dropped": [faults.Drop(path="*.fits", times=5)],
    "429": [faults.Refuse(path="*.fits", status=429, retry_after=0, times=5)],
    "no length": [faults.NoLength(path="*.fits")],
    "no length and cut": [faults.NoLength(path="*.fits"), faults.Cut(path="*.fits", after=20_000, times=5)],
    "wrong size": [faults.WrongSize(path="*.fits", by=-2880, times=1), faults.WrongSize(path="*.fits", by=9, times=1)],
}


@pytest.mark.parametrize("kind", FAULTS)
def test_faults_change_no_byte(
    archive: Archive, faulty_archive: LocalArchive, eight: Table, tmp_path: Path, kind: str
) -> None:
    expected = truth(archive, eight, tmp_path / "truth")
    faulty_archive.faults = FAULTS[kind]
    manifest = download(plan(eight, to=tmp_path / "data", archive=archive), manners=HASTY)
    faulty_archive.faults = ()
    for _ in range(3):
        manifest = download(manifest.failed, manners=HASTY) if len(manifest.failed) else manifest
    assert sums(tmp_path / "data") == expected


def test_a_token_stays_at_home(
    archive: Archive, faulty_archive: LocalArchive, other: Origin, eight: Table, tmp_path: Path
) -> None:
    archive.login(TOKEN)
    faulty_archive.faults = [faults.Redirect(path="*.fits", host=other.url.removeprefix("http://"))]
    faulty_archive.clear_requests()
    download(plan(eight[:1], to=tmp_path, archive=archive), manners=HASTY)
    assert faulty_archive.requests[0].credential
    assert {"Authorization", "Cookie"}.isdisjoint(other.asked[0].headers)


@pytest.fixture(scope="module")
def exclusive(local_archive: LocalArchive) -> Table:
    """Exclusive products, as the catalogue has them."""
    archive = open_archive(local_archive.url)
    for program in (1541, 1366, 1200, 2107, 1410, 2609):
        products = archive.products(archive.observations(Query(program=program)))
        chosen = products[products["dataRights"] == "EXCLUSIVE_ACCESS"]
        if len(chosen):
            return chosen[:2]
    pytest.fail("the local archive holds no exclusive products in these programs")


def test_exclusive_files_are_not_even_asked_for_without_a_right(
    archive: Archive, faulty_archive: LocalArchive, exclusive: Table, tmp_path: Path
) -> None:
    decided = plan(exclusive, to=tmp_path, archive=archive)
    assert decided.exclusive == len(exclusive)
    manifest = download(decided, manners=HASTY)
    assert set(manifest["Status"].tolist()) == {"ERROR"}
    assert all("log in with an account that may have it" in message for message in manifest["Message"])
    assert faulty_archive.requests == []


def test_exclusive_files_come_for_who_may_have_them(archive: Archive, exclusive: Table, tmp_path: Path) -> None:
    anonymous = download(plan(exclusive, to=tmp_path, archive=archive), manners=HASTY)
    archive.login(TOKEN)
    manifest = download(anonymous.failed, manners=HASTY)
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}


def test_an_account_without_access_is_told_until_when(archive: Archive, exclusive: Table, tmp_path: Path) -> None:
    archive.login(TOKEN_WITHOUT_ACCESS)
    decided = plan(exclusive, to=tmp_path, archive=archive)
    assert decided.exclusive == len(exclusive)
    assert decided.items[0].until is not None


def test_a_cancelled_slow_download_leaves_what_can_be_resumed(
    archive: Archive, faulty_archive: LocalArchive, eight: Table, tmp_path: Path
) -> None:
    expected = truth(archive, eight, tmp_path / "truth")
    faulty_archive.faults = [faults.Slow(path="*.fits", rate=40_000)]
    cancel = threading.Event()
    decided = plan(eight, to=tmp_path / "data", archive=archive)
    manifest = download(
        decided, manners=HASTY, cancel=cancel, progress=lambda now: cancel.set() if now.bytes_done > 50_000 else None
    )
    assert set(manifest["Status"].tolist()) == {"CANCELLED"}
    faulty_archive.faults = ()
    rest = Manifest.read(tmp_path / "data").failed
    assert sum(item.state == "resume" for item in rest.items) == 4
    download(rest, manners=HASTY)
    assert sums(tmp_path / "data") == expected


PROGRAM = textwrap.dedent(
    """
    import sys
    from astropy.table import Table, vstack
    from jwstmq_widgets.archives import open_archive
    from jwstmq_widgets.downloads import download, plan

    if __name__ == "__main__":
        url, table, folder = sys.argv[1:]
        products = Table.read(table)
        decided = plan(products, to=folder, archive=open_archive(url))
        print("planned", flush=True)
        sys.stdin.readline()
        manifest = download(decided)
        print(sorted(set(manifest["Status"].tolist())), flush=True)
    """
)


def start(url: str, products: Table, tmp_path: Path) -> subprocess.Popen[str]:
    table = tmp_path / "products.ecsv"
    if not table.exists():
        products["dataURI", "productFilename", "size", "obs_id", "dataRights"].write(table)
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, str(table), str(tmp_path / "data")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def test_two_processes_on_one_destination_do_not_spoil_each_other(
    archive: Archive, faulty_archive: LocalArchive, eight: Table, tmp_path: Path
) -> None:
    expected = truth(archive, eight, tmp_path / "truth")
    faulty_archive.faults = [faults.Slow(path="*.fits", latency=0.05)]
    faulty_archive.clear_requests()
    processes = [start(archive.url, eight, tmp_path) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "planned\n"
    for process in processes:
        go(process)
    for process in processes:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert sums(tmp_path / "data") == expected
    assert len(faulty_archive.requests) == len(eight)


def test_a_killed_program_goes_on_with_the_right_bytes(
    archive: Archive, faulty_archive: LocalArchive, southern_ring: Table, tmp_path: Path
) -> None:
    many = select(southern_ring, filetypes=["cal", "rate"], detectors="mirimage")
    expected = truth(archive, many, tmp_path / "truth")
    faulty_archive.faults = [faults.Slow(path="*.fits", rate=2_000_000)]
    for round_ in range(3):
        with start(archive.url, many, tmp_path) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "planned\n"
            faulty_archive.clear_requests()
            go(process)
            while sum(request.bytes for request in faulty_archive.requests) < 150_000 * (round_ + 1):
                assert process.poll() is None
            process.send_signal(signal.SIGKILL)
        present = {path.name: sha256(path) for path in (tmp_path / "data").rglob("*.fits")}
        assert present == {name: expected[name] for name in present}
    faulty_archive.faults = ()
    download(plan(many, to=tmp_path / "data", archive=archive), manners=HASTY)
    assert sums(tmp_path / "data") == expected


FULL_DISK = textwrap.dedent(
    """
    import sys
    from astropy.table import Table, vstack
    from jwstmq_widgets.archives import open_archive
    from jwstmq_widgets.downloads import download, plan

    url, table, folder = sys.argv[1:]
    products = Table.read(table)
    products["size"] = -1  # else the plan would see that they do not fit
    manifest = download(plan(products, to=folder, archive=open_archive(url)))
    for row in manifest:
        print(row["Status"], row["Message"], sep="\\t")
    """
)


def test_a_full_disk_ends_the_batch_with_a_sentence(archive: Archive, southern_ring: Table, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    table = tmp_path / "products.ecsv"
    chosen = select(southern_ring, filetypes="cal", detectors="mirimage")
    chosen["dataURI", "productFilename", "size", "obs_id", "dataRights"].write(table)
    size = int(chosen["size"][:3].sum()) // 1024
    command = [sys.executable, "-c", FULL_DISK, archive.url, str(table), str(disk / "data")]
    script = f'mount -t tmpfs -o size={size}k none "{disk}" && exec "$@"'
    space = ["unshare", "--user", "--map-root-user", "--mount"]
    if os.geteuid() == 0 and not _runs([*space, "true"]):
        space = ["unshare", "--mount"]
    if not _runs([*space, "sh", "-c", f'mount -t tmpfs none "{disk}"']):
        pytest.skip("a small disk cannot be mounted here: unshare and mount are not allowed")
    done = subprocess.run([*space, "sh", "-c", script, "sh", *command], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert len(rows) == len(chosen)
    assert {status for status, _ in rows} == {"COMPLETE", "ERROR"}
    assert any("the disk is full; free some space" in message for _, message in rows)
    assert all("disk is full" in message for status, message in rows if status == "ERROR")


def _runs(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n" + FULL_DISK


def test_a_file_that_the_system_does_not_let_grow_is_one_error(archive: Archive, eight: Table, tmp_path: Path) -> None:
    table = tmp_path / "products.ecsv"
    eight["dataURI", "productFilename", "size", "obs_id", "dataRights"].write(table)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, archive.url, str(table), str(tmp_path / "data")],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("cannot be written (File too large)") == len(eight)


def test_a_destination_removed_on_the_way_is_made_again(archive: Archive, eight: Table, tmp_path: Path) -> None:
    import shutil

    gone: list[bool] = []

    def remove(now: object) -> None:
        if not gone:
            gone.append(True)
            shutil.rmtree(tmp_path / "data", ignore_errors=True)

    manifest = download(plan(eight, to=tmp_path / "data", archive=archive), manners=HASTY, progress=remove)
    assert len(manifest) == len(eight)
    rest = download(plan(eight, to=tmp_path / "data", archive=archive), manners=HASTY)
    assert set(rest["Status"].tolist()) <= {"COMPLETE", "SKIPPED"}


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("split", [False, True])
def test_the_archive_never_sees_more_connections_than_were_set(
    archive: Archive, faulty_archive: LocalArchive, eight: Table, tmp_path: Path, workers: int, split: bool
) -> None:
    faulty_archive.faults = [faults.Slow(path="*.fits", rate=4_000_000)]
    faulty_archive.clear_requests()
    manners = replace(HASTY, split_from=1, split_seconds=0.0) if split else HASTY
    manifest = download(plan(eight, to=tmp_path, archive=archive), workers=workers, manners=manners)
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    seen = [request for request in faulty_archive.requests if request.path.endswith("/file")]
    assert max(request.together for request in seen) <= workers
    assert len({request.connection for request in seen}) <= workers * (1 + split * len(eight))
