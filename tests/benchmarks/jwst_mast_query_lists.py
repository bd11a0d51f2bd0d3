"""Runs unmodified jwst_mast_query, in its own environment, up to its selected products; prints how long its steps took.

Usage: ``jwst_mast_query_lists.py ask URL PROGRAM`` asks an archive, ``jwst_mast_query_lists.py read FILE``
reads one answer of ``Mast.Caom.Products`` that lies in a file.
"""

import json
import os
import sys
import time
from pathlib import Path

import pandas
import requests
from jwst_mast_query.jwst_download import download_mast

LINE = ["-i", "miri", "-l", "9000", "-f", "cal"]


def made(url, line):
    """Make the tool as its own script does."""
    tool = download_mast()
    # Its constructor has these addresses fixed to https://mast.stsci.edu.
    connection = tool.JwstObs._portal_api_connection
    connection.MAST_REQUEST_URL = f"{url}/portal_jwst/Mashup/Mashup.asmx/invoke"
    connection.COLUMNS_CONFIG_URL = f"{url}/portal_jwst/Mashup/Mashup.asmx/columnsconfig"
    tool.get_arguments(tool.define_options().parse_args(line))
    return tool


def ask(url, program):
    """Ask for observations and products, and select: its own functions, in its own order."""
    tool = made(url, [*LINE, "--propID", program])
    began = time.perf_counter()
    lowest, highest = tool.get_mjd_limits()
    tool.observation_query(propID=tool.params["propID"], mjd_min=lowest, mjd_max=highest)
    listed = time.perf_counter()
    tool.product_query()
    came = time.perf_counter()
    tool.product_filter()
    ended = time.perf_counter()
    seconds = {"observations": listed - began, "products": came - listed, "selection": ended - came}
    return told(tool, seconds)


def read(path):
    """Read an answer, drop what repeats, derive its columns, select and sort: its own functions."""
    tool = made("http://127.0.0.1:9", LINE)
    body = Path(path).read_bytes()

    def answer(*_, **__):
        response = requests.Response()
        response.status_code, response._content, response.encoding = 200, body, "utf-8"
        assert response.json()["status"] == "COMPLETE"  # astroquery's request loop reads every answer once itself
        return [response]

    tool.JwstObs.service_request_async = answer
    tool.obsTable.t = pandas.DataFrame({"obsid": ["1"], "obsnum": [1]})  # one batch, and the least for its own loops
    began = time.process_time()
    tool.product_query()
    came = time.process_time()
    tool.product_filter()
    return told(tool, {"products": came - began, "selection": time.process_time() - came})


def told(tool, seconds):
    """Give what the other side compares."""
    names = tool.productTable.t["productFilename"]
    return {
        "seconds": seconds,
        "files": len(names),
        "selected": sorted(names.loc[tool.ix_selected_products]),
    }


def main(step, *words):
    """Run one step, and print what came of it as the last line."""
    out = os.dup(1)
    os.dup2(2, 1)  # it prints a lot
    answer = {"ask": ask, "read": read}[step](*words)
    os.write(out, json.dumps(answer).encode())


if __name__ == "__main__":
    main(*sys.argv[1:])
