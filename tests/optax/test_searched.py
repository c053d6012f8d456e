"""`calando tune` with real workers of JAX."""

from pathlib import Path
from typing import Any

import pytest

from calando.lab import tune

TRAIN = str(Path(__file__).with_name("searched.py"))


@pytest.mark.parametrize(("peaks", "lowest"), [((0.2, 0.05), 0.05), (None, 1e-4)])
def test_a_factory_without_a_rate_of_its_own_is_probed_at_the_lowest_peak(
    peaks: Any, lowest: float, tmp_path: Path
) -> None:
    study = tune(f"{TRAIN}:train", "4runs", peaks=peaks, humble=False, live=False, workers=1, study=tmp_path / "s")
    (probe,) = (run for run in study.runs if run.spec.phase == "probe")
    assert (probe.status, probe.reason) == ("done", "")
    assert probe.curve("lr").values == pytest.approx([lowest] * probe.steps)
    assert study.verdict is not None
    assert study.verdict.cost.failed == 0
    assert study.verdict.leader is not None
