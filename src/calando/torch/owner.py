"""Who drives an optimizer: one scheduler at the most, and the hooks through which it listens."""

import weakref
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import torch

from calando.core.hosts import innermost
from calando.errors import BadValue

if TYPE_CHECKING:
    from calando.torch.scheduler import ScheduleLR

__all__ = ["Hold", "attached"]

_OWNERS: "weakref.WeakKeyDictionary[Any, weakref.ref[ScheduleLR]]" = weakref.WeakKeyDictionary()


def attached(optimizer: object) -> "ScheduleLR | None":
    """The Calando scheduler that owns an optimizer's learning rate, or None.

    Args:
        optimizer: any object.

    Example:
        >>> import torch, calando.torch
        >>> optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        >>> calando.torch.attached(optimizer) is None
        True
        >>> scheduler = calando.torch.attach(optimizer, calando.cosine().bind(100))
        >>> calando.torch.attached(optimizer) is scheduler
        True
    """
    owner = None
    with suppress(TypeError):  # an object that cannot be weakly referred to was never remembered
        owner = _OWNERS.get(innermost(optimizer))
    return owner() if owner is not None else None


class Hold:
    """A scheduler's hold on its optimizer: it is the owner, and hears what happens through hooks of PyTorch's own.

    Nothing is patched. The scheduler writes again after the optimizer loads a state, and before an update when a group
    has just joined; with `follow` it counts each update. The hooks go when the scheduler is let go or forgotten.

    Raises:
        BadValue: when updates are to be followed and the optimizer has no hook for them.
    """

    def __init__(self, scheduler: "ScheduleLR", follow: bool) -> None:
        self._optimizer = scheduler.optimizer
        self._handles: list[Any] = []
        self._release = weakref.finalize(scheduler, _remove, self._handles)
        self._release.atexit = False
        me = weakref.ref(scheduler)

        def loaded(_: object) -> None:
            mine = me()
            if mine is not None and not mine._idle:
                mine._write()

        def before(*_: object) -> None:
            mine = me()
            if mine is not None and len(mine.optimizer.param_groups) != len(mine.base_lrs):
                mine._write()

        self._register("register_load_state_dict_post_hook", loaded)
        self._register("register_step_pre_hook", before)
        if follow:
            updated = torch.compiler.disable(scheduler._updated)  # type: ignore[no-untyped-call]
            if not self._register("register_step_post_hook", updated):
                self.release()
                raise BadValue(
                    given=f"follow=True with {type(self._optimizer).__name__}",
                    allowed="an optimizer with register_step_post_hook, as torch.optim.Optimizer has",
                    where="attach(follow)",
                    fix="attach to the optimizer inside the wrapper, or call scheduler.step() yourself",
                )
        with suppress(TypeError):
            _OWNERS[innermost(self._optimizer)] = me

    def _register(self, name: str, hook: Callable[..., None]) -> bool:
        # A wrapper may inherit the method and lack what it works on, as Accelerate's does: then its inside has it.
        for optimizer in (self._optimizer, innermost(self._optimizer)):
            with suppress(AttributeError, TypeError):
                self._handles.append(getattr(optimizer, name)(hook))
                return True
        return False

    def release(self, scheduler: "ScheduleLR | None" = None) -> None:
        """Remove the hooks, and the scheduler from its place as owner."""
        self._release()
        if scheduler is not None and attached(self._optimizer) is scheduler:
            del _OWNERS[innermost(self._optimizer)]


def _remove(handles: list[Any]) -> None:
    for handle in handles:
        handle.remove()
    handles.clear()
