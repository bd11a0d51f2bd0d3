"""MAST's mission search, asked: its columns once, its rows page by page."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Event

import orjson

from jwstmq_widgets.archives.connections import Connections
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.mast.missions import (
    KeywordColumn,
    MissionPage,
    conditions_for,
    known_keywords,
    read_columns,
    read_missions,
    search_body,
    where_null,
)
from jwstmq_widgets.archives.mast.portal import Columns, joined
from jwstmq_widgets.archives.parallel import Manners, Stop, ask_one, gather
from jwstmq_widgets.archives.tokens import Credential
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query import Query

__all__ = ["MissionSearch"]

_PAGE = 5000  # the most that MAST's own client asks for
_MOST_ROWS = 200_000


class MissionSearch:
    """The mission search of one archive.

    Its list of columns is asked for once, and kept: MAST adds columns now and then, and a list shipped with the
    package would refuse them.

    Parameters
    ----------
    host
        The archive.
    manners
        How hard to ask.
    page
        Rows of a page.
    """

    def __init__(self, host: Host, *, manners: Manners, page: int = _PAGE) -> None:
        self._host = host
        self._manners = replace(manners, first=1, largest=1)
        self._page = page
        self._lock = threading.Lock()
        self._columns: Mapping[str, KeywordColumn] = {}

    def columns(self, *, cancel: Event | None = None) -> Mapping[str, KeywordColumn]:
        """Give the archive's columns, by name.

        Raises
        ------
        ArchiveError
            If asking failed; it is asked anew then.
        Cancelled
            If ``cancel`` is set.
        """
        with self._lock:
            columns = self._columns
        if columns:
            return columns
        url = f"{self._host.url}/search/util/api/v0.1/column_list?mission=jwst"

        def ask(_: Stop) -> Mapping[str, KeywordColumn]:
            return read_columns(connections.request("GET", url, timeout=self._manners.timeout), host=self._host)

        with Connections(self._host, most=1) as connections:
            columns = ask_one(ask, manners=self._manners, cancel=cancel, abort=connections.abort)
        with self._lock:
            self._columns = columns
        return columns

    def rows(
        self,
        query: Query,
        place: tuple[float, float] | None,
        *,
        select: Sequence[str],
        credential: Credential,
        cancel: Event | None = None,
    ) -> Columns:
        """Give the exposures that meet the keywords of a question, and its program, instruments, place, earliest date.

        Parameters
        ----------
        query
            The question.
        place
            Right ascension and declination (deg, ICRS) that its target stands for.
        select
            Columns of the answer, besides those that are asked about.
        credential
            The token that goes along.
        cancel
            Set to stop.

        Returns
        -------
        dict
            By column, each row once, in the order of ``fileSetName``.

        Raises
        ------
        QueryError
            If a keyword is unknown or has a value that it cannot have, or more than 200,000 rows would come.
        ArchiveError
            If asking failed.
        Cancelled
            Within a fraction of a second after ``cancel`` is set.
        """
        keywords = known_keywords(query.exposure_limits, self.columns(cancel=cancel))
        names = tuple(dict.fromkeys((*select, *keywords)))
        pages = self._pages(conditions_for(query, keywords), names, query, place, credential, cancel)
        return _distinct(where_null(joined(page.columns for page in pages), keywords))

    def _pages(
        self,
        conditions: Sequence[Mapping[str, str]],
        names: Sequence[str],
        query: Query,
        place: tuple[float, float] | None,
        credential: Credential,
        cancel: Event | None,
    ) -> list[MissionPage]:
        url = f"{self._host.url}/search/jwst/api/v0.1/search"

        def ask(offsets: Sequence[int], _: Stop) -> MissionPage:
            body = search_body(
                conditions, select=names, place=place, radius=query.radius, offset=offsets[0], limit=self._page
            )
            headers = {"Content-Type": "application/json", **credential.headers(url)}
            answer = connections.request("POST", url, body=body, headers=headers, timeout=self._manners.timeout)
            return read_missions(answer, host=self._host, select=names)

        def ask_all(offsets: Sequence[int]) -> list[MissionPage]:
            return gather(ask, offsets, manners=self._manners, cancel=cancel, abort=connections.abort)

        with Connections(self._host, most=self._manners.connections) as connections:
            pages = ask_all((0,))
            total, step = pages[0].total, pages[0].rows
            if total is not None and total > _MOST_ROWS:
                raise QueryError(
                    f"{total:,} exposures match these keywords, more than {_MOST_ROWS:,}; add a program, an "
                    "instrument, a place or a date",
                    field="keywords",
                )
            if total is not None and 0 < step < total:
                # What a page holds is what the archive gives, which may be less than was asked for.
                pages += ask_all(tuple(range(step, total, step)))
            while total is None and pages[-1].rows >= self._page:
                pages += ask_all((sum(page.rows for page in pages),))
        found = sum(page.rows for page in pages)
        if total is not None and found < total:
            raise self._host.unreadable(f"it says {total:,} rows and gave {found:,}")
        return pages


def _distinct(columns: Columns) -> Columns:
    """Drop repeated rows, which real answers hold."""
    rows = list(zip(*columns.values(), strict=True))
    try:
        kept = list(dict.fromkeys(rows))
    except TypeError:  # a value that is a list or an object
        kept = list({orjson.dumps(row): row for row in rows}.values())
    if len(kept) == len(rows):
        return columns
    return dict(zip(columns, map(list, zip(*kept, strict=True)), strict=True))
