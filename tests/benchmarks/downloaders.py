"""Ways to download the same files, each in a process of its own: ours, and those of others.

Each imports first and times its download loop alone, but for commands, where that is all they do. Verification and
progress are on, on our side. A client that is not installed gives None.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

from astropy.table import Table

from tests.clients.conftest import client_environment
from tests.clients.test_jwst_mast_query import VARIABLE

CONNECTIONS = 5
COMMON = textwrap.dedent(
    """
    import json, sys, time
    from astropy.table import Table

    def peak():
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

    url, table, folder = sys.argv[1:]
    products = Table.read(table)
    """
)
OURS = COMMON + textwrap.dedent(
    """
    from jwstmq_widgets.archives import open_archive
    from jwstmq_widgets.downloads import Manners, download, plan
    archive = open_archive(url)
    before, began = peak(), time.perf_counter()
    decided = plan(products, to=folder, layout="flat", archive=archive)
    manifest = download(decided, progress=lambda now: None, OPTIONS)
    seconds = time.perf_counter() - began
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}
    print(json.dumps({"seconds": seconds, "memory": peak() - before}))
    """
)
ASTROQUERY = COMMON + textwrap.dedent(
    """
    from astroquery.mast import Observations as observations
    portal = observations._portal_api_connection  # conf.server is read once, at import
    portal.MAST_DOWNLOAD_URL = url + "/api/v0.1/Download/file"
    began = time.perf_counter()
    manifest = observations.download_products(products, download_dir=folder)
    seconds = time.perf_counter() - began
    assert set(manifest["Status"].tolist()) == {"COMPLETE"}, set(manifest["Message"].tolist())
    print(json.dumps({"seconds": seconds}))
    """
)
PARFIVE = textwrap.dedent(
    """
    import json, sys, time
    from pathlib import Path
    from parfive import Downloader
    urls, folder = Path(sys.argv[1]).read_text().split(), sys.argv[2]
    began = time.perf_counter()
    downloader = Downloader(max_conn=5, max_splits=1, progress=False)
    for url in urls:
        downloader.enqueue_file(url, path=folder, filename=url.rpartition("/")[2])
    assert not downloader.download().errors
    print(json.dumps({"seconds": time.perf_counter() - began}))
    """
)


def made(folder: Path, names: list[str]) -> Table:
    """Make a list of products for files that are in a folder."""
    count = len(names)
    return Table(
        {
            "obsID": ["1"] * count,
            "obs_collection": ["JWST"] * count,
            "dataURI": [f"mast:JWST/product/{name}" for name in names],
            "productFilename": names,
            "obs_id": [name.rpartition("_")[0] for name in names],
            "size": [(folder / name).stat().st_size for name in names],
        }
    )


def addresses(url: str, products: Table) -> list[str]:
    return [f"{url}/api/v0.1/Download/file?uri={uri}" for uri in products["dataURI"].tolist()]


def told(command: list[str | Path], **more: object) -> dict[str, float]:
    """Run a program; gives what it printed last."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


def run(program: str, url: str, products: Table, folder: Path) -> dict[str, float]:
    table = folder.parent / f"{folder.name}.ecsv"
    products.write(table, overwrite=True)
    return told([sys.executable, "-c", program, url, str(table), str(folder)])


def measured(
    url: str, products: Table, folder: Path, *, workers: int = CONNECTIONS, more: str = ""
) -> dict[str, float]:
    """Have our own engine do it; gives its seconds and how much its memory grew."""
    return run(OURS.replace("OPTIONS", f"workers={workers}{more}"), url, products, folder)


def ours(url: str, products: Table, folder: Path, *, workers: int = CONNECTIONS, more: str = "") -> float:
    return measured(url, products, folder, workers=workers, more=more)["seconds"]


def astroquery(url: str, products: Table, folder: Path) -> float:
    return run(ASTROQUERY, url, products, folder)["seconds"]


def jwst_mast_query(url: str, products: Table, folder: Path) -> float | None:
    peer = Path(os.environ.get(VARIABLE, ""))
    if not os.environ.get(VARIABLE) or not (peer / "bin/python").exists():
        return None
    folder.mkdir()
    names = folder / "names.json"
    names.write_text(json.dumps(products["productFilename"].tolist()))
    loop = Path(__file__).with_name("jwst_mast_query_loop.py")
    environment = client_environment(url, folder / "home")
    seconds = told([peer / "bin/python", loop, url, names, folder], cwd=folder, env=environment)["seconds"]
    assert len(list((folder / "02733").iterdir())) == len(products)
    return seconds


def curl_script(url: str, products: Table, folder: Path) -> float:
    """MAST's way: one curl a file, one after the other, with the options of the script that the archive writes."""
    folder.mkdir()
    flags = "--globoff --location-trusted -f --progress-bar --create-dirs"
    lines = (f"curl {flags} --output './{i}' '{address}'" for i, address in enumerate(addresses(url, products)))
    (folder / "script.sh").write_text("\n".join(lines))
    return timed(["bash", "script.sh"], folder, len(products))


def curl_parallel(url: str, products: Table, folder: Path) -> float:
    """One curl, its transfers in parallel over kept connections: no checks, no ``.part``, no fsync, no ledger."""
    folder.mkdir()
    lines = (f'url = "{address}"\noutput = "{number}"' for number, address in enumerate(addresses(url, products)))
    (folder / "curl.cfg").write_text("\n".join(lines))
    command = ["curl", "-sS", "-f", "-Z", "--parallel-max", str(CONNECTIONS), "-K", "curl.cfg"]
    return timed(command, folder, len(products))


def aria2c(url: str, products: Table, folder: Path) -> float | None:
    if not shutil.which("aria2c"):
        return None
    folder.mkdir()
    lines = (f"{address}\n  out={number}" for number, address in enumerate(addresses(url, products)))
    (folder / "input.txt").write_text("\n".join(lines))
    command = ["aria2c", "-q", "-i", "input.txt", f"-j{CONNECTIONS}", "-x1", "--file-allocation=none"]
    return timed(command, folder, len(products))


def parfive(url: str, products: Table, folder: Path) -> float | None:
    if importlib.util.find_spec("parfive") is None:
        return None
    folder.mkdir()
    (folder / "urls.txt").write_text("\n".join(addresses(url, products)))
    return told([sys.executable, "-c", PARFIVE, str(folder / "urls.txt"), str(folder / "files")])["seconds"]


def spliced(url: str, products: Table, folder: Path, *, connections: int = CONNECTIONS) -> float | None:
    """The limit: the kernel's own copy. Only Linux has it."""
    if sys.platform != "linux":
        return None
    listed = folder.parent / f"{folder.name}.txt"
    listed.write_text("\n".join(addresses(url, products)))
    done = told([sys.executable, "-m", "tests.benchmarks.splicer", str(folder), str(connections), str(listed)])
    assert done["bytes"] == int(products["size"].sum())
    return done["seconds"]


def timed(command: list[str], folder: Path, count: int) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, stdin=subprocess.DEVNULL)
    seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stderr[-2000:]
    assert sum(path.is_file() for path in folder.rglob("*")) > count  # its list is there, too
    return seconds


PEERS: dict[str, Callable[[str, Table, Path], float | None]] = {
    "astroquery": astroquery,
    "jwst_mast_query": jwst_mast_query,
    "curl script": curl_script,
    "parfive": parfive,
    "aria2c": aria2c,
    "curl -Z": curl_parallel,
    "splice": spliced,
}
"""Name to a client: URL of the server, products and a folder that is not there yet to seconds."""
