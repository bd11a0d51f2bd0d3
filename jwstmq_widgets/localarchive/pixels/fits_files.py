"""FITS files, written from the facts: headers, arrays drawn row by row, tables."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING

from jwstmq_widgets.localarchive.facts import FileFacts
from jwstmq_widgets.localarchive.pixels.cards import Card, header, padding
from jwstmq_widgets.localarchive.pixels.keywords import primary, science
from jwstmq_widgets.localarchive.pixels.layouts import PRIMARY_BLOCKS, Extension, asdf_size, extensions
from jwstmq_widgets.localarchive.pixels.planes import Planes, planes
from jwstmq_widgets.localarchive.pixels.rows import rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Segment", "asdf_parts", "constant", "filler", "segments"]

_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Segment:
    """Some bytes of a file that stand together, made when they are read."""

    size: int
    """How many."""
    read: Callable[[int, int], Iterator[bytes]]
    """Gives those from one offset to another, in pieces of at most 1 MiB."""


def constant(data: bytes) -> Segment:
    """Make a segment of bytes that are there."""
    return Segment(len(data), lambda start, stop: iter((data[start:stop],)))


def filler(size: int, byte: bytes = b"\0") -> Segment:
    """Make a segment of one byte repeated."""

    def read(start: int, stop: int) -> Iterator[bytes]:
        for place in range(start, stop, _PIECE):
            yield byte * min(_PIECE, stop - place)

    return Segment(size, read)


def segments(facts: FileFacts) -> list[Segment]:
    """List the parts of a FITS file in order.

    Raises
    ------
    ValueError
        If no file of this kind is as small as the facts say.
    """
    parts = extensions(facts)
    drawn = planes(facts, parts)
    size = facts.size - facts.size % 2880
    first: list[Card] = [
        ("SIMPLE", True, "conforms to FITS standard"),
        ("BITPIX", 8, "array data type"),
        ("NAXIS", 0, "number of array dimensions"),
        ("EXTEND", True, ""),
        *primary(facts),
    ]
    found = [constant(header(first, PRIMARY_BLOCKS))]
    for number, part in enumerate(parts):
        if part.code == "table":
            data = rows(facts, part)
            found += [constant(header(_table_cards(part), part.blocks)), constant(data), filler(padding(len(data)))]
        else:
            found.append(constant(header(_image_cards(facts, part, drawn, science_too=number == 0), part.blocks)))
            found.append(_array(part, drawn))
            found.append(filler(padding(part.width * prod(part.shape))))
    found += _asdf(facts, asdf_size(parts, size))
    if facts.size > size:
        found.append(filler(facts.size - size))
    return found


def _image_cards(facts: FileFacts, part: Extension, drawn: Planes, *, science_too: bool) -> list[Card]:
    bits = {"f4": -32, "u2": 16, "i4": 32, "u4": 32}[part.code]
    cards: list[Card] = [
        ("XTENSION", "IMAGE", "Image extension"),
        ("BITPIX", bits, "array data type"),
        ("NAXIS", len(part.shape), "number of array dimensions"),
        *((f"NAXIS{axis}", length, "") for axis, length in enumerate(reversed(part.shape), 1)),
        ("PCOUNT", 0, "number of parameters"),
        ("GCOUNT", 1, "number of groups"),
    ]
    if part.code[0] == "u":
        cards += [("BSCALE", 1, ""), ("BZERO", 1 << (8 * part.width - 1), "offset of unsigned integers")]
    cards.append(("EXTNAME", part.name, "extension name"))
    if science_too:
        cards += science(facts, drawn.footprint, part.shape, drawn.unit, axes=drawn.axes)
        cards += drawn.spectral_cards
    cards.append(("EXTVER", 1, "extension value"))
    return cards


def _table_cards(part: Extension) -> list[Card]:
    cards: list[Card] = [
        ("XTENSION", "BINTABLE", "binary table extension"),
        ("BITPIX", 8, "array data type"),
        ("NAXIS", 2, "number of array dimensions"),
        ("NAXIS1", part.width, "length of dimension 1"),
        ("NAXIS2", part.shape[0], "length of dimension 2"),
        ("PCOUNT", 0, "number of group parameters"),
        ("GCOUNT", 1, "number of groups"),
        ("TFIELDS", len(part.columns), "number of table fields"),
        ("EXTNAME", part.name, "extension name"),
        ("EXTVER", 1, "extension value"),
    ]
    for number, (name, form, unit) in enumerate(part.columns, 1):
        cards += [(f"TTYPE{number}", name, ""), (f"TFORM{number}", form, ""), (f"TUNIT{number}", unit or None, "")]
    return cards


def _array(part: Extension, drawn: Planes) -> Segment:
    *_, ny, nx = part.shape
    row = nx * part.width
    whole = row * ny
    last = prod(part.shape[:-2])

    @lru_cache(maxsize=1)
    def band_of(plane: int) -> "tuple[NDArray[np.generic], NDArray[np.intp], list[int]]":
        import numpy as np

        image = drawn.plane(part, plane)
        columns = np.arange(nx) * image.shape[1] // nx
        # Row y of the array shows row y * h // ny of what was drawn: bands begin where that changes.
        begins = [-(-index * ny // image.shape[0]) for index in range(image.shape[0] + 1)]
        return image, columns, begins

    def read(start: int, stop: int) -> Iterator[bytes]:
        for plane in range(start // whole, min(last, -(-stop // whole))):
            low, high = max(0, start - plane * whole), min(whole, stop - plane * whole)
            image, columns, begins = band_of(plane)
            if image.shape == (ny, nx):
                data = image.tobytes()
                for place in range(low, high, _PIECE):
                    yield data[place : min(high, place + _PIECE)]
                continue
            first = (low // row) * image.shape[0] // ny
            for index in range(first, image.shape[0]):
                begin, end = begins[index] * row, begins[index + 1] * row
                if begin >= high:
                    break
                if end <= low or begin == end:
                    continue
                yield from _repeated(
                    image[index].take(columns).tobytes(), max(low, begin) - begin, min(high, end) - begin
                )

    return Segment(whole * last, read)


def _repeated(line: bytes, low: int, high: int) -> Iterator[bytes]:
    """Give the bytes from `low` to `high` of a line repeated without end."""
    length = len(line)
    lines = max(1, _PIECE // length)
    while low < high:
        offset = low % length
        if length > _PIECE:
            piece = line[offset : min(offset + _PIECE, offset + high - low)]
        else:
            wanted = min(high - low, lines * length - offset)
            piece = line * -(-(offset + wanted) // length)
            piece = piece[offset : offset + wanted] if offset or len(piece) != wanted else piece
        low += len(piece)
        yield piece


def asdf_head(facts: FileFacts, fill: int) -> bytes:
    """Write an ASDF file up to its one binary block's data, which is to have `fill` bytes (ASDF standard 1.5).

    Parameters
    ----------
    facts
        What the tree tells.
    fill
        Size of the block, that brings the file to its size.
    """

    def quoted(text: str) -> str:
        return "'" + text.replace("'", "''").encode("ascii", "replace").decode() + "'"

    tree = "\n".join(
        [
            "#ASDF 1.0.0",
            "#ASDF_STANDARD 1.5.0",
            "%YAML 1.1",
            "%TAG ! tag:stsci.edu:asdf/",
            "--- !core/asdf-1.1.0",
            "asdf_library: !core/software-1.0.0 {name: jwstmq_widgets, version: '1'}",
            "meta:",
            f"  filename: {quoted(facts.name)}",
            "  telescope: JWST",
            f"  instrument: {{name: {quoted(facts.instrument)}, detector: {quoted(facts.detector.upper())},",
            f"    filter: {quoted(facts.filter)}, pupil: {quoted(facts.pupil)}}}",
            f"  exposure: {{type: {quoted(facts.exp_type)}, nints: {facts.nints}, ngroups: {facts.ngroups}}}",
            f"  program: {{program_number: '{facts.program:05d}', pi_name: {quoted(facts.pi_name)},",
            f"    title: {quoted(facts.title)}}}",
            f"  target: {{proposer_name: {quoted(facts.target_name)},",
            f"    ra: {facts.target_ra!r}, dec: {facts.target_dec!r}}}",
            f"  wcsinfo: {{ra_ref: {facts.ra!r}, dec_ref: {facts.dec!r}, s_region: {quoted(facts.s_region[:600])}}}",
            f"fill: !core/ndarray-1.0.0 {{source: 0, datatype: uint8, byteorder: big, shape: [{fill}]}}",
            "...",
            "",
        ]
    ).encode("ascii")
    # Magic, header size, flags, compression, allocated, used and data size, no checksum.
    block = b"\xd3BLK" + (48).to_bytes(2, "big") + bytes(8) + fill.to_bytes(8, "big") * 3 + bytes(16)
    return tree + block


def asdf_parts(facts: FileFacts, size: int) -> list[Segment]:
    """Make an ASDF file of exactly `size` bytes.

    Raises
    ------
    ValueError
        If its tree alone is larger.
    """
    fill = size - len(asdf_head(facts, 0))
    while fill >= 0 and len(asdf_head(facts, fill)) + fill > size:
        fill -= 1
    head = asdf_head(facts, max(fill, 0))
    if len(head) + fill > size or fill < 0:
        raise ValueError(f"an ASDF file of {facts.name} needs {len(head)} bytes, not {size}")
    rest = size - len(head) - fill  # one byte is left where a digit of the shape came and went
    return [
        constant(head.replace(b"\n...\n", b"\n" + b"#" * (rest - 1) + b"\n...\n" if rest else b"\n...\n")),
        filler(fill),
    ]


def _asdf(facts: FileFacts, room: int) -> list[Segment]:
    cards: list[Card] = [
        ("XTENSION", "BINTABLE", "binary table extension"),
        ("BITPIX", 8, "array data type"),
        ("NAXIS", 2, "number of array dimensions"),
        ("NAXIS1", room, "length of dimension 1"),
        ("NAXIS2", 1, "length of dimension 2"),
        ("PCOUNT", 0, "number of group parameters"),
        ("GCOUNT", 1, "number of groups"),
        ("TFIELDS", 1, "number of table fields"),
        ("EXTNAME", "ASDF", "extension name"),
        ("EXTVER", 1, "extension value"),
        ("TTYPE1", "ASDF_METADATA", ""),
        ("TFORM1", f"{room}B", ""),
    ]
    return [constant(header(cards, 1)), *asdf_parts(facts, room)]
