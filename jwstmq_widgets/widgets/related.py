"""Observations that one was made from, or used in, in a line that unfolds."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from jwstmq_widgets.exploration.related import Related
from jwstmq_widgets.query import Query
from jwstmq_widgets.widgets.panel import Panel, static

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["RelatedPanel"]

_MOST = 300


class RelatedPanel(Panel):
    """What the observation in focus was made from, and what it was used in.

    It is that of the only observation chosen, or of the file that `look_at_file` was called with last. The panel shows
    nothing while there is none, or the archive knows no relations.

    Parameters
    ----------
    exploration
        Whose observations.
    """

    _esm = static("dom.js", "related.js")
    styles = ("related.css",)
    watches = ("archive", "products")

    def __init__(self, exploration: "Exploration", **traits: Any) -> None:
        self._related = Related(exploration)
        super().__init__(exploration, **traits)
        self._related.observe(self._changed)
        self.watch(self._choose, "chosen_observations")
        self.watch(self._forget, "archive", "query")

    def close(self) -> None:
        """Stop, and free the widget."""
        if self.comm is not None:
            self._related.unobserve(self._changed)
        self._related.close()
        super().close()

    def look_at_file(self, uri: str) -> None:
        """Look at the observation that a file belongs to.

        Parameters
        ----------
        uri
            The product's ``dataURI``.
        """
        self._related.look_at_file(uri)

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show, as JSON values."""
        related = self._related
        problem = related.problems.get("related")
        shown = bool(related.observation) and related.archive is not None
        return {
            "observation": related.observation if shown else "",
            "working": related.working,
            "problem": problem.text if problem is not None and shown else "",
            "groups": [[relation, len(names), names[:_MOST]] for relation, names in related.names().items()]
            if shown and related.table is not None
            else [],
        }

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for."""
        return {"search": self._search, "look": self._look}

    def _search(self, observations: list[str]) -> None:
        known = {name for names in self._related.names().values() for name in names} | {self._related.observation}
        wanted = [name for name in observations if name in known]
        if wanted:
            self.exploration.search(Query(obs_ids=wanted))

    def _look(self, observation: str) -> None:
        self._related.look_at(str(observation))

    def _choose(self, change: Mapping[str, Any]) -> None:
        chosen = change["new"]
        if len(chosen) == 1:
            table = self.exploration.observations
            rows = table[table["obsid"] == next(iter(chosen))]
            if len(rows):
                self._related.look_at(str(rows["obs_id"][0]))

    def _forget(self, _change: Any) -> None:
        self._related.look_at("")
