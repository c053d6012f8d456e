"""A JAX run that was killed goes on in another process as if it never had been, and a branch is the run made alone."""

import json
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from calando.errors import BadValue
from calando.lab import StopRun
from tests.contracts.source import ROOT
from tests.optax.under_a_run import BRANCH, HORIZON, PEAK, TRUNK, a_run, plain

STEPS = sorted({20, *random.Random(5).sample(range(1, HORIZON), 20)})
SOME = [13, 29]


def program(*words: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.optax.under_a_run", *map(str, words)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=280)


def whole(folder: Path, name: str, plan: str) -> dict[str, Any]:
    done = program("whole", folder, name, plan)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert found["outcome"][0] == "done"
    return dict(found)


@pytest.mark.slow
def test_a_run_killed_at_any_of_twenty_steps_and_a_branch_are_bit_for_bit_the_runs_made_alone(tmp_path: Path) -> None:
    for name, steps in (("plain", STEPS), ("equinox_module", SOME), ("flax_module", SOME)):
        assert program("die", tmp_path, name, *steps).returncode == -signal.SIGKILL
    done = program("go", tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    wanted: dict[tuple[str, str], Any] = {}
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == len(STEPS) + 1 + 2 * len(SOME)
    for name, step, plan, found in lines:
        if (name, plan) not in wanted:
            wanted[name, plan] = whole(tmp_path, name, plan)
        assert found == {**wanted[name, plan], "began": step}, (name, step, plan)
    assert wanted["plain", TRUNK]["digest"] != wanted["plain", BRANCH]["digest"]


def test_the_run_records_the_rate_that_jax_really_used_in_float32() -> None:
    run = a_run()
    plain(run)
    rates, asked = run.curves()["lr"].values, [PEAK * run.schedule(step) for step in range(HORIZON)]
    assert rates == pytest.approx(asked, rel=1e-6)
    assert rates != tuple(asked)  # PEAK is no number of float32


def test_without_a_peak_the_learning_rate_of_the_optimizer_stands() -> None:
    import optax

    from calando.lab import standalone

    run = standalone("linear_decay()", horizon=4, quiet=True)
    with pytest.raises(BadValue, match="learning_rate=1e-3"):
        run.attach(optax.sgd)
    _trained(run, run.attach(optax.sgd, learning_rate=0.5))
    assert run.curves()["lr"].values == (0.5, 0.375, 0.25, 0.125)
    assert not run.looked


def _trained(run: Any, optimizer: Any, *, forget: bool = False, twice: bool = False) -> None:
    import jax.numpy as jnp

    params = jnp.ones(2)
    state = run.hold(opt_state=optimizer.init(params))
    for _ in run.steps():
        _, new = optimizer.update(params, state.opt_state, params)
        _, new = optimizer.update(params, new, params) if twice else (None, new)
        if not forget:
            state.opt_state = new


@pytest.mark.parametrize(
    ("mistake", "words"),
    [({"forget": True}, "assign what each update returns"), ({"twice": True}, "2 updates of the optimizer in 1 turns")],
)
def test_a_loop_that_does_not_carry_the_state_or_updates_twice_is_told_so(mistake: Any, words: str) -> None:
    import optax

    run = a_run()
    with pytest.raises(StopRun, match=words):
        _trained(run, run.attach(optax.sgd), **mistake)


def test_a_rate_that_is_not_the_one_asked_for_ends_the_run() -> None:
    import optax

    import calando
    from calando.optax import attach

    run = a_run()
    run.attach(optax.sgd)
    other = attach(optax.sgd, calando.constant().bind(HORIZON), peak=PEAK)
    with pytest.raises(StopRun, match=r"asked for the rate 0 and used 0\.05"):
        _trained(run, other)
