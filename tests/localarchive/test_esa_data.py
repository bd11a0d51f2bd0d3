"""ESA's data server of the local archive: single files, tar archives made while they are sent, who may have them."""

import hashlib
import io
import tarfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from astropy.table import Table

from jwstmq_widgets.localarchive import ESA_PASSWORD, ESA_USER, TOKEN, TOKEN_WITHOUT_ACCESS, LocalArchive, faults
from jwstmq_widgets.localarchive.hostiletar import HARMLESS, HOSTILE_KINDS

OBSERVATION = "jw02733002001_02103_00001_mirimage"


@pytest.fixture
def session(local_archive: LocalArchive) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(local_archive.ca_file)
        yield session


def ask(url: str, query: str) -> Table:
    parameters = {"REQUEST": "doQuery", "LANG": "ADQL", "QUERY": query}
    answer = requests.post(f"{url}/server/tap/sync", data=parameters, timeout=60)
    assert answer.status_code == 200, answer.text
    return Table.read(io.BytesIO(answer.content), format="votable")


@pytest.fixture(scope="module")
def artifacts(local_archive: LocalArchive) -> list[dict[str, Any]]:
    """The files of one observation, as the archive's tables list them."""
    table = ask(
        local_archive.url,
        "SELECT a.artifactid, a.filename, a.producttype, p.planeid, p.calibrationlevel, a.uri FROM jwst.artifact a "
        "JOIN jwst.plane p ON p.planeid = a.planeid JOIN jwst.observation o ON o.obsid = p.obsid "
        f"WHERE o.observationid = '{OBSERVATION}' ORDER BY a.filename",
    )
    return [dict(zip(table.colnames, row, strict=True)) for row in table]


@pytest.fixture(scope="module")
def closed(local_archive: LocalArchive) -> dict[str, Any]:
    """A file in its exclusive-access period."""
    table = ask(
        local_archive.url,
        "SELECT TOP 1 a.artifactid, a.filename, p.planeid FROM jwst.artifact a "
        "JOIN jwst.main p ON p.planeid = a.planeid WHERE p.public = 'false' AND p.calibrationlevel = 2",
    )
    return dict(zip(table.colnames, table[0], strict=True))


def get(
    session: requests.Session, url: str, *, headers: dict[str, str] | None = None, **form: Any
) -> requests.Response:
    return session.post(f"{url}/server/data", data={"TAPCLIENT": "ASTROQUERY", **form}, headers=headers, timeout=120)


def planes_of(artifacts: list[dict[str, Any]]) -> str:
    return ",".join(dict.fromkeys(str(row["planeid"]) for row in artifacts))


