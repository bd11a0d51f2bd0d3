"""Answers that nobody here wrote are read without loss, and so are small ones of the same shapes.

Recorded answers lie beside the repository on some machines; where they do not, only the small ones are read.
"""

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast.missions import read_columns, read_missions
from jwstmq_widgets.archives.mast.portal import read_page
from jwstmq_widgets.archives.mast.productlists import read_listing
from jwstmq_widgets.archives.mast.resolver import read_resolved
from jwstmq_widgets.tables import observations_table, products_table

HOST = Host.at("http://127.0.0.1:9")
PAYLOADS = Path(__file__).parent.parent / "payloads"
RECORDED = Path(__file__).parents[2].parent / "shared" / "data" / "recorded"


def value_of(text):
    """A cell of a printed table as JSON would have it."""
    if text in {"--", "", "nan"}:
        return None
    if text in {"True", "False"}:
        return text == "True"
    try:
        number = float(text)
    except ValueError:
        return text
    return int(text) if text.lstrip("-").isdigit() else number if math.isfinite(number) else None


def answer_of(path):
    """A file as the portal's answer; None where it holds no rows of the portal."""
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            rows = [{name: value_of(text) for name, text in row.items() if name} for row in csv.DictReader(file)]
    elif path.suffix != ".json":
        return None
    else:
        value = json.loads(path.read_bytes())
        if isinstance(value, dict) and "fields" in value:
            return path.read_bytes()
        if isinstance(value, dict) and isinstance(value.get("results"), list) and "search_type" in value:
            rows = value["results"]
        elif path.name.startswith("viz_api_products"):
            rows = [row for some in value.values() for row in some]
        else:
            return None
    if not rows or not ({"dataURI", "obsid"} & rows[0].keys()):
        return None
    fields = [{"name": name, "type": "string"} for name in dict.fromkeys(name for row in rows for name in row)]
    return json.dumps({"status": "COMPLETE", "msg": "", "fields": fields, "data": rows, "paging": {}}).encode()


FILES = [*sorted(PAYLOADS.glob("*.json")), *sorted(path for path in RECORDED.rglob("*") if path.is_file())]
ANSWERS = [pytest.param(body, id=path.name) for path in FILES if (body := answer_of(path)) is not None]


def named(pattern):
    return [pytest.param(path, id=path.name) for path in FILES if path.match(pattern)]


def said(table, name, row, value):
    """Whether a table says what the answer said, a missing value as the column's own."""
    ours = table[name][row]
    if value is None:
        return ours in ("", -1, -999, False) or (isinstance(ours, float) and math.isnan(ours))
    if isinstance(value, (list, dict)):
        return json.loads(ours) == value if name not in {"obsid", "dataURI"} else False
    return ours == value or str(ours) == str(value) or (isinstance(value, float) and float(ours) == value)


@pytest.mark.parametrize("body", ANSWERS)
def test_every_value_of_an_answer_stands_in_the_table(body):
    page = read_page(body, host=HOST)
    _, listing = read_listing(body, host=HOST)
    assert {name: values.tolist() for name, values in listing.items()} == {
        name: [json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value for value in values]
        for name, values in page.columns.items()
    }
    identity = "dataURI" if "dataURI" in page.columns else "obsid"
    if identity not in page.columns:
        assert page.columns == {"Column1": [page.columns["Column1"][0]]}
        return
    make = products_table if identity == "dataURI" else observations_table
    table = make(listing if identity == "dataURI" else page.columns, archive=HOST.url)
    ids = [str(value) for value in page.columns[identity]]
    first = [ids.index(one) for one in np.asarray(table[identity]).tolist()]
    assert sorted(first) == first
    assert len(table) == len(set(ids))
    for name, values in page.columns.items():
        for row, place in enumerate(first):
            assert said(table, name, row, values[place]), (name, values[place], table[name][row])


@pytest.mark.parametrize("path", named("resolver*.json"))
def test_a_resolvers_answer_gives_its_first_place(path):
    match = json.loads(path.read_bytes())["resolvedCoordinate"][0]
    assert read_resolved(path.read_bytes(), host=HOST) == (match["ra"], match["decl"])


@pytest.mark.parametrize("path", named("mission_results.json"))
def test_a_mission_searchs_rows_are_all_there(path):
    answer = json.loads(path.read_bytes())
    names = [column["name"] for column in answer["info"]]
    page = read_missions(path.read_bytes(), host=HOST, select=names)
    assert all(len(values) == len(answer["results"]) for values in page.columns.values())


@pytest.mark.parametrize("path", named("mission_columns.json"))
def test_a_mission_searchs_columns_are_all_there(path):
    answer = json.loads(path.read_bytes())
    if "fileSetName" not in {column["column_name"] for column in answer}:  # another mission's, without JWST's key
        answer.append({"column_name": "fileSetName", "qual_type": "string"})
    columns = read_columns(json.dumps(answer).encode(), host=HOST)
    assert set(columns) == {column["column_name"] for column in answer}
