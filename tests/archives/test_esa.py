"""ESA's archive, asked: the local archive speaks as it does."""

import os
import re
import signal
import stat
import subprocess
import sys
import tarfile
import threading
import urllib.request

import numpy as np
import pytest
from astropy.table import Table

from jwstmq_widgets.archives import Archive, archive_at, open_archive
from jwstmq_widgets.archives.account import ANONYMOUS
from jwstmq_widgets.archives.answers import Answers
from jwstmq_widgets.archives.esa import EsaArchive
from jwstmq_widgets.archives.esa.examples import EXAMPLES
from jwstmq_widgets.archives.host import ESA_URL, Host
from jwstmq_widgets.archives.parallel import Manners
from jwstmq_widgets.errors import Cancelled, LoginError, QueryError, Unreachable
from jwstmq_widgets.localarchive import ESA_OTHER_PASSWORD, ESA_OTHER_USER, ESA_PASSWORD, ESA_USER, TOKEN
from jwstmq_widgets.localarchive.faults import Refuse, Slow, SlowQuery
from jwstmq_widgets.query import Query
from tests.archives.test_adqltext import ATTEMPTS

RING = "jw02733-o002_t001_miri_f1130w"
EXPOSURE = "jw02733002001_02103_00001_mirimage"
PLACE = (151.757, -40.436)


@pytest.fixture
def esa(faulty_archive):
    return open_archive(f"{faulty_archive.url}/server")


@pytest.fixture
def mast(archive_url):
    return open_archive(archive_url)


def paths(archive):
    return [(entry.method, entry.path) for entry in archive.requests]


def names(table, column="productFilename"):
    return set(table[column].tolist())


# Opening


def test_an_address_that_ends_in_server_speaks_as_esa_does(faulty_archive):
    archive = open_archive(f"{faulty_archive.url}/server/")
    assert isinstance(archive, EsaArchive)
    assert isinstance(archive, Archive)
    assert archive.account is ANONYMOUS
    assert archive_at(archive.url) is archive
    assert type(archive_at(faulty_archive.url)) is not EsaArchive
    assert faulty_archive.requests == []


def test_esa_is_opened_without_a_network():
    archive = open_archive("ESA")
    assert (archive.name, archive.url) == ("esa", ESA_URL)
    assert archive_at(ESA_URL).name == "esa"


def test_the_local_archive_is_opened_as_esa(archive_url, monkeypatch):
    monkeypatch.setenv("JWSTMQ_LOCAL_ARCHIVE", archive_url)
    archive = open_archive("local-esa")
    assert (archive.name, archive.url) == ("local-esa", f"{archive_url}/server")


