"""A file from another archive when the first one fails, tars in the place of files, and refusals in ESA's words."""

import io
import queue
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from jwstmq_widgets.archives import open_archive
from jwstmq_widgets.archives.account import Account
from jwstmq_widgets.downloads import Manifest, Plan, download, plan, script
from jwstmq_widgets.downloads.ledger import read_ledger
from jwstmq_widgets.previews import Thumbnails
from jwstmq_widgets.tables import products_table
from tests.downloads.conftest import HASTY, fits_bytes, products_of
from tests.downloads.origin import URI, Origin, Reply, free_port

NAME = "jw02733001001_02103_00001_mirimage_cal.fits"
CONTENT = fits_bytes(40 * 2880)

Both = Callable[..., Plan]


@pytest.fixture
def both(origin: Origin, other: Origin, tmp_path: Path) -> Both:
    """Makes a plan for the file on two archives at once."""

    def make(*, first: str | None = None, size: int = len(CONTENT)) -> Plan:
        archive = open_archive([first or origin.url, other.url])
        products = products_of({f"{URI}{NAME}": (NAME, size)}, archive.url)
        return plan(products, to=tmp_path / "data", layout="flat", archive=archive)

    return make


def of(manifest: Manifest) -> tuple[str, str, str]:
    return manifest["Status"][0], manifest["Message"][0], manifest["URL"][0]


def tar_of(name: str, content: bytes, **facts: object) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(content)
        for key, value in facts.items():
            setattr(info, key, value)
        tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


TAR = {"Content-Type": "application/x-tar"}


@pytest.mark.parametrize("status", [401, 403, 404, 410, 500, 503])
def test_the_other_archive_gives_what_the_first_refuses(both: Both, origin: Origin, other: Origin, status: int) -> None:
    origin.always[NAME] = Reply(status=status)
    other.add(NAME, CONTENT)
    made = both()
    said, message, url = of(download(made, manners=HASTY))
    assert said == "COMPLETE"
    assert (made.folder / NAME).read_bytes() == CONTENT
    assert url.startswith(other.url)
    assert message.startswith(
        f"from {other.url.removeprefix('http://')}, because {origin.url.removeprefix('http://')}: "
    )
    assert f"HTTP {status}" in message or "exclusive" in message
    assert read_ledger(made.folder).last[NAME].source.startswith(other.url)
    assert len(origin.asked_for(NAME)) == 1


def test_an_archive_that_cannot_be_reached_is_asked_last_for_a_while(both: Both, other: Origin) -> None:
    other.add(NAME, CONTENT)
    dead = f"http://127.0.0.1:{free_port()}"
    made = both(first=dead)
    assert of(download(made, manners=HASTY))[0] == "COMPLETE"
    assert made.archive is not None
    assert made.archive.download_url(f"{URI}{NAME}").startswith(other.url)


def test_a_page_in_the_place_of_a_file_is_no_file_of_the_first_archive(
    both: Both, origin: Origin, other: Origin
) -> None:
    origin.always[NAME] = Reply(status=200, headers={"Content-Type": "text/html"}, body=b"<html>maintenance</html>")
    other.add(NAME, CONTENT)
    assert of(download(both(), manners=HASTY))[0] == "COMPLETE"


def test_when_no_archive_gives_it_the_message_names_both_reasons(both: Both, origin: Origin, other: Origin) -> None:
    origin.always[NAME] = Reply(status=404)
    other.always[NAME] = Reply(status=403)
    said, message, _ = of(download(both(), manners=HASTY))
    assert said == "ERROR"
    assert "HTTP 404" in message
    assert "exclusive" in message


def test_a_cut_file_goes_on_at_the_same_archive(both: Both, origin: Origin, other: Origin) -> None:
    origin.add(NAME, CONTENT, Reply(cut=60_000))
    other.add(NAME, CONTENT)
    made = both()
    assert of(download(made, manners=HASTY))[:2] == ("COMPLETE", "")
    assert origin.asked_for(NAME)[1].range
    assert not other.asked


