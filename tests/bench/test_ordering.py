"""The replay of a comparison in another order: the same runs, the same verdict, laws only where they do not refuse."""

from bench.forecasting.ordering import FITTED, HERE, WAYS, foretold, leader, played
from bench.tuning.grid import PEAKS, SEEDS, SHAPES, STEPS, middle, plan
from bench.tuning.recorded import load
from calando.records import Candidate, StudySpec


def question(name: str) -> StudySpec:
    plans = tuple(Candidate(plan(text), plan(text)) for text in SHAPES.values())
    peaks = tuple(middle(name, index) for index in range(PEAKS))
    return StudySpec("?", "t.py:train", STEPS[name], plans, peaks=peaks, extend=0, select_seeds=SEEDS[:1],
                     confirm_seeds=SEEDS[1:])  # fmt: skip


def test_another_order_makes_the_same_runs_and_ends_with_the_same_leader() -> None:
    records, spec = load("weather"), question("weather")
    made = {way: played(spec, records, way) for way in WAYS[:3]}
    orders = {way: [run.spec.key for run in runs] for way, (runs, _) in made.items()}
    assert len({tuple(sorted(order)) for order in orders.values()}) == 1
    assert len({tuple(order) for order in orders.values()}) == 3
    assert orders["as it is"][: FITTED[0]] == orders["by forecast"][: FITTED[0]]  # nothing is foretold before
    assert len({leader(spec, runs) for runs, _ in made.values()}) == 1
    assert made["by forecast"][1]["used"] > 0


def test_laws_that_refuse_order_nothing() -> None:
    records, spec = load("images"), question("images")
    runs, _ = played(spec, records, "as it is")
    assert foretold(spec, runs[: FITTED[0]], heed=True) == (None, "refused")
    order, _ = foretold(spec, runs[: FITTED[0]], heed=False)
    assert order is not None
    assert len(order) == len(SHAPES) * PEAKS


def test_the_table_tells_of_every_workload_way_and_stop() -> None:
    lines = [line.split("|") for line in (HERE / "ordering.md").read_text().splitlines() if "%" in line]
    assert len(lines) == 4 * 2 * len(WAYS)
    at_half = [int(line[4].split()[0]) for line in lines if line[2].strip() == "50%" and line[3].strip() == "as it is"]
    assert sum(at_half) == 18  # what docs/compare.md says
