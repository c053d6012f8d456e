"""Trackers get what was logged; one that fails is left out, and the run goes on."""

from pathlib import Path
from typing import Any

import pytest

import calando
from calando.records.live import Tail


class Run:
    """As a run of W&B, or the module of trackio: `log(data, step=None, ...)`."""

    def __init__(self) -> None:
        self.seen: list[tuple[dict[str, float], int | None]] = []

    def log(self, data: dict[str, float], step: int | None = None, commit: bool | None = None) -> None:
        assert commit is None
        self.seen.append((data, step))


class Mlflow:
    """As the module of mlflow: `log_metrics(metrics, step=None, ...)` beside much else."""

    def __init__(self) -> None:
        self.seen: list[tuple[dict[str, float], int | None]] = []

    def log_metrics(self, metrics: dict[str, float], step: int | None = None, synchronous: bool | None = None) -> None:
        assert synchronous is None
        self.seen.append((metrics, step))

    def log(self) -> None:
        raise AssertionError("not this one")


class Writer:
    """As TensorBoard's SummaryWriter: `add_scalar(tag, scalar_value, global_step=None, ...)`, and much else."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, float, int | None]] = []

    def add_scalar(self, tag: str, scalar_value: float, global_step: int | None = None) -> None:
        self.seen.append((tag, scalar_value, global_step))


class Broken:
    """A tracker that the network has left."""

    def __init__(self) -> None:
        self.calls = 0

    def log(self, data: dict[str, float], step: int) -> None:
        self.calls += 1
        raise ConnectionError("gone")


def test_each_tracker_gets_every_line_with_its_step(tmp_path: Path) -> None:
    run, mlflow, writer, lines = Run(), Mlflow(), Writer(), []
    sinks = [run, mlflow, writer, lambda step, numbers: lines.append((dict(numbers), step))]
    with calando.watch("a", schedule=calando.linear_decay().bind(4), peak=1.0, folder=tmp_path, sinks=sinks) as watched:
        watched.log(train_loss=2.0)
        watched.log(train_loss=float("nan"))
    wanted: list[Any] = [({"train_loss": 2.0, "lr": 1.0}, 0)]
    assert run.seen[:1] == mlflow.seen[:1] == lines[:1] == wanted
    assert writer.seen[:2] == [("train_loss", 2.0, 0), ("lr", 1.0, 0)]
    assert (run.seen[1][1], run.seen[1][0]["lr"]) == (1, 0.75)


def test_tensorboard_gets_scalars_that_are_read_back_as_logs(tmp_path: Path) -> None:
    tensorboard = pytest.importorskip("torch.utils.tensorboard", reason="NOT RUN: TensorBoard is not installed")
    writer = tensorboard.SummaryWriter(str(tmp_path / "events"))
    with calando.watch(
        "a", schedule=calando.linear_decay().bind(4), peak=1.0, folder=tmp_path, sinks=writer
    ) as watched:
        for loss in (3.0, 2.0, 1.0):
            watched.log(train_loss=loss)
    writer.close()
    from calando.records.logs import read_logs

    (log,) = read_logs(tmp_path / "events")
    assert log.columns["train_loss"].values.tolist() == [3.0, 2.0, 1.0]
    assert log.columns["lr"].values.tolist() == [1.0, 0.75, 0.5]


def test_a_sink_that_fails_is_told_of_once_and_left_out(tmp_path: Path) -> None:
    broken, run = Broken(), Run()
    with calando.watch("a", folder=tmp_path, sinks=[broken, run]) as watched:
        with pytest.warns(UserWarning, match="Broken failed and is left out: ConnectionError"):
            watched.log(train_loss=1.0)
        watched.log(train_loss=1.0)
        watched.log(train_loss=1.0)
    assert (broken.calls, len(run.seen)) == (1, 3)
    tail = Tail(tmp_path / "a")
    tail.poll()
    assert len(tail.columns["train_loss"]) == 3
    assert "left out" in tail.events[0].data["text"]


def test_a_rule_hears_what_is_logged_and_one_that_fails_is_left_out(tmp_path: Path) -> None:
    class Rule:
        name = "counts"

        def __init__(self) -> None:
            self.heard: list[tuple[int, float]] = []

        def hear(self, step: int, numbers: Any) -> tuple[str, str] | None:
            self.heard.append((step, numbers["train_loss"]))
            if step == 2:
                return "stop", "it is enough"
            return None

    class Bad(Rule):
        name = "bad"

        def hear(self, step: int, numbers: Any) -> tuple[str, str] | None:
            super().hear(step, numbers)
            raise KeyError("nothing")

    rule, bad = Rule(), Bad()
    watched = calando.watch("a", horizon=10, folder=tmp_path, rules=[bad, rule])
    with pytest.warns(UserWarning, match="the rule bad failed"):
        watched.log(train_loss=1.0)
    while not watched.over:
        watched.log(train_loss=1.0)
    watched.close()
    assert (len(bad.heard), rule.heard) == (1, [(0, 1.0), (1, 1.0), (2, 1.0)])
    tail = Tail(tmp_path / "a")
    tail.poll()
    applied, ended = tail.events
    assert (applied.data["by"], applied.data["reason"]) == ("rule:counts", "it is enough")
    assert ended.data["status"] == "stopped"
