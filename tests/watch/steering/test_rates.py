"""The rates that a steered run's record tells of are those that its updates used, and none is called wrong for it."""

from pathlib import Path
from typing import Any

import pytest
import torch

import calando
import calando.torch
from calando.records.live import Tail, read_answered, send
from tests.watch.steering.lives import at_once

PLAN = calando.parse("warmup(10%) | cosine()")
ASKED = {5: "scale 0.5", 12: "undo", 20: "cooldown 10 cosine"}


def tail_of(folder: Path) -> Tail:
    tail = Tail(folder)
    tail.poll()
    return tail


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)


@pytest.mark.parametrize("order", ["osl", "ols", "los"])
@pytest.mark.parametrize("tensor", [False, True])
def test_wherever_in_the_loop_is_logged(tmp_path: Path, order: str, tensor: bool) -> None:
    rate: Any = torch.tensor(0.5) if tensor else 0.5
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=rate)
    scheduler = calando.torch.attach(optimizer, PLAN.bind(40))
    used: dict[int, float] = {}
    logged: dict[int, float] = {}
    with calando.watch("run", scheduler=scheduler, folder=tmp_path) as watched:
        while not watched.over:
            for what in order:
                if what == "o":
                    used[len(used)] = float(optimizer.param_groups[0]["lr"])
                    optimizer.step()
                elif what == "s":
                    scheduler.step()
                elif used:
                    logged[len(used) - 1] = float(len(used))
                    watched.log(train_loss=float(len(used)))
            if len(used) in ASKED:
                send(tmp_path / "run", ASKED[len(used)])
    ran, tail = read_answered(tmp_path / "run").schedule, tail_of(tmp_path / "run")
    assert ran is not None
    assert len(read_answered(tmp_path / "run").applied) == 3
    again = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=torch.tensor(0.5) if tensor else 0.5)
    follower = calando.torch.attach(again, ran)
    for step, rate in used.items():
        assert float(again.param_groups[0]["lr"]) == rate, step
        again.step()
        follower.step()
    losses, rates = tail.columns["train_loss"], tail.columns["lr"]
    assert dict(zip(losses.steps.tolist(), losses.values.tolist(), strict=True)) == logged
    assert {step: used[step] for step in rates.steps.tolist()} == dict(
        zip(rates.steps.tolist(), rates.values.tolist(), strict=True)
    )
    assert len(rates.steps) >= len(used) - 2
    assert "lr_asked" not in tail.columns


def test_a_schedule_that_steps_by_epochs_is_asked_for_what_it_asks_between_two_steps(tmp_path: Path) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    schedule = calando.cosine().bind(50, steps_per_epoch=10)
    scheduler = calando.torch.attach(optimizer, schedule, interval="epoch")
    with calando.watch("run", scheduler=scheduler, folder=tmp_path) as watched:
        for _ in range(3):
            for batch in range(10):
                optimizer.step()
                if batch == 9:
                    scheduler.step()
                watched.log(train_loss=1.0)
                if watched.step == 14:
                    send(tmp_path / "run", "scale 0.5")
                if watched.step == 25:
                    optimizer.param_groups[0]["lr"] = 0.125
    tail = tail_of(tmp_path / "run")
    assert tail.columns["lr"].values.tolist()[::10] == [0.5, 0.5 * schedule(10), 0.25 * schedule(20)]
    assert tail.columns["lr_asked"].steps.tolist() == [26, 27, 28, 29]


def test_a_schedule_that_steps_by_epochs_is_diagnosed_by_what_it_holds(tmp_path: Path) -> None:
    from calando.records.diagnosis.observe import from_log
    from calando.records.logs import read_logs

    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.5)
    scheduler = calando.torch.attach(optimizer, calando.cosine().bind(50, steps_per_epoch=10), interval="epoch")
    with calando.watch("run", scheduler=scheduler, folder=tmp_path) as watched:
        for batch in range(50):
            optimizer.step()
            watched.log(train_loss=1.0)
            if batch % 10 == 9:
                scheduler.step()
    seen = from_log(read_logs(tmp_path / "run" / "record.jsonl")[0])
    assert list(seen.asked[1]) == pytest.approx(list(seen.lr[1]))


def test_what_is_made_anew_is_recorded_with_the_rate_of_the_schedule_in_force(tmp_path: Path) -> None:
    class Remake:
        def change(self, schedule: Any) -> None:
            self.schedule = schedule

    schedule, remake = calando.linear_decay().bind(20), Remake()
    remake.change(schedule)
    with calando.watch("run", scheduler=remake, schedule=schedule, peak=0.5, folder=tmp_path) as watched:
        used: list[float] = []
        while not watched.over:
            used.append(0.5 * float(remake.schedule(len(used))))
            watched.log(train_loss=1.0, step=len(used) - 1, **({"lr": used[-1]} if len(used) % 2 else {}))
            if watched.step == 7:
                send(tmp_path / "run", "scale 0.5")
    tail = tail_of(tmp_path / "run")
    assert len(read_answered(tmp_path / "run").applied) == 1
    assert tail.columns["lr"].values.tolist() == used
    assert "lr_asked" not in tail.columns


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_a_compiled_update_with_tensor_rates_stays_one_graph(tmp_path: Path) -> None:
    parameter = torch.nn.Parameter(torch.ones(1))
    parameter.grad = torch.ones(1)
    optimizer = torch.optim.Adam([parameter], lr=torch.tensor(0.5), capturable=False, foreach=False)
    scheduler = calando.torch.attach(optimizer, calando.linear_decay().bind(6))
    graphs = 0

    def counted(graph: Any, _: Any) -> Any:
        nonlocal graphs
        graphs += 1
        return graph.forward

    update = torch.compile(optimizer.step, backend=counted)
    with calando.watch("run", scheduler=scheduler, folder=tmp_path) as watched:
        for _ in range(2):
            update()
            scheduler.step()
            watched.log(train_loss=1.0)
        before = graphs
        for _ in range(3):
            update()
            scheduler.step()
            watched.log(train_loss=1.0)
        assert (graphs, watched.step) == (before, 4)
    tail = tail_of(tmp_path / "run")
    assert tail.columns["lr"].values.tolist() == pytest.approx([0.5 * (1 - t / 6) for t in range(5)])
