"""Who is logged in, and a place for a token."""

from collections.abc import Callable, Mapping
from typing import Any

from jwstmq_widgets.widgets.panel import Panel, static

__all__ = ["LoginPanel"]


class LoginPanel(Panel):
    """Who is logged in, with a place to log in and out.

    The token comes in one message and goes to the archive; it is in no trait and in no message back.
    """

    _esm = static("dom.js", "login.js")
    _css = static("panel.css", "login.css")
    watches = ("account", "archive", "address", "jobs", "problems")

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show, as JSON values."""
        account, archive = self.exploration.account, self.exploration.archive
        job, problem = self.exploration.jobs.get("login"), self.exploration.problems.get("login")
        return {
            "archive": archive.name if archive is not None else "",
            "name": account.name if account is not None else "",
            "anonymous": account is None or account.anonymous,
            "exclusive": account is not None and account.may_exclusive,
            "running": job is not None and job.state == "running",
            "problem": problem.text if problem is not None else "",
        }

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for."""
        return {"login": self._login, "logout": self.exploration.logout, "cancel": self._cancel}

    def _login(self, token: str = "") -> None:
        self.exploration.login(token.strip() or None)

    def _cancel(self) -> None:
        self.exploration.cancel("login")
