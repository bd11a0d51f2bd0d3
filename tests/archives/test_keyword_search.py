"""Questions with instrument keywords, put to the local archive."""

import re
import threading

import numpy as np
import pytest

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast import MastArchive
from jwstmq_widgets.archives.mast.missionsearch import MissionSearch
from jwstmq_widgets.archives.parallel import Manners
from jwstmq_widgets.archives.tokens import Credential
from jwstmq_widgets.errors import Cancelled, QueryError, Refused, Unreachable, Unreadable
from jwstmq_widgets.localarchive import TOKEN
from jwstmq_widgets.localarchive.faults import BadJson, Cut, Drop, EmptyAnswer, Redirect, Refuse, Slow
from jwstmq_widgets.query import Query

SEARCH, COLUMNS = "*/jwst/api/v0.1/search", "*/column_list"
NEBULA = Query(program=2733, keywords={"exp_type": "MIR_IMAGE", "effexptm": ">=100", "filter": ["F770W", "F1130W"]})


@pytest.fixture
def archive(faulty_archive):
    return MastArchive(Host.at(faulty_archive.url), manners=Manners(pause=0.0, poll=0.0))


def test_keywords_choose_observations(archive):
    table = archive.observations(NEBULA)
    assert set(table["obs_id"]) == {"jw02733-o002_t001_miri_f770w", "jw02733-o002_t001_miri_f1130w"}
    assert len(table.meta["datasets"]) == 32
    assert archive.count(NEBULA) == 2


def test_of_the_products_those_of_other_exposures_are_left_out(archive):
    query = Query(program=2733, keywords={"exposure": "1..2", "filter": "F770W", "visit": 1})
    observations = archive.observations(query)
    products = archive.products(observations)
    wanted = {"jw02733002001_02101_00001", "jw02733002001_02101_00002"}
    assert set(observations.meta["datasets"]) == wanted
    names = products["productFilename"].tolist()
    assert {name[:25] for name in names if name.endswith("_mirimage_cal.fits")} == wanted
    assert "jw02733-o002_t001_miri_f770w_i2d.fits" in names
    assert any("_gs-" in name for name in names)
    assert not any(name.startswith("jw02733002002") for name in names)
    assert len(products) < len(archive.products(observations["obsid"].tolist()))


@pytest.mark.parametrize(
    "exp_type",
    ["MIR_MRS", "MIR_4QPM", "NIS_AMI", "NIS_WFSS", "NRC_CORON", "NRC_TSGRISM", "NRS_BRIGHTOBJ", "NRS_IFU", "*TACQ"],
)
def test_every_exposure_that_is_found_has_its_products_and_no_other_has(archive, exp_type):
    query = Query(keywords={"exp_type": exp_type})
    exposures = set(archive.keyword_rows(query)["fileSetName"].tolist())
    products = archive.products(archive.observations(query))
    named = {
        name[:25] for name in products["productFilename"].tolist() if re.match(r"jw\d{11}_[0-9a-z]{5}_\d{5}", name)
    }
    assert named == exposures


@pytest.mark.parametrize(
    ("kinds", "holds"),
    [
        (["MIR_IMAGE", "nrc_tsgrism"], lambda kind: kind in {"MIR_IMAGE", "NRC_TSGRISM"}),
        ("MIR_LRS*, NIS_AMI", lambda kind: kind.startswith("MIR_LRS") or kind == "NIS_AMI"),
    ],
    ids=["names", "patterns"],
)
def test_types_of_exposures_give_the_exposures_of_a_filter_on_all(archive, kinds, holds):
    query = Query(exposure_types=kinds)
    everything = archive.keyword_rows(Query(keywords={"exp_type": "!null"}))
    wanted = {row["fileSetName"] for row in everything if holds(row["exp_type"])}
    observations = archive.observations(query)
    assert wanted
    assert set(observations.meta["datasets"]) == wanted
    assert archive.count(query) == len(observations) > 0
    assert set(archive.keyword_rows(query)["fileSetName"].tolist()) == wanted
    chosen = {name[:25] for name in archive.products(observations)["productFilename"].tolist()}
    assert wanted == {name for name in chosen if re.fullmatch(r"jw\d{11}_[0-9a-z]{5}_\d{5}", name)}


def test_types_of_exposures_narrow_with_keywords_and_need_not_be_found(archive):
    query = Query(program=2733, exposure_types="NRC_IMAGE", keywords={"visit": 1, "effexptm": ">=100"})
    rows = archive.keyword_rows(query)
    assert len(rows) > 0
    assert {(kind, visit) for kind, visit in zip(rows["exp_type"], rows["visit"], strict=True)} == {("NRC_IMAGE", 1)}
    assert len(archive.observations(query.replace(exposure_types="NIS_SOSS"))) == 0


def test_a_part_of_the_table_still_leaves_them_out(archive):
    observations = archive.observations(NEBULA.replace(keywords={"exposure": 1, "exp_type": "MIR_IMAGE"}))
    cal = [
        name for name in archive.products(observations[:1])["productFilename"] if name.endswith("_mirimage_cal.fits")
    ]
    assert len(cal) == 2
    assert all("_00001_mirimage" in name for name in cal)


