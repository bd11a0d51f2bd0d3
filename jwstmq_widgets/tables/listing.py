"""The observations of a search with how many files and bytes each of them lists."""

import numpy as np
from astropy.table import Table

from jwstmq_widgets.tables.encoded import Encoded

__all__ = ["with_files"]


def with_files(observations: Table, products: Table) -> Table:
    """Add to observations how many files they list.

    Parameters
    ----------
    observations
        A table of observations, n rows.
    products
        A table of their products.

    Returns
    -------
    astropy.table.Table
        The observations, with ``files`` (how many products are listed for each), ``size`` (byte, of those known) and
        ``release`` (MJD, UTC: ``t_obs_release``). A file that several observations list counts for each of them.
    """
    listed = observations.copy(copy_data=False)
    places = {obsid: place for place, obsid in enumerate(np.asarray(observations["obsid"]).tolist())}
    files = np.zeros(len(observations), dtype=np.int64)
    sizes = np.zeros(len(observations), dtype=np.int64)
    if len(products):
        parents = Encoded.of(np.asarray(products["parents"]))
        known = np.maximum(np.asarray(products["size"], dtype=np.float64), 0.0)
        counts = np.bincount(parents.codes, minlength=len(parents.values))
        weights = np.bincount(parents.codes, weights=known, minlength=len(parents.values))
        for text, count, weight in zip(parents.values, counts.tolist(), weights.tolist(), strict=True):
            for obsid in text.split(","):
                place = places.get(obsid)
                if place is not None:
                    files[place] += count
                    sizes[place] += int(weight)
    listed["files"], listed["size"] = files, sizes
    listed["size"].unit = "byte"
    listed["release"] = observations["t_obs_release"]
    return listed
