"""Many small files over connections that stay open."""

import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jwstmq_widgets.archives import Archive, open_archive
from jwstmq_widgets.downloads import Control, Manifest, Manners, download
from jwstmq_widgets.downloads.files.smallfiles import Errand, SmallFiles
from jwstmq_widgets.downloads.progress import DownloadProgress
from tests.downloads.conftest import HASTY, MakePlan, fits_bytes
from tests.downloads.origin import Origin, Reply

SMALL = fits_bytes(2 * 2880)


def names(count: int) -> list[str]:
    return [f"jw02733{number:03d}001_02103_00001_mirimage_cal.fits" for number in range(count)]


def test_each_small_file_is_asked_for_once_over_as_many_connections_as_are_allowed(
    origin: Origin, plan_of: MakePlan
) -> None:
    for name in names(60):
        origin.add(name, fits_bytes(2 * 2880, seed=int(name[7:10])))
    decided = plan_of()
    manifest = download(decided, manners=HASTY, workers=3)
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    assert {name: (decided.folder / name).read_bytes() for name in origin.files} == origin.files
    assert sorted(asked.name for asked in origin.asked) == names(60)
    assert len({asked.connection for asked in origin.asked}) <= 3
    assert Manifest.read(decided.folder)["Status"].tolist() == ["COMPLETE"] * 60
    assert sorted(path.name for path in decided.folder.glob("jw*")) == names(60)


def test_no_small_file_has_its_name_before_its_bytes_are_on_the_disk(
    origin: Origin, plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[int] = set()
    named: dict[str, bool] = {}
    fsync, replace = os.fsync, os.replace

    def note_sync(file: int) -> None:
        fsync(file)
        synced.add(os.fstat(file).st_ino)

    def note_name(source: str, target: str) -> None:
        named[Path(target).name] = Path(source).stat().st_ino in synced
        replace(source, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_name)
    for name in names(40):
        origin.add(name, SMALL)
    download(plan_of(), manners=HASTY)
    assert named == dict.fromkeys(names(40), True)


def test_a_503_among_small_files_is_obeyed_by_all_connections(origin: Origin, plan_of: MakePlan) -> None:
    for name in names(40):
        origin.add(name, SMALL)
    busy = names(40)[20]
    origin.replies[busy] = [Reply(status=503, headers={"Retry-After": "1"})]
    manifest = download(plan_of(), manners=HASTY, workers=4)
    asked_before = [number for number, asked in enumerate(origin.asked) if asked.name == busy]
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    assert len(asked_before) == 2
    assert len(origin.asked) == 41


def test_small_files_rest_and_go_on(origin: Origin, plan_of: MakePlan) -> None:
    for name in names(300):
        origin.add(name, SMALL)
    control, seen = Control(), []

    def show(now: DownloadProgress) -> None:
        seen.append((now.paused, now.files_done))
        if now.files_done and not control.paused and len(seen) < 5:
            control.pause()
        elif len(seen) > 8:
            control.resume()

    manifest = download(plan_of(), manners=HASTY, control=control, progress=show)
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    resting = [done for paused, done in seen if paused]
    assert len(resting) < 2 or resting[-1] - resting[1] <= 4  # what was read already gets its name


def test_cancelled_small_files_leave_nothing_behind(origin: Origin, plan_of: MakePlan) -> None:
    for name in names(40):
        origin.add(name, SMALL)
    origin.always[names(40)[15]] = origin.always[names(40)[16]] = Reply(stall=3000)
    cancel = threading.Event()

    def show(now: DownloadProgress) -> None:
        if now.files_done >= 15:
            cancel.set()

    decided = plan_of()
    manifest = download(decided, manners=Manners(), workers=2, progress=show, cancel=cancel)
    here = {path.name for path in decided.folder.glob("jw*.fits")}
    complete = manifest["Status"] == "COMPLETE"
    assert here == {Path(path).name for path in manifest["Local Path"][complete].tolist()}
    assert set(manifest["Status"][~complete].tolist()) == {"CANCELLED"}
    assert all((decided.folder / name).read_bytes() == SMALL for name in here)


class Odd:
    """An archive as somebody else might write one: it fails for one file."""

    def __init__(self, archive: Archive, name: str, address: str) -> None:
        self._archive, self._name, self._address = archive, name, address

    def download_url(self, uri: str) -> str:
        if not uri.endswith(self._name) or self._address == "refused":
            return self._archive.download_url(uri)
        if not self._address:
            raise LookupError(uri)
        return self._address

    def authorization(self, url: str) -> dict[str, str]:
        if self._address == "refused" and url.endswith(self._name):
            raise LookupError(url)
        return self._archive.authorization(url)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._archive, name)


@pytest.mark.parametrize(
    "address", ["", "http://[no where/file", "refused"], ids=["none", "a broken one", "one it may not ask"]
)
@pytest.mark.parametrize("place", [0, 20])
def test_an_archive_that_fails_for_one_file_holds_no_other_up(
    origin: Origin, plan_of: MakePlan, address: str, place: int
) -> None:
    for name in names(40):
        origin.add(name, SMALL)
    odd, cancel = names(40)[place], threading.Event()
    decided = replace(plan_of(), archive=Odd(open_archive(origin.url), odd, address))
    late = threading.Timer(60, cancel.set)
    late.start()
    manifest = download(decided, manners=HASTY, workers=2, cancel=cancel)
    late.cancel()
    failed = manifest[manifest["Status"] != "COMPLETE"]
    assert failed["Status"].tolist() == ["ERROR"]
    assert failed["Local Path"].tolist() == [str(decided.folder / odd)]
    assert sorted(path.name for path in decided.folder.glob("jw*")) == sorted({*names(40)} - {odd})


@pytest.mark.parametrize("name", ["download-quick", "download-sync"])
def test_files_come_where_no_more_threads_are_to_be_had(
    origin: Origin, plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    start = threading.Thread.start

    def begin(thread: threading.Thread) -> None:
        if thread.name.startswith(name):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", begin)
    for each in names(40):
        origin.add(each, SMALL)
    cancel = threading.Event()
    late = threading.Timer(60, cancel.set)
    late.start()
    manifest = download(plan_of(), manners=HASTY, workers=2, cancel=cancel)
    late.cancel()
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    assert len(origin.asked) == 40


def test_a_mistake_in_the_quick_way_leaves_its_files_to_the_plain_one(
    origin: Origin, plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    errand, broken = SmallFiles.errand, threading.Event()

    def breaks_once(self: SmallFiles, index: int) -> Errand | None:
        if threading.current_thread().name == "download-quick" and index > 20 and not broken.is_set():
            broken.set()
            raise RuntimeError("a mistake")
        return errand(self, index)

    monkeypatch.setattr(SmallFiles, "errand", breaks_once)
    for name in names(40):
        origin.add(name, SMALL)
    decided, cancel = plan_of(), threading.Event()
    late = threading.Timer(60, cancel.set)
    late.start()
    manifest = download(decided, manners=HASTY, workers=3, cancel=cancel)
    late.cancel()
    assert broken.is_set()
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    assert sorted(path.name for path in decided.folder.glob("jw*")) == names(40)
