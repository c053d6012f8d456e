"""What a run is asked is answered once, in its record, with the reason where it is refused."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import calando
import calando.torch
from calando.core.schedule import Schedule
from calando.errors import LabError
from calando.records.live import Header, Recorder, read_answered, send
from calando.watch.steer import Steers, leads, steering_for
from calando.watch.steerable import steered_by
from tests.watch.steering.lives import at_once

SCHEDULE = calando.cosine().bind(100)


class Driven:
    """Something that follows what it is given."""

    def __init__(self, schedule: Schedule = SCHEDULE) -> None:
        self.schedule = schedule

    def change(self, schedule: Schedule) -> None:
        self.schedule = schedule


@pytest.fixture
def recorder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    at_once(monkeypatch)
    one = Recorder(tmp_path, Header("first", schedule=json.loads(SCHEDULE.to_json()), horizon=100))
    yield one
    one.close()


def asked(recorder: Recorder, steers: Steers, done: int, *texts: str, **more: Any) -> list[tuple[str, str]]:
    """Each command's answer: its kind and, of a refusal, the reason."""
    before = len(events(recorder))
    for text in texts:
        send(recorder.folder, text, **more)
    steers.look(done)
    return [(one["kind"], one.get("reason", "")) for one in events(recorder)[before:]]


def events(recorder: Recorder) -> list[dict[str, Any]]:
    lines = map(json.loads, recorder.path.read_text().splitlines()[1:])
    return [line["event"] for line in lines if "event" in line]


def test_a_command_is_answered_and_obeyed(recorder: Recorder) -> None:
    driven = Driven()
    steers = steering_for(recorder, SCHEDULE, [driven])
    assert asked(recorder, steers, 40, "scale 0.5") == [("applied", "")]
    assert driven.schedule(40) == 0.5 * SCHEDULE(40)
    assert steers.revision == 1
    assert read_answered(recorder.folder).schedule == driven.schedule == steers.schedule


def test_of_two_who_saw_the_same_run_the_second_is_stale(recorder: Recorder) -> None:
    steers = steering_for(recorder, SCHEDULE, [Driven()])
    told = asked(recorder, steers, 40, "scale 0.5", "cooldown 10%", revision=0)
    assert [kind for kind, _ in told] == ["applied", "refused"]
    assert "after 0 changes, and there are 1" in told[1][1]


def test_a_command_that_comes_twice_is_obeyed_once(recorder: Recorder) -> None:
    driven = Driven()
    steers = steering_for(recorder, SCHEDULE, [driven])
    assert [kind for kind, _ in asked(recorder, steers, 40, "scale 0.5", "scale 0.5", name="a1")] == [
        "applied",
        "refused",
    ]
    again = steering_for(reopened(recorder), SCHEDULE, [Driven()], at=45)
    assert again.schedule == driven.schedule
    assert [kind for kind, _ in asked(recorder, again, 46, "scale 0.5", name="a1")] == ["refused"]


def reopened(recorder: Recorder) -> Recorder:
    recorder.close()
    recorder.__init__(recorder.folder, Header("first"))  # type: ignore[misc]
    return recorder


def test_nonsense_and_what_is_unsafe_is_refused_with_the_reason(recorder: Recorder) -> None:
    driven = Driven()
    steers = steering_for(recorder, SCHEDULE, [driven])
    with (recorder.folder / "commands.jsonl").open("w") as file:
        file.write('{"id":"x"}\nrm -rf /\n')
    told = asked(recorder, steers, 40, "colldown 10%", "scale 0", "scale 5", "cooldown 3tok", "undo")
    assert [kind for kind, _ in told] == ["refused"] * 7
    assert all(reason for _, reason in told)
    assert driven.schedule is SCHEDULE
    assert [kind for kind, _ in asked(recorder, steers, 100, "scale 0.5", "extend 10")] == ["refused", "refused"]


def test_a_stopped_run_takes_nothing_more(recorder: Recorder) -> None:
    steers = steering_for(recorder, SCHEDULE, [Driven()])
    assert [kind for kind, _ in asked(recorder, steers, 40, "stop", "undo")] == ["applied", "refused"]
    assert steers.stopped
    assert steers.stop_reason == "stop, by cli"
    assert steers.horizon == 40


def test_where_nothing_can_follow_only_stop_is_taken(recorder: Recorder) -> None:
    steers = steering_for(recorder, SCHEDULE, [])
    assert [kind for kind, _ in asked(recorder, steers, 40, "scale 0.5", "stop")] == ["refused", "applied"]
    told = steered_by(recorder, object(), SCHEDULE, 100, None, 0)
    assert told is not None
    assert "object with change(schedule)" in asked(recorder, told, 41, "scale 0.5")[0][1]


