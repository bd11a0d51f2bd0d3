"""How long the import takes."""

import statistics
import subprocess
import sys
import time

import pytest

LIMIT = 0.2
"""Seconds beyond Python's own start."""


def _seconds(code: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - begin


@pytest.mark.benchmark
def test_the_import_takes_under_a_fifth_of_a_second_beyond_pythons_start():
    pairs = [(_seconds("import jwstmq_widgets"), _seconds("pass")) for _ in range(7)]
    assert statistics.median(imported - plain for imported, plain in pairs) < LIMIT
