"""The rivals, replayed on the recorded curves: random search and Optuna's own samplers and pruners, in memory.

Every rival searches shape x peak. A trial is one run under one of the three recorded seeds, drawn at random, as with a
search that does not know what a seed is; random search visits every cell once before it comes back to one. Every
step counts, those of pruned runs and of cells visited again too, and no step is taken that would pass the budget: the
run under way then is lost. What a rival believes in is the cell of the best final loss of a run that it finished.
"""

import random
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench.tuning.grid import EVALS, PEAKS, SEEDS, SHAPES, STEPS, Cell, budget, middle, plan
from bench.tuning.recorded import Recorded
from calando.records import RunRecord, RunSpec

__all__ = ["RIVALS", "SHARES", "Choice", "replays"]

SHARES = (0.10, 0.15, 0.25)


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

    def run(self, cell: Cell) -> RunRecord:
        """A run of the cell."""
        spec = RunSpec("", cell[0], cell[1], self.chance.choice(SEEDS), STEPS[self.recorded.name])
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


def random_search(purse: Purse, _seed: int) -> None:
    """Cells in a random order, one run each, to the end."""
    name = purse.recorded.name
    order = [(plan(text), middle(name, index)) for text in SHAPES.values() for index in range(PEAKS)]
    purse.chance.shuffle(order)
    for cell in order:
        record = purse.run(cell)
        if not purse.pay(record.steps):
            return
        if record.final is not None:
            purse.finish(cell, record.final)


def optuna_search(pruner: Callable[[], object]) -> Callable[[Purse, int], None]:
    """TPE over shape (a category) and peak (an ordered index), with a pruner told of every evaluation."""

    def search(purse: Purse, seed: int) -> None:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        shapes, name = list(SHAPES.values()), purse.recorded.name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed), pruner=pruner())  # type: ignore[arg-type]
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
    "TPE + Median": optuna_search(median),
    "TPE + Hyperband": optuna_search(hyperband),
    "TPE + successive halving": optuna_search(halving),
}


def replays(recorded: Recorded, rival: str, repeats: int) -> list[list[Choice]]:
    """One list per repeat: the choice at each budget of SHARES."""
    budgets = tuple(budget(recorded.name, share) for share in SHARES)
    found = []
    for seed in range(repeats):
        purse = Purse(recorded, random.Random(seed), budgets)  # noqa: S311 - an order, not a secret
        RIVALS[rival](purse, seed)
        found.append(purse.close())
    return found
