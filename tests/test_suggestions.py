"""What an archive is known to hold: learned from its answers, asked for only on this machine."""

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.exploration.suggestions import Known, Suggestions
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.query import MODES

ELSEWHERE = "https://mast.example.org"


def answer(*, archive: str = ELSEWHERE, **changes: object) -> Table:
    row = {
        "program": 2733, "obs_title": "Early release", "proposal_pi": "Pontoppidan, Klaus M.",
        "target_name": "NGC-3132", "filters": "F444W;F470N", "instrument": "NIRCAM", "mode": "image",
    }  # fmt: skip
    return Table({name: np.array([value]) for name, value in {**row, **changes}.items()}, meta={"archive": archive})


def test_of_an_archive_that_has_said_nothing_only_the_modes_are_known() -> None:
    assert Suggestions().of(ELSEWHERE) == Known(modes=MODES)


def test_an_answer_teaches_programs_targets_filters_and_modes() -> None:
    suggestions = Suggestions()
    suggestions.learn(answer())
    suggestions.learn(
        answer(program=1324, obs_title="GLASS", target_name="ABELL2744", filters="F115W", mode="timeseries")
    )
    known = suggestions.of(ELSEWHERE)
    assert known.programs == {1324: "GLASS · Pontoppidan, Klaus M.", 2733: "Early release · Pontoppidan, Klaus M."}
    assert known.targets == ("ABELL2744", "NGC-3132")
    assert known.filters == {"NIRCAM": ("F115W", "F444W", "F470N")}
    assert known.modes["NIRCAM"] == (*MODES["NIRCAM"], "timeseries")


def test_what_one_archive_says_is_not_known_of_another() -> None:
    suggestions = Suggestions()
    suggestions.learn(answer())
    assert suggestions.of("https://other.example.org") == Known()


def test_an_archive_on_this_machine_is_asked_once(faulty_archive: LocalArchive) -> None:
    suggestions = Suggestions()
    archive = open_archive(faulty_archive.url)
    suggestions.ask(archive)
    assert "Pontoppidan" in suggestions.of(archive.url).programs[2733]
    asked = len(faulty_archive.requests)
    suggestions.ask(archive)
    assert len(faulty_archive.requests) == asked


def test_an_archive_elsewhere_is_not_asked() -> None:
    suggestions = Suggestions()
    suggestions.ask(open_archive(ELSEWHERE))  # a request would fail: tests reach only this machine
    assert suggestions.of(ELSEWHERE) == Known()
