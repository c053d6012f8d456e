"""`tune` on the recorded language-model runs: the strategy itself, answered by the records."""

from collections.abc import Sequence
from random import Random

from bench.llama_rivals import Choice, Rival, Setting
from calando.lab.executors.recorded import Recorded
from calando.lab.executors.replay import replay
from calando.lab.tuning.strategy import TuneStrategy
from calando.records.run import RunSpec
from calando.records.study import Candidate, StudySpec
from calando.records.tuning import TuneSpec

SHORT = (15_000, 25_000, 35_000)
EVALS = 20


def tuned(seeds: tuple[int, ...]) -> Rival:
    """`tune` with so many replicates as seeds: most settings were recorded once, some twice."""

    def choose(library: Recorded, settings: Sequence[Setting], full: int, budget: int, random: Random) -> Choice:
        return _tuned(library, settings, full, budget, random, seeds)

    return choose


def _tuned(
    library: Recorded,
    settings: Sequence[Setting],
    full: int,
    budget: int,
    random: Random,
    seeds: tuple[int, ...],
) -> Choice:
    """What the strategy of `tune` chooses among these settings; all of the budget chooses, nothing is kept to prove."""
    plans = sorted({plan for plan, _ in settings})
    known = set(settings)

    def available(run: RunSpec) -> bool:
        return run.peak is not None and (run.plan, run.peak) in known and library.offers(run)

    question = StudySpec(
        "Which schedule for 50,000 updates of a 124M language model?",
        "llama 124M",
        full,
        tuple(Candidate(plan, plan) for plan in plans),
        peaks=tuple(sorted({peak for _, peak in settings})),
        select_seeds=seeds,
        baseline="warmup(300) | cosine()" if "warmup(300) | cosine()" in plans else plans[0],
        evals=EVALS,
    )
    horizons = (*(horizon for horizon in SHORT if horizon < full), full)
    search = TuneSpec(f"{budget} steps", budget, horizons, prove=0.0, probe=False, seed=random.randrange(2**31))
    strategy = TuneStrategy(question, search, available=available)
    told = replay(strategy, library, budget)
    found = strategy.tuned()
    return (None if found.peak is None else (found.plan, found.peak)), told.trained
