"""Flax NNX and Equinox train on digits: the rate that each update used is the plan's, also after a resume elsewhere.

Versions that this was written against: jax 0.10.2, optax 0.2.8, flax 0.12.8, equinox 0.13.8, orbax-checkpoint 0.12.8.
"""

import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.clients.jax_hosts import equinox_run, flax_run
from tests.clients.jax_hosts.measure import CUT, PEAK, SCHEDULE, UPDATES
from tests.contracts.source import ROOT

PLANNED = PEAK * SCHEDULE(np.arange(UPDATES))

pytestmark = pytest.mark.slow


def resumed(host: str, folder: Path) -> dict[str, Any]:
    """What the rest of a run, in a fresh process, says."""
    command = [sys.executable, "-m", f"tests.clients.jax_hosts.{host}_run", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("host", [flax_run, equinox_run], ids=["flax", "equinox"])
def test_every_update_used_the_planned_rate_and_a_resume_in_a_fresh_process_goes_on_without_a_jump(
    host: ModuleType, tmp_path: Path
) -> None:
    whole = host.first(tmp_path)
    assert whole["clock"] == UPDATES
    # the rate is read off one parameter's change, which costs a few roundings in float32
    assert np.allclose(whole["used"], PLANNED, rtol=1e-6, atol=1e-9)
    assert np.mean(whole["losses"][-5:]) < 0.5 * whole["losses"][0]
    rest = resumed(host.__name__.rpartition(".")[2].removesuffix("_run"), tmp_path)
    assert rest["clock"] == UPDATES
    assert len(rest["used"]) == UPDATES - CUT
    assert np.allclose(rest["used"], PLANNED[CUT:], rtol=1e-6, atol=1e-9)
    assert rest["used"] == whole["used"][CUT:]
    assert rest["losses"] == whole["losses"][CUT:]
