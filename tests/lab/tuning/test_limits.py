"""What a search may not do: leave the peaks it was given, show what cannot be, keep its budget when it could use it."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from calando.cli import main
from calando.cli.status import lines, state
from calando.errors import BadValue, CalandoError
from calando.lab import tune
from calando.lab.executors.replay import replay
from calando.lab.tuning.budget import unproven
from calando.lab.tuning.given import read_peaks
from calando.lab.tuning.strategy import TuneStrategy
from calando.records import RunRecord, RunSpec, load
from tests.lab.tuning.surface import FULL, PEAKS, Surface, question, searched

QUADRATIC = str(Path(__file__).parents[1] / "trains" / "quadratic.py") + ":train"


def test_peaks_that_were_given_are_never_left() -> None:
    surface = Surface(0)
    surface.best = surface.best + 9.0  # everything is better the higher the peak
    surface.edge = 99.0
    _, made = searched(12, surface.answer, extend=0)
    assert {run.spec.peak for run in made.runs} <= set(PEAKS)
    _, free = searched(12, surface.answer, extend=2)
    assert max(run.spec.peak or 0.0 for run in free.runs) > PEAKS[-1]


def test_a_budget_with_nothing_shorter_left_buys_full_runs() -> None:
    spec, search = question(7, select_seeds=(0,), peaks=PEAKS[1:3])
    spec = replace(spec, candidates=spec.candidates[:2], baseline="constant()")
    strategy = TuneStrategy(spec, search)
    made = replay(strategy, Surface(0).answer, search.steps, share=False)
    full = [run for run in made.runs if run.spec.horizon == FULL]
    assert len(full) == 4
    assert strategy.spent() > 0.7 * 7 * FULL


def test_no_belief_is_shown_below_what_was_seen() -> None:
    surface = Surface(2)
    found: list[float] = []

    def answer(run: RunSpec) -> RunRecord:
        record = surface.answer(run)
        if record.final is None:
            return record
        record = replace(record, final=2.0 ** (record.final / 3 - 6))
        if run.horizon == FULL:
            found.append(record.final or 0.0)
        return record

    for budget in (9, 10, 12):
        found.clear()
        strategy, _ = searched(budget, answer)
        assert min(point.loss for point in strategy.tuned().standpoints) >= min(found)


def test_why_nothing_is_proven_is_told_as_it_is() -> None:
    assert "nothing to hold" in unproven(0.25, 8, None)
    assert "no part" in unproven(0.0, 8, "cosine()")
    assert "fewer than 3" in unproven(0.25, 1, "cosine()")
    strategy, _ = searched(64, select_seeds=(0,), confirm_seeds=(1000,), peaks=PEAKS[:2], prove=0.25)
    assert "fewer than 3 fresh seeds" in strategy.decisions()[-1].text


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"horizons": 5}, "horizons"),
        ({"peaks": 5}, "peaks"),
        ({"candidates": 5}, "candidates"),
        ({"question": 5}, "question"),
        ({"seeds": 0}, "tune.seeds"),
        ({"confirm_seeds": "x"}, "tune.confirm_seeds"),
        ({"workers": 0}, "tune.workers"),
        ({"prove": 2}, "tune.prove"),
        ({"seed": -1}, "tune.seed"),
        ({"horizons": [0]}, "tune.horizons"),
        ({"mode": "best"}, "tune.mode"),
        ({"evals": 0}, "tune.evals"),
        ({"confidence": 2}, "tune.confidence"),
        ({"metric": 5}, "tune.metric"),
    ],
)
def test_arguments_of_the_wrong_kind_are_named(given: dict[str, object], where: str, tmp_path: Path) -> None:
    with pytest.raises(BadValue) as told:
        tune(QUADRATIC, "8runs", steps=100, live=False, study=tmp_path / "s", **given)  # type: ignore[arg-type]
    assert told.value.where.endswith(where)


def test_peaks_are_lists_or_ranges_also_on_the_command_line() -> None:
    assert read_peaks(["0.1..0.2", 0.4]) == (0.1, 0.2, 0.4)
    told = CliRunner().invoke(main, ["tune", "missing.py:train", "--budget", "8runs", "--peaks", "0.1", "0.2"])
    assert isinstance(told.exception, (CalandoError, SystemExit))
    assert "comes last" not in told.output + str(told.exception)
    assert "missing.py" in told.output + str(told.exception)


def test_a_study_whose_function_broke_its_contract_is_not_sent_to_resume(tmp_path: Path) -> None:
    broken = str(Path(__file__).parents[1] / "trains" / "host.py") + ":forgets_to_step"
    with pytest.raises(CalandoError, match="broke its contract"):
        tune(broken, "8runs", steps=40, peaks=[0.1, 0.2], live=False, workers=1, study=tmp_path / "s")
    told = state(load(tmp_path / "s")) | {"state": "stopped"}  # this process is still there
    said = "\n".join(lines(told, 8))
    assert "calando resume" not in said
    assert "calando check" in said
    assert "1 runs" not in said
    assert "calando resume" in "\n".join(lines(told | {"broken": ""}, 8))
