"""The live page's bench: a real training is steered from a real browser, lines are seen, frames are counted."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec

import pytest

from tests.contracts.source import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.mark.slow
def test_a_real_training_follows_the_page_at_the_step_that_it_names_and_lines_are_seen_within_a_second() -> None:
    if CHROMIUM is None or find_spec("playwright") is None:
        pytest.skip("NOT RUN: needs Playwright, and a Chromium on the path")
    words = ("--runs", "3", "--points", "2000", "--seconds", "1", "--times", "3", "--chromium", CHROMIUM)
    command = [sys.executable, "-m", "bench.watch.page", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every rate of that run is the one that the page announced | yes" in done.stdout
    rates = re.search(r"from step (\d+); ([\d.e-]+) before, ([\d.e-]+) from there on", done.stdout)
    assert rates is not None
    assert float(rates[3]) == pytest.approx(float(rates[2]) / 2, rel=0.02)
    seen = re.search(r"until it is drawn: median, worst of 3 \| ([\d.]+),", done.stdout)
    assert seen is not None
    assert float(seen[1]) < 1.0
