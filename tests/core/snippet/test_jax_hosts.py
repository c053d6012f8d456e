"""The programs for JAX: optax, Flax NNX and Equinox, jitted, interrupted once, and compared update by update."""

from importlib.util import find_spec
from typing import Any

import pytest

import calando
from tests.core.snippet.replay import LISTENER, Case, cases, hold, hold_listening, random_plans, replayed

HOSTS = ("optax", "flax", "equinox")
MOMENTUM = calando.one_cycle().with_momentum()
PLAIN = [*cases(HOSTS, random_plans(12, 21)), *(Case(host, MOMENTUM.bind(30), 14) for host in HOSTS)]
LISTENING = [Case(host, calando.parse(LISTENER).bind(40, steps_per_epoch=4), 22) for host in HOSTS]

QUICK = "--xla_backend_optimization_level=0"  # what is compiled runs for forty updates

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not all(map(find_spec, HOSTS)), reason="NOT RUN: wants optax, Flax and Equinox"),
]


@pytest.fixture(scope="module")
def runs() -> dict[Case, Any]:
    asked = [*PLAIN, *LISTENING]
    return dict(zip(asked, replayed("jax", asked, JAX_PLATFORMS="cpu", XLA_FLAGS=QUICK), strict=True))


@pytest.mark.parametrize("host", HOSTS)
def test_every_update_has_its_rate_and_a_resumed_run_too(host: str, runs: dict[Case, Any]) -> None:
    mine = [case for case in PLAIN if case.host == host]
    assert len(mine) >= 8
    for case in mine:
        hold(case, runs[case], 1e-6)


@pytest.mark.parametrize("host", HOSTS)
def test_a_plan_that_listens_is_fed_and_remembers(host: str, runs: dict[Case, Any]) -> None:
    (case,) = (case for case in LISTENING if case.host == host)
    hold_listening(case, runs[case])
