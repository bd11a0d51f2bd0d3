"""Ticks and states by row behave as the set and the mapping that they are."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jwstmq_widgets.exploration.files import FileIndex, FileState, FileStates, Ticks

URIS = [f"mast:JWST/product/{number}.fits" for number in range(12)]
SOME = st.lists(st.sampled_from([*URIS, "mast:JWST/product/of_another_table.fits"]), max_size=20)
STATES = st.builds(
    FileState,
    kind=st.sampled_from(FileStates.kinds),
    fraction=st.sampled_from([0.0, 0.5, 1.0]),
    message=st.sampled_from(["", "refused"]),
)


def ticks(uris: list[str], index: FileIndex | None = None) -> Ticks:
    index = index or FileIndex(np.array(URIS))
    return Ticks(index).with_rows(index.rows(uris), on=True)


@given(one=SOME, other=SOME)
def test_ticks_are_a_set(one: list[str], other: list[str]) -> None:
    ticked, plain = ticks(one), frozenset(one) & frozenset(URIS)
    assert ticked == plain
    assert plain == ticked
    assert (len(ticked), set(ticked), bool(ticked)) == (len(plain), plain, bool(plain))
    assert [uri in ticked for uri in [*URIS, "x", None]] == [uri in plain for uri in [*URIS, "x", None]]
    more = ticks(other, ticked.index)
    theirs = frozenset(other) & frozenset(URIS)
    for mine, its in (
        (ticked | more, plain | theirs), (ticked & more, plain & theirs),
        (ticked - more, plain - theirs), (ticked ^ more, plain ^ theirs),
    ):  # fmt: skip
        assert mine == its
    assert (ticked == more) == (plain == theirs)


@given(one=SOME, changes=SOME)
def test_ticking_unticking_and_inverting_leave_the_ticks_before_alone(one: list[str], changes: list[str]) -> None:
    before = ticks(one)
    plain = frozenset(before)
    rows = np.unique(before.index.rows(changes))
    known = frozenset(changes) & frozenset(URIS)
    assert before.with_rows(rows, on=True) == plain | known
    assert before.with_rows(rows, on=False) == plain - known
    assert before.inverted(rows) == plain ^ known
    assert before.inverted() == frozenset(URIS) - plain
    assert before == plain


def test_ticks_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ticks(URIS[:2]).mask[5] = True


def test_a_change_that_changes_nothing_is_the_same_value() -> None:
    ticked = ticks(URIS[:2])
    assert ticked.with_rows([0, 1], on=True) is ticked


@given(one=SOME, kept=st.lists(st.sampled_from(URIS), unique=True))
def test_another_table_keeps_the_ticks_of_files_that_it_has(one: list[str], kept: list[str]) -> None:
    assert ticks(one).moved(FileIndex(np.array(kept, dtype=str))) == frozenset(one) & frozenset(kept)


@given(one=st.dictionaries(st.sampled_from(URIS), STATES), changes=st.dictionaries(st.sampled_from(URIS), STATES))
def test_states_are_a_mapping(one: dict[str, FileState], changes: dict[str, FileState]) -> None:
    index = FileIndex(np.array(URIS))
    before = FileStates(index).changed(one)
    after = before.changed(changes | {"mast:JWST/product/of_another_table.fits": FileState(kind="here")})
    for states, plain in ((before, one), (after, one | changes)):
        assert states == plain
        assert len(states) == len(plain)
        assert {uri: states.get(uri) for uri in URIS} == {uri: plain.get(uri) for uri in URIS}
    with pytest.raises(KeyError):
        before["x"]


@pytest.mark.parametrize("index", [FileIndex(()), FileIndex(np.array([], dtype=str))])
def test_a_table_without_files_has_no_ticks_and_no_states(index: Any) -> None:
    assert (len(Ticks(index)), list(Ticks(index)), dict(FileStates(index))) == (0, [], {})
    assert Ticks(index).with_rows(slice(None), on=False) == frozenset()