def test_nothing_is_done_to_the_process(archive_url):
    code = (
        "import sys, tarfile\n"
        "from jwstmq_widgets.archives import open_archive\n"
        "from jwstmq_widgets.query import Query\n"
        f"archive = open_archive('{archive_url}/server')\n"
        "assert len(archive.products(archive.observations(Query(program=1410))))\n"
        "assert 'extraction_filter' not in vars(tarfile.TarFile) or tarfile.TarFile.extraction_filter is None\n"
        "assert not any(name.startswith('astroquery') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
    assert getattr(tarfile.TarFile, "extraction_filter", None) is None


# One table for both archives


@pytest.mark.parametrize("program", [2733, 1410, 2609, 1386])
def test_both_faces_list_the_same_files(esa, mast, program):
    query = Query(program=program)
    ours, theirs = esa.observations(query), mast.observations(query)
    assert len(theirs)
    # ESA lists the exposures that others were made from as observations too; MAST lists their files with these.
    assert names(theirs, "obs_id") <= names(ours, "obs_id")
    only = ours[~np.isin(ours["obs_id"], theirs["obs_id"])]
    assert all(level < 3 for level in only["calib_level"])
    mine, other = esa.products(ours), mast.products(theirs)
    # ESA lists a thumbnail with each picture, and no picture of an exposure's i2d.
    thumbnails = np.char.endswith(np.asarray(mine["productFilename"]).astype(str), "_thumb.jpg")
    assert thumbnails.any()
    mine = mine[~thumbnails]
    other = other[[not re.search(r"^jw\d{11}_.*_i2d\.jpg$", name) for name in other["productFilename"].tolist()]]
    assert names(mine) == names(other)
    assert names(mine, "dataURI") == names(other, "dataURI")
    rows = {name: row for row, name in enumerate(other["productFilename"].tolist())}
    order = [rows[name] for name in mine["productFilename"].tolist()]
    other = other[order]
    for column in ("size", "calib_level", "dataRights", "productType", "filetype", "detector", "stage"):
        np.testing.assert_array_equal(np.asarray(mine[column]), np.asarray(other[column]), err_msg=column)
    # a file that several observations share (a pool, a guide star) belongs to the one that was listed first
    own = np.isin(np.asarray(mine["productType"]), ["SCIENCE", "PREVIEW"]) & ~np.asarray(mine["guidestar"])
    for column in ("obs_id", "filters", "target_name"):
        np.testing.assert_array_equal(np.asarray(mine[column])[own], np.asarray(other[column])[own], err_msg=column)


def test_the_tables_have_the_columns_of_mast_with_the_same_kinds(esa, mast):
    query = Query(program=2733, obs_ids=RING)
    for ours, theirs, extra in (
        (esa.observations(query), mast.observations(query), []),
        (
            esa.products(esa.observations(query)),
            mast.products(mast.observations(query)),
            ["artifact_id", "contenttype"],
        ),
    ):
        assert [name for name in ours.colnames if name not in extra] == theirs.colnames
        for name in theirs.colnames:
            assert ours[name].dtype.kind == theirs[name].dtype.kind, name
            assert ours[name].unit == theirs[name].unit, name
            assert ours[name].description.startswith(theirs[name].description), name
        assert ours.masked is False
    told = esa.observations(query)
    assert told["filters"].description.endswith("(ESA: jwst.main.energy_bandpassname)")
    other = mast.observations(query)
    for name in (
        "obs_id", "proposal_id", "filters", "target_name", "t_min", "t_max", "t_obs_release", "em_min", "s_ra",
        "calib_level", "instrument_name", "dataRights", "proposal_pi", "obs_title", "program", "mode",
    ):  # fmt: skip
        if told[name].dtype.kind == "f":
            np.testing.assert_allclose(told[name], other[name], rtol=1e-9, err_msg=name)
        else:
            assert told[name].tolist() == other[name].tolist(), name


QUESTIONS = {
    "observations": {"program": 2733, "observations": 2},
    "instrument": {"program": 2733, "instrument": "miri"},
    "modes": {"instrument": "miri", "modes": "ifu"},
    "dates": {"dates": "2022-06-03"},
    "lookback": {"lookback": 99999},
    "radius": {"coordinates": PLACE, "radius": "20 arcsec"},
    "overlaps": {"coordinates": PLACE, "footprint": "overlaps", "radius": "1 arcsec"},
    "contains": {"coordinates": PLACE, "footprint": "contains"},
    "target": {"target": "NGC 3132"},
    "filters": {"program": 2733, "filters": ["F770W", "F4*"]},
    "pi": {"pi": "pontop"},
    "target_name": {"target_name": "ngc-3132"},
    "obs_ids": {"obs_ids": [RING, "jw02733-o001*"]},
    "public": {"program": 2609, "access": "public"},
    "exclusive": {"access": "exclusive"},
    "planned": {"executed": False},
    "executed": {"executed": True, "program": 1410},
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_finds_what_it_finds_at_mast(esa, mast, question):
    query = Query(**QUESTIONS[question])
    ours, theirs = esa.observations(query), mast.observations(query)
    assert names(theirs, "obs_id") <= names(ours, "obs_id")
    others = ours[~np.isin(ours["obs_id"], theirs["obs_id"])]
    # what ESA has besides are exposures that MAST lists with what was made from them
    assert all(1 <= level < 3 for level in others["calib_level"])
    assert esa.count(query) == len(ours)
    assert ours["obs_id"].tolist() == sorted(ours["obs_id"].tolist())


@pytest.mark.parametrize("access", ["public", "exclusive"])
def test_planned_observations_are_neither_public_nor_exclusive(esa, mast, access):
    for archive in (esa, mast):
        assert (archive.observations(Query(program=2609))["calib_level"] == -1).any()
        found = archive.observations(Query(program=2609, access=access))
        assert len(found)
        assert (found["calib_level"] >= 0).all()
        with pytest.raises(QueryError, match=f"planned observations have no data that could be {access}"):
            archive.observations(Query(program=2609, access=access, executed=False))


def test_a_program_is_found_by_its_number_and_never_by_a_part_of_it(esa):
    assert len(esa.observations(Query(program=27))) == 0
    assert esa.count(Query(program=273)) == 0
    assert set(esa.observations(Query(program="2733"))["program"]) == {2733}


def test_an_underscore_in_a_name_is_an_underscore(esa):
    assert esa.count(Query(obs_ids="jw02733-o002_t001_miri*")) > 0
    assert esa.count(Query(obs_ids="jw02733_o002_t001_miri*")) == 0
    assert len(esa.observations(Query(obs_ids="jw02733_o002*"))) == 0


@pytest.mark.parametrize("field", ["pi", "target_name"])
def test_injection_does_nothing(esa, faulty_archive, field):
    for attempt in ATTEMPTS:
        query = Query(program=2733, **{field: attempt})
        assert len(esa.observations(query)) == (194 if not any(getattr(query, field)) else 0), attempt
    assert {entry.status for entry in faulty_archive.requests} == {200}


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_injection_into_names_of_files_and_observations_does_nothing(esa, attempt):
    with pytest.raises(QueryError):
        esa.download_url(f"mast:JWST/product/{attempt}")
    with pytest.raises(QueryError):
        esa.related(attempt)
    with pytest.raises(QueryError):
        esa.products([attempt])


def test_a_box_is_asked_by_its_sides(esa):
    wide = esa.region(Query(coordinates=PLACE), width="2 arcmin", height="2 arcmin")
    assert names(wide, "obs_id") == names(esa.observations(Query(coordinates=PLACE)), "obs_id")
    away = Query(coordinates=(PLACE[0] + 0.2, PLACE[1]))
    assert len(esa.region(away, width="1 arcmin", height="1 arcmin")) == 0
    reaching = esa.region(away, width="25 arcmin", height="1 arcmin")
    assert len(reaching) > 0
    assert len(esa.region(away, width="1 arcmin", height="25 arcmin")) == 0
    with pytest.raises(QueryError, match="needs a middle"):
        esa.region(Query(program=2733), width=1, height=1)


def test_a_question_without_limits_is_refused_before_anybody_is_asked(esa, faulty_archive):
    with pytest.raises(QueryError, match="whole archive"):
        esa.observations(Query())
    assert faulty_archive.requests == []


def test_more_than_fits_at_once_comes_by_a_job_that_is_removed(esa, faulty_archive):
    query = Query(instrument="nircam")
    before = jobs(esa)
    found = esa.observations(query)
    assert len(found) == esa.count(query) > 2000
    # its removal is not waited for; a job that is removed is not listed
    kept = [("POST", "/server/tap/async")]
    assert [path for path in paths(faulty_archive) if path == kept[0]] == kept
    settled(lambda: ("POST", "/server/tap/deletejobs") in paths(faulty_archive))
    assert jobs(esa) == before


def jobs(esa):
    """Whoever is not logged in sees the jobs of all who are not: other tests leave some."""
    return set(esa.jobs()["job"].tolist())


def settled(reached):
    """Wait until something that happens elsewhere is there."""
    ticks = threading.Event()
    for _ in range(1000):
        if reached():
            return
        ticks.wait(0.01)
    raise AssertionError("it did not happen")


def test_a_program_that_is_interrupted_removes_its_job(faulty_archive):
    esa = EsaArchive(Host.at(f"{faulty_archive.url}/server"), manners=Manners(pause=0.0, poll=0.0))
    before = esa.jobs()["job"].tolist()  # nobody's jobs are everybody's
    faulty_archive.faults = (SlowQuery(path="*/async", seconds=600.0),)
    words = ["adql", "SELECT TOP 1 obsid FROM jwst.main", "--archive", esa.url, "--async", "mine"]
    with subprocess.Popen([sys.executable, "-m", "jwstmq_widgets", *words], env=dict(os.environ)) as program:
        ticks = threading.Event()
        while program.poll() is None and not any(one.path.endswith("/phase") for one in faulty_archive.requests):
            ticks.wait(0.05)
        program.send_signal(signal.SIGINT)
        program.wait(timeout=30)
    assert program.returncode
    assert "/server/tap/deletejobs" in [one.path for one in faulty_archive.requests]
    assert esa.jobs()["job"].tolist() == before


@pytest.mark.parametrize("verb", ["observations", "adql"])
def test_a_job_that_is_cancelled_is_removed(faulty_archive, verb):
    esa = EsaArchive(Host.at(f"{faulty_archive.url}/server"), manners=Manners(poll=0.02))
    esa.tables()
    before = jobs(esa)
    cancel = threading.Event()
    faulty_archive.faults = (SlowQuery(path="*/async", seconds=600.0),)
    asked = Query(instrument="nircam") if verb == "observations" else "SELECT observationid FROM jwst.main"
    more = {"run_async": True, "progress": lambda phase: cancel.set()} if verb == "adql" else {}
    if verb == "observations":
        watcher = threading.Thread(
            target=lambda: (
                settled(lambda: any(path.endswith("/phase") for _, path in paths(faulty_archive))),
                cancel.set(),
            )
        )
        watcher.start()
    with pytest.raises(Cancelled):
        getattr(esa, verb)(asked, cancel=cancel, **more)
    settled(lambda: ("POST", "/server/tap/deletejobs") in paths(faulty_archive))
    faulty_archive.faults = ()
    assert jobs(esa) == before


def test_a_job_that_is_cancelled_while_it_is_made_is_removed(faulty_archive):
    esa = EsaArchive(Host.at(f"{faulty_archive.url}/server"), manners=Manners(poll=0.02))
    esa.tables()
    before = jobs(esa)
    faulty_archive.clear_requests()
    cancel = threading.Event()
    faulty_archive.faults = (Slow(path="*/async", method="POST", latency=0.5),)
    made = ("POST", "/server/tap/async")
    threading.Thread(target=lambda: (settled(lambda: made in paths(faulty_archive)), cancel.set())).start()
    with pytest.raises(Cancelled):
        esa.adql("SELECT TOP 1 obsid FROM jwst.main", run_async=True, cancel=cancel)
    settled(lambda: ("POST", "/server/tap/deletejobs") in paths(faulty_archive))
    faulty_archive.faults = ()
    assert jobs(esa) == before


# Products


def test_products_come_at_a_level_or_below_it(esa):
    ring = esa.observations(Query(obs_ids=RING))
    whole = esa.products(ring)
    assert set(whole["calib_level"]) == {1, 2, 3}
    assert set(whole["parents"]) == {ring["obsid"][0]}
    for level in (1, 2, 3):
        assert names(esa.products(ring, calib_level=level)) == names(whole[whole["calib_level"] == level])
    with pytest.raises(QueryError, match=r"level 3 is above level 2 of jw02733002001.*related\(\)") as caught:
        esa.products(esa.observations(Query(obs_ids=EXPOSURE)), calib_level=3)
    assert caught.value.field == "calib_levels"


def test_products_are_asked_for_by_key_as_by_table(esa):
    ring = esa.observations(Query(obs_ids=RING))
    assert names(esa.products(ring["obsid"].tolist())) == names(esa.products(ring))
    assert len(esa.products([])) == 0
    assert esa.products([]).colnames == esa.products(ring).colnames


def test_the_number_of_another_archive_is_refused(esa, mast):
    with pytest.raises(QueryError, match=r"not an obsid of ESA's archive.*UUID"):
        esa.products(mast.observations(Query(program=1410)))


def test_many_observations_are_asked_in_few_requests(esa, faulty_archive):
    found = esa.observations(Query(program=2609))
    faulty_archive.clear_requests()
    told = []
    products = esa.products(found, progress=told.append)
    assert len(faulty_archive.requests) < len(found) / 8
    assert {path for _, path in paths(faulty_archive)} == {"/server/tap/sync"}
    assert told[-1].observations_done == told[-1].observations_total == len(found)
    assert told[-1].products == len(products)
    assert names(told[-1].partial()) == names(products)


def test_a_list_that_is_too_long_is_asked_in_parts(faulty_archive, monkeypatch):
    """With a limit of a few rows, as of an archive that gives little at once, the list is the same."""
    from jwstmq_widgets.archives.esa import lists as esalists

    esa = EsaArchive(Host.at(f"{faulty_archive.url}/server"), manners=Manners(poll=0.01))
    query = Query(program=1410)
    whole = esa.products(esa.observations(query))
    monkeypatch.setattr(esalists, "SYNC_ROWS", 40)
    assert esa.products(esa.observations(query))["productFilename"].tolist() == whole["productFilename"].tolist()
    assert ("POST", "/server/tap/async") in paths(faulty_archive)


def test_products_can_be_cancelled(esa):
    cancel = threading.Event()
    found = esa.observations(Query(program=2609))
    with pytest.raises(Cancelled):
        esa.products(found, progress=lambda _: cancel.set(), cancel=cancel)


def test_a_file_is_given_by_its_artifact(esa, faulty_archive):
    [row] = esa.products(esa.observations(Query(obs_ids=RING)))[:1]
    url = esa.download_url(row["dataURI"])
    assert url == f"{esa.url}/data?RETRIEVAL_TYPE=PRODUCT&ARTIFACTID={row['artifact_id']}"
    with urllib.request.urlopen(url) as answer:
        assert len(answer.read()) == row["size"]
    faulty_archive.clear_requests()
    fresh = EsaArchive(Host.at(esa.url))
    assert fresh.locate([row["dataURI"], "mast:JWST/product/none.fits"]) == {row["dataURI"]: row["artifact_id"]}
    asked = [entry.path for entry in faulty_archive.requests]
    assert asked == ["/server/tap/tables", "/server/tap/sync", "/server/tap/sync"]  # a name on each line
    assert fresh.download_url(row["dataURI"]) == url
    assert len(faulty_archive.requests) == len(asked)
    with pytest.raises(QueryError, match=r"has no file 'none\.fits'"):
        fresh.download_url("mast:JWST/product/none.fits")


def test_related_observations_are_told_both_ways(esa):
    ring = esa.related(RING)
    assert set(ring["relation"]) == {"made from"}
    assert EXPOSURE in names(ring, "obs_id")
    exposure = esa.related(EXPOSURE)
    assert list(zip(exposure["relation"], exposure["obs_id"], strict=True)) == [("used in", RING)]
    alone = esa.related("jw01410001001_02101_00001_guider1")
    assert (len(alone), alone.colnames) == (0, ring.colnames)
    with pytest.raises(QueryError, match="has no observation 'jw99999'"):
        esa.related("jw99999")


# Answers that are kept


def test_answers_are_kept_for_each_user(faulty_archive, tmp_path):
    answers = Answers(tmp_path)
    esa = EsaArchive(Host.at(f"{faulty_archive.url}/server"), answers=answers)
    query = Query(program=1410)
    first = esa.products(esa.observations(query, cache=True), cache=True)
    faulty_archive.clear_requests()
    again = EsaArchive(Host.at(esa.url), answers=answers)
    assert (
        again.products(again.observations(query, cache=True), cache=True)["dataURI"].tolist()
        == first["dataURI"].tolist()
    )
    assert again.download_url(first["dataURI"][0]) == esa.download_url(first["dataURI"][0])
    assert faulty_archive.requests == []
    again.login(user=ESA_USER, password=ESA_PASSWORD)
    again.observations(query, cache=True)
    assert ("POST", "/server/tap/sync") in paths(faulty_archive)


# Login


def test_a_session_begins_and_ends(esa, faulty_archive):
    account = esa.login(user=ESA_USER, password=ESA_PASSWORD)
    assert account == esa.account
    assert (account.name, account.anonymous, account.may_exclusive) == (ESA_USER, False, False)
    headers = esa.authorization(f"{esa.url}/data")
    assert list(headers) == ["Cookie"]
    assert esa.authorization("http://127.0.0.1:1/server/data") == {}
    assert esa.authorization("https://example.org/server") == {}
    esa.logout()
    assert esa.account.anonymous
    assert esa.account.warning == ""
    assert esa.authorization(esa.url) == {}
    assert ("POST", "/server/logout") in paths(faulty_archive)
    request = urllib.request.Request(f"{esa.url}/jwstToken", data=b"token=" + TOKEN.encode(), headers=headers)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    with caught.value as answer:
        assert answer.code == 403  # the old cookie is nobody's


@pytest.mark.parametrize(("token", "late"), [(None, "login"), (TOKEN, "login"), (TOKEN, "jwstToken")])
def test_a_session_that_begins_after_a_cancel_is_ended(esa, faulty_archive, token, late):
    faulty_archive.faults = (Slow(path=f"/server/{late}", latency=1.0),)
    cancel = threading.Event()
    threading.Thread(
        target=lambda: (settled(lambda: ("POST", f"/server/{late}") in paths(faulty_archive)), cancel.set())
    ).start()
    with pytest.raises(Cancelled):
        esa.login(token, user=ESA_USER, password=ESA_PASSWORD, cancel=cancel)
    if late == "login":  # nobody has waited for the archive, nor knows yet of a session
        assert ("POST", "/server/logout") not in paths(faulty_archive)
    settled(lambda: ("POST", "/server/logout") in paths(faulty_archive))
    ended = faulty_archive.requests[-1]
    assert (ended.path, ended.credential) == ("/server/logout", True)
    assert esa.account.anonymous
    assert esa.authorization(esa.url) == {}
    assert (("POST", "/server/jwstToken") in paths(faulty_archive)) == (late == "jwstToken")


def test_a_token_is_linked_to_the_user(esa):
    with pytest.raises(LoginError, match="log in with user name and password first"):
        esa.set_token(TOKEN)
    esa.login(user=ESA_USER, password=ESA_PASSWORD)
    assert esa.set_token(TOKEN).may_exclusive
    esa.logout()
    assert esa.login(TOKEN, user=ESA_OTHER_USER, password=ESA_OTHER_PASSWORD).may_exclusive
    esa.logout()


def test_a_session_over_tls_trusts_the_certificate_it_was_told_to_trust(local_archive, monkeypatch):
    pytest.importorskip("trustme")
    url = f"{local_archive.secure_url}/server"
    for variable in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(Unreachable, match="certificate"):
        open_archive(url).login(user=ESA_USER, password=ESA_PASSWORD)
    monkeypatch.setenv("SSL_CERT_FILE", str(local_archive.ca_file))
    esa = open_archive(url)
    assert esa.login(user=ESA_USER, password=ESA_PASSWORD).name == ESA_USER
    assert esa.authorization(url.replace("https:", "http:")) == {}
    assert len(esa.adql("SELECT TOP 3 observationid FROM jwst.main", run_async=True)) == 3
    esa.remove_jobs(esa.jobs()["job"])
    esa.logout()


def test_what_is_wrong_leaves_everybody_where_they_were(esa):
    esa.login(user=ESA_USER, password=ESA_PASSWORD)
    cookie = esa.authorization(esa.url)
    for how in (
        {"user": ESA_USER, "password": "wrong"},
        {"user": "nobody", "password": ESA_PASSWORD},
        {"user": ESA_OTHER_USER, "password": ESA_OTHER_PASSWORD, "token": "0000000000"},
        {"user": ESA_USER, "password": ""},
        {"credentials_file": "/nowhere"},
        {"credentials_file": "/nowhere", "user": ESA_USER},
    ):
        with pytest.raises(LoginError):
            esa.login(**how)
    assert esa.account.name == ESA_USER
    assert esa.authorization(esa.url) == cookie
    esa.logout()


def test_a_file_of_two_lines_logs_in(esa, tmp_path):
    file = tmp_path / "credentials"
    file.write_text(f"{ESA_USER}\n{ESA_PASSWORD}\n")
    file.chmod(stat.S_IRUSR)
    assert esa.login(credentials_file=file).name == ESA_USER
    esa.logout()
    file.chmod(stat.S_IRUSR | stat.S_IWUSR)
    file.write_text("one line")
    with pytest.raises(LoginError, match="two lines"):
        esa.login(credentials_file=file)


def test_a_password_does_not_travel_unencrypted():
    with pytest.raises(LoginError, match="https"):
        EsaArchive(Host.at("http://example.org/server")).login(user="a", password="b")


def test_who_cannot_be_told_of_a_logout_is_left_all_the_same(esa, faulty_archive):
    esa.login(user=ESA_USER, password=ESA_PASSWORD)
    faulty_archive.faults = (Refuse(path="*/logout", status=503),)
    esa.logout()
    assert esa.account.anonymous
    assert "could not be told" in esa.account.warning
    assert esa.authorization(esa.url) == {}


def test_no_secret_is_shown(esa):
    esa.login(TOKEN, user=ESA_USER, password=ESA_PASSWORD)
    cookie = esa.authorization(esa.url)["Cookie"].partition("=")[2]
    shown = f"{esa!r} {esa.account!r} {vars(esa)!r}"
    assert not any(secret in shown for secret in (ESA_PASSWORD, TOKEN, cookie))
    esa.logout()


# ADQL


def test_the_tables_and_columns_are_listed(esa):
    tables = esa.tables()
    assert tables.colnames == ["table", "name", "type", "unit", "description"]
    main = tables[tables["table"] == "jwst.main"]
    assert len(main) == 109
    [ra] = main[main["name"] == "target_ra"]
    assert (ra["unit"], ra["type"]) == ("deg", "double")
    assert ra["description"]


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_have_answers(esa, example):
    assert len(esa.adql(EXAMPLES[example])) > 0


def test_adql_gives_a_table_with_units(esa, faulty_archive):
    table = esa.adql('SELECT TOP 3 observationid, target_ra, calibrationlevel, "public" FROM jwst.main;')
    assert len(table) == 3
    assert table["target_ra"].unit == "deg"
    assert table["observationid"].dtype.kind == "U"
    assert table.meta == {"overflow": False, "archive": esa.url}
    assert paths(faulty_archive) == [("POST", "/server/tap/sync")]


def test_adql_takes_tables_along(esa):
    mine = Table({"name": [RING, "it's <mine>"], "weight": [1.5, 2.5]})
    query = (
        "SELECT u.name, u.weight, m.calibrationlevel FROM tap_upload.mine AS u "
        "LEFT JOIN jwst.main AS m ON m.observationid = u.name"
    )
    for run_async in (False, True):
        table = esa.adql(query, uploads={"mine": mine}, run_async=run_async)
        assert dict(zip(table["name"], table["weight"], strict=True)) == {RING: 1.5, "it's <mine>": 2.5}
    with pytest.raises(QueryError, match="cannot be the name of an upload"):
        esa.adql(query, uploads={"m;ine": mine})
    esa.remove_jobs(esa.jobs()["job"].tolist())


def test_adql_says_when_rows_are_missing(esa):
    query = "SELECT observationid FROM jwst.main"
    some = esa.adql(query, run_async=False)
    assert (len(some), some.meta["overflow"]) == (2000, True)
    phases = []
    whole = esa.adql(query, progress=phases.append)
    assert len(whole) > 2000
    assert whole.meta["overflow"] is False
    assert phases[-1] == "COMPLETED"
    assert "job" not in whole.meta


def test_a_wrong_query_is_told_in_the_archives_words(esa):
    for run_async in (None, True):
        with pytest.raises(QueryError, match=r'Unknown column "nothing".*correct the query') as caught:
            esa.adql("SELECT nothing FROM jwst.main", run_async=run_async)
        assert caught.value.field == "adql"
    with pytest.raises(QueryError, match="there is no query"):
        esa.adql("  ; ")


def test_jobs_are_listed_opened_saved_and_removed(esa, tmp_path):
    table = esa.adql("SELECT TOP 4 observationid FROM jwst.main", run_async=True, name="four")
    other = esa.submit("SELECT TOP 2 observationid FROM jwst.main", name="two")
    jobs = esa.jobs()
    assert dict(zip(jobs["name"], jobs["job"], strict=True)) == {"four": table.meta["job"], "two": other}
    assert "SELECT TOP 2 observationid FROM jwst.main" in jobs["query"].tolist()
    assert len(esa.open_job(other)) == 2
    path = esa.save_job(table.meta["job"], tmp_path / "four.vot")
    assert len(Table.read(path, format="votable")) == 4
    with pytest.raises(QueryError, match="there already"):
        esa.save_job(other, path)
    esa.remove_jobs(jobs["job"])
    assert len(esa.jobs()) == 0
    esa.remove_jobs([])


# Other things to ask


def test_messages_to_users_are_texts(esa):
    [message] = esa.status_messages()
    assert message.startswith("This is a local archive")


def test_keywords_are_refused_with_a_way_out(esa):
    assert len(esa.keyword_columns()) == 0
    for ask in (esa.observations, esa.count, esa.keyword_rows):
        with pytest.raises(QueryError, match="no search by instrument keywords") as caught:
            ask(Query(program=2733, keywords={"exp_type": "MIR_IMAGE"}))
        assert caught.value.field == "keywords"


@pytest.mark.parametrize("resolver", ["", "ALL", "NED", "SIMBAD", "VizieR"])
def test_a_target_is_resolved(esa, mast, resolver):
    assert esa.resolve("NGC 3132", resolver=resolver) == pytest.approx(mast.resolve("NGC 3132"), abs=1e-3)


def test_a_resolver_that_is_not_there_is_refused_by_name(esa, faulty_archive):
    with pytest.raises(QueryError, match="'GAIA' is unknown") as caught:
        esa.resolve("NGC 3132", resolver="GAIA")
    assert caught.value.field == "resolver"
    assert faulty_archive.requests == []


@pytest.mark.parametrize("face", ["esa", "mast"])
def test_a_name_that_vizier_does_not_know_is_a_wrong_question(esa, mast, face):
    with pytest.raises(QueryError, match="'no such thing' is not known to the resolver VIZIER"):
        {"esa": esa, "mast": mast}[face].resolve("no such thing", resolver="VIZIER")
