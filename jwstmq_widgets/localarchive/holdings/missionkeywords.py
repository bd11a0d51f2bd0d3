"""Keywords of an exposure as the mission search has them: what follows from its facts by JWST's rules.

What the facts do not tell stays without a value. Sources: headers of JWST files; JWST keyword dictionary; "File naming
conventions" of the JWST pipeline (identifiers in names).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from jwstmq_widgets.localarchive.holdings.records import Observation
from jwstmq_widgets.localarchive.readout import readout_of

__all__ = ["iso_moment", "keyword_values"]

_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
_DAY = 86_400.0
_TIME_SERIES = {"NRC_TSGRISM", "NRC_TSIMAGE", "NRS_BRIGHTOBJ", "MIR_LRS-SLITLESS", "NIS_SOSS"}
# APT's templates, as headers name them.
_TEMPLATES: Mapping[str, str] = MappingProxyType(
    {
        "NRC_IMAGE": "NIRCam Imaging",
        "NRC_CORON": "NIRCam Coronagraphic Imaging",
        "NRC_WFSS": "NIRCam Wide Field Slitless Spectroscopy",
        "NRC_TSGRISM": "NIRCam Grism Time Series",
        "NRS_MSASPEC": "NIRSpec MultiObject Spectroscopy",
        "NRS_MSATA": "NIRSpec MultiObject Spectroscopy",
        "NRS_FIXEDSLIT": "NIRSpec Fixed Slit Spectroscopy",
        "NRS_IFU": "NIRSpec IFU Spectroscopy",
        "NRS_BRIGHTOBJ": "NIRSpec Bright Object Time Series",
        "MIR_IMAGE": "MIRI Imaging",
        "MIR_MRS": "MIRI Medium Resolution Spectroscopy",
        "MIR_LRS-FIXEDSLIT": "MIRI Low Resolution Spectroscopy",
        "MIR_LRS-SLITLESS": "MIRI Low Resolution Spectroscopy",
        "MIR_4QPM": "MIRI Coronagraphic Imaging",
        "MIR_LYOT": "MIRI Coronagraphic Imaging",
        "MIR_DARKIMG": "MIRI Dark",
        "NIS_DARK": "NIRISS Dark",
        "NRS_DARK": "NIRSpec Dark",
        "NRS_LAMP": "NIRSpec Internal Lamp",
        "NIS_IMAGE": "NIRISS Imaging",
        "NIS_WFSS": "NIRISS Wide Field Slitless Spectroscopy",
        "NIS_SOSS": "NIRISS Single-Object Slitless Spectroscopy",
        "NIS_AMI": "NIRISS Aperture Masking Interferometry",
        "FGS_IMAGE": "FGS External Calibration",
    }
)
# JWST User Documentation, "MIRI coronagraph masks" and "NIRSpec fixed slits".
_MIRI_MASKS = {"MASK1065": "4QPM_1065", "MASK1140": "4QPM_1140", "MASK1550": "4QPM_1550", "MASKLYOT": "LYOT_2300"}
_SLITS = {"SUBS200A1": "S200A1", "SUBS200A2": "S200A2", "SUB512": "S1600A1", "SUB2048": "S1600A1"}


def iso_moment(mjd: float, *, fraction: bool = True) -> str:
    """Write an MJD (UTC) as the mission search does: ISO, with seven decimals of the second or none."""
    moment = _MJD_ZERO + timedelta(days=mjd)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{moment.microsecond:06d}0" if fraction else text


def keyword_values(dataset: str, members: Sequence[Observation], *, count: int, place: int) -> dict[str, Any]:
    """Give the keywords of an exposure, beside those that the mission search shows unasked.

    Parameters
    ----------
    dataset
        Its name (``jw02733002001_02103_00001``).
    members
        Its parts, by detector and segment.
    count
        How many exposures its activity has.
    place
        Which of them it is, from 1.
    """
    first = members[0]
    program = first.program
    group, sequence, activity = dataset[14:16], dataset[16], dataset[17:19].upper()
    start = min(member.t_min or 0.0 for member in members)
    end = max(member.t_max or 0.0 for member in members)
    segments = sum(member.detector == first.detector for member in members)
    exptime, nints = first.exptime * segments, first.nints * segments
    category, _, description = (first.classification or "").partition(";")
    readout = readout_of(_instrument(first), first.subarray, first.nints, first.ngroups, first.exptime)
    return {
        "act_id": activity,
        "asnpool": f"jw{program.program:05d}_{program.stamp}_pool.csv",
        "bkgdtarg": _flag("background" in first.target_name.lower() or "BKG" in first.target_name),
        "dataprob": "f",
        "date_beg": iso_moment(start),
        "date_end": iso_moment(end),
        "effexptm": round(exptime, 3),
        "effinttm": round(exptime / nints, 4),
        "eng_qual": "OK",
        "exposure": int(dataset[20:25]),
        "expstart": start,
        "expmid": (start + end) / 2,
        "expend": end,
        "expripar": "PRIME" if sequence == "1" else "PARALLEL_COORDINATED",
        "exsegtot": segments,
        "filter": _listed(member.filter for member in members if member.exp_type != "MIR_MRS"),
        "frmdivsr": readout.frames,
        "groupgap": readout.gap,
        "intstart": 1,
        "intend": nints,
        "intarget": "f",
        "nframes": readout.frames,
        "ngroups": first.ngroups,
        "nints": nints,
        "nsamples": 9 if readout.pattern == "SLOWR1" else 1,
        "numdthpt": count,
        "obs_id": f"V{dataset[2:13]}P00000000{group}{sequence}{activity}",
        "patt_num": place,
        "pcs_mode": "MOVING" if first.moving else "FINEGUIDE",
        "prop_ra": first.target_ra,
        "prop_dec": first.target_dec,
        "readpatt": readout.pattern,
        "seq_id": sequence,
        "subarray": first.subarray or "FULL",
        "substrt1": 1 if first.subarray in ("", "FULL") else None,
        "substrt2": 1 if first.subarray in ("", "FULL") else None,
        "subsize1": first.nx or None,
        "subsize2": first.ny or None,
        "targcat": category.strip() or None,
        "targdesc": description.strip() or None,
        "targname": first.target_name,
        "targoopp": "f",
        "telescop": "JWST",
        "template": _TEMPLATES.get(first.exp_type),
        "tframe": readout.frame,
        "tgroup": round(readout.group, 5),
        "timesys": "UTC",
        "title": program.title,
        "tsovisit": _flag(first.exp_type in _TIME_SERIES),
        "visitgrp": group,
        "visitsta": "SUCCESSFUL",
        "visitype": f"PRIME_TARGETED_{'MOVING' if first.moving else 'FIXED'}",
        **_OF_INSTRUMENT[_instrument(first)](members),
    }


def _instrument(exposure: Observation) -> str:
    return exposure.instrument_name.partition("/")[0]


def _nircam(members: Sequence[Observation]) -> dict[str, Any]:
    return {
        "nircam_channel": _listed("LONG" if member.detector.endswith("long") else "SHORT" for member in members),
        "nircam_module": _listed(member.detector[3].upper() for member in members),
        "nircam_pupil": _listed(member.pupil or "CLEAR" for member in members if member.filter),
        "nircam_coronmsk": f"MASK{members[0].subarray[-5:]}" if members[0].exp_type == "NRC_CORON" else None,
    }


def _niriss(members: Sequence[Observation]) -> dict[str, Any]:
    return {"niriss_pupil": _listed(member.pupil or "CLEAR" for member in members if member.filter)}


def _nirspec(members: Sequence[Observation]) -> dict[str, Any]:
    first = members[0]
    msa = first.exp_type == "NRS_MSASPEC"
    return {
        "nirspec_grating": _listed(member.pupil for member in members),
        "nirspec_fxd_slit": _SLITS.get(first.subarray),
        "nirspec_msametfl": f"{first.dataset[:13]}_01_msa.fits" if msa else None,
        "nirspec_msametid": 1 if msa else None,
    }


def _miri(members: Sequence[Observation]) -> dict[str, Any]:
    spectra = [member for member in members if member.exp_type == "MIR_MRS"]
    return {
        "miri_channel": _listed(member.pupil.partition("-")[0] for member in spectra),
        "miri_band": _listed(member.pupil.partition("-")[2] for member in spectra),
        "miri_coronmsk": _MIRI_MASKS.get(members[0].subarray),
    }


_OF_INSTRUMENT: Mapping[str, Callable[[Sequence[Observation]], dict[str, Any]]] = MappingProxyType(
    {"NIRCAM": _nircam, "NIRISS": _niriss, "NIRSPEC": _nirspec, "MIRI": _miri, "FGS": lambda _: {}}
)


def _listed(values: Iterable[str]) -> str | None:
    return ", ".join(dict.fromkeys(value for value in values if value)) or None


def _flag(holds: bool) -> str:
    return "t" if holds else "f"
