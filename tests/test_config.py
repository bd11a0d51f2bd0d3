"""Tests of configuration files and of settings."""

import contextlib
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from jwstmq_widgets import Query
from jwstmq_widgets.errors import QueryError
from jwstmq_widgets.filenames import DETECTORS
from jwstmq_widgets.query.config import read_config
from jwstmq_widgets.query.fields import MODES
from jwstmq_widgets.query.settings import SETTINGS, merge, query_arguments, read_options, read_settings


@pytest.fixture
def written(tmp_path: Path):
    def write(text: str) -> Path:
        path = tmp_path / "jwst_query.cfg"
        path.write_text(text)
        return path

    return write


# The keys of jwst_mast_query's template, with its values and comments of its kind.
TEMPLATE = """\
# specify the instrument. The default set in the code is nircam
instrument: nircam
outrootdir: $JWSTDOWNLOAD_OUTDIR
outsubdir:
skip_propID2outsubdir: False
obsnum2outsubdir: True
propIDs_obsnum2outsubdir: [1409]
jpg_separate_subdir: True
skip_check_if_outfile_exists: False
Nobs_per_batch: 2
propID:
obsnums:
obsmode:
#filetypes: ['uncal']
filetypes: ['fits']
sca:
guidestars: False
guidestar_data_only: False
lookbacktime: 1.0
date_select:
savetables:
clobber: False
skipdownload: False
mastcolumns_obsTable: ['proposal_id','dataURL','obsid','obs_id','t_min','t_exptime','instrument_name']
outcolumns_productTable: ['proposal_id','obsnum','obsID','parent_obsid','obs_id','sca','visit','dl_code','dl_str']
outcolumns_obsTable:     ['proposal_id','obsnum','obsid','obs_id','t_min','t_exptime','date_min','instrument_name']
sortcols_productTable: ['calib_level','filetype','proposal_id','obsnum']
sortcols_obsTable: ['date_min','proposal_id','obsnum']
sortcols_summaryTable: ['date_start','proposal_id','obsnum']
makewebpages: False
webpage_tablefigsize_width:
webpage_level12_jpgs: ['uncal','dark','rate','rateints','cal']
webpage_mkthumbnails: True
webpage_thumbnails_width: 120
"""


def test_the_template_of_jwst_mast_query_is_read(written):
    path = written(TEMPLATE)
    assert Query.from_config(path) == Query(instrument="NIRCAM", filetypes=["fits"], lookback=1)
    options = read_options(read_config(path, environ={"JWSTDOWNLOAD_OUTDIR": "/data"}), environ={})
    assert (options.folder, options.subfolder, options.observation_folder) == ("/data", "", True)
    assert options.jpg_folder
    assert options.program_folder
    assert options.batch == 2


def test_without_its_variable_the_destination_is_here(written):
    settings = read_config(written(TEMPLATE), environ={})
    assert read_options(settings, environ={}).folder == "."


def test_the_environment_names_the_destination_where_nothing_else_does():
    environ = {"JWSTDOWNLOAD_OUTDIR": "/data"}
    assert read_options({}, environ=environ).folder == "/data"
    assert read_options({"outrootdir": "mine"}, environ=environ).folder == "mine"


