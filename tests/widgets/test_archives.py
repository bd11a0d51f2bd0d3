"""Choosing an archive, what archives tell, and logging in by user and password, as a browser would send it."""

import json
import logging
from collections.abc import Callable

import pytest

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.exploration.notices import messages_of
from jwstmq_widgets.localarchive import ESA_PASSWORD, ESA_USER, TOKEN, LocalArchive
from jwstmq_widgets.localarchive.faults import Notice
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.explorer import Explorer, _Header
from jwstmq_widgets.widgets.login import LoginPanel
from jwstmq_widgets.widgets.panel import Panel
from tests.downloads.test_esa_downloads import end_session
from tests.widgets.conftest import SECONDS, Place

Display = Callable[[Panel], Place]


def test_the_menu_opens_another_archive_and_says_whose_rows_are_shown(asked: Exploration, place: Display) -> None:
    header = place(_Header(asked))
    first = header.until(lambda view: view["count"])
    assert first["archives"][0] == ["mast", "MAST"] or first["archives"][0] == ("mast", "MAST")
    assert first["archives"][-1][0] == asked.address == first["address"]
    other = f"{asked.address}/server"
    header.do("archive", address=other)
    view = header.until(lambda view: view["address"] == other and view["other"])
    assert view["other"] == asked.source.name
    asked.search(Query(program=2733, instrument="miri"))
    assert asked.wait(SECONDS)
    assert not header.until(lambda view: not view["other"])["problem"]


def test_an_archive_of_two_that_is_down_is_a_warning_above_the_rows(unasked: Exploration, place: Display) -> None:
    header = place(_Header(unasked))
    unasked.use_archive([unasked.address, "http://127.0.0.1:9"])
    unasked.search(Query(program=2733, instrument="miri"))
    assert unasked.wait(SECONDS)
    view = header.until(lambda view: view["warnings"])
    assert view["count"] == "4 observations"
    assert view["warnings"][0].startswith("without 127.0.0.1:9: cannot reach")
    assert not view["problem"]
    assert set(unasked.products["archives"]) == {unasked.products["archives"][0]}


@pytest.fixture
def esa(unasked: Exploration) -> Exploration:
    """An exploration of the local archive's ESA face."""
    unasked.use_archive(f"{unasked.address}/server")
    assert unasked.wait(SECONDS)
    assert not unasked.problems
    return unasked


def test_user_and_password_log_in_and_out(esa: Exploration, place: Display) -> None:
    panel = place(LoginPanel(esa))
    assert panel.until(lambda view: view["users"])["anonymous"]
    panel.do("login", user=f" {ESA_USER} ", password=ESA_PASSWORD)
    view = panel.until(lambda view: not view["anonymous"])
    assert ESA_USER in view["name"]
    assert view["exclusive"] is False
    panel.do("logout")
    panel.until(lambda view: view["anonymous"] and not view["leaving"])
    assert esa.archive.authorization(f"{esa.archive.url}/data") == {}


def test_a_mast_token_beside_them_opens_exclusive_files(esa: Exploration, place: Display) -> None:
    panel = place(LoginPanel(esa))
    panel.do("login", user=ESA_USER, password=ESA_PASSWORD, token=TOKEN)
    assert panel.until(lambda view: not view["anonymous"])["exclusive"] is True


def test_a_session_that_has_ended_shows_in_the_panel(esa: Exploration, place: Display) -> None:
    panel = place(LoginPanel(esa))
    panel.do("login", user=ESA_USER, password=ESA_PASSWORD, token=TOKEN)
    panel.until(lambda view: not view["anonymous"])
    archive = open_archive(esa.archive.url)
    found = archive.observations(Query(access="exclusive", dates=("2022-01-01", None)))
    esa.search(Query(obs_ids=[found["obs_id"][0]]))
    assert esa.wait(SECONDS)
    private = esa.products["dataURI"][esa.products["dataRights"] != "PUBLIC"].tolist()
    esa.tick(private[:1])
    end_session(esa.archive)
    esa.download()
    assert esa.wait(SECONDS)
    view = panel.until(lambda view: view["anonymous"])
    assert view["warning"] == f"the session of {ESA_USER} has ended; log in again"


