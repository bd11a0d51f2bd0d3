"""What is known of files at the destination: by looking at the disk, and while a download moves them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from jwstmq_widgets.downloads import DownloadProgress, Manifest, Plan
from jwstmq_widgets.errors import JwstmqError
from jwstmq_widgets.exploration.files import FileIndex, FileState, FileStates, Kind

if TYPE_CHECKING:
    from jwstmq_widgets.downloads import State

__all__ = ["Moving", "failures", "planned_states", "unfinished"]

_KINDS: "Mapping[State, Kind]" = {
    "resume": "partial",
    "here": "here",
    "different": "different",
    "exclusive": "exclusive",
    "planned": "planned",
}


def planned_states(plan: Plan, files: FileIndex) -> FileStates:
    """Give the states of files as a plan found them.

    Parameters
    ----------
    plan
        A plan for all files of a table, in its order.
    files
        The table's files.

    Returns
    -------
    FileStates
    """
    codes = np.zeros(len(files), dtype=np.int8)
    for state, kind in _KINDS.items():
        codes[plan.places(state)] = FileStates.code(kind)
    return FileStates(files, codes)


def failures(manifest: Manifest) -> dict[str, FileState]:
    """Give the files that a download failed to bring, each with why."""
    columns = (manifest[name].tolist() for name in ("dataURI", "Status", "Message"))
    return {
        uri: FileState(kind="failed", message=message)
        for uri, status, message in zip(*columns, strict=True)
        if status == "ERROR"
    }


def unfinished(destination: str) -> Plan | None:
    """Read in a destination's ledger what earlier downloads left to do; None for nothing."""
    try:
        left = Manifest.read(destination).failed
    except JwstmqError:
        return None
    return left if left.fetch else None


class Moving:
    """The states of files while a download moves them; each step tells only what has changed.

    Parameters
    ----------
    plan
        What is to be moved.
    """

    def __init__(self, plan: Plan) -> None:
        waiting = (item.uri for item in plan.items if item.state != "here")
        self._all = dict.fromkeys(waiting, FileState(kind="waiting"))
        self._told: FileStates | None = None
        self._fresh = dict(self._all)
        self._finished = 0
        self._failed = 0
        self._before: frozenset[str] = frozenset()

    def step(self, now: DownloadProgress) -> None:
        """Take in how far the download is."""
        running = {
            file.uri: FileState(kind="running", fraction=file.bytes_done / file.size if file.size > 0 else 0.0)
            for file in now.running
        }
        fresh = {uri: FileState(kind="waiting") for uri in self._before - running.keys()}  # one that begins again
        fresh |= running
        fresh |= dict.fromkeys(now.finished[self._finished :], FileState(kind="here", fraction=1.0))
        fresh |= {uri: FileState(kind="failed", message=message) for uri, message in now.failed[self._failed :]}
        self._finished, self._failed, self._before = len(now.finished), len(now.failed), frozenset(running)
        self._all |= fresh
        self._fresh |= fresh

    def onto(self, states: FileStates) -> FileStates:
        """Change states by what is new since the last time, or by all where they are others.

        Parameters
        ----------
        states
            The present ones.

        Returns
        -------
        FileStates
        """
        self._told = states.changed(self._fresh if states is self._told else self._all)
        self._fresh = {}
        return self._told
