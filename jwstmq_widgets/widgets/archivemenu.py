"""The archives that a menu offers."""

from collections.abc import Sequence

from jwstmq_widgets.archives.host import ESA_PATH

__all__ = ["archive_choices", "tells_exposures"]

_CHOICES = (
    ("mast", "MAST"),
    ("esa", "ESA"),
    ("mast,esa", "MAST + ESA"),
    ("local", "local"),
    ("local-esa", "local, as ESA"),
    ("local,local-esa", "local, as both"),
)


def archive_choices(address: str) -> list[Sequence[str]]:
    """Give the archives to choose from.

    Parameters
    ----------
    address
        Word or address of the present one; a choice of its own where it is none of the usual.

    Returns
    -------
    list of pairs of str
        What `open_archive` takes, and what people read.
    """
    name = " + ".join(part.partition("://")[2] or part for part in address.split(","))
    others = [(address, name)] if address and address not in dict(_CHOICES) else []
    return [*_CHOICES, *others]


def tells_exposures(address: str) -> bool:
    """Tell whether an archive can be asked for types of exposure, which ESA's cannot.

    Parameters
    ----------
    address
        Its word or address; several with commas.

    Returns
    -------
    bool
    """
    return any(word not in {"esa", "local-esa"} and not word.endswith(ESA_PATH) for word in address.split(","))
