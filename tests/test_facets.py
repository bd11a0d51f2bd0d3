"""Facets: counts under a choice, and which rows pass."""

from collections.abc import Collection, Mapping

import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.tables.facets import FACETS, STATE_KINDS, Facets, FacetValue, facet_name
from tests.survey import survey

NOW = 61_365.0
ROW = np.arange(400)
HERE = STATE_KINDS.index("here")


@pytest.fixture(scope="module")
def table() -> Table:
    return survey(400)


@pytest.fixture(scope="module")
def facets(table: Table) -> Facets:
    return Facets(table, now=NOW)


def counts(found: Mapping[str, list[FacetValue]], name: str) -> dict[str, int]:
    return {item.value: item.count for item in found[name]}


def test_without_a_choice_each_value_has_its_files_and_bytes(facets: Facets, table: Table) -> None:
    found = facets.counts({})
    assert counts(found, "detector") == dict.fromkeys(("mirimage", "nrcalong", "nrcb4", "nrs1"), 100)
    assert counts(found, "observation") == {"1": 100, "2": 100, "3": 100, "4": 100}
    assert sum(item.size for item in found["type"]) == table["size"][table["size"] > 0].sum()
    assert counts(found, "state") == {"": 400}


def test_a_choice_narrows_the_others_and_not_itself(facets: Facets) -> None:
    found = facets.counts({"detector": {"nrs1"}, "type": {"_cal.fits", "_rate.fits"}})
    assert counts(found, "detector") == dict.fromkeys(("mirimage", "nrcalong", "nrcb4", "nrs1"), 40)
    assert sum(counts(found, "type").values()) == 100
    assert counts(found, "filter") == {"CLEAR;F090W": 0, "CLEAR;PRISM": 0, "F444W;GRISMR": 40, "F770W": 0}


def test_other_filters_narrow_all(facets: Facets) -> None:
    found = facets.counts({}, within=ROW < 8)
    assert counts(found, "detector") == dict.fromkeys(("mirimage", "nrcalong", "nrcb4", "nrs1"), 2)


def test_states_are_a_facet_like_any(facets: Facets) -> None:
    states = np.zeros(400, dtype=np.int8)
    states[:8] = HERE
    found = facets.counts({"state": {"here"}}, states=states)
    assert counts(found, "state") == {"": 392, "here": 8}
    assert counts(found, "detector")["nrs1"] == 2
    passing = facets.passing({"state": {"here"}, "detector": {"nrs1"}}, states=states)
    assert passing is not None
    assert np.flatnonzero(passing).tolist() == [2, 6]


def test_a_chosen_value_that_is_gone_stays_as_a_choice_to_lift(facets: Facets) -> None:
    chosen = [item for item in facets.counts({"detector": {"nis"}})["detector"] if item.chosen]
    assert chosen == [FacetValue(value="nis", count=0, size=0, chosen=True, whole=0)]


def test_no_choice_passes_everything(facets: Facets) -> None:
    assert facets.passing({"detector": ()}) is None
    assert facets.narrowing({}, (), {}) is None


def test_an_empty_table_has_no_values() -> None:
    empty = Facets(survey(0), now=NOW)
    assert set(empty.counts({})) == set(FACETS)
    assert not any(empty.counts({}).values())
    passing = empty.passing({"type": {"_cal.fits"}})
    assert passing is not None
    assert not len(passing)


def test_the_mode_is_that_of_the_observation_it_was_listed_for() -> None:
    table = survey(4)
    table["parent_obsid"] = ["1", "1", "2", "3"]
    table["parents"] = ["1,2", "1", "2", "3"]
    facets = Facets(table, observations=Table({"obsid": ["1", "2"], "mode": ["image", "ifu"]}), now=NOW)
    assert counts(facets.counts({}), "mode") == {"": 1, "ifu": 1, "image": 2}
    listed = facets.listed({"2"})
    assert listed is not None
    assert listed.tolist() == [True, False, True, False]


def test_a_facet_that_does_not_exist_is_a_wrong_question() -> None:
    with pytest.raises(QueryError, match="there is no facet 'colour'; choose one of program"):
        facet_name("colour")


choices = st.dictionaries(
    st.sampled_from(["detector", "type", "stage", "access", "observation"]),
    st.sets(st.sampled_from(["nrs1", "mirimage", "_cal.fits", "_crf.fits", "2b", "1b", "public", "planned", "2", "9"])),
)


@settings(max_examples=60, deadline=None)
@given(chosen=choices, cut=st.integers(0, 400))
def test_counts_are_those_of_the_rows_that_pass(chosen: Mapping[str, Collection[str]], cut: int) -> None:
    facets, within = Facets(survey(400), now=NOW), cut > ROW
    found = facets.counts(chosen, within=within)
    for name, items in found.items():
        rest = {other: values for other, values in chosen.items() if other != name}
        for item in items:
            passing = facets.passing({**rest, name: {item.value}})
            assert passing is not None
            assert item.count == np.count_nonzero(passing & within)
