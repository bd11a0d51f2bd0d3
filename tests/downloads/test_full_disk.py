"""A disk that is full in the middle of a file that several connections bring, and what then becomes of it."""

import hashlib
import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.downloads.conftest import fits_bytes
from tests.downloads.origin import Origin, Reply

NAME = "jw02733002001_02103_00001_mirimage_uncal.fits"
WHOLE = fits_bytes(2000 * 2880)
DISK = 8_000_000
PROGRAM = textwrap.dedent(
    """
    import hashlib, json, sys
    from pathlib import Path
    from jwstmq_widgets.archives import open_archive
    from jwstmq_widgets.downloads import Manifest, Manners, download, plan
    from tests.downloads.conftest import products_of

    url, name, disk = sys.argv[1:]
    filler, folder = Path(disk) / "filler", Path(disk) / "data"
    filler.write_bytes(bytes(4_000_000))
    products = products_of({f"mast:JWST/product/{name}": (name, -1)}, url)  # else the plan sees that it does not fit
    manners = Manners(backoff=0.01, split_from=1_000_000, split_seconds=0.0)
    archive = open_archive(url)
    full = download(plan(products, to=folder, layout="flat", archive=archive), manners=manners, limit_rate=8e6)
    told = {"full": [full["Status"].tolist(), full["Message"].tolist()], "named": (folder / name).exists()}
    filler.unlink()
    rest = Manifest.read(folder).failed
    told["state"], told["have"] = rest.items[0].state, rest.items[0].have
    again = download(rest, manners=manners)
    told["again"] = again["Status"].tolist()
    told["sha256"] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    told["left"] = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    print(json.dumps(told))
    """
)


def on_a_small_disk(disk: Path) -> list[str]:
    """Give the start of a command that runs the rest of it where ``disk`` is a file system of its own."""
    for space in (["unshare", "--user", "--map-root-user", "--mount"], ["unshare", "--mount"]):
        mount = f'mount -t tmpfs -o size={DISK // 1024}k none "{disk}"'
        try:
            allowed = subprocess.run([*space, "sh", "-c", mount], capture_output=True).returncode == 0
        except FileNotFoundError:
            break
        if allowed:
            return [*space, "sh", "-c", f'{mount} && exec "$@"', "sh"]
    pytest.skip("a small disk cannot be mounted here: unshare and mount are not allowed")


def told_on_a_small_disk(disk: Path, program: str, *words: str) -> dict[str, Any]:
    """Run a program, with the disk as its last word, and give what it prints in its last line."""
    done = subprocess.run(
        [*on_a_small_disk(disk), sys.executable, "-c", program, *words, str(disk)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def test_a_split_file_on_a_full_disk_is_one_sentence_and_goes_on_when_there_is_room(
    origin: Origin, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    origin.add(NAME, WHOLE)
    told = told_on_a_small_disk(disk, PROGRAM, origin.url, NAME)
    assert told["full"][0] == ["ERROR"]
    assert "the disk is full; free some space" in told["full"][1][0]
    assert not told["named"]
    assert len({asked.connection for asked in origin.asked}) > 1  # several connections were at it
    assert told["again"] == ["COMPLETE"]
    assert told["sha256"] == hashlib.sha256(WHOLE).hexdigest()
    assert told["left"] == [NAME]
    # What was whole is not asked for again, where the note of it still found room.
    assert told["state"] in {"resume", "fetch"}
    if told["state"] == "resume":
        assert 0 < told["have"] < len(WHOLE)
        assert origin.asked[-1].range


MANY = textwrap.dedent(
    """
    import json, sys
    from pathlib import Path
    from jwstmq_widgets.archives import open_archive
    from jwstmq_widgets.downloads import Manifest, download, plan
    from tests.downloads.conftest import HASTY, products_of

    url, size, disk = sys.argv[1:]
    filler, folder = Path(disk) / "filler", Path(disk) / "data"
    names = [f"jw02733{number:03d}001_02103_00001_mirimage_cal.fits" for number in range(200)]
    products = products_of({f"mast:JWST/product/{name}": (name, int(size)) for name in names}, url)
    decided = plan(products, to=folder, layout="flat", archive=open_archive(url))

    def fill(now):
        if now.files_done and not filler.exists():
            try:
                with filler.open("wb", buffering=0) as file:
                    while file.write(bytes(4096)):
                        pass
            except OSError:  # there is no room left
                pass

    full = download(decided, manners=HASTY, progress=fill)
    complete = full["Status"] == "COMPLETE"
    told = {
        "messages": sorted(set(full["Message"][~complete].tolist())),
        "true": {Path(path) for path in full["Local Path"][complete]} == set(folder.glob("jw*")),
    }
    filler.unlink()
    again = download(Manifest.read(folder).failed, manners=HASTY)
    told["again"] = sorted(set(again["Status"].tolist()))
    told["left"] = len(list(folder.glob("jw*.fits"))) - len(names)
    print(json.dumps(told))
    """
)


def test_many_small_files_on_a_full_disk_are_given_up_at_once_and_go_on_when_there_is_room(
    origin: Origin, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    content = fits_bytes(4 * 2880)
    for number in range(200):
        # a second in which nothing is asked for, and the disk fills up
        rest = [Reply(status=503, headers={"Retry-After": "1"})] if number == 30 else []
        origin.add(f"jw02733{number:03d}001_02103_00001_mirimage_cal.fits", content, *rest)
    told = told_on_a_small_disk(disk, MANY, origin.url, str(len(content)))
    assert told["messages"]
    assert all("the disk is full; free some space" in message for message in told["messages"])
    assert told["true"]  # what the manifest calls complete is what is there, and nothing else
    assert set(told["again"]) <= {"COMPLETE", "SKIPPED"}
    assert told["left"] == 0
    assert len(origin.asked) < 230  # nobody is asked again for what has no room
