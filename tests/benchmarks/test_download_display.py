"""What showing a download costs: processor time of the drawing itself, as a share of one core, while files come.

The panel runs in a real kernel, whose messages nobody reads; a browser draws in another process. Processor time is that
of the drawing thread, which other work on the machine does not change.
"""

import contextlib
import json
import os
import pty
import textwrap
import threading
import time
from pathlib import Path

import pytest
from astropy.table import Table
from jupyter_client.manager import start_new_kernel

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.cli.terminal import ProgressLine
from jwstmq_widgets.downloads import download, plan
from jwstmq_widgets.downloads.progress import DownloadProgress
from jwstmq_widgets.localarchive import LocalArchive
from tests.benchmarks.downloaders import made
from tests.benchmarks.fileserver import file_server

pytestmark = pytest.mark.benchmark

MOST = 0.05
PANEL = textwrap.dedent(
    """
    import json, time
    from IPython.display import display
    import jwstmq_widgets as jw

    exploration = jw.Exploration({url!r}, jw.Query(program=2733, instrument="miri"), destination={folder!r})
    assert exploration.wait(120), exploration.jobs
    panel = jw.DownloadPanel(exploration)
    display(panel)
    spent, draws, draw = [0.0], [0], panel._redraw._draw

    def timed():
        began = time.thread_time()
        draw()
        spent[0] += time.thread_time() - began
        draws[0] += 1

    panel._redraw._draw = timed
    exploration.tick(exploration.products["dataURI"].tolist())
    assert exploration.wait(120)
    spent[0], draws[0], began = 0.0, 0, time.perf_counter()
    exploration.download()
    assert exploration.wait(300)
    told = dict(wall=time.perf_counter() - began, spent=spent[0], draws=draws[0], files=len(exploration.manifest))
    print(json.dumps(told))
    """
)


def test_the_panel_costs_little_of_a_core(
    local_archive: LocalArchive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manager, client = start_new_kernel(kernel_name="python3")
    said: list[str] = []

    def hear(message: dict) -> None:
        if message["msg_type"] in {"stream", "error"}:
            said.append(str(message["content"].get("text") or message["content"].get("traceback")))

    try:
        source = PANEL.format(url=local_archive.url, folder=str(tmp_path / "data"))
        reply = client.execute_interactive(source, output_hook=hear, allow_stdin=False, timeout=500)
        assert reply["content"]["status"] == "ok", said
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    told = json.loads(said[-1].splitlines()[-1])
    share = told["spent"] / told["wall"]
    with capsys.disabled():
        print(
            f"\npanel: {told['draws']} drawings in {told['wall']:.1f} s for {told['files']} files, "
            f"{told['spent'] / told['draws'] * 1e3:.2f} ms each: {share:.2%} of a core"
        )
    assert told["draws"] > 10
    assert told["draws"] / told["wall"] <= 12
    assert share < MOST


def read_away(terminal: int) -> None:
    """Take what is written, as a terminal does, until its other end is closed (Linux says EIO then)."""
    with contextlib.suppress(OSError):
        while os.read(terminal, 65536):
            pass
    os.close(terminal)


def test_the_line_of_a_terminal_costs_little_of_a_core(
    big: tuple[str, Table], disk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    served = disk / "served"
    products = made(served, big[1]["productFilename"].tolist())
    ours, theirs = pty.openpty()
    shown, spent = 0, 0.0
    threading.Thread(target=read_away, args=(ours,), daemon=True).start()
    with file_server(served, cap=60e6) as url, os.fdopen(theirs, "w") as terminal, ProgressLine(terminal) as line:

        def show(now: DownloadProgress) -> None:
            nonlocal shown, spent
            began = time.thread_time()
            line.show(str(now))
            spent += time.thread_time() - began
            shown += 1

        began = time.perf_counter()
        manifest = download(plan(products, to=disk / "data", archive=open_archive(url)), progress=show)
        wall = time.perf_counter() - began
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    with capsys.disabled():
        rate = int(products["size"].sum()) / wall / 1e6
        print(f"\nline: shown {shown} times in {wall:.1f} s at {rate:.0f} MB/s: {spent / wall:.2%} of a core")
    assert shown > 10
    assert spent / wall < MOST
