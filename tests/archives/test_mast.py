import gc
import logging
import socket
import subprocess
import sys
import threading

import pytest

from jwstmq_widgets.archives import Archive, archive_at, open_archive
from jwstmq_widgets.archives.account import ANONYMOUS
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast import MastArchive
from jwstmq_widgets.archives.parallel import Manners
from jwstmq_widgets.errors import (
    ArchiveError,
    Cancelled,
    JwstmqError,
    LoginError,
    QueryError,
    Refused,
    Unreachable,
    Unreadable,
)
from jwstmq_widgets.localarchive import TOKEN, TOKEN_EXPIRED, TOKEN_WITHOUT_ACCESS, LocalArchive
from jwstmq_widgets.localarchive.faults import (
    BadJson,
    Cut,
    Drop,
    EmptyAnswer,
    Executing,
    PortalError,
    Redirect,
    Refuse,
    Slow,
)
from jwstmq_widgets.query import Query

PRODUCTS, FILTERED, INVOKE = "Mast.Caom.Products", "Mast.Caom.Filtered", "*/invoke"
NEBULA = Query(program=2733)


@pytest.fixture
def archive(faulty_archive):
    return impatient(faulty_archive.url)


@pytest.fixture
def loaded(archive, faulty_archive):
    """An archive that has asked before, with the observations of one program."""
    observations = archive.observations(NEBULA)
    faulty_archive.clear_requests()
    return archive, observations


@pytest.fixture(scope="module")
def other_archive(catalogue_folder, local_archive):
    with LocalArchive(folder=catalogue_folder) as other:
        yield other


def impatient(url, **changes):
    """Retries at once, so that no test waits."""
    return MastArchive(Host.at(url), manners=Manners(pause=0.0, poll=0.0, **changes))


def content(table):
    """A table as values that compare, NaN included."""
    return {name: str(table[name].tolist()) for name in table.colnames}


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def cancelled_while_asked(server, path, ask):
    """Run a question, and cancel it once the server has it."""
    cancel, outcome = threading.Event(), []

    def work():
        try:
            outcome.append(ask(cancel))
        except JwstmqError as error:
            outcome.append(error)

    server.faults = (Slow(path=path, latency=600),)
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(0.5)  # it hangs
    assert thread.is_alive()
    cancel.set()
    thread.join(5.0)
    assert not thread.is_alive()
    server.faults = ()
    return outcome[0]


# Opening


def test_opening_contacts_nobody(faulty_archive):
    archive = open_archive(faulty_archive.url)
    assert archive.account is ANONYMOUS
    assert faulty_archive.requests == []


def test_mast_is_opened_without_a_network():
    assert open_archive("mast").url == "https://mast.stsci.edu"


def test_what_is_opened_is_an_archive(archive):
    assert isinstance(archive, Archive)


@pytest.mark.parametrize("which", ["hubble", "", "127.0.0.1:8765"])
def test_an_archive_that_is_not_there_is_a_wrong_question_that_names_what_is(which):
    with pytest.raises(QueryError, match="'mast', 'esa', 'local', 'local-esa'") as caught:
        open_archive(which)
    assert caught.value.field == "archive"


def test_the_newest_archive_of_an_address_is_found_again():
    url = f"http://127.0.0.1:{free_port()}"
    open_archive(url)
    archive = open_archive(url)
    assert archive_at(f"{url}/") is archive


def test_a_forgotten_archive_is_opened_anew_without_its_login(faulty_archive):
    archive = open_archive(faulty_archive.url)
    archive.login(TOKEN)
    del archive
    gc.collect()
    assert archive_at(faulty_archive.url).account.anonymous


