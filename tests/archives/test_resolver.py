import pytest

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast.resolver import read_resolved
from jwstmq_widgets.errors import Unreadable

HOST = Host.at("http://127.0.0.1:9")


def test_the_resolver_gives_the_first_match():
    body = b'{"resolvedCoordinate":[{"ra":151.757,"decl":-40.436},{"ra":1,"decl":2}],"status":""}'
    assert read_resolved(body, host=HOST) == (151.757, -40.436)


def test_a_name_that_the_resolver_does_not_know_is_none():
    assert read_resolved(b'{"resolvedCoordinate":[],"status":""}', host=HOST) is None


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"resolvedCoordinate":[{"ra":"x"}]}'])
def test_another_answer_of_a_resolver_is_unreadable(body):
    with pytest.raises(Unreadable):
        read_resolved(body, host=HOST)