def test_what_one_archive_began_is_not_glued_to_anothers_bytes(both: Both, origin: Origin, other: Origin) -> None:
    origin.add(NAME, CONTENT, Reply(cut=60_000), Reply(status=404), Reply(status=404))
    newer = fits_bytes(40 * 2880, seed=1)
    other.add(NAME, newer, etag=origin.etags[NAME])
    made = both()
    assert of(download(made, manners=HASTY))[0] == "COMPLETE"
    assert (made.folder / NAME).read_bytes() == newer
    assert not other.asked_for(NAME)[0].range


def test_a_token_goes_to_its_own_archive_only(
    both: Both, origin: Origin, other: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.add(NAME, CONTENT, Reply(status=302, headers={"Location": f"{other.url}/{NAME}"}))
    other.add(NAME, CONTENT)
    made = both()
    first = made.archive.archives[0]  # type: ignore[union-attr]
    from jwstmq_widgets.archives.host import Host
    from jwstmq_widgets.archives.tokens import Credential

    monkeypatch.setattr(first._user, "_credential", Credential("secret-token", Host.at(origin.url)))
    assert of(download(made, manners=HASTY))[0] == "COMPLETE"
    assert origin.asked_for(NAME)[0].headers["Authorization"] == "token secret-token"
    assert "Authorization" not in other.asked_for(NAME)[0].headers


def test_a_script_of_two_archives_asks_the_first_that_has_a_file_and_tells_of_the_other(
    origin: Origin, other: Origin, tmp_path: Path
) -> None:
    archive = open_archive([origin.url, other.url])
    names = [NAME, NAME.replace("_cal", "_rate"), NAME.replace("_cal", "_x1d")]
    products = products_of({f"{URI}{name}": (name, len(CONTENT)) for name in names}, archive.url)
    first, second = (server.url.removeprefix("http://") for server in (origin, other))
    products["archives"] = [f"{first}, {second}", first, second]
    archive._files.learn_from(products)  # type: ignore[attr-defined]
    made = plan(products, to=tmp_path / "data", layout="flat", archive=archive)
    for name, server in zip(names, (origin, origin, other), strict=True):
        server.add(name, CONTENT)
    for kind in ("curl", "aria2"):
        text = script(made, kind=kind).text  # type: ignore[arg-type]
        comments = [line for line in text.splitlines() if line.startswith("#")]
        only = comments.index(f"# From {other.url}, since {origin.url} does not have them:")
        too = comments.index(f"# {other.url} has these too, where jwstmq turns by itself, and this file does not:")
        assert (comments[only + 1], comments[too + 1]) == (f"# {names[2]}", f"# {names[0]}")
        assert text.count(f"{other.url}/") == 1
    file, data = script(made).save(tmp_path), tmp_path / "here"
    subprocess.run(["/bin/sh", str(file), "--dir", str(data)], check=True, capture_output=True, timeout=60)
    assert {path.name for path in data.glob("*.fits")} == set(names)


@pytest.mark.parametrize("size", [len(CONTENT), -1])
def test_a_tar_in_the_place_of_a_file_gives_its_member(both: Both, origin: Origin, size: int) -> None:
    packed = tar_of(f"esa/{NAME}", CONTENT)
    origin.always[NAME] = Reply(status=200, headers=TAR, body=packed)
    made = both(size=size)
    manifest = download(made, manners=HASTY)
    assert of(manifest)[:2] == ("COMPLETE", "")
    assert (made.folder / NAME).read_bytes() == CONTENT
    assert [path.name for path in made.folder.iterdir() if not path.name.startswith(".")] == [NAME]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (tar_of("../../" + NAME, CONTENT), "leads out"),
        (tar_of("/" + NAME, CONTENT), "absolute"),
        (tar_of(NAME, b"", type=tarfile.SYMTYPE, linkname="/etc/passwd"), "symbolic link"),
        (tar_of("another.fits", CONTENT), "without"),
        (tar_of(NAME, CONTENT + bytes(2880)), "catalogue says"),
        (tar_of(NAME, CONTENT)[:50_000], "cut"),
        (b"no tar at all" * 100, "no tar file"),
    ],
    ids=["leads-out", "absolute", "link", "without-it", "longer", "cut", "no-tar"],
)
def test_a_hostile_tar_in_the_place_of_a_file_gives_nothing(both: Both, origin: Origin, body: bytes, why: str) -> None:
    origin.always[NAME] = Reply(status=200, headers=TAR, body=body)
    made = both()
    said, message, _ = of(download(made, manners=HASTY))
    assert said == "ERROR"
    assert why in message
    assert [path.name for path in made.folder.iterdir()] == [".jwstmq-ledger.jsonl"]


