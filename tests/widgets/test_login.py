"""Logging in: the token goes to the archive and is seen nowhere else."""

import json
import logging
from collections.abc import Callable

import pytest

from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.localarchive import TOKEN, TOKEN_EXPIRED, TOKEN_WITHOUT_ACCESS
from jwstmq_widgets.widgets.explorer import Explorer
from jwstmq_widgets.widgets.login import LoginPanel
from jwstmq_widgets.widgets.panel import Panel
from tests.widgets.conftest import SECONDS, Place

Display = Callable[[Panel], Place]


def test_nobody_is_logged_in_at_first(unasked: Exploration, place: Display) -> None:
    assert place(LoginPanel(unasked)).until(lambda view: view["anonymous"])["name"] == "anonymous"


@pytest.mark.parametrize(("token", "exclusive"), [(TOKEN, True), (TOKEN_WITHOUT_ACCESS, False)])
def test_a_token_logs_in_and_says_what_it_may(
    unasked: Exploration, place: Display, token: str, exclusive: bool
) -> None:
    panel = place(LoginPanel(unasked))
    panel.do("login", token=f" {token} ")
    view = panel.until(lambda view: not view["anonymous"])
    assert view["exclusive"] is exclusive
    assert view["name"] == unasked.account.name


def test_an_expired_token_is_told_with_what_to_do(unasked: Exploration, place: Display) -> None:
    panel = place(LoginPanel(unasked))
    panel.do("login", token=TOKEN_EXPIRED)
    view = panel.until(lambda view: view["problem"])
    assert "log in again" in view["problem"]
    assert view["anonymous"]


def test_an_empty_field_takes_the_token_of_the_environment(
    unasked: Exploration, place: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAST_API_TOKEN", TOKEN)
    panel = place(LoginPanel(unasked))
    panel.do("login", token="")
    panel.until(lambda view: not view["anonymous"])


def test_logging_out_forgets_the_account(unasked: Exploration, place: Display) -> None:
    panel = place(LoginPanel(unasked))
    panel.do("login", token=TOKEN)
    panel.until(lambda view: not view["anonymous"])
    panel.do("logout")
    panel.until(lambda view: view["anonymous"])


@pytest.mark.parametrize("token", [TOKEN, TOKEN_EXPIRED])
def test_a_token_is_in_no_state_message_text_or_log(
    asked: Exploration, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    explorer = Explorer(exploration=asked)
    panels = list(_panels(explorer))
    places = [Place(panel) for panel in panels if isinstance(panel, Panel)]
    login = next(place for place in places if isinstance(place.panel, LoginPanel))
    login.do("login", token=token)
    login.do("login", token=token, nonsense=token)
    assert asked.wait(SECONDS)
    login.until(lambda view: view["problem"] or not view["anonymous"])
    told = [json.dumps(panel.get_state(), default=str) for panel in panels] + [repr(panel) for panel in panels]
    told += [json.dumps(message) for place in places for message, _ in place.messages()]
    told += [repr(asked), repr(asked.account), str(asked.jobs), str(asked.problems), caplog.text]
    explorer.close()
    assert not [text for text in told if token in text]


def _panels(widget: object) -> list[object]:
    children = getattr(widget, "children", ())
    return [widget, *(panel for child in children for panel in _panels(child))]
