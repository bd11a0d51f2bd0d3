"""Who is logged in, and a place for a token, or for user name and password."""

from collections.abc import Callable, Mapping
from typing import Any

from jwstmq_widgets.archives.merged import MergedArchive, knows_users
from jwstmq_widgets.widgets.panel import Panel, static

__all__ = ["LoginPanel"]


class LoginPanel(Panel):
    """Who is logged in, with a place to log in and out.

    An archive that knows users, such as ESA's, is given user name and password, or the name of a file with both, and
    a MAST token if there is one. Secrets come in one message and go to the archive; they are in no trait and in no
    message back.
    """

    _esm = static("dom.js", "login.js")
    styles = ("login.css",)
    watches = ("account", "archive", "address", "jobs", "problems")

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show, as JSON values."""
        account, archive = self.exploration.account, self.exploration.archive
        problem = self.exploration.problems.get("login")
        return {
            "archive": archive.name if archive is not None else "",
            "users": archive is not None and knows_users(archive),
            "tokens": archive is None or not knows_users(archive) or isinstance(archive, MergedArchive),
            "name": account.name if account is not None else "",
            "anonymous": account is None or account.anonymous,
            "exclusive": account is not None and account.may_exclusive,
            "warning": account.warning if account is not None else "",
            "running": self.exploration.running("login") is not None,
            "leaving": self.exploration.running("logout") is not None,
            "problem": problem.text if problem is not None else "",
        }

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for."""
        return {"login": self._login, "logout": self.exploration.logout, "cancel": self._cancel}

    def _login(self, token: str = "", user: str = "", password: str = "", file: str = "") -> None:
        given: dict[str, str] = {}
        if file.strip():
            given = {"credentials_file": file.strip()}
        elif user.strip() or password:
            given = {"user": user.strip(), "password": password}
        self.exploration.login(token.strip() or None, **given)

    def _cancel(self) -> None:
        self.exploration.cancel("login")
