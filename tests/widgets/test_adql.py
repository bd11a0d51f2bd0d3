"""Asking in ADQL, as a browser would send it, on the local archive's ESA face."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from astropy.table import Table
from IPython.core.interactiveshell import InteractiveShell

from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.exploration.adqlwork import observation_names, position_of
from jwstmq_widgets.localarchive import ESA_PASSWORD, ESA_USER, LocalArchive
from jwstmq_widgets.localarchive.faults import Slow, SlowQuery
from jwstmq_widgets.widgets.adql import AdqlPanel
from jwstmq_widgets.widgets.panel import Panel
from tests.widgets.conftest import SECONDS, Place

Display = Callable[[Panel], Place]
QUERY = "SELECT TOP 3 observationid, target_ra FROM jwst.main WHERE proposal_id = '02733' ORDER BY observationid"


@pytest.fixture
def esa(faulty_archive: LocalArchive, tmp_path: Path) -> Iterator[Exploration]:
    """An exploration of the local archive's ESA face."""
    exploration = Exploration(f"{faulty_archive.url}/server", destination=tmp_path / "data")
    assert exploration.wait(SECONDS)
    yield exploration
    exploration.close()


@pytest.fixture
def panel(esa: Exploration, place: Display) -> Place:
    return place(AdqlPanel(esa, uploads={"mine": Table({"name": ["jw02733-o002_t001_miri_f1130w"], "rank": [7]})}))


def last(place: Place, name: str) -> object:
    found = [message[name] for message, _ in place.messages() if name in message]
    return found[-1] if found else None


def test_a_query_gives_a_table_with_units_and_its_first_rows_as_text(panel: Place) -> None:
    panel.do("run", text=QUERY)
    view = panel.until(lambda view: view["summary"] and not view["running"])
    assert view["summary"] == "3 rows · 2 columns"
    rows = last(panel, "rows")
    assert [head[:2] for head in rows["head"]] == [["observationid", ""], ["target_ra", "deg"]]
    assert rows["head"][1][3] is True
    table = panel.panel.result
    assert len(table) == 3
    assert str(table["target_ra"].unit) == "deg"
    assert rows["rows"][0][0] == table["observationid"][0]


def test_an_error_says_where_in_the_query_it_is(panel: Place) -> None:
    panel.do("run", text="SELECT observationid\nFROM jwst.main WHRE x = 1")
    view = panel.until(lambda view: view["problem"])
    assert view["position"][0] == 2
    assert not view["running"]
    panel.do("run", text=QUERY)
    assert panel.until(lambda view: view["summary"])["problem"] == ""


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Unknown column [l.2 c.21 - l.2 c.25]: x", (2, 21)),
        ("Encountered at line 3, column 14.", (3, 14)),
        ("syntax error at Line 1 Col 5", (1, 5)),
        ("level 3 calibration 2", None),
        ("l.0 c.0", None),
        ("something else", None),
    ],
)
def test_positions_are_found_in_archives_words(text: str, place: tuple[int, int] | None) -> None:
    assert position_of(text) == place


