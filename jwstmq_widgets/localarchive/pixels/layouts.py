"""Which extensions each kind of FITS file has, of which shapes, and how many bytes that makes."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil, prod

from jwstmq_widgets.localarchive.facts import FileFacts
from jwstmq_widgets.localarchive.pixels.cards import BLOCK, padding
from jwstmq_widgets.localarchive.pixels.scenes import mode, scene

__all__ = ["PRIMARY_BLOCKS", "Extension", "Kind", "asdf_size", "extensions", "kind_of", "reduced_bytes", "total"]

PRIMARY_BLOCKS = 6
_ASDF_BLOCKS = 2
"""The least that the ASDF extension takes: one block of header, one of data."""
_SIDE, _MOSAIC_SIDE = 128, 160
"""Longest side of a reduced array (pixels): of a detector, of a mosaic."""


@dataclass(frozen=True, slots=True)
class Extension:
    """One extension of a FITS file."""

    name: str
    """EXTNAME."""
    code: str
    """Type of an array's elements: f4, u2, u4, i4; of a table "table"."""
    shape: tuple[int, ...]
    """Shape of the array in numpy's order; of a table the number of rows."""
    blocks: int = 1
    """Blocks of the header."""
    columns: tuple[tuple[str, str, str], ...] = ()
    """Name, TFORM, unit of a table's columns."""

    @property
    def width(self) -> int:
        """Bytes of a row of a table, of an element of an array."""
        if self.code != "table":
            return int(self.code[1])
        return sum(_FORM[form[-1]] * int(form[:-1] or 1) for _, form, _ in self.columns)

    @property
    def size(self) -> int:
        """Bytes of header and data with their padding."""
        data = self.width * prod(self.shape)
        return self.blocks * BLOCK + data + padding(data)


_FORM = {"D": 8, "E": 4, "J": 4, "I": 2, "L": 1, "A": 1, "B": 1}


@dataclass(frozen=True, slots=True)
class Kind:
    """What decides a file's extensions and, at the reduced scale, its size."""

    suffix: str
    """Suffix of the name."""
    mode: str
    """How light reaches the detector: :func:`~jwstmq_widgets.localarchive.pixels.scenes.mode`."""
    stage3: bool
    """Made of several exposures."""
    instrument: str
    """Instrument."""
    nx: int
    """Columns of the array at full size; 0 unknown."""
    ny: int
    """Rows of the array at full size; 0 unknown."""
    nints: int
    """Integrations."""
    ngroups: int
    """Groups an integration."""


def kind_of(facts: FileFacts) -> Kind:
    """Sort a file by what decides its layout. Cheap: it is asked for every file of a catalogue."""
    name = facts.name
    suffix = name[name.rfind("_") + 1 : name.rfind(".")]
    if suffix.startswith("wfscmb"):
        suffix = "wfscmb"
    return Kind(
        suffix,
        _mode(facts.exp_type, "_gs-" in name),
        name[7:8] == "-",
        facts.instrument,
        facts.nx,
        facts.ny,
        max(facts.nints, 1),
        max(facts.ngroups, 1),
    )


@lru_cache(maxsize=256)
def _mode(exp_type: str, guide: bool) -> str:
    if exp_type.upper().startswith("MIR_LRS"):
        return "column"
    return mode(exp_type, "_gs-" if guide else "", "")


@lru_cache(maxsize=16384)
def reduced_bytes(kind: Kind) -> int:
    """Give the size of a reduced file (bytes)."""
    return total(_reduced(kind))


def total(parts: tuple[Extension, ...]) -> int:
    """Sum up the bytes of a file, with its primary header and the least ASDF extension."""
    return (PRIMARY_BLOCKS + _ASDF_BLOCKS) * BLOCK + sum(part.size for part in parts)


def asdf_size(parts: tuple[Extension, ...], size: int) -> int:
    """Tell how many bytes of data the ASDF extension has, so that a file of these extensions takes `size` bytes."""
    return size - total(parts) + BLOCK


def extensions(facts: FileFacts) -> tuple[Extension, ...]:
    """List the extensions of a file, the ASDF one left out.

    Raises
    ------
    ValueError
        If no file of this kind is as small as the facts say.
    """
    kind = kind_of(facts)
    if facts.scale == "reduced":
        return _reduced(kind)
    width, height = scene(facts).footprint.sides if not (kind.nx and kind.ny) else (1.0, 1.0)
    return _fitted(kind, facts.size, round(width / (height or 1.0), 3))


