"""Calando: the learning-rate schedule a training run should have, as a value.

>>> import calando
>>> schedule = calando.parse("warmup(5%) | cosine(end=0.1)").bind(1000)
>>> schedule(25), schedule(50), schedule(1000)
(0.5, 1.0, 0.1)
"""

import typing as _typing

from calando import errors as errors
from calando.core import catalog as catalog
from calando.core.clock import Length as Length
from calando.core.codec import from_json as from_json
from calando.core.facts import Facts as Facts
from calando.core.feedback import PlateauRule as PlateauRule
from calando.core.feedback import PlateauState as PlateauState
from calando.core.plan import Plan as Plan
from calando.core.schedule import Schedule as Schedule
from calando.core.shapes.function import register as register
from calando.core.text import parse as parse
from calando.core.vocabulary import *  # noqa: F403  # the one list of plans; a new one is exported by its line there
from calando.errors import CalandoError as CalandoError

__version__ = "0.1.0"

if _typing.TYPE_CHECKING:
    from calando.lab import Run as Run
    from calando.lab import StopRun as StopRun
    from calando.lab import check as check
    from calando.lab import compare as compare
    from calando.lab import current_run as current_run
    from calando.lab import declare as declare
    from calando.lab import find as find
    from calando.lab import resume as resume
    from calando.lab import standalone as standalone
    from calando.lab import tune as tune
    from calando.peers import Converted as Converted
    from calando.peers import from_deepspeed as from_deepspeed
    from calando.peers import from_ignite as from_ignite
    from calando.peers import from_keras as from_keras
    from calando.peers import from_optax as from_optax
    from calando.peers import from_timm as from_timm
    from calando.peers import from_torch as from_torch
    from calando.peers import from_transformers as from_transformers
    from calando.watch.opening import watch as watch

_LAB = ("Run", "StopRun", "check", "compare", "current_run", "declare", "find", "resume", "standalone", "tune")
_PEERS = (
    "Converted",
    "from_deepspeed",
    "from_ignite",
    "from_keras",
    "from_optax",
    "from_timm",
    "from_torch",
    "from_transformers",
)
_ROOMS = ("forecast", "watch")  # watch is a function, too


def __getattr__(name: str) -> object:
    """The lab's names and the importers, loaded when they are first asked for."""
    if name in _LAB:
        from calando import lab

        return getattr(lab, name)
    if name in _PEERS:
        from calando import peers

        return getattr(peers, name)
    if name in _ROOMS:
        from importlib import import_module

        return import_module(f"calando.{name}")
    raise AttributeError(f"module 'calando' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Every name, the lazy ones too."""
    return sorted({*globals(), *_LAB, *_PEERS, *_ROOMS})