def test_without_a_program_those_of_the_exposures_are_asked(archive):
    table = archive.observations(Query(keywords={"readpatt": "SHALLOW2"}))
    assert len(set(table["program"].tolist())) > 1
    assert set(table["instrument"]) == {"NIRCAM"}


def test_other_limits_hold_too(archive):
    query = Query(keywords={"exp_type": "*IMAGE"}, target="NGC 3132", radius="2 arcmin", instrument="miri")
    table = archive.observations(query)
    assert set(table["instrument"]) == {"MIRI"}
    assert set(table["program"]) == {2733}
    latest = archive.observations(NEBULA.replace(dates=(None, "2022-06-01")))
    assert len(latest) == 0


@pytest.mark.parametrize(
    ("keywords", "holds"),
    [
        ({"effexptm": "100..200"}, lambda row: 100 <= row["effexptm"] <= 200),
        ({"effexptm": "<200,>280"}, lambda row: row["effexptm"] < 200 or row["effexptm"] > 280),
        ({"readpatt": "!SHALLOW2"}, lambda row: row["readpatt"] != "SHALLOW2"),
        ({"readpatt": "fast*"}, lambda row: row["readpatt"] == "FASTR1"),
        ({"nircam_pupil": None}, lambda row: row["nircam_pupil"] == ""),
        ({"nircam_pupil": "!null,!*F405N*"}, lambda row: row["nircam_pupil"] in ("CLEAR", "CLEAR, F470N")),
        ({"INSTRUME": "MIRI", "Visit": 2}, lambda row: (row["instrume"], row["visit"]) == ("MIRI", 2)),
        ({"pi_name": "Pontoppidan, Klaus M."}, lambda row: row["pi_name"] == "Pontoppidan, Klaus M."),
        ({"date_end": ">=2022-06-12"}, lambda row: row["date_end"] >= "2022-06-12"),
        ({"filter": "F444W"}, lambda row: "F444W" in row["filter"]),
        ({"tsovisit": False}, lambda row: row["tsovisit"] == "f"),
    ],
    ids=lambda value: "" if callable(value) else str(value),
)
def test_every_row_meets_the_keywords_and_no_other_does(archive, keywords, holds):
    known = {name.lower(): name for name in archive.keyword_columns()["name"].tolist()}
    asked = [known[name.lower()] for name in keywords]
    rows = archive.keyword_rows(Query(program=2733, keywords=keywords))
    pairs = Query(program=2733, keywords={**dict.fromkeys(asked, "!null"), "telescop": "JWST"})
    others = archive.keyword_rows(pairs)
    assert len(rows) > 0
    assert all(map(holds, rows))
    met = set(rows["fileSetName"].tolist())
    assert not any(holds(row) for row in others if row["fileSetName"] not in met)


def test_every_column_can_be_asked_for(archive):
    table = archive.keyword_columns()
    names = table["name"].tolist()
    assert len(names) == 250
    assert table.colnames == ["name", "type", "description"]
    assert set(table["type"]) == {"text", "integer", "real"}
    assert all(table["description"])
    rows = archive.keyword_rows(Query(program=2733, keywords=dict.fromkeys(names, "!zzz*")))
    assert set(names) <= set(rows.colnames)


def test_rows_have_types_and_nothing_is_masked(archive):
    rows = archive.keyword_rows(
        Query(program=2733, keywords={"ngroups": ">0", "miri_specstep": "null", "gs_order": None})
    )
    assert len(rows) == 88
    assert (rows["ngroups"].dtype.kind, rows["miri_specstep"].dtype.kind, rows["targ_ra"].dtype.kind) == ("i", "f", "f")
    assert np.isnan(rows["miri_specstep"]).all()
    assert set(rows["gs_order"]) == {-999}
    assert rows["ngroups"].description == "Number of groups in an integration"
    assert rows.meta["archive"] == archive.url


def test_an_unknown_keyword_is_told_and_no_row_is_asked_for(archive, faulty_archive):
    for ask in (archive.observations, archive.count, archive.keyword_rows):
        with pytest.raises(QueryError, match="did you mean 'exp_type'"):
            ask(Query(program=2733, keywords={"exptype": "MIR_IMAGE"}))
    assert {request.path for request in faulty_archive.requests} == {"/search/util/api/v0.1/column_list"}


def test_the_columns_are_asked_for_once(archive, faulty_archive):
    archive.keyword_columns()
    archive.observations(NEBULA)
    archive.keyword_rows(NEBULA)
    assert sum("column_list" in request.path for request in faulty_archive.requests) == 1


