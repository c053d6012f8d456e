"""Real trainings, steered from outside and killed by the operating system: what ruled is what the record says."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from calando.records.live import Tail, read_answered, send
from tests.contracts.source import ROOT
from tests.watch.steering.lives import BASE, rates_under

HORIZON, PAUSE = 240, 0.008
ASKED = ("scale 0.5", "cooldown 40%", "extend 30", "undo", "scale 1.4", "cooldown rest cosine to 0.01", "scale 0", "go")


class Training:
    """Processes of one training, and whoever sends it commands."""

    def __init__(self, folder: Path, world: int, horizon: int = HORIZON) -> None:
        self.folder, self.world, self.horizon = folder, world, horizon
        self.run = folder / "runs" / "run"
        self.processes: list[subprocess.Popen[str]] = []

    def begin(self) -> None:
        """Start it, or go on with it."""
        (self.folder / "store").unlink(missing_ok=True)
        words = [str(self.world), str(self.folder), str(self.horizon), str(PAUSE)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "RANK": "0"}
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.watch.steering.rank", str(rank), *words],
                cwd=ROOT, env={**environment, "RANK": str(rank)}, stderr=subprocess.PIPE, text=True,
            )
            for rank in range(self.world)
        ]  # fmt: skip

    def kill(self) -> None:
        """What a machine that goes down does to it."""
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
        self.wait()

    def wait(self) -> list[str]:
        """What each said when it ended."""
        said = []
        for process in self.processes:
            _, told = process.communicate(timeout=240)
            said.append("" if process.returncode in (0, -signal.SIGKILL) else told)
        return said

    def end(self) -> None:
        """Whatever still runs is over."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.communicate()

    @property
    def alive(self) -> bool:
        """Whether any of it still runs."""
        return any(process.poll() is None for process in self.processes)

    def used(self, rank: int) -> dict[int, float]:
        """What each update used in the life that counts."""
        lines = (self.folder / f"used-{rank}.jsonl").read_text().splitlines()
        return dict(map(json.loads, lines))

    def steps(self) -> int:
        """The updates on record so far."""
        tail = Tail(self.run)
        tail.poll()
        return tail.last + 1


@pytest.fixture
def training(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Training]:
    one = Training(tmp_path, request.param)
    yield one
    one.end()


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize("training", [1, 2], indirect=True)
def test_a_training_that_is_steered_and_killed_uses_what_its_record_says(training: Training) -> None:
    chance = Random(training.world)
    for life in range(3):
        training.begin()
        begun = time.monotonic()
        while training.alive and time.monotonic() - begun < 120 and (life == 0 or training.steps() == 0):
            if (training.run / "record.jsonl").exists() and training.steps():
                break
            time.sleep(0.05)
        for _ in range(10):
            if training.alive:
                send(training.run, chance.choice(ASKED))
                time.sleep(chance.uniform(0.02, 0.3))
        if life < 2:
            training.kill()
    assert training.wait() == [""] * training.world
    ran = read_answered(training.run).schedule
    assert ran is not None
    assert len(read_answered(training.run).applied) >= 3
    for rank in range(training.world):
        used = training.used(rank)
        assert sorted(used) == list(range(ran.horizon))
        assert [used[step] for step in range(ran.horizon)] == [BASE * float(ran(step)) for step in range(ran.horizon)]
        assert [used[step] for step in range(ran.horizon)] == rates_under(ran, ran.horizon)
    weights = {(training.folder / f"weights-{rank}.json").read_text() for rank in range(training.world)}
    assert len(weights) == 1


@pytest.mark.slow
@pytest.mark.timeout(200)
@pytest.mark.parametrize("training", [2], indirect=True)
def test_two_processes_never_disagree_by_a_step(training: Training) -> None:
    chance = Random(7)
    training.begin()
    while training.alive and not (training.run / "record.jsonl").exists():
        time.sleep(0.05)
    for _ in range(40):
        if training.alive:
            send(training.run, chance.choice(ASKED[:5]))
            time.sleep(chance.uniform(0.0, 0.2))
    assert training.wait() == ["", ""]
    lines = [(training.folder / f"used-{rank}.jsonl").read_text() for rank in range(2)]
    assert lines[0] == lines[1]
    assert len(read_answered(training.run).applied) >= 5
