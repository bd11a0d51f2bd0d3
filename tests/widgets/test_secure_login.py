"""Login, listing and download over TLS with an authority of one's own, as a user's ``SSL_CERT_FILE`` names it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jwstmq_widgets.downloads import download, plan
from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.localarchive import ESA_PASSWORD, ESA_USER, TOKEN, LocalArchive
from jwstmq_widgets.widgets.login import LoginPanel
from jwstmq_widgets.widgets.panel import Panel
from tests.widgets.conftest import SECONDS, Place

Display = Callable[[Panel], Place]
PRIVATE = (
    "SELECT TOP 1 a.filename FROM jwst.main AS m JOIN jwst.artifact AS a ON a.planeid = m.planeid "
    "WHERE m.\"public\" = 'false' AND m.calibrationlevel = 2 AND a.contenttype = 'image/jpeg'"
)


@pytest.fixture
def secure(local_archive: LocalArchive, unasked: Exploration) -> Exploration:
    """An exploration of ESA's face over TLS."""
    if not local_archive.secure_url:
        pytest.skip("no TLS without trustme: pip install 'jwstmq_widgets[tls]'")
    unasked.use_archive(f"{local_archive.secure_url}/server")
    assert unasked.wait(SECONDS)
    return unasked


def test_the_panel_logs_in_over_tls_and_a_private_file_comes_along_the_same_way(
    secure: Exploration,
    local_archive: LocalArchive,
    place: Display,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(local_archive.ca_file))
    panel = place(LoginPanel(secure))
    panel.do("login", user=ESA_USER, password=ESA_PASSWORD, token=TOKEN)
    assert panel.until(lambda view: not view["anonymous"])["exclusive"] is True
    archive: Any = secure.archive
    name = str(archive.adql(PRIVATE)["filename"][0])
    manifest = download(plan(archive.artifacts(name), to=tmp_path, archive=archive))
    assert manifest["Status"].tolist() == ["COMPLETE"], manifest["Message"].tolist()
    assert manifest["URL"][0].startswith(local_archive.secure_url)
    assert Path(manifest["Local Path"][0]).is_file()


def test_an_authority_that_is_not_trusted_gets_no_password(
    secure: Exploration, local_archive: LocalArchive, place: Display, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    local_archive.clear_requests()
    panel = place(LoginPanel(secure))
    panel.do("login", user=ESA_USER, password=ESA_PASSWORD)
    view = panel.until(lambda view: view["problem"])
    assert "certificate was not accepted" in view["problem"]
    assert view["anonymous"]
    assert not [request for request in local_archive.requests if request.path.endswith("/login")]
