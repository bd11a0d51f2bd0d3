"""ADQL: what it means, what is refused, and that nothing else than a SELECT can ever be done with it."""

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from jwstmq_widgets.localarchive.adql import AdqlError, engine
from jwstmq_widgets.localarchive.holdings.taptables import TapColumn, TapResult, Upload


def _column(name: str, datatype: str = "char", **more: str) -> TapColumn:
    return TapColumn(name=name, datatype=datatype, arraysize="*" if datatype == "char" else "", **more)


_TABLES = {
    "sky.stars": (
        _column("name", description="Name of the star"),
        _column("ra", "double", unit="deg", ucd="pos.eq.ra"),
        _column("dec", "double", unit="deg", ucd="pos.eq.dec"),
        _column("mag", "float", unit="mag"),
        _column("public", "boolean"),
        _column("field", "int"),
    ),
    "sky.fields": (_column("field", "int"), _column("label"), _column("outline")),
}
_STARS = [
    ("Alpha", 359.9, 10.0, 1.5, 1, 1),
    ("beta", 0.1, 10.0, 2.5, 0, 1),
    ("Gamma", 180.0, 89.9, 3.5, 1, 2),
    ("O'Delta", 0.0, 89.95, None, None, 3),
    ("50%_off", 45.0, -30.0, 5.5, 1, None),
]
_FIELDS = [
    (1, "meridian", "Polygon 359.0 9.0 1.0 9.0 1.0 11.0 359.0 11.0"),
    (2, "pole", "Polygon 0.0 89.0 120.0 89.0 240.0 89.0"),
    (4, "nothing", None),
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("adql") / "sky.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(
        'CREATE TABLE "sky.stars" (name TEXT, ra REAL, dec REAL, mag REAL, public INTEGER, field INTEGER, hidden TEXT)'
    )
    connection.executemany('INSERT INTO "sky.stars" VALUES (?, ?, ?, ?, ?, ?, ?)', [(*row, "secret") for row in _STARS])
    connection.execute('CREATE TABLE "sky.fields" (field INTEGER, label TEXT, outline TEXT)')
    connection.executemany('INSERT INTO "sky.fields" VALUES (?, ?, ?)', _FIELDS)
    connection.execute("CREATE TABLE account (name TEXT, password TEXT)")
    connection.execute("INSERT INTO account VALUES ('admin', 'secret')")
    connection.commit()
    connection.close()
    return path


@pytest.fixture(scope="module")
def ask(database: Path) -> Iterator["_Ask"]:
    before = database.read_bytes()
    yield _Ask(database)
    assert database.read_bytes() == before


class _Ask:
    def __init__(self, path: Path) -> None:
        self._path = path

    def result(
        self,
        adql: str,
        *,
        maxrec: int | None = None,
        uploads: dict[str, Upload] | None = None,
        cancel: threading.Event | None = None,
        longest: float = 30.0,
    ) -> TapResult:
        return engine.run(
            self._path, adql, _TABLES, maxrec=maxrec, uploads=uploads or {}, cancel=cancel, longest=longest
        )

    def __call__(self, adql: str) -> list[tuple[object, ...]]:
        return self.result(adql).rows

    def error(self, adql: str) -> str:
        with pytest.raises(AdqlError) as caught:
            self.result(adql)
        return str(caught.value)


