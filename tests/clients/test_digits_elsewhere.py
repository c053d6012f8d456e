"""The digits in JAX and in Keras: plain scripts, and studies with real workers whose candidates share a trunk."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from calando.records import load

EXAMPLES = Path(__file__).parents[2] / "examples"
ENVIRONMENT = os.environ | {"KERAS_BACKEND": "jax", "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"}
WANTS = {"digits_jax": ("jax", "optax"), "digits_keras": ("keras", "jax")}

pytestmark = pytest.mark.slow


def asked(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=280,
    )  # fmt: skip


def needs(example: str) -> Path:
    for name in (*WANTS[example], "sklearn"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"NOT RUN: needs {name}")
    return EXAMPLES / f"{example}.py"


@pytest.mark.parametrize("example", WANTS)
def test_it_runs_as_a_plain_script(example: str, tmp_path: Path) -> None:
    done = asked(tmp_path, str(needs(example)))
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("step 400/400")
    assert float(last.split("val_accuracy ")[1].split()[0]) > 0.9


@pytest.mark.parametrize("example", WANTS)
def test_it_is_compared_and_every_run_used_the_rates_of_its_candidate(example: str, tmp_path: Path) -> None:
    plans = ("wsd(warmup=2, cooldown=31)", "linear_decay()")
    done = asked(
        tmp_path,
        *("-m", "calando", "compare", f"{needs(example)}:train", "--candidates", *plans, "--no-humble"),
        *("--peaks", "0.1", "--steps", "93", "--evals", "3", "--seeds", "1", "--confirm-seeds", "2"),
        *("--study", "s", "--no-report", "--workers", "1"),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "VERDICT" in done.stdout
    study = load(tmp_path / "s")
    assert {run.status for run in study.runs} == {"done"}, [run.reason for run in study.runs]
    from calando import parse

    for run in study.runs:
        schedule = parse(run.spec.plan).bind(93, steps_per_epoch=31)
        assert run.curve("lr").values == pytest.approx([0.1 * schedule(step) for step in range(93)], rel=1e-5)
        assert run.curve("val_accuracy").last > 0.6
