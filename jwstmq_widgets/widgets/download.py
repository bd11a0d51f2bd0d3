"""One line for downloads: what would be done, then how far it is, then what was done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jwstmq_widgets.downloads import DownloadProgress, Manifest, Plan
from jwstmq_widgets.errors import JwstmqError
from jwstmq_widgets.exploration.counts import counted
from jwstmq_widgets.exploration.jobs import Problem
from jwstmq_widgets.tables import format_size
from jwstmq_widgets.widgets.keepsakes import load_code, write_page, write_script
from jwstmq_widgets.widgets.panel import Panel, static
from jwstmq_widgets.widgets.planrows import plan_rows
from jwstmq_widgets.widgets.redraw import Redraw

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["DownloadPanel", "format_time"]

_LAYOUTS = (
    ("program", "by program", "02733/obsnum02/…, as jwst_mast_query"),
    ("mast", "as MAST", "mastDownload/JWST/…, as astroquery"),
    ("flat", "no folders", "all files in one folder"),
)
_MOST_LISTED = 100
_PROBLEMS = ("download", "destination", "look")  # of these the first one is told


def format_time(seconds: float) -> str:
    """Write a time to wait for people.

    Parameters
    ----------
    seconds
        The time (s).

    Returns
    -------
    str
        Such as ``"31 s"``, ``"4 min"``, ``"2 h 5 min"``.
    """
    whole = max(round(seconds), 1)
    if whole < 100:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"


class DownloadPanel(Panel):
    """What a download of the ticked files would do; while it runs, how far it is; then what it did.

    Parameters
    ----------
    exploration
        Whose ``plan`` is shown, and whose ``ticked`` files are downloaded.
    """

    _esm = static("dom.js", "clipboard.js", "download.js")
    styles = ("download.css",)
    watches = ("ticked", "plan", "destination", "layout", "jobs", "problems", "manifest", "products", "unfinished")

    def __init__(self, exploration: "Exploration", **traits: Any) -> None:
        self._dismissed: Manifest | None = None
        self._refused: tuple[str, Problem] | None = None  # what stands in the field and cannot be used
        self._kept: _Kept | None = None
        self._edition: tuple[Plan | None, int] = (None, 0)
        self._redraw_rows = Redraw(self._send_rows)  # on its thread: counting a million files takes a second
        super().__init__(exploration, **traits)
        self.watch(self._placed, "destination")

    def close(self) -> None:
        """Stop watching, and free the widget."""
        self._redraw_rows.close()
        super().close()

    def view(self) -> dict[str, Any]:
        """Give what the browser shall show, as JSON values."""
        state = self.exploration
        job, plan, ticked = state.running("download"), state.plan, len(state.ticked)
        problem = next((state.problems[name] for name in _PROBLEMS if name in state.problems), None)
        typed, wrong = (state.destination, None) if self._refused is None else self._refused
        return {
            "summary": _summary(plan, ticked, total=len(state.products)),
            "edition": self._number(plan) if plan is not None and len(plan) else 0,
            "fetch": plan.fetch if plan is not None else 0,
            "reason": self._reason(plan, ticked, usable=wrong is None),
            "destination": typed,
            "layout": state.layout,
            "layouts": _LAYOUTS,
            "wrong": "" if wrong is None else wrong.text,
            "problem": "" if problem is None else problem.text,
            "running": None if job is None else self._progress(job.detail, job.fraction),
            "result": self._result() if job is None else None,
            "unfinished": self._unfinished() if job is None else "",
        }

    def acts(self) -> Mapping[str, Callable[..., None]]:
        """Give what the browser may ask for."""
        return {
            "destination": self._set_destination,
            "layout": self._set_layout,
            "rows": self._redraw_rows,
            "download": self._download,
            "cancel": self._cancel,
            "pause": self.exploration.pause,
            "resume": self.exploration.resume,
            "finish": self.exploration.finish,
            "retry": self.exploration.retry,
            "dismiss": self._dismiss,
            "script": self._write_script,
            "page": self._write_page,
        }

    def _set_destination(self, destination: str) -> None:
        """Take what was typed; a folder that cannot be used stays in this panel, with why, and in no other."""
        try:
            self.exploration.check_destination(destination)
        except JwstmqError as error:
            self._refused = (destination, Problem.of(error))
        else:
            self._refused = None
            self.exploration.set_destination(destination)

    def _placed(self, _change: Any) -> None:
        self._refused = None  # what stands in the field is replaced

    def _set_layout(self, layout: str) -> None:
        self.exploration.set_layout(layout)

    def _download(self) -> None:
        # a destination that was refused stands in the field still: files must not go to the one before
        if self._refused is None:
            self.exploration.download()

    def _cancel(self) -> None:
        self.exploration.cancel("download")

    def _dismiss(self) -> None:
        self._dismissed = self.exploration.manifest

    def _send_rows(self) -> None:
        plan = self.exploration.plan
        if plan is not None:
            self.send({"rows": plan_rows(plan, self.exploration.products)})

    def _number(self, plan: Plan) -> int:
        """Give plans numbers, by which the browser sees that the rows it shows are those of another one."""
        if self._edition[0] is not plan:
            self._edition = (plan, self._edition[1] + 1)
        return self._edition[1]

    def _write_script(self) -> None:
        self._write("script", write_script)

    def _write_page(self) -> None:
        self._write("page", write_page)

    def _write(self, what: str, write: Callable[[Manifest], Path]) -> None:
        manifest = self.exploration.manifest
        if manifest is None:
            return
        kept = self._keep(manifest)
        try:
            kept.written[what] = str(write(manifest))
            kept.problem = ""
        except JwstmqError as error:
            kept.problem = str(error)

    def _keep(self, manifest: Manifest) -> "_Kept":
        kept = self._kept
        if kept is None or kept.manifest is not manifest:
            self._kept = kept = _Kept(manifest=manifest, code=load_code(manifest))
        return kept

    def _reason(self, plan: Plan | None, ticked: int, *, usable: bool) -> str:
        """Say why nothing can be downloaded; "" when it can."""
        if not ticked:
            return "Tick files to download them."
        if not usable:
            return "Choose a destination that can be used first."
        if plan is None:
            return "Looking at the disk …"
        if not plan.fetch:
            if plan.here == len(plan):
                return "All of them are here already."
            if plan.exclusive:
                return "The rest is exclusive; log in with a token that has access."
            return "The rest is not observed yet."
        if not plan.fits:
            need, free = format_size(plan.bytes_to_fetch), format_size(plan.free)
            return f"They need {need}, and {free} are free in {plan.folder}; choose another destination or fewer files."
        return ""

    def _name(self, uri: str) -> str:
        return uri.rpartition("/")[2]

    def _progress(self, now: DownloadProgress | None, fraction: float | None) -> dict[str, Any]:
        if now is None:
            return {"fraction": fraction, "text": "preparing …", "files": "", "list": [], "failed": [], "paused": None}
        left = f" · {format_time(now.seconds_left)} left" if now.seconds_left is not None else ""
        speed = "paused" if now.paused else f"{format_size(now.rate)}/s{left}"
        failed = f" · {now.files_failed:,} failed" if now.files_failed else ""
        return {
            "fraction": now.fraction,
            "paused": now.paused,
            "text": f"{format_size(now.bytes_done)} of {format_size(now.bytes_total)} · {speed}",
            "files": f"{now.files_done:,} of {now.files_total:,} files{failed}",
            "list": [
                {
                    "name": file.name,
                    "fraction": file.bytes_done / file.size if file.size > 0 else None,
                    "text": f"{format_size(file.bytes_done)} of {format_size(file.size)}"
                    if file.size > 0
                    else format_size(file.bytes_done),
                }
                for file in now.running
            ],
            "failed": [{"name": self._name(uri), "why": message} for uri, message in now.failed[:_MOST_LISTED]],
        }

    def _unfinished(self) -> str:
        """Say what earlier downloads left to do; "" for nothing, and while the end of the last one says it."""
        plan, shown = self.exploration.unfinished, self.exploration.manifest
        if plan is None or (shown is not None and shown is not self._dismissed):
            return ""
        size = f", {format_size(plan.bytes_to_fetch)}" if plan.bytes_to_fetch else ""
        return f"An earlier download left {counted(plan.fetch, 'file')} to do{size}"

    def _result(self) -> dict[str, Any] | None:
        manifest = self.exploration.manifest
        if manifest is None or manifest is self._dismissed:
            return None
        uris, status, messages, sizes = (manifest[name].tolist() for name in ("dataURI", "Status", "Message", "size"))
        count = {name: status.count(name) for name in ("COMPLETE", "SKIPPED", "ERROR", "CANCELLED")}
        moved = sum(size for size, how in zip(sizes, status, strict=True) if how == "COMPLETE" and size > 0)
        done = count["COMPLETE"]
        parts = [f"{counted(done, 'file')} downloaded" + (f", {format_size(moved)}" if done else "")]
        words = {"SKIPPED": "skipped", "ERROR": "failed", "CANCELLED": "cancelled"}
        parts += [f"{count[name]:,} {word}" for name, word in words.items() if count[name]]
        failed = [
            {"name": self._name(uri), "why": message}
            for uri, how, message in zip(uris, status, messages, strict=True)
            if how == "ERROR"
        ]
        again = count["ERROR"] + count["CANCELLED"]
        kept = self._keep(manifest)
        return {
            "text": " · ".join(parts),
            "good": not again,
            "folder": _folder(manifest),
            "again": again,
            "failed": failed[:_MOST_LISTED],
            "code": kept.code,
            "written": dict(kept.written),
            "problem": kept.problem,
        }


@dataclass(slots=True, kw_only=True)
class _Kept:
    """What belongs to one download that has ended."""

    manifest: Manifest
    """What it did."""
    code: str
    """Code that loads the first of its files; "" for none."""
    written: dict[str, str] = field(default_factory=dict)
    """Where its script and its page were written."""
    problem: str = ""
    """Why the last of them could not be."""


def _summary(plan: Plan | None, ticked: int, *, total: int) -> str:
    if not ticked:
        return "Nothing is ticked" if total else ""
    if plan is None:
        return counted(ticked, "file")
    return plan.summary()


def _folder(manifest: Manifest) -> str:
    """Give the folder that holds all files, or the destination where they are in several."""
    folders = {Path(path).parent for path in manifest["Local Path"].tolist()}
    return str(folders.pop() if len(folders) == 1 else manifest.meta["folder"])
