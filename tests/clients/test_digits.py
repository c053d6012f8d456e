"""The digits example: a plain script, and a study that is the same to the last bit whenever it runs."""

import importlib.util
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from calando.errors import BadFile
from calando.lab.executors.machine import cores
from calando.records import Study, load

DIGITS = Path(__file__).parents[2] / "examples" / "digits_torch.py"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="NOT RUN: needs PyTorch"),
    pytest.mark.skipif(importlib.util.find_spec("sklearn") is None, reason="NOT RUN: needs scikit-learn"),
]


def compared(folder: Path, study: str, *plans: str) -> Study:
    done = subprocess.run(typed(study, *plans), cwd=folder, capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stderr
    assert "VERDICT" in done.stdout
    return load(folder / study)


def typed(study: str, *plans: str) -> list[str]:
    return [
        *(sys.executable, "-m", "calando", "compare", f"{DIGITS}:train"),
        *("--candidates", *plans, "--no-humble"),
        *(
            "--peaks",
            "0.1",
            "--steps",
            "120",
            "--confirm-seeds",
            "2",
            "--study",
            study,
            "--no-report",
            "--workers",
            str(cores()),
        ),
    ]


def test_it_runs_as_a_plain_script() -> None:
    done = subprocess.run([sys.executable, str(DIGITS)], capture_output=True, text=True, check=True, timeout=280)
    last = done.stdout.splitlines()[-1]
    assert last.startswith("step 400/400")
    assert done.stderr == ""
    assert float(last.split("val_accuracy ")[1].split()[0]) > 0.9


def test_every_run_is_bit_reproducible_in_any_order_and_company(tmp_path: Path) -> None:
    shared = compared(tmp_path, "one way", "warmup(5%) | cosine()", "step_decay(every=30%)")
    again = compared(tmp_path, "the other", "step_decay(every=30%)", "warmup(5%) | cosine()")
    assert {r.spec.key: (r.final, r.curves) for r in shared.runs} == {
        r.spec.key: (r.final, r.curves) for r in again.runs
    }
    assert len({r.final for r in shared.runs}) == len(shared.runs)
    for run in shared.runs:
        assert run.status == "done"
        assert run.notes == ()
        assert len(run.curve("lr")) == 120
        assert run.curve("val_accuracy").last > 0.5


@pytest.mark.nightly
def test_killed_three_times_it_reaches_the_same_verdict_and_repeats_no_finished_run(tmp_path: Path) -> None:
    plans = ("warmup(5%) | cosine()", "step_decay(every=30%)", "constant()")
    chance, undisturbed = random.Random(), compared(tmp_path, "undisturbed", *plans)
    runs = 0
    for kill in (1, 2, 3):
        process = subprocess.Popen(typed("killed", *plans), cwd=tmp_path, stderr=subprocess.DEVNULL)
        while runs < kill and process.poll() is None:
            time.sleep(0.1)
            try:
                runs = len(load(tmp_path / "killed").runs)
            except BadFile:
                continue
        time.sleep(chance.uniform(0, 0.5))
        process.kill()
        process.wait()
        print(f"kill {kill}: {len(load(tmp_path / 'killed').runs)} of {len(undisturbed.runs)} runs finished")
    study = compared(tmp_path, "killed", *plans)
    assert study.verdict == undisturbed.verdict
    ended = Counter(a.key for a in study.attempts if a.outcome in ("done", "diverged", "failed"))
    assert set(ended.values()) == {1}
    assert len(ended) == len(study.runs)
