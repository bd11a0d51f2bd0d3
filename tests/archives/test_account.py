import pickle

import pytest

from jwstmq_widgets.archives.account import ANONYMOUS, Account, read_account
from jwstmq_widgets.archives.host import MAST_URL, Host
from jwstmq_widgets.archives.logins import Logins
from jwstmq_widgets.archives.mast import MastArchive
from jwstmq_widgets.archives.tokens import Credential, find_token
from jwstmq_widgets.errors import LoginError, Unreadable
from jwstmq_widgets.localarchive import TOKEN, TOKEN_EXPIRED

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


# Where a token is kept, and how old it is

DAY = 86400.0


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def logins(tmp_path, clock):
    return Logins(tmp_path / "state" / "logins.json", clock=clock)


@pytest.fixture
def memory_keyring():
    """A keyring of the real package, which keeps its entries in a dict."""
    keyring = pytest.importorskip("keyring")
    from keyring.backend import KeyringBackend
    from keyring.errors import PasswordDeleteError

    class Memory(KeyringBackend):
        priority = 1

        def __init__(self):
            super().__init__()
            self.entries = {}

        def get_password(self, service, username):
            return self.entries.get((service, username))

        def set_password(self, service, username, password):
            self.entries[service, username] = password

        def delete_password(self, service, username):
            if self.entries.pop((service, username), None) is None:
                raise PasswordDeleteError

    before, backend = keyring.get_keyring(), Memory()
    keyring.set_keyring(backend)
    yield backend.entries
    keyring.set_keyring(before)


@pytest.fixture
def archive(faulty_archive, logins):
    return MastArchive(Host.at(faulty_archive.url), logins=logins)


def test_a_fresh_token_ends_ten_days_after_its_last_use(archive, clock):
    account = archive.login(TOKEN)
    assert account.warning == ""
    assert account.expires.timestamp() == clock.now + 10 * DAY


def test_a_token_that_was_not_used_for_days_is_warned_of_until_it_is_used(archive, clock):
    archive.login(TOKEN)
    clock.now += 8.5 * DAY
    assert "not been used for 8 days" in archive.account.warning
    archive.authorization(archive.url)
    assert archive.account.warning == ""


def test_a_token_of_eight_weeks_is_warned_of_over_many_sessions(faulty_archive, logins, clock):
    for _ in range(7):
        account = MastArchive(Host.at(faulty_archive.url), logins=logins).login(TOKEN)
        assert account.warning == ""
        clock.now += 8 * DAY
    account = MastArchive(Host.at(faulty_archive.url), logins=logins).login(TOKEN)
    assert "in use for 56 days" in account.warning
    assert "make a new one" in account.warning
    assert account.expires.timestamp() == clock.now + 4 * DAY


@pytest.mark.parametrize("days", [11, 61])
def test_a_token_that_must_have_ended_is_another_one_now(archive, clock, days):
    archive.login(TOKEN)
    clock.now += days * DAY
    assert archive.login(TOKEN).expires.timestamp() == clock.now + 10 * DAY


@pytest.mark.parametrize("how", ["logout", "refused"])
def test_after_a_logout_or_a_refused_token_the_next_one_is_new(archive, clock, how):
    for _ in range(7):
        archive.login(TOKEN)
        clock.now += 8 * DAY
    if how == "logout":
        archive.logout()
    else:
        with pytest.raises(LoginError):
            archive.login(TOKEN_EXPIRED)
    assert archive.login(TOKEN).warning == ""


def test_no_part_of_a_token_is_written_down(archive, tmp_path):
    archive.login(TOKEN)
    text = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert archive.url in text
    assert TOKEN[:6] not in text


@pytest.mark.parametrize("junk", [b"", b"[]", b"{", b'{"x": 1}', b'{"http://127.0.0.1": {"uses": {"a": ["b"]}}}'])
def test_a_file_of_logins_that_cannot_be_read_is_begun_anew(archive, tmp_path, junk):
    path = tmp_path / "state" / "logins.json"
    path.parent.mkdir()
    path.write_bytes(junk)
    assert archive.login(TOKEN).warning == ""
    assert archive.url in path.read_text()


def test_a_file_of_logins_that_cannot_be_written_hinders_nobody(faulty_archive, tmp_path):
    (tmp_path / "file").touch()
    archive = MastArchive(Host.at(faulty_archive.url), logins=Logins(tmp_path / "file" / "logins.json"))
    assert not archive.login(TOKEN).anonymous


def test_a_stored_token_logs_in_the_next_time_and_is_gone_after_a_logout(
    archive, faulty_archive, memory_keyring, logins
):
    assert archive.login(TOKEN, store=True).warning == ""
    again = MastArchive(Host.at(faulty_archive.url), logins=logins)
    assert not again.login().anonymous
    again.logout()
    assert memory_keyring == {}


def test_a_token_is_not_stored_unless_asked(archive, memory_keyring):
    archive.login(TOKEN)
    assert memory_keyring == {}


def test_a_logout_leaves_an_entry_that_another_program_made(archive, memory_keyring):
    memory_keyring["astroquery:mast.stsci.edu.token", "masttoken"] = SECRET
    archive.login(TOKEN)
    archive.logout()
    assert list(memory_keyring.values()) == [SECRET]


def test_the_keyrings_token_of_one_host_is_for_no_other(archive, memory_keyring):
    archive.login(TOKEN, store=True)
    with pytest.raises(LoginError, match="no token was given"):
        find_token(None, host=MAST, environ={}, interactive=False)


def test_without_a_keyring_the_login_stands_and_says_what_to_do(archive):
    keyring = pytest.importorskip("keyring")
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        account = archive.login(TOKEN, store=True)
    finally:
        keyring.set_keyring(before)
    assert not account.anonymous
    assert "was not stored" in account.warning
    assert "MAST_API_TOKEN" in account.warning