# What queries mean ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("adql", "rows"),
    [
        ("SELECT name FROM sky.stars WHERE field = 1 ORDER BY name", [("Alpha",), ("beta",)]),
        ("select NAME from SKY.STARS where FIELD = 1 order by 1 desc", [("beta",), ("Alpha",)]),
        ("SELECT TOP 2 name FROM sky.stars ORDER BY mag DESC", [("O'Delta",), ("50%_off",)]),
        ("SELECT name FROM sky.stars ORDER BY mag, name OFFSET 3", [("50%_off",), ("O'Delta",)]),
        ("SELECT TOP 1 name FROM sky.stars ORDER BY mag OFFSET 1", [("beta",)]),
        ("SELECT DISTINCT field FROM sky.stars WHERE field < 3 ORDER BY field", [(1,), (2,)]),
        ("SELECT s.name n FROM sky.stars AS s WHERE s.\"public\" = 1 AND s.public = 'true' ORDER BY n",
         [("50%_off",), ("Alpha",), ("Gamma",)]),
        ("SELECT name FROM sky.stars WHERE public = 'false'", [("beta",)]),
        ("SELECT stars.name, sky.stars.field FROM sky.stars WHERE public IS NULL", [("O'Delta", 3)]),
        ("SELECT name FROM sky.stars WHERE name LIKE 'a%'", []),
        ("SELECT name FROM sky.stars WHERE name ILIKE 'a%'", [("Alpha",)]),
        ("SELECT name FROM sky.stars WHERE name NOT LIKE '%a' AND name LIKE '5_%'", [("50%_off",)]),
        ("SELECT name FROM sky.stars WHERE name = 'O''Delta'", [("O'Delta",)]),
        ("SELECT name FROM sky.stars WHERE mag BETWEEN 2 AND 3 OR mag > 5 ORDER BY mag", [("beta",), ("50%_off",)]),
        ("SELECT name FROM sky.stars WHERE field IN (2, 3) ORDER BY name DESC", [("O'Delta",), ("Gamma",)]),
        ("SELECT label FROM sky.fields WHERE field NOT IN (SELECT field FROM sky.stars WHERE field IS NOT NULL)",
         [("nothing",)]),
        ("SELECT label FROM sky.fields f WHERE EXISTS (SELECT 1 FROM sky.stars s WHERE s.field = f.field) ORDER BY 1",
         [("meridian",), ("pole",)]),
        ("SELECT label, COUNT(*) AS n FROM sky.fields JOIN sky.stars USING (field) GROUP BY label HAVING COUNT(*) > 1",
         [("meridian", 2)]),
        ("SELECT name, label FROM sky.stars LEFT OUTER JOIN sky.fields USING (field) WHERE label IS NULL ORDER BY name",
         [("50%_off", None), ("O'Delta", None)]),
        ("SELECT field, name FROM sky.stars NATURAL JOIN sky.fields WHERE label = 'pole'", [(2, "Gamma")]),
        ("SELECT field FROM sky.stars RIGHT JOIN sky.fields USING (field) WHERE name IS NULL", [(4,)]),
        ("SELECT a.name, b.name FROM sky.stars a, sky.stars b WHERE a.mag < b.mag AND b.field = 1",
         [("Alpha", "beta")]),
        ("SELECT t.n FROM (SELECT name AS n, mag FROM sky.stars WHERE mag < 3) AS t ORDER BY t.mag DESC",
         [("beta",), ("Alpha",)]),
        ("WITH bright AS (SELECT * FROM sky.stars WHERE mag < 3) SELECT COUNT(*) FROM bright", [(2,)]),
        ("SELECT name FROM sky.stars WHERE field = 1 UNION SELECT label FROM sky.fields WHERE field = 1 ORDER BY name",
         [("Alpha",), ("beta",), ("meridian",)]),
        ("(SELECT TOP 1 name FROM sky.stars ORDER BY mag) UNION ALL (SELECT TOP 1 name FROM sky.stars ORDER BY mag)",
         [("Alpha",), ("Alpha",)]),
        ("SELECT field FROM sky.stars INTERSECT SELECT field FROM sky.fields ORDER BY 1", [(1,), (2,)]),
        ("SELECT field FROM sky.fields EXCEPT SELECT field FROM sky.stars", [(4,)]),
        ("SELECT CASE WHEN mag < 2 THEN 'bright' ELSE 'faint' END FROM sky.stars WHERE field = 1 ORDER BY mag",
         [("bright",), ("faint",)]),
        ("SELECT COALESCE(mag, -1), name || '!' FROM sky.stars WHERE field = 3", [(-1, "O'Delta!")]),
        ("SELECT CAST('12' AS INTEGER) + 1, CAST(3 AS VARCHAR(5)) || 'x', 7 / 2, 7 / 2.0", [(13, "3x", 3, 3.5)]),
        ("SELECT ABS(-2), CEILING(1.2), FLOOR(-1.2), MOD(7, 3), POWER(2, 10), SQRT(9), ROUND(2.345, 2), TRUNCATE(-2.7)",
         [(2, 2, -2, 1, 1024, 3, 2.35 if round(2.345, 2) > 2.34 else 2.34, -2)]),
        ("SELECT ROUND(DEGREES(PI()), 9), LOG10(1000), ROUND(LOG(EXP(2)), 9), ROUND(COS(0) + SIN(0) + ATAN2(0, 1), 9)",
         [(180, 3, 2, 1)]),
        ("SELECT LOWER('AbC'), UPPER('AbC'), LENGTH('four'), SUBSTRING('abcdef', 2, 3)", [("abc", "ABC", 4, "bcd")]),
        ("SELECT MIN(mag), MAX(mag), SUM(field), AVG(mag), COUNT(DISTINCT field) FROM sky.stars WHERE field < 3",
         [(1.5, 3.5, 4, 2.5, 2)]),
        ("SELECT name FROM sky.stars GROUP BY name, mag HAVING mag > 5", [("50%_off",)]),
        ("SELECT name -- a comment; DROP TABLE account\nFROM sky.stars /* and another */ WHERE field = 2;",
         [("Gamma",)]),
    ],
)  # fmt: skip
def test_a_query_finds_what_it_means(ask: _Ask, adql: str, rows: list[tuple[object, ...]]) -> None:
    assert ask(adql) == rows


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("1=CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 0, 10, 0.2))", ["Alpha", "beta"]),
        ("CONTAINS(POINT(ra, dec), CIRCLE(0, 10, 0.05)) = 1", []),
        ("CONTAINS(POINT(ra, dec), CIRCLE(POINT(0, 10), 0.2)) = 1", ["Alpha", "beta"]),
        ("CONTAINS(POINT('', ra, dec), BOX('ICRS', 0, 10, 0.1, 5)) = 1", []),
        ("CONTAINS(POINT('ICRS', ra, dec), BOX('ICRS', 360, 10, 0.3, 5)) = 1", ["Alpha", "beta"]),
        ("CONTAINS(POINT('ICRS', ra, dec), POLYGON('ICRS', 359, 9, 1, 9, 1, 11, 359, 11)) = 1", ["Alpha", "beta"]),
        ("CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 77, 90, 0.2)) = 1", ["Gamma", "O'Delta"]),
        ("CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 77, 90, 0.2)) = 0", ["50%_off", "Alpha", "beta"]),
        ("NOT CONTAINS(POINT('ICRS', ra, dec), CIRCLE('ICRS', 77, 90, 0.2)) = 1", ["50%_off", "Alpha", "beta"]),
        ("DISTANCE(POINT('ICRS', ra, dec), POINT('ICRS', 0, 10)) < 1", ["Alpha", "beta"]),
        ("DISTANCE(ra, dec, 0.0, 10.0) < 1", ["Alpha", "beta"]),
        ("INTERSECTS(CIRCLE('ICRS', ra, dec, 0.06), CIRCLE('ICRS', 0, 10, 0.05)) = 1", ["Alpha", "beta"]),
        ("COORD1(CENTROID(CIRCLE('ICRS', ra, dec, 1))) = 45 AND COORD2(POINT('ICRS', ra, dec)) = -30", ["50%_off"]),
    ],
)
def test_places_are_found_on_the_sphere(ask: _Ask, condition: str, names: list[str]) -> None:
    assert [name for (name,) in ask(f"SELECT name FROM sky.stars WHERE {condition} ORDER BY name")] == names


