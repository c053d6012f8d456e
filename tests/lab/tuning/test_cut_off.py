"""A search that was cut off and goes on is the search that never was: the same runs, costs and verdict."""

from pathlib import Path
from typing import Any

import pytest

from calando.lab import resume, tune
from calando.lab.coordinator import Coordinator
from calando.lab.tune import tuned_of
from calando.records import Study

KEPT = str(Path(__file__).parents[1] / "trains" / "kept.py")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def search(place: str) -> Study:
    """Its first look shares much; what it shares after that is less than a twentieth of what it trains."""
    return tune(
        f"{KEPT}:train", "14runs", study=place, peaks=(0.02, 0.04, 0.08), steps=400, seeds=2, confirm_seeds=2,
        live=False, workers=2,
    )  # fmt: skip


def cut_off(place: str, after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real, finished = Coordinator._finish, [0]

    def finish(self: Coordinator, *args: Any) -> None:
        real(self, *args)
        finished[0] += 1
        if finished[0] == after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Coordinator, "_finish", finish)
        with pytest.raises(KeyboardInterrupt):
            search(place)


@pytest.mark.slow
def test_a_search_cut_off_after_its_first_look_shares_and_decides_as_if_it_was_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = search("whole")
    late = [run for run in whole.runs if run.reused and run.spec.horizon == 400]
    assert late, "nothing is shared after the first look, so this would prove nothing"
    cut_off("cut", 13, monkeypatch)
    again = resume("cut", live=False)
    assert {r.spec.key: (r.final, r.reused) for r in again.runs} == {
        r.spec.key: (r.final, r.reused) for r in whole.runs
    }
    assert tuned_of(again) == tuned_of(whole)
    assert again.verdict == whole.verdict
