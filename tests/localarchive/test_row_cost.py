"""Answers of a catalogue know how many rows they hold, so that each of them can be made dear."""

import json
from pathlib import Path

import pytest

from jwstmq_widgets.localarchive.faults import Slow, fault_from_json, fault_to_json
from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked
from jwstmq_widgets.localarchive.protocols.mast import invoke
from jwstmq_widgets.localarchive.protocols.missionsearch import search


def asked(service: str) -> tuple[Asked, str]:
    if service == "search":
        return Asked(method="POST", path="/search", body=json.dumps({"conditions": [{"program": "2733"}]}).encode()), (
            "results"
        )
    filters = [{"paramName": "proposal_id", "values": ["2733"]}]
    request = json.dumps({"service": service, "params": {"columns": "*", "filters": filters}})
    return Asked(method="GET", path="/invoke", query={"request": [request]}), "data"


@pytest.mark.parametrize("service", ["Mast.Caom.Filtered", "search"])
def test_each_row_of_an_answer_has_its_price(catalogue_folder: Path, service: str) -> None:
    holdings = Holdings.open(catalogue_folder)
    question, rows = asked(service)
    answer: Answer = (search if service == "search" else invoke)(question, holdings)
    holdings.close()
    number = len(json.loads(answer.body)[rows])
    assert number > 0
    fault = fault_from_json(fault_to_json(Slow(latency=0.1, row_cost=20e-6)))
    assert fault.spoil(answer).latency == pytest.approx(0.1 + 20e-6 * number)
