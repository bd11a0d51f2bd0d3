import json

import pytest

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.listing import listed
from jwstmq_widgets.archives.mast.portal import read_page
from jwstmq_widgets.archives.mast.productlists import in_order_of_parents, read_listing
from jwstmq_widgets.errors import Refused, Unreadable
from jwstmq_widgets.tables.encoded import Encoded

HOST = Host.at("http://127.0.0.1:9")
ROWS = [
    {"dataURI": "a", "parent_obsid": "2", "size": 5},
    {"dataURI": "b", "parent_obsid": "1", "size": None},
    {"dataURI": "a", "parent_obsid": "1", "size": 5},
]


def answer(rows=ROWS, *, separators=None, fields=("dataURI", "parent_obsid", "size"), **changes):
    value = {
        "status": "COMPLETE",
        "msg": "",
        "data": rows,
        "fields": [{"name": name, "type": "string"} for name in fields],
        "paging": {"page": 1, "pageSize": 50000, "pagesFiltered": 1, "rows": len(rows)},
    }
    return json.dumps(value | changes, separators=separators).encode()


def plain(listing):
    return {name: values.tolist() for name, values in listing.items()}


def encoded(**columns):
    return {name: Encoded.of(values) for name, values in columns.items()}


@pytest.mark.parametrize("separators", [None, (",", ":"), (" , ", " : ")])
def test_a_listing_says_what_the_answer_says_however_it_is_spaced(separators):
    page, listing = read_listing(answer(separators=separators), host=HOST)
    assert plain(listing) == read_page(answer(), host=HOST).columns
    assert page.columns == {}


@pytest.mark.parametrize("text", ['}],"data":[{', "},{", "}, {", '"}],"x":[{"', "}]", '"data":[{', "\\"])
def test_a_text_that_looks_like_the_end_of_a_row_is_a_text(text):
    rows = [{**row, "dataURI": f"{number}{text}"} for number, row in enumerate(ROWS * 2000)]
    for separators in (None, (",", ":")):
        _, listing = read_listing(answer(rows, separators=separators, msg=text), host=HOST)
        assert listing["dataURI"].tolist() == [row["dataURI"] for row in rows]


def test_a_listing_longer_than_a_piece_is_whole():
    rows = [{"dataURI": f"mast:JWST/product/{number}", "parent_obsid": "1", "size": number} for number in range(9000)]
    _, listing = read_listing(answer(rows, separators=(",", ":")), host=HOST)
    assert plain(listing) == {name: [row[name] for row in rows] for name in rows[0]}


@pytest.mark.parametrize(
    "rows",
    [
        [["a", "2", 5], ["b", "1", None]],
        [{"dataURI": "a"}, {"parent_obsid": "1"}],
        [],
        [{"dataURI": ["a", {"b": 1}], "parent_obsid": {}, "size": [True]}],
    ],
    ids=["arrays", "left out", "none", "nested"],
)
def test_rows_of_any_shape_are_read(rows):
    for separators in (None, (",", ":")):
        page = read_page(answer(rows), host=HOST)
        _, listing = read_listing(answer(rows, separators=separators), host=HOST)
        assert [len(values) for values in listing.values()] == [len(rows)] * 3
        if rows != [] and isinstance(page.columns["dataURI"][0], str):
            assert plain(listing) == page.columns


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b"<html>down</html>",
        answer()[:-40],
        answer(ROWS * 5000, separators=(",", ":"))[:200_000],
        answer(separators=(",", ":")).replace(b'"size":null', b'"size":nul'),
        answer(separators=(",", ":")).replace(b'"fields":[{', b'"fields":[1,{'),
        answer(["a", "b"]),
        answer(paging="none"),
    ],
    ids=range(10),
)
def test_anything_else_is_unreadable(body):
    with pytest.raises(Unreadable):
        read_listing(body, host=HOST)


def test_the_portals_error_and_executing_are_told_apart_from_rows():
    with pytest.raises(Refused, match="Timeout expired"):
        read_listing(answer([], status="ERROR", msg="Timeout expired."), host=HOST)
    page, listing = read_listing(b'{"status": "EXECUTING"}', host=HOST)
    assert page.executing
    assert listing == {}


def test_listings_of_different_generations_are_joined_without_loss():
    whole = listed([encoded(a=["x", "y"], b=[2, 3]), {}, encoded(a=["y"], c=[4])])
    assert plain(whole) == {"a": ["x", "y", "y"], "b": [2, 3, None], "c": [None, None, 4]}


def test_the_order_of_products_depends_on_the_observations_only():
    listing = encoded(parent_obsid=["2", "1", "2", "1"], productFilename=["a", "b", "c", "d"])
    assert in_order_of_parents(listing, ("1", "2"))["productFilename"].tolist() == ["b", "d", "a", "c"]
