"""`check` with real worker processes: for every promise a train function that breaks just that one."""

from pathlib import Path

import pytest

from calando.lab import check
from calando.records.checking import CheckResult, Promise

TRAINS = "tests.lab.trains.promises"
ROOT = Path(__file__).parents[3]


def checked(function: str) -> CheckResult:
    return check(f"{TRAINS}:{function}", steps=24)


def only(result: CheckResult, status: str = "broken") -> Promise:
    """The one promise that is not kept; all the others must be."""
    wrong = [promise for promise in result.promises if promise.status != "ok"]
    assert [promise.status for promise in wrong] == [status], wrong
    assert wrong[0].fix
    assert wrong[0].why
    return wrong[0]


@pytest.fixture(autouse=True)
def _at_the_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def test_a_train_function_that_keeps_every_promise_is_ok() -> None:
    result = checked("train")
    assert result.status == "ok", [p for p in result.promises if p.status != "ok"]
    assert result.promise("knobs").found == "weight_decay (0.0001 to 0.1 log, else 0.01)"
    assert "in one process and in two" in result.promise("the same seed gives the same run").found
    assert "from update 12 of 24" in result.promise("a snapshot resumes bit for bit").found
    assert result.steps == 24 * 5 + 6 + 12


def test_an_unseeded_generator_is_named_as_the_culprit() -> None:
    promise = {p.name: p for p in checked("unseeded").promises}["the same seed gives the same run"]
    assert promise.status == "broken"
    assert "differs from update 0 on, by up to" in promise.found
    assert "seed the initialisation and the data order from run.seed" in promise.fix


def test_a_seed_that_changes_nothing_is_broken() -> None:
    promise = only(checked("one_seed"))
    assert promise.name == "another seed gives another run"
    assert "run.seed" in promise.fix


def test_what_depends_on_the_process_is_told_from_what_is_random() -> None:
    promise = {p.name: p for p in checked("by_process").promises}["the same seed gives the same run"]
    assert promise.status == "broken"
    assert "from process to process" in promise.fix


def test_what_outlives_a_run_in_its_process_is_found() -> None:
    promise = {p.name: p for p in checked("leftovers").promises}["the same seed gives the same run"]
    assert promise.status == "broken"
    assert "outlives a run in its process" in promise.fix


@pytest.mark.parametrize("function", ["overwrites", "forgets", "unattached"])
def test_a_rate_that_is_not_the_one_asked_is_broken(function: str) -> None:
    result = checked(function)
    promise = result.promise("the rate used is the rate asked")
    assert promise.status == "broken"
    assert promise.where.startswith(str(Path("tests/lab/trains/promises.py"))) or "promises.py:" in promise.where
    assert {p.status for p in result.promises if p is not promise} == {"untested"}


def test_coming_back_early_breaks_the_horizon() -> None:
    promise = checked("breaks_off").promise("a quarter horizon is a quarter")
    assert promise.status == "broken"
    assert "came back after 5 of 24 updates" in promise.found


def test_a_start_that_takes_as_long_as_the_training_is_a_warning() -> None:
    promise = only(checked("slow_to_start"), "warning")
    assert promise.name == "a quarter horizon is a quarter"
    assert "6 of 24 updates in" in promise.found


def test_a_loss_that_never_moves_is_broken() -> None:
    promise = only(checked("one_loss"))
    assert promise.name == "the loss moves"
    assert promise.found == "it is 1 at every update"


def test_no_training_loss_is_a_warning() -> None:
    promise = only(checked("silent"), "warning")
    assert "run.log(train_loss=loss)" in promise.fix


def test_a_metric_that_is_missing_at_the_end_is_broken() -> None:
    promise = checked("never_evaluates").promise("the metric is logged")
    assert promise.status == "broken"
    assert "val_loss was not logged at the end" in promise.found
    assert "if run.eval_due" in promise.fix


def test_a_metric_with_holes_is_a_warning() -> None:
    promise = only(checked("skips"), "warning")
    assert promise.found == "val_loss is missing at 3 of 4 evaluations"


