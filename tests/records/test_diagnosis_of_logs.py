"""The same run reads the same whichever tool wrote its log."""

import json
from pathlib import Path

import numpy as np
import pytest

from bench.watch.labelled.cases import cases
from bench.watch.labelled.recording import load
from calando.core.text import parse
from calando.records.diagnosis import diagnose
from calando.records.diagnosis.observe import from_log
from calando.records.logs import read_logs

SHOWN = {
    "overfitting": "few 60",
    "plateau at low LR": "power=12",
    "LR too low": "wsd(warmup=5%, cooldown=20%)",
    "healthy": "one_cycle()",
}


@pytest.fixture(scope="module")
def runs():
    results = load("judge")
    found = {}
    for case in cases("judge"):
        for kind, part in SHOWN.items():
            if case.kind == kind and case.recipe.task == "hours" and part in case.name:
                found[kind] = (case.recipe, results[case.recipe])
    assert set(found) == set(SHOWN)
    return found


def blocks(recipe, run, every):
    """Mean losses over stretches of updates, with the updates made by then and the rate of the last one."""
    rates = recipe.used()
    for last in range(every, len(run.train) + 1, every):
        yield last, float(np.mean(run.train[last - every : last])), float(rates[last - 1])


def transformers(path, recipe, run):
    history = [
        {"step": n, "epoch": n / 100, "loss": loss, "learning_rate": lr} for n, loss, lr in blocks(recipe, run, 10)
    ]
    history += [{"step": n + 1, "epoch": n / 100, "eval_loss": v} for n, v in zip(run.val_at, run.val, strict=True)]
    state = {"log_history": sorted(history, key=lambda one: one["step"]), "max_steps": recipe.steps, "global_step": 500}
    (path / "trainer_state.json").write_text(json.dumps(state))


def lightning(path, recipe, run):
    rows = ["epoch,lr-Adam,step,train_loss,val_loss"]
    rows += [f"0,{lr},{n - 1},{loss}," for n, loss, lr in blocks(recipe, run, 10)]
    rows += [f"0,,{n},,{v}" for n, v in zip(run.val_at, run.val, strict=True)]
    (path / "metrics.csv").write_text("\n".join(rows) + "\n")


def keras(path, recipe, run):
    rows = ["epoch,learning_rate,loss,val_loss"]
    vals = np.interp(np.arange(20, 501, 20) - 1, run.val_at, run.val)
    rows += [f"{i},{lr},{loss},{vals[i]}" for i, (_, loss, lr) in enumerate(blocks(recipe, run, 20))]
    (path / "log.csv").write_text("\n".join(rows) + "\n")


@pytest.mark.parametrize("write", [transformers, lightning, keras], ids=lambda f: f.__name__)
@pytest.mark.parametrize("kind", SHOWN)
def test_a_recorded_run_is_told_from_the_log_of_another_tool(write, kind, runs, tmp_path: Path):
    write(tmp_path, *runs[kind])
    (log,) = read_logs(tmp_path)
    assert kind in [finding.kind for finding in diagnose(from_log(log))]


@pytest.mark.parametrize("edge", [0, 1])
def test_a_rate_that_a_log_by_the_epoch_tells_before_or_after_the_scheduler_s_step_was_as_asked(tmp_path, edge):
    plan = parse("wsd(warmup=5%, cooldown=30%)").bind(320)
    lines = ["epoch,loss,learning_rate"]
    lines += [f"{epoch},{2 / (epoch + 1):.4f},{0.01 * plan(8 * epoch + 7 + edge):.9g}" for epoch in range(40)]
    path = tmp_path / "log.csv"
    path.write_text("\n".join(lines) + "\n")
    (log,) = read_logs(path, steps_per_epoch=8)
    found = [one.kind for one in diagnose(from_log(log, plan=str(plan.plan), peak=0.01))]
    assert "LR not as asked" not in found
