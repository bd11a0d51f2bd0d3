"""Runs unmodified jwst_mast_query, in its own environment, on a list of command lines; writes what it selected.

Usage: ``python jwst_mast_query_driver.py URL QUESTIONS ANSWERS``, two JSON files. Several command lines under one name
are run one after the other on one object.
"""

import json
import sys
import traceback
from pathlib import Path

from jwst_mast_query.jwst_download import download_mast


def selected(tool):
    """Give the rows of the selected products."""
    if not len(tool.ix_selected_products):
        return []
    columns = ["productFilename", "obsnum", "visit", "sca", "outfilename"]
    rows = tool.productTable.t.loc[tool.ix_selected_products, columns]
    return [dict(zip(columns, map(str, row), strict=True)) for row in rows.itertuples(index=False)]


def run(url, lines):
    """Run command lines as its own script does, up to the download."""
    tool = download_mast()
    # Its constructor has these addresses fixed to https://mast.stsci.edu.
    connection = tool.JwstObs._portal_api_connection
    connection.MAST_REQUEST_URL = f"{url}/portal_jwst/Mashup/Mashup.asmx/invoke"
    connection.COLUMNS_CONFIG_URL = f"{url}/portal_jwst/Mashup/Mashup.asmx/columnsconfig"
    connection.MAST_DOWNLOAD_URL = f"{url}/jwst/api/v0.1/download/file"
    connection.MAST_BUNDLE_URL = f"{url}/jwst/api/v0.1/download/bundle"
    rows = []
    for line in lines:
        tool.get_arguments(tool.define_options().parse_args(line))
        tool.set_outrootdir()
        tool.mk_all_tables(showtables=False)
        rows = selected(tool)
    return rows


def main(url, questions, answers):
    """Answer all questions."""
    found = {}
    for name, lines in json.loads(Path(questions).read_text()).items():
        try:
            found[name] = {"rows": run(url, lines)}
        except Exception as error:  # noqa: BLE001  (how it fails is an answer)
            found[name] = {"failed": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
    Path(answers).write_text(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
