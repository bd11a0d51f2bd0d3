import multiprocessing
import os

import numpy as np
import pytest

from jwstmq_widgets.archives.account import ANONYMOUS, Account
from jwstmq_widgets.archives.answers import Answers, key_of
from jwstmq_widgets.archives.host import MAST_URL, Host
from jwstmq_widgets.archives.mast import MastArchive
from jwstmq_widgets.errors import Refused
from jwstmq_widgets.localarchive import TOKEN, TOKEN_WITHOUT_ACCESS
from jwstmq_widgets.localarchive.faults import Refuse
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import observations_table

NEBULA = Query(program=2733)
MAST = Host.at(MAST_URL)
KEY = key_of("observations", {"program": 2733}, host=MAST, account=ANONYMOUS)


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def answers(tmp_path, clock):
    return Answers(tmp_path / "answers", clock=clock)


@pytest.fixture
def archive(faulty_archive, answers):
    return MastArchive(Host.at(faulty_archive.url), answers=answers)


def table(rows=3):
    columns = {
        "obsid": [str(n) for n in range(rows)],
        "t_min": [59733.5, None, 1.0][:rows],
        "target_name": ["é", "", "é"],
    }
    return observations_table({name: values[:rows] for name, values in columns.items()}, archive="x")


def content(one):
    return {name: (str(one[name].dtype), str(one[name].tolist()), str(one[name].unit)) for name in one.colnames}


def files(answers):
    return sorted(answers.folder.iterdir())


def test_an_answer_comes_back_as_it_was_with_its_time(answers):
    first = answers.answer(KEY, table)
    again = answers.answer(KEY, lambda: pytest.fail("asked again"))
    assert content(again) == content(first)
    assert [again[name].description for name in again.colnames] == [first[name].description for name in again.colnames]
    assert again.meta == first.meta == {"archive": "x", "as_of": "2027-01-15T08:00:00.000Z"}


def test_asking_anew_replaces_what_is_kept(answers, clock):
    answers.answer(KEY, table)
    clock.now += 60
    answers.answer(KEY, lambda: table(2), anew=True)
    again = answers.get(KEY)
    assert len(again) == 2
    assert again.meta["as_of"] == "2027-01-15T08:01:00.000Z"


def test_an_answer_is_good_for_a_day(answers, clock):
    answers.answer(KEY, table)
    clock.now += 86_390
    assert answers.get(KEY) is not None
    clock.now += 20
    assert answers.get(KEY) is None


def test_an_answer_from_the_future_is_not_trusted(answers, clock):
    answers.answer(KEY, table)
    clock.now -= 3600
    assert answers.get(KEY) is None


def test_nothing_found_is_asked_again(answers):
    answers.answer(KEY, lambda: table(0))
    assert answers.get(KEY) is None


@pytest.mark.parametrize("spoil", [
    lambda body: b"", lambda body: b"junk", lambda body: body[: len(body) // 2],
    lambda body: body.replace(b'"columns"', b'"columms"'), lambda body: body[:200] + b"X" + body[201:],
    lambda body: b"\x80\x04cos\nsystem\n.",
])  # fmt: skip
def test_a_file_that_cannot_be_read_is_removed_and_asked_for_again(answers, spoil):
    answers.answer(KEY, table)
    (path,) = files(answers)
    path.write_bytes(spoil(path.read_bytes()))
    assert answers.get(KEY) is None
    assert files(answers) == []
    assert len(answers.answer(KEY, table)) == 3


def test_a_pickle_is_never_opened(answers):
    answers.folder.mkdir()
    path = answers.folder / f"{KEY}.npz"
    np.savez(path, head=np.array([{"key": KEY}], dtype=object))
    assert answers.get(KEY) is None
    assert not path.exists()


def test_the_answer_to_another_question_is_not_taken_for_this_one(answers):
    answers.answer(KEY, table)
    (path,) = files(answers)
    other = key_of("observations", {"program": 1}, host=MAST, account=ANONYMOUS)
    path.rename(path.with_name(f"{other}.npz"))
    assert answers.get(other) is None


def test_the_answers_used_longest_ago_make_room(tmp_path, clock):
    small = Answers(tmp_path, clock=clock, most=40_000)
    keys = [key_of("observations", number, host=MAST, account=ANONYMOUS) for number in range(6)]
    for key in keys:
        small.answer(key, table)
        os.utime(tmp_path / f"{key}.npz", (clock.now, clock.now))
        clock.now += 10
        small.get(keys[0])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 40_000
    assert small.get(keys[0]) is not None
    assert small.get(keys[1]) is None
    assert small.get(keys[-1]) is not None


def test_what_an_ended_process_left_is_removed_after_a_while(answers, clock):
    answers.folder.mkdir()
    left = answers.folder / ".abc.new"
    left.touch()
    os.utime(left, (clock.now - 4000, clock.now - 4000))
    answers.answer(KEY, table)
    assert not left.exists()


def test_a_folder_that_cannot_be_written_only_means_asking(tmp_path):
    (tmp_path / "file").touch()
    answers = Answers(tmp_path / "file" / "answers")
    assert len(answers.answer(KEY, table)) == 3
    assert answers.get(KEY) is None


def write_often(folder):
    answers = Answers(folder)
    for number in range(40):
        answers.answer(KEY, lambda number=number: table(1 + number % 3), anew=True)


def test_two_processes_share_a_folder_without_harm(tmp_path):
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=write_often, args=(tmp_path,)) for _ in range(2)]
    for process in processes:
        process.start()
    answers = Answers(tmp_path)
    seen = 0
    while any(process.is_alive() for process in processes):
        found = answers.get(KEY)
        if found is not None:
            assert len(found) in (1, 2, 3)
            seen += 1
    assert [process.exitcode for process in processes] == [0, 0]
    assert seen
    assert [path.name for path in tmp_path.iterdir()] == [f"{KEY}.npz"]


