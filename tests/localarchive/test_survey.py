"""The synthetic survey: made up, marked so, exact in number, and served as everything else is."""

import re
from pathlib import Path

import numpy as np
import pytest

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.filenames import parse_name
from jwstmq_widgets.localarchive import LocalArchive, pixels
from jwstmq_widgets.localarchive.holdings import Condition, Cone, Holdings
from jwstmq_widgets.query import Query

FILES = 20_000
SURVEY = [Condition(column="proposal_id", values=("99001",))]


@pytest.fixture(scope="module")
def holdings(catalogue_folder: Path) -> Holdings:
    return Holdings.open(catalogue_folder, survey=FILES)


def test_a_survey_has_exactly_its_number_of_files_each_with_a_name_of_its_own(holdings: Holdings) -> None:
    _, observations = holdings.observations(SURVEY)
    columns = [column.name for column in holdings.observation_columns]
    obsids = [row[columns.index("obsid")] for row in observations]
    total, rows = holdings.products(obsids)
    names = [row[14] for row in rows]
    assert total == len(rows) == len(set(names)) == FILES
    for name in names[::97]:
        parts = parse_name(name)
        assert parts is not None, name
        assert parts.program == 99001
    assert {name[7:10] for name in names if re.match(r"jw99001\d", name)} == {
        f"{number:03d}" for number in range(1, 19)
    }


def test_every_row_says_that_it_is_made_up(holdings: Holdings) -> None:
    _, observations = holdings.observations(SURVEY)
    columns = [column.name for column in holdings.observation_columns]
    assert all(row[columns.index("obs_title")].startswith("SYNTHETIC") for row in observations)
    assert all(row[columns.index("target_name")].startswith("SYNTHETIC-") for row in observations)


def test_a_copy_lies_elsewhere_and_later_and_is_found_there(holdings: Holdings) -> None:
    columns = [column.name for column in holdings.observation_columns]
    _, observations = holdings.observations(SURVEY)
    first, copy = (
        next(row for row in observations if f"-o{number:03d}_" in row[columns.index("obs_id")]) for number in (3, 12)
    )
    assert copy[columns.index("s_ra")] == pytest.approx(first[columns.index("s_ra")] + 3.6)
    assert copy[columns.index("t_min")] == pytest.approx(first[columns.index("t_min")] + 1.75)
    around = Cone(ra=copy[columns.index("s_ra")], dec=copy[columns.index("s_dec")], radius=0.01)
    _, near = holdings.observations(SURVEY, around)
    assert [row[columns.index("obs_id")] for row in near] == [copy[columns.index("obs_id")]]


def test_a_copied_file_can_be_made(holdings: Holdings) -> None:
    facts = holdings.file("jw99001012001_02101_00007_mirimage_cal.fits")
    assert facts is not None
    content = b"".join(pixels.content(facts))
    assert len(content) == facts.size
    assert content.startswith(b"SIMPLE")
    stage3 = holdings.file("jw99001-o012_t003_miri_f770w_i2d.fits")
    assert stage3 is not None
    assert len(stage3.members) == 90
    assert all(holdings.file(name) is not None for name in stage3.members)


def test_the_archive_serves_it_only_when_asked(catalogue_folder: Path, archive_url: str) -> None:
    assert open_archive(archive_url).count(Query(program=99001)) == 0
    with LocalArchive(folder=catalogue_folder, survey=FILES) as local:
        archive = open_archive(local.url)
        products = archive.products(archive.observations(Query(program=99001)))
    assert len(products) == FILES
    assert set(np.asarray(products["dataRights"]).tolist()) == {"PUBLIC", "EXCLUSIVE_ACCESS"}
    assert set(np.asarray(products["detector"]).tolist()) >= {"nrca1", "mirimage", "nis", "nrs1", ""}
    assert np.count_nonzero(np.asarray(products["size"]) < 0) > 0


@pytest.mark.parametrize("files", [-10_000, 12_345, 2_000_000])
def test_a_survey_that_cannot_be_made_is_refused_at_once(files: int) -> None:
    with pytest.raises(ValueError, match="give a multiple of 10,000 up to 1,000,000"):
        LocalArchive(survey=files)