def test_the_local_archive_is_started_once_for_a_process():
    script = (
        "from jwstmq_widgets import Query, open_archive\n"
        "one, two = open_archive('local'), open_archive('local')\n"
        "print(one.name, one.url == two.url, one.count(Query(program=2733)) > 0)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert ended.stdout.split() == ["local", "True", "True"], ended.stderr


# Login


def test_a_good_token_says_who_and_what_is_allowed(archive):
    account = archive.login(TOKEN)
    assert account == archive.account
    assert not account.anonymous
    assert account.may_exclusive
    assert not archive.login(TOKEN_WITHOUT_ACCESS).may_exclusive


def test_a_bad_token_is_a_login_error_and_leaves_the_login_as_it_was(archive):
    before = archive.login(TOKEN)
    with pytest.raises(LoginError, match="does not accept"):
        archive.login(TOKEN_EXPIRED)
    assert archive.account == before
    assert archive.authorization(archive.url) == {"Authorization": f"token {TOKEN}"}


def test_the_token_of_the_environment_logs_in_to_an_archive_on_this_machine(archive, monkeypatch):
    monkeypatch.setenv("MAST_API_TOKEN", TOKEN)
    assert not archive.login().anonymous


def test_opening_and_asking_never_use_the_environments_token(archive, monkeypatch):
    monkeypatch.setenv("MAST_API_TOKEN", TOKEN)
    archive.observations(NEBULA)
    assert archive.account.anonymous
    assert archive.authorization(archive.url) == {}


def test_logging_out_forgets_the_token_for_everyone(archive):
    archive.login(TOKEN)
    credential = archive._user.credential
    archive.logout()
    assert archive.account is ANONYMOUS
    assert credential.headers(archive.url) == {} == archive.authorization(archive.url)


def test_the_token_authorises_this_archive_only(archive, other_archive):
    archive.login(TOKEN)
    assert archive.authorization(archive.download_url("mast:JWST/product/x.fits"))
    assert archive.authorization(other_archive.url) == {}


def test_the_token_is_in_no_text_and_no_log(archive, caplog):
    caplog.set_level(logging.DEBUG)
    archive.login(TOKEN)
    archive.products(archive.observations(NEBULA)[:1])
    with pytest.raises(LoginError) as caught:
        archive.login(TOKEN_EXPIRED)
    texts = f"{archive!r} {archive.account!r} {caught.value} {caplog.text} {vars(archive)}"
    assert TOKEN not in texts
    assert TOKEN_EXPIRED not in texts


@pytest.mark.parametrize("path", ["/whoami", INVOKE])
def test_a_redirect_gives_the_other_host_neither_token_nor_request(path, faulty_archive, other_archive):
    archive = impatient(faulty_archive.url)
    if path != "/whoami":
        archive.login(TOKEN)
    other_archive.clear_requests()
    faulty_archive.faults = (Redirect(path=path, host=other_archive.url.removeprefix("http://")),)
    with pytest.raises(Refused, match="not followed"):
        archive.login(TOKEN) if path == "/whoami" else archive.products(["87602450"])
    assert other_archive.requests == []


def test_a_redirected_question_is_refused_too(loaded, faulty_archive, other_archive):
    archive, _ = loaded
    other_archive.clear_requests()
    faulty_archive.faults = (Redirect(path=INVOKE, host=other_archive.url.removeprefix("http://")),)
    with pytest.raises(Refused, match="not followed"):
        archive.observations(NEBULA)
    assert other_archive.requests == []


# Observations


@pytest.mark.parametrize(
    "query",
    [
        NEBULA,
        NEBULA.replace(observations=[1]),
        NEBULA.replace(instrument=["miri", "nircam"]),
        NEBULA.replace(instrument="miri", modes="image"),
        NEBULA.replace(modes=["image", "ifu"]),
        NEBULA.replace(filters=["F770W", "F444W"]),
        NEBULA.replace(filters=["F7*", "F1*"]),
        NEBULA.replace(dates=(59733, None)),
        NEBULA.replace(dates=(None, 59745)),
        Query(coordinates=(151.757, -40.436), radius="2 arcmin"),
        Query(target="NGC 3132"),
    ],
    ids=str,
)
def test_the_count_is_the_number_of_observations(archive, query):
    assert archive.count(query) == len(archive.observations(query)) > 0


def test_instruments_and_modes_are_those_asked_for(archive):
    table = archive.observations(NEBULA.replace(instrument="miri"))
    assert set(table["instrument"]) == {"MIRI"}
    table = archive.observations(Query(program=1345, instrument=["nircam", "nirspec"], modes="image"))
    assert set(table["instrument_name"]) <= {"NIRCAM/IMAGE", "NIRSPEC/IMAGE"}


def test_observation_numbers_are_those_asked_for(archive):
    assert set(archive.observations(NEBULA.replace(observations=[2]))["observation"]) == {2}


def test_many_observation_numbers_give_the_same_as_asking_for_all(archive):
    everything = archive.observations(Query(program=1345))
    numbers = sorted({number for number in everything["observation"].tolist() if number > 0})
    some = archive.observations(Query(program=1345, observations=range(1, 100)))
    assert set(some["observation"].tolist()) == {number for number in numbers if number < 100}


def test_dates_limit_the_start_on_the_side_that_is_given(archive):
    limit = sorted(archive.observations(NEBULA)["t_min"])[4]
    assert min(archive.observations(NEBULA.replace(dates=(limit, None)))["t_min"]) == limit
    assert max(archive.observations(NEBULA.replace(dates=(None, limit)))["t_min"]) == limit


def test_without_a_date_planned_observations_are_found(archive):
    levels = archive.observations(Query(program=2609))["calib_level"]
    assert -1 in levels.tolist()


def test_nothing_found_is_an_empty_table_with_all_columns(archive):
    table = archive.observations(Query(program=99998))
    assert len(table) == 0
    assert {"obsid", "program", "mode"} <= set(table.colnames)


def test_a_table_knows_its_archive(archive):
    assert archive.observations(NEBULA).meta["archive"] == archive.url


def test_a_question_without_a_limit_is_not_put(archive, faulty_archive):
    with pytest.raises(QueryError, match="whole archive"):
        archive.observations(Query())
    assert faulty_archive.requests == []


def test_a_target_that_nobody_knows_is_a_wrong_question(archive):
    with pytest.raises(QueryError, match="not known") as caught:
        archive.observations(Query(target="no such nebula"))
    assert caught.value.field == "target"


def test_progress_ends_with_the_number_found(archive):
    told = []
    table = archive.observations(NEBULA.replace(instrument=["miri", "nircam"]), progress=told.append)
    assert told[-1] == len(table)


# Products


def test_a_file_is_one_row_with_all_its_parents(loaded):
    archive, observations = loaded
    products = archive.products(observations)
    uris = products["dataURI"].tolist()
    assert len(set(uris)) == len(uris) > 3000
    parents = {parent for text in products["parents"].tolist() for parent in text.split(",")}
    assert parents == set(observations["obsid"].tolist())
    assert any("," in text for text in products["parents"])


def test_the_products_do_not_depend_on_how_they_were_asked_for(loaded):
    archive, observations = loaded
    reference = content(archive.products(observations))
    for manners in (Manners(connections=1, first=100), Manners(connections=5, first=1, largest=1)):
        assert content(MastArchive(Host.at(archive.url), manners=manners).products(observations)) == reference


def test_products_know_target_and_release_of_their_observation(loaded):
    archive, observations = loaded
    products = archive.products(observations)
    assert set(products["target_name"]) == set(observations["target_name"])


def test_obsids_alone_are_enough(loaded):
    archive, observations = loaded
    obsid = str(observations["obsid"][0])
    assert len(archive.products([obsid])) == len(archive.products(observations[:1]))


def test_no_observations_have_no_products_and_nobody_is_asked(loaded, faulty_archive):
    archive, observations = loaded
    table = archive.products(observations[:0])
    assert len(table) == 0
    assert "parents" in table.colnames
    assert faulty_archive.requests == []


def test_an_obs_id_is_not_an_obsid(archive):
    with pytest.raises(QueryError, match="obs_id is something else"):
        archive.products(["jw02733-o001_t001_nircam_clear-f090w"])


def test_progress_counts_observations_and_distinct_files(loaded):
    archive, observations = loaded
    told = []
    products = archive.products(observations, progress=told.append)
    assert (told[-1].observations_done, told[-1].observations_total) == (len(observations), len(observations))
    assert told[-1].products == len(products)


# What goes wrong


@pytest.mark.parametrize(
    "fault",
    [
        Refuse(path=PRODUCTS, status=429, retry_after=0.1, times=2),
        Refuse(path=PRODUCTS, status=503, times=1),
        Refuse(path=PRODUCTS, status=500, times=2),
        PortalError(path=PRODUCTS, times=2),
        Executing(path=PRODUCTS, times=5),
        BadJson(path=PRODUCTS, times=1),
        Cut(path=PRODUCTS, after=1000, times=2),
        Drop(path=PRODUCTS, times=1),
        EmptyAnswer(path=PRODUCTS, times=1),
    ],
    ids=lambda fault: type(fault).__name__ + str(getattr(fault, "status", "")),
)
def test_a_passing_fault_leaves_the_list_of_products_whole(loaded, faulty_archive, fault):
    archive, observations = loaded
    reference = content(archive.products(observations))
    faulty_archive.faults = (fault,)
    assert content(archive.products(observations)) == reference


@pytest.mark.parametrize(
    "fault",
    [
        Refuse(path=FILTERED, status=503, retry_after=0.1, times=1),
        PortalError(path=FILTERED, times=1),
        Executing(path=FILTERED, times=5),
        BadJson(path=FILTERED, times=1),
        Drop(path=FILTERED, times=1),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_passing_fault_leaves_the_observations_whole(loaded, faulty_archive, fault):
    archive, observations = loaded
    faulty_archive.faults = (fault,)
    assert content(archive.observations(NEBULA)) == content(observations)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Refuse(path=INVOKE, status=404), Refused),
        (Refuse(path=INVOKE, status=429), Refused),
        (Refuse(path=INVOKE, status=500), Refused),
        (PortalError(path=INVOKE, message="The server was told no."), Refused),
        (EmptyAnswer(path=INVOKE), Unreadable),
        (BadJson(path=INVOKE), Unreadable),
        (Drop(path=INVOKE), Unreachable),
        (Cut(path=INVOKE, after=10), Unreachable),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__ + str(getattr(value, "status", ""))),
)
@pytest.mark.parametrize("verb", ["count", "observations", "products"])
def test_a_lasting_fault_is_one_clear_error(loaded, faulty_archive, verb, fault, error):
    archive, observations = loaded
    faulty_archive.faults = (fault,)
    with pytest.raises(error) as caught:
        archive.products(observations[:2]) if verb == "products" else getattr(archive, verb)(NEBULA)
    assert caught.value.url == archive.url
    assert "?" not in str(caught.value)
    faulty_archive.faults = ()
    assert len(archive.observations(NEBULA)) == len(observations)