class _Esa:
    """An archive that speaks as ESA's, as far as a download sees it."""

    name = "esa"

    def __init__(self, url: str, account: Account) -> None:
        self.url, self.account = f"{url}/server", account

    def download_url(self, uri: str) -> str:
        return f"{self.url}/data?uri={uri}"

    def authorization(self, _: str) -> dict[str, str]:
        return {}


@pytest.mark.parametrize(
    ("account", "advice"),
    [(Account(), "user name and password"), (Account(name="astro", anonymous=False), "give astro a MAST token")],
)
@pytest.mark.parametrize(
    "body",
    [
        b"<html><body><ul><li><b>Message: </b>You have <i>no</i> rights\n over this product.</li></ul></body></html>",
        b'<VOTABLE><INFO name="QUERY_STATUS" value="ERROR">You have no rights over this product.</INFO></VOTABLE>',
    ],
)
def test_a_403_of_esa_is_told_in_its_words_with_what_to_do(
    origin: Origin, tmp_path: Path, account: Account, advice: str, body: bytes
) -> None:
    origin.always[NAME] = Reply(status=403, headers={"Content-Type": "text/html"}, body=body)
    products = products_of({f"{URI}{NAME}": (NAME, -1)}, "")
    made = plan(products, to=tmp_path, archive=_Esa(origin.url, account))  # type: ignore[arg-type]
    said, message, _ = of(download(made, manners=HASTY))
    assert said == "ERROR"
    assert advice in message
    assert message.endswith("(the archive says: You have no rights over this product)")


def test_another_archives_version_is_taken_as_it_is_and_said(both: Both, origin: Origin, other: Origin) -> None:
    origin.always[NAME] = Reply(status=404)
    longer = fits_bytes(41 * 2880)
    other.add(NAME, longer)
    made = both()
    said, message, url = of(download(made, manners=HASTY))
    assert said == "COMPLETE"
    assert (made.folder / NAME).read_bytes() == longer
    assert url.startswith(other.url)
    listed = f"{origin.url.removeprefix('http://')} lists {len(CONTENT):,}"
    assert message.endswith(f"another version: {len(longer):,} bytes, where {listed}")


def test_the_first_archives_own_size_must_be_its_catalogues(both: Both, origin: Origin, other: Origin) -> None:
    origin.add(NAME, fits_bytes(39 * 2880))
    other.always[NAME] = Reply(status=404)
    said, message, _ = of(download(both(), manners=HASTY))
    assert said == "ERROR"
    assert "its catalogue says" in message


def test_another_archives_broken_version_is_not_taken(both: Both, origin: Origin, other: Origin) -> None:
    origin.always[NAME] = Reply(status=404)
    other.add(NAME, b"no such file" * 1000)
    made = both()
    assert of(download(made, manners=HASTY))[0] == "ERROR"
    assert not (made.folder / NAME).exists()


def test_a_preview_that_one_archive_lacks_comes_from_the_other(origin: Origin, other: Origin, tmp_path: Path) -> None:
    name = "jw02733002001_02103_00001_mirimage_cal.jpg"
    output = io.BytesIO()
    Image.new("L", (800, 600), 90).save(output, "JPEG")
    picture = output.getvalue()
    origin.always[name] = Reply(status=404)
    other.add(name, picture)
    both = open_archive([origin.url, other.url])
    table = products_table({"productFilename": [name], "dataURI": [f"{URI}{name}"], "size": [-1]}, archive=both.url)
    told: queue.Queue[tuple[str, bytes | None, str]] = queue.Queue()
    thumbnails = Thumbnails(tmp_path)
    thumbnails.ask(both, table, f"{URI}{name}", lambda *answer: told.put(answer))
    _, small, why = told.get(timeout=30)
    assert why == ""
    assert small is not None
    other.always[name] = Reply(status=404)
    Thumbnails(tmp_path / "anew").ask(both, table, f"{URI}{name}", lambda *answer: told.put(answer))
    _, small, why = told.get(timeout=30)
    assert small is None
    assert why == "no preview in the archive"
    thumbnails.close()
