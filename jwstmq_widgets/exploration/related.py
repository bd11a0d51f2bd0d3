"""From which observations one was made, and in which it was used."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives.merged import archives_in
from jwstmq_widgets.exploration import Exploration
from jwstmq_widgets.exploration.jobs import Jobs, Problem, Run
from jwstmq_widgets.exploration.state import State, value

__all__ = ["Related"]

_NONE: Mapping[str, Problem] = MappingProxyType({})
_REMEMBERED = 200


class Related(State):
    """The relations of one observation, asked of an archive that knows them, as ESA's does.

    Parameters
    ----------
    exploration
        Whose archive is asked: of several the first that knows relations.
    """

    observation = value("", "Name (obs_id) of the observation looked at; empty for none.")
    table = value(None, "Table of its relations, with the column relation: made from, used in; None while unknown.")
    working = value(False, "Whether the archive is being asked.")
    problems = value(_NONE, "The name related to Problem, where the archive does not answer.")

    def __init__(self, exploration: Exploration) -> None:
        super().__init__()
        self._exploration = exploration
        self._jobs = Jobs(changed=lambda _: None, failed=self._fail)
        self._known: dict[tuple[str, str], Table] = {}

    @property
    def archive(self) -> Any:
        """The archive that is asked; None where the one that is open knows no relations."""
        opened = self._exploration.archive
        return next((one for one in archives_in(opened) if hasattr(one, "related")), None)

    def look_at(self, observation: str) -> None:
        """Look at another observation.

        Parameters
        ----------
        observation
            Its name (``obs_id``); "" for none.
        """
        archive = self.archive
        key = (archive.url if archive is not None else "", observation)
        known = self._known.get(key)
        asking = bool(observation) and archive is not None and known is None
        self._jobs.cancel("related")  # first: its answer is none to the new question
        self._put(observation=observation, table=known, working=asking, problems=_NONE)
        if not asking:
            return

        def work(run: Run) -> None:
            table = archive.related(observation, cancel=run.cancel)
            with self._lock:
                run.check()
                self._known[key] = table
                while len(self._known) > _REMEMBERED:
                    del self._known[next(iter(self._known))]
                self._set(table=table, working=False)
            self._tell()

        self._jobs.start("related", work, text="asking for relations")

    def look_at_file(self, uri: str) -> None:
        """Look at the observation that a file belongs to.

        Parameters
        ----------
        uri
            The product's ``dataURI``; nothing changes for one that was not found.
        """
        products = self._exploration.products
        found = np.flatnonzero(np.asarray(products["dataURI"]) == uri)
        if len(found):
            self.look_at(str(products["obs_id"][found[0]]))

    def names(self) -> Mapping[str, list[str]]:
        """Give the names of related observations by relation: made from, used in."""
        table = self.table
        groups: dict[str, list[str]] = {"made from": [], "used in": []}
        if table is not None:
            for relation, name in zip(table["relation"].tolist(), table["obs_id"].tolist(), strict=True):
                groups.setdefault(str(relation), []).append(str(name))
        return groups

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing runs; True if so."""
        return self._jobs.wait(timeout)

    def close(self) -> None:
        """Stop."""
        self._jobs.close()

    def _fail(self, name: str, problem: Problem) -> None:
        self._set(working=False)
        super()._fail(name, problem)
