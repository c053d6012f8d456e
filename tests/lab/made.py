"""Studies made up for tests of the strategy and the verdict: no training, only numbers."""

from collections.abc import Callable
from typing import Any

from calando.lab.strategy import still_wanted
from calando.records import Candidate, RunRecord, RunSpec, StudySpec

Outcome = float | str


def spec(*plans: str, **changes: Any) -> StudySpec:
    candidates = tuple(Candidate(plan, plan) for plan in plans or ("cosine()", "wsd()"))
    given: dict[str, Any] = {
        "question": "Which?",
        "train": "t.py:train",
        "horizon": 100,
        "candidates": candidates,
        "peaks": (0.1, 0.2, 0.4),
        "select_seeds": (0, 1),
        "confirm_seeds": (1000, 1001, 1002, 1003),
        "baseline": candidates[0].label,
    }
    return StudySpec(**{**given, **changes})


def record(run: RunSpec, outcome: Outcome) -> RunRecord:
    if isinstance(outcome, str):
        return RunRecord(run, outcome, reason="made up", steps=10)  # type: ignore[arg-type]
    return RunRecord(run, "done", final=outcome, steps=run.horizon)


def played(question: StudySpec, outcome: Callable[[RunSpec], Outcome], most: int = 10_000) -> dict[str, RunRecord]:
    """Play a study to its end, or for so many runs."""
    runs: dict[str, RunRecord] = {}
    while (wanted := still_wanted(question, runs)) and len(runs) < most:
        runs[wanted[0].key] = record(wanted[0], outcome(wanted[0]))
    return runs
