"""A plan as a file: JSON, checked when it is read."""

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import orjson

from jwstmq_widgets.downloads.plans import Plan, PlanItem
from jwstmq_widgets.downloads.plans.decision import make_plan
from jwstmq_widgets.downloads.plans.places import LAYOUTS, Layout, safe_name
from jwstmq_widgets.downloads.plans.wishes import Wish
from jwstmq_widgets.errors import QueryError

if TYPE_CHECKING:
    from jwstmq_widgets.archives import Archive

__all__ = ["read_plan", "write_plan"]

_KIND = "jwstmq plan"
_VERSION = 1
_MOST_BYTES = 1 << 30


def write_plan(plan: Plan, path: Path) -> Path:
    """Write a plan; see `Plan.save`."""
    path = path.expanduser()
    facts = {
        "kind": _KIND,
        "version": _VERSION,
        "folder": str(plan.folder),
        "layout": plan.layout,
        "clobber": plan.clobber,
        "archive": plan.archive.url if plan.archive is not None else "",
        "items": [_facts(item, plan.folder) for item in plan.items],
    }
    fresh = path.with_name(f"{path.name}.{os.getpid()}~")
    try:
        fresh.write_bytes(orjson.dumps(facts, option=orjson.OPT_INDENT_2) + b"\n")
        fresh.replace(path)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise QueryError(f"{path} cannot be written ({error.strerror}); choose another file", field="plan") from error
    return path


def read_plan(path: Path, *, to: Path | None, archive: "Archive | None") -> Plan:
    """Read a plan; see `Plan.load`."""
    path = path.expanduser()
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise QueryError(f"{path} is too large for a plan; choose another file", field="plan")
        facts = orjson.loads(path.read_bytes())
    except OSError as error:
        raise QueryError(f"{path} cannot be read ({error.strerror}); choose another file", field="plan") from error
    except orjson.JSONDecodeError as error:
        raise QueryError(f"{path} is no plan ({error}); make it anew with Plan.save", field="plan") from error
    match facts:
        case {
            "kind": "jwstmq plan",
            "version": 1,
            "folder": str(folder),
            "layout": str(layout),
            "clobber": bool(clobber),
            "archive": str(url),
            "items": list(items),
        } if layout in LAYOUTS and (to is not None or Path(folder).is_absolute()):
            wishes = [_wish(item, path) for item in items]
        case _:
            raise QueryError(f"{path} is no plan of version {_VERSION}; make it anew with Plan.save", field="plan")
    known: Layout = layout
    if archive is None and url:
        from jwstmq_widgets.archives import archive_at

        archive = archive_at(url)
    return make_plan(wishes, folder=to or Path(folder), layout=known, clobber=clobber, archive=archive)


def _facts(item: PlanItem, folder: Path) -> Mapping[str, Any]:
    return {
        "uri": item.uri,
        "path": item.path.relative_to(folder).as_posix(),
        "size": item.size,
        "obs_id": item.obs_id,
        "until": item.until.isoformat() if item.until else "",
        "restricted": item.state == "exclusive" or item.until is not None,
        "observed": item.state != "planned",
    }


def _wish(item: Any, path: Path) -> Wish:
    match item:
        case {
            "uri": str(uri),
            "path": str(place),
            "size": int(size),
            "obs_id": str(obs_id),
            "until": str(until),
            "restricted": bool(restricted),
            "observed": bool(observed),
        } if not isinstance(size, bool):
            parts = PurePosixPath(place).parts
            if not parts or any(part != safe_name(part) for part in parts):
                raise QueryError(f"{path}: {place!r} is no place below a destination; do not use this plan")
            with suppress(ValueError):
                ends = datetime.fromisoformat(until) if until else None
                if ends is None or ends.tzinfo is not None:
                    return Wish(
                        uri, parts[-1], parts[:-1], max(size, -1), ends, obs_id, restricted, observed and bool(uri)
                    )
    raise QueryError(f"{path}: {str(item)[:80]} is no item of a plan; make it anew with Plan.save", field="plan")