def test_a_file_with_both_logs_in(esa: Exploration, place: Display, tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("secret") / "esa.txt"
    file.write_text(f"{ESA_USER}\n{ESA_PASSWORD}\n")
    file.chmod(0o600)
    panel = place(LoginPanel(esa))
    panel.do("login", file=str(file))
    panel.until(lambda view: not view["anonymous"])


def test_a_wrong_password_says_so_and_shows_it_nowhere(esa: Exploration, place: Display) -> None:
    panel = place(LoginPanel(esa))
    panel.do("login", user=ESA_USER, password="wrong-4711")
    view = panel.until(lambda view: view["problem"])
    assert view["anonymous"]
    assert "wrong-4711" not in json.dumps(panel.messages(), default=str)


def test_an_archive_without_users_refuses_them_in_words(unasked: Exploration, place: Display) -> None:
    panel = place(LoginPanel(unasked))
    panel.do("login", user="somebody", password="something")
    assert "log in with a token" in panel.until(lambda view: view["problem"])["problem"]


def test_both_archives_take_both_logins(esa: Exploration, place: Display) -> None:
    mast = esa.address.removesuffix("/server")
    esa.use_archive([mast, f"{mast}/server"])
    panel = place(LoginPanel(esa))
    assert panel.until(lambda view: view["users"])["tokens"]
    panel.do("login", user=ESA_USER, password=ESA_PASSWORD, token=TOKEN)
    view = panel.until(lambda view: not view["anonymous"])
    assert ESA_USER in view["name"]
    assert "V. Authorised" in view["name"]
    panel.do("logout")
    panel.until(lambda view: view["anonymous"])


def test_a_password_is_in_no_state_message_text_or_log(esa: Exploration, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    explorer = Explorer(exploration=esa)
    panels = list(_panels(explorer))
    places = [Place(panel) for panel in panels if isinstance(panel, Panel)]
    login = next(place for place in places if isinstance(place.panel, LoginPanel))
    login.do("login", user=ESA_USER, password=ESA_PASSWORD, token=TOKEN)
    login.do("login", user=ESA_USER, password=ESA_PASSWORD, nonsense=ESA_PASSWORD)
    login.until(lambda view: not view["anonymous"])
    told = [json.dumps(panel.get_state(), default=str) for panel in panels] + [repr(panel) for panel in panels]
    told += [json.dumps(message, default=str) for place in places for message, _ in place.messages()]
    told += [repr(esa), repr(esa.account), repr(esa.archive), str(esa.jobs), str(esa.problems), caplog.text]
    explorer.close()
    assert not [text for text in told if ESA_PASSWORD in text or TOKEN in text]


def test_messages_of_the_archive_are_shown_as_text(
    local_archive: LocalArchive, faulty_archive: LocalArchive, unasked: Exploration, place: Display
) -> None:
    faulty_archive.faults = [Notice(message="<b>down</b> on Monday\x1b[31m")]
    header = place(_Header(unasked))
    unasked.use_archive(f"{local_archive.url}/server")
    view = header.until(lambda view: view["messages"])
    assert any("down on Monday" in text for text in view["messages"])
    assert all(text.isprintable() for text in view["messages"])


def test_an_archive_on_this_machine_says_the_same_thing_once_and_esa_always(faulty_archive: LocalArchive) -> None:
    def told(archive: object) -> tuple[str, ...]:
        return messages_of(archive)  # type: ignore[arg-type]

    local = open_archive(f"{faulty_archive.url}/server")
    faulty_archive.faults = [Notice(message="said once")]
    assert [text.rpartition(": ")[2] for text in told(local)] == ["said once"]
    assert told(open_archive(local.url)) == ()
    faulty_archive.faults = [Notice(message="said once\nand this is new")]
    assert [text.rpartition(": ")[2] for text in told(local)] == ["and this is new"]
    far = _Far()
    assert told(far) == told(far) == ("esa: down on Monday",)


class _Far:
    """An archive that is not on this machine, as far as its messages go."""

    name, url = "esa", "https://jwst.esac.esa.int/server"

    def status_messages(self) -> tuple[str, ...]:
        return ("down on Monday",)


def _panels(widget: object) -> list[object]:
    children = getattr(widget, "children", ())
    return [widget, *(panel for child in children for panel in _panels(child))]
