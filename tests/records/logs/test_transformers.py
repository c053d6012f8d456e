"""trainer_state.json: every rate stands at the update that used it, whichever version of the Trainer wrote the file."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from calando.errors import BadFile
from calando.records.logs import Log, read_logs
from tests.records.logs.samples import state


def only(*paths: Any, **words: Any) -> Log:
    (log,) = read_logs(*paths, **words)
    return log


@pytest.mark.parametrize("run", ["linear", "warm"])
def test_the_rate_at_a_count_is_the_one_that_the_real_trainers_update_used(torch_files: Path, run: str) -> None:
    log = only(torch_files / run / "checkpoint-40" / "trainer_state.json")
    used = json.loads((torch_files / run / "used.json").read_text())
    rates = log.column(log.lr)
    assert len(used) == 40
    assert [used[n - 1] for n in rates.steps] == rates.values.tolist()
    assert any("shows that learning rates are those that the updates used" in note for note in log.notes)


def test_a_real_trainers_losses_evaluations_and_lengths_are_read(torch_files: Path) -> None:
    log = only(torch_files / "linear" / "checkpoint-40" / "trainer_state.json")
    assert (log.kind, log.name, log.loss, log.val_loss, log.lr) == (
        "transformers",
        "linear",
        "loss",
        "eval_loss",
        "learning_rate",
    )
    assert log.column("loss").steps.tolist() == list(range(5, 41, 5))
    assert log.column("eval_loss").steps.tolist() == [10, 20, 30, 40]
    assert (log.horizon, log.meta["logging_steps"], log.meta["epochs"]) == (40, 5, 5)
    assert log.problems == ()


def test_rates_between_logged_ones_are_those_used_where_the_schedule_is_straight(torch_files: Path) -> None:
    log = only(torch_files / "linear" / "checkpoint-40" / "trainer_state.json")
    used = json.loads((torch_files / "linear" / "used.json").read_text())
    assert np.allclose(log.rates()[4:], used[4:], rtol=1e-12)
    assert log.rates(60).size == 60


def test_of_the_checkpoints_of_a_run_the_last_is_read(torch_files: Path) -> None:
    log = only(torch_files / "linear")
    assert log.last == 40
    assert any("of 2 checkpoints the last" in note for note in log.notes)
    assert only(torch_files / "linear" / "checkpoint-20" / "trainer_state.json").last == 20


def older(horizon: int, rate: Any, every: int = 5) -> list[dict[str, float]]:
    """What a Trainer before transformers 4.51 logged of a schedule: after update n the rate of update n+1."""
    return [{"step": n, "loss": 2.0, "learning_rate": rate(n)} for n in range(every, horizon + 1, every)]


@pytest.mark.parametrize(
    "rate",
    [
        lambda t: 0.01 * (1 - t / 40),
        lambda t: 0.01 * min(t / 20, 1.0),
        lambda t: 0.005 * (1 + math.cos(math.pi * t / 40)) if t < 40 else 0.0,
    ],
    ids=["linear to zero", "warm-up from zero", "cosine to zero"],
)
def test_rates_of_older_trainers_are_moved_to_the_update_that_used_them(tmp_path: Path, rate: Any) -> None:
    log = only(state(tmp_path, older(40, rate), max_steps=40))
    rates = log.column("learning_rate")
    assert rates.steps.tolist() == list(range(6, 42, 5))
    assert rates.values.tolist() == [rate(n - 1) for n in rates.steps]


def test_where_the_numbers_cannot_tell_the_reader_says_so_and_the_caller_may(tmp_path: Path) -> None:
    file = state(tmp_path, older(40, lambda t: 0.01 * 0.9**t), max_steps=40)
    log = only(file)
    assert log.column("learning_rate").steps[0] == 5
    assert any('lr_edge="next"' in note for note in log.notes)
    assert only(file, lr_edge="next").column("learning_rate").steps[0] == 6


def test_what_sums_up_the_run_is_no_point_of_a_curve(tmp_path: Path) -> None:
    entries = [
        {"step": 5, "loss": 2.0},
        {"step": 10, "loss": 1.5},
        {"step": 10, "train_loss": 9.0, "train_runtime": 1.0},
    ]
    log = only(state(tmp_path, entries))
    assert (log.loss, sorted(log.columns)) == ("loss", ["loss"])


def test_numbers_written_as_text_and_numbers_beyond_all_floats_are_read(tmp_path: Path) -> None:
    entries = [{"step": 1, "loss": "2.5"}, {"step": 2, "loss": 10**400}, {"step": 3, "loss": float("nan")}]
    log = only(state(tmp_path, entries))
    assert log.column("loss").values.tolist()[:2] == [2.5, math.inf]
    assert log.diverged == 2
    assert "loss is inf at step 2, and at 1 later ones" in str(log.problems[0])


def test_entries_without_a_step_are_named_and_skipped(tmp_path: Path) -> None:
    entries: list[Any] = [{"step": 1, "loss": 2.0}, {"loss": 1.0}, 7, {"step": -1}, {"step": 2, "loss": "low"}]
    log = only(state(tmp_path, entries))
    assert len(log.column("loss")) == 1
    assert [problem.what[:7] for problem in log.problems] == ["entry 1", "entry 2", "entry 3", "loss at"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('{"vocab": {}, "model": 1}', "JSON of another kind (an object with 'vocab', 'model')"),
        ("[1, 2]", "JSON of another kind (a list)"),
        ('{"log_history": [', "broken JSON"),
        ('{"log_history": []}', "nothing was logged"),
        ("[" * 100_000, "JSON in more levels than can be read"),
        ('{"log_history": ' + "9" * 5000 + "}", "broken JSON"),
    ],
)
def test_json_of_another_kind_is_refused_with_what_it_is(tmp_path: Path, content: str, told: str) -> None:
    file = tmp_path / "trainer_state.json"
    file.write_text(content)
    with pytest.raises(BadFile) as caught:
        read_logs(file)
    assert told in str(caught.value)
