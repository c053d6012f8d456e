"""A schedule as code to paste: complete programs, one file a host. Text only; nothing here imports a framework."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from calando.core.snippet.accelerate import accelerate_code
from calando.core.snippet.composer import composer_code
from calando.core.snippet.deepspeed import deepspeed_code
from calando.core.snippet.equinox import equinox_code
from calando.core.snippet.flax import flax_code
from calando.core.snippet.ignite import ignite_code
from calando.core.snippet.jax import jax_code
from calando.core.snippet.keras import keras_code
from calando.core.snippet.lightning import lightning_code
from calando.core.snippet.python import python_code
from calando.core.snippet.tensorflow import tensorflow_code
from calando.core.snippet.torch import torch_code
from calando.core.snippet.transformers import transformers_code

if TYPE_CHECKING:
    from calando.core.schedule import Schedule

__all__ = ["HOSTS", "code", "python_code", "torch_code"]

HOSTS: dict[str, Callable[..., str]] = {
    "torch": torch_code,
    "lightning": lightning_code,
    "transformers": transformers_code,
    "accelerate": accelerate_code,
    "ignite": ignite_code,
    "deepspeed": deepspeed_code,
    "composer": composer_code,
    "keras": keras_code,
    "tensorflow": tensorflow_code,
    "optax": jax_code,
    "flax": flax_code,
    "equinox": equinox_code,
}
"""The hosts that a training program can be written for, by name."""


def code(host: str, schedule: "Schedule", peak: float, *, every: int | None = None) -> str:
    """A complete training program under the schedule for one of HOSTS, to be filled with one's own model and data.

    Args:
        host: one of the names in HOSTS.
        schedule: what to follow; its plan must have a text.
        peak: learning rate that factor 1 stands for, > 0.
        every: updates between two looks at the metric, >= 1, for a plan that listens.

    Raises:
        NotSerialisable: when the plan holds a Python function that was not registered by name.
        Unconvertible: when the host cannot apply one of the schedule's quantities.
    """
    return HOSTS[host](schedule, peak, every=every)
