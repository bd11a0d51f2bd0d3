import json
from urllib.parse import parse_qs

import pytest

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast.portal import (
    invoke_body,
    joined,
    read_page,
)
from jwstmq_widgets.errors import Refused, Unreadable
from jwstmq_widgets.tables import observations_table

HOST = Host.at("http://127.0.0.1:9")


def page(**changes):
    answer = {
        "status": "COMPLETE",
        "msg": "",
        "fields": [{"name": "obsid", "type": "string"}, {"name": "size", "type": "int"}],
        "data": [{"obsid": "1", "size": 5}, {"obsid": "2", "size": None}],
        "paging": {"page": 1, "pageSize": 50000, "pagesFiltered": 1, "rows": 2},
    }
    return json.dumps(answer | changes).encode()


def observations(**columns):
    return observations_table(columns, archive=HOST.url)


def test_a_request_is_what_the_portal_reads():
    body = invoke_body("Mast.Caom.Products", {"obsid": "1,2"}, page=3)
    request = json.loads(parse_qs(body.decode())["request"][0])
    assert (request["service"], request["params"], request["page"]) == ("Mast.Caom.Products", {"obsid": "1,2"}, 3)


def test_an_answer_is_read_by_column():
    answer = read_page(page(), host=HOST)
    assert answer.columns == {"obsid": ["1", "2"], "size": [5, None]}


def test_a_value_left_out_of_a_row_is_missing():
    assert read_page(page(data=[{"obsid": "1"}]), host=HOST).columns == {"obsid": ["1"], "size": [None]}


def test_rows_as_arrays_are_read_too():
    assert read_page(page(data=[["1", 5]]), host=HOST).columns == {"obsid": ["1"], "size": [5]}


def test_the_portals_own_column_of_ticks_is_left_out():
    fields = [{"name": "_selected_", "type": "boolean"}, {"name": "obsid", "type": "string"}]
    answer = read_page(page(fields=fields, data=[{"_selected_": None, "obsid": "1"}]), host=HOST)
    assert answer.columns == {"obsid": ["1"]}


def test_no_rows_still_name_the_columns():
    assert read_page(page(data=[]), host=HOST).columns == {"obsid": [], "size": []}


def test_executing_has_no_rows_yet():
    assert read_page(b'{"status": "EXECUTING"}', host=HOST).executing


def test_the_portals_error_is_said_in_its_words():
    with pytest.raises(Refused, match="Timeout expired"):
        read_page(page(status="ERROR", msg="Timeout expired."), host=HOST)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"status": "COMPLETE", "fie',
        b"<html>down for maintenance</html>",
        page(data=None),
        page(fields=[{"type": "string"}]),
        page(data=[["1"]]),
        page(data=[1, 2]),
        page(paging="none"),
        page(paging={"page": "first"}),
    ],
)
def test_anything_else_is_unreadable(body):
    with pytest.raises(Unreadable):
        read_page(body, host=HOST)


def test_answers_of_different_generations_are_joined_without_loss():
    whole = joined([{"a": [1], "b": [2]}, {"a": [3], "c": [4]}])
    assert whole == {"a": [1, 3], "b": [2, None], "c": [None, 4]}
