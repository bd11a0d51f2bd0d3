"""The package as others install and import it."""

import json
import os
import subprocess
import sys
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest

TREE = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, TREE],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's content in a folder of its own; what it requires comes from the test environment."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", folder, wheel],
        check=True,
        capture_output=True,
    )
    return folder


def _run(installed: Path, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(installed)},
        check=True,
        capture_output=True,
        text=True,
    )


def _in_child(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_the_wheel_holds_every_file_of_the_package(wheel):
    tracked = {
        path.relative_to(TREE).as_posix()
        for path in (TREE / "jwstmq_widgets").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert tracked - set(zipfile.ZipFile(wheel).namelist()) == set()


@pytest.mark.parametrize(
    "pattern",
    ["localarchive/programs/*", "widgets/static/*.js", "widgets/static/*.css", "notebooks/*.ipynb", "py.typed"],
)
def test_the_wheel_holds_its_data(wheel, pattern):
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist()]
    assert any(name.match(f"jwstmq_widgets/{pattern}") for name in names)


def test_the_wheel_holds_its_licence(wheel):
    assert any(name.endswith("licenses/LICENSE") for name in zipfile.ZipFile(wheel).namelist())


def test_the_wheel_holds_nothing_beside_the_package(wheel):
    tops = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"jwstmq_widgets"}


def test_an_installed_wheel_runs_from_an_empty_folder(installed, tmp_path):
    import jwstmq_widgets

    done = _run(installed, str(installed / "bin" / "jwstmq"), "--version", cwd=tmp_path)
    assert done.stdout == f"jwstmq {jwstmq_widgets.__version__}\n"
    where = _run(installed, "-c", "import jwstmq_widgets; print(jwstmq_widgets.__file__)", cwd=tmp_path)
    assert Path(where.stdout.strip()) == installed / "jwstmq_widgets" / "__init__.py"


def test_an_installed_wheel_answers_a_query_from_an_empty_folder(installed, tmp_path):
    done = _run(
        installed, "-m", "jwstmq_widgets", "query", "--archive=local", "--propID=2733", "--format=json", cwd=tmp_path
    )
    assert {row["proposal_id"] for row in json.loads(done.stdout)["observations"]} == {"2733"}


def test_an_installed_wheel_brings_its_notebook(installed, tmp_path):
    code = "from jwstmq_widgets.cli.lab import working_copy; from pathlib import Path; working_copy(Path('here'))"
    _run(installed, "-c", code, cwd=tmp_path)
    assert (tmp_path / "here" / "explore.ipynb").read_bytes() == (TREE / "notebooks" / "explore.ipynb").read_bytes()


def test_every_public_name_can_be_had():
    import jwstmq_widgets

    assert [name for name in jwstmq_widgets.__all__ if getattr(jwstmq_widgets, name, None) is None] == []


def test_importing_brings_in_nothing_heavy():
    heavy = (
        "astropy",
        "astroquery",
        "ipywidgets",
        "anywidget",
        "IPython",
        "matplotlib",
        "numpy",
        "requests",
        "tornado",
    )
    loaded = _in_child("import sys, jwstmq_widgets; print(*sys.modules)").split()
    assert sorted(set(heavy) & set(loaded)) == []


def test_the_local_archive_starts_without_its_parser_of_queries():
    loaded = _in_child("import sys, jwstmq_widgets.localarchive.server; print(*sys.modules)").split()
    assert not {"sqlglot", "astropy", "astroquery"} & set(loaded)


def test_importing_opens_no_socket():
    code = """
import sys
opened = []
sys.addaudithook(lambda event, arguments: opened.append(event) if event.startswith("socket.") else None)
import jwstmq_widgets
print(opened)
"""
    assert _in_child(code) == "[]\n"


def test_the_command_line_says_its_version_without_the_core():
    code = """
import sys
from contextlib import suppress
from jwstmq_widgets.cli import main
with suppress(SystemExit):
    main(["--version"])
print(*sys.modules)
"""
    assert not {"astropy", "astroquery", "numpy", "ipywidgets"} & set(_in_child(code).split())


def test_the_notebooks_are_clean():
    for path in (TREE / "notebooks").glob("*.ipynb"):
        cells = json.loads(path.read_bytes())["cells"]
        assert [cell["id"] for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


def test_the_notebooks_are_valid():
    import nbformat

    for path in (TREE / "notebooks").glob("*.ipynb"):
        nbformat.validate(nbformat.read(path, as_version=4))


def test_the_lab_extra_leaves_out_the_kernels_whose_threads_cannot_update_widgets():
    pins = [line for line in requires("jwstmq_widgets") or [] if line.startswith("ipykernel")]
    assert pins
    assert all("!=7.0.0" in pin and "!=7.0.1" in pin for pin in pins)
