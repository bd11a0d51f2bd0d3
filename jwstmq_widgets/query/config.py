"""Configuration files as jwst_mast_query's: read, and written."""

import functools
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.query.settings import FIELD_OF, read_settings

__all__ = ["config_text", "read_config"]

_MOST_BYTES = 1_000_000


def read_config(path: str | Path, *, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Read a configuration file.

    Numbers are decimal: ``propID: 02733`` is program 2733, although YAML 1.1 takes it for an octal number. Dates
    stay texts.

    Parameters
    ----------
    path
        A file such as jwst_mast_query's ``jwst_query.cfg``. It may be empty.
    environ
        The environment, for ``$NAME``.

    Returns
    -------
    dict
        The settings that have a value, see `read_settings`.

    Raises
    ------
    QueryError
        If there is no such file, it is no list of keys and values, a key is unknown or there twice, or a value is
        wrong.
    """
    file = Path(path).expanduser()
    try:
        with file.open("rb") as stream:
            content = stream.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise QueryError(f"{file} is too long for a configuration file", field="configfile")
        text = content.decode()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise QueryError(f"the configuration file {file} cannot be read: {why}", field="configfile") from error
    return read_settings(_load(text, str(file)), source=str(file), environ=environ)


def config_text(arguments: Mapping[str, Any]) -> str:
    """Write a configuration file that asks the same.

    Parameters
    ----------
    arguments
        Fields of a query with their strict values; those left out keep their default.

    Returns
    -------
    str
        YAML with jwst_mast_query's keys.
    """
    import yaml

    settings: dict[str, Any] = {}
    for name in ("program", "observations"):
        if arguments.get(name):
            settings["propID" if name == "program" else "obsnums"] = _plain(arguments[name])
    for name, key in FIELD_OF.items():
        if key in arguments:
            settings[name] = _plain(arguments[key])
    if arguments.get("coordinates") is not None:
        settings["coordinates"] = _plain(arguments["coordinates"])
    earliest, latest = arguments.get("dates", (None, None))
    if earliest is not None or latest is not None:
        both = earliest is not None and latest is not None
        one = f"{latest!r}-" if earliest is None else f"{earliest!r}+"
        settings["date_select"] = f"{earliest!r} {latest!r}" if both else one
    lowest, highest = arguments.get("obsid_range", (None, None))
    if lowest is not None or highest is not None:
        both = lowest is not None and highest is not None
        settings["obsid_select"] = [lowest, highest] if both else f"{highest}-" if lowest is None else f"{lowest}+"
    if arguments.get("lookback") is not None:
        settings["lookbacktime"] = arguments["lookback"]
    if arguments.get("guidestars"):
        settings["guidestar_data_only" if arguments["guidestars"] == "only" else "guidestars"] = True
    if not settings:
        return ""
    return str(yaml.safe_dump(settings, sort_keys=False, allow_unicode=True, default_flow_style=None, width=100))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _plain(entry) for name, entry in value.items()}
    return list(value) if isinstance(value, tuple) else value


@functools.cache
def _loader() -> Any:
    """Give a YAML loader without YAML 1.1's octal and base-60 numbers and its dates."""
    import yaml

    made: Any = type("Loader", (yaml.SafeLoader,), {"yaml_implicit_resolvers": {}})
    for tag, pattern, first in (
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("bool", r"[Yy]es|YES|[Nn]o|NO|[Tt]rue|TRUE|[Ff]alse|FALSE|[Oo]n|ON|[Oo]ff|OFF", "yYnNtTfFoO"),
        ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
        ("float", r"[-+]?[0-9]+\.[0-9]*(?:[eE][-+][0-9]+)?", "-+0123456789"),
    ):
        made.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), list(first))
    return made


def _load(text: str, source: str) -> dict[str, Any]:
    import yaml

    loader = None
    try:
        loader = _loader()(text)
        node = loader.get_single_node()
        if node is None or node.tag == "tag:yaml.org,2002:null":
            return {}
        _check(node, source)
        document: dict[str, Any] = loader.construct_document(node)
    except QueryError:
        raise
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is not YAML"
        raise QueryError(f"{source}{line}: {problem}; write 'key: value'", field="configfile") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise QueryError(f"{source} is not the YAML of a configuration file: {error}", field="configfile") from error
    finally:
        if loader is not None:
            loader.dispose()
    return document


def _check(node: Any, source: str) -> None:
    """Refuse what is no list of keys and values, and keys that are there twice, of which YAML keeps one in silence."""
    if node.id != "mapping":
        raise QueryError(f"{source} is no list of keys and values, such as 'propID: 2733'", field="configfile")
    twice = _first_twice(key.value for key, _ in node.value)
    if twice is not None:
        raise QueryError(f"{source}: the key '{twice}' is there twice; keep one", field=twice)


def _first_twice(names: Iterable[Any]) -> str | None:
    seen: set[str] = set()
    for name in map(str, names):
        if name in seen:
            return name
        seen.add(name)
    return None
