"""Downloads from the local archive's ESA face by the same engine: resumed, refused with words, tars opened safely."""

from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from astropy.table import Table

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.downloads import Manifest, UnpackLimits, download, plan, script, unpack, verify
from jwstmq_widgets.localarchive import ESA_PASSWORD, ESA_USER, TOKEN, LocalArchive
from jwstmq_widgets.localarchive.faults import Cut, HostileTar
from jwstmq_widgets.localarchive.hostiletar import HOSTILE_KINDS
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import select
from tests.downloads.conftest import HASTY


def products_of(url: str, query: Query, **limits: object) -> Table:
    archive = open_archive(url)
    return select(archive.products(archive.observations(query)), **limits)  # type: ignore[arg-type]


def test_files_of_esa_come_in_parallel_verified_and_only_once(local_archive: LocalArchive, tmp_path: Path) -> None:
    url = f"{local_archive.url}/server"
    chosen = products_of(url, Query(program=2733, instrument="miri"), filetypes=["_cal.jpg"])[:12]
    manifest = download(plan(chosen, to=tmp_path))
    assert set(manifest["Status"]) == {"COMPLETE"}
    assert all(text.startswith(f"{url}/data?") for text in manifest["URL"])
    assert set(verify(tmp_path, archive=True)["verdict"]) == {"good"}
    assert set(download(plan(chosen, to=tmp_path))["Status"]) == {"SKIPPED"}
    assert len(Manifest.read(tmp_path).failed) == 0


def test_a_cut_file_of_esa_goes_on_where_it_stopped(faulty_archive: LocalArchive, tmp_path: Path) -> None:
    url = f"{faulty_archive.url}/server"
    chosen = products_of(url, Query(program=2733, instrument="miri"), filetypes=["_uncal.fits"])[:1]
    faulty_archive.faults = [Cut(path="/server/data", times=1, after=100_000)]
    faulty_archive.clear_requests()
    manifest = download(plan(chosen, to=tmp_path), manners=HASTY)
    assert manifest["Status"].tolist() == ["COMPLETE"]
    asked = [request for request in faulty_archive.requests if request.path.startswith("/server/data")]
    assert len(asked) == 2
    assert verify(tmp_path)["verdict"].tolist() == ["good"]


def _exclusive(url: str) -> Table:
    archive = open_archive(url)
    found = archive.observations(Query(access="exclusive", dates=("2022-01-01", None)))
    if not len(found):
        pytest.fail("the local archive holds no exclusive observations")
    products = archive.products(found[:1])
    return products[products["dataRights"] != "PUBLIC"][:1]


def test_an_exclusive_file_needs_a_login_with_a_token_and_says_so(local_archive: LocalArchive, tmp_path: Path) -> None:
    url = f"{local_archive.url}/server"
    archive = open_archive(url)
    chosen = _exclusive(url)
    assert plan(chosen, to=tmp_path, archive=archive).exclusive == 1
    asked = chosen.copy()
    asked["dataRights"] = ["PUBLIC"]  # as a catalogue that is behind would say
    manifest = download(plan(asked, to=tmp_path, archive=archive), manners=HASTY)
    assert manifest["Status"].tolist() == ["ERROR"]
    assert "log in with user name and password, and a MAST token" in manifest["Message"][0]
    login = archive.login
    login(TOKEN, user=ESA_USER, password=ESA_PASSWORD)  # type: ignore[call-arg]
    manifest = download(plan(chosen, to=tmp_path, archive=archive), manners=HASTY)
    assert manifest["Status"].tolist() == ["COMPLETE"], manifest["Message"].tolist()
    archive.logout()


def end_session(archive: Any) -> None:
    """End a session behind its owner's back, as ESA's server does by itself after a while."""
    url = f"{archive.url}/logout"
    with urlopen(Request(url, data=b"", headers=archive.authorization(url)), timeout=30):
        pass


