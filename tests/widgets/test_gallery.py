"""The gallery: a card for each picture, and bytes for those in sight only."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image

from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Refuse, Slow
from jwstmq_widgets.previews import THUMBNAIL_SIZE, preview_index
from jwstmq_widgets.widgets.gallery import Gallery, gallery_cards
from jwstmq_widgets.widgets.panel import Panel
from tests.widgets.conftest import SECONDS, Place

Display = Callable[[Panel], Place]


def look(gallery: Place, first: int, last: int) -> list[dict[str, Any]]:
    """Bring cards into sight, and give what is told of them."""
    gallery.do("look", page="one", first=first, last=last, pictures=[])
    view = gallery.until(lambda view: [card["place"] for card in view["cards"]] == list(range(first, last + 1)))
    cards: list[dict[str, Any]] = view["cards"]
    return cards


def test_a_picture_has_one_card_that_stands_for_the_science_file(asked: Exploration) -> None:
    rows, _ = gallery_cards(asked.shown, asked.products)
    names = np.asarray(asked.shown["productFilename"])[rows].tolist()
    assert names[0].endswith("_i2d.fits")
    assert len({name.rpartition(".")[0] for name in names}) == len(names)
    assert not [name for name in names if name.endswith(".jpg")]


def test_files_without_a_preview_are_counted(asked: Exploration) -> None:
    _, without = gallery_cards(asked.shown, asked.products)
    index = preview_index(asked.products)
    assert without == sum(uri not in index for uri in asked.shown["dataURI"].tolist()) > 0


def test_only_cards_in_sight_are_told(asked: Exploration, place: Display) -> None:
    gallery = place(Gallery(asked))
    cards = look(gallery, 5, 9)
    assert len(cards) == 5
    assert gallery.until(lambda view: view["count"] > 300)["note"].endswith("files without one")


def test_a_picture_comes_as_a_small_jpeg_in_a_buffer(asked: Exploration, place: Display) -> None:
    gallery = place(Gallery(asked))
    uri = look(gallery, 0, 3)[2]["uri"]
    gallery.do("look", page="one", first=0, last=3, pictures=[uri])
    told, buffers = gallery.picture(uri)
    assert told == {"uri": uri, "why": ""}
    with Image.open(io.BytesIO(buffers[0])) as picture:
        assert picture.format == "JPEG"
        assert picture.width <= THUMBNAIL_SIZE[0]


def test_a_picture_that_cannot_be_had_is_told_on_its_card(
    asked: Exploration, faulty_archive: LocalArchive, place: Display
) -> None:
    faulty_archive.faults = [Refuse(path="*_rate.jpg", status=404)]
    asked.choose_filetypes([("2a", "_rate.fits")])
    gallery = place(Gallery(asked))
    uri = look(gallery, 0, 3)[0]["uri"]
    gallery.do("look", page="one", first=0, last=3, pictures=[uri])
    told, buffers = gallery.picture(uri)
    assert told["why"] == "no preview in the archive"
    assert not buffers


def test_ticks_go_to_the_exploration_and_come_from_it(asked: Exploration, place: Display) -> None:
    gallery = place(Gallery(asked))
    one, two, *_ = look(gallery, 0, 3)
    gallery.do("tick", uri=one["uri"], on=True)
    assert asked.ticked == {one["uri"]}
    asked.tick([two["uri"]])
    gallery.do("tick", uri=one["uri"], on=False)
    gallery.until(lambda view: [card["ticked"] for card in view["cards"]] == [False, True, False, False])


def test_other_file_types_bring_another_table_of_cards(asked: Exploration, place: Display) -> None:
    gallery = place(Gallery(asked))
    look(gallery, 0, 3)
    before = gallery.until(lambda view: view["cards"])["table"]
    asked.choose_filetypes([("3", "_i2d.fits")])
    view = gallery.until(lambda view: view["table"] > before)
    assert view["count"] == 4


def test_states_that_change_move_no_card_but_those_that_they_narrow(asked: Exploration, place: Display) -> None:
    asked.choose_filetypes([("2b", "_cal.fits")])
    asked.tick([str(asked.shown["dataURI"][0])])
    asked.choose_filetypes([("3", "_i2d.fits")])
    asked.choose_facet("state", [""])
    gallery = place(Gallery(asked))
    look(gallery, 0, 3)
    before = gallery.until(lambda view: view["cards"])
    asked.download()
    assert asked.wait(SECONDS)
    assert len(look(gallery, 1, 2)) == 2
    now = gallery.until(lambda view: view["cards"])
    assert (now["table"], now["choice"]) == (before["table"], before["choice"])
    asked.clear_ticks()
    asked.tick([before["cards"][0]["uri"]])
    asked.download()
    assert asked.wait(SECONDS)
    now = gallery.until(lambda view: view["count"] == before["count"] - 1)
    assert now["table"] > before["table"]
    assert now["choice"] == before["choice"]
    asked.clear_facets()
    assert gallery.until(lambda view: view["choice"] > before["choice"])["count"] == before["count"]


def test_types_without_previews_are_told(asked: Exploration, place: Display) -> None:
    asked.choose_filetypes([("", "_pool.csv")])
    gallery = place(Gallery(asked))
    gallery.do("look", page="one", first=0, last=-1)
    assert "has a preview" in gallery.until(lambda view: view["empty"])["empty"]


def test_while_nobody_looks_no_card_is_worked_out(asked: Exploration, place: Display) -> None:
    gallery = place(Gallery(asked))
    assert gallery.until(lambda view: True)["count"] == 0
    look(gallery, 0, 3)
    gallery.do("gone", page="one")
    asked.choose_filetypes([("3", "_i2d.fits")])
    assert gallery.until(lambda view: view["count"] == 0)["cards"] == []


def test_one_gallery_does_not_drop_the_pictures_that_another_waits_for(
    asked: Exploration, faulty_archive: LocalArchive, place: Display
) -> None:
    one, two = place(Gallery(asked)), place(Gallery(asked))
    uris = [card["uri"] for card in look(one, 0, 11)]
    other = look(two, 20, 20)[0]["uri"]
    faulty_archive.faults = [Slow(path="*.jpg", latency=0.1)]
    one.do("look", page="one", first=0, last=11, pictures=uris)
    two.do("look", page="one", first=20, last=20, pictures=[other])
    two.picture(other)
    two.panel.close()
    for uri in uris:
        one.picture(uri)


def test_no_picture_is_in_the_saved_state(asked: Exploration, place: Display) -> None:
    gallery = place(Gallery(asked))
    uri = look(gallery, 0, 3)[0]["uri"]
    gallery.do("look", page="one", first=0, last=3, pictures=[uri])
    gallery.picture(uri)
    state = gallery.panel.get_state()
    assert not [name for name, value in state.items() if isinstance(value, (bytes, memoryview))]
    assert uri not in str(state)
