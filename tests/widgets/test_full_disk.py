"""A disk that fills up while the panel downloads to it: a real one, small, that another program fills."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Slow
from tests.downloads.test_full_disk import on_a_small_disk

PROGRAM = textwrap.dedent(
    """
    import json, sys
    from pathlib import Path
    import comm
    from jwstmq_widgets.exploration import Exploration
    from jwstmq_widgets.query import Query
    from jwstmq_widgets.widgets.download import DownloadPanel
    from tests.widgets.conftest import SECONDS, Line, Place
    from tests.widgets.test_download import tick

    url, disk = sys.argv[1:]
    comm.create_comm = Line
    exploration = Exploration(url, Query(program=2733, instrument="miri"), destination=Path(disk) / "data")
    assert exploration.wait(SECONDS)
    tick(exploration, 2)
    panel = Place(DownloadPanel(exploration))
    panel.until(lambda view: view["fetch"] == 2)
    panel.do("download")
    panel.until(lambda view: view["running"] and view["running"]["list"])
    filler = Path(disk) / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass
    except OSError:  # there is no room left
        pass
    result = panel.until(lambda view: view["result"])
    print(json.dumps({"text": result["result"]["text"], "failed": result["result"]["failed"],
                      "running": result["running"], "again": result["result"]["again"]}), flush=True)
    sys.stdin.readline()
    filler.unlink()
    panel.do("retry")
    again = panel.until(lambda view: view["result"] and view["result"]["good"])["result"]
    print(json.dumps({"text": again["text"], "again": again["again"]}), flush=True)
    panel.panel.close()
    exploration.close()
    """
)


def test_a_full_disk_is_one_sentence_and_the_panel_goes_on_when_there_is_room(
    faulty_archive: LocalArchive, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    faulty_archive.faults = [Slow(path="*_i2d.fits", rate=100_000)]
    root = Path(__file__).parents[2]
    homes = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    command = [*on_a_small_disk(disk), sys.executable, "-c", PROGRAM, faulty_archive.url, str(disk)]
    with subprocess.Popen(
        command,
        cwd=root,
        env={**os.environ, **homes, "PYTHONPATH": str(root)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = process.stdout.readline()
        assert said, process.stderr.read()
        full = json.loads(said)
        faulty_archive.faults = ()
        rest, errors = process.communicate("there is room\n", timeout=120)
        assert process.returncode == 0, errors
    assert full["text"].startswith("0 files downloaded · 2 failed")
    assert all("the disk is full; free some space" in file["why"] for file in full["failed"])
    assert full["running"] is None
    assert full["again"] == 2
    again = json.loads(rest.splitlines()[-1])
    assert again["text"].startswith("2 files downloaded")
    assert again["again"] == 0