@pytest.mark.parametrize("text", ["", "# nothing\n", "propID:\n", "---\n"])
def test_an_empty_file_asks_everything(written, text):
    assert Query.from_config(written(text)) == Query()


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("propID: 2733", Query(program=2733)),
        ("propID: 02733", Query(program=2733)),  # an octal number in YAML 1.1
        ("propID: '01068'", Query(program=1068)),
        ("propID: [1068, 3]", Query(program=1068, observations=[3])),
        ("propID: 1068\nobsnums: [001, 010]", Query(program=1068, observations=[1, 10])),
        ("obsnums: 3\npropID: 1068", Query(program=1068, observations=[3])),
        ("obsmode: ['image', 'wfss']", Query(modes=["image", "wfss"])),
        ("sca: a1", Query(detectors=["nrca1"])),
        ("sca: [a1, b5]", Query(detectors=["nrca1", "nrcblong"])),
        ("date_select: 2021-05-23+", Query(dates=("2021-05-23", None))),
        ("date_select: 2022-06-06 2022-06-08", Query(dates=("2022-06-06", "2022-06-08"))),
        ("date_select: [2022-06-06, 2022-06-08]", Query(dates=("2022-06-06", "2022-06-08"))),
        ("date_select: 59934 59934.125", Query(dates=(59934, 59934.125))),
        ("lookbacktime: 1.0\ndate_select: 59934+", Query(dates=(59934, None))),
        ("lookbacktime: 0", Query()),
        ("guidestars: 'False'", Query()),
        ("guidestars: yes", Query(guidestars=True)),
        ("guidestars: True\nguidestar_data_only: True", Query(guidestars="only")),
        ("obsid_select: 385539+", Query(obsid_range="385539+")),
        ("obsid_list: [1, 2]", Query(obsids=[1, 2])),
        ("target: NGC 3132\nradius: 1 arcmin", Query(target="NGC 3132", radius="1 arcmin")),
        ("coordinates: [151.757, -40.436]", Query(coordinates=(151.757, -40.436))),
        ("pi: Pontoppidan, Klaus M.", Query(pi=["Pontoppidan, Klaus M."])),
        ("executed: false", Query(executed=False)),
        ("exposure_types: [mir_image, NRC_TS*]", Query(exposure_types=["MIR_IMAGE", "NRC_TS*"])),
        ("keywords: [exp_type=MIR_IMAGE, 'effexptm>=100']", Query(keywords="exp_type=MIR_IMAGE;effexptm>=100")),
        ("keywords: {exp_type: MIR_IMAGE}", Query(keywords={"exp_type": "MIR_IMAGE"})),
    ],
)
def test_values_are_meant_as_they_are_written(written, text, query):
    assert Query.from_config(written(text)) == query


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("propid: 3", "the key 'propid' is unknown; did you mean 'propID'?"),
        ("program: 3", "did you mean 'propID'?"),
        ("filetype: [cal]", "did you mean 'filetypes'?"),
        ("propID: 1\npropID: 2", "the key 'propID' is there twice"),
        ("clobber: flase", "clobber 'flase' is neither True nor False"),
        ("lookbacktime: soon", "look-back 'soon' is not a number of days"),
        ("lookbacktime: -1", "look-back -1 is not a number of days"),
        ("Nobs_per_batch: 0", "Nobs_per_batch 0 is not a number above 0"),
        ("filetypes: {cal: 1}", "holds keys of its own"),
        ("propID: $NO_SUCH_PROGRAM", "environment variable NO_SUCH_PROGRAM, which is not set"),
        ("- propID", "no list of keys and values"),
        ("just text", "no list of keys and values"),
        ("propID: [1", "line 1"),
        ("propID: !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("savetables: ..", "no name for files"),
    ],
)
def test_a_wrong_file_is_one_sentence_with_its_name(written, text, sentence):
    path = written(text)
    with pytest.raises(QueryError) as error:
        Query.from_config(path)
    assert sentence in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(QueryError, match=r"none\.cfg cannot be read: No such file"):
        Query.from_config(tmp_path / "none.cfg")


def test_a_file_that_is_no_text_is_said(tmp_path):
    (tmp_path / "image.cfg").write_bytes(b"SIMPLE  =\xff\xfe")
    with pytest.raises(QueryError, match="not UTF-8"):
        Query.from_config(tmp_path / "image.cfg")


def test_variables_are_put_in_wherever_they_stand(written):
    path = written("propID: $PROGRAM\nfiletypes: ['$KIND', '_${KIND}.jpg']\noutrootdir: $HOME/jwst")
    environ = {"PROGRAM": "2733", "KIND": "cal", "HOME": "/home/me"}
    settings = read_config(path, environ=environ)
    assert query_arguments(settings)["filetypes"] == ("cal", "_cal.jpg")
    assert settings["propID"] == ("2733",)
    assert settings["outrootdir"] == "/home/me/jwst"


def test_keys_and_values_make_a_query_without_a_file():
    assert Query.from_config({"propID": 2733, "guidestars": "True"}) == Query(program=2733, guidestars=True)


def test_a_later_source_is_meant_also_when_it_says_the_default():
    config = read_settings({"filetypes": ["cal"], "guidestars": True, "lookbacktime": 3, "propID": [2733, 2]})
    line = read_settings({"filetypes": ["fits"], "guidestars": False, "lookbacktime": 1.0})
    assert Query(**query_arguments(merge(config, line))) == Query(
        program=2733, observations=[2], filetypes=["fits"], lookback=1
    )


def test_a_later_source_can_undo_an_earlier_one():
    config = read_settings({"instrument": "nircam", "target": "NGC 3132", "sca": ["a1"]})
    line = read_settings({"instrument": [], "target": "", "sca": []}, keep_empty=True)
    assert Query(**query_arguments(merge(config, line))) == Query()


