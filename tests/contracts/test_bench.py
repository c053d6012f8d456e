"""The benchmarks run, and compare like with like."""

import subprocess
import sys

import pytest

from tests.contracts.source import ROOT


@pytest.mark.slow
def test_the_frameworks_are_measured_beside_their_own_schedules() -> None:
    command = [sys.executable, "bench/frameworks.py", "--quick", "optax"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    for what in ("one call", "compiled step", "100,000 values"):
        assert done.stdout.count(what) == 5


@pytest.mark.slow
def test_two_curves_that_differ_are_not_compared() -> None:
    planted = "import bench.frameworks as b; ours = b.optax_curves()[0]._replace(text='cosine(end=0.2)')"
    planted += "; b.optax_curves = lambda: [ours]; list(b.rows('optax', 1))"
    command = [sys.executable, "-c", planted]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)
    assert done.returncode == 1
    assert "not the same curve at step 1000" in done.stderr