@pytest.mark.parametrize("fault", [EmptyAnswer, BadJson])
def test_a_broken_list_of_columns_is_unreadable_and_asked_anew(archive, faulty_archive, fault):
    faulty_archive.faults = (fault(path="*/columnsconfig"),)
    with pytest.raises(Unreadable):
        archive.observations(NEBULA)
    faulty_archive.faults = ()
    assert len(archive.observations(NEBULA)) > 0


@pytest.mark.parametrize("fault", [EmptyAnswer, BadJson, Drop])
def test_a_fault_at_login_is_an_error_and_leaves_nobody_logged_in(archive, faulty_archive, fault):
    faulty_archive.faults = (fault(path="/whoami"),)
    with pytest.raises(ArchiveError):
        archive.login(TOKEN)
    assert archive.account.anonymous


def test_an_archive_that_works_for_ever_is_given_up(loaded, faulty_archive):
    _, observations = loaded
    faulty_archive.faults = (Executing(path=INVOKE),)
    archive = MastArchive(Host.at(faulty_archive.url), manners=Manners(poll=0.05, patience=0.2))
    with pytest.raises(Unreachable, match="still working"):
        archive.products(observations)
    with pytest.raises(Unreachable, match="still working"):
        archive.observations(NEBULA)


def test_an_archive_that_is_working_is_not_hammered(loaded, faulty_archive):
    _, observations = loaded
    faulty_archive.faults = (Executing(path=INVOKE),)
    with pytest.raises(Unreachable):
        MastArchive(Host.at(faulty_archive.url), manners=Manners(poll=0.1, patience=0.5)).products(observations[:1])
    assert len(faulty_archive.requests) <= 5


