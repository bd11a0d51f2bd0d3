"""Which file types there are, how many files of each, and which are shown."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.query import Query
from jwstmq_widgets.tables import expand_filetype, filetype_summary, format_size, select
from jwstmq_widgets.widgets.panel import Panel, static
from jwstmq_widgets.widgets.typemeaning import type_meaning

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["FiletypePanel", "FiletypeRow", "filetype_rows"]

_STAGES = ("1b", "2a", "2b", "2c", "3", "", "gs")
_PREVIEWS = (".jpg", ".png", ".gif")


@dataclass(frozen=True, slots=True, kw_only=True)
class FiletypeRow:
    """One file type of a table of products."""

    stage: str
    """Product category: 1b, 2a, 2b, 2c, 3, gs for guide stars, "" for others."""
    filetype: str
    """Such as ``"_cal.fits"``."""
    files: int
    """How many files."""
    size: int
    """Bytes, of those known."""

    @property
    def pair(self) -> tuple[str, str]:
        """Stage and file type: what `Exploration.choose_filetypes` takes."""
        return self.stage, self.filetype

    @property
    def meaning(self) -> str:
        """What such a file holds; "" for a type that is not known."""
        return type_meaning(self.filetype)


def filetype_rows(products: Table, query: Query) -> tuple[FiletypeRow, ...]:
    """Sum products by file type, after a query's other limits.

    Parameters
    ----------
    products
        A table of products.
    query
        Its detectors, levels and observation numbers narrow the products; its file types do not.

    Returns
    -------
    tuple of FiletypeRow
        By stage, then science files before their previews. Guide stars have the stage "gs".
    """
    guidestars = "only" if query.guidestars == "only" else True
    limits = query.product_limits | {"filetypes": (), "guidestars": guidestars}
    sums = filetype_summary(select(products, **limits))
    rows = [
        FiletypeRow(stage=stage, filetype=filetype, files=files, size=size)
        for stage, filetype, files, size in zip(
            *(np.asarray(sums[name]).tolist() for name in ("stage", "filetype", "files", "size")), strict=True
        )
    ]
    return tuple(sorted(rows, key=_order))


class FiletypePanel(Panel):
    """The file types of the products, to choose what grid and gallery show. None chosen shows all.

    Parameters
    ----------
    exploration
        Whose products are summed, and whose ``filetypes`` and ``guidestars`` are chosen.
    """

    _esm = static("dom.js", "filetypes.js")
    styles = ("filetypes.css",)
    watches = ("products", "query", "filetypes", "guidestars", "jobs")

    def __init__(self, exploration: "Exploration", **traits: Any) -> None:
        self._summed: tuple[Table | None, Query | None, tuple[FiletypeRow, ...]] = (None, None, ())
        super().__init__(exploration, **traits)

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show, as JSON values."""
        rows, guides = self._rows()
        chosen = self._chosen(rows)
        return {
            "rows": [
                {
                    "stage": row.stage,
                    "filetype": row.filetype,
                    "files": f"{row.files:,}",
                    "size": format_size(row.size) if row.size else "–",  # the archive may not tell it
                    "meaning": row.meaning,
                    "chosen": row.pair in chosen,
                }
                for row in rows
            ],
            "chosen": sum(row.pair in chosen for row in rows),
            "guides": {
                "files": f"{sum(row.files for row in guides):,}",
                "size": format_size(sum(row.size for row in guides)),
                "chosen": self.exploration.guidestars,
            }
            if guides
            else None,
            "empty": self._empty_text(),
        }

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for."""
        return {"choose": self._choose, "all": self._all, "guides": self._guides}

    def _rows(self) -> tuple[tuple[FiletypeRow, ...], tuple[FiletypeRow, ...]]:
        """Give the rows for types, and those that the one row for guide stars stands for."""
        products, query = self.exploration.products, self.exploration.query
        if self._summed[0] is not products or self._summed[1] is not query:
            self._summed = (products, query, filetype_rows(products, query))
        rows = self._summed[2]
        if query.guidestars == "only":
            return rows, ()
        return tuple(row for row in rows if row.stage != "gs"), tuple(row for row in rows if row.stage == "gs")

    def _chosen(self, rows: Iterable[FiletypeRow]) -> frozenset[tuple[str, str]]:
        """Give the pairs that limit what is shown; none when all types are shown."""
        pairs = frozenset(row.pair for row in rows)
        chosen = frozenset(self.exploration.filetypes) & pairs
        wanted = tuple(expand_filetype(name) for name in self.exploration.query.filetypes)
        if not self.exploration.filetypes and wanted:
            chosen = frozenset(pair for pair in pairs if pair[1].endswith(wanted))
        return frozenset() if chosen == pairs else chosen

    def _choose(self, stage: str, filetype: str, on: bool) -> None:
        rows, _ = self._rows()
        chosen = self._chosen(rows)
        pair = (stage, filetype)
        self._put(chosen | {pair} if on else chosen - {pair}, guidestars=self.exploration.guidestars)

    def _all(self) -> None:
        self._put(frozenset(), guidestars=self.exploration.guidestars)

    def _guides(self, on: bool) -> None:
        rows, _ = self._rows()
        chosen = self._chosen(rows)
        self.exploration.choose_guidestars(on)
        self._put(chosen, guidestars=on)

    def _put(self, chosen: frozenset[tuple[str, str]], *, guidestars: bool) -> None:
        """Choose; the guide stars' own types go along with the others, and the query's own types give way to all."""
        rows, guides = self._rows()
        if not chosen and self.exploration.query.filetypes:
            chosen = frozenset(row.pair for row in rows)
        if chosen and guidestars:
            chosen |= {row.pair for row in guides}
        self.exploration.choose_filetypes(chosen)

    def _empty_text(self) -> str:
        if len(self.exploration.products):
            return ""
        return "Searching …" if self.exploration.running("search") else "Search for a program to see its file types."


def _order(row: FiletypeRow) -> tuple[int, bool, str]:
    place = _STAGES.index(row.stage) if row.stage in _STAGES else len(_STAGES)
    return place, row.filetype.endswith(_PREVIEWS), row.filetype
