"""The download line: what would be done, how far it is, what was done."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jwstmq_widgets.downloads.ledger import Entry
from jwstmq_widgets.downloads.manifest import NOT_OBSERVED, Manifest
from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.localarchive.faults import Refuse, Slow
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import format_size
from jwstmq_widgets.widgets.download import DownloadPanel, format_time
from jwstmq_widgets.widgets.panel import Panel
from jwstmq_widgets.widgets.planrows import plan_rows
from tests.widgets.conftest import SECONDS, Place

Display = Callable[[Panel], Place]


def tick(exploration: Exploration, count: int = 3) -> list[str]:
    """Tick the first files of stage 3 with a known size, and wait until it is known what is here of them."""
    products = exploration.products
    uris: list[str] = products["dataURI"][(products["filetype"] == "_i2d.fits") & (products["stage"] == "3")].tolist()
    exploration.tick(uris[:count])
    assert exploration.wait(SECONDS)
    return uris[:count]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "1 s"), (31, "31 s"), (99, "99 s"), (240, "4 min"), (7500, "2 h 5 min")]
)
def test_times_are_short(seconds: float, text: str) -> None:
    assert format_time(seconds) == text


def test_with_nothing_ticked_it_says_what_to_do(asked: Exploration, place: Display) -> None:
    view = place(DownloadPanel(asked)).until(lambda view: view["reason"])
    assert view["summary"] == "Nothing is ticked"
    assert "Tick files" in view["reason"]


def test_it_says_before_what_a_download_would_do(asked: Exploration, place: Display) -> None:
    tick(asked)
    view = place(DownloadPanel(asked)).until(lambda view: view["fetch"])
    assert view["fetch"] == 3
    assert view["summary"] == asked.plan.summary()
    assert view["reason"] == ""


def test_a_download_is_told_with_what_is_running_and_ends_with_the_folder(
    asked: Exploration, place: Display, tmp_path: Path
) -> None:
    tick(asked)
    panel = place(DownloadPanel(asked))
    panel.do("download")
    view = panel.until(lambda view: view["result"])
    assert view["result"]["text"].startswith("3 files downloaded, ")
    assert view["result"]["good"]
    assert view["result"]["folder"] == str(tmp_path / "data" / "02733" / "obsnum02")
    assert len(list(Path(view["result"]["folder"]).glob("*_i2d.fits"))) == 3
    assert "All of them are here" in panel.until(lambda view: not view["fetch"])["reason"]
    panel.do("dismiss")
    panel.until(lambda view: view["result"] is None)


def test_running_files_are_told_and_cancel_works_within_a_second(
    asked: Exploration, faulty_archive: LocalArchive, place: Display
) -> None:
    tick(asked)
    faulty_archive.faults = [Slow(path="*_i2d.fits", rate=20_000)]
    panel = place(DownloadPanel(asked))
    panel.do("download")
    running = panel.until(lambda view: view["running"] and view["running"]["list"])["running"]
    assert {file["name"][-9:] for file in running["list"]} == {"_i2d.fits"}
    assert running["files"] == "0 of 3 files"
    panel.do("cancel")
    assert asked.wait(1)
    result = panel.until(lambda view: view["result"])["result"]
    assert result["text"] == "0 files downloaded · 3 cancelled"
    assert result["again"] == 3


def test_what_failed_is_told_by_name_and_can_be_tried_again(
    asked: Exploration, faulty_archive: LocalArchive, place: Display
) -> None:
    uri = tick(asked)[0]
    name = uri.rpartition("/")[2]
    faulty_archive.faults = [Refuse(path=f"*{name}", status=404)]
    panel = place(DownloadPanel(asked))
    panel.do("download")
    result = panel.until(lambda view: view["result"])["result"]
    assert [file["name"] for file in result["failed"]] == [name]
    assert "404" in result["failed"][0]["why"]
    faulty_archive.faults = ()
    panel.do("retry")
    assert panel.until(lambda view: view["result"] and view["result"]["good"])["result"]["again"] == 0


def test_a_destination_that_cannot_be_used_is_told_and_nothing_is_downloaded(
    asked: Exploration, place: Display, tmp_path: Path
) -> None:
    tick(asked)
    (tmp_path / "file").write_text("")
    before = asked.destination
    panel = place(DownloadPanel(asked))
    panel.do("destination", destination=str(tmp_path / "file"))
    view = panel.until(lambda view: view["wrong"])
    assert "not a folder" in view["wrong"]
    assert view["reason"]
    panel.do("download")
    assert asked.destination == before
    assert asked.manifest is None
    assert not os.path.lexists(before)


def test_another_destination_and_layout_are_looked_at(asked: Exploration, place: Display, tmp_path: Path) -> None:
    tick(asked)
    panel = place(DownloadPanel(asked))
    panel.do("layout", layout="flat")
    panel.do("destination", destination=f" {tmp_path / 'other'} ")
    assert asked.wait(SECONDS)
    panel.do("download")
    result = panel.until(lambda view: view["result"])["result"]
    assert result["folder"] == str(tmp_path / "other")


def test_exclusive_files_are_counted_and_say_that_a_login_is_needed(unasked: Exploration, place: Display) -> None:
    unasked.search(Query(program=2609))
    assert unasked.wait(SECONDS)
    products = unasked.products
    exclusive = products["dataURI"][(products["dataRights"] == "EXCLUSIVE_ACCESS") & (products["calib_level"] > 0)]
    unasked.tick(exclusive.tolist())
    assert unasked.wait(SECONDS)
    view = place(DownloadPanel(unasked)).until(lambda view: view["reason"])
    assert "exclusive" in view["summary"]
    assert "log in" in view["reason"]


def test_a_running_download_rests_and_goes_on(asked: Exploration, faulty_archive: LocalArchive, place: Display) -> None:
    tick(asked)
    faulty_archive.faults = [Slow(path="*_i2d.fits", rate=60_000)]
    panel = place(DownloadPanel(asked))
    panel.do("download")
    panel.until(lambda view: view["running"] and view["running"]["list"])
    panel.do("pause")
    view = panel.until(lambda view: view["running"] and view["running"]["paused"])
    assert view["running"]["text"].endswith("paused")
    panel.do("resume")
    panel.until(lambda view: view["running"] and not view["running"]["paused"])
    asked.cancel("download")
    assert asked.wait(5)


def test_an_unfinished_download_can_be_finished_by_somebody_else(
    asked: Exploration, faulty_archive: LocalArchive, place: Display, tmp_path: Path
) -> None:
    tick(asked)
    faulty_archive.faults = [Slow(path="*_i2d.fits", rate=20_000)]
    asked.download()
    panel = place(DownloadPanel(asked))
    panel.until(lambda view: view["running"] and view["running"]["list"])
    asked.cancel("download")
    assert asked.wait(5)
    faulty_archive.faults = ()
    other = Exploration(faulty_archive.url, destination=asked.destination)
    assert other.wait(SECONDS)
    panel = place(DownloadPanel(other))
    assert panel.until(lambda view: view["unfinished"])["unfinished"].startswith("An earlier download left 3 files")
    panel.do("finish")
    result = panel.until(lambda view: view["result"])["result"]
    assert (result["good"], panel.until(lambda view: view["result"])["unfinished"]) == (True, "")
    other.close()


def rows(panel: Place) -> list[dict[str, Any]]:
    return [message["rows"] for message, _ in panel.messages() if "rows" in message]


def test_the_plan_is_counted_by_observation_and_file_type_when_it_is_asked_for(
    asked: Exploration, place: Display
) -> None:
    tick(asked)
    panel = place(DownloadPanel(asked))
    panel.until(lambda view: view["edition"])
    assert not rows(panel)
    panel.do("rows")
    size = format_size(asked.plan.bytes_total)
    with panel.line.changed:
        assert panel.line.changed.wait_for(lambda: rows(panel), SECONDS)
    assert rows(panel) == [{"rows": [["02733 obs 2", "_i2d.fits", "to fetch", "3", size]], "more": 0}]


def test_another_plan_has_another_number(asked: Exploration, place: Display) -> None:
    uris = tick(asked)
    panel = place(DownloadPanel(asked))
    before = panel.until(lambda view: view["edition"])["edition"]
    asked.untick(uris[:1])
    assert panel.until(lambda view: view["fetch"] == 2)["edition"] != before


def test_a_long_plan_is_cut_and_says_how_much_is_left_out(asked: Exploration) -> None:
    asked.tick(asked.products["dataURI"].tolist())
    whole = plan_rows(asked.plan, asked.products)
    cut = plan_rows(asked.plan, asked.products, most=2)
    assert cut == {"rows": whole["rows"][:2], "more": len(whole["rows"]) - 2 + whole["more"]}
    assert sum(int(row[3].replace(",", "")) for row in whole["rows"]) == len(asked.plan)


def download(asked: Exploration, place: Display) -> tuple[Place, dict[str, Any]]:
    tick(asked)
    panel = place(DownloadPanel(asked))
    panel.do("download")
    result: dict[str, Any] = panel.until(lambda view: view["result"])["result"]
    assert asked.wait(SECONDS)
    return panel, result


def test_the_code_for_loading_opens_the_first_file(asked: Exploration, place: Display) -> None:
    _, result = download(asked, place)
    names: dict[str, Any] = {}
    exec(result["code"].replace("fits.open", "opened = fits.open"), names)
    with names["opened"] as opened:
        assert opened.filename() == asked.manifest["Local Path"][0]


def test_the_script_of_a_download_lies_beside_its_data(asked: Exploration, place: Display, tmp_path: Path) -> None:
    panel, _ = download(asked, place)
    panel.do("script")
    path = Path(panel.until(lambda view: view["result"]["written"])["result"]["written"]["script"])
    assert path.parent == tmp_path / "data"
    assert os.access(path, os.X_OK)
    assert all(uri in path.read_text() for uri in asked.manifest["dataURI"])


def test_the_manifest_as_a_page_overwrites_nothing(asked: Exploration, place: Display, tmp_path: Path) -> None:
    panel, _ = download(asked, place)
    mine = tmp_path / "data" / "MANIFEST.html"
    mine.write_text("mine")
    panel.do("page")
    written = panel.until(lambda view: view["result"]["written"])["result"]["written"]
    assert written == {"page": str(tmp_path / "data" / "MANIFEST-2.html")}
    assert mine.read_text() == "mine"
    assert Path(written["page"]).read_text().count("COMPLETE") == 3


def test_a_script_that_cannot_be_written_is_told_in_one_sentence(asked: Exploration, place: Display) -> None:
    panel, _ = download(asked, place)
    folder = Path(asked.manifest.meta["folder"])
    folder.rename(folder.with_name("elsewhere"))
    folder.write_text("")
    panel.do("script")
    result = panel.until(lambda view: view["result"]["problem"])["result"]
    assert "choose another destination" in result["problem"]
    assert not result["written"]


def test_the_plan_of_a_manifest_has_all_its_files_but_those_not_observed_yet(tmp_path: Path) -> None:
    said = {"a.fits": ("COMPLETE", ""), "b.fits": ("ERROR", "HTTP 404"), "c.fits": ("SKIPPED", NOT_OBSERVED)}
    entries = [
        Entry(uri=f"mast:JWST/product/{name}", path=name, status=status, message=message, size=1)
        for name, (status, message) in said.items()
    ]
    manifest = Manifest.of(entries, folder=tmp_path, layout="flat", archive="")
    assert [item.name for item in manifest.plan.items] == ["a.fits", "b.fits"]
