"""Why a view of files is empty, and what to do then."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jwstmq_widgets.exploration import Exploration

__all__ = ["empty_text"]


def empty_text(exploration: "Exploration", *, what: str, shown: str = "") -> str:
    """Say why there is nothing to draw.

    Parameters
    ----------
    exploration
        Whose files are not drawn.
    what
        What the view would show after a search, such as ``"files"``.
    shown
        What to say where files are shown elsewhere, and not one is left for this view.

    Returns
    -------
    str
    """
    if exploration.running("search"):
        return "Searching …"
    if shown and len(exploration.shown):
        return shown
    if len(exploration.products):
        return "None of the chosen file types is here. Choose others, or all."
    if exploration.as_of is not None:
        return "This search found no files. Change it and search again."
    return f"Search for a program to see its {what}."