@lru_cache(maxsize=4096)
def _reduced(kind: Kind) -> tuple[Extension, ...]:
    nx, ny, depth = _natural(kind)
    most = _MOSAIC_SIDE if kind.stage3 and kind.suffix in {"i2d", "segm"} else 240 if _sliced(kind) else _SIDE
    factor = max(nx, ny) / most
    if factor > 1:
        nx, ny = max(8, round(nx / factor)), max(24 if _sliced(kind) else 8, round(ny / factor))
    if kind.suffix == "s3d":
        nx, ny, depth = 24, 24, 64
    return _parts(kind, nx, ny, min(kind.nints, 2), min(kind.ngroups, 4), min(depth, 512))


@lru_cache(maxsize=1024)
def _fitted(kind: Kind, size: int, aspect: float) -> tuple[Extension, ...]:
    nx, ny, depth = _natural(kind)
    nints, ngroups = kind.nints, kind.ngroups
    if kind.suffix == "uncal" and kind.instrument == "NIRSPEC" and (nx, ny) == (2048, 2048):
        # The IRS2 read-out interleaves reference pixels: 3200 rows are sent down for 2048.
        wide = _parts(kind, nx, 3200, nints, ngroups, depth)
        if total(wide) <= size:
            ny = 3200

    def parts(grown: int) -> tuple[Extension, ...]:
        deep = kind.suffix in _DEEP
        return _parts(kind, nx, ny, nints if deep else grown, ngroups, grown if deep else depth)

    if kind.suffix in _DEEP | _PER_INTEGRATION:
        # The number of wavelengths, rows, integrations is what the recorded size has room for.
        count = 1 + max(0, size - total(parts(1))) // max(1, (total(parts(2049)) - total(parts(1))) // 2048)
        while count > 1 and total(parts(count)) > size:
            count -= 1
        if kind.suffix in _PER_INTEGRATION and total(parts(nints)) <= size < total(parts(nints + 1)):
            count = nints
        found = parts(count)
    elif not (kind.nx and kind.ny):
        # A mosaic of unknown extent: as many pixels as the size has room for, in the footprint's proportions.
        per_pixel = max(1, sum(part.width for part in parts(1)))
        rows = (
            max(1, int(((size - total(_parts(kind, 1, 1, nints, ngroups, depth))) / per_pixel / aspect) ** 0.5))
            if size > 60_000
            else 1
        )
        nx, ny = max(1, int(rows * aspect)), rows
        found = parts(nints)
    else:
        found = parts(nints)
    if kind.suffix in {"i2d", "s2d"} and kind.nx and total(found) > size > 0.9 * total(found):
        ny -= -(-(total(found) - size) // (4 * nx * len(found)))  # a resampled grid is a few rows lower or higher
        found = parts(nints)
    while total(found) > size and len(found) > 1 and kind.suffix in {"cal", "crf", "i2d", "bsub", "calints", "crfints"}:
        found = found[:-1]
    shrink = 1.0
    while total(found) > size:
        shrink *= 0.93
        nx, ny = max(1, int(nx * shrink)), max(1, int(ny * shrink))
        found = _parts(kind, nx, ny, 1, max(1, int(ngroups * shrink)), max(1, int(depth * shrink)))
        if shrink < 1e-3:
            raise ValueError(f"no {kind.suffix} file is as small as {size} bytes")
    return found


_DEEP = frozenset({"s3d", "x1d", "c1d", "x1dints"})
_PER_INTEGRATION = frozenset(
    {"uncal", "rateints", "calints", "crfints", "bsubints", "psfalign", "psfsub", "psfstack", "stream"}
)


def _sliced(kind: Kind) -> bool:
    """Whether the file is a spectrum that stands alone in its array."""
    dispersed = kind.mode in {"wfss", "row", "column", "shutters", "soss"}
    return kind.suffix == "s2d" or (kind.stage3 and dispersed and kind.suffix in {"cal", "crf"})


def _natural(kind: Kind) -> tuple[int, int, int]:
    """Give the full-size shape of an array: columns, rows, depth."""
    if kind.suffix == "s3d":
        return kind.nx if 0 < kind.nx < 400 else 50, kind.ny if 0 < kind.ny < 400 else 50, 64
    if _sliced(kind):
        return (kind.nx, kind.ny, 0) if 0 < kind.ny < 400 else (1215, 41, 0)
    if kind.suffix in {"x1d", "c1d", "x1dints"}:
        return 0, 0, 512
    return kind.nx or 2048, kind.ny or 2048, 0


def _parts(kind: Kind, nx: int, ny: int, nints: int, ngroups: int, depth: int) -> tuple[Extension, ...]:
    suffix = kind.suffix
    flat, cube = (ny, nx), (nints, ny, nx)
    if kind.mode == "guide" and suffix in {"cal", "stream"}:
        return (
            _images(("SCI", "ERR", "DQ"), cube) if suffix == "cal" else (_image("SCI", "u2", (nints, ngroups, ny, nx)),)
        )
    if suffix == "uncal":
        raw: tuple[Extension, ...] = (_image("SCI", "u2", (nints, ngroups, ny, nx)),)
        if kind.instrument == "MIRI":
            raw = (*raw, _image("REFOUT", "u2", (nints, ngroups, ny, max(1, nx // 4))))
        return (*raw, _times(nints))
    if suffix in {"x1d", "c1d", "x1dints"}:
        return _spectra(suffix, depth)
    if suffix == "s3d":
        return _images(("SCI", "ERR", "DQ", "WMAP"), (depth, ny, nx))
    if suffix in _FLAT:
        return _images(_FLAT[suffix], flat)
    if suffix == "rateints":
        return (*_images(_FLAT["rate"], cube), _times(nints))
    if suffix in {"calints", "crfints", "bsubints"}:
        return (
            *_images(("SCI", "ERR", "DQ", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT"), cube),
            _image("AREA", "f4", flat),
            _times(nints),
        )
    if suffix in {"psfstack", "psfsub"}:
        return _images(("SCI", "ERR", "DQ"), cube)
    if suffix == "psfalign":
        return _images(("SCI", "ERR", "DQ"), (nints, 1, ny, nx))
    if suffix == "trapsfilled":
        return (_image("SCI", "f4", (3, ny, nx)),)
    if suffix == "dark":
        return (_image("SCI", "f4", (nints, ngroups, ny, nx)),)
    if suffix == "segm":
        return (_image("SCI", "i4", flat),)
    if suffix in {"ami-oi", "amimulti-oi", "aminorm-oi"}:
        return _OIFITS
    if suffix == "msa":
        return _MSA
    if suffix in {"cal", "crf", "bsub"}:
        return _images(_calibrated(kind), flat)
    return _images(("SCI", "ERR", "DQ"), flat)


_FLAT = {
    "rate": ("SCI", "ERR", "DQ", "VAR_POISSON", "VAR_RNOISE"),
    "i2d": ("SCI", "ERR", "CON", "WHT", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT"),
    "s2d": ("SCI", "ERR", "WHT", "CON", "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT"),
    "amilg": ("FIT", "RESID"),
    "wfscmb": ("SCI", "ERR", "DQ"),
}


def _calibrated(kind: Kind) -> tuple[str, ...]:
    variances = ("VAR_POISSON", "VAR_RNOISE", "VAR_FLAT")
    if kind.mode == "slices":
        return (
            "SCI",
            "ERR",
            "DQ",
            "WAVELENGTH",
            "PATHLOSS_PS",
            "WAVELENGTH_PS",
            "PATHLOSS_UN",
            "WAVELENGTH_UN",
            "AREA",
            *variances,
        )
    if kind.mode == "columns":
        return ("SCI", "ERR", "DQ", "AREA", "REGIONS", *variances)
    if kind.mode in {"shutters", "row"}:
        return ("SCI", "ERR", "DQ", "WAVELENGTH", "BARSHADOW", *variances, "PATHLOSS_PS", "PATHLOSS_UN")
    if kind.mode in {"wfss", "column"}:
        return ("SCI", "ERR", "DQ", "WAVELENGTH", *variances)
    return ("SCI", "ERR", "DQ", "AREA", *variances)


def _image(name: str, code: str, shape: tuple[int, ...]) -> Extension:
    return Extension(name, code, shape, 3 if name == "SCI" else 1)


def _images(names: tuple[str, ...], shape: tuple[int, ...]) -> tuple[Extension, ...]:
    codes = {"DQ": "u4", "CON": "i4", "REGIONS": "i4"}
    return tuple(_image(name, codes.get(name, "f4"), shape) for name in names)


def _table(name: str, rows: int, columns: str) -> Extension:
    """Lay out a table; `columns` are words of name, TFORM, unit with colons between."""
    parts = [(*word.replace("~", " ").split(":"), "")[:3] for word in columns.split()]
    return Extension(
        name,
        "table",
        (rows,),
        ceil((3 * len(parts) + 30) / 36),
        tuple((name, form, unit) for name, form, unit in parts),
    )


def _times(nints: int) -> Extension:
    moments = " ".join(f"int_{part}_MJD_UTC:D:d" for part in ("start", "mid", "end"))
    return _table("INT_TIMES", nints, f"integration_number:J {moments} {moments.replace('MJD_UTC', 'BJD_TDB')}")


def _spectra(suffix: str, rows: int) -> tuple[Extension, ...]:
    if suffix == "c1d":
        columns = "WAVELENGTH:D:um FLUX:D:Jy ERROR:D:Jy SURF_BRIGHT:D:MJy/sr SB_ERROR:D:MJy/sr WEIGHT:D:s N_INPUT:D"
        return (_table("COMBINE1D", rows, columns),)
    parts = ("POISSON", "RNOISE", "FLAT")
    columns = (
        "WAVELENGTH:D:um FLUX:D:Jy FLUX_ERROR:D:Jy "
        + " ".join(f"FLUX_VAR_{part}:D:Jy^2" for part in parts)
        + " SURF_BRIGHT:D:MJy/sr SB_ERROR:D:MJy/sr "
        + " ".join(f"SB_VAR_{part}:D:MJy^2~/~sr^2" for part in parts)
        + " DQ:J BACKGROUND:D:MJy/sr BKGD_ERROR:D:MJy/sr "
        + " ".join(f"BKGD_VAR_{part}:D:MJy^2~/~sr^2" for part in parts)
        + " NPIXELS:D"
    )
    return (_table("EXTRACT1D", rows, columns),)


_OIFITS = (
    _table("OI_ARRAY", 7, "TEL_NAME:16A STA_NAME:16A STA_INDEX:I DIAMETER:E:m STAXYZ:3D:m FOV:D:arcsec FOVTYPE:6A"),
    _table("OI_TARGET", 1, "TARGET_ID:I TARGET:16A RAEP0:D:deg DECEP0:D:deg EQUINOX:E:yr"),
    _table("OI_WAVELENGTH", 1, "EFF_WAVE:E:m EFF_BAND:E:m"),
    _table(
        "OI_VIS2",
        21,
        "TARGET_ID:I TIME:D:s MJD:D:d INT_TIME:D:s VIS2DATA:D VIS2ERR:D UCOORD:D:m VCOORD:D:m STA_INDEX:2I FLAG:L",
    ),
    _table(
        "OI_T3",
        35,
        "TARGET_ID:I TIME:D:s MJD:D:d INT_TIME:D:s T3AMP:D T3AMPERR:D T3PHI:D:deg T3PHIERR:D:deg "
        "U1COORD:D:m V1COORD:D:m U2COORD:D:m V2COORD:D:m STA_INDEX:3I FLAG:L",
    ),
)
"""Interferometric tables: OIFITS 2 (Duvert, Young & Hummel 2017, A&A 597, A8)."""

_MSA = (
    _image("SHUTTER_IMAGE", "f4", (342, 342)),
    _table(
        "SHUTTER_INFO",
        96,
        "slitlet_id:I msa_metadata_id:I shutter_quadrant:I shutter_row:I shutter_column:I source_id:J background:1A "
        "shutter_state:6A estimated_source_in_shutter_x:E estimated_source_in_shutter_y:E dither_point_index:I "
        "primary_source:1A",
    ),
    _table(
        "SOURCE_INFO",
        32,
        "program:J source_id:J source_name:20A alias:31A ra:D:deg dec:D:deg preimage_id:30A stellarity:E",
    ),
)
"""What a metadata file of the micro-shutter array holds: JWST pipeline documentation, "MSA metadata file"."""
