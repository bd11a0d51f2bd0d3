"""Conditions on instrument keywords, before any archive is asked."""

import pickle
from typing import Any

import numpy as np
import pytest

import jwstmq_widgets as jw
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query.keywords import Keywords, read_keywords, read_term


@pytest.mark.parametrize(
    ("given", "terms"),
    [
        ("MIR_IMAGE", ("MIR_IMAGE",)),
        ("F770W,F1130W", ("F770W", "F1130W")),
        (["F770W", "F1130W", "F770W"], ("F770W", "F1130W")),
        (">=100", (">=100",)),
        (">= 100", (">=100",)),
        ("100 .. 200", ("100..200",)),
        ("100..", (">=100",)),
        ("..200", ("<=200",)),
        ("!FASTR1", ("!FASTR1",)),
        ("!=FASTR1", ("!FASTR1",)),
        ("! F7*", ("!F7*",)),
        ("!100..200", ("!100..200",)),
        (100, ("100",)),
        (2.5, ("2.5",)),
        (np.int64(3), ("3",)),
        (-5, ("-5",)),
        (True, ("t",)),
        (None, ("null",)),
        ("!NULL", ("!null",)),
        ("2022-06-01..2022-07-01", ("2022-06-01..2022-07-01",)),
    ],
)
def test_a_value_is_read_however_it_is_written(given: Any, terms: tuple[str, ...]) -> None:
    assert read_keywords({"name": given})["name"] == terms
    assert read_keywords({"name": terms})["name"] == terms


@pytest.mark.parametrize(
    "given",
    [
        {"exp_type": "MIR_IMAGE", "effexptm": ">=100", "readpatt": "!FASTR1"},
        ["exp_type=MIR_IMAGE", "effexptm>=100", "readpatt!=FASTR1"],
        "exp_type = MIR_IMAGE; effexptm >= 100; readpatt=!FASTR1;",
        [("exp_type", "MIR_IMAGE"), ("effexptm", ">=100"), ("readpatt", "!FASTR1")],
    ],
)
def test_keywords_are_one_value_however_they_are_given(given: Any) -> None:
    keywords = read_keywords(given)
    assert keywords == Keywords({"exp_type": ("MIR_IMAGE",), "effexptm": (">=100",), "readpatt": ("!FASTR1",)})
    assert str(keywords) == "exp_type MIR_IMAGE · effexptm >=100 · readpatt !FASTR1"


def test_a_comma_in_a_name_of_a_person_does_not_divide_it() -> None:
    assert read_keywords({"pi_name": "Pontoppidan, Klaus M."})["pi_name"] == ("Pontoppidan*Klaus M.",)


@pytest.mark.parametrize(
    "given",
    [
        5,
        "exp_type",
        ["exp_type"],
        [("a", "b", "c")],
        {"": "x"},
        {"exp type": "x"},
        {1: "x"},
        {"x'; DROP": "x"},
        {"x": ""},
        {"x": []},
        {"x": " , "},
        {"x": "!"},
        {"x": ">="},
        {"x": ".."},
        {"x": "1..>3"},
        {"x": ">=!3"},
        {"x": "200..100"},
        {"x": "a\nb"},
        {"x": "a\x00b"},
        {"x": "a" * 201},
        {"x": float("nan")},
        {"x": {"y": "z"}},
        {"x": [["y"]]},
        {"x": object()},
        {"x": "null,F770W"},
        {"x": [f"F{number}" for number in range(1001)]},
        {"x": "1", "X": "2"},
        ["x>=1", "x<5"],
    ],
)
def test_what_cannot_be_asked_is_told_with_an_example(given: Any) -> None:
    with pytest.raises(QueryError, match="exp_type") as caught:
        jw.Query(keywords=given)
    assert caught.value.field == "keywords"


def test_a_query_with_keywords_is_a_value() -> None:
    query = jw.Query(program=2733, keywords={"filter": ["F770W", "F1130W"], "nints": 2})
    assert query == jw.Query(program=2733, keywords="nints=2;filter=F770W,F1130W")
    assert hash(query) == hash(query.replace(keywords="nints=2;filter=F770W,F1130W"))
    assert eval(query.to_code(), {"jw": jw}) == query
    assert pickle.loads(pickle.dumps(query)) == query
    assert not jw.Query(keywords={"nints": 2}).empty
    assert jw.Query(keywords={}) == jw.Query(keywords=None) == jw.Query()


def test_a_query_with_keywords_reads_back_from_its_configuration(tmp_path: Any) -> None:
    query = jw.Query(
        program=2733, keywords={"filter": ["F770W", "F1130W"], "nints": 2, "lamp": None, "effexptm": "!1e2..2e2"}
    )
    file = tmp_path / "jwst_query.cfg"
    file.write_text(query.to_config())
    assert jw.Query.from_config(file) == query


@pytest.mark.parametrize("text", ["x", "!x", ">=1", "<1", "1..2", "!1..2", "F*", "!F*", "null", "!null"])
def test_a_term_reads_back_from_its_text(text: str) -> None:
    assert str(read_term(text)) == text
