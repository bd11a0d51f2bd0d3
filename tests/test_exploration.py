"""The exploration's verbs against the real local archive, without a widget in sight."""

import io
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import jwstmq_widgets as jw
from jwstmq_widgets.archives.answers import Answers
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast import MastArchive
from jwstmq_widgets.errors import LoginError, QueryError, Unreachable
from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.localarchive import TOKEN, LocalArchive
from jwstmq_widgets.localarchive.faults import Refuse, Slow

LONG = 60
SOUTHERN_RING = jw.Query(program=2733, instrument="miri")
MIRI_CAL = {("2b", "_cal.fits")}

Make = Callable[..., Exploration]


@pytest.fixture
def make(archive_url: str, tmp_path: Path) -> Iterator[Make]:
    made: list[Exploration] = []

    def exploration(query: jw.Query | None = SOUTHERN_RING, *, archive: str = archive_url) -> Exploration:
        one = Exploration(archive, query, destination=tmp_path / "data")
        made.append(one)
        return one

    yield exploration
    for one in made:
        one.close()
        one.wait(LONG)


@pytest.fixture
def found(make: Make) -> Exploration:
    exploration = make()
    assert exploration.wait(LONG)
    assert not exploration.problems
    return exploration


def some(exploration: Exploration, number: int = 3) -> list[str]:
    exploration.choose_filetypes(MIRI_CAL)
    return [str(uri) for uri in exploration.shown["dataURI"][:number]]


def test_a_search_finds_observations_and_their_products(found: Exploration) -> None:
    assert set(found.observations["instrument"]) == {"MIRI"}
    assert len(found.products) > 500
    assert not np.asarray(found.shown["guidestar"]).any()
    assert found.as_of is not None
    assert found.query == SOUTHERN_RING


