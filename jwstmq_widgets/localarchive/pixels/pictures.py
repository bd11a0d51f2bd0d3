"""Previews: JPEG pictures of the arrays, PNG plots of the spectra."""

import struct
import zlib
from functools import lru_cache
from io import BytesIO
from math import ceil, floor, log10
from typing import TYPE_CHECKING

from jwstmq_widgets.localarchive.facts import FileFacts
from jwstmq_widgets.localarchive.pixels.planes import Planes, planes, signal
from jwstmq_widgets.localarchive.pixels.rows import spectrum
from jwstmq_widgets.localarchive.pixels.sky import noise
from jwstmq_widgets.localarchive.pixels.spectra import wavelength

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

__all__ = ["comments", "jpeg", "plot", "reduced_picture"]

_SIDE, _MOSAIC_SIDE, _THUMB = 360, 480, 128
_BUDGET, _MOSAIC_BUDGET, _THUMB_BUDGET, _PLOT_BUDGET = 40 * 1024, 72 * 1024, 8 * 1024, 32 * 1024


def reduced_picture(name: str) -> int:
    """Give the size (bytes) of a reduced preview: the same for all of a kind."""
    if name.endswith(".png"):
        return _PLOT_BUDGET
    if "_thumb" in name:
        return _THUMB_BUDGET
    return _MOSAIC_BUDGET if name[7:8] == "-" and "_i2d" in name else _BUDGET


def jpeg(facts: FileFacts) -> bytes:
    """Draw the JPEG preview of an array, in as many bytes as the facts say or fewer: comments fill it up.

    Raises
    ------
    ValueError
        If no picture is as small as the facts say.
    """
    picture = _picture(facts)
    for side, quality in (
        (0, 80),
        (0, 66),
        (0, 45),
        (256, 50),
        (160, 50),
        (96, 50),
        (48, 40),
        (24, 30),
        (8, 20),
    ):
        smaller = picture.copy() if side else picture
        if side:
            smaller.thumbnail((side, side))
        stream = BytesIO()
        smaller.save(stream, "JPEG", quality=quality, optimize=facts.size < 4096)
        if stream.tell() <= facts.size:
            return stream.getvalue()
    raise ValueError(f"no JPEG preview is as small as {facts.size} bytes")


def comments(missing: int) -> list[int]:
    """Share bytes that a JPEG lacks out to comment segments (ITU-T T.81, B.2.4.5): lengths of 4 to 65537 bytes.

    Fewer than 4 bytes are no segment: they are one length that stands for fill bytes before a marker (B.1.1.2).
    """
    lengths = []
    while missing > 0:
        length = min(missing, 65537)
        if 0 < missing - length < 4:
            length -= 4
        lengths.append(length)
        missing -= length
    return lengths