def test_nothing_found_is_an_empty_table_with_all_columns(archive):
    table = archive.observations(NEBULA.replace(keywords={"effexptm": ">1e9"}))
    assert len(table) == 0
    assert {"obsid", "program", "mode"} <= set(table.colnames)
    assert len(archive.products(table)) == 0
    assert len(archive.keyword_rows(NEBULA.replace(keywords={"effexptm": ">1e9"}))) == 0


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE mission; --", '"', "\\", "%", "_", "F770W' OR '1'='1", "{}", "🔭", "*" * 100]
)
def test_a_hostile_value_is_only_a_value(archive, value):
    for form in ("{}", "!{}", "*{}*", ">={}"):
        archive.keyword_rows(Query(program=2733, keywords={"filter": form.format(value)}))
    assert len(archive.keyword_rows(Query(program=2733))) == 88


# Pages


def search(url, page, **manners):
    return MissionSearch(Host.at(url), manners=Manners(pause=0.0, poll=0.0, **manners), page=page)


def names_of(missions, query=NEBULA, cancel=None):
    rows = missions.rows(query, None, select=("fileSetName",), credential=Credential("", missions._host), cancel=cancel)
    return rows["fileSetName"]


@pytest.mark.parametrize("page", [1, 7, 8, 31, 32, 33, 5000])
def test_all_pages_come_whatever_a_page_holds(archive_url, page):
    names = names_of(search(archive_url, page))
    assert len(names) == len(set(names)) == 32
    assert names == sorted(names)


def test_pages_are_asked_for_several_at_a_time_and_each_once(faulty_archive):
    names_of(search(faulty_archive.url, 5))
    assert sum(request.path.endswith("/jwst/api/v0.1/search") for request in faulty_archive.requests) == 7


@pytest.mark.parametrize(
    "fault",
    [
        Refuse(path=SEARCH, status=429, retry_after=0.1, times=2),
        Refuse(path=SEARCH, status=503, times=1),
        Refuse(path=SEARCH, status=500, times=2),
        BadJson(path=SEARCH, times=1, skip=1),
        Cut(path=SEARCH, after=100, times=2),
        Drop(path=SEARCH, times=1),
        EmptyAnswer(path=SEARCH, times=1, skip=2),
        Refuse(path=COLUMNS, status=503, times=1),
        BadJson(path=COLUMNS, times=1),
    ],
    ids=lambda fault: type(fault).__name__ + str(getattr(fault, "status", "")),
)
def test_a_passing_fault_leaves_the_pages_whole(faulty_archive, fault):
    missions = search(faulty_archive.url, 10)
    faulty_archive.faults = (fault,)
    names = names_of(missions)
    assert len(names) == 32
    assert names == sorted(names)


# What goes wrong


@pytest.mark.parametrize("path", [SEARCH, COLUMNS])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (lambda path: Refuse(path=path, status=400), Refused),
        (lambda path: Refuse(path=path, status=404), Refused),
        (lambda path: Refuse(path=path, status=500), Refused),
        (lambda path: Refuse(path=path, status=429), Refused),
        (lambda path: EmptyAnswer(path=path), Unreadable),
        (lambda path: BadJson(path=path), Unreadable),
        (lambda path: Drop(path=path), Unreachable),
        (lambda path: Cut(path=path, after=10), Unreachable),
    ],
    ids=["400", "404", "500", "429", "empty", "truncated", "drop", "cut"],
)
@pytest.mark.parametrize("verb", ["observations", "count", "keyword_rows"])
def test_a_lasting_fault_is_one_clear_error(archive, faulty_archive, verb, fault, error, path):
    faulty_archive.faults = (fault(path),)
    with pytest.raises(error) as caught:
        getattr(archive, verb)(NEBULA)
    assert caught.value.url == archive.url
    assert "?" not in str(caught.value)
    faulty_archive.faults = ()
    assert len(archive.observations(NEBULA)) == 2


def test_a_redirect_is_not_followed_and_gets_no_token(archive, faulty_archive):
    archive.login(TOKEN)
    faulty_archive.clear_requests()
    faulty_archive.faults = (Redirect(path=SEARCH, host="127.0.0.2:9"),)
    with pytest.raises(Refused, match="not followed"):
        archive.observations(NEBULA)


def test_a_web_page_is_unreadable(archive_url):
    # There is no mission search below this address, but the archive's own error pages.
    archive = MastArchive(Host.at(f"{archive_url}/nowhere"), manners=Manners(pause=0.0))
    with pytest.raises((Refused, Unreadable)):
        archive.observations(NEBULA)


@pytest.mark.parametrize("path", [SEARCH, COLUMNS])
def test_cancel_comes_back_while_the_archive_hangs(archive, faulty_archive, path):
    cancel, outcome = threading.Event(), []

    def work():
        try:
            outcome.append(archive.observations(NEBULA, cancel=cancel))
        except Cancelled as error:
            outcome.append(error)

    faulty_archive.faults = (Slow(path=path, latency=600),)
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(0.3)  # it hangs
    assert thread.is_alive()
    cancel.set()
    thread.join(5.0)
    assert not thread.is_alive()
    assert isinstance(outcome[0], Cancelled)
    faulty_archive.faults = ()
    assert len(archive.observations(NEBULA)) == 2
