"""Whatever goes wrong on the way, a finished file holds the right bytes, and nothing unfinished bears its name."""

import dataclasses
import gzip
import json
import logging
import random
import threading
from pathlib import Path

import pytest

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.downloads import Manifest, Plan, download
from jwstmq_widgets.downloads.progress import DownloadProgress
from jwstmq_widgets.errors import QueryError
from tests.downloads.conftest import HASTY, IMPATIENT, MakePlan, fits_bytes
from tests.downloads.origin import Origin, Reply, free_port

NAME = "jw02733002001_02103_00001_mirimage_cal.fits"
WHOLE = fits_bytes(20 * 2880)


def carry_out(plan: Plan, **options: object) -> Manifest:
    return download(plan, workers=1, manners=HASTY, **options)


def assert_right(plan: Plan, manifest: Manifest, content: bytes = WHOLE) -> None:
    assert manifest["Status"].tolist() == ["COMPLETE"], manifest["Message"].tolist()
    assert plan.items[0].path.read_bytes() == content
    assert leftovers(plan) == []


def leftovers(plan: Plan) -> list[str]:
    names = {item.name for item in plan.items} | {".jwstmq-ledger.jsonl"}
    return sorted(path.name for path in plan.folder.iterdir() if path.name not in names)


@pytest.mark.parametrize("after", [0, 1, len(WHOLE) // 2, len(WHOLE) - 1])
def test_a_cut_transfer_ends_with_the_right_bytes(origin: Origin, plan_of: MakePlan, after: int) -> None:
    origin.add(NAME, WHOLE, Reply(cut=after))
    plan = plan_of()
    assert_right(plan, carry_out(plan))


def test_a_cut_transfer_resumes_where_it_stopped(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(cut=30_000))
    plan = plan_of()
    assert_right(plan, carry_out(plan))
    again = origin.asked_for(NAME)[1]
    assert again.range == f"bytes={30_000 - 4096}-"
    assert again.headers["If-Range"] == origin.etags[NAME]


def test_a_cut_transfer_without_a_validator_starts_over(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(cut=30_000), etag="")
    plan = plan_of()
    assert_right(plan, carry_out(plan))
    assert origin.asked_for(NAME)[1].range == ""


def test_a_weak_etag_does_not_resume(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(cut=30_000), etag='W/"1"')
    plan = plan_of()
    assert_right(plan, carry_out(plan))
    assert origin.asked_for(NAME)[1].range == ""


def test_an_etag_that_lies_is_found_out(origin: Origin, plan_of: MakePlan) -> None:
    other = fits_bytes(20 * 2880, seed=1)
    origin.add(NAME, WHOLE, Reply(status=200, headers={"ETag": '"same"'}, body=other, cut=30_000), etag='"same"')
    plan = plan_of()
    assert_right(plan, carry_out(plan))


def test_a_file_that_changed_between_the_tries_is_fetched_anew(origin: Origin, plan_of: MakePlan) -> None:
    old = Reply(status=200, headers={"ETag": '"old"'}, body=fits_bytes(20 * 2880, seed=1), cut=30_000)
    origin.add(NAME, WHOLE, old, etag='"new"')
    plan = plan_of()
    assert_right(plan, carry_out(plan))


def test_a_server_that_ignores_ranges_gives_the_right_bytes(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(cut=30_000), Reply(ignore_range=True))
    plan = plan_of()
    assert_right(plan, carry_out(plan))


def test_a_416_starts_over(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(cut=30_000), Reply(status=416))
    plan = plan_of()
    assert_right(plan, carry_out(plan))


def test_a_206_of_another_place_starts_over(origin: Origin, plan_of: MakePlan) -> None:
    wrong = Reply(status=206, headers={"Content-Range": f"bytes 0-99/{len(WHOLE)}"}, body=WHOLE[:100])
    origin.add(NAME, WHOLE, Reply(cut=30_000), wrong)
    plan = plan_of()
    assert_right(plan, carry_out(plan))


@pytest.mark.parametrize("junk", [b"junk", b"x" * 30_000, b"y" * (len(WHOLE) + 1)], ids=["short", "middle", "longer"])
@pytest.mark.parametrize("noted", [False, True])
def test_junk_in_a_part_does_not_survive(origin: Origin, plan_of: MakePlan, junk: bytes, noted: bool) -> None:
    uri = origin.add(NAME, WHOLE)
    plan = plan_of()
    plan.folder.mkdir()
    part = plan.items[0].path.with_name(f"{NAME}.part")
    part.write_bytes(junk)
    if noted:
        note = {"uri": uri, "etag": origin.etags[NAME], "modified": "", "size": len(WHOLE)}
        part.with_name(f"{part.name}.json").write_text(json.dumps(note))
    plan = plan_of()
    assert_right(plan, carry_out(plan))


@pytest.mark.parametrize("note", ["", "[]", "{}", '{"uri": 1}', "\0\0\0"])
def test_a_broken_note_beside_a_part_is_no_note(origin: Origin, plan_of: MakePlan, note: str) -> None:
    origin.add(NAME, WHOLE)
    plan = plan_of()
    plan.folder.mkdir()
    part = plan.items[0].path.with_name(f"{NAME}.part")
    part.write_bytes(b"x" * 30_000)
    part.with_name(f"{part.name}.json").write_text(note)
    assert_right(plan, carry_out(plan))


def test_a_whole_part_is_only_compared_and_named(origin: Origin, plan_of: MakePlan) -> None:
    uri = origin.add(NAME, WHOLE)
    plan = plan_of()
    plan.folder.mkdir()
    part = plan.items[0].path.with_name(f"{NAME}.part")
    part.write_bytes(WHOLE)
    note = {"uri": uri, "etag": origin.etags[NAME], "modified": "", "size": len(WHOLE)}
    part.with_name(f"{part.name}.json").write_text(json.dumps(note))
    plan = plan_of()
    assert plan.items[0].state == "resume"
    assert_right(plan, carry_out(plan))
    assert origin.asked_for(NAME)[0].range == f"bytes={len(WHOLE) - 4096}-"


def test_a_stalled_transfer_is_tried_again(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(stall=30_000))
    plan = plan_of()
    assert_right(plan, download(plan, workers=1, manners=IMPATIENT))


def test_a_503_is_tried_again(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(status=503), Reply(status=502))
    plan = plan_of()
    assert_right(plan, carry_out(plan))


def test_a_503_for_ever_is_one_error_row(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE)
    origin.always[NAME] = Reply(status=503)
    manifest = carry_out(plan_of())
    assert manifest["Status"].tolist() == ["ERROR"]
    assert "HTTP 503" in manifest["Message"][0]
    assert len(origin.asked_for(NAME)) == HASTY.tries


def test_a_429_is_tried_again(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(status=429, headers={"Retry-After": "0"}))
    plan = plan_of()
    assert_right(plan, carry_out(plan))


@pytest.mark.parametrize("chunked", [False, True])
def test_a_file_of_unsaid_length_is_complete(origin: Origin, plan_of: MakePlan, chunked: bool) -> None:
    origin.add(NAME, WHOLE, Reply(length=None if chunked else -1, chunked=chunked))
    plan = plan_of()
    assert_right(plan, carry_out(plan))


@pytest.mark.parametrize("chunked", [False, True])
def test_a_cut_file_of_unsaid_length_is_not_complete(origin: Origin, plan_of: MakePlan, chunked: bool) -> None:
    origin.add(NAME, WHOLE, Reply(length=None if chunked else -1, chunked=chunked, cut=2880 * 3))
    plan = plan_of()
    assert_right(plan, carry_out(plan))
    assert len(origin.asked_for(NAME)) == 2


def test_a_cut_file_whose_size_nobody_says_is_found_out_by_its_structure(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(length=-1, cut=2880 * 3))
    plan = plan_of(sizes={NAME: -1})
    assert_right(plan, carry_out(plan))


@pytest.mark.parametrize("by", [-2880, 2880])
def test_a_length_that_lies_is_tried_again(origin: Origin, plan_of: MakePlan, by: int) -> None:
    body = WHOLE[:by] if by < 0 else WHOLE + bytes(by)
    origin.add(NAME, WHOLE, Reply(status=200, body=body))
    plan = plan_of()
    assert_right(plan, carry_out(plan))


def test_a_size_unlike_the_catalogue_for_ever_is_an_error(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE)
    plan = plan_of(sizes={NAME: len(WHOLE) + 2880})
    manifest = carry_out(plan)
    assert manifest["Status"].tolist() == ["ERROR"]
    assert "search again" in manifest["Message"][0]
    assert not plan.items[0].path.exists()
    assert leftovers(plan) == []


def test_a_packed_answer_is_unpacked(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(status=200, headers={"Content-Encoding": "gzip"}, body=gzip.compress(WHOLE)))
    plan = plan_of()
    assert_right(plan, carry_out(plan))


def test_a_cut_packed_answer_is_fetched_anew(origin: Origin, plan_of: MakePlan) -> None:
    packed = gzip.compress(WHOLE)
    origin.add(NAME, WHOLE, Reply(status=200, headers={"Content-Encoding": "gzip"}, body=packed, cut=len(packed) // 2))
    plan = plan_of()
    assert_right(plan, carry_out(plan))


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<!DOCTYPE html><title>Log in</title>", "text/html"),
        (b"<html>", "application/octet-stream"),
        (gzip.compress(WHOLE), "image/fits"),
        (WHOLE[: 2880 * 4 + 5], "image/fits"),
        (b"", "image/fits"),
    ],
    ids=["login page", "hidden page", "gzip", "cut", "empty"],
)
def test_something_else_in_the_place_of_a_file_is_an_error(
    origin: Origin, plan_of: MakePlan, body: bytes, kind: str
) -> None:
    origin.add(NAME, body)
    origin.always[NAME] = Reply(headers={"Content-Type": kind})
    plan = plan_of()
    manifest = carry_out(plan)
    assert manifest["Status"].tolist() == ["ERROR"]
    assert not plan.items[0].path.exists()
    assert leftovers(plan) == []


def test_a_missing_file_says_so_and_is_not_tried_again(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(status=404))
    manifest = carry_out(plan_of())
    assert manifest["Status"].tolist() == ["ERROR"]
    assert "HTTP 404" in manifest["Message"][0]
    assert len(origin.asked) == 1


def test_an_archive_that_is_down_is_not_asked_for_every_file(origin: Origin, plan_of: MakePlan) -> None:
    for number in range(50):
        origin.add(f"file{number}_cal.fits", WHOLE)
    down = open_archive(f"http://127.0.0.1:{free_port()}")
    manifest = carry_out(dataclasses.replace(plan_of(), archive=down))
    assert set(manifest["Status"].tolist()) == {"ERROR"}
    assert all("refuses connections" in message for message in manifest["Message"])
    assert sum(message.startswith("not tried: ") for message in manifest["Message"]) == 49


def test_other_files_go_on_when_one_fails(origin: Origin, plan_of: MakePlan) -> None:
    for number in range(20):
        origin.add(f"file{number}_cal.fits", fits_bytes(seed=number))
    origin.replies["file7_cal.fits"] = [Reply(status=404)]
    plan = plan_of()
    manifest = download(plan, manners=HASTY)
    assert manifest["Status"].tolist() == ["ERROR" if number == 7 else "COMPLETE" for number in range(20)]
    assert [item.path.exists() for item in plan.items] == [number != 7 for number in range(20)]


def test_what_failed_can_be_tried_again(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(status=404))
    plan = plan_of()
    manifest = carry_out(plan)
    assert_right(plan, carry_out(manifest.failed))


def test_a_cancelled_download_ends_though_the_archive_hangs(origin: Origin, plan_of: MakePlan) -> None:
    for number in range(6):
        name = f"file{number}_cal.fits"
        origin.add(name, WHOLE)
        origin.always[name] = Reply(stall=30_000)
    plan = plan_of()
    cancel = threading.Event()

    def stop(now: DownloadProgress) -> None:
        if len(now.running) == 2 and all(file.bytes_done == 30_000 for file in now.running):
            cancel.set()

    patient = type(HASTY)(stall_timeout=600.0)
    manifest = download(plan, workers=2, manners=patient, cancel=cancel, progress=stop)
    assert manifest["Status"].tolist() == ["CANCELLED"] * 6
    assert [item.state for item in plan_of().items] == ["resume", "resume", "fetch", "fetch", "fetch", "fetch"]


def test_a_cancelled_download_goes_on_later(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(stall=30_000))
    cancel = threading.Event()
    manifest = carry_out(
        plan_of(), cancel=cancel, progress=lambda now: cancel.set() if now.bytes_done == 30_000 else None
    )
    assert manifest["Status"].tolist() == ["CANCELLED"]
    plan = manifest.failed
    assert plan.items[0].have == 30_000
    assert_right(plan, carry_out(plan))
    assert origin.asked_for(NAME)[1].range == f"bytes={30_000 - 4096}-"


def test_a_cancelled_download_does_not_wait_for_retry_after(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE)
    origin.always[NAME] = Reply(status=429, headers={"Retry-After": "600"})
    cancel = threading.Event()
    manifest = carry_out(plan_of(), cancel=cancel, progress=lambda _: cancel.set() if origin.asked else None)
    assert manifest["Status"].tolist() == ["CANCELLED"]


def test_progress_that_fails_does_not_end_a_download(
    origin: Origin, plan_of: MakePlan, caplog: pytest.LogCaptureFixture
) -> None:
    origin.add(NAME, WHOLE, Reply(status=503))

    def broken(_: DownloadProgress) -> None:
        raise ZeroDivisionError

    plan = plan_of()
    with caplog.at_level(logging.ERROR):
        manifest = carry_out(plan, progress=broken)
    assert_right(plan, manifest)
    assert len(caplog.records) == 1


def test_progress_never_falls_and_ends_full(origin: Origin, plan_of: MakePlan) -> None:
    for number in range(10):
        origin.add(f"file{number}_cal.fits", WHOLE, Reply(cut=30_000), Reply(ignore_range=True))
    seen: list[DownloadProgress] = []
    download(plan_of(), manners=HASTY, progress=seen.append)
    done = [now.bytes_done for now in seen]
    assert done == sorted(done)
    assert seen[-1].fraction == 1.0
    assert (seen[-1].files_done, seen[-1].bytes_done) == (10, 10 * len(WHOLE))


def test_never_more_connections_than_workers(origin: Origin, plan_of: MakePlan) -> None:
    for number in range(40):
        origin.add(f"file{number}_cal.fits", fits_bytes(seed=number))
    plan = plan_of()
    download(plan, workers=3, manners=HASTY)
    assert len({asked.connection for asked in origin.asked}) <= 3
    assert len(origin.asked) == 40


def test_a_redirect_to_another_host_gets_no_token(origin: Origin, other: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE, Reply(status=302, headers={"Location": f"{other.url}/elsewhere/{NAME}"}))
    other.add(NAME, WHOLE)
    plan = plan_of()
    origin.files["whoami"] = json.dumps(
        {"anon": False, "ezid": "vera", "eppn": "vera", "attrib": {}, "scopes": ["mast:exclusive_access"], "token": "x"}
    ).encode()
    plan.archive.login("10ca1000000000000000000000000001")
    assert_right(plan, carry_out(plan))
    assert origin.asked_for(NAME)[0].headers.get("Authorization")
    assert "Authorization" not in other.asked[0].headers
    assert "Cookie" not in other.asked[0].headers


@pytest.mark.parametrize(
    "target",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "http://[127.0.0.1/x", "http://127.0.0.1:x/x"],
)
def test_a_redirect_to_no_web_address_is_refused(origin: Origin, plan_of: MakePlan, target: str) -> None:
    origin.add(NAME, WHOLE, Reply(status=302, headers={"Location": target}))
    manifest = carry_out(plan_of())
    assert manifest["Status"].tolist() == ["ERROR"]
    assert "tell the archive" in manifest["Message"][0]


def test_redirects_in_a_circle_are_refused(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE)
    origin.always[NAME] = Reply(status=302, headers={"Location": f"/again/{NAME}"})
    assert carry_out(plan_of())["Status"].tolist() == ["ERROR"]


@pytest.mark.parametrize("status", [401, 403])
def test_a_product_without_a_right_to_it_says_what_to_do(origin: Origin, plan_of: MakePlan, status: int) -> None:
    origin.add(NAME, WHOLE, Reply(status=status))
    manifest = carry_out(plan_of())
    assert manifest["Status"].tolist() == ["ERROR"]
    assert "log in" in manifest["Message"][0]
    assert len(origin.asked) == 1


def test_a_proxy_of_the_environment_is_used(origin: Origin, plan_of: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    origin.add(NAME, WHOLE)
    monkeypatch.setenv("http_proxy", origin.url.replace("http://", "http://user:word@"))
    monkeypatch.setenv("no_proxy", "")
    plan = dataclasses.replace(plan_of(), archive=open_archive("http://archive.invalid"))
    assert_right(plan, carry_out(plan))
    assert origin.asked[0].path.startswith("http://archive.invalid/api/")
    assert origin.asked[0].headers["Proxy-Authorization"] == "Basic dXNlcjp3b3Jk"


def test_a_kept_connection_that_the_server_closed_is_made_anew(origin: Origin, plan_of: MakePlan) -> None:
    for number in range(4):
        origin.add(f"file{number}_cal.fits", fits_bytes(), Reply(hang_up=True))
    plan = plan_of()
    manifest = download(plan, workers=1, manners=dataclasses.replace(HASTY, tries=1))
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    assert len(origin.asked) == 4


def test_a_link_in_the_place_of_a_part_is_never_written_through(
    origin: Origin, plan_of: MakePlan, tmp_path: Path
) -> None:
    origin.add(NAME, WHOLE)
    plan = plan_of()
    plan.folder.mkdir()
    (tmp_path / "precious").write_text("mine")
    (plan.folder / f"{NAME}.part").symlink_to(tmp_path / "precious")
    assert_right(plan, carry_out(plan))
    assert (tmp_path / "precious").read_text() == "mine"
    assert not plan.items[0].path.is_symlink()


def test_a_link_made_after_the_plan_does_not_lead_out(origin: Origin, plan_of: MakePlan, tmp_path: Path) -> None:
    origin.add(NAME, WHOLE)
    plan = plan_of()
    item = dataclasses.replace(plan.items[0], folder=plan.folder / "02733")
    (tmp_path / "outside").mkdir()
    plan.folder.mkdir()
    (plan.folder / "02733").symlink_to(tmp_path / "outside")
    manifest = carry_out(dataclasses.replace(plan, items=(item,)))
    assert "a link that leads out" in manifest["Message"][0]
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize("workers", [0, -1, 9])
def test_a_number_of_workers_out_of_bounds_is_a_question_gone_wrong(plan_of: MakePlan, workers: int) -> None:
    with pytest.raises(QueryError, match="1 to 8"):
        download(plan_of(), workers=workers)


def test_a_plan_that_does_not_fit_is_refused_before_a_byte_moves(origin: Origin, plan_of: MakePlan) -> None:
    origin.add(NAME, WHOLE)
    plan = plan_of(sizes={NAME: 10**18})
    with pytest.raises(QueryError, match="free some") as caught:
        carry_out(plan)
    assert caught.value.field == "destination"
    assert not plan.folder.exists()
    assert origin.asked == []


def test_a_download_that_was_cancelled_before_it_began_moves_nothing(origin: Origin, plan_of: MakePlan) -> None:
    for number in range(50):
        origin.add(f"file{number}_cal.fits", WHOLE)
    cancel = threading.Event()
    cancel.set()
    manifest = carry_out(plan_of(), cancel=cancel)
    assert manifest["Status"].tolist().count("CANCELLED") >= 49


def test_many_files_and_faults_by_chance_give_no_wrong_byte(origin: Origin, plan_of: MakePlan) -> None:
    chance = random.Random(2733)
    contents = {f"file{number}_cal.fits": fits_bytes(2880 * (2 + number % 5), seed=number) for number in range(300)}
    for name, content in contents.items():
        faults = [
            Reply(cut=chance.randrange(len(content))),
            Reply(status=503),
            Reply(ignore_range=True, cut=chance.randrange(len(content))),
            Reply(status=200, body=content[: len(content) // 2]),
            Reply(length=-1, cut=chance.randrange(len(content))),
            Reply(chunked=True, cut=chance.randrange(len(content))),
            Reply(hang_up=True),
        ]
        origin.add(name, content, *(fault for fault in faults if chance.random() < 0.1))
    plan = plan_of()
    manifest = download(plan, workers=8, manners=HASTY)
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    assert [item.path.read_bytes() == contents[item.name] for item in plan.items] == [True] * 300
    assert leftovers(plan) == []
