"""The rivals, replayed on the recorded curves: simple searches, and Optuna's own samplers and pruners, in memory.

Every rival searches shape x peak. A trial is one run under one of the three recorded seeds, drawn at random, as with a
search that does not know what a seed is; the two paired rivals draw one seed and keep it for all of their runs. No
simple search comes back to a cell. Every step counts, those of pruned runs and of cells visited again too, and no step
is taken that would pass the budget: the run under way then is lost. What a rival believes in is the cell of the best
final loss of a whole run that it finished.
"""

import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.tuning.grid import EVALS, PEAKS, SEEDS, SHAPES, STEPS, Cell, budget, cells, middle, plan
from bench.tuning.recorded import Recorded
from calando.records import RunRecord, RunSpec

__all__ = ["RIVALS", "SHARES", "Choice", "replays"]

SHARES = (0.10, 0.15, 0.25)
SCREEN = 4  # the part of the horizon that the screen trains: one in so many


@dataclass(frozen=True)
class Choice:
    """What one search believed in at a budget, and the steps it had spent by then."""

    cell: Cell | None
    spent: int


@dataclass
class Purse:
    """The steps spent, the runs of each cell still unseen, and the best finished run so far at each budget."""

    recorded: Recorded
    chance: random.Random
    budgets: tuple[int, ...]
    spent: int = 0
    best: tuple[float, Cell] | None = None
    marks: list[Choice] = field(default_factory=list)

    def run(self, cell: Cell, seed: int | None = None, divisor: int = 1) -> RunRecord:
        """A run of the cell, under a seed drawn at random where none is given, of that fraction of the horizon."""
        seed = self.chance.choice(SEEDS) if seed is None else seed
        spec = RunSpec("", cell[0], cell[1], seed, STEPS[self.recorded.name] // divisor)
        record = self.recorded.plain(spec)
        if record is None:
            raise LookupError(f"{self.recorded.name}: {spec} was never recorded")
        return record

    def pay(self, steps: int) -> bool:
        """Spend; budgets that this would pass are closed with what was believed before. False at the last one's end."""
        while len(self.marks) < len(self.budgets) and self.spent + steps > self.budgets[len(self.marks)]:
            self.marks.append(Choice(None if self.best is None else self.best[1], self.spent))
        if len(self.marks) == len(self.budgets):
            return False
        self.spent += steps
        return True

    def finish(self, cell: Cell, final: float) -> None:
        """A run came to its end."""
        if self.best is None or final < self.best[0]:
            self.best = (final, cell)

    def close(self) -> list[Choice]:
        """What was believed at each budget."""
        while len(self.marks) < len(self.budgets):
            self.marks.append(Choice(None if self.best is None else self.best[1], self.spent))
        return self.marks


def reports(record: RunRecord) -> Iterator[tuple[int, int, float]]:
    """Evaluation number, steps since the one before, value; a diverged run ends with an infinite one."""
    curve, before = record.curve("val_loss"), 0
    for number, (step, value) in enumerate(zip(curve.steps, curve.values, strict=True), 1):
        yield number, step + 1 - before, value
        before = step + 1
    if record.steps > before:
        yield len(curve) + 1, record.steps - before, float("inf")


def shuffled(purse: Purse) -> list[Cell]:
    """The grid's cells in a random order."""
    order = cells(purse.recorded.name)
    purse.chance.shuffle(order)
    return order


def whole_runs(purse: Purse, order: list[Cell], seed: int | None) -> None:
    """One run each, to the end, as far as the budget goes."""
    for cell in order:
        record = purse.run(cell, seed)
        if not purse.pay(record.steps):
            return
        if record.final is not None:
            purse.finish(cell, record.final)


def random_search(purse: Purse, _seed: int) -> None:
    """Cells in a random order, one run each, to the end."""
    whole_runs(purse, shuffled(purse), None)


def paired_search(purse: Purse, _seed: int) -> None:
    """Random search that trains every cell under the same seed."""
    whole_runs(purse, shuffled(purse), purse.chance.choice(SEEDS))


def screened(purse: Purse, _seed: int) -> None:
    """A random subset of cells in a quarter of the updates for half the budget, the best of them whole; one seed."""
    seed, order, short = purse.chance.choice(SEEDS), shuffled(purse), {}
    for cell in order[: purse.budgets[-1] // STEPS[purse.recorded.name] // 2 * SCREEN]:
        record = purse.run(cell, seed, SCREEN)
        if not purse.pay(record.steps):
            return
        short[cell] = float("inf") if record.final is None else record.final
    whole_runs(purse, sorted(short, key=lambda cell: short[cell]), seed)


def optuna_search(pruner: Callable[[], object], sampler: str = "TPESampler") -> Callable[[Purse, int], None]:
    """Shape (a category) and peak (an ordered index) by a sampler, with a pruner told of every evaluation."""

    def search(purse: Purse, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        shapes, name = list(SHAPES.values()), purse.recorded.name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = getattr(optuna.samplers, sampler)(seed=seed)
            # Hyperband draws its brackets from the study's name, which is random unless it is given.
            study = optuna.create_study(study_name=f"seed {seed}", sampler=made, pruner=pruner())  # type: ignore[arg-type]
            while True:
                trial = study.ask()
                shape = trial.suggest_categorical("shape", shapes)
                cell = (plan(shape), middle(name, trial.suggest_int("peak", 0, PEAKS - 1)))
                record = purse.run(cell)
                pruned = False
                for number, steps, value in reports(record):
                    if not purse.pay(steps):
                        return
                    trial.report(value, number)
                    if number < EVALS and trial.should_prune():
                        pruned = True
                        break
                if pruned or record.final is None:
                    study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                else:
                    study.tell(trial, record.final)
                    purse.finish(cell, record.final)

    return search


def median() -> object:
    """Optuna's MedianPruner as it comes."""
    import optuna

    return optuna.pruners.MedianPruner()


def hyperband() -> object:
    """Optuna's HyperbandPruner over the sixteen evaluations."""
    import optuna

    return optuna.pruners.HyperbandPruner(min_resource=1, max_resource=EVALS, reduction_factor=3)


def halving() -> object:
    """Optuna's SuccessiveHalvingPruner from the first evaluation on, factor 4 as it comes."""
    import optuna

    return optuna.pruners.SuccessiveHalvingPruner(min_resource=1)


RIVALS: dict[str, Callable[[Purse, int], None]] = {
    "random search": random_search,
    "random search, one seed": paired_search,
    "screen at T/4, one seed": screened,
    "random + successive halving": optuna_search(halving, "RandomSampler"),
    "TPE + Median": optuna_search(median),
    "TPE + Hyperband": optuna_search(hyperband),
    "TPE + successive halving": optuna_search(halving),
}


def replays(recorded: Recorded, rival: str, repeats: int) -> list[list[Choice]]:
    """One list per repeat: the choice at each budget of SHARES; one that plans by its budget begins anew at each."""
    budgets = tuple(budget(recorded.name, share) for share in SHARES)
    found = []
    for seed in range(repeats):
        purses = [(one,) for one in budgets] if RIVALS[rival] is screened else [budgets]
        marks: list[Choice] = []
        for some in purses:
            purse = Purse(recorded, random.Random(seed), some)  # noqa: S311 - an order, not a secret
            RIVALS[rival](purse, seed)
            marks += purse.close()
        found.append(marks)
    return found
