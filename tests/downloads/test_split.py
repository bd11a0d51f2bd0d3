"""Large files that several connections bring: the right bytes, whatever goes wrong, and only where it pays."""

import dataclasses
import json
import threading

import pytest

from jwstmq_widgets.downloads import Control, Manifest, download
from jwstmq_widgets.downloads.files.spans import Spans
from jwstmq_widgets.downloads.progress import DownloadProgress
from tests.downloads.conftest import HASTY, IMPATIENT, MakePlan, fits_bytes
from tests.downloads.origin import Origin, Reply

NAME = "jw02733002001_02103_00001_mirimage_uncal.fits"
WHOLE = fits_bytes(2000 * 2880)
HELPFUL = dataclasses.replace(HASTY, split_from=1_000_000, split_seconds=0.0)
ALWAYS_SLOW = 8_000_000.0


def test_spans_share_a_file_without_gap_or_overlap() -> None:
    spans = Spans(1000, [], least=100)
    first = spans.take()
    assert first is not None
    first.position = 200
    offer = spans.offer()
    assert offer == (600, 1000)
    second = spans.claim(600)
    assert second is not None
    assert (first.stop, second.position, second.stop) == (600, 600, 1000)
    second.position = 700
    assert spans.done() == [(0, 200), (600, 700)]
    spans.give_back(second)
    left = spans.take()
    assert left is not None
    assert (left.position, left.stop) == (700, 1000)


def test_what_is_being_read_is_not_taken_away() -> None:
    spans = Spans(1000, [], least=100)
    first = spans.take()
    assert first is not None
    start, _ = spans.offer() or (0, 0)
    first.position = start - 49
    assert spans.claim(start) is None
    first.position = 900
    assert spans.offer() is None


def test_idle_connections_help_with_a_large_file(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE)
    plan = plan_of()
    manifest = download(plan, manners=HELPFUL, limit_rate=ALWAYS_SLOW)
    assert manifest["Status"].tolist() == ["COMPLETE"]
    assert plan.items[0].path.read_bytes() == WHOLE
    assert len({asked.connection for asked in origin.asked}) > 1
    assert [path.name for path in plan.folder.iterdir() if not path.name.startswith(".")] == [NAME]


def test_a_file_that_comes_fast_is_not_split(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE)
    plan = plan_of()
    download(plan, manners=dataclasses.replace(HELPFUL, split_seconds=1000.0))
    assert [asked.range for asked in origin.asked] == [""]


def test_a_server_without_ranges_is_asked_once_more_and_believed(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE)
    origin.always[NAME] = Reply(ignore_range=True)
    plan = plan_of()
    manifest = download(plan, manners=HELPFUL, limit_rate=ALWAYS_SLOW)
    assert manifest["Status"].tolist() == ["COMPLETE"]
    assert plan.items[0].path.read_bytes() == WHOLE


def test_parts_of_different_files_under_one_etag_are_found_out(origin: Origin, plan_of: MakePlan) -> None:
    other = fits_bytes(len(WHOLE), seed=1)
    origin.add(NAME, WHOLE, Reply(status=200, headers={"ETag": '"same"'}, body=other), etag='"same"')
    plan = plan_of()
    manifest = download(plan, manners=HELPFUL, limit_rate=ALWAYS_SLOW)
    assert manifest["Status"].tolist() == ["COMPLETE"]
    assert plan.items[0].path.read_bytes() in {WHOLE, other}


@pytest.mark.parametrize("fault", [
    Reply(cut=0), Reply(cut=1), Reply(cut=700_000), Reply(stall=300_000), Reply(status=503), Reply(status=416),
    Reply(status=429, headers={"Retry-After": "0"}), Reply(chunked=True), Reply(length=-1), Reply(ignore_range=True),
], ids=str)  # fmt: skip
def test_a_helper_that_fails_changes_no_byte(origin: Origin, plan_of: MakePlan, fault: Reply) -> None:
    origin.add(NAME, WHOLE, Reply(), fault, fault)
    plan = plan_of()
    manners = dataclasses.replace(HELPFUL, stall_timeout=(HELPFUL if fault.stall is None else IMPATIENT).stall_timeout)
    manifest = download(plan, manners=manners, limit_rate=ALWAYS_SLOW)
    assert manifest["Status"].tolist() == ["COMPLETE"], manifest["Message"].tolist()
    assert plan.items[0].path.read_bytes() == WHOLE


def test_a_cancelled_split_file_asks_only_for_what_is_missing(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE)
    control = Control()

    def stop(now: DownloadProgress) -> None:
        if len(origin.asked) >= 3 and now.bytes_done > 2_500_000:
            control.cancel()

    plan = plan_of()
    manifest = download(plan, manners=HELPFUL, limit_rate=ALWAYS_SLOW, control=control, progress=stop)
    assert manifest["Status"].tolist() == ["CANCELLED"]
    note = json.loads(plan.items[0].path.with_name(f"{NAME}.part.json").read_text())
    assert len(note["pieces"]) > 1
    here = sum(stop - start for start, stop in note["pieces"])
    rest = Manifest.read(plan.folder).failed
    assert (rest.items[0].state, rest.items[0].have) == ("resume", here)
    origin.asked.clear()
    assert download(rest, workers=1, manners=HELPFUL)["Status"].tolist() == ["COMPLETE"]
    assert plan.items[0].path.read_bytes() == WHOLE
    assert all(asked.range for asked in origin.asked)


@pytest.mark.parametrize("pieces", ["[]", "[[5, 3]]", "[[0, 99999999]]", '"x"', "[[0, 10], [5, 20]]", "[[-5, 10]]"])
def test_a_note_of_pieces_that_cannot_be_is_no_note(origin: Origin, plan_of: MakePlan, pieces: str) -> None:
    uri = origin.add(NAME, WHOLE)
    plan = plan_of()
    plan.folder.mkdir()
    part = plan.items[0].path.with_name(f"{NAME}.part")
    part.write_bytes(b"x" * 30_000)
    note = {"uri": uri, "etag": origin.etags[NAME], "modified": "", "size": len(WHOLE), "pieces": json.loads(pieces)}
    part.with_name(f"{part.name}.json").write_text(json.dumps(note))
    plan = plan_of()
    assert download(plan, manners=HELPFUL)["Status"].tolist() == ["COMPLETE"]
    assert plan.items[0].path.read_bytes() == WHOLE


def test_a_paused_download_moves_nothing_and_goes_on(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE)
    control, seen = Control(), []

    def watch(now: DownloadProgress) -> None:
        seen.append(now)
        if len(seen) == 3:
            control.pause()
        if len(seen) == 8:
            control.resume()

    plan = plan_of()
    manifest = download(plan, workers=1, limit_rate=ALWAYS_SLOW, manners=HASTY, control=control, progress=watch)
    assert manifest["Status"].tolist() == ["COMPLETE"]
    assert plan.items[0].path.read_bytes() == WHOLE
    assert seen[4].paused
    assert seen[5].bytes_done == seen[6].bytes_done
    assert seen[5].rate == 0.0


def test_a_paused_download_can_be_cancelled(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE)
    control, cancel = Control(), threading.Event()
    control.pause()
    seen: list[DownloadProgress] = []

    def watch(now: DownloadProgress) -> None:
        seen.append(now)
        if len(seen) == 3:
            cancel.set()

    manifest = download(plan_of(), manners=HASTY, control=control, cancel=cancel, progress=watch)
    assert manifest["Status"].tolist() == ["CANCELLED"]
    assert origin.asked == []
