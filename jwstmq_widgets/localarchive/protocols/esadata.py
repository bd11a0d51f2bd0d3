"""ESA's data server: one file by its artifact, or all files of planes as a tar archive made while it is sent."""

import re
from collections.abc import Iterator, Sequence
from typing import cast

from jwstmq_widgets.localarchive import pixels
from jwstmq_widgets.localarchive.adql import AdqlError
from jwstmq_widgets.localarchive.facts import FileFacts
from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.holdings.tapcatalogue import Levels, TapCatalogue
from jwstmq_widgets.localarchive.holdings.taptables import TapArtifact
from jwstmq_widgets.localarchive.protocols.esaerrors import HttpProblem
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked
from jwstmq_widgets.localarchive.protocols.files import serve_facts, written
from jwstmq_widgets.localarchive.protocols.tapparameters import Parameters, read_parameters
from jwstmq_widgets.localarchive.protocols.tarstream import TarMember, tar_stream

__all__ = ["DataServer"]

PRIVATE = "Private file(s) requested: MAST token required for authentication."
"""What ESA's server says, word for word (documentation of astroquery.esa.jwst)."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,200}")
_LEVELS = frozenset({"SELECTED", "LEVEL1ONLY", "ALL"})
_KINDS = frozenset({"science", "auxiliary", "info", "preview", "thumbnail"})
_MOST_PLANES = 20_000


class DataServer:
    """What ``/server/data`` answers.

    Parameters
    ----------
    holdings
        The files.
    catalogue
        What knows them by ESA's ids.
    """

    def __init__(self, holdings: Holdings, catalogue: TapCatalogue) -> None:
        self._holdings = holdings
        self._catalogue = catalogue

    def name(self, asked: Asked) -> str:
        """Tell what is asked for, in a word, for the log and for faults: the file, or the archive of several."""
        try:
            parameters = read_parameters(asked)
            if _kind(parameters) == "PRODUCT":
                return self._file(parameters).name
            return f"{_tar_name(self._artifacts(parameters))}.tar"
        except (HttpProblem, AdqlError):
            return ""

    def answer(self, asked: Asked) -> Answer:
        """Answer a request.

        Raises
        ------
        HttpProblem
            For a wrong one, an unknown file, and one that is exclusive.
        """
        parameters = read_parameters(asked)
        if _kind(parameters) == "PRODUCT":
            facts = self._file(parameters)
            _permit(asked, [facts])
            return serve_facts(asked, facts)
        artifacts = self._artifacts(parameters)
        files = [self._facts(artifact.filename) for artifact in artifacts]
        _permit(asked, files)
        if len(files) == 1:
            return serve_facts(asked, files[0])
        members = [
            TarMember(
                name=f"{artifact.observation_id}/{facts.name}",
                size=facts.size,
                modified=written(facts).timestamp(),
                content=lambda facts=facts: pixels.content(facts),  # type: ignore[misc]
            )
            for artifact, facts in zip(artifacts, files, strict=True)
        ]

        def stream() -> Iterator[bytes]:
            return tar_stream(members)

        # Without a length, as for content that is made while it is sent.
        return Answer(
            headers={
                "Content-Type": "application/x-tar",
                "Content-Disposition": f'attachment; filename="{_tar_name(artifacts)}.tar"',
                "Accept-Ranges": "none",
            },
            stream=stream,
        )

    def _file(self, parameters: Parameters) -> FileFacts:
        identifier = parameters.first("artifactid") or parameters.first("artifact_id")
        if identifier:
            artifact = self._catalogue.artifact(identifier)
            if artifact is None:
                raise HttpProblem(404, f"there is no artifact {identifier[:100]!r}")
            return self._facts(artifact.filename)
        uri = parameters.first("artifact_uri") or parameters.first("filename") or parameters.first("file_name")
        if not uri:
            raise HttpProblem(400, "RETRIEVAL_TYPE=PRODUCT needs ARTIFACTID, ARTIFACT_URI or FILENAME")
        name = uri.rpartition("/")[2]
        if not _NAME.fullmatch(name):
            raise HttpProblem(404, f"there is no file {name[:100]!r}")
        return self._facts(name)

    def _facts(self, name: str) -> FileFacts:
        facts = self._holdings.file(name)
        if facts is None:
            raise HttpProblem(404, f"there is no file {name[:100]!r}")
        return facts

    def _artifacts(self, parameters: Parameters) -> list[TapArtifact]:
        """Find the files of the planes named; astroquery names planes twice, files come once."""
        texts = parameters.values.get("planeid", [])
        planes = list(dict.fromkeys(part.strip() for text in texts for part in text.split(",") if part.strip()))
        if not planes:
            raise HttpProblem(400, "RETRIEVAL_TYPE=OBSERVATION needs planeid")
        if len(planes) > _MOST_PLANES:
            raise HttpProblem(400, f"{len(planes)} planes are too many; at most {_MOST_PLANES}")
        levels = (parameters.first("calibrationlevel") or "ALL").upper()
        if levels not in _LEVELS:
            # astroquery passes a level that it has no word for as it is: -1, or 3 below the top.
            if levels not in {"-1", "0", "1", "2", "3", "4"}:
                raise HttpProblem(
                    400, f"calibrationlevel={levels[:50]} is unknown; there are {', '.join(sorted(_LEVELS))}"
                )
            levels = "SELECTED"
        kinds = [
            part.strip().lower()
            for text in parameters.values.get("product_type", [])
            for part in text.split(",")
            if part.strip()
        ]
        unknown = [kind for kind in kinds if kind not in _KINDS]
        if unknown:
            raise HttpProblem(400, f"product_type={unknown[0][:50]} is unknown; there are {', '.join(sorted(_KINDS))}")
        found = self._catalogue.artifacts_of(planes, levels=cast("Levels", levels), product_types=kinds)
        if not found:
            raise HttpProblem(404, "there are no files of these planes")
        return list({artifact.filename: artifact for artifact in found}.values())


def _kind(parameters: Parameters) -> str:
    kind = parameters.first("retrieval_type").upper()
    if kind not in {"PRODUCT", "OBSERVATION"}:
        raise HttpProblem(
            400, f"RETRIEVAL_TYPE={kind[:50] or '(missing)'} is unknown; there are PRODUCT and OBSERVATION"
        )
    return kind


def _permit(asked: Asked, files: Sequence[FileFacts]) -> None:
    if not asked.account.may_exclusive and any(facts.rights == "EXCLUSIVE_ACCESS" for facts in files):
        raise HttpProblem(403, PRIVATE)


def _tar_name(artifacts: Sequence[TapArtifact]) -> str:
    """Call an archive after its one observation, or after the first of several."""
    names = sorted({artifact.observation_id for artifact in artifacts})
    return names[0] if len(names) == 1 else f"{names[0]}_and_{len(names) - 1}_more"