def test_batches_that_time_out_are_made_smaller(loaded, faulty_archive):
    _, observations = loaded
    faulty_archive.faults = (Slow(path=PRODUCTS, latency=5, times=1),)
    archive = impatient(faulty_archive.url, timeout=1.0, connections=1)
    assert len(archive.products(observations)) > 3000
    # one that was too slow, and its halves
    assert len([request for request in faulty_archive.requests if request.path.endswith("invoke")]) >= 3


def test_an_archive_that_is_down_is_unreachable_with_a_next_step():
    archive = impatient(f"http://127.0.0.1:{free_port()}")
    for ask in (
        lambda: archive.count(NEBULA),
        lambda: archive.observations(NEBULA),
        lambda: archive.products(["1", "2", "3"]),
        lambda: archive.resolve("M 57"),
        lambda: archive.login(TOKEN),
    ):
        with pytest.raises(Unreachable, match="choose the archive 'local'"):
            ask()


@pytest.mark.parametrize("verb", ["count", "observations", "products", "resolve"])
def test_cancel_comes_back_while_the_archive_hangs(loaded, faulty_archive, verb):
    archive, observations = loaded
    path, argument = {
        "products": (PRODUCTS, observations),
        "resolve": ("/Santa-war/query", "NGC 3132"),
    }.get(verb, (FILTERED, NEBULA))
    outcome = cancelled_while_asked(
        faulty_archive, path, lambda cancel: getattr(archive, verb)(argument, cancel=cancel)
    )
    assert isinstance(outcome, Cancelled)
    assert len(archive.observations(NEBULA)) == len(observations)


