"""A run goes on in its own record and from its own step, and never in another run's."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

import calando
import calando.torch
from calando.errors import BadValue, LabError
from calando.records.live import Tail, send
from tests.watch.steering.lives import at_once

SCHEDULE = calando.constant().bind(100)


class Run:
    """A loop of one's own, from a checkpoint where one is given."""

    def __init__(self, folder: Path, name: str, state: str = "", **given: Any) -> None:
        self.optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
        self.scheduler = calando.torch.attach(self.optimizer, SCHEDULE)
        if state:
            self.scheduler.load_state_dict(json.loads(state))
        self.watched = calando.watch(name, scheduler=self.scheduler, folder=folder, **given)
        assert self.watched.folder is not None
        self.folder = self.watched.folder

    def go(self, steps: int, loss: float = 1.0) -> str:
        for _ in range(steps):
            self.optimizer.step()
            self.scheduler.step()
            self.watched.log(train_loss=loss)
        return json.dumps(self.scheduler.state_dict())

    def die(self) -> None:
        assert self.watched._recorder is not None
        self.watched._recorder.close()
        self.watched.ending = "failed"


def tail_of(folder: Path) -> Tail:
    tail = Tail(folder)
    tail.poll()
    assert tail.problems == []
    return tail


@pytest.mark.parametrize("other", ["alive", "over"])
def test_of_two_runs_of_one_name_each_goes_on_in_its_own_record(
    tmp_path: Path, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once(monkeypatch)
    first, second = Run(tmp_path, "run"), Run(tmp_path, "run")
    state = first.go(20)
    second.go(5)
    send(second.folder, "scale 0.5")
    state_of_second = second.go(25, 2.0)
    first.die()
    if other == "over":
        second.die()
    again = Run(tmp_path, "run", state)
    again.go(10, 3.0)
    again.watched.close()
    assert again.folder == first.folder
    assert tail_of(first.folder).columns["lr"].values.tolist() == [0.5] * 30
    assert tail_of(second.folder).columns["train_loss"].values.tolist() == [1.0] * 5 + [2.0] * 25
    if other == "over":
        again = Run(tmp_path, "run", state_of_second)
        assert (again.folder, again.scheduler.schedule(30)) == (second.folder, 0.5)


def test_a_run_whose_own_name_ends_in_a_number_is_another_one(tmp_path: Path) -> None:
    vit, other = Run(tmp_path, "vit"), Run(tmp_path, "vit-2")
    state = vit.go(20)
    del (plain := json.loads(state))["run"]  # as a state of Keras or of a loop in JAX, that tells of no run
    other.go(50)
    vit.die()
    other.die()
    assert Run(tmp_path, "vit", json.dumps(plain)).folder == vit.folder
    assert tail_of(other.folder).last == 49


def test_where_nothing_tells_which_run_goes_on_none_is_written_over(tmp_path: Path) -> None:
    Run(tmp_path, "run").go(20)
    run = Run(tmp_path, "run")
    plain = json.loads(run.go(20))
    run.die()
    del plain["run"]
    with pytest.warns(UserWarning, match="2 runs are named 'run'.*at step 20.*'run', 'run-2'"):
        run = Run(tmp_path, "run", json.dumps(plain))
    assert run.folder.name == "run-3"
    run.die()
    with pytest.raises(LabError, match="3 runs that were opened as 'run'"):
        Run(tmp_path, "run", json.dumps(plain), resume=True)
    run = Run(tmp_path, "run", json.dumps(plain), resume="run-2")
    run.go(1)
    assert (run.folder.name, tail_of(run.folder).last, tail_of(tmp_path / "run").last) == ("run-2", 20, 19)
    with pytest.raises(LabError, match="no run is recorded"):
        Run(tmp_path, "run", resume="run-7")
    for resume in ("../run", ""):
        with pytest.raises(BadValue):
            Run(tmp_path, "run", resume=resume)


def test_a_branch_from_a_checkpoint_of_a_run_that_is_alive_gets_a_record_of_its_own(tmp_path: Path) -> None:
    trunk = Run(tmp_path, "run")
    state = trunk.go(10)
    with pytest.warns(UserWarning, match="another process's"):
        branch = Run(tmp_path, "run", state)
    assert branch.folder.name == "run-2"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        other = Run(tmp_path, "branch", state)
    assert other.folder.name == "branch"


@pytest.mark.parametrize("resume", [True, 0])
def test_a_run_that_begins_again_at_its_beginning_replaces_what_was_there(tmp_path: Path, resume: bool | int) -> None:
    Run(tmp_path, "run").go(20)
    again = Run(tmp_path, "run", resume=resume)
    again.go(5, 2.0)
    tail = tail_of(tmp_path / "run")
    assert tail.columns["train_loss"].values.tolist() == [2.0] * 5
    assert [event.data["from"] for event in tail.events if event.kind == "resumed"] == [0]


def test_a_state_that_is_loaded_after_the_watch_was_opened_says_from_where_it_goes_on(tmp_path: Path) -> None:
    run = Run(tmp_path, "run")
    state = run.go(20)
    run.die()
    again = Run(tmp_path, "run", resume=True)
    again.scheduler.load_state_dict(json.loads(state))
    again.go(5, 2.0)
    assert tail_of(tmp_path / "run").columns["train_loss"].values.tolist() == [1.0] * 20 + [2.0] * 5


def test_without_a_scheduler_the_step_that_is_logged_first_says_from_where(tmp_path: Path) -> None:
    def losses(**given: Any) -> list[float]:
        watched = calando.watch("run", folder=tmp_path, **given)
        for step in range(2):
            watched.log(train_loss=3.0, **({"step": 4 + step} if given.get("resume") is True else {}))
        watched.close()
        values: list[float] = tail_of(tmp_path / "run").columns["train_loss"].values.tolist()
        return values

    watched = calando.watch("run", folder=tmp_path)
    for _ in range(10):
        watched.log(train_loss=1.0)
    watched.close()
    assert losses(resume=True) == [1.0] * 4 + [3.0] * 2
    assert losses(resume=0) == [3.0] * 2


def test_a_run_that_goes_on_and_logs_nothing_leaves_the_record_as_it_was(tmp_path: Path) -> None:
    Run(tmp_path, "run").go(5)
    before = (tmp_path / "run" / "record.jsonl").read_bytes()
    Run(tmp_path, "run", resume=True).watched.close()
    assert (tmp_path / "run" / "record.jsonl").read_bytes() == before


def test_a_folder_that_can_be_none_is_refused() -> None:
    with pytest.raises(BadValue, match="folder"):
        calando.watch("a", folder="\0")


def test_a_scheduler_that_steps_by_epochs_tells_where_it_goes_on(tmp_path: Path) -> None:
    def begun(state: Any) -> Any:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
        schedule = calando.cosine().bind(50, steps_per_epoch=10)
        scheduler = calando.torch.attach(optimizer, schedule, interval="epoch")
        if state:
            scheduler.load_state_dict(state)
        with calando.watch("run", scheduler=scheduler, folder=tmp_path) as watched:
            for _ in range(10):
                optimizer.step()
                watched.log(train_loss=1.0)
            scheduler.step()
        return scheduler.state_dict()

    begun(begun(None))
    assert [place.name for place in tmp_path.iterdir()] == ["run"]
    assert tail_of(tmp_path / "run").columns["lr"].steps.tolist() == list(range(20))
