"""Widgets and jobs in real kernels: callbacks on the main thread and on subshells, updates from threads.

Which thread a callback runs in differs between versions of ipykernel. ``JWSTMQ_KERNELS`` names more of them than the
installed one, as ``6.31=folder`` separated like a PATH; a folder is what ``pip install --no-deps --target folder
ipykernel==6.31.* nest-asyncio`` makes.
"""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from jwstmq_widgets.localarchive import LocalArchive

SECONDS = 60
KERNELS = {"": ""} | dict(
    entry.split("=", 1) for entry in os.environ.get("JWSTMQ_KERNELS", "").split(os.pathsep) if entry
)
START = """
import logging, os, sys, threading
import ipykernel
import jwstmq_widgets as jw
from jwstmq_widgets.widgets.grid import ProductGrid

failures = []
threading.excepthook = lambda args: failures.append(repr(args.exc_value))

class Heard(logging.Handler):
    def emit(self, record):
        failures.append(record.getMessage())

exploration = jw.Exploration({url!r}, jw.Query(program=2733), destination={folder!r})
assert exploration.wait(60), exploration.jobs
uris = exploration.products["dataURI"].tolist()
logging.getLogger().addHandler(Heard(logging.ERROR))
"""

Message = dict[str, Any]


class Kernel:
    """A running kernel, spoken to as JupyterLab does."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self.client = client
        self.heard: list[Message] = []
        self.subshell = ""

    def run(self, source: str) -> None:
        """Run a cell to its end."""
        self.finish(self.start(source))

    def start(self, source: str) -> str:
        """Begin a cell, and give its number."""
        number: str = self.client.execute(source, allow_stdin=False)
        return number

    def finish(self, number: str) -> None:
        """Wait until a cell has ended, and all that it said is here."""
        while True:
            reply = self.client.get_shell_msg(timeout=SECONDS)
            if reply["parent_header"]["msg_id"] == number:
                break
        assert reply["content"]["status"] == "ok", "\n".join(reply["content"]["traceback"])
        self.until(
            lambda message: (
                message["msg_type"] == "status"
                and message["content"]["execution_state"] == "idle"
                and message["parent_header"].get("msg_id") == number
            )
        )

    def until(self, test: Callable[[Message], Any]) -> Message:
        """Listen until a message passes, which may have come already."""
        for message in self.heard:
            if test(message):
                return message
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            message = self.client.get_iopub_msg(timeout=SECONDS)
            self.heard.append(message)
            if test(message):
                return message
        raise AssertionError("the kernel does not say it")

    def value(self, expression: str) -> str:
        """Give what the kernel prints of an expression."""
        self.heard.clear()
        self.run(f"print({expression})")
        return "".join(message["content"]["text"] for message in self.heard if message["msg_type"] == "stream").strip()

    def widget(self, source: str, model: str) -> str:
        """Run a cell that shows a widget, and give the number of its comm."""
        self.heard.clear()
        self.run(source)
        opened = self.until(
            lambda message: (
                message["msg_type"] == "comm_open" and message["content"]["data"]["state"].get("_model_name") == model
            )
        )
        number: str = opened["content"]["comm_id"]
        return number

    def tell(self, comm: str, content: Message, *, subshell: str = "") -> None:
        """Send what the browser's side of a widget sends."""
        data = {"method": "custom", "content": content}
        message = self.client.session.msg("comm_msg", {"comm_id": comm, "data": data})
        if subshell:
            message["header"]["subshell_id"] = subshell
        self.client.shell_channel.send(message)

    def answer(self, comm: str, test: Callable[[Message], Any]) -> Message:
        """Wait for a custom message of a widget."""
        return self.until(
            lambda message: (
                message["msg_type"] == "comm_msg"
                and message["content"]["comm_id"] == comm
                and message["content"]["data"].get("method") == "custom"
                and test(message["content"]["data"]["content"])
            )
        )

    def make_subshell(self) -> str:
        """Give the number of a subshell; "" where this kernel has none."""
        self.client.kernel_info()
        features = self.client.get_shell_msg(timeout=SECONDS)["content"].get("supported_features", [])
        if "kernel subshells" not in features:
            return ""
        self.client.control_channel.send(self.client.session.msg("create_subshell_request", {}))
        number: str = self.client.get_control_msg(timeout=SECONDS)["content"]["subshell_id"]
        return number