def test_the_caller_does_not_wait_for_the_archive(make: Make, faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [Slow(path="*", latency=60)]
    exploration = make()
    assert exploration.jobs["search"].state == "running"
    exploration.cancel("search")
    assert exploration.wait(5)
    assert exploration.jobs["search"].state == "cancelled"
    assert len(exploration.products) == 0


def test_a_second_search_replaces_the_first(make: Make, faulty_archive: LocalArchive) -> None:
    faulty_archive.faults = [Slow(path="Mast.Caom.Filtered", latency=60)]
    exploration = make(jw.Query(program=1345))
    faulty_archive.faults = ()
    exploration.search(SOUTHERN_RING)
    assert exploration.wait(LONG)
    assert set(exploration.products["program"]) == {2733}
    assert not exploration.problems


def test_all_limits_of_the_query_narrow_what_is_shown(make: Make) -> None:
    limits = {"filetypes": "jpg", "product_types": "preview", "access": "public", "calib_levels": 2}
    exploration = make(SOUTHERN_RING.replace(**limits))
    assert exploration.wait(LONG)
    obsid = int(exploration.shown["obsID"][0])
    exploration.search(SOUTHERN_RING.replace(**limits, obsids=obsid))
    assert exploration.wait(LONG)
    shown = exploration.shown
    assert 0 < len(shown) < len(exploration.products)
    assert {(row["productType"], row["dataRights"], row["calib_level"], row["obsID"]) for row in shown} == {
        ("PREVIEW", "PUBLIC", 2, str(obsid))
    }


def test_chosen_file_types_narrow_what_is_shown(found: Exploration) -> None:
    found.choose_filetypes(MIRI_CAL)
    assert set(found.shown["filetype"]) == {"_cal.fits"}
    assert set(found.shown["stage"]) == {"2b"}
    found.choose_filetypes(())
    assert len(set(found.shown["filetype"])) > 5


def test_guide_stars_are_shown_when_asked_for(found: Exploration) -> None:
    without = len(found.shown)
    found.choose_guidestars(True)
    assert len(found.shown) == without + int(np.asarray(found.products["guidestar"]).sum())


def test_ticks_are_the_selected_table(found: Exploration) -> None:
    uris = some(found)
    found.tick([*uris, "mast:JWST/product/of_another_program.fits"])
    assert sorted(found.selected["dataURI"]) == sorted(uris)
    found.untick(uris[:1])
    assert len(found.selected) == 2
    found.clear_ticks()
    assert len(found.selected) == 0
    assert found.selected.colnames == found.products.colnames


def test_inverting_ticks_what_is_shown_and_was_not_ticked(found: Exploration) -> None:
    uris = some(found)
    found.tick(uris)
    found.invert()
    assert found.ticked == frozenset(found.shown["dataURI"].tolist()) - frozenset(uris)
    found.choose_facet("observation", ["2"])
    found.clear_ticks()
    found.invert()
    assert found.ticked == frozenset(found.narrowed["dataURI"].tolist())
    found.invert(uris[:1] * 2)
    assert uris[0] not in found.ticked or uris[0] not in set(found.narrowed["dataURI"].tolist())


def test_ticks_and_what_is_open_survive_a_refresh(found: Exploration) -> None:
    uris = some(found)
    found.tick(uris)
    before = found.products
    found.refresh()
    assert found.wait(LONG)
    assert found.products is not before
    assert found.ticked == frozenset(uris)
    assert found.plan is not None
    assert len(found.plan) == len(uris)


def test_ticks_survive_other_file_types_and_a_search_that_still_has_them(found: Exploration) -> None:
    uris = some(found)
    found.tick(uris)
    found.choose_filetypes({("3", "_i2d.fits")})
    assert found.ticked == frozenset(uris)
    found.search(jw.Query(program=2733))
    assert found.wait(LONG)
    assert found.ticked == frozenset(uris)
    found.search(jw.Query(program=1386))
    assert found.wait(LONG)
    assert found.ticked == frozenset()


def test_the_plan_for_the_ticked_is_there_before_the_download(found: Exploration) -> None:
    found.tick(some(found))
    assert found.wait(LONG)
    assert found.plan is not None
    assert len(found.plan) == 3


def test_a_download_puts_the_files_there_and_says_so(found: Exploration, content_of: Callable[[str], bytes]) -> None:
    uris = some(found)
    found.tick(uris)
    fractions: list[float] = []
    found.observe(lambda change: fractions.append(change["new"]["download"].fraction or 0.0), names=["jobs"])
    found.download()
    assert found.wait(LONG)
    assert found.manifest is not None
    assert set(found.manifest["Status"]) == {"COMPLETE"}
    for path in map(Path, found.manifest["Local Path"]):
        assert path.read_bytes() == content_of(path.name)
    assert {found.states[uri].kind for uri in uris} == {"here"}
    assert fractions == sorted(fractions)
    again = Exploration(found.archive, SOUTHERN_RING, destination=found.destination)
    assert again.wait(LONG)
    assert {again.states[uri].kind for uri in uris} == {"here"}


def test_what_failed_is_said_and_can_be_tried_again(found: Exploration, faulty_archive: LocalArchive) -> None:
    uris = some(found)
    found.tick(uris)
    name = uris[0].rpartition("/")[2]
    faulty_archive.faults = [Refuse(path=name, status=404, times=1)]
    found.download()
    assert found.wait(LONG)
    assert found.states[uris[0]].kind == "failed"
    assert found.states[uris[0]].message
    found.retry()
    assert found.wait(LONG)
    assert found.states[uris[0]].kind == "here"


def test_a_cancelled_download_ends_soon_and_loses_nothing(found: Exploration, faulty_archive: LocalArchive) -> None:
    uris = some(found)
    found.tick(uris)
    moving = threading.Event()

    def seen(change: object) -> None:
        job = found.jobs["download"]
        if job.detail is not None and job.detail.running:
            moving.set()

    found.observe(seen, names=["jobs"])
    faulty_archive.faults = [Slow(path="*_cal.fits", rate=20_000)]
    found.download()
    assert moving.wait(LONG)
    found.cancel("download")
    assert found.wait(5)
    assert found.jobs["download"].state == "cancelled"
    assert found.manifest is not None
    assert "CANCELLED" in set(found.manifest["Status"])
    faulty_archive.faults = ()
    found.retry()
    assert found.wait(LONG)
    assert {found.states[uri].kind for uri in uris} == {"here"}


def test_products_come_from_the_archive_that_listed_them(found: Exploration) -> None:
    found.tick(some(found))
    found.use_archive("http://127.0.0.1:9")
    assert found.wait(LONG)
    found.download()
    assert found.wait(LONG)
    assert found.manifest is not None
    assert set(found.manifest["Status"]) == {"COMPLETE"}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (jw.Query(program=99998), "99998"),
        (jw.Query(program=2733, instrument="miri", modes="ifu"), "ifu"),
        (jw.Query(), "give a program"),
    ],
)
def test_a_question_without_an_answer_leaves_the_state_as_it_was(
    found: Exploration, query: jw.Query, says: str
) -> None:
    before = (found.query, found.observations, found.products, found.as_of)
    found.search(query)
    assert found.wait(LONG)
    problem = found.problems["search"]
    assert says in problem.text
    assert isinstance(problem.error, QueryError)
    assert (found.query, found.observations, found.products, found.as_of) == before
    found.search(SOUTHERN_RING)
    assert found.wait(LONG)
    assert not found.problems


