"""The list of file types: what there is, and what a tick there shows."""

from collections.abc import Callable

import numpy as np

from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.filetypes import FiletypePanel, FiletypeRow, filetype_rows
from jwstmq_widgets.widgets.panel import Panel
from tests.widgets.conftest import SECONDS, Place

Display = Callable[[Panel], Place]


def kinds(exploration: Exploration) -> set[tuple[str, str]]:
    shown = exploration.shown
    return set(zip(shown["stage"].tolist(), shown["filetype"].tolist(), strict=True))


def test_stages_come_in_their_order_and_science_files_before_previews(asked: Exploration) -> None:
    rows = filetype_rows(asked.products, asked.query)
    stages = [row.stage for row in rows]
    assert [stage for place, stage in enumerate(stages) if stage not in stages[:place]] == [
        "1b", "2a", "2b", "2c", "3", "", "gs",
    ]  # fmt: skip
    names = [row.filetype for row in rows if row.stage == "2b"]
    assert names.index("_i2d.fits") < names.index("_cal.jpg")


def test_the_rows_sum_up_to_all_products(asked: Exploration) -> None:
    rows = filetype_rows(asked.products, asked.query)
    assert sum(row.files for row in rows) == len(asked.products)
    assert sum(row.size for row in rows) == np.maximum(asked.products["size"], 0).sum()


def test_a_row_tells_what_its_files_hold() -> None:
    row = FiletypeRow(stage="2b", filetype="_cal.fits", files=1, size=1)
    assert row.meaning == "2-D calibrated exposure averaged over integrations"
    assert FiletypeRow(stage="2b", filetype="_cal.jpg", files=1, size=1).meaning == f"preview of: {row.meaning}"


def test_guide_stars_are_one_row_of_their_own(asked: Exploration, place: Display) -> None:
    view = place(FiletypePanel(asked)).until(lambda view: view["rows"])
    assert "gs" not in {row["stage"] for row in view["rows"]}
    assert view["guides"]["files"] == f"{np.sum(asked.products['guidestar']):,}"
    assert not view["guides"]["chosen"]


def test_a_tick_shows_that_type_only_and_a_second_one_adds_to_it(asked: Exploration, place: Display) -> None:
    panel = place(FiletypePanel(asked))
    panel.do("choose", stage="2b", filetype="_cal.fits", on=True)
    assert kinds(asked) == {("2b", "_cal.fits")}
    panel.do("choose", stage="3", filetype="_i2d.fits", on=True)
    assert kinds(asked) == {("2b", "_cal.fits"), ("3", "_i2d.fits")}
    view = panel.until(lambda view: view["chosen"] == 2)
    assert {(row["stage"], row["filetype"]) for row in view["rows"] if row["chosen"]} == kinds(asked)


def test_the_last_tick_taken_away_shows_all_again(asked: Exploration, place: Display) -> None:
    everything = kinds(asked)
    panel = place(FiletypePanel(asked))
    panel.do("choose", stage="2b", filetype="_cal.fits", on=True)
    panel.do("choose", stage="2b", filetype="_cal.fits", on=False)
    assert kinds(asked) == everything
    panel.until(lambda view: view["rows"] and not view["chosen"])


def test_guide_stars_come_to_the_types_that_are_chosen(asked: Exploration, place: Display) -> None:
    panel = place(FiletypePanel(asked))
    panel.do("choose", stage="2b", filetype="_cal.fits", on=True)
    panel.do("guides", on=True)
    assert {stage for stage, _ in kinds(asked)} == {"2b", "gs"}
    panel.do("guides", on=False)
    assert kinds(asked) == {("2b", "_cal.fits")}


def test_the_types_of_a_query_are_ticked_and_give_way_to_all(unasked: Exploration, place: Display) -> None:
    unasked.search(Query(program=2733, instrument="miri", filetypes="cal"))
    assert unasked.wait(SECONDS)
    panel = place(FiletypePanel(unasked))
    view = panel.until(lambda view: view["rows"])
    assert [row["filetype"] for row in view["rows"] if row["chosen"]] == ["_cal.fits"]
    panel.do("all")
    assert panel.until(lambda view: not view["chosen"])["rows"]
    assert len(kinds(unasked)) == len(view["rows"])


def test_without_an_answer_it_says_what_to_do(unasked: Exploration, place: Display) -> None:
    assert "Search for a program" in place(FiletypePanel(unasked)).until(lambda view: view["empty"])["empty"]