def test_columns_of_outlines_are_searched_too(ask: _Ask) -> None:
    found = "SELECT label FROM sky.fields WHERE {} ORDER BY label"
    assert ask(found.format("CONTAINS(POINT('ICRS', 300, 89.9), outline) = 1")) == [("pole",)]
    assert ask(found.format("INTERSECTS(outline, CIRCLE('ICRS', 1.5, 10, 0.6)) = 1")) == [("meridian",)]
    assert ask(found.format("1 = INTERSECTS(BOX('ICRS', 0, 50, 360, 79), outline)")) == [("meridian",), ("pole",)]
    joined = "SELECT s.name FROM sky.stars s, sky.fields f WHERE CONTAINS(POINT(s.ra, s.dec), f.outline) = 1 ORDER BY 1"
    assert ask(joined) == [("Alpha",), ("Gamma",), ("O'Delta",), ("beta",)]


def test_rows_come_in_the_order_of_the_distance_that_astropy_measures(ask: _Ask) -> None:
    rows = ask("SELECT DISTANCE(POINT('',ra,dec), POINT('ICRS',1,80)) AS dist, name FROM sky.stars ORDER BY dist ASC")
    middle = SkyCoord(1, 80, unit="deg")
    expected = sorted((middle.separation(SkyCoord(ra, dec, unit="deg")).deg, name) for name, ra, dec, *_ in _STARS)
    assert [name for _, name in rows] == [name for _, name in expected]
    assert [dist for dist, _ in rows] == pytest.approx([dist for dist, _ in expected], rel=1e-9)


