"""Which members of a tar file are written, and one of them on its own."""

from collections.abc import Callable

from jwstmq_widgets.downloads.bundles.tarwalk import Broken, Member, Readable, walk
from jwstmq_widgets.downloads.plans.decision import PlanItem
from jwstmq_widgets.downloads.plans.places import safe_name
from jwstmq_widgets.errors import Incomplete, Mismatch

__all__ = ["keep_member", "refused"]

_MARGIN = 64_000_000
_LARGEST = 1 << 40  # a tar of one file of unknown size; the disk's end comes sooner
_MOST_MEMBERS = 10_000
_MOST_RATIO = 200.0


def keep_member(stream: Readable, item: PlanItem, write: Callable[[bytes], None]) -> None:
    """Take one product out of a tar stream.

    Parameters
    ----------
    stream
        The stream, from its beginning.
    item
        What is looked for: by its name, and its size where that is known.
    write
        Gets the bytes.

    Raises
    ------
    Mismatch
        If it is not in there, or not safe, or not of its size.
    Incomplete
        If the stream ends before.
    """
    size = item.size if item.size >= 0 else None
    bytes_at_most = _LARGEST if size is None else 2 * size + _MARGIN
    found = False
    try:
        for member in walk(stream, most_members=_MOST_MEMBERS, most_bytes=bytes_at_most, most_ratio=_MOST_RATIO):
            if found or member.name.rpartition("/")[2].casefold() != item.name.casefold():
                continue
            wrong = refused(member)
            if not wrong and size is not None and member.size != size:
                wrong = f"it has {member.size:,} bytes where the catalogue says {size:,}; search again"
            if wrong:
                raise Mismatch(f"{item.name} came in a tar file, and {wrong}")
            found = True
            for chunk in member.chunks():
                write(chunk)
    except Broken as error:
        if not found:
            raise Mismatch(f"{item.name} came in a tar file that cannot be read: {error}; try later") from error
        raise Incomplete(f"{item.name} came in a tar file that was cut: {error}; try again") from error
    if not found:
        raise Mismatch(f"the archive sent a tar file without {item.name} in its place; try later")


def refused(member: Member) -> str:
    """Say why a member is not written.

    Parameters
    ----------
    member
        The member.

    Returns
    -------
    str
        "" for a file or folder whose name does no harm; of the name only the last part is to be used.
    """
    name = member.name
    parts = name.rstrip("/").split("/")
    if member.kind not in {"file", "folder"}:
        return f"it is a {member.kind}; only files are unpacked"
    if name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":"):
        return "its name is an absolute path"
    if ".." in parts or ".." in name.replace("\\", "/").split("/"):
        return "its name leads out of the destination"
    if member.kind == "folder":
        return ""
    if name.endswith("/") or not parts[-1] or safe_name(parts[-1]) != parts[-1]:
        return "its name has characters, or is a name, that not every file system takes"
    return ""
