"""Training logs of real language models as recorded runs, for judging strategies without training anything.

The records lie beside the project (their own README names source and licence) and are never copied into it: the folder
is `CALANDO_CURVES`, or `../shared/curves` beside the project. Only the 124M model is read, the one with many schedules
at three peaks.
"""

import csv
import gzip
import json
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from calando.records.run import Curve, RunRecord, RunSpec

MODEL = "llama 124M"
NEARLY_ZERO = 1.01e-3  # of the peak: cosines that end at the rate 1e-7 are one candidate at every peak
ON_THE_WAY = "val_loss_on_a_part"  # its level differs from the full set's by a constant: never compared with it


@dataclass(frozen=True)
class Log:
    """One recorded run. `first` is the step at which it was branched off the constant run (0: it was not)."""

    name: str
    record: RunRecord
    first: int


def folder() -> Path | None:
    """Where the records are; None when they are not there."""
    given = os.environ.get("CALANDO_CURVES")
    found = Path(given) if given else Path(__file__).resolve().parents[2] / "shared" / "curves"
    return found if (found / "llama.json").is_file() and (found / "llama.csv.gz").is_file() else None


def plan_of(run: dict[str, Any]) -> str:
    """The plan of a record in our text."""
    if run["kind"] == "cosine":
        end = run["final_lr"] / run["peak_lr"]
        ends = f"end={end:.6g}" if end > NEARLY_ZERO else ""
        return f"warmup({run['warmup_steps']}) | cosine({ends})"
    if run["cooldown_fraction"] == 0:
        return f"warmup({run['warmup_steps']}) | constant()"
    shape = {"linear": "linear", "sqrt": "1-sqrt"}[run["cooldown"]]
    share = f"{100 * run['cooldown_fraction']:.6g}%"
    return f"wsd(warmup={run['warmup_steps']}, cooldown={share}, cooldown_shape={shape})"


def read(where: Path, model: str = MODEL) -> tuple[Log, ...]:
    """Every run of the model; repetitions of one setting are its seeds 0, 1, ..."""
    runs = [run for run in json.loads((where / "llama.json").read_text()) if run["model"] == model]
    curves = _curves(where / "llama.csv.gz", {run["run"] for run in runs})
    seen: dict[tuple[str, float, int], int] = defaultdict(int)
    logs = []
    for run in runs:
        plan, peak, horizon = plan_of(run), run["peak_lr"], run["horizon"]
        seed = seen[plan, peak, horizon]
        seen[plan, peak, horizon] += 1
        final = run["final_val_loss"]
        record = RunRecord(
            RunSpec(plan, plan, peak, seed, horizon),
            "done",
            final=final,
            curves={"val_loss": Curve((horizon - 1,), (final,)), ON_THE_WAY: curves[run["run"]]},
            steps=horizon,
        )
        logs.append(Log(run["run"], record, 0 if run["first_step"] <= 200 else run["first_step"]))
    return tuple(_with_its_past(log, logs) for log in logs)


def _curves(path: Path, names: set[str]) -> dict[str, Curve]:
    points: dict[str, list[tuple[int, float]]] = defaultdict(list)
    with gzip.open(path, "rt", newline="") as file:
        for row in csv.DictReader(file):
            if row["run"] in names:
                points[row["run"]].append((int(row["step"]), float(row["val_loss"])))
    return {name: Curve(*zip(*sorted(points[name]), strict=True)) for name in names}


def _with_its_past(log: Log, logs: Sequence[Log]) -> Log:
    """A branched run with the curve of the constant run it left; as it is where that one was not recorded."""
    spec = log.record.spec
    trunks = [other.record for other in logs if not other.first and other.record.spec.plan.endswith("constant()")]
    fitting = [trunk for trunk in trunks if trunk.spec.peak == spec.peak]
    if not log.first or not fitting:
        return log
    trunk = max(fitting, key=lambda record: (record.spec.seed == spec.seed, record.spec.horizon))
    own, past = log.record.curves[ON_THE_WAY], trunk.curves[ON_THE_WAY]
    before = [(s, v) for s, v in zip(past.steps, past.values, strict=True) if s < own.steps[0]]
    steps, values = zip(*before, *zip(own.steps, own.values, strict=True), strict=True)
    return replace(log, record=replace(log.record, curves={**log.record.curves, ON_THE_WAY: Curve(steps, values)}))


def cost_on_file(logs: Iterable[Log]) -> int:
    """Updates that were really made for these runs, by where each was branched off."""
    return sum(log.record.steps - log.first for log in logs)
