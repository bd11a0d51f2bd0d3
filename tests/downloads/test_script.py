"""A plan as a script that other programs run: the same bytes, and a token for nobody but the archive."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from astropy.table import Table

from jwstmq_widgets.archives import Archive, open_archive
from jwstmq_widgets.downloads import Plan, download, plan
from jwstmq_widgets.downloads.manifestpage import manifest_page
from jwstmq_widgets.downloads.script import Script, script
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.localarchive import TOKEN, TOKEN_WITHOUT_ACCESS, LocalArchive, faults
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import select
from tests.downloads.conftest import HASTY, MakePlan, fits_bytes, products_of
from tests.downloads.origin import Origin, Reply

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("curl") is None, reason="needs a POSIX shell with curl"
)

SHELLS = [shell for shell in ("dash", "bash", "busybox", "zsh") if shutil.which(shell)] or ["sh"]


@pytest.fixture
def archive(faulty_archive: LocalArchive) -> Archive:
    return open_archive(faulty_archive.url)


@pytest.fixture(scope="module")
def southern_ring(local_archive: LocalArchive) -> Table:
    """All products of program 2733."""
    archive = open_archive(local_archive.url)
    return archive.products(archive.observations(Query(program=2733)))


@pytest.fixture(scope="module")
def exclusive(local_archive: LocalArchive) -> Table:
    """Some files in their exclusive-access period."""
    archive = open_archive(local_archive.url)
    for program in (1541, 1366, 1200, 2107, 1410, 2609):
        products = archive.products(archive.observations(Query(program=program)))
        closed = (products["dataRights"] == "EXCLUSIVE_ACCESS") & (products["calib_level"] > 0)
        if closed.any():
            return products[closed][:3]
    pytest.fail("the local archive holds no exclusive products in these programs")


def run(
    text: Script, folder: Path, *options: str, shell: str = SHELLS[0], token: str = "", path: str = ""
) -> subprocess.CompletedProcess[str]:
    """Save a script and run it in a folder, with few tries and no rest between them."""
    folder.mkdir(exist_ok=True)
    file = text.save(folder.parent / "script.sh")
    environment = {**os.environ, "PATH": f"{path}{os.pathsep * bool(path)}{os.environ['PATH']}"}
    if token:
        environment["MAST_API_TOKEN"] = token
    command = [shell, "sh"] if shell == "busybox" else [shell]
    return subprocess.run(
        [*command, str(file), "--wait", "0", "--tries", "3", *options],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def bytes_below(folder: Path) -> dict[str, bytes]:
    """Give every file below a folder but the manifest, by its path from there."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != "MANIFEST.html")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