def test_a_session_that_has_ended_is_noticed_and_said(local_archive: LocalArchive, tmp_path: Path) -> None:
    archive: Any = open_archive(f"{local_archive.url}/server")
    chosen = _exclusive(archive.url)
    archive.login(TOKEN, user=ESA_USER, password=ESA_PASSWORD)
    made = plan(chosen, to=tmp_path, archive=archive)
    end_session(archive)
    manifest = download(made, manners=HASTY)
    assert manifest["Status"].tolist() == ["ERROR"]
    assert f"the session of {ESA_USER} has ended; log in again" in manifest["Message"][0]
    assert archive.account.anonymous
    assert archive.account.warning == f"the session of {ESA_USER} has ended; log in again"
    assert archive.authorization(f"{archive.url}/data") == {}
    archive.login(TOKEN, user=ESA_USER, password=ESA_PASSWORD)
    assert archive.account.warning == ""
    assert download(made, manners=HASTY)["Status"].tolist() == ["COMPLETE"]
    archive.logout()


def test_a_refusal_without_another_session_ends_none(local_archive: LocalArchive, tmp_path: Path) -> None:
    archive: Any = open_archive(f"{local_archive.url}/server")
    archive.login(user=ESA_USER, password=ESA_PASSWORD)
    asked = _exclusive(archive.url).copy()
    asked["dataRights"] = ["PUBLIC"]  # as a catalogue that is behind would say
    manifest = download(plan(asked, to=tmp_path, archive=archive), manners=HASTY)
    assert f"give {ESA_USER} a MAST token" in manifest["Message"][0]
    assert not archive.account.anonymous
    archive.logout()


@pytest.mark.parametrize("kind", HOSTILE_KINDS)
def test_a_hostile_tar_of_the_data_server_harms_nothing(
    faulty_archive: LocalArchive, tmp_path: Path, kind: str
) -> None:
    url = f"{faulty_archive.url}/server"
    faulty_archive.faults = [HostileTar(kind=kind)]
    outside, data = tmp_path / "outside", tmp_path / "deep" / "data"
    for folder in (outside, data):
        folder.mkdir(parents=True)
    (outside / "mine").write_text("mine")
    asked = urlencode({"RETRIEVAL_TYPE": "OBSERVATION", "planeid": _plane(url), "product_type": "info"})
    with urlopen(f"{url}/data?{asked}", timeout=30) as answer:
        table = unpack(answer, to=data, layout="flat", limits=UnpackLimits(bytes=30_000_000, members=100))
    found = {path.relative_to(tmp_path).as_posix(): path for path in tmp_path.rglob("*")}
    assert {name for name in found if not name.startswith("deep/data/")} == {
        "outside",
        "outside/mine",
        "deep",
        "deep/data",
    }
    assert not [name for name, path in found.items() if path.is_symlink() or not (path.is_file() or path.is_dir())]
    complete = set(table["Local Path"][table["Status"] == "COMPLETE"].tolist())
    assert complete == {
        str(path) for path in found.values() if path.is_file() and path.suffix != ".jsonl" and path.parent != outside
    }
    if kind in {"long name", "truncated", "bomb", "huge", "many", "no tar"}:
        assert "download it again" in table.meta["trouble"]
    else:
        assert table.meta["trouble"] == ""
        assert complete
        expected = {"stranger": [], "duplicate": ["ERROR"]}.get(kind, ["REFUSED"])
        assert table["Status"][table["Status"] != "COMPLETE"].tolist() == expected


def _plane(url: str) -> str:
    query = (
        "SELECT planeid FROM jwst.main WHERE observationid = 'jw02733-o002_t001_miri_f1130w' AND calibrationlevel = 3"
    )
    archive: Any = open_archive(url)
    return str(archive.adql(query)["planeid"][0])


def test_a_script_of_esa_has_addresses_and_no_place_for_a_token(local_archive: LocalArchive, tmp_path: Path) -> None:
    url = f"{local_archive.url}/server"
    chosen = products_of(url, Query(program=2733, instrument="miri"), filetypes=["_i2d.jpg"])[:2]
    text = script(plan(chosen, to=tmp_path)).text
    assert text.count(f"{url}/data?RETRIEVAL_TYPE=PRODUCT") == 2
    assert "token_for=''" in text
