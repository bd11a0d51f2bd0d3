"""Products onto the disk: decide, move, remember."""

from jwstmq_widgets.downloads.cluster import Workers
from jwstmq_widgets.downloads.engine import MOST_WORKERS, download
from jwstmq_widgets.downloads.ledger import LEDGER_NAME
from jwstmq_widgets.downloads.manifest import Manifest
from jwstmq_widgets.downloads.manifestpage import manifest_page
from jwstmq_widgets.downloads.pace import Manners
from jwstmq_widgets.downloads.places import LAYOUTS, Layout, safe_name
from jwstmq_widgets.downloads.plan import Plan, PlanItem, State, plan
from jwstmq_widgets.downloads.progress import DownloadProgress, FileProgress
from jwstmq_widgets.downloads.script import SCRIPT_KINDS, Script, ScriptKind, script

__all__ = [
    "LAYOUTS",
    "LEDGER_NAME",
    "MOST_WORKERS",
    "SCRIPT_KINDS",
    "DownloadProgress",
    "FileProgress",
    "Layout",
    "Manifest",
    "Manners",
    "Plan",
    "PlanItem",
    "Script",
    "ScriptKind",
    "State",
    "Workers",
    "download",
    "manifest_page",
    "plan",
    "safe_name",
    "script",
]