@pytest.mark.parametrize(
    ("config", "line", "query"),
    [
        ({"date_select": "59934+"}, {"lookbacktime": 3}, Query(lookback=3)),
        ({"lookbacktime": 3}, {"date_select": "59934+"}, Query(dates=(59934, None))),
        ({"target": "NGC 3132"}, {"coordinates": ["1", "2"]}, Query(coordinates=(1, 2))),
        ({"guidestar_data_only": True}, {"guidestars": False}, Query()),
        ({"propID": [1068, 3]}, {"obsnums": 4}, Query(program=1068, observations=[4])),
        ({"propID": 1068, "obsnums": 3}, {"propID": [1068, 4]}, Query(program=1068, observations=[4])),
    ],
)
def test_of_settings_that_exclude_each_other_the_later_source_holds(config, line, query):
    assert Query(**query_arguments(merge(read_settings(config), read_settings(line)))) == query


@pytest.mark.parametrize(
    ("settings", "folder"),
    [
        ({}, True),
        ({"obsnum2outsubdir": "False"}, False),
        ({"obsnum2outsubdir": False, "propIDs_obsnum2outsubdir": [1409]}, frozenset({1409})),
        ({"propIDs_obsnum2outsubdir": "1409 2733"}, frozenset({1409, 2733})),
        ({"obsnum2outsubdir": True, "propIDs_obsnum2outsubdir": [1409]}, True),
    ],
)
def test_folders_of_observations(settings, folder):
    assert read_options(read_settings(settings), environ={}).observation_folder == folder


def test_a_token_is_not_shown():
    assert "secret" not in repr(read_options(read_settings({"token": "secret"}), environ={}))


def test_every_setting_reads_its_own_text():
    for name in SETTINGS:
        assert read_settings({name: None}) == {}


_TEXT = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=12)
_MJD = st.floats(50000, 70000)
_QUERIES = st.fixed_dictionaries(
    {},
    optional={
        "program": st.integers(1, 99999),
        "observations": st.lists(st.integers(1, 999), max_size=3),
        "instrument": st.lists(st.sampled_from(sorted(MODES)), max_size=3),
        "dates": st.one_of(
            st.tuples(_MJD, st.none()),
            st.tuples(st.none(), _MJD),
            st.tuples(_MJD, _MJD).map(lambda pair: tuple(sorted(pair))),
        ),
        "target": _TEXT.filter(lambda text: text.strip("-+")),
        "radius": st.floats(1e-4, 10),
        "filters": st.lists(st.sampled_from(["F770W", "F1*", "G140M"]), max_size=2),
        "detectors": st.lists(st.sampled_from(sorted(DETECTORS)), max_size=2),
        "calib_levels": st.lists(st.integers(-1, 4), max_size=3),
        "filetypes": st.lists(st.sampled_from(["cal", "_cal.jpg", "fits", "asn"]), max_size=3),
        "guidestars": st.sampled_from([False, True, "only"]),
        "executed": st.booleans(),
        "access": st.sampled_from(["public", "exclusive"]),
        "obsids": st.lists(st.integers(1, 10**9), max_size=2),
        "obsid_range": st.sampled_from(["385539+", "385539-", (1, 5)]),
        "pi": st.sampled_from([(), ("Pontoppidan, Klaus M.",), ("O'Neil", "Li")]),
        "exposure_types": st.sampled_from([(), ("*IMAGE",), ("*DARK*", "*TACQ")]),
        "target_name": st.sampled_from([(), ("NGC-*",), ("NGC-3132", "M 31")]),
        "recommended": st.booleans(),
        "keywords": st.sampled_from([None, {"exp_type": "MIR_IMAGE"}, "effexptm>=100;readpatt=!FASTR1,null"]),
    },
)


@given(fields=_QUERIES)
def test_a_query_comes_back_from_its_configuration_file(fields, tmp_path_factory):
    try:
        query = Query(**fields)
    except QueryError:
        return  # a target's text that is no name
    path = tmp_path_factory.getbasetemp() / "generated.cfg"
    path.write_text(query.to_config(), encoding="utf-8")
    assert Query.from_config(path) == query


@given(text=st.text(max_size=200))
def test_any_text_is_read_or_refused_with_our_own_error(text, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "any.cfg"
    path.write_text(text, encoding="utf-8", errors="replace")
    with contextlib.suppress(QueryError):
        Query.from_config(path)


def test_the_configuration_file_is_yaml_with_jwst_mast_querys_keys():
    text = Query(program=2733, instrument="miri", observations=2, lookback=3, guidestars="only").to_config()
    assert yaml.safe_load(text) == {
        "propID": 2733,
        "obsnums": [2],
        "instrument": ["MIRI"],
        "lookbacktime": 3.0,
        "guidestar_data_only": True,
    }


def test_yaml_is_imported_only_for_a_configuration_file():
    code = "import sys, jwstmq_widgets.query, jwstmq_widgets.query.settings; assert 'yaml' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
