"""Runs exported programs unchanged and writes down the learning rate of every update that was made.

`python -m tests.core.snippet.recorder FAMILY`, with JSON on standard input: programs, each with the update before which
it is interrupted (null: never). A program that was interrupted is run once more, in a folder of its own, with nothing
left of the first run but its checkpoint.
"""

import functools
import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.torchvision_operators import declared as with_torchvision

used: list[dict[str, float]] = []
limit: list[int | None] = [None]


ALONE = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}


class Interrupted(BaseException):
    """The run is cut here, as a machine that is taken away would."""


def full() -> bool:
    return limit[0] is not None and len(used) >= limit[0]


def record(rate: Any, **others: Any) -> None:
    used.append({"lr": float(rate)} | {name: float(value) for name, value in others.items()})


def watch_torch() -> None:
    import torch

    torch.set_num_threads(1)
    with_torchvision()
    real = torch.optim.AdamW.step

    def step(self: Any, *args: Any, **kwargs: Any) -> Any:
        if full():
            raise Interrupted
        group = self.param_groups[0]
        record(group["lr"], momentum=group["betas"][0], weight_decay=group["weight_decay"])
        return real(self, *args, **kwargs)

    torch.optim.AdamW.step = step


def watch_jax() -> None:
    import jax
    import numpy as np
    import optax

    real, rand = optax.adamw, np.random.rand

    def told(rate: Any) -> Any:
        if isinstance(rate, jax.core.Tracer):  # a first value, made by init, is no update's
            jax.debug.callback(record, rate, ordered=True)
        return rate

    @functools.wraps(real)
    def adamw(learning_rate: Any, *args: Any, **kwargs: Any) -> Any:
        if callable(learning_rate):
            return real(lambda count: told(learning_rate(count)), *args, **kwargs)
        return real(told(learning_rate), *args, **kwargs)

    def drawn(*shape: int) -> Any:
        jax.effects_barrier()
        if full():
            raise Interrupted
        return rand(*shape)

    optax.adamw, np.random.rand = adamw, drawn


def watch_keras() -> None:
    import keras

    real = keras.optimizers.Adam.update_step
    kind = keras.backend.backend()
    if kind == "tensorflow":
        import tensorflow as tf

        tf.config.run_functions_eagerly(True)
    if kind == "jax":
        import jax

    def checked(rate: Any) -> None:
        if full():
            raise Interrupted
        record(rate)

    def update_step(self: Any, gradient: Any, variable: Any, learning_rate: Any) -> Any:
        if len(variable.shape) == 2:  # the one kernel there is, once an update
            if kind == "jax":
                jax.debug.callback(checked, learning_rate, ordered=True)
            else:
                checked(learning_rate)
        return real(self, gradient, variable, learning_rate)

    keras.optimizers.Adam.update_step = update_step
    if kind == "torch":  # there all variables are updated at once
        from keras.src.backend.torch.optimizers.torch_adam import Adam

        all_at_once = Adam._parallel_update_step

        def parallel_update_step(self: Any, grads: Any, variables: Any, learning_rate: Any) -> Any:
            checked(learning_rate)
            return all_at_once(self, grads, variables, learning_rate)

        Adam._parallel_update_step = parallel_update_step


FAMILIES: dict[str, Callable[[], None]] = {"torch": watch_torch, "jax": watch_jax, "keras": watch_keras}


def run(program: str, stop: int | None) -> list[dict[str, float]]:
    """What each update used until the program ended, or was interrupted."""
    used.clear()
    limit[0] = stop
    try:
        exec(compile(program, "<exported>", "exec"), {"__name__": "__main__"})
    except BaseException:
        if not (stop is not None and full()):
            raise
    sys.stdout.flush()
    return list(used)


def main() -> None:
    FAMILIES[sys.argv[1]]()
    warnings.simplefilter("ignore")
    runs = []
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the hosts say goes elsewhere
    home = Path.cwd()
    for number, (program, stop) in enumerate(json.load(sys.stdin)):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            if "import deepspeed" in program:  # what its launcher says of one process
                os.environ.update(ALONE)
            try:
                runs.append([run(program, stop)] + ([run(program, None)] if stop is not None else []))
            except BaseException:
                print(f"program {number}:\n{program}", file=sys.stderr)
                raise
            finally:
                os.chdir(home)
    print(json.dumps(runs), file=out, flush=True)


if __name__ == "__main__":
    main()
