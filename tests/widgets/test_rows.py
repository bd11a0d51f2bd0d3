"""Arranging, blocks, ticks and sums, up to 1,000,000 rows."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

import numpy as np
import pytest
from astropy.table import Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.widgets.grids.conditions import number_condition, text_condition
from jwstmq_widgets.widgets.grids.rows import Arrangement, Rows
from jwstmq_widgets.widgets.grids.textcolumn import TextColumn
from tests.survey import survey

NOW = 61_365.0
LONG = 1_000_000


@dataclass(frozen=True, kw_only=True)
class State:
    kind: str
    fraction: float = 0.0
    message: str = ""


@pytest.fixture(scope="module")
def table() -> Table:
    return survey(400)


@pytest.fixture
def rows(table: Table) -> Rows:
    return Rows(table, now=NOW)


@pytest.fixture(scope="module")
def many() -> Rows:
    return Rows(survey(LONG), now=NOW)


def arranged(
    rows: Rows,
    arrangement: Arrangement,
    *,
    ticked: Set[str] = frozenset(),
    states: Mapping[str, State] | None = None,
) -> tuple[np.ndarray, dict[str, str]]:
    rows.look_at(ticked, states or {})
    passes, problems = rows.passing(arrangement)
    return rows.ordered(passes, arrangement.sort), problems


def found(rows: Rows, *, search: str = "", states: Mapping[str, State] | None = None, **filters: str) -> list[int]:
    index, problems = arranged(rows, Arrangement(filters=tuple(filters.items()), search=search), states=states)
    assert not problems
    return index.tolist()


def where(test: object) -> list[int]:
    return np.flatnonzero(test).tolist()


ROW = np.arange(400)


def test_nothing_asked_gives_every_row_in_the_tables_order(rows: Rows) -> None:
    assert found(rows) == ROW.tolist()


def test_search_wants_every_word_in_some_text_whatever_its_case(rows: Rows) -> None:
    assert found(rows, search="MIRIMAGE rate") == where((ROW % 4 == 0) & (ROW % 5 == 1))
    assert found(rows, search="smacs") == where(ROW % 4 == 1)


def test_a_search_of_signs_is_a_search_of_texts(rows: Rows) -> None:
    assert found(rows, search="<img") == where(ROW % 4 == 2)
    assert found(rows, search=".*") == []


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("cal", (ROW % 5 == 0) | (ROW % 5 == 2) | (ROW % 5 == 3)),
        ("^_cal", (ROW % 5 == 0) | (ROW % 5 == 3)),
        ("^_CAL.fits$", ROW % 5 == 0),
        (".jpg$", ROW % 5 == 3),
        ("rate, crf", (ROW % 5 == 1) | (ROW % 5 == 4)),
        ("!jpg", ROW % 5 != 3),
        ("_cal, !jpg", ROW % 5 == 0),
        (" , ", ROW >= 0),
    ],
)
def test_a_text_filter_passes_what_it_says(rows: Rows, typed: str, expected: object) -> None:
    assert found(rows, type=typed) == where(expected)


UNKNOWN = ROW % 17 == 3


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("> 100 kB", (ROW > 100) & ~UNKNOWN),
        (">= 100 kB", (ROW >= 100) & ~UNKNOWN),
        ("<0.1", (ROW < 100) & ~UNKNOWN),
        ("0.1", (ROW >= 100) & ~UNKNOWN),
        ("20-30 kB", (ROW >= 20) & (ROW <= 30) & ~UNKNOWN),
        ("20kb..0.03 MB", (ROW >= 20) & (ROW <= 30) & ~UNKNOWN),
        ("unknown", UNKNOWN),
        ("unknown, < 5 kB", UNKNOWN | (ROW < 5)),
    ],
)
def test_a_size_filter_passes_what_it_says(rows: Rows, typed: str, expected: object) -> None:
    assert found(rows, size=typed) == where(expected)


def test_a_number_alone_is_that_number(rows: Rows) -> None:
    assert found(rows, observation="1, 3-4") == where((ROW < 100) | (ROW >= 200))


def test_a_filter_that_cannot_be_read_passes_everything_and_says_what_would_do(rows: Rows) -> None:
    index, problems = arranged(rows, Arrangement(filters=(("size", "big"), ("detector", "nrs1"))))
    assert index.tolist() == where(ROW % 4 == 2)
    assert problems == {"size": "'big' is no filter for Size; write for example > 10 MB, 5-40 MB or unknown."}


@pytest.mark.parametrize("typed", ["big", "> ", "3 light years", "1-2-3", "10 MB x"])
def test_what_is_no_number_is_a_question_that_is_wrong(typed: str) -> None:
    with pytest.raises(QueryError) as caught:
        number_condition(typed, column="Size", size=True)
    assert caught.value.field == "Size"


def test_signs_alone_are_no_filter() -> None:
    assert text_condition("^, $, !, ^$").parts == ()


def test_access_is_filtered_by_its_words(rows: Rows) -> None:
    planned = ROW % 13 == 5
    assert found(rows, access="planned") == where(planned)
    assert found(rows, access="exclusive until") == where((ROW % 9 == 2) & ~planned)


def test_the_state_here_does_not_find_not_here(rows: Rows, table: Table) -> None:
    uris = table["dataURI"].tolist()
    states = {uris[7]: State(kind="here", fraction=1.0), uris[9]: State(kind="failed")}
    assert found(rows, states=states, state="here") == [7]
    assert found(rows, states=states, state="failed, here") == [7, 9]
    assert len(found(rows, states=states, state="not here")) == 398


def test_sizes_sort_as_numbers_with_unknown_ones_last_both_ways(rows: Rows) -> None:
    for descending in (False, True):
        index, _ = arranged(rows, Arrangement(sort=(("size", descending),)))
        known = np.flatnonzero(~UNKNOWN)
        assert index[: len(known)].tolist() == (known[::-1] if descending else known).tolist()
        assert set(index[len(known) :].tolist()) == set(where(UNKNOWN))


def test_several_columns_sort_one_within_the_other(rows: Rows, table: Table) -> None:
    index, _ = arranged(rows, Arrangement(sort=(("detector", False), ("type", True), ("size", True))))
    got = [(table["detector"][row], table["filetype"][row]) for row in index]
    assert [detector for detector, _ in got] == sorted(table["detector"])
    first = [filetype for detector, filetype in got if detector == "mirimage"]
    assert first == sorted(first, reverse=True)


def test_equal_rows_keep_their_order(rows: Rows) -> None:
    index, _ = arranged(rows, Arrangement(sort=(("program", True),)))
    assert index.tolist() == ROW.tolist()


def test_ticked_rows_sort_first(rows: Rows, table: Table) -> None:
    ticked = frozenset(table["dataURI"][[30, 200]].tolist())
    index, _ = arranged(rows, Arrangement(sort=(("tick", False),)), ticked=ticked)
    assert index[:3].tolist() == [30, 200, 0]


def test_a_block_gives_texts_as_they_are(rows: Rows) -> None:
    block = rows.block(np.array([2, 3]), ticked=frozenset(), states={})
    assert block["file"] == [
        "jw02730000002001_02101_00001_nrs1_uncal.fits",
        "jw02730000003001_02101_00001_nrcb4_cal.jpg",
    ]
    assert block["target"] == ["<img src=x onerror=alert(1)>", "UNKNOWN"]
    assert block["size"] == ["2.0 kB", "–"]
    assert block["access"] == ["exclusive", "public"]
    assert [len(values) for values in block.values()] == [2] * len(block)


def test_a_block_tells_ticks_and_states(rows: Rows, table: Table) -> None:
    uris = table["dataURI"].tolist()
    states = {uris[1]: State(kind="running", fraction=0.427), uris[2]: State(kind="failed", message="no route")}
    block = rows.block(np.array([1, 2]), ticked=frozenset({uris[2]}), states=states)
    assert [block[name] for name in ("ticked", "state", "percent", "note")] == [
        [0, 1],
        ["running", "failed"],
        [42, 0],
        ["", "no route"],
    ]


def test_the_sums_are_of_the_ticked_rows_and_of_all_where_none_is_ticked(rows: Rows, table: Table) -> None:
    uris = table["dataURI"].tolist()
    states = {uris[2]: State(kind="here", fraction=1.0)}
    some = rows.summary(ticked=frozenset(uris[1:4]) | {"elsewhere"}, states=states)
    assert (some.files, some.ticked, some.size, some.unknown, some.here, some.exclusive) == (400, 3, 3000, 1, 1, 1)
    everything = rows.summary(ticked=frozenset(), states=states)
    assert (everything.ticked, everything.unknown, everything.here) == (0, UNKNOWN.sum(), 1)
    assert everything.size == (ROW[~UNKNOWN] * 1000).sum()


def test_sums_follow_ticks_and_states_that_come_and_go(rows: Rows, table: Table) -> None:
    uris = table["dataURI"].tolist()
    here = {uri: State(kind="here") for uri in uris[:10]}
    assert rows.summary(ticked=frozenset(uris[:20]), states=here).here == 10
    assert rows.summary(ticked=frozenset(uris[5:25]), states=here).here == 5
    later = rows.summary(ticked=frozenset(uris[5:25]), states={uris[5]: State(kind="failed")})
    assert (later.ticked, later.here) == (20, 0)


def test_an_empty_table_has_no_rows_and_no_sums() -> None:
    rows = Rows(survey(0), now=NOW)
    index, problems = arranged(
        rows,
        Arrangement(sort=(("file", True), ("size", False)), filters=(("type", "cal"), ("size", "> 1")), search="x"),
    )
    assert len(index) == 0
    assert not problems
    assert rows.block(index, ticked=frozenset({"a"}), states={})["uri"] == []
    assert rows.summary(ticked=frozenset({"a"}), states={}).files == 0


def test_a_million_rows_are_filtered_and_sorted(many: Rows) -> None:
    index, _ = arranged(
        many, Arrangement(sort=(("size", True), ("file", False)), filters=(("detector", "nrs1"),), search="uncal")
    )
    assert len(index) == LONG / 20
    assert np.all(index % 20 == 2)
    sizes = many.block(index[:2], ticked=frozenset(), states={})["size"]
    assert sizes == ["1.0 GB", "1.0 GB"]


def test_a_million_names_sort_as_python_sorts_them(many: Rows) -> None:
    index, _ = arranged(many, Arrangement(sort=(("file", True),)))
    assert index.tolist() == list(range(LONG - 1, -1, -1))


def test_a_million_ticks_are_counted(many: Rows) -> None:
    uris = frozenset(many.uris(np.arange(LONG)))
    assert many.summary(ticked=uris, states={}).ticked == LONG
    one_less = uris - {next(iter(uris))}
    assert many.ticked(np.arange(LONG), ticked=one_less) == LONG - 1


@pytest.mark.parametrize("kind", ["U", "O"])
def test_texts_beyond_ascii_are_found_sorted_and_looked_up(kind: str) -> None:
    texts = ["NGC 3132", "Ω Centauri", "", "ngc 3132 ", "é"]
    column = TextColumn(np.array(texts, dtype=object if kind == "O" else None))
    assert column.contains("ngc").tolist() == [True, False, False, True, False]
    assert column.contains("Ω").tolist() == [False, True, False, False, False]
    assert column.ranks.tolist() == np.argsort(np.argsort([text.lower().encode() for text in texts])).tolist()
    assert column.find(["é", "nowhere", "NGC 3132"]).tolist() == [4, -1, 0]


def test_a_text_longer_than_all_others_is_found_whole() -> None:
    long = "x" * 10_000
    column = TextColumn(["a", long, "b"], fold=False)
    assert column.find([long, "x" * 9_999]).tolist() == [1, -1]


def test_the_archives_of_a_merged_list_are_a_column_that_flags_what_differs(table: Table) -> None:
    alone = Rows(table, now=NOW)
    assert "archives" in alone.lacking
    assert "archives" not in alone.block(ROW[:2], ticked=frozenset(), states={})
    assert found(alone, archives="esa") == []
    merged = table.copy()
    merged["archives"] = np.where(ROW % 2, "mast", "mast, esa")
    merged["differs"] = np.where(ROW == 4, "size: mast 20 B, esa 21 B", "")
    rows = Rows(merged, now=NOW)
    assert rows.lacking == ()
    assert rows.block(ROW[3:6], ticked=frozenset(), states={})["archives"] == [
        "mast",
        "≠ differs: mast, esa; size: mast 20 B, esa 21 B",
        "mast",
    ]
    assert found(rows, archives="esa") == where(ROW % 2 == 0)
    assert found(rows, archives="differs") == found(rows, archives="≠") == [4]
    assert rows.ordered(None, (("archives", True),))[0] == 4
