"""The archive that is asked: opened, heard for its messages, logged in to and out of."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jwstmq_widgets.archives import Archive, open_archive
from jwstmq_widgets.archives.merged import knows_users, tells_messages
from jwstmq_widgets.errors import JwstmqError
from jwstmq_widgets.exploration.jobs import Jobs, Run
from jwstmq_widgets.exploration.notices import messages_of
from jwstmq_widgets.exploration.state import Writer

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration
    from jwstmq_widgets.exploration.destination import Destination

__all__ = ["Connection"]


class Connection:
    """An exploration's line to its archive, and whose it is.

    Parameters
    ----------
    state
        The exploration.
    write
        What changes it.
    jobs
        Where work runs.
    destination
        Looked at again when an archive is open, or another user is logged in: what may be had is then something else.
    """

    def __init__(self, state: "Exploration", write: Writer, jobs: Jobs, destination: "Destination") -> None:
        self._state = state
        self._write = write
        self._jobs = jobs
        self._destination = destination

    def open(self, archive: str | Sequence[str] | Archive) -> None:
        """Open another archive; a search or a login that runs is cancelled.

        Parameters
        ----------
        archive
            An archive, or a word, an address or several of them for `open_archive`.
        """
        for moot in ("search", "login"):
            self._jobs.cancel(moot)
        words = archive if isinstance(archive, str) else ",".join(archive) if isinstance(archive, Sequence) else ""
        given = None if isinstance(archive, (str, Sequence)) else archive
        self._write.put(address=words if given is None else given.url, messages=())
        self._write.clear("open")

        def work(run: Run) -> None:
            opened = open_archive(words) if given is None else given
            with self._write.lock:
                run.check()
                self._write.set(archive=opened, account=opened.account)
            self._write.tell()
            self._destination.recall()
            self._hear(opened)

        self._jobs.start("open", work, text=f"opening the archive {words}" if given is None else "opening")

    def ready(self, run: Run) -> Archive:
        """Wait until the archive is open, and give it.

        Parameters
        ----------
        run
            The work that needs it; its cancel ends the waiting.

        Returns
        -------
        Archive

        Raises
        ------
        JwstmqError
            If it could not be opened.
        Cancelled
            If the work is cancelled.
        """
        while not self._jobs.wait(0.05, name="open"):
            run.check()
        run.check()
        if self._jobs.present["open"].state != "done":  # the archive before it is not the one that is wanted
            problem = self._state.problems.get("open")
            address = self._state.address
            raise problem.error if problem else JwstmqError(f"{address} was not opened; choose the archive again")
        archive: Archive = self._state.archive
        return archive

    def login(self, token: str | None, **how: str | Path | None) -> None:
        """Log in.

        Parameters
        ----------
        token
            The MAST token; it is handed to the archive and not kept here.
        **how
            What else `Archive.login` takes: ``user``, ``password``, ``credentials_file``.
        """
        self._write.clear("login")
        given: dict[str, Any] = dict(how)

        def work(run: Run) -> None:
            archive = self.ready(run)
            account = archive.login(token, **given, cancel=run.cancel)
            given.clear()
            with self._write.lock:
                wanted = run.current and not run.cancel.is_set()
                if wanted:
                    self._write.set(account=account)
            self._write.tell()
            if not wanted:  # whoever has cancelled is not to be logged in behind his back
                archive.logout()
                run.check()
            self._destination.look()

        self._jobs.start("login", work, text="logging in")

    def logout(self) -> None:
        """Forget the token, or end the session; an archive that must be told is told on a thread."""
        self._jobs.cancel("login")
        self._write.clear("login")
        archive = self._state.archive
        if archive is None:
            return

        def work(_: Any = None) -> None:
            archive.logout()
            if self._state.archive is archive:
                self._write.put(account=archive.account)
                self._destination.look()

        if knows_users(archive):
            self._jobs.start("logout", work, text="logging out")
        else:
            work()

    def _hear(self, archive: Archive) -> None:
        """Ask for the archive's messages, beside everything else: nobody waits for them."""

        def work() -> None:
            heard = messages_of(archive)
            with self._write.lock:
                if self._state.archive is archive and heard:
                    self._write.set(messages=heard)
            self._write.tell()

        if tells_messages(archive):
            threading.Thread(target=work, name="jwstmq-messages", daemon=True).start()
