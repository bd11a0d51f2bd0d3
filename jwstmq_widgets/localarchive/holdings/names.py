"""The names by which targets are looked up."""

from math import isnan

from jwstmq_widgets.localarchive.programs import Program

__all__ = ["name_key", "name_rows"]


def name_key(name: str) -> str:
    """Write a name so that blanks, hyphens, apostrophes and case do not matter: ``NGC-3132`` is ``ngc3132``."""
    return "".join(character for character in name.casefold() if character.isalnum() or character in "+.")


def name_rows(program: Program) -> list[tuple[str, str, float, float, str]]:
    """Give key, canonical name, right ascension, declination (deg) and object type for all names of the targets.

    Bodies of the solar system are left out: no resolver of fixed places knows them.
    """
    rows: list[tuple[str, str, float, float, str]] = []
    for target in program.targets:
        if target.moving or target.name == "UNKNOWN" or isnan(target.ra):
            continue
        canonical = target.aliases[0] if target.aliases else target.name
        keys = dict.fromkeys(name_key(name) for name in (target.name, *target.aliases))
        rows.extend((key, canonical, target.ra, target.dec, target.kind) for key in keys)
    return rows
