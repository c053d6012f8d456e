"""Other libraries' schedules, read as plans: living objects and configs, exact or refused with the reason.

No framework is imported here: what a peer means is read from the names of its classes and from its attributes.
"""

from calando.peers.base import Converted

_IMPORTERS = {
    "from_deepspeed": "deepspeed",
    "from_ignite": "ignite",
    "from_keras": "keras",
    "from_optax": "optax",
    "from_timm": "timm",
    "from_torch": "torch",
    "from_transformers": "transformers",
}

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


def __getattr__(name: str) -> object:
    """The importers, each loaded when it is first asked for."""
    if name in _IMPORTERS:
        from importlib import import_module

        return getattr(import_module(f"calando.peers.{_IMPORTERS[name]}"), name)
    raise AttributeError(f"module 'calando.peers' has no attribute {name!r}")