# What columns are -----------------------------------------------------------------------------------------------------


def test_columns_keep_what_is_known_of_them(ask: _Ask) -> None:
    star, distance, *rest = ask.result(
        "SELECT s.name AS star, DISTANCE(ra, dec, 0, 0) AS d, MAX(mag) AS brightest, COUNT(*) n, public, mag + 1 "
        "FROM sky.stars s GROUP BY s.name, ra, dec, public, mag"
    ).columns
    assert (star.name, star.datatype, star.arraysize, star.description) == ("star", "char", "*", "Name of the star")
    assert (distance.name, distance.datatype, distance.unit) == ("d", "double", "deg")
    assert [(column.name, column.datatype) for column in rest] == [
        ("brightest", "float"), ("n", "long"), ("public", "boolean"), ("col_6", "float"),
    ]  # fmt: skip
    assert rest[0].unit == "mag"


def test_a_null_takes_the_type_of_what_stands_beside_it(ask: _Ask) -> None:
    result = ask.result("SELECT CASE WHEN mag > 2 THEN mag ELSE NULL END a, COALESCE(NULL, name) b FROM sky.stars")
    assert [(column.name, column.datatype) for column in result.columns] == [("a", "float"), ("b", "char")]


def test_a_star_gives_the_columns_in_their_order_and_nothing_hidden(ask: _Ask) -> None:
    result = ask.result("SELECT f.*, s.* FROM sky.stars s JOIN sky.fields f ON s.field = f.field WHERE s.field = 2")
    assert result.columns == _TABLES["sky.fields"] + _TABLES["sky.stars"]
    assert result.rows == [(*_FIELDS[1], *_STARS[2][:4], True, 2)]
    shared = ask.result("SELECT * FROM sky.stars JOIN sky.fields USING (field)")
    assert [column.name for column in shared.columns][:2] == ["field", "name"]
    assert "hidden" in ask.error("SELECT hidden FROM sky.stars")


def test_booleans_come_as_booleans(ask: _Ask) -> None:
    assert ask("SELECT public FROM sky.stars ORDER BY name") == [(True,), (True,), (True,), (None,), (False,)]


def test_more_rows_than_allowed_are_cut_and_said(ask: _Ask) -> None:
    cut = ask.result("SELECT name FROM sky.stars", maxrec=3)
    assert (len(cut.rows), cut.overflow) == (3, True)
    for maxrec, adql in ((5, "SELECT name FROM sky.stars"), (3, "SELECT TOP 3 name FROM sky.stars")):
        whole = ask.result(adql, maxrec=maxrec)
        assert (len(whole.rows), whole.overflow) == (maxrec, False)
    assert ask.result("SELECT name FROM sky.stars", maxrec=0).columns[0].name == "name"


