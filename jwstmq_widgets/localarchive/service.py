"""What all requests to the local archive share: its catalogue, faults to come, log, threads."""

import gzip
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from jwstmq_widgets.localarchive.faults import Fault, FaultBook
from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.protocols import routes
from jwstmq_widgets.localarchive.protocols.esa import CONTEXT, EsaFace
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, json_answer
from jwstmq_widgets.localarchive.requestlog import RequestLog

__all__ = ["Service"]

_log = logging.getLogger(__name__)

_QUERIES = 4
_COMPRESS_FROM = 1400
_COMPRESSED = ("application/json", "application/x-votable+xml", "application/xhtml+xml", "text/")


class Service:
    """What all requests share: holdings, faults to come, log, threads.

    Parameters
    ----------
    holdings
        The archive's catalogue.
    latency
        Seconds that every answer waits.
    """

    def __init__(self, holdings: Holdings, *, latency: float = 0.0) -> None:
        self.holdings = holdings
        self.latency = latency
        self.faults = FaultBook()
        self.log = RequestLog()
        self.esa = EsaFace(holdings)
        self.secure_url = ""
        self.ca_file: Path | None = None
        # Queries and pixels wait in two queues: a page of thumbnails does not hold up a search.
        self.catalogue = ThreadPoolExecutor(_QUERIES, thread_name_prefix="catalogue")
        self.pixels = ThreadPoolExecutor(8, thread_name_prefix="pixels")
        # Every thread opens the catalogue now: another version of the package may remove this one's file later.
        together = threading.Barrier(_QUERIES)
        list(self.catalogue.map(lambda _: together.wait() >= 0 and holdings.count(), range(_QUERIES)))

    def answer(self, asked: Asked, faults: Sequence[Fault]) -> Answer:
        """Answer a request, with what goes wrong on the way; runs in a thread."""
        for fault in faults:
            asked = fault.reread(asked)
        answer = next((made for fault in faults if (made := fault.instead(asked))), None)
        if answer is None:
            try:
                esa = asked.path.startswith(CONTEXT)
                answer = self.esa.answer(asked) if esa else routes.answer(asked, self.holdings)
            except Exception:  # noqa: BLE001  # whatever is wrong inside, the client gets a status and no traceback
                _log.exception("answering %s failed", asked.path)
                answer = json_answer({"message": "the local archive has a fault of its own"}, status=500)
        if answer.waiting is not None:
            return answer
        for fault in faults:
            answer = fault.spoil(answer)
        if self.latency:
            answer = replace(answer, latency=answer.latency + self.latency)
        return _compressed(asked, answer)

    def close(self) -> None:
        """Let go of threads and catalogue."""
        self.esa.close()
        for pool in (self.catalogue, self.pixels):
            pool.shutdown(wait=False, cancel_futures=True)
        self.holdings.close()


def _compressed(asked: Asked, answer: Answer) -> Answer:
    kind = answer.headers.get("Content-Type", "")
    if (
        answer.stream is not None
        or len(answer.body) < _COMPRESS_FROM
        or not kind.startswith(_COMPRESSED)
        or "Content-Encoding" in answer.headers
        or "gzip" not in asked.headers.get("Accept-Encoding", "")
    ):
        return answer
    body = gzip.compress(answer.body, compresslevel=1, mtime=0)
    return replace(
        answer,
        headers={**answer.headers, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"},
        body=body,
        length=None if answer.length is None else len(body),
    )