def _picture(facts: FileFacts) -> "Image":
    import numpy as np
    from PIL import Image

    drawn = planes(facts, ())
    side = (
        _THUMB if "_thumb" in facts.name else _MOSAIC_SIDE if reduced_picture(facts.name) == _MOSAIC_BUDGET else _SIDE
    )
    nx, ny = _shape(facts, drawn, side)
    light = signal(drawn, drawn.depth // 2, nx, ny)
    grain = 0.35 if drawn.suffix in {"uncal", "rate", "rateints", "dark", "stream", "trapsfilled"} else 0.12
    image = light + np.float32(grain) * np.sqrt(np.clip(light, 0.3, None)) * noise(facts.name, ny, nx)
    if drawn.suffix in {"uncal", "dark", "stream"}:
        image = image + np.float32(0.25) * noise(f"stripes {facts.name[:25]}", ny, 1)
        image[noise(f"hot {drawn.seen.detector}", ny, nx) > 3.1] += 60
    grey = _stretched(image, 0.012 if drawn.seen.mode in {"image", "coronagraph", "guide"} or drawn.depth else 0.06)
    # Small arrays are shown with their pixels enlarged, strips a little higher than they are.
    factor = max(1, side // (2 * max(nx, ny)))
    nx, ny = nx * factor, ny * factor
    nx, ny = nx * max(1, round(ny / (4 * nx))), ny * max(1, round(nx / (4 * ny)))
    if drawn.suffix in {"i2d", "s3d"} and facts.name[7:8] == "-":
        found = Image.fromarray(_tint(wavelength(drawn.seen.optics))[grey[::-1]])
    else:
        found = Image.fromarray(grey[::-1])
    return found if found.size == (nx, ny) else found.resize((nx, ny), Image.Resampling.NEAREST)


def _shape(facts: FileFacts, drawn: Planes, side: int) -> tuple[int, int]:
    if drawn.sliced:
        return side, max(48, side // 6)
    if drawn.suffix == "s3d":
        return 96, 96
    nx, ny = facts.nx, facts.ny
    if facts.name[7:8] == "-" or not (nx and ny):
        width, height = drawn.footprint.sides
        nx, ny = max(1, round(width * 1000)), max(1, round(height * 1000))
    factor = min(1.0, side / max(nx, ny))
    return max(8, round(nx * factor)), max(8, round(ny * factor))


def _stretched(image: "NDArray[np.floating]", bend: float) -> "NDArray[np.uint8]":
    """Stretch brightness to grey: black just below the sky, asinh up to the brightest of the picture."""
    import numpy as np

    sample = np.sort(image[::3, ::3], axis=None)
    low, middle, high = (float(sample[int(share * (len(sample) - 1))]) for share in (0.02, 0.5, 0.9985))
    soft = max(1e-6, 1.6 * (middle - low), bend * (high - low))
    scaled = np.arcsinh((image - (low - 0.25 * soft)) / soft) / np.arcsinh(max((high - low) / soft, 1.0))
    return np.asarray(np.clip(scaled * 255, 0, 255), dtype=np.uint8)


@lru_cache(maxsize=16)
def _tint(wave: float) -> "NDArray[np.uint8]":
    """Choose colours for 256 levels: from black over the filter's hue to white, blue for short waves, red for long."""
    import numpy as np

    stops = (
        (0.9, (70, 120, 255)),
        (2.0, (60, 190, 235)),
        (3.5, (235, 190, 90)),
        (5.0, (255, 160, 70)),
        (8.0, (255, 120, 60)),
        (13.0, (240, 80, 90)),
        (20.0, (205, 75, 150)),
    )
    hue = np.array([np.interp(np.log(wave), np.log([w for w, _ in stops]), [c[i] for _, c in stops]) for i in range(3)])
    level = np.linspace(0, 1, 256)[:, None]
    dark = hue * np.clip(level * 1.35, 0, 1)
    light = np.clip((level - 0.55) / 0.45, 0, 1) ** 1.3
    return np.asarray(np.clip(dark * (1 - light) + 255 * light, 0, 255), dtype=np.uint8)


def plot(facts: FileFacts) -> bytes:
    """Draw the PNG preview of a spectrum, in exactly as many bytes as the facts say.

    Raises
    ------
    ValueError
        If no picture is as small as the facts say.
    """
    for scale in (1.0, 0.6, 0.35, 0.15, 0.05):
        stream = BytesIO()
        _axes(facts, scale).save(stream, "PNG", optimize=False, compress_level=6)
        data = stream.getvalue()
        missing = facts.size - len(data)
        if missing == 0:
            return data
        if missing >= 14:  # a text chunk: length, type, keyword, its end, text, check sum (PNG, 11.3.4.3)
            body = b"tEXtC\0" + b" " * (missing - 14)
            chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
            return data[:-12] + chunk + data[-12:]
    raise ValueError(f"no PNG preview is as small as {facts.size} bytes")


def _axes(facts: FileFacts, scale: float) -> "Image":
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    scale *= 2  # drawn at twice the size and halved: smooth lines
    width, height = max(32, int(720 * scale)), max(20, int(400 * scale))
    white, blue, ink, grid, pale = (255, 255, 255), (30, 70, 150), (60, 60, 60), (228, 231, 236), (176, 192, 224)
    found = Image.new("RGB", (width, height), white)
    draw = ImageDraw.Draw(found)
    if scale < 0.6:
        return found
    waves, light, error = spectrum(facts, 512)
    power = floor(log10(float(np.median(np.abs(light)))))
    light, error = light / 10.0**power, error / 10.0**power
    left, right, top, bottom = int(74 * scale), width - int(18 * scale), int(40 * scale), height - int(52 * scale)
    low, high = min(0.0, float(np.percentile(light, 1))), float(light.max()) * 1.12
    font, small = (ImageFont.load_default(size) for size in (max(8, 13 * scale), max(7, 11 * scale)))

    def across(wave: float) -> float:
        return float(left + (wave - waves[0]) / (waves[-1] - waves[0]) * (right - left))

    def up(value: float) -> float:
        return bottom - (value - low) / (high - low) * (bottom - top)

    for tick in _ticks(float(waves[0]), float(waves[-1])):
        draw.line((across(tick), top, across(tick), bottom), fill=grid)
        draw.text((across(tick), bottom + 6 * scale), f"{tick:g}", fill=ink, font=small, anchor="mt")
    for tick in _ticks(low, high):
        draw.line((left, up(tick), right, up(tick)), fill=grid)
        draw.text((left - 7 * scale, up(tick)), f"{tick:g}", fill=ink, font=small, anchor="rm")
    upper = [(across(w), up(v)) for w, v in zip(waves, np.clip(light + error, low, high), strict=True)]
    lower = [(across(w), up(v)) for w, v in zip(waves, np.clip(light - error, low, high), strict=True)]
    draw.polygon(upper + lower[::-1], fill=pale)
    draw.line(
        [(across(w), up(v)) for w, v in zip(waves, np.clip(light, low, high), strict=True)],
        fill=blue,
        width=max(1, round(1.4 * scale)),
    )
    draw.rectangle((left, top, right, bottom), outline=ink, width=2)
    draw.text(((left + right) / 2, height - 8 * scale), "Wavelength (micron)", fill=ink, font=font, anchor="mb")
    draw.text((left, top - 8 * scale), f"Flux (10^{power} Jy)", fill=ink, font=small, anchor="lb")
    draw.text((right, top - 8 * scale), facts.name.rsplit("_", 1)[0], fill=ink, font=small, anchor="rb")
    return found.reduce(2)


def _ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 6
    power = float(f"1e{floor(log10(rough))}")
    step: float = power * next(factor for factor in (1.0, 2.0, 2.5, 5.0, 10.0) if power * factor >= rough)
    return [round(step * index, 10) for index in range(ceil(low / step), floor(high / step) + 1)]