def test_an_uploaded_table_joins_the_others(ask: _Ask) -> None:
    mine = Upload(
        name="mine", columns=(_column("id", "int"), _column("Star")), rows=[(7, "beta"), (8, "none"), (9, None)]
    )
    asked = "SELECT m.id, s.mag FROM tap_upload.mine AS m JOIN sky.stars AS s ON s.name = m.star"
    result = ask.result(asked, uploads={"mine": mine})
    assert result.rows == [(7, 2.5)]
    assert result.columns[0] == mine.columns[0]
    assert 'Unknown table "tap_upload.mine"' in ask.error(asked)


def test_an_uploaded_table_with_hostile_names_is_a_table_like_others(ask: _Ask) -> None:
    name = 'x"); DROP TABLE account; --'
    hostile = Upload(name="h", columns=(_column(name),), rows=[("'; DROP TABLE account; --",)])
    result = ask.result("SELECT * FROM tap_upload.h", uploads={"h": hostile})
    assert result.rows == hostile.rows
    assert result.columns[0].name == name
    twice = Upload(name="t", columns=(_column("a"), _column("A")), rows=[])
    with pytest.raises(AdqlError, match='two columns called "a"'):
        ask.result("SELECT * FROM tap_upload.t", uploads={"t": twice})


# What is refused ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("adql", "said"),
    [
        ("SELECT nmae FROM sky.stars", 'Unknown column "nmae" [l.1 c.8]; did you mean name'),
        ("SELECT name FROM sky.star", 'Unknown table "sky.star" [l.1 c.18]; did you mean sky.stars'),
        ("SELECT name FROM stars", 'Unknown table "stars" [l.1 c.18]; did you mean sky.stars'),
        ("SELECT x.name FROM sky.stars s", 'Unknown table "x" [l.1 c.8]'),
        ("SELECT \"text\" FROM sky.stars", 'Unknown column'),
        ("SELECT field FROM sky.stars, sky.fields", 'Ambiguous column "field" [l.1 c.8]'),
        ("SELECT name FROM sky.stars WHERE RANDOMBLOB(9) = 1", 'Unknown function "RANDOMBLOB"'),
        ("SELECT LOAD_EXTENSION('x')", 'Unknown function "LOAD_EXTENSION"'),
        ("SELECT SQRT(1, 2)", "SQRT wants 1 argument, not 2"),
        ("SELECT SQRT(-1)", "SQRT(-1) cannot be calculated"),
        ("SELECT POINT('ICRS', 1, 95)", "a declination lies between -90 and 90"),
        ("SELECT POINT('GALACTIC', 1, 5)", "coordinate system 'GALACTIC' is not known here"),
        ("SELECT name FROM sky.stars LIMIT 5", "ADQL says SELECT TOP n"),
        ("SELECT TOP 1.5 name FROM sky.stars", "TOP wants a whole number"),
        ("SELECT name FROM sky.stars ORDER BY 2", "there is no column 2"),
        ("SELECT name FROM sky.stars WHERE public = 'maybe'", "'maybe' is not a boolean"),
        ("SELECT name FROM sky.stars WHERE CONTAINS(POINT('ICRS',ra,dec),CIRCLE('ICRS',1,2,3))=1ORDER BY name",
         'encountered "1ORDER'),
        ("SELECT name FROM sky.stars WHERE", 'encountered "WHERE" [l.1 c.32]: WHERE lacks what belongs to it'),
        ("SELECT name FROM sky.stars WHERE ra >", ": > lacks what belongs to it"),
        ("SELECT TOP x name FROM sky.stars", "TOP lacks what belongs to it"),
        ("SELECT name FROM", "[l.1 c.16]: Expected table name"),
        ("SELECT FROM sky.stars", "Cannot parse query"),
        ("SELECT name sky.stars FROM", "Cannot parse query"),
        ("SELECT name FROM sky.stars WHERE name = 'open", "a text in quotes, or a comment, does not end"),
        ("", "Cannot parse query"),
        (";", "Cannot parse query"),
        ("SELECT name FROM sky.stars; SELECT 1", 'encountered "SELECT" after ;'),
        ("SELECT name FROM sky.stars; DROP TABLE account", 'encountered "DROP" after ;'),
        ("INSERT INTO sky.stars (name) VALUES ('x')", "only SELECT is possible"),
        ("DELETE FROM sky.stars", "only SELECT is possible"),
        ("UPDATE sky.stars SET name = 'x'", "only SELECT is possible"),
        ("DROP TABLE account", "only SELECT is possible"),
        ("CREATE TABLE t AS SELECT 1", "only SELECT is possible"),
        ("ATTACH DATABASE '/etc/passwd' AS p", "Cannot parse query"),
        ("PRAGMA table_info(account)", "only SELECT is possible"),
        ("VACUUM INTO '/tmp/x'", "Cannot parse query"),
        ("SELECT * INTO t FROM sky.stars", "INTO"),
        ("SELECT * FROM account", 'Unknown table "account"'),
        ("SELECT * FROM sqlite_master", 'Unknown table "sqlite_master"'),
        ("SELECT * FROM main.account", 'Unknown table "main.account"'),
        ("SELECT * FROM pragma_table_info('account')", "is not a table"),
        ("SELECT * FROM \"sky.stars\"; --", 'did you mean'),
        ("WITH RECURSIVE n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT * FROM n", "recursion"),
        ("WITH n AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM n) SELECT * FROM n", 'Unknown table "n"'),
        ("SELECT name FROM sky.stars WHERE name = (SELECT name, ra FROM sky.stars)", "gives one column, not 2"),
        ("SELECT ROW_NUMBER() OVER (ORDER BY name) FROM sky.stars", "not part of ADQL"),
        ("SELECT name FROM sky.stars FOR UPDATE", "not part of ADQL"),
        ("SELECT name::int FROM sky.stars", "ADQL says CAST"),
        ("SELECT name FROM sky.stars WHERE name ~ 'x'", "Cannot parse query"),
        ("SELECT " + "(" * 5000 + "1" + ")" * 5000, "nested too deeply"),
        ("SELECT " + "-" * 1 + " - " * 5000 + "1", "Cannot"),
        ("SELECT 1 WHERE " + "NOT " * 5000 + "1 = 1", "Cannot"),
    ],
)  # fmt: skip
def test_what_is_not_a_query_here_is_refused_with_its_place(ask: _Ask, adql: str, said: str) -> None:
    assert said in ask.error(adql)


