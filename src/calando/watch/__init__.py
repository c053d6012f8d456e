"""Watch a run and tell it what to do: `calando.watch(...)` opens a record, this package has what stands around it.

with calando.watch("first", scheduler=scheduler) as watched:     # line one
    for batch in loader:
        ...one update...
        watched.log(train_loss=loss)                             # line two
        if watched.over:
            break
"""

import sys
from types import ModuleType

from calando.watch import rules
from calando.watch.opening import open, watch  # noqa: A004 - calando.watch.open, which nothing else here uses
from calando.watch.virtual import virtual_cooldown
from calando.watch.watched import Watched

__all__ = ["Watched", "open", "rules", "virtual_cooldown", "watch"]


class _Called(ModuleType):
    """A module that is a function as well: `calando.watch(...)`."""

    __call__ = staticmethod(watch)


sys.modules[__name__].__class__ = _Called
