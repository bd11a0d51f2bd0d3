"""A made-up survey of any length, made by column, and an archive that answers with it."""

import threading
from typing import Any

import numpy as np
from astropy.table import Table

from jwstmq_widgets.archives import Account
from jwstmq_widgets.tables import observations_table, products_table

DETECTORS = np.array(["mirimage", "nrcalong", "nrs1", "nrcb4"])
FILTERS = np.array(["F770W", "CLEAR;F090W", "F444W;GRISMR", "CLEAR;PRISM"])
TARGETS = np.array(["NGC 3132", "SMACS J0723.3-7327", "<img src=x onerror=alert(1)>", "UNKNOWN"])
SUFFIXES = np.array(["_cal.fits", "_rate.fits", "_uncal.fits", "_cal.jpg", "_crf.fits"])
INSTRUMENTS = np.array(["MIRI", "NIRCAM", "NIRSPEC", "NIRCAM"])
DESCRIPTIONS = np.array(
    [
        "exposure (L2b): 2D calibrated",
        "exposure (L2a): 2D count rate averaged over integrations",
        "exposure (L1b): Uncalibrated 4D exposure data",
        "Preview-Full",
        "exposure (L2c): 2D calibrated, outliers flagged",
    ]
)
STAGES = np.array(["2b", "2a", "1b", "2b", "2c"])
URI = "mast:JWST/product/"
PUBLIC, EXCLUSIVE = 59_000.0, 2_000_000.5
"""Days (MJD) long ago, and so far ahead that no test will see it."""


def survey(length: int) -> Table:
    """Make a table of products with every kind of size, access, detector and suffix.

    Row by row: detector and filter repeat every 4 rows, suffixes every 5, unknown sizes every 17 (from 3), exclusive
    files every 9 (from 2), planned ones every 13 (from 5); the sizes of others are 1,000 bytes times the row's number.
    """
    row = np.arange(length)
    number = (30_000_000 + row).astype("U8")
    detector, filetype = DETECTORS[row % 4], SUFFIXES[row % 5]
    name = np.char.add("jw027", number)
    for part in ("001_02101_00001_", detector, filetype):
        name = np.char.add(name, part)
    observation = row // 100 % 900 + 1
    columns = {
        "dataURI": np.char.add(URI, name),
        "productFilename": name,
        "size": np.where(row % 17 == 3, -1, row * 1000),
        "dataRights": np.where(row % 9 == 2, "EXCLUSIVE_ACCESS", "PUBLIC"),
        "calib_level": np.where(row % 13 == 5, -1, 2),
        "filters": FILTERS[row % 4],
        "program": np.full(length, 2733),
        "proposal_id": np.full(length, "2733"),
        "obs_id": np.char.add(np.char.add(np.char.add("jw027", number), "001_02101_00001_"), detector),
        "instrument": INSTRUMENTS[row % 4],
        "visit": row // 50 % 3 + 1,
        "exposure": row // 5 % 10 + 1,
        "description": DESCRIPTIONS[row % 5],
        "observation": observation,
        "detector": detector,
        "filetype": filetype,
        "stage": STAGES[row % 5],
        "guidestar": np.zeros(length, dtype=bool),
        "target_name": TARGETS[row % 4],
        "release": np.where(row % 9 == 2, EXCLUSIVE, PUBLIC),
    }
    empty = products_table({}, archive="")
    for name in empty.colnames:
        if name not in columns:
            columns[name] = np.zeros(length, dtype="U1" if empty[name].dtype.kind in "OU" else empty[name].dtype)
    return Table({name: columns[name] for name in empty.colnames}, copy=False)


class SurveyArchive:
    """An archive in memory, with one program."""

    name = "survey"
    url = "http://127.0.0.1:9"
    account = Account()

    def __init__(self, length: int) -> None:
        self.table = survey(length)

    def observations(self, query: Any, *, progress: Any = None, cancel: threading.Event | None = None) -> Table:
        return observations_table({"obsid": ["1"], "obs_id": ["jw02733-o001_t001_miri_f770w"]}, archive=self.url)

    def products(self, observations: Table, *, progress: Any = None, cancel: threading.Event | None = None) -> Table:
        return self.table

    def authorization(self, url: str) -> dict[str, str]:
        return {}

    def download_url(self, uri: str) -> str:
        return f"{self.url}/{uri}"
