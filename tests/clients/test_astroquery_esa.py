"""Unmodified astroquery.esa.jwst against the local archive: its public methods, and its documentation's examples.

The examples are those of docs/esa/jwst/jwst.rst, by their numbers there, as written for 0.4.11; "newest" ones are of
the page that follows it, whose calls 0.4.11 can make. They use the names that the documentation uses:

1 status messages; 1.1 query region and 1.2 cone search (2516 as planned; newest: 1488); 1.3 targets M1 and LMC, by
SIMBAD, NED and VizieR, in whose place `catalogues` answers (1714 as planned and 1043; newest: 1714, 1518, 1090, 4472);
1.4 product lists of jw01063107001_02101_00013_nrca3 and jw01023029001_02101_00004_mirimage, artifacts of 1166, product
by artifact and by name, products of jw01122001001_0210r_00001_nrs2 (newest: jw02739013001_02103_00001_nrcb1), upper
levels refused, private files refused, related observations of jw02739-o001_t001_nircam_clear-f444w, program 6651;
1.5 names of tables, tables, one table, its columns; 1.6 query in memory and into a file; 1.7 upload; 1.8 job in memory,
and into a file; 1.9 removal of jobs; 2.1 login by password, by file, with a token, token later, logout; 2.2 shared
tables. Of program 1172 (newest, 1.4) no observation is known by name: its call finds none.
"""

from pathlib import Path
from typing import Any

import pytest

from jwstmq_widgets.localarchive import ESA_PASSWORD, ESA_USER, TOKEN, LocalArchive
from tests.clients.catalogues import catalogues
from tests.clients.conftest import Run, given

pytestmark = pytest.mark.clients

EXPOSURE = "jw02733002001_02103_00001_mirimage"
COMBINED = "jw02733-o002_t001_miri_f1130w"

