import subprocess
import sys

import pytest

# Columns of 4 MB come and go on threads; each leaves something small behind, as caches do.
WORK = """
import sys, threading
import numpy as np
from jwstmq_widgets.exploration.memory import give_back_large_blocks

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def work():
    for _ in range(3):
        table = [np.ones(500_000) for _ in range(4)]
        kept.append(np.ones(300))

kept = []
if sys.argv[1] == "fixed" and not give_back_large_blocks():
    print("another library")
    raise SystemExit
np.ones(4_000_000)  # a block that large, freed, raises glibc's own limit
before = resident()
barrier = threading.Barrier(8)
threads = [threading.Thread(target=lambda: (barrier.wait(), work(), barrier.wait())) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(resident() - before)
"""


def _grown(how: str, **environment: str) -> str:
    command = [sys.executable, "-c", WORK, how]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=environment)
    return ended.stdout.strip()


def test_the_memory_of_tables_that_threads_drop_goes_back_to_the_system() -> None:
    grown = _grown("fixed")
    if not grown.isdigit():
        pytest.skip("memory is not given by glibc here")
    assert int(grown) < 20_000_000
    assert int(_grown("as it is")) > 2 * int(grown)  # else glibc has changed, and this is not needed any more


def test_who_has_chosen_a_limit_keeps_it() -> None:
    assert _grown("fixed", MALLOC_MMAP_THRESHOLD_="4000000") == "another library"