def members_of(body: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:") as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]


def test_a_file_comes_by_its_artifact_uri_or_name(
    session: requests.Session, archive_url: str, artifacts: list[dict[str, Any]], content_of: Callable[[str], bytes]
) -> None:
    row = next(row for row in artifacts if row["filename"].endswith("_cal.jpg"))
    expected = content_of(row["filename"])
    for wanted in ({"ARTIFACTID": row["artifactid"]}, {"ARTIFACT_URI": row["uri"]}, {"FILENAME": row["filename"]}):
        answer = get(session, archive_url, RETRIEVAL_TYPE="PRODUCT", **wanted)
        assert answer.content == expected, wanted
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{row["filename"]}"'
        assert int(answer.headers["Content-Length"]) == len(expected)
        assert answer.headers["Content-Type"] == "image/jpeg"
    again = session.get(
        f"{archive_url}/server/data", params={"RETRIEVAL_TYPE": "PRODUCT", "ARTIFACTID": row["artifactid"]}, timeout=60
    )
    assert again.content == expected


@pytest.mark.parametrize("kind", ["_cal.fits", "_uncal.fits", "_cal.jpg", "_asn.json"])
def test_every_kind_of_file_is_what_mast_gives(
    session: requests.Session,
    archive_url: str,
    artifacts: list[dict[str, Any]],
    content_of: Callable[[str], bytes],
    kind: str,
) -> None:
    row = next(row for row in artifacts if row["filename"].endswith(kind))
    answer = get(session, archive_url, RETRIEVAL_TYPE="PRODUCT", ARTIFACTID=row["artifactid"])
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(content_of(row["filename"])).digest()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_cut_file_can_be_gone_on_with(
    session: requests.Session, archive_url: str, artifacts: list[dict[str, Any]], method: str
) -> None:
    row = next(row for row in artifacts if row["filename"].endswith("_cal.jpg"))
    form = {"RETRIEVAL_TYPE": "PRODUCT", "ARTIFACTID": row["artifactid"]}
    whole = get(session, archive_url, **form)
    sent: dict[str, Any] = {"params": form} if method == "GET" else {"data": form}
    headers = {"Range": "bytes=100-", "If-Range": whole.headers["ETag"]}
    rest = session.request(method, f"{archive_url}/server/data", headers=headers, timeout=60, **sent)
    assert rest.status_code == 206
    assert whole.content[:100] + rest.content == whole.content
    assert rest.headers["Content-Range"] == f"bytes 100-{len(whole.content) - 1}/{len(whole.content)}"
    assert whole.headers["Last-Modified"] == rest.headers["Last-Modified"]


def test_an_observation_comes_as_a_tar_of_all_its_files(
    session: requests.Session, archive_url: str, artifacts: list[dict[str, Any]], content_of: Callable[[str], bytes]
) -> None:
    planes = planes_of(artifacts)
    # astroquery names planes twice
    answer = get(
        session, archive_url, RETRIEVAL_TYPE="OBSERVATION", planeid=f"{planes},{planes}", calibrationlevel="ALL"
    )
    assert answer.headers["Content-Type"] == "application/x-tar"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{OBSERVATION}.tar"'
    members = members_of(answer.content)
    assert sorted(members) == sorted(f"{OBSERVATION}/{row['filename']}" for row in artifacts)
    for name, content in members.items():
        assert content == content_of(name.rpartition("/")[2])


@pytest.mark.parametrize(("kinds", "expected"), [("preview", {"preview"}), ("preview,science", {"preview", "science"})])
def test_only_the_kinds_asked_for_come(
    session: requests.Session, archive_url: str, artifacts: list[dict[str, Any]], kinds: str, expected: set[str]
) -> None:
    answer = get(session, archive_url, RETRIEVAL_TYPE="OBSERVATION", planeid=planes_of(artifacts), product_type=kinds)
    wanted = sorted(row["filename"] for row in artifacts if row["producttype"] in expected)
    assert sorted(name.rpartition("/")[2] for name in members_of(answer.content)) == wanted


def test_the_level_is_that_of_the_planes_or_the_first(
    session: requests.Session, archive_url: str, artifacts: list[dict[str, Any]]
) -> None:
    second = [row for row in artifacts if row["calibrationlevel"] == 2]
    first = [row for row in artifacts if row["calibrationlevel"] == 1]
    for level, expected in (("SELECTED", second), ("LEVEL1ONLY", first)):
        answer = get(
            session, archive_url, RETRIEVAL_TYPE="OBSERVATION", planeid=planes_of(second), calibrationlevel=level
        )
        found = sorted(name.rpartition("/")[2] for name in members_of(answer.content))
        assert found == sorted(row["filename"] for row in expected), level


def test_a_single_file_comes_as_itself(
    session: requests.Session, archive_url: str, artifacts: list[dict[str, Any]]
) -> None:
    row = next(row for row in artifacts if row["producttype"] == "info")
    alone = [other for other in artifacts if (other["planeid"], other["producttype"]) == (row["planeid"], "info")]
    assert len(alone) == 1
    answer = get(
        session,
        archive_url,
        RETRIEVAL_TYPE="OBSERVATION",
        planeid=row["planeid"],
        calibrationlevel="SELECTED",
        product_type="info",
    )
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{row["filename"]}"'
    assert answer.json()["asn_pool"]


def test_exclusive_files_are_refused_in_esas_words(
    local_archive: LocalArchive, session: requests.Session, closed: dict[str, Any]
) -> None:
    url = local_archive.secure_url
    asked = [
        {"RETRIEVAL_TYPE": "PRODUCT", "ARTIFACTID": closed["artifactid"]},
        {"RETRIEVAL_TYPE": "OBSERVATION", "planeid": closed["planeid"]},
    ]
    words = "Private file(s) requested: MAST token required for authentication."

    def refused() -> bool:
        answers = [get(session, url, **form) for form in asked]
        assert all((answer.status_code == 403) == (words in answer.text[:2000]) for answer in answers)
        assert len({answer.status_code for answer in answers}) == 1
        return answers[0].status_code == 403

    assert refused()
    session.headers["Authorization"] = f"token {TOKEN}"  # MAST's way is not ESA's
    assert refused()
    del session.headers["Authorization"]
    session.post(f"{url}/server/login", data={"username": ESA_USER, "password": ESA_PASSWORD}, timeout=60)
    assert refused()
    session.post(f"{url}/server/jwstToken", data={"token": TOKEN_WITHOUT_ACCESS}, timeout=60)
    assert refused()
    session.post(f"{url}/server/jwstToken", data={"token": TOKEN}, timeout=60)
    assert not refused()
    session.post(f"{url}/server/logout", timeout=60)
    assert refused()


@pytest.mark.parametrize(
    ("form", "status"),
    [
        ({}, 400),
        ({"RETRIEVAL_TYPE": "EVERYTHING"}, 400),
        ({"RETRIEVAL_TYPE": "PRODUCT"}, 400),
        ({"RETRIEVAL_TYPE": "PRODUCT", "ARTIFACTID": "0' OR '1'='1"}, 404),
        ({"RETRIEVAL_TYPE": "PRODUCT", "FILENAME": "../../etc/passwd"}, 404),
        ({"RETRIEVAL_TYPE": "PRODUCT", "FILENAME": "a\x00b"}, 404),
        ({"RETRIEVAL_TYPE": "OBSERVATION"}, 400),
        ({"RETRIEVAL_TYPE": "OBSERVATION", "planeid": "0' OR '1'='1"}, 404),
        ({"RETRIEVAL_TYPE": "OBSERVATION", "planeid": "x", "calibrationlevel": "HIGH"}, 400),
        ({"RETRIEVAL_TYPE": "OBSERVATION", "planeid": "x", "product_type": "secrets"}, 400),
        ({"RETRIEVAL_TYPE": "OBSERVATION", "planeid": ",".join(f"{n}" for n in range(20_001))}, 400),
    ],
)
def test_nonsense_has_one_clear_answer(
    session: requests.Session, archive_url: str, form: dict[str, str], status: int
) -> None:
    answer = get(session, archive_url, **form)
    assert answer.status_code == status
    assert "<li><b>Message: </b>" in answer.text


def test_faults_know_the_file_by_its_name(
    session: requests.Session, faulty_archive: LocalArchive, artifacts: list[dict[str, Any]]
) -> None:
    row = next(row for row in artifacts if row["filename"].endswith("_cal.jpg"))
    faulty_archive.faults = [
        faults.Cut(path="*_cal.jpg", after=50, times=1),
        faults.WrongSize(path="*_cal.jpg", by=7, times=1, skip=1),
        faults.Refuse(path=f"{OBSERVATION}.tar", status=503),
    ]
    form = {"RETRIEVAL_TYPE": "PRODUCT", "ARTIFACTID": row["artifactid"]}
    with pytest.raises(requests.exceptions.RequestException):
        get(session, faulty_archive.url, **form)
    longer = get(session, faulty_archive.url, **form)
    assert longer.content[-7:] == bytes(7)
    refused = get(session, faulty_archive.url, RETRIEVAL_TYPE="OBSERVATION", planeid=planes_of(artifacts))
    assert refused.status_code == 503
    assert [request.subject for request in faulty_archive.requests][-3:] == [row["filename"]] * 2 + [
        f"{OBSERVATION}.tar"
    ]


@pytest.mark.parametrize("kind", [kind for kind in HOSTILE_KINDS if kind not in {"bomb", "many"}])
def test_a_tar_can_mean_harm(
    session: requests.Session, faulty_archive: LocalArchive, artifacts: list[dict[str, Any]], kind: str
) -> None:
    faulty_archive.faults = [faults.HostileTar(kind=kind)]
    answer = get(
        session,
        faulty_archive.url,
        RETRIEVAL_TYPE="OBSERVATION",
        planeid=planes_of(artifacts),
        product_type="info,preview",
    )
    assert answer.status_code == 200
    if kind in {"truncated", "huge", "no tar"}:
        with pytest.raises(tarfile.ReadError):
            members_of(answer.content)
        return
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as archive:
        members = archive.getmembers()
    hostile = [member for member in members if member.name.endswith(HARMLESS)]
    honest = [member.name for member in members if member.name.startswith(OBSERVATION)]
    if kind == "duplicate":
        assert honest[0] == honest[1]
    else:
        assert hostile
        assert honest
    harm: dict[str, Callable[[tarfile.TarInfo], bool]] = {
        "absolute": lambda member: member.name.startswith("/"),
        "parent": lambda member: member.name.startswith("../"),
        "symlink": tarfile.TarInfo.issym,
        "hardlink": tarfile.TarInfo.islnk,
        "device": tarfile.TarInfo.isdev,
        "pipe": tarfile.TarInfo.isfifo,
        "sparse": lambda member: member.size == 1 << 40,
    }
    assert all(harm.get(kind, lambda _: True)(member) for member in hostile)


def test_a_hostile_tar_of_an_unknown_kind_is_no_fault() -> None:
    with pytest.raises(ValueError, match="no such hostile tar"):
        faults.HostileTar(kind="polite")


def test_a_bomb_is_small_on_its_way(
    session: requests.Session, faulty_archive: LocalArchive, artifacts: list[dict[str, Any]]
) -> None:
    faulty_archive.faults = [faults.HostileTar(kind="bomb")]
    answer = get(session, faulty_archive.url, RETRIEVAL_TYPE="OBSERVATION", planeid=planes_of(artifacts))
    assert len(answer.content) < 32 << 20
    with tarfile.open(fileobj=io.BytesIO(answer.content), mode="r:gz") as archive:
        assert archive.next().size == 16 << 30  # type: ignore[union-attr]
