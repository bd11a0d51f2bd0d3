"""What ``jwstmq query`` lists: observations, products and sums, on stdout and in jwst_mast_query's text files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from jwstmq_widgets.cli.terminal import Format, say, write_table
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query.settings import Options
from jwstmq_widgets.tables.querytables import (
    OBSERVATION_COLUMNS,
    OBSERVATION_ORDER,
    PRODUCT_COLUMNS,
    PRODUCT_ORDER,
    SUMMARY_ORDER,
    Place,
    columns_of,
    observation_table,
    ordered,
    product_table,
    summary_table,
    text_lines,
)
from jwstmq_widgets.tables.tablefiles import write_json_tables

if TYPE_CHECKING:
    from astropy.table import Table

    from jwstmq_widgets.downloads import Plan

__all__ = ["SHOWN", "Listing", "look", "needs_places", "needs_products"]

SHOWN = ("observations", "products", "summary")
"""What can be listed."""

_VIEWS: Mapping[str, tuple[str, ...]] = {
    "observations": (
        "program", "observation", "obs_id", "instrument_name", "filters", "target_name", "t_min", "t_exptime",
        "calib_level", "dataRights",
    ),
    "products": ("productFilename", "observation", "detector", "filters", "calib_level", "size", "dataRights"),
    "summary": ("program", "observation", "stage", "filetype", "files", "size"),
}  # fmt: skip
_PLACE_COLUMNS = frozenset({"outfilename", "dl_code", "dl_str"})
_STATES = {"here": (2, "exists"), "different": (4, "ERRfilesize")}


def needs_products(show: str, format: Format, options: Options) -> bool:  # noqa: A002
    """Tell whether a listing needs the products.

    Parameters
    ----------
    show
        Which table.
    format
        In which form.
    options
        The options.

    Returns
    -------
    bool
    """
    return show != "observations" or format == "json" or bool(options.tables)


def needs_places(options: Options) -> bool:
    """Tell whether a listing tells where files are.

    Parameters
    ----------
    options
        The options.

    Returns
    -------
    bool
    """
    return bool(_PLACE_COLUMNS & {*options.product_columns, *options.product_order})


def look(plan: "Plan", options: Options) -> dict[str, Place]:
    """Give jwst_mast_query's codes for where files are.

    Parameters
    ----------
    plan
        The plan of the products.
    options
        The options.

    Returns
    -------
    dict
        Places by ``dataURI``.
    """
    places = {}
    for item in plan.items:
        code, text = _STATES.get(item.state, (0, "")) if options.look else (-1, "")
        if code == 4 and not options.compare_sizes:
            code, text = _STATES["here"]
        places[item.uri] = Place(path=str(item.path), code=code, text=text)
    return places


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """An answer, ready to be listed."""

    observations: "Table"
    """The observations."""
    products: "Table | None" = None
    """The chosen products; None when they were not asked for."""
    places: Mapping[str, Place] | None = None
    """Where the files are, by ``dataURI``."""
    options: Options
    """How it is listed."""

    def tables(self) -> "dict[str, Table]":
        """Give the tables with all their columns, in order.

        Returns
        -------
        dict
            Tables by name; those of products and sums only when the products are known.

        Raises
        ------
        QueryError
            If a column to sort by does not exist.
        """
        options = self.options
        observations = observation_table(self.observations, self.products)
        tables = {"observations": ordered(observations, options.observation_order or OBSERVATION_ORDER)}
        if options.asked_columns:
            asked = columns_of(self.observations, options.asked_columns)
            dropped = set(self.observations.colnames) - {*asked, "program", "observation", "instrument", "mode"}
            tables["observations"].remove_columns(sorted(dropped))
        if self.products is not None:
            products = product_table(self.products, self.places)
            summary = summary_table(self.observations, self.products)
            tables["products"] = ordered(products, options.product_order or PRODUCT_ORDER)
            tables["summary"] = ordered(summary, options.summary_order or SUMMARY_ORDER)
        return tables

    def write(self, stream: TextIO, *, show: str, format: Format) -> None:  # noqa: A002
        """Write the list.

        Parameters
        ----------
        stream
            Where it goes.
        show
            Which table. As JSON all three are written, as one object.
        format
            Its form. As a table for eyes it shows the columns of the options, or else our own choice.

        Raises
        ------
        QueryError
            If a column does not exist.
        """
        tables = self.tables()
        if format == "json":
            write_json_tables(tables, stream)
        elif format == "table" and show == "summary" and self.products is not None:
            from jwstmq_widgets.tables import summarize

            write_table(summarize(self.products), format=format, columns=_VIEWS[show], stream=stream)
        elif format == "table" and self._columns(show):
            stream.writelines(text_lines(tables[show], self._columns(show)))
        else:
            write_table(tables[show], format=format, columns=_VIEWS[show], stream=stream)

    def save(self) -> None:
        """Write jwst_mast_query's three text files, when they are asked for.

        Raises
        ------
        QueryError
            If a column does not exist, or they cannot be written.
        """
        if not self.options.tables or self.products is None:
            return
        tables = self.tables()
        with_files = [name for name in tables["observations"].colnames if name.startswith("_") or name == "no type"]
        observations = tables["observations"]
        chosen = observations[sum((observations[name] for name in with_files), start=0 * observations["obsnum"]) > 0]
        columns = {
            "selprod": (tables["products"], self._columns("products") or PRODUCT_COLUMNS),
            "obs": (chosen, (*(self._columns("observations") or OBSERVATION_COLUMNS), *with_files)),
            "summary": (tables["summary"], ("proposal_id", "obsnum", *with_files, "date_start")),
        }
        folder = Path(self.options.folder).expanduser() / self.options.subfolder
        for ending, (table, names) in columns.items():
            path = folder / f"{self.options.tables}.{ending}.txt"
            self._write_text(path, text_lines(table, tuple(dict.fromkeys(names))))
        say(f"tables: {folder / self.options.tables}.selprod.txt, .obs.txt, .summary.txt")

    def _columns(self, show: str) -> Sequence[str]:
        columns = {"observations": self.options.observation_columns, "products": self.options.product_columns}
        return columns.get(show, ())

    def _write_text(self, path: Path, lines: Iterator[str]) -> None:
        texts = list(lines)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8") as file:
                file.writelines(texts)
        except OSError as error:
            raise QueryError(
                f"{path} cannot be written ({error.strerror}); choose another --outrootdir or --savetables",
                field="savetables",
            ) from error
