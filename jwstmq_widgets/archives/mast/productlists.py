"""Lists of products: which files the archive has for observations."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from threading import Event

import numpy as np
import orjson
from astropy.table import Table

from jwstmq_widgets.archives.connections import Connections
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.listing import Arrivals, Listing, ProductsProgress, constant, listed, rows_of
from jwstmq_widgets.archives.mast.listingrows import read_rows
from jwstmq_widgets.archives.mast.portal import Page, invoke_body, read_page
from jwstmq_widgets.archives.parallel import Manners, Stop, Waiting, gather
from jwstmq_widgets.archives.tokens import Credential
from jwstmq_widgets.errors import QueryError, Unreadable
from jwstmq_widgets.tables.encoded import Encoded

__all__ = [
    "in_order_of_parents",
    "list_products",
    "obsids_of",
    "read_listing",
]


# Where rows begin, and how one follows the other, in JSON without and with blanks.
_SPELLINGS = ((b'"data":[{', b"},{"), (b'"data": [{', b"}, {"))


def list_products(
    host: Host,
    credential: Credential,
    obsids: Sequence[str],
    *,
    manners: Manners,
    table: Callable[[Listing], Table],
    progress: Callable[[ProductsProgress], None] | None = None,
    cancel: Event | None = None,
) -> Listing:
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
    table
        Makes a table of a list, for ``progress`` to show what has come.
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
    arrivals = Arrivals(
        len(obsids), "dataURI", table=lambda listing: table(in_order_of_parents(listing, obsids)), progress=progress
    )

    def ask(batch: Sequence[str], stop: Stop) -> Listing:
        page, listing = page_of(batch, 1, stop)
        parts = [listing]
        while len(parts) < page.pages:
            parts.append(page_of(batch, len(parts) + 1, stop)[1])
        return _with_parents(listed(parts), batch)

    def page_of(batch: Sequence[str], number: int, stop: Stop) -> tuple[Page, Listing]:
        url = f"{host.url}/api/v0/invoke"
        headers = {"Content-Type": "application/x-www-form-urlencoded", **credential.headers(url)}
        body = invoke_body("Mast.Caom.Products", {"obsid": ",".join(batch)}, page=number)
        waiting = Waiting(host, manners, stop)
        while True:
            answer = connections.request("POST", url, body=body, headers=headers, timeout=manners.timeout)
            page, listing = read_listing(answer, host=host)
            if not page.executing:
                return page, listing
            waiting.pause()

    with Connections(host, most=manners.connections) as connections:
        parts = gather(ask, obsids, manners=manners, cancel=cancel, done=arrivals.add, abort=connections.abort)
    listing = in_order_of_parents(listed(parts), obsids)
    if listing and not {"dataURI", "productFilename"} <= listing.keys():
        raise host.unreadable("its rows name no files")
    return listing


def obsids_of(observations: Table | Iterable[str]) -> tuple[str, ...]:
    """Give the ``obsid`` of observations, each once.

    Parameters
    ----------
    observations
        A table of observations, or their ``obsid`` (not ``obs_id``).

    Returns
    -------
    tuple of str

    Raises
    ------
    QueryError
        If a value is not an ``obsid``.
    """
    if isinstance(observations, Table):
        if "obsid" not in observations.colnames:
            raise QueryError("the table of observations has no column 'obsid'; give one that an archive made")
        values = np.asarray(observations["obsid"]).tolist()
    else:
        values = [observations] if isinstance(observations, str) else list(observations)
    obsids = tuple(dict.fromkeys(str(value).strip() for value in values))
    for obsid in obsids:
        if not (obsid.isascii() and obsid.isdigit()):
            raise QueryError(
                f"'{obsid}' is not an obsid, which is a number such as 87602008 (obs_id is something else)"
            )
    return obsids


def read_listing(body: bytes, *, host: Host) -> tuple[Page, Listing]:
    """Read one page of a list of products, some rows at a time.

    The whole answer as Python objects would take several times its size; here only each different value stays.

    Parameters
    ----------
    body
        The answer.
    host
        The archive, for the errors.

    Returns
    -------
    page : Page
        The page without its rows.
    listing : dict
        Its rows.

    Raises
    ------
    Unreadable
        If it is not such an answer.
    Refused
        If it is the portal's ERROR.
    """
    for begin, between in _SPELLINGS:
        first = body.find(begin) + len(begin) - 1
        last = _end_of_rows(body, first)
        if first < len(begin) or last <= first:
            continue
        try:
            page = read_page(body[:first] + body[last:], host=host)
            if any(page.columns.values()):
                break
            return replace(page, columns={}), read_rows(body, first, last, between, list(page.columns))
        except (Unreadable, orjson.JSONDecodeError, AttributeError):
            break  # an answer of another build, or one that is broken: read whole, and judged then
    page = read_page(body, host=host)
    return replace(page, columns={}), {name: Encoded.of(values) for name, values in page.columns.items()}


def in_order_of_parents(listing: Listing, obsids: Sequence[str]) -> Listing:
    """Sort products by the observation they were asked for.

    Which observations shared a request depends on timing; after this nothing does.

    Parameters
    ----------
    listing
        Products.
    obsids
        The observations, in the order in which they were asked for.

    Returns
    -------
    dict
        The rows of each observation in the archive's order.
    """
    if "parent_obsid" not in listing:
        return listing
    place = {obsid: number for number, obsid in enumerate(obsids)}
    parents = listing["parent_obsid"]
    places = np.array([place.get(str(parent), len(place)) for parent in parents.values], dtype=np.int64)[parents.codes]
    if np.all(places[1:] >= places[:-1]):
        return listing
    order = np.argsort(places, kind="stable")
    return {name: values.take(order) for name, values in listing.items()}


def _end_of_rows(body: bytes, first: int) -> int:
    """Give the place of the first ``]`` after a ``}``; a search for one byte is many times one for two."""
    last = first
    while (last := body.find(b"]", last + 1)) >= 0:
        if body[last - 1 : last] == b"}":
            break
    return last


def _with_parents(listing: Listing, batch: Sequence[str]) -> Listing:
    """Fill in what old answers leave out: which observation was asked for."""
    if "parent_obsid" not in listing and listing:
        rows = rows_of(listing)
        parents = constant(batch[0], rows) if len(batch) == 1 else listing.get("obsID") or constant(None, rows)
        listing = {**listing, "parent_obsid": parents}
    return listing
