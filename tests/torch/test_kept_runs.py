"""A run that was interrupted, and one that branches off another, equal the one never interrupted, to the last bit."""

import json
import os
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
from torch.utils.data import DataLoader

import calando
from calando.lab.run import Run
from calando.lab.snapshot import load
from tests.torch.kept_runs import HORIZON, KINDS, a_run, command, result, snapshots

ROOT = Path(__file__).parents[2]
TWENTY = sorted(random.Random(20).sample(range(1, HORIZON), 20))
"""Random steps; some of them are ends of a pass over the data, which has 7 batches."""


def asked(kind: str) -> list[int]:
    return TWENTY if kind in ("sgd", "adamw") else [10, 31, 42] if kind == "workers" else [1, 7, 20, 33, 56]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], list[dict[str, Any]]]]:
    """For each kind the run never interrupted, and those that went on from its snapshots in a fresh process."""
    whole, refs = {}, {}
    for kind in KINDS:
        whole[kind], refs[kind] = snapshots(kind, str(tmp_path_factory.mktemp("place")), asked(kind))
    done = subprocess.run(command(refs), cwd=ROOT, env=dict(os.environ), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {kind: (whole[kind], [one for one in found if one["kind"] == kind]) for kind in KINDS}


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_run_resumed_in_a_fresh_process_equals_the_uninterrupted_one(kind: str, told: Any) -> None:
    whole, resumed = told[kind]
    assert whole["outcome"][0] == "done"
    assert [one["began"] for one in resumed] == asked(kind)
    for one in resumed:
        assert {name: one[name] for name in whole} == whole, f"resumed at {one['began']}"


def test_some_of_the_random_steps_are_ends_of_a_pass() -> None:
    assert len(TWENTY) == 20
    assert any(step % 7 == 0 for step in TWENTY)


def test_writing_snapshots_changes_nothing(tmp_path: Path) -> None:
    with_them, _ = snapshots("noisy", str(tmp_path), range(1, HORIZON, 5))
    assert with_them == result(a_run(), "noisy")
    assert with_them["outcome"][0] == "done"


def test_a_branch_from_a_trunk_equals_its_own_run(tmp_path: Path) -> None:
    trunk, branch = "warmup(5) | constant()", "wsd(warmup=5, cooldown=20)"
    _, (ref,) = snapshots("adamw", str(tmp_path), [40], trunk)
    run = a_run(branch, start=load(ref))
    assert result(run, "adamw") == result(a_run(branch), "adamw")
    assert run.began == 40
    assert run.curves()["lr"].values[-1] < 0.05 * 0.1


def test_a_branch_from_a_branch_equals_its_own_run(tmp_path: Path) -> None:
    _, (first,) = snapshots("noisy", str(tmp_path), [20], "constant()")
    later: list[Any] = []
    middle = a_run(
        "constant(1, 30) | linear_decay()", start=load(first), place=str(tmp_path), keep_at=[45],
        reached=lambda *told: later.append(told[2]),
    )  # fmt: skip
    result(middle, "noisy")
    last = "constant(1, 30) | linear_decay()"
    run = a_run(last, start=load(later[0]))
    assert result(run, "noisy") == result(a_run(last), "noisy")
    assert (middle.began, run.began) == (20, 45)


def test_a_listener_goes_on_with_what_it_heard(tmp_path: Path) -> None:
    plan = "reduce_on_plateau(cosine(end=0.5), factor=0.5, patience=0, threshold=0.9)"
    whole, refs = snapshots("sgd", str(tmp_path), [25, 47], plan)
    for ref in refs:
        run = a_run(plan, start=load(ref))
        assert result(run, "sgd") == whole
        assert run.began == ref.step
    rates = [float.fromhex(rate) for rate in whole["curves"]["lr"][1]]
    assert rates[-1] < 0.05 * 0.5 * 0.5  # it was reduced on the way


def test_a_shorter_horizon_shares_the_same_past(tmp_path: Path) -> None:
    _, (ref,) = snapshots("adamw", str(tmp_path), [9], "constant()")

    def shorter(**settings: Any) -> Run:
        return Run(calando.constant().bind(30), seed=3, peak=0.05, evals=3, **settings)

    run = shorter(start=load(ref))
    assert result(run, "adamw") == result(shorter(), "adamw")
    assert run.began == 9


def test_workers_that_stay_cost_the_snapshots_and_not_the_run(tmp_path: Path) -> None:
    told: list[Any] = []
    loader = DataLoader(list(range(16)), batch_size=4, num_workers=1, persistent_workers=True)
    run = a_run(place=str(tmp_path), keep_at=[3], opened=lambda run: told.append(run.kept),
                reached=lambda *all_of_it: told.append(all_of_it[2:]))  # fmt: skip
    run.keep(dice=random.Random(1))
    for _ in run.steps(loader):
        run.log(val_loss=run.lr)
        if run.step == 5:
            break
    reason = "a DataLoader with persistent_workers=True cannot be kept"
    assert told[0] == ()
    assert told[1][0] is None
    assert told[1][1].startswith(reason)
    assert run.unkept.startswith(reason)
