"""Lists of products: which files the archive has for observations."""

import time
from collections.abc import Callable, Sequence
from threading import Event
from typing import Any

from astropy.table import Column, Table

from jwstmq_widgets.archives.account import Credential
from jwstmq_widgets.archives.connections import Connections
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.parallel import Manners, ProductsProgress, Stop, gather
from jwstmq_widgets.archives.portal import (
    Columns,
    Page,
    distinct_files,
    in_order_of_parents,
    invoke_body,
    joined,
    read_page,
)
from jwstmq_widgets.tables import products_table

__all__ = ["files_table", "list_products"]

_LONGEST_POLL = 5.0


def list_products(
    host: Host,
    credential: Credential,
    obsids: Sequence[str],
    *,
    manners: Manners,
    progress: Callable[[ProductsProgress], None] | None = None,
    cancel: Event | None = None,
) -> Columns:
    """Ask for the products of observations, several batches at a time.

    astroquery asks for all observations in one request, which a server cannot answer in time when there are many.

    Parameters
    ----------
    host
        The archive.
    credential
        The token that goes along.
    obsids
        Numbers of the observations, each once.
    manners
        How hard to ask.
    progress
        Told after every answer, on this thread.
    cancel
        Set to stop.

    Returns
    -------
    dict
        By column, one row for each file and parent, in the order of the observations.

    Raises
    ------
    ArchiveError
        If asking failed, or the answer names no files.
    Cancelled
        Within a fraction of a second after ``cancel`` is set.
    """
    done, files = 0, set[Any]()
    connections = Connections(host, most=manners.connections)

    def tell(count: int, columns: Columns) -> None:
        nonlocal done
        done += count
        files.update(columns.get("dataURI", ()))
        if progress is not None:
            progress(ProductsProgress(observations_done=done, observations_total=len(obsids), products=len(files)))

    def ask(batch: Sequence[str], stop: Stop) -> Columns:
        pages = [page_of(batch, 1, stop)]
        while len(pages) < pages[0].pages:
            pages.append(page_of(batch, len(pages) + 1, stop))
        return _with_parents(joined(page.columns for page in pages), batch)

    def page_of(batch: Sequence[str], number: int, stop: Stop) -> Page:
        url = f"{host.url}/api/v0/invoke"
        headers = {"Content-Type": "application/x-www-form-urlencoded", **credential.headers(url)}
        body = invoke_body("Mast.Caom.Products", {"obsid": ",".join(batch)}, page=number)
        until, pause = time.monotonic() + manners.patience, manners.poll
        while True:
            answer = connections.request("POST", url, body=body, headers=headers, timeout=manners.timeout)
            page = read_page(answer, host=host)
            if not page.executing:
                return page
            if time.monotonic() + pause > until:
                raise host.unfinished(manners.patience)
            stop.pause(pause)
            pause = min(_LONGEST_POLL, pause * 1.6)

    try:
        parts = gather(ask, obsids, manners=manners, cancel=cancel, done=tell, abort=connections.abort)
    finally:
        connections.close()
    columns = in_order_of_parents(joined(parts), obsids)
    if columns and not {"dataURI", "productFilename"} <= columns.keys():
        raise host.unreadable("its rows name no files")
    return columns


def files_table(columns: Columns, *, archive: str, observations: Table | None = None) -> Table:
    """Make the table of products: `products_table`, of rows that are made distinct first.

    An observation with guide stars repeats thousands of files for each parent, so most values are never converted.

    Parameters
    ----------
    columns
        Products by column, one row for each file and parent.
    archive, observations
        See `products_table`.

    Returns
    -------
    astropy.table.Table
        One row a file.
    """
    distinct, parents = distinct_files(columns)
    table = products_table(distinct, archive=archive, observations=observations)
    if parents:
        table["parents"] = Column(parents, dtype=str, description=table["parents"].description)
    return table


def _with_parents(columns: Columns, batch: Sequence[str]) -> Columns:
    """Fill in what old answers leave out: which observation was asked for."""
    if "parent_obsid" not in columns and columns:
        rows = len(next(iter(columns.values())))
        obsids = columns.get("obsID", [None] * rows)
        columns["parent_obsid"] = [batch[0]] * rows if len(batch) == 1 else list(obsids)
    return columns
