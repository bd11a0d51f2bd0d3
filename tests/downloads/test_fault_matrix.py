"""Every fault against small, large and split files: the right bytes or an honest row, and nothing in between.

After each: a finished file is byte-identical to the source (SHA-256), nothing unfinished bears a final name, and the
manifest says COMPLETE for what is here and nothing else.
"""

import dataclasses
import gzip
import hashlib
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from jwstmq_widgets.downloads import LEDGER_NAME, Manifest, Manners, Plan, download, plan
from tests.downloads.conftest import HASTY, IMPATIENT, MakePlan, fits_bytes, products_of
from tests.downloads.origin import URI, Origin, Reply

NAME = "jw02733002001_02103_00001_mirimage_uncal.fits"
SMALL, LARGE = fits_bytes(4 * 2880), fits_bytes(1200 * 2880)
OTHER = {len(content): fits_bytes(len(content), seed=7) for content in (SMALL, LARGE)}
SPLIT = dataclasses.replace(HASTY, split_from=1_000_000, split_seconds=0.0)
KINDS: dict[str, tuple[bytes, Manners, float | None]] = {
    "small": (SMALL, HASTY, None),
    "large": (LARGE, HASTY, None),
    "split": (LARGE, SPLIT, 8e6),
    "quick": (SMALL, HASTY, None),
}
OTHERS = [f"jw02733{number:03d}001_02103_00001_mirimage_rate.fits" for number in range(6)]


def surround(origin: Origin, kind: str) -> dict[str, bytes]:
    """Have other small files before and after the one that fails, so that it comes in the quick way; gives them."""
    others = OTHERS if kind == "quick" else []
    before = dict.fromkeys(others[:3], SMALL)
    failing = dict(origin.files)
    origin.files.clear()
    for name, content in {**before, **failing, **dict.fromkeys(others[3:], SMALL)}.items():
        origin.add(name, content, *origin.replies.get(name, ()), etag=origin.etags.get(name))
    return dict(origin.files)


def cut(part: float, less: int = 0) -> Callable[[bytes], list[Reply]]:
    return lambda whole: [Reply(cut=min(max(int(len(whole) * part) - less, 0), len(whole)))]


def replied(*replies: Reply) -> Callable[[bytes], list[Reply]]:
    return lambda whole: list(replies)


