import pytest

from jwstmq_widgets.filenames import DETECTORS, SUFFIXES, canonical_detector, name_columns, parse_name

NAMES = {
    "jw02733002001_02103_00001_mirimage_cal.fits": ("exposure", 2733, 2, 1, "mirimage", "_cal.fits", "2b"),
    "jw02609011002_02101_00004_nrcblong_trapsfilled.jpg": (
        "exposure", 2609, 11, 2, "nrcblong", "_trapsfilled.jpg", "2a",
    ),
    "jw01345004001_08201_00003_nrcb1_a3001_crf.fits": ("exposure", 1345, 4, 1, "nrcb1", "_crf.fits", "2c"),
    "jw01345005002_01101_00002_nrca5_rate.fits": ("exposure", 1345, 5, 2, "nrcalong", "_rate.fits", "2a"),
    "jw05959002001_04102_00001-seg001_nis_x1dints.fits": ("exposure", 5959, 2, 1, "nis", "_x1dints.fits", "2b"),
    "jw02733003001_0a101_00001_nrcb2_uncal.fits": ("exposure", 2733, 3, 1, "nrcb2", "_uncal.fits", "1b"),
    "jw01386023001_04101_00001_mirimage_c1027_psfalign.fits": (
        "exposure", 1386, 23, 1, "mirimage", "_psfalign.fits", "3",
    ),
    "jw02733-o002_t001_miri_f1130w_i2d.fits": ("stage3", 2733, 2, None, "", "_i2d.fits", "3"),
    "jw02736-o007_s02572_nirspec_f290lp-g395m_x1d.fits": ("stage3", 2736, 7, None, "", "_x1d.fits", "3"),
    "jw01538-o046_t024_nircam_clear-f444w_segm.fits": ("stage3", 1538, 46, None, "", "_segm.fits", "3"),
    "jw01386-c1020_t001_miri_f1550c-4qpm_1550-mask1550_psfstack.fits": (
        "stage3", 1386, None, None, "", "_psfstack.fits", "3",
    ),
    "jw02725-o484_t097_nircam_clear-f356w-nrcalong_wfscmb-04.fits": (
        "stage3", 2725, 484, None, "", "_wfscmb.fits", "3",
    ),
    "jw01366-o002_t001_nircam_f322w2-grismr-subgrism256_whtlt.ecsv": (
        "stage3", 1366, 2, None, "", "_whtlt.ecsv", "3",
    ),
    "jw01366003001_gs-fg_2022212062047-seg005_cal.fits": ("guidestar", 1366, 3, 1, "", "_cal.fits", "gs"),
    "jw02609006001_gs-id_1_stacked_uncal.fits": ("guidestar", 2609, 6, 1, "", "_uncal.fits", "gs"),
    "jw05224-o004_20251221t142913_image2_00007_asn.json": ("association", 5224, 4, None, "", "_asn.json", ""),
    "jw02733_20260726t151748_pool.csv": ("pool", 2733, None, None, "", "_pool.csv", ""),
    "jw01345066001_01_msa.fits": ("msa", 1345, 66, 1, "", "_msa.fits", ""),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_real_name_is_taken_apart(name: str) -> None:
    parsed = parse_name(name)
    assert parsed is not None
    assert NAMES[name] == (
        parsed.kind, parsed.program, parsed.observation, parsed.visit, parsed.detector, parsed.filetype, parsed.stage,
    )  # fmt: skip


def test_the_columns_of_names_say_what_each_name_says() -> None:
    columns = name_columns(NAMES)
    for index, expected in enumerate(NAMES.values()):
        _, program, observation, visit, detector, filetype, stage = expected
        assert columns["program"][index] == program
        assert columns["observation"][index] == (-1 if observation is None else observation)
        assert columns["visit"][index] == (-1 if visit is None else visit)
        assert columns["detector"][index] == detector
        assert columns["filetype"][index] == filetype
        assert columns["stage"][index] == stage


@pytest.mark.parametrize(
    "name",
    ["", "jw2733.fits", "../jw02733002001_02103_00001_mirimage_cal.fits", "jw02733002001_02103_00001_abc_cal.fits",
     "jw02733002001_02103_00001_mirimage_cal.fits\n", "JW02733002001_02103_00001_MIRIMAGE_CAL.FITS"],
)  # fmt: skip
def test_a_name_outside_the_grammar_is_not_taken_apart(name: str) -> None:
    assert parse_name(name) is None


def test_a_foreign_name_still_gives_its_file_type() -> None:
    columns = name_columns(["hst_13671_acs_drz.fits", "nothing"])
    assert columns["filetype"] == ["_drz.fits", ""]
    assert columns["program"] == [-1, -1]


def test_base_36_activity_does_not_hide_the_detector() -> None:
    parsed = parse_name("jw02733003001_0a101_00001_nrcb2_cal.fits")
    assert parsed is not None
    assert (parsed.detector, parsed.activity, parsed.visit) == ("nrcb2", "01", 1)


@pytest.mark.parametrize(
    ("given", "name"),
    [("a5", "nrcalong"), ("b5", "nrcblong"), ("along", "nrcalong"), ("NRCB5", "nrcblong"), ("a1", "nrca1"),
     ("MIRIMAGE", "mirimage"), ("guider2", "guider2")],
)  # fmt: skip
def test_a_detector_has_one_spelling(given: str, name: str) -> None:
    assert canonical_detector(given) == name
    assert name in DETECTORS


def test_an_unknown_detector_is_refused() -> None:
    with pytest.raises(ValueError, match="a9"):
        canonical_detector("a9")


def test_every_suffix_says_what_it_holds() -> None:
    assert all(suffix.meaning for suffix in SUFFIXES.values())