def test_a_position_is_that_of_the_line(ask: _Ask) -> None:
    assert "[l.3 c.7]" in ask.error("SELECT name\nFROM sky.stars\nWHERE nmae = 'x'")


@pytest.mark.parametrize(
    "text",
    ["'; DROP TABLE account; --", "' OR '1'='1", "x' UNION SELECT password FROM account --", "\\'; DROP TABLE account",
     "/* */", "--", ";", "\u2019", "%", "\"", "a\nb"],
)  # fmt: skip
def test_a_quoted_text_is_only_ever_a_text(ask: _Ask, text: str) -> None:
    quoted = text.replace("'", "''")
    assert ask(f"SELECT '{quoted}' AS t") == [(text,)]
    assert ask(f"SELECT name FROM sky.stars WHERE name = '{quoted}'") == []


def test_a_text_that_breaks_out_of_its_quotes_reaches_nothing(ask: _Ask) -> None:
    # What a client that splices texts would send.
    for typed in ("x' OR '1'='1", "x'; DROP TABLE account; --", "x' UNION SELECT password FROM account --"):
        adql = f"SELECT name FROM sky.stars WHERE name = '{typed}'"
        try:
            rows = ask(adql)
        except AdqlError:
            continue
        assert all(row[0] in {star[0] for star in _STARS} for row in rows)


