"""Twelve candidates that part late, three seeds: half the steps of a real training, and the same records."""

from pathlib import Path

import pytest

from calando.lab import compare
from calando.records import RunRecord, Study

NET = Path(__file__).parent.parent / "trains" / "net.py"
HORIZON = 120
DROPS = tuple(f"multistep(milestones=[{60 + 8 * i}, {100 + 3 * i}])" for i in range(6))
COOLDOWNS = tuple(f"wsd(warmup=6, cooldown={12 + 9 * i})" for i in range(6))


def study(name: str, *, share: bool) -> Study:
    return compare(
        f"{NET}:train", [*DROPS, *COOLDOWNS], peaks=[0.01], confirm_seeds=3, steps=HORIZON, evals=6, workers=2,
        humble=False, live=False, study=name, share=share,
    )  # fmt: skip


def told(run: RunRecord) -> tuple:
    """All that a run says about the training, without when it was made and by whom."""
    return run.spec, run.status, run.reason, run.final, run.steps, dict(run.curves), run.notes


@pytest.mark.slow
def test_sharing_halves_the_steps_and_changes_no_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    alone, shared = study("alone", share=False), study("shared", share=True)
    assert len(alone.runs) == len(shared.runs) == 36
    assert all(run.status == "done" for run in alone.runs)
    assert alone.spent.trained == 36 * HORIZON == shared.spent.alone
    print(f"{shared.spent.trained:,} steps instead of {alone.spent.trained:,}")
    assert 2 * shared.spent.trained <= alone.spent.trained
    assert {run.spec.key: told(run) for run in shared.runs} == {run.spec.key: told(run) for run in alone.runs}
    assert shared.verdict == alone.verdict
    assert len({run.curve("state").last for run in alone.runs}) == 36  # each one really is a training of its own
