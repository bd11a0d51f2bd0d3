"""Text products: associations (JSON), pools (CSV), catalogues and time series (ECSV)."""

import json
from functools import lru_cache

from jwstmq_widgets.filenames import parse_name
from jwstmq_widgets.localarchive.facts import FileFacts
from jwstmq_widgets.localarchive.pixels.keywords import times
from jwstmq_widgets.localarchive.pixels.scenes import scene
from jwstmq_widgets.localarchive.pixels.sources import generator, sources
from jwstmq_widgets.localarchive.pixels.spectra import wavelength

__all__ = ["association", "catalogue_parts", "pool", "reduced_document"]

_RULES = {
    "image2": "Asn_Lv2Image", "image3": "Asn_Lv3Image", "spec2": "Asn_Lv2Spec", "spec3": "Asn_Lv3SpectralSource",
    "tso-image2": "Asn_Lv2ImageTSO", "tso-spec2": "Asn_Lv2SpecTSO", "tso3": "Asn_Lv3TSO", "coron3": "Asn_Lv3Coron",
    "ami3": "Asn_Lv3AMI", "nrslamp-spec2": "Asn_Lv2NRSLAMPSpectral", "wfs-image2": "Asn_Lv2WFSS",
    "wfs-image3": "Asn_Lv3WFSCMB",
}  # fmt: skip
"""Type of an association to the rule that makes it: JWST pipeline documentation, "Association rules"."""

_POOL_BYTES = 24 * 1024
_CATALOGUE_BYTES = 20 * 1024


def reduced_document(facts: FileFacts) -> int:
    """Give the size (bytes) of a reduced text product."""
    if facts.name.endswith("_asn.json"):
        return 1400 + sum(len(member) + 90 for member in facts.members) + 2 * len(facts.title)
    return _POOL_BYTES if facts.name.endswith(".csv") else _CATALOGUE_BYTES


