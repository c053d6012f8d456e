"""Rules that steer: their orders stand in the record with reasons, and the rates that were used replay from it."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

import calando
import calando.torch
from calando.core.feedback import PlateauRule
from calando.errors import BadName, BadState, BadText, BadValue
from calando.records.live import Event, Tail, read_answered
from calando.watch.rules import early_stop, plateau, rescue


class Loop:
    """A real PyTorch loop on made-up losses, watched under rules."""

    def __init__(self, folder: Path, rules: list[Any], plan: str = "linear_decay()", horizon: int = 300) -> None:
        self.model = torch.nn.Linear(3, 1)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        self.scheduler = calando.torch.attach(self.optimizer, calando.parse(plan).bind(horizon))
        self.watched = calando.watch("a", scheduler=self.scheduler, folder=folder, rules=rules)
        self.rates: list[float] = []

    def update(self, **numbers: float) -> None:
        self.model(torch.ones(3)).sum().backward()
        self.rates.append(self.optimizer.param_groups[0]["lr"])
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.scheduler.step()
        self.watched.log(numbers)

    def orders(self) -> list[Event]:
        """What stands in the record of what was ordered."""
        tail = Tail(self.watched.folder)
        tail.poll()
        assert tail.problems == []
        return [event for event in tail.events if event.kind in ("applied", "refused")]

    def replays(self) -> bool:
        """Whether the schedule that the record tells of gives each rate that was used."""
        schedule = read_answered(self.watched.folder).schedule
        return self.rates == [0.1 * schedule(step) for step in range(len(self.rates))]


LOSSES = [1.0, 0.9, 0.9, 0.9, 0.95, 0.7, math.nan, 0.7, 0.71, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.6, 0.5, 0.6] * 2


@pytest.mark.parametrize("settings", [{}, {"cooldown": 2}, {"threshold": 0.2}, {"mode": "max"}, {"min_scale": 0.2}])
def test_the_plateau_rule_decides_as_reduce_on_plateau_does_and_its_rates_replay(tmp_path: Path, settings) -> None:
    loop = Loop(tmp_path, [plateau(factor=0.5, patience=2, **settings)])
    rule = PlateauRule(factor=0.5, patience=2, **settings)
    state, scales = rule.initial(), []
    for loss in LOSSES:
        scales.append(state.scale)
        state = rule.update(state, loss)
        loop.update(val_loss=loss)
    plain = calando.linear_decay().bind(300)
    assert loop.rates == pytest.approx([0.1 * plain(step) * scale for step, scale in enumerate(scales)], rel=1e-12)
    assert loop.replays()
    orders = loop.orders()
    assert len(orders) == len(set(scales) | {state.scale}) - 1 > 0
    assert {(event.kind, event.data["by"]) for event in orders} == {("applied", "rule:plateau")}
    assert "values of val_loss none better than" in str(orders[0].data["reason"])


def test_a_scale_that_was_refused_does_not_count(tmp_path: Path) -> None:
    rule = plateau(factor=0.5, patience=0)
    watched = calando.watch("a", folder=tmp_path, rules=[rule], horizon=10)  # nothing here can follow a schedule
    for _ in range(3):
        watched.log(val_loss=1.0)
    watched.close()
    tail = Tail(watched.folder)
    tail.poll()
    assert [event.kind for event in tail.events] == ["refused", "refused", "ended"]
    assert rule.state_dict()["scale"] == 1.0


def test_a_plateau_that_was_kept_in_a_checkpoint_goes_on_counting() -> None:
    rule, again = plateau(patience=3), plateau(patience=3)
    for step in range(3):
        assert rule.hear(step, {"val_loss": 1.0}) is None
    again.load_state_dict(json.loads(json.dumps(rule.state_dict())))
    assert again.hear(3, {"val_loss": 1.0}) is None
    assert again.hear(4, {"val_loss": 1.0}) is not None
    with pytest.raises(BadState, match="scale, best, bad"):
        again.load_state_dict({"best": 1.0})


@pytest.mark.parametrize(("after", "end"), [(0, 9), (20, 24)])
def test_a_run_that_no_longer_improves_is_stopped_with_the_reason(tmp_path: Path, after: int, end: int) -> None:
    loop = Loop(tmp_path, [early_stop(patience=2, after=after)])
    made = 0
    while not loop.watched.over:
        loop.update(val_loss=max(1.0 - 0.1 * made, 0.55))
        made += 1
    loop.watched.close()
    assert made == end  # 0.55 came with the 6th, or was the first one heard; 3 more were no better
    assert loop.watched.ending == "stopped"
    assert str(loop.orders()[0].data["reason"]) == "of the last 3 values of val_loss none better than 0.55"


def test_a_run_that_no_longer_improves_is_cooled_down_before_it_ends(tmp_path: Path) -> None:
    rule = early_stop(patience=4, then="cooldown 10%")
    loop = Loop(tmp_path, [rule], plan="constant()")
    while not loop.watched.over:
        loop.update(val_loss=1.0)
    assert loop.rates[:6] == [0.1] * 6
    assert loop.rates[-1] == pytest.approx(0.1 / 30)
    assert [event.data["text"] for event in loop.orders()] == ["cooldown 10%"]
    assert loop.replays()
    kept = early_stop(patience=4, then="cooldown 10%")
    kept.load_state_dict(json.loads(json.dumps(rule.state_dict())))
    assert [kept.hear(step, {"val_loss": 9.0}) for step in range(20)] == [None] * 20
    with pytest.raises(BadState, match="what state_dict wrote"):
        kept.load_state_dict({})


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: plateau(factor=1.5), BadValue, "factor"),
        (lambda: plateau(mode="mn"), BadName, "mode"),
        (lambda: early_stop(patience=-1), BadValue, "patience"),
        (lambda: early_stop(then="undo"), BadValue, "then='undo'"),
        (lambda: early_stop(then="halt"), BadName, "halt"),
        (lambda: early_stop(then=""), BadText, "command"),
        (lambda: early_stop(after=-1), BadValue, "after=-1"),
        (lambda: rescue(horizon=1000), BadValue, "state_dict"),
        (lambda: rescue(3, horizon=1000), BadValue, "state_dict"),
        (lambda: rescue(torch.nn.Linear(1, 1), horizon=0), BadValue, "horizon=0"),
        (lambda: rescue(torch.nn.Linear(1, 1), horizon=300), BadValue, "5 trials of 5 updates"),
        (lambda: rescue(torch.nn.Linear(1, 1), horizon=1000, warmup=100), BadValue, "5 trials of 0 updates"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make, error, text: str) -> None:
    with pytest.raises(error, match=text):
        make()


# ---- rescue


class Descent:
    """Gradient descent on one number whose curvature is known: too high a rate diverges, too low a one crawls."""

    def __init__(
        self, folder: Path, rate: float, *, rescued: bool = True, also: Sequence[Any] = (), **options: Any
    ) -> None:
        horizon = 1000
        self.weight = torch.nn.Parameter(torch.tensor([10.0]))
        self.optimizer = torch.optim.SGD([self.weight], lr=rate, momentum=0.5)
        self.scheduler = calando.torch.attach(self.optimizer, calando.linear_decay().bind(horizon))
        self.rate, self.rates, self.weights = rate, [], []
        module = torch.nn.Module()
        module.weight = self.weight
        self.rule = rescue(module, self.optimizer, horizon=horizon, **options)
        rules = [*also, self.rule] if rescued else also
        self.watched = calando.watch("a", scheduler=self.scheduler, folder=folder, rules=rules)
        while not self.watched.over:
            self.weights.append(self.weight.item())
            loss = (0.5 * self.weight**2).sum() + 1
            self.optimizer.zero_grad()
            loss.backward()
            self.rates.append(self.optimizer.param_groups[0]["lr"])
            self.optimizer.step()
            self.scheduler.step()
            self.watched.log(train_loss=loss)
        self.watched.close()
        tail = Tail(self.watched.folder)
        tail.poll()
        self.orders = [(event.step, str(event.data["text"])) for event in tail.events if event.kind == "applied"]
        self.reasons = [str(event.data["reason"]) for event in tail.events if event.kind == "applied"]
        self.refused = [event for event in tail.events if event.kind == "refused"]

    @property
    def kept(self) -> float:
        """What the rate was multiplied by in the end."""
        return math.prod(float(text.split()[1]) for _, text in self.orders)

    def replays(self) -> bool:
        schedule = read_answered(self.watched.folder).schedule
        return self.rates == [self.rate * schedule(step) for step in range(len(self.rates))]


def test_a_rate_that_is_far_too_low_is_raised_step_by_step(tmp_path: Path) -> None:
    run = Descent(tmp_path, 1e-3)
    assert run.kept in (16.0, 64.0)
    assert run.rule.done
    assert [text for _, text in run.orders[:2]] == ["scale 4 force"] * 2
    assert run.orders[0][0] == 10 + run.rule.length
    assert run.orders[-1][0] <= 100
    assert run.replays()
    assert run.refused == []
    plain = Descent(tmp_path, 1e-3, rescued=False)
    assert abs(run.weights[-1]) < 1e-3 * abs(plain.weights[-1])


def test_a_rate_that_diverges_is_lowered_and_the_weights_go_back(tmp_path: Path) -> None:
    run = Descent(tmp_path, 30.0)
    assert run.kept <= 1 / 16
    assert math.isfinite(run.weights[-1])
    assert abs(run.weights[-1]) < 1e-3
    for step, _ in run.orders:
        assert abs(run.weights[step]) <= abs(run.weights[run.rule._first]) * (1 + 1e-9)
    assert "not finite" in run.reasons[0] or "gave a loss of" in run.reasons[0]
    assert run.replays()


def test_trials_begin_from_the_snapshot_and_the_run_goes_on_from_the_best_bit_for_bit(tmp_path: Path) -> None:
    run, plain = Descent(tmp_path / "a", 0.9), Descent(tmp_path / "b", 0.9, rescued=False)
    (up, _), (down, _), (back, _) = run.orders
    assert run.weights[:up] == plain.weights[:up]
    assert run.weights[up] == run.weights[down] == plain.weights[run.rule._first]
    assert run.weights[back] == plain.weights[up]
    assert run.weights[up + 1] != plain.weights[run.rule._first + 1]


def test_a_rate_that_is_right_is_kept_and_costs_two_trials(tmp_path: Path) -> None:
    run = Descent(tmp_path, 0.9)
    assert run.kept == 1.0
    assert len(run.orders) == 3  # 4 times, a quarter, back
    assert run.orders[-1][0] - run.orders[0][0] <= 2 * run.rule.length
    assert "back to the weights that 1 times the rate gave" in run.reasons[-1]


def test_trials_may_be_judged_by_an_evaluation_of_ones_own(tmp_path: Path) -> None:
    asked: list[float] = []
    run = Descent(tmp_path, 0.01, evaluate=lambda: asked.append(1.0) or 1.0)
    assert (run.kept, len(asked)) == (1.0, 3)  # every trial is as good: what was asked stays


def test_functions_that_save_and_restore_do_as_well_as_states() -> None:
    weights = [1.0]
    rule = rescue((lambda: list(weights), lambda saved: weights.__setitem__(slice(None), saved)), horizon=1000)
    step = 9
    assert rule.hear(step, {"train_loss": 5.0}) is None
    for _ in range(rule.length):
        step += 1
        weights[0] += 1
        order = rule.hear(step, {"train_loss": 5.0})
    assert order is not None
    assert order[0] == "scale 4.0 force"
    assert weights[0] == 1.0 + rule.length  # nothing goes back before the order is in force
    rule.answered(Event(step + 1, "applied"))
    assert weights == [1.0]


def test_a_rescue_whose_order_is_refused_changes_nothing_and_is_through() -> None:
    weights = [1.0]
    rule = rescue((lambda: list(weights), lambda saved: weights.__setitem__(slice(None), saved)), horizon=1000)
    for step in range(9, 10 + rule.length):
        weights[0] += 1
        order = rule.hear(step, {"train_loss": 5.0})
    assert order is not None
    held = list(weights)
    rule.answered(Event(99, "refused"))
    assert (weights, rule.done) == (held, True)
    assert rule.hear(100, {"train_loss": 5.0}) is None


def test_a_rate_that_is_a_tensor_stays_the_same_tensor(tmp_path: Path) -> None:
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=torch.tensor(0.1))
    rate = optimizer.param_groups[0]["lr"]
    rule = rescue(model, optimizer, horizon=1000)
    model(torch.ones(1)).backward()
    optimizer.step()
    saved = rule._save()
    before = [part.clone() for part in model.parameters()]
    optimizer.step()
    rate.fill_(0.025)
    rule._restore(saved)
    assert optimizer.param_groups[0]["lr"] is rate
    assert float(rate) == pytest.approx(0.025)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))
    assert {float(state["step"]) for state in optimizer.state.values()} == {1.0}


def test_a_rescue_among_several_processes_is_refused_since_only_its_own_weights_would_go_back(tmp_path: Path) -> None:
    rule = rescue(torch.nn.Linear(1, 1), horizon=1000)
    with pytest.raises(BadValue, match="the rule rescue and agree="):
        calando.watch("a", rules=[rule], agree=lambda mine: mine, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answer", [5, (5, None), ("scale 0.5", "why", "more"), "stop"])
def test_a_rule_that_answers_wrongly_is_left_out_and_ends_no_training(tmp_path: Path, answer: Any) -> None:
    class Odd:
        def hear(self, step: int, numbers: Any) -> Any:
            return answer

    watched = calando.watch("a", horizon=5, folder=tmp_path, rules=[Odd()])
    with pytest.warns(UserWarning, match="the rule Odd failed and is left out"):
        watched.log(train_loss=1.0)
    watched.log(train_loss=1.0)
    assert watched.step == 1
    watched.close()
    with pytest.raises(BadValue, match="hear"):
        calando.watch("b", folder=tmp_path, rules=[answer])
