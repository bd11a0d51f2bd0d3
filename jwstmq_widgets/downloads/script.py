"""A plan as a shell script, or as the input file of another downloader."""

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from jwstmq_widgets.archives.host import Host
from jwstmq_widgets.archives.merged import archives_in, holders_of, knows_users
from jwstmq_widgets.downloads.addresses import Addresses
from jwstmq_widgets.downloads.manifest import relative_path
from jwstmq_widgets.downloads.plans.decision import Plan, PlanItem
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.tables import format_size

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["SCRIPT_KINDS", "Script", "ScriptKind", "script"]

ScriptKind = Literal["curl", "aria2", "wget"]
SCRIPT_KINDS: tuple[ScriptKind, ...] = get_args(ScriptKind)

# What a shell, an input file and a web page can hold without a second thought.
_ADDRESS = re.compile(r"https?://[!#$%&()*+,./:;=?@\[\]_~0-9A-Za-z-]+")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9._:\[\]/~-]+")
_LINE = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]+")
_PLACE = re.compile(r"@([A-Z_]+)@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A download that another program carries out."""

    kind: ScriptKind
    """``"curl"``: a shell script; ``"aria2"``, ``"wget"``: an input file."""
    name: str
    """A name for its file."""
    text: str
    """What it says."""
    files: int
    """How many files it brings."""
    left_out: tuple[str, ...]
    """Names of the plan's files that it cannot bring: not observed yet; exclusive ones too for aria2 and wget, and of
    archives that know users and passwords, as ESA's does."""

    def __str__(self) -> str:
        return self.text

    @property
    def usage(self) -> str:
        """How to run it, once it is saved under its own name."""
        return self.usage_of(self.name)

    def usage_of(self, file: str | Path) -> str:
        """Say how to run it from a file.

        Parameters
        ----------
        file
            Where it is saved.

        Returns
        -------
        str
            A command for a shell.
        """
        return _KINDS[self.kind].usage.format(name=shlex.quote(str(file)))

    def save(self, path: str | Path | None = None) -> Path:
        """Write it to a file.

        Parameters
        ----------
        path
            The file, or a folder that gets it under its own name; the current folder when left out.

        Returns
        -------
        Path
            The file, absolute. A shell script is executable.

        Raises
        ------
        QueryError
            If it cannot be written.
        """
        file = Path(path or self.name).expanduser().absolute()
        if file.is_dir():
            file /= self.name
        try:
            file.write_text(self.text, encoding="utf-8", newline="\n")
            if self.kind == "curl":
                file.chmod(file.stat().st_mode | 0o111)
        except OSError as error:
            raise QueryError(f"{file} cannot be written ({error.strerror}); choose another place") from error
        return file


def script(plan: Plan, *, kind: ScriptKind = "curl") -> Script:
    """Write a plan down for another program; nobody is asked.

    It cannot turn to another archive when one fails: comments say which files have two addresses, or come from the
    second archive because the first does not have them. Files that are here already are in it as well: it may run on
    another machine. Paths are the plan's, relative to the folder in which it runs, or to the one that its user gives
    (``--dir``).

    Parameters
    ----------
    plan
        What to do; may be made before anybody has logged in.
    kind
        ``"curl"``: a shell script for any POSIX shell, with the promises of `download`: four files at a time, each
        written to ``name.part``, resumed only where the archive proves that it is the same file, checked, then
        renamed; it can be run again. Exclusive files take the token from ``MAST_API_TOKEN`` when it runs; no token
        is ever in the text. It leaves a MANIFEST.html as MAST's own scripts do.
        ``"aria2"``, ``"wget"``: their input files, with their own promises (no check but the length). They hold no
        exclusive files, which would need a token in a file.

    Returns
    -------
    Script
        The text, with a way to save it.

    Raises
    ------
    QueryError
        If the kind is unknown, the plan does not know its archive, or ``"wget"``, which takes names from the archive
        and knows no folders, is asked for a plan whose layout is not ``"flat"``.
    """
    if kind not in SCRIPT_KINDS:
        raise QueryError(f"a script for {kind!r} is unknown; use one of {', '.join(SCRIPT_KINDS)}", field="kind")
    if plan.archive is None:
        raise QueryError("the plan does not know its archive; give archive= to plan()", field="archive")
    archives = archives_in(plan.archive)
    holders = {item.uri: holders_of(plan.archive, item.uri) for item in plan.items}
    addresses = {
        archive.url: Addresses(archive, [uri for uri, having in holders.items() if having[0] is archive])
        for archive in archives
    }
    entries, left_out = [], []
    for item in plan.items:
        archive = holders[item.uri][0]  # a script has no other archive to turn to
        if item.state == "planned" or ((kind != "curl" or knows_users(archive)) and _exclusive(item)):
            left_out.append(item.name)
        else:
            entries.append(_entry(plan, addresses[archive.url], item, holders[item.uri]))
    writer = _KINDS[kind]
    return Script(
        kind=kind,
        name=writer.name,
        text=writer.write(entries, archives),
        files=len(entries),
        left_out=tuple(left_out),
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    """One file, every text of it harmless in a line."""

    item: PlanItem
    url: str
    path: str
    holders: "tuple[Archive, ...]"


def _entry(plan: Plan, addresses: Addresses, item: PlanItem, holders: "tuple[Archive, ...]") -> _Entry:
    url, path = addresses.of(item.uri), relative_path(item, plan.folder)
    if not _ADDRESS.fullmatch(url):
        raise QueryError(f"the address of {item.name} is no address of the web; search again", field="products")
    if not (_LINE.fullmatch(path) and _LINE.fullmatch(item.uri)):
        raise QueryError(f"{path!r} holds characters that no line can; make the plan anew with plan()")
    return _Entry(item, url, path, holders)


def _exclusive(item: PlanItem) -> bool:
    # Even where the date has passed: as long as the catalogue says so, the archive may want a token.
    return item.state == "exclusive" or item.until is not None


def _elsewhere(entries: Iterable[_Entry], archives: "Sequence[Archive]") -> str:
    """Say, as lines of comment, which files come from another archive than the first, and which have two addresses."""
    lines = []
    for archive in archives[1:]:
        if not _ORIGIN.fullmatch(archive.url):
            raise QueryError(f"{archive.url!r} is no address to write into a script", field="archive")
        only = [entry.path for entry in entries if entry.holders[0] is archive]
        too = [entry.path for entry in entries if archive in entry.holders[1:]]
        if only:
            lines += ["", f"From {archive.url}, since {archives[0].url} does not have them:", *only]
        if too:
            lines += ["", f"{archive.url} has these too, where jwstmq turns by itself, and this file does not:", *too]
    return "".join(f"# {line}".rstrip() + "\n" for line in lines)


def _curl(entries: list[_Entry], archives: "Sequence[Archive]") -> str:
    archive = archives[0]
    if not _ORIGIN.fullmatch(archive.url):
        raise QueryError(f"{archive.url!r} is no address to write into a script", field="archive")
    lines, now = [], datetime.now(UTC)
    for number, entry in enumerate(entries, start=1):
        item = entry.item
        until = f"{item.until:%Y-%m-%d}" if item.until is not None and item.until > now else "-"
        size = str(item.size) if item.size >= 0 else "-"
        access = "EXCLUSIVE" if _exclusive(item) else "PUBLIC"
        lines.append("\t".join((str(number), access, until, size, entry.url, item.uri, entry.path)) + "\n")
    # The list is a quoted here-document: nothing in it is expanded, whatever a name holds.
    values = {
        "FILES": f"{len(entries):,} file{'' if len(entries) == 1 else 's'}",
        "BYTES": format_size(sum(max(0, entry.item.size) for entry in entries)),
        "COUNT": str(len(entries)),
        "EXCLUSIVE": str(sum(_exclusive(entry.item) for entry in entries)),
        "ARCHIVE": archive.url,
        "ELSEWHERE": _elsewhere(entries, archives),
        # Without a private way to the archive no token is sent at all.
        "TOKEN_FOR": next((one.url for one in archives if Host.at(one.url).private and not knows_users(one)), ""),
        "PROTOCOLS": "=https" if all(one.url.startswith("https:") for one in archives) else "=http,https",
        "LIST": "".join(lines),
        "END": "END OF THE LIST",  # no line of the list can be this: they begin with a number
    }
    template = files("jwstmq_widgets.downloads").joinpath("curl_script.sh").read_text(encoding="utf-8")
    return _PLACE.sub(lambda match: values[match[1]], template)


def _aria2(entries: list[_Entry], archives: "Sequence[Archive]") -> str:
    # Two addresses in one line would be mixed in one file, which no two archives promise to be the same.
    return _elsewhere(entries, archives) + "".join(
        f"{entry.url}\n  out={entry.path}\n  continue=true\n  auto-file-renaming=false\n" for entry in entries
    )


def _wget(entries: Iterable[_Entry], archives: "Sequence[Archive]") -> str:  # noqa: ARG001  (such a list has no comments)
    for entry in entries:
        if entry.path != entry.item.uri.rpartition("/")[2]:
            raise QueryError(
                f"a list for wget cannot say that {entry.item.uri} is to be {entry.path}; "
                "make the plan with layout='flat', or use kind='curl' or 'aria2'",
                field="layout",
            )
    return "".join(f"{entry.url}\n" for entry in entries)


@dataclass(frozen=True, slots=True)
class _Writer:
    """How a kind of script is written and run."""

    name: str
    usage: str
    write: Callable[[list[_Entry], "Sequence[Archive]"], str]


_KINDS: dict[ScriptKind, _Writer] = {
    "curl": _Writer("jwst-download.sh", "sh {name} --dir .", _curl),
    "aria2": _Writer(
        "jwst-download.aria2.txt", "aria2c --input-file={name} --max-concurrent-downloads=4 --dir=.", _aria2
    ),
    "wget": _Writer(
        "jwst-download.wget.txt",
        "wget --content-disposition --no-clobber --input-file={name} --directory-prefix=.",
        _wget,
    ),
}
