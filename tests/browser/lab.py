"""A JupyterLab of our own and notebooks in it, driven through a real Chromium."""

import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Locator, Page
from playwright.sync_api import Error as PlaywrightError

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
START_SECONDS = 60
INSTEAD_SECONDS = 20
CELL_MILLISECONDS = 60_000
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/lab\?token=\w+")
# Open a notebook in the place of all that is open: last closed, since JupyterLab fills an empty window with a launcher.
_OPEN_INSTEAD = """async (path) => {
    const { commands, shell } = window.jupyterapp;
    const before = [...shell.widgets("main")];
    const opened = await commands.execute("docmanager:open", { path });
    await opened.context.ready;
    for (const widget of before) {
        if (widget.context?.model) widget.context.model.dirty = false; // else it asks whether to save
        const closed = new Promise((done) => widget.disposed.connect(done));
        widget.close();
        await closed;
    }
    shell.activateById(opened.id);
}"""
# Said by Chromium or JupyterLab itself, whatever the page shows.
_HARMLESS = re.compile(r"favicon|ResizeObserver loop|\[LSP\]|Download the React DevTools")


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A running JupyterLab."""

    address: str
    """Address with its token."""
    folder: Path
    """Where its notebooks lie."""
    _loaded: list[Page] = field(default_factory=list)
    """A page in which JupyterLab is loaded, when no test uses it."""

    @contextlib.contextmanager
    def notebook(
        self, browser: Browser, name: str, *, width: int = 1400, height: int = 1000, loaded: bool = False
    ) -> Iterator["Notebook"]:
        """Open a new notebook with a kernel of its own in a new page, and close both at the end.

        Most of the time that this takes is that of loading JupyterLab: with ``loaded`` the notebook is opened in the
        page of the last such notebook, which it replaces, for tests that neither load the page again nor care for what
        a page was used for before.
        """
        path = self.folder / f"{name}.ipynb"
        kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
        path.write_text(json.dumps({"cells": [], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
        size = {"width": width, "height": height}
        notebook = self._opened_instead(path, size) if loaded and self._loaded else None
        page = notebook.page if notebook else browser.new_context(reduced_motion="reduce").new_page()
        try:
            if notebook is None:
                page.set_viewport_size(size)
                notebook = Notebook(page=page, path=path)
                notebook.listen()
                page.goto(self.address.replace("/lab?", f"/lab/tree/{path.name}?reset&"))
                notebook.ready()
            yield notebook
            page.evaluate("() => window.jupyterapp.commands.execute('notebook:shutdown-kernel')")
            notebook.leave()
        except BaseException:
            page.context.close()
            raise
        if loaded and not self._loaded:
            self._loaded.append(page)
        else:
            page.context.close()

    def _opened_instead(self, path: Path, size: Any) -> "Notebook | None":
        """Open a notebook in the page of the last one; None where JupyterLab is in no state to do so."""
        page = self._loaded.pop()
        notebook = Notebook(page=page, path=path)
        try:
            notebook.listen()
            page.set_viewport_size(size)
            page.mouse.move(0, 0)
            page.evaluate(_OPEN_INSTEAD, path.name)
            notebook.ready(INSTEAD_SECONDS)
        except PlaywrightError:
            page.context.close()
            return None
        notebook.errors.clear()  # of the notebook before, when it was closed
        return notebook


@dataclass(kw_only=True)
class Notebook:
    """A notebook open in a page."""

    page: Page
    """The page, for whatever has no method here."""
    path: Path
    """The file."""
    errors: list[str] = field(default_factory=list)
    """What the console called an error, and what ipyaggrid could not evaluate."""
    strangers: list[str] = field(default_factory=list)
    """Requests that would have left this machine; they are stopped."""
    received: int = 0
    """Bytes that came through web sockets."""

    def listen(self) -> None:
        """Collect errors, foreign requests, and what sockets receive."""
        for event, hear in self._events.items():
            self.page.on(event, hear)  # type: ignore[call-overload]  # it has one for each name
        self.page.route(_is_foreign, self._stop)

    def leave(self) -> None:
        """Collect nothing more."""
        for event, hear in self._events.items():
            self.page.remove_listener(event, hear)
        self.page.unroute(_is_foreign)

    @property
    def _events(self) -> dict[str, Any]:
        return {"console": self._console, "pageerror": self._error, "websocket": self._socket}

    def ready(self, seconds: float = START_SECONDS) -> None:
        """Wait until the notebook is open and its kernel idle, and make room for it."""
        self.page.wait_for_function(
            """() => {
                const panel = window.jupyterapp?.shell?.currentWidget;
                return panel?.context?.isReady && panel.sessionContext?.session?.kernel?.status === "idle";
            }""",
            timeout=seconds * 1000,
        )
        self.page.evaluate(
            "() => { if (!window.jupyterapp.shell.leftCollapsed) window.jupyterapp.shell.collapseLeft(); }"
        )

    def run_cell(self, source: str) -> Locator:
        """Run `source` in a new cell at the end.

        Returns
        -------
        Locator
            The cell; what it printed or showed is in there.

        Raises
        ------
        AssertionError
            With the traceback where the cell raised.
        """
        number, outputs = self.page.evaluate(
            """async (source) => {
                const { content } = window.jupyterapp.shell.currentWidget;
                const number = content.model.cells.length;
                content.model.sharedModel.insertCell(number, { cell_type: "code", source });
                content.activeCellIndex = number;
                await window.jupyterapp.commands.execute("notebook:run-cell");
                return [number, content.widgets[number].model.outputs.toJSON()];
            }""",
            source,
        )
        failed = [output for output in outputs if output["output_type"] == "error"]
        assert not failed, "\n".join(failed[0]["traceback"])
        return self.page.locator(f'.jp-Notebook .jp-Cell[data-windowed-list-index="{number}"]')

    def start_cell(self, source: str) -> None:
        """Run `source` in a new cell at the end, and do not wait for it."""
        self.page.evaluate(
            """(source) => {
                const { content } = window.jupyterapp.shell.currentWidget;
                const number = content.model.cells.length;
                content.model.sharedModel.insertCell(number, { cell_type: "code", source });
                content.activeCellIndex = number;
                window.jupyterapp.commands.execute("notebook:run-cell");
            }""",
            source,
        )

    def clear(self) -> None:
        """Take all cells away; what the kernel knows stays."""
        self.page.evaluate(
            """() => {
                const { sharedModel } = window.jupyterapp.shell.currentWidget.content.model;
                sharedModel.deleteCellRange(0, sharedModel.cells.length);
            }"""
        )

    def value(self, expression: str) -> Any:
        """Evaluate an expression in the kernel; it must be something JSON knows."""
        result = self.page.evaluate(
            """async (code) => {
                const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
                const future = kernel.requestExecute({ code, store_history: false });
                let text = "";
                future.onIOPub = (message) => {
                    if (message.header.msg_type === "stream") text += message.content.text;
                };
                const { content } = await future.done;
                return [content.status, text];
            }""",
            f"import json as _json; print(_json.dumps({expression}))",
        )
        assert result[0] == "ok", f"{expression!r} failed in the kernel"
        return json.loads(result[1])

    def wait_for(self, expression: str, *, seconds: float = 20) -> None:
        """Wait until an expression is true in the kernel; a widget's message may come after what was done next."""
        end = time.monotonic() + seconds
        while not self.value(f"bool({expression})"):
            assert time.monotonic() < end, f"{expression} is still false after {seconds} s"

    def theme(self, name: str) -> None:
        """Switch JupyterLab to its "light" or "dark" theme."""
        self.page.evaluate(
            """async (name) => {
                await window.jupyterapp.commands.execute("apputils:change-theme", { theme: `JupyterLab ${name}` });
            }""",
            name.capitalize(),
        )
        self.page.wait_for_function(
            """(light) => document.body.dataset.jpThemeLight === light
                && !document.getElementById("jupyterlab-splash")""",
            arg="true" if name == "light" else "false",
        )

    def save(self) -> Path:
        """Save the notebook, and give its file."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        return self.path

    def save_with_widgets(self) -> str:
        """Save the notebook with the widgets' state in it, and give its text.

        JupyterLab's command turns that setting over, for all notebooks of this JupyterLab: it is put back.
        """
        name = "@jupyter-widgets/jupyterlab-manager:saveWidgetState"
        turn = "(name) => window.jupyterapp.commands.execute(name)"
        is_on = "(name) => window.jupyterapp.commands.isToggled(name)"
        was_on = self.page.evaluate(is_on, name)
        if not was_on:
            self.page.evaluate(turn, name)
            self.page.wait_for_function(is_on, arg=name)
        try:
            return self.save().read_text(encoding="utf-8")
        finally:
            if not was_on:
                self.page.evaluate(turn, name)
                self.page.wait_for_function(f"(name) => !({is_on})(name)", arg=name)

    def reload(self) -> None:
        """Load the page again; the kernel lives on."""
        self.page.reload()
        self.ready()

    def _console(self, message: Any) -> None:
        bad = message.type == "error" or "eval failed" in message.text
        if bad and not _HARMLESS.search(f"{message.text} {message.location.get('url', '')}"):
            self.errors.append(message.text)

    def _error(self, error: Any) -> None:
        self.errors.append(str(error))

    def _socket(self, socket: Any) -> None:
        socket.on("framereceived", self._frame)

    def _frame(self, payload: str | bytes) -> None:
        self.received += len(payload)

    def _stop(self, route: Any) -> None:
        self.strangers.append(route.request.url)
        route.abort()


def _is_foreign(url: str) -> bool:
    return urlsplit(url).hostname not in LOOPBACK


@contextlib.contextmanager
def running_lab(folder: Path) -> Iterator[Lab]:
    """Start JupyterLab on a free port with settings of its own below `folder`, and end it again."""
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
        "XDG_CONFIG_HOME": "user",
    }
    environment = os.environ | {name: str(folder / place) for name, place in places.items()}
    news = folder / "settings" / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    (folder / "user").mkdir()
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", "--port=0", "--allow-root"]
    command += ["--expose-app-in-browser", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with subprocess.Popen(
        command, cwd=notebooks, env=environment, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as process:
        started = threading.Event()
        lines: list[str] = []
        address: list[str] = []

        def read() -> None:
            for line in process.stderr or ():
                lines.append(line)
                found = _ADDRESS.search(line)
                if found and not address:
                    address.append(found.group())
                    started.set()
            started.set()

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            started.wait(START_SECONDS)
            assert address, "JupyterLab did not start:\n" + "".join(lines)
            yield Lab(address=address[0], folder=notebooks)
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
            reader.join(5)