def association(facts: FileFacts) -> bytes:
    """Write an association, filled up to its size with white space (RFC 8259, 2).

    Raises
    ------
    ValueError
        If it does not fit into the size.
    """
    name = parse_name(facts.name)
    parts = facts.name.split("_")
    rule = parts[2] if len(parts) > 3 else "image2"
    program = f"{facts.program:05d}"
    members = []
    for index, member in enumerate(facts.members):
        background = facts.exp_type.startswith("NRS_") and rule == "spec2" and index > 0
        psf = rule in {"coron3", "ami3"} and index >= max(1, len(facts.members) // 2)
        members.append(
            {
                "expname": member,
                "exptype": "background" if background else "psf" if psf else "science",
                "exposerr": "null",
            }
        )
    optics = "-".join(part.lower() for part in (facts.pupil, facts.filter) if part) or "clear"
    label = name.association if name else "o001"
    product = f"jw{program}-{label}_t001_{facts.instrument.lower()}_{optics}"
    if rule.endswith("2") and facts.members:
        product = facts.members[0].rsplit("_", 1)[0]
    document = {
        "asn_type": rule,
        "asn_rule": _RULES.get(rule, "Asn_Lv2Image"),
        "version_id": parts[1] if len(parts) > 3 else "",
        "code_version": "1.15.1",
        "degraded_status": "No known degraded exposures in association.",
        "program": program,
        "constraints": f"DMSAttrConstraint({{'name': 'program', 'sources': ['program'], 'value': '{facts.program}'}})",
        "asn_id": label,
        "target": facts.target_name,
        "asn_pool": f"jw{program}_{parts[1]}_pool.csv" if len(parts) > 3 else "none",
        "products": [{"name": product, "members": members}],
    }
    data = json.dumps(document, indent=4).encode()
    if len(data) > facts.size:
        data = json.dumps(document, separators=(",", ":")).encode()
    if len(data) > facts.size:
        # Recorded sizes may be of other members than are known: as many as fit are listed.
        while members and len(data) > facts.size:
            members.pop()
            data = json.dumps(document, separators=(",", ":")).encode()
    if len(data) > facts.size:
        raise ValueError(f"association {facts.name} needs {len(data)} bytes, not {facts.size}")
    return data.ljust(facts.size - 1) + b"\n" if facts.size > len(data) else data


def pool(facts: FileFacts) -> bytes:
    """Write a pool: a table with bars between its columns, filled up with blanks at the end of its last column.

    Raises
    ------
    ValueError
        If its head does not fit into the size.
    """
    head = "|".join(
        [
            "FILENAME",
            "PROGRAM",
            "OBS_NUM",
            "VISIT",
            "EXP_TYPE",
            "INSTRUME",
            "DETECTOR",
            "FILTER",
            "PUPIL",
            "TARGETID",
            "ASN_CANDIDATE",
        ]
    )
    lines = [head]
    room = facts.size - len(head) - 1
    members = facts.members or tuple(
        f"jw{facts.program:05d}001001_02101_{index:05d}_{facts.detector or 'nrca1'}_uncal.fits" for index in range(1, 9)
    )
    for member in members:
        name = parse_name(member)
        observation, visit = (name.observation or 1, name.visit or 1) if name else (1, 1)
        instrument, detector = (name.instrument, name.detector) if name else (facts.instrument, facts.detector)
        known = [
            *(member, str(facts.program), str(observation), str(visit)),
            *(word.lower() or "null" for word in (facts.exp_type, instrument, detector, facts.filter, facts.pupil)),
            *("1", f"[('o{observation:03d}', 'observation')]"),
        ]
        line = "|".join(known)
        if len(line) + 1 > room:
            break
        lines.append(line)
        room -= len(line) + 1
    text = "\n".join(lines)
    if room < 0:
        raise ValueError(f"pool {facts.name} needs {len(head) + 1} bytes, not {facts.size}")
    return (text + " " * room + "\n").encode()


def catalogue_parts(facts: FileFacts) -> tuple[bytes, bytes]:
    """Write an ECSV table: what stands before its rows, and rows enough to repeat, all of one width.

    The head is filled up with one comment so that a whole number of rows brings the table to its size.

    Raises
    ------
    ValueError
        If its head does not fit into the size.
    """
    suffix = facts.name.rsplit("_", 1)[-1].split(".")[0]
    columns, lines = _series(facts) if suffix in {"phot", "whtlt"} else _catalogue(facts)
    names = [name for name, _, _ in columns]
    width = max(len(line) for line in lines)
    rows = "".join(line.ljust(width) + "\n" for line in lines).encode()
    width += 1
    meta = [
        "# %ECSV 1.0",
        "# ---",
        "# datatype:",
        *(f"# - {{name: {name}, datatype: {kind}{f', unit: {unit}' if unit else ''}}}" for name, kind, unit in columns),
        "# meta: !!omap",
        f"# - {{filename: {facts.name}}}",
        f"# - {{program: '{facts.program:05d}'}}",
        f"# - {{target: {json.dumps(facts.target_name)}}}",
        "# schema: astropy-2.0",
    ]
    head = "\n".join(meta) + "\n"
    tail = " ".join(names) + "\n"
    room = facts.size - len(head) - len(tail) - len("# #\n")
    if room < 0:
        raise ValueError(f"table {facts.name} needs {facts.size - room} bytes, not {facts.size}")
    rest = room % width
    return (head + "# #" + " " * rest + "\n" + tail).encode(), rows[: room // width * width]


_Columns = list[tuple[str, str, str]]


@lru_cache(maxsize=8)
def _catalogue(facts: FileFacts) -> tuple[_Columns, list[str]]:
    import numpy as np

    seen = scene(facts)
    found = sources(seen.footprint, seen.look.field)
    u, v = seen.footprint.places(found.ra, found.dec)
    inside = np.flatnonzero((u > 0) & (u < 1) & (v > 0) & (v < 1))
    inside = inside[np.argsort(-found.flux[inside])][:2000]
    nx, ny = facts.nx or 2048, facts.ny or 2048
    zero = 25.0 - 0.3 * np.log(wavelength(seen.optics))
    columns = [
        ("label", "int64", ""), ("xcentroid", "float64", "pix"), ("ycentroid", "float64", "pix"),
        ("ra", "float64", "deg"),
        ("dec", "float64", "deg"), ("isophotal_flux", "float64", "Jy"), ("isophotal_abmag", "float64", ""),
        ("semimajor_sigma", "float64", "pix"), ("ellipticity", "float64", ""), ("is_extended", "bool", ""),
    ]  # fmt: skip
    lines = []
    for label, one in enumerate(inside, 1):
        magnitude = zero - 2.5 * np.log10(found.flux[one])
        lines.append(
            f"{label:6d} {u[one] * nx:12.4f} {v[one] * ny:12.4f} {found.ra[one]:14.9f} {found.dec[one]:14.9f} "
            f"{3631 * 10 ** (-0.4 * magnitude):13.6e} {magnitude:10.5f} {1.2 + 8 * found.size[one]:9.4f} "
            f"{1 - found.shape[one]:8.5f} {'True' if found.size[one] > 0 else 'False':>5}"
        )
    if not lines:  # an empty sky: the target alone
        lines.append(
            f"{1:6d} {nx / 2:12.4f} {ny / 2:12.4f} {facts.ra:14.9f} {facts.dec:14.9f} {1e-6:13.6e} {23.9:10.5f} "
            f"{1.2:9.4f} {0.1:8.5f} False"
        )
    return columns, lines


def _series(facts: FileFacts) -> tuple[_Columns, list[str]]:
    import numpy as np

    start, end = times(facts)
    moments = np.linspace(start, end, 400)
    phase = np.linspace(-1, 1, 400)
    dip = 0.004 + 0.012 * float(generator("transit", facts.target_name).random())
    light = 1 - dip / (1 + np.exp((np.abs(phase) - 0.35) / 0.02))
    light = light + 3e-4 * generator("light curve", facts.name).standard_normal(400)
    columns = [("MJD", "float64", "d"), ("whitelight_flux", "float64", "Jy"), ("whitelight_error", "float64", "Jy")]
    return columns, [f"{when:18.10f} {value:14.10f} {3e-4:12.6e}" for when, value in zip(moments, light, strict=True)]
