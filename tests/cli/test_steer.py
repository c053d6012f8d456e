"""`calando steer`: a run under way is told what to do, and what really ran is exported."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import calando
from calando.records.live import Header, Recorder
from calando.watch.steer import steering_for
from tests.cli.calling import call, said

SCHEDULE = calando.parse("warmup(10) | cosine()").bind(1_000_000)


class Driven:
    """What follows."""

    schedule = SCHEDULE

    def change(self, schedule: calando.Schedule) -> None:
        self.schedule = schedule


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run under way, which makes an update every few milliseconds."""
    monkeypatch.chdir(tmp_path)
    header = Header("first", schedule=json.loads(SCHEDULE.to_json()), horizon=SCHEDULE.horizon, peak=0.1)
    recorder = Recorder(tmp_path / "runs/first", header)
    steers = steering_for(recorder, SCHEDULE, [Driven()])
    over = threading.Event()

    def train() -> None:
        done = 0
        while not over.is_set():
            recorder.log(done, {"train_loss": 1.0})
            done += 1
            steers.look(done)
            time.sleep(0.002)

    thread = threading.Thread(target=train)
    thread.start()
    yield tmp_path / "runs/first"
    over.set()
    thread.join()
    recorder.close()


def test_a_command_is_sent_and_its_answer_told(run: Path) -> None:
    told = said("steer", str(run), "scale", "0.5")
    assert told.startswith("scale 0.5: from step ")
    assert "the run ends at step 1,000,000" in told
    answer = json.loads(said("steer", "first", "cooldown", "10%", "cosine", "--json"))
    assert (answer["kind"], answer["text"], answer["revision"]) == ("applied", "cooldown 10% cosine", 2)


def test_a_refusal_ends_with_one_and_says_why(run: Path) -> None:
    done = call("steer", "first", "scale", "3")
    assert done.exit_code == 1
    assert "write scale 3 force" in done.stderr
    assert said("steer", "first", "scale", "3", "--force").startswith("scale 3 force: from step ")


def test_what_is_no_command_is_never_sent(run: Path) -> None:
    done = call("steer", "first", "colldown", "10%")
    assert done.exit_code == 2
    assert "did you mean 'cooldown'" in done.stderr
    assert not (run / "commands.jsonl").exists()


def test_what_ran_is_told_and_exported(run: Path) -> None:
    said("steer", "first", "extend", "5%")
    shown = said("steer", "first")
    assert "first: running" in shown
    assert ": extend 5%, by cli" in shown
    exported = calando.from_json(said("export", str(run), "--to", "json"))
    assert isinstance(exported, calando.Schedule)
    assert exported.horizon == 1_050_000
    changes = json.loads(said("steer", "first", "--json"))["changes"]
    assert exported(changes[0]["step"] - 1) == SCHEDULE(changes[0]["step"] - 1)
    assert said("export", "first", "--to", "json") == said("export", str(run), "--to", "json")
    assert str(exported.plan) in said("export", str(run), "--to", "torch")
    assert "lr=0.1" in said("export", str(run), "--to", "torch")


def test_a_run_that_is_over_takes_no_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    watched = calando.watch("done", schedule=SCHEDULE, peak=0.1, horizon=1)
    watched.log(train_loss=1.0)
    watched.close()
    done = call("steer", "done", "stop")
    assert done.exit_code == 2
    assert "a run that is over" in done.stderr
    nowhere = call("steer", "elsewhere", "stop")
    assert nowhere.exit_code == 2
    assert "runs/done" in nowhere.stderr


def test_a_run_that_hears_nothing_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recorder = Recorder(tmp_path / "runs/deaf", Header("deaf"))
    done = call("steer", "deaf", "stop", "--wait", "0.1")
    recorder.close()
    assert done.exit_code == 3
    assert "not heard within 0.1 s" in done.stderr


def test_a_record_without_a_schedule_exports_nothing(tmp_path: Path) -> None:
    Recorder(tmp_path, Header("bare")).close()
    done = call("export", str(tmp_path), "--to", "json")
    assert done.exit_code == 2
    assert "names no schedule" in done.stderr


def test_a_run_that_goes_on_from_another_peak_is_exported_with_the_rates_that_it_used(tmp_path: Path) -> None:
    first, second = calando.cosine().bind(100), calando.linear_decay().bind(200)
    with calando.watch("j", schedule=first, peak=1.0, folder=tmp_path) as watched:
        for step in range(50):
            watched.log(train_loss=1.0, step=step)
    for begun, peak in ((50, 0.5), (60, 0.25)):
        with calando.watch("j", schedule=second, peak=peak, folder=tmp_path, resume=begun) as watched:
            for step in range(begun, begun + 20):
                watched.log(train_loss=1.0, step=step)
    ran = calando.from_json(said("export", str(tmp_path / "j"), "--to", "json"))
    assert isinstance(ran, calando.Schedule)
    assert [ran(t) for t in range(0, 50, 7)] == [first(t) for t in range(0, 50, 7)]
    assert [ran(t) for t in (50, 59, 60, 199)] == [
        0.5 * second(50),
        0.5 * second(59),
        0.25 * second(60),
        0.25 * second(199),
    ]
    assert "lr=1.0" in said("export", str(tmp_path / "j"), "--to", "torch")
