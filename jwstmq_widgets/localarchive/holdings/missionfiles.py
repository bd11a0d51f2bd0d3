"""The files of exposures, in the words of the mission search."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from jwstmq_widgets.filenames import parse_name

__all__ = ["mission_products"]

_PRODUCTS = """
WITH asked(dataset, position) AS (SELECT value, key FROM json_each(?)),
listed(dataset, position, obsid, file) AS (
    SELECT observation.dataset, position, observation.obsid, holding.file FROM asked
    JOIN observation ON observation.dataset = asked.dataset JOIN holding ON holding.obsid = observation.obsid
    UNION ALL
    SELECT asked.dataset, position, MIN(observation.obsid), visit_file.file FROM asked
    JOIN observation ON observation.dataset = asked.dataset
    JOIN visit_file ON visit_file.visit = observation.visit
    GROUP BY asked.dataset, visit_file.file
)
SELECT l.dataset, f.name, o.instrument, o.filters, f.rights, k.suffix, k.product_type, k.stage3,
    CASE WHEN f.listed THEN f.size END, f.guide
FROM listed l JOIN observation o ON o.obsid = l.obsid JOIN file f ON f.file = l.file JOIN kind k ON k.kind = f.kind
ORDER BY l.position, l.obsid, l.file
"""


def mission_products(connection: sqlite3.Connection, datasets: Sequence[str]) -> list[dict[str, Any]]:
    """List the files of exposures, with the guide-star files of their visits.

    Parameters
    ----------
    connection
        The catalogue.
    datasets
        fileSetName of each, in any case; unknown ones are passed over.
    """
    asked = json.dumps([str(dataset).lower() for dataset in datasets])
    return [_product(*row) for row in connection.execute(_PRODUCTS, [asked])]


def _product(
    dataset: str,
    name: str,
    instrument: str,
    filters: str | None,
    rights: str,
    suffix: str,
    product_type: str,
    stage3: int,
    size: int | None,
    guide: str,
) -> dict[str, Any]:
    parts = parse_name(name)
    return {
        "product_key": f"{dataset}_{name}",
        "access": rights,
        "dataset": dataset,
        "instrument_name": "FGS" if guide else instrument,
        "filters": filters,
        "filename": name,
        "uri": f"{dataset}/{name}",
        "authz_primary_identifier": dataset,
        "authz_secondary_identifier": "CAL" if stage3 or suffix != "uncal" else "RAW",
        "file_suffix": f"_{suffix}",
        "category": parts.stage if parts else "",
        "size": size,
        "type": product_type.lower(),
    }
