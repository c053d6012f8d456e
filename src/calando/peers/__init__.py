"""Other libraries' schedules, read as plans: living objects and configs, exact or refused with the reason.

No framework is imported here: what a peer means is read from the names of its classes and from its attributes.
"""

from calando.peers.base import Converted
from calando.peers.deepspeed import from_deepspeed
from calando.peers.ignite import from_ignite
from calando.peers.keras import from_keras
from calando.peers.optax import from_optax
from calando.peers.timm import from_timm
from calando.peers.torch import from_torch
from calando.peers.transformers import from_transformers

__all__ = [
    "Converted",
    "from_deepspeed",
    "from_ignite",
    "from_keras",
    "from_optax",
    "from_timm",
    "from_torch",
    "from_transformers",
]
