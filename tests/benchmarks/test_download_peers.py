"""Downloads against those of others, all on all sets of files in one run, at five connections where a client has them.

Prints a table of how many times longer each took than ours, and writes it to ``tests/output/downloads.md``. The sets
are those that peers were compared on, smaller where one of them would take minutes. At 100 ms every request, and every
new connection, waits that long, and a connection brings 20 MB/s. All is in memory where there is room, ours with fsync.
Ours is the mean of a run before all others and one after them.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.benchmarks.downloaders import CONNECTIONS, PEERS, made, ours
from tests.benchmarks.fileserver import file_server, make_fits
from tests.benchmarks.webserver import nginx_server

pytestmark = pytest.mark.benchmark

OUTPUT = Path(__file__).parents[1] / "output" / "downloads.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSet:
    """Files of one kind."""

    count: int
    size: int
    latency: float = 0.0
    kind: str = "rate.fits"

    @property
    def name(self) -> str:
        size = f"{self.size / 1e6:g} MB" if self.size >= 1e5 else f"{self.size / 1e3:g} kB"
        what = f"{self.count:,} × {size if self.size >= 1000 else 'tiny'}"
        return f"{what}, {self.latency * 1e3:.0f} ms" if self.latency else what

    def make(self, folder: Path) -> list[str]:
        """Make the files; gives their names."""
        folder.mkdir()
        names = [f"jw02733{number:05d}_02101_00001_mirimage_{self.kind}" for number in range(self.count)]
        for name in names:
            if self.kind.endswith("json"):
                (folder / name).write_text(f'{{"name": "{name}"}}')
            else:
                make_fits(folder / name, self.size // 2880 * 2880)
        return names


SETS = [
    WorkSet(count=50, size=300_000, latency=0.1),
    WorkSet(count=15, size=30_000, latency=0.1),
    WorkSet(count=15, size=100, latency=0.1, kind="asn.json"),
    WorkSet(count=4, size=10_000_000, latency=0.1),
    WorkSet(count=80, size=300_000),
    WorkSet(count=300, size=30_000),
    WorkSet(count=600, size=100, kind="asn.json"),
    WorkSet(count=4, size=125_000_000),
]


def compare(work: WorkSet, disk: Path) -> dict[str, float]:
    """Have all download one set; gives the seconds of each."""
    served, taken = disk / "served", {}
    names = work.make(served)
    products = made(served, names)
    server = file_server(served, cap=20e6, latency=work.latency) if work.latency else nginx_server(served)
    with server as url:
        first = ours(url, products, disk / "ours")
        shutil.rmtree(disk / "ours")
        for name, client in PEERS.items():
            folder = disk / name.replace(" ", "")
            seconds = client(url, products, folder)
            if seconds is not None:
                taken[name] = seconds
            shutil.rmtree(folder, ignore_errors=True)
        taken["ours"] = (first + ours(url, products, disk / "again")) / 2
    shutil.rmtree(disk / "again")
    shutil.rmtree(served)
    return taken


def table_of(results: dict[str, dict[str, float]]) -> str:
    lines = [f"| files @{CONNECTIONS} | ours, s | {' | '.join(PEERS)} |", f"|---|{'---|' * (len(PEERS) + 1)}"]
    for name, taken in results.items():
        ratios = [f"{taken[peer] / taken['ours']:.2f}" if peer in taken else "not here" for peer in PEERS]
        lines.append(f"| {name} | {taken['ours']:.2f} | {' | '.join(ratios)} |")
    return "\n".join(lines)


@pytest.mark.long
def test_every_peer_on_every_set_of_files(disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = {work.name: compare(work, disk) for work in SETS}
    text = table_of(results)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(f"How many times longer each took than ours.\n\n{text}\n")
    with capsys.disabled():
        print(f"\ntimes as long as ours:\n{text}")
    for work in SETS:
        times = {peer: seconds / results[work.name]["ours"] for peer, seconds in results[work.name].items()}
        if work.latency and work.size < 1e6:
            assert times["astroquery"] >= (12 if work.count >= 50 else 9)  # of few, the connections' beginning counts
            assert times.get("jwst_mast_query", 9.0) >= (4 if work.count >= 50 else 3)
            assert times.get("aria2c", 1.0) >= 0.9
            assert times.get("splice", 1.0) >= 0.8
        elif work.size >= 1e8:
            assert times.get("aria2c", 9.0) >= 1.2
            assert times.get("parfive", 9.0) >= 1.2
        elif not work.latency:
            assert times["astroquery"] >= 1.2
            assert times["curl script"] >= 1.2
