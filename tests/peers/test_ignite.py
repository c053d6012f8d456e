"""Every parameter scheduler of ignite: 20 random settings each, equal to the living handler at all of 200 events."""

import warnings
from random import Random
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler as torch_schedulers

import calando
import calando.torch
from calando.errors import BadName, Unconvertible
from calando.peers import Converted, from_ignite
from tests.peers.stepping import STEPS, optimizer
from tests.peers.torch_settings import MAKERS

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # torch calls torch.jit.script when ignite loads it
    import ignite.handlers.param_scheduler as handlers
    import ignite.handlers.state_param_scheduler as states
    from ignite.engine import Engine

SETTINGS = 20
pytestmark = pytest.mark.filterwarnings("ignore:Detected call of", "ignore:Please make sure to attach")
QUANTITIES = ("lr", "momentum", "weight_decay")
Rows = list[list[dict[str, float]]]


def called(driven: torch.optim.Optimizer, handler: Any, events: int) -> Rows:
    """What every group holds at each update, the handler being called before it."""
    rows = []
    for _ in range(events):
        handler(None)
        rows.append([held(group) for group in driven.param_groups])
    return rows


def held(group: dict[str, Any]) -> dict[str, float]:
    found = {name: float(group[name]) for name in QUANTITIES if name in group}
    return found | ({"beta1": float(group["betas"][0])} if "betas" in group else {})


def equal(converted: Converted, rows: Rows) -> None:
    for g, schedule in enumerate(converted.schedules(len(rows))):
        top = max(row[g]["lr"] for row in rows)
        for t, row in enumerate(rows):
            values = schedule.at(t)
            ours = converted.bases[g] * values.pop("lr")
            assert ours == pytest.approx(row[g]["lr"], rel=1e-12, abs=2e-15 * top), (g, t, str(converted))
            for name, value in values.items():
                assert value == pytest.approx(row[g][name], rel=1e-12, abs=1e-15), (g, t, name)


def _cycle(c: Random) -> dict[str, Any]:
    return {
        "start_value": c.uniform(0.01, 1), "end_value": c.choice((0.0, c.uniform(0.01, 1))),
        "cycle_size": c.randint(2, 90), "cycle_mult": c.choice((1.0, 1.0, 2.0, 1.5)),
        "start_value_mult": c.choice((1.0, 0.9)), "end_value_mult": c.choice((1.0, 0.9, 0.5)),
        "param_name": c.choice(("lr", "lr", "momentum")), "param_group_index": c.choice((None, 0, 2)),
    }  # fmt: skip


def linear(driven: torch.optim.Optimizer, c: Random, **more: Any) -> Any:
    settings = {**_cycle(c), "monotonic": c.random() < 0.6, **more}
    settings["warmup_duration"] = c.choice((0, c.randint(1, 20))) if settings["monotonic"] else 0
    return handlers.LinearCyclicalScheduler(driven, **settings)


def cosine(driven: torch.optim.Optimizer, c: Random, **more: Any) -> Any:
    return handlers.CosineAnnealingScheduler(
        driven, **{**_cycle(c), "warmup_duration": c.choice((0, c.randint(1, 20))), **more}
    )


def piecewise(driven: torch.optim.Optimizer, c: Random, **more: Any) -> Any:
    marks = sorted(c.randint(0, 150) for _ in range(c.randint(1, 6)))
    settings = {"param_name": c.choice(QUANTITIES), "param_group_index": c.choice((None, 1)), **more}
    return handlers.PiecewiseLinear(driven, milestones_values=[(m, c.uniform(0, 0.9)) for m in marks], **settings)


def group(driven: torch.optim.Optimizer, c: Random) -> Any:
    parts = [
        make(driven, c, param_group_index=i, param_name="lr") for i, make in enumerate((linear, piecewise, cosine))
    ]
    parts += [piecewise(driven, c, param_name="momentum", param_group_index=None)]
    return handlers.ParamGroupScheduler(parts)


def concat(driven: torch.optim.Optimizer, c: Random) -> Any:
    parts = [c.choice((linear, cosine, piecewise))(driven, c, param_name="lr") for _ in range(c.randint(2, 4))]
    return handlers.ConcatScheduler(parts, [c.choice((c.randint(1, 70), 0)) for _ in parts[1:]])


