"""What the nodes of the program tree are called."""

from jwstmq_widgets.tables.tree import GUIDE_STARS, Path
from jwstmq_widgets.widgets.typemeaning import type_meaning

__all__ = ["node_words"]


def node_words(kind: str, path: Path, *, target: str = "", instrument: str = "", title: str = "") -> tuple[str, str]:
    """Name a node.

    Parameters
    ----------
    kind
        What it is: program, observation, visit, exposure, detector or type.
    path
        Its keys, from the program downwards.
    target
        Target of all its files.
    instrument
        Instrument of its first file.
    title
        Title of its program.

    Returns
    -------
    tuple of str
        Its name, and what else is worth saying of it. Both may hold texts from an archive.
    """
    key = path[-1]
    if kind == "program":
        return ("Other files", "their names tell no program") if key == -1 else (f"{key:05d}", title)
    if kind == "observation":
        if key == -1:
            return "Several observations", "products of more than one observation, and of the whole program"
        return f"Observation {key}", " · ".join(part for part in (target, instrument) if part)
    if kind == "visit":
        if isinstance(key, int):
            return f"Visit {key}", ""
        return "Combined products", key or "of no single target"
    if kind == "exposure":
        if key == GUIDE_STARS:
            return "Guide stars", "of the whole visit"
        activity, _, number = str(key).partition(" ")
        return f"Exposure {number}", f"activity {activity}"
    if kind == "type":
        stage, _, filetype = str(key).partition(" ")
        return " ".join(part for part in (stage, filetype.removeprefix("_") or "other") if part), type_meaning(filetype)
    return str(key), instrument