def test_processes_that_nothing_makes_agree_take_nothing_at_all(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    steers = steered_by(recorder, Driven(), SCHEDULE, 100, None, 0)
    assert steers is not None
    told = asked(recorder, steers, 40, "scale 0.5", "stop")
    assert [kind for kind, _ in told] == ["refused", "refused"]
    assert "agree=calando.torch.agree()" in told[1][1]
    assert not steers.stopped


def test_what_cannot_be_written_down_is_not_done(recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    driven = Driven()
    steers = steering_for(recorder, SCHEDULE, [driven])

    def full(_: Any) -> None:
        raise LabError(given="no room", allowed="room", where="record", fix="make room")

    monkeypatch.setattr(recorder, "event", full)
    send(recorder.folder, "scale 0.5")
    with pytest.warns(UserWarning, match="cannot be written down"):
        steers.look(40)
    assert driven.schedule is SCHEDULE
    assert steers.revision == 0


def test_what_refuses_a_schedule_is_asked_before_it_is_written(recorder: Recorder) -> None:
    class Picky(Driven):
        def check_change(self, schedule: Schedule) -> None:
            raise LabError(given=f"{schedule}", allowed="none", where="here", fix="nothing")

    driven = Picky()
    steers = steering_for(recorder, SCHEDULE, [driven])
    assert asked(recorder, steers, 40, "scale 0.5")[0][0] == "refused"
    assert driven.schedule is SCHEDULE


def test_a_state_that_nobody_can_steer_was_loaded_and_the_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rest was stretched by resume="extend", which is no plan that could be written down."""
    at_once(monkeypatch)
    plan = calando.linear_decay()

    def attached(horizon: int) -> Any:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        return calando.torch.attach(optimizer, plan.bind(horizon), resume="extend")

    scheduler, old = attached(200), attached(100)
    for _ in range(50):
        old.optimizer.step()
        old.step()
    watched = calando.watch("run", scheduler=scheduler, folder=tmp_path)
    scheduler.load_state_dict(old.state_dict())
    send(tmp_path / "run", "scale 0.5")
    scheduler.optimizer.step()
    scheduler.step()
    watched.log(train_loss=1.0)
    watched.close()
    assert scheduler.get_last_lr()[0] == pytest.approx(0.05 * 149 / 150)
    assert "bound to this run" in (tmp_path / "run/record.jsonl").read_text()


def test_a_function_that_has_no_name_is_not_steered(recorder: Recorder) -> None:
    schedule = calando.function(lambda t: 1.0).bind(100)
    steers = steering_for(recorder, schedule, [Driven(schedule)])
    assert "calando.register" in asked(recorder, steers, 40, "scale 0.5")[0][1]


def test_a_rule_asks_in_the_same_way_and_gives_its_reason(recorder: Recorder) -> None:
    steers = steering_for(recorder, SCHEDULE, [Driven()])
    event = steers.tell("scale 0.5", "rule:plateau", "val_loss stood still for 10 looks", 40)
    assert event is not None
    assert (event.kind, event.data["by"], event.data["reason"]) == (
        "applied",
        "rule:plateau",
        "val_loss stood still for 10 looks",
    )


def test_a_run_that_went_back_says_which_changes_it_forgets(recorder: Recorder) -> None:
    steers = steering_for(recorder, SCHEDULE, [Driven()])
    asked(recorder, steers, 40, "cooldown 20")
    again = steering_for(reopened(recorder), SCHEDULE, [Driven()], at=30)
    assert again.horizon == 60
    assert asked(recorder, again, 31, "scale 0.5") == [("applied", "forgets cooldown 20 at step 40")]
    assert again.horizon == 100


def test_a_run_that_goes_on_under_another_plan_is_exported_as_it_ran(recorder: Recorder) -> None:
    steers = steering_for(recorder, SCHEDULE, [Driven()])
    asked(recorder, steers, 20, "scale 0.5")
    longer = calando.cosine().bind(300)
    driven = Driven(longer)
    again = steering_for(reopened(recorder), longer, [driven], at=40)
    ran = read_answered(recorder.folder).schedule
    assert ran is not None
    assert (ran(10), ran(39), ran(40), ran.horizon) == (SCHEDULE(10), 0.5 * SCHEDULE(39), longer(40), 300)
    assert again.schedule == driven.schedule == ran
    third = steering_for(reopened(recorder), longer, [Driven(longer)], at=60)
    assert read_answered(recorder.folder).schedule == third.schedule == ran


def test_all_follow_the_one_whose_word_counts(recorder: Recorder) -> None:
    spoken: list[Any] = []

    def first(mine: Any) -> Any:
        spoken.append(mine)
        return mine

    def other(_: Any) -> Any:
        return spoken[-1]

    first.every = other.every = 5  # type: ignore[attr-defined]
    assert leads(first)
    assert not leads(other)
    drivens = [Driven(), Driven()]
    leader = steering_for(recorder, SCHEDULE, [drivens[0]], agree=first)
    follower = steering_for(None, SCHEDULE, [drivens[1]], agree=other)
    send(recorder.folder, "scale 0.5")
    for done in range(1, 12):
        leader.look(done)
        follower.look(done)
        assert drivens[0].schedule == drivens[1].schedule
        assert (drivens[0].schedule == SCHEDULE) == (done < 5)
    send(recorder.folder, "stop")
    for done in range(12, 16):
        leader.look(done)
        follower.look(done)
        assert leader.stopped == follower.stopped == (done >= 15)
    leader.look(20)
    with pytest.raises(LabError, match="whose word counts"):
        follower.look(25)


def test_what_was_sent_before_a_run_went_on_is_not_obeyed_by_it(recorder: Recorder) -> None:
    send(recorder.folder, "stop")
    recorder.close()
    again = Recorder(recorder.folder, Header("first"))
    steers = steering_for(again, SCHEDULE, [Driven()], at=5)
    steers.look(6)
    assert not steers.stopped
    assert [(one["kind"], "before the run went on" in one["reason"]) for one in events(again)] == [("refused", True)]
    assert asked(again, steers, 7, "stop")[0][0] == "applied"
    again.close()
