"""The programs for Keras' `fit` on each backend and for tf.function loops, interrupted once, and compared."""

from importlib.util import find_spec
from typing import Any

import pytest

import calando
from tests.core.snippet.replay import LISTENER, Case, cases, hold, hold_listening, random_plans, replayed

HOSTS = {"tensorflow": ("tensorflow", "keras"), "jax": ("keras",), "torch": ("keras",)}
PLANS = random_plans(13, 24)
MOMENTUM = calando.one_cycle().with_momentum()
LISTENING = calando.parse(LISTENER).bind(40, steps_per_epoch=4)

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not find_spec("keras"), reason="NOT RUN: wants Keras")]


@pytest.mark.parametrize("backend", HOSTS)
def test_every_update_has_its_rate_and_a_resumed_run_too(backend: str) -> None:
    if not find_spec(backend):
        pytest.skip(f"NOT RUN: wants {backend}")
    hosts = HOSTS[backend]
    at = list(HOSTS).index(backend)
    plain = cases(hosts, PLANS[8 * at : 8 * at + 8])
    plain += [Case(host, MOMENTUM.bind(30), 14) for host in hosts]
    listening = [Case(host, LISTENING, 22) for host in hosts]
    runs: list[Any] = replayed("keras", [*plain, *listening], KERAS_BACKEND=backend, JAX_PLATFORMS="cpu")
    for case, found in zip(plain, runs, strict=False):
        hold(case, found, 1e-6)
    for case, found in zip(listening, runs[len(plain) :], strict=True):
        hold_listening(case, found)
