"""`calando diagnose A B`: runs named in one call are laid side by side."""

import json
from pathlib import Path

import pytest

import calando
from calando.records.live import Event, Header, Recorder
from tests.cli.calling import call
from tests.records.test_diagnosis_beside import USUAL, ran


@pytest.fixture(autouse=True)
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def write(name, seen):
    val = dict(zip(*seen.val, strict=True))
    lines = ["step,train_loss,val_loss,lr"]
    for step, (loss, rate) in enumerate(zip(seen.train[1], seen.lr[1], strict=True)):
        lines.append(f"{step + 1},{loss},{val.get(step, '')},{rate}")
    Path(name).write_text("\n".join(lines) + "\n")


@pytest.fixture
def two():
    write("hot.csv", ran(0.42, 0.4))
    write("cool.csv", ran(0.31, 0.1, seed=1))


@pytest.mark.usefixtures("two")
def test_two_runs_say_together_what_neither_says_alone():
    assert call("diagnose", "hot.csv").exit_code == call("diagnose", "cool.csv").exit_code == 0
    result = call("diagnose", "hot.csv", "cool.csv")
    assert result.exit_code == 1
    assert "learning rate too high (peak 0.4): cool did better at 0.1" in result.output
    assert (
        "Run cool, the same plan at a quarter of the peak, ended at 0.31 where this one ended at 0.42" in result.output
    )


@pytest.mark.usefixtures("two")
def test_a_folder_is_one_call_and_all_says_what_was_compared():
    told = call("diagnose", ".", "--all").output
    assert "beside  Run hot, the same plan at 4 times the peak, ended at 0.42 where this one ended at 0.31" in told


@pytest.mark.usefixtures("two")
def test_json_holds_the_evidence():
    hot, cool = json.loads(call("diagnose", "hot.csv", "cool.csv", "--json").stdout)
    (near,) = hot["beside"]
    assert (near["run"], near["way"], near["factor"], near["runs"]) == ("cool", "cooler", 0.25, 1)
    assert near["gain"] == pytest.approx(0.11, abs=0.01)
    assert near["gain"] / near["error"] > 2.5
    (finding,) = hot["findings"]
    assert finding["evidence"][0] == {
        "name": "gained by cool", "value": near["gain"], "text": "0.11, 6 % of the gain (cooler)",
    }  # fmt: skip
    assert finding["changes"][0]["value"] == pytest.approx(0.25)
    assert [one["kind"] for one in cool["findings"]] == ["healthy"]
    assert cool["beside"][0]["way"] == "hotter"


def records(*, batch=(32, 32)):
    """Records of both that name their plans and settings, and log no rate."""
    for name, peak, end, size in (("hot", 0.4, 0.42, batch[0]), ("cool", 0.1, 0.31, batch[1])):
        seen = ran(end, peak, seed=int(peak == 0.1))
        schedule = json.loads(calando.parse(USUAL).bind(600).to_json())
        meta = {"batch": size, "peak_lr": peak, "seed": 1, "epochs": 7}
        recorder = Recorder(Path(name), Header(name, schedule=schedule, peak=peak, horizon=600, meta=meta))
        val = dict(zip(*seen.val, strict=True))
        for step, loss in enumerate(seen.train[1]):
            recorder.log(step, {"train_loss": loss, **({"val_loss": val[step]} if step in val else {})})
        recorder.event(Event(599, "ended", {"status": "done"}))
        recorder.close()


def test_records_that_name_other_settings_are_not_compared():
    records(batch=(32, 64))
    assert call("diagnose", ".").exit_code == 0


def test_where_no_rates_were_logged_the_plans_that_the_records_name_tell():
    records()
    assert "learning rate too high (peak 0.4): cool did better at 0.1" in call("diagnose", ".").output


def test_runs_of_which_nothing_says_how_their_rates_differ_are_not_compared():
    for name, end in (("hot", 0.42), ("cool", 0.31)):
        seen = ran(end, seed=int(end == 0.31))
        rows = [f"{step + 1},{loss}" for step, loss in enumerate(seen.train[1])]
        Path(f"{name}.csv").write_text("\n".join(["step,train_loss", *rows]) + "\n")
    for more in ((), ("--plan", "warmup(5%) | cosine() @ 0.1")):  # told of both, it makes them repeats
        assert all(run["beside"] == [] for run in json.loads(call("diagnose", ".", "--json", *more).stdout))
