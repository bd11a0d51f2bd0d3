"""Which key at ESA's data server a file has, when all that is known of it is its name."""

import numpy as np
import pytest

from jwstmq_widgets import download, open_archive, plan, verify
from jwstmq_widgets.archives.esa import EsaArchive
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.localarchive import ESA_PASSWORD, ESA_USER, TOKEN
from jwstmq_widgets.query import Query

POOL = "mast:JWST/product/jw02609_20240212t021359_pool.csv"


@pytest.fixture
def esa(faulty_archive):
    return EsaArchive(Host.at(f"{faulty_archive.url}/server"))


def test_a_file_that_is_exclusive_with_some_is_had_with_those_that_are_public(esa):
    key = esa.locate([POOL])[POOL]
    rights = esa.adql(
        f'SELECT m."public" AS open FROM jwst.artifact AS a JOIN jwst.main AS m ON m.planeid = a.planeid '
        f"WHERE a.artifactid = '{key}'"
    )
    assert set(np.asarray(rights["open"]).astype(str)) <= {"true", "True"}
    assert len(rights)


def test_names_that_are_none_do_not_hinder_the_others(esa):
    wrong = ["mast:JWST/product/a\nb", "mast:JWST/product/", "mast:JWST/product/" + "x" * 5000, "x'"]
    assert list(esa.locate([*wrong, POOL])) == [POOL]


def test_two_faces_of_one_host_are_each_told_who_asks(faulty_archive):
    merged = open_archive([faulty_archive.url, f"{faulty_archive.url}/server"])
    merged.login(TOKEN)
    merged.login(user=ESA_USER, password=ESA_PASSWORD)
    mast, esa = faulty_archive.url, f"{faulty_archive.url}/server"
    for urls in ((mast, esa), (esa, mast)):
        merged = open_archive(list(urls))
        assert set(merged.authorization(f"{mast}/api/v0.1/Download/file?uri=x")) == {"Authorization"}
        assert set(merged.authorization(f"{esa}/data?ARTIFACTID=x")) == {"Cookie"}
        assert merged.authorization("http://127.0.0.1:9/server/data") == {}
    merged.logout()


def test_files_on_disk_are_located_together_before_they_are_compared(esa, faulty_archive, tmp_path):
    found = esa.products(esa.observations(Query(obs_ids=["jw02733-o002_t001_miri_f1130w"])))
    some = found[(found["size"] > 0) & (found["size"] < 200_000)][:6]
    done = download(plan(some, to=tmp_path, archive=esa))
    assert set(done["Status"]) == {"COMPLETE"}
    faulty_archive.clear_requests()
    fresh = EsaArchive(Host.at(esa.url))
    assert set(verify(tmp_path, archive=fresh)["verdict"]) == {"good"}
    asked = [one.path for one in faulty_archive.requests]
    first = asked.index("/server/data")
    assert "/server/tap/sync" in asked[:first]
    assert set(asked[first:]) == {"/server/data"}  # nothing more is asked for a single file
    assert asked.count("/server/data") == len(some)
