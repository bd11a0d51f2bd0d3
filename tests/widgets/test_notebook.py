"""The notebook runs on every face of the local archive: one word changes."""

import json
from pathlib import Path
from typing import Any

import pytest

from jwstmq_widgets.archives import LOCAL_ARCHIVE_VARIABLE
from jwstmq_widgets.localarchive import LocalArchive
from tests.widgets.conftest import SECONDS

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "explore.ipynb"
WORD = 'archive="local"'
FACES = ("local", "local-esa", "{url}", "{url}/server", "local,local-esa")


def run(word: str) -> dict[str, Any]:
    """Run the notebook's code with another word in the place of its archive, and give what its last cells show."""
    cells = [cell for cell in json.loads(NOTEBOOK.read_bytes())["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in cells]
    assert sum(source.count(WORD) for source in sources) == 1
    space: dict[str, Any] = {}
    for source in sources:
        body, _, last = source.replace(WORD, f'archive="{word}"').rstrip().rpartition("\n")
        exec(body, space)
        space["shown"] = [*space.get("shown", []), eval(last, space)]
        if "explorer" in space:
            assert space["explorer"].wait(60)
    return space


@pytest.mark.parametrize("face", FACES)
def test_the_notebook_runs_by_changing_one_word(
    face: str, local_archive: LocalArchive, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(LOCAL_ARCHIVE_VARIABLE, local_archive.url)
    monkeypatch.chdir(tmp_path)
    space = run(face.format(url=local_archive.url))
    explorer = space["explorer"]
    try:
        assert not explorer.exploration.problems
        products = explorer.products
        assert space["shown"][1:] == [f"0 of {len(products)} files are ticked", "nothing downloaded yet"]
        wanted = [uri for uri in products["dataURI"].tolist() if uri.endswith("miri_f1130w_i2d.fits")]
        assert wanted == ["mast:JWST/product/jw02733-o002_t001_miri_f1130w_i2d.fits"]
        explorer.exploration.tick(wanted)
        explorer.exploration.download()
        assert explorer.wait(SECONDS)
        assert explorer.manifest["Status"].tolist() == ["COMPLETE"]
        assert Path(explorer.manifest["Local Path"][0]).stat().st_size == explorer.selected["size"][0]
    finally:
        explorer.close()
