"""A compiled step of optax cannot change from outside; an object that makes it anew steers the run (docs/steer.md)."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax
import pytest

import calando
import calando.optax
from calando.records.live import read_answered, send
from calando.watch import steer

SCHEDULE = calando.cosine().bind(60)


class Remake:
    """An optimizer that is made again, with its state, when the schedule changes."""

    def __init__(self, schedule: calando.Schedule) -> None:
        self.change(schedule)

    def change(self, schedule: calando.Schedule) -> None:
        self.schedule = schedule
        self.optimizer = calando.optax.attach(optax.sgd, schedule, learning_rate=0.1, momentum=0.9)
        self.update = jax.jit(self.optimizer.update)


def trained(remake: Remake, watched: Any, folder: Path | None) -> list[float]:
    params = jnp.ones(2)
    state = remake.optimizer.init(params)
    rates = []
    while not watched.over:
        if folder is not None and len(rates) == 20:
            send(folder, "scale 0.5")
        if folder is not None and len(rates) == 40:
            send(folder, "cooldown 10")
        updates, state = remake.update(params, state, params)
        params = optax.apply_updates(params, updates)
        rates.append(float(state.hyperparams["learning_rate"]))
        watched.log(train_loss=1.0, norm=float(jnp.abs(params).sum()))
    return rates


def test_a_step_that_is_made_anew_follows_and_the_state_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steer, "PAUSE", 0.0)
    remake = Remake(SCHEDULE)
    watched = calando.watch("run", scheduler=remake, schedule=SCHEDULE, folder=tmp_path)
    rates = trained(remake, watched, tmp_path / "run")
    ran = read_answered(tmp_path / "run").schedule
    assert ran is not None
    assert [event.data["text"] for event in read_answered(tmp_path / "run").applied] == ["scale 0.5", "cooldown 10"]
    assert len(rates) == ran.horizon == 51
    again = Remake(ran)
    assert rates == trained(again, calando.watch("again", scheduler=again, schedule=ran, folder=tmp_path), None)


def test_an_attached_transformation_is_not_steered_and_the_run_says_what_to_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steer, "PAUSE", 0.0)
    watched = calando.watch("run", schedule=SCHEDULE, folder=tmp_path)
    send(tmp_path / "run", "scale 0.5")
    watched.log(train_loss=1.0)
    lines = (tmp_path / "run/record.jsonl").read_text()
    assert "an object with change(schedule)" in lines
