import numpy as np
import pytest
from astropy.table import Table

from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.tables import products_table, select
from jwstmq_widgets.tables.limits import meeting

ROWS = Table(
    {
        "name": ["a_cal.fits", "b_cal.jpg", "c_i2d.fits", "d_asn.json"],
        "kind": ["CAL", "CAL", "I2D", ""],
        "size": np.array([10, 20, 30, -1]),
        "release": [1.0, 2.0, float("nan"), 4.0],
        "guidestar": [False, True, False, False],
    }
)


@pytest.mark.parametrize(
    ("limits", "rows"),
    [
        ({}, [0, 1, 2, 3]),
        ({"kind": "cal"}, [0, 1]),
        ({"kind": ["CAL", "I2D"]}, [0, 1, 2]),
        ({"kind": "!CAL"}, [2, 3]),
        ({"kind": "!CAL, !null"}, [2]),
        ({"kind": "null"}, [3]),
        ({"kind": None}, [3]),
        ({"name": "*.fits"}, [0, 2]),
        ({"name": "!*.fits"}, [1, 3]),
        ({"name": "b..c"}, [1]),
        ({"name": ">=c"}, [2, 3]),
        ({"size": 20}, [1]),
        ({"size": "10..20"}, [0, 1]),
        ({"size": ">=20"}, [1, 2]),
        ({"size": "<20"}, [0, 3]),
        ({"size": "!20"}, [0, 2, 3]),
        ({"size": ["10", ">25"]}, [0, 2]),
        ({"release": "null"}, [2]),
        ({"release": "!null"}, [0, 1, 3]),
        ({"release": ">1.5"}, [1, 3]),
        ({"guidestar": True}, [1]),
        ({"guidestar": "false", "kind": "*"}, [0, 2, 3]),
        ({"size": ">=20", "kind": "CAL"}, [1]),
    ],
)
def test_rows_that_meet_all_limits_are_told(limits, rows):
    assert np.flatnonzero(meeting(ROWS, limits)).tolist() == rows
    assert not meeting(ROWS[:0], limits).any()


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"sise": 5}, "did you mean 'size'?"),
        ({"zzz": 5}, "there are name, kind"),
        ({"size": "big"}, "holds numbers"),
        ({"size": "1*"}, "holds numbers"),
        ({"guidestar": "maybe"}, "true or false"),
        ({"guidestar": ">0"}, "true or false"),
    ],
)
def test_a_limit_that_does_not_fit_its_column_is_refused(limits, says):
    with pytest.raises(QueryError, match=says.replace("?", r"\?")):
        meeting(ROWS, limits)


def test_products_are_chosen_by_any_column():
    names = ["jw02733002001_02103_00001_mirimage_cal.fits", "jw02733002001_02103_00001_mirimage_rate.fits"]
    products = products_table(
        {"dataURI": names, "productFilename": names, "size": [5, 50], "productSubGroupDescription": ["CAL", "RATE"]},
        archive="x",
    )
    assert select(products, where={"size": ">=10"})["suffix"].tolist() == ["rate"]
    assert select(products, where={"productSubGroupDescription": "!RATE", "stage": "2b"})["suffix"].tolist() == ["cal"]