@pytest.mark.parametrize(
    "statement",
    ["SELECT load_extension('x')", "ATTACH ':memory:' AS x", "PRAGMA user_version", "SELECT * FROM sqlite_master",
     "CREATE TEMP TABLE t (x)", "DELETE FROM account", "UPDATE account SET name = 'x'", "SELECT randomblob(100)",
     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n"],
)  # fmt: skip
def test_the_connection_itself_refuses_what_the_parser_would_miss(database: Path, statement: str) -> None:
    connection = engine.open_readonly(database)
    try:
        with pytest.raises(sqlite3.DatabaseError):
            connection.execute(statement)
    finally:
        connection.close()


def test_a_query_that_takes_too_long_is_given_up(ask: _Ask) -> None:
    tables = ", ".join(f"sky.stars t{number}" for number in range(14))
    adql = f"SELECT COUNT(*) FROM {tables} WHERE t0.mag + t13.mag < 0"
    with pytest.raises(AdqlError, match=r"took longer than 0\.05 s"):
        ask.result(adql, longest=0.05)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(AdqlError, match="cancelled"):
        ask.result(adql, cancel=cancel)


def test_a_value_cannot_grow_without_end(ask: _Ask) -> None:
    adql = "SELECT 'x' AS a"
    for _ in range(40):
        adql = f"SELECT a || a AS a FROM ({adql}) AS t"
    assert "Cannot run query" in ask.error(adql)


_WORDS = st.sampled_from(
    [
        "SELECT",
        "FROM",
        "WHERE",
        "TOP",
        "3",
        "*",
        "name",
        "sky.stars",
        "sky.fields",
        "s",
        "AS",
        "(",
        ")",
        ",",
        "=",
        "1",
        "'x'",
        "AND",
        "OR",
        "NOT",
        "IN",
        "EXISTS",
        "JOIN",
        "LEFT",
        "USING",
        "ON",
        "field",
        "UNION",
        "ORDER",
        "BY",
        "GROUP",
        "HAVING",
        "COUNT",
        "POINT",
        "CIRCLE",
        "CONTAINS",
        "'ICRS'",
        "-",
        "||",
        ".",
        ";",
        "--",
        "/*",
        '"',
        "'",
        "CASE",
        "WHEN",
        "THEN",
        "END",
        "CAST",
        "INTEGER",
        "NULL",
        "IS",
        "LIKE",
        "BETWEEN",
        "WITH",
        "OFFSET",
        "DISTINCT",
        "INTERVAL",
        "LATERAL",
        "[",
        "]",
        "{",
        "}",
        ":",
        "@",
        "?",
        "$1",
        "#",
        "!",
        "\\",
        "1e999",
        "0x1F",
        "NATURAL",
        "INTO",
        "VALUES",
        "PIVOT",
        "::",
        "->",
    ]
)
_NEARLY = st.lists(_WORDS, max_size=18).map(" ".join)
_COLUMNS = ["*", "name", "TOP 2 mag m", "COUNT(*)", "DISTINCT field, mag", "POINT(ra, dec) AS p", "s.*", "AREA(name)"]
_JOINED = ["", "s", "AS s JOIN sky.fields USING (field)", "s NATURAL JOIN sky.fields", ", sky.fields"]
_CONDITIONS = [
    *("mag > 1", "NOT", "AND", "OR", "(", ")", "name LIKE '%'", "1=1", "field IN (1,2)", "public='true'"),
    *("CONTAINS(POINT(ra,dec),CIRCLE(1,2,3))=1", "EXISTS (SELECT 1 FROM sky.fields)"),
]
_ENDS = ["", "ORDER BY 1", "GROUP BY field", "ORDER BY mag DESC", "OFFSET 2", "GROUP BY name HAVING COUNT(*) > 1"]
_GRAMMATICAL = st.builds(
    "SELECT {} FROM sky.stars {} WHERE {} {}".format,
    st.sampled_from(_COLUMNS),
    st.sampled_from(_JOINED),
    st.lists(st.sampled_from(_CONDITIONS), min_size=1, max_size=7).map(" ".join),
    st.sampled_from(_ENDS),
)


@given(adql=_NEARLY | _GRAMMATICAL | st.text(max_size=60))
@settings(max_examples=400, deadline=None)
def test_any_text_is_answered_or_refused(database: Path, adql: str) -> None:
    try:
        result = engine.run(database, adql, _TABLES, maxrec=50, uploads={}, cancel=None, longest=5.0)
    except AdqlError as err:
        assert str(err)  # noqa: PT017 - either of both is right
        return
    assert all(len(row) == len(result.columns) for row in result.rows)
    assert not any("secret" in map(str, row) for row in result.rows)
