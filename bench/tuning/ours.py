"""`tune` on the same footing: the strategy replayed on the recorded curves, and `calando.tune` live."""

import tempfile
from dataclasses import replace
from pathlib import Path

from bench.tuning.grid import EVALS, PEAKS, SEEDS, SHAPES, STEPS, Cell, budget, middle, plan
from bench.tuning.recorded import Recorded
from calando.lab.executors.replay import replay
from calando.lab.tune import tune, tuned_of
from calando.lab.tuning.opening import shuffled
from calando.lab.tuning.strategy import TuneStrategy
from calando.records import Candidate, RunRecord, RunSpec, StudySpec
from calando.records.tuning import TuneSpec

__all__ = ["kind", "live", "replayed"]

BASELINE = "cosine"  # what the user has been training with
ROOT = Path(__file__).parents[2]


def replayed(recorded: Recorded, share: float, seed: int, shared: bool = False) -> tuple[Cell | None, int]:
    """What the strategy of `tune` chooses when it is answered from the records, and the steps that it spent.

    All of the budget chooses: nothing is kept for a confirmation on fresh seeds, as the rivals have none. With `shared`
    a stage that several runs have in common is paid for once, as in the product.
    """
    name = recorded.name
    full, steps = STEPS[name], budget(name, share)
    question = StudySpec(
        "replay",
        f"bench/workloads/{name}.py:train",
        full,
        tuple(Candidate(label, plan(text)) for label, text in SHAPES.items()),
        peaks=tuple(middle(name, index) for index in range(PEAKS)),
        select_seeds=SEEDS,
        baseline=BASELINE,
        evals=EVALS,
    )
    horizons = tuple(full // divisor for divisor in (8, 4, 1))
    search = TuneSpec(f"{steps} steps", steps, horizons, prove=0.0, probe=False, share=shared, seed=seed)
    strategy = TuneStrategy(question, search, available=recorded.offers)

    def answer(run: RunSpec) -> RunRecord | None:
        found = recorded.plain(run)
        return None if found is None else replace(found, spec=run)

    made = replay(strategy, answer, steps, share=shared)
    told = strategy.tuned()
    return (None if told.peak is None else (plan(told.plan), told.peak)), made.trained


def kind(seed: int) -> tuple[object, ...]:
    """What a study seed decides: the order of the recorded seeds, and which half of the lattice is read first."""
    return shuffled(SEEDS, seed), seed % 2


def live(name: str, share: float, seed: int) -> tuple[Cell | None, int]:
    """What `calando.tune` chooses when it really trains, as it comes, in a study folder that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        study = tune(
            f"{ROOT}/bench/workloads/{name}.py:train",
            budget(name, share),
            dict(SHAPES),
            peaks=[middle(name, index) for index in range(PEAKS)],
            baseline=plan(SHAPES[BASELINE]),
            humble=False,
            seed=seed,
            workers=1,
            study=Path(folder) / "study",
            live=False,
        )
        told = tuned_of(study)
    chosen = None if told is None or told.peak is None else (plan(told.plan), told.peak)
    return chosen, 0 if told is None else told.spent
