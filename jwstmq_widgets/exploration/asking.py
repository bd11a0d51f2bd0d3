"""How an archive is asked: observations, then their products, with the rows that come in between."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from astropy.table import Table

from jwstmq_widgets.archives import Archive, nothing_found
from jwstmq_widgets.exploration.counts import counted
from jwstmq_widgets.exploration.files import FileIndex
from jwstmq_widgets.exploration.jobs import Run
from jwstmq_widgets.query import Query

__all__ = ["Answer", "ask"]

_OFTEN = 0.5  # seconds between two partial answers
_SHARE = 5  # how much longer than its drawing one is left alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an archive answered to a query."""

    archive: Archive
    """Who."""
    query: Query
    """What was asked."""
    observations: Table
    """Observations found."""
    products: Table
    """All their products."""
    files: FileIndex
    """Which row of the products each file is."""

    @property
    def as_of(self) -> datetime:
        """When it came (UTC); a kept answer may be a day old."""
        return min(_as_of(self.observations), _as_of(self.products))


def ask(archive: Archive, query: Query, run: Run, *, arrived: Callable[[Table], None], **how: Any) -> Answer:
    """Ask an archive.

    Parameters
    ----------
    archive
        Whom.
    query
        What.
    run
        The work that this is; told how far it is, and ended by its cancel.
    arrived
        Called with a table of the products so far: twice a second at most, and never most of the time.
    **how
        Options for the archive, such as ``cache=False``.

    Returns
    -------
    Answer

    Raises
    ------
    QueryError
        If nothing was found.
    ArchiveError
        If asking failed.
    Cancelled
        Soon after the run is cancelled, or replaced.
    """
    run.tell(text="asking for observations")
    observations = archive.observations(query, cancel=run.cancel, **how)
    run.check()
    if not len(observations):
        raise nothing_found(archive, query)
    run.tell(text=f"{counted(len(observations), 'observation')}; asking for their products", fraction=0.0)
    after = 0.0

    def progress(done: Any) -> None:
        nonlocal after
        asked, total = done.observations_done, done.observations_total
        text = f"{asked:,} of {counted(total, 'observation')} · {counted(done.products, 'file')}"
        run.tell(text=text, fraction=asked / max(total, 1))
        began = time.monotonic()
        if asked < total and done.partial is not None and began >= after:
            arrived(done.partial())
            ended = time.monotonic()
            after = ended + max(_OFTEN, _SHARE * (ended - began))

    products = archive.products(observations, progress=progress, cancel=run.cancel, **how)
    run.check()
    files = FileIndex(products["dataURI"])
    return Answer(archive=archive, query=query, observations=observations, products=products, files=files)


def _as_of(table: Table) -> datetime:
    text = table.meta.get("as_of")
    return datetime.fromisoformat(text) if text else datetime.now(UTC)
