"""Products onto the disk: decide, move, remember."""

from jwstmq_widgets.downloads.bundles.unpack import UnpackLimits, unpack
from jwstmq_widgets.downloads.cluster import Workers
from jwstmq_widgets.downloads.control import Control
from jwstmq_widgets.downloads.engine import MOST_WORKERS, ORDERS, Order, download
from jwstmq_widgets.downloads.ledger import LEDGER_NAME
from jwstmq_widgets.downloads.manifest import Manifest
from jwstmq_widgets.downloads.manifestpage import manifest_page
from jwstmq_widgets.downloads.pace import Manners, Verify
from jwstmq_widgets.downloads.plans.decision import Plan, PlanItem, State, plan
from jwstmq_widgets.downloads.plans.places import LAYOUTS, Layout, safe_name
from jwstmq_widgets.downloads.progress import DownloadProgress, FileProgress
from jwstmq_widgets.downloads.script import SCRIPT_KINDS, Script, ScriptKind, script
from jwstmq_widgets.downloads.verification import Verdict, verify

__all__ = [
    "LAYOUTS",
    "LEDGER_NAME",
    "MOST_WORKERS",
    "ORDERS",
    "SCRIPT_KINDS",
    "Control",
    "DownloadProgress",
    "FileProgress",
    "Layout",
    "Manifest",
    "Manners",
    "Order",
    "Plan",
    "PlanItem",
    "Script",
    "ScriptKind",
    "State",
    "UnpackLimits",
    "Verdict",
    "Verify",
    "Workers",
    "download",
    "manifest_page",
    "plan",
    "safe_name",
    "script",
    "unpack",
    "verify",
]
