"""Which of the products are shown."""

from typing import Literal

import numpy as np
from astropy.table import Table

from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import selection
from jwstmq_widgets.tables.encoded import Encoded

__all__ = ["shown_products"]


def shown_products(
    products: Table, query: Query, filetypes: frozenset[tuple[str, str]], *, guidestars: bool | Literal["only"]
) -> Table:
    """Give the products of the chosen file types that a query's limits leave.

    Parameters
    ----------
    products
        All products.
    query
        Its detectors, levels, observation numbers and so on narrow them, and its file types where none are chosen.
    filetypes
        Chosen pairs of stage and file type; none for all.
    guidestars
        Whether guide-star files are kept, unless the query asks for nothing else.

    Returns
    -------
    astropy.table.Table
        The products themselves where all are shown: of a large table no copy is made.
    """
    limits = query.product_limits
    if filetypes:
        limits["filetypes"] = ()
    if limits["guidestars"] != "only":
        limits["guidestars"] = guidestars
    keep = selection(products, **limits)
    if filetypes:
        stages, types = (Encoded.of(np.asarray(products[name])) for name in ("stage", "filetype"))
        chosen = [[(stage, filetype) in filetypes for filetype in types.values] for stage in stages.values]
        keep &= np.array(chosen, dtype=bool).reshape(len(stages.values), len(types.values))[stages.codes, types.codes]
    return products if keep.all() else products[keep]
