"""Studies of thirty short runs that share stages, killed and starved, for the tests that nothing is lost."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calando.errors import BadFile
from calando.lab.question import bind
from calando.lab.stages import Tree
from calando.records import RunRecord, Study, load

KEPT = Path(__file__).parent / "trains" / "kept.py"
CANDIDATES = tuple(f"wsd(warmup=4, cooldown={n})" for n in (10, 20, 30, 40, 50))
COMMAND = [
    *(sys.executable, "-m", "calando", "compare"),
    *("--candidates", *CANDIDATES, "--no-humble", "--peaks", "0.05", "--seeds", "1", "--confirm-seeds", "6"),
    *("--steps", "60", "--evals", "3", "--workers", "2", "--retries", "10", "--no-report", "--study", "s"),
]
RUNS = 30


def command(function: str = "slow", *more: str) -> list[str]:
    return [*COMMAND[:4], f"{KEPT}:{function}", *COMMAND[4:], *more]


def started(folder: Path, *more: str, function: str = "slow", pause: float = 0.0) -> "subprocess.Popen[str]":
    (folder / "pause").write_text(str(pause))
    return subprocess.Popen(
        command(function, *more), cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def finished(folder: Path, *more: str, function: str = "slow") -> Study:
    process = started(folder, *more, function=function)
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, out + err
    return load(folder / "s")


def results(study: Study) -> dict[str, Any]:
    """What came out, without when and how."""
    return {run.spec.key: (run.status, run.reason, run.final, run.steps, dict(run.curves)) for run in study.runs}


def trace(folder: Path) -> list[tuple[str, int, int]]:
    """Every update that any process really began: candidate, seed, step; in order."""
    path = folder / "trace.txt"
    if not path.exists():
        return []
    found = []
    for line in path.read_text().splitlines():
        label, seed, step = line.split("|")
        found.append((label, int(seed), int(step)))
    return found


def in_store(folder: Path) -> Study | None:
    try:
        return load(folder / "s")
    except BadFile:  # not written yet
        return None


def workers_of(study: Study | None) -> list[int]:
    if study is None:
        return []
    return [a.pid for a in study.attempts if not a.outcome and a.session == len(study.sessions)]


def children(pid: int) -> list[int]:
    """Every worker of a coordinator, also one that is still loading and has no run."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def gone(pid: int, seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.01)
    return False


@dataclass(frozen=True)
class Moment:
    """What was in the store while no process was alive, and how many updates had been begun."""

    study: Study
    begun: int


def repeated(moments: list[Moment], everything: Study, steps: list[tuple[str, int, int]]) -> Iterator[str]:
    """Updates that were begun after the store knew that they had been made."""
    spec, tree = everything.spec, Tree(looked=False)
    runs: dict[tuple[str, int], RunRecord] = {(run.spec.candidate, run.spec.seed): run for run in everything.runs}
    for run in everything.runs:
        tree.add(run.spec, bind(spec, spec.candidate(run.spec.candidate)).to_json(), spec.evals)
    for moment in moments:
        whole = {run.spec.key for run in moment.study.runs}
        known = {}
        for who, run in runs.items():
            fitting = [stage.stop for stage in moment.study.stages if tree.fits(stage, run.spec.key)]
            known[who] = spec.horizon if run.spec.key in whole else max(fitting, default=0)
        for label, seed, step in steps[moment.begun :]:
            if step < known[label, seed]:
                yield f"{label} seed {seed} update {step}, known up to {known[label, seed]}"


def tormented(folder: Path, kills: int, seed: int, pause: float, *more: str) -> tuple[Study, list[Moment], list[str]]:
    """Run a study to its end while coordinator, workers or both are killed at random moments."""
    chance, moments, log = random.Random(seed), [], []
    began = time.monotonic()
    process = started(folder, *more, pause=pause)
    while in_store(folder) is None and process.poll() is None:
        time.sleep(0.05)
    slower = max(1.0, time.monotonic() - began)  # a busy machine starts slowly: it must get as far between two kills
    while len(log) < kills:
        time.sleep(slower * chance.uniform(0.2, 1.8))
        if process.poll() is not None:
            out, err = process.communicate()
            if process.returncode == 0 and 3 * len(log) >= 2 * kills:
                return load(folder / "s"), moments, log  # a quick machine is done before the last kills
            raise AssertionError(f"it ended with {process.returncode} after {len(log)} kills\n{out}{err}")
        study = in_store(folder)
        workers, whom = (
            sorted({*workers_of(study), *children(process.pid)}),
            chance.choice(("coordinator", "worker", "both")),
        )
        if whom != "coordinator" and workers:
            try:
                os.kill(chance.choice(workers), signal.SIGKILL)
            except ProcessLookupError:
                continue
        elif whom == "worker":
            continue
        log.append(whom)
        if whom != "worker":
            process.kill()
            process.communicate()
            assert all(gone(pid) for pid in workers_of(in_store(folder))), "workers outlived their coordinator"
            if (study := in_store(folder)) is not None:
                moments.append(Moment(study, len(trace(folder))))
            process = started(folder, *more, pause=pause)
    (folder / "pause").write_text("0")
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, out + err
    return load(folder / "s"), moments, log
