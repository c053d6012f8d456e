"""No rule acts on a run that cools down or was stopped, whoever began that; the record says so, once."""

import json
from pathlib import Path

import pytest
import torch

import calando
import calando.torch
from calando.core.steering import Steered, read_change
from calando.records.live import Event, Tail, send
from calando.watch.rules import early_stop, plateau
from calando.watch.watched import Watched
from tests.watch.steering.lives import at_once
from tests.watch.test_rules import Descent, Loop

PAIR = ({"patience": 2, "factor": 0.5}, {"patience": 7, "then": "cooldown 10%"})


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once(monkeypatch)


def told(orders: list[Event], kind: str) -> list[tuple[str, str]]:
    return [(str(event.data["by"]), str(event.data["text"])) for event in orders if event.kind == kind]


def bare() -> tuple[torch.optim.SGD, calando.torch.ScheduleLR]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    return optimizer, calando.torch.attach(optimizer, calando.constant().bind(300))


def flat(watched: Watched, optimizer: torch.optim.SGD, scheduler: calando.torch.ScheduleLR, updates: int) -> Tail:
    """The record of so many updates, or fewer where it is over sooner, that bring nothing."""
    for _ in range(updates):
        if watched.over:
            break
        optimizer.step()
        scheduler.step()
        watched.log(val_loss=1.0)
    tail = Tail(watched.folder)
    watched.close()
    tail.poll()
    return tail


def test_a_plateau_leaves_the_cooldown_alone_that_an_early_stop_has_begun(tmp_path: Path) -> None:
    loop = Loop(tmp_path, [plateau(**PAIR[0]), early_stop(**PAIR[1])], plan="constant()")
    while not loop.watched.over:
        loop.update(val_loss=1.0)
    orders = loop.orders()
    begun = next(place for place, event in enumerate(orders) if event.data["text"] == "cooldown 10%")
    assert begun >= 1  # the plateau was at work before
    assert told(orders[begun:], "applied") == [("rule:early_stop", "cooldown 10%")]
    (refused,) = [event for event in orders if event.kind == "refused"]
    assert (refused.data["by"], refused.data["text"]) == ("rule:plateau", "scale 0.5")
    assert f"cooldown 10% is under way since step {orders[begun].step}" in str(refused.data["reason"])
    step, horizon = orders[begun].step, loop.watched.horizon
    assert horizon == step + 30
    falls = [before - after for before, after in zip(loop.rates[step:], loop.rates[step + 1 :], strict=False)]
    assert falls == pytest.approx([falls[0]] * len(falls))  # one straight line to 0
    assert loop.replays()


def test_nor_a_persons_cooldown_until_it_is_undone(tmp_path: Path) -> None:
    rule = plateau(patience=3, factor=0.5)
    loop = Loop(tmp_path, [rule], plan="constant()")
    for text in ("cooldown 50%", "undo"):
        send(loop.watched.folder, text)
        for _ in range(9):
            loop.update(val_loss=1.0)
    orders = loop.orders()
    assert told(orders, "applied")[:2] == [("cli", "cooldown 50%"), ("cli", "undo")]
    assert set(told(orders, "applied")[2:]) == {("rule:plateau", "scale 0.5")}
    assert told(orders, "refused") == [("rule:plateau", "scale 0.5")]
    assert loop.replays()


def test_a_rule_that_goes_on_in_a_cooldown_after_a_resume_leaves_it_alone_too(tmp_path: Path) -> None:
    loop = Loop(tmp_path, [], plan="constant()")
    loop.update(val_loss=1.0)
    send(loop.watched.folder, "cooldown 50%")
    loop.update(val_loss=1.0)
    kept = json.dumps(loop.scheduler.state_dict())
    loop.watched.close()
    optimizer, scheduler = bare()
    scheduler.load_state_dict(json.loads(kept))
    watched = calando.watch("a", scheduler=scheduler, folder=tmp_path, rules=[plateau(patience=0, factor=0.5)])
    tail = flat(watched, optimizer, scheduler, updates=5)
    assert tail.name == "a"
    assert told(tail.events, "applied") == [("cli", "cooldown 50%")]
    assert told(tail.events, "refused") == [("rule:plateau", "scale 0.5")]


def test_a_run_that_was_stopped_and_trains_on_says_once_that_no_rule_acts(tmp_path: Path) -> None:
    loop = Loop(tmp_path, [plateau(patience=0, factor=0.5)], plan="constant()")
    send(loop.watched.folder, "stop")
    for _ in range(8):
        loop.update(val_loss=1.0)
    assert told(loop.orders(), "applied") == [("cli", "stop")]
    (refused,) = [event for event in loop.orders() if event.kind == "refused"]
    assert refused.data["reason"] == "the run was stopped"


def test_a_rescue_ends_where_a_cooldown_begins_and_sets_no_weights_back(tmp_path: Path) -> None:
    class Cools:
        name = "cools"

        def hear(self, step: int, numbers: object) -> tuple[str, str] | None:
            return ("cooldown 50%", "as a test") if step == 35 else None

    plain = Descent(tmp_path / "plain", 1e-3, also=[Cools()], rescued=False)
    run = Descent(tmp_path / "rescued", 1e-3, also=[Cools()])
    assert run.orders[0][0] < 36  # its first trial
    assert [text for step, text in run.orders if step >= 36] == ["cooldown 50%"]
    assert plain.orders == [(36, "cooldown 50%")]
    (refused,) = run.refused
    assert refused.data["by"] == "rule:rescue"
    assert "cooldown 50% is under way since step 36" in str(refused.data["reason"])
    assert run.rule.done
    losses = [weight * weight for weight in run.weights[36:]]
    assert losses == sorted(losses, reverse=True)  # never back to an earlier state
    assert run.replays()


def test_processes_that_agree_keep_to_it_too(tmp_path: Path) -> None:
    optimizer, scheduler = bare()
    rules = [plateau(**PAIR[0]), early_stop(**PAIR[1])]
    watched = calando.watch("a", scheduler=scheduler, folder=tmp_path, rules=rules, agree=lambda mine: mine)
    tail = flat(watched, optimizer, scheduler, updates=300)
    applied = told(tail.events, "applied")
    assert applied[applied.index(("rule:early_stop", "cooldown 10%")) + 1 :] == []
    assert told(tail.events, "refused") == [("rule:plateau", "scale 0.5")]


def test_the_cooldown_that_is_under_way_is_known_through_other_changes() -> None:
    steered = Steered(calando.constant().bind(100))
    assert steered.cooling is None
    steered = steered.apply(5, read_change("scale 0.5")).apply(10, read_change("cooldown 20%"))
    assert steered.cooling is not None
    assert (steered.cooling.step, str(steered.cooling.change)) == (10, "cooldown 20%")
    scaled = steered.apply(12, read_change("scale 0.5"))
    assert scaled.cooling == steered.cooling
    assert scaled.apply(13, read_change("undo")).cooling == steered.cooling
    assert scaled.apply(13, read_change("undo")).apply(14, read_change("undo")).cooling is None
    assert scaled.at(9).cooling is None
