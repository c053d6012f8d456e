"""Averages of a PyTorch model's weights: the mean of the last share of the updates, without touching the run."""

import copy
import io

import pytest
import torch

import calando.torch
from calando.errors import BadState, BadValue, LabError


def walk(model: torch.nn.Module, updates: int, averages: calando.torch.Averages) -> torch.Tensor:
    """Weights that go their way; all they were."""
    seen = []
    for step in range(updates):
        with torch.no_grad():
            model.weight.fill_(float(step))
        averages.update()
        seen.append(model.weight.detach().clone())
    return torch.stack(seen)


def test_a_window_is_as_old_as_a_plain_mean_over_it() -> None:
    model = torch.nn.Linear(2, 1)
    averages = calando.torch.averages(model, windows=[0.05, 0.2])
    seen = walk(model, 4000, averages)
    for window in averages.windows:
        plain = 4000 - seen[-round(window * 4000) :].mean().item()
        assert 4000 - averages.model(window).module.weight[0, 0].item() == pytest.approx(plain, rel=0.02)
    assert averages.count == 4000


def test_every_other_update_gives_the_same_window() -> None:
    model, other = torch.nn.Linear(2, 1), torch.nn.Linear(2, 1)
    often, seldom = calando.torch.averages(model), calando.torch.averages(other, every=4)
    walk(model, 1000, often)
    walk(other, 1000, seldom)
    assert (often.count, seldom.count) == (1000, 250)
    torch.testing.assert_close(often.model(0.2).module.weight, seldom.model(0.2).module.weight, rtol=2e-3, atol=0)


def test_a_run_that_is_averaged_and_evaluated_is_bit_for_bit_the_run_that_is_not() -> None:
    batches = [torch.randn(8, 4)]

    def run(given: bool) -> list[torch.Tensor]:
        torch.manual_seed(0)
        model = torch.nn.Sequential(
            torch.nn.Linear(4, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(), torch.nn.Linear(8, 1)
        )
        optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        averages = calando.torch.averages(model, optimizer) if given else None
        for step in range(20):
            x = torch.randn(8, 4)
            optimizer.zero_grad()
            model(x).square().mean().backward()
            optimizer.step()
            if averages is not None and step % 5 == 4:
                averages.evaluate(lambda net: net.train()(torch.randn(8, 4)).mean(), batches)
        return [part.clone() for part in model.state_dict().values()]

    assert all(torch.equal(a, b) for a, b in zip(run(True), run(False), strict=True))


def test_statistics_of_batch_norms_are_the_models_own_unless_they_are_taken_anew() -> None:
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.BatchNorm1d(4))
    averages = calando.torch.averages(model, windows=[0.5])
    for _ in range(20):
        model(torch.randn(16, 4))
        averages.update()
    assert averages.normalised
    assert not calando.torch.averages(torch.nn.Linear(1, 1)).normalised
    averages.evaluate(lambda net: 0.0)
    assert torch.equal(averages.model(0.5).module[1].running_mean, model[1].running_mean)
    averages.evaluate(lambda net: 0.0, [torch.randn(16, 4) + 5 for _ in range(3)])
    assert not torch.equal(averages.model(0.5).module[1].running_mean, model[1].running_mean)
    averages.update()
    assert torch.equal(averages.model(0.5).module[1].running_mean, model[1].running_mean)


def test_a_resumed_average_goes_on_bit_for_bit_from_plain_data() -> None:
    model = torch.nn.Linear(2, 1)
    whole = calando.torch.averages(model)
    walk(model, 30, whole)
    file = io.BytesIO()
    torch.save(whole.state_dict(), file)
    file.seek(0)
    other = copy.deepcopy(model)
    again = calando.torch.averages(other)
    again.load_state_dict(torch.load(file, weights_only=True))
    walk(model, 10, whole)
    walk(other, 10, again)
    assert again.count == whole.count == 40
    for window in whole.windows:
        assert torch.equal(whole.model(window).module.weight, again.model(window).module.weight)


@pytest.mark.parametrize("windows", [[], [0.0], [0.6], [0.1, 0.1], "0.1", 0.1, [True], ["a"]])
def test_windows_that_are_none_are_refused(windows) -> None:
    with pytest.raises(BadValue, match="different shares above 0"):
        calando.torch.averages(torch.nn.Linear(1, 1), windows=windows)


def test_what_cannot_be_asked_of_averages_is_refused() -> None:
    averages = calando.torch.averages(torch.nn.Linear(1, 1))
    with pytest.raises(LabError, match="averages of nothing"):
        averages.evaluate(lambda net: 0.0)
    with pytest.raises(BadValue, match=r"0\.01, 0\.05, 0\.2"):
        averages.model(0.3)
    with pytest.raises(BadState, match="state of averages over"):
        averages.load_state_dict(calando.torch.averages(torch.nn.Linear(1, 1), windows=[0.3]).state_dict())
    with pytest.raises(BadState, match="state of averages over"):
        averages.load_state_dict({})
    with pytest.raises(BadValue, match="every=0"):
        calando.torch.averages(torch.nn.Linear(1, 1), every=0)
