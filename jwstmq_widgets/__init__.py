"""Explore the archives of the James Webb Space Telescope from JupyterLab, Python and the shell.

The public names are imported when they are first used, so that importing the package costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "AdqlPanel": "jwstmq_widgets.widgets.adql",
    "Cloud": "jwstmq_widgets.downloads.cloud",
    "Control": "jwstmq_widgets.downloads",
    "DownloadPanel": "jwstmq_widgets.widgets.download",
    "Exploration": "jwstmq_widgets.exploration",
    "Explorer": "jwstmq_widgets.widgets.explorer",
    "FiletypePanel": "jwstmq_widgets.widgets.filetypes",
    "Gallery": "jwstmq_widgets.widgets.gallery",
    "LocalArchive": "jwstmq_widgets.localarchive",
    "LoginPanel": "jwstmq_widgets.widgets.login",
    "Manifest": "jwstmq_widgets.downloads",
    "ObservationGrid": "jwstmq_widgets.widgets.observationgrid",
    "Plan": "jwstmq_widgets.downloads",
    "ProductGrid": "jwstmq_widgets.widgets.grid",
    "ProgramTree": "jwstmq_widgets.widgets.tree",
    "Query": "jwstmq_widgets.query",
    "RelatedPanel": "jwstmq_widgets.widgets.related",
    "SearchPanel": "jwstmq_widgets.widgets.search",
    "download": "jwstmq_widgets.downloads",
    "errors": "jwstmq_widgets",
    "open_archive": "jwstmq_widgets.archives",
    "plan": "jwstmq_widgets.downloads",
    "script": "jwstmq_widgets.downloads",
    "select": "jwstmq_widgets.tables",
    "summarize": "jwstmq_widgets.tables",
    "unpack": "jwstmq_widgets.downloads",
    "verify": "jwstmq_widgets.downloads",
}

__all__ = sorted(_HOME)

if TYPE_CHECKING:
    from jwstmq_widgets import errors as errors
    from jwstmq_widgets.archives import open_archive as open_archive
    from jwstmq_widgets.downloads import Control as Control
    from jwstmq_widgets.downloads import Manifest as Manifest
    from jwstmq_widgets.downloads import Plan as Plan
    from jwstmq_widgets.downloads import download as download
    from jwstmq_widgets.downloads import verify as verify
    from jwstmq_widgets.downloads.bundles.unpack import unpack as unpack
    from jwstmq_widgets.downloads.cloud import Cloud as Cloud
    from jwstmq_widgets.downloads.plans.decision import plan as plan
    from jwstmq_widgets.downloads.script import script as script
    from jwstmq_widgets.exploration import Exploration as Exploration
    from jwstmq_widgets.localarchive import LocalArchive as LocalArchive
    from jwstmq_widgets.query import Query as Query
    from jwstmq_widgets.tables import select as select
    from jwstmq_widgets.tables import summarize as summarize
    from jwstmq_widgets.widgets.adql import AdqlPanel as AdqlPanel
    from jwstmq_widgets.widgets.download import DownloadPanel as DownloadPanel
    from jwstmq_widgets.widgets.explorer import Explorer as Explorer
    from jwstmq_widgets.widgets.filetypes import FiletypePanel as FiletypePanel
    from jwstmq_widgets.widgets.gallery import Gallery as Gallery
    from jwstmq_widgets.widgets.grid import ProductGrid as ProductGrid
    from jwstmq_widgets.widgets.login import LoginPanel as LoginPanel
    from jwstmq_widgets.widgets.observationgrid import ObservationGrid as ObservationGrid
    from jwstmq_widgets.widgets.related import RelatedPanel as RelatedPanel
    from jwstmq_widgets.widgets.search import SearchPanel as SearchPanel
    from jwstmq_widgets.widgets.tree import ProgramTree as ProgramTree


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{home}.{name}" if home == __name__ else home)
    value = module if home == __name__ else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
