"""All that is known of one file, put together from the catalogue."""

import sqlite3
from dataclasses import replace

from jwstmq_widgets.filenames import ProductName, parse_name
from jwstmq_widgets.localarchive.facts import FileFacts, Scale
from jwstmq_widgets.localarchive.holdings.instruments import GUIDE_MODES
from jwstmq_widgets.localarchive.holdings.sizes import guide_detector

__all__ = ["file_facts", "preview_name", "thumbnail_name"]

_PREVIEW, _THUMBNAIL = ".jpg", "_thumb.jpg"

_FILE = """
SELECT f.name, f.size, f.listed, f.rights, f.release, f.guide, f.t_max, p.program, p.title, p.pi_name, p.category,
    o.target_name, o.target_ra, o.target_dec, o.instrument, o.exp_type, o.detector, o.filter, o.pupil, o.subarray,
    o.ra, o.dec, o.s_region, o.t_min, o.t_max AS end, o.t_exptime, o.nints, o.ngroups, o.nx, o.ny, o.obsid
FROM file f JOIN observation o ON o.obsid = f.obsid JOIN program p ON p.program = o.program
WHERE f.name = ?
"""
_MEMBERS = """
SELECT o.obs_id, o.main, o.association FROM member m JOIN observation o ON o.obsid = m.obsid
WHERE m.parent = ? AND o.association <> '' ORDER BY o.obsid
"""
_POOLED = """
SELECT DISTINCT o.obs_id FROM observation o WHERE o.program = ? AND o.dataset <> '' ORDER BY o.obsid
"""


def thumbnail_name(preview: str) -> str:
    """Give the name of the thumbnail of a preview."""
    return preview.removesuffix(_PREVIEW) + _THUMBNAIL


def preview_name(name: str) -> str:
    """Give the name of the preview that a thumbnail is of, and any other name as it is."""
    return name.removesuffix(_THUMBNAIL) + _PREVIEW if name.endswith(_THUMBNAIL) else name


def file_facts(connection: sqlite3.Connection, name: str, scale: Scale) -> FileFacts | None:
    """Read the facts of a file.

    Parameters
    ----------
    connection
        The catalogue.
    name
        File name; case matters.
    scale
        The catalogue's scale.

    Returns
    -------
    FileFacts or None
        None when the catalogue has no file of that name; a thumbnail is there where its preview is.
    """
    cursor = connection.execute(_FILE, [preview_name(name)])
    found = cursor.fetchone()
    if found is None:
        return None
    row = dict(zip((column[0] for column in cursor.description), found, strict=True))
    parts = parse_name(name)
    if name != row["name"]:
        from jwstmq_widgets.localarchive.pixels.pictures import reduced_picture  # slow to import, seldom needed

        # No size of a thumbnail was seen: the same is derived at either scale, and the catalogue does not tell it.
        row |= {"size": reduced_picture(name), "listed": False}
    facts = FileFacts(
        name=name,
        size=row["size"],
        size_listed=bool(row["listed"]),
        scale=scale,
        rights="EXCLUSIVE_ACCESS" if row["rights"] == "EXCLUSIVE_ACCESS" else "PUBLIC",
        release=row["release"] or 0.0,
        program=row["program"],
        title=row["title"],
        pi_name=row["pi_name"],
        category=row["category"],
        target_name=row["target_name"],
        target_ra=row["target_ra"] or 0.0,
        target_dec=row["target_dec"] or 0.0,
        instrument=row["instrument"],
        exp_type=row["exp_type"],
        detector=row["detector"],
        filter=row["filter"],
        pupil=row["pupil"],
        subarray=row["subarray"],
        ra=row["ra"] or 0.0,
        dec=row["dec"] or 0.0,
        s_region=row["s_region"] or "",
        t_min=row["t_min"] or 0.0,
        t_max=row["end"] or 0.0,
        exptime=row["t_exptime"] or 0.0,
        nints=row["nints"],
        ngroups=row["ngroups"],
        nx=row["nx"],
        ny=row["ny"],
        members=_members(connection, parts, row["obsid"], row["program"]) if parts else (),
    )
    return _guide_facts(facts, row["guide"], row["t_max"]) if row["guide"] else facts


def _guide_facts(facts: FileFacts, guide: str, end: float) -> FileFacts:
    mode = GUIDE_MODES[guide]
    exp_type = "FGS_ID-STACK" if "_stacked_" in facts.name else mode.exp_type
    return replace(
        facts,
        instrument="FGS",
        exp_type=exp_type,
        detector=guide_detector(facts.name[7:13]),
        filter="",
        pupil="",
        subarray={"id": "FULL", "acq1": "128X128", "fg": "8X8"}.get(guide, "32X32"),
        s_region="",
        t_min=end - 60.0 / 86_400.0,
        t_max=end,
        exptime=60.0,
        nints=mode.nints,
        ngroups=mode.ngroups,
        nx=mode.nx,
        ny=mode.ny,
    )


def _members(connection: sqlite3.Connection, parts: ProductName, obsid: int, program: int) -> tuple[str, ...]:
    """Give the names of the files that a file was made from, or that it lists."""
    if parts.kind == "pool":
        return tuple(f"{name}_uncal.fits" for (name,) in connection.execute(_POOLED, [program]))
    members = connection.execute(_MEMBERS, [obsid]).fetchall()
    if parts.kind == "association" and not members:
        # An association of stage 2: the count rate of its one exposure.
        (obs_id, main), *_ = connection.execute("SELECT obs_id, main FROM observation WHERE obsid = ?", [obsid])
        return (f"{obs_id}_{'rateints' if main.endswith('ints') else 'rate'}.fits",)
    if parts.kind not in {"association", "stage3"}:
        return ()
    flagged = parts.kind == "stage3"
    names = []
    for obs_id, main, association in members:
        crf = f"{obs_id}_{association}_crf{'ints' if main.endswith('ints') else ''}.fits"
        known = flagged and connection.execute("SELECT 1 FROM file WHERE name = ?", [crf]).fetchone()
        names.append(crf if known else f"{obs_id}_{main}.fits")
    return tuple(names)