class _Page(HTMLParser):
    """The rows of a page's table."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in {"td", "th"}:
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data.strip("\n")


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_brings_the_same_bytes_in_every_shell(
    shell: str, archive: Archive, southern_ring: Table, content_of: Callable[[str], bytes], tmp_path: Path
) -> None:
    decided = plan(select(southern_ring, filetypes=["cal", "_cal.jpg", "asn"])[:12], to=tmp_path / "x", archive=archive)
    done = run(script(decided), tmp_path / "here", shell=shell)
    assert (done.returncode, done.stderr) == (0, "")
    expected = {item.path.relative_to(decided.folder).as_posix(): content_of(item.name) for item in decided.items}
    assert bytes_below(tmp_path / "here") == expected


def test_a_second_run_asks_for_nothing(
    faulty_archive: LocalArchive, archive: Archive, southern_ring: Table, tmp_path: Path
) -> None:
    brought = script(plan(select(southern_ring, filetypes="cal")[:5], to=tmp_path, archive=archive))
    assert run(brought, tmp_path / "here").returncode == 0
    faulty_archive.clear_requests()
    again = run(brought, tmp_path / "here")
    assert (again.returncode, faulty_archive.requests) == (0, [])
    assert "0 downloaded, 5 already here, 0 failed" in again.stdout


def test_files_go_below_the_folder_that_is_asked_for(archive: Archive, southern_ring: Table, tmp_path: Path) -> None:
    decided = plan(select(southern_ring, filetypes="cal")[:1], to=tmp_path / "x", layout="mast", archive=archive)
    done = run(script(decided), tmp_path / "here", "--dir", "-a folder's")
    assert done.returncode == 0, done.stderr
    path = decided.items[0].path.relative_to(decided.folder)
    assert (tmp_path / "here" / "-a folder's" / path).stat().st_size == decided.items[0].size


def test_what_was_cut_goes_on_where_it_stopped(
    faulty_archive: LocalArchive,
    archive: Archive,
    southern_ring: Table,
    content_of: Callable[[str], bytes],
    tmp_path: Path,
) -> None:
    decided = plan(select(southern_ring, filetypes="cal")[:1], to=tmp_path, layout="flat", archive=archive)
    item = decided.items[0]
    faulty_archive.faults = [faults.Cut(path=item.name, after=5000, times=2)]
    done = run(script(decided), tmp_path / "here")
    assert done.returncode == 0, done.stderr
    assert bytes_below(tmp_path / "here") == {item.name: content_of(item.name)}
    ranges = [request.headers.get("Range") for request in faulty_archive.requests]
    assert ranges == [None, "bytes=5000-", "bytes=10000-"]


def test_another_run_goes_on_where_the_last_one_gave_up(
    faulty_archive: LocalArchive,
    archive: Archive,
    southern_ring: Table,
    content_of: Callable[[str], bytes],
    tmp_path: Path,
) -> None:
    decided = plan(select(southern_ring, filetypes="cal")[:1], to=tmp_path, layout="flat", archive=archive)
    item = decided.items[0]
    faulty_archive.faults = [
        faults.Cut(path=item.name, after=5000, times=1),
        faults.Drop(path=item.name, skip=1, times=3),
    ]
    failed = run(script(decided), tmp_path / "here")
    assert (failed.returncode, (tmp_path / "here" / item.name).exists()) == (1, False)
    faulty_archive.faults = ()
    faulty_archive.clear_requests()
    assert run(script(decided), tmp_path / "here").returncode == 0
    assert [request.headers.get("Range") for request in faulty_archive.requests] == ["bytes=5000-"]
    assert bytes_below(tmp_path / "here") == {item.name: content_of(item.name)}


def test_a_file_that_changed_meanwhile_comes_whole(
    faulty_archive: LocalArchive,
    archive: Archive,
    southern_ring: Table,
    content_of: Callable[[str], bytes],
    tmp_path: Path,
) -> None:
    decided = plan(select(southern_ring, filetypes="cal")[:1], to=tmp_path, layout="flat", archive=archive)
    item = decided.items[0]
    faulty_archive.faults = [
        faults.Cut(path=item.name, after=5000, times=1),
        faults.Changed(path=item.name, skip=1),
    ]
    assert run(script(decided), tmp_path / "here").returncode == 0
    assert bytes_below(tmp_path / "here") == {item.name: content_of(item.name)}
    assert [request.status for request in faulty_archive.requests] == [200, 200, 200]


@pytest.mark.parametrize("note", ["", 'HTTP/1.1 200 OK\r\nETag: "of another file"\r\n'])
def test_a_beginning_that_nothing_proves_is_not_used(
    note: str, archive: Archive, southern_ring: Table, content_of: Callable[[str], bytes], tmp_path: Path
) -> None:
    decided = plan(select(southern_ring, filetypes="cal")[:1], to=tmp_path, layout="flat", archive=archive)
    item, folder = decided.items[0], tmp_path / "here"
    folder.mkdir()
    (folder / f"{item.name}.part").write_bytes(b"junk" * 1000)
    if note:
        (folder / f"{item.name}.part.head").write_text(note)
    assert run(script(decided), folder).returncode == 0
    assert bytes_below(folder) == {item.name: content_of(item.name)}


def test_a_link_in_the_place_of_a_part_is_not_written_through(
    plan_of: MakePlan, origin: Origin, tmp_path: Path
) -> None:
    origin.add("a.fits", fits_bytes())
    (tmp_path / "here").mkdir()
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "here" / "a.fits.part").symlink_to(tmp_path / "mine")
    assert run(script(plan_of()), tmp_path / "here").returncode == 0
    assert (tmp_path / "mine").read_text() == "mine"
    assert not (tmp_path / "here" / "a.fits").is_symlink()


NASTY = "it's $(touch pwned) `touch pwned`; touch pwned & $HOME !! ~ %s \\n [a] {b} #.fits"


@pytest.mark.parametrize("shell", SHELLS)
def test_no_name_is_ever_run(shell: str, origin: Origin, tmp_path: Path) -> None:
    content = fits_bytes()
    origin.files[NASTY] = content
    table = products_of({f"mast:JWST/product/{NASTY}": (NASTY, len(content))}, origin.url)
    decided = plan(table, to=tmp_path / "x", layout="flat", archive=open_archive(origin.url))
    done = run(script(decided), tmp_path / "here", shell=shell)
    assert done.returncode == 0, done.stdout + done.stderr
    assert bytes_below(tmp_path / "here") == {decided.items[0].name: content}
    assert "$(touch pwned)" in decided.items[0].name
    rows = _Page((tmp_path / "here" / "MANIFEST.html").read_text()).rows
    assert rows[1][:4] == [f"mast:JWST/product/{NASTY}", decided.items[0].name, "PUBLIC", "COMPLETE"]


def with_first(decided: Plan, **changes: Any) -> Plan:
    first, *others = decided.items
    return replace(decided, items=(replace(first, **changes), *others))


def test_a_name_with_a_line_break_is_refused(plan_of: MakePlan, origin: Origin) -> None:
    origin.add("a.fits", fits_bytes())
    decided = plan_of()
    decided = with_first(decided, name="a\ntouch pwned\n.fits")
    with pytest.raises(QueryError, match="no line can"):
        script(decided)


def test_one_file_that_fails_does_not_keep_the_others_back(plan_of: MakePlan, origin: Origin, tmp_path: Path) -> None:
    origin.add("gone.fits", fits_bytes())
    origin.add("a.fits", fits_bytes())
    decided = plan_of()
    origin.always["gone.fits"] = Reply(status=404)
    done = run(script(decided), tmp_path / "here")
    assert done.returncode == 1
    assert set(bytes_below(tmp_path / "here")) == {"a.fits"}
    assert "gone.fits: the archive has no such file (HTTP 404)" in done.stderr
    assert "1 downloaded, 0 already here, 1 failed" in done.stdout
    assert len(origin.asked_for("gone.fits")) == 1


def test_trouble_that_passes_is_waited_for(plan_of: MakePlan, origin: Origin, tmp_path: Path) -> None:
    content = fits_bytes()
    origin.add("a.fits", content, Reply(status=503, headers={"Retry-After": "0"}, body=b"busy"), Reply(status=429))
    assert run(script(plan_of()), tmp_path / "here").returncode == 0
    assert bytes_below(tmp_path / "here") == {"a.fits": content}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=200, body=b"<html>log in</html>", headers={"Content-Type": "text/html"}),
        Reply(status=200, body=b"SIMPLE  =" + b" " * 2871),
        Reply(status=200, body=b"x" * 5 * 2880),
        Reply(cut=3000),
    ],
    ids=["a web page", "another size", "no FITS", "a cut one"],
)
def test_what_is_not_the_file_never_gets_its_name(
    reply: Reply, plan_of: MakePlan, origin: Origin, tmp_path: Path
) -> None:
    origin.add("a.fits", fits_bytes(), etag="")
    origin.always["a.fits"] = reply
    done = run(script(plan_of()), tmp_path / "here")
    assert done.returncode == 1
    assert not (tmp_path / "here" / "a.fits").exists()
    assert "a.fits: " in done.stderr


def test_exclusive_files_are_not_asked_for_without_a_token(
    faulty_archive: LocalArchive, archive: Archive, exclusive: Table, tmp_path: Path
) -> None:
    done = run(script(plan(exclusive, to=tmp_path, archive=archive)), tmp_path / "here")
    assert done.returncode == 1
    assert re.search(r"exclusive( until 20\d\d-\d\d-\d\d)?; set MAST_API_TOKEN", done.stderr)
    assert not [request for request in faulty_archive.requests if "/Download/" in request.path]


@pytest.mark.parametrize("shell", SHELLS)
def test_exclusive_files_come_with_the_token_of_the_environment(
    shell: str, archive: Archive, exclusive: Table, content_of: Callable[[str], bytes], tmp_path: Path
) -> None:
    decided = plan(exclusive, to=tmp_path, layout="flat", archive=archive)
    done = run(script(decided), tmp_path / "here", shell=shell, token=TOKEN)
    assert done.returncode == 0, done.stderr
    assert bytes_below(tmp_path / "here") == {item.name: content_of(item.name) for item in decided.items}
    rows = _Page((tmp_path / "here" / "MANIFEST.html").read_text()).rows
    assert {tuple(row[2:4]) for row in rows[1:]} == {("EXCLUSIVE", "COMPLETE")}
    assert {row[5] for row in rows[1:]} not in ({"anonymous"}, {"unknown"})


def test_a_token_without_access_is_told_so(archive: Archive, exclusive: Table, tmp_path: Path) -> None:
    done = run(script(plan(exclusive, to=tmp_path, archive=archive)), tmp_path / "here", token=TOKEN_WITHOUT_ACCESS)
    assert done.returncode == 1
    assert "the archive does not give it to walt (HTTP 401)" in done.stderr


def test_public_files_are_asked_for_without_the_token(
    faulty_archive: LocalArchive, archive: Archive, southern_ring: Table, tmp_path: Path
) -> None:
    decided = plan(select(southern_ring, filetypes="cal")[:2], to=tmp_path, archive=archive)
    faulty_archive.clear_requests()
    assert run(script(decided), tmp_path / "here", token=TOKEN).returncode == 0
    assert [request.credential for request in faulty_archive.requests] == [False, False]


def test_the_token_stays_behind_at_a_redirect(
    faulty_archive: LocalArchive, archive: Archive, exclusive: Table, other: Origin, tmp_path: Path
) -> None:
    decided = plan(exclusive[:1], to=tmp_path, archive=archive)
    other.files[decided.items[0].name] = b""
    faulty_archive.faults = [faults.Redirect(path="*/Download/file", host=other.url.removeprefix("http://"))]
    run(script(decided), tmp_path / "here", token=TOKEN)
    assert other.asked
    assert [TOKEN in str(asked) for asked in other.asked] == [False] * len(other.asked)
    assert not any("authorization" in map(str.lower, asked.headers) for asked in other.asked)


def test_the_token_is_in_no_text_and_on_no_command_line(archive: Archive, exclusive: Table, tmp_path: Path) -> None:
    archive.login(TOKEN)
    written = script(plan(exclusive, to=tmp_path, archive=archive))
    spy = tmp_path / "bin" / "curl"
    spy.parent.mkdir()
    spy.write_text(f'#!/bin/sh\necho "$@" "$(env)" >> {tmp_path}/seen\nexec {shutil.which("curl")} "$@"\n')
    spy.chmod(0o755)
    done = run(written, tmp_path / "here", token=TOKEN, path=str(spy.parent))
    assert done.returncode == 0
    texts = [str(written), (tmp_path / "seen").read_text(), done.stdout, done.stderr]
    texts += [path.read_text() for path in (tmp_path / "here").rglob("MANIFEST.html")]
    assert not [text for text in texts if TOKEN in text]
    assert "--location" in texts[1]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
def test_a_stopped_script_ends_its_transfers_and_can_go_on(
    number: int, status: int, faulty_archive: LocalArchive, archive: Archive, southern_ring: Table, tmp_path: Path
) -> None:
    decided = plan(select(southern_ring, filetypes="cal")[:2], to=tmp_path, layout="flat", archive=archive)
    faulty_archive.faults = [faults.Slow(path="*_cal.fits", rate=20_000)]
    folder = tmp_path / "here"
    folder.mkdir()
    file = script(decided).save(tmp_path)
    with subprocess.Popen([SHELLS[0], file], cwd=folder, stdout=subprocess.PIPE, text=True) as running:
        parts = [folder / f"{item.name}.part" for item in decided.items]
        while not all(part.exists() and part.stat().st_size for part in parts):
            assert running.poll() is None
        running.send_signal(number)
        said, _ = running.communicate(timeout=10)
    assert running.returncode == status
    assert "0 downloaded, 0 already here, 0 failed, 2 not tried" in said
    sizes = [part.stat().st_size for part in parts]
    faulty_archive.faults = ()
    faulty_archive.clear_requests()
    assert run(script(decided), folder).returncode == 0
    assert {request.headers.get("Range") for request in faulty_archive.requests} == {f"bytes={n}-" for n in sizes}


@pytest.mark.parametrize("options", [("--jobs", "9"), ("--jobs", "0"), ("--tries", "x"), ("--dir",), ("--what",)])
def test_a_wrong_option_is_told(options: tuple[str, ...], plan_of: MakePlan, origin: Origin, tmp_path: Path) -> None:
    origin.add("a.fits", fits_bytes())
    done = run(script(plan_of()), tmp_path / "here", *options)
    assert (done.returncode, len(done.stderr.splitlines()), origin.asked) == (2, 1, [])


def test_the_text_depends_on_the_plan_alone(plan_of: MakePlan, origin: Origin) -> None:
    origin.add("a.fits", fits_bytes())
    assert str(script(plan_of())) == str(script(plan_of()))
    assert origin.asked == []


def test_a_saved_script_can_be_run_as_it_is(plan_of: MakePlan, origin: Origin, tmp_path: Path) -> None:
    origin.add("a.fits", fits_bytes())
    file = script(plan_of()).save(tmp_path)
    assert subprocess.run([file], cwd=tmp_path, capture_output=True, check=False).returncode == 0
    with pytest.raises(QueryError, match="cannot be written"):
        script(plan_of()).save(tmp_path / "nowhere" / "x.sh")


def test_what_is_not_observed_yet_is_left_out(plan_of: MakePlan, origin: Origin) -> None:
    origin.add("a.fits", fits_bytes())
    decided = plan_of()
    decided = with_first(decided, state="planned")
    written = script(decided)
    assert (written.files, written.left_out) == (0, ("a.fits",))


def test_other_kinds_and_plans_without_an_archive_are_refused(plan_of: MakePlan, origin: Origin) -> None:
    origin.add("a.fits", fits_bytes())
    with pytest.raises(QueryError, match="use one of curl, aria2, wget"):
        script(plan_of(), kind="ftp")  # type: ignore[arg-type]
    with pytest.raises(QueryError, match="does not know its archive"):
        script(Plan(items=(), folder=Path("/"), layout="flat"))


def test_aria2_gets_each_address_with_its_path(archive: Archive, southern_ring: Table, tmp_path: Path) -> None:
    decided = plan(select(southern_ring, filetypes="cal")[:3], to=tmp_path, archive=archive)
    entries = str(script(decided, kind="aria2")).split("http://")[1:]
    assert [entry.splitlines()[1:] for entry in entries] == [
        [f"  out={item.path.relative_to(tmp_path)}", "  continue=true", "  auto-file-renaming=false"]
        for item in decided.items
    ]
    assert [f"http://{entry.splitlines()[0]}" for entry in entries] == [
        archive.download_url(item.uri) for item in decided.items
    ]


def test_lists_for_others_hold_no_exclusive_files(archive: Archive, exclusive: Table, tmp_path: Path) -> None:
    archive.login(TOKEN)
    written = script(plan(exclusive, to=tmp_path, archive=archive), kind="aria2")
    assert (str(written), written.left_out) == ("", tuple(exclusive["productFilename"].tolist()))


def test_a_list_for_wget_takes_no_folders(archive: Archive, southern_ring: Table, tmp_path: Path) -> None:
    products = select(southern_ring, filetypes="cal")[:2]
    with pytest.raises(QueryError, match="layout='flat'"):
        script(plan(products, to=tmp_path, archive=archive), kind="wget")
    decided = plan(products, to=tmp_path, layout="flat", archive=archive)
    assert str(script(decided, kind="wget")).splitlines() == [archive.download_url(item.uri) for item in decided.items]


@pytest.mark.parametrize("kind", ["aria2", "wget"])
def test_other_programs_bring_the_same_bytes(
    kind: str, archive: Archive, southern_ring: Table, content_of: Callable[[str], bytes], tmp_path: Path
) -> None:
    if shutil.which({"aria2": "aria2c", "wget": "wget"}[kind]) is None:
        pytest.skip(f"{kind} is not here")
    layout = "flat" if kind == "wget" else "program"
    decided = plan(select(southern_ring, filetypes="cal")[:3], to=tmp_path / "x", layout=layout, archive=archive)
    written = script(decided, kind=kind)  # type: ignore[arg-type]
    (tmp_path / "here").mkdir()
    written.save(tmp_path / "here")
    for _ in range(2):
        done = subprocess.run(written.usage.split(), cwd=tmp_path / "here", capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    (tmp_path / "here" / written.name).unlink()
    expected = {item.path.relative_to(decided.folder).as_posix(): content_of(item.name) for item in decided.items}
    assert bytes_below(tmp_path / "here") == expected


def test_the_manifest_page_escapes_what_the_archive_says(plan_of: MakePlan, origin: Origin) -> None:
    origin.add("a<img src=x onerror=alert(1)>&.fits", fits_bytes())
    decided = plan_of()
    page = _Page(manifest_page(download(decided, manners=HASTY), decided))
    assert "img" not in page.tags
    assert page.rows[0][:4] == ["URI", "File", "Access", "Status"]
    assert page.rows[1][0] == "mast:JWST/product/a<img src=x onerror=alert(1)>&.fits"
    assert page.rows[1][2:4] == ["PUBLIC", "COMPLETE"]
