from datetime import UTC, datetime

import pytest

from jwstmq_widgets.archives.host import MAST_URL, Host, retry_after
from jwstmq_widgets.errors import QueryError


def test_an_address_is_made_uniform():
    assert Host.at(" http://LocalHost:8765/ ").url == "http://localhost:8765"


@pytest.mark.parametrize(
    "url",
    ["", "mast", "ftp://mast.stsci.edu", "http://", "http://a?token=x", "http://[::1", "file:///etc", "http://a:x"],
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(QueryError) as caught:
        Host.at(url)
    assert caught.value.field == "archive"
    assert "token" not in str(caught.value)


def test_an_address_with_a_password_is_refused_without_repeating_it():
    with pytest.raises(QueryError) as caught:
        Host.at("https://user:hunter2@mast.stsci.edu")
    assert "hunter2" not in str(caught.value)


def test_mast_has_a_resolver_of_its_own_and_others_answer_themselves():
    assert Host.at(MAST_URL).resolver == "https://mastresolver.stsci.edu/Santa-war/query"
    assert Host.at("http://127.0.0.1:1").resolver == "http://127.0.0.1:1/Santa-war/query"


def test_a_host_that_only_looks_like_masts_is_not_masts():
    assert Host.at("https://masttest.stsci.edu").of_mast
    assert not Host.at("https://mast.stsci.edu.example.org").of_mast
    assert not Host.at("https://evilstsci.edu").of_mast


def test_errors_name_the_next_step():
    assert "choose the archive 'local'" in str(Host.at(MAST_URL).unreachable())


def test_what_an_archive_says_is_one_harmless_line():
    text = str(Host.at(MAST_URL).refused(200, says="bad\n\x1b[31m http://x/?mast_token=abc"))
    assert "\n" not in text
    assert "\x1b" not in text
    assert "abc" not in text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", None),
        ("7", 7),
        ("0.5", 0.5),
        ("-3", None),
        ("soon", None),
        ("Wed, 21 Oct 2015 07:28:30 GMT", 30),
        ("nan", None),
    ],
)
def test_retry_after_is_read_in_both_its_forms(text, seconds):
    now = datetime(2015, 10, 21, 7, 28, tzinfo=UTC)
    assert retry_after({"Retry-After": text}, now) == seconds
