"""What a user waits for in an exploration of a million files, against a tenth of them and plain sets and dicts."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from jwstmq_widgets.downloads import plan
from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.exploration.files import FileState
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables.tree import ProductTree
from jwstmq_widgets.widgets.tree import ProgramTree
from tests.survey import SurveyArchive

pytestmark = [pytest.mark.benchmark, pytest.mark.long]

SMALL, LARGE = 100_000, 1_000_000
LINEAR = 12
"""Ten times as many files may take so many times as long, on a machine that does nothing else."""
SORTED = 16
"""The same of what sorts them: twelve times by its steps, and a million are in no processor's cache."""


@pytest.fixture(scope="module")
def explorations(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Exploration]]:
    made = {}
    for length in (SMALL, LARGE):
        archive = SurveyArchive(length)
        row = np.arange(length)
        archive.table["program"] = 2000 + row * 5 // length
        archive.table["visit"], archive.table["exposure"] = row // 20 % 5 + 1, row // 4 % 5 + 1
        made[length] = Exploration(archive, Query(program=2000), destination=tmp_path_factory.mktemp("nothing"))  # type: ignore[arg-type]  # a made-up archive
        assert made[length].wait(300)
        assert not made[length].problems
    yield made
    for exploration in made.values():
        exploration.close()


def best(act: Callable[[], Any], *, times: int = 3) -> float:
    """Give the least processor time of several (s), of all threads: others use the machine too."""
    took = []
    for _ in range(times):
        begin = time.process_time()
        act()
        took.append(time.process_time() - begin)
    return min(took)


def report(what: str, **seconds: float) -> None:
    print(f"{what:<28}" + "  ".join(f"{name} {value * 1e3:9.2f} ms" for name, value in seconds.items()))


def test_what_goes_through_all_files_grows_no_faster_than_they_do(explorations: dict[int, Exploration]) -> None:
    acts: dict[str, Callable[[Exploration], Any]] = {
        "look at the disk": lambda one: plan(one.products, to=one.destination, archive=one.archive),
        "choose a file type, and all": lambda one: (
            one.choose_filetypes({("2b", "_cal.fits")}),
            one.choose_filetypes(()),  # a choice that is there already costs nothing
        ),
        "tick all": lambda one: (one.clear_ticks(), one.invert()),
        "the selected table": lambda one: one.selected,
        "grow the tree": lambda one: ProductTree(one.products).branches(),
    }
    wrong = []
    for name, act in acts.items():
        small, large = (best(partial(act, explorations[length]), times=2) for length in (SMALL, LARGE))
        report(name, small=small, large=large)
        if large > (SORTED if name == "grow the tree" else LINEAR) * small:
            wrong.append(f"{name}: {large / small:.1f} times")
    assert not wrong


def test_a_tick_in_a_million_is_cheaper_than_a_copy_of_a_plain_set(explorations: dict[int, Exploration]) -> None:
    exploration = explorations[LARGE]
    exploration.clear_ticks()
    exploration.invert()
    uris = exploration.products["dataURI"][:40].tolist()
    plain = frozenset(exploration.products["dataURI"].tolist())
    peer = best(lambda: plain.difference(uris[:1]))
    ours = best(lambda: (exploration.untick(uris[:1]), exploration.tick(uris[:1]))) / 2
    report("untick one of a million", ours=ours, set=peer)
    assert ours < peer / 5
    exploration.clear_ticks()


def test_a_step_of_a_download_is_cheaper_than_a_copy_of_a_plain_mapping(explorations: dict[int, Exploration]) -> None:
    exploration = explorations[LARGE]
    uris = exploration.products["dataURI"].tolist()
    here = FileState(kind="here", fraction=1.0)
    states = exploration.states.changed(dict.fromkeys(uris, here))
    plain = dict.fromkeys(uris, here)
    moved = {uri: FileState(kind="running", fraction=0.5) for uri in uris[:8]}
    ours, peer = best(lambda: states.changed(moved)), best(lambda: {**plain, **moved})
    report("a step of a download", ours=ours, dict=peer)
    assert ours < peer / 10


def test_looking_at_an_empty_disk_is_cheaper_than_its_items(
    explorations: dict[int, Exploration], tmp_path: Path
) -> None:
    exploration = explorations[SMALL]
    looked = plan(exploration.products, to=tmp_path, archive=exploration.archive)
    ours = best(lambda: plan(exploration.products, to=tmp_path, archive=exploration.archive))
    peer = best(lambda: list(looked.items))
    report("look at the disk", ours=ours, items=peer)
    assert ours < 2 * peer


def test_opening_a_program_in_the_tree_does_not_wait_for_all_files(explorations: dict[int, Exploration]) -> None:
    took = {}
    for length in (SMALL, LARGE):
        tree = ProgramTree(explorations[length])
        act = tree.acts()
        act["look"]("one", 0, 40)
        grow = best(tree.view, times=1)

        def open_and_shut(act: Any = act, tree: Any = tree) -> None:
            for on in (True, False):
                act["toggle"]([2000], on)
                assert tree.view()["lines"][0]["open"] is on

        took[length] = best(open_and_shut, times=5) / 2
        report(f"open one of {length:,} files", first=grow, open=took[length])
        assert took[length] < grow / 10
        tree.close()
    assert took[LARGE] < LINEAR * took[SMALL]
