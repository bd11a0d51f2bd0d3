"""Typed values in ADQL: they stay values, whatever they hold."""

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from jwstmq_widgets.archives.tap.adqltext import all_of, any_of, column, like, literal, number, one_of, polygon
from jwstmq_widgets.errors import QueryError

ATTEMPTS = (
    "'",
    "''",
    "' OR '1'='1",
    "'; DROP TABLE jwst.main; --",
    "x' UNION SELECT artifactid FROM jwst.artifact --",
    "\\' OR 1=1 --",
    "x'/*",
    "*/ x",
    '" OR ""="',
    "%' ESCAPE '\\",
    "N'x",
    "\N{FULLWIDTH APOSTROPHE}x",
    "\N{MODIFIER LETTER APOSTROPHE}x",
)
"""Texts that would do harm, were they put into a query as they are."""


@pytest.mark.parametrize("text", ATTEMPTS)
def test_a_text_stays_one_text(text):
    [parsed] = sqlglot.parse(f"SELECT {literal(text)} AS x", read="sqlite")
    [value] = parsed.find_all(sqlglot.exp.Literal)
    assert value.this == text


@given(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=60))
def test_any_printable_text_stays_one_text(text):
    [parsed] = sqlglot.parse(f"SELECT {literal(text)} AS x", read="sqlite")
    assert [value.this for value in parsed.find_all(sqlglot.exp.Literal)] == [text]


@pytest.mark.parametrize("text", ["a\x00b", "a\nb", "\x1b[2J", "x" * 1001, "\u202e"])
def test_what_cannot_be_printed_is_refused(text):
    with pytest.raises(QueryError, match="cannot be put into ADQL"):
        literal(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(QueryError, match="not a finite number"):
        number(value)


def test_numbers_keep_all_their_digits():
    assert float(number(59733.123456789)) == 59733.123456789
    assert number(1e-7) == "1e-07"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("target_name", "target_name"),
        ("public", '"public"'),
        ("a b", '"a b"'),
        ('x" FROM y --', '"x"" FROM y --"'),
        ("1st", '"1st"'),
    ],
)
def test_a_name_is_quoted_where_it_must(name, written):
    assert column(name) == written


@pytest.mark.parametrize("name", ["", "a\x00", "x" * 129])
def test_what_cannot_be_a_name_is_refused(name):
    with pytest.raises(QueryError, match="cannot be the name"):
        column(name)


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("NGC-*", "t ILIKE 'NGC-%'"),
        ("NGC-%", "t ILIKE 'NGC-%'"),
        ("*a**b*", "t ILIKE '%a%b%'"),
        ("a_b", "t ILIKE 'a_b'"),
        ("a\\", "t ILIKE 'a_'"),  # a backslash at the end is an error to PostgreSQL, elsewhere it is a character
        ("O'Neill", "t ILIKE 'O''Neill'"),
    ],
)
def test_a_pattern_has_no_sign_that_services_read_differently(pattern, written):
    assert like("t", pattern) == written


def test_no_values_are_no_rows():
    assert one_of("t", []) == "1 = 0"
    assert one_of("t", ["a"]) == "t = 'a'"
    assert one_of("t", ["a", "b'"]) == "t IN ('a', 'b''')"


def test_conditions_are_joined_with_brackets_where_they_need_them():
    assert all_of(["a", "", any_of(["b", "c"])]) == "a AND (b OR c)"
    assert any_of(["b"]) == "b"
    assert any_of([]) == all_of([]) == ""


def test_a_polygon_has_its_corners():
    assert polygon([(1.0, 2.0), (3.5, -4.0), (5.0, 6.0)]) == "POLYGON('ICRS', 1.0, 2.0, 3.5, -4.0, 5.0, 6.0)"