@pytest.fixture(scope="module", params=list(KERNELS), ids=lambda name: name or "installed")
def kernel(
    request: pytest.FixtureRequest, local_archive: LocalArchive, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Kernel]:
    path = os.pathsep.join(filter(None, [KERNELS[request.param], os.environ.get("PYTHONPATH")]))
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(env=os.environ | {"PYTHONPATH": path})
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=SECONDS)
        kernel = Kernel(client)
        kernel.run(START.format(url=local_archive.url, folder=str(tmp_path_factory.mktemp("files"))))
        assert kernel.value("ipykernel.__version__").startswith(request.param)
        kernel.subshell = kernel.make_subshell()
        assert bool(kernel.subshell) == (kernel.value("ipykernel.version_info[0] >= 7") == "True")
        yield kernel
        assert kernel.value("failures") == "[]"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def rows_wanted(number: int) -> Message:
    return {
        "type": "rows", "view": "test", "table": -1, "request": number, "start": 0, "stop": 3,
        "sort": [["size", True]], "filters": {}, "search": "", "fresh": True,
    }  # fmt: skip


def test_rows_are_answered_on_the_main_thread_and_on_a_subshell(kernel: Kernel) -> None:
    grid = kernel.widget("grid = ProductGrid(exploration)\ngrid", "AgGridModel")
    for number, subshell in enumerate(dict.fromkeys(["", kernel.subshell])):
        kernel.tell(grid, rows_wanted(number), subshell=subshell)
        answer = kernel.answer(
            grid, lambda said, number=number: said.get("type") == "rows" and said.get("request") == number
        )
        assert answer["content"]["data"]["content"]["matched"] > 1000
        assert b"mast:JWST/product/jw02733" in bytes(answer["buffers"][0])


def test_ticks_from_several_threads_are_all_kept(kernel: Kernel) -> None:
    grid = kernel.widget("exploration.clear_ticks()\ngrid = ProductGrid(exploration)\ngrid", "AgGridModel")
    names = [name.strip("' ") for name in kernel.value("uris[:60]").strip("[]").split(",")]
    running = kernel.start("exploration.tick(uris[60:90])")
    for number, name in enumerate(names):
        kernel.tell(grid, {"type": "tick", "uri": name, "on": True}, subshell=kernel.subshell if number % 2 else "")
    kernel.finish(running)
    # Each thread answers in order: after these the ticks are through.
    for number, subshell in enumerate(dict.fromkeys(["", kernel.subshell])):
        kernel.tell(grid, rows_wanted(number), subshell=subshell)
        kernel.answer(grid, lambda said, number=number: said.get("request") == number)
    assert kernel.value("len(exploration.selected)") == "90"


def test_a_thread_updates_widgets_while_a_cell_blocks_the_kernel(kernel: Kernel) -> None:
    kernel.widget("panel = jw.SearchPanel(exploration)\npanel", "AnyModel")
    kernel.heard.clear()
    kernel.run("exploration.search(jw.Query(program=1324))\nassert exploration.wait(60)")
    told = [message for message in kernel.heard if message["msg_type"] == "comm_msg"]
    assert len(told) >= 2
    assert kernel.value("(exploration.jobs['search'].state, len(exploration.problems))") == "('done', 0)"


def test_rows_asked_for_while_a_cell_runs_are_answered_in_the_end(kernel: Kernel) -> None:
    grid = kernel.widget("exploration.clear_ticks()\ngrid = ProductGrid(exploration)\ngrid", "AgGridModel")
    running = kernel.start(
        "exploration.search(jw.Query(program=2733)); exploration.cancel('search'); exploration.wait(60)"
    )
    kernel.tell(grid, rows_wanted(7), subshell=kernel.subshell)
    kernel.answer(grid, lambda said: said.get("request") == 7)
    kernel.finish(running)
    assert kernel.value("exploration.jobs['search'].state") in {"cancelled", "done"}


def test_an_observer_that_fails_ends_no_job(kernel: Kernel) -> None:
    kernel.run("exploration.observe(lambda change: 1 / 0, names='jobs')\nexploration.search(jw.Query(program=2733))")
    assert kernel.value("(exploration.wait(60), exploration.jobs['search'].state)") == "(True, 'done')"
    kernel.run("exploration.unobserve_all('jobs')")
    assert "observer" in kernel.value("failures")
    kernel.run("failures.clear()")


def test_a_download_runs_while_a_cell_blocks_the_kernel(kernel: Kernel) -> None:
    kernel.widget("panel = jw.DownloadPanel(exploration)\npanel", "AnyModel")
    kernel.run(
        """
exploration.clear_ticks()
exploration.tick([uri for uri in uris if uri.endswith("_asn.json")][:5])
exploration.download()
assert exploration.wait(60)
"""
    )
    assert kernel.value("exploration.manifest['Status'].tolist()") == str(["COMPLETE"] * 5)
