"""The recorded language-model curves as loss curves: readings of `CALANDO_CURVES`, never copies of it.

`multipower`: 25M and 100M models (thu-yao-01-optimization/MultiPowerLaw); `llama`: the logs of fabian-sp/lr-scheduling.
A branched llama run has the constant run of the same model and peak as its past. Its losses are over a small fixed part
of the validation set; `final` is the one over the whole set. The two differ by a constant of about 0.05: `final` is for
judging choices, the curve for fitting, and they are never mixed.
"""

import csv
import gzip
import json
import os
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from bench.llama import plan_of
from calando.forecast.curve import LossCurve, plan_rates

NOT_RUN = "NOT RUN: the recorded curves are not here (set CALANDO_CURVES, or put them at ../shared/curves)"
MULTIPOWER_WARMUP = 2160
MULTIPOWER_PEAK = 3e-4


def folder() -> Path | None:
    """Where the recorded curves are; None when they are not there."""
    given = os.environ.get("CALANDO_CURVES")
    found = Path(given) if given else Path(__file__).resolve().parents[3] / "shared" / "curves"
    names = ("llama.json", "llama.csv.gz", "multipower.csv.gz")
    return found if all((found / name).is_file() for name in names) else None


@dataclass(frozen=True)
class Recorded:
    """A llama run: its curve, what it is, and its loss on the whole validation set at its end."""

    curve: LossCurve
    model: str
    horizon: int
    plan: str
    peak: float
    kind: str
    cooldown: float  # share of the horizon; NaN for a cosine
    shape: str  # of the cooldown; "" for a cosine or a constant
    replicate: int
    first: int  # step at which it was branched off; 0: it was not
    final: float


@cache
def llama(where: Path, model: str = "llama 124M", dataset: str | None = "slimpajama") -> tuple[Recorded, ...]:
    """Every run of a model in the records' order, branched ones with their past where that was recorded."""
    rows = [
        run for run in json.loads((where / "llama.json").read_text())
        if run["model"] == model and dataset in (None, run["dataset"])
    ]  # fmt: skip
    points = _llama_points(where)
    return tuple(_recorded(run, rows, points) for run in rows)


@cache
def _llama_points(where: Path) -> dict[str, dict[int, float]]:
    points: dict[str, dict[int, float]] = defaultdict(dict)
    with gzip.open(where / "llama.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            points[row["run"]][int(row["step"])] = float(row["val_loss"])
    return points


def _recorded(run: dict[str, Any], rows: list[dict[str, Any]], points: dict[str, dict[int, float]]) -> Recorded:
    first = 0 if run["first_step"] <= 200 else run["first_step"]
    own = points[run["run"]]
    past = _past(run, rows) if first else None
    before = {step: loss for step, loss in points[past].items() if step < min(own)} if past else {}
    steps, losses = zip(*sorted({**before, **own}.items()), strict=True)
    plan, peak, horizon = plan_of(run), run["peak_lr"], run["horizon"]
    curve = LossCurve(
        run["run"], np.array(steps), np.array(losses), plan_rates(plan, peak, horizon), peak=peak, plan=plan,
        warmup=run["warmup_steps"], seed=run["replicate"], source="llama.csv.gz",
    )  # fmt: skip
    share = run.get("cooldown_fraction")
    return Recorded(
        curve, run["model"], horizon, plan, peak, run["kind"], float("nan") if share is None else share,
        run.get("cooldown", "") if share else "", run["replicate"], first, run["final_val_loss"],
    )  # fmt: skip


def _past(run: dict[str, Any], rows: list[dict[str, Any]]) -> str | None:
    """The constant run of the same model, data and peak: the longest, of the same replicate where there is one."""
    same = ("model", "dataset", "peak_lr", "warmup_steps")
    trunks = [
        row for row in rows
        if row["kind"] == "wsd" and row.get("cooldown_fraction") == 0 and row["first_step"] <= 200
        and all(row[key] == run[key] for key in same)
    ]  # fmt: skip
    if not trunks:
        return None
    return str(max(trunks, key=lambda row: (row["replicate"] == run["replicate"], row["horizon"]))["run"])


@cache
def multipower(where: Path) -> dict[str, dict[str, LossCurve]]:
    """By model ("25M", "100M") and run name: the curves of the multi-power law's authors.

    The records' step s is the loss after the update of index s, the authors' convention: s + 1 updates made. Their
    warm-up is linear from 0 to the peak over 2160 updates, both ends included; a loss recorded at the very end
    (24000 of 24000) has no update of that index and is left out, as the authors leave it out.
    """
    rows: dict[str, list[tuple[int, float, float]]] = defaultdict(list)
    with gzip.open(where / "multipower.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["run"]].append((int(row["step"]), float(row["lr"]), float(row["loss"])))
    found: dict[str, dict[str, LossCurve]] = defaultdict(dict)
    for run, points in rows.items():
        model, name = run.split("/")
        rates = multipower_rates(name)
        steps = np.array([step for step, _, _ in points])
        inside = steps < len(rates)
        losses = np.array([loss for _, _, loss in points])
        found[model][name] = LossCurve(
            run, steps[inside] + 1, losses[inside], rates, peak=MULTIPOWER_PEAK, warmup=MULTIPOWER_WARMUP,
            source="multipower.csv.gz",
        )  # fmt: skip
    return found


def multipower_rates(name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """The learning rate of every update of a run, by its name: constant_T, cosine_T, wsd_S_T, wsdld_S_T, wsdcon_N."""
    kind, *numbers = name.split("_")
    peak, low = MULTIPOWER_PEAK, MULTIPOWER_PEAK / 10
    horizon = 16000 if kind == "wsdcon" else int(numbers[-1])
    t = np.arange(MULTIPOWER_WARMUP, horizon)
    rates = np.full(len(t), peak)
    if kind == "cosine":
        share = (t - MULTIPOWER_WARMUP) / (horizon - MULTIPOWER_WARMUP)
        rates = low + (peak - low) * (1 + np.cos(np.pi * share)) / 2
    elif kind in ("wsd", "wsdld"):
        stable = int(numbers[0])
        share = np.clip((t - stable) / (horizon - stable), 0, None)
        rates = peak * (low / peak) ** share if kind == "wsd" else peak + (low - peak) * share
    elif kind == "wsdcon":
        rates = np.where(t < 8000, peak, int(numbers[0]) * 1e-5)
    elif kind != "constant":
        raise ValueError(f"no rates are known of {name}")
    return np.concatenate([np.linspace(0, peak, MULTIPOWER_WARMUP), rates])
