"""A loop of one's own, not `model.fit`, under `calando tune` with real workers: what is shared and what comes out."""

from pathlib import Path
from typing import Any

from calando.lab import tune
from calando.records import RunRecord

TRAIN = f"{Path(__file__).with_name('trains.py')}:looped"
PLANS = ("wsd(warmup=2, cooldown=6)", "warmup(2) | constant()")


def searched(place: Path, share: bool) -> dict[str, RunRecord]:
    study = tune(
        TRAIN, "3runs", PLANS, steps=30, evals=3, peaks=[0.01], seeds=1, horizons=[], prove=0, share=share,
        baseline=PLANS[-1], humble=False, live=False, workers=1, study=place,
    )  # fmt: skip
    assert study.verdict is not None
    return {run.spec.key: run for run in study.runs}


def what_came(run: RunRecord) -> Any:
    return run.status, run.reason, run.final, run.steps, dict(run.curves)


def test_a_search_that_shares_gives_every_run_bit_for_bit_as_one_that_does_not(tmp_path: Path) -> None:
    """Dropout, moving statistics, momentum, a running metric and NumPy's shuffling among what has to come back."""
    shared, alone = searched(tmp_path / "shared", share=True), searched(tmp_path / "alone", share=False)
    assert set(shared) == set(alone)
    assert not any(run.reused for run in alone.values())
    assert sum(run.reused for run in shared.values()) >= 20
    for key in shared:
        assert shared[key].status == "done", shared[key].traceback
        assert what_came(shared[key]) == what_came(alone[key]), key
    assert len({run.curve("digest").last for run in alone.values()}) == len(alone) == 3
