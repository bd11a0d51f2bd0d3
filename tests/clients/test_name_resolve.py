"""Astropy's own look-up of names, unmodified, at the local archive's side of CDS's Sesame."""

import pytest
from astropy.coordinates import SkyCoord
from astropy.coordinates.name_resolve import NameResolveError, sesame_database, sesame_url

pytestmark = pytest.mark.clients


@pytest.fixture(params=["simbad", "ned", "vizier", "all"], autouse=True)
def _sesame(request, archive_url):
    with sesame_url.set([f"{archive_url}/cgi-bin/nph-sesame/"]), sesame_database.set(request.param):
        yield


def test_a_name_is_found():
    place = SkyCoord.from_name("NGC 3132")
    assert place.separation(SkyCoord(151.757, -40.436, unit="deg")).arcmin < 1


def test_an_unknown_name_is_not():
    with pytest.raises(NameResolveError):
        SkyCoord.from_name("no such thing")
