"""Virtual cooldown: averaged weights' losses in the record, with the band that was measured."""

import json
import math
from pathlib import Path

import pytest
import torch

import calando
import calando.torch
from calando.errors import BadValue
from calando.records.live import Tail
from calando.watch.virtual import MEASURED, virtual_cooldown

RESULTS = Path(__file__).parents[2] / "bench" / "results" / "watch" / "virtual.json"


def test_a_real_loop_records_what_its_averages_are_worth(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    scheduler = calando.torch.attach(optimizer, calando.constant().bind(200))
    averages = calando.torch.averages(model, optimizer)
    x = torch.randn(256, 4)
    y = x.sum(1, keepdim=True) + torch.randn(256, 1)

    def loss_of(net: torch.nn.Module) -> torch.Tensor:
        return (net(x) - y).square().mean()

    with calando.watch("a", scheduler=scheduler, folder=tmp_path) as watched:
        while not watched.over:
            rows = torch.randint(256, (4,))
            optimizer.zero_grad()
            (model(x[rows]) - y[rows]).square().mean().backward()
            optimizer.step()
            scheduler.step()
            watched.log(val_loss=loss_of(model))
            if watched.step % 100 == 99:
                virtual_cooldown(watched, averages.evaluate(loss_of))
    tail = Tail(tmp_path / "a")
    tail.poll()
    assert tail.problems == []
    told = [event for event in tail.events if event.kind == "virtual"]
    assert [(event.step, event.data["steps"]) for event in told] == [(99, 10)] * 3 + [(199, 20)] * 3
    assert [event.data["source"] for event in told[:3]] == [f"average of the last {p} %" for p in (1, 5, 20)]
    best = min(float(event.data["value"]) for event in told[3:])
    assert best < loss_of(model).item()  # a rate as high as this leaves noise, which averages take away
    for event in told:
        ratios = MEASURED[float(str(event.data["source"]).split()[-2]) / 100]
        ends = [event.data["low"] / event.data["value"], event.data["high"] / event.data["value"]]
        assert ends == pytest.approx(list(ratios))


def test_what_is_no_loss_has_no_band_and_the_nearest_window_tells_that_of_others(tmp_path: Path) -> None:
    watched = calando.watch("a", folder=tmp_path)
    watched.log(score=1.0, step=99)
    negative, other = virtual_cooldown(watched, {0.04: -1.0, 0.5: 2.0})
    watched.close()
    assert (negative.low, negative.high) == (None, None)
    assert (other.low, other.high) == tuple(2.0 * ratio for ratio in MEASURED[0.2])


@pytest.mark.parametrize("losses", [{}, {0.0: 1.0}, {0.6: 1.0}, {0.1: True}, {"a": 1.0}, [0.1], None])
def test_what_is_no_windows_and_losses_is_refused(tmp_path: Path, losses) -> None:
    watched = calando.watch("a", folder=tmp_path)
    watched.log(train_loss=1.0)
    with pytest.raises(BadValue, match="windows above 0"):
        virtual_cooldown(watched, losses)
    watched.close()


def test_the_bands_are_those_that_were_measured() -> None:
    from bench.watch.virtual import band, errors

    rows = json.loads(RESULTS.read_text())["rows"]
    some = [row for row in rows if row["length"] == 0.1 and "batch norms" not in row["framework"]]
    assert len({(row["framework"], row["task"], row["seed"]) for row in some}) >= 18
    for window, ratios in MEASURED.items():
        assert ratios == pytest.approx(band(errors(some, f"average {window:g}")), abs=5e-4)


def test_losses_that_are_not_finite_are_left_out_and_end_no_training(tmp_path: Path) -> None:
    watched = calando.watch("a", folder=tmp_path)
    watched.log(train_loss=1.0, step=99)
    with pytest.warns(UserWarning, match="not finite"):
        found = virtual_cooldown(watched, {0.01: math.nan, 0.05: 2.0, 0.2: math.inf})
    assert ([one.window for one in found], virtual_cooldown(watched, {0.05: math.nan})) == ([0.05], ())
    watched.close()