_SCRIPT = """
import contextlib, io, tarfile, warnings
import astropy.units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

printed = io.StringIO()
with contextlib.redirect_stdout(printed):
    from astroquery.esa.jwst import Jwst
answers["import"] = printed.getvalue()

EXPOSURE, COMBINED = os.environ["EXPOSURE"], os.environ["COMBINED"]
USER, PASSWORD, TOKEN = (os.environ[name] for name in ("ESA_USER", "ESA_PASSWORD", "MAST_TOKEN"))
PLACE = SkyCoord(ra=151.757, dec=-40.437, unit=(u.degree, u.degree), frame="icrs")
LIST = "SELECT TOP 100 instrument_name, proposal_id, planeid, calibrationlevel, dataproducttype " \\
    "FROM jwst.main ORDER BY instrument_name, observationuri"

def spoken(call):
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        call()
    return said.getvalue()

def names(table):
    return [str(name) for name in table["observationid"]]

@step("status messages")
def _():
    return spoken(Jwst.get_status_messages)

@step("1.1 query region")
def _():
    found = Jwst.query_region(coordinate=PLACE, width=u.Quantity(5, u.deg), height=u.Quantity(5, u.deg))
    return {"columns": found.colnames, "names": names(found), "dist": [float(value) for value in found["dist"]]}

@step("query region, every argument")
def _():
    found = Jwst.query_region(
        coordinate="151.757 -40.437", radius="1 deg", observation_id="jw02733%", cal_level=2, prod_type="image",
        instrument_name="MIRI", filter_name="F770W", proposal_id="02733", only_public=True, show_all_columns=True,
        async_job=True,
    )
    return {
        "columns": len(found.colnames),
        "level": sorted({int(value) for value in found["calibrationlevel"]}),
        "filter": sorted({str(value) for value in found["energy_bandpassname"]}),
        "names": names(found),
    }

@step("1.2 cone search")
def _():
    return names(Jwst.cone_search(coordinate=PLACE, radius=u.Quantity(5.0, u.deg), async_job=True).get_results())

@step("cone search into a file")
def _():
    job = Jwst.cone_search(PLACE, "1 arcmin", cal_level=3, output_file="cone.csv", output_format="csv",
                           dump_to_file=True)
    return names(Table.read("cone.csv"))

@step("cone search without a level")
def _():
    return names(Jwst.cone_search(PLACE, "1 arcmin", cal_level=None).get_results())

@step("1.3 target")
def _():
    def find(resolver):
        return names(Jwst.query_target(target_name="NGC 3132", target_resolver=resolver, radius=u.Quantity(5, u.deg)))
    return {resolver: find(resolver) for resolver in ("ALL", "SIMBAD", "NED", "VIZIER")}

@step("1.3 target in a box, as a job")
def _():
    size = u.Quantity(5, u.deg)
    return names(Jwst.query_target(target_name="NGC 3132", target_resolver="NED", width=size, height=size,
                                   async_job=True))

@step("unknown target")
def _():
    return Jwst.resolve_target_coordinates("Nibiru", "SIMBAD")

FIELD = SkyCoord(ra=53, dec=-27, unit=(u.degree, u.degree), frame="icrs")

def listed(table):
    return [str(name) for name in table["filename"]]

def downloaded(files):
    return sorted(os.path.basename(str(file)) for file in files)

@step("example 1.1")
def _():
    width, height = u.Quantity(5, u.deg), u.Quantity(5, u.deg)
    found = Jwst.query_region(coordinate=FIELD, width=width, height=height)
    return [names(found), [float(value) for value in found["dist"]]]

@step("example 1.1, newest")
def _():
    width, height = u.Quantity(1, u.deg), u.Quantity(1, u.deg)
    found = Jwst.query_region(coordinate=FIELD, width=width, height=height)
    columns = ("observationid", "instrument_name", "energy_bandpassname", "target_name", "position_bounds_spoly")
    return [[str(row[column]) for column in columns] for row in found]

@step("example 1.2")
def _():
    job = Jwst.cone_search(coordinate=FIELD, radius=u.Quantity(5.0, u.deg), async_job=True)
    return names(job.get_results())

@step("example 1.3, M1")
def _():
    found = Jwst.query_target(target_name="M1", target_resolver="ALL", radius=u.Quantity(5, u.deg))
    return {str(row["observationid"]): [str(row[name]) for name in ("energy_bandpassname", "target_name",
            "position_bounds_spoly")] for row in found}

@step("example 1.3, LMC")
def _():
    width, height = u.Quantity(5, u.deg), u.Quantity(5, u.deg)
    found = Jwst.query_target(target_name="LMC", target_resolver="NED", width=width, height=height, async_job=True)
    return {str(row["observationid"]): float(row["dist"]) for row in found}

@step("example 1.4, files of an exposure")
def _():
    return listed(Jwst.get_product_list(observation_id="jw01063107001_02101_00013_nrca3"))

@step("example 1.4, science files")
def _():
    found = Jwst.get_product_list(observation_id="jw01023029001_02101_00004_mirimage", product_type="science")
    return listed(found)

@step("example 1.4, artifacts")
def _():
    query = (
        "select o.observationid, a.artifactid, a.filename\\n"
        "from jwst.observation o join jwst.artifact a on a.obsid = o.obsid\\n"
        "where o.proposal_id = '01166' and o.intent = 'science'"
    )
    found = Jwst.launch_job(query, async_job=True).get_results()
    return sorted([str(value) for value in row] for row in found)

@step("example 1.4, one file")
def _():
    return [
        Jwst.get_product(artifact_id="6ab73824-6587-4bca-84a8-eb48ac7251be"),
        Jwst.get_product(file_name="jw01166091001_02102_00002_nrca3_cal.fits"),
        Jwst.get_product(artifact_id="5b89920d-532d-43be-b70b-973c4bfdfdcc"),
        os.path.getsize("jw01166091001_02102_00002_nrca3_cal_thumb.jpg"),
    ]

@step("example 1.4, products")
def _():
    def get(observation, kind, folder):
        # In a folder of their own: the client names one by the second.
        output = os.path.abspath(folder + "/products")
        return downloaded(Jwst.get_obs_products(observation_id=observation, cal_level=2, product_type=kind,
                                                output_file=output))
    lamp, core = "jw01122001001_0210r_00001_nrs2", "jw02739013001_02103_00001_nrcb1"
    both = ["science", "preview"]
    return [get(lamp, "science", "lamp"), get(lamp, both, "lamps"), get(core, "science", "core"),
            get(core, both, "cores")]

@step("example 1.4, related")
def _():
    results = Jwst.get_related_observations(observation_id="jw02739-o001_t001_nircam_clear-f444w")
    return [str(name) for name in results[0:5]]

@step("example 1.4, program")
def _():
    os.makedirs("darks", exist_ok=True)
    os.chdir("darks")
    try:
        found = Jwst.download_files_from_program(proposal_id="6651", product_type="preview")
        files = [file for _, _, files in os.walk(".") for file in files if file.endswith(".jpg")]
        nothing = Jwst.download_files_from_program(proposal_id="1172", product_type="preview")
    finally:
        os.chdir("..")
    return [sorted(found), sorted(files), nothing]

@step("1.4 products")
def _():
    found = Jwst.get_product_list(observation_id=EXPOSURE)
    return {"columns": found.colnames, "names": [str(name) for name in found["filename"]]}

@step("1.4 science products")
def _():
    found = Jwst.get_product_list(observation_id=EXPOSURE, product_type="science", cal_level=2)
    return [str(name) for name in found["filename"]]

@step("products of a combined observation")
def _():
    found = Jwst.get_product_list(observation_id=COMBINED)
    return sorted({int(level) for level in found["calibrationlevel"]})

@step("1.4 artifacts of a program")
def _():
    global artifacts
    query = (
        "select o.observationid, a.artifactid, a.filename from jwst.observation o join jwst.artifact a "
        "on a.obsid = o.obsid where o.proposal_id = '02733' and o.intent = 'science'"
    )
    artifacts = Jwst.launch_job(query, async_job=True).get_results()
    return {"columns": artifacts.colnames, "rows": len(artifacts)}

@step("1.4 product by artifact")
def _():
    row = next(row for row in artifacts if str(row["filename"]) == EXPOSURE + "_cal.jpg")
    return [Jwst.get_product(artifact_id=str(row["artifactid"])), os.path.getsize(EXPOSURE + "_cal.jpg")]

@step("1.4 product by name")
def _():
    return Jwst.get_product(file_name=EXPOSURE + "_rate.jpg")

@step("1.4 products of an observation")
def _():
    files = Jwst.get_obs_products(observation_id=EXPOSURE, cal_level=2, product_type="preview",
                                  output_file=os.path.abspath("all/products"))
    return sorted(os.path.basename(file) for file in files)

@step("1.4 all products, below too")
def _():
    files = Jwst.get_obs_products(observation_id=EXPOSURE, product_type=["preview", "info"],
                                  output_file=os.path.abspath("below/products"))
    return sorted(os.path.basename(file) for file in files)

@step("products of the first level")
def _():
    files = Jwst.get_obs_products(observation_id=EXPOSURE, cal_level=1, product_type="preview",
                                  output_file=os.path.abspath("first/" + EXPOSURE + "_uncal.jpg"))
    return sorted(os.path.basename(file) for file in files)

@step("1.4 upper levels")
def _():
    return Jwst.get_obs_products(observation_id=EXPOSURE, cal_level=3)

@step("1.4 private files")
def _():
    query = "SELECT TOP 1 observationid FROM jwst.main WHERE public='false' AND calibrationlevel=2"
    global private
    private = names(Jwst.launch_job(query).get_results())[0]
    return Jwst.get_obs_products(observation_id=private, product_type="info",
                                 output_file=os.path.abspath("private/x"))

@step("1.4 made from")
def _():
    return [str(name) for name in Jwst.get_related_observations(observation_id=COMBINED)]

@step("1.4 used in")
def _():
    return [str(name) for name in Jwst.get_related_observations(observation_id=EXPOSURE)]

@step("download a program")
def _():
    os.makedirs("program", exist_ok=True)
    os.chdir("program")
    try:
        found = Jwst.download_files_from_program("1410", product_type="preview")
        files = [file for _, _, files in os.walk(".") for file in files if file.endswith(".jpg")]
    finally:
        os.chdir("..")
    return {"observations": sorted(found), "files": sorted(files)}

@step("1.5 names of tables")
def _():
    return [table.name for table in Jwst.load_tables(only_names=True)]

@step("1.5 tables")
def _():
    return {table.name: len(table.columns) for table in Jwst.load_tables()}

@step("1.5 one table")
def _():
    table = Jwst.load_table("jwst.main")
    return {"text": str(table), "columns": [column.name for column in table.columns]}

@step("1.6 query in memory")
def _():
    job = Jwst.launch_job(LIST)
    return [len(job.get_results()), job.get_phase(), job.outputFile]

@step("1.6 query into a file")
def _():
    job = Jwst.launch_job(LIST, dump_to_file=True)
    return [len(job.get_results()), os.path.exists(job.outputFile)]

@step("formats")
def _():
    return {kind: len(Jwst.launch_job(LIST, output_format=kind).get_results())
            for kind in ("votable", "votable_plain", "csv", "fits", "json")}

@step("1.7 upload")
def _():
    rows = Table({"source_id": ["a", "b", "c"], "alpha": [1.0, 3.0, 5.0], "delta": [2.0, 4.0, 6.0]})
    rows.write("mytable.xml", format="votable")
    query = "SELECT * from tap_upload.table_test"
    sync = Jwst.launch_job(query=query, upload_resource="mytable.xml", upload_table_name="table_test").get_results()
    job = Jwst.launch_job(query=query, upload_resource=rows, upload_table_name="table_test", async_job=True)
    return [[list(map(str, row)) for row in table] for table in (sync, job.get_results())]

@step("1.8 job")
def _():
    global job
    job = Jwst.launch_job("select top 100 * from jwst.main", async_job=True, name="a job of mine")
    return [len(job.get_results()), job.jobid, job.get_phase(update=True)]

@step("1.8 job into a file")
def _():
    saved = Jwst.launch_job("select top 100 * from jwst.main", async_job=True, dump_to_file=True,
                            output_file="job.vot.gz")
    return len(Table.read("job.vot.gz", format="votable"))

@step("more than two thousand rows")
def _():
    query = "SELECT planeid FROM jwst.plane"
    return [len(Jwst.launch_job(query).get_results()), len(Jwst.launch_job(query, async_job=True).get_results())]

@step("jobs")
def _():
    from astroquery.utils.tap.model.filter import Filter
    wanted = Filter()
    wanted.add_filter("jobname", "a job of mine")
    return {
        "listed": [[one.jobid, one.get_phase()] for one in Jwst.list_async_jobs()],
        "found": [one.jobid for one in Jwst.search_async_jobs(jobfilter=wanted)],
        "by id": len(Jwst.load_async_job(jobid=job.jobid).get_results()),
        "by name": len(Jwst.load_async_job(name="a job of mine").get_results()),
    }

@step("save results")
def _():
    saved = Jwst.launch_job(LIST, async_job=True, background=True)
    saved.outputFileUser = "saved.vot.gz"
    Jwst.save_results(saved)
    return len(Table.read("saved.vot.gz", format="votable"))

@step("1.9 remove jobs")
def _():
    Jwst.remove_jobs([job.jobid])
    return job.jobid in [one.jobid for one in Jwst.list_async_jobs()]

@step("wrong query")
def _():
    return Jwst.launch_job("select nothing from jwst.main")

@step("wrong job")
def _():
    return Jwst.launch_job("select nothing from jwst.main", async_job=True)

@step("token of nobody")
def _():
    return spoken(lambda: Jwst.set_token(token=TOKEN))

@step("wrong password")
def _():
    return Jwst.login(user=USER, password="wrong")

@step("2.1 login")
def _():
    Jwst.login(user=USER, password=PASSWORD)
    Jwst.launch_job("select top 1 planeid from jwst.main", async_job=True)
    jobs = Jwst.list_async_jobs()
    Jwst.remove_jobs([one.jobid for one in jobs])
    return [len(jobs), len(Jwst.list_async_jobs())]

@step("2.1 token")
def _():
    return [spoken(lambda: Jwst.set_token(token="0" * 32)), spoken(lambda: Jwst.set_token(token=TOKEN))]

@step("private files with a token")
def _():
    files = Jwst.get_obs_products(observation_id=private, product_type="info",
                                  output_file=os.path.abspath("mine/products"))
    return [os.path.basename(file) for file in files]

@step("2.2 shared tables")
def _():
    return [table.name for table in Jwst.load_tables(only_names=True, include_shared_tables=True)]

@step("2.1 logout")
def _():
    Jwst.logout()
    return spoken(lambda: Jwst.set_token(token=TOKEN))

@step("2.1 login by file with a token")
def _():
    with open("credentials", "w") as file:
        file.write(USER + "\\n" + PASSWORD + "\\n")
    said = spoken(lambda: Jwst.login(credentials_file="credentials", token=TOKEN))
    Jwst.logout()
    return said
"""


