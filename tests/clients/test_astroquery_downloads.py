"""Unmodified astroquery against the local archive: accounts, files, and the script for curl."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from astropy.io import fits

from jwstmq_widgets.localarchive import TOKEN, TOKEN_EXPIRED, TOKEN_WITHOUT_ACCESS, LocalArchive
from tests.clients.conftest import Run, given

pytestmark = pytest.mark.clients

_SCRIPT = f"""
from astroquery.mast import MastMissions, Observations
from astropy.table import vstack
rows = lambda table: [dict(zip(table.colnames, map(str, row))) for row in table]

exclusive = Observations.query_criteria(obs_collection="JWST", dataRights="EXCLUSIVE_ACCESS", calib_level=["2", "3"])
closed = Observations.get_product_list(exclusive[:1])
closed = closed[(closed["dataRights"] == "EXCLUSIVE_ACCESS") & (closed["productType"] == "PREVIEW")][:1]
observation = Observations.query_criteria(obs_id="jw02733-o002_t001_miri_f1130w")
products = Observations.get_product_list(observation)
wanted = Observations.filter_products(products, extension=["_cal.fits", "_i2d.jpg"], productType=["SCIENCE", "PREVIEW"])
wanted = vstack([wanted[wanted["productFilename"] == "jw02733-o002_t001_miri_f1130w_i2d.jpg"],
                 Observations.filter_products(wanted, extension="_cal.fits")[:1]])

@step("anonymous")
def _():
    return Observations._auth_obj.session_info()

@step("closed to nobody")
def _():
    return rows(Observations.download_products(closed, download_dir="nobody", verbose=False))

@step("wrong token")
def _():
    Observations.login("no such token")

@step("expired token")
def _():
    Observations.login("{TOKEN_EXPIRED}")

Observations.logout()

@step("token without access")
def _():
    Observations.login("{TOKEN_WITHOUT_ACCESS}")
    return Observations._auth_obj.session_info()["anon"]

@step("closed to this account")
def _():
    return rows(Observations.download_products(closed, download_dir="unauthorised", verbose=False))

Observations.logout()

@step("good token")
def _():
    Observations.login("{TOKEN}")
    return Observations._auth_obj.session_info()["anon"]

@step("who am I")
def _():
    return Observations._auth_obj.session_info()

@step("closed product")
def _():
    return rows(Observations.download_products(closed, download_dir="authorised", verbose=False))

Observations.logout()

@step("download")
def _():
    return rows(Observations.download_products(wanted, download_dir=".", verbose=False))

@step("download again")
def _():
    return rows(Observations.download_products(wanted, download_dir=".", verbose=True))

@step("one file, flat")
def _():
    return Observations.download_file("mast:JWST/product/jw02733-o002_t001_miri_f1130w_i2d.jpg", local_path="one.jpg")

@step("no such file")
def _():
    return Observations.download_file("mast:JWST/product/jw02733_nothing.fits", local_path="nothing.fits")

@step("script")
def _():
    return rows(Observations.download_products(vstack([wanted, closed]), download_dir=".", curl_flag=True))

@step("closed names")
def _():
    return list(map(str, closed["productFilename"]))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def answers(run_client: Run, folder: Path) -> dict[str, Any]:
    return run_client(_SCRIPT, folder=folder)


def test_without_a_token_the_client_is_nobody(answers: dict[str, Any]) -> None:
    assert given(answers, "anonymous")["ezid"] == "anonymous"


@pytest.mark.parametrize("step", ["wrong token", "expired token"])
def test_a_token_that_is_not_good_is_refused(answers: dict[str, Any], step: str) -> None:
    assert answers[step]["failed"] == "LoginError"


def test_both_accounts_log_in(answers: dict[str, Any]) -> None:
    assert given(answers, "token without access") is False
    assert given(answers, "good token") is False


def test_the_account_is_told_without_the_whole_token(answers: dict[str, Any]) -> None:
    account = given(answers, "who am I")
    assert "mast:exclusive_access" in account["scopes"]
    assert TOKEN not in str(account)


@pytest.mark.parametrize("step", ["closed to nobody", "closed to this account"])
def test_an_exclusive_product_is_refused(answers: dict[str, Any], step: str) -> None:
    (row,) = given(answers, step)
    assert row["Status"] == "ERROR"
    assert "401" in row["Message"]


def test_an_exclusive_product_comes_with_the_right_token(answers: dict[str, Any]) -> None:
    (row,) = given(answers, "closed product")
    assert row["Status"] == "COMPLETE"


def test_files_are_the_bytes_that_the_archive_makes(answers: dict[str, Any], folder: Path, content_of: Any) -> None:
    for row in given(answers, "download"):
        assert row["Status"] == "COMPLETE"
        path = folder / row["Local Path"]
        assert path.read_bytes() == content_of(path.name)


def test_an_image_opens_in_astropy(answers: dict[str, Any], folder: Path) -> None:
    (path,) = [row["Local Path"] for row in given(answers, "download") if row["Local Path"].endswith(".fits")]
    with fits.open(folder / path) as image:
        image.verify("exception")
        assert image[0].header["TELESCOP"] == "JWST"
        assert image["SCI"].data.ndim == 2


def test_a_second_download_finds_the_files_there(
    answers: dict[str, Any], local_archive: LocalArchive, folder: Path
) -> None:
    assert {row["Status"] for row in given(answers, "download again")} == {"COMPLETE"}


def test_one_file_comes_and_an_unknown_one_is_an_error(answers: dict[str, Any]) -> None:
    assert given(answers, "one file, flat")[0] == "COMPLETE"
    assert given(answers, "no such file")[0] == "ERROR"


@pytest.fixture(scope="module")
def scripted(answers: dict[str, Any], folder: Path) -> Path:
    """Where the script for curl was run with a token."""
    assert shutil.which("curl"), "install curl: the script that the archive writes needs it"
    (row,) = given(answers, "script")
    place = folder / "scripted"
    place.mkdir()
    subprocess.run(
        ["bash", str(folder / row["Local Path"]), TOKEN],
        cwd=place,
        env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=True,
    )
    return place


def test_the_script_downloads_all_with_a_token(answers: dict[str, Any], scripted: Path, content_of: Any) -> None:
    found = {path.name: path for path in scripted.glob("MAST_*/JWST/*/*")}
    names = {Path(row["Local Path"]).name for row in given(answers, "download")} | set(given(answers, "closed names"))
    assert set(found) == names
    assert all(path.read_bytes() == content_of(name) for name, path in found.items())


def test_the_script_writes_a_manifest(answers: dict[str, Any], scripted: Path) -> None:
    (manifest,) = scripted.glob("MAST_*/MANIFEST.HTML")
    text = manifest.read_text()
    assert text.count("<td>OK</td><td>vera</td>") == 3
    assert "EXCLUSIVE_ACCESS" in text
    assert TOKEN not in text


def test_the_script_goes_on_without_a_token(answers: dict[str, Any], folder: Path) -> None:
    (row,) = given(answers, "script")
    place = folder / "anonymous"
    place.mkdir()
    subprocess.run(
        ["bash", str(folder / row["Local Path"])],
        cwd=place,
        env={"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=120,
        check=True,
    )
    (manifest,) = place.glob("MAST_*/MANIFEST.HTML")
    text = manifest.read_text()
    assert text.count("<td>OK</td>") == 2
    assert text.count("<td>ERROR</td>") == 1


def test_the_script_holds_no_token(answers: dict[str, Any], folder: Path) -> None:
    (row,) = given(answers, "script")
    assert TOKEN not in (folder / row["Local Path"]).read_text()