def test_an_archive_that_is_down_is_one_sentence(make: Make) -> None:
    exploration = make(archive="http://127.0.0.1:9")
    assert exploration.wait(LONG)
    problem = exploration.problems["search"]
    assert isinstance(problem.error, Unreachable)
    assert "127.0.0.1:9" in problem.text


def test_an_archive_that_does_not_exist_is_one_sentence(make: Make) -> None:
    exploration = make(archive="hubble")
    assert exploration.wait(LONG)
    assert isinstance(exploration.problems["open"].error, QueryError)
    assert "hubble" in exploration.problems["open"].text


def test_a_wrong_token_is_one_sentence_and_nobody_is_logged_in(found: Exploration) -> None:
    found.login("0" * 32)
    assert found.wait(LONG)
    assert isinstance(found.problems["login"].error, LoginError)
    assert found.account.anonymous


def test_login_and_logout_say_who(found: Exploration) -> None:
    found.login(TOKEN)
    assert found.wait(LONG)
    assert not found.problems
    assert not found.account.anonymous
    found.logout()
    assert found.account.anonymous


def test_a_destination_that_cannot_be_used_changes_nothing(found: Exploration, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    before = found.destination
    found.set_destination(str(file))
    assert str(file) in found.problems["destination"].text
    assert found.destination == before
    found.set_destination(str(tmp_path / "other"))
    assert not found.problems
    assert found.destination == str(tmp_path / "other")


def test_downloading_with_nothing_ticked_says_what_to_do(found: Exploration) -> None:
    found.download()
    assert found.wait(LONG)
    assert "tick" in found.problems["download"].text


def test_a_thumbnail_is_a_small_picture(found: Exploration) -> None:
    answers: dict[str, bytes | None] = {}
    why: dict[str, str] = {}
    there = threading.Event()

    def done(uri: str, picture: bytes | None, reason: str) -> None:
        answers[uri], why[uri] = picture, reason
        if len(answers) == 2:
            there.set()

    (with_preview,) = some(found, 1)
    without = next(str(uri) for uri in found.products["dataURI"] if uri.endswith("_asn.json"))
    found.thumbnail(with_preview, done)
    found.thumbnail(without, done)
    assert there.wait(LONG)
    picture = answers[with_preview]
    assert picture is not None
    assert picture.startswith(b"\xff\xd8")
    assert len(picture) < 60_000
    assert answers[without] is None
    assert why[without] == "no preview"


def test_the_exploration_needs_no_widgets() -> None:
    code = (
        "import sys, jwstmq_widgets.exploration;"
        "print(sorted({'ipywidgets', 'IPython', 'ipyaggrid', 'anywidget'} & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_view_that_fails_ends_no_job(found: Exploration) -> None:
    found.tick(some(found))

    def fail(_: object) -> None:
        raise RuntimeError("a view broke")

    found.observe(fail, names=["states", "jobs", "plan", "manifest"])
    found.download()
    assert found.wait(LONG)
    assert found.manifest is not None
    assert set(found.manifest["Status"]) == {"COMPLETE"}
    assert found.jobs["download"].state == "done"


def test_another_archive_makes_a_running_search_moot(make: Make, faulty_archive: LocalArchive) -> None:
    exploration = make(None)
    assert exploration.wait(LONG)
    faulty_archive.faults = [Slow(path="*", latency=60)]
    exploration.search(SOUTHERN_RING)
    exploration.use_archive(faulty_archive.url)
    assert exploration.wait(10)
    assert exploration.jobs["search"].state == "cancelled"
    assert "search" not in exploration.problems


def test_a_download_may_begin_as_soon_as_the_one_before_is_told_to_have_ended(found: Exploration) -> None:
    found.tick(some(found, 1))
    again: list[bool] = []

    def ended(_: object) -> None:
        job = found.jobs.get("download")
        if job is not None and job.state == "done" and not again:
            again.append(True)
            found.download()

    found.observe(ended, names=["jobs"])
    found.download()
    assert found.wait(LONG)
    assert found.wait(LONG)
    assert "download" not in found.problems


def test_an_answer_that_comes_while_files_move_is_looked_at_when_they_are_there(
    found: Exploration, faulty_archive: LocalArchive
) -> None:
    uris = some(found)
    found.tick(uris)
    faulty_archive.faults = [Slow(path="*_cal.fits", rate=200_000)]
    moving = threading.Event()
    found.observe(lambda _: moving.set() if any(state.kind == "running" for state in found.states.values()) else None,
                  names=["states"])  # fmt: skip
    found.download()
    assert moving.wait(LONG)
    found.search(jw.Query(program=2733))
    assert found.wait(LONG)
    assert {found.states[uri].kind for uri in uris} == {"here"}
    assert found.plan is not None
    assert found.plan.here == len(uris)


# Partial answers, and kept ones


@pytest.fixture
def slowly(faulty_archive: LocalArchive) -> LocalArchive:
    """An archive that answers the first question about products, and keeps all others waiting."""
    faulty_archive.faults = [Slow(path="Mast.Caom.Products", latency=60, skip=1)]
    return faulty_archive


def first_arrival(exploration: Exploration, query: jw.Query) -> object:
    came = threading.Event()
    exploration.observe(lambda change: change["new"] is not None and came.set(), names=["arriving"])
    exploration.search(query)
    assert came.wait(LONG)
    return exploration.arriving


def test_the_first_rows_show_while_the_others_are_asked_for(make: Make, slowly: LocalArchive) -> None:
    exploration = make(None)
    arriving = first_arrival(exploration, SOUTHERN_RING)
    assert exploration.jobs["search"].state == "running"
    assert len(arriving) > 0
    assert arriving.colnames == exploration.products.colnames
    assert not np.asarray(arriving["guidestar"]).any()
    # one question about columns, one about observations, one about products
    answered = [request for request in slowly.requests if request.status == 200]
    assert len(answered) <= 3


def test_the_first_rows_of_what_was_counted_take_two_round_trips(make: Make, slowly: LocalArchive) -> None:
    exploration = make(None)
    assert exploration.wait(LONG)
    exploration.archive.count(SOUTHERN_RING)  # as the form does while it is filled in; it asks for the columns too
    before = len(slowly.requests)
    assert len(first_arrival(exploration, SOUTHERN_RING)) > 0
    answered = [request.path for request in slowly.requests[before:] if request.status == 200]
    assert answered == ["/api/v0/invoke"] * 2  # observations, and the first of their products


def test_a_cancel_takes_partial_rows_away_and_leaves_the_state_as_it_was(
    found: Exploration, slowly: LocalArchive
) -> None:
    before = (found.query, found.observations, found.products, found.shown, found.filetypes, found.as_of)
    first_arrival(found, jw.Query(program=2733))
    assert (found.query, found.observations, found.products, found.shown, found.filetypes, found.as_of) == before
    found.cancel("search")
    assert found.wait(5)
    assert found.arriving is None
    assert (found.query, found.observations, found.products, found.shown, found.filetypes, found.as_of) == before


def test_a_whole_answer_takes_the_place_of_its_parts(make: Make) -> None:
    exploration = make()
    assert exploration.wait(LONG)
    assert exploration.arriving is None
    assert len(exploration.shown) > 0


def test_a_kept_answer_shows_its_own_time_until_it_is_refreshed(local_archive: LocalArchive, tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    archive = Remote(Host.at(local_archive.url), answers=Answers(tmp_path / "answers", clock=lambda: now[0]))
    exploration = Exploration(archive, SOUTHERN_RING, destination=tmp_path)
    assert exploration.wait(LONG)
    first = exploration.as_of
    now[0] += 600
    exploration.search(SOUTHERN_RING)
    assert exploration.wait(LONG)
    assert exploration.as_of == first
    exploration.refresh()
    assert exploration.wait(LONG)
    assert not exploration.problems
    assert (exploration.as_of - first).total_seconds() == 600
    exploration.close()


class Remote(MastArchive):
    """An archive that keeps its answers wherever it is."""

    def observations(self, query: jw.Query, *, cache: bool | None = None, **options: Any) -> Any:
        return super().observations(query, cache=cache is not False, **options)

    def products(self, observations: Any, *, cache: bool | None = None, **options: Any) -> Any:
        return super().products(observations, cache=cache is not False, **options)


def test_facets_narrow_what_is_shown_and_leave_the_ticks(found: Exploration) -> None:
    found.tick(found.shown["dataURI"][:5].tolist())
    ticked, files = found.ticked, len(found.shown)
    found.choose_facet("stage", ["2b"])
    found.choose_facet("filter", ["F770W"])
    assert set(found.narrowed["stage"]) == {"2b"}
    assert set(found.narrowed["filters"]) == {"F770W"}
    assert (len(found.shown), found.ticked) == (files, ticked)
    found.choose_facet("filter", [])
    assert len(set(found.narrowed["filters"])) > 1
    with pytest.raises(QueryError, match="there is no facet 'colour'"):
        found.choose_facet("colour", ["red"])
    found.clear_facets()
    assert len(found.narrowed) == files


def test_observations_narrow_what_is_shown(found: Exploration) -> None:
    obsid = str(found.observations["obsid"][0])
    found.choose_observations([obsid, "nothing"])
    assert found.chosen_observations == {obsid}
    assert 0 < len(found.narrowed) < len(found.shown)
    assert all(obsid in [*row["parents"].split(","), row["obsID"]] for row in found.narrowed)


def test_a_choice_outlives_a_refresh_and_not_another_question(found: Exploration) -> None:
    found.choose_facet("stage", ["2b"])
    found.refresh()
    assert found.wait(LONG)
    assert found.facets == {"stage": {"2b"}}
    found.search(SOUTHERN_RING.replace(instrument="nircam"))
    assert found.wait(LONG)
    assert found.facets == {}


def test_a_larger_look_has_more_pixels_than_a_thumbnail(found: Exploration) -> None:
    (uri, *_) = [str(row["dataURI"]) for row in found.products if row["productFilename"].endswith("_i2d.jpg")]
    widths: list[int] = []
    came = threading.Semaphore(0)

    def done(_: str, picture: bytes | None, why: str) -> None:
        assert picture is not None, why
        widths.append(Image.open(io.BytesIO(picture)).width)
        came.release()

    for large in (False, True, False):
        found.thumbnail(uri, done, large=large)
        assert came.acquire(timeout=LONG)
    small, look, again = widths
    assert small == again <= 320 < look


class Moment(tuple[str, str]):
    """A file type that lets something happen when the products are first compared with it."""

    happens: Callable[[], object]

    __hash__ = tuple.__hash__

    def __eq__(self, other: object) -> bool:
        happens, self.happens = self.happens, bool
        happens()
        return tuple.__eq__(self, other)


def test_an_answer_that_comes_while_file_types_are_chosen_is_what_is_shown(found: Exploration) -> None:
    def answered() -> None:
        found.search(jw.Query(program=1386))
        found.wait(1)  # all the time that it needs, if nothing holds it back

    moment = Moment(("2b", "_cal.fits"))
    moment.happens = answered
    found.choose_filetypes([moment])
    assert found.wait(LONG)
    assert set(found.shown["program"].tolist()) == set(found.products["program"].tolist()) == {1386}


def test_what_is_narrowed_fits_the_table_that_is_shown_then(found: Exploration) -> None:
    found.choose_facet("stage", ["2b"])
    stop = threading.Event()

    def choose() -> None:
        while not stop.is_set():
            found.choose_filetypes([("2b", "_cal.fits")])
            found.choose_filetypes([])

    chooser = threading.Thread(target=choose)
    chooser.start()
    try:
        for _ in range(200):
            found.invert()
            assert set(found.narrowed["stage"].tolist()) == {"2b"}
    finally:
        stop.set()
        chooser.join(LONG)


def test_an_answer_that_comes_as_a_download_ends_is_looked_at_too(found: Exploration) -> None:
    uris = some(found)
    found.tick(uris)

    def ended(_: object) -> None:
        if found.manifest is not None:
            found.unobserve(ended, names=["states"])
            found.search(jw.Query(program=2733))
            assert found._jobs.wait(LONG, name="search")

    found.observe(ended, names=["states"])
    found.download()
    assert found.wait(LONG)
    assert found.query == jw.Query(program=2733)
    assert found.plan is not None
    assert found.plan.here == len(uris)


def test_a_download_that_cannot_begin_leaves_what_the_last_one_did(
    found: Exploration, faulty_archive: LocalArchive
) -> None:
    uris = some(found)
    found.tick(uris)
    faulty_archive.faults = [Refuse(path=uris[0].rpartition("/")[2], status=404, times=1)]
    found.download()
    assert found.wait(LONG)
    before, folder = found.manifest, Path(found.destination)
    kept = folder.rename(folder.with_name("kept"))
    folder.touch()
    found.finish()
    assert found.wait(LONG)
    assert str(folder) in found.problems["download"].text
    assert found.manifest is before
    folder.unlink()
    kept.rename(folder)
    found.retry()
    assert found.wait(LONG)
    assert {found.states[uri].kind for uri in uris} == {"here"}


def test_a_destination_that_can_be_looked_at_again_is_no_problem_any_more(found: Exploration) -> None:
    folder = Path(found.destination)
    folder.touch()
    found.refresh()
    assert found.wait(LONG)
    assert str(folder) in found.problems["look"].text
    folder.unlink()
    found.refresh()
    assert found.wait(LONG)
    assert not found.problems
    assert found.plan is not None


def test_an_archive_that_does_not_open_is_not_asked_in_the_shape_of_the_one_before(found: Exploration) -> None:
    before = found.products
    found.use_archive("hubble")
    found.search(jw.Query(program=1386))
    assert found.wait(LONG)
    assert found.problems["search"].error is found.problems["open"].error
    assert found.products is before
    found.use_archive(found.archive)
    found.search(jw.Query(program=1386))
    assert found.wait(LONG)
    assert not found.problems
    assert set(found.products["program"].tolist()) == {1386}


def test_a_login_that_was_cancelled_logs_nobody_in(archive_url: str, tmp_path: Path) -> None:
    class Late(MastArchive):
        """An archive whose user turns away just as he is let in."""

        def login(self, token: str | None = None, **options: Any) -> Any:
            account = super().login(token, **options)
            assert not account.anonymous
            exploration.cancel("login")
            return account

    exploration = Exploration(Late(Host.at(archive_url)), destination=tmp_path)
    exploration.login(TOKEN)
    assert exploration.wait(LONG)
    assert exploration.jobs["login"].state == "cancelled"
    assert exploration.account.anonymous
    assert exploration.archive.account.anonymous


def test_a_login_is_cancelled_while_the_archive_hangs(faulty_archive: LocalArchive, tmp_path: Path) -> None:
    exploration = Exploration(faulty_archive.url, destination=tmp_path)
    assert exploration.wait(LONG)
    faulty_archive.faults = [Slow(path="/whoami", latency=600)]
    exploration.login(TOKEN)
    while not any(request.path == "/whoami" for request in faulty_archive.requests):
        assert exploration.jobs["login"].state == "running"
    exploration.cancel("login")
    assert exploration.wait(LONG)
    assert exploration.jobs["login"].state == "cancelled"
    assert exploration.account.anonymous
    assert exploration.archive.account.anonymous
