"""Lightning's metrics.csv: sparse rows, counted from 0; every number at the update that it belongs to."""

import json
from pathlib import Path

import pytest

from calando.records.logs import read_logs


@pytest.mark.parametrize("every", [1, 4])
def test_losses_and_rates_stand_at_the_updates_that_the_real_trainer_made(torch_files: Path, every: int) -> None:
    (log,) = read_logs(torch_files / "lightning" / f"every{every}")
    told = json.loads((torch_files / "lightning" / f"every{every}.json").read_text())
    assert (log.kind, log.unit, log.name) == ("lightning", "step", f"every{every}/version_0")
    assert (log.loss, log.val_loss, log.lr) == ("train_loss", "val_loss", "lr-SGD")
    losses, rates = log.column("train_loss"), log.column("lr-SGD")
    assert losses.steps.tolist() == rates.steps.tolist() == list(range(every, 41, every))
    assert [told["losses"][n - 1] for n in losses.steps] == pytest.approx(losses.values.tolist(), rel=1e-6)
    assert [told["used"][n - 1] for n in rates.steps] == rates.values.tolist()
    assert log.column("val_loss").steps.tolist() == [8, 16, 24, 32, 40]  # after each of five epochs of eight updates
    assert log.problems == ()
    assert log.notes == ()
