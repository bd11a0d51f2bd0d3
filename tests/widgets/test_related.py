"""What an observation was made from and used in, as a browser would ask for it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.exploration.related import Related
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Slow
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.explorer import Explorer
from jwstmq_widgets.widgets.grid import ProductGrid
from jwstmq_widgets.widgets.panel import Panel
from jwstmq_widgets.widgets.related import RelatedPanel
from tests.widgets.conftest import SECONDS, Place

Display = Callable[[Panel], Place]
COMBINED = "jw02733-o002_t001_miri_f1130w"


@pytest.fixture
def esa(faulty_archive: LocalArchive, tmp_path: Path) -> Iterator[Exploration]:
    """An exploration of the local archive's ESA face that shows program 2733's MIRI observations."""
    exploration = Exploration(
        f"{faulty_archive.url}/server", Query(program=2733, instrument="miri"), destination=tmp_path / "data"
    )
    assert exploration.wait(60)
    assert not exploration.problems
    yield exploration
    exploration.close()


def test_relations_are_told_both_ways_and_can_be_searched(esa: Exploration, place: Display) -> None:
    panel = place(RelatedPanel(esa))
    assert panel.until(lambda view: True)["observation"] == ""
    table = esa.observations
    esa.choose_observations([str(table["obsid"][table["obs_id"] == COMBINED][0])])
    view = panel.until(lambda view: view["observation"] == COMBINED and view["groups"])
    (made_from, count, names), (used_in, uses, _) = view["groups"]
    assert (made_from, used_in, uses) == ("made from", "used in", 0)
    assert count == len(names) > 1
    panel.do("look", observation=names[0])
    view = panel.until(lambda view: view["observation"] == names[0] and view["groups"])
    assert COMBINED in view["groups"][1][2]
    panel.do("search", observations=[COMBINED, "jw09999-o001_not-of-these"])
    assert esa.wait(SECONDS)
    assert esa.query == Query(obs_ids=[COMBINED])
    assert panel.until(lambda view: not view["observation"])["groups"] == []


def test_the_row_looked_at_in_the_grid_is_the_one_whose_relations_are_shown(esa: Exploration) -> None:
    explorer = Explorer(exploration=esa)
    parts = list(_inside(explorer))
    related = Place(next(part for part in parts if isinstance(part, RelatedPanel)))
    grid = next(part for part in parts if isinstance(part, ProductGrid))
    products = esa.products
    row = next(at for at, name in enumerate(products["obs_id"]) if name == COMBINED)
    grid.active_uri = str(products["dataURI"][row])
    related.until(lambda view: view["observation"] == COMBINED and view["groups"])
    grid.active_uri = "mast:JWST/product/no-such-file.fits"
    related.until(lambda view: view["observation"] == COMBINED)
    explorer.close()


def test_an_archive_that_knows_no_relations_shows_nothing(asked: Exploration, place: Display) -> None:
    panel = place(RelatedPanel(asked))
    panel.panel.look_at_file(str(asked.products["dataURI"][0]))
    view = panel.until(lambda view: not view["working"])
    assert view["observation"] == ""


def test_an_observation_that_does_not_exist_is_told(esa: Exploration, place: Display) -> None:
    panel = place(RelatedPanel(esa))
    panel.do("look", observation="jw09999-o001_t001_miri_f770w")
    assert "no observation" in panel.until(lambda view: view["problem"])["problem"]


def test_an_answer_that_comes_too_late_is_not_shown_under_another_name(
    esa: Exploration, faulty_archive: LocalArchive
) -> None:
    related = Related(esa)
    faulty_archive.faults = [Slow(path="*", latency=0.3)]
    related.look_at(COMBINED)
    related.observe(lambda _: related.wait(SECONDS), names=["observation"])
    related.look_at("jw09999-o001_t001_miri_f770w")
    assert related.wait(SECONDS)
    assert "related" in related.problems
    assert related.table is None
    related.close()


def _inside(widget: object) -> Iterator[object]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from _inside(child)
