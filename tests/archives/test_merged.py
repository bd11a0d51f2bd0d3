"""Two archives asked as one."""

import threading

import numpy as np
import pytest
from astropy.table import Table

from jwstmq_widgets.archives import archive_at, open_archive
from jwstmq_widgets.archives.merged import AtLeast, MergedArchive
from jwstmq_widgets.archives.merged.tables import Ids, merged_observations, merged_products
from jwstmq_widgets.errors import Cancelled, QueryError, Unreachable
from jwstmq_widgets.localarchive import TOKEN, LocalArchive
from jwstmq_widgets.localarchive.faults import Refuse, Slow
from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import observations_table, products_table, select

QUERY = Query(program=2733, instrument="miri")
DEAD = "http://127.0.0.1:9"


@pytest.fixture
def names(archive_url: str) -> tuple[str, str]:
    """The local archive, by two names of one machine."""
    return archive_url, archive_url.replace("127.0.0.1", "localhost")


def test_one_list_has_each_file_once_and_says_who_has_it(names: tuple[str, str]) -> None:
    alone, merged = open_archive(names[0]), open_archive(names)
    table = merged.products(merged.observations(QUERY))
    expected = alone.products(alone.observations(QUERY))
    assert table["dataURI"].tolist() == expected["dataURI"].tolist()
    for name in ("size", "dataRights", "calib_level", "target_name", "filters"):
        assert table[name].tolist() == expected[name].tolist()
    assert set(table["archives"]) == {", ".join(name.removeprefix("http://") for name in names)}
    assert set(table["differs"]) == {""}
    assert table["size"].unit == "byte"
    assert table.meta["warnings"] == []


def test_parents_are_those_of_the_observations_table(names: tuple[str, str]) -> None:
    merged = open_archive(names)
    observations = merged.observations(QUERY)
    table = merged.products(observations)
    parents = {part for text in table["parents"] for part in text.split(",")}
    assert parents == set(observations["obsid"])
    assert merged.products(observations["obsid"].tolist()[:1])["dataURI"].tolist()


@pytest.mark.parametrize("dead", [0, 1])
def test_an_archive_that_is_down_is_a_warning(archive_url: str, dead: int) -> None:
    words = [archive_url, DEAD] if dead else [DEAD, archive_url]
    merged = open_archive(words)
    observations = merged.observations(QUERY)
    products = merged.products(observations)
    assert len(products) == len(open_archive(archive_url).products(open_archive(archive_url).observations(QUERY)))
    for table in (observations, products):
        (warning,) = table.meta["warnings"]
        assert warning.startswith("without 127.0.0.1:9: cannot reach")
    assert merged.count(QUERY) == len(observations)


def test_when_none_answers_it_is_an_error() -> None:
    with pytest.raises(Unreachable):
        open_archive([DEAD, "http://localhost:9"]).observations(QUERY)


def test_a_cancel_reaches_all_archives(names: tuple[str, str]) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        open_archive(names).observations(QUERY, cancel=cancel)


def test_its_address_opens_it_again_with_its_logins(names: tuple[str, str]) -> None:
    merged = open_archive(names)
    assert merged.login(TOKEN).may_exclusive
    assert archive_at(merged.url) is merged
    assert isinstance(open_archive(",".join(names)), MergedArchive)
    assert {name for url in names for name in merged.authorization(f"{url}/x")} == {"Authorization"}
    assert merged.authorization("http://127.0.0.1:9/x") == {}
    merged.logout()
    assert merged.account.anonymous
    assert merged.authorization(f"{names[0]}/x") == {}


def test_an_archive_that_lets_nobody_in_is_a_warning_beside_one_that_does(faulty_archive: LocalArchive) -> None:
    merged = open_archive([faulty_archive.url, faulty_archive.url.replace("127.0.0.1", "localhost")])
    faulty_archive.faults = [Refuse(path="/whoami", status=401, times=1)]
    account = merged.login(TOKEN)
    assert account.may_exclusive
    assert account.warning.startswith("not logged in to 127.0.0.1")
    merged.logout()


def test_a_cancelled_login_leaves_nobody_logged_in_anywhere(faulty_archive: LocalArchive) -> None:
    merged = open_archive([faulty_archive.url, faulty_archive.url.replace("127.0.0.1", "localhost")])
    faulty_archive.faults = [Slow(path="/whoami", latency=600, skip=1)]
    cancel = threading.Event()

    def turn_away() -> None:
        while len(faulty_archive.requests) < 2:
            pass
        cancel.set()

    threading.Thread(target=turn_away).start()
    with pytest.raises(Cancelled):
        merged.login(TOKEN, cancel=cancel)
    assert merged.account.anonymous
    assert [merged.authorization(archive.url) for archive in merged.archives] == [{}, {}]


@pytest.mark.parametrize("words", [[], ["http://127.0.0.1:1", "http://127.0.0.1:1"], ["http://127.0.0.1:1", ""]])
def test_it_takes_two_archives_to_merge(words: list[str]) -> None:
    with pytest.raises(QueryError, match="two or more different archives"):
        open_archive(words)


def _observations(names: list[str], obsids: list[str], targets: list[str]) -> Table:
    return observations_table({"obs_id": names, "obsid": obsids, "target_name": targets}, archive="x")


