"""Schedules in other libraries' own words: configs and code that need no Calando, given only where they are equal."""

from calando.peers.exports.deepspeed import to_deepspeed
from calando.peers.exports.keras import to_keras
from calando.peers.exports.optax import to_optax
from calando.peers.exports.timm import to_timm
from calando.peers.exports.torch import to_torch
from calando.peers.exports.transformers import to_transformers

__all__ = ["to_deepspeed", "to_keras", "to_optax", "to_timm", "to_torch", "to_transformers"]
