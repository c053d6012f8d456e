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
    from calando.lab import compare as compare
    from calando.lab import declare as declare
    from calando.lab import standalone as standalone

_LAB = ("Run", "StopRun", "compare", "declare", "standalone")


def __getattr__(name: str) -> object:
    """The lab's names, loaded when they are first asked for."""
    if name in _LAB:
        from calando import lab

        return getattr(lab, name)
    raise AttributeError(f"module 'calando' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Every name, the lazy ones too."""
    return sorted({*globals(), *_LAB})
