"""The program for Composer, run under a Trainer that stands for Composer's own, which is not installed here."""

import sys
from pathlib import Path
from typing import Any

import pytest

import calando
from calando.core.snippet import code
from tests.core.snippet.replay import LISTENER, PEAK, Case, cases, hold, hold_listening, random_plans

torch = pytest.importorskip("torch")

BUNDLES = (
    calando.one_cycle().with_momentum(),
    calando.bundle(calando.wsd(), weight_decay=calando.linear_decay(start=0.1, end=0.01)),
)
PLAIN = [
    *cases(["composer"], random_plans(29, 10)),
    *(Case("composer", plan.bind(30), 14) for plan in BUNDLES),
]


class Interrupted(BaseException):
    """The run is cut here."""


@pytest.fixture(autouse=True)
def stands_for_composer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.clients import composer_loop

    monkeypatch.setitem(sys.modules, "composer", composer_loop.module())
    monkeypatch.setattr(composer_loop.Trainer, "before", None, raising=False)
    monkeypatch.chdir(tmp_path)


def runs(case: Case) -> list[list[dict[str, Any]]]:
    """What each update used: of the run that was interrupted, and of the one that went on."""
    from tests.clients.composer_loop import Trainer

    program = compile(code("composer", case.schedule, PEAK), "<exported>", "exec")
    found: list[list[dict[str, Any]]] = []
    for stop in (case.stop, None):
        used: list[dict[str, Any]] = []

        def before(optimizer: Any, used: list[dict[str, Any]] = used, stop: int | None = stop) -> None:
            if len(used) == stop:
                raise Interrupted
            (group,) = optimizer.param_groups
            used.append({"lr": group["lr"], "momentum": group["betas"][0], "weight_decay": group["weight_decay"]})

        Trainer.before = staticmethod(before)
        try:
            exec(program, {"__name__": "__main__"})
        except Interrupted:
            assert stop is not None
        found.append(used)
    return found


@pytest.mark.parametrize("case", PLAIN, ids=lambda case: str(case.schedule)[:60])
def test_every_update_has_its_rate_and_a_resumed_run_too(case: Case) -> None:
    hold(case, runs(case), 1e-15)


def test_a_plan_that_listens_is_fed_and_remembers() -> None:
    case = Case("composer", calando.parse(LISTENER).bind(40, steps_per_epoch=4), 22)
    hold_listening(case, runs(case))


def test_it_says_what_composer_drives_it_by() -> None:
    assert "schedulers=calando.composer" not in code("composer", PLAIN[-1].schedule, PEAK)
    assert "step_schedulers_every_batch=True" in code("composer", PLAIN[-1].schedule, PEAK)
    assert "calando.composer.Factor(schedule)" in code("composer", calando.cosine().bind(10), PEAK)
