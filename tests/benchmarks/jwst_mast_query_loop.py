"""Runs the download loop of unmodified jwst_mast_query, in its own environment, on some files of one program.

Usage: ``python jwst_mast_query_loop.py URL NAMES OUTDIR``, NAMES a JSON file; prints the seconds of the loop alone.
"""

import json
import sys
import time
from pathlib import Path

from jwst_mast_query.jwst_download import download_mast

LINE = ["-i", "miri", "--propID", "2733", "-l", "9000", "-f", "jpg"]


def main(url, names, folder):
    """Select the files as its own script does, and download them."""
    wanted = set(json.loads(Path(names).read_text()))
    tool = download_mast()
    # Its constructor has these addresses fixed to https://mast.stsci.edu.
    connection = tool.JwstObs._portal_api_connection
    connection.MAST_REQUEST_URL = f"{url}/portal_jwst/Mashup/Mashup.asmx/invoke"
    connection.COLUMNS_CONFIG_URL = f"{url}/portal_jwst/Mashup/Mashup.asmx/columnsconfig"
    connection.MAST_DOWNLOAD_URL = f"{url}/api/v0.1/Download/file"
    tool.get_arguments(tool.define_options().parse_args([*LINE, "--outrootdir", folder]))
    tool.set_outrootdir()
    tool.mk_all_tables(showtables=False)
    table = tool.productTable.t
    chosen = [row for row in tool.ix_selected_products if table.loc[row, "productFilename"] in wanted]
    began = time.perf_counter()
    tool.download_products(ix_selected_products=chosen, ask_confirm_download=False)
    seconds = time.perf_counter() - began
    sizes = {path.name: path.stat().st_size for path in Path(folder).rglob("*.jpg")}
    print(json.dumps({"seconds": seconds, "sizes": sizes}))


if __name__ == "__main__":
    main(*sys.argv[1:])
