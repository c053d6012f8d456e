"""The living peers, each stepped in a process of its own: `python -m tests.peers.living PEER < cases`.

In come cases as JSON; out go, for each, the peer's values at every step and what our importer makes of it. So no peer
is loaded into the process of the tests, and Keras and JAX can be given the precision that a test asks for.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from tests.contracts.source import ROOT
from tests.torchvision_operators import declared

Case = dict[str, Any]
Answer = dict[str, Any]


def answers(peer: str, cases: list[Case], **environment: str) -> list[Answer]:
    """What the peer does in each case, and what the importer says: plans, bases, horizon, differences, or a refusal."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.peers.living", peer],
        input=json.dumps(cases), capture_output=True, text=True, check=False, cwd=ROOT, timeout=280,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "JAX_PLATFORMS": "cpu"} | environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    found: list[Answer] = json.loads(done.stdout.splitlines()[-1])
    assert len(found) == len(cases)
    return found


def optimizer(rates: list[float], scales: list[float] | None = None, adam: bool = True) -> Any:
    import torch

    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
    for group, by in zip(groups, scales or [], strict=False):
        group["lr_scale"] = by
    return torch.optim.Adam(groups) if adam else torch.optim.SGD(groups)


def import_timm() -> Any:
    """timm.scheduler; torchvision's CUDA build lacks two operators on a machine without one, so they are declared."""
    declared()
    import timm.scheduler as found

    return found


def timm(case: Case) -> tuple[Any, list[Any]]:
    found = import_timm()
    made = optimizer(case["rates"], case.get("scales"))
    if "sched" in case["settings"]:
        scheduler, _ = found.create_scheduler_v2(made, **case["settings"])
    else:
        scheduler = getattr(found, case["class"])(made, **case["settings"])
    rows = []
    for t in range(case["steps"] + 1):
        if t:
            try:
                (scheduler.step if scheduler.t_in_epochs else scheduler.step_update)(t)
            except ValueError:  # cycles that shrink: timm's logarithm fails past their end
                break
        rows.append([group["lr"] for group in made.param_groups])
    return scheduler, rows


def deepspeed(case: Case) -> tuple[Any, list[Any]]:
    import logging

    import deepspeed.runtime.lr_schedules as found

    logging.getLogger("DeepSpeed").setLevel(logging.ERROR)
    made = optimizer(case["rates"], adam=case.get("adam", True))
    scheduler = getattr(found, case["class"])(made, **case["settings"])
    rows = []
    for _ in range(case["steps"] + 1):
        rows.append([group["lr"] for group in made.param_groups])
        if case.get("momenta"):
            rows[-1] = [list(group["betas"]) for group in made.param_groups]
        scheduler.step()
    for _ in range(case["steps"] + 1 - case.get("position", 0)):
        scheduler.last_batch_iteration -= 1
    return scheduler, rows


def keras(case: Case) -> tuple[Any, list[Any]]:
    import keras as found
    import numpy as np

    if case.get("doubles"):
        from keras.src.optimizers.schedules import learning_rate_schedule

        learning_rate_schedule.ops = in_doubles()
    schedule = getattr(found.optimizers.schedules, case["class"])(**case["settings"])
    steps = np.arange(case["steps"] + 1)
    with np.errstate(all="ignore"):
        return schedule, [[float(schedule(int(t)))] for t in steps]


def in_doubles() -> Any:
    """What Keras' schedules ask of keras.ops, in float64, which keras.ops never is: their own code, run exactly."""
    from contextlib import nullcontext
    from types import SimpleNamespace

    import numpy as np

    same = (
        "add",
        "ceil",
        "cos",
        "divide",
        "equal",
        "floor",
        "log",
        "minimum",
        "multiply",
        "power",
        "subtract",
        "where",
    )
    return SimpleNamespace(
        name_scope=lambda _: nullcontext(), convert_to_tensor=np.asarray, array=np.asarray,
        cast=lambda value, dtype: np.asarray(value).astype(dtype), cond=lambda test, yes, no: yes() if test else no(),
        **{name: getattr(np, name) for name in same},
    )  # fmt: skip


def optax(case: Case) -> tuple[Any, list[Any]]:
    import jax
    import numpy as np

    schedule = _optax_schedule(case["make"])
    counts = np.arange(case["steps"] + 1)
    values = jax.vmap(schedule)(counts)
    return schedule, [[float(value)] for value in np.broadcast_to(np.asarray(values), counts.shape)]


def _optax_schedule(made: Any) -> Any:
    import optax as found

    name, settings = made
    if name == "join_schedules":
        return found.join_schedules([_optax_schedule(part) for part in settings["schedules"]], settings["boundaries"])
    settings = dict(settings)
    if "boundaries_and_scales" in settings:
        settings["boundaries_and_scales"] = {int(at): by for at, by in settings["boundaries_and_scales"]}
    return getattr(found, name)(**settings)


def told(case: Case, peer: str, source: Any) -> Iterator[tuple[str, Any]]:
    from calando import peers
    from calando.errors import Unconvertible

    settings = case.get("importer", {})
    try:
        found = getattr(peers, f"from_{peer}")(source, **settings)
    except Unconvertible as error:
        yield "refused", [error.given, error.allowed, error.where, error.fix]
        return
    yield "plans", [plan.to_json() for plan in found.plans]
    yield "bases", found.bases
    yield "horizon", found.horizon
    yield "differences", found.differences
    yield "position", found.position
    yield "per", found.per


def main() -> None:
    peer = sys.argv[1]
    living = {"timm": timm, "deepspeed": deepspeed, "keras": keras, "optax": optax}[peer]
    out = []
    for case in json.load(sys.stdin):
        source, rows = living(case)
        out.append({"rows": rows} | dict(told(case, peer, source)))
    print(json.dumps(out))


if __name__ == "__main__":
    main()
