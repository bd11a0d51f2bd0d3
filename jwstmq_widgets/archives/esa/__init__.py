"""An archive that speaks as ESA's does: TAP+ for questions, a data server for files.

It is asked without ``astroquery.esa.jwst``, whose questions and columns it takes over: importing that module sends a
request and lifts tarfile's safety for the whole process, its position search looks at targets instead of fields, its
program search takes 27 for 2733, its answers of more than 2,000 rows are cut without a word, and its logout keeps the
cookie. See `tap.service` for why its ``TapPlus`` and pyvo do not carry the requests.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives.answers import Answers, remembered
from jwstmq_widgets.archives.esa.artifactkeys import ArtifactKeys, ask_keys
from jwstmq_widgets.archives.esa.lists import MEMBERS, ask_artifacts, ask_files, asked_of, check_level
from jwstmq_widgets.archives.esa.questions import (
    TOP,
    Question,
    count_adql,
    observations_adql,
    question_for,
    rectangle,
    users_adql,
)
from jwstmq_widgets.archives.esa.tables import esa_observations, esa_products, known_sources, read_columns
from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.limits import narrowed
from jwstmq_widgets.archives.listing import ProductsProgress, targets_of
from jwstmq_widgets.archives.logins import Logins
from jwstmq_widgets.archives.mast.resolver import place_of, resolve_target
from jwstmq_widgets.archives.namedfiles import files_wanted, rows_of
from jwstmq_widgets.archives.parallel import Manners
from jwstmq_widgets.archives.related import related_table, relations_in
from jwstmq_widgets.archives.tap.adqltext import all_of, one_of
from jwstmq_widgets.archives.tap.archive import TapArchive
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query import Query
from jwstmq_widgets.query.positions import read_radius, read_resolver
from jwstmq_widgets.tables import select

__all__ = ["EsaArchive"]

_TABLES = {"jwst.main": "m", "jwst.artifact": "a"}


class EsaArchive(TapArchive):
    """ESA's archive, or whatever answers as it does. Making one contacts nobody.

    Parameters
    ----------
    host
        Where it is; its address ends in ``/server``.
    manners
        How hard it is asked.
    answers
        Where its answers are kept; the user's cache folder by default.
    logins
        Where it is noted that a password was put into the keyring; the user's state folder by default.
    """

    def __init__(
        self,
        host: Host,
        *,
        manners: Manners | None = None,
        answers: Answers | None = None,
        logins: Logins | None = None,
    ) -> None:
        super().__init__(host, manners=manners, answers=answers, logins=logins)
        self._keys = ArtifactKeys()

    def count(self, query: Query, *, cancel: threading.Event | None = None) -> int:
        """Ask how many observations answer a question, without loading them where that can be.

        Parameters
        ----------
        query
            The question.
        cancel
            Set to stop.

        Returns
        -------
        int

        Raises
        ------
        QueryError
            If something is asked that this archive cannot tell, or the target is unknown.
        ArchiveError
            If asking failed.
        """
        question, place = self._question(query, cancel)
        if not question.exact:
            return len(narrowed(self._observations(question, None, cancel), query, place))
        rows = self._rows(count_adql(question), ["rows_found"], cancel)["rows_found"].tolist()
        with self._host.reading():
            return int(rows[0]) if rows else 0

    @remembered
    def observations(
        self,
        query: Query,
        *,
        cache: bool | None = None,  # noqa: ARG002  (read by remembered)
        progress: Callable[[int], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Table:
        """Ask for the observations that answer a question.

        Without dates there is no date limit; planned observations (``calib_level`` -1) are among the answers. Other
        than MAST, ESA lists each exposure beside the observations that were made from it. More than 2,000 rows come by
        a job of the archive, which is removed afterwards and when it is cancelled.

        Parameters
        ----------
        query
            The question. What narrows products only (file types, detectors, levels, guide stars) plays no part. Where
            the archive cannot choose as finely as was asked, the rest is chosen here.
        cache
            Whether an answer of the last 24 hours may be taken from this machine, see `remembered`. False asks anew.
            ``meta["as_of"]`` says when the answer came (UTC).
        progress
            Told how many observations there are so far; runs on this thread.
        cancel
            Set to stop.

        Returns
        -------
        astropy.table.Table
            One row an observation, with MAST's columns; their descriptions say what ESA calls them. ``obsid`` is ESA's
            key (a UUID), ``obs_id`` the name, which is the same in both archives.

        Raises
        ------
        QueryError
            If the question has no limit at all, or asks what this archive cannot tell, or the target is unknown.
        ArchiveError
            If asking failed.
        Cancelled
            Within a second after ``cancel`` is set.
        """
        question, place = self._question(query, cancel)
        return narrowed(self._observations(question, progress, cancel), query, place)

    def region(
        self,
        query: Query,
        *,
        width: Any,
        height: Any,
        progress: Callable[[int], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Table:
        """Ask for the observations whose field overlaps a box.

        Parameters
        ----------
        query
            The question; its target or coordinates are the middle of the box, its radius plays no part.
        width, height
            Sides of the box along right ascension and declination; numbers (deg), or texts such as ``"2 arcmin"``.
        progress, cancel
            See `observations`.

        Returns
        -------
        astropy.table.Table

        Raises
        ------
        QueryError
            If there is no place, or a side is no angle.
        ArchiveError
            If asking failed.
        """
        place = place_of(self, query, cancel=cancel)
        if place is None:
            raise QueryError("a box needs a middle; give a target or coordinates", field="coordinates")
        corners = rectangle(place, read_radius(width), read_radius(height))
        question = self._build(query.replace(footprint=None), place, cancel, corners)
        return narrowed(self._observations(question, progress, cancel), query.replace(footprint=None), place)

    def products(
        self,
        observations: Table | Iterable[str],
        *,
        calib_level: int | None = None,
        cache: bool | None = None,
        progress: Callable[[ProductsProgress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Table:
        """Ask for the products of observations, and of those that they were made from.

        Parameters
        ----------
        observations
            A table of observations, or their ``obsid`` (ESA's UUID; not ``obs_id``).
        calib_level
            Only products of this calibration level; None for those at, or below, the level of each observation.
        cache
            Whether an answer of the last 24 hours may be taken from this machine, see `remembered`. False asks anew.
            ``meta["as_of"]`` says when the answer came (UTC).
        progress
            Told after every answer; runs on this thread.
        cancel
            Set to stop.

        Returns
        -------
        astropy.table.Table
            One row a file, in the order of the observations, with all its parents in ``parents``, and ESA's
            key of the file in ``artifact_id``. A size that the archive does not tell is -1.

        Raises
        ------
        QueryError
            If a value is not an ``obsid`` of this archive, or ``calib_level`` is above the level of an observation.
        ArchiveError
            If asking failed.
        Cancelled
            Within a second after ``cancel`` is set.
        """
        if not isinstance(observations, Table):
            observations = [observations] if isinstance(observations, str) else list(observations)
        if calib_level is not None:
            check_level(asked_of(observations), calib_level)
        table = self._products(observations, cache=cache, progress=progress, cancel=cancel)
        self._keys.learn_from(table)
        return table if calib_level is None else select(table, calib_levels=calib_level, guidestars=True)

    def artifacts(
        self, files: str | Iterable[str], *, strict: bool = True, cancel: threading.Event | None = None
    ) -> Table:
        """Ask for files by their names, or by their keys in ESA's data server.

        Parameters
        ----------
        files
            Names, ``artifact_id`` (UUIDs), or ``dataURI``; one, or several.
        strict
            Whether a file that the archive does not have is an error; it is left out otherwise.
        cancel
            Set to stop.

        Returns
        -------
        astropy.table.Table
            One row a file, as `products` gives them, in the order of the names.

        Raises
        ------
        QueryError
            If the archive does not have one of them.
        ArchiveError
            If asking failed.
        """
        wanted = files_wanted(files)
        columns = self._columns_of_lists(cancel)
        with self._host.reading():
            sources = known_sources("products", columns)
        rows = ask_artifacts(self._service(), wanted, columns, cancel=cancel)
        rows = rows or read_columns({source.column: () for source in sources})
        parents = [(str(obsid),) for obsid in rows["obsid"]]
        question = Question(where=all_of([TOP, one_of("obsid", sorted({obsid for (obsid,) in parents}))]), exact=True)
        observations = self._observations(question, None, cancel)
        with self._host.reading():
            table = esa_products(rows, parents, sources, archive=self.url, observations=observations)
        self._keys.learn_from(table)
        names = dict(zip(rows["artifactid"], rows["filename"], strict=True))  # a file may have several artifacts
        return rows_of(table, [names.get(file, file) for file in wanted], archive=self.name, strict=strict)

    @remembered
    def _products(
        self,
        observations: Table | Iterable[str],
        *,
        cache: bool | None = None,  # noqa: ARG002  (read by remembered)
        progress: Callable[[ProductsProgress], None] | None = None,
        cancel: threading.Event | None = None,
    ) -> Table:
        asked = asked_of(observations)
        columns = self._columns_of_lists(cancel)
        with self._host.reading():
            return ask_files(
                self._service(),
                asked,
                columns,
                observations=targets_of(observations),
                progress=progress,
                cancel=cancel,
            )

    def related(self, observation: str, *, cancel: threading.Event | None = None) -> Table:
        """Ask which observations one was made from, and in which it was used.

        Parameters
        ----------
        observation
            Its name (``obs_id``).
        cancel
            Set to stop.

        Returns
        -------
        astropy.table.Table
            Observations, with a column ``relation``: "made from" or "used in".

        Raises
        ------
        QueryError
            If there is no such observation.
        ArchiveError
            If asking failed.
        """
        name = Query(obs_ids=[observation]).obs_ids[0] if str(observation).strip() else ""
        if not name or "*" in name or "%" in name:
            raise QueryError(
                f"obs_id {observation!r} is not the name of one observation such as 'jw02733-o002_t001_miri_f1130w'",
                field="obs_ids",
            )
        relations = relations_in(self._rows(users_adql(name), MEMBERS, cancel), name)
        if relations is None:
            raise QueryError(f"the archive {self.name} has no observation '{name}'; check the name", field="obs_ids")
        names = [*relations.made_from, *relations.used_in]
        question = Question(where=all_of([TOP, one_of("observationid", names)]), exact=True)
        return related_table(self._observations(question, None, cancel), relations)

    def keyword_columns(self, *, cancel: threading.Event | None = None) -> Table:  # noqa: ARG002
        """Give the keywords that a question may have: none here, ESA has no search by instrument keywords."""
        empty = np.zeros(0, dtype="U1")
        return Table({"name": empty, "type": empty, "description": empty}, meta={"archive": self.url})

    def keyword_rows(self, query: Query, *, cancel: threading.Event | None = None) -> Table:  # noqa: ARG002
        """Refuse: ESA has no search by instrument keywords.

        Raises
        ------
        QueryError
            Always.
        """
        raise QueryError(
            "ESA's archive has no search by instrument keywords; ask MAST, or ask adql() for the columns that tables() "
            "lists",
            field="keywords",
        )

    def resolve(self, target: str, *, resolver: str = "", cancel: threading.Event | None = None) -> tuple[float, float]:
        """Ask where a target is. ESA's archive has no resolver: MAST's is asked, or CDS's for VizieR.

        Parameters
        ----------
        target
            Its name.
        resolver
            ``"NED"``, ``"SIMBAD"`` or ``"VIZIER"``; "" or ``"ALL"`` for the first two, one after the other.
        cancel
            Set to stop.

        Returns
        -------
        tuple
            Right ascension and declination (deg, ICRS).

        Raises
        ------
        QueryError
            If the name or the resolver is unknown.
        ArchiveError
            If asking failed.
        """
        chosen = "" if resolver.upper() == "ALL" else read_resolver(resolver)
        return resolve_target(self._host, target, resolver=chosen, manners=self._manners, cancel=cancel)

    def download_url(self, uri: str) -> str:
        """Give the address of a product's bytes.

        ESA's data server knows files by ``artifact_id``. Those of products that were listed are known; for any other
        file the archive is asked.

        Parameters
        ----------
        uri
            The product's ``dataURI``.

        Returns
        -------
        str

        Raises
        ------
        QueryError
            If the archive has no such file.
        ArchiveError
            If asking failed.
        """
        artifact = self.locate([uri]).get(uri)
        if artifact is None:
            raise QueryError(
                f"the archive {self.name} has no file {uri.rpartition('/')[2]!r}; check the name", field="uri"
            )
        return f"{self.url}/data?RETRIEVAL_TYPE=PRODUCT&ARTIFACTID={quote(artifact, safe='')}"

    def locate(self, uris: Iterable[str], *, cancel: threading.Event | None = None) -> Mapping[str, str]:
        """Ask for the ``artifact_id`` of many files at once, so that `download_url` need not.

        Parameters
        ----------
        uris
            ``dataURI`` of files.
        cancel
            Set to stop.

        Returns
        -------
        dict
            ``artifact_id`` by ``dataURI``; without the files that the archive does not have.
        """
        wanted = list(dict.fromkeys(uris))
        known = self._keys.of(wanted)
        unknown = [uri for uri in wanted if uri not in known]
        if not unknown:
            return known
        found = ask_keys(self._service(), unknown, self._columns_of_lists(cancel), cancel=cancel)
        self._keys.learn(found)
        return known | found

    def _question(self, query: Query, cancel: threading.Event | None) -> tuple[Question, tuple[float, float] | None]:
        if query.empty:
            raise QueryError("this asks for the whole archive; give a program, such as 2733", field="program")
        place = place_of(self, query, cancel=cancel)
        return self._build(query, place, cancel), place

    def _build(
        self,
        query: Query,
        place: tuple[float, float] | None,
        cancel: threading.Event | None,
        corners: Sequence[tuple[float, float]] = (),
    ) -> Question:
        return question_for(query, place, columns=self._columns_of_lists(cancel), corners=corners)

    def _observations(
        self, question: Question, progress: Callable[[int], None] | None, cancel: threading.Event | None
    ) -> Table:
        columns = self._columns_of_lists(cancel)
        with self._host.reading():
            sources = known_sources("observations", columns)
        adql = observations_adql(question, columns)
        rows = self._rows(adql, [source.column for source in sources], cancel)
        with self._host.reading():
            table = esa_observations(rows, sources, archive=self.url)
        if progress is not None:
            progress(len(table))
        return table

    def _columns_of_lists(self, cancel: threading.Event | None) -> frozenset[str]:
        """Give the columns of the two tables that lists are made of, as ``m.public`` and ``a.filename``."""
        columns = self._known_columns(cancel)
        return frozenset(f"{_TABLES[one.table]}.{one.name.lower()}" for one in columns if one.table in _TABLES)
