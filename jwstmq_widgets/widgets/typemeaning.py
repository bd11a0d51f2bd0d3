"""What files of a type hold."""

from jwstmq_widgets.filenames import SUFFIXES

__all__ = ["type_meaning"]

_PREVIEWS = (".jpg", ".png", ".gif")


def type_meaning(filetype: str) -> str:
    """Say what files of a type hold; "" for an unknown one.

    Parameters
    ----------
    filetype
        Such as ``"_cal.fits"``.

    Returns
    -------
    str
    """
    known = SUFFIXES.get(filetype[1:].partition(".")[0].removesuffix("_thumb"))
    if known is None:
        return ""
    if "_thumb." in filetype:
        return f"small preview of: {known.meaning}"
    return f"preview of: {known.meaning}" if filetype.endswith(_PREVIEWS) else known.meaning
