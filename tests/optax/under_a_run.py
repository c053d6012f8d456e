"""Train functions of JAX under a run, and a program that goes on from their snapshots in a process of its own.

python -m tests.optax.under_a_run die FOLDER TRAIN STEP...      writes snapshots there, and is killed after the last
python -m tests.optax.under_a_run go FOLDER                     finishes a run from each
python -m tests.optax.under_a_run whole FOLDER TRAIN PLAN       makes the run never interrupted, without snapshots
"""

import json
import os
import random
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import calando
from calando.lab import StopRun
from calando.lab.run import Run
from calando.lab.snapshot import load
from calando.records.stage import SnapshotRef

HORIZON, PEAK, SEED = 40, 0.05, 3
TRUNK = "wsd(warmup=4, cooldown=8)"
BRANCH = "wsd(warmup=4, cooldown=20)"  # leaves the trunk at 20
CHANCE = np.random.default_rng(0)
X = CHANCE.normal(size=(48, 6)).astype("float32")
Y = (X[:, :1] * X[:, 1:2] > 0).astype("float32")


class Shuffled:
    """Batches of six in another order at every pass; its generator is kept by the train function."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)

    def __iter__(self) -> Iterator[Any]:
        for batch in self.chance.permutation(len(X)).reshape(-1, 6):
            yield X[batch], Y[batch]


COMPILED: dict[tuple[str, str], Any] = {}
"""Steps by name and plan: a process that makes twenty runs compiles each once, with the optimizer of the first."""


def compiled_once(run: Run, how: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def choose(step: Any) -> Any:
        key = (step.__qualname__, str(run._schedule.plan))
        return COMPILED.setdefault(key, how(step))

    return choose


def dropped(key: Any, hidden: Any) -> Any:
    return jnp.where(jax.random.bernoulli(key, 0.8, hidden.shape), hidden / 0.8, 0.0)


def plain(run: Run) -> Any:
    """Dropout by a typed key, weights of two types, an average in NumPy and a count in Python beside them."""
    key, first, second = jax.random.split(jax.random.key(run.seed), 3)
    params = {
        "in": jax.random.normal(first, (6, 16)) * 0.4,
        "out": (jax.random.normal(second, (16, 1)) * 0.2).astype("bfloat16"),
    }
    optimizer = run.attach(optax.adamw, learning_rate=1e-3, weight_decay=0.1)
    data = Shuffled(run.seed)
    state = run.hold(params=params, opt_state=optimizer.init(params), key=key, best=float("inf"), seen=0,
                     mean={"in": np.zeros((6, 16), "float32")}, soft=jnp.asarray(0.5))  # fmt: skip
    run.keep(chance=data.chance)

    @compiled_once(run, lambda step: jax.jit(step, donate_argnums=(0, 1, 2)))
    def step(params: Any, opt_state: Any, key: Any, soft: Any, x: Any, y: Any) -> Any:
        key, now = jax.random.split(key)

        def loss_of(params: Any) -> Any:
            scores = dropped(now, jnp.tanh(x @ params["in"])) @ params["out"].astype("float32")
            return optax.sigmoid_binary_cross_entropy(scores, y).mean()

        loss, grads = jax.value_and_grad(loss_of)(params)
        changes, opt_state = optimizer.update(grads, opt_state, params)
        return optax.apply_updates(params, changes), opt_state, key, soft * 0.9 + 0.1, loss

    for x, y in run.steps(data):
        state.params, state.opt_state, state.key, state.soft, loss = step(
            state.params, state.opt_state, state.key, state.soft, x, y
        )
        state.best, state.seen = min(state.best, float(loss)), state.seen + len(x)
        state.mean = {"in": state.mean["in"] * 0.9 + np.asarray(state.params["in"]) * 0.1}
        run.log(train_loss=loss, best=state.best, seen=state.seen, soft=state.soft)
        if run.eval_due:
            run.log(val_loss=float(np.abs(state.mean["in"]).mean()))
    return state


def equinox_module(run: Run) -> Any:
    """A module with functions among its leaves."""
    import equinox

    key, made = jax.random.split(jax.random.key(run.seed))
    model = equinox.nn.MLP(6, 1, 8, 1, key=made)
    optimizer = run.attach(optax.lion, learning_rate=1e-3)
    state = run.hold(model=model, opt_state=optimizer.init(equinox.filter(model, equinox.is_array)), key=key)
    data = Shuffled(run.seed)
    run.keep(chance=data.chance)

    @compiled_once(run, equinox.filter_jit)
    def step(model: Any, opt_state: Any, key: Any, x: Any, y: Any) -> Any:
        key, now = jax.random.split(key)

        def loss_of(model: Any) -> Any:
            return optax.sigmoid_binary_cross_entropy(jax.vmap(model)(dropped(now, x)), y).mean()

        loss, grads = equinox.filter_value_and_grad(loss_of)(model)
        changes, opt_state = optimizer.update(grads, opt_state, equinox.filter(model, equinox.is_array))
        return equinox.apply_updates(model, changes), opt_state, key, loss

    for x, y in run.steps(data):
        state.model, state.opt_state, state.key, loss = step(state.model, state.opt_state, state.key, x, y)
        run.log(train_loss=loss)
        if run.eval_due:
            run.log(val_loss=loss)
    return state


def flax_module(run: Run) -> Any:
    """Objects that change in place: kept, not held."""
    from flax import nnx

    class Net(nnx.Module):  # type: ignore[misc]
        def __init__(self, rngs: Any) -> None:
            self.inner = nnx.Linear(6, 8, rngs=rngs)
            self.norm = nnx.BatchNorm(8, rngs=rngs)
            self.drop = nnx.Dropout(0.2, rngs=rngs)
            self.outer = nnx.Linear(8, 1, rngs=rngs)

        def __call__(self, x: Any) -> Any:
            return self.outer(self.drop(nnx.relu(self.norm(self.inner(x)))))

    model = Net(nnx.Rngs(run.seed))
    trainer = nnx.Optimizer(model, run.attach(optax.adam, learning_rate=1e-3), wrt=nnx.Param)
    data = Shuffled(run.seed)
    run.keep(model=model, trainer=trainer, chance=data.chance)

    @compiled_once(run, nnx.jit)
    def step(model: Any, trainer: Any, x: Any, y: Any) -> Any:
        loss, grads = nnx.value_and_grad(lambda model: optax.sigmoid_binary_cross_entropy(model(x), y).mean())(model)
        trainer.update(model, grads)
        return loss

    for x, y in run.steps(data):
        loss = step(model, trainer, x, y)
        run.log(train_loss=loss)
        if run.eval_due:
            run.log(val_loss=loss)
    return model


TRAINS: dict[str, Callable[[Run], Any]] = {
    "plain": plain, "equinox_module": equinox_module, "flax_module": flax_module
}  # fmt: skip


def a_run(plan: str = TRUNK, **changes: Any) -> Run:
    random.seed(SEED)  # a digest tells of these, too
    np.random.seed(SEED)
    schedule = calando.parse(plan).bind(HORIZON)
    return Run(schedule, seed=SEED, peak=PEAK, evals=5, **changes)


def told(run: Run) -> dict[str, Any]:
    """Everything that a finished run can be compared by."""
    curves = {name: [list(curve.steps), list(curve.values)] for name, curve in run.curves().items()}
    return {"curves": curves, "digest": run.digest(), "outcome": list(run.outcome()), "began": run.began}


def die(folder: Path, name: str, *steps: str) -> None:
    """Write snapshots after these steps, and be killed in the middle of the update after the last."""
    last = max(map(int, steps))

    def reached(run: Run, step: int, ref: SnapshotRef | None, why: str) -> None:
        assert ref is not None, why
        with (folder / "snapshots").open("a") as file:
            file.write(json.dumps([name, step, ref.url, ref.sha256, ref.size]) + "\n")
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)

    TRAINS[name](a_run(keep_at=[int(step) for step in steps], place=str(folder / name), reached=reached))


def go(folder: Path) -> None:
    """Finish a run from each snapshot; from the one at 20 the branch, too."""
    for line in (folder / "snapshots").read_text().splitlines():
        name, step, url, sha256, size = json.loads(line)
        for plan in [TRUNK] + [BRANCH] * (step == 20):
            run = a_run(plan, start=load(SnapshotRef(step, url, sha256, size)))
            try:
                TRAINS[name](run)
            except StopRun as stop:
                sys.exit(f"{name} from {step}: {stop}")
            sys.stdout.write(json.dumps([name, step, plan, told(run)]) + "\n")


def whole(_: Path, name: str, plan: str) -> None:
    """The run never interrupted: in a process of its own, as imports and other frameworks move sources of chance."""
    run = a_run(plan)
    TRAINS[name](run)
    sys.stdout.write(json.dumps(told(run)))


if __name__ == "__main__":
    {"die": die, "go": go, "whole": whole}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
