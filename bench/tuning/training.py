"""Training one cell for real, in this process and by one thread."""

import contextlib
import importlib
import os
import time
from types import ModuleType

os.environ.setdefault("OMP_NUM_THREADS", "1")

import calando
from bench.tuning.grid import STEPS, evals
from calando.lab.stop import StopRun
from calando.records import Curve, RunRecord, RunSpec

__all__ = ["data_of", "train", "workload"]

KEPT = 32  # points of the training loss that a full run leaves: means over as many equal stretches


def workload(name: str) -> ModuleType:
    """The module of a workload; its data are read when it is imported."""
    return importlib.import_module(f"bench.workloads.{name}")


def data_of(name: str) -> str:
    """The hash of a workload's data on this machine."""
    return str(workload(name).DATA)


def train(name: str, spec: RunSpec) -> RunRecord:
    """One run; `seconds` are CPU seconds, the training loss is thinned to means over stretches."""
    module = workload(name)
    run = calando.standalone(
        spec.plan, horizon=spec.horizon, seed=spec.seed, peak=spec.peak, evals=evals(name, spec.horizon), quiet=True
    )
    began = time.process_time()
    with contextlib.suppress(StopRun):  # diverged: the outcome says so
        module.train(run)
    seconds = time.process_time() - began
    status, reason, final = run.outcome()
    logged = run.curves()
    curves = {"val_loss": logged.get("val_loss", Curve()), "train_loss": thinned(name, spec, logged["train_loss"])}
    return RunRecord(spec, status, reason, final=final, curves=curves, steps=run.done, seconds=round(seconds, 3))


def thinned(name: str, spec: RunSpec, curve: Curve) -> Curve:
    """Means over stretches of a full horizon's 1/32, each at the stretch's last step; a range test's curve whole."""
    every = 1 if "shape=exponential" in spec.plan else max(1, STEPS[name] // KEPT)
    steps, values = [], []
    for first in range(0, len(curve), every):
        some = curve.values[first : first + every]
        steps.append(curve.steps[first : first + every][-1])
        values.append(sum(some) / len(some))
    return Curve(tuple(steps), tuple(values))