def mixed(driven: torch.optim.Optimizer, c: Random) -> Any:
    """A sequence with schedulers of torch in it, at any place."""
    makers = [c.choice((linear, cosine, piecewise, wrapped, wrapped, wrapped)) for _ in range(c.randint(2, 4))]
    parts = [make(driven, c) if make is wrapped else make(driven, c, param_name="lr") for make in makers]
    return handlers.ConcatScheduler(parts, [c.randint(1, 70) for _ in parts[1:]])


def warmed(driven: torch.optim.Optimizer, c: Random) -> Any:
    return handlers.create_lr_scheduler_with_warmup(
        c.choice((linear, cosine))(driven, c, param_name="lr", param_group_index=None), 0.0, c.randint(2, 40),
        c.choice((None, 0.3)),
    )  # fmt: skip


WRAPPED = [name for name in MAKERS if name not in ("SWALR", "CyclicLR", "OneCycleLR")]


def wrapped(driven: torch.optim.Optimizer, c: Random) -> Any:
    name = c.choice([*WRAPPED, "OneCycleLR", "CyclicLR"])
    settings = MAKERS[name](c)
    if name == "PolynomialLR" and settings["total_iters"] == 0:
        settings["total_iters"] = 5
    return handlers.LRScheduler(getattr(torch_schedulers, name)(driven, **settings))


def warmed_torch(driven: torch.optim.Optimizer, c: Random) -> Any:
    name = c.choice([name for name in WRAPPED if name != "MultiplicativeLR"])
    settings = MAKERS[name](c)
    if name in ("PolynomialLR", "LinearLR", "ConstantLR"):
        settings["total_iters"] = c.randint(1, 100)
    if name == "LambdaLR":
        settings = {"lr_lambda": _slowly}
    if name == "StepLR":
        settings["step_size"] = int(settings["step_size"])
    return handlers.create_lr_scheduler_with_warmup(
        getattr(torch_schedulers, name)(driven, **settings), 0.0, c.randint(2, 40), c.choice((None, 0.3))
    )


def _slowly(step: int) -> float:
    return 1.0 / (1.0 + step / 1000)


KINDS = {make.__name__: make for make in (linear, cosine, piecewise, group, concat, warmed, wrapped)}


@pytest.mark.parametrize("kind", KINDS)
def test_twenty_random_settings_equal_the_living_handler_at_every_event(kind: str) -> None:
    chance = Random(kind)
    for _ in range(SETTINGS):
        driven = optimizer()
        handler = KINDS[kind](driven, chance)
        converted = from_ignite(handler, horizon=STEPS)
        from_ignite(handler, horizon=STEPS, quirks=False)
        equal(converted, called(driven, handler, STEPS))


def test_a_warm_up_before_a_scheduler_of_torch_equals_the_living_handler() -> None:
    chance = Random("warmed torch")
    for _ in range(SETTINGS):
        driven = optimizer((0.1,))
        handler = warmed_torch(driven, chance)
        equal(from_ignite(handler, horizon=STEPS), called(driven, handler, STEPS))


def test_a_scheduler_of_torch_used_the_legacy_way_gives_torchs_own_rates() -> None:
    chance = Random("legacy")
    for name in WRAPPED:
        driven = optimizer()
        settings = {"lr_lambda": _slowly} if "lr_lambda" in MAKERS[name](chance) else MAKERS[name](chance)
        if "total_iters" in settings:
            settings["total_iters"] = 40
        inner = getattr(torch_schedulers, name)(driven, **settings)
        handler = handlers.LRScheduler(inner, use_legacy=True)
        converted = calando.from_torch(inner, quirks=False)
        driven = inner.optimizer
        rates = []
        for _ in range(100):
            rates.append([float(group["lr"]) for group in driven.param_groups])
            handler(None)  # at ITERATION_COMPLETED
        for g, schedule in enumerate(converted.schedules(100)):
            ours = [converted.bases[g] * schedule(t) for t in range(100)]
            if name not in ("MultiStepLR", "CosineAnnealingLR"):
                assert ours == pytest.approx([row[g] for row in rates], rel=1e-9, abs=1e-12), name


FOUND = ("below its eta_min",)


@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_a_scheduler_of_torch_at_any_place_of_a_sequence_equals_the_living_handler_or_is_refused(seed: str) -> None:
    chance, equal_, reasons = Random(f"mixed {seed}"), 0, []
    while equal_ < SETTINGS:
        driven = optimizer(kind=chance.choice(("sgd", "adamw")))
        handler = mixed(driven, chance)
        try:
            converted = from_ignite(handler, horizon=STEPS)
        except Unconvertible as error:
            reasons.append(error.given)
            continue
        equal(converted, called(driven, handler, STEPS))
        equal_ += 1
    assert len(reasons) <= SETTINGS / 2, reasons
    assert [one for one in reasons if not any(word in one for word in FOUND)] == []