def test_evaluating_when_it_is_not_due_is_a_warning() -> None:
    promise = only(checked("evaluates_always"), "warning")
    assert promise.found == "val_loss was logged 24 times where 4 were due"


def test_logging_thousands_of_numbers_is_a_warning() -> None:
    promise = only(checked("chatty"), "warning")
    assert promise.name == "logging is cheap"
    assert "801 values an update" in promise.found


def test_keeping_nothing_is_a_warning_with_the_line_to_add() -> None:
    promise = only(checked("keeps_nothing"), "warning")
    assert promise.name == "a snapshot resumes bit for bit"
    assert "run.keep(model=model" in promise.fix
    assert "promises.py:" in promise.where


def test_keeping_too_little_breaks_the_resumption() -> None:
    promise = only(checked("keeps_too_little"))
    assert promise.name == "a snapshot resumes bit for bit"
    assert "after a resumption train_loss differs from update 12 on" in promise.found
    assert "kept: optimizer, scheduler" in promise.found


def test_an_exception_is_shown_with_the_users_own_line() -> None:
    promise = checked("crashes").promise("it runs to its end")
    assert promise.status == "broken"
    assert promise.found.startswith("ValueError: no luck")
    assert "promises.py:" in promise.where


BY_HAND = """
import os, random
CURVES = (1, 3, 10, 30)
def train(run):
    chance = random.Random(run.seed)
    weights = [chance.gauss(0, 1) for _ in CURVES]
    for t in run.steps():
        rate = run.lr
        {inside}
        weights = [w - rate * (c * w + chance.gauss(0, 0.5)) for w, c in zip(weights, CURVES)]
        loss = sum(c * w * w for w, c in zip(weights, CURVES)) / 2
        run.log(train_loss=loss)
        if run.eval_due:
            run.log(val_loss=loss)
"""


def by_hand(folder: Path, inside: str = "pass", **given: float) -> CheckResult:
    file = folder / "tp.py"
    file.write_text(BY_HAND.format(inside=inside))
    return check(f"{file}:train", steps=24, **given)  # type: ignore[arg-type]


def test_a_worker_that_dies_leaves_its_promises_untested(tmp_path: Path) -> None:
    result = by_hand(tmp_path, "os._exit(3) if t == 5 else None", peak=0.01)
    assert result.promise("it runs to its end").status == "broken"
    assert {p.status for p in result.promises if p.name != "it runs to its end"} == {"untested"}


def test_a_worker_that_dies_later_leaves_untested_what_its_run_would_have_shown(tmp_path: Path) -> None:
    result = by_hand(tmp_path, "os._exit(3) if run.seed == 1 and t == 5 else None", peak=0.01)
    assert result.promise("it runs to its end").status == "broken"
    assert result.promise("another seed gives another run").status == "untested"


def test_a_run_that_diverges_leaves_the_metric_untested_and_asks_for_a_peak(tmp_path: Path) -> None:
    wild = by_hand(tmp_path)
    metric = wild.promise("the metric is logged")
    assert (metric.status, "--peak" in metric.fix) == ("untested", True)
    assert by_hand(tmp_path, peak=0.01).promise("the metric is logged").status == "ok"


def test_a_rate_that_is_read_and_never_used_is_broken(tmp_path: Path) -> None:
    promise = by_hand(tmp_path, "rate = 0.01", peak=0.01).promise("the rate used is the rate asked")
    assert promise.status == "broken"
    assert "read and not used" in promise.found
    assert by_hand(tmp_path, peak=0.01).promise("the rate used is the rate asked").status == "ok"


def test_the_steps_asked_for_are_the_steps_run(tmp_path: Path) -> None:
    file = tmp_path / "tp.py"
    file.write_text(BY_HAND.format(inside="pass"))
    result = check(f"{file}:train", steps=9, peak=0.01)
    assert result.promise("it runs to its end").found.startswith("9 updates")
