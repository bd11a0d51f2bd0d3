"""Unmodified pyvo against the local archive's TAP service."""

from typing import Any

import pytest

from tests.clients.conftest import Run, given

pytestmark = pytest.mark.clients

_SCRIPT = """
import io, warnings
import pyvo
from astropy.table import Table

service = pyvo.dal.TAPService(os.environ["TAP_URL"])
FEW = "SELECT TOP 5 observationid, target_ra FROM jwst.main WHERE proposal_id = '02733' ORDER BY observationid"
mine = Table({"proposal": ["02733", "01076"], "number": [1, 2]})

@step("sync")
def _():
    found = service.run_sync(FEW)
    return {"names": [str(name) for name in found["observationid"]], "unit": str(found.to_table()["target_ra"].unit)}

@step("overflow")
def _():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = service.run_sync(FEW, maxrec=2)
    return {"rows": len(found), "said": [type(one.message).__name__ for one in said]}

@step("async")
def _():
    before = {one.jobid for one in service.get_job_list()}
    found = service.run_async("SELECT planeid FROM jwst.plane")
    return {"rows": len(found), "jobs": len({one.jobid for one in service.get_job_list()} - before)}

@step("job by hand")
def _():
    job = service.submit_job(FEW, maxrec=3)
    phases = [job.phase]
    job.execution_duration = 30
    job.query = FEW.replace("TOP 5", "TOP 4")
    job.run().wait()
    phases.append(job.phase)
    listed = [one.jobid for one in service.get_job_list(phases=["COMPLETED"])]
    answer = {
        "phases": phases,
        "rows": len(job.fetch_result()),
        "listed": job.job_id in listed,
        "again": service.get_job(job.job_id).phase,
        "version": job.uws_version,
        "owner": job.owner,
        "seconds": job.execution_duration.sec,
        "query": job.query,
    }
    job.delete()
    return answer

@step("abort")
def _():
    job = service.submit_job(FEW)
    job.abort()
    phase = job.phase
    job.delete()
    return phase

@step("upload")
def _():
    query = (
        "SELECT u.number, COUNT(*) AS planes FROM tap_upload.mine AS u "
        "JOIN jwst.main AS m ON m.proposal_id = u.proposal GROUP BY u.number ORDER BY u.number"
    )
    both = [service.run_sync(query, uploads={"mine": mine}), service.run_async(query, uploads={"mine": mine})]
    return [[[int(row["number"]), int(row["planes"])] for row in found] for found in both]

@step("tables")
def _():
    table = service.tables["jwst.main"]
    return {
        "names": list(service.tables.keys()),
        "columns": {column.name: [str(column.datatype.content), column.unit or ""] for column in table.columns},
    }

@step("capabilities")
def _():
    tap = service.get_tap_capability()
    return {
        "maxrec": service.maxrec,
        "hardlimit": service.hardlimit,
        "uploads": [method.ivo_id for method in service.upload_methods],
        "languages": [language.name for language in tap.languages],
        "geometry": [
            feature.form for language in tap.languages for group in language.languagefeaturelists for feature in group
        ],
        "formats": [form.mime for form in tap.outputformats],
        "available": service.available,
        "up since": str(service.up_since),
    }

@step("examples")
def _():
    return [len(example.execute()) for example in service.examples]

@step("error")
def _():
    return service.run_sync("SELECT nothing FROM jwst.main")

@step("error of a job")
def _():
    return service.run_async("SELECT nothing FROM jwst.main")
"""


@pytest.fixture(scope="module")
def answers(run_client: Run, local_archive: Any) -> dict[str, Any]:
    return run_client(_SCRIPT, more={"TAP_URL": f"{local_archive.url}/server/tap"})


def test_a_query_at_once(answers: dict[str, Any]) -> None:
    found = given(answers, "sync")
    assert len(found["names"]) == 5
    assert all(name.startswith("jw02733") for name in found["names"])
    assert found["unit"] == "deg"


def test_too_many_rows_are_told(answers: dict[str, Any]) -> None:
    assert given(answers, "overflow")["rows"] == 2


def test_a_job_gives_more_than_two_thousand_rows_and_is_gone(answers: dict[str, Any]) -> None:
    found = given(answers, "async")
    assert found["rows"] > 2000
    assert found["jobs"] == 0


def test_a_job_is_led_by_hand(answers: dict[str, Any]) -> None:
    found = given(answers, "job by hand")
    assert found["phases"] == ["PENDING", "COMPLETED"]
    assert found["rows"] == 3
    assert found["listed"]
    assert found["again"] == "COMPLETED"
    assert found["version"] == "1.1"
    assert found["seconds"] == 30
    assert "TOP 4" in found["query"]


def test_a_job_is_aborted(answers: dict[str, Any]) -> None:
    assert given(answers, "abort") == "ABORTED"


def test_a_table_goes_up_with_both_kinds_of_query(answers: dict[str, Any]) -> None:
    [at_once, as_job] = given(answers, "upload")
    assert at_once == as_job
    assert [number for number, _ in at_once] == [1, 2]
    assert all(planes > 0 for _, planes in at_once)


def test_tables_and_columns_are_listed(answers: dict[str, Any]) -> None:
    found = given(answers, "tables")
    assert {"jwst.main", "jwst.artifact", "ivoa.obscore", "tap_schema.tables"} <= set(found["names"])
    assert len(found["columns"]) == 109
    assert found["columns"]["target_ra"] == ["double", "deg"]


def test_the_service_says_what_it_can(answers: dict[str, Any]) -> None:
    found = given(answers, "capabilities")
    assert (found["maxrec"], found["hardlimit"]) == (2000, 3_000_000)
    assert found["uploads"] == ["ivo://ivoa.net/std/TAPRegExt#upload-inline"]
    assert found["languages"] == ["ADQL"]
    assert {"POINT", "CIRCLE", "POLYGON", "BOX", "CONTAINS", "INTERSECTS", "DISTANCE", "AREA"} <= set(found["geometry"])
    assert {"application/x-votable+xml", "text/csv", "application/fits"} <= set(found["formats"])
    assert found["available"]


def test_its_examples_run(answers: dict[str, Any]) -> None:
    assert all(given(answers, "examples"))


def test_what_is_wrong_with_a_query_reaches_the_user(answers: dict[str, Any]) -> None:
    for step in ("error", "error of a job"):
        assert answers[step]["failed"] == "DALQueryError", answers[step]
        assert 'Unknown column "nothing"' in answers[step]["message"]