def test_observations_are_matched_by_name_and_filled_from_who_knows() -> None:
    one = _observations(["a", "b"], ["1", "2"], ["", "ring"])
    two = _observations(["b", "c"], ["x", "y"], ["RING", "nebula"])
    table = merged_observations({0: one, 1: two}, ["mast", "esa"], archive="both")
    assert table["obs_id"].tolist() == ["a", "b", "c"]
    assert table["obsid"].tolist() == ["1|", "2|x", "|y"]
    assert table["target_name"].tolist() == ["", "ring", "nebula"]
    assert table["archives"].tolist() == ["mast", "mast, esa", "esa"]


def _products(uris: list[str], sizes: list[int], rights: list[str], parents: list[str]) -> Table:
    columns = {"dataURI": uris, "size": sizes, "dataRights": rights, "parent_obsid": parents, "obsID": parents}
    return products_table({**columns, "productFilename": [f"{uri}.fits" for uri in uris]}, archive="x")


def test_what_archives_say_differently_is_told() -> None:
    one = _products(["a", "b", "c"], [10, 20, -1], ["PUBLIC", "EXCLUSIVE_ACCESS", "PUBLIC"], ["1", "1", "2"])
    two = _products(["b", "c", "d"], [21, 30, 40], ["PUBLIC", "PUBLIC", "EXCLUSIVE_ACCESS"], ["x", "y", "y"])
    one["release"][:] = [60000.0, 60000.0, 60000.0]
    two["release"][:] = [60001.0, 60000.0 + 1e-6, np.nan]
    two["artifact_id"] = ["B", "C", "D"]
    ids = Ids(["1|x", "2|", "|y"], 2)
    table = merged_products({0: one, 1: two}, ["mast", "esa"], ids, archive="both")
    assert table["dataURI"].tolist() == ["a", "b", "c", "d"]
    assert table["size"].tolist() == [10, 20, 30, 40]
    assert table["dataRights"].tolist() == ["PUBLIC", "PUBLIC", "PUBLIC", "EXCLUSIVE_ACCESS"]
    assert table["differs"].tolist() == [
        "",
        (
            "size: mast 20 B, esa 21 B; access: mast exclusive access, esa public; "
            "release date: mast 2023-02-25 00:00:00, esa 2023-02-26 00:00:00"
        ),
        "",
        "",
    ]
    assert table["artifact_id"].tolist() == ["", "B", "C", "D"]
    assert table["parents"].tolist() == ["1|x", "1|x", "2|,|y", "|y"]
    assert table["archives"].tolist() == ["mast", "mast, esa", "mast, esa", "esa"]


def test_merging_keeps_nothing_found_a_table(local_archive: LocalArchive, names: tuple[str, str]) -> None:
    table = open_archive(names).observations(Query(program=99))
    assert len(table) == 0
    assert {"obs_id", "obsid", "archives"} <= set(table.colnames)


@pytest.fixture
def protocols(archive_url: str) -> tuple[str, str]:
    """The local archive, as MAST and as ESA speak."""
    return archive_url, f"{archive_url}/server"


def test_masts_numbers_choose_among_files_of_both(protocols: tuple[str, str]) -> None:
    merged = open_archive(protocols)
    numbered = open_archive(protocols[0]).observations(QUERY)
    number = int(numbered["obsid"][1])
    query = QUERY.replace(obsids=(number,))
    observations = merged.observations(query)
    assert observations.meta["warnings"] == []
    products = merged.products(observations)
    (name,) = [text for text in observations["obsid"].tolist() if text.startswith(f"{number}|")]
    uuid = name.partition("|")[2]
    expected = select(products, obsids=number, guidestars=True)
    assert 0 < len(expected) < len(products)
    for way in (str(number), uuid, name, [f"{number}|"]):
        assert select(products, obsids=way, guidestars=True)["dataURI"].tolist() == expected["dataURI"].tolist()
    alone = select(products, obsid_range=(number, number), guidestars=True)
    assert alone["dataURI"].tolist() == expected["dataURI"].tolist()
    theirs = open_archive(protocols[0]).products([str(number)])
    assert set(theirs["dataURI"]) <= set(expected["dataURI"])


def test_masts_numbers_alone_are_asked_of_mast_and_that_is_said(protocols: tuple[str, str]) -> None:
    number = int(open_archive(protocols[0]).observations(QUERY)["obsid"][0])
    table = open_archive(protocols).observations(Query(obsids=[number]))
    assert len(table) == 1
    (warning,) = table.meta["warnings"]
    assert "an obsid is MAST's number" in warning


def test_a_count_of_few_is_exact_and_of_many_says_at_least(
    protocols: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    merged = open_archive(protocols)
    number = merged.count(QUERY)
    assert number == len(merged.observations(QUERY))
    assert not isinstance(number, AtLeast)
    each = [open_archive(word).observations(QUERY)["obs_id"].tolist() for word in protocols]
    assert number == len({name for names in each for name in names})
    monkeypatch.setattr("jwstmq_widgets.archives.merged._FEW", 3)
    assert isinstance(merged.count(QUERY), AtLeast)
    down = open_archive([DEAD, protocols[1]]).count(QUERY)
    assert isinstance(down, AtLeast)
    assert down == open_archive(protocols[1]).count(QUERY)
