"""The rows of a file's binary tables: spectra, times of integrations, shutters, interferometric observables."""

from typing import TYPE_CHECKING, Any

from jwstmq_widgets.localarchive.facts import FileFacts
from jwstmq_widgets.localarchive.pixels.keywords import times
from jwstmq_widgets.localarchive.pixels.layouts import Extension
from jwstmq_widgets.localarchive.pixels.scenes import scene
from jwstmq_widgets.localarchive.pixels.sources import generator, sources
from jwstmq_widgets.localarchive.pixels.spectra import band, flux

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["rows", "spectrum"]

_TYPES = {"D": ">f8", "E": ">f4", "J": ">i4", "I": ">i2", "L": "S1", "B": "u1"}


def rows(facts: FileFacts, table: Extension) -> bytes:
    """Write the data of a binary table, row by row."""
    import numpy as np

    kinds: list[Any] = []
    for name, form, _ in table.columns:
        count = int(form[:-1] or 1)
        kinds.append(
            (name, f"S{count}") if form[-1] == "A" else (name, _TYPES[form[-1]], *(((count,),) if count > 1 else ()))
        )
    data = np.zeros(table.shape[0], dtype=kinds)
    fill = {
        "EXTRACT1D": _extracted,
        "COMBINE1D": _extracted,
        "INT_TIMES": _int_times,
        "SHUTTER_INFO": _shutters,
        "SOURCE_INFO": _sources,
    }.get(table.name, _interferometry)
    fill(facts, data)
    return data.tobytes()


def spectrum(facts: FileFacts, count: int) -> "tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]":
    """Draw the spectrum of a file: wavelengths (um), flux (Jy), its error (Jy)."""
    import numpy as np

    seen = scene(facts)
    low, high = band(seen.optics)
    waves = np.linspace(low, high, count)
    stem = facts.name.split("_")
    seed = f"{seen.target} {stem[1] if facts.name[7:8] == '-' else ''}"
    seed = seed if facts.name[7:8] == "-" and stem[1][:1] == "s" else seen.target
    bright = 10 ** (-5.5 + 2.5 * float(generator("flux", seed).random()))
    clean = flux(waves, seed, seen.look.kind) * bright
    error = np.sqrt(np.abs(clean) * bright) * 0.03 + 0.012 * bright
    return waves, clean + error * generator("spectrum noise", facts.name).standard_normal(count), error


def _extracted(facts: FileFacts, data: "NDArray[np.void]") -> None:
    waves, light, error = spectrum(facts, len(data))
    for name in data.dtype.names or ():
        if name == "WAVELENGTH":
            data[name] = waves
        elif name == "FLUX":
            data[name] = light
        elif name in {"FLUX_ERROR", "ERROR"}:
            data[name] = error
        elif name.startswith("FLUX_VAR"):
            data[name] = error**2 / 3
        elif name == "SURF_BRIGHT":
            data[name] = light * 2.1e5
        elif name == "SB_ERROR":
            data[name] = error * 2.1e5
        elif name.startswith("SB_VAR"):
            data[name] = (error * 2.1e5) ** 2 / 3
        elif name == "NPIXELS":
            data[name] = 6.0
        elif name == "WEIGHT":
            data[name] = max(facts.exptime, 1.0)
        elif name == "N_INPUT":
            data[name] = max(len(facts.members), 1)
        elif name != "DQ":
            data[name] = 0.02


def _int_times(facts: FileFacts, data: "NDArray[np.void]") -> None:
    import numpy as np

    start, end = times(facts)
    count = len(data)
    step = (end - start) / count
    begin = start + step * np.arange(count)
    data["integration_number"] = np.arange(1, count + 1)
    for name in (data.dtype.names or ())[1:]:
        share = 0.0 if "start" in name else 0.5 if "mid" in name else 1.0
        # Barycentric times differ by the light's way to the Sun, at most 8.4 minutes; a mean value stands for it.
        data[name] = begin + share * step + (0.0021 if "BJD" in name else 0.0)


def _shutters(facts: FileFacts, data: "NDArray[np.void]") -> None:
    import numpy as np

    random = generator("msa", facts.name)
    count = len(data)
    slitlet = np.arange(count) // 3 + 1
    places = random.random((int(slitlet[-1]), 3))
    data["slitlet_id"] = slitlet
    data["msa_metadata_id"] = 1
    data["shutter_quadrant"] = 1 + (places[slitlet - 1, 0] * 4).astype(int)
    data["shutter_row"] = 1 + (places[slitlet - 1, 1] * 360).astype(int) + np.arange(count) % 3
    data["shutter_column"] = 1 + (places[slitlet - 1, 2] * 170).astype(int)
    data["source_id"] = slitlet
    middle = np.arange(count) % 3 == 1
    data["background"] = np.where(middle, b"N", b"Y")
    data["primary_source"] = np.where(middle, b"Y", b"N")
    data["shutter_state"] = b"OPEN"
    data["estimated_source_in_shutter_x"] = np.where(middle, random.random(count), np.nan)
    data["estimated_source_in_shutter_y"] = np.where(middle, random.random(count), np.nan)
    data["dither_point_index"] = 1


def _sources(facts: FileFacts, data: "NDArray[np.void]") -> None:
    import numpy as np

    seen = scene(facts)
    found = sources(seen.footprint, seen.look.field)
    index = np.arange(len(data)) % max(1, len(found.ra))
    number = np.arange(1, len(data) + 1)
    data["program"] = facts.program
    data["source_id"] = number
    data["source_name"] = [f"{facts.program}_{one}".encode() for one in number]
    data["alias"] = [str(one).encode() for one in number]
    data["ra"], data["dec"] = found.ra[index], found.dec[index]
    data["preimage_id"] = b"None"
    data["stellarity"] = np.where(found.size[index] > 0, 0.1, 0.9)


def _interferometry(facts: FileFacts, data: "NDArray[np.void]") -> None:
    import numpy as np

    random = generator("observables", facts.name)
    start, _ = times(facts)
    count = len(data)
    for name in data.dtype.names or ():
        shape = data[name].shape
        if name in {"TEL_NAME", "STA_NAME"}:
            data[name] = [f"{'A' if name[0] == 'T' else 'S'}{hole}".encode() for hole in range(1, count + 1)]
        elif name == "TARGET":
            data[name] = facts.target_name.encode("ascii", "replace")[:16]
        elif name == "STA_INDEX":
            data[name] = random.integers(1, 8, shape) if len(shape) > 1 else np.arange(1, count + 1)
        elif name == "FLAG":
            data[name] = b"F"
        elif name == "FOVTYPE":
            data[name] = b"RADIUS"
        else:
            known = {
                "TARGET_ID": 1, "RAEP0": facts.target_ra, "DECEP0": facts.target_dec, "EQUINOX": 2000.0, "MJD": start,
                "INT_TIME": max(facts.exptime, 1.0), "EFF_WAVE": 1e-6 * sum(band(facts.filter or "F480M")) / 2,
                "EFF_BAND": 3e-7, "VIS2ERR": 0.002, "T3AMPERR": 0.002, "T3PHIERR": 0.05, "DIAMETER": 0.8, "FOV": 5.2,
            }  # fmt: skip
            if name in known:
                data[name] = known[name]
            elif name in {"VIS2DATA", "T3AMP"}:
                data[name] = 1 - 0.15 * random.random(shape)
            elif name == "T3PHI":
                data[name] = 2.0 * random.standard_normal(shape)
            else:
                data[name] = 5.2 * (random.random(shape) - 0.5)