# What goes wrong, and whether the file arrives all the same.
FAULTS: dict[str, tuple[Callable[[bytes], list[Reply]], bool]] = {
    "cut at byte 0": (cut(0), True),
    "cut at byte 1": (replied(Reply(cut=1)), True),
    "cut in the middle": (cut(0.5), True),
    "cut at the last byte": (cut(1, 1), True),
    "stall": (cut(0.5), True),
    "503 first": (replied(Reply(status=503)), True),
    "503 always": (replied(*[Reply(status=503)] * 99), False),
    "429 with Retry-After": (replied(Reply(status=429, headers={"Retry-After": "0"})), True),
    "wrong Content-Length": (lambda whole: [Reply(length=len(whole) + 2880)], True),
    "short Content-Length": (lambda whole: [Reply(status=200, body=whole[:-2880])], True),
    "no Content-Length": (replied(Reply(length=-1)), True),
    "no Content-Length and cut": (lambda whole: [Reply(length=-1, cut=len(whole) // 2)], True),
    "chunked": (replied(Reply(chunked=True)), True),
    "chunked and cut": (lambda whole: [Reply(chunked=True, cut=len(whole) // 2)], True),
    "200 to a Range": (lambda whole: [Reply(cut=len(whole) // 2), Reply(ignore_range=True)], True),
    "416": (lambda whole: [Reply(cut=len(whole) // 2), Reply(status=416)], True),
    "changed file": (
        lambda whole: [Reply(status=200, headers={"ETag": '"old"'}, body=OTHER[len(whole)], cut=len(whole) // 2)],
        True,
    ),
    "ETag that lies": (
        lambda whole: [Reply(status=200, headers={"ETag": '"e"'}, body=OTHER[len(whole)], cut=len(whole) // 2)],
        True,
    ),
    "weak ETag": (lambda whole: [Reply(headers={"ETag": 'W/"1"'}, cut=len(whole) // 2)], True),
    "gzip": (
        lambda whole: [Reply(status=200, headers={"Content-Encoding": "gzip"}, body=gzip.compress(whole, 1))],
        True,
    ),
    "login page": (replied(*[Reply(status=200, headers={"Content-Type": "text/html"}, body=b"<html>")] * 99), False),
    "404": (replied(Reply(status=404)), False),
}


def assert_truth(decided: Plan, manifest: Manifest, sources: dict[str, bytes]) -> None:
    for item, status, path in zip(decided.items, manifest["Status"], manifest["Local Path"], strict=True):
        assert path == str(item.path)
        assert item.path.exists() == (status == "COMPLETE"), (status, item.name)
        if item.path.exists():
            digest = hashlib.sha256(item.path.read_bytes()).hexdigest()
            assert digest == hashlib.sha256(sources[item.name]).hexdigest()
    known = {item.name for item in decided.items} | {LEDGER_NAME}
    strange = {path.name for path in decided.folder.iterdir()} - known
    assert all(name.endswith((".part", ".part.json")) for name in strange)
    assert dict(zip(manifest["dataURI"], manifest["Status"], strict=True)) == dict(
        zip(*(Manifest.read(decided.folder)[name].tolist() for name in ("dataURI", "Status")), strict=True)
    )


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_changes_no_byte(origin: Origin, plan_of: MakePlan, kind: str, fault: str) -> None:
    content, manners, rate = KINDS[kind]
    replies, arrives = FAULTS[fault]
    origin.add(NAME, content, *replies(content), etag='"e"')
    if fault == "stall":
        origin.replies[NAME] = [Reply(stall=len(content) // 2)]
        manners = dataclasses.replace(manners, stall_timeout=IMPATIENT.stall_timeout)
    sources = surround(origin, kind)
    decided = plan_of()
    manifest = download(decided, manners=manners, limit_rate=rate, workers=1 if kind == "quick" else 4)
    expected = {name: "COMPLETE" if arrives or name != NAME else "ERROR" for name in sources}
    assert manifest["Status"].tolist() == list(expected.values()), manifest["Message"].tolist()
    assert_truth(decided, manifest, sources)
    assert {len(origin.asked_for(name)) for name in sources if name != NAME} <= {1}


@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_to_another_host_changes_no_byte(
    origin: Origin, other: Origin, plan_of: MakePlan, kind: str
) -> None:
    content, manners, rate = KINDS[kind]
    origin.add(NAME, content)
    other.add(NAME, content)
    origin.always[NAME] = Reply(status=302, headers={"Location": f"{other.url}/elsewhere/{NAME}"})
    sources = surround(origin, kind)
    decided = plan_of()
    manifest = download(decided, manners=manners, limit_rate=rate, workers=1 if kind == "quick" else 4)
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    assert_truth(decided, manifest, sources)
    assert all("Authorization" not in asked.headers for asked in other.asked)


@pytest.mark.parametrize("kind", ["small", "large", "split"])
def test_a_destination_removed_on_the_way_leaves_an_honest_row(origin: Origin, plan_of: MakePlan, kind: str) -> None:
    content, manners, _ = KINDS[kind]
    origin.add(NAME, content, Reply(stall=len(content) // 2))
    decided = plan_of()

    def remove(now: object) -> None:
        if origin.asked and not (decided.folder / NAME).exists():
            shutil.rmtree(decided.folder, ignore_errors=True)

    impatient = dataclasses.replace(manners, stall_timeout=IMPATIENT.stall_timeout, tries=2)
    manifest = download(decided, manners=impatient, progress=remove)
    again = download(plan_of(), manners=manners)
    assert again["Status"].tolist() == ["COMPLETE" if manifest["Status"][0] != "COMPLETE" else "SKIPPED"]
    assert (decided.folder / NAME).read_bytes() == content


PROGRAM = textwrap.dedent(
    """
    import sys
    from astropy.table import Table
    from jwstmq_widgets.archives import open_archive
    from jwstmq_widgets.downloads import Manners, download, plan

    url, table, folder, rate = sys.argv[1:]
    decided = plan(Table.read(table), to=folder, layout="flat", archive=open_archive(url))
    manners = Manners(split_from=1_000_000, split_seconds=0.0)

    def show(now):
        print(now.bytes_done, flush=True)

    download(decided, manners=manners, limit_rate=float(rate) or None, progress=show)
    print("ended", flush=True)
    """
)


@pytest.mark.parametrize(("small", "rate"), [(30, 8e6), (600, 0.0)], ids=["slow", "quick"])
def test_a_download_killed_ten_times_ends_with_the_right_bytes(
    origin: Origin, tmp_path: Path, small: int, rate: float
) -> None:
    contents = {f"jw02733{number:03d}001_02103_00001_mirimage_cal.fits": SMALL for number in range(1, small)}
    contents[NAME] = LARGE
    for name, content in contents.items():
        origin.add(name, content)
    products = products_of({URI + name: (name, len(content)) for name, content in contents.items()}, origin.url)
    products.write(tmp_path / "products.ecsv")
    folder = tmp_path / "data"
    command = [sys.executable, "-c", PROGRAM, origin.url, str(tmp_path / "products.ecsv"), str(folder), str(rate)]
    total = sum(len(content) for content in contents.values())
    for kill in range(10):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line == "ended\n" or int(line) >= total * (kill + 1) / 11:
                    break
            process.send_signal(signal.SIGKILL)
        here = {path.name: path.read_bytes() for path in folder.glob("*.fits")}
        assert here == {name: contents[name] for name in here}
    manifest = download(plan(products, to=folder, layout="flat"), manners=SPLIT)
    assert set(manifest["Status"].tolist()) <= {"COMPLETE", "SKIPPED"}
    assert {path.name: path.read_bytes() for path in folder.glob("*.fits")} == contents
    assert not list(folder.glob("*.part*"))
