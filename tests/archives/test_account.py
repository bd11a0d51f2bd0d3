import pickle

import pytest

from jwstmq_widgets.archives.account import ANONYMOUS, Account, Credential, find_token, read_account
from jwstmq_widgets.archives.host import MAST_URL, Host
from jwstmq_widgets.errors import LoginError, Unreadable

MAST = Host.at(MAST_URL)
HERE = Host.at("http://127.0.0.1:8765")
OTHER = Host.at("https://archive.example.org")
SECRET = "0123456789abcdef0123456789abcdef"


def test_a_credential_shows_its_token_nowhere():
    credential = Credential(SECRET, HERE)
    assert SECRET not in repr(credential) + str(credential) + f"{credential}"


def test_a_credential_is_never_pickled():
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(Credential(SECRET, HERE))


def test_a_token_goes_to_its_own_host():
    assert Credential(SECRET, HERE).headers("http://127.0.0.1:8765/whoami") == {"Authorization": f"token {SECRET}"}


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8766/whoami",
        "https://127.0.0.1:8765/whoami",
        "http://127.0.0.2:8765/whoami",
        "http://127.0.0.1:8765@evil.example/",
        "http://127.0.0.1:8765.evil.example/",
        "http://evil.example/?http://127.0.0.1:8765",
        "//127.0.0.1:8765/",
        "http://[broken",
        "",
    ],
)
def test_a_token_goes_to_no_other_host_scheme_or_port(url):
    assert Credential(SECRET, HERE).headers(url) == {}


def test_a_forgotten_token_is_sent_no_more():
    credential = Credential(SECRET, HERE)
    credential.forget()
    assert credential.headers(HERE.url) == {}


def test_the_argument_comes_before_the_environment():
    assert find_token("argument", host=HERE, environ={"MAST_API_TOKEN": SECRET}) == "argument"


@pytest.mark.parametrize("host", [MAST, HERE])
def test_the_environments_token_is_for_mast_and_this_machine(host):
    assert find_token(None, host=host, environ={"MAST_API_TOKEN": f" {SECRET}\n"}) == SECRET


def test_the_environments_token_is_for_no_other_host():
    with pytest.raises(LoginError):
        find_token(None, host=OTHER, environ={"MAST_API_TOKEN": SECRET}, interactive=False)


def test_no_token_is_sent_unencrypted_over_a_network():
    with pytest.raises(LoginError, match="https"):
        find_token(SECRET, host=Host.at("http://mast.stsci.edu"))


def test_an_empty_token_is_no_token():
    with pytest.raises(LoginError, match="no token"):
        find_token("  ", host=HERE, environ={"MAST_API_TOKEN": SECRET})


def test_a_token_cannot_smuggle_a_header_field_in_and_is_not_repeated_in_the_error():
    with pytest.raises(LoginError) as caught:
        find_token("abcdef\r\nX-Evil: 1", host=HERE)
    assert "abcdef" not in str(caught.value)


def test_a_keyring_that_fails_is_passed_over():
    keyring = pytest.importorskip("keyring")
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        with pytest.raises(LoginError, match="no token was given"):
            find_token(None, host=MAST, environ={}, interactive=False)
    finally:
        keyring.set_keyring(before)


def test_an_account_tells_what_it_may():
    info = {"anon": False, "ezid": "vera", "attrib": {"display_name": "V. A"}, "scopes": ["mast:exclusive_access"]}
    account = read_account(info, host=HERE)
    assert account == Account(name="V. A", anonymous=False, scopes=("mast:exclusive_access",))
    assert account.may_exclusive


def test_nobody_is_anonymous():
    assert read_account({"anon": True, "ezid": "anonymous"}, host=HERE) is ANONYMOUS


@pytest.mark.parametrize("info", [None, {}, [], "anonymous", {"anon": "no"}])
def test_another_answer_is_unreadable(info):
    with pytest.raises(Unreadable):
        read_account(info, host=HERE)
