"""A search: from the question to the state in which its answer is shown."""

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.exploration.asking import Answer, ask
from jwstmq_widgets.exploration.choosing import shown_products
from jwstmq_widgets.exploration.counts import counted
from jwstmq_widgets.exploration.files import FileStates
from jwstmq_widgets.exploration.jobs import Jobs, Problem, Run
from jwstmq_widgets.exploration.notices import warnings_of
from jwstmq_widgets.exploration.state import Writer
from jwstmq_widgets.query import Query

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration
    from jwstmq_widgets.exploration.connection import Connection
    from jwstmq_widgets.exploration.destination import Destination

__all__ = ["Search", "still_there"]


class Search:
    """Asks an exploration's archive, and puts the whole answer in the place of the one before.

    Parameters
    ----------
    state
        The exploration.
    write
        What changes it.
    jobs
        Where work runs.
    connection
        Gives the archive when it is open.
    destination
        Looked at after an answer.
    """

    def __init__(
        self,
        state: "Exploration",
        write: Writer,
        jobs: Jobs,
        *,
        connection: "Connection",
        destination: "Destination",
    ) -> None:
        self._state = state
        self._write = write
        self._jobs = jobs
        self._connection = connection
        self._destination = destination

    def start(self, query: Query, **how: Any) -> None:
        """Search, on a thread; a search that runs is replaced.

        Parameters
        ----------
        query
            What to ask.
        **how
            Options for the archive, such as ``cache=False``.
        """
        with self._write.lock:
            self._write.clear("search")
            self._write.set(asked=query)
        self._write.tell()
        if query.empty:
            nothing = QueryError("nothing to search for; give a program, such as 2733")
            self._write.fail("search", Problem.of(nothing))
            return

        def work(run: Run) -> None:
            try:
                archive = self._connection.ready(run)
                answer = ask(archive, query, run, arrived=lambda products: self._arrived(products, query, run), **how)
                self._take(answer, run)
                found, shown = len(answer.observations), len(self._state.shown)
                run.tell(text=f"{counted(found, 'observation')} · {counted(shown, 'file')}")
                self._destination.look()
            finally:
                with self._write.lock:
                    if run.current:
                        self._write.set(arriving=None)
                self._write.tell()

        self._jobs.cancel("search")
        self._write.put(arriving=None)
        self._jobs.start("search", work, text="waiting for the archive")

    def _arrived(self, products: Table, query: Query, run: Run) -> None:
        """Show what has come so far."""
        rows = shown_products(products, query, frozenset(), guidestars=bool(query.guidestars))
        with self._write.lock:
            if run.current and not run.cancel.is_set():
                self._write.set(arriving=rows)
        self._write.tell()

    def _take(self, answer: Answer, run: Run) -> None:
        """Put an answer in the place of the one before."""
        state, query, guidestars = self._state, answer.query, bool(answer.query.guidestars)
        shown = shown_products(answer.products, query, frozenset(), guidestars=guidestars)
        with self._write.lock:
            run.check()
            self._write.set(
                query=query,
                source=answer.archive,
                observations=answer.observations,
                products=answer.products,
                filetypes=frozenset(),
                facets=state.facets if query == state.query else MappingProxyType({}),
                chosen_observations=still_there(state.chosen_observations, answer.observations),
                guidestars=guidestars,
                shown=shown,
                ticked=state.ticked.moved(answer.files),
                states=FileStates(answer.files),
                arriving=None,
                as_of=answer.as_of,
                warnings=warnings_of(answer.observations, answer.products),
            )
            self._destination.forget()
        self._write.tell()


def still_there(obsids: frozenset[str], observations: Table) -> frozenset[str]:
    """Give those of some observations that a table has: the same value where it has all of them.

    Parameters
    ----------
    obsids
        Numbers of observations (``obsid``, not ``obs_id``).
    observations
        The table.

    Returns
    -------
    frozenset of str
    """
    left = obsids.intersection(np.asarray(observations["obsid"]).tolist()) if obsids else obsids
    return obsids if left == obsids else left
