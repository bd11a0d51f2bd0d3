"""JupyterLab with the notebooks and a local archive: ``jwstmq lab``."""

import hashlib
import importlib.util
import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jwstmq_widgets.cli.terminal import say
from jwstmq_widgets.errors import QueryError, Unreachable

if TYPE_CHECKING:
    from jwstmq_widgets.localarchive import LocalArchive

__all__ = ["notebooks_folder", "run_lab", "running", "working_copy"]

_COPIES = ".jwstmq_notebooks.json"


def run_lab(*, folder: Path, browser: bool = True, port: int | None = None) -> int:
    """Run a local archive and JupyterLab until Ctrl-C, which ends both.

    Where ``JWSTMQ_LOCAL_ARCHIVE`` holds the address of an archive that runs already, that one is used.

    JupyterLab runs in this very process, and the local archive ends with it: whatever ends the one, a kill too,
    leaves nothing behind.

    Parameters
    ----------
    folder
        Where the working copies of the notebooks are; JupyterLab's root.
    browser
        Whether JupyterLab opens a browser.
    port
        JupyterLab's port; None takes JupyterLab's default, 0 any free one.

    Returns
    -------
    int
        Exit status.

    Raises
    ------
    QueryError
        If JupyterLab is not installed, or the folder cannot be written.
    Unreachable
        If the local archive does not start.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise QueryError("JupyterLab is not installed; run: pip install 'jwstmq_widgets[lab]'", field="lab")
    notebook = working_copy(folder)

    from jupyterlab.labapp import LabApp

    from jwstmq_widgets.archives import LOCAL_ARCHIVE_VARIABLE
    from jwstmq_widgets.localarchive import LocalArchive

    with ExitStack() as stack:
        url = os.environ.get(LOCAL_ARCHIVE_VARIABLE)  # a class may share one archive
        if not url:
            url = os.environ[LOCAL_ARCHIVE_VARIABLE] = stack.enter_context(running(LocalArchive())).url
        say(f"local archive at {url}, notebook at {notebook}; Ctrl-C ends what was started")
        # Away from a terminal Jupyter leaves SIGINT to Python, whose KeyboardInterrupt would skip its cleaning up.
        signal.signal(signal.SIGINT, lambda *_: signal.raise_signal(signal.SIGTERM))
        LabApp.launch_instance(argv=_lab_arguments(notebook, browser=browser, port=port))
    return 0


@contextmanager
def running(archive: "LocalArchive") -> Iterator["LocalArchive"]:
    """Run a local archive for the length of a ``with`` block.

    Parameters
    ----------
    archive
        The archive, not started yet.

    Yields
    ------
    LocalArchive
        The archive, ready to answer.

    Raises
    ------
    Unreachable
        If it does not start.
    """
    try:
        archive.start()
    except (OSError, RuntimeError) as error:
        raise Unreachable(str(error), archive="local") from error
    try:
        yield archive
    finally:
        archive.stop()


def working_copy(folder: Path, *, notebooks: Path | None = None) -> Path:
    """Copy the notebooks into a folder, but for those which the user has changed there.

    Parameters
    ----------
    folder
        Where the copies go; made where missing. A hidden file in it tells copies from what the user changed.
    notebooks
        Folder of the notebooks to copy; None for the package's own.

    Returns
    -------
    pathlib.Path
        The copy of ``explore.ipynb``, absolute.

    Raises
    ------
    QueryError
        If the folder cannot be written.
    """
    folder = folder.expanduser().resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        digests = _digests_of_copies(folder)
        for source in sorted((notebooks or notebooks_folder()).glob("*.ipynb")):
            copy, content = folder / source.name, source.read_bytes()
            there = _digest(copy.read_bytes()) if copy.exists() else None
            if there not in {None, _digest(content), digests.get(source.name)}:
                say(f"kept your own {copy}; move it away to get a fresh one")
                continue
            if there != _digest(content):
                _replace(copy, content)
            digests[source.name] = _digest(content)
        _replace(folder / _COPIES, json.dumps(digests, indent=1).encode())
    except OSError as error:
        raise QueryError(
            f"no notebook can be written to {folder} ({error.strerror}); choose another folder with --dir", field="dir"
        ) from error
    return folder / "explore.ipynb"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digests_of_copies(folder: Path) -> dict[str, str]:
    """Read what was copied before; a notebook that still is that was not changed, and may be brought up to date."""
    try:
        digests = json.loads((folder / _COPIES).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in digests.items()} if isinstance(digests, dict) else {}


def _replace(path: Path, content: bytes) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    part.replace(path)


def notebooks_folder() -> Path:
    """Give the folder of the notebooks: in the package when installed, beside it in a source tree.

    Returns
    -------
    pathlib.Path
    """
    package = Path(__file__).parents[1]
    installed = package / "notebooks"
    return installed if installed.is_dir() else package.parent / "notebooks"


def _lab_arguments(notebook: Path, *, browser: bool, port: int | None) -> list[str]:
    arguments = [
        "-y",  # Ctrl-C asks nothing
        f"--ServerApp.root_dir={notebook.parent}",
        f"--LabApp.default_url=/lab/tree/{notebook.name}",
    ]
    if not browser:
        arguments.append("--no-browser")
    if port is not None:
        arguments.append(f"--ServerApp.port={port}")
    # Jupyter refuses root, for the sake of servers that others can reach; many containers know no other user.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments += ["--allow-root", "--ServerApp.ip=127.0.0.1"]
    return arguments