@pytest.fixture(scope="module")
def answers(run_client: Run, local_archive: LocalArchive, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    settings = (
        f"[esa.jwst]\nJWST_TAP_SERVER = {local_archive.secure_url}/server/tap\n"
        f"JWST_DATA_SERVER = {local_archive.secure_url}/server/data?\n"
    )
    more = {
        "SSL_CERT_FILE": str(local_archive.ca_file),
        "EXPOSURE": EXPOSURE,
        "COMBINED": COMBINED,
        "ESA_USER": ESA_USER,
        "ESA_PASSWORD": ESA_PASSWORD,
        "MAST_TOKEN": TOKEN,
    }
    folder: Path = tmp_path_factory.mktemp("esa")
    with catalogues(tmp_path_factory.mktemp("catalogues")) as proxy:
        return run_client(_SCRIPT, folder=folder, settings=settings, more={**more, **proxy})


NEWS = "This is a local archive of JWST"


def test_the_import_and_status_messages_give_the_news(answers: dict[str, Any]) -> None:
    assert NEWS in answers["import"]
    assert NEWS in given(answers, "status messages")


def test_a_region_is_searched_from_its_middle_outwards(answers: dict[str, Any]) -> None:
    found = given(answers, "1.1 query region")
    assert found["columns"][:2] == ["dist", "observationid"]
    assert "position_bounds_spoly" in found["columns"]
    assert found["dist"] == sorted(found["dist"])
    assert COMBINED in found["names"]


def test_every_argument_of_a_region_holds(answers: dict[str, Any]) -> None:
    found = given(answers, "query region, every argument")
    assert found["columns"] == 110
    assert found["level"] == [2]
    assert all("F770W" in name for name in found["filter"])
    assert found["names"]
    assert all(name.startswith("jw02733") for name in found["names"])


def test_a_cone_is_searched(answers: dict[str, Any]) -> None:
    assert COMBINED in given(answers, "1.2 cone search")
    assert COMBINED in given(answers, "cone search into a file")


def test_a_cone_without_a_level_is_refused_as_at_esa(answers: dict[str, Any]) -> None:
    # The client forgets a blank: "...)=1ORDER BY dist ASC".
    assert answers["cone search without a level"]["failed"] == "HTTPError"


@pytest.mark.parametrize("resolver", ["ALL", "SIMBAD", "NED", "VIZIER"])
def test_a_target_is_found_by_every_resolver(answers: dict[str, Any], resolver: str) -> None:
    assert COMBINED in given(answers, "1.3 target")[resolver]
    assert COMBINED in given(answers, "1.3 target in a box, as a job")


def test_an_unknown_target_is_told(answers: dict[str, Any]) -> None:
    assert "cannot be determined" in answers["unknown target"]["message"]


def test_products_are_listed(answers: dict[str, Any]) -> None:
    found = given(answers, "1.4 products")
    assert found["columns"] == [
        "uri", "artifactid", "filename", "contenttype", "producttype", "calibrationlevel", "public",
    ]  # fmt: skip
    assert {f"{EXPOSURE}_cal.fits", f"{EXPOSURE}_uncal.fits", f"{EXPOSURE}_cal.jpg"} <= set(found["names"])
    science = given(answers, "1.4 science products")
    assert f"{EXPOSURE}_rate.fits" in science
    assert not [name for name in science if name.endswith((".jpg", "_uncal.fits"))]
    assert given(answers, "products of a combined observation") == [1, 2, 3]


PLANNED = [f"jw02516010001_xx10{letter}_{number:05d}_miri" for number, letter in enumerate("1234567", start=1)] + [
    "jw02516010001_xx109_00009_miri",
    "jw02516010001_xx10a_00010_miri",
    "jw02516010001_xx10b_00011_miri",
]


def test_the_documentations_regions_hold_what_it_prints(answers: dict[str, Any]) -> None:
    found, distances = given(answers, "example 1.1")
    far = [distance for name, distance in zip(found, distances, strict=True) if name in PLANNED]
    assert len(far) == 10
    assert far == pytest.approx([0.5520678701664351] * 10, abs=1e-5)
    assert set(PLANNED) <= set(given(answers, "example 1.2"))
    assert given(answers, "example 1.1, newest")[0] == [
        "jw01488027001_01201_00001_nrs2", "NIRSPEC", "OPAQUE;MIRROR", "UNKNOWN",
        ("Polygon 53.20094994600003 -27.504268390999997 53.18004140700001 -27.449039869999986"
         " 53.24354427599998 -27.42825785399999 53.26482467600001 -27.484746299999987"),
    ]  # fmt: skip


def test_the_documentations_targets_have_what_it_prints(answers: dict[str, Any]) -> None:
    found = given(answers, "example 1.3, M1")
    assert {"jw01714001004_xx106_00002_miri", "jw01714005001_xx106_00006_nircam"} <= found.keys()
    assert found["jw01714-o005_t003_miri_ch4-long"] == [
        "CH4-LONG", "CRAB-NEBULA-FIL2",
        ("Polygon 83.64156476099977 21.992782729999995 83.64156476099977 21.995310508000028"
         " 83.64450067599985 21.995310508000028 83.64450067599985 21.992782729999995"),
    ]  # fmt: skip
    cloud = given(answers, "example 1.3, LMC")
    printed = [
        "jw01043010001_02101_00013_mirimage", "jw01043010001_02101_00004_mirimage",
        "jw01043010001_02101_00014_mirimage", "jw01043007001_02101_00006_mirimage",
        "jw01043008001_02101_00016_mirimage", "jw01043007001_02101_00008_mirimage",
        "jw01043009001_02101_00013_mirimage", "jw01043007001_02101_00007_mirimage",
        "jw01043007001_02101_00009_mirimage", "jw01043009001_02101_00004_mirimage",
    ]  # fmt: skip
    assert [cloud[name] for name in printed] == pytest.approx([0.25984680687093176] * 10, abs=1e-5)
    assert cloud["jw01518023001_03108_00001_mirifushort"] == pytest.approx(0.0, abs=1e-5)
    assert cloud["jw01090001001_06201_00001_mirimage"] == pytest.approx(0.4265750051094012, abs=1e-5)
    assert cloud["jw04472009001_01201_00001_nis"] == pytest.approx(0.4732768254894247, abs=1e-5)


def test_the_documentations_lists_come_out_as_printed(answers: dict[str, Any]) -> None:
    name = "jw01063107001_02101_00013_nrca3"
    found = sorted(given(answers, "example 1.4, files of an exposure"))
    assert found[:8] == [
        "jw01063-o107_20230701t234631_image2_00083_asn.json", f"{name}_cal.fits", f"{name}_cal.jpg",
        f"{name}_cal_thumb.jpg", f"{name}_i2d.fits", f"{name}_o107_crf.fits", f"{name}_o107_crf.jpg",
        f"{name}_o107_crf_thumb.jpg",
    ]  # fmt: skip
    assert found[-8:] == [
        f"{name}_rateints_thumb.jpg", f"{name}_trapsfilled.fits", f"{name}_trapsfilled.jpg",
        f"{name}_trapsfilled_thumb.jpg", f"{name}_uncal.fits", f"{name}_uncal.jpg", f"{name}_uncal_thumb.jpg",
        "jw01063_20230701t234631_pool.csv",
    ]  # fmt: skip
    assert len(found) == 21
    imager = "jw01023029001_02101_00004_mirimage"
    assert sorted(given(answers, "example 1.4, science files")) == [
        f"{imager}_{suffix}.fits" for suffix in ("cal", "i2d", "o029_crf", "rate", "rateints", "uncal")
    ]
    name = "jw01166091001_02102_00002_nrca3"
    numbered = {row[2]: row[:2] for row in given(answers, "example 1.4, artifacts")}
    assert [[file, numbered[file][1]] for file in sorted(numbered)[:5]] == [
        ["jw01166-o091_20220505t044658_wfs-image2_058_asn.json", "6ab73824-6587-4bca-84a8-eb48ac7251be"],
        [f"{name}_cal.fits", "c999249f-c554-4a5f-bd6a-099f1fe48864"],
        [f"{name}_cal.jpg", "004433de-a4b3-4dc6-9177-0f9d78a97bda"],
        [f"{name}_cal_thumb.jpg", "5b89920d-532d-43be-b70b-973c4bfdfdcc"],
        [f"{name}_rate.fits", "5a86e351-3066-4c46-8698-c49aade6ec98"],
    ]
    assert {row[0] for row in numbered.values()} == {name}


def test_the_documentations_downloads_come(answers: dict[str, Any]) -> None:
    *names, size = given(answers, "example 1.4, one file")
    assert names == [
        "jw01166-o091_20220505t044658_wfs-image2_058_asn.json", "jw01166091001_02102_00002_nrca3_cal.fits",
        "jw01166091001_02102_00002_nrca3_cal_thumb.jpg",
    ]  # fmt: skip
    assert size > 1000
    lamp, lamps, core, cores = given(answers, "example 1.4, products")
    assert lamp == [f"jw01122001001_0210r_00001_nrs2_{suffix}.fits" for suffix in ("rate", "rateints")]
    assert {name.rpartition(".")[2] for name in lamps} == {"fits", "jpg"}
    assert core == [
        f"jw02739013001_02103_00001_nrcb1_{suffix}.fits" for suffix in ("cal", "i2d", "rate", "rateints", "trapsfilled")
    ]
    assert set(core) < set(cores)
    assert "jw02739013001_02103_00001_nrcb1_cal.jpg" in cores
    assert given(answers, "example 1.4, related") == [
        "jw02739001001_02105_00001_nrcalong", "jw02739001001_02105_00001_nrcblong",
        "jw02739001001_02105_00002_nrcalong", "jw02739001001_02105_00002_nrcblong",
        "jw02739001001_02105_00003_nrcalong",
    ]  # fmt: skip
    found, files, nothing = given(answers, "example 1.4, program")
    assert found == ["jw06651001001_05201_00001_nis", "jw06651002001_05201_00001_nis"]
    assert files
    assert {file[:29] for file in files} <= set(found)
    assert nothing == []


def test_a_product_comes_by_its_artifact_or_its_name(answers: dict[str, Any]) -> None:
    found = given(answers, "1.4 artifacts of a program")
    assert found["columns"] == ["observationid", "artifactid", "filename"]
    assert found["rows"] > 2000
    name, size = given(answers, "1.4 product by artifact")
    assert name == f"{EXPOSURE}_cal.jpg"
    assert size > 1000
    assert given(answers, "1.4 product by name") == f"{EXPOSURE}_rate.jpg"


def test_products_of_an_observation_are_unpacked(answers: dict[str, Any]) -> None:
    second = given(answers, "1.4 products of an observation")
    assert f"{EXPOSURE}_cal.jpg" in second
    assert f"{EXPOSURE}_uncal.jpg" not in second
    everything = given(answers, "1.4 all products, below too")
    assert f"{EXPOSURE}_uncal.jpg" in everything
    assert [name for name in everything if name.endswith("_asn.json")]
    assert given(answers, "products of the first level") == [f"{EXPOSURE}_uncal.jpg"]


def test_upper_levels_and_private_files_are_refused(answers: dict[str, Any]) -> None:
    assert "Requesting upper levels is not allowed" in answers["1.4 upper levels"]["message"]
    message = answers["1.4 private files"]["message"]
    assert "Error 403" in message
    assert "Private file(s) requested: MAST token required for authentication." in message


def test_related_observations_go_both_ways(answers: dict[str, Any]) -> None:
    assert EXPOSURE in given(answers, "1.4 made from")
    assert COMBINED in given(answers, "1.4 used in")


def test_a_program_is_downloaded(answers: dict[str, Any]) -> None:
    found = given(answers, "download a program")
    assert found["observations"]
    assert all(name.startswith("jw01410") for name in found["observations"])
    assert found["files"]


def test_tables_and_columns_are_told(answers: dict[str, Any]) -> None:
    names = given(answers, "1.5 names of tables")
    assert names == sorted(names)
    assert {"ivoa.obscore", "jwst.archive", "jwst.artifact", "jwst.main", "jwst.observation", "public.dual"} <= set(
        names
    )
    assert set(given(answers, "1.5 tables")) == set(names)
    table = given(answers, "1.5 one table")
    assert "TAP Table name: jwst.main" in table["text"]
    assert "Num. columns: 109" in table["text"]
    assert {"algorithm_name", "calibrationlevel", "energy_bandpassname", "members"} <= set(table["columns"])
    assert set(given(answers, "2.2 shared tables")) == set(names)


def test_queries_come_into_memory_or_a_file_in_every_format(answers: dict[str, Any]) -> None:
    rows, phase, name = given(answers, "1.6 query in memory")
    assert (rows, phase) == (100, "COMPLETED")
    assert name.endswith("O-result.vot.gz")
    assert given(answers, "1.6 query into a file") == [100, True]
    assert set(given(answers, "formats").values()) == {100}


def test_a_table_is_uploaded(answers: dict[str, Any]) -> None:
    at_once, as_job = given(answers, "1.7 upload")
    assert at_once == as_job == [["a", "1.0", "2.0"], ["b", "3.0", "4.0"], ["c", "5.0", "6.0"]]


def test_jobs_are_run_listed_found_saved_and_removed(answers: dict[str, Any]) -> None:
    rows, job, phase = given(answers, "1.8 job")
    assert (rows, phase) == (100, "COMPLETED")
    assert given(answers, "1.8 job into a file") == 100
    jobs = given(answers, "jobs")
    assert [job, "COMPLETED"] in jobs["listed"]
    assert jobs["found"] == [job]
    assert (jobs["by id"], jobs["by name"]) == (100, 100)
    assert given(answers, "save results") == 100
    assert given(answers, "1.9 remove jobs") is False


def test_only_jobs_give_more_than_two_thousand_rows(answers: dict[str, Any]) -> None:
    at_once, as_job = given(answers, "more than two thousand rows")
    assert at_once == 2000
    assert as_job > 2000


@pytest.mark.parametrize("step", ["wrong query", "wrong job"])
def test_what_is_wrong_reaches_the_user(answers: dict[str, Any], step: str) -> None:
    assert answers[step]["failed"] == "HTTPError"
    assert 'Unknown column "nothing"' in answers[step]["message"]


def test_login_token_and_logout(answers: dict[str, Any]) -> None:
    anonymous = "MAST tokens cannot be assigned or requested by anonymous users"
    assert anonymous in given(answers, "token of nobody")
    assert "Wrong user name or password" in answers["wrong password"]["message"]
    assert given(answers, "2.1 login") == [1, 0]
    unknown, known = given(answers, "2.1 token")
    assert "Server error when setting the token" in unknown
    assert "MAST token has been set successfully" in known
    assert given(answers, "private files with a token")
    assert anonymous in given(answers, "2.1 logout")
    assert "MAST token has been set successfully" in given(answers, "2.1 login by file with a token")
