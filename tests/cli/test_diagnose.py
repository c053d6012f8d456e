"""`calando diagnose` as it is typed, on files as people have them."""

import json
from pathlib import Path

import numpy as np
import pytest

from calando.records.live import Header, Recorder
from tests.cli.calling import call
from tests.records.synthetic import rates, training


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name, run, *, asked=None):
    """A run as a CSV log: a training loss and a rate a step, an evaluation now and then."""
    val = dict(zip(run.val_at.tolist(), run.val.tolist(), strict=True))
    lines = ["step,train_loss,val_loss,lr"]
    for step, (loss, rate) in enumerate(zip(run.train, run.lr if asked is None else asked, strict=True)):
        lines.append(f"{step + 1},{loss},{val.get(step, '')},{rate}")
    Path(name).write_text("\n".join(lines) + "\n")


def test_a_healthy_log_ends_with_status_0():
    write("good.csv", training())
    result = call("diagnose", "good.csv")
    assert result.exit_code == 0
    assert "healthy" in result.output


def test_a_bad_one_says_what_and_what_to_do_and_ends_with_status_1():
    run = training()
    run.val = run.val + 0.5 * np.clip((run.val_at - 400) / 1000, 0, None)
    write("bad.csv", run)
    result = call("diagnose", "bad.csv")
    assert result.exit_code == 1
    assert "overfitting since step" in result.output
    assert "→" in result.output


def test_json_carries_the_change_a_program_can_make():
    write("low.csv", training(peak=1 / 60, noise=0.02))
    result = call("diagnose", "low.csv", "--json")
    (run,) = json.loads(result.stdout)
    (finding,) = [one for one in run["findings"] if one["kind"] == "LR too low"]
    assert finding["changes"][0] == {"what": "peak", "value": 5.0, "steer": "scale 2"}
    assert run["undecided"] == []


def test_a_plan_that_is_named_is_held_against_the_rates_that_were_used():
    write("twice.csv", training(), asked=rates("linear", 1000, 1.0)[np.minimum(2 * np.arange(1000), 999)])
    result = call("diagnose", "twice.csv", "--plan", "warmup(50) | linear_decay() @ 1")
    assert "2 times too fast" in result.output


def test_a_run_under_way_says_what_is_not_yet_decided():
    run = training(steps=400)
    log = Recorder("live/one", Header("one", schedule=None, peak=1.0, horizon=4000, metric="val_loss", mode="min"))
    for step in range(400):
        log.log(step, {"train_loss": float(run.train[step]), "lr": 1.0})
    result = call("diagnose", "live/one")
    log.close()
    assert "not yet known: horizon too short; at the end of the run" in result.output
    assert "too short (peak" not in result.output


def test_a_file_that_is_no_log_is_told_in_four_parts():
    Path("a.csv").write_text("not a log\n")
    result = call("diagnose", "a.csv")
    assert result.exit_code == 2
    assert "error:" in result.output


def test_control_characters_in_a_name_do_not_reach_the_terminal():
    write("evil\x1b[31m.csv", training())
    assert "\x1b[31m" not in call("diagnose", ".").output


def test_one_of_a_kind_is_told_as_one():
    Path("one.csv").write_text("step,loss\n1,2\n")
    said = call("diagnose", "one.csv")
    assert "one  (csv, 1 step)" in said.output
    assert "Only 1 finite value logged." in said.output
    Path("folder").mkdir()
    Path("folder", "notes.txt").write_text("nothing")
    assert "(1 file looked at)" in call("diagnose", "folder").output
    Path("again.csv").write_text("step,loss\n1,2\n2,2\n2,1\n")
    assert "1 row at a step that is there already" in call("diagnose", "again.csv", "--all").output


def test_a_log_of_nothing_but_an_accuracy_is_judged_by_it():
    falling = [0.9 - 0.7 * np.exp(-i / 4) - 0.01 * max(0, i - 8) + 0.003 * (i % 2) for i in range(24)]
    Path("acc.csv").write_text("epoch,val_acc\n" + "".join(f"{i},{v}\n" for i, v in enumerate(falling)))
    result = call("diagnose", "acc.csv")
    assert result.exit_code == 1
    assert "overfitting since step" in result.output
    assert "The val_acc was best near step" in result.output


def test_a_log_of_which_no_column_is_known_says_which_there_are_and_how_to_name_one():
    values = [0.9 - 0.7 * np.exp(-i / 4) for i in range(24)]
    Path("odd.csv").write_text("step,return,steps_per_second\n" + "".join(f"{i},{v},3\n" for i, v in enumerate(values)))
    result = call("diagnose", "odd.csv")
    assert result.exit_code == 0
    assert "by its name: return, steps_per_second." in result.output
    assert "--val-loss NAME" in result.output
    assert "--higher" in result.output
    named = call("diagnose", "odd.csv", "--val-loss", "return", "--higher", "--all")
    assert "score, better when higher: 'return'" in named.output
    assert "The return went from" in named.output
    assert call("diagnose", "odd.csv", "--higher").exit_code == 2


def test_a_direction_against_the_name_of_the_metric_is_said():
    rising = [0.9 - 0.7 * np.exp(-i / 4) + 0.003 * (i % 2) for i in range(24)]
    for name in ("val_acc", "val_loss"):
        Path(f"{name}.csv").write_text(f"epoch,{name}\n" + "".join(f"{i},{v}\n" for i, v in enumerate(rising)))
    told = call("diagnose", "val_acc.csv", "--val-loss", "val_acc", "--lower").output
    assert "val_acc was taken for better when lower, by --lower" in told
    assert "by its name it is better when higher" in told
    told = call("diagnose", "val_acc.csv", "--val-loss", "val_acc", "--lower", "--all").output
    assert "taken for a metric that is better when lower, though by its name it is better when higher" in told
    told = call("diagnose", "val_loss.csv", "--val-loss", "val_loss", "--higher").output
    assert "by --higher; by its name it is a loss" in told
    told = call("diagnose", "val_acc.csv", "--val-loss", "val_acc", "--higher").output
    assert "val_acc was taken for better when higher, by --higher\n" in told
    assert "was taken for" not in call("diagnose", "val_acc.csv").output


def test_an_evaluation_before_the_first_update_is_at_no_step_below_0():
    lines = [f"{count},{1 + count / 400}" for count in range(401)]
    Path("climbs.csv").write_text("\n".join(["step,loss", *lines, "401,nan"]) + "\n")
    told = call("diagnose", "climbs.csv", "--json").output
    assert "climbing away from its best value since about step 0" in told
    assert "step -1" not in told
