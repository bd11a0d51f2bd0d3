"""Runs unmodified third-party clients in fresh processes, pointed at the local archive by their own configuration."""

import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jwstmq_widgets.localarchive import LocalArchive

Run = Callable[..., dict[str, Any]]

# Another interpreter, with another release of astroquery in it.
INTERPRETER = os.environ.get("JWSTMQ_ASTROQUERY_PYTHON", sys.executable)

_FRAME = """
import json, os, sys, traceback
answers = {}

def step(name):
    '''Run a function now, and keep what it gives, or how it fails, under its name.'''
    def run(function):
        try:
            answers[name] = function()
        except Exception as error:
            trace = traceback.format_exc()
            answers[name] = {"failed": type(error).__name__, "message": str(error)[:500], "trace": trace}
        return function
    return run

%s

with open(sys.argv[1], "w") as file:
    json.dump(answers, file, default=str)
"""


def client_environment(url: str, home: Path) -> dict[str, str]:
    """Give the environment of a client that finds an archive by its own configuration file."""
    for name in ("config/astropy", "cache/astropy"):
        (home / name).mkdir(parents=True)
    # Without the last line the pre-release asks Amazon's copy of the archive first, where boto3 is installed.
    (home / "config/astropy/astroquery.cfg").write_text(f"[mast]\nserver = {url}\nenable_cloud_dataset = False\n")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "ASTROPY_CONFIG_DIR": str(home / "config/astropy"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        # astroquery's address of the resolver is fixed; whatever else it asks for outside is refused here.
        "HTTP_PROXY": url,
        "HTTPS_PROXY": url,
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture(scope="session")
def run_client(local_archive: LocalArchive, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run a script of steps with astroquery's configuration file set, and give the answers of its steps."""

    def run(
        script: str,
        *,
        folder: Path | None = None,
        token: str = "",
        settings: str = "",
        more: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        home = tmp_path_factory.mktemp("client")
        written = home / "answers.json"
        environment = {**client_environment(local_archive.url, home), **(more or {})}
        with (home / "config/astropy/astroquery.cfg").open("a") as file:
            file.write(settings)
        if token:
            environment["MAST_API_TOKEN"] = token
        ended = subprocess.run(
            [INTERPRETER, "-c", _FRAME % textwrap.dedent(script), str(written)],
            cwd=folder or home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr[-4000:]
        answers: dict[str, Any] = json.loads(written.read_text())
        return answers

    return run


def given(answers: dict[str, Any], step: str) -> Any:
    """Give what a step gave; fail with its traceback when it failed."""
    answer = answers[step]
    assert not (isinstance(answer, dict) and "failed" in answer), answer["trace"]
    return answer
