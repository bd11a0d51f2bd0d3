"""Runs the download loop of unmodified jwst_mast_query, in its own environment, on files of any server.

Usage: ``python jwst_mast_query_loop.py URL NAMES OUTDIR``, NAMES a JSON file; prints the seconds of the loop alone.
"""

import json
import sys
import time
from pathlib import Path

import pandas as pd
from jwst_mast_query.jwst_download import download_mast


def main(url, names, folder):
    """Give its loop a table as its own query makes it, and have it download that."""
    tool = download_mast()
    tool.JwstObs._portal_api_connection.MAST_DOWNLOAD_URL = f"{url}/api/v0.1/Download/file"
    tool.get_arguments(tool.define_options().parse_args(["--propID", "2733", "--outrootdir", folder]))
    wanted = json.loads(Path(names).read_text())
    columns = {
        "dataURI": [f"mast:JWST/product/{name}" for name in wanted],
        "outfilename": [f"{folder}/02733/{name}" for name in wanted],
        "proposal_id": ["02733"] * len(wanted),
        "obsnum": [1] * len(wanted),
        "dl_code": [0] * len(wanted),
        "dl_str": [""] * len(wanted),
    }
    tool.productTable.t = pd.DataFrame(columns)
    began = time.perf_counter()
    tool.download_products(ix_selected_products=list(range(len(wanted))), ask_confirm_download=False)
    print(json.dumps({"seconds": time.perf_counter() - began}))


if __name__ == "__main__":
    main(*sys.argv[1:])