@pytest.mark.parametrize("floor", [0.0, 0.01])
@pytest.mark.parametrize("span", [1, 30, 30.5])
def test_a_cosine_of_torch_after_another_scheduler_begins_from_the_rate_that_it_finds(
    span: float, floor: float
) -> None:
    driven = optimizer((0.1,))
    before = handlers.LinearCyclicalScheduler(driven, "lr", 0.5, 0.2, 10)
    after = handlers.LRScheduler(torch_schedulers.CosineAnnealingLR(driven, span, eta_min=floor))
    handler = handlers.ConcatScheduler([before, after], [7])
    equal(from_ignite(handler, horizon=STEPS), called(driven, handler, STEPS))


def test_a_wrapped_scheduler_begins_at_the_rate_in_force_and_is_refused_where_that_cannot_be_told_any_more() -> None:
    driven = optimizer((0.1,))
    inner = torch_schedulers.StepLR(driven, 5)
    driven.param_groups[0]["lr"] = 0.4
    handler = handlers.LRScheduler(inner)
    equal(from_ignite(handler), rows := called(driven, handler, 13))
    assert rows[0][0]["lr"] == 0.4
    with pytest.raises(Unconvertible, match="after 13 events"):
        from_ignite(handler)


def test_each_groups_own_function_is_asked_for_its_first_rate_again() -> None:
    driven = optimizer()
    inner = torch_schedulers.MultiplicativeLR(driven, [lambda t: 0.5, lambda t: 0.9, lambda t: 1.0])
    handler = handlers.LRScheduler(inner)
    equal(from_ignite(handler), called(driven, handler, 30))


@pytest.mark.parametrize("kind", ["linear", "cosine", "piecewise", "group"])
def test_a_handler_somewhere_in_its_run_gives_the_whole_plan_and_its_position(kind: str) -> None:
    for seed in range(8):
        driven = optimizer()
        handler = KINDS[kind](driven, Random(f"{kind} {seed}"))
        fresh = from_ignite(handler, horizon=STEPS)
        called(driven, handler, 55)
        if getattr(handler, "cycle_mult", 1.0) == 1.5 and handler.cycle:
            continue  # what ignite has overwritten cannot always be told any more
        later = from_ignite(handler, horizon=STEPS)
        assert later.position == 55
        for mine, theirs in zip(later.schedules(STEPS), fresh.schedules(STEPS), strict=True):
            ours = [later.bases[0] * mine(t) for t in range(0, STEPS, 7)]
            assert ours == pytest.approx([fresh.bases[0] * theirs(t) for t in range(0, STEPS, 7)], rel=1e-9, abs=1e-12)


def test_attached_it_gives_the_handlers_values_update_by_update() -> None:
    chance = Random("attached")
    for kind in ("linear", "piecewise", "warmed", "group"):
        driven, follower = optimizer(), optimizer()
        handler = KINDS[kind](driven, chance)
        converted = from_ignite(handler, horizon=60)
        ours = calando.torch.attach(follower, **converted.attach_arguments(60))
        for t, row in enumerate(called(driven, handler, 60)):
            for theirs, mine in zip(row, follower.param_groups, strict=True):
                assert {name: mine[name] for name in QUANTITIES} == pytest.approx(theirs, rel=1e-12, abs=1e-15), (
                    kind,
                    t,
                )
            follower.step()
            ours.step()


STATE = {
    "exp": lambda: states.ExpStateScheduler(0.5, 0.9, "dropout"),
    "steps": lambda: states.StepStateScheduler(0.5, 0.7, 13, "dropout"),
    "milestones": lambda: states.MultiStepStateScheduler(0.5, 0.7, [1, 30, 30, 60], "dropout"),
    "lines": lambda: states.PiecewiseLinearStateScheduler([(1, 0.5), (20, 0.1), (60, 0.4)], "dropout"),
    "function": lambda: states.LambdaStateScheduler(_slowly, "dropout"),
}


@pytest.mark.parametrize("kind", STATE)
def test_values_of_the_engines_state_are_those_of_each_call(kind: str) -> None:
    handler, engine = STATE[kind](), Engine(lambda *_: None)
    converted = from_ignite(handler)
    schedule = converted.schedules(100)[0]
    for t in range(100):
        handler(engine)
        assert converted.bases[0] * schedule(t) == pytest.approx(engine.state.dropout, rel=1e-12), t
    assert from_ignite(handler).position == 100


