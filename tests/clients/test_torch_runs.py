"""The run contract with real PyTorch: the lab's protocols fit real optimizers, and the rate is read back true."""

import warnings

import pytest

torch = pytest.importorskip("torch")

import calando  # noqa: E402 - torch may be missing
from calando.lab.protocols import HookedOptimizer, Optimizer  # noqa: E402


def trained(plan: str, optimizer_of, *, horizon: int = 12, peak: float | None = 0.1, evals: int = 3):  # type: ignore[no-untyped-def]
    """Train one linear layer; gives the run and the optimizer."""
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    run = calando.standalone(plan, horizon=horizon, peak=peak, quiet=True, evals=evals)
    optimizer = optimizer_of(model)
    scheduler = run.attach(optimizer)
    for batch in run.steps([torch.randn(4, 3) for _ in range(5)]):
        loss = (model(batch) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        run.log(train_loss=loss)
        if run.eval_due:
            run.log(val_loss=loss)
    return run, optimizer


OPTIMIZERS = {
    "SGD": lambda m: torch.optim.SGD(m.parameters(), lr=0.5, momentum=0.9),
    "AdamW": lambda m: torch.optim.AdamW(m.parameters(), lr=1e-3),
    "Adagrad": lambda m: torch.optim.Adagrad(m.parameters(), lr=1e-3),
    "two groups": lambda m: torch.optim.SGD([{"params": [m.weight], "lr": 1e-3}, {"params": [m.bias]}], lr=1e-2),
    "a tensor rate": lambda m: torch.optim.AdamW(m.parameters(), lr=torch.tensor(1e-3), foreach=False),
}


@pytest.mark.parametrize("optimizer_of", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("plan", ["warmup(25%) | cosine()", "linear_decay()", "step_decay(every=4)", "constant()"])
def test_the_rate_that_was_used_is_the_one_that_was_asked(plan: str, optimizer_of) -> None:  # type: ignore[no-untyped-def]
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        run, _ = trained(plan, optimizer_of)
    schedule = calando.parse(plan).bind(12)
    assert list(run.curves()["lr"].values) == pytest.approx([0.1 * schedule(t) for t in range(12)], rel=1e-6)
    assert run.outcome()[0] == "done"
    assert run.notes == []
    assert [str(w.message) for w in told] == []


def test_real_optimizers_fit_the_protocols() -> None:
    for optimizer_of in OPTIMIZERS.values():
        optimizer = optimizer_of(torch.nn.Linear(3, 1))
        assert isinstance(optimizer, Optimizer)
        assert isinstance(optimizer, HookedOptimizer)


def test_ratios_between_groups_are_kept_at_the_peak() -> None:
    _, optimizer = trained("constant()", OPTIMIZERS["two groups"], peak=0.4)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.04, 0.4])


def test_without_a_peak_the_optimizers_own_rate_stands() -> None:
    run, _ = trained("linear_decay()", OPTIMIZERS["SGD"], peak=None)
    assert run.curves()["lr"].values[0] == 0.5


def test_a_tensor_rate_stays_the_same_tensor() -> None:
    model = torch.nn.Linear(3, 1)
    rate = torch.tensor(1e-3)
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, foreach=False)
    before = optimizer.param_groups[0]["lr"]
    calando.standalone("linear_decay()", horizon=4, peak=0.2, quiet=True).attach(optimizer)
    assert optimizer.param_groups[0]["lr"] is before
    assert float(before) == pytest.approx(0.2)


def test_a_schedule_that_listens_is_told_the_metric_once() -> None:
    run, _ = trained("reduce_on_plateau(constant(), factor=0.5, patience=0)", OPTIMIZERS["SGD"], evals=12)
    losses = run.curves()["val_loss"].values
    rule = calando.parse("reduce_on_plateau(constant(), factor=0.5, patience=0)").bind(12).rule
    assert rule is not None
    state, asked = rule.initial(), []
    for loss in losses:
        asked.append(0.1 * state.scale)
        state = rule.update(state, loss)
    assert list(run.curves()["lr"].values) == pytest.approx(asked)


def test_momentum_on_the_same_clock_does_not_disturb_the_rate() -> None:
    run, optimizer = trained("one_cycle()", OPTIMIZERS["SGD"])
    assert run.outcome()[0] == "done"
    plan = str(calando.one_cycle().with_momentum(low=0.8, high=0.95))
    run, optimizer = trained(plan, OPTIMIZERS["SGD"])
    assert run.outcome()[0] == "done"
    assert optimizer.param_groups[0]["momentum"] == pytest.approx(0.95, abs=0.01)


def test_two_updates_a_turn_are_noted() -> None:
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    run = calando.standalone("constant()", horizon=2, peak=0.1, quiet=True)
    scheduler = run.attach(optimizer)
    for _ in run.steps():
        model(torch.ones(3)).backward()
        optimizer.step()
        optimizer.step()
        scheduler.step()
    assert run.notes[0] == "update 0: 2 updates of the optimizer in one turn of the loop"
