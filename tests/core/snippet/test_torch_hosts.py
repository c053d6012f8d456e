"""The programs for PyTorch and its hosts, run by these hosts, interrupted once, and compared update by update."""

from importlib.util import find_spec
from typing import Any

import pytest

import calando
from tests.core.snippet.replay import LISTENER, Case, cases, hold, hold_listening, random_plans, replayed

HOSTS = ("torch", "lightning", "transformers", "accelerate", "ignite", "deepspeed")
BUNDLES = (
    calando.one_cycle().with_momentum(),
    calando.bundle(calando.wsd(), weight_decay=calando.linear_decay(start=0.1, end=0.01)),
)
PLAIN = [
    *cases(HOSTS, random_plans(11, 24)),
    *(Case(host, plan.bind(30), 14) for host, plan in zip(HOSTS, BUNDLES * 3, strict=True)),
]
LISTENING = [Case(host, calando.parse(LISTENER).bind(40, steps_per_epoch=4), 22) for host in HOSTS]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not all(map(find_spec, HOSTS)), reason="NOT RUN: wants every host of PyTorch"),
]


@pytest.fixture(scope="module")
def runs() -> dict[Case, Any]:
    asked = sorted([*PLAIN, *LISTENING], key=lambda case: case.host == "deepspeed")  # its process group stays open
    return dict(zip(asked, replayed("torch", asked), strict=True))


@pytest.mark.parametrize("host", HOSTS)
def test_every_update_has_its_rate_and_a_resumed_run_too(host: str, runs: dict[Case, Any]) -> None:
    mine = [case for case in PLAIN if case.host == host]
    assert len(mine) >= 5
    for case in mine:
        hold(case, runs[case], 1e-15)


@pytest.mark.parametrize("host", HOSTS)
def test_a_plan_that_listens_is_fed_and_remembers(host: str, runs: dict[Case, Any]) -> None:
    (case,) = (case for case in LISTENING if case.host == host)
    hold_listening(case, runs[case])