def test_an_answer_that_comes_after_a_cancelled_login_logs_nobody_in(loaded, faulty_archive):
    archive, _ = loaded
    faulty_archive.faults = (Slow(path="/whoami", latency=1.0),)
    before = set(threading.enumerate())
    cancel = threading.Event()

    def turn_away():
        while not faulty_archive.requests:
            pass
        cancel.set()

    threading.Thread(target=turn_away).start()
    with pytest.raises(Cancelled):
        archive.login(TOKEN, cancel=cancel)
    assert [request.status for request in faulty_archive.requests] == [0]  # not answered yet
    for thread in set(threading.enumerate()) - before:
        thread.join(30.0)
    assert [request.status for request in faulty_archive.requests] == [200]
    assert archive.account.anonymous
    assert archive.authorization(archive.url) == {}


def test_a_cancel_that_was_set_before_asks_nothing_more(loaded):
    archive, observations = loaded
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        archive.products(observations, cancel=cancel)


def test_requests_name_this_package(loaded, faulty_archive):
    archive, observations = loaded
    archive.products(observations[:1])
    archive.observations(NEBULA)
    agents = {request.headers.get("User-Agent", "") for request in faulty_archive.requests}
    assert agents
    assert all(agent.startswith("jwstmq_widgets/") for agent in agents)


def test_a_cancelled_list_of_products_leaves_no_request_under_way(loaded, faulty_archive):
    archive, observations = loaded
    before = set(threading.enumerate())
    cancelled_while_asked(faulty_archive, PRODUCTS, lambda cancel: archive.products(observations, cancel=cancel))
    left = [thread for thread in threading.enumerate() if thread.name.startswith("archive-") and thread not in before]
    for thread in left:
        thread.join(5.0)
    assert not any(thread.is_alive() for thread in left)