@pytest.mark.parametrize("index", [None, 1])
def test_a_plateau_reduces_the_groups_that_ignites_reduces(index: int | None) -> None:
    chance, driven, engine = Random(5), optimizer(), Engine(lambda *_: None)
    floor = {} if index is None else {"min_lr": 0.001}
    handler = handlers.ReduceLROnPlateauScheduler(
        driven, "loss", factor=0.5, patience=2, param_group_index=index, **floor
    )
    converted = from_ignite(handler)
    rules = [getattr(plan, "rule", None) for plan in converted.plans]
    listening = [rule and rule.initial() for rule in rules]
    for _ in range(STEPS):
        engine.state.metrics = {"loss": chance.uniform(-1, 1)}
        handler(engine)
        loss = engine.state.metrics["loss"]
        listening = [rule and rule.update(state, loss) for rule, state in zip(rules, listening, strict=True)]
        ours = [base * (state.scale if state else 1.0) for base, state in zip(converted.bases, listening, strict=True)]
        assert ours == pytest.approx([group["lr"] for group in driven.param_groups], rel=1e-12)
    assert any("heard 200 metrics" in told for told in from_ignite(handler).differences)


def test_quirks_are_told_with_their_first_step() -> None:
    driven = optimizer()
    twice = from_ignite(handlers.LRScheduler(torch_schedulers.ExponentialLR(driven, 0.9)), quirks=False)
    assert any("applied twice" in told and "first at step 0" in told for told in twice.differences)
    parts = [handlers.PiecewiseLinear(driven, "lr", [(0, value), (50, 0.0)]) for value in (0.1, 0.2, 0.3)]
    stuck = handlers.ConcatScheduler(parts, [5, 0])
    assert any("never over" in told for told in from_ignite(stuck, horizon=STEPS, quirks=False).differences)
    shrinking = handlers.CosineAnnealingScheduler(driven, "lr", 1.0, 0.1, 10, cycle_mult=0.5)
    assert any("divides by zero" in told for told in from_ignite(shrinking, horizon=STEPS).differences)


def test_an_epoch_is_told_in_epochs() -> None:
    converted = from_ignite(handlers.CosineAnnealingScheduler(optimizer(), "lr", 1.0, 0.1, 10), per="epoch")
    schedule = converted.schedules(30, steps_per_epoch=4)[0]
    assert schedule(3) == schedule(0)
    assert schedule(40) == 1.0


def _nested() -> Any:
    driven = optimizer()
    return handlers.LRScheduler(
        torch_schedulers.ChainedScheduler([torch_schedulers.StepLR(driven, 5)], driven),
    )


REFUSED = {
    "a batch size": lambda: handlers.BatchSizeScheduler(torch.utils.data.DataLoader([1, 2]), lambda event: 1),
    "ChainedScheduler in ignite's": _nested,
    "values >= 0": lambda: handlers.PiecewiseLinear(optimizer(), "lr", [(0, -1.0), (5, 1.0)]),
    "a number of the optimizer's groups": lambda: handlers.PiecewiseLinear(optimizer(), "nothing", [(0, 1.0)]),
    "divides by zero": lambda: handlers.LRScheduler(torch_schedulers.PolynomialLR(optimizer(), 0)),
    "a handler that drives": lambda: "nothing",
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_no_plan_can_say_is_refused_with_the_reason(reason: str) -> None:
    with pytest.raises(Unconvertible) as caught:
        from_ignite(REFUSED[reason]())
    assert caught.value.where.startswith("from_ignite")
    assert reason in str(caught.value) or reason == "a batch size"


def test_a_first_cycle_that_ignite_has_overwritten_is_refused_where_it_cannot_be_told() -> None:
    driven = optimizer()
    handler = handlers.CosineAnnealingScheduler(driven, "lr", 1.0, 0.1, 3, cycle_mult=0.5)
    handler.cycle_size, handler.total_cycle_size, handler.cycle = 2, 2, 1
    with pytest.raises(Unconvertible, match="first length cannot be told"):
        from_ignite(handler)


def test_another_clock_is_refused() -> None:
    with pytest.raises(BadName, match="step, epoch"):
        from_ignite(linear(optimizer(), Random(0)), per="week")