def test_a_cancel_ends_a_slow_query_and_leaves_no_job(panel: Place, faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [SlowQuery()]
    panel.do("run", text=QUERY, mode="async")
    panel.until(lambda view: view["running"])
    panel.do("cancel")
    assert panel.until(lambda view: view["cancelled"])["summary"] == ""


def test_tables_and_columns_are_listed_once_they_are_wanted(panel: Place) -> None:
    assert last(panel, "columns") == []
    panel.do("tables")
    assert panel.panel.wait(SECONDS)
    columns = last(panel, "columns")
    ra = next(row for row in columns if row[:2] == ["jwst.main", "target_ra"])
    assert ra[3] == "deg"
    assert ra[4]


def test_a_job_stays_is_listed_opened_saved_and_removed(panel: Place, tmp_path: Path) -> None:
    panel.do("run", text=QUERY, mode="async", name="three rows")
    panel.until(lambda view: view["summary"] and not view["running"])
    panel.do("jobs")
    view = panel.until(lambda view: view["jobs"] and any(job[1] == "three rows" for job in view["jobs"]))
    job = next(job for job in view["jobs"] if job[1] == "three rows")
    assert job[2] == "COMPLETED"
    panel.do("run", text="SELECT TOP 1 obsid FROM jwst.main")
    panel.until(lambda view: view["summary"].startswith("1 row"))
    panel.do("open", job=job[0])
    view = panel.until(lambda view: view["summary"].startswith("3 rows"))
    assert view["text"] == QUERY
    file = tmp_path / "three.vot"
    panel.do("save", job=job[0], path=str(file))
    assert str(file) in panel.until(lambda view: view["saved"])["saved"]
    assert len(Table.read(file, format="votable")) == 3
    panel.do("save", job=job[0], path=str(file))
    assert "there already" in panel.until(lambda view: view["save_problem"])["save_problem"]
    panel.do("remove", job=job[0])
    panel.until(lambda view: view["jobs"] is not None and all(one[0] != job[0] for one in view["jobs"]))


def test_what_is_told_of_the_rows_is_told_of_the_query_that_gave_them(panel: Place, esa: Exploration) -> None:
    panel.do("run", text=QUERY)
    panel.until(lambda view: view["summary"] and not view["running"])
    address = esa.archive.url
    panel.do("run", text="SELECT nothing FROM jwst.main")
    assert QUERY in panel.until(lambda view: view["problem"])["code"]
    esa.use_archive(address.removesuffix("/server"))
    assert f"open_archive({address!r})" in panel.until(lambda view: view["closed"])["code"]


def test_what_is_typed_while_a_job_runs_stays(panel: Place, faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [Slow(path="/server/tap/async*", latency=0.2)]
    panel.do("run", text=QUERY, mode="async")
    panel.do("text", text="SELECT the next question")
    assert panel.until(lambda view: view["summary"] and not view["running"])["text"] == "SELECT the next question"


def test_a_closed_panel_asks_for_nothing_more(panel: Place, faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [SlowQuery()]
    panel.do("run", text=QUERY, mode="async")
    panel.until(lambda view: view["running"])
    panel.panel.close()
    assert panel.panel.wait(SECONDS)
    assert "jobs" not in panel.panel._work.work


def test_an_upload_goes_along_when_the_query_names_it(panel: Place) -> None:
    joined = "jwst.main AS m JOIN tap_upload.mine AS u ON u.name = m.observationid"
    panel.do("run", text=f"SELECT m.observationid, u.rank FROM {joined}")
    panel.until(lambda view: view["summary"] or view["problem"])
    assert panel.panel.result is not None, panel.until(lambda view: view["problem"])["problem"]
    assert set(panel.panel.result["rank"].tolist()) == {7}


def test_the_result_gets_a_name_in_the_notebook_for_a_new_cell(panel: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    panel.do("cell")
    assert last(panel, "cell") is None
    panel.do("run", text=f"{QUERY}\n-- and no more")
    panel.until(lambda view: view["summary"])
    panel.do("cell")
    assert last(panel, "cell") == {"code": "", "text": "there is no notebook here whose variable this could become"}
    shell = InteractiveShell()
    monkeypatch.setattr("jwstmq_widgets.widgets.grids.exports.get_ipython", lambda: shell)
    shell.user_ns["adql_table"] = "mine"
    panel.do("cell")
    code = last(panel, "cell")["code"]
    assert code.splitlines() == [f"# {QUERY}", "# -- and no more", "adql_table_2"]
    assert shell.user_ns["adql_table_2"] is panel.panel.result
    assert shell.user_ns["adql_table"] == "mine"


def test_the_result_flows_into_the_grid_when_it_names_observations(panel: Place, esa: Exploration) -> None:
    panel.do("run", text=QUERY)
    assert panel.until(lambda view: view["summary"])["observations"] == 3
    panel.do("products")
    assert esa.wait(SECONDS)
    assert not esa.problems
    assert set(esa.observations["obs_id"]) == set(panel.panel.result["observationid"])
    assert len(esa.products)


def test_a_result_without_observations_offers_no_products(panel: Place) -> None:
    panel.do("run", text="SELECT TOP 2 target_ra FROM jwst.main")
    assert panel.until(lambda view: view["summary"])["observations"] == 0
    panel.do("products")
    assert "observationid" in panel.until(lambda view: view["problem"])["problem"]
    assert observation_names(Table({"obs_id": [1, 2]})) == []


def test_an_archive_without_adql_says_which_to_choose(unasked: Exploration, place: Display) -> None:
    panel = place(AdqlPanel(unasked))
    assert "Choose ESA" in panel.until(lambda view: view["closed"])["closed"]
    panel.do("run", text=QUERY)
    assert "takes no ADQL" in panel.until(lambda view: view["problem"])["problem"]
    unasked.use_archive([unasked.address, f"{unasked.address}/server"])
    panel.until(lambda view: view["archive"].endswith("/server"))
    panel.do("run", text=QUERY)
    panel.until(lambda view: view["summary"])


def test_nothing_of_an_answer_or_a_secret_is_kept_in_the_notebook(panel: Place, esa: Exploration) -> None:
    esa.login(user=ESA_USER, password=ESA_PASSWORD)
    assert esa.wait(SECONDS)
    panel.do("run", text=QUERY)
    panel.until(lambda view: view["summary"])
    state = json.dumps(panel.panel.get_state(drop_defaults=True), default=str)
    assert "jw02733" not in state.replace(json.dumps(panel.panel._esm)[1:-1], "")
    assert ESA_PASSWORD not in state + json.dumps([message for message, _ in panel.messages()], default=str)


def test_texts_of_an_archive_stay_texts(panel: Place) -> None:
    panel.do("run", text="SELECT TOP 1 '<img src=x onerror=alert(1)>' AS x, observationid FROM jwst.main")
    panel.until(lambda view: view["summary"] or view["problem"])
    assert last(panel, "rows")["rows"][0][0] == "<img src=x onerror=alert(1)>"
