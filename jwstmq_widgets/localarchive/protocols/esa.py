"""ESA's face of the local archive, below ``/server``: TAP+, data server, login, notifications."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from jwstmq_widgets.localarchive.adql import AdqlError
from jwstmq_widgets.localarchive.holdings import Holdings
from jwstmq_widgets.localarchive.holdings.tapcatalogue import TapCatalogue
from jwstmq_widgets.localarchive.protocols import vosi
from jwstmq_widgets.localarchive.protocols.esadata import DataServer
from jwstmq_widgets.localarchive.protocols.esaerrors import HttpProblem, html_error
from jwstmq_widgets.localarchive.protocols.esasessions import Sessions
from jwstmq_widgets.localarchive.protocols.exchange import Answer, Asked, text_answer
from jwstmq_widgets.localarchive.protocols.tap import Tap
from jwstmq_widgets.localarchive.protocols.tapparameters import read_parameters
from jwstmq_widgets.localarchive.protocols.uws import NotYours, Unknown, WrongPhase

__all__ = ["CONTEXT", "EsaFace"]

CONTEXT = "/server/"
"""What the paths of this face begin with."""
_TAP = "/server/tap"
_READ = ("GET", "HEAD")
_ASK = ("GET", "HEAD", "POST")
_SEND = ("POST",)
_NOTICE = "This is a local archive of JWST: its files are made up from facts of real programs."

_STATUS: Mapping[type[Exception], int] = {AdqlError: 400, Unknown: 404, NotYours: 403, WrongPhase: 400}

Endpoint = Callable[[Asked], Answer]


class EsaFace:
    """What answers ESA's paths; holds the sessions and the jobs.

    Parameters
    ----------
    holdings
        The archive's catalogue.
    """

    def __init__(self, holdings: Holdings) -> None:
        self._catalogue = TapCatalogue(holdings)
        self._since = datetime.now(UTC)
        self._data = DataServer(holdings, self._catalogue)
        self._tap = Tap(self._catalogue, path=_TAP)
        self.sessions = Sessions()
        """Who is logged in."""
        self._routes: Mapping[str, tuple[tuple[str, ...], Endpoint]] = {
            "/server/login": (_SEND, self.sessions.login),
            "/server/logout": (_ASK, self.sessions.logout),
            "/server/jwstToken": (_SEND, self.sessions.link_token),
            "/server/data": (_ASK, self._data.answer),
            f"{_TAP}/sync": (_ASK, self._tap.sync),
            f"{_TAP}/async": (_ASK, self._tap.listed),
            f"{_TAP}/jobs/async": (_READ, self._tap.searched),
            f"{_TAP}/deletejobs": (_SEND, self._tap.deleted),
            f"{_TAP}/tables": (_READ, self._tables),
            f"{_TAP}/availability": (_READ, lambda _: vosi.availability(self._since)),
            f"{_TAP}/capabilities": (_READ, vosi.capabilities),
            f"{_TAP}/examples": (_READ, lambda _: vosi.examples()),
            f"{_TAP}/notification": (_READ, _notification),
        }

    def close(self) -> None:
        """End the jobs."""
        self._tap.close()

    def subject(self, asked: Asked) -> str:
        """Tell which file, or archive of files, is asked for; "" when it is none."""
        return self._data.name(asked) if asked.path == "/server/data" else ""

    def answer(self, asked: Asked) -> Answer:
        """Answer a request; what is wrong with it is told on ESA's page."""
        try:
            return self._answer(asked)
        except HttpProblem as problem:
            renewed = self.sessions.renewed(asked.headers) if problem.status in {401, 403} else {}
            return html_error(problem.status, str(problem), headers={**problem.headers, **renewed})
        except tuple(_STATUS) as problem:
            return html_error(_STATUS[type(problem)], str(problem))

    def _answer(self, asked: Asked) -> Answer:
        path = asked.path.rstrip("/")
        methods, endpoint = self._routes.get(path, ((), None))
        if endpoint is None and path.startswith(f"{_TAP}/async/"):
            steps = path.removeprefix(f"{_TAP}/async/").split("/")
            return self._tap.job(asked, steps)
        if endpoint is None and path.startswith(f"{_TAP}/tables/") and asked.method in _READ:
            return self._one_table(path.removeprefix(f"{_TAP}/tables/"))
        if endpoint is None:
            raise HttpProblem(404, f"there is nothing at {asked.path[:200]}")
        if asked.method not in methods:
            raise HttpProblem(405, f"not by {asked.method}", headers={"Allow": ", ".join(methods)})
        return endpoint(asked)

    def _tables(self, asked: Asked) -> Answer:
        """List the tables: all, without their columns (``only_tables``, ``detail=min``), or only some (``tables``).

        ``share_accessible`` adds nothing: no user shares tables here.
        """
        parameters = read_parameters(asked)
        tables = self._catalogue.tables()
        wanted = [name.strip().lower() for name in parameters.first("tables").split(",") if name.strip()]
        if wanted:
            known = {table.name.lower(): table for table in tables}
            missing = [name for name in wanted if name not in known]
            if missing:
                raise HttpProblem(404, f"there is no table {missing[0][:100]!r}")
            tables = tuple(known[name] for name in wanted)
        short = parameters.first("only_tables").lower() == "true" or parameters.first("detail").lower() == "min"
        return vosi.tableset(tables, with_columns=not short)

    def _one_table(self, name: str) -> Answer:
        table = next((table for table in self._catalogue.tables() if table.name.lower() == name.lower()), None)
        if table is None:
            raise HttpProblem(404, f"there is no table {name[:100]!r}")
        return vosi.table_document(table)


def _notification(asked: Asked) -> Answer:
    """Tell what users should know, a line each: ``number=message``."""
    action = asked.first("action", "GetNotifications")
    if action.lower() != "getnotifications":
        raise HttpProblem(400, f"action={action[:50]} is unknown; there is GetNotifications")
    message = _NOTICE if asked.notice is None else asked.notice
    lines = [line for line in message.splitlines() if line.strip()]
    return text_answer("".join(f"{number}={line}\n" for number, line in enumerate(lines, start=1)))
