"""``jwstmq lab``: JupyterLab, the notebooks and a local archive, as one."""

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import urllib3
from jupyter_client import BlockingKernelClient

from jwstmq_widgets.archives import LOCAL_ARCHIVE_VARIABLE
from jwstmq_widgets.cli import main
from jwstmq_widgets.cli.lab import notebooks_folder, working_copy
from jwstmq_widgets.errors import QueryError

JUPYTER = re.compile(r"http://(?:localhost|127\.0\.0\.1):\d+/lab/tree/explore\.ipynb\?token=\w+")
ARCHIVE = re.compile(r"local archive at (http://127\.0\.0\.1:\d+)")
SECONDS = 60
"""At the most, for what a kernel is asked."""


@contextmanager
def _lab(folder: Path, *, stdin: int = subprocess.DEVNULL) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run ``jwstmq lab``; give the process, JupyterLab's address and the archive's."""
    command = [sys.executable, "-m", "jwstmq_widgets", "lab", "--no-browser", "--port=0", "--dir", str(folder)]
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(folder.parent / "config"),
        "JUPYTER_DATA_DIR": str(folder.parent / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder.parent / "runtime"),
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        command, env=environment, stdin=stdin, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        said, jupyter, archive = [], None, None
        assert process.stderr
        while not (jupyter and archive):
            line = process.stderr.readline()
            assert line, "".join(said)
            said.append(line)
            jupyter, archive = jupyter or JUPYTER.search(line), archive or ARCHIVE.search(line)
        yield process, jupyter[0], archive[1]
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _ask(url: str, path: str, *, method: str = "GET", **body: str) -> dict:
    """Ask JupyterLab; it says its address shortly before it listens there."""
    address, _, token = url.partition("/lab/tree/explore.ipynb?token=")
    patience = urllib3.Retry(total=None, connect=50, backoff_factor=0.05, backoff_max=0.5)
    with urllib3.PoolManager(retries=patience, timeout=30) as pool:
        headers = {"Authorization": f"token {token}"}
        answer = pool.request(method, f"{address}{path}", headers=headers, json=body or None)
    assert answer.status < 300, answer.data
    return answer.json()


@contextmanager
def _kernel(jupyter: str, runtime: Path) -> Iterator[BlockingKernelClient]:
    """Start a kernel and talk to it, once it is ready."""
    name = _ask(jupyter, "/api/kernels", method="POST", name="python3")["id"]
    client = BlockingKernelClient(connection_file=str(runtime / f"kernel-{name}.json"))
    client.load_connection_file()
    client.hb_channel.time_to_dead = SECONDS  # a second, else: less than the kernel takes to begin on a busy machine
    client.start_channels()
    try:
        client.wait_for_ready(timeout=SECONDS)
        yield client
    finally:
        client.stop_channels()


def _place(url: str) -> tuple[str, int]:
    parts = urllib3.util.parse_url(url)
    assert parts.host
    assert parts.port
    return parts.host, parts.port


def _listens(url: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(_place(url)) == 0


def test_a_working_copy_is_made_in_a_new_folder(tmp_path):
    notebook = working_copy(tmp_path / "new" / "folder")
    assert notebook.read_bytes() == (notebooks_folder() / "explore.ipynb").read_bytes()


def test_a_changed_working_copy_stays(tmp_path, capsys):
    notebook = working_copy(tmp_path)
    notebook.write_text("mine")
    assert working_copy(tmp_path).read_text() == "mine"
    assert f"kept your own {notebook}" in capsys.readouterr().err


def test_an_unchanged_working_copy_is_brought_up_to_date(tmp_path, capsys):
    earlier = tmp_path / "earlier"
    earlier.mkdir()
    (earlier / "explore.ipynb").write_text("as an earlier release had it")
    working_copy(tmp_path / "copies", notebooks=earlier)
    notebook = working_copy(tmp_path / "copies")
    assert notebook.read_bytes() == (notebooks_folder() / "explore.ipynb").read_bytes()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("record", ["", "[]", '{"explore.ipynb": 7}'])
def test_a_broken_record_of_copies_loses_nobodys_notebook(tmp_path, record):
    notebook = working_copy(tmp_path)
    notebook.write_text("mine")
    (tmp_path / ".jwstmq_notebooks.json").write_text(record)
    assert working_copy(tmp_path).read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_a_wrong_question(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(QueryError, match="choose another folder with --dir"):
        working_copy(tmp_path / "file" / "below")


def test_the_shell_says_so_with_status_2(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert main(["lab", "--dir", str(tmp_path / "file")]) == 2
    assert "choose another folder" in capsys.readouterr().err


def test_without_jupyterlab_the_shell_says_what_to_install(tmp_path):
    code = """
import sys
sys.modules["jupyterlab"] = None
from jwstmq_widgets.cli import main
sys.exit(main(["lab", "--no-browser"]))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "jwstmq: JupyterLab is not installed; run: pip install 'jwstmq_widgets[lab]'\n"
    assert not list(tmp_path.iterdir())


def test_lab_serves_the_working_copy_beside_a_local_archive(tmp_path):
    with _lab(tmp_path / "notebooks") as (_, jupyter, archive):
        content = _ask(jupyter, "/api/contents/explore.ipynb")["content"]
        assert "jwstmq_widgets" in json.dumps(content)
        assert _listens(archive)


@pytest.fixture(params=["terminal", "no terminal"])
def stdin(request) -> Iterator[int]:
    """Jupyter treats Ctrl-C differently with a terminal and without."""
    if request.param == "no terminal":
        yield subprocess.DEVNULL
        return
    person, terminal = pty.openpty()
    yield terminal
    os.close(person)
    os.close(terminal)


def test_ctrl_c_ends_the_lab_with_its_kernels_and_the_archive(tmp_path, stdin):
    with _lab(tmp_path / "notebooks", stdin=stdin) as (process, jupyter, archive):
        with _kernel(jupyter, tmp_path / "runtime"):
            pass
        os.killpg(process.pid, signal.SIGINT)  # what a terminal does at Ctrl-C: every process of the group gets it
        _, said = process.communicate(timeout=60)  # kernels hold this end of the line too
        assert process.returncode == 0
        assert "Traceback" not in said
        assert not _listens(archive)
        assert not _listens(jupyter)


def test_a_killed_lab_takes_the_archive_along(tmp_path):
    with _lab(tmp_path / "notebooks") as (process, jupyter, archive), socket.create_connection(_place(archive)) as line:
        process.kill()
        process.wait()
        line.settimeout(60)
        with suppress(ConnectionResetError):
            assert line.recv(1) == b""  # waits for the archive's end of the line to close
        assert not _listens(archive)
        assert not _listens(jupyter)


def test_kernels_find_the_local_archive_of_the_lab(tmp_path):
    with _lab(tmp_path / "notebooks") as (_, jupyter, archive), _kernel(jupyter, tmp_path / "runtime") as kernel:
        said = []
        kernel.execute_interactive(
            f"import os; print(os.environ[{LOCAL_ARCHIVE_VARIABLE!r}], end='')",
            output_hook=lambda message: said.append(message["content"].get("text", "")),
            timeout=SECONDS,
        )
        assert "".join(said) == archive
