import threading
import time

import pytest

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.parallel import Manners, Stop, gather
from jwstmq_widgets.errors import Cancelled, LoginError, Refused, Unreachable, Unreadable

HOST = Host.at("http://127.0.0.1:9")
FAST = Manners(pause=0.0)


def test_answers_come_in_the_order_of_the_items_whichever_is_first():
    gate = threading.Event()

    def ask(batch, stop):
        if batch[0] == 0:
            gate.wait(10)  # the first batch is answered last
        elif batch[-1] == 99:
            gate.set()
        return list(batch)

    answers = gather(ask, range(100), manners=Manners(first=10, largest=10))
    assert [item for answer in answers for item in answer] == list(range(100))


def test_nothing_to_ask_asks_nobody():
    assert gather(lambda batch, stop: 1 / 0, ()) == []


def test_never_more_requests_at_once_than_allowed():
    at_once, most, lock = 0, 0, threading.Lock()
    together = threading.Barrier(3)

    def ask(batch, stop):
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        together.wait(10)  # all three are under way
        with lock:
            at_once -= 1

    gather(ask, range(30), manners=Manners(connections=3, first=5, largest=5))
    assert most == 3


def test_a_batch_that_is_too_much_is_halved_until_it_is_answered():
    def ask(batch, stop):
        if len(batch) > 3:
            raise HOST.late(1.0)
        return list(batch)

    answers = gather(ask, range(50), manners=FAST)
    assert [item for answer in answers for item in answer] == list(range(50))


@pytest.mark.parametrize(
    "error", [HOST.refused(500), HOST.refused(504), HOST.refused(200, says="Timeout expired."), HOST.unreadable("cut")]
)
def test_server_errors_and_cut_answers_halve_the_batch(error):
    sizes = []

    def ask(batch, stop):
        sizes.append(len(batch))
        if len(batch) == 8:
            raise error
        return list(batch)

    gather(ask, range(8), manners=Manners(connections=1, pause=0.0))
    assert sizes[:2] == [8, 4]


def test_the_last_items_are_shared_by_the_connections():
    sizes = {}

    def ask(batch, stop):
        sizes[batch[0]] = len(batch)
        return len(batch)

    assert sum(gather(ask, range(264), manners=Manners())) == 264
    for start, size in sizes.items():  # in the order of the items, which is that in which they are handed out
        assert size <= max(16, -(-(264 - start) // 4))


@pytest.mark.parametrize(("quick", "batches"), [(60.0, [4, 16, 32, 32, 16]), (0.0, [4] * 25)])
def test_batches_grow_while_answers_are_quick(quick, batches):
    sizes = []

    def ask(batch, stop):
        sizes.append(len(batch))

    gather(ask, range(100), manners=Manners(connections=1, first=4, largest=32, quick=quick))
    assert sizes == batches


def test_a_short_list_is_spread_over_all_connections():
    sizes = []
    gather(lambda batch, stop: sizes.append(len(batch)), range(10), manners=Manners(connections=4, largest=3))
    assert sorted(sizes) == [1, 3, 3, 3]


def test_a_busy_archive_is_asked_again_after_the_time_it_names():
    asked = []

    def ask(batch, stop):
        asked.append(time.monotonic())
        if len(asked) == 1:
            raise HOST.refused(429, wait=0.3)
        return list(batch)

    assert gather(ask, (1,), manners=FAST) == [[1]]
    assert asked[1] - asked[0] >= 0.3


def test_nobody_asks_while_an_archive_wants_quiet():
    asked, lock = [], threading.Lock()

    def ask(batch, stop):
        with lock:
            asked.append(time.monotonic())
            first = len(asked) == 1
        if first:
            raise HOST.refused(503, wait=0.3)
        stop.pause(0.02)

    gather(ask, range(40), manners=Manners(connections=2, first=1, largest=1, pause=0.0))
    refused, after = asked[0], [moment for moment in asked if moment > asked[0] + 0.1]
    assert min(after) - refused >= 0.3


def test_an_archive_that_stays_busy_is_given_up_with_its_own_error():
    def ask(batch, stop):
        raise HOST.refused(429)

    with pytest.raises(Refused) as caught:
        gather(ask, (1, 2), manners=FAST)
    assert caught.value.status == 429


def test_an_archive_that_wants_an_hour_of_quiet_is_not_waited_for():
    def ask(batch, stop):
        raise HOST.refused(503, wait=3600)

    with pytest.raises(Refused) as caught:
        gather(ask, (1,))
    assert caught.value.retry_after == 3600


@pytest.mark.parametrize("error", [HOST.no_login("expired"), HOST.refused(404)])
def test_what_cannot_get_better_is_not_tried_again(error):
    tries = []

    def ask(batch, stop):
        tries.append(batch)
        raise error

    with pytest.raises((LoginError, Refused)):
        gather(ask, range(8), manners=Manners(connections=1, pause=0.0))
    assert len(tries) == 1


def test_an_archive_that_works_without_end_is_not_asked_the_same_again():
    tries = []

    def ask(batch, stop):
        tries.append(batch)
        raise HOST.unfinished(1)

    with pytest.raises(Unreachable, match="still working"):
        gather(ask, (1,), manners=FAST)
    assert len(tries) == 1


def test_an_unreadable_answer_to_the_smallest_batch_is_an_error():
    def ask(batch, stop):
        raise HOST.unreadable("it is a web page")

    with pytest.raises(Unreadable, match="web page"):
        gather(ask, range(4), manners=FAST)


def test_cancel_returns_while_requests_hang():
    cancel, hang, under_way = threading.Event(), threading.Event(), threading.Event()

    def ask(batch, stop):
        under_way.set()
        hang.wait(30)

    threading.Thread(target=lambda: (under_way.wait(10), cancel.set()), daemon=True).start()
    with pytest.raises(Cancelled):
        gather(ask, (1,), cancel=cancel)
    assert not hang.is_set()
    hang.set()


def test_cancel_breaks_requests_off():
    cancel, broken = threading.Event(), threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        gather(lambda batch, stop: broken.wait(30), (1,), cancel=cancel, abort=broken.set)
    assert broken.is_set()


def test_progress_is_told_on_the_callers_thread():
    threads = set()
    gather(lambda batch, stop: None, range(20), done=lambda count, answer: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def test_an_error_of_our_own_reaches_the_caller_as_it_is():
    with pytest.raises(ZeroDivisionError):
        gather(lambda batch, stop: 1 / 0, (1,))


def test_a_pause_ends_with_the_work():
    stop = Stop()
    stop.end()
    with pytest.raises(Cancelled):
        stop.pause(60)
