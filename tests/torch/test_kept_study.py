"""PyTorch runs that share their trunks in a study equal those that are made alone from the beginning."""

from pathlib import Path

import pytest

import calando
from calando.records.run import RunRecord
from calando.torch import keep
from tests.torch.kept_runs import a_run, in_a_study, sources_of

CANDIDATES = ["warmup(5) | constant()", *(f"wsd(warmup=5, cooldown={n})" for n in (10, 40))]


def alone(record: RunRecord) -> calando.Run:
    with sources_of(keep):
        run = a_run(record.spec.plan, seed=record.spec.seed)
        in_a_study(run)
    return run


@pytest.mark.slow
def test_shared_trunks_change_no_bit_of_any_run(tmp_path: Path) -> None:
    study = calando.compare(
        f"{Path(__file__).parent / 'kept_runs.py'}:in_a_study", CANDIDATES,
        peaks=[0.05], seeds=1, confirm_seeds=1, steps=60, evals=6, extend=0, workers=1, humble=False, live=False,
        share=True, study=tmp_path / "study",
    )  # fmt: skip
    assert len(study.runs) == 3
    for record in study.runs:
        run = alone(record)
        assert {f"digest_{i}" for i in range(8)} <= record.curves.keys()  # everything kept, to the last bit
        assert dict(record.curves) == run.curves()
        assert (record.status, record.reason, record.final) == run.outcome()
    # The trunk is trained once; a cooldown's first update has the trunk's rate still.
    assert sum(record.steps - record.reused for record in study.runs) == 60 + (10 - 1) + (40 - 1)
