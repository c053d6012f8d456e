"""Exported programs for random plans, replayed in a process of their own, interrupted once, and compared."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest

import calando
from calando import Schedule
from calando.core.snippet import code
from calando.core.snippet.words import words
from tests.peers.exports.likely import likely
from tests.plans import build
from tests.strategies import SIZES, grow, plain

PEAK = 3e-4
LISTENER = "reduce_on_plateau(cosine(end=0.2), factor=0.5, patience=0, threshold=1e9, threshold_mode=absolute)"
ROOT = Path(__file__).parents[3]


class Case(NamedTuple):
    """One program: its host, its schedule, and the update before which it is interrupted."""

    host: str
    schedule: Schedule
    stop: int

    @property
    def saved(self) -> int:
        """The update that the last checkpoint before the interruption stands at."""
        every = words(self.schedule, PEAK).save
        return self.stop // every * every


def random_plans(seed: int, count: int) -> list[Schedule]:
    """So many random schedules of 20 or 40 steps: known kinds, and deep compositions in every unit."""
    found = likely(seed, count // 2, horizon=20)
    chance = Random(seed)
    while len(found) < count:
        grown = plain(grow(chance, depth=chance.randint(1, 3), horizon=40))
        if "function" not in str(grown.tree):
            try:
                found.append(build(grown.tree).bind(40, **SIZES | {"steps_per_epoch": 10}))
            except calando.errors.DoesNotFit:
                continue
    return found


def cases(hosts: Sequence[str], schedules: Sequence[Schedule]) -> list[Case]:
    """The schedules dealt out to the hosts, each run interrupted at another place."""
    found = []
    for i, schedule in enumerate(schedules):
        stop = schedule.horizon // 3 + (5 * i) % (schedule.horizon // 2)
        found.append(Case(hosts[i % len(hosts)], schedule, stop))
    return found


def replayed(family: str, asked: Sequence[Case], **environment: str) -> list[list[list[dict[str, float]]]]:
    """For each case the values of every update: of the run that was interrupted, and of the one that went on."""
    programs = [(code(case.host, case.schedule, PEAK), case.stop) for case in asked]
    done = subprocess.run(
        [sys.executable, "-m", "tests.core.snippet.recorder", family], input=json.dumps(programs),
        capture_output=True, text=True, check=False, timeout=280, cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-6000:]
    answer: list[list[list[dict[str, float]]]] = json.loads(done.stdout.splitlines()[-1])
    return answer


def hold(case: Case, runs: list[list[dict[str, Any]]], tolerance: float) -> None:
    """Every update, across the interruption, used what the schedule says."""
    first, second = runs
    assert len(first) == case.stop, case.host
    together = first[: case.saved] + second
    assert len(together) == case.schedule.horizon, case.host
    rates = [PEAK * case.schedule(step) for step in range(case.schedule.horizon)]
    told = f"{case.host}: {case.schedule}"
    top = max(rates)
    assert [used["lr"] for used in first] == pytest.approx(rates[: case.stop], rel=0, abs=tolerance * top), told
    assert [used["lr"] for used in together] == pytest.approx(rates, rel=0, abs=tolerance * top), told
    for name in ("momentum", "weight_decay"):
        if name in case.schedule.quantities and name in together[0]:
            wanted = [case.schedule.at(step)[name] for step in range(case.schedule.horizon)]
            assert [used[name] for used in together] == pytest.approx(wanted, rel=0, abs=tolerance), told


def hold_listening(case: Case, runs: list[list[dict[str, Any]]]) -> None:
    """The rule was fed, lowered the rate by its factor each time, and did not forget it when interrupted."""
    first, second = runs
    together = first[: case.saved] + second
    open_loop = [PEAK * case.schedule(step) for step in range(len(together))]
    scales = [used["lr"] / rate for used, rate in zip(together, open_loop, strict=True)]
    assert len(together) == case.schedule.horizon, case.host
    assert scales[0] == pytest.approx(1.0, rel=1e-5), case.host
    halvings = [-math.log2(scale) for scale in scales]
    counts = [round(halving) for halving in halvings]
    assert halvings == pytest.approx(counts, rel=0, abs=1e-5), case.host
    assert counts == sorted(counts), case.host
    before = first[case.saved]["lr"] / open_loop[case.saved]
    # Lightning writes the checkpoint of an epoch's end before it tells the epoch's metric
    assert 0.5 >= scales[case.saved] == pytest.approx(before if case.host != "lightning" else 2 * before, rel=1e-5)
