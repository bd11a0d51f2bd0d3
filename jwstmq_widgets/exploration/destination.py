"""The folder for downloads: which it is, what of the products is there, and bringing more of them."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from jwstmq_widgets.archives import Archive
from jwstmq_widgets.downloads import Control, DownloadProgress, Manifest, Plan, download, plan
from jwstmq_widgets.errors import JwstmqError, QueryError
from jwstmq_widgets.exploration.files import Ticks
from jwstmq_widgets.exploration.jobs import Jobs, Problem, Run
from jwstmq_widgets.exploration.moving import Moving, failures, planned_states, unfinished
from jwstmq_widgets.exploration.state import Writer

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["Destination"]


class Destination:
    """Where an exploration's files go.

    Parameters
    ----------
    state
        The exploration.
    write
        What changes it.
    jobs
        Where work runs.
    """

    def __init__(self, state: "Exploration", write: Writer, jobs: Jobs) -> None:
        self._state = state
        self._write = write
        self._jobs = jobs
        self._whole: Plan | None = None  # for all products; None while the disk is looked at
        self._control = Control()
        self._moving = False  # a download runs that is going to look at the disk

    @property
    def source(self) -> Archive | None:
        """The archive to bring files from; before the first answer the one that is open."""
        source: Archive | None = self._state.source or self._state.archive
        return source

    # -- where -------------------------------------------------------------------------------------------------------

    def place(self, **place: str) -> None:
        """Look at another folder or layout; keep it only when it can be used.

        Parameters
        ----------
        **place
            ``destination``, ``layout`` or both.
        """
        self._write.clear("destination")
        try:
            self.check(**place)
        except JwstmqError as error:
            self._write.fail("destination", Problem.of(error))
            return
        self._write.put(**place)
        self._jobs.start("recall", lambda _: self.recall(), text="reading what was downloaded before")
        self.look()

    def check(self, **place: str) -> None:
        """Find out whether another folder or layout can be used.

        Parameters
        ----------
        **place
            ``destination``, ``layout`` or both.

        Raises
        ------
        JwstmqError
            If not.
        """
        wanted = {"destination": self._state.destination, "layout": self._state.layout} | place
        plan(self._state.products[:0], to=wanted["destination"], layout=wanted["layout"], archive=self.source)

    def recall(self) -> None:
        """Read what earlier downloads to the folder left to do."""
        destination = self._state.destination
        left = unfinished(destination)
        with self._write.lock:
            if destination == self._state.destination:
                self._write.set(unfinished=left)
        self._write.tell()

    # -- what is there -----------------------------------------------------------------------------------------------

    def plan_of(self, ticked: Ticks) -> Plan | None:
        """Give the plan for some of the products; None while the disk is looked at."""
        return None if self._whole is None else self._whole.take(np.flatnonzero(ticked.mask))

    def forget(self) -> None:
        """Drop what was seen on the disk: there are other products. Called with the state's lock held."""
        self._whole = None
        self._write.set(plan=None)
        self._jobs.cancel("look")

    def look(self) -> None:
        """Look at the disk, on a thread: what of the products is here. A download that runs does so when it ends."""
        with self._write.lock:
            if self._moving or not len(self._state.products):
                return
        self._jobs.start("look", self._look, text="looking at the disk")

    def _look(self, run: Run, moved: Manifest | None = None) -> None:
        """Look at the disk; where an answer or another destination comes in between, for that one."""
        state = self._state
        while True:
            with self._write.lock:
                products, files, source = state.products, state.ticked.index, self.source
                place = {"to": state.destination, "layout": state.layout}
            whole = plan(products, **place, archive=source)
            states = planned_states(whole, files).changed({} if moved is None else failures(moved))
            with self._write.lock:
                if moved is None:
                    run.check()
                if products is state.products and place == {"to": state.destination, "layout": state.layout}:
                    self._whole = whole
                    self._write.set(states=states, plan=self.plan_of(state.ticked))
                    if moved is not None:
                        self._moving = False  # what changes from now on is looked at by others
                    break
        self._write.clear("look")

    # -- bringing files ----------------------------------------------------------------------------------------------

    def bring(self, make_plan: Callable[[], Plan]) -> None:
        """Download, on a thread; a problem where a download runs already.

        Parameters
        ----------
        make_plan
            Gives what is to be done, on that thread.
        """
        self._write.clear("download")
        if self._jobs.running("download"):
            running = JwstmqError("a download is running; wait for it, or cancel it first")
            self._write.fail("download", Problem.of(running))
            return
        self._jobs.start("download", lambda run: self._bring(make_plan, run), text="downloading")

    def pause(self) -> None:
        """Have the running download rest."""
        self._control.pause()

    def resume(self) -> None:
        """Have a paused download go on."""
        self._control.resume()

    def _bring(self, make_plan: Callable[[], Plan], run: Run) -> None:
        """Download, then look at the disk."""
        state = self._state
        with self._write.lock:
            self._moving = True
        self._jobs.cancel("look")  # what it has seen is past before it is told
        try:
            manifest = self._move(make_plan(), run)
            self._write.put(manifest=manifest)
            archive = state.archive
            if archive is not None and archive.account != state.account:  # a session has ended meanwhile
                self._write.put(account=archive.account)
            self._look(run, manifest)
        finally:
            with self._write.lock:
                unseen, self._moving = self._moving, False
            if unseen:
                self.look()
            self.recall()

    def _move(self, decided: Plan, run: Run) -> Manifest:
        """Carry out a plan, and tell of each file how far it is."""
        if not len(decided):
            raise QueryError("nothing is ticked; tick products in the grid or the gallery first")
        moving = Moving(decided)

        def progress(now: DownloadProgress) -> None:
            run.tell(fraction=now.fraction, detail=now)
            moving.step(now)
            with self._write.lock:
                self._write.set(states=moving.onto(self._state.states))
            self._write.tell()

        self._control = control = Control()
        return download(decided, progress=progress, cancel=run.cancel, control=control)