def test_accounts_and_archives_and_scopes_have_answers_of_their_own():
    vera = Account(name="V", anonymous=False, identity="vera")
    namesake = Account(name="V", anonymous=False, identity="veronica")
    more = Account(name="V", anonymous=False, identity="vera", scopes=("mast:exclusive_access",))
    keys = [key_of("observations", 1, host=MAST, account=account) for account in (ANONYMOUS, vera, namesake, more)]
    keys += [key_of("observations", 1, host=Host.at("https://other.example"), account=vera)]
    keys += [key_of("products", 1, host=MAST, account=vera), key_of("observations", 2, host=MAST, account=vera)]
    assert len(set(keys)) == 7


def test_somebody_without_a_name_has_no_answers_kept():
    assert key_of("observations", 1, host=MAST, account=Account(name="x", anonymous=False)) is None


# Of an archive


def test_a_repeated_search_asks_nobody(archive, faulty_archive):
    observations = archive.observations(NEBULA, cache=True)
    products = archive.products(observations, cache=True)
    faulty_archive.clear_requests()
    again = archive.observations(NEBULA, cache=True)
    assert content(again) == content(observations)
    assert content(archive.products(again, cache=True)) == content(products)
    assert again.meta["as_of"] == observations.meta["as_of"]
    assert faulty_archive.requests == []


def test_without_the_cache_an_archive_is_asked_and_the_answer_kept(archive, faulty_archive, clock):
    archive.observations(NEBULA, cache=True)
    clock.now += 60
    faulty_archive.clear_requests()
    fresh = archive.observations(NEBULA, cache=False)
    assert faulty_archive.requests
    assert archive.observations(NEBULA, cache=True).meta["as_of"] == fresh.meta["as_of"] == "2027-01-15T08:01:00.000Z"


def test_an_archive_on_this_machine_fills_no_cache_unless_told(archive, answers):
    table = archive.observations(NEBULA)
    assert table.meta["as_of"]
    assert not answers.folder.exists()


def test_a_refused_question_leaves_the_kept_answer(archive, faulty_archive):
    archive.observations(NEBULA, cache=True)
    faulty_archive.faults = (Refuse(path="*/invoke", status=404),)
    with pytest.raises(Refused):
        archive.observations(NEBULA, cache=False)
    assert len(archive.observations(NEBULA, cache=True)) > 0


def test_another_account_is_asked_for_itself_and_no_token_is_on_disk(archive, faulty_archive, answers):
    for token in (TOKEN, TOKEN_WITHOUT_ACCESS, None):
        archive.logout() if token is None else archive.login(token)
        faulty_archive.clear_requests()
        archive.observations(NEBULA, cache=True)
        assert any(request.path.endswith("invoke") for request in faulty_archive.requests)
    for path in files(answers):
        for token in (TOKEN, TOKEN_WITHOUT_ACCESS):
            assert token not in path.name
            assert token.encode() not in path.read_bytes()


def test_texts_that_are_too_long_for_one_width_come_back_too(answers):
    long = ["x" * 100_000, "y" * 100_000, "x" * 100_000] * 30
    columns = {"obsid": [str(number) for number in range(90)], "obs_title": long}
    first = answers.answer(KEY, lambda: observations_table(columns, archive="x"))
    again = answers.answer(KEY, lambda: pytest.fail("asked again"))
    assert content(again) == content(first)
    assert again["obs_title"].tolist() == long
