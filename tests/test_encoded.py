import contextlib
import gc

import numpy as np
import pytest

from jwstmq_widgets.filenames import NAME_COLUMNS, name_columns
from jwstmq_widgets.tables.encoded import Encoded, concatenated, texts_of, uncollected
from jwstmq_widgets.tables.namecolumns import name_arrays

NAMES = [
    "jw02733002001_02103_00001_mirimage_cal.fits",
    "jw02733002001_02103_00001_mirimage_rate.fits",
    "jw02733002001_02103_00002_mirimage_cal.fits",
    "jw01386008001_04101_00001-seg002_nrcalong_calints.fits",
    "jw02733-o002_t001_miri_f1130w_i2d.fits",
    "jw02733002001_gs-fg_2022155012345_cal.fits",
    "jw02733002001_02103_00001_mirimage_o002_crf.fits",
    "jw02733002001_gs-fg_2022155099999_cal.fits",
    "jw02733002001_gs-fg_2022155099999-seg001_uncal.fits",
    "jw02733002001_gs-fg_202215509999_cal.fits",
    "jw02733002001_gs-fg_2022155099999",
    "jw02733002001_gs-id_1_image_cal.jpg",
    "jw02733002001_gs_2022155099999_cal.fits",
    "jw02733_20240101t000000_pool.csv",
    "jw01345061001_02_msa.fits",
    "jw02733002001_02103_00001_abc_cal.fits",
    "jw0273300200x_02103_00001_mirimage_cal.fits",
    "hst_13671_acs_drz.fits",
    "jw02733002001_02103_00001",
    "",
]


@pytest.mark.parametrize(
    "values", [[], ["a"], ["a", "b", "a", None], [1, None, 3], [[1], {"a": 2}, [1]], [True, False]]
)
def test_a_column_has_the_values_that_were_put_in(values):
    texts = ["[1]", '{"a":2}', "[1]"] if values and isinstance(values[0], list) else values
    assert Encoded.of(values).tolist() == list(Encoded.of(values)) == texts


def test_some_rows_keep_only_their_values():
    some = Encoded.of(["a", "b", "a", "c"]).take(np.array([3, 0, 0]))
    assert some.tolist() == ["c", "a", "a"]
    assert len(some.values) == 2


def test_columns_are_put_one_below_the_other():
    whole = concatenated([Encoded.of(["a", "b"]), Encoded.of([]), Encoded.of(["b", None])])
    assert whole.tolist() == ["a", "b", "b", None]
    assert len(whole.values) == 3


def test_many_names_give_what_each_name_gives():
    names = NAMES * 3
    ours, reference = name_arrays(names), name_columns(names)
    assert tuple(ours) == NAME_COLUMNS
    assert {name: values.tolist() for name, values in ours.items()} == reference


def test_no_names_give_empty_columns():
    assert {len(values) for values in name_arrays([]).values()} == {0}


def test_a_long_column_of_wide_texts_holds_each_text_once():
    texts = ["a" * 200, "b"]
    column = Encoded(np.arange(100_000, dtype=np.int32) % 2, texts)
    whole, half = texts_of(column), texts_of(column.take(np.arange(50_000)))
    assert (whole.dtype.kind, half.dtype.kind) == ("O", "U")  # of a fixed width they would take 80 MB and 40 MB
    assert whole[:50_000].tolist() == half.tolist() == texts * 25_000
    assert {id(text) for text in whole.tolist()} == set(map(id, texts))


def test_the_collector_goes_on_when_the_last_is_done():
    assert gc.isenabled()
    with uncollected:
        with contextlib.suppress(KeyError), uncollected:
            {}["nothing"]
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    try:
        with uncollected:
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
