"""Single files, asked for by name or by ESA's key."""

from pathlib import Path

import pytest

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.downloads import download, plan
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.localarchive import LocalArchive
from jwstmq_widgets.query import Query
from tests.archives.test_adqltext import ATTEMPTS

RING = "jw02733-o002_t001_miri_f1130w_i2d.fits"
EXPOSURE = "jw02733002001_02103_00001_mirimage_cal.jpg"


@pytest.fixture(params=["mast", "esa", "both"])
def archive(request, archive_url):
    words = {"mast": [archive_url], "esa": [f"{archive_url}/server"], "both": [archive_url, f"{archive_url}/server"]}
    return open_archive(words[request.param])


def test_files_are_found_by_name_as_their_observations_list_them(archive):
    table = archive.artifacts([EXPOSURE, RING, f"mast:JWST/product/{EXPOSURE}"])
    assert table["productFilename"].tolist() == [EXPOSURE, RING]
    listed = archive.products(archive.observations(Query(program=2733, observations=[2])))
    rows = {name: row for row, name in enumerate(listed["productFilename"].tolist())}
    expected = listed[[rows[EXPOSURE], rows[RING]]]
    for name in ("dataURI", "size", "dataRights", "calib_level", "obs_id", "target_name", "release", "filetype"):
        assert table[name].tolist() == expected[name].tolist(), name


def test_a_file_of_a_name_is_downloaded(archive, tmp_path: Path):
    manifest = download(plan(archive.artifacts(EXPOSURE), to=tmp_path))
    assert manifest["Status"].tolist() == ["COMPLETE"]
    assert Path(manifest["Local Path"][0]).name == EXPOSURE


@pytest.mark.parametrize(
    "name", ["jw02733002001_02103_00001_mirimage_none.fits", "none", "jw99999-o001_t001_x_i2d.fits"]
)
def test_a_file_that_is_nowhere_is_named_or_left_out(archive, name: str):
    with pytest.raises(QueryError, match=f"has no file '{name}'") as error:
        archive.artifacts([RING, name])
    assert error.value.field == "files"
    assert archive.artifacts([name, RING], strict=False)["productFilename"].tolist() == [RING]
    assert len(archive.artifacts([name], strict=False)) == 0


@pytest.mark.parametrize("nothing", ["", [], [" ", "a/"]])
def test_no_name_at_all_is_an_error(archive, nothing):
    with pytest.raises(QueryError, match="no file is named"):
        archive.artifacts(nothing)


def test_a_file_of_esa_is_found_by_its_artifact_id(archive_url: str, tmp_path: Path):
    esa, both = open_archive(f"{archive_url}/server"), open_archive([archive_url, f"{archive_url}/server"])
    key = str(esa.artifacts(RING)["artifact_id"][0])
    for asked in (esa, both):
        table = asked.artifacts(key)
        assert table["productFilename"].tolist() == [RING]
        assert table["artifact_id"].tolist() == [key]
    manifest = download(plan(esa.artifacts(key), to=tmp_path))
    assert manifest["URL"][0].endswith(f"ARTIFACTID={key}")


def test_a_file_of_esa_needs_no_list_of_its_observation(faulty_archive: LocalArchive):
    esa = open_archive(f"{faulty_archive.url}/server")
    esa.artifacts(RING)
    faulty_archive.clear_requests()
    esa.artifacts([EXPOSURE])
    assert [entry.path for entry in faulty_archive.requests] == ["/server/tap/sync"] * 2


@pytest.mark.parametrize("attempt", ATTEMPTS)
def test_no_name_becomes_part_of_a_query(archive_url: str, attempt: str):
    esa = open_archive(f"{archive_url}/server")
    with pytest.raises(QueryError, match=r"has no file|no file is named|cannot be put into ADQL"):
        esa.artifacts(attempt)
