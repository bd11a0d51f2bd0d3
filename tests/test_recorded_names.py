"""File names that nobody here made up, of all kinds: a few are committed, thousands lie beside some repositories."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jwstmq_widgets.filenames import NAME_COLUMNS, ProductName, name_columns, parse_name
from jwstmq_widgets.tables.namecolumns import name_arrays
from tests.test_properties import common

COMMITTED = (Path(__file__).parent / "payloads/filenames.txt").read_text().split()
RECORDED = Path(__file__).parents[2] / "shared/data/filenames_recorded.json"
NAMES = sorted({*COMMITTED, *(json.loads(RECORDED.read_text())["names"] if RECORDED.is_file() else ())})
KINDS = {"exposure", "stage3", "guidestar", "association", "pool", "msa"}


def start_of(name: ProductName) -> str:
    """Write the part of a name that tells program, observation and visit, from the numbers that were read."""
    if name.visit is not None:
        return f"jw{name.program:05}{name.observation:03}{name.visit:03}_"
    return f"jw{name.program:05}" + (f"-{name.association}_" if name.association else "_")


def test_the_committed_names_are_of_all_kinds() -> None:
    parsed = [parse_name(name) for name in COMMITTED]
    assert {name.kind for name in parsed if name is not None} == KINDS
    assert {name.extension for name in parsed if name is not None} >= {"fits", "jpg", "png", "json", "csv", "ecsv"}


def test_every_recorded_name_is_of_the_grammar_and_gives_back_its_parts() -> None:
    for text in NAMES:
        name = parse_name(text)
        assert name is not None, text
        assert text.startswith(start_of(name))
        # wfscmb-04: the activity stands behind the suffix there
        behind = f"-{name.activity}" if name.kind == "stage3" and name.activity else ""
        assert text.endswith(name.filetype.replace(".", f"{behind}."))
        for part in (name.association, name.target, name.optical_elements, name.stamp, name.activity):
            assert part in text
        assert name.exposure is None or f"_{name.exposure:05}" in text
        assert name.segment is None or f"-seg{name.segment:03}_" in text
        spelled = {name.detector, name.detector.replace("long", "5")}
        assert name.detector == "" or any(f"_{detector}_" in text for detector in spelled)
        assert name.stage or name.kind in {"association", "pool", "msa"} or name.suffix in {"ramp", "asn"}, text


def test_columns_of_recorded_names_are_their_parts_however_they_are_derived() -> None:
    slow, fast = name_columns(NAMES), name_arrays(NAMES)
    parsed = [parse_name(text) for text in NAMES]
    for column in NAME_COLUMNS:
        values = [getattr(name, column) for name in parsed]
        missing = -1 if column in {"observation", "visit", "exposure"} else None
        assert slow[column] == [missing if value is None else value for value in values]
        assert fast[column].tolist() == slow[column]


@settings(common, max_examples=400)
@given(st.sampled_from(NAMES), st.data())
def test_a_recorded_name_with_a_character_that_no_name_has_is_rejected(text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(text)))
    wrong = data.draw(st.sampled_from(["/", "\\", " ", "\n", "\0", "é", "A", "%", "..", "٣"]))
    assert parse_name(text[:place] + wrong + text[place:]) is None


@settings(common, max_examples=400)
@given(st.sampled_from(NAMES), st.data())
def test_a_piece_of_a_recorded_name_is_no_name(text: str, data: st.DataObject) -> None:
    cut = data.draw(st.integers(1, text.rindex(".")))
    assert parse_name(text[:cut]) is None
    assert parse_name(text[cut:]) is None


@pytest.mark.skipif(not RECORDED.is_file(), reason="the recorded names do not lie beside this repository")
def test_thousands_of_recorded_names_were_tried() -> None:
    assert len(NAMES) > 5000
